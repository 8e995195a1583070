"""Why a case has its chance, in the words of practice: what we are worried about, what is working well, the rest.

A reason is a feature's exact contribution to the log-odds. What is about the case itself (how long it has been open)
is neither worry nor strength, and what there is nothing to tell from is not known, whichever way the model takes it.
"""

from collections.abc import Sequence
from enum import StrEnum

import polars as pl

from features.definition import WAYS, Direction, Family, Feature
from models.sums import add_in_order

LEAST = 0.05  # log-odds; less moves a chance by about one in a hundred and is no reason
MOST = 3  # reasons a side
KEYS = ("as_of", "person_id", "referral_id")


class Side(StrEnum):
    """The column that a reason stands in."""

    WORRY = "worry"
    STRENGTH = "strength"
    CASE = "about the case"
    UNKNOWN = "not known"


SIDES = pl.Enum(sorted(side.value for side in Side))
NO_PUSH = pl.DataFrame(
    schema={"case": pl.UInt32, "contribution": pl.Float64, "value": pl.Float64, "place": pl.UInt16}
    | dict.fromkeys(("higher", "lower", "counts_days", "zero_is_none"), pl.Boolean)
)


def explain(contributions: pl.DataFrame, matrix: pl.DataFrame, features: Sequence[Feature], *, most: int = MOST) -> pl.DataFrame:
    """The reasons of every case, at most ``most`` a side, the largest first.

    ``contributions`` (see ``ScreeningModel.contributions``) lies row by row beside ``matrix``, which has the columns
    of ``KEYS``. The result has those and ``feature``, ``group`` (its family in the catalogue), ``contribution`` (log-odds),
    ``value`` (empty when not known), ``side``, ``words`` and ``rank`` (from 1, within case and side), sorted by case in the
    order of the matrix.
    """
    used = [feature for feature in features if feature.name in contributions.columns]
    pushes = pl.concat([NO_PUSH, *(_push(contributions, matrix, feature, place) for place, feature in enumerate(used))])
    shown = (
        pushes.with_columns(_side().cast(SIDES).alias("side"))
        .select("case", "place", "contribution", "value", "side")
        .sort("case", "side", pl.col("contribution").abs(), "place", descending=[False, False, True, False])
        .with_columns(_rank().alias("rank"))
        .filter(pl.col("rank") <= most)
    )
    cases = matrix.select(KEYS).with_row_index("case")
    return (
        _worded(shown, used)
        .join(cases, on="case", how="left", maintain_order="left")
        .select(
            *KEYS,
            *("feature", "group", "contribution", "value"),
            pl.col("side").cast(pl.String),
            "words",
            pl.col("rank").cast(pl.Int64),
        )
    )


def _rank() -> pl.Expr:
    """From 1 within case and side, of rows that are sorted so: how far the row is from the first of them."""
    row = pl.int_range(pl.len())
    first = pl.any_horizontal(pl.col("case", "side").ne_missing(pl.col("case", "side").shift()))
    return row - pl.when(first).then(row).forward_fill() + 1


def _push(contributions: pl.DataFrame, matrix: pl.DataFrame, feature: Feature, place: int) -> pl.DataFrame:
    """The cases that a feature moves by ``LEAST`` or more, and what tells the side of the reason."""
    contribution = contributions[feature.name]
    cases = (contribution.abs() >= LEAST).arg_true()
    directed = feature.direction if feature.family is not Family.CASE else Direction.EITHER
    return pl.DataFrame(
        {
            "case": cases,
            "contribution": contribution.gather(cases),
            "value": matrix[feature.name].gather(cases).cast(pl.Float64).fill_nan(None),
        },
        schema_overrides={"case": pl.UInt32},
    ).with_columns(
        place=pl.lit(place, pl.UInt16),
        higher=pl.lit(directed is Direction.HIGHER),
        lower=pl.lit(directed is Direction.LOWER),
        counts_days=pl.lit(feature.counts_days),
        zero_is_none=pl.lit(feature.zero_is_none),
    )


