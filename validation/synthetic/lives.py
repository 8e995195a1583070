"""Referrals and closings: the history of each child as a walk through time, a fortnight at a step.

A family is in crisis or calm. A child without an open case may be referred at any time; after a case has closed the
chance is raised, most of all at first. What raises it is true of the child and its family; what is recorded of it is
another matter. The walk can be taken up again from any state, so the same code lives the history and tells what might
have come of it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from validation.synthetic.giving import Giving
from validation.synthetic.process import (
    AFTER_EARLY_HELP,
    AFTER_LONG_NEED,
    AFTER_NEED,
    AFTER_NO_FURTHER_ACTION,
    AFTER_NOT_IN_NEED,
    AGE_AT_RETURN,
    ALONE,
    CONFERENCE,
    CONTACTS_A_YEAR,
    CONTACTS_IN_CRISIS,
    CRISIS_DAYS,
    EIGHTEEN,
    ENQUIRY,
    IN_NEED,
    LEAST_CARE,
    LONG_NEED,
    LONG_TERM,
    LONG_TERM_RANK,
    NO_FURTHER_ACTION,
    NOT_IN_NEED,
    OFFER_DAYS,
    PLAN,
    SIBLINGS_TOGETHER,
    STAYS_ON_DAYS,
    UNBORN,
    Kinds,
    Process,
    place_of_age,
)
from validation.synthetic.state import Episodes, State, joined
from validation.synthetic.world import (
    NEVER,
    YEAR,
    Days,
    Families,
    Flags,
    Numbers,
    Places,
    Profile,
    day_number,
    shared,
    working_days_after,
)

STEP = 14  # days


class Walk:
    """Time passing for the children of a world, from a state on. The state is changed as it passes."""

    def __init__(self, process: Process, families: Families, state: State, rng: np.random.Generator) -> None:
        self.process, self.families, self.state, self.rng = process, families, state, rng
        self.occasions = int(state.occasion.max()) + 1 if state.occasion.size else 0
        self.season = process.season
        self.standing = process.standing(families)
        self.tilt = process.tilt(families)
        self.written = 1 - process.unrecorded(families)
        self.contacts: list[tuple[Places, Days]] = []
        self.giving = Giving(families.families)
        self.watched: dict[int, State] = {}
        self._settle_members()
        self.known = np.flatnonzero(state.earlier > 0)

    def _settle_members(self) -> None:
        """Who lives, lived or will live in each family, and how many children it has in each year."""
        people = self.families
        member = np.concatenate([np.arange(people.count), people.moves])
        household = np.concatenate([people.family, people.goes])
        order = np.argsort(household, kind="stable")
        self.member, self.first_member = member[order], np.searchsorted(household[order], np.arange(people.families + 1))
        until = people.birth + EIGHTEEN
        until[people.moves] = np.minimum(people.moved, until[people.moves])
        begin = np.concatenate([people.birth - UNBORN, people.moved])
        end = np.concatenate([until, people.birth[people.moves] + EIGHTEEN])
        self.first_year = int(begin.min() // YEAR) if begin.size else 0
        years = int(end.max() // YEAR) - self.first_year + 2
        change = np.zeros((people.families, years + 1), dtype=np.int16)
        lives = end > begin
        place = (begin[lives] // YEAR).astype(np.int64) - self.first_year
        np.add.at(change, (household[lives], place), 1)
        np.add.at(change, (household[lives], (end[lives] // YEAR).astype(np.int64) - self.first_year + 1), -1)
        self.size = np.cumsum(change, axis=1)

    def thinned(self, family: Places, day: int) -> Numbers:
        """By how much a child's own risk is divided, since it also comes in with its brothers and sisters."""
        size = self.size[family, int(day // YEAR) - self.first_year]
        result: Numbers = 1 + SIBLINGS_TOGETHER * np.maximum(size - 1, 0)
        return result

    def run(self, first: int, last: int, *, contacts_from: int = NEVER, watch: Sequence[int] = ()) -> Episodes:
        """Let the days from ``first`` to ``last`` pass; contacts are kept from ``contacts_from`` on.

        The state at the end of each step that ends on a day of ``watch`` is kept in ``watched``.
        """
        self._expect(first, last + 1, contacts_from)
        self.moves = np.argsort(self.families.moved, kind="stable")
        self.reach = np.zeros(self.families.count)
        self._reconsider(self.known)
        parts = []
        for day in range(first, last + 1, STEP):
            until = min(day + STEP, last + 1)
            parts.append(self._step(day, until))
            if until - 1 in watch:
                self.watched[until - 1] = self.state.copy()
        return joined(parts)

    def _expect(self, first: int, end: int, contacts_from: int) -> None:
        """Draw candidate days of first referrals and of contacts; a step keeps some of them (thinning)."""
        people, rng = self.families, self.rng
        ages = np.arange(19)
        begin = np.maximum(people.birth[:, None] + ((ages - 1) * YEAR).astype(np.int64), first)
        begin[:, 0] = np.maximum(people.birth - UNBORN, first)
        stop = np.minimum(people.birth[:, None] + (ages * YEAR).astype(np.int64), end)
        span = np.maximum(stop - begin, 0)
        self.hardest = people.difficulty[people.family].copy()  # of the families that a child lives with
        self.hardest[people.moves] = np.maximum(self.hardest[people.moves], people.difficulty[people.goes])
        scale = self.hardest * self.tilt
        most = float(self.season.max()) * self.process.profile.crisis * max(1.0, self.process.accepted(NEVER))
        until_age = np.cumsum(span * self.process.first_rate(ages), axis=1)
        child = np.repeat(np.arange(people.count), rng.poisson(until_age[:, -1] * scale * most))
        place = (until_age[child] <= (rng.random(child.size) * until_age[child, -1])[:, None]).sum(axis=1)
        place = np.minimum(place, ages.size - 1)
        day = begin[child, place] + (rng.random(child.size) * span[child, place]).astype(np.int64)
        order = _in_order(day - first)
        self.candidate, self.candidate_day, self.most = child[order], day[order], most

        early = np.maximum(begin[:, 0], contacts_from)
        span = np.maximum(np.minimum(people.birth + EIGHTEEN, end) - early, 0)
        rate = CONTACTS_A_YEAR / YEAR * CONTACTS_IN_CRISIS * self.hardest
        child = np.repeat(np.arange(people.count), rng.poisson(span * rate))
        day = early[child] + (rng.random(child.size) * span[child]).astype(np.int64)
        order = _in_order(day - first)
        self.contact, self.contact_day = child[order], day[order]

    def _step(self, day: int, until: int) -> Episodes:
        people, state, rng = self.families, self.state, self.rng
        moved = self.moves[
            np.searchsorted(people.moved, day - STEP, sorter=self.moves) : np.searchsorted(
                people.moved, day, "right", sorter=self.moves
            )
        ]
        state.home[people.moves[moved]] = people.goes[moved]
        self._reconsider(people.moves[moved])
        fresh = slice(*np.searchsorted(self.candidate_day, (day, until)))
        called = slice(*np.searchsorted(self.contact_day, (day, until)))
        candidate, moment = self.candidate[fresh], self.candidate_day[fresh]
        contact = self.contact[called]
        accepted, busiest = self.process.accepted(day), self.season[months_of(np.arange(day, until))].max()
        who, lot = self._may_return(day, until, accepted * busiest)
        self._look(self._places(people.families, state.home[candidate], state.home[contact], state.home[who]), day)

        heat = np.where(state.crisis[state.home[contact]], CONTACTS_IN_CRISIS, 1.0)
        kept = rng.random(contact.size) * CONTACTS_IN_CRISIS < heat * self.written[contact] * self._ease(contact)
        self.contacts.append((contact[kept], self.contact_day[called][kept]))

        rate = (
            accepted
            * self._ease(candidate)
            * self._heat(candidate)
            / self.thinned(state.home[candidate], day)
            * self._offer(candidate, day)
        )
        kept = rng.random(candidate.size) * self.most < rate * self.season[months_of(moment)]
        strikes = self._free(candidate, moment) & kept
        earliest = np.maximum(day, state.close[who] + 2)
        risk = accepted * self._heat(who) / self.thinned(state.home[who], day) * self._offer(who, day) * self.tilt[who]
        risk = risk * (until - earliest) * self._standing_rate(who, place_of_age(people.birth[who], day), state.after[who])
        back = np.flatnonzero(lot < -np.expm1(-risk * busiest))
        returning = rng.integers(earliest[back], until)
        now = rng.random(back.size) * busiest < self.season[months_of(returning)]
        struck = np.concatenate([candidate[strikes], who[back[now]]])
        days = np.concatenate([moment[strikes], returning[now]])
        part = self._refer(struck, _working_day(rng, days, until))
        self._give_offers(day)
        return part

    def _reconsider(self, child: Places) -> None:
        """Tell how often some children can come back in a day in calm times: no more than they would at the worst age."""
        state, worst = self.state, np.full(child.size, AGE_AT_RETURN.argmax())
        rate = self.tilt[child] * self._standing_rate(child, worst, state.after[child])
        self.reach[child] = np.where(state.left[child], 0.0, rate)

    def _may_return(self, day: int, until: int, times: float) -> tuple[Places, Numbers]:
        """Children with a closed case who are referred again in this step if they are in a crisis, and their lots.

        The lots of the others are too high even for that: so nothing more need be known of them (thinning).
        """
        people, state = self.families, self.state
        if day % 364 < STEP:
            self.known = self.known[people.birth[self.known] + EIGHTEEN > day]
        lot = self.rng.random(self.known.size)
        works = self.process.offer_works if (state.offered > day - OFFER_DAYS).any() else 1.0
        most = times * self.process.profile.crisis * max(1.0, works) * (until - day)
        called = np.flatnonzero(lot < self.reach[self.known] * most)
        who = self.known[called]
        free = (people.birth[who] + EIGHTEEN > day) & (state.close[who] + 2 < until)
        return who[free], lot[called[free]]

    @staticmethod
    def _places(count: int, *places: Places) -> Places:
        """The places below ``count`` that occur, in order: ``np.unique``, but many times as fast."""
        occurs = np.zeros(count, dtype=bool)
        for some in places:
            occurs[some] = True
        return np.flatnonzero(occurs)

    def _look(self, families: Places, day: int) -> None:
        """Let crises come and go in some families up to a day."""
        state, usual = self.state, self.process.profile.in_crisis
        lasting = np.exp((state.looked[families] - day) / (CRISIS_DAYS * (1 - usual)))
        chance = usual + (state.crisis[families] - usual) * lasting
        state.crisis[families] = self.rng.random(families.size) < chance
        state.looked[families] = day

    def _heat(self, child: Places) -> Numbers:
        return np.where(self.state.crisis[self.state.home[child]], self.process.profile.crisis, 1.0)

    def _ease(self, child: Places) -> Numbers:
        """The difficulty of each child's home, as a share of that of the hardest home that it has."""
        return self.families.difficulty[self.state.home[child]] / self.hardest[child]

    def _offer(self, child: Places, day: int) -> Numbers:
        under = day - self.state.offered[self.state.home[child]] < OFFER_DAYS
        return np.where(under, self.process.offer_works, 1.0)

    def _free(self, child: Places, day: Days) -> Flags:
        """May each child be referred on its day?"""
        birth, state = self.families.birth[child], self.state
        return (state.close[child] + 2 <= day) & ~state.left[child] & (birth - UNBORN <= day) & (day < birth + EIGHTEEN)

    def _refer(self, struck: Places, day: Days) -> Episodes:
        """Refer children, and their brothers and sisters with them; their state is moved on to the closing."""
        state, rng = self.state, self.rng
        families, place = np.unique(state.home[struck], return_inverse=True)
        moment = np.full(families.size, NEVER)
        np.minimum.at(moment, place, day)
        number = self.first_member[families + 1] - self.first_member[families]
        row = np.repeat(np.arange(families.size), number)
        within = np.arange(row.size) - (np.cumsum(number) - number)[row]
        member = self.member[self.first_member[families][row] + within]
        called = np.zeros(self.families.count, dtype=bool)
        called[struck] = True
        comes = called[member] | (rng.random(member.size) < SIBLINGS_TOGETHER)
        comes &= (state.home[member] == families[row]) & self._free(member, moment[row])
        who, local = member[comes], row[comes]
        part = self._course(who, local, moment[local])
        self.occasions += families.size
        state.start[who], state.close[who], state.assessed[who] = part.start, part.close, part.assessed
        state.kind[who], state.stage[who], state.care[who] = part.kind, part.stage, part.care
        state.enquired[who], state.met[who], state.occasion[who] = part.enquired, part.met, part.occasion
        state.planned_before[who] = state.planned[who]
        state.planned[who] |= part.stage == PLAN
        self.known = np.concatenate([self.known, who[state.earlier[who] == 0]])
        state.earlier[who] += 1
        self._reconsider(who)
        return part

    def _course(self, who: Places, local: Places, start: Days) -> Episodes:
        """What becomes of the children referred in a step; ``local`` numbers the occasions."""
        profile, people, state, rng = self.process.profile, self.families, self.state, self.rng
        kind = self._kind(who, local, start)
        alone = rng.random(who.size) < ALONE
        rank = np.where(alone, rng.random(who.size), shared(rng, local))
        long_term = people.disabled[who] & (rng.random(who.size) < LONG_TERM) & (kind == IN_NEED)
        rank = np.where(long_term, 1 - (1 - LONG_TERM_RANK) * (1 - rank), rank)
        need = (kind == IN_NEED) & ~long_term
        stage = np.where(need, self.process.stage(rank, shared(rng, local, own=0.1), state.planned[who]), 0).astype(np.int8)
        care = need & (self.process.quantile(rank) > LEAST_CARE) & (shared(rng, local, own=0.2) < profile.care)
        assessed = working_days_after(start, self.process.assessment_days(shared(rng, local, own=0.2)) + 1)
        state.long_term[who], state.alone[who] = long_term, alone
        enquired = working_days_after(start + np.minimum(shared(rng, local) ** 3 * 28, 28).astype(np.int64), 0)
        met = working_days_after(enquired, 8 + (shared(rng, local) * 9).astype(np.int64))
        least = np.maximum(assessed, np.select([stage >= CONFERENCE, stage == ENQUIRY], [met, enquired], start))
        close, reason, early_help = self.ends(who, local, start, least, kind, rank)
        return Episodes(
            who, state.home[who], self.occasions + local, start, close, assessed, kind, stage, care, enquired, met, reason,
            early_help, state.after[who], state.left[who],
        )  # fmt: skip

    def _kind(self, who: Places, local: Places, start: Days) -> Kinds:
        profile = self.process.profile
        way = shared(self.rng, local, own=0.1)
        kind = np.where(
            way < profile.no_further_action,
            np.where(self.process.idle(start), NO_FURTHER_ACTION, NOT_IN_NEED),
            np.where(way < profile.no_further_action + profile.not_in_need, NOT_IN_NEED, IN_NEED),
        )
        needless = self.rng.random(who.size) * self.tilt[who] > 1  # what over-referral adds
        return np.where(needless & (kind == IN_NEED), NOT_IN_NEED, kind).astype(np.int8)

    def ends(
        self, who: Places, local: Places, start: Days, least: Days, kind: Kinds, rank: Numbers
    ) -> tuple[Days, NDArray[np.str_], Flags]:
        """When and why the cases of children close, and whether early help follows; their state is told.

        ``least`` is the day until which a case that is assessed lasts at least: that of its assessment or conference.
        """
        profile, people, state, rng = self.process.profile, self.families, self.state, self.rng
        team = self.process.plants.new_team
        length = self.process.quantile(rank)
        if team is not None:
            length = np.where(start >= day_number(team.since), length * team.strength, length).astype(np.int64)
        close = np.select(
            [kind == NO_FURTHER_ACTION, kind == NOT_IN_NEED],
            [working_days_after(start, 1), least + rng.integers(0, 6, size=who.size)],
            np.maximum(start + length, least),
        )
        grown_up = people.birth[who] + EIGHTEEN
        stays_on = (length > LEAST_CARE) & (rng.random(who.size) < profile.care_leavers)
        grown_up = grown_up + np.where(stays_on, rng.integers(30, STAYS_ON_DAYS, size=who.size), 0)
        aged_out = (close > grown_up) & (kind == IN_NEED)
        close = working_days_after(np.where(aged_out, np.maximum(grown_up, least), close), 0)
        early_help = (kind == NOT_IN_NEED) & (shared(rng, local) < profile.early_help_after_assessment)
        stepped_down = (kind == IN_NEED) & (shared(rng, local) < 0.12)
        reason = np.where(
            kind == IN_NEED,
            _reasons(profile, rng, local, length > 365, aged_out & (people.disabled[who] | (rng.random(who.size) < 0.02))),
            np.where(kind == NO_FURTHER_ACTION, "RC7", np.where(early_help, "RC9", "RC8")),
        )
        reason = np.where((reason == "RC2") & (close < people.birth[who]), "RC7", reason)
        state.left[who] = np.isin(reason, ("RC1", "RC2", "RC5", "RC6")) | aged_out
        state.after[who] = np.select(
            [kind == NO_FURTHER_ACTION, early_help | stepped_down, (kind == IN_NEED) & (length > LONG_NEED), kind == IN_NEED],
            [AFTER_NO_FURTHER_ACTION, AFTER_EARLY_HELP, AFTER_LONG_NEED, AFTER_NEED],
            AFTER_NOT_IN_NEED,
        )
        return close, reason, early_help | stepped_down

    def _give_offers(self, day: int) -> None:
        """Give the planted offer to some of the families with an open case that had none within a year."""
        offer = self.process.plants.offer
        if offer is None or day < day_number(offer.since):
            return
        state = self.state
        child = np.flatnonzero(state.open_on(day))
        family, place = np.unique(state.home[child], return_inverse=True)
        score = self.rng.random(family.size)
        if offer.given != "random":
            score = np.zeros(family.size)
            np.maximum.at(score, place, self.outlook(child, day))
        self.giving.give(offer.given, family, score, state.offered, day, STEP, self.rng)

    def _standing_rate(self, child: Places, place: Places, after: Numbers) -> Numbers:
        """Returns a day of children whose case has closed, in calm times, by their family and history."""
        rate = self.process.return_rate(place, self.state.earlier[child], after, self.families.disabled[child])
        return self.standing[self.state.home[child]] * rate

    def outlook(self, child: Places, day: int) -> Numbers:
        """An order of children by how likely a return is once their case has closed."""
        place = place_of_age(self.families.birth[child], day)
        return self._heat(child) * self._standing_rate(child, place, np.zeros(child.size))


def _reasons(profile: Profile, rng: np.random.Generator, local: Places, long: Flags, to_adults: Flags) -> NDArray[np.str_]:
    """Why each need episode closes. Families move away together; orders end long cases."""
    away, died, order = (
        shared(rng, local) < profile.moved_away,
        rng.random(local.size) < profile.died,
        shared(rng, local, own=0.3),
    )
    ends = np.cumsum(list(profile.orders.values())) / sum(profile.bands[3:])
    codes = np.array([*profile.orders, "RC7"])[np.where(long, np.searchsorted(ends, order, "right"), len(ends))]
    return np.select([to_adults, died, away], ["RC6", "RC2", "RC5"], codes)


def _in_order(days: Days) -> Places:
    """Places in the order of the days, counted from a first one; numbers of 16 bits are put in order fastest."""
    return np.argsort(days.astype(np.uint16), kind="stable")


def _working_day(rng: np.random.Generator, days: Days, until: int) -> Days:
    """Most referrals that arrive at a weekend are dated on the Monday, if that lies in the step."""
    weekday = (days + 3) % 7  # Monday is 0
    monday = days + np.where(weekday >= 5, 7 - weekday, 0)
    result: Days = np.where((rng.random(days.size) < 0.8) & (monday < until), monday, days)
    return result


def months_of(days: Days) -> Places:
    """The month of each day, January as 0."""
    result: Places = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    return result
