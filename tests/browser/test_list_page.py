"""What readers open, opened as they do: the page in Chromium, the workbook in LibreOffice."""

import csv
import hashlib
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from flows.publish.night_list import REASONS, Changes, Counts, NightList
from flows.publish.page import render_page
from flows.publish.workbook import build_workbook
from models import offers

pytestmark = pytest.mark.browser

AS_OF = date(2026, 11, 24)

# family, child, chance ("" is abstained), days open; all invented
CASES = (
    ("Ash", "Ash 1", 0.62, 41),
    ("Ash", "Ash 2", 0.35, 41),
    ("Birch", "Birch 1", 0.47, 203),
    ("Cedar", "Cedar 1", 0.44, 12),
    ("Cedar", "Cedar 2", 0.44, 12),
    ("Cedar", "Cedar 3", 0.31, 12),
    ("Cedar", "Cedar 4", 0.29, 12),
    ("Cedar", "Cedar 5", None, 3),
    ("Elm", "Elm 1", 0.38, 88),
    ("Fir", "Fir 1", 0.38, 60),
    ("Hazel", "Hazel 1", 0.38, 130),
    ("Oak", "Oak 1", 0.12, 400),
    ("Yew", "Yew 1", None, 1),
)
WORDS = (
    ("worry", "3 earlier referrals in the last two years", 0.61, "referrals_in_last_730_days", 3.0),
    ("worry", "The last referral came 34 days after a case closed", 0.44, "days_since_last_closing", 34.0),
    ("worry", "Domestic abuse of a parent was found in an assessment in the last year", 0.21, "factor_3b", 1.0),
    ("strength", "No contact from the police in the last year", -0.32, "police_contacts_in_last_365_days", 0.0),
    ("strength", "Early help was completed in the last year", -0.18, "early_help_completed_in_last_365_days", 1.0),
    ("about the case", "Open for less than two months", 0.12, "days_open", 41.0),
    ("not known", "No Signs of Safety scale is recorded", 0.02, "latest_sos_scale", None),
)


