"""An attacker who reads everything that was published, and adds, subtracts and compares: no small count may give way.

The attacker is written without the rule: from printed texts alone, by integer programming (scipy's HiGHS), the least and the most
that each count of 1 to 5 can be. That it can succeed is shown on rules that were weakened on purpose.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, count, pairwise, product
from math import inf, sqrt

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from validation.disclosure import Rate, Release, Sum, protect

Families = np.ndarray  # a row for each family: a column for each breakdown, and whether it came back
Values = dict[str, int]


@dataclass(frozen=True)
class Plan:
    """What a publication holds: ``unprinted`` are cells that only their sums tell of."""

    counts: Values
    sums: list[Sum]
    rates: list[Rate]
    unprinted: set[str]


@dataclass(frozen=True)
class Printed:
    """A publication as it is read: text by cell and by rate, and what every reader knows to add up."""

    cells: dict[str, str]
    rates: dict[Rate, str]
    intervals: dict[Rate, str]
    sums: list[Sum]


def draw_families(rng: np.random.Generator) -> Families:
    """Some dozens of families, rare kinds among them."""
    size, breakdowns = int(rng.integers(12, 160)), int(rng.integers(1, 4))
    kinds = [rng.choice(kinds := int(rng.integers(2, 6)), size, p=rng.dirichlet(np.full(kinds, 0.6))) for _ in range(breakdowns)]
    return np.column_stack([*kinds, rng.random(size) < rng.uniform(0.05, 0.6)]).astype(int)


def change(families: Families, rng: np.random.Generator) -> Families:
    """The same council later: families have come, gone, or moved from one kind to another."""
    kept = families[rng.random(len(families)) >= rng.choice([0.0, 0.05])].copy()
    moved = rng.random(len(kept)) < rng.choice([0.0, 0.05])
    kept[moved, 0] = rng.choice(families[:, 0], int(moved.sum()))
    new = families[rng.choice(len(families), int(rng.integers(0, 6)))]
    return np.vstack([kept, new])


def plan(families: Families, rng: np.random.Generator) -> Plan:
    """Each breakdown alone, some of them crossed, and the share of each kind that came back."""
    breakdowns = families.shape[1] - 1
    crossed = [pair for pair in combinations(range(breakdowns), 2) if rng.random() < 0.7]
    tables = [(), *((at,) for at in range(breakdowns)), *crossed]
    kinds = [range(int(families[:, at].max()) + 1) for at in range(breakdowns)]
    made = Plan({}, [], [], set())
    with_rates = [(), *(table for table in tables[1:] if len(table) < 2 and rng.random() < 0.7)]
    for table in tables:
        has_rate = table in with_rates and (table != () or rng.random() < 0.7)  # else known to all as a sum, and not printed
        for values in product(*(kinds[at] for at in table)):
            mine = families[np.all(families[:, table] == values, axis=1)]
            cell = name(table, values)
            made.counts[cell] = len(mine)
            if table in with_rates:
                back, rest = f"{cell} back", f"{cell} rest"
                made.counts.update({back: int(mine[:, -1].sum()), rest: int((1 - mine[:, -1]).sum())})
                made.sums.append((cell, [back, rest]))
                made.rates.extend([(back, cell)] * has_rate)
                made.unprinted.update([rest] if has_rate else [back, rest])
    for table in tables[1:]:
        for left in table:
            rest = tuple(at for at in table if at != left)
            for values in product(*(kinds[at] for at in rest)):
                parts = [name(table, tuple(dict(zip((*rest, left), (*values, value), strict=True))[at] for at in table))
                         for value in kinds[left]]  # fmt: skip
                made.sums.append((name(rest, values), parts))
                if table in with_rates and rest in with_rates:
                    ends = ("back", "rest")
                    made.sums.extend((f"{name(rest, values)} {end}", [f"{part} {end}" for part in parts]) for end in ends)
    return made


def name(table: Sequence[int], values: Sequence[int]) -> str:
    return " and ".join(f"{at}={value}" for at, value in zip(table, values, strict=True)) or "all"


def publish(made: Plan, earlier: Sequence[Release] = ()) -> Release:
    return protect(made.counts, made.sums, made.rates, unprinted=made.unprinted, earlier=earlier)


def read(release: Release, made: Plan) -> Printed:
    """What is on paper, with Wilson's interval for each rate."""
    ends = {rate: wilson(*(release.counts[cell] for cell in rate)) for rate in made.rates}
    return Printed(
        {cell: "c" if cell in made.unprinted else release.show(cell) for cell in release.counts},
        {rate: release.percent(*rate) for rate in made.rates},
        {rate: release.interval(*rate, *ends[rate]) for rate in made.rates},
        list(release.sums),
    )


