"""The words that page, workbook and reports share: chances, ranges, days, counts and references."""

from collections.abc import Iterable
from datetime import date

import polars as pl

QUIET = 0.05  # half a tenth: a chance that a quiet year changes by less stays as it is

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


def in_ten(chance: float) -> str:
    """A chance in words: "about 4 in 10". Raises ``ValueError`` when it is outside 0 to 1."""
    tenths = _tenths(chance)
    return {0: "fewer than 1 in 10", 10: "more than 9 in 10"}.get(tenths, f"about {tenths} in 10")


def in_a_sentence(chance: float, outcome: str) -> str:
    """What a chance means, both ways: how many children like this one have the outcome and how many do not."""
    others = in_ten(1 - _tenths(chance) / 10)
    return f"{in_ten(chance).capitalize()} children like this one have {outcome}; {others} do not."


def in_a_range(low: float | None, high: float | None) -> str:
    """Where a chance lies, in words: "between 2 and 4 in 10"; empty when it is not known, or the same tenth."""
    if low is None or high is None or _tenths(low) == _tenths(high):
        return ""
    least, most = _tenths(low) or "fewer than 1", "more than 9" if _tenths(high) == 10 else _tenths(high)
    return f"between {least} and {most} in 10"


def after_a_quiet_year(chance: float | None, later: float | None) -> str:
    """What a chance would be after a year without anything new, in words; empty when it is not known, or much the same."""
    if chance is None or later is None or abs(later - chance) < QUIET or in_ten(later) == in_ten(chance):
        return ""
    return f"After 12 quiet months this would be {in_ten(later)}."


def by_other_models(share: float | None, models: int | None) -> str:
    """How many equally good models would have listed a family, in words; empty when it is not known."""
    if share is None or models is None:
        return ""
    return f"Of {models} equally good models, {round(share * models)} would have listed this family."


def in_words(day: date) -> str:
    """A date as it is written in a letter: "24 November 2026"."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def weekday(day: date) -> str:
    """The day of the week: "Tuesday"."""
    return WEEKDAYS[day.weekday()]


def number(count: int, one: str, many: str) -> str:
    """A count with its noun: "1 family", "2 families"."""
    return f"{count} {one if count == 1 else many}"


def shorten(ids: Iterable[str]) -> dict[str, str]:
    """The first 8 digits of each id, or 10, 12 and so on for those that would look the same as another."""
    waiting, length = pl.Series("id", sorted(set(ids)), dtype=pl.String), 8
    short: dict[str, str] = {}
    while not waiting.is_empty():
        start = waiting.str.head(length)
        alone = start.is_unique()
        short |= dict(zip(waiting.filter(alone), start.filter(alone), strict=True))
        waiting, length = waiting.filter(~alone), length + 2
    return short


def _tenths(chance: float) -> int:
    if not 0 <= chance <= 1:
        raise ValueError("A chance lies between 0 and 1.")
    return int(chance * 10 + 0.5)
