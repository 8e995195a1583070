"""What the records say of a family: how likely each of its latent values is, given all that has been written down.

Families are drawn as in ``settle`` (particles), and each is weighed by the likelihood of what was recorded of it: when
its children were referred and when they were not, its contacts, and the factors found. Whether it was in crisis is summed
over exactly (a forward filter over the steps of the walk). This is Bayes' rule with the true process. Three things on record
are not used, and would tell a little more: Signs of Safety scales, missing spells, and early help without a case. The error
of the finite number of particles is told by ``effective``; where few of them carry weight, chances come out a little low.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import erf, sqrt

import numpy as np

from validation.synthetic.courses import LOADINGS, NOT_IN_NEED_FINDS, TEENAGE, YOUNGER_FIND, Courses
from validation.synthetic.lived import Lived
from validation.synthetic.lives import STEP, Walk, months_of
from validation.synthetic.process import (
    CONTACTS_A_YEAR,
    CONTACTS_IN_CRISIS,
    CRISIS_DAYS,
    EIGHTEEN,
    LOG_DIFFICULTY,
    NEGLECT,
    NO_FURTHER_ACTION,
    NOT_IN_NEED,
    OFFER_DAYS,
    SUBSTANCES,
    UNBORN,
    place_of_age,
)
from validation.synthetic.world import LATENTS, NEVER, YEAR, Days, Flags, Numbers, Places, Profile, latents_from

Expected = tuple[Numbers, Numbers, Numbers]
Happened = tuple[Numbers, Numbers, Places, Numbers, Numbers]
LOGS_EVERY = 8  # steps
ROUNDS, WIDER, NARROWEST = 3, 1.25, 0.25  # of the sampling: rounds, and how wide the next one looks
GRID = np.linspace(-9, 9, 7201)
NORMAL = np.array([0.5 * (1 + erf(value / sqrt(2))) for value in GRID])


@dataclass(frozen=True)
class Posterior:
    """Particles and their weights: arrays of one row for each particle and one column for each family."""

    latent: Mapping[str, Numbers]
    crisis: Numbers  # chance that the family is in crisis, given the particle
    weight: Numbers  # the columns add to one

    @property
    def effective(self) -> Numbers:
        """How many equally weighted particles each family's are worth (Kish)."""
        result: Numbers = 1 / (self.weight**2).sum(axis=0)
        return result

    def draw(self, copies: int, rng: np.random.Generator) -> tuple[dict[str, Numbers], Flags]:
        """Latent values and crises of ``copies`` of every family, one copy after another (systematic resampling)."""
        particles, families = self.weight.shape
        ladder = (rng.random(families) + np.arange(copies)[:, None]) / copies
        reached = np.cumsum(self.weight, axis=0)
        row = np.stack([np.searchsorted(reached[:, one], ladder[:, one]) for one in range(families)], axis=1)
        row = rng.permuted(np.minimum(row, particles - 1), axis=0)
        column = np.arange(families)
        latent = {name: values[row, column].ravel() for name, values in self.latent.items()}
        return latent, (rng.random(row.shape) < self.crisis[row, column]).ravel()


