"""What readers are shown: the words for chances, and the parts of a list that must fit together."""

import dataclasses
from datetime import date
from typing import Any

import polars as pl
import pytest

from flows.publish.chance_words import after_a_quiet_year, by_other_models, in_a_range, in_a_sentence, in_ten, shorten
from flows.publish.night_list import Changes, Counts
from tests.unit.night_example import EARLY_HELP, FGC, NIGHT, THIN, example, family, pseudonym
from validation.errors import ChecksError


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


def test_references_that_would_look_the_same_are_longer() -> None:
    ids = ["aaaaaaaa11" + "0" * 22, "aaaaaaaa22" + "0" * 22, "bbbbbbbb33" + "0" * 22]
    assert shorten(ids) == {ids[0]: "aaaaaaaa11", ids[1]: "aaaaaaaa22", ids[2]: "bbbbbbbb"}
    alike = ["a" * 31 + "1", "a" * 31 + "2"]
    assert shorten(alike) == {one: one for one in alike}


def test_those_with_a_place_come_first_and_then_as_many_as_are_shown_of_those_that_wait() -> None:
    waiting = {f"w{n}": family("waiting", 0.3 - n / 100, kinds=[FGC]) for n in range(5)}
    night = example(waiting | {"ash": family("place", 0.1, kind=FGC)}, next_families=2)
    assert night.shown["family_id"].to_list() == [pseudonym(name) for name in ("ash", "w0", "w1")]


def test_the_counts_of_the_list_add_up() -> None:
    told = dict(NIGHT.about())
    assert told["Cases"] == f"10 open = 8 scored + 2 not scored ({THIN}: 2)."
    assert told["Families"].startswith("8 with an open case = 3 with a place + 1 waiting + 1 to be renewed by a person")
    assert told["Room in the week from 23 November 2026"].endswith("Restorative early help: 2 a week, 1 made this week, 1 left.")


@pytest.mark.parametrize(
    ("families", "words"),
    [
        ({}, "No case was open on 24 November 2026, so there is no family to make an offer to."),
        ({"ash": family("not scored", None)}, "1 case was open on 24 November 2026, but none could be scored"),
        ({"ash": family("not eligible", 0.5)}, "Under the council's rules no family can be made an offer now."),
        ({"ash": family("place", 0.5, kind=FGC)}, ""),
    ],
)
def test_a_list_without_a_place_says_why(families: dict[str, Any], words: str) -> None:
    found = example(families).nothing_to_show
    assert found.startswith(words)
    assert bool(found) == bool(words)


NEW = (pseudonym("elm"),)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"counts": Counts(11, 8, {THIN: 2}, 0)}, "'counts'.*open cases"),
        ({"counts": Counts(10, 9, {THIN: 1}, 0)}, "'counts'.*scored"),
        ({"kinds": NIGHT.kinds[:1]}, "'families'.*not offered"),
        ({"kinds": tuple(dataclasses.replace(kind, weekly_slots=1) for kind in NIGHT.kinds)}, "'families'.*slots"),
        ({"shuffle_seed": 4}, "'families'.*shuffle seed"),
        ({"families": pl.concat([NIGHT.families, NIGHT.families.head(1)])}, "'families'.*twice"),
        ({"families": NIGHT.families.with_columns(standing=pl.lit("first"))}, "'families'.*standing"),
        ({"families": NIGHT.families.with_columns(order=pl.lit(1))}, "'families'.*statutory"),
        ({"families": NIGHT.families.head(7)}, "'cases'.*no family"),
        ({"cases": NIGHT.cases.with_columns(family_id=pl.lit("a"))}, "'cases'.*has none"),
        ({"cases": NIGHT.cases.drop("days_open")}, "'cases'.*days_open"),
        ({"cases": NIGHT.cases.with_columns(as_of=pl.lit(date(2026, 11, 23)))}, "'cases'.*another night"),
        ({"cases": NIGHT.cases.with_columns(days_open=pl.lit("long"))}, "'cases'.*wrong type"),
        ({"reasons": NIGHT.reasons.with_columns(person_id=pl.lit("a"))}, "'reasons'.*no case"),
        ({"reasons": NIGHT.reasons.with_columns(side=pl.lit("danger"))}, "'reasons'.*side"),
        ({"events": NIGHT.events.with_columns(what=pl.lit("rumour"))}, "'events'.*rumour"),
        ({"changes": Changes(date(2026, 11, 23), NEW, {}, {}, 1, 0)}, "'changes'.*new family"),
        ({"changes": Changes(date(2026, 11, 23), (), {}, {pseudonym("ash"): "closed"}, 1, 0)}, "'changes'.*gone"),
    ],
)
def test_half_a_list_is_never_shown(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(ChecksError, match=f"(?s){words}.*No list is published"):
        dataclasses.replace(NIGHT, **parts)


def test_kinds_are_called_by_their_words() -> None:
    assert [NIGHT.kind_words(code) for code in (FGC, EARLY_HELP, None)] == [
        "Family Group Conference",
        "Restorative early help",
        "",
    ]
