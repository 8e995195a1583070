"""The disclosure rule for counts that leave the team: nobody can work out that a handful of families is meant.

A count of 1 to 5 is shown as "c". A reader who knows the total of a table could find a single hidden cell by subtraction, so
another is hidden with it; and where the hidden cells could only be all 1 or all 5, one more. The rule follows that of the
Department for Education's statistics on children in need, with the two last cases on top.
"""

from collections.abc import Collection, Sequence
from math import ceil

FEWEST = 6  # a count below it is hidden, and no percentage of so few is given
HIDDEN, NOTHING = "c", "-"


def suppress(counts: Sequence[int], also: Collection[int] = ()) -> list[str]:
    """The counts of one table, whose total may be known, as they may be shown.

    ``also``: positions that are hidden whatever their count, since it could be worked out from elsewhere.
    """
    hidden = _find_hidden(counts, also)
    return [HIDDEN if at in hidden else f"{number:,}" for at, number in enumerate(counts)]


def total(counts: Sequence[int], also: Collection[int] = ()) -> str:
    """The total of the same table: hidden when it is small itself, or would give the hidden cells away."""
    number, hidden = sum(counts), _find_hidden(counts, also)
    return HIDDEN if 0 < number < FEWEST or (hidden and _tells(counts, hidden)) else f"{number:,}"


def percent(numerator: int, denominator: int) -> str:
    """A share in per cent, as it may be shown: none of a denominator under 6.

    Where fewer than 6 are in the numerator, or fewer than 6 are not, only a bound is given: all that "c" says, and no more.
    """
    if denominator < FEWEST:
        return NOTHING
    if denominator < 2 * FEWEST - 1:
        return HIDDEN
    bound = ceil(100 * (FEWEST - 1) / denominator)
    if numerator < FEWEST:
        return f"up to {bound} %"
    return f"{100 - bound} % or more" if denominator - numerator < FEWEST else f"{100 * numerator / denominator:.0f} %"


def _find_hidden(counts: Sequence[int], also: Collection[int]) -> set[int]:
    hidden = {at for at, number in enumerate(counts) if 0 < number < FEWEST or at in also}
    while hidden and _tells(counts, hidden):
        others = {number for at, number in enumerate(counts) if at not in hidden}
        others -= {0} if len(others) > 1 or sum(counts) < FEWEST else set()  # a total so small is hidden itself
        if not others:
            break
        hidden |= {at for at, number in enumerate(counts) if number == min(others)}  # all of them: which one would tell, too
    return hidden


def _tells(counts: Sequence[int], hidden: Collection[int]) -> bool:
    """Would the sum of the hidden cells, which is the total less the others, say what each of them is?"""
    values = {counts[at] for at in hidden}
    return len(hidden) == 1 or values == {1} or values == {FEWEST - 1}
