"""How many equally good models would have listed a family: the same rule as the list's own, model by model."""

import numpy as np
import polars as pl
import pytest

from models.multiplicity import share_of_models
from models.offers import families
from validation.errors import ContractError


def test_every_model_lists_as_the_morning_list_does() -> None:
    random = np.random.default_rng(5)
    rows, models, capacity = 60, 7, 9
    chances = random.integers(0, 30, (rows, models)) / 40 + random.uniform(-4e-4, 4e-4, (rows, models))
    chances = chances.clip(0, 1)
    scores = pl.DataFrame(
        {
            "person_id": [f"p{row:02}" for row in range(rows)],
            "family_id": [f"f{number:02}" for number in random.integers(0, 25, rows)],
            "abstained": random.random(rows) < 0.2,
        }
    ).with_columns(
        as_of=pl.lit("2026-11-24").str.to_date(), referral_id=pl.lit("r"), reason_for_abstaining=pl.lit(None, pl.String)
    )
    found = share_of_models(chances, scores["family_id"], scores["abstained"], capacity)
    slots = pl.concat(
        [
            families(scores.with_columns(chance=pl.Series(chances[:, model])), capacity, seed=1).filter(
                pl.col("rank").is_not_null()
            )
            for model in range(models)
        ]
    )
    expected = slots.group_by("family_id").agg(pl.col("slot_chance").mean()).sort("family_id")
    told = found.drop_nulls()
    assert slots["tie_band"].any()
    assert told["family_id"].to_list() == expected["family_id"].to_list()
    assert told["share_of_models"].to_list() == pytest.approx(expected["slot_chance"].to_list())
    assert told["share_of_models"].sum() == pytest.approx(capacity)
    assert found["family_id"].to_list() == sorted(set(scores["family_id"]))
    assert set(told["models"]) == {models}


@pytest.mark.parametrize(
    ("capacity", "shares"),
    [
        (0, [0.0, 0.0, None]),
        (1, [0.75, 0.25, None]),  # one model for the first, one by lot
        (2, [1.0, 1.0, None]),
        (9, [1.0, 1.0, None]),
    ],
)
def test_places_that_are_drawn_by_lot_count_in_part(capacity: int, shares: list[float | None]) -> None:
    chances = np.array([[0.5, 0.3], [0.2, 0.1], [0.4, 0.3], [0.9, 0.9]])
    family = pl.Series(["ash", "ash", "elm", "oak"])
    found = share_of_models(chances, family, pl.Series([False, False, False, True]), capacity)
    assert found["share_of_models"].to_list() == shares
    assert found["models"].to_list() == [2, 2, None]


def test_a_night_without_cases_has_no_families() -> None:
    nothing = pl.Series([], dtype=pl.String)
    assert share_of_models(np.empty((0, 4)), nothing, nothing.cast(pl.Boolean), 3).is_empty()


@pytest.mark.parametrize("chances", [np.zeros((2, 3)), np.zeros((1, 0))])
def test_chances_of_other_cases_are_refused(chances: np.ndarray) -> None:
    with pytest.raises(ContractError, match="the same cases in the same order"):
        share_of_models(chances, pl.Series(["ash"]), pl.Series([False]), 1)