def add_up(contributions: pl.DataFrame, matrix: pl.DataFrame, features: Sequence[Feature]) -> pl.DataFrame:
    """What each group of features adds to the log-odds of every case: ``KEYS`` and a column per ``Family`` that is used.

    The columns of a case and the model's ``base_log_odds`` add up to the log-odds of its chance.
    """
    used = [feature for feature in features if feature.name in contributions.columns]
    members = {group: [feature.name for feature in used if feature.family is group] for group in Family}
    totals = {group.value: add_in_order(pl.col(name) for name in names) for group, names in members.items() if names}
    return matrix.select(KEYS).hstack(contributions.select(**totals))


def _worded(shown: pl.DataFrame, features: Sequence[Feature]) -> pl.DataFrame:
    """Reasons with ``feature``, ``group`` and ``words``. Many cases have the same value, so each text is written once."""
    keys = ["place", "value", "up"]
    reasons = shown.with_columns(up=pl.col("contribution") > 0)
    texts = (
        reasons.select(keys)
        .unique()
        .join(_texts(features), on="place", how="left")
        .select(*keys, "feature", "group", _words().alias("words"))
    )
    return reasons.join(texts, on=keys, how="left", nulls_equal=True, maintain_order="left")


def _texts(features: Sequence[Feature]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "place": range(len(features)),
            "feature": [feature.name for feature in features],
            "group": [feature.family.value for feature in features],
            "zero_is_none": [feature.zero_is_none for feature in features],
            "is_share": [feature.unit == "share" for feature in features],
            "worry": [feature.worry for feature in features],
            "strength": [feature.strength for feature in features],
            "absence": [feature.absence for feature in features],
        },
        schema_overrides={"place": pl.UInt16},
    )


def _is_none() -> pl.Expr:
    """Is there nothing: no event to count, or none to count the days from?"""
    return pl.col("value").is_null() | (pl.col("zero_is_none") & (pl.col("value") == 0))


def _side() -> pl.Expr:
    """A worry raises the chance as its direction says; a strength lowers it so, and is something that is there.

    What may go either way is about the case, and so is what lowers the chance by not being there: no contact, no referral and no
    finding say that nothing was heard or looked for, and not that a family does well.
    """
    up = pl.col("contribution") > 0
    return (
        pl.when(pl.col("value").is_null() & ~pl.col("counts_days"))
        .then(pl.lit(Side.UNKNOWN.value))
        .when(up & pl.any_horizontal("higher", "lower") & ~_is_none())
        .then(pl.lit(Side.WORRY.value))
        .when(~up & pl.col("lower") & ~pl.col("counts_days") & ~_is_none())
        .then(pl.lit(Side.STRENGTH.value))
        .otherwise(pl.lit(Side.CASE.value))
    )


def _words() -> pl.Expr:
    """The declared text with its number, or what absence means where there is none."""
    value, text = pl.col("value"), pl.when("up").then("worry").otherwise("strength")
    percent = (value * 100).round().cast(pl.Int64).cast(pl.String) + " %"
    shown = pl.when("is_share").then(percent).otherwise(_number(value))
    ways = {place: _way(*words) for place, words in WAYS.items()}
    for place, put in ({"{value}": shown, "{size}": _number(value.abs())} | ways).items():
        text = text.str.replace(place, put, literal=True)
    return pl.when(_is_none()).then("absence").otherwise(text)


def _number(value: pl.Expr) -> pl.Expr:
    whole = value.round().cast(pl.Int64).cast(pl.String)
    return pl.when((value == value.round()) | (value.abs() >= 10)).then(whole).otherwise(value.round(1).cast(pl.String))


def _way(up: str, down: str, level: str) -> pl.Expr:
    value = pl.col("value")
    return pl.when(value > 0).then(pl.lit(up)).when(value < 0).then(pl.lit(down)).otherwise(pl.lit(level))
