"""Who has a place on a list: in order, by kind, as many as the week has slots."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models.offers import SCORES
from models.places import ELIGIBLE, HELD, PLACES, allocate
from tests.spec.drawn_decisions import decisions
from tests.spec.drawn_places import AS_OF, ONE, assert_places, before, night, offered, place, with_place
from validation.errors import ContractError, SettingsError

FIVE = """
    family  chance  kinds
    low     0.10    EH
    top     0.90    EH
    not     0.80    -
    next    0.70    EH
    dark    ?       EH
    law     0.95    law
"""


def test_places_go_down_the_order_of_those_who_may_have_one() -> None:
    assert_places(
        place(FIVE, offered(EH=2)),
        """
            family_id  order  chance  standing      kind  slot_chance  tie_band  listed_since
            top        1      0.9     place         EH    1.0          false     2026-11-24
            not        2      0.8     not_eligible  -     0.0          false     -
            next       3      0.7     place         EH    1.0          false     2026-11-24
            low        4      0.1     waiting       -     0.0          false     -
            dark       -      -       not_scored    -     0.0          false     -
            law        -      0.95    statutory     -     0.0          false     -
        """,
    )


def test_the_frame_has_its_columns_and_types() -> None:
    assert dict(place(FIVE, offered(EH=2)).schema) == PLACES


def test_words_of_refusal_and_kinds_are_handed_on() -> None:
    found = place(FIVE, offered(EH=2))
    assert found.filter(family_id="not").select("kinds", "why_not").row(0) == ([], ["It may not."])
    assert found.filter(family_id="top").select("kinds", "why_not").row(0) == (["EH"], [])


def test_five_children_take_one_slot() -> None:
    table = "family chance kinds\n" + "a 0.9 EH\n" * 5 + "b 0.1 EH"
    assert with_place(place(table, offered(EH=2))) == {"a": "EH", "b": "EH"}


@pytest.mark.parametrize("chance", ["0.0", "0.5", "1.0", "?"])
def test_a_family_that_stands_apart_by_law_is_never_put_in_order_nor_given_a_place(chance: str) -> None:
    found = place(
        f"family chance kinds\nlaw {chance} law\nb 0.1 EH", offered(EH=5), before("family kind since\nlaw EH 2026-11-20")
    )
    assert found.filter(family_id="law").select("order", "standing", "kind", "slot_chance").row(0) == (
        None,
        "statutory",
        None,
        0.0,
    )


def test_a_family_that_stands_apart_by_law_leaves_no_gap_in_the_order() -> None:
    found = place("family chance kinds\na 0.9 EH\nlaw 0.5 law\nb 0.1 EH", offered(EH=5))
    assert found["order"].to_list() == [1, 2, None]


def test_kinds_are_filled_in_the_order_of_the_file() -> None:
    table = "family chance kinds\na 0.9 FGC,EH\nb 0.8 FGC,EH\nc 0.7 EH"
    assert with_place(place(table, offered(FGC=1, EH=1))) == {"a": "FGC", "b": "EH"}
    assert with_place(place(table, offered(EH=1, FGC=1))) == {"a": "EH", "b": "FGC"}


def test_a_kind_that_nobody_may_have_gives_its_slots_to_no_other() -> None:
    found = place("family chance kinds\na 0.9 EH\nb 0.8 EH", offered(FGC=3, EH=1))
    assert with_place(found) == {"a": "EH"}


WEEK = {
    "none made yet": ({}, {"a": "EH", "b": "EH"}),
    "one made": ({"EH": 1}, {"a": "EH"}),
    "all made": ({"EH": 2}, {}),
    "more made than there are": ({"EH": 5}, {}),
    "of another kind": ({"FGC": 2}, {"a": "EH", "b": "EH"}),
}


@pytest.mark.parametrize(("made", "expected"), WEEK.values(), ids=list(WEEK))
def test_slots_are_those_of_the_week_less_the_offers_made(made: dict[str, int], expected: dict[str, str]) -> None:
    assert with_place(place("family chance kinds\na 0.9 EH\nb 0.8 EH\nc 0.7 EH", offered(EH=2), made=made)) == expected


def test_slots_that_were_not_used_do_not_carry_into_the_next_week() -> None:
    """Sunday's list is of the new week: as many places as the week has slots, however few were used before."""
    table = "family chance kinds\n" + "\n".join(f"f{n} 0.{9 - n} EH" for n in range(6))
    saturday, sunday = date(2026, 11, 21), date(2026, 11, 22)
    idle = place(table, offered(EH=2), as_of=saturday)
    assert with_place(place(table, offered(EH=2), idle, as_of=sunday)) == with_place(idle) == {"f0": "EH", "f1": "EH"}


def test_no_case_gives_no_family() -> None:
    found = allocate(pl.DataFrame(schema=SCORES), pl.DataFrame(schema=ELIGIBLE), before(), decisions(), ONE, {}, 3, AS_OF)
    assert (found.height, dict(found.schema)) == (0, PLACES)


def test_no_list_before_is_as_one_without_places() -> None:
    assert_frame_equal(place(FIVE, offered(EH=2), None), place(FIVE, offered(EH=2), before()))


GOOD = night("family chance kinds\na 0.2 EH\nb 0.1 EH")
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "scores without chances": ({"scores": GOOD[0].drop("chance")}, "'scores' lacks 'chance'"),
    "scores of another night": ({"as_of": AS_OF + timedelta(1)}, "'scores' is of another night than 2026-11-25"),
    "a family that was not judged": ({"eligible": GOOD[1].head(1)}, "'eligible' has 1 rows for 2 families"),
    "a family judged twice": ({"eligible": pl.concat([GOOD[1], GOOD[1].head(1)])}, "'eligible' has 3 rows for 2 families"),
    "other families judged": ({"eligible": GOOD[1].with_columns(family_id=pl.Series(["a", "c"]))}, "'eligible' has 2 rows for 2"),
    "eligibility without kinds": ({"eligible": GOOD[1].drop("kinds")}, "'eligible' lacks 'kinds'"),
    "a list before without dates": ({"held": before().drop("listed_since")}, "'held' lacks 'listed_since'"),
    "a place before without a kind": (
        {"held": before("family kind since\na - 2026-11-20")},
        "'held' has 1 places without a kind",
    ),
    "a family listed twice": (
        {"held": before("family kind since\na EH 2026-11-20\na EH 2026-11-20")},
        "'held' has 1 families more than once",
    ),
    "a log without days": ({"decided": decisions().drop("decided_on")}, "'decided' lacks 'decided_on'"),
}


@pytest.mark.parametrize(("faulty", "told"), WRONG.values(), ids=list(WRONG))
def test_input_in_the_wrong_shape_is_refused(faulty: dict[str, Any], told: str) -> None:
    given = {"scores": GOOD[0], "eligible": GOOD[1], "held": before(), "decided": decisions(), "offers": ONE,
             "made_this_week": {}, "seed": 3, "as_of": AS_OF} | faulty  # fmt: skip
    with pytest.raises(ContractError, match=told):
        allocate(**given)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(SettingsError, match=f"'seed' is {seed}"):
        place(FIVE, ONE, seed=seed)


def test_listed_columns_of_the_night_before_are_those_that_the_next_night_reads() -> None:
    assert set(HELD) <= set(PLACES)