def wilson(numerator: int, denominator: int) -> tuple[float, float]:
    if not denominator:
        return 0.0, 1.0
    share, z = numerator / denominator, 1.96
    middle, scale = share + z * z / (2 * denominator), 1 + z * z / denominator
    half = z * sqrt(share * (1 - share) / denominator + z * z / (4 * denominator * denominator))
    return (middle - half) / scale, (middle + half) / scale


@cache
def meant_by(interval: str) -> tuple[int, int, int, int]:
    """The least and the most that numerator and denominator can be, of whom an interval is printed; tried one by one."""
    fitting = [(k, n) for n in range(1, 200) for k in range(n + 1)
               if "{:.0f} to {:.0f} %".format(*(100 * end for end in wilson(k, n))) == interval]  # fmt: skip
    return min(k for k, _ in fitting), max(k for k, _ in fitting), min(n for _, n in fitting), max(n for _, n in fitting)


class Attacker:
    """Everything that was printed, as an integer program. ``ways`` says of each release how every count went since the last."""

    def __init__(self, papers: Sequence[Printed], ways: Sequence[Values]) -> None:
        number = count()
        self.places = {(time, cell): next(number) for time, paper in enumerate(papers) for cell in paper.cells}
        self.low, self.high = np.zeros(len(self.places)), np.full(len(self.places), inf)
        rows = []
        for time, paper in enumerate(papers):
            for cell, text in paper.cells.items():
                if text != "c":
                    self.narrow(time, cell, int(text.replace(",", "")), int(text.replace(",", "")))
            rows += [([(time, whole, -1.0), *((time, part, 1.0) for part in parts)], 0, 0) for whole, parts in paper.sums]
            for rate, text in paper.rates.items():
                rows += self.use_rate(time, rate, text)
            for rate, text in paper.intervals.items():
                if text:
                    least, most, fewest, largest = meant_by(text)
                    self.narrow(time, rate[0], least, most)
                    self.narrow(time, rate[1], fewest, largest)
            for cell, way in ways[time].items():
                rows.append(([(time, cell, 1.0), (time - 1, cell, -1.0)], 0 if way >= 0 else -inf, 0 if way <= 0 else inf))
        matrix = lil_array((len(rows), len(self.places)))
        for at, (entries, _, _) in enumerate(rows):
            for time, cell, factor in entries:
                matrix[at, self.places[time, cell]] = factor
        self.known = LinearConstraint(matrix.tocsr(), [low for _, low, _ in rows], [high for _, _, high in rows])

    def narrow(self, time: int, cell: str, low: float, high: float) -> None:
        at = self.places[time, cell]
        self.low[at], self.high[at] = max(self.low[at], low), min(self.high[at], high)

    def use_rate(self, time: int, rate: Rate, text: str) -> Iterator[tuple[list[tuple[int, str, float]], float, float]]:
        """A share is that of its numbers, rounded; and who knows the rule knows that both its sides are none or 6 and more."""
        found = re.fullmatch(r"(\d+) %", text)
        above, below = rate
        if found:
            share = int(found[1])
            yield [(time, above, 100.0), (time, below, -(share - 0.5))], 0, inf
            yield [(time, above, 100.0), (time, below, -(share + 0.5))], -inf, 0
            self.narrow(time, below, 6, inf)
            self.narrow(time, above, 6 if share else 0, inf)
            yield [(time, below, 1.0), (time, above, -1.0)], 6 if share < 100 else 0, inf

    def find_range(self, time: int, cell: str) -> tuple[int, int]:
        """The least and the most that a count can be; more than 9 is as good as any."""
        at, ends = self.places[time, cell], []
        high = self.high.copy()
        high[at] = min(high[at], 9)
        for sign in (1.0, -1.0):
            wanted = np.zeros(len(self.places))
            wanted[at] = sign
            found = milp(wanted, integrality=np.ones(len(wanted)), bounds=Bounds(self.low, high), constraints=self.known)
            assert found.success, "what was published contradicts itself"
            ends.append(round(found.x[at]))
        return ends[0], ends[1]


