"""Episodes of referral, and the state of a world at the end of a day."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from validation.synthetic.process import Kinds
from validation.synthetic.world import NEVER, Days, Families, Flags, Numbers, Places


@dataclass(frozen=True)
class Episodes:
    """One entry for each referral episode; ``occasion`` numbers the occasions on which a family was referred."""

    child: Places
    family: Places  # that the child lived with when it was referred
    occasion: Places
    start: Days
    close: Days
    assessed: Days  # the end of the first assessment
    kind: Kinds
    stage: Kinds
    care: Flags
    enquired: Days  # the day on which the enquiry began, if there was one
    met: Days  # the day of the conference, if there was one
    reason: NDArray[np.str_]
    early_help: Flags  # early help followed the closing
    after: Numbers  # what the case adds to the log chance of coming back
    left: Flags  # the child will not come back

    @property
    def count(self) -> int:
        """How many episodes there are."""
        return int(self.child.size)

    def take(self, which: Places | Flags) -> "Episodes":
        """Some of the episodes."""
        return Episodes(**{one.name: getattr(self, one.name)[which] for one in fields(self)})


def joined(parts: Sequence[Episodes]) -> Episodes:
    """Episodes of several steps as one."""
    return Episodes(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Episodes)})


@dataclass
class State:
    """What is true at the end of a day. The first arrays have one entry for each child, the rest for each family."""

    home: Places
    start: Days  # of the last episode
    close: Days  # of the last episode: it may be yet to come
    assessed: Days
    kind: Kinds
    stage: Kinds
    care: Flags
    long_term: Flags
    alone: Flags  # the last case lasts as long as it does, whatever those of brothers and sisters do
    planned: Flags  # had a protection plan
    planned_before: Flags  # had one before the last episode
    enquired: Days
    met: Days
    occasion: Places
    earlier: Places  # number of episodes
    after: Numbers
    left: Flags  # will not come back
    crisis: Flags
    looked: Days  # day to which ``crisis`` applies
    offered: Days  # last day of a planted offer

    @classmethod
    def before(cls, families: Families, in_crisis: float, day: int, rng: np.random.Generator) -> "State":
        """Nobody has been referred yet, and families are in crisis as often as they ever are."""
        count, size = families.count, families.families
        never, no, zero = np.full(count, -NEVER), np.zeros(count, dtype=bool), np.zeros(count, dtype=np.int8)
        return cls(
            home=families.home(day), start=never.copy(), close=never.copy(), assessed=never.copy(), kind=zero.copy(),
            stage=zero.copy(), care=no.copy(), long_term=no.copy(), alone=no.copy(), planned=no.copy(), planned_before=no.copy(),
            enquired=never.copy(), met=never.copy(), occasion=np.full(count, -1), earlier=np.zeros(count, dtype=np.int64),
            after=np.zeros(count), left=no.copy(), crisis=rng.random(size) < in_crisis, looked=np.full(size, day),
            offered=np.full(size, -NEVER),
        )  # fmt: skip

    def copy(self) -> "State":
        """The same state, free to go its own way."""
        return State(**{one.name: getattr(self, one.name).copy() for one in fields(self)})

    def open_on(self, day: int) -> Flags:
        """Which children have an open case at the end of a day?"""
        return (self.start <= day) & (self.close > day)
