"""A reader of the fairness page who takes every family for one case on one date, and so turns shares into counts of families.

What the page prints is read from its tables alone. Unknown are whole numbers: how many families of each kind came back, were on
which list, were found in need. Everything printed, all that adds up, and every total (which other pages may tell) are constraints
on them; an integer program finds the least and the most that a count can be. Nothing of the rule that hid is used here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import inf
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

Form = Mapping[int, float]  # a sum of unknowns
Part = tuple[Form, Form]  # above the line of a share, and below it
Place = tuple[str, str, str]  # group, value, metric with the size of its list
HEADINGS = {"Came back": "came_back", "Found in need": "returns_in_need"}
BACK, GONE = (1, 0)
FEW = range(1, 6)


def add(*forms: Form) -> dict[int, float]:
    """A sum of sums."""
    total: dict[int, float] = defaultdict(float)
    for form in forms:
        for at, factor in form.items():
            total[at] += factor
    return dict(total)


def less(one: Form, other: Form) -> dict[int, float]:
    return add(one, {at: -factor for at, factor in other.items()})


def scale(form: Form, by: float) -> dict[int, float]:
    return {at: by * factor for at, factor in form.items()}


@dataclass
class Kind:
    """The unknowns of one kind of family: by return and shortest list, by what was found, and by year and return."""

    listed: dict[tuple[int, int], Form]
    found: dict[str, Form]
    years: dict[tuple[str, int], Form]

    def parts(self, sizes: Sequence[str]) -> dict[str, Part]:
        """Both sides of every share of this kind."""
        every = add(*self.listed.values())
        back, gone = (add(*(form for (way, _), form in self.listed.items() if way == one)) for one in (BACK, GONE))
        settled = add(self.found["in need"], self.found["without"], self.found["gone"])
        told = {
            "came_back": (back, every),
            "returns_in_need": (self.found["in need"], settled),
            "returns_without_need": (self.found["without"], settled),
            "returns_beside_chances": (back, every),
        }
        for at, size in enumerate(sizes):
            on = {way: add(*(form for (one, to), form in self.listed.items() if one == way and to <= at)) for way in (BACK, GONE)}
            told |= {
                f"offered {size}": (add(on[BACK], on[GONE]), every),
                f"missed_returns {size}": (less(back, on[BACK]), back),
                f"unneeded_approaches {size}": (on[GONE], add(on[BACK], on[GONE])),
                f"offered_without_return {size}": (on[GONE], gone),
            }
        for year in dict.fromkeys(year for year, _ in self.years):
            told[f"came_back {year}"] = (self.years[year, BACK], add(self.years[year, BACK], self.years[year, GONE]))
        return told


def join(kinds: Iterable[Kind]) -> Kind:
    """Several kinds as one."""
    kinds = list(kinds)
    listed, found, years = (
        {name: add(*(getattr(kind, of)[name] for kind in kinds)) for name in getattr(kinds[0], of)}
        for of in ("listed", "found", "years")
    )
    return Kind(listed, found, years)


@dataclass
class Reader:
    """All that is known of the unknowns. ``parts``: both sides of each share of each value of each group."""

    sizes: Sequence[str]
    years: Sequence[str]
    size: int = 0
    rows: list[tuple[Form, float, float]] = field(default_factory=list)
    parts: dict[Place, Part] = field(default_factory=dict)
    totals: dict[str, Part] = field(default_factory=dict)
    singles: dict[str, dict[str, Kind]] = field(default_factory=dict)

    def know(self, form: Form, low: float, high: float = inf) -> None:
        self.rows.append((form, low, high))

    def new(self) -> dict[int, float]:
        self.size += 1
        return {self.size - 1: 1.0}

    def new_kind(self) -> Kind:
        listed = {key: self.new() for key in product((BACK, GONE), range(len(self.sizes) + 1))}
        found = {name: self.new() for name in ("in need", "without", "not known", "gone", "gone, not known")}
        years = {key: self.new() for key in product(self.years, (BACK, GONE))}
        for way in (BACK, GONE):
            of = add(*(form for (one, _), form in listed.items() if one == way))
            self.know(less(of, add(*(form for name, form in found.items() if name.startswith("gone") == (way == GONE)))), 0, 0)
            if years:
                self.know(less(of, add(*(form for (_, one), form in years.items() if one == way))), 0, 0)
        return Kind(listed, found, years)

    def use_groups(self, values: Mapping[str, Sequence[str]], pairs: Sequence[tuple[str, str]]) -> None:
        """Unknowns for every pair of values, which add up to single ones; all groups have the same families."""
        singles = self.singles
        for one, other in pairs:
            kinds = {key: self.new_kind() for key in product(values[one], values[other])}
            sides = {
                one: {value: join(kind for (of, _), kind in kinds.items() if of == value) for value in values[one]},
                other: {value: join(kind for (_, of), kind in kinds.items() if of == value) for value in values[other]},
            }
            self._name(f"{one} and {other}", {f"{left}, {right}": kind for (left, right), kind in kinds.items()})
            for group, found in sides.items():
                for value, kind in found.items() if group in singles else ():
                    self._equal(singles[group][value], kind)
                singles.setdefault(group, found)
        for group, found in singles.items():
            self._name(group, found)
        whole, *others = [join(found.values()) for found in singles.values()]
        self.totals = whole.parts(self.sizes)
        for other in others:
            self._equal(whole, other)

    def use_within(self, group: str, finer: str, within: Mapping[str, Sequence[str]]) -> None:
        """Unknowns for the parts of each value of a group, which add up to it."""
        for value, parts in within.items():
            kinds = {part: self.new_kind() for part in parts}
            self._equal(self.singles[group][value], join(kinds.values()))
            self._name(finer, kinds)

    def _name(self, group: str, kinds: Mapping[str, Kind]) -> None:
        for value, kind in kinds.items():
            self.parts |= {(group, value, metric): part for metric, part in kind.parts(self.sizes).items()}

    def _equal(self, one: Kind, other: Kind) -> None:
        for of in ("listed", "found", "years"):
            for key, form in getattr(one, of).items():
                self.know(less(form, getattr(other, of)[key]), 0, 0)

    def use_share(self, part: Part, text: str, *, ruled: bool = True) -> None:
        """A share with one decimal; ``ruled``: who knows the rule knows that each of its sides is none, or six and more."""
        found = re.match(r"(\d+\.\d) %", text)
        if found:
            above, below = part
            share = float(found[1])
            for end, low, high in ((share - 0.05, 0, inf), (share + 0.05, -inf, 0)):
                self.know(less(scale(above, 100), scale(below, end)), low, high)
        if found and ruled:
            self.know(below, 6)
            self.know(above, *((6, inf) if share else (0, 0)))
            self.know(less(below, above), *((6, inf) if share < 100 else (0, 0)))

    def use_total(self, counts: Mapping[str, tuple[int, int]]) -> None:
        """What is counted of all families together, which other pages may tell, but where it would tell of a handful.

        How long a list is everybody knows. What is both on it and a return is told where all four numbers are over ten.
        """
        for metric, (some, every) in counts.items():
            above, below = self.totals[metric]
            size, needs = metric.partition(" ")[2], metric.endswith("_need")
            linked = [one for name, one in counts.items() if (size and name.endswith(size)) or (needs and name.endswith("_need"))]
            least = 11 if size in self.sizes else 6
            if metric.startswith("offered ") or not any(
                0 < number < least for of, whole in [(some, every), *linked] for number in (of, whole - of)
            ):
                self.know(above, some, some)
                self.know(below, every, every)
            else:
                self.know(above, min(some, 1))
                self.know(less(below, above), min(every - some, 1))

    def use_row(self, group: str, value: str, metric: str, families: str, here: str, against: str = "") -> None:
        """A row of a table."""
        part = self.parts[group, value, metric]
        if families != "c":
            number = int(families.replace(",", ""))
            self.know(part[1], number, number)
        self.use_share(part, here)
        if not metric.startswith("returns_beside"):
            self.use_share(
                tuple(less(whole, mine) for whole, mine in zip(self.totals[metric], part, strict=True)), against, ruled=False
            )  # type: ignore[arg-type]

    def find_narrowed(self, wanted: Mapping[str, tuple[Form, int]], most: int | None = None) -> list[tuple[str, int, str]]:
        """Counts of 1 to 5 of which a reader knows more than that: which, what it is, and at which end it was narrowed.

        ``wanted``: sums of unknowns with what they are in truth. Only the first ``most`` ends are looked for one by one.
        """
        matrix = self._matrix([form for form, _, _ in self.rows])
        known = LinearConstraint(matrix, [low for _, low, _ in self.rows], [high for _, _, high in self.rows])
        assert self._solve([known]) is not None, "what was printed contradicts itself"
        goals = [(name, end) for name, (_, number) in wanted.items() if number in FEW for end in ("at most 1", "at least 5")]
        forms = self._matrix([wanted[name][0] for name, _ in goals])
        reached, narrowed, tried = np.zeros(len(goals), dtype=bool), [], 0
        for at, (name, end) in enumerate(goals):
            if reached[at] or (most is not None and tried >= most):
                continue
            tried += 1
            ends = (-inf, 1) if end == "at most 1" else (5, inf)
            goal = LinearConstraint(forms[[at]], *ends)
            answer = self._solve([known, goal])
            if answer is not None:
                values = np.round(forms @ answer)
                reached |= np.array([value <= 1 if end == "at most 1" else value >= 5
                                     for value, (_, end) in zip(values, goals, strict=True)])  # fmt: skip
            else:
                narrowed.append((name, wanted[name][1], end))
        return narrowed

    def _solve(self, constraints: Sequence[LinearConstraint]) -> Any:
        size = self.size
        answer = milp(np.zeros(size), integrality=np.ones(size), bounds=Bounds(0, inf), constraints=constraints)
        return np.round(answer.x) if answer.success else None

    def _matrix(self, forms: Sequence[Form]) -> Any:
        entries = [(row, at, factor) for row, form in enumerate(forms) for at, factor in form.items()]
        rows, places, factors = zip(*entries, strict=True) if entries else ((), (), ())
        return coo_array((factors, (rows, places)), shape=(len(forms), self.size)).tocsr()
