"""How numbers are printed on pages that leave the team: small counts hidden, shares in per cent, intervals in words."""

import math
import re
from collections.abc import Collection, Mapping

FEWEST = 6  # a count below it is shown as HIDDEN, and no share of so few is shown
HIDDEN = "c"
NOTHING = "-"


def count(number: float | None) -> str:
    """A count of rows, families or cases with thousands apart; one to five are hidden."""
    if number is None:
        return NOTHING
    return HIDDEN if 0 < number < FEWEST else f"{number:,.0f}"


def counts(parts: Mapping[str, int], few: Collection[str] = ()) -> dict[str, str]:
    """Counts that add up to a printed total; one to five and those named in ``few`` are hidden.

    When just one of them is hidden the next smallest is too: otherwise it could be found by subtraction.
    """
    small = [name for name, number in parts.items() if 0 < number < FEWEST or name in few]
    if len(small) == 1:
        others = [name for name, number in parts.items() if number and name not in small]
        small += sorted(others, key=lambda name: parts[name])[:1]
    return {name: HIDDEN if name in small else count(number) for name, number in parts.items()}


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals, or a dash where there is none."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 3) -> str:
    """The same with its sign."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:+.{digits}f}"


def percent(share: float | None) -> str:
    """A share in per cent."""
    if share is None or not math.isfinite(share):
        return NOTHING
    return "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """``low`` to ``high``, or nothing where either is missing."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{low:.{digits}f} to {high:.{digits}f}"


def times(log_odds: float) -> str:
    """What a contribution in log-odds multiplies the odds by."""
    return f"{math.exp(log_odds):.2f}"


def needed(precision: float | None) -> str:
    """How many families are approached for each that comes back: one over precision."""
    return f"{1 / precision:.1f}" if precision else NOTHING


def plain(name: str) -> str:
    """A machine's name in words."""
    return name.replace("_", " ")


def hush(sentence: str) -> str:
    """A sentence that another part of the project wrote, with counts of one to five people, rows or offers hidden."""
    return re.sub(r"\b[1-5](?= (?:of|were|offers?|famil\w+|rows?|child\w*|cases?)\b)", HIDDEN, sentence)
