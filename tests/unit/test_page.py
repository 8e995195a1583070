"""The page of the morning list: what it says, what it must never say, and how it holds together."""

import base64
import dataclasses
import hashlib
import re
from datetime import date
from itertools import pairwise

import polars as pl
import pytest
from lxml import html

from flows.publish.night_list import NONE_RECORDED, Changes, NightList, ShownKind
from flows.publish.page import NOT_FOR, render_page
from models.abstention import TURNS_ADULT
from tests.unit.night_example import EARLY_HELP, FGC, KINDS, NIGHT, THIN, example, family, pseudonym

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
LENGTHY = "Domestic abuse of a parent was found in an assessment in the last year"
CHANGES = Changes(
    since=date(2026, 11, 23),
    new=(pseudonym("ash"),),
    moved={pseudonym("cedar"): "it has a place for another offer"},
    gone={pseudonym("lime"): "the case has closed"},
    before=4,
    kept=2,
)
CHANGED = dataclasses.replace(NIGHT, changes=CHANGES)


def short(name: str) -> str:
    return pseudonym(name)[:8]


def tree(night: NightList) -> html.HtmlElement:
    return html.fromstring(render_page(night))


def words(element: html.HtmlElement) -> str:
    """All that a reader can read, with single blanks."""
    for script in element.xpath(".//script|.//style"):
        script.text = ""
    return " ".join(" ".join(element.itertext()).split())


def card(night: NightList, name: str) -> html.HtmlElement:
    return tree(night).get_element_by_id(f"f{short(name)}")


def part(night: NightList, name: str) -> str:
    return words(tree(night).get_element_by_id(name))


# --- what stands at the head


def test_the_head_says_whose_list_it_is_of_which_day_and_what_it_must_not_be_used_for() -> None:
    head = words(tree(NIGHT).xpath("//header")[0])
    for told in ("Borough of Example", "24 November 2026", "Do not use it after 1 December 2026", NOT_FOR):
        assert told in head


@pytest.mark.parametrize(
    "told",
    [
        "Tables not supplied Contacts.",
        "10 open = 8 scored + 2 not scored",
        "4 rows of tonight's data kept out because of an error.",
        "glass box, version 7",
        "Head of service, on 1 October 2026. To be reviewed by 1 April 2027.",
        "The extract of 24 November 2026",
    ],
)
def test_the_head_says_what_the_list_rests_on(told: str) -> None:
    page = tree(dataclasses.replace(NIGHT, missing_tables=("Contacts",)))
    assert told in words(page.xpath("//section[@aria-labelledby='data']")[0])


def test_every_line_about_the_night_stands_once() -> None:
    labels = [line.text for line in tree(NIGHT).xpath("//section[@aria-labelledby='data']//dt|//*[@id='about']//dt")]
    assert sorted(labels) == sorted(label for label, _ in NIGHT.about())


@pytest.mark.parametrize(
    ("conditions", "foot", "points_there"),
    [
        ("Two workers look at each offer. " + HOSTILE, "Two workers look at each offer. " + HOSTILE, True),
        ("None", "None.", False),
    ],
)
def test_the_foot_says_under_which_conditions_the_model_may_be_used(conditions: str, foot: str, points_there: bool) -> None:
    page = tree(dataclasses.replace(NIGHT, approval=dataclasses.replace(NIGHT.approval, conditions=conditions)))
    told = {line.find("dt").text: line.find("dd").text_content() for line in page.xpath("//*[@id='about']//dl/div")}
    assert told["Conditions of approval"] == foot
    head = words(page.xpath("//section[@aria-labelledby='data']")[0])
    assert ('Under conditions: see "Conditions of approval".' in head) is points_there
    assert not page.xpath("//img")


def test_the_places_of_today_stand_for_each_kind_of_offer() -> None:
    rows = [words(row) for row in tree(NIGHT).xpath("//section[@aria-labelledby='slots']//tbody/tr")]
    assert rows == ["Family Group Conference 2 2 2", "Restorative early help 1 2 1"]


@pytest.mark.parametrize(
    ("invented", "demonstration", "stamps"),
    [
        (False, False, []),
        (True, False, ["INVENTED DATA"]),
        (False, True, ["DEMONSTRATION: model trained on invented data - do not use for any child"]),
        (True, True, ["INVENTED DATA", "DEMONSTRATION: model trained on invented data - do not use for any child"]),
    ],
)
def test_the_stamps_say_what_the_data_and_the_model_are(invented: bool, demonstration: bool, stamps: list[str]) -> None:
    page = tree(dataclasses.replace(NIGHT, invented=invented, demonstration=demonstration))
    assert [line.text for line in page.xpath("//aside[@class='stamps']/p")] == stamps


