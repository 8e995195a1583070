"""Input drift on small frames: what a description holds, what moves, what does not, and what is said of it."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from validation.drift import describe_inputs, measure_drift, word_drift
from validation.errors import ContractError

DAY = date(2025, 3, 31)


def matrix(rows: int = 2_000, seed: int = 1, **columns: object) -> pl.DataFrame:
    """Cases in families of two, referred in the year before the date, with columns drawn at random unless given."""
    rng = np.random.default_rng(seed)
    usual = {
        "flag": (rng.random(rows) < 0.3).astype(np.int8),
        "count": rng.poisson(2, rows),
        "days": np.where(rng.random(rows) < 0.4, np.nan, rng.exponential(200, rows)),
    }
    keys = {"as_of": [DAY] * rows, "referral_date": [DAY - timedelta(days=number % 366) for number in range(rows)]}
    family = {"family_id": [f"family {number // 2}" for number in range(rows)]}
    return pl.DataFrame({**keys, **family, **usual, **columns}).with_columns(pl.col("days").fill_nan(None))


NAMES = ["flag", "count", "days"]


def test_a_description_holds_shares_and_no_row() -> None:
    frame = matrix()
    described = describe_inputs(frame, NAMES)
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert (described["rows"], described["families"]) == (2_000, 1_000)
    flag, count, days = (described["features"][name] for name in NAMES)
    assert flag["edges"] == [0, 1]
    assert flag["shares"] == pytest.approx([1 - frame["flag"].mean(), frame["flag"].mean(), 0])
    assert count["edges"] == list(range(frame["count"].max() + 1))
    assert (len(days["edges"]), len(days["shares"])) == (9, 10)
    assert max(days["edges"]) < frame["days"].max()
    assert days["empty"] == pytest.approx(0.4, abs=0.05)
    for feature in (flag, count, days):
        assert feature["empty"] + sum(feature["shares"]) == pytest.approx(1)
    assert "family 1" not in json.dumps(described)


def test_the_same_cases_have_not_moved_and_neither_have_others_like_them() -> None:
    described = describe_inputs(matrix(), NAMES)
    assert measure_drift(described, matrix())["index"].max() < 1e-9
    moved = [measure_drift(described, matrix(rows, seed))["moved"].sum() for rows in (100, 300, 1_200) for seed in range(2, 32)]
    assert sum(moved) <= 1  # of 270
    assert word_drift(measure_drift(described, matrix(seed=2))) == "None of 3 features has moved since training."


def test_a_feature_that_flips_or_goes_empty_or_shifts_is_said_so() -> None:
    described = describe_inputs(matrix(), NAMES)
    tonight = matrix(seed=2)
    flipped = measure_drift(described, tonight.with_columns(flag=pl.lit(0)))
    assert flipped.row(0, named=True)["feature"] == "flag"
    assert flipped["moved"].to_list() == [True, False, False]
    before = f"{matrix()['flag'].mean() * 100:.1f}"
    expected = f"'flag' is over 0 for 0.0 % of cases; in training, for {before} %."
    assert word_drift(flipped) == f"1 of 3 features have moved since training. {expected}"
    emptied = measure_drift(described, tonight.with_columns(days=pl.lit(None, pl.Float64))).row(0, named=True)
    assert (emptied["empty_after"], emptied["moved"]) == (1, True)
    assert emptied["words"].startswith("'days' is empty for 100.0 % of cases; in training, for ")
    longer = measure_drift(described, tonight.with_columns(pl.col("days") * 3)).row(0, named=True)
    assert longer["moved"]
    assert longer["empty_after"] == pytest.approx(longer["empty_before"], abs=0.05)
    assert longer["words"].startswith("'days' is over ")


def test_a_feature_that_was_always_the_same_may_move_too() -> None:
    for always, now in ((0, 1), (1, 0), (0, None), (None, 0)):
        described = describe_inputs(matrix(flag=pl.Series([always] * 2_000, dtype=pl.Int8)), ["flag"])
        same, other = (matrix(flag=pl.Series([value] * 2_000, dtype=pl.Int8)) for value in (always, now))
        assert not measure_drift(described, same)["moved"].any()
        assert measure_drift(described, other)["moved"].all()


def test_old_cases_are_not_compared() -> None:
    """Training leaves out what was referred before the extract's window, and tonight's list does not."""
    old = matrix(4_000, seed=3, flag=[1] * 4_000).with_columns(pl.col("referral_date") - timedelta(days=800))
    described = describe_inputs(matrix(), NAMES)
    tonight = pl.concat([matrix(seed=2), old.select(matrix().columns).cast(matrix().schema)])
    assert not measure_drift(described, tonight)["moved"].any()
    assert describe_inputs(tonight, NAMES)["rows"] == 2_000


def test_few_families_show_little() -> None:
    described = describe_inputs(matrix(), NAMES)
    few, many = (matrix(rows, seed=2, flag=[1, 0] * (rows // 2)) for rows in (30, 2_000))
    index = [measure_drift(described, tonight).filter(pl.col("feature") == "flag").row(0, named=True) for tonight in (few, many)]
    assert [one["moved"] for one in index] == [False, True]
    assert index[0]["by_chance"] > 10 * index[1]["by_chance"]


def test_more_than_five_are_left_to_the_record() -> None:
    columns = {f"flag{number}": [0, 1] * 1_000 for number in range(7)}
    described = describe_inputs(matrix(**columns), list(columns))
    moved = measure_drift(described, matrix(**{name: [1] * 2_000 for name in columns}))
    assert word_drift(moved).endswith("The record lists the other 2.")


def test_a_matrix_of_another_model_or_of_nobody_is_refused() -> None:
    described = describe_inputs(matrix(), NAMES)
    with pytest.raises(ContractError, match=r"lacks 2 features: flag, days\. Build it"):
        measure_drift(described, matrix().drop("flag", "days"))
    with pytest.raises(ContractError, match="none of the matrix's 2000 cases was referred within 365 days"):
        measure_drift(described, matrix().with_columns(pl.col("referral_date") - timedelta(days=800)))
