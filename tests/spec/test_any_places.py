"""Places of any night: what holds whoever is drawn. Families are called f0, f1 ...; the list before is of the same names."""

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from models.places import Standing, allocate
from tests.spec.drawn_decisions import decisions
from tests.spec.drawn_places import AS_OF, before, night, offered, with_place

KINDS = ("FGC", "EH")
A_FAMILY = st.tuples(
    st.sampled_from(["?", "0.1", "0.5", "0.5", "0.9"]),
    st.sampled_from(["-", "law", "FGC", "EH", "FGC,EH"]),
    st.sampled_from([None, "FGC 2026-11-20", "EH 2026-11-20", "EH 2026-09-01"]),
    st.sampled_from([None, "other", "keep_on_the_list"]),
)
A_NIGHT = st.fixed_dictionaries(
    {
        "families": st.lists(A_FAMILY, min_size=1, max_size=12),
        "slots": st.tuples(st.integers(0, 4), st.integers(0, 4)),
        "made": st.tuples(st.integers(0, 3), st.integers(0, 3)),
        "seed": st.integers(0, 2**32 - 1),
    }
)
ANY = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def parts_of(drawn: dict[str, Any]) -> dict[str, Any]:
    """What ``allocate`` takes, of a drawn night."""
    families = list(enumerate(drawn["families"]))
    scores, eligible = night("family chance kinds\n" + "\n".join(f"f{n} {chance} {kinds}" for n, (chance, kinds, *_) in families))
    held = before("family kind since\n" + "\n".join(f"f{n} {held}" for n, (*_, held, _) in families if held))
    told = [f"f{n} {decision} 2026-11-22" for n, (*_, decision) in families if decision]
    return {"scores": scores, "eligible": eligible, "held": held, "decided": decisions("family decision on\n" + "\n".join(told)),
            "offers": offered(**dict(zip(KINDS, drawn["slots"], strict=True))),
            "made_this_week": dict(zip(KINDS, drawn["made"], strict=True)), "seed": drawn["seed"], "as_of": AS_OF}  # fmt: skip


@ANY
@given(A_NIGHT)
def test_slots_are_never_exceeded_and_every_slot_that_somebody_may_have_is_given(drawn: dict[str, Any]) -> None:
    found = allocate(**parts_of(drawn))
    for number, kind in enumerate(KINDS):
        slots = max(0, drawn["slots"][number] - drawn["made"][number])
        given_places = found.filter(standing="place", kind=kind).height
        waiting = found.filter(pl.col("standing") == "waiting", pl.col("kinds").list.contains(kind)).height
        assert given_places <= slots
        assert given_places == slots or waiting == 0


@ANY
@given(A_NIGHT)
def test_every_family_has_one_row_and_a_standing_that_fits(drawn: dict[str, Any]) -> None:
    found = allocate(**parts_of(drawn))
    assert found["family_id"].sort().to_list() == sorted(f"f{n}" for n in range(len(drawn["families"])))
    assert set(found["standing"]) <= set(Standing)
    listed = pl.col("standing").is_in(["place", "renew"])
    assert found.filter(listed != pl.col("kind").is_not_null()).is_empty()
    assert found.filter(listed != pl.col("listed_since").is_not_null()).is_empty()
    assert found.filter(listed, ~pl.col("kinds").list.contains(pl.col("kind"))).is_empty()
    assert found.filter(pl.col("standing") == "statutory", pl.col("order").is_not_null()).is_empty()
    assert found["slot_chance"].is_between(0, 1).all()


@ANY
@given(A_NIGHT, st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(drawn: dict[str, Any], shuffle: int) -> None:
    parts = parts_of(drawn)
    mixed = {
        name: part.sample(fraction=1, shuffle=True, seed=shuffle) if isinstance(part, pl.DataFrame) else part
        for name, part in parts.items()
    }
    assert_frame_equal(allocate(**mixed), allocate(**parts))


@ANY
@given(A_NIGHT, st.integers(0, 11), st.sampled_from(["0.1", "0.5", "0.9"]))
def test_one_changed_chance_moves_one_family_and_one_more_for_each_kind(drawn: dict[str, Any], which: int, chance: str) -> None:
    families = drawn["families"]
    at = which % len(families)
    old, *rest = families[at]
    if old == "?":
        old = "0.1"
    changed = {**drawn, "families": [*families[:at], (chance, *rest), *families[at + 1 :]]}
    same = {**drawn, "families": [*families[:at], (old, *rest), *families[at + 1 :]]}
    before_it, after_it = (with_place(allocate(**parts_of(each))) for each in (same, changed))
    others = {family for family in before_it.keys() | after_it.keys() if before_it.get(family) != after_it.get(family)} - {
        f"f{at}"
    }
    assert len(others) <= len(KINDS)


@ANY
@given(A_NIGHT)
def test_the_same_night_after_the_night_changes_no_place(drawn: dict[str, Any]) -> None:
    """Whoever was given a place still has it when nothing happens until the next list."""
    parts = parts_of(drawn)
    first = allocate(**parts)
    second = allocate(**{**parts, "held": first, "decided": decisions()})
    assert with_place(second) == with_place(first)
