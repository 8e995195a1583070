"""How numbers are printed on pages that leave the team. What is hidden was hidden before, at the door, and is printed as "c"."""

import math

from validation.disclosure import FEWEST, HIDDEN, NOTHING

Figure = float | str | None
"""A number, or ``HIDDEN``, or none."""


def count(number: Figure) -> str:
    """A count of rows, families or cases with thousands apart; one to five are hidden."""
    if number is None or isinstance(number, str):
        return number or NOTHING
    return HIDDEN if 0 < number < FEWEST else f"{number:,.0f}"


def number(value: Figure, digits: int = 3, sign: str = "") -> str:
    """A number with so many decimals, or a dash where there is none."""
    if value is None or isinstance(value, str):
        return value or NOTHING
    return f"{value:{sign}.{digits}f}" if math.isfinite(value) else NOTHING


def signed(value: Figure, digits: int = 3) -> str:
    """The same with its sign."""
    return number(value, digits, "+")


def percent(share: Figure) -> str:
    """A share in per cent."""
    if share is None or isinstance(share, str):
        return share or NOTHING
    if not math.isfinite(share):
        return NOTHING
    return "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def interval(low: Figure, high: Figure, digits: int = 3, sign: str = "") -> str:
    """``low`` to ``high``, or nothing where either is missing or hidden."""
    if any(end is None or isinstance(end, str) or not math.isfinite(end) for end in (low, high)):
        return ""
    return f"{low:{sign}.{digits}f} to {high:{sign}.{digits}f}"


def hundred(share: Figure) -> Figure:
    """A share as a number of hundredths, hidden where it is hidden."""
    return share if share is None or isinstance(share, str) else 100 * share


def turn(share: Figure) -> Figure:
    """One over a share, hidden where it is hidden."""
    return (share if isinstance(share, str) else 1 / share) if share else None


def times(log_odds: float) -> str:
    """What a contribution in log-odds multiplies the odds by."""
    return f"{math.exp(log_odds):.2f}"


def needed(precision: Figure) -> str:
    """How many families are approached for each that comes back: one over precision."""
    return number(turn(precision), 1)


def plain(name: str) -> str:
    """A machine's name in words."""
    return name.replace("_", " ")
