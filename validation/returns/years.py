"""The census year, and the working days in it that statutory timescales are counted by."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import polars as pl

MONDAY = 0
MOVED = {
    date(2012, 5, 28): date(2012, 6, 4),  # beside the Diamond Jubilee
    date(2020, 5, 4): date(2020, 5, 8),  # VE Day, 75 years after
    date(2022, 5, 30): date(2022, 6, 2),  # beside the Platinum Jubilee
}
"""Bank holidays that were moved: the day that would have been one, and the day that was."""
EXTRA = (date(2011, 4, 29), date(2012, 6, 5), date(2022, 6, 3), date(2022, 9, 19), date(2023, 5, 8))
"""Bank holidays of one year only."""


@dataclass(frozen=True)
class CensusYear:
    """The year to 31 March of ``year``, as the Department for Education names it."""

    year: int

    @property
    def first(self) -> date:
        """1 April of the year before."""
        return date(self.year - 1, 4, 1)

    @property
    def last(self) -> date:
        """31 March."""
        return date(self.year, 3, 31)

    def has(self, day: str) -> pl.Expr:
        """Does the day in the column lie in the year?"""
        return pl.col(day).is_between(self.first, self.last)


def count_working_days(begin: str, end: str) -> pl.Expr:
    """Working days after the day in ``begin`` up to that in ``end``: Monday to Friday, but for bank holidays in England."""
    holidays = [day for year in range(2010, 2041) for day in bank_holidays(year)]
    return pl.business_day_count(pl.col(begin).dt.offset_by("1d"), pl.col(end).dt.offset_by("1d"), holidays=holidays)


@cache
def bank_holidays(year: int) -> tuple[date, ...]:
    """Bank holidays in England of a year, in order, on the weekdays on which they were kept."""
    easter = _easter(year)
    new_year = _weekday_from(date(year, 1, 1))
    christmas = _weekday_from(date(year, 12, 25))
    usual = [
        new_year,
        easter - timedelta(days=2),
        easter + timedelta(days=1),
        _monday_from(date(year, 5, 1)),
        _monday_from(date(year, 5, 25)),
        _monday_from(date(year, 8, 25)),
        christmas,
        _weekday_from(max(date(year, 12, 26), christmas + timedelta(days=1))),
    ]
    return tuple(sorted([MOVED.get(day, day) for day in usual] + [day for day in EXTRA if day.year == year]))


def _weekday_from(day: date) -> date:
    return day if day.weekday() < 5 else _monday_from(day)


def _monday_from(day: date) -> date:
    return day + timedelta(days=(MONDAY - day.weekday()) % 7)


def _easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms)."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    leaps, leap = divmod(century, 4)
    moon = (19 * golden + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    sunday = (32 + 2 * leap + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)
