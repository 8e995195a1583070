"""Changes of practice: periods from which on a series of ``validation/practice.py`` keeps to another level.

**How.** The values are brought to a scale on which noise does not depend on the level: the angle ``asin(sqrt(share))`` for shares
(Anscombe 1948), the logarithm for counts and days. The season is taken off (the median, over years, of each quarter's distance
from a moving year). Then the best cut into levels is found exactly, by dynamic programming over weighted squared distances with
a price per change (optimal partitioning: Jackson et al., IEEE Signal Processing Letters 12, 2005; the criterion is that of Yao,
Statistics & Probability Letters 6, 1988, with twice its price, because noise is estimated and hangs together in time). A level
lasts a year of quarters, or two years, at least: anything shorter cannot be told from a passing wobble.

**What counts as noise** is more than chance. A council's values wobble from year to year although nothing changed: half of all
authorities' re-referral shares move by over 2.4 points in a year, which chance alone would not do. So a value's variance is
that of sampling (``CLUSTER`` times the binomial or Poisson one, since brothers and sisters are referred together) plus the
wobble usual among authorities; and where the series itself has been more restless than that (the median of its moves over a
year, which a step or two does not disturb), its own.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from validation.history import Archive
from validation.national import band_of, england_in
from validation.practice import MEASURES, PERIODS_IN_A_YEAR, Every, Kind, Measure, measure_practice
from validation.tables.episodes import CONTACTS, EPISODES

Floats = npt.NDArray[np.float64]

CLUSTER = 2.0  # variance of a count of children who are referred by families, as a multiple of that of single children
LOG_SPREAD = 1.2  # standard deviation of the logarithm of durations
PRICE = 4.0  # of a change, times the logarithm of the number of periods; Yao's is 2
LEAST_PERIODS = {Every.QUARTER: 12, Every.YEAR: 6}  # of a series that is judged at all
LEAST_LEVEL = {Every.QUARTER: 4, Every.YEAR: 2}
LEAST_MOVES = 8  # over a year, from which a series' own restlessness is told

# Standard deviation of a year's value around an unchanged level, beyond sampling. For shares: half of all moves from one year
# to the next are over 2.4 points at 22 % (``national.csv``); that median belongs to a standard deviation of 2.5 points, or 0.030
# of the angle. For counts and durations no spread is published: 6 % is an assumption.
WOBBLE = {Kind.SHARE: 0.030, Kind.COUNT: 0.06, Kind.DAYS: 0.06}
MEDIAN_MOVE = 0.6745 * 2**0.5  # median of the absolute difference of two normal values, in standard deviations


@dataclass(frozen=True)
class Change:
    """A step of one measure: from ``on`` (the first day of a period) it was about ``after``, where it had been ``before``."""

    measure: str
    on: date
    before: float
    after: float
    words: str


def find_practice_changes(archive: Archive, residents: int | None = None) -> list[Change]:
    """The changes of practice in a council's history as last known, by quarters, oldest first; none in under three years."""
    tables = {name: archive.table(name).filter(pl.col("known_to").is_null()) for name in (EPISODES.name, CONTACTS.name)}
    return find_changes(measure_practice(tables, archive.window_start, archive.extract_date, Every.QUARTER, residents))


def find_changes(series: pl.DataFrame, every: Every = Every.QUARTER) -> list[Change]:
    """The changes in every measure of ``series`` (see :func:`validation.practice.measure_practice`), oldest first.

    Measures that are not in ``MEASURES`` raise ``KeyError``. A series of under ``LEAST_PERIODS`` gives none.
    """
    found = []
    for one in series.sort("measure", "began_on").partition_by("measure", maintain_order=True):
        found += _changes(one, MEASURES[one["measure"][0]], every)
    return sorted(found, key=lambda change: (change.on, change.measure))


