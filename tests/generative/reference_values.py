"""The value that a measure makes of the events that it counts."""

from datetime import date

from features.measure import Aggregate, Measure
from tests.generative.reference_rows import Row


def value_of(measure: Measure, counted: list[Row], as_of: date) -> float | None:
    """The aggregate of the events that a measure counts."""
    ages = [(as_of - event["happened"]).days for event in counted]
    known = [(event["happened"], event[measure.value]) for event in counted if measure.value and event[measure.value] is not None]
    values = [value for _, value in known]
    found = {
        Aggregate.COUNT: lambda: len(counted),
        Aggregate.ANY: lambda: bool(counted),
        Aggregate.OPEN_NOW: lambda: any(event["ended"] is None for event in counted),
        Aggregate.DISTINCT: lambda: len(set(values)),
        Aggregate.SUM: lambda: sum(values),
        Aggregate.DAYS_SINCE_LAST: lambda: min(ages, default=None),
        Aggregate.DAYS_SINCE_FIRST: lambda: max(ages, default=None),
        Aggregate.MAX: lambda: max(values, default=None),
        Aggregate.MEAN: lambda: sum(values) / len(values) if values else None,
        Aggregate.SHARE: lambda: sum(values) / len(values) if values else None,
        Aggregate.LATEST: lambda: max(known)[1] if known else None,
        Aggregate.TREND: lambda: slope([((day - as_of).days / 365, value) for day, value in known]),
    }
    return found[measure.aggregate]()


def slope(points: list[tuple[float, float]]) -> float | None:
    """Of the line that lies closest to the points; none where their days say less of it than two days 28 days apart."""
    if not points:
        return None
    middle, level = (sum(each) / len(points) for each in zip(*points, strict=True))
    rise = sum((day - middle) * (value - level) for day, value in points)
    spread = sum((day - middle) ** 2 for day, _ in points)
    return rise / spread if spread * 365**2 > 392 - 1e-6 else None