# --- families with a place, and those that come next


def test_families_with_a_place_stand_under_their_kind_in_order() -> None:
    groups = tree(NIGHT).xpath("//section[@class='group']")
    assert [[each.text for each in group.iter("h2", "h3")] for group in groups] == [
        ["Family Group Conference: ", f"Family {short('ash')}", f"Family {short('birch')}"],
        ["Restorative early help: ", f"Family {short('cedar')}"],
    ]


def test_a_closed_family_shows_its_offer_children_ages_and_chance() -> None:
    summary = words(card(NIGHT, "ash").find("summary"))
    assert summary == f"Family {short('ash')} Family Group Conference 2 children: 5 to 9 child in need plan about 6 in 10"


@pytest.mark.parametrize(
    ("name", "notes"),
    [("ash", "new"), ("birch", "listed since 21 November 2026"), ("cedar", "drawn by lot"), ("elm", "not drawn by lot")],
)
def test_a_note_says_what_is_special(name: str, notes: str) -> None:
    assert words(card(CHANGED, name).xpath(".//*[@class='notes']")[0]) == notes


def test_a_family_says_what_else_it_could_be_offered_and_how_sure_the_place_is() -> None:
    assert words(card(NIGHT, "ash").xpath("./div[@class='whole']")[0]) == (
        "It could also be offered: Restorative early help. Of 16 equally good models, 14 would have listed this family."
    )


def test_a_family_that_moved_says_why() -> None:
    assert "Since the last list: it has a place for another offer." in words(card(CHANGED, "cedar"))


def test_a_waiting_family_says_what_it_could_be_offered() -> None:
    assert "When there is room it could be offered: Restorative early help." in words(card(NIGHT, "elm"))


def test_each_child_has_its_own_chance_with_range_and_quiet_year() -> None:
    first, second = card(NIGHT, "ash").xpath(".//div[@class='child']")
    assert words(first.find("h4")) == f"Child {short('ash0')}"
    assert words(first.xpath("./p[@class='chance']")[0]) == (
        "About 6 in 10 children like this one have a new referral within 12 months (between 3 and 7 in 10); about 4 in 10 do not."
    )
    assert "After 12 quiet months this would be about 4 in 10." in words(first)
    assert "About 2 in 10 children like this one" in words(second)


def test_a_child_has_age_stage_days_open_and_case() -> None:
    told = card(NIGHT, "ash").xpath("string(.//p[@class='case'])")
    assert told == f"Age 5 to 9, child in need plan, open for 41 days. Case {short('case ash0')}."


def test_the_safety_scale_is_told_with_who_and_when_and_only_if_recorded() -> None:
    first, second = card(NIGHT, "ash").xpath(".//div[@class='child']")
    assert "Signs of Safety scale: 4 out of 10 (family, 4 November 2026)." in words(first)
    assert "Signs of Safety" not in words(second)


def test_a_child_without_a_chance_says_why() -> None:
    assert f"No chance is given: {THIN}." in words(card(NIGHT, "birch"))


def test_reasons_stand_on_two_sides_and_no_more_than_three_of_each() -> None:
    sides = ("worry", "strength", "not known", "about the case")
    told = [(side, f"{side} number {n}") for side in sides for n in range(4)]
    night = example({"ash": family("place", 0.6, kind=FGC)}, reasons=told)
    found = {each.text: [line.text for line in each.getparent().iter("dd")] for each in card(night, "ash").iter("dt")}
    assert found == {
        "What we are worried about": [f"worry number {n}" for n in range(3)],
        "What is working well": [f"strength number {n}" for n in range(3)],
        "What is not known": [f"not known number {n}" for n in range(2)],
        "About the case": [f"about the case number {n}" for n in range(2)],
    }


def test_a_side_without_reasons_says_so() -> None:
    night = example({"ash": family("place", 0.6, kind=FGC)}, reasons=[("worry", "a worry")])
    found = {each.text: [line.text for line in each.getparent().iter("dd")] for each in card(night, "ash").iter("dt")}
    assert found == {"What we are worried about": ["a worry"], "What is working well": [NONE_RECORDED]}


