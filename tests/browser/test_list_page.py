"""The morning list opened as its readers do: in Chromium from a file, by keyboard, on a telephone, in the dark, on paper."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from flows.publish.night_list import Changes
from flows.publish.page import render_page
from tests.unit.night_example import AS_OF, EARLY_HELP, FGC, NIGHT, pseudonym

pytestmark = pytest.mark.browser

MORNING_AFTER = datetime(2026, 11, 25, 8, tzinfo=UTC)
LATE = datetime(2026, 12, 2, 8, tzinfo=UTC)
SHOWN = dataclasses.replace(
    NIGHT,
    invented=True,
    changes=Changes(
        since=date(2026, 11, 23),
        new=(pseudonym("birch"),),
        moved={pseudonym("cedar"): "it has a place for another offer"},
        gone={pseudonym("lime"): "the case has closed"},
        before=4,
        kept=2,
    ),
    families=NIGHT.families.with_columns(
        listed_since=pl.when(family_id=pseudonym("ash")).then(AS_OF - timedelta(days=10)).otherwise("listed_since")
    ),
    cases=NIGHT.cases.with_columns(days_open=NIGHT.cases["person_id"].replace_strict({pseudonym("birch0"): 90}, default=41)),
)
NARROW, TELEPHONE, DESK = 320, 375, 1280


def short(name: str) -> str:
    return pseudonym(name)[:8]


Opener = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Opens the page from disk, offline, by a clock that stands; any request or complaint fails the test."""
    file = tmp_path / "list.html"
    file.write_bytes(render_page(SHOWN))
    requests: list[str] = []
    complaints: list[str] = []
    contexts = []

    def open_it(*, width: int = DESK, scheme: str = "light", at: datetime = MORNING_AFTER, javascript: bool = True) -> Page:
        context = browser.new_context(
            offline=True,
            locale="en-GB",
            timezone_id="Europe/London",
            color_scheme=scheme,
            viewport={"width": width, "height": 800},
            java_script_enabled=javascript,
        )
        contexts.append(context)
        page = context.new_page()
        if javascript:
            page.clock.set_fixed_time(at)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert set(requests) == {file.as_uri()}
    assert complaints == []


def unfold(page: Page) -> None:
    page.locator("details:not([open]) > summary").evaluate_all("all => all.forEach(one => one.parentElement.open = true)")


def families(page: Page) -> list[str]:
    """The references of the families that can be seen as cards, top to bottom."""
    return [each.removeprefix("Family ") for each in page.locator("details.f:visible > summary h3").all_inner_texts()]


def broken_rules(page: Page) -> list[str]:
    return [rule["id"] for rule in Axe().run(page).response["violations"]]


# --- everybody can read it


@pytest.mark.parametrize(
    ("state", "width", "scheme"),
    [
        ("closed", DESK, "light"),
        ("closed", NARROW, "dark"),
        ("all opened", DESK, "light"),
        ("all opened", DESK, "dark"),
        ("all opened", NARROW, "light"),
        ("filtered", DESK, "light"),
        ("nothing found", NARROW, "light"),
        ("stale", DESK, "dark"),
        ("stale", NARROW, "light"),
    ],
)
def test_no_rule_of_accessibility_is_broken(open_page: Opener, state: str, width: int, scheme: str) -> None:
    page = open_page(width=width, scheme=scheme, at=LATE if state == "stale" else MORNING_AFTER)
    if state == "all opened":
        unfold(page)
    if state == "filtered":
        page.get_by_label("Offer").select_option(EARLY_HELP)
    if state == "nothing found":
        page.get_by_role("searchbox").fill("nobody")
    assert broken_rules(page) == []


@pytest.mark.parametrize("width", [NARROW, TELEPHONE, DESK])
def test_nothing_is_wider_than_the_screen(open_page: Opener, width: int) -> None:
    page = open_page(width=width)
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_has_the_landmarks_that_a_screen_reader_walks(open_page: Opener) -> None:
    page = open_page()
    for landmark in ("banner", "main", "contentinfo", "complementary", "search"):
        expect(page.get_by_role(landmark)).to_have_count(1)