def posterior(
    lived: Lived, walk: Walk, courses: Courses, chosen: Places, day: int, particles: int, rng: np.random.Generator
) -> Posterior:
    """What is known of the families ``chosen`` at the end of a day. ``walk`` is any walk of the same world.

    Adaptive importance sampling: each round draws where the round before found weight, with a tenth of the particles
    always from the prior, and weighs by likelihood and prior over the density drawn from. The last round is kept.
    """
    evidence = _Evidence(lived, walk, courses, chosen, day)
    mean, spread = np.zeros((LATENTS, chosen.size)), np.ones((LATENTS, chosen.size))
    for _ in range(ROUNDS):
        normal = rng.standard_normal((LATENTS, particles, chosen.size))
        normal[:, particles // 10 :] = mean[:, None] + spread[:, None] * normal[:, particles // 10 :]
        latent = latents_from(lived.process.profile, normal)
        crisis, seen = evidence.weigh(latent)
        prior = -0.5 * (normal**2).sum(axis=0)
        scaled = (normal - mean[:, None]) / spread[:, None]
        there = -0.5 * (scaled**2).sum(axis=0) - np.log(spread).sum(axis=0)
        weight = seen + prior - np.logaddexp(prior + np.log(0.1), there + np.log(0.9))
        weight = np.exp(weight - weight.max(axis=0))
        weight /= weight.sum(axis=0)
        mean = (weight * normal).sum(axis=1)
        spread = np.clip(WIDER * np.sqrt((weight * (normal - mean[:, None]) ** 2).sum(axis=1)), NARROWEST, 1.2)
    return Posterior(latent, crisis, weight)


class _Evidence:
    """What is on record of some families at the end of a day."""

    def __init__(self, lived: Lived, walk: Walk, courses: Courses, chosen: Places, day: int) -> None:
        self.lived, self.courses, self.chosen, self.day = lived, courses, chosen, day
        steps = lived.first + STEP * np.arange(-(-(day + 1 - lived.first) // STEP))
        self.expected = _expected(lived, walk, chosen, steps)
        self.happened = _happened(lived, chosen, day, steps)

    def weigh(self, latent: Mapping[str, Numbers]) -> tuple[Numbers, Numbers]:
        """Chance of a crisis at the end of the day, and log-likelihood of it all, by particle and family."""
        crisis, seen = _referrals(self.lived.process.profile, self.expected, self.happened, latent)
        return crisis, seen + _factors(self.lived, self.courses, self.chosen, self.day, latent)


def _referrals(
    profile: Profile, expected: Expected, happened: Happened, latent: Mapping[str, Numbers]
) -> tuple[Numbers, Numbers]:
    """Chance of a crisis at the end of the day, and log-likelihood of referrals and contacts, by particle and family."""
    new, again, contacts = expected
    called, referred, column, first, back = happened
    difficulty, usual, times = latent["difficulty"], profile.in_crisis, profile.crisis
    standing = np.exp(LOG_DIFFICULTY * np.log(difficulty) + NEGLECT * latent["neglect"] + SUBSTANCES * latent["substances"])
    seen = called.sum(axis=1) * np.log(difficulty)
    np.add.at(seen.T, column, np.log(first * difficulty[:, column] + back * standing[:, column]).T)
    lasting = np.exp(-STEP / (CRISIS_DAYS * (1 - usual)))
    hard, stands = difficulty.astype(np.float32), standing.astype(np.float32)
    crisis, product = np.full(hard.shape, usual, dtype=np.float32), np.ones(hard.shape, dtype=np.float32)
    happening = np.log(CONTACTS_IN_CRISIS) * called + np.log(times) * referred
    parts = [values.astype(np.float32) for values in (new, again, contacts, happening)]
    for step in range(new.shape[1]):
        fresh, known, ringing, event = (part[:, step] for part in parts)
        crisis = usual + (crisis - usual) * np.float32(lasting)
        risk, rings = fresh * hard + known * stands, ringing * hard
        calm = (1 - crisis) * np.exp(-risk - rings)
        heated = crisis * np.exp(event - times * risk - CONTACTS_IN_CRISIS * rings)
        total = calm + heated
        crisis = heated / total
        product *= total
        if step % LOGS_EVERY == 0:
            seen += np.log(product)
            product.fill(1)
    return crisis.astype(float), seen + np.log(product)


def _expected(lived: Lived, walk: Walk, chosen: Places, steps: Days) -> Expected:
    """Expected first referrals, returns and contacts of each family in each step, for a family of average latent values.

    What is known of each child at the beginning of a step decides: whether it lives here, its age, its cases so far.
    """
    people, process, lives = lived.families, lived.process, lived.episodes
    season = np.stack([process.season[months_of(steps + day)] for day in range(STEP)]).mean(axis=0)
    common = season * np.array([process.accepted(int(day)) for day in steps])
    child, column, since, until = _members(lived, chosen)
    birth, end = people.birth[child][:, None], steps + STEP
    order = np.lexsort((lives.start, lives.child))
    key = lives.child[order] * NEVER + lives.start[order]
    before = np.searchsorted(key, (child * NEVER)[:, None] + steps)
    number = before - np.searchsorted(key, child * NEVER)[:, None]
    last = order[np.maximum(before - 1, 0)]
    close = np.where(number > 0, lives.close[last], -NEVER)
    here = (since[:, None] <= steps) & (until[:, None] > steps)
    grown = np.minimum(end, birth + EIGHTEEN)
    called = np.where(here, np.maximum(grown - np.maximum(steps, np.maximum(birth - UNBORN, lived.contacts_from)), 0), 0)
    earliest = np.maximum(np.maximum(steps, close + 2), birth - UNBORN)
    free = here & ~((number > 0) & lives.left[last])
    days = np.where(free, np.maximum(grown - earliest, 0), 0)
    unborn = np.where(free, np.clip(birth - earliest, 0, days), 0)
    share = common * walk.tilt[child][:, None] * _offered(lived, chosen[column], steps)
    share = share / np.stack([walk.thinned(chosen[column], int(day)) for day in steps], axis=1)
    place = place_of_age(birth, steps)
    born = process.first_rate(place_of_age(birth, np.maximum(steps + STEP // 2, birth)))
    first = process.first_rate(np.zeros(1, dtype=np.int64)) * unborn + born * (days - unborn)
    rate = process.return_rate(place, number, np.where(number > 0, lives.after[last], 0.0), people.disabled[child][:, None])
    parts = np.zeros((3, chosen.size, steps.size))
    np.add.at(parts[0], column, first * share)
    np.add.at(parts[1], column, rate * days * share * (number > 0))
    np.add.at(parts[2], column, CONTACTS_A_YEAR / YEAR * called * walk.written[child][:, None])
    return parts[0], parts[1], parts[2]


def _members(lived: Lived, chosen: Places) -> tuple[Places, Places, Days, Days]:
    """Children who lived in each chosen family, its column, from which day and until which."""
    people = lived.families
    until = np.full(people.count, NEVER)
    until[people.moves] = people.moved
    child = np.concatenate([np.arange(people.count), people.moves])
    family = np.concatenate([people.family, people.goes])
    since = np.concatenate([np.full(people.count, -NEVER), people.moved])
    until = np.concatenate([until, np.full(people.moves.size, NEVER)])
    kept = np.isin(family, chosen)
    return child[kept], np.searchsorted(chosen, family[kept]), since[kept], until[kept]


def _offered(lived: Lived, family: Places, steps: Days) -> Numbers:
    """How many times as likely a referral is in each step by the planted offer, for one row of each family."""
    given, day = lived.offers
    order = np.lexsort((day, given))
    key = given[order] * NEVER + day[order]
    # An offer given on the first day of a step works from the next one on.
    last = np.searchsorted(key, (family * NEVER)[:, None] + steps) - 1
    found = order[np.maximum(last, 0)] if key.size else np.zeros(last.shape, dtype=np.int64)
    if not key.size:
        return np.ones(last.shape)
    under = (last >= 0) & (given[found] == family[:, None]) & (steps - day[found] < OFFER_DAYS)
    return np.where(under, lived.process.offer_works, 1.0)


def _happened(lived: Lived, chosen: Places, day: int, steps: Days) -> Happened:
    """What did happen: contacts and occasions of referral by family and step; then of each occasion three things.

    The family's column, and the rates that could have brought it: of first referrals and of returns.
    """
    people, process, lives = lived.families, lived.process, lived.episodes
    counts = np.zeros((2, chosen.size, steps.size))
    child, when = lived.contacts
    home = people.home_on(child, when)
    kept = (when <= day) & np.isin(home, chosen)
    np.add.at(counts[0], (np.searchsorted(chosen, home[kept]), (when[kept] - lived.first) // STEP), 1)

    order = np.lexsort((lives.start, lives.child))
    same = np.concatenate([[False], lives.child[order][1:] == lives.child[order][:-1]])
    previous, number = np.full(lives.count, -1), np.zeros(lives.count, dtype=np.int64)
    previous[order[same]] = order[np.flatnonzero(same) - 1]
    place_in_order = np.arange(lives.count)
    number[order] = place_in_order - np.maximum.accumulate(np.where(same, 0, place_in_order))
    case = np.flatnonzero((lives.start <= day) & np.isin(lives.family, chosen))
    child, known = lives.child[case], previous[case] >= 0
    place = place_of_age(people.birth[child], lives.start[case])
    after = np.where(known, lives.after[previous[case]], 0.0)
    back = process.return_rate(place, number[case], after, people.disabled[child]) * known
    occasion, first, row = np.unique(lives.occasion[case], return_index=True, return_inverse=True)
    rates = np.zeros((2, occasion.size))
    np.add.at(rates[0], row, process.first_rate(place))
    np.add.at(rates[1], row, back)
    column = np.searchsorted(chosen, lives.family[case[first]])
    step = (lives.start[case[first]] - lived.first) // STEP
    np.add.at(counts[1], (column, step), 1)
    return counts[0], counts[1], column, rates[0], rates[1]


def _factors(lived: Lived, courses: Courses, chosen: Places, day: int, latent: Mapping[str, Numbers]) -> Numbers:
    """Log-likelihood of the factors found by the end of the day, by particle and family.

    Factors that follow exploitation are left out: it is the child's own and brings nobody back.
    """
    people, lives = lived.families, lived.episodes
    first = np.flatnonzero(lives.kind != NO_FURTHER_ACTION)
    kept = np.flatnonzero((lives.assessed[first] <= day) & np.isin(lives.family[first], chosen))
    case = first[kept]
    child, column = lives.child[case], np.searchsorted(chosen, lives.family[case])
    teenage = (lives.assessed[case] - people.birth[child]) / YEAR >= 10
    likely = np.ones((latent["adversity"].shape[0], case.size))
    for code, (adversity, neglect, substances, exploitation, disability) in LOADINGS.items():
        if exploitation or not (adversity or neglect or substances):
            continue
        spread = np.sqrt(max(1 - adversity**2 - neglect**2 - substances**2, 0.1))
        bar = courses.thresholds[code] - disability * people.disabled[child]
        bar = bar + NOT_IN_NEED_FINDS * (lives.kind[case] == NOT_IN_NEED) + YOUNGER_FIND * (~teenage & (code in TEENAGE))
        mean = adversity * latent["adversity"] + neglect * latent["neglect"] + substances * latent["substances"]
        place = ((mean[:, column] - bar) / spread - GRID[0]) * (GRID.size - 1) / (GRID[-1] - GRID[0])
        chance = NORMAL[np.clip(place, 0, GRID.size - 1).astype(np.int32)] * (1 - courses.unrecorded[child])
        found = courses.found_first[code][kept]
        likely *= np.where(found, chance, 1 - chance)
    seen = np.zeros_like(latent["adversity"])
    np.add.at(seen.T, column, np.log(np.maximum(likely, 1e-30)).T)
    return seen
