"""Shares and means of a group beside those of everybody else, with intervals that count families and not rows.

A row is one open case on one date, and a case that stays open is in many rows; brothers and sisters look alike, too. So variances
are those of ratios of sums over families (linearised, as in surveys: Kish and Frankel 1974). The interval of a share is that of
Clopper and Pearson for as many independent cases as this variance is worth (Korn and Graubard 1998), at most one for each
family; that of a mean is Student's. The interval of a difference squares and adds the two (Newcombe 1998), less what they have in
common (Zou and Donner 2008): brothers and sisters may stand on both sides.
"""

from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import beta, t

Floats = npt.NDArray[np.float64]

MEMBER = ("families", "estimate", "variance")
OTHERS = ("families_of_others", "others", "variance_of_others")


class Kind(StrEnum):
    """How a ratio is read: a share or a mean beside that of everybody else, or a share beside what was expected of its cases."""

    SHARE = "share"
    MEAN = "mean"
    EXPECTED = "expected"


def compare(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """The ratio part / whole of every value of the column ``name``, and that of everybody else; sorted by value.

    ``rows`` has ``group_id`` (families that go together), ``part``, ``whole`` and ``expected`` (of the part, by a model); those
    whose ``name`` is empty are left out. Columns: ``group`` (the name), ``value``, ``rows`` (the sum of ``whole``), ``families``,
    ``events`` (the sum of ``part``), ``families_with_event``, ``families_of_others``, ``estimate``, ``others``, ``expected``,
    ``overall`` (the ratio of all rows), ``variance``, ``variance_of_others`` and ``covariance``.
    """
    known = rows.filter(pl.col(name).is_not_null(), pl.col("whole") > 0)
    sums = known.group_by(pl.col(name).cast(pl.String).alias("value"), "group_id").agg(pl.col("part", "whole", "expected").sum())
    sums = sums.with_columns(all_part=pl.col("part").sum().over("group_id"), all_whole=pl.col("whole").sum().over("group_id"))
    every = sums.unique("group_id").select("all_part", "all_whole")
    sides = _find_sides(sums, every)
    found = sides.join(_find_variances(sums, sides, every), on="value").with_columns(pl.col(pl.Float64).fill_nan(None))
    return found.sort("value").select(
        pl.lit(name).alias("group"), "value", pl.col("rows").cast(pl.Int64), "families", "events", "families_with_event",
        "families_of_others", "estimate", "others", "expected", "overall", "variance", "variance_of_others", "covariance",
    )  # fmt: skip


def _find_sides(sums: pl.DataFrame, every: pl.DataFrame) -> pl.DataFrame:
    """Each value's sums and ratio, and those of everybody else."""
    part, whole = every.sum().row(0)
    only_here = (pl.col("all_whole") == pl.col("whole")).sum()
    return (
        sums.group_by("value")
        .agg(
            events=pl.col("part").sum(),
            rows=pl.col("whole").sum(),
            families=pl.len().cast(pl.Int64),
            families_with_event=(pl.col("part") > 0).sum().cast(pl.Int64),
            expected=pl.col("expected").sum() / pl.col("whole").sum(),
            families_of_others=every.height - only_here.cast(pl.Int64),
        )
        .with_columns(rows_of_others=whole - pl.col("rows"), overall=pl.lit(part / whole if whole else None, pl.Float64))
        .with_columns(
            estimate=pl.col("events") / pl.col("rows"),
            others=(part - pl.col("events")) / pl.col("rows_of_others"),
        )
    )


def _find_variances(sums: pl.DataFrame, sides: pl.DataFrame, every: pl.DataFrame) -> pl.DataFrame:
    """``value``, the variances of the two ratios of :func:`_find_sides`, and their covariance.

    What a family moves a ratio by is its part less the ratio times its whole, over the sum of all wholes. Families outside a
    group are the same for all groups but for the ratio: their squares are worked out from three sums, less those of the members.
    """
    others, rows = pl.col("others"), pl.col("rows_of_others")
    part, whole = pl.col("all_part"), pl.col("all_whole")
    here = (pl.col("part") - pl.col("estimate") * pl.col("whole")) / pl.col("rows")
    elsewhere = (part - pl.col("part") - others * (whole - pl.col("whole"))) / rows
    as_if_outside = (part - others * whole) / rows
    of_members = (
        sums.join(sides.select("value", "rows", "rows_of_others", "estimate", "others"), on="value")
        .group_by("value")
        .agg(
            variance=(here**2).sum(),
            covariance=(here * elsewhere).sum(),
            left=(elsewhere**2 - as_if_outside**2).sum(),
        )
    )
    pp, pw, ww = every.select((part**2).sum(), (part * whole).sum().alias("pw"), (whole**2).sum()).row(0)
    outside = (pp - 2 * others * pw + others**2 * ww) / rows**2
    return sides.join(of_members, on="value").select(
        "value",
        (_for_few("families") * pl.col("variance")).alias("variance"),
        (_for_few("families_of_others") * (outside + pl.col("left")).clip(lower_bound=0)).alias("variance_of_others"),
        "covariance",
    )


def _for_few(families: str) -> pl.Expr:
    """What the variance of so many families is multiplied by, to be right on average; empty for one."""
    return pl.when(pl.col(families) > 1).then(pl.col(families) / (pl.col(families) - 1))


def find_worth(estimate: Floats, variance: Floats, families: Floats) -> Floats:
    """How many independent cases a share rests on, by its variance; one for each family at most, and without any variance."""
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = estimate * (1 - estimate) / variance
    return np.asarray(np.where(np.isfinite(worth) & (worth > 0), np.minimum(worth, families), families))


def find_interval(cells: pl.DataFrame, level: float, of: tuple[str, str, str] = MEMBER) -> tuple[Floats, Floats]:
    """The ends of an interval of each cell (see :func:`compare`) with that coverage; NaN where nothing can be said.

    ``of`` names the columns of the number of families, the ratio and its variance. ``cells`` also has ``kind``.
    """
    families, value, variance = read(cells, *of)
    tail, share = (1 - level) / 2, (cells["kind"] != Kind.MEAN).to_numpy()
    worth = find_worth(value, variance, families)
    with np.errstate(invalid="ignore"):
        events = value * worth
        low = np.where(events <= 0, 0.0, beta.ppf(tail, events, worth - events + 1))
        high = np.where(events >= worth, 1.0, beta.ppf(1 - tail, events + 1, worth - events))
        reach = t.ppf(1 - tail, np.maximum(families - 1, 1)) * np.sqrt(variance)
    unknown = np.isnan(value)
    lower, upper = np.where(share, low, value - reach), np.where(share, high, value + reach)
    return np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)


