"""Is a reason's sign right? What would the model say of the same case without it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from features.definition import Direction, Feature
from models.calibration import log_odds_of
from models.reasons import KEYS, Side

SPREAD = 16  # values that stand for those of the other cases
AT_ONCE = 5_000  # reasons, each with its case once for every value: what memory must hold
LEAST_CHANGE = 1e-9  # log-odds; less is no change


class GivesChances(Protocol):
    """Any model: the check knows nothing of how it comes to its chances."""

    def chances(self, matrix: pl.DataFrame) -> pl.Series:
        """The chance of the outcome, one per row."""


@dataclass(frozen=True)
class Checked:
    """Reasons of which every worry and strength agrees with the model, how many were ``shown`` before, and how many did."""

    reasons: pl.DataFrame
    shown: int
    agree: int


def check_reasons(reasons: pl.DataFrame, model: GivesChances, matrix: pl.DataFrame, features: Sequence[Feature]) -> Checked:
    """Ask the model for each shown worry and strength what it says of the case with that one feature set to a reference.

    A worry agrees when the chance is lower then, a strength when it is higher; one that does not agree is moved to "about the
    case", and only the largest there stay. ``reasons`` are those of ``models.reasons.explain`` for cases of ``matrix``.

    The reference is **none** for a worry that says that there is something, where none is the far end of the declared
    direction: no event to count (more means higher), or none to count the days from (fewer days mean higher). Everywhere else
    it is **the average**: a scale or a share has no "none", and a strength is something that is there. The average is that of
    the log-odds over the values that the cases of ``matrix`` have (16 of them, evenly spread, empty ones among them), so the two
    features of a pair are told apart.
    """
    declared = {feature.name: feature for feature in features}
    cases = matrix.select(KEYS).with_row_index("case")
    every = reasons.with_row_index("reason").join(cases, on=KEYS, how="left", maintain_order="left")
    shown = every.filter(pl.col("side").is_in([Side.WORRY.value, Side.STRENGTH.value]))
    found = [
        _check_feature(part, model, matrix, declared[str(name)], str(side))
        for (name, side), rows in shown.partition_by("feature", "side", as_dict=True, maintain_order=True).items()
        for part in rows.iter_slices(AT_ONCE)
    ]
    agree = pl.concat([pl.DataFrame(schema={"reason": pl.UInt32, "agrees": pl.Boolean}), *found])
    checked = every.join(agree, on="reason", how="left", maintain_order="left")
    return Checked(_move(checked, reasons), shown.height, int(agree["agrees"].sum()))


def _check_feature(rows: pl.DataFrame, model: GivesChances, matrix: pl.DataFrame, feature: Feature, side: str) -> pl.DataFrame:
    """``reason`` and ``agrees`` of all reasons of one feature on one side."""
    cases = matrix[rows["case"]]
    values = _references(matrix[feature.name], feature, side)
    repeated = matrix[np.repeat(rows["case"].to_numpy(), len(values))]
    replaced = repeated.with_columns(pl.concat([values] * rows.height).alias(feature.name))
    before = log_odds_of(model.chances(cases).to_numpy())
    after = log_odds_of(model.chances(replaced).to_numpy()).reshape(rows.height, -1).mean(axis=1)
    return rows.select("reason").with_columns(agrees=_agrees(before, after, side))


def _agrees(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64], side: str) -> pl.Series:
    rise = after - before
    return pl.Series(rise < -LEAST_CHANGE if side == Side.WORRY else rise > LEAST_CHANGE)


def _references(column: pl.Series, feature: Feature, side: str) -> pl.Series:
    """The values that the feature is set to: none, or those that stand for all cases."""
    if side == Side.WORRY and feature.zero_is_none and feature.direction is Direction.HIGHER:
        return pl.Series([0], dtype=column.dtype)
    if side == Side.WORRY and feature.counts_days and feature.direction is Direction.LOWER:
        return pl.Series([None], dtype=column.dtype)
    places = (np.arange(SPREAD) + 0.5) / SPREAD * len(column)
    return column.sort().gather(places.astype(np.uint32))


def _move(checked: pl.DataFrame, reasons: pl.DataFrame) -> pl.DataFrame:
    """Reasons that do not agree stand with the case; each case keeps there as many as it has room for."""
    most = int(reasons["rank"].max() or 0)  # type: ignore[arg-type]
    return (
        checked.with_columns(side=pl.when(pl.col("agrees").not_()).then(pl.lit(Side.CASE.value)).otherwise("side"))
        .sort("case", "side", pl.col("contribution").abs(), "reason", descending=[False, False, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("case", "side"))
        .filter(pl.col("rank") <= most)
        .select(reasons.columns)
    )
