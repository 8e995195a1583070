"""What is said of a model beyond single splits: groups, decay, stability and multiplicity, on drawn rows."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.appraisal import measure_decay, measure_groups, measure_multiplicity, measure_stability

FIRST = date(2024, 1, 1)


def rows(dates: int, families: int, seed: int = 1) -> pl.DataFrame:
    """Scored rows: one child a family, open on all dates, with a chance that is true."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.05, 0.6, families)
    came_back = rng.random(families) < chance
    child = pl.DataFrame(
        {"person_id": [f"p{at:04}" for at in range(families)], "chance": chance, "score": chance, "outcome": came_back}
    ).with_columns(referral_id=pl.col("person_id"), family_id=pl.col("person_id"), group_id=pl.col("person_id"))
    grid = pl.DataFrame({"as_of": [FIRST + timedelta(days=28 * at) for at in range(dates)]})
    return grid.join(child, how="cross").sort("as_of", "person_id")


def groups_of(scored: pl.DataFrame, value: pl.Expr) -> pl.DataFrame:
    return scored.select("as_of", "person_id", "referral_id", half=value)


def test_a_group_whose_chances_are_too_low_is_found_and_the_other_is_not() -> None:
    scored = rows(3, 800)
    girls = pl.col("person_id") < "p0400"
    lowered = scored.with_columns(chance=pl.when(girls).then(pl.col("chance") - 0.15).otherwise("chance"))
    boys, low = measure_groups(lowered, groups_of(lowered, pl.when(girls).then(pl.lit("low")).otherwise(pl.lit("as it is"))), 1)
    assert (boys["value"], low["value"]) == ("as it is", "low")
    assert boys["low"] < 0 < boys["high"]
    assert low["high"] < -0.05
    assert boys["evident"] == 0
    assert 0.05 < low["evident"] < -low["high"] + 0.02
    assert low["difference"] == pytest.approx(low["mean_chance"] - low["base_rate"])
    assert (low["rows"], low["families"], low["enough"]) == (1_200, 400, True)


def test_a_group_of_few_families_or_few_returns_is_not_enough() -> None:
    scored = rows(3, 200)
    few = groups_of(scored, pl.when(pl.col("person_id") < "p0029").then(pl.lit("few")).otherwise(pl.lit("others")))
    assert [found["enough"] for found in measure_groups(scored, few, 1)] == [False, True]
    none = scored.with_columns(outcome=pl.col("outcome") & (pl.col("person_id") >= "p0100"))
    halves = groups_of(none, pl.when(pl.col("person_id") < "p0100").then(pl.lit("quiet")).otherwise(pl.lit("others")))
    assert [found["enough"] for found in measure_groups(none, halves, 1)] == [True, False]


def test_decay_compares_the_halves_of_a_year_and_never_two_years() -> None:
    year = rows(4, 600)
    blind = pl.Series(np.random.default_rng(2).random(year.height))
    fading = year.with_columns(score=pl.when(pl.col("as_of") >= FIRST + timedelta(days=56)).then(blind).otherwise("score"))
    found = measure_decay([fading], 1)
    assert found["change"] == pytest.approx(found["later_auc"] - found["earlier_auc"])
    assert found["high"] < 0
    easy, hard = rows(4, 600, seed=5), rows(4, 600, seed=6).with_columns(score=pl.Series(np.random.default_rng(3).random(2400)))
    steady = measure_decay([easy, hard], 1)
    assert steady["low"] < 0.03
    assert abs(steady["change"]) < 0.05


def test_a_list_that_never_changes_is_kept_whole_and_one_drawn_by_lot_is_not() -> None:
    scored = rows(5, 100)
    assert measure_stability([scored], 10, 1) == {"kept": 1.0, "listed": 40, "capacity": 10}
    by_lot = scored.with_columns(chance=pl.Series(np.random.default_rng(1).random(scored.height)))
    assert measure_stability([by_lot], 10, 1)["kept"] < 0.4
    assert measure_stability([rows(1, 100)], 10, 1)["kept"] is None


def test_a_family_that_closed_does_not_count_against_the_list() -> None:
    scored = rows(2, 40)
    first = set(scored.filter(pl.col("as_of") == FIRST).sort("chance")["person_id"][-3:])
    closed = scored.filter((pl.col("as_of") == FIRST) | ~pl.col("person_id").is_in(list(first)))
    assert measure_stability([closed], 5, 1) == {"kept": 1.0, "listed": 2, "capacity": 5}


def test_bags_that_agree_list_the_same_families_and_bags_by_lot_do_not() -> None:
    scored = rows(2, 100)
    bag = pl.Array(pl.Float64, 4)
    same = scored.with_columns(bags=pl.Series(np.repeat(scored["chance"].to_numpy()[:, None], 4, axis=1), dtype=bag))
    assert measure_multiplicity(same, 10, 1) == {"models": 4, "listed": 20, "mean_share": 1.0, "listed_by_most": 1.0}
    by_lot = scored.with_columns(bags=pl.Series(np.random.default_rng(1).random((scored.height, 4)), dtype=bag))
    assert measure_multiplicity(by_lot, 10, 1)["mean_share"] < 0.4
    assert measure_multiplicity(scored, 10, 1) is None
