"""Why a case has its chance, in the words of practice: what we are worried about, what is working well, the rest.

A reason is a feature's exact contribution to the log-odds. What is about the case itself (how long it has been open)
is neither worry nor strength, and what there is nothing to tell from is not known, whichever way the model takes it.
"""

from collections.abc import Sequence
from enum import StrEnum

import polars as pl

from features.definition import Direction, Family, Feature

LEAST = 0.05  # log-odds; less moves a chance by about one in a hundred and is no reason
MOST = 3  # reasons a side
KEYS = ("as_of", "person_id", "referral_id")


class Side(StrEnum):
    """The column that a reason stands in."""

    WORRY = "worry"
    STRENGTH = "strength"
    CASE = "about the case"
    UNKNOWN = "not known"


def explain(contributions: pl.DataFrame, matrix: pl.DataFrame, features: Sequence[Feature], *, most: int = MOST) -> pl.DataFrame:
    """The reasons of every case, at most ``most`` a side, the largest first.

    ``contributions`` (see ``ScreeningModel.contributions``) lies row by row beside ``matrix``, which has the columns
    of ``KEYS``. The result has those and ``feature``, ``contribution`` (log-odds), ``value`` (empty when not known),
    ``side``, ``words`` and ``rank`` (from 1, within case and side), sorted by case in the order of the matrix.
    """
    used = [feature for feature in features if feature.name in contributions.columns]
    names = [feature.name for feature in used]
    cases = matrix.select(KEYS).with_row_index("case")
    values = matrix.select(pl.col(*names).cast(pl.Float64).fill_nan(None)).with_row_index("case")
    long = (
        contributions.with_row_index("case")
        .unpivot(names, index="case", variable_name="feature", value_name="contribution")
        .with_columns(values.unpivot(names, index="case", value_name="value")["value"])
        .filter(pl.col("contribution").abs() >= LEAST)
        .join(_texts(used), on="feature", how="left", maintain_order="left")
        .with_columns(_side().alias("side"))
        .sort("case", "side", pl.col("contribution").abs(), "place", descending=[False, False, True, False])
        .with_columns(pl.int_range(1, pl.len() + 1).over("case", "side").alias("rank"))
        .filter(pl.col("rank") <= most)
        .with_columns(_words().alias("words"))
    )
    return long.join(cases, on="case", how="left", maintain_order="left").select(
        *KEYS, "feature", "contribution", "value", "side", "words", pl.col("rank").cast(pl.Int64)
    )


def _texts(features: Sequence[Feature]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "feature": [feature.name for feature in features],
            "place": range(len(features)),
            "direction": [
                Direction.EITHER.value if feature.family is Family.CASE else feature.direction.value for feature in features
            ],
            "counts_days": [feature.counts_days for feature in features],
            "zero_is_none": [feature.zero_is_none for feature in features],
            "is_share": [feature.unit == "share" for feature in features],
            "worry": [feature.worry for feature in features],
            "strength": [feature.strength for feature in features],
            "absence": [feature.absence for feature in features],
        }
    )


def _is_none() -> pl.Expr:
    """Is there nothing: no event to count, or none to count the days from?"""
    return pl.col("value").is_null() | (pl.col("zero_is_none") & (pl.col("value") == 0))


def _side() -> pl.Expr:
    """A worry raises the chance as its direction says; a strength lowers it so. What may go either way is about the case.

    A count of some events that is merely below the average is no strength, so it stands with the case too.
    """
    up = pl.col("contribution") > 0
    higher, lower = pl.col("direction") == Direction.HIGHER.value, pl.col("direction") == Direction.LOWER.value
    return (
        pl.when(pl.col("value").is_null() & ~pl.col("counts_days"))
        .then(pl.lit(Side.UNKNOWN.value))
        .when(up & ((higher & ~_is_none()) | (lower & ~_is_none())))
        .then(pl.lit(Side.WORRY.value))
        .when(~up & ((higher & _is_none()) | lower))
        .then(pl.lit(Side.STRENGTH.value))
        .otherwise(pl.lit(Side.CASE.value))
    )


def _words() -> pl.Expr:
    """The declared text with its number, or what absence means where there is none."""
    value = pl.col("value")
    text = pl.when(pl.col("contribution") > 0).then("worry").otherwise("strength")
    whole = value.round().cast(pl.Int64).cast(pl.String)
    number = pl.when((value == value.round()) | (value.abs() >= 10)).then(whole).otherwise(value.round(1).cast(pl.String))
    percent = (value * 100).round().cast(pl.Int64).cast(pl.String) + " %"
    shown = pl.when("is_share").then(percent).otherwise(number)
    return pl.when(_is_none()).then("absence").otherwise(text.str.replace("{value}", shown, literal=True))
