"""The page and the data behind it: what it says, what it must never say, and what it refuses to show."""

import base64
import dataclasses
import hashlib
import re
from datetime import date

import polars as pl
import pytest
from lxml import html

from flows.publish.night_list import (
    REASONS,
    SHOWN_REASONS,
    SIDES,
    Changes,
    Counts,
    NightList,
    after_a_quiet_year,
    by_other_models,
    in_a_range,
    in_a_sentence,
    in_ten,
    shorten,
)
from flows.publish.page import render_page
from models import offers
from validation.errors import ChecksError

AS_OF = date(2026, 11, 24)


def pseudonym(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def example(
    chances: dict[str, list[float | None]], *, capacity: int = 2, words: str = "{side} of {child}", seed: int = 3
) -> NightList:
    """An invented night: for each family the chances of its children; each scored child has one reason on each side."""
    children = [(family, f"{family}{n}", chance) for family, of in chances.items() for n, chance in enumerate(of)]
    cases = pl.DataFrame(
        [
            (AS_OF, pseudonym(child), pseudonym("case " + child), pseudonym(family), chance, chance is None, None, 41)
            for family, child, chance in children
        ],
        schema={**offers.SCORES, "days_open": pl.Int64()},
        orient="row",
    ).with_columns(
        reason_for_abstaining=pl.when("abstained").then(pl.lit("nothing earlier is recorded")),
        chance_low=pl.col("chance") * 0.5,
        chance_high=(pl.col("chance") * 1.2).clip(upper_bound=1),
        chance_after_quiet_year=pl.col("chance") * 0.6,
    )
    reasons = pl.DataFrame(
        [
            (
                AS_OF,
                pseudonym(child),
                pseudonym("case " + child),
                f"f{n}",
                "contacts",
                0.5,
                3.0,
                side,
                words.format(side=side, child=child),
                n,
            )
            for _, child, chance in children
            if chance is not None
            for n, side in enumerate(SIDES)
        ],
        schema=REASONS,
        orient="row",
    )
    scored = cases.filter(~pl.col("abstained")).height
    return NightList(
        as_of=AS_OF,
        authority="Borough of Example",
        outcome="a new referral within 12 months",
        outcome_version="new_referral_within_12_months, version 1",
        model="glass box",
        model_version="7",
        demonstration=False,
        invented=False,
        extract_date=AS_OF,
        capacity=capacity,
        shuffle_seed=seed,
        families=offers.families(cases, capacity, seed).with_columns(share_of_models=0.87, models=16),
        cases=cases,
        reasons=reasons,
        counts=Counts(cases.height, scored, {"too little is known": cases.height - scored}, set_aside=4),
        stale_after_days=7,
    )


NIGHT = example({"ash": [0.62, 0.2], "birch": [0.41, None], "oak": [0.1]})


def text(night: NightList) -> str:
    """All that a reader of the page can read, with single blanks."""
    body = html.fromstring(render_page(night)).find("body")
    for script in body.iter("script"):
        script.text = ""
    return " ".join(body.text_content().split())


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (0.0, "fewer than 1 in 10"),
        (0.049, "fewer than 1 in 10"),
        (0.05, "about 1 in 10"),
        (0.35, "about 4 in 10"),
        (0.449, "about 4 in 10"),
        (0.949, "about 9 in 10"),
        (0.95, "more than 9 in 10"),
        (1.0, "more than 9 in 10"),
    ],
)
def test_a_chance_is_said_in_tenths(chance: float, words: str) -> None:
    assert in_ten(chance) == words


@pytest.mark.parametrize("chance", [-0.1, 1.1, float("nan")])
def test_a_number_that_is_no_chance_is_refused(chance: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        in_ten(chance)


@pytest.mark.parametrize(
    ("chance", "sentence"),
    [
        (0.35, "About 4 in 10 children like this one have a return; about 6 in 10 do not."),
        (0.01, "Fewer than 1 in 10 children like this one have a return; more than 9 in 10 do not."),
        (0.99, "More than 9 in 10 children like this one have a return; fewer than 1 in 10 do not."),
    ],
)
def test_the_sentence_says_both_ways_and_adds_up(chance: float, sentence: str) -> None:
    assert in_a_sentence(chance, "a return") == sentence


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.21, 0.43, "between 2 and 4 in 10"),
        (0.01, 0.3, "between fewer than 1 and 3 in 10"),
        (0.7, 0.97, "between 7 and more than 9 in 10"),
        (0.26, 0.34, ""),  # "about 3 in 10" says it already
        (None, None, ""),
    ],
)
def test_a_range_is_said_in_tenths(low: float | None, high: float | None, words: str) -> None:
    assert in_a_range(low, high) == words


