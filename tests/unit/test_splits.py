"""Splits go forward in time, keep a gap as long as the outcome needs, and never have a family on both sides."""

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest

from models.splits import Split, deal_families, forward_splits, pick_once_per_family, split_frame
from validation.errors import CriterionError

LAST = date(2025, 10, 1)


def grid(count: int) -> list[date]:
    return [LAST - timedelta(days=28 * back) for back in range(count)]


def rows(dates: list[date], families: int = 12) -> pl.DataFrame:
    """Every family on every date, two children each; family 0 only early, family 1 only late."""
    everyone = pl.DataFrame({"as_of": dates}).join(
        pl.DataFrame({"family": range(families)}).join(pl.DataFrame({"child": [0, 1]}), how="cross"), how="cross"
    )
    middle = sorted(dates)[len(dates) // 2]
    return everyone.filter(
        ~((pl.col("family") == 0) & (pl.col("as_of") > middle)) & ~((pl.col("family") == 1) & (pl.col("as_of") < middle))
    ).select(
        "as_of",
        ("p" + pl.concat_str("family", "child", separator="-")).alias("person_id"),
        ("r" + pl.concat_str("family", "child", separator="-")).alias("referral_id"),
        ("f" + pl.col("family").cast(pl.String)).alias("family_id"),
        ("f" + pl.col("family").cast(pl.String)).alias("group_id"),
        (pl.col("family") % 3 == 0).alias("outcome"),
    )


def test_six_years_of_history_give_one_split() -> None:
    # 6 years less 2 of look-back less the year and 28 days until outcomes are complete: 1,068 days, 39 dates
    dates = grid(39)
    (split,) = forward_splits(dates, window_days=365)
    assert split == Split(
        train_from=min(dates),
        train_to=min(dates) + timedelta(days=11 * 28),
        test_from=LAST - timedelta(days=12 * 28),
        test_to=LAST,
    )


@pytest.mark.parametrize("window_days", [365, 547])
def test_training_outcomes_were_complete_before_the_test_year(window_days: int) -> None:
    splits = forward_splits(grid(90), window_days)
    assert len(splits) >= 3
    for split in splits:
        assert split.train_to + timedelta(days=window_days + 28) <= split.test_from
        assert (split.test_to - split.test_from).days == 12 * 28
        # and no date that could have been used was left out
        assert split.train_to + timedelta(days=28 + window_days + 28) > split.test_from
    for later, earlier in pairwise(splits):
        assert earlier.test_to + timedelta(days=28) == later.test_from


def test_dates_need_no_order_and_may_repeat() -> None:
    dates = grid(60)
    assert forward_splits([*dates[::-1], *dates], 365) == forward_splits(dates, 365)


def test_too_short_a_history_is_refused_with_its_numbers() -> None:
    with pytest.raises(CriterionError, match=r"32 dates from 2023-05-17 to 2025-10-01.*393 days before them, 6 dates"):
        forward_splits(grid(32), 365)
    assert len(forward_splits(grid(33), 365)) == 1
    with pytest.raises(CriterionError, match="0 dates"):
        forward_splits([], 365)


@pytest.mark.parametrize("folds", [2, 3])
def test_no_family_is_on_both_sides_and_no_test_row_is_lost(folds: int) -> None:
    dates = grid(40)
    frame, (split,) = rows(dates), forward_splits(dates, 365)
    parts = split_frame(frame, split, seed=3, folds=folds)
    for part in parts:
        assert set(part.train["group_id"]).isdisjoint(part.test["group_id"])
        assert part.train.height
        assert part.train["as_of"].max() == split.train_to
        assert part.test["as_of"].min() == split.test_from
    tested = pl.concat([part.test for part in parts]).sort("as_of", "person_id")
    expected = frame.filter(pl.col("as_of") >= split.test_from).sort("as_of", "person_id")
    assert tested.equals(expected)


def test_families_are_left_out_of_training_whether_or_not_they_occur_later() -> None:
    """Each family trains in all folds but one: nothing depends on whether it was still there in the test year."""
    dates = grid(40)
    frame, (split,) = rows(dates), forward_splits(dates, 365)
    trained = pl.concat([part.train for part in split_frame(frame, split, seed=3, folds=3)])
    early = frame.filter(pl.col("as_of") <= split.train_to)
    counts = trained.group_by("person_id").len().sort("person_id")
    assert counts.equals(early.group_by("person_id").agg((2 * pl.len()).cast(pl.UInt32).alias("len")).sort("person_id"))


def test_dealing_depends_on_families_and_seed_but_not_on_the_order_of_rows() -> None:
    groups = pl.Series("group_id", [f"f{number % 40}" for number in range(200)])
    dealt = dict(zip(groups, deal_families(groups, 4, seed=1), strict=True))
    backwards = dict(zip(groups.reverse(), deal_families(groups.reverse(), 4, seed=1), strict=True))
    assert dealt == backwards
    assert [list(dealt.values()).count(fold) for fold in range(4)] == [10, 10, 10, 10]
    assert dealt != dict(zip(groups, deal_families(groups, 4, seed=2), strict=True))


def test_each_family_is_picked_once_at_a_seeded_date() -> None:
    frame = rows(grid(13))
    picked = pick_once_per_family(frame, seed=1)
    assert picked["family_id"].n_unique() == picked.height == 12
    assert picked.equals(pick_once_per_family(frame.reverse(), seed=1))
    assert not picked.equals(pick_once_per_family(frame, seed=2))
    assert picked["as_of"].n_unique() > 3
