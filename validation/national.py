"""England's published figures of practice and the spread over authorities, so that a council's own have something to stand by.

``national.csv`` holds them: ``measure`` (as in ``validation/practice.py``), ``year`` (to 31 March), ``quantity``, ``value``
(shares between 0 and 1) and ``source``. Quantities: ``england``; ``p10`` to ``p90`` over authorities; and of the absolute
change of an authority from one year to the next its median, its 99th percentile and how often it is over five points.
"""

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

ENGLAND = "england"


@cache
def figures() -> Mapping[tuple[str, str], Mapping[int, float]]:
    """Published values by measure and quantity, for each year."""
    text = (files("validation") / "national.csv").read_text(encoding="utf-8")
    found: dict[tuple[str, str], dict[int, float]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault((row["measure"], row["quantity"]), {})[int(row["year"])] = float(row["value"])
    return found


def england_in(measure: str, day: date) -> tuple[int, float] | None:
    """England's value in the year of ``day``, or in the newest year before it; with that year. ``None`` where there is none."""
    year = day.year + (day.month > 3)
    known = [one for one in figures().get((measure, ENGLAND), {}) if one <= year]
    return (max(known), figures()[measure, ENGLAND][max(known)]) if known else None


def band_of(measure: str) -> tuple[float, float] | None:
    """The values between which eight of ten authorities lay in the newest year, or ``None``."""
    low, high = (figures().get((measure, quantity)) for quantity in ("p10", "p90"))
    return (low[max(low)], high[max(high)]) if low and high else None