def pseudonym(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def example(*, demonstration: bool = False, invented: bool = True, capacity: int = 5) -> NightList:
    """An invented night of eight families, one of them of five children, three equal at the last two places."""
    cases = pl.DataFrame(
        {
            "as_of": [AS_OF] * len(CASES),
            "person_id": [pseudonym(child) for _, child, _, _ in CASES],
            "referral_id": [pseudonym("referral of " + child) for _, child, _, _ in CASES],
            "family_id": [pseudonym(family) for family, _, _, _ in CASES],
            "chance": [chance for _, _, chance, _ in CASES],
            "abstained": [chance is None for _, _, chance, _ in CASES],
            "reason_for_abstaining": [
                "the case opened this week and nothing earlier is recorded" if chance is None else None
                for _, _, chance, _ in CASES
            ],
            "days_open": [days for _, _, _, days in CASES],
        }
    ).with_columns(
        chance_low=pl.col("chance") - 0.1, chance_high=pl.col("chance") + 0.14, chance_after_quiet_year=pl.col("chance") / 3
    )
    reasons = (
        cases.filter(~pl.col("abstained"))
        .select("as_of", "person_id", "referral_id", shown=pl.int_range(pl.len()) % 4 + 4)
        .join(
            pl.DataFrame(WORDS, orient="row", schema=["side", "words", "contribution", "feature", "value"]).with_columns(
                rank=pl.int_range(1, pl.len() + 1), group=pl.lit("earlier referrals")
            ),
            how="cross",
        )
        .filter(pl.col("rank") <= pl.col("shown"))
        .select(list(REASONS))
    )
    scored = cases.filter(~pl.col("abstained")).height
    return NightList(
        as_of=AS_OF,
        authority="Borough of Example",
        outcome="a new referral within 12 months",
        outcome_version="new_referral_within_12_months, version 1",
        model="glass box (explainable boosting)",
        model_version="7",
        demonstration=demonstration,
        invented=invented,
        extract_date=AS_OF,
        capacity=capacity,
        shuffle_seed=20261124,
        families=offers.families(cases, capacity, seed=20261124).with_columns(share_of_models=0.87, models=16),
        cases=cases,
        reasons=reasons,
        counts=Counts(
            open_cases=scored + 2 + 3,
            scored=scored,
            not_scored={"Too little is known": 2, "Turns 18 within the next 12 months": 3},
            set_aside=4,
        ),
        stale_after_days=7,
        changes=Changes(
            since=date(2026, 11, 17),
            new=(pseudonym("Ash"),),
            gone={pseudonym("Oak"): "its place in the order is lower now", pseudonym("Lime"): "the case has closed"},
        ),
    )


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The page as opened from disk on the morning after, offline; any request or complaint fails the test."""
    file = tmp_path / "list.html"
    file.write_bytes(render_page(example()))
    context = browser.new_context(offline=True, locale="en-GB", timezone_id="Europe/London")
    page = context.new_page()
    page.clock.set_fixed_time(datetime(2026, 11, 25, 8, tzinfo=UTC))
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert set(requests) == {file.as_uri()}
    assert complaints == []


def test_the_page_has_the_landmarks_and_headings_that_a_screen_reader_walks(opened: Page) -> None:
    for landmark in ("banner", "main", "contentinfo", "complementary"):
        expect(opened.get_by_role(landmark)).to_have_count(1)
    expect(opened.get_by_role("heading", level=1)).to_have_text("Early offers of help")
    levels = [int(name[1]) for name in opened.locator("h1,h2,h3,h4,h5").evaluate_all("all => all.map(h => h.tagName)")]
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))
    expect(opened.get_by_role("article")).to_have_count(5)
    expect(opened.get_by_role("heading", name="What we are worried about").first).to_be_visible()


def test_no_rule_of_accessibility_is_seriously_broken(opened: Page) -> None:
    found = Axe().run(opened).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in {"serious", "critical"}] == []


def test_the_keyboard_reaches_the_list_first_and_then_each_family(opened: Page) -> None:
    opened.keyboard.press("Tab")
    expect(opened.get_by_role("link", name="Skip to the list")).to_be_focused()
    opened.keyboard.press("Enter")
    expect(opened.locator("#list")).to_be_focused()
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")
    expect(opened.locator("#family-1")).to_be_focused()


def test_the_page_fits_a_telephone(opened: Page) -> None:
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(("day", "words"), [(1, None), (2, "This list is 8 days old."), (20, "This list is 26 days old.")])
def test_a_list_of_over_seven_days_says_how_old_it_is(opened: Page, day: int, words: str | None) -> None:
    opened.clock.set_fixed_time(datetime(2026, 12, day, 8, tzinfo=UTC))
    opened.reload()
    banner = opened.locator("#age")
    if words is None:
        expect(banner).to_be_hidden()
    else:
        expect(banner).to_be_visible()
        expect(banner).to_contain_text(words)


def test_the_page_reads_the_same_without_javascript(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "list.html"
    file.write_bytes(render_page(example()))
    page = browser.new_context(offline=True, java_script_enabled=False).new_page()
    page.goto(file.as_uri())
    expect(page.get_by_text("Do not use it after 1 December 2026")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(5)
    page.context.close()


def test_the_stamps_stand_on_every_printed_page(
    browser: Browser, read_paper: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    file, paper = tmp_path / "stamped.html", tmp_path / "stamped.pdf"
    file.write_bytes(render_page(example(demonstration=True)))
    page = browser.new_context(offline=True).new_page()
    page.goto(file.as_uri())
    page.pdf(path=paper, prefer_css_page_size=True)
    page.context.close()
    pages = read_paper(paper)
    assert len(pages) > 1
    for printed in pages:
        assert "INVENTED DATA" in printed
        assert "do not use for any child" in printed


def test_the_workbook_opens_in_libreoffice_with_the_families_of_the_page(
    opened: Page, installed: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "list.xlsx"
    file.write_bytes(build_workbook(example()))
    subprocess.run(
        [
            installed("soffice", "libreoffice"),
            "--headless",
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            "--convert-to",
            "csv",
            "--outdir",
            tmp_path,
            file,
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as csv_file:
        _title, header, *rows = csv.reader(csv_file)
    shown = opened.locator(".overview tbody th a").all_inner_texts()
    in_workbook = dict.fromkeys(row[header.index("Family reference")] for row in rows)
    assert list(in_workbook) == shown
    assert len(rows) == opened.locator(".child").count()
