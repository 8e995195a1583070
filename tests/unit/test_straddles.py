"""Splits that straddle a change are named, and leaving out what lies before it is measured where that can be done."""

import json
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from features.definition import Direction
from models.candidate import QUICK
from models.splits import Split, forward_splits
from models.straddles import BETWEEN, INSIDE, flag_straddles, measure_without
from validation.change_points import Change

DATES = [date(2021, 1, 4) + timedelta(days=28 * step) for step in range(48)]
(SPLIT, *_) = forward_splits(DATES, 365)
MIDDLE = DATES[11]


@dataclass(frozen=True)
class Column:
    name: str
    direction: Direction = Direction.EITHER


FEATURES = (Column("one"), Column("two"))


def change(on: date, measure: str = "nfa_share") -> Change:
    return Change(measure, on, 0.13, 0.0, f"It fell on {on}.")


def frame(turned_on: date | None = None, families: int = 60, seed: int = 1) -> pl.DataFrame:
    """Other families at every date; ``one`` raises the chance, but lowers it before it turned."""
    rng = np.random.default_rng(seed)
    rows = families * len(DATES)
    day = pl.Series([day for day in DATES for _ in range(families)])
    one, two = rng.normal(size=(2, rows)).astype(np.float32)
    way = np.where((day < turned_on).to_numpy(), -1.0, 1.0) if turned_on else 1.0
    name = pl.int_range(rows, eager=True).cast(pl.String)
    keys = dict.fromkeys(("person_id", "referral_id", "family_id", "group_id"), name)
    outcome = rng.random(rows) < 1 / (1 + np.exp(0.8 - 1.2 * way * one - 0.3 * two))
    return pl.DataFrame({"as_of": day, **keys, "outcome": outcome, "one": one, "two": two})


def test_a_change_is_told_by_where_it_falls() -> None:
    split = Split(date(2021, 1, 4), date(2022, 1, 3), date(2023, 2, 6), date(2024, 1, 8))
    days = [date(2020, 10, 1), date(2021, 1, 4), date(2021, 1, 5), date(2022, 1, 3), date(2022, 4, 1), date(2024, 1, 8)]
    found = flag_straddles([split], [change(day) for day in [*days, date(2024, 4, 1)]])
    assert [(one["on"], one["where"]) for one in found] == [
        ("2021-01-05", INSIDE), ("2022-01-03", INSIDE), ("2022-04-01", BETWEEN), ("2024-01-08", BETWEEN),
    ]  # fmt: skip
    assert flag_straddles([split], [change(date(2024, 4, 1))], window_days=365)[0]["where"] == BETWEEN
    assert found[0]["words"] == (
        "The split trained on 2021-01-04 to 2022-01-03 and tested on 2023-02-06 to 2024-01-08 straddles a change inside the "
        "training dates: what the model learnt is a mixture of before and after. It fell on 2021-01-05."
    )
    assert json.loads(json.dumps(found)) == found


def test_every_split_and_change_is_asked() -> None:
    splits = forward_splits(DATES, 365)
    changes = [change(MIDDLE), change(MIDDLE, "referrals")]
    found = flag_straddles(splits, changes)
    assert [(one["test_from"], one["measure"]) for one in found] == [
        (split.test_from.isoformat(), one.measure) for split in splits for one in changes
    ]  # fmt: skip
    assert flag_straddles(splits, []) == []


def test_to_leave_out_the_dates_of_other_habits_gains() -> None:
    found = measure_without(frame(MIDDLE), FEATURES, SPLIT, change(MIDDLE), "spline_logistic", 1, QUICK)
    assert found["measured"]
    precision, brier = found["average_precision"], found["brier"]
    assert 0 < precision["low"] < precision["difference"] < precision["high"]
    assert brier["low"] < brier["difference"] < brier["high"] < 0
    assert precision["difference"] == pytest.approx(precision["without"] - precision["with_all"])
    assert "would gain: average precision +" in found["words"]
    training = [day for day in DATES if day <= SPLIT.train_to]
    assert (found["dates"], found["dates_left_out"]) == (len(training), 11)
    assert found["rows"] == 60 * sum(SPLIT.test_from <= day <= SPLIT.test_to for day in DATES)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_where_nothing_changed_to_leave_dates_out_only_costs_families_to_learn_from() -> None:
    found = measure_without(frame(), FEATURES, SPLIT, change(MIDDLE), "spline_logistic", 1, QUICK)
    precision = found["average_precision"]
    assert precision["low"] < precision["difference"] < precision["high"] < 0.01
    assert precision["difference"] > -0.05
    assert "would gain" not in found["words"]


def test_what_cannot_be_measured_is_not_and_says_why() -> None:
    def words(on: date, families: int = 60) -> str:
        found = measure_without(frame(families=families), FEATURES, SPLIT, change(on), "base_rate", 1, QUICK)
        assert not found["measured"]
        assert "brier" not in found
        return str(found["words"])

    assert words(DATES[0]).endswith(": there is none among the training dates.")
    late = [day for day in DATES if day <= SPLIT.train_to][-5]
    assert "would leave 5 dates and" in words(late)
    assert "needed are at least 6 and 100, so it cannot be measured yet" in words(late)
    assert "outcomes of the rarer kind" in words(MIDDLE, families=6)
