"""Splits that go forward in time, with a gap as long as the outcome needs, and families that never straddle one.

How families are kept apart: every family is dealt, by a seeded shuffle, into one of a few folds. The test rows of a
fold are scored by a model that was trained on the earlier rows of all other folds. So each test row is scored once,
by a model that never saw its family, and the test year stays complete: a replay at the real capacity means what it
says. Families are dealt whether they occur on both sides or not. To drop from training only those that do would be to
drop rows by their outcome, since a family occurs in a later year *because* its case stayed open or it came back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from validation.errors import CriterionError

RECORDING_DAYS = 28  # how late a referral may be recorded; an outcome is complete that long after its window
TEST_DAYS = 364  # a year of whole weeks: 13 dates of the 28-day grid, 52 weeks of offers
LEAST_TRAIN_DATES = 6
FOLDS = 3


@dataclass(frozen=True)
class Split:
    """First and last date to train on and to test on, all four inclusive."""

    train_from: date
    train_to: date
    test_from: date
    test_to: date


@dataclass(frozen=True)
class Fold:
    """Rows to train on and later rows of other families to test on; columns as in the training frame."""

    train: pl.DataFrame
    test: pl.DataFrame


def forward_splits(
    dates: Iterable[date],
    window_days: int,
    *,
    recording_days: int = RECORDING_DAYS,
    test_days: int = TEST_DAYS,
    least_train_dates: int = LEAST_TRAIN_DATES,
) -> tuple[Split, ...]:
    """All splits that the complete ``dates`` give, the latest first, each a test year earlier than the one before.

    ``window_days`` is how long the outcome takes. A date may be trained on when its window and the
    ``recording_days`` had passed by the first test date. Raises ``CriterionError`` when there is not one split.
    """
    grid = sorted(set(dates))
    gap = timedelta(days=window_days + recording_days)
    splits: list[Split] = []
    later = grid
    while later:
        test = [day for day in later if day > later[-1] - timedelta(days=test_days)]
        train = [day for day in grid if day + gap <= test[0]]
        if len(train) < least_train_dates:
            break
        splits.append(Split(train[0], train[-1], test[0], test[-1]))
        later = [day for day in later if day < test[0]]
    if not splits:
        span = f" from {grid[0]} to {grid[-1]}" if grid else ""
        raise CriterionError(
            f"There are too few complete outcomes for one split forward in time: {len(grid)} dates{span}. Needed are "
            f"{test_days} days of dates to test on and, ending {gap.days} days before them, {least_train_dates} dates "
            "to train on: use an extract that reaches further back, or wait until more outcomes are complete."
        )
    return tuple(splits)


def deal_families(groups: pl.Series, folds: int, seed: int) -> npt.NDArray[np.int64]:
    """The fold (0 to ``folds`` - 1) of each row, the same for all rows of a group; fold sizes differ by one group."""
    codes = groups.rank("dense").cast(pl.Int64).to_numpy() - 1
    shuffled = np.random.default_rng(seed).permutation(int(codes.max(initial=-1)) + 1)
    return np.asarray(shuffled[codes] % folds, dtype=np.int64)


def split_frame(frame: pl.DataFrame, split: Split, seed: int, folds: int = FOLDS) -> list[Fold]:
    """The folds of one split (see the head of this file). Every test row is in exactly one fold."""
    used = frame.filter(
        pl.col("as_of").is_between(split.train_from, split.train_to) | pl.col("as_of").is_between(split.test_from, split.test_to)
    )
    dealt = used.with_columns(pl.Series("_fold", deal_families(used["group_id"], folds, seed)))
    is_test = pl.col("as_of") >= split.test_from
    return [
        Fold(
            train=dealt.filter(~is_test & (pl.col("_fold") != fold)).drop("_fold"),
            test=dealt.filter(is_test & (pl.col("_fold") == fold)).drop("_fold"),
        )
        for fold in range(folds)
    ]


def pick_once_per_family(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per ``family_id``, drawn by a seeded shuffle: rows are not cases, and long cases have many rows."""
    keys = ["as_of", "person_id", "referral_id"]
    return frame.sort(keys).sample(fraction=1.0, shuffle=True, seed=seed).unique("family_id", keep="first").sort(keys)
