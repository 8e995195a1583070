"""The process: how likely a child is to be referred, and what course its case takes. Nothing here is drawn for good.

Both the walk through time and everything that computes a true chance read the same functions, so they agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.synthetic.plants import Plants
from validation.synthetic.world import NEVER, YEAR, Days, Families, Flags, Numbers, Places, Profile, day_number

Kinds = NDArray[np.int8]

NO_FURTHER_ACTION, NOT_IN_NEED, IN_NEED = 0, 1, 2  # kinds of case
NOTHING, ENQUIRY, CONFERENCE, PLAN = 0, 1, 2, 3  # how far protection goes

SIBLINGS_TOGETHER = 0.8  # chance that a brother or sister without an open case is referred on the same day
MONTH_DAYS = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
UNBORN = 140  # days before the birth from which a child can be referred

CRISIS_DAYS = 365  # mean length of a crisis of a family

# How much more likely the first referral and the return are, by age in years (place 0: unborn).
AGE_AT_FIRST = np.array([25.0, 0.9, *[0.325] * 4, *[0.6] * 5, 0.82, 0.86, 1.02, 1.15, 1.55, 2.7, 7.1, 8.8, 0.0])
AGE_AT_RETURN = np.array([1.6, 1.6, *[1.45] * 4, *[1.08] * 5, *[0.82] * 6, 0.65, 0.45, 0.0])

EARLIER_CASE = 0.15  # added log chance for each earlier case, at most five
LOG_DIFFICULTY = 0.57  # power of the family's difficulty in the chance of coming back
NEGLECT, SUBSTANCES, DISABILITY = 0.18, 0.18, 0.15
AFTER_NO_FURTHER_ACTION, AFTER_NOT_IN_NEED, AFTER_EARLY_HELP = 0.1, -0.75, -0.75
AFTER_NEED, AFTER_LONG_NEED, LONG_NEED = 0.5, 1.45, 182  # the latter for cases of more than so many days

# Contacts that become no referral, of a child of average difficulty in calm times; and how many times as many in a crisis.
CONTACTS_A_YEAR, CONTACTS_IN_CRISIS = 0.15, 2.0
OFFER_DAYS = 365  # how long an offer works

BANDS = (5, 91, 182, 365, 730)  # days at which the published bands of length begin
EIGHTEEN = int(18 * YEAR)
STAYS_ON_DAYS = 2450  # the longest that a case stays open after the eighteenth birthday
ASSESSED = (0, 0.25, 0.5, 0.75, 0.85, 0.97, 1)  # shares of assessments, finished within so many working days:
LATE = (46, 65, 110)
# A need episode in which protection goes so far, or care begins, lasts more than so many days.
LEAST = np.array([0, 20, 60, 120])
LEAST_CARE = 300
ALONE = 0.15  # share of the children whose case goes its own way, whatever that of their brothers and sisters does
LONG_TERM, LONG_TERM_RANK = 0.3, 0.75  # share of the disabled children in need held open for it: the longest quarter


@dataclass(frozen=True)
class Process:
    """What an authority is like, and what is planted into it."""

    profile: Profile
    plants: Plants
    offer_works: float = 1.0  # how many times as likely a new referral is for a year after the planted offer

    @property
    def season(self) -> Numbers:
        """How many times as likely a referral is in each month, January first."""
        daily = np.array(self.profile.months) / MONTH_DAYS
        result: Numbers = daily / np.average(daily, weights=MONTH_DAYS)
        return result

    def standing(self, families: Families) -> Numbers:
        """The factor of each family in the chance of coming back."""
        result: Numbers = np.exp(
            LOG_DIFFICULTY * np.log(np.maximum(families.difficulty, 1e-3))
            + NEGLECT * families.neglect
            + SUBSTANCES * families.substances
        )
        return result

    def tilt(self, families: Families) -> Numbers:
        """How many times as likely as its need makes it each child's referral is."""
        tilt = self.plants.over_referral
        return np.ones(families.count) if tilt is None else np.where(families.group(tilt.group), tilt.strength, 1.0)

    def unrecorded(self, families: Families) -> Numbers:
        """The share of the factors and contacts of each child that is not written down."""
        tilt = self.plants.under_recording
        return np.zeros(families.count) if tilt is None else np.where(families.group(tilt.group), tilt.strength, 0.0)

    def accepted(self, day: int) -> float:
        """How many times as likely as at first a referral is on a day, since the threshold was moved."""
        change = self.plants.threshold
        return change.strength if change is not None and day >= day_number(change.since) else 1.0

    def idle(self, start: Days) -> Flags:
        """Can a referral of each day end in no further action?"""
        since = self.plants.nfa_abolished
        return start < (NEVER if since is None else day_number(since))

    def first_rate(self, place: Places) -> Numbers:
        """Referrals a day of a child of average difficulty in calm times that no earlier case explains."""
        calm = 1 + self.profile.in_crisis * (self.profile.crisis - 1)
        return self.profile.first_referrals / calm * AGE_AT_FIRST[place] / YEAR

    def return_rate(self, place: Places, earlier: Places, after: Numbers, disabled: Flags) -> Numbers:
        """Returns a day of a child of average standing in calm times whose last case has closed.

        That returns come early after a closing follows: a family is often still in the crisis that brought it in.
        """
        risk = np.exp(EARLIER_CASE * np.minimum(earlier, 5) + after + DISABILITY * disabled)
        result: Numbers = self.profile.returns / YEAR * risk * AGE_AT_RETURN[place]
        return result

    def quantile(self, rank: Numbers) -> Days:
        """Days that a need episode lasts, by its rank between 0 and 1: the published bands, then a falling tail."""
        ranks, days = self._lengths
        tail = np.log((1 - ranks[-1]) / np.maximum(1 - rank, 1e-6)) * self.profile.tail_years * YEAR
        result: Days = np.where(rank < ranks[-1], np.interp(rank, ranks, days), days[-1] + tail).astype(np.int64)
        return result

    def rank_of(self, days: Numbers | Days | int) -> Numbers:
        """The rank of a need episode that lasts so many days: the inverse of ``quantile``."""
        ranks, known = self._lengths
        tail = (np.maximum(days, known[-1]) - known[-1]) / (self.profile.tail_years * YEAR)
        result: Numbers = np.where(days < known[-1], np.interp(days, known, ranks), 1 - (1 - ranks[-1]) * np.exp(-tail))
        return result

    def reached(self, start: Days, day: int) -> Numbers:
        """The rank that need episodes which began on each day have reached, if they are open at the end of ``day``."""
        elapsed, team = (day + 1 - start).astype(float), self.plants.new_team
        if team is not None:
            elapsed = np.where(start >= day_number(team.since), elapsed / team.strength, elapsed)
        return self.rank_of(elapsed)

    @property
    def _lengths(self) -> tuple[Numbers, Numbers]:
        """Ranks and the lengths in days that belong to them, up to two years."""
        bands = np.array(self.profile.bands) / sum(self.profile.bands)
        begins = np.concatenate(([0.0], np.cumsum(bands)[:-1]))
        ranks = np.sort(np.concatenate((begins, begins[:-1] + bands[:-1] / 2)))
        return ranks, np.sort(np.array([*BANDS, *self.profile.middles], dtype=float))

    def assessment_days(self, rank: Numbers) -> Days:
        """Working days that an assessment takes, by its rank between 0 and 1."""
        lower, middle, upper = self.profile.assessment_days
        return np.interp(rank, ASSESSED, (2, lower, middle, upper, *LATE)).astype(np.int64)

    def assessment_rank(self, working_days: Numbers | Days) -> Numbers:
        """The inverse of ``assessment_days``."""
        lower, middle, upper = self.profile.assessment_days
        result: Numbers = np.interp(working_days, (2, lower, middle, upper, *LATE), ASSESSED)
        return result

    def stage(self, rank: Numbers, lot: Numbers, planned_before: Flags) -> Kinds:
        """How far protection goes in a need episode of a rank, by a lot between 0 and 1."""
        profile, length = self.profile, self.quantile(rank)
        plan = np.minimum(profile.plan * np.where(planned_before, profile.planned_before, 1.0), 0.9)
        return np.select(
            [
                (lot < plan) & (length > LEAST[PLAN]),
                (lot >= plan) & (lot < plan + profile.conference) & (length > LEAST[CONFERENCE]),
                (lot >= plan + profile.conference) & (lot < plan + profile.conference + profile.enquiry)
                & (length > LEAST[ENQUIRY]),
            ],
            [PLAN, CONFERENCE, ENQUIRY],
            NOTHING,
        ).astype(np.int8)  # fmt: skip

    def rank_given(
        self, lot: Numbers, at_least: Numbers, stage: Kinds, care: Flags, planned_before: Flags, long_term: Flags
    ) -> Numbers:
        """The rank of a need episode of which it is known how far it has come.

        ``lot`` is uniform between 0 and 1; ``at_least`` is the rank of the length that it has reached. A plan, a
        conference, an enquiry and care each say that the episode is one of the longer ones, and so, weakly, does it
        that it is one of the shorter if there is none of them; the rank is drawn given all that.
        """
        least = np.maximum(self.rank_of(LEAST + 1)[stage], np.where(care, self.rank_of(LEAST_CARE + 1), 0.0))
        low = np.maximum(np.maximum(at_least, least), np.where(long_term, LONG_TERM_RANK, 0.0))
        uniform: Numbers = low + lot * (1 - low)
        profile, knots = self.profile, self.rank_of(np.array([*LEAST + 1, LEAST_CARE + 1, 1e9]))
        for again, times in ((False, 1.0), (True, profile.planned_before)):
            plan = min(profile.plan * times, 0.9)
            enquiry = min(profile.enquiry, 1 - plan - profile.conference)
            nothing = 1 - np.cumsum([0.0, enquiry, profile.conference, plan, 0.0])
            for quiet, share in ((True, nothing), (False, np.ones(5))):
                density = share * [1, 1, 1, 1, 1 - profile.care]
                total = np.concatenate(([0.0], np.cumsum(density * np.diff(knots))))
                here = ~long_term & ~care & (planned_before == again) & ((stage == NOTHING) == quiet)
                start = np.interp(low[here], knots, total)
                uniform[here] = np.interp(start + lot[here] * (total[-1] - start), total, knots)
        return uniform


def working_days_between(start: Days, end: Days | int) -> Days:
    """Working days from one day to another."""
    first = start.astype("datetime64[D]")
    last = np.broadcast_to(np.asarray(end), start.shape).astype("datetime64[D]")
    result: Days = np.busday_count(first, last).astype(np.int64)
    return result


def place_of_age(birth: Days, day: Days | int) -> Places:
    """Where a child's age stands in the tables of age: 0 before the birth, then 1 and up, 19 from eighteen on."""
    return np.clip(np.floor((day - birth) / YEAR).astype(np.int64), -1, 18) + 1
