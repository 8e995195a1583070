"""Thirty nights in a row: the list moves only for a reason, and no family is lost between two lists."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from features.influence import as_it_stood
from flows import listing, scoring
from flows.changes import find_changes
from flows.listing import Basis, Listed
from flows.night import open_registry
from flows.scoring import Built, Scored
from flows.settings import read_settings
from flows.vintages import read_archive
from flows.workspace import Workspace
from models.model import ScreeningModel
from models.offer_kinds import read_offers, shipped_offers
from models.places import Standing
from models.team_decisions import DECIDED

LAST, NIGHTS, SEED = date(2026, 11, 22), 30, 20
WORDS = {"FGC": "Family Group Conference", "EH": "Restorative early help"}
Seen = tuple[Built, Scored]


@pytest.fixture(scope="module")
def model(trained: Any) -> ScreeningModel:
    registry: ScreeningModel = open_registry(Workspace(trained.workspace), read_settings(trained.workspace)).champion()
    return registry


@pytest.fixture(scope="module")
def nights(trained: Any, model: ScreeningModel) -> dict[date, Seen]:
    """What was known of the open cases on each of thirty nights, and their chances."""
    history = read_archive(Workspace(trained.workspace), up_to=LAST)
    days = [LAST - timedelta(days=back) for back in reversed(range(NIGHTS))]
    built = {day: scoring.build(model, as_it_stood(history, day), day) for day in days}
    return {day: (seen, scoring.explain_scores(model, seen)) for day, seen in built.items()}


def decide(listed: Listed, day: date) -> pl.DataFrame:
    """What a team decides the next morning: of three families with a place, one is offered it and one is not suitable."""
    placed = listed.families.filter(standing=Standing.PLACE).sort("order").with_row_index("at")
    decision = pl.when(pl.col("at") % 3 == 0).then(pl.lit("offered")).when(pl.col("at") % 3 == 1).then(pl.lit("not suitable"))
    return (
        placed.with_columns(decision=decision, listed_kind="kind", night=pl.lit(day), decided_on=pl.lit(day + timedelta(days=1)))
        .filter(pl.col("decision").is_not_null())
        .with_columns(
            kind=pl.when(pl.col("decision") == "offered").then("kind"),
            reason=pl.lit("Other"),
            role=pl.lit("Other"),
            imported_on="decided_on",
        )
        .select(pl.col(name).cast(dtype) for name, dtype in DECIDED.items())
    )


def run(model: ScreeningModel, nights: dict[date, Seen], every: int) -> list[tuple[date, Basis, Listed]]:
    """The lists of all nights; the team decides on every so many of them."""
    found: list[tuple[date, Basis, Listed]] = []
    basis = Basis(read_offers(shipped_offers()), pl.DataFrame(schema=DECIDED))
    for number, (day, (built, scored)) in enumerate(nights.items()):
        listed = listing.list_families(model, built, scored, basis, SEED, day)
        found.append((day, basis, listed))
        decided = pl.concat([basis.decided, decide(listed, day)]) if number % every == 0 else basis.decided
        basis = replace(basis, decided=decided, before=listed.families, since=day)
    return found


def test_thirty_nights_fill_the_slots_and_lose_no_family_without_a_reason(
    model: ScreeningModel, nights: dict[date, Seen], capsys: pytest.CaptureFixture[str]
) -> None:
    kept = before = moved = gone = 0
    for day, basis, listed in run(model, nights, every=2):
        placed = listed.families.filter(standing=Standing.PLACE)
        for kind in basis.offers.kinds:
            room = max(0, kind.weekly_slots - listed.made_this_week.get(kind.code, 0))
            assert placed.filter(kind=kind.code).height <= room, day
            if listed.families.filter(pl.col("kinds").list.contains(kind.code), standing=Standing.WAITING).height:
                assert placed.filter(kind=kind.code).height == room, day
        if basis.before is None or basis.since is None:
            continue
        changes = find_changes(listed.families, basis.before, basis.decided, WORDS, basis.since, day)
        told = changes.kept + len(changes.moved) + len(changes.gone)
        assert told == changes.before, day
        kept, before, moved, gone = (
            kept + changes.kept,
            before + changes.before,
            moved + len(changes.moved),
            gone + len(changes.gone),
        )
    with capsys.disabled():
        print(f"\nthirty nights: of {before} places {kept} stayed ({kept / before:.0%}), {moved} moved, {gone} went for a reason")
    assert gone > 0


def test_without_a_decision_a_place_is_lost_only_to_what_happened(model: ScreeningModel, nights: dict[date, Seen]) -> None:
    for (_, _, earlier), (day, basis, later) in pairwise(run(model, nights, every=NIGHTS + 1)):
        had = earlier.families.filter(standing=Standing.PLACE).select("family_id", before="kind")
        now = had.join(later.families, on="family_id", how="left")
        may = now.filter(pl.col("kinds").list.contains(pl.col("before")), pl.col("standing") != Standing.NOT_SCORED)
        for kind in basis.offers.kinds:
            room = max(0, kind.weekly_slots - later.made_this_week.get(kind.code, 0))
            holders = may.filter(before=kind.code)
            kept = holders.filter(standing=Standing.PLACE, kind=kind.code)
            assert kept.height == min(room, holders.height), (day, kind.code)


def test_one_family_more_likely_to_come_back_moves_itself_and_at_most_one_other_of_each_kind(
    model: ScreeningModel, nights: dict[date, Seen]
) -> None:
    built, scored = nights[LAST]
    basis = Basis(read_offers(shipped_offers()), pl.DataFrame(schema=DECIDED))
    asked = listing.list_families(model, built, scored, basis, SEED, LAST).families
    waiting = asked.filter(standing=Standing.WAITING).sort("order")["family_id"][-1]
    raised = pl.when(pl.col("family_id") == waiting, ~pl.col("abstained")).then(pl.lit(0.99)).otherwise("chance").alias("chance")
    cases = scored.cases.with_columns(raised)
    moved = listing.list_families(model, built, replace(scored, cases=cases), basis, SEED, LAST).families
    both = asked.select("family_id", was="standing", had="kind").join(
        moved.select("family_id", "standing", "kind"), on="family_id"
    )
    changed = both.filter(pl.col("was").ne_missing(pl.col("standing")) | pl.col("had").ne_missing(pl.col("kind")))
    assert waiting in changed["family_id"]
    assert changed.height <= 1 + len(basis.offers.kinds)


def test_the_same_night_gives_the_same_list_whatever_the_order_of_its_rows(
    model: ScreeningModel, nights: dict[date, Seen]
) -> None:
    built, scored = nights[LAST]
    basis = Basis(read_offers(shipped_offers()), pl.DataFrame(schema=DECIDED))
    mixed = replace(scored, cases=scored.cases.sample(fraction=1, shuffle=True, seed=3))
    first, second = (listing.list_families(model, built, asked, basis, SEED, LAST).families for asked in (scored, mixed))
    assert first.equals(second)
