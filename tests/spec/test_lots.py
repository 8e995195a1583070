"""Lots among equal chances: they keep the chance of a slot that is told."""

from datetime import timedelta
from math import sqrt

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models.offer_kinds import Offers
from models.places import allocate
from tests.spec.drawn_decisions import decisions
from tests.spec.drawn_places import AS_OF, night, offered, place, with_place

BANDS = {
    "two of three": (
        offered(EH=3),
        "top 0.9 EH\nx 0.5001 EH\ny 0.5 EH\nz 0.4999 EH\nlow 0.1 EH",
        {"top": 1.0, "x": 2 / 3, "y": 2 / 3, "z": 2 / 3, "low": 0.0},
    ),
    "equal ones that all have a slot are no tie": (offered(EH=2), "x 0.5 EH\ny 0.5 EH\nz 0.2 EH", {"x": 1.0, "y": 1.0, "z": 0.0}),
    "two draws": (offered(FGC=1, EH=1), "x 0.5 FGC,EH\ny 0.5 FGC,EH\nz 0.5 FGC,EH\nw 0.5 FGC,EH", dict.fromkeys("wxyz", 0.5)),
    "a second draw with another": (
        offered(FGC=1, EH=1),
        "x 0.5 FGC,EH\ny 0.5 FGC,EH\nz 0.5 EH",
        {"x": 3 / 4, "y": 3 / 4, "z": 0.5},
    ),
    "a second draw without a rival": (
        offered(FGC=1, EH=1),
        "x 0.5 FGC,EH\ny 0.5 FGC,EH\nz 0.2 EH",
        {"x": 1.0, "y": 1.0, "z": 0.0},
    ),
    "draws of different families": (offered(FGC=1, EH=1), "v 0.9 FGC\nx 0.5 EH\ny 0.5 EH", {"v": 1.0, "x": 0.5, "y": 0.5}),
    "no slot": (offered(EH=0), "x 0.5 EH\ny 0.5 EH", {"x": 0.0, "y": 0.0}),
}
SEEDS = 150
DRAWN = ("two of three", "two draws", "a second draw with another")


@pytest.mark.parametrize(("offers", "rows", "odds"), BANDS.values(), ids=list(BANDS))
def test_the_chance_of_a_slot_is_exact(offers: Offers, rows: str, odds: dict[str, float]) -> None:
    found = place(f"family chance kinds\n{rows}", offers)
    assert dict(found.select("family_id", "slot_chance").iter_rows()) == pytest.approx(odds)


@pytest.mark.parametrize("name", DRAWN)
def test_the_lots_keep_the_chance_that_was_told(name: str) -> None:
    """Over many seeds each family has a slot as often as told, to within four standard errors."""
    offers, rows, odds = BANDS[name]
    scores, eligible = night(f"family chance kinds\n{rows}")
    nights = [allocate(scores, eligible, None, decisions(), offers, {}, seed, AS_OF) for seed in range(SEEDS)]
    wins = pl.concat(nights).group_by("family_id").agg((pl.col("standing") == "place").mean())
    shares = dict(wins.iter_rows())
    assert {
        family: share
        for family, share in shares.items()
        if abs(share - odds[family]) > 4 * sqrt(odds[family] * (1 - odds[family]) / SEEDS)
    } == {}


@pytest.mark.parametrize(("rival", "chance"), [("z 0.9 EH", 0.5), ("z 0.1 EH", 1.0)])
def test_one_that_won_has_the_chance_that_losing_would_have_left_it(rival: str, chance: float) -> None:
    """Whether x wins the first draw or loses it: the second slot is certain for it, or certainly another's."""
    table = f"family chance kinds\nx 0.5 FGC,EH\ny 0.5 FGC\n{rival}"
    nights = [place(table, offered(FGC=1, EH=1), seed=seed).filter(family_id="x") for seed in range(8)]
    assert {found["slot_chance"].item() for found in nights} == {chance}


def test_who_stood_in_a_tie_band_is_told() -> None:
    found = place("family chance kinds\ntop 0.9 EH\nx 0.5 EH\ny 0.5 EH\nlow 0.1 EH", offered(EH=2))
    assert dict(found.select("family_id", "tie_band").iter_rows()) == {"top": False, "x": True, "y": True, "low": False}


TWENTY = "family chance kinds\n" + "\n".join(f"f{n:02} 0.5 FGC,EH" for n in range(20))


def test_each_kind_has_lots_of_its_own() -> None:
    """The losers of the first draw in the order of the first lots would always win the second."""
    first = [set(with_place(place(TWENTY, offered(FGC=5), seed=seed))) for seed in range(10)]
    both = [with_place(place(TWENTY, offered(EH=0, FGC=5), seed=seed)) for seed in range(10)]
    assert all(ours != set(theirs) for ours, theirs in zip(first, both, strict=True))


def test_each_night_has_lots_of_its_own() -> None:
    assert with_place(place(TWENTY, offered(EH=5))) != with_place(place(TWENTY, offered(EH=5), as_of=AS_OF + timedelta(1)))


def test_the_same_seed_draws_the_same_lots_and_another_seed_others() -> None:
    once, again, other = (place(TWENTY, offered(EH=5), seed=seed) for seed in (3, 3, 4))
    assert_frame_equal(once, again)
    assert with_place(once) != with_place(other)