def find_gap_interval(cells: pl.DataFrame, level: float) -> tuple[Floats, Floats]:
    """The ends of an interval of the estimate less that of everybody else, or less what was expected.

    What was expected is a sum over the cases that there are, so chance lies in what became of them alone. (A variance of chance
    less outcome would not do: it is next to nothing where nobody of a few came back.)
    """
    low, high = find_interval(cells, level)
    other_low, other_high = find_interval(cells, level, OTHERS)
    estimate, others, one, other, common = read(cells, "estimate", "others", "variance", "variance_of_others", "covariance")
    with np.errstate(divide="ignore", invalid="ignore"):
        alike = np.clip(np.nan_to_num(common / np.sqrt(one * other), posinf=0, neginf=0), -1, 1)

    def reach(here: Floats, there: Floats) -> Floats:
        return np.asarray(np.sqrt(np.maximum(here**2 - 2 * alike * here * there + there**2, 0)))

    against_expected, gap = (cells["kind"] == Kind.EXPECTED).to_numpy(), estimate - others
    (expected,) = read(cells, "expected")
    lower = np.where(against_expected, low - expected, gap - reach(estimate - low, other_high - others))
    upper = np.where(against_expected, high - expected, gap + reach(high - estimate, others - other_low))
    return lower, upper


def find_spread(cells: pl.DataFrame) -> Floats:
    """The standard error of the gap; of a share, as if there were none: both sides have the rate of all, or what was expected."""
    families, estimate, variance = read(cells, *MEMBER)
    families_of_others, others, variance_of_others = read(cells, *OTHERS)
    overall, expected, common = read(cells, "overall", "expected", "covariance")
    with np.errstate(divide="ignore", invalid="ignore"):
        here, there = find_worth(estimate, variance, families), find_worth(others, variance_of_others, families_of_others)
        share = np.sqrt(overall * (1 - overall) * (1 / here + 1 / there))
        beside_expected = np.sqrt(expected * (1 - expected) / here)
        mean = np.sqrt(np.maximum(variance + variance_of_others - 2 * common, 0))
    kind = cells["kind"].to_numpy()
    return np.asarray(np.select([kind == Kind.SHARE, kind == Kind.MEAN], [share, mean], beside_expected))


def read(cells: pl.DataFrame, *columns: str) -> list[Floats]:
    """Columns as arrays of numbers, NaN where empty."""
    return [cells[column].cast(pl.Float64).fill_null(np.nan).to_numpy() for column in columns]