def test_nothing_is_said_of_the_sides_of_a_child_that_the_model_did_not_weigh() -> None:
    without = card(NIGHT, "birch").xpath(".//div[@class='child']")[1]
    assert "No chance is given" in words(without)
    assert NONE_RECORDED not in words(without)


def test_a_history_that_brothers_and_sisters_share_stands_once() -> None:
    first, second = card(NIGHT, "ash").xpath(".//div[@class='child']")
    assert len(first.xpath(".//svg")) == 1
    assert not second.xpath(".//svg")
    assert f"The last two years are on record as for child {short('ash0')}." in words(second)


# --- families that are shown apart


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("renew", f"{short('fir')} Restorative early help; 1 child: 5 to 9; about 3 in 10; listed since 13 October 2026"),
        ("by-law", f"{short('hazel')} 1 child: 5 to 9"),
        ("not-eligible", f"An offer is running. 1 family {short('oak')}"),
        ("no-chance", f"The history on record reaches back less than two years 2 cases {short('birch')} {short('yew')}"),
        ("changes", f"New {short('ash')} Moved {short('cedar')} it has a place for another offer Gone, and why {short('lime')}"),
        ("changes", "Of 4 families that had a place, 2 have the same one."),
    ],
)
def test_what_is_apart_is_folded_with_its_words(name: str, told: str) -> None:
    ordered = told.replace(f"{short('birch')} {short('yew')}", " ".join(sorted((short("birch"), short("yew")))))
    assert ordered in part(CHANGED, name)
    assert tree(CHANGED).get_element_by_id(name).get("open") is None


def test_offers_by_law_have_no_chance_and_stand_by_reference() -> None:
    night = example({name: family("statutory", 0.1 * n) for n, name in enumerate(("hazel", "lime", "plum"), 1)})
    names = [each.text for each in tree(night).xpath("//*[@id='by-law']//li/b")]
    assert names == sorted(names)
    assert "in 10" not in part(night, "by-law")


def test_families_of_children_about_to_turn_18_are_counted_and_not_named() -> None:
    night = example({"ash": family("place", 0.6, kind=FGC), "yew": family("not scored", None)})
    grown = dataclasses.replace(
        night,
        cases=night.cases.with_columns(reason_for_abstaining=pl.when("abstained").then(pl.lit(TURNS_ADULT))),
        counts=dataclasses.replace(night.counts, not_scored={TURNS_ADULT: 1}),
    )
    assert "Turns 18 before the outcome could be seen 1 case" in part(grown, "no-chance")
    assert short("yew") not in part(grown, "no-chance")
    assert words(tree(grown).get_element_by_id("count")) == (
        "1 family on this page, and 1 more that is counted, not named: each child with an open case there turns 18 before the "
        "outcome could be seen."
    )


def test_every_family_is_on_the_page_and_counted_once() -> None:
    page = tree(NIGHT)
    shown = [
        words(each.xpath(".//h3|./b")[0]).removeprefix("Family ") for each in page.xpath("//*[contains(@class, 'f')][@data-d]")
    ]
    assert sorted(shown) == sorted(short(name) for name in ("ash", "birch", "cedar", "elm", "fir", "hazel", "oak", "yew"))
    assert words(page.get_element_by_id("count")) == "8 families on this page."


def test_families_that_wait_behind_those_shown_are_named_without_more() -> None:
    night = example({name: family("waiting", 0.5, kinds=[FGC]) for name in ("ash", "birch", "cedar")}, next_families=1)
    page = tree(night)
    assert len(page.xpath("//*[@id='next']//details[@class='f']")) == 1
    assert [each.text for each in page.xpath("//*[@id='next']//li/b")] == sorted((short("birch"), short("cedar")))


@pytest.mark.parametrize(
    ("families", "told"),
    [
        ({}, "No case was open on 24 November 2026, so there is no family to make an offer to."),
        ({"yew": family("not scored", None)}, "1 case was open on 24 November 2026, but none could be scored"),
        ({"oak": family("not eligible", 0.5, why_not=["An offer is running."])}, "no family can be made an offer now"),
    ],
)
def test_a_list_without_a_place_says_why(families: dict[str, dict[str, object]], told: str) -> None:
    page = tree(example(families))
    assert told in page.xpath("string(//p[@class='empty'])")
    assert not page.xpath("//section[@class='group']")


# --- what it must never say


