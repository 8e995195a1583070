"""When a case gets no chance, and why: in the words that the list shows.

A model learnt from tables that were kept up and from values that it saw. What it goes by can be weighed: the importances of
its features add up to 1. Where over ``MOST_UNSUPPORTED`` of that weight lies in tables that have gone stale, or in values that
training never had, too little is known to speak of a chance. Less than that is counted and not acted on.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars as pl

from features.cohort import ADULT
from features.definition import Feature
from features.matrix import needs
from features.measure import LOOK_BACK_DAYS
from models.model import Seen
from models.sums import add_in_order

MOST_UNSUPPORTED = 0.2
WIDEST = 0.5  # of a range that says something although the average chance lies in it
FRESH_DAYS = 28  # no table is stale before: training looks at it on days that lie so far apart
TIMES_AS_LONG = 3  # as the longest gap of training

TURNS_ADULT = "turns 18 before the outcome could be seen"
THIN_HISTORY = "the history on record reaches back less than two years"
OUT_OF_DATE = "what the model goes by is not kept up to date"
UNLIKE_TRAINING = "too much of what is on record is unlike anything that the model learnt from"
TOO_WIDE = "the range of its chance is too wide to tell it from an average one"


def find_stale(tonight: Mapping[str, int], training: Mapping[str, int]) -> tuple[str, ...]:
    """The tables whose newest event is too old: over ``FRESH_DAYS``, and over ``TIMES_AS_LONG`` the longest gap of training.

    Both arguments give days for each table (see ``features/freshness.py``). A table without any event tonight is stale.
    """
    limits = {table: max(FRESH_DAYS, TIMES_AS_LONG * longest) for table, longest in training.items()}
    return tuple(sorted(table for table, limit in limits.items() if table not in tonight or tonight[table] > limit))


def find_out_of_date(features: Sequence[Feature], stale: Collection[str]) -> frozenset[str]:
    """The names of the features that cannot be told without a stale table."""
    return frozenset(feature.name for feature in features if any(table in stale for table, _ in needs(feature)))


def measure_support(
    matrix: pl.DataFrame, importances: Mapping[str, float], seen: Mapping[str, Seen], out_of_date: Collection[str]
) -> pl.DataFrame:
    """How much of what the model goes by (0 to 1) has no support, per row: ``out_of_date`` and ``unlike_training``.

    A feature that is out of date counts as such, and not for its value as well. A value is unlike training when it is below
    the least or above the most of training, or empty where training never was.
    """
    old = sum(share for name, share in importances.items() if name in out_of_date)
    unlike = [
        pl.when(_is_unlike(pl.col(name), seen[name])).then(share).otherwise(0.0)
        for name, share in importances.items()
        if name not in out_of_date
    ]
    return matrix.with_columns(out_of_date=pl.lit(old, pl.Float64), unlike_training=add_in_order([pl.lit(0.0), *unlike])).select(
        "out_of_date", "unlike_training"
    )


def _is_unlike(value: pl.Expr, seen: Seen) -> pl.Expr:
    known = value.cast(pl.Float64).fill_nan(None)
    return ~known.is_between(seen.least, seen.most).fill_null(value=seen.had_empty)


def explain_abstentions(
    matrix: pl.DataFrame,
    support: pl.DataFrame,
    ranges: pl.DataFrame,
    *,
    window_start: date,
    days_to_maturity: int,
    average: float,
) -> pl.Series:
    """Why a case gets no chance, in words; empty where it gets one. The three frames lie side by side, row by row.

    ``matrix`` has ``as_of`` and ``dob``; ``support`` is of :func:`measure_support`; ``ranges`` has ``low`` and ``high``, the
    range of the chance. ``window_start`` is the first day of the history on record, ``average`` the chance of an average case:
    the highest chances have the widest ranges, so a wide one counts only where it holds the average too. The first reason that
    holds is told.
    """
    as_of = pl.col("as_of")
    adult = pl.col("dob").dt.offset_by(f"{ADULT}y") <= as_of + pl.duration(days=days_to_maturity)
    unsupported = pl.col("out_of_date") + pl.col("unlike_training") > MOST_UNSUPPORTED
    reason = (
        pl.when(adult.fill_null(value=False))
        .then(pl.lit(TURNS_ADULT))
        .when(pl.lit(window_start) > as_of - pl.duration(days=LOOK_BACK_DAYS))
        .then(pl.lit(THIN_HISTORY))
        .when(unsupported & (pl.col("out_of_date") >= pl.col("unlike_training")))
        .then(pl.lit(OUT_OF_DATE))
        .when(unsupported)
        .then(pl.lit(UNLIKE_TRAINING))
        .when(pl.col("high") - pl.col("low") > WIDEST, pl.col("low") <= average)
        .then(pl.lit(TOO_WIDE))
    )
    beside = matrix.select("as_of", "dob").hstack(support).hstack(ranges.select("low", "high"))
    return beside.select(reason_for_abstaining=reason).to_series()