@pytest.mark.parametrize(
    ("chance", "later", "words"),
    [
        (0.6, 0.2, "After 12 quiet months this would be about 2 in 10."),
        (0.2, 0.31, "After 12 quiet months this would be about 3 in 10."),
        (0.36, 0.34, ""),  # another tenth, but hardly another chance
        (0.34, 0.27, ""),  # another chance, but the same words
        (0.4, None, ""),
        (None, None, ""),
    ],
)
def test_a_quiet_year_is_told_where_it_changes_something(chance: float | None, later: float | None, words: str) -> None:
    assert after_a_quiet_year(chance, later) == words


def test_other_models_are_counted_whole() -> None:
    assert by_other_models(0.87, 16) == "Of 16 equally good models, 14 would have listed this family."
    assert by_other_models(None, None) == ""


def test_doubt_stands_beside_the_chance_and_not_where_there_is_none() -> None:
    first, second = html.fromstring(render_page(NIGHT)).xpath("//article")
    assert first.xpath("string(.//p[@class='models'])") == "Of 16 equally good models, 14 would have listed this family."
    assert [line.text for line in first.find_class("doubt")] == [
        "The true number may lie between 3 and 7 in 10. After 12 quiet months this would be about 4 in 10.",
        "The true number may lie between 1 and 2 in 10. After 12 quiet months this would be about 1 in 10.",
    ]
    assert len(second.find_class("doubt")) == 1  # the second child of this family has no chance


def test_references_that_would_look_the_same_are_longer() -> None:
    ids = ["aaaaaaaa11" + "0" * 22, "aaaaaaaa22" + "0" * 22, "bbbbbbbb33" + "0" * 22]
    assert shorten(ids) == {ids[0]: "aaaaaaaa11", ids[1]: "aaaaaaaa22", ids[2]: "bbbbbbbb"}
    alike = ["a" * 31 + "1", "a" * 31 + "2"]
    assert shorten(alike) == {one: one for one in alike}


def test_the_same_list_gives_the_same_bytes_in_any_order_of_its_rows() -> None:
    shuffled = dataclasses.replace(
        NIGHT,
        families=NIGHT.families.reverse(),
        cases=NIGHT.cases.sample(fraction=1, shuffle=True, seed=1),
        reasons=NIGHT.reasons.sample(fraction=1, shuffle=True, seed=1),
    )
    assert render_page(NIGHT) == render_page(NIGHT) == render_page(shuffled)


def test_the_page_holds_no_whole_pseudonym_and_points_nowhere_else() -> None:
    page = render_page(NIGHT).decode()
    assert re.search(r"[0-9a-f]{32}", page) is None
    assert re.search(r"https?:|src=|url\(|@import", page) is None
    assert pseudonym("ash")[:8] in page


