"""Referrals and closings: the history of each child as a walk through time, a fortnight at a step.

A child without an open case may be referred at any time; after a case has closed the chance is raised, most of all
at first. What raises it is true of the child and its family; what is recorded of it is another matter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.synthetic.world import (
    NEVER,
    YEAR,
    Days,
    Families,
    Flags,
    Numbers,
    Places,
    Profile,
    shared,
    stream,
    working_days_after,
)

STEP = 14  # days
NO_FURTHER_ACTION, NOT_IN_NEED, IN_NEED = 0, 1, 2
SIBLINGS_TOGETHER = 0.8  # chance that a brother or sister without an open case is referred on the same day
FRONT_LOADING = 0.65  # Weibull shape of the time from closing to the next referral
BAND_ENDS = (5, 85, 182, 365, 730)  # days; what ends before its assessment lasts until then

# How much more likely the first referral and the return are, by age in years (place 0: unborn).
AGE_AT_FIRST = np.array([6.0, 2.4, *[1.1] * 4, *[0.85] * 5, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.0, 0.0])
AGE_AT_RETURN = np.array([1.3, 1.3, *[1.2] * 4, *[1.05] * 5, *[0.95] * 6, 0.7, 0.5, 0.0])

EARLIER_CASE = 0.12  # added log chance for each earlier case, at most five
LOG_DIFFICULTY = 0.38  # power of the family's difficulty in the chance of coming back
NEGLECT, SUBSTANCES, DISABILITY = 0.18, 0.18, 0.15
AFTER_NO_FURTHER_ACTION, AFTER_EARLY_HELP, AFTER_NEED = 0.25, -0.25, -0.05


@dataclass(frozen=True)
class Episodes:
    """One entry for each referral episode; ``occasion`` numbers the occasions on which a family was referred."""

    child: Places
    occasion: Places
    start: Days
    close: Days
    kind: NDArray[np.int64]
    reason: NDArray[np.str_]
    assessment_days: Days
    early_help: Flags  # early help followed the closing

    @property
    def count(self) -> int:
        """How many episodes there are."""
        return int(self.child.size)


def live(profile: Profile, families: Families, first: int, last: int, seed: int) -> Episodes:
    """All episodes that begin between the days ``first`` and ``last``."""
    rng = stream(seed, "lives")
    walk = _Walk(profile, families)
    parts = [walk.step(rng, day, min(day + STEP, last + 1)) for day in range(first, last + 1, STEP)]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Episodes.__dataclass_fields__}
    order = np.lexsort((columns["child"], columns["start"]))
    return Episodes(**{name: values[order] for name, values in columns.items()})


class _Walk:
    """The state of every child while time passes."""

    def __init__(self, profile: Profile, families: Families) -> None:
        self.profile = profile
        self.families = families
        self.family_count = int(families.family.max()) + 1
        self.occasions = 0
        self.close = np.full(families.count, -NEVER, dtype=np.int64)
        self.left = np.zeros(families.count, dtype=bool)
        self.earlier = np.zeros(families.count, dtype=np.int64)
        self.after = np.zeros(families.count)
        self.standing = (
            LOG_DIFFICULTY * np.log(np.maximum(families.difficulty, 1e-3))
            + NEGLECT * families.neglect
            + SUBSTANCES * families.substances
            + DISABILITY * families.disabled
        )
        months = np.array(profile.months)
        self.season = months / months.sum() * 12

    def step(self, rng: np.random.Generator, day: int, until: int) -> Episodes:
        """Let time pass from ``day`` up to but not including ``until``."""
        people = self.families
        earliest = np.maximum(day, self.close + 2)  # no referral within a day of the last closing
        age = np.floor((day - people.birth) / YEAR).astype(np.int64)
        place = np.clip(age, -1, 18) + 1
        free = (people.birth - day < 140) & (place <= 18) & (earliest < until) & ~self.left
        who = np.flatnonzero(free)
        chance = self._expected(who, place[who], day, until, earliest[who])
        family = people.family[who]
        together = np.bincount(family, minlength=self.family_count)[family]
        chance = chance / (1 + SIBLINGS_TOGETHER * (together - 1))
        strikes = rng.random(who.size) < -np.expm1(-chance)

        moment = np.full(self.family_count, -1, dtype=np.int64)
        struck = who[strikes]
        moment[people.family[struck]] = _working_day(rng, rng.integers(earliest[struck], until))
        joins = strikes | (rng.random(who.size) < SIBLINGS_TOGETHER)
        referred = who[joins & (moment[family] >= earliest[who])]
        return self._refer(rng, referred, moment[people.family[referred]])

    def _expected(self, who: Places, place: Places, day: int, until: int, earliest: Days) -> Numbers:
        """Expected number of referrals of each free child in this step."""
        people = self.families
        first = self.profile.first_referrals * people.difficulty[who] * AGE_AT_FIRST[place] * (until - earliest) / YEAR
        closed = self.close[who]
        known = closed > -NEVER
        begin = np.where(known, earliest - closed - 2, 0) / 365
        end = np.where(known, until - closed - 2, 0) / 365
        log_risk = self.standing[who] + EARLIER_CASE * np.minimum(self.earlier[who], 5) + self.after[who]
        back = self.profile.returns * np.exp(log_risk) * AGE_AT_RETURN[place]
        back = back * (end**FRONT_LOADING - begin**FRONT_LOADING)
        month = int(np.datetime64(day + 7, "D").astype("datetime64[M]").astype(np.int64)) % 12
        chance: Numbers = self.season[month] * (first + np.where(known, back, 0.0))
        return chance

    def _refer(self, rng: np.random.Generator, who: Places, start: Days) -> Episodes:
        """What becomes of the children referred in this step; their state is moved on to the closing."""
        profile, people = self.profile, self.families
        local = np.unique(people.family[who], return_inverse=True)[1].astype(np.int64)
        occasion = self.occasions + local
        self.occasions += int(local.max()) + 1 if local.size else 0

        way = shared(rng, local, own=0.1)
        kind = np.where(
            way < profile.no_further_action,
            NO_FURTHER_ACTION,
            np.where(way < profile.no_further_action + profile.not_in_need, NOT_IN_NEED, IN_NEED),
        )
        lower, middle, upper = profile.assessment_days
        days = np.interp(
            shared(rng, local, own=0.2), (0, 0.25, 0.5, 0.75, 0.85, 0.97, 1), (2, lower, middle, upper, 46, 65, 110)
        ).astype(np.int64)
        assessed = working_days_after(start, days + 1)
        length = self._length(shared(rng, local, own=0.15), people.disabled[who] & (rng.random(who.size) < 0.3))
        close = np.select(
            [kind == NO_FURTHER_ACTION, kind == NOT_IN_NEED],
            [working_days_after(start, 1), assessed + rng.integers(0, 6, size=who.size)],
            np.maximum(start + length, assessed + rng.integers(0, 6, size=who.size)),
        )
        grown_up = people.birth[who] + int(18 * YEAR)
        care_leaver = (length > 730) & (rng.random(who.size) < 0.1)
        grown_up = grown_up + np.where(care_leaver, rng.integers(30, 1000, size=who.size), 0)
        aged_out = (close > grown_up) & (kind == IN_NEED)
        close = np.where(aged_out, np.maximum(grown_up, start + 30), close)
        close = working_days_after(close, 0)

        early_help = (kind == NOT_IN_NEED) & (shared(rng, local) < profile.early_help_after_assessment)
        stepped_down = (kind == IN_NEED) & (shared(rng, local) < 0.12)
        reason = np.where(
            kind == IN_NEED,
            _reasons(rng, local, length > 365, aged_out & people.disabled[who]),
            np.where(kind == NO_FURTHER_ACTION, "RC7", np.where(early_help, "RC9", "RC8")),
        )
        self.close[who] = close
        self.left[who] = np.isin(reason, ("RC1", "RC2", "RC5", "RC6")) | aged_out
        self.earlier[who] += 1
        self.after[who] = np.select(
            [kind == NO_FURTHER_ACTION, early_help | stepped_down, kind == IN_NEED],
            [AFTER_NO_FURTHER_ACTION, AFTER_EARLY_HELP, AFTER_NEED],
            0.0,
        )
        return Episodes(who, occasion, start, close, kind, reason, days, early_help | stepped_down)

    def _length(self, rank: Numbers, long_term: Flags) -> Days:
        """Days that a need episode lasts, by its rank between 0 and 1; disability makes some last longer."""
        rank = np.where(long_term, 1 - 0.25 * (1 - rank), rank)
        edges = np.concatenate(([0.0], np.cumsum(self.profile.bands)))
        within = np.interp(rank, edges[:-1], BAND_ENDS)
        beyond = np.log(np.maximum(1 - edges[-2], 1e-9) / np.maximum(1 - rank, 1e-6)) * self.profile.tail_years * YEAR
        result: Days = np.where(rank < edges[-2], within, BAND_ENDS[-1] + beyond).astype(np.int64)
        return result


def _reasons(rng: np.random.Generator, local: Places, long: Flags, to_adults: Flags) -> NDArray[np.str_]:
    """Why each need episode will close. Families move away together; orders end long cases."""
    away = shared(rng, local) < 0.038
    order = shared(rng, local, own=0.3)
    died = rng.random(local.size) < 0.003
    adopted, guardianship, arrangements = long & (order < 0.035), long & (order < 0.075), long & (order < 0.085)
    return np.select(
        [to_adults, died, away, adopted, guardianship, arrangements], ["RC6", "RC2", "RC5", "RC1", "RC4", "RC3"], "RC7"
    )


def _working_day(rng: np.random.Generator, days: Days) -> Days:
    """Most referrals that would arrive at a weekend are dated on the Monday."""
    weekday = (days + 3) % 7  # Monday is 0
    to_monday = np.where(weekday >= 5, 7 - weekday, 0)
    result: Days = days + np.where(rng.random(days.size) < 0.8, to_monday, 0)
    return result
