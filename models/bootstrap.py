"""Intervals by drawing families again: rows of a family look alike, so it is families that are drawn, not rows."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]

RESAMPLES = 200
COVERAGE = 0.95
MOST_WEIGHTS = 20_000_000  # held in memory at once: resamples x rows


def draw_families(groups: pl.Series, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Weights, resamples x rows: how often each row's group was drawn, groups drawn with replacement."""
    return np.concatenate(list(_draw(groups, seed, resamples)))


def bootstrap(groups: pl.Series, statistic: Callable[[Floats], Floats], seed: int, resamples: int = RESAMPLES) -> Floats:
    """``statistic`` of every resample, resamples x numbers.

    ``statistic`` takes weights (k x rows, see :func:`draw_families`) and gives k x numbers. The same seed draws the
    same families whatever the statistic, so that differences between two of them are paired.
    """
    return np.concatenate([statistic(weights) for weights in _draw(groups, seed, resamples)])


def find_interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of resampled ``values``; NaN (a resample without both outcomes) is left out."""
    known = values[~np.isnan(values)]
    if not known.size:
        return float("nan"), float("nan")
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def _draw(groups: pl.Series, seed: int, resamples: int) -> Iterator[Floats]:
    codes = groups.rank("dense").cast(pl.Int64).to_numpy() - 1
    count = int(codes.max(initial=-1)) + 1
    rng, chances = np.random.default_rng(seed), np.full(count, 1 / max(count, 1))
    at_once = max(1, MOST_WEIGHTS // max(1, codes.size))
    for start in range(0, resamples, at_once):
        yield rng.multinomial(count, chances, size=min(at_once, resamples - start))[:, codes].astype(np.float64)
