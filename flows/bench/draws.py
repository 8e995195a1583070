"""What the invented history is drawn with: days, numbers, codes."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from validation.codes import codes

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Yes = npt.NDArray[np.bool_]

START, END = date(2016, 11, 23), date(2026, 11, 23)
LAST = END.toordinal() - date(1970, 1, 1).toordinal()
DAYS = (END - START).days
FIRST = LAST - DAYS


def often(random: np.random.Generator, weight: Floats, total: float) -> Ints:
    """Indices of ``weight``, each repeated by chance in proportion to its weight, about ``total`` of them, in order."""
    return np.repeat(np.arange(len(weight)), random.poisson(weight * (total / weight.sum())))


def within(group: Ints, values: Ints) -> Ints:
    """Running total of ``values`` within each run of equal ``group``, exclusive of the row itself."""
    before = np.cumsum(values) - values
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    return before - np.repeat(before[starts], np.diff(starts, append=len(group)))


def dates(days: Ints, empty: Yes | None = None) -> pl.Series:
    """Days since 1970 as dates, empty where told."""
    series = pl.Series(days.astype(np.int32)).cast(pl.Date)
    return series if empty is None else series.set(pl.Series(empty), None)


def numbers(days: pl.Series) -> Ints:
    """Dates as days since 1970."""
    return days.to_physical().to_numpy().astype(np.int64)


def ids(values: Ints) -> pl.Series:
    """Numbers as keys."""
    return pl.Series(values.astype(np.uint32))


def code(random: np.random.Generator, name: str, size: int, chances: Mapping[str, float], empty: float = 0.03) -> pl.Series:
    """Codes of a list by chance; some are empty."""
    return choice(random, list(chances), list(chances.values()), size, empty).cast(pl.Enum(list(codes(name))))


def choice(random: np.random.Generator, among: Sequence[str], chances: Sequence[float], size: int, empty: float) -> pl.Series:
    """Words by chance, as an enumeration; some are empty."""
    edges = np.cumsum(np.asarray(chances) / sum(chances))
    drawn = np.searchsorted(edges, random.random(size) * edges[-1]).clip(max=len(among) - 1)
    picked = pl.Series(drawn.astype(np.uint8)).cat.to(pl.Enum(list(among)))
    return picked.set(pl.Series(random.random(size) < empty), None)


def yes(random: np.random.Generator, size: int, chance: float, empty: float = 0.05) -> pl.Series:
    """Yes or no by chance; some are empty."""
    return pl.Series(random.random(size) < chance).set(pl.Series(random.random(size) < empty), None)


def long(random: np.random.Generator, size: int, median: float, spread: float = 0.8) -> Ints:
    """Days that something lasts."""
    return np.minimum(random.lognormal(np.log(median), spread, size), 3000).astype(np.int64)


def random_of(seed: int, part: int) -> np.random.Generator:
    """A source of chance of its own for each part of the history."""
    return np.random.default_rng([seed, part])
