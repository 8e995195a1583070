"""The disclosure rule for counts that leave the team: nobody can work out that a handful of families is meant.

A count of 1 to 5 is shown as "c", as in the Department for Education's statistics on children in need. A reader could find a
lone hidden cell by subtraction, so others are hidden with it (secondary suppression). Which ones is not guessed: for each small
count, :func:`protect` looks for two other publications that show the same, one in which the count is 1 and one in which it is 5,
by integer programming over all tables, rates and earlier releases together. What these two would have to change is hidden,
too; they are the proof that a reader cannot tell. The idea is that of Fischetti and Salazar-Gonzalez (2001): the optimal choice
there, one program for each end here. ``docs/disclosure.md`` says what is promised and how it was attacked.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf
from typing import Any

import numpy as np
import numpy.typing as npt

FEWEST = 6  # a count below it is hidden, and no percentage of so few is given
HIDDEN, NOTHING = "c", "-"

Floats = npt.NDArray[np.float64]
Sum = tuple[str, Collection[str]]
"""A total and the cells that add up to it."""
Rate = tuple[str, str]
"""The cell above the line of a rate, and the one below it, which holds those above and others."""


@dataclass(frozen=True)
class Release:
    """One publication of linked counts: what the counts are, which add up, which rates are printed, and which cells are hidden.

    The counts themselves stay with the team: a later release is held against them. See :func:`protect`.
    """

    counts: Mapping[str, int]
    sums: Sequence[Sum]
    rates: frozenset[Rate]
    hidden: frozenset[str]

    def tell(self, cell: str) -> int | str:
        """A count, or "c"."""
        return HIDDEN if cell in self.hidden else self.counts[cell]

    def show(self, cell: str) -> str:
        """The same as text, with thousands apart."""
        told = self.tell(cell)
        return told if isinstance(told, str) else f"{told:,}"

    def percent(self, numerator: str, denominator: str) -> str:
        """A rate in whole per cent: "c" where it tells of 1 to 5, and nothing of a denominator under 6.

        A rate of cells that are hidden only for the sake of others is given: :func:`protect` has reckoned with it.
        """
        above, below = self.counts[numerator], self.counts[denominator]
        if (numerator, denominator) in self.rates:
            return f"{_round_share(above, below)} %"
        return NOTHING if below < FEWEST and denominator not in self.hidden else HIDDEN

    def is_whole(self, numerator: str, denominator: str) -> bool:
        """May figures finer than a whole per cent be given, such as the ends of an interval? They would tell how many."""
        return (numerator, denominator) in self.rates and not self.hidden & {numerator, denominator}

    def interval(self, numerator: str, denominator: str, low: float, high: float) -> str:
        """The ends of a rate's interval in per cent, or nothing where a count behind it is hidden: its width tells of both."""
        return f"{100 * low:.0f} to {100 * high:.0f} %" if self.is_whole(numerator, denominator) else ""


def protect(
    counts: Mapping[str, int],
    sums: Sequence[Sum] = (),
    rates: Collection[Rate] = (),
    *,
    unprinted: Collection[str] = (),
    also: Collection[str] = (),
    earlier: Sequence[Release] = (),
) -> Release:
    """Choose what is hidden of counts that are published together.

    ``counts``: all cells by name, with the ``unprinted`` ones that can be worked out, as what is left of a total of which one
    part is printed. ``sums``: which add up to which; all that a reader knows. ``rates``: those that are printed, in whole per
    cent; one that tells of 1 to 5 is not. ``also``: cells hidden whatever their count, since it could be worked out to within 5
    from elsewhere. ``earlier``: the releases before this one, the oldest first; a name stands for one count at different times.

    The promise: a reader who has this release and the earlier ones, and knows every sum, has to think that any count of 1 to 5,
    of now or of then, may be 1 and may be 5; even when told of every count whether it rose, fell or stayed since the release
    before. Wherever there is a way, that holds also against a reader who knows which of the hidden cells are the small ones.
    Nothing is promised against a reader who knows a hidden count from elsewhere, such as a parent of the family.

    Raises ``ValueError`` when counts and sums contradict each other, or when what was published earlier gives a count away.
    """
    _require_sums(counts, sums)
    small = {cell for cell, number in counts.items() if 0 < number < FEWEST}
    printed = frozenset(rate for rate in rates if _may_be_printed(counts[rate[0]], counts[rate[1]]))
    hidden = frozenset(small | set(unprinted) | set(also))
    if not small | set(also) and not earlier:
        return Release(counts, sums, printed, hidden)
    for kept in _leave_out(printed, counts):
        found = _Program([*earlier, Release(counts, sums, kept, hidden)], also).find_secondary()
        if found is not None:
            return Release(counts, sums, kept, hidden | found)
    raise ValueError("What was published earlier gives a small count of this table away: leave out the sums that tie them.")


