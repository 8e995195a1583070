"""The children and referrals of the invented history, to which all other records belong."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from flows.bench.draws import DAYS, FIRST, LAST, Floats, Ints, Yes, dates, often, within

CHILDREN, FAMILIES = 3.5 / 6.2, 1.84 / 6.2  # for each referral
APART = 70  # days at least between a closing and the child's next referral
AROUND = 1600  # days before and after the history
MOST_REFERRALS = 40


@dataclass(frozen=True)
class People:
    """Children in order of family: the family of each child, and how often it is met."""

    family: Ints
    frailty: Floats


@dataclass(frozen=True)
class Cases:
    """Referrals in order of child and day: child, day, closing day (after the end of history while open), no further action."""

    child: Ints
    day: Ints
    closed: Ints
    nfa: Yes


def draw_people(random: np.random.Generator, referrals: int) -> People:
    """Families of one to a few children; some families, and some children in them, are met far more often than others."""
    families, children = round(referrals * FAMILIES), round(referrals * CHILDREN)
    sizes = random.geometric(FAMILIES / CHILDREN, 2 * families)
    family = np.repeat(np.arange(len(sizes)), sizes)[:children]
    frailty = random.gamma(1.5, size=len(sizes))[family] * random.gamma(2.0, size=children)
    return People(family, frailty)


def draw_cases(random: np.random.Generator, people: People, referrals: int) -> Cases:
    """Referrals that never overlap: each takes its days and ``APART`` more, and what is left of the years lies between.

    They are drawn for some years before and after as well, so that the first and the last day are days like any other.
    """
    years = DAYS + 2 * AROUND
    child = often(random, people.frailty, referrals * years / DAYS)
    child = child[within(child, np.ones_like(child)) < MOST_REFERRALS]
    nfa = random.random(len(child)) < 0.12
    lasting = np.minimum(random.lognormal(5.08, 1.05, len(child)), 1500)
    count = np.bincount(child, minlength=len(people.family))[child]
    together = np.bincount(child, weights=lasting, minlength=len(people.family))[child]
    room = 0.95 * years - APART * count
    long = np.where(nfa, 1, np.maximum(lasting * np.minimum(1, room / together), 2)).astype(np.int64)
    taken = np.bincount(child, weights=long + APART, minlength=len(people.family))[child]
    free = random.random(len(child)) * (years - taken)
    free = free[np.lexsort((free, child))].astype(np.int64)
    day = FIRST - AROUND + free + within(child, long + APART)
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    closed = day + np.where(nfa, np.where(weekday >= 4, 7 - weekday, 1), long)  # without further action: on the next working day
    kept = (day >= FIRST) & (day <= LAST)
    return Cases(child[kept], day[kept].astype(np.int64), closed[kept].astype(np.int64), nfa[kept])


def draw_births(random: np.random.Generator, people: People, cases: Cases) -> pl.Series:
    """The month of birth of each child, up to nine years before its first referral; a few are unborn or unknown."""
    first = np.full(len(people.family), LAST)
    np.minimum.at(first, cases.child, cases.day)
    born = first - (random.random(len(first)) * 9 * 365 - 60).astype(np.int64)
    return dates(born, random.random(len(first)) < 0.02).dt.month_start()
