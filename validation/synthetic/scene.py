"""The scene of a day, from which many lives can go on: how likely each open case was to come back, whatever came of it.

The state of the world on a day is copied many times, and each copy lives on by chance: what has not happened yet is
drawn anew. The share of copies in which a child is referred again is its true chance, with the standard error of a
share. A move of a child to another family in the time to come is left out: one child in some hundreds moves in a year.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from validation.synthetic.lives import Walk
from validation.synthetic.process import CONFERENCE, EIGHTEEN, IN_NEED, Process, working_days_between
from validation.synthetic.state import State
from validation.synthetic.world import NEVER, Days, Families, Flags, Numbers, Places, shared, working_days_after

YEAR_DAYS, CLOSING_DAYS = 365, 182  # of the two outcomes that are shipped
BATCH = 400_000  # children in the copies that are lived at a time
OF_FAMILY = ("crisis", "looked", "offered")
LATENT = ("difficulty", "adversity", "neglect", "substances")


@dataclass(frozen=True)
class Chances:
    """Of each case: in how many of ``copies`` something came of it.

    ``again``: a new referral within a year; ``closed``: the case closed within 182 days; ``returned``: it did, with a new
    referral within a year of closing.
    """

    again: Places
    closed: Places
    returned: Places
    copies: int

    def __add__(self, other: "Chances") -> "Chances":
        return Chances(
            self.again + other.again, self.closed + other.closed, self.returned + other.returned, self.copies + other.copies
        )

    @property
    def chance(self) -> Numbers:
        """The chance of a new referral within a year."""
        result: Numbers = self.again / self.copies
        return result


@dataclass(frozen=True)
class Scene:
    """The families with an open case on a day: all that matters for what becomes of these cases."""

    process: Process
    families: Families
    state: State
    day: int
    chosen: Places  # families with an open case
    children: Places  # who live in them, in the order of their families
    cases: Places  # places of the children under 18 with an open case, among ``children``

    @classmethod
    def on(cls, process: Process, families: Families, state: State, day: int, among: Places | None = None) -> "Scene":
        """The scene at the end of a day of which ``state`` is the state; ``among`` may name the families that matter."""
        minors = state.open_on(day) & (families.birth + EIGHTEEN > day)
        if among is not None:
            minors &= np.isin(state.home, among)
        chosen = np.unique(state.home[minors])
        children = np.flatnonzero(np.isin(state.home, chosen))
        children = children[np.argsort(state.home[children], kind="stable")]
        # Offers go on working, but none is given from now on.
        still = replace(process, plants=replace(process.plants, offer=None))
        return cls(still, families, state, day, chosen, children, np.flatnonzero(minors[children]))

    def chances(self, copies: int, rng: np.random.Generator) -> Chances:
        """The chances given all that is true on the day."""

        def part(size: int) -> Chances:
            latent = {name: np.tile(getattr(self.families, name)[self.chosen], size) for name in LATENT}
            state = self.tiled(size, np.tile(self.state.crisis[self.chosen], size))
            state.looked = np.tile(self.state.looked[self.chosen], size)  # a crisis may have passed since it was seen
            return self.live_on(size, latent, state, rng)

        return self.together(copies, part)

    def offered_today(self) -> "Scene":
        """The same scene, but that every family has been given the planted offer today."""
        state = self.state.copy()
        state.offered[self.chosen] = self.day
        return replace(self, state=state)

    def without_offers(self) -> "Scene":
        """The same scene, but that no family has been given the planted offer."""
        state = self.state.copy()
        state.offered[:] = -NEVER
        return replace(self, state=state)

    def without_tilt(self) -> "Scene":
        """The same scene, but that from now on nobody is referred more often than need makes it."""
        return replace(self, process=replace(self.process, plants=replace(self.process.plants, over_referral=None)))

    def together(self, copies: int, part: Callable[[int], Chances]) -> Chances:
        """What came of many copies, of which ``part`` lives as many at a time as there is room for."""
        if not self.cases.size:
            none = np.zeros(0, dtype=np.int64)
            return Chances(none, none, none, copies)
        size = max(BATCH // self.children.size, 1)
        first, *rest = [part(min(size, copies - done)) for done in range(0, copies, size)]
        return sum(rest, first)

    def tiled(self, copies: int, crisis: Flags) -> State:
        """The state of the scene, ``copies`` times one after another, in crises as they are at the end of the day."""
        names = [one.name for one in fields(State) if one.name not in OF_FAMILY]
        children = {name: np.tile(getattr(self.state, name)[self.children], copies) for name in names}
        copy = np.repeat(np.arange(copies), self.children.size)
        local = np.searchsorted(self.chosen, self.state.home[self.children])
        children["home"] = np.tile(local, copies) + copy * self.chosen.size
        children["occasion"] = children["occasion"] + copy * (int(self.state.occasion.max()) + 1)
        offered = np.tile(self.state.offered[self.chosen], copies)
        return State(**children, crisis=crisis, looked=np.full(crisis.size, self.day), offered=offered)

    def live_on(self, copies: int, latent: Mapping[str, Numbers], state: State, rng: np.random.Generator) -> Chances:
        """Let copies of the scene live on for as long as the outcomes need, and count."""
        world = self.families.copied(self.children, copies, state.home.copy(), latent)
        walk = Walk(self.process, world, state, rng)
        resume(walk, self.day)
        case = (np.arange(copies)[:, None] * self.children.size + self.cases).ravel()
        closing = state.close[case].copy()
        lived = walk.run(self.day + 1, self.day + CLOSING_DAYS + YEAR_DAYS)
        first = np.full(world.count, NEVER)
        np.minimum.at(first, lived.child, lived.start)
        again, closed = first[case] <= self.day + YEAR_DAYS, closing <= self.day + CLOSING_DAYS
        returned = closed & (first[case] <= closing + YEAR_DAYS)
        counts = [flags.reshape(copies, -1).sum(axis=0) for flags in (again, closed, returned)]
        return Chances(counts[0], counts[1], counts[2], copies)


def resume(walk: Walk, day: int) -> None:
    """Draw anew how long the open cases of a walk will last, given how far they have come by the end of a day."""
    state, process, rng = walk.state, walk.process, walk.rng
    who = np.flatnonzero(state.open_on(day))
    local = np.unique(state.occasion[who], return_inverse=True)[1]
    start, kind = state.start[who], state.kind[who]
    assessing = state.assessed[who] > day
    assessed = np.where(assessing, _assessed(process, rng, local, start, day), state.assessed[who])
    rank = _ranks(process, state, who, local, np.where(assessing, 0.0, process.reached(start, day)), rng)
    least = np.maximum(assessed, np.where(state.stage[who] >= CONFERENCE, state.met[who], start))
    close, _, _ = walk.ends(who, local, start, least, kind, rank)
    state.close[who], state.assessed[who] = np.maximum(close, day + 1), assessed


def _ranks(process: Process, state: State, who: Places, local: Places, reached: Numbers, rng: np.random.Generator) -> Numbers:
    """The ranks of open cases, given how far each has come; ``reached`` is that of its length so far.

    Brothers and sisters whose cases last equally long have one rank: what is known of one of them holds for all.
    """
    apart = state.alone[who] | state.long_term[who] | (state.kind[who] != IN_NEED)
    group = np.where(apart, local.max(initial=0) + 1 + np.arange(who.size), local)
    _, first, place = np.unique(group, return_index=True, return_inverse=True)
    low, stage = np.zeros(first.size), np.zeros(first.size, dtype=np.int8)
    care, before = np.zeros(first.size, dtype=bool), np.zeros(first.size, dtype=bool)
    np.maximum.at(low, place, reached)
    np.maximum.at(stage, place, state.stage[who])
    np.logical_or.at(care, place, state.care[who])
    np.logical_or.at(before, place, state.planned_before[who])
    ranks = process.rank_given(rng.random(first.size), low, stage, care, before, state.long_term[who][first])
    return ranks[place]


def _assessed(process: Process, rng: np.random.Generator, local: Places, start: Days, day: int) -> Days:
    """The end of assessments that are still going on at the end of a day."""
    least = process.assessment_rank(working_days_between(start, day + 1) - 1)
    days = process.assessment_days(least + shared(rng, local, own=0.2) * (1 - least))
    return np.maximum(working_days_after(start, days + 1), day + 1)