def suppress(counts: Sequence[int], also: Collection[int] = ()) -> list[str]:
    """The counts of one table, whose total may be known, as they may be shown. See :func:`protect`.

    ``also``: positions that are hidden whatever their count, since it could be worked out from elsewhere.
    """
    release = _protect_one(tuple(counts), frozenset(also))
    return [release.show(str(at)) for at in range(len(counts))]


def total(counts: Sequence[int], also: Collection[int] = ()) -> str:
    """The total of the same table: hidden when it is small itself, or would give the hidden cells away."""
    return _protect_one(tuple(counts), frozenset(also)).show("total")


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


@lru_cache(maxsize=256)
def _protect_one(counts: tuple[int, ...], also: frozenset[int]) -> Release:
    """One table with its total. Where hidden cells make 10 or fewer, who plays the rule through could tell: another is hidden."""
    cells = {str(at): number for at, number in enumerate(counts)}
    hidden: set[str] = set()
    while True:
        sums, known = [("total", list(cells))], {str(at) for at in also}
        release = protect(cells | {"total": sum(counts)}, sums, also=known, unprinted=hidden)
        shown = [cell for cell, number in cells.items() if number and cell not in release.hidden]
        left = sum(counts) - sum(cells[cell] for cell in shown)
        if not shown or "total" in release.hidden or not 0 < left < 2 * FEWEST - 1:
            return release
        hidden |= release.hidden | {shown[-1]}


def _require_sums(counts: Mapping[str, int], sums: Sequence[Sum]) -> None:
    for whole, parts in sums:
        if counts[whole] != sum(counts[part] for part in parts):
            raise ValueError(f"The parts of '{whole}' do not add up to it: mend the sums before anything is published.")
    if any(number < 0 for number in counts.values()):
        raise ValueError("A count is below nothing: only counts can be published.")


def _may_be_printed(above: int, below: int) -> bool:
    """Is neither the numerator nor what is left of the denominator 1 to 5? Then the denominator is no small number either."""
    return below >= FEWEST and all(not 0 < number < FEWEST for number in (above, below - above))


def _leave_out(rates: frozenset[Rate], counts: Mapping[str, int]) -> Iterator[frozenset[Rate]]:
    """All rates; all but one, that of the fewest first; none. Two rates can give a small third away, whatever is hidden."""
    yield rates
    for rate in sorted(rates, key=lambda rate: (counts[rate[1]], rate)):
        yield rates - {rate}
    if len(rates) > 1:
        yield frozenset()


def _round_share(above: int, below: int) -> int:
    return (200 * above + below) // (2 * below)