def test_the_keyboard_alone_reads_every_part_of_a_family(open_page: Opener) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the list")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#list")).to_be_focused()
    card = page.locator("details.f").first
    _tab_to(page, "details.f > summary")
    page.keyboard.press("Enter")
    expect(card.locator(".child")).to_have_count(2)
    for part in card.locator(".whole, .child h4, .chance, .child dt, .child dd, .child svg").all():
        expect(part).to_be_visible()
    page.keyboard.press("Tab")
    expect(card.locator(".told > summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card.get_by_text("Contacts: 20 Oct 2025; 25 Sep 2026.")).to_be_visible()


def test_the_keyboard_reaches_every_control_and_shows_where_it_is(open_page: Opener) -> None:
    page = open_page()
    reached, outlines = [], []
    controls = "a[href], input, select, button, summary"
    count = page.locator(controls).evaluate_all("all => all.filter(one => one.checkVisibility()).length")
    for _ in range(count):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(f"Array.from(document.querySelectorAll('{controls}')).indexOf(document.activeElement)"))
        outlines.append(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
    assert -1 not in reached
    assert len(set(reached)) == count
    assert set(outlines) == {"solid"}


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"'{selector}' is not reached by the Tab key")


def test_without_javascript_all_is_there_and_no_tool_that_would_not_work(open_page: Opener) -> None:
    page = open_page(javascript=False)
    expect(page.get_by_role("search")).to_be_hidden()
    expect(page.get_by_text("Do not use it after 1 December 2026")).to_be_visible()
    page.locator("details.f > summary").first.click()
    expect(page.get_by_text("About 6 in 10 children like this one")).to_be_visible()


# --- how old it is


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (datetime(2026, 11, 24, 20, tzinfo=UTC), "This list is of today."),
        (MORNING_AFTER, "This list is of last night."),
        (datetime(2026, 12, 1, 23, tzinfo=UTC), "This list is 7 days old."),
        (LATE, "STALE: this list is 8 days old. Do not use it; ask for a newer one."),
        (datetime(2026, 11, 23, 8, tzinfo=UTC), "This computer's clock is before the date of this list."),
    ],
)
def test_the_list_says_how_old_it_is(open_page: Opener, now: datetime, words: str) -> None:
    expect(open_page(at=now).get_by_role("status").first).to_contain_text(words)


@pytest.mark.parametrize(("now", "stale"), [(MORNING_AFTER, False), (LATE, True)])
def test_a_stale_list_says_so_in_its_title_too(open_page: Opener, now: datetime, stale: bool) -> None:
    assert open_page(at=now).title().startswith("STALE: ") == stale


# --- search, filters, order


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        (short("ash"), "ash"),
        (short("ash1"), "ash"),  # by a child
        (short("case birch0"), "birch"),  # by a case
        (pseudonym("cedar"), "cedar"),  # by the whole pseudonym, as other files of the night have it
        (short("ash").upper()[:6], "ash"),
    ],
)
def test_a_family_is_found_by_a_reference(open_page: Opener, sought: str, found: str) -> None:
    page = open_page()
    page.get_by_role("searchbox").fill(sought)
    assert families(page) == [short(found)]
    expect(page.locator("#count")).to_have_text("1 of 8 families shown.")


def test_a_family_that_is_folded_away_is_found_and_unfolded(open_page: Opener) -> None:
    page = open_page()
    page.get_by_role("searchbox").fill(short("oak"))
    expect(page.locator("#not-eligible").get_by_text(short("oak"))).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#not-eligible").get_by_text(short("oak"))).to_be_hidden()


def test_what_nobody_fits_says_so(open_page: Opener) -> None:
    page = open_page()
    page.get_by_role("searchbox").fill("nobody")
    assert families(page) == []
    expect(page.locator("#count")).to_contain_text("0 of 8 families shown. None on this page fits")


