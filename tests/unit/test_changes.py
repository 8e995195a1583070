"""New, moved and gone since the list before: each with its reason, and no family told twice."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.changes import CLOSED, NEW_INFORMATION, NOT_SCORED, OVERTAKEN, RENEW, STATUTORY, find_changes
from flows.listing import read_before
from flows.publish.night_list import Changes
from models.team_decisions import DECIDED
from tests.unit.night_example import AS_OF, EARLY_HELP, FGC, example, family, pseudonym

SINCE = AS_OF - timedelta(days=1)
WORDS = {FGC: "Family Group Conference", EARLY_HELP: "Restorative early help"}
NONE_DECIDED = pl.DataFrame(schema=DECIDED)
ASH = family("place", 0.4, 0.2, kind=FGC, listed_since=SINCE)


def changes(
    now: dict[str, dict[str, Any]], before: dict[str, dict[str, Any]] | None = None, decided: pl.DataFrame = NONE_DECIDED
) -> Changes:
    past, today = (example(families).families for families in (before or {"ash": ASH}, now))
    return find_changes(today, past, decided, WORDS, SINCE, AS_OF)


def decide(child: str, decision: str, day: date = AS_OF) -> pl.DataFrame:
    told = {"night": min(day, SINCE), "children": [pseudonym(child)], "decision": decision, "decided_on": day}
    return pl.DataFrame([told], schema=DECIDED)


def test_a_family_that_stays_is_neither_new_nor_moved_nor_gone() -> None:
    found = changes({"ash": ASH})
    assert (found.new, dict(found.moved), dict(found.gone), found.before, found.kept) == ((), {}, {}, 1, 1)


def test_a_family_that_comes_is_new() -> None:
    found = changes({"ash": ASH, "birch": family("place", 0.5, kind=FGC)})
    assert (found.new, found.kept) == ((pseudonym("birch"),), 1)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"birch": family("waiting", 0.1)}, CLOSED),
        ({"ash": family("not scored", None, None)}, NOT_SCORED),
        ({"ash": family("statutory", 0.4)}, STATUTORY),
        ({"ash": family("renew", 0.4, kind=FGC)}, RENEW),
        (
            {"ash": family("not eligible", 0.4, why_not=["An offer is running."])},
            "under the council's rules: An offer is running.",
        ),
    ],
)
def test_a_family_without_its_place_is_gone_for_a_reason(now: dict[str, dict[str, Any]], words: str) -> None:
    found = changes(now)
    assert (dict(found.gone), dict(found.moved), found.kept) == ({pseudonym("ash"): words}, {}, 0)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (family("waiting", 0.4), OVERTAKEN),
        (family("waiting", 0.396), OVERTAKEN),
        (family("waiting", 0.3), NEW_INFORMATION),
        (family("place", 0.4, kind=EARLY_HELP), "it has a place for another offer now: Restorative early help"),
    ],
)
def test_a_family_that_is_still_in_the_order_has_moved(now: dict[str, Any], words: str) -> None:
    found = changes({"ash": now})
    assert (dict(found.moved), dict(found.gone), found.new) == ({pseudonym("ash"): words}, {}, ())


def test_what_the_team_decided_is_told_before_any_other_reason() -> None:
    found = changes({"ash": family("not eligible", 0.4, 0.2, why_not=["Offered."])}, decided=decide("ash1", "offered"))
    assert dict(found.gone) == {pseudonym("ash"): "the team recorded 'offered'"}


@pytest.mark.parametrize("day", [SINCE - timedelta(days=1), AS_OF + timedelta(days=1)])
def test_a_decision_before_the_place_or_after_the_night_is_none(day: date) -> None:
    found = changes({"ash": family("waiting", 0.4, 0.2)}, decided=decide("ash0", "offered", day))
    assert dict(found.moved) == {pseudonym("ash"): OVERTAKEN}


def test_a_family_is_known_by_its_children_when_its_own_key_changed() -> None:
    now = example({"ash": ASH}).families.with_columns(family_id=pl.lit(pseudonym("oak")))
    found = find_changes(now, example({"ash": ASH}).families, NONE_DECIDED, WORDS, SINCE, AS_OF)
    assert (found.new, dict(found.gone), found.kept) == ((), {}, 1)


def test_a_list_of_an_earlier_version_is_not_compared_with(tmp_path: Path) -> None:
    folder = tmp_path / "2026-11-23"
    folder.mkdir()
    pl.DataFrame({"family_id": ["a"], "listed": [True]}).write_parquet(folder / "list.parquet")
    assert read_before(folder) == read_before(None) == (None, None)
