"""Who is offered something, who is missed and whose chances are true: one long frame, the same shape whatever was found.

A group is compared with everybody else (see :mod:`models.ratios`). A verdict is one of three, and never a pass: there is a gap
(its interval leaves out zero with all judged cells looked at together, Bonferroni), there is none larger than ``TELLING`` (its
95 % interval lies within), or there is not enough evidence. Beside each stands the smallest gap that could have been seen, so
that silence is not taken for fairness. The four-fifths rule is no verdict: at a council's size its answer is mostly noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import polars as pl
from scipy.stats import norm

from models.evaluation import ROW
from models.offers import FAMILY, families
from models.ratios import Kind, compare, find_gap_interval, find_interval, find_spread
from validation.disclosure import FEWEST

COVERAGE = 0.95
POWER = 0.8  # with which the smallest gap would have been seen
TELLING = 0.05  # a gap that matters
WEEKS = 4  # between two dates of the grid
POOLED, ANY_SIZE = "all", ""
IN_NEED = "returned_in_need"
CELL = ("split", "size", "group", "metric")


class Verdict(StrEnum):
    """What may be said of a cell."""

    GAP = "gap"
    NO_LARGER_GAP = "no evidence of a gap larger than 5 points"
    NOT_ENOUGH = "not enough evidence"
    DESCRIBED = "described, not judged"
    TOO_FEW = "too few families"
    ABSENT = "nobody in this group"


@dataclass(frozen=True)
class Metric:
    """A ratio of two sums over rows. Does it depend on how long the list is, and on what returns were found to be?"""

    name: str
    part: pl.Expr
    whole: pl.Expr
    kind: Kind = Kind.SHARE
    judged: bool = True
    at_size: bool = False
    of_need: bool = False


_CAME_BACK, _OFFERED, _EVERY = pl.col("outcome"), pl.col("offered"), pl.lit(1.0)
_IN_NEED, _SETTLED = pl.col(IN_NEED), pl.col(IN_NEED).is_not_null()

METRICS = (
    Metric("came_back", _CAME_BACK, _EVERY, judged=False),
    Metric("returns_in_need", _IN_NEED, _SETTLED, judged=False, of_need=True),
    Metric("returns_without_need", _CAME_BACK & ~_IN_NEED, _SETTLED, of_need=True),
    Metric("mean_chance", pl.col("chance"), _EVERY, Kind.MEAN, judged=False),
    Metric("returns_beside_chances", _CAME_BACK, _EVERY, Kind.EXPECTED),
    Metric("place_in_order", pl.col("place"), _EVERY, Kind.MEAN, judged=False),
    Metric("offered", _OFFERED, _EVERY, at_size=True),
    Metric("missed_returns", _CAME_BACK & ~_OFFERED, _CAME_BACK, at_size=True),
    Metric("unneeded_approaches", _OFFERED & ~_CAME_BACK, _OFFERED, at_size=True),
    Metric("offered_without_return", _OFFERED & ~_CAME_BACK, ~_CAME_BACK, at_size=True),
)
"""Returns, those found to be in need and the others (the two add up to all), chances, whether they agree with returns, the place
in the order (0 is first, 1 is last), and for a list of each size the share that it reaches, and the false negative, false
discovery and false positive rates."""

FRAME = {
    "split": pl.String(),
    "size": pl.String(),
    "group": pl.String(),
    "value": pl.String(),
    "metric": pl.String(),
    "rows": pl.Int64(),
    "families": pl.Int64(),
    "events": pl.Int64(),
    "families_with_event": pl.Int64(),
    "estimate": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "against": pl.Float64(),
    "gap": pl.Float64(),
    "gap_low": pl.Float64(),
    "gap_high": pl.Float64(),
    "together_low": pl.Float64(),
    "together_high": pl.Float64(),
    "smallest_visible": pl.Float64(),
    "variance": pl.Float64(),
    "drawn_in": pl.Float64(),
    "verdict": pl.String(),
}
"""The columns of the long frame. ``split`` is the first day of a test year, or ``POOLED``; ``size`` names how long the list is;
``rows`` and ``families`` are those of the ratio's whole, ``events`` its part where things are counted. ``against`` is what the
estimate is held against: that of everybody else, or the average chance. ``gap`` is the one less the other, with ``gap_low`` to
``gap_high`` as its 95 % interval, and ``together_low`` to ``together_high`` as the one with all judged cells looked at together.
``smallest_visible`` is the gap that would have been seen four times in five. ``variance`` is that of the estimate over
families (of a share without any, what so many families with the rate of everybody would have); ``drawn_in`` is the estimate
drawn towards the mean of the values of its group, the more the less is known of it (DerSimonian and Laird 1986)."""

PAIRS = (("sex", "ethnicity"), ("ethnicity", "disability"))
"""Groups whose values are looked at together."""


def list_sizes(capacity: int) -> dict[str, float]:
    """Lists to look at, by what they hold: what is offered between two dates of the grid, and two larger ones beside it."""
    return {f"{WEEKS * capacity} families": WEEKS * capacity, "10 in 100 families": 0.1, "20 in 100 families": 0.2}


def measure_fairness(
    splits: Sequence[pl.DataFrame], groups: pl.DataFrame, sizes: Mapping[str, float], seed: int, *, telling: float = TELLING
) -> pl.DataFrame:
    """The long frame of every metric, group, test year and size of the list, and of all years together where there are several.

    ``splits``: scored test rows as of :func:`models.evaluation.score_split`, latest first. ``groups``: the keys of a row, a text
    or Enum column for each group, and ``returned_in_need`` (see :func:`features.outcomes.label`; without it, what rests on it is
    left out). Values of an Enum that nobody has are listed as absent. ``sizes``: by name, how many families are on the list of
    each date, or what share of them if below 1. Verdicts are given for the first of them.
    """
    names = [name for name in groups.columns if name not in (*ROW, IN_NEED)]
    parts = [(str(split["as_of"].min()), place(split, sizes, seed).join(groups, on=ROW, how="left")) for split in splits]
    together = [(POOLED, pl.concat(rows for _, rows in parts))] if len(parts) > 1 else []
    every = [*together, *parts]
    cells = pl.concat(_measure(rows, names, sizes, METRICS).with_columns(split=pl.lit(split)) for split, rows in every)
    return _arrange(cells, groups.select(names), [split for split, _ in every], list(sizes), METRICS, telling)


def measure_rows(rows: pl.DataFrame, groups: Sequence[str], metrics: Sequence[Metric], split: str) -> pl.DataFrame:
    """The long frame of other ``metrics`` over ``rows``, without any list; ``split`` says what rows these are.

    ``rows`` has ``group_id``, what the metrics read, and a text or Enum column for each of ``groups``.
    """
    cells = _measure(rows, groups, {}, metrics).with_columns(split=pl.lit(split))
    return _arrange(cells, rows.select(groups), [split], [ANY_SIZE], metrics, TELLING)


def _arrange(
    cells: pl.DataFrame,
    groups: pl.DataFrame,
    splits: Sequence[str],
    sizes: Sequence[str],
    metrics: Sequence[Metric],
    telling: float,
) -> pl.DataFrame:
    """The long frame: cells judged for the first split and size, values that nobody has beside them, all in order."""
    values = _list_values(groups)
    every = pl.concat([cells, _find_absent(values.drop("at"), cells)], how="diagonal_relaxed")
    order = (splits, [metric.name for metric in metrics], dict.fromkeys([ANY_SIZE, *sizes]), groups.columns)
    columns = zip(("split", "metric", "size", "group"), order, strict=True)
    placed = judge_cells(every, splits[0], sizes[0], telling).join(values, on=["group", "value"], how="left")
    ordered = placed.sort(*(pl.col(name).cast(pl.Enum(list(known))) for name, known in columns), "at", "value")
    return ordered.select(pl.col(name).cast(dtype) for name, dtype in FRAME.items())


def cross(groups: pl.DataFrame, *pairs: tuple[str, str]) -> pl.DataFrame:
    """``groups`` with a column for each pair of groups, whose values are looked at together, such as "sex and ethnicity"."""
    return groups.with_columns(
        pl.concat_str(pl.col(one, other).cast(pl.String), separator=", ").alias(f"{one} and {other}")
        for one, other in pairs
        if {one, other} <= set(groups.columns)
    )


def place(rows: pl.DataFrame, sizes: Mapping[str, float], seed: int) -> pl.DataFrame:
    """Scored rows of some dates with the ``place`` of their family in the order of the date, and whether lists would reach it.

    The order is that of the morning list (:func:`models.offers.families`). ``place`` goes from 0 (first) to 1 (last); each of
    ``sizes`` adds a column, see :func:`column_of`.
    """
    ordered = pl.concat(_order(date, sizes, seed) for date in rows.partition_by("as_of"))
    kept = rows.select(*ROW, FAMILY, "group_id", "outcome", "chance")
    return kept.join(ordered, on=["as_of", "family_id"], how="left", maintain_order="left")


def _order(date: pl.DataFrame, sizes: Mapping[str, float], seed: int) -> pl.DataFrame:
    scored = date.select(
        *ROW, "family_id", "chance", abstained=pl.lit(value=False), reason_for_abstaining=pl.lit(None, pl.String)
    )
    ordered = families(scored, 0, seed)
    reach = {name: ceil(size * ordered.height - 1e-9) if size < 1 else size for name, size in sizes.items()}
    return ordered.select(
        pl.lit(date["as_of"][0]).alias("as_of"),
        "family_id",
        *((pl.col("rank") <= most).alias(column_of(name)) for name, most in reach.items()),
        place=(pl.col("rank") - 0.5) / ordered.height,
    )


def column_of(size: str) -> str:
    """The name of the column that says whether a list of that size reaches a family."""
    return f"offered, {size}"


def _measure(rows: pl.DataFrame, names: Sequence[str], sizes: Mapping[str, float], metrics: Sequence[Metric]) -> pl.DataFrame:
    """Every metric of every group, at every size that it depends on."""
    found = []
    chance = pl.col("chance") if "chance" in rows.columns else pl.lit(None, pl.Float64)
    for metric in (metric for metric in metrics if IN_NEED in rows.columns or not metric.of_need):
        for size in sizes if metric.at_size else [ANY_SIZE]:
            offered = pl.col(column_of(size)) if metric.at_size else pl.lit(value=False)
            parts = {"part": metric.part, "whole": metric.whole, "expected": chance}
            sums = {name: part.cast(pl.Float64) for name, part in parts.items()}
            summed = rows.with_columns(offered=offered).select("group_id", *names, **sums)
            told = {"metric": metric.name, "size": size, "kind": metric.kind.value, "judged": metric.judged}
            columns = {name: pl.lit(value) for name, value in told.items()}
            found += [compare(summed, name).with_columns(**columns) for name in names]
    return pl.concat(found)


def _list_values(groups: pl.DataFrame) -> pl.DataFrame:
    """``group`` and ``value`` of every value that a group may have, where they are known, in order (``at``)."""
    typed = [(name, dtype) for name, dtype in groups.schema.items() if isinstance(dtype, pl.Enum)]
    listed = [(name, value) for name, dtype in typed for value in dtype.categories]
    return pl.DataFrame(listed, schema={"group": pl.String, "value": pl.String}, orient="row").with_row_index("at")


def _find_absent(values: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """A cell for every value that nobody has, so that a group does not vanish unseen."""
    looks = cells.select("split", "size", "metric", "kind").unique(maintain_order=True)
    absent = looks.join(values, how="cross").join(cells, on=[*CELL, "value"], how="anti")
    return absent.with_columns(rows=pl.lit(0, pl.Int64), families=pl.lit(0, pl.Int64), judged=pl.lit(value=False))


def judge_cells(cells: pl.DataFrame, split: str, size: str, telling: float = TELLING) -> pl.DataFrame:
    """Cells with their intervals, the smallest visible gap and the verdict.

    Judged are those of ``split`` and ``size``; everything else is described, so that no more cells are looked at together than
    the board decides by.
    """
    enough = (pl.col("families") >= FEWEST) & ((pl.col("families_of_others") >= FEWEST) | (pl.col("kind") == Kind.EXPECTED))
    looked_at = (pl.col("split") == split) & pl.col("size").is_in([size, ANY_SIZE]) & pl.col("judged") & enough
    whole = cells.with_columns(judged=looked_at.fill_null(value=False))
    looks = _count_looks(whole)
    one_by_one, together = COVERAGE, 1 - (1 - COVERAGE) / looks
    times = float(norm.ppf((1 + together) / 2) + norm.ppf(POWER))
    ends = {
        ("low", "high"): find_interval(whole, one_by_one),
        ("gap_low", "gap_high"): find_gap_interval(whole, one_by_one),
        ("together_low", "together_high"): find_gap_interval(whole, together),
    }
    framed = whole.with_columns(
        *(pl.Series(name, values) for names, found in ends.items() for name, values in zip(names, found, strict=True)),
        pl.Series("smallest_visible", times * find_spread(whole)),
        against=pl.when(pl.col("kind") == Kind.EXPECTED).then("expected").otherwise("others"),
    ).with_columns(pl.col(pl.Float64).fill_nan(None))
    counted = pl.when(pl.col("kind") != Kind.MEAN).then(pl.col("events", "families_with_event"))
    return draw_in(framed.with_columns(variance=_find_unsure())).with_columns(
        counted, gap=pl.col("estimate") - pl.col("against"), verdict=_say(telling)
    )


def _count_looks(cells: pl.DataFrame) -> float:
    """How many gaps are judged, at least one; those of a group of two values are one gap seen from both sides."""
    two = (pl.len().over(CELL) == 2) & (pl.col("kind") != Kind.EXPECTED)
    there = cells.filter(pl.col("families") > 0).with_columns(look=pl.when(two).then(0.5).otherwise(1.0))
    return max(1.0, float(there.filter("judged")["look"].sum()))


def _say(telling: float) -> pl.Expr:
    evident = (pl.col("together_low") > 0) | (pl.col("together_high") < 0)
    within = (pl.col("gap_low") >= -telling) & (pl.col("gap_high") <= telling)
    return (
        pl.when(pl.col("families") == 0)
        .then(pl.lit(Verdict.ABSENT.value))
        .when(pl.col("families") < FEWEST)
        .then(pl.lit(Verdict.TOO_FEW.value))
        .when(~pl.col("judged"))
        .then(pl.lit(Verdict.DESCRIBED.value))
        .when(evident)
        .then(pl.lit(Verdict.GAP.value))
        .when(within)
        .then(pl.lit(Verdict.NO_LARGER_GAP.value))
        .otherwise(pl.lit(Verdict.NOT_ENOUGH.value))
    )


def draw_in(cells: pl.DataFrame) -> pl.DataFrame:
    """``cells`` (``estimate``, ``variance``) with ``drawn_in``: each drawn towards the mean of those of its group among them."""
    estimate, weight, between = pl.col("estimate"), pl.col("weight"), pl.col("between")
    mean = (estimate * weight).sum() / weight.sum()
    differing = (weight * (estimate - mean) ** 2).sum() - (weight.count() - 1)
    scale = weight.sum() - (weight**2).sum() / weight.sum()
    found = (
        cells.with_columns(weight=pl.when(pl.col("variance") > 0).then(1 / pl.col("variance")))
        .with_columns(between=pl.when(scale > 0).then((differing / scale).clip(lower_bound=0)).otherwise(0.0).over(CELL))
        .with_columns(weight=1 / (1 / weight + between))
    )
    return found.with_columns(drawn_in=mean.over(CELL) + between * weight * (estimate - mean.over(CELL))).drop(
        "weight", "between"
    )


def _find_unsure() -> pl.Expr:
    """The variance; a share without any is as unsure as so many families with the rate of everybody would be."""
    of_all = pl.when(pl.col("kind") != Kind.MEAN).then(pl.col("overall") * (1 - pl.col("overall")) / pl.col("families"))
    return pl.when(pl.col("variance") > 0).then(pl.col("variance")).otherwise(of_all)
