"""Why a case has its chance, in the words of practice: what we are worried about, what is working well, the rest.

A reason is a feature's exact contribution to the log-odds. What is about the case itself (how long it has been open)
is neither worry nor strength, and what there is nothing to tell from is not known, whichever way the model takes it.
"""

from collections.abc import Sequence
from enum import StrEnum

import polars as pl

from features.definition import Aggregate, Family, Feature

LEAST = 0.05  # log-odds; less moves a chance by about one in a hundred and is no reason
MOST = 3  # reasons a side
SINCE = (Aggregate.DAYS_SINCE_LAST, Aggregate.DAYS_SINCE_FIRST)  # empty: it is known that there was none
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
            "about_case": [feature.family is Family.CASE for feature in features],
            "counts_from_last": [feature.aggregate in SINCE for feature in features],
            "is_yes_or_no": [feature.unit.startswith("yes") for feature in features],
            "worry": [feature.worry for feature in features],
            "strength": [feature.strength for feature in features],
            "described": [feature.description.rstrip(".") for feature in features],
            "absence": [feature.absence.removeprefix("Empty: ").rstrip(".") for feature in features],
        }
    )


def _side() -> pl.Expr:
    unknown = pl.col("value").is_null() & ~pl.col("counts_from_last")
    return (
        pl.when(unknown)
        .then(pl.lit(Side.UNKNOWN.value))
        .when("about_case")
        .then(pl.lit(Side.CASE.value))
        .when(pl.col("contribution") > 0)
        .then(pl.lit(Side.WORRY.value))
        .otherwise(pl.lit(Side.STRENGTH.value))
    )


def _words() -> pl.Expr:
    """The declared text where it is true of the value; else the description and the value.

    A text without "{value}" speaks of some ("domestic abuse was found") or, as a strength of its own, of none ("no
    contacts in the last year"). It may not be shown for a value that makes it untrue.
    """
    value = pl.col("value")
    text = pl.when(pl.col("contribution") > 0).then("worry").otherwise("strength")
    speaks_of_none = (pl.col("contribution") <= 0) & (pl.col("strength") != pl.col("worry"))
    is_true = text.str.contains("{value}", literal=True) | ((value == 0) == speaks_of_none)
    decimals = pl.when(value.abs() < 10).then(value.round(2)).otherwise(value.round(1)).cast(pl.String)
    number = pl.when(value == value.round()).then(value.cast(pl.Int64).cast(pl.String)).otherwise(decimals)
    yes_or_no = pl.when(value == 0).then(pl.lit("no")).otherwise(pl.lit("yes"))
    shown = pl.when("is_yes_or_no").then(yes_or_no).otherwise(number)
    return (
        pl.when(value.is_null())
        .then(pl.col("described") + ": " + pl.col("absence"))
        .when(is_true)
        .then(text.str.replace("{value}", number, literal=True))
        .otherwise(pl.col("described") + ": " + shown)
    )