@pytest.mark.parametrize(
    "word", ["risk", "score ", "flagged", "danger", "rank", "priority", "red", "amber", "green", "severe", "#1", "1st", "grade"]
)
def test_no_word_makes_a_verdict_of_it(word: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(word)}(?!\w)", words(tree(CHANGED)).lower()) is None


def test_no_family_or_child_has_a_number_in_the_order() -> None:
    page = tree(CHANGED)
    assert not page.xpath("//ol")
    headings = [words(each) for each in page.xpath("//h3|//h4") if re.match("Family|Child", each.text or "")]
    assert all(re.fullmatch(r"(Family|Child) [0-9a-f]{8}", each) for each in headings)
    assert not page.xpath("//@data-order|//@data-rank")


# --- how it holds together


def test_headings_go_down_one_step_at_a_time() -> None:
    levels = [int(each.tag[1]) for each in tree(CHANGED).xpath("//h1|//h2|//h3|//h4|//h5")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))


def test_no_id_stands_twice_and_every_link_leads_somewhere() -> None:
    page = tree(CHANGED)
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in page.xpath("//@href")} <= set(ids)


def test_the_same_list_gives_the_same_bytes_in_any_order_of_its_rows() -> None:
    shuffled = dataclasses.replace(
        CHANGED,
        **{
            name: getattr(CHANGED, name).sample(fraction=1, shuffle=True, seed=1)
            for name in ("families", "cases", "reasons", "events")
        },
    )
    assert render_page(CHANGED) == render_page(CHANGED) == render_page(shuffled)


def test_the_page_holds_no_whole_pseudonym_and_points_nowhere_else() -> None:
    page = render_page(CHANGED).decode()
    assert re.search(r"[0-9a-f]{32}", page) is None
    assert re.search(r"https?:|src=|url\(|@import|fetch\(|XMLHttp| on[a-z]+=| style=", page) is None


def test_the_policy_of_the_page_allows_its_own_style_and_script_and_nothing_else() -> None:
    page = tree(NIGHT)
    policy = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    for tag in ("style", "script"):
        (one,) = page.xpath(f"//{tag}")
        digest = base64.b64encode(hashlib.sha256(one.text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_words_from_the_data_are_never_read_as_html() -> None:
    families = {
        "ash": family("place", 0.6, kind=FGC),
        "oak": family("not eligible", 0.5, why_not=[HOSTILE]),
    }
    night = example(
        families,
        reasons=[("worry", HOSTILE)],
        authority=HOSTILE,
        model=HOSTILE,
        missing_tables=(HOSTILE,),
        kinds=(ShownKind(FGC, HOSTILE, 2, 0),),
        changes=Changes(date(2026, 11, 23), (), {}, {pseudonym("lime"): HOSTILE}, 1, 0),
    )
    hostile = dataclasses.replace(
        night, cases=night.cases.with_columns(age_band=pl.lit(HOSTILE), stage=pl.lit(HOSTILE), safety_rater=pl.lit(HOSTILE))
    )
    page = tree(hostile)
    assert len(page.xpath("//script")) == 1
    assert not page.xpath("//img|//@onerror")
    assert words(page).count("alert(1)") >= 2 * 9


def test_three_hundred_families_of_two_children_with_all_that_can_be_shown_take_less_than_a_megabyte() -> None:
    told = [
        (side, f"{LENGTHY[: 40 + 10 * n]} {n}") for side in ("worry", "strength", "about the case", "not known") for n in range(3)
    ]
    families = {
        f"family {n}": family("place", 0.6, 0.3, kind=(FGC, EARLY_HELP)[n % 2], kinds=[FGC, EARLY_HELP]) for n in range(300)
    }
    night = example(families, reasons=told, kinds=tuple(dataclasses.replace(kind, weekly_slots=151) for kind in KINDS))
    page = render_page(night)
    assert page.count(b"<details class=f") == 300
    assert len(page) < 1_000_000


def test_ages_stand_from_young_to_old_in_words() -> None:
    bands = ["not known", "under 1", "10 to 15", "unborn"]
    night = example({"ash": family("place", 0.6, 0.5, 0.4, 0.3, kind=FGC)})
    aged = dataclasses.replace(night, cases=night.cases.with_columns(age_band=pl.Series(bands)))
    assert "4 children: unborn, under 1, 10 to 15 and age not known" in words(card(aged, "ash").find("summary"))