def test_the_policy_of_the_page_allows_its_own_style_and_script_and_nothing_else() -> None:
    page = html.fromstring(render_page(NIGHT))
    policy = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    for tag in ("style", "script"):
        digest = hashlib.sha256(page.xpath(f"//{tag}")[0].text.encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert policy.startswith("default-src 'none'")


def test_words_from_the_data_are_never_read_as_html() -> None:
    page = render_page(example({"ash": [0.5]}, words="<script>alert(1)</script>")).decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_each_side_stands_under_its_own_heading() -> None:
    page = html.fromstring(render_page(NIGHT))
    first = page.xpath("//section[@class='child']")[0]
    found = {side.findtext("h5"): [line.text for line in side.iter("li")] for side in first.find_class("side")}
    assert found == {
        "What we are worried about": ["worry of ash0"],
        "What is working well": ["strength of ash0"],
        "About the case": ["about the case of ash0"],
        "Not known": ["not known of ash0"],
    }


def test_families_stand_in_order_with_all_their_children_and_the_rest_do_not_show() -> None:
    page = html.fromstring(render_page(NIGHT))
    families = [[h.text for h in family.iter("h4")] for family in page.iter("article")]
    child = {name: f"Child {pseudonym(name)[:8]}" for name in ("ash0", "ash1", "birch0", "birch1")}
    assert families == [[child["ash0"], child["ash1"]], [child["birch0"], child["birch1"]]]
    assert pseudonym("oak")[:8] not in text(NIGHT)


def test_a_child_about_whom_too_little_is_known_has_no_chance() -> None:
    shown = text(NIGHT)
    assert "Too little is known to give a chance: nothing earlier is recorded." in shown
    assert shown.count("children like this one have a new referral within 12 months") == 3


def test_only_the_weightiest_reasons_of_a_side_are_shown_and_the_others_counted() -> None:
    one = example({"ash": [0.5]}, capacity=1)
    worry = one.reasons.filter(pl.col("side") == "worry")
    many = pl.concat([worry.with_columns(words=pl.lit(f"worry {n}"), rank=pl.lit(n, pl.Int64)) for n in range(8)])
    shown = text(dataclasses.replace(one, reasons=many))
    assert [f"worry {n}" in shown for n in range(8)] == [n < SHOWN_REASONS for n in range(8)]
    assert '3 lighter reasons are in the workbook, sheet "Reasons".' in shown


def test_the_top_of_the_page_says_what_the_list_is_and_is_not() -> None:
    before_the_list = text(NIGHT).split("This week's families")[0]
    for words in (
        "additional, early offers",
        "Offers are voluntary",
        "A person decides",
        "Not a reason to close a case",
    ):
        assert words in before_the_list


def test_the_counts_on_the_page_add_up() -> None:
    shown = text(NIGHT)
    assert "5 open = 4 scored + 1 not scored (too little is known: 1)." in shown
    assert "3 in order = 2 listed + 1 not listed." in shown
    assert "4 rows of tonight's data kept out" in shown


def test_a_draw_among_equal_families_is_told() -> None:
    shown = text(example({"ash": [0.9], "birch": [0.4], "elm": [0.4], "fir": [0.4]}, capacity=3))
    assert "2 of 3 families with the same chance have a place; they were drawn by lot." in shown
    assert "drawn by lot" not in text(NIGHT)


def test_what_is_new_and_gone_is_told_with_the_reason() -> None:
    changes = Changes(date(2026, 11, 17), (pseudonym("ash"),), {pseudonym("lime"): "the case has closed"})
    shown = text(dataclasses.replace(NIGHT, changes=changes))
    assert "1 family is new; 1 family is no longer listed." in shown
    assert f"Family {pseudonym('lime')[:8]}: the case has closed." in shown
    assert "Since the list of" not in text(NIGHT)


@pytest.mark.parametrize(
    ("chances", "capacity", "words"),
    [
        ({}, 2, "No case was open on 24 November 2026, so there is no family to make an offer to."),
        ({"ash": [None]}, 2, "1 case was open on 24 November 2026, but none could be scored"),
        ({"ash": [0.5]}, 0, "There is room for 0 families this week, so none is listed. 1 family is in order."),
    ],
)
def test_an_empty_list_says_why(chances: dict[str, list[float | None]], capacity: int, words: str) -> None:
    night = example(chances, capacity=capacity)
    assert words in text(night)
    assert not html.fromstring(render_page(night)).xpath("//article")


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
    page = html.fromstring(render_page(dataclasses.replace(NIGHT, invented=invented, demonstration=demonstration)))
    assert [line.text for line in page.xpath("//aside[@class='stamps']/p")] == stamps


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"counts": Counts(6, 4, {"too little is known": 1}, 0)}, "'counts'.*open cases"),
        ({"counts": Counts(5, 5, {}, 0)}, "'counts'.*scored"),
        ({"capacity": 3}, "'families'.*capacity"),
        ({"shuffle_seed": 4}, "'families'.*shuffle seed"),
        ({"cases": NIGHT.cases.drop("days_open")}, "'cases'.*days_open"),
        ({"cases": NIGHT.cases.drop("chance_low")}, "'cases'.*chance_low"),
        ({"families": NIGHT.families.drop("models")}, "'families'.*models"),
        ({"reasons": NIGHT.reasons.with_columns(side=pl.lit("danger"))}, "'reasons'.*side"),
        ({"reasons": NIGHT.reasons.with_columns(person_id=pl.lit("x"))}, "'reasons'.*no case"),
        ({"reasons": NIGHT.reasons.with_columns(value=pl.lit("x"))}, "'reasons'.*wrong type"),
        ({"reasons": NIGHT.reasons.with_columns(as_of=date(2026, 1, 1))}, "'reasons'.*another night"),
        ({"changes": Changes(AS_OF, (pseudonym("oak"),), {})}, "'changes'.*not on the list"),
        ({"changes": Changes(AS_OF, (), {pseudonym("ash"): "closed"})}, "'changes'.*gone and on the list"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused_and_no_child_is_named(parts: dict[str, object], words: str) -> None:
    with pytest.raises(ChecksError, match=words) as refusal:
        dataclasses.replace(NIGHT, **parts)
    assert re.search(r"[0-9a-f]{8}", str(refusal.value)) is None
