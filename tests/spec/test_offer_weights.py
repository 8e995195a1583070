"""Which rows of a training frame count for how much, after offers: drawn in, expected out."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from features.catalogue import CATALOGUE
from models.feedback import compare_feedback
from models.offer_weights import (
    MOST_WEIGHT,
    Policy,
    can_be_corrected,
    effective_rows,
    mark_offers,
    offers_of_the_list,
    weigh_rows,
)
from validation.errors import ContractError
from validation.tables.local import OFFERS

DAY = date(2024, 1, 1)


def rows(**returned: int | None) -> pl.DataFrame:
    """A row of each family on one date, with the days until its return."""
    days = list(returned.values())
    return pl.DataFrame(
        {
            "as_of": [DAY] * len(days),
            "person_id": [f"{name}1" for name in returned],
            "family_id": [f"{name}0" for name in returned],
            "group_id": list(returned),
            "returned_on": [None if day is None else DAY + timedelta(day) for day in days],
            "outcome": [day is not None for day in days],
        },
        schema_overrides={"returned_on": pl.Date},
    )


def offers(
    *made: tuple[str, int], answer: str = "ACCEPTED", by_lot: bool | None = True, chance: float | None = 0.5
) -> pl.DataFrame:
    """Offers to children on days, counted from the date of the rows."""
    return pl.DataFrame(
        {
            "offe_offer_id": [f"{person} {day}" for person, day in made],
            "offe_person_id": [person for person, _ in made],
            "offe_offered_date": [DAY + timedelta(day) for _, day in made],
            "offe_answer": [answer] * len(made),
            "offe_held_date": [None] * len(made),
            "offe_by_lot": [by_lot] * len(made),
            "offe_slot_chance": [chance] * len(made),
        },
        schema={name: OFFERS.schema[name] for name in (
            "offe_offer_id", "offe_person_id", "offe_offered_date", "offe_answer", "offe_held_date", "offe_by_lot",
            "offe_slot_chance",
        )},
    )  # fmt: skip


def draws(*made: tuple[str, int, float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "family_id": [family for family, _, _ in made],
            "drawn_on": [DAY + timedelta(day) for _, day, _ in made],
            "slot_chance": [chance for _, _, chance in made],
        }
    )


@pytest.mark.parametrize(
    ("day", "before", "in_window", "before_return"),
    [(-365, 0, 0, 0), (-364, 1, 0, 0), (0, 1, 0, 0), (1, 0, 1, 1), (99, 0, 1, 1), (100, 0, 1, 0), (365, 0, 1, 0), (366, 0, 0, 0)],
)
def test_an_offer_counts_by_its_day_and_that_of_the_return(day: int, before: int, in_window: int, before_return: int) -> None:
    marked = mark_offers(rows(a=100, b=None), offers(("a1", day)), 365)
    first, second = marked.select("offer_before", "offer_in_window", "offer_before_return").rows()
    assert first == (bool(before), bool(in_window), bool(before_return))
    assert second == (False, False, False)
    assert marked["days_to_offer"].to_list() == [day if in_window else None, None]


def test_an_offer_to_a_brother_or_sister_is_the_familys_and_its_answer_is_told() -> None:
    marked = mark_offers(rows(a=None, b=None), offers(("a0", 5), answer="DECLINED"), 365)
    assert marked["offer_in_window"].to_list() == [True, False]
    assert marked.select("offer_accepted", "offer_held", "offer_by_lot").row(0) == (False, False, True)
    assert mark_offers(rows(a=None), offers(("b1", 5)), 365)["offer_in_window"].to_list() == [False]


def test_usual_practice_is_left_alone_once_places_are_recorded() -> None:
    usual = offers(("a1", 5), by_lot=None, chance=None)
    assert offers_of_the_list(pl.concat([usual, offers(("b1", 5))]))["offe_person_id"].to_list() == ["b1"]
    assert offers_of_the_list(usual).height == 1
    assert offers_of_the_list(offers(("a1", 5), answer="DECLINED", by_lot=None, chance=None)).height == 0
    with pytest.raises(ContractError, match="'offe_slot_chance' is outside 0 to 1 in 1 rows"):
        offers_of_the_list(offers(("a1", 5), chance=1.5))


def test_of_several_versions_of_an_offer_the_latest_counts() -> None:
    earlier = offers(("a1", 5)).with_columns(known_to=pl.lit(DAY))
    latest = offers(("a1", 5), answer="DECLINED").with_columns(known_to=pl.lit(None, pl.Date))
    assert offers_of_the_list(pl.concat([earlier, latest]))["offe_answer"].to_list() == ["DECLINED"]


def test_the_chance_of_going_without_is_estimated_where_the_draws_are_not_known() -> None:
    """Half of the families have a feature by which three in four are offered something in the middle of the window."""
    count = 4_000
    hard = np.arange(count) % 2 == 0
    given = hard & (np.arange(count) % 8 != 0)
    names = [f"{number:04}" for number in range(count)]
    frame = rows(**dict.fromkeys(names)).with_columns(hard=pl.Series(hard.astype(np.float32)))
    made = offers(*[(f"{name}1", 180) for name, got in zip(names, given, strict=True) if got])
    feature = replace(CATALOGUE[0], name="hard")
    weighed = weigh_rows(mark_offers(frame, made, 365), Policy.CENSOR, 365, features=[feature])
    of = {one: weighed.filter(pl.col("hard") == one, pl.col("weight") > 0)["weight"] for one in (0, 1)}
    assert of[0].to_list() == pytest.approx([1.0] * (count // 2), abs=0.05)
    # 0.75 offers in 0.75 x 180 + 0.25 x 365 days at risk: the rate that is estimated, taken to be the same all the time
    assert of[1].to_list() == pytest.approx([np.exp(0.75 * 365 / (0.75 * 180 + 0.25 * 365))] * (count // 8), rel=0.05)


FAMILIES = rows(won=None, lost=None, twice=None, back=50, later=50, before=None, none=None)
GIVEN = offers(("won1", 20), ("later1", 80), ("before1", -10))
DRAWN = draws(
    ("won0", 20, 0.5), ("lost0", 20, 0.5), ("twice0", -30, 0.5), ("twice0", 340, 0.25), ("back0", 20, 0.5), ("back0", 51, 0.5),
    ("later0", 80, 0.5), ("before0", -10, 0.5), ("lost0", 366, 0.5),
)  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy.NAIVE, [1, 1, 1, 1, 1, 1, 1]),
        (Policy.LEAVE_OUT, [0, 1, 1, 1, 0, 0, 1]),
        (Policy.WEIGH, [0, 2, 8 / 3, 4, 0, 0, 1]),
        (Policy.CENSOR, [0, 2, 8 / 3, 2, 1, 0, 1]),
    ],
)
def test_weights_are_one_over_the_chance_of_going_without(policy: Policy, expected: list[float]) -> None:
    weighed = weigh_rows(mark_offers(FAMILIES, GIVEN, 365), policy, 365, draws=DRAWN)
    assert weighed["group_id"].to_list() == FAMILIES["group_id"].to_list()
    assert weighed["weight"].to_list() == pytest.approx(expected)


def test_weights_are_drawn_in() -> None:
    marked = mark_offers(rows(a=None), offers(("b1", 5)), 365)
    sure = draws(("a0", 5, 0.9), ("a0", 6, 0.9))
    assert weigh_rows(marked, Policy.CENSOR, 365, draws=sure)["weight"].to_list() == pytest.approx([MOST_WEIGHT])


def test_weights_by_lot_give_back_what_would_have_been_without_offers() -> None:
    """A hundred thousand families, half of them twice as likely to come back and drawn for: the offer prevents every return."""
    rng = np.random.default_rng(3)
    count = 100_000
    hard = rng.random(count) < 0.5
    day = np.ceil(rng.exponential(np.where(hard, 500, 1_500))).astype(int)
    day_of_draw = rng.integers(1, 365, count)
    wins = hard & (rng.random(count) < 0.5)
    seen = np.where(wins & (day >= day_of_draw), 10_000, day)
    names = pl.Series([f"{number:06}" for number in range(count)])
    due = pl.select(pl.when(pl.Series(seen) <= 365).then(pl.Series(seen))).to_series()
    frame = pl.DataFrame({"as_of": DAY, "person_id": names, "family_id": names, "group_id": names, "outcome": due.is_not_null()})
    frame = frame.with_columns(returned_on=pl.col("as_of") + pl.duration(days=due))
    asked = pl.DataFrame({"family_id": names, "drawn_on": DAY, "slot_chance": 0.5}).with_columns(
        drawn_on=pl.col("drawn_on") + pl.duration(days=pl.Series(day_of_draw))
    )
    made = offers(*zip(names.filter(pl.Series(wins)), day_of_draw[wins].tolist(), strict=True))
    marked = mark_offers(frame, made, 365)
    truth = (day <= 365).mean()
    error = 4 * np.sqrt(2 * truth * (1 - truth) / count)
    found = {}
    for policy in Policy:
        weighed = weigh_rows(marked, policy, 365, draws=asked.filter(pl.Series(hard)))
        found[policy] = float((weighed["outcome"] * weighed["weight"]).sum() / weighed["weight"].sum())
    assert found[Policy.CENSOR] == pytest.approx(truth, abs=error)
    assert found[Policy.WEIGH] == pytest.approx(truth, abs=error)
    assert found[Policy.NAIVE] < truth - error
    assert found[Policy.LEAVE_OUT] < truth - error


def test_without_offers_there_is_nothing_to_correct_and_nothing_is_fitted() -> None:
    none = offers()
    assert not can_be_corrected(none).possible
    found = compare_feedback(rows(a=None), [], none, [], "unrestricted_boosting", 1)
    assert found["words"] == ["No offers are on record, so there is no feedback to correct."]
    assert found["policies"] == found["differences"] == []


@pytest.mark.parametrize(("count", "chance", "possible"), [(29, 0.5, False), (30, 0.5, True), (30, 1.0, False)])
def test_it_takes_enough_places_that_were_not_certain(count: int, chance: float, possible: bool) -> None:
    verdict = can_be_corrected(offers(*[(f"{number}", 1) for number in range(count)], chance=chance))
    assert verdict.possible is possible
    assert verdict.offers == count
    assert verdict.words.startswith("Can be" if possible else "Cannot be")


@pytest.mark.parametrize(("certain", "possible"), [(4, True), (5, False)])
def test_nearly_all_places_must_have_been_drawn(certain: int, possible: bool) -> None:
    drawn = offers(*[(f"{number}", 1) for number in range(40)])
    sure = offers(*[(f"{number}", 2) for number in range(certain)], by_lot=False, chance=1.0)
    verdict = can_be_corrected(pl.concat([drawn, sure]))
    assert (verdict.possible, verdict.offers, verdict.by_lot) == (possible, 40 + certain, 40)
    assert possible or f"of {40 + certain} offers 40 were drawn by lot with a known chance; needed are 41." in verdict.words


def test_a_frame_without_the_day_of_the_return_is_refused() -> None:
    with pytest.raises(ContractError, match="lacks returned_on"):
        mark_offers(rows(a=None).drop("returned_on"), offers(("a1", 5)), 365)


def test_effective_rows() -> None:
    assert effective_rows(pl.Series([1.0, 1.0, 0.0])) == 2
    assert effective_rows(pl.Series([3.0, 1.0])) == pytest.approx(1.6)
    assert effective_rows(pl.Series([0.0])) == 0