def describe_changes(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The changes as JSON holds them; dates are ISO text."""
    return [asdict(change) | {"on": change.on.isoformat()} for change in changes]


def _changes(series: pl.DataFrame, measure: Measure, every: Every) -> list[Change]:
    if series.height < LEAST_PERIODS[every]:
        return []
    scaled, noise = _scale(series, measure.kind)
    values = _take_off_season(scaled, series["began_on"].dt.quarter().to_numpy()) if every is Every.QUARTER else scaled
    starts = _cut(values, _add_wobble(values, noise, WOBBLE[measure.kind], every), LEAST_LEVEL[every])
    levels = [_level(series[start:end], measure.kind) for start, end in zip(starts, [*starts[1:], series.height], strict=True)]
    days = series["began_on"].to_list()
    return [
        Change(measure.name, days[start], before, after, _word(measure, days[start], before, after, every))
        for start, before, after in zip(starts[1:], levels[:-1], levels[1:], strict=True)
    ]


def _scale(series: pl.DataFrame, kind: Kind) -> tuple[Floats, Floats]:
    """The values on the scale of their kind, and the variance of sampling there."""
    value, n = (series[name].cast(pl.Float64).to_numpy() for name in ("value", "n"))
    if kind is Kind.SHARE:
        return np.arcsin(np.sqrt((value * n + 3 / 8) / (n + 3 / 4))), CLUSTER / (4 * n + 2)
    # The variance of a median is 1.57 times that of a mean.
    spread = CLUSTER if kind is Kind.COUNT else CLUSTER * 1.57 * LOG_SPREAD**2
    return np.log(np.maximum(value, 0.5)), spread / np.maximum(n, 1)


def _take_off_season(values: Floats, quarter: npt.NDArray[np.int8]) -> Floats:
    """The values less each quarter's median distance from a moving average of a year around it."""
    moving = np.convolve(values, np.array([1, 2, 2, 2, 1]) / 8, mode="valid")
    distance, at = values[2:-2] - moving, quarter[2:-2]
    season = np.array([np.median(distance[at == one]) if (at == one).any() else 0.0 for one in range(1, 5)])
    return np.asarray(values - (season - season.mean())[quarter - 1], dtype=np.float64)


def _add_wobble(values: Floats, noise: Floats, wobble: float, every: Every) -> Floats:
    """The variance of each value around an unchanged level. A year's wobble is taken to be that of its periods together."""
    periods = PERIODS_IN_A_YEAR[every]
    usual = noise + periods * wobble**2
    moves = np.abs(values[periods:] - values[:-periods])
    own = float(np.median(moves)) / MEDIAN_MOVE if moves.size >= LEAST_MOVES else 0.0
    return np.maximum(usual, own**2)


def _cut(values: Floats, variance: Floats, least: int) -> list[int]:
    """The first place of each level, in the cut that costs least."""
    count, price = values.size, PRICE * float(np.log(values.size))
    weight, first, second = (np.r_[0.0, np.cumsum(values**power / variance)] for power in (0, 1, 2))
    cost, came_from = np.full(count + 1, np.inf), np.zeros(count + 1, dtype=np.int64)
    cost[0] = -price
    for end in range(least, count + 1):
        start = np.arange(end - least + 1)
        inside = second[end] - second[start] - (first[end] - first[start]) ** 2 / (weight[end] - weight[start])
        total = cost[start] + inside + price
        came_from[end], cost[end] = int(np.argmin(total)), float(np.min(total))
    starts = [int(came_from[count])]
    while starts[0] > 0:
        starts.insert(0, int(came_from[starts[0]]))
    return starts


def _level(part: pl.DataFrame, kind: Kind) -> float:
    value, n = pl.col("value"), pl.col("n")
    middle = {Kind.SHARE: (value * n).sum() / n.sum(), Kind.COUNT: value.mean(), Kind.DAYS: value.median()}[kind]
    return float(part.select(middle).item())


def _word(measure: Measure, on: date, before: float, after: float, every: Every) -> str:
    way = "fell" if after < before else "rose"
    period = "quarter" if every is Every.QUARTER else "year"
    said = f"From the {period} beginning {on.day} {on:%B %Y} on, {measure.words} {way} from {_show(measure, before)} to "
    unit = f" a {period}" if measure.kind is Kind.COUNT else ""
    said += f"{_show(measure, after)}{unit}, by more than an unchanged council's values wobble."
    return said + (_compare(measure, on, after) if measure.kind is Kind.SHARE else "")


def _compare(measure: Measure, on: date, after: float) -> str:
    """What England had before and after, and whether the new level is one that other authorities have."""
    earlier, later = (england_in(measure.name, on + timedelta(days=days)) for days in (-1, 364))
    said = ""
    if earlier and later:
        said = f" England had {_show(measure, earlier[1])} in {earlier[0]}"
        said += "." if earlier == later else f" and {_show(measure, later[1])} in {later[0]}."
    band = band_of(measure.name)
    if band is None:
        return said
    inside = "within" if band[0] <= after <= band[1] else "outside"
    return f"{said} The new level is {inside} the {_show(measure, band[0])} to {_show(measure, band[1])} of 8 in 10 authorities."


def _show(measure: Measure, value: float) -> str:
    if measure.kind is Kind.SHARE:
        return f"{value:.1%}".replace("%", " %")
    return f"{value:,.0f} days" if measure.kind is Kind.DAYS else f"{value:,.0f}"