@pytest.mark.parametrize(
    ("label", "choice", "shown"),
    [
        ("Offer", FGC, ["ash", "birch"]),
        ("Offer", EARLY_HELP, ["cedar", "elm"]),
        ("Age of a child", "5 to 9", ["ash", "birch", "cedar", "elm"]),
    ],
)
def test_a_filter_leaves_those_that_fit(open_page: Opener, label: str, choice: str, shown: list[str]) -> None:
    page = open_page()
    page.get_by_label(label).select_option(choice)
    assert families(page) == [short(name) for name in shown]


def test_only_new_families_are_left_and_clear_brings_all_back(open_page: Opener) -> None:
    page = open_page()
    before = families(page)
    page.get_by_label("New only").check()
    assert families(page) == [short("birch")]
    page.get_by_role("button", name="Clear").click()
    assert families(page) == before
    expect(page.get_by_label("New only")).not_to_be_checked()
    expect(page.locator("#count")).to_have_text("8 families on this page.")


@pytest.mark.parametrize(
    ("order", "first"), [("Newest on the list first", "birch"), ("Longest open first", "birch"), ("Order of the list", "ash")]
)
def test_families_of_a_kind_are_put_in_another_order(open_page: Opener, order: str, first: str) -> None:
    page = open_page()
    page.get_by_label("Order").select_option("Longest open first")
    page.get_by_label("Order").select_option(order)
    assert families(page)[0] == short(first)


def test_all_families_are_opened_and_closed_at_once(open_page: Opener) -> None:
    page = open_page()
    page.get_by_role("button", name="Open all families").click()
    expect(page.locator("details.f[open]")).to_have_count(4)
    page.get_by_role("button", name="Close all families").click()
    expect(page.locator("details.f[open]")).to_have_count(0)


def test_a_link_to_what_is_folded_unfolds_it(open_page: Opener) -> None:
    page = open_page()
    page.get_by_role("link", name="Since the list of 23 November 2026").click()
    page.locator("#changes").get_by_role("link", name=short("birch")).click()
    expect(page.locator(f"#f{short('birch')} .chance").first).to_be_visible()


# --- on paper


@pytest.mark.parametrize("javascript", [True, False])
def test_paper_holds_every_family_child_and_reason(
    open_page: Opener, read_paper: Callable[[Path], list[str]], tmp_path: Path, javascript: bool
) -> None:
    page = open_page(javascript=javascript)
    paper = tmp_path / "list.pdf"
    page.pdf(path=paper, prefer_css_page_size=True)
    pages = read_paper(paper)
    printed = " ".join(" ".join(pages).split())
    for family_id, children in SHOWN.shown.select("family_id", "children").iter_rows():
        assert all(each[:8] in printed for each in (family_id, *children))
    assert [words for words in SHOWN.shown_reasons["words"] if words not in printed] == []
    assert all(each[:8] in printed for each in SHOWN.families["family_id"])
    for told in ("Contacts: 20 Oct 2025", "the case has closed", "Not a reason to close a case", "Seed of the lot"):
        assert told in printed
    assert all("INVENTED DATA" in each for each in pages)
    assert "Open all families" not in printed


def test_paper_begins_with_a_line_for_each_family_that_has_a_place(
    open_page: Opener, read_paper: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    page = open_page()
    page.pdf(path=tmp_path / "list.pdf", prefer_css_page_size=True)
    first = " ".join(read_paper(tmp_path / "list.pdf")[0].split())
    assert "At a glance: families with a place, and what was decided" in first
    sheet = first.split("At a glance")[1]
    assert all(family_id[:8] in sheet for family_id in SHOWN.placed["family_id"])
    expect(page.locator("table.sheet")).to_have_count(0)


def test_after_printing_the_page_is_as_before(open_page: Opener, tmp_path: Path) -> None:
    page = open_page()
    page.locator("details.f > summary").nth(1).click()
    page.pdf(path=tmp_path / "list.pdf")
    expect(page.locator("details[open]")).to_have_count(1)


def test_a_filtered_list_on_paper_says_that_it_is(
    open_page: Opener, read_paper: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    page = open_page()
    page.get_by_label("Offer").select_option(FGC)
    page.pdf(path=tmp_path / "list.pdf", prefer_css_page_size=True)
    assert "2 of 8 families shown." in " ".join(read_paper(tmp_path / "list.pdf"))