def attack(releases: Sequence[Release], plans: Sequence[Plan]) -> list[tuple[int, str, int, int]]:
    """Counts of 1 to 5 that were narrowed to less than that, with the range that was found."""
    ways = [{}] + [
        {cell: number - before.counts[cell] for cell, number in now.counts.items() if cell in before.counts}
        for before, now in pairwise(releases)
    ]
    attacker = Attacker([read(release, made) for release, made in zip(releases, plans, strict=True)], ways)
    found = [
        (time, cell, *attacker.find_range(time, cell))
        for time, release in enumerate(releases)
        for cell, number in release.counts.items()
        if 1 <= number <= 5
    ]
    return [(time, cell, low, high) for time, cell, low, high in found if low > 1 or high < 5]


def draw_one(seed: int, rule: Callable[[Plan], Release] = publish) -> tuple[list[Release], list[Plan]]:
    rng = np.random.default_rng(seed)
    made = plan(draw_families(rng), rng)
    return [rule(made)], [made]


def draw_pair(seed: int, *, compare: bool = True) -> tuple[list[Release], list[Plan]]:
    """Two releases; the second is of the same families in half of the pairs, under other tables."""
    rng = np.random.default_rng(seed)
    families = draw_families(rng)
    later = families if rng.random() < 0.5 else change(families, rng)
    plans = [plan(families, rng), plan(later, rng)]
    first = publish(plans[0])
    try:
        return [first, publish(plans[1], [first] if compare else [])], plans
    except ValueError:  # refused: the first gave a count of the second away before anybody asked for it
        return [first], plans[:1]


@pytest.mark.parametrize("start", range(0, 40, 10))
def test_no_small_count_can_be_narrowed(start: int) -> None:
    for seed in range(start, start + 10):
        assert not attack(*draw_one(seed)), seed


@pytest.mark.parametrize("start", range(0, 20, 5))
def test_nor_by_comparing_two_releases(start: int) -> None:
    for seed in range(start, start + 5):
        assert not attack(*draw_pair(seed)), seed


@pytest.mark.proof
@pytest.mark.parametrize("start", range(1_000, 2_000, 50))
def test_no_small_count_can_be_narrowed_in_a_thousand_publications(start: int) -> None:
    for seed in range(start, start + 50):
        assert not attack(*draw_one(seed)), seed


@pytest.mark.proof
@pytest.mark.parametrize("start", range(2_000, 2_300, 30))
def test_nor_by_comparing_three_hundred_pairs(start: int) -> None:
    for seed in range(start, start + 30):
        assert not attack(*draw_pair(seed)), seed


def hide_small_only(made: Plan) -> Release:
    kept = publish(made)
    return replace(kept, hidden=frozenset(cell for cell in kept.hidden if made.counts[cell] in range(1, 6)))


def test_the_attack_succeeds_when_only_the_small_counts_are_hidden() -> None:
    assert any(attack(*draw_one(seed, hide_small_only)) for seed in range(5))


class Generous(Release):
    """A release that prints intervals whatever is hidden."""

    def is_whole(self, numerator: str, denominator: str) -> bool:
        return (numerator, denominator) in self.rates


def print_every_interval(made: Plan) -> Release:
    kept = publish(made)
    return Generous(kept.counts, kept.sums, kept.rates, kept.hidden)


def test_the_attack_succeeds_when_intervals_of_hidden_counts_are_printed() -> None:
    assert any(attack(*draw_one(seed, print_every_interval)) for seed in range(40))


def ignore_rates(made: Plan) -> Release:
    """Print the rates without having reckoned with them."""
    kept = publish(made)
    return replace(kept, hidden=publish(replace(made, rates=[])).hidden)


def test_the_attack_succeeds_when_rates_are_not_reckoned_with() -> None:
    assert any(attack(*draw_one(seed, ignore_rates)) for seed in range(60))


def test_the_attack_succeeds_when_the_earlier_release_is_forgotten() -> None:
    assert any(attack(*draw_pair(seed, compare=False)) for seed in range(20))