class _Program:
    """All cells of all releases as unknown whole numbers, and everything that a reader knows of them as constraints.

    Beside each unknown stands how far it lies from the true count, which is what the program makes small.
    """

    def __init__(self, releases: Sequence[Release], also: Collection[str]) -> None:
        self.releases = releases
        self.places = {(time, cell): at for at, (time, cell) in enumerate(
            (time, cell) for time, release in enumerate(releases) for cell in release.counts)}  # fmt: skip
        self.truth = np.array([releases[time].counts[cell] for time, cell in self.places], dtype=np.float64)
        self.hidden = np.array([cell in releases[time].hidden for time, cell in self.places])
        self.is_past = np.array([time < len(releases) - 1 for time, _ in self.places])
        self.is_also = np.array([cell in also for _, cell in self.places]) & ~self.is_past
        rated = np.array([any(cell in rate for rate in releases[time].rates) for time, cell in self.places])
        self.is_rated = rated & (self.truth > 0)
        self.prices = self._set_prices()
        self.constraints = self._constrain()

    def find_secondary(self) -> set[str] | None:
        """Cells of the latest release that are hidden for the sake of others; ``None`` where even that does not help."""
        found = self.hidden.copy()
        reached = self._reach(self.truth)
        for goal in self._goals():
            if goal not in reached:
                other = self._find_other(goal, found, strictly=True)
                other = self._find_other(goal, found, strictly=False) if other is None else other
                if other is None:
                    return None
                found |= other != self.truth
                reached |= self._reach(other)
        return {cell for (time, cell), at in self.places.items() if found[at] and not self.is_past[at]}

    def _goals(self) -> Iterator[tuple[int, float, float]]:
        """Each small count, with the two ends that a reader must think possible, each as a range: 1 and 5."""
        for at in np.flatnonzero(self.hidden):
            number = self.truth[at]
            if 0 < number < FEWEST:
                yield int(at), 1, 1
                yield int(at), FEWEST - 1, FEWEST - 1
            elif self.is_also[at]:  # what gives it away from elsewhere is small: it must seem to be up to 4 more, or less
                yield int(at), 0, max(0, number - FEWEST + 2)
                yield int(at), number + FEWEST - 2, inf

    def _reach(self, other: Floats) -> set[tuple[int, float, float]]:
        return {(at, low, high) for at, low, high in self._goals() if low <= other[at] <= high}

    def _find_other(self, goal: tuple[int, float, float], hidden: npt.NDArray[np.bool_], *, strictly: bool) -> Floats | None:
        """The publication that meets the goal, shows what is shown of earlier ones, and differs least in what is shown now.

        ``strictly``: the cells that are small in truth are so in it, and the large ones large; one of nothing may be either.
        """
        from scipy.optimize import Bounds, milp

        size, truth = len(self.truth), self.truth
        low, high = np.zeros(size), np.full(size, inf)
        low[self.is_rated] = FEWEST  # a rate is printed of no smaller ones
        if strictly:
            is_small = (truth > 0) & (truth < FEWEST)
            low[truth > 0] = np.maximum(low[truth > 0], 1)
            high[is_small] = FEWEST - 1
        known = self.is_past & ~hidden
        low[known] = high[known] = truth[known]
        low[goal[0]], high[goal[0]] = max(low[goal[0]], goal[1]), min(high[goal[0]], goal[2])
        if low[goal[0]] > high[goal[0]]:
            return None
        price = np.where(hidden, 0.0, self.prices)
        answer = milp(
            np.concatenate([np.zeros(size), price]),
            integrality=np.repeat([1, 0], size),
            bounds=Bounds(np.concatenate([low, np.zeros(size)]), np.concatenate([high, np.full(size, inf)])),
            constraints=self.constraints,
        )
        return np.round(answer.x[:size]) if answer.success else None

    def _set_prices(self) -> Floats:
        """What it costs to hide a cell: those of few digits before those of many, then those of nothing, totals last.

        Not the smallest first: that this one was hidden and not that one would tell how small it is.
        """
        totals = {(time, whole) for time, release in enumerate(self.releases) for whole, _ in release.sums}
        is_total = np.array([place in totals for place in self.places])
        digits = np.array([max(2, len(str(int(number)))) for number in self.truth])
        most = max(digits) + 1
        kinds = np.where(self.truth > 0, digits, most) + np.where(is_total, most, 0)
        return kinds - np.arange(len(kinds)) / (10 * len(kinds))  # of one kind the last

    def _constrain(self) -> list[Any]:
        from scipy.optimize import LinearConstraint
        from scipy.sparse import eye_array, hstack

        size = len(self.truth)
        rows, lows, highs = [], [], []
        for row, low, high in (*self._add_up(), *self._compare()):
            rows.append(row)
            lows.append(low)
            highs.append(high)
        one = eye_array(size, format="csr")
        distances = [
            LinearConstraint(hstack([one, -one]), -inf, self.truth),
            LinearConstraint(hstack([one, one]), self.truth, inf),
        ]
        return [LinearConstraint(self._matrix(rows), lows, highs), *distances] if rows else distances

    def _matrix(self, rows: Sequence[Mapping[int, float]]) -> Any:
        from scipy.sparse import coo_array

        entries = [(at, place, factor) for at, row in enumerate(rows) for place, factor in row.items()]
        at, places, factors = zip(*entries, strict=True)
        return coo_array((factors, (at, places)), shape=(len(rows), 2 * len(self.truth))).tocsr()

    def _add_up(self) -> Iterator[tuple[dict[int, float], float, float]]:
        """What is known within a release: its sums, and its rates, each rounded to a whole per cent and of no small number."""
        for time, release in enumerate(self.releases):
            for whole, parts in release.sums:
                yield {self.places[time, part]: 1.0 for part in parts} | {self.places[time, whole]: -1.0}, 0, 0
            for above, below in sorted(release.rates):
                shown = _round_share(release.counts[above], release.counts[below])
                for factor, low, high in ((shown - 0.5, 0.0, inf), (shown + 0.5, -inf, 0.0)):
                    yield {self.places[time, above]: 100.0, self.places[time, below]: -factor}, low, high
                left = release.counts[below] - release.counts[above]
                yield {self.places[time, below]: 1.0, self.places[time, above]: -1.0}, min(left, FEWEST), inf if left else 0
                yield {self.places[time, above]: 1.0}, 0, inf if release.counts[above] else 0

    def _compare(self) -> Iterator[tuple[dict[int, float], float, float]]:
        """What is known from one release to the next: of every count whether it stayed, rose or fell."""
        for (time, cell), at in self.places.items():
            before = self.places.get((time - 1, cell))
            if before is not None:
                change = self.truth[at] - self.truth[before]
                yield {at: 1.0, before: -1.0}, -inf if change < 0 else 0, inf if change > 0 else 0
