"""A part of an authority as it was lived: parts know nothing of each other, so that England can be lived part by part."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from validation.synthetic.lives import STEP, Walk
from validation.synthetic.plants import Offer, Plants
from validation.synthetic.process import Process
from validation.synthetic.scene import Scene
from validation.synthetic.state import Episodes, State
from validation.synthetic.world import YEAR, Days, Families, Places, Profile, day_number, settle, stream

NOTHING_PLANTED = Plants()
BURN_IN_YEARS = 16  # until the open stock, with its long tail, is as it will stay
PART = 100_000  # residents lived at a time
QUARTER, COPIES = 13, 60  # weeks of offers, and copies of the world, by which the strength of an offer is found


def parts_of(residents: int, seed: int, part: int = PART) -> list[tuple[int, int]]:
    """The residents and the seed of each part of an authority of about ``part`` each; parts know nothing of each other."""
    count = max(round(residents / part), 1)
    sizes = [residents * (number + 1) // count - residents * number // count for number in range(count)]
    return [(size, seed if number == 0 else _seed(seed, number)) for number, size in enumerate(sizes)]


def _seed(seed: int, part: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}|{part}".encode()).digest()[:6])


@dataclass(frozen=True)
class Lived:
    """A part of an authority as it was lived, before anything is written down."""

    process: Process
    families: Families
    episodes: Episodes
    contacts: tuple[Places, Days]  # child and day
    offers: tuple[Places, Days]  # family and day of the planted offer
    states: Mapping[int, State]  # at the end of each day that was watched
    first: int  # day on which the walk began
    contacts_from: int  # day from which contacts were kept
    start: date
    end: date
    seed: int


def live(
    profile: Profile,
    residents: int,
    start: date,
    end: date,
    seed: int,
    plants: Plants = NOTHING_PLANTED,
    watch: Sequence[date] = (),
) -> Lived:
    """Live one part; ``watch`` may name ``end`` and days that are a multiple of 14 days from ``latest_mature(end)``."""
    begin, last = day_number(start), day_number(end)
    first = begin - int(BURN_IN_YEARS * YEAR)
    first -= (first - day_number(end) + 393 - 1) % STEP  # steps end on the days of the training grid
    families = settle(profile, residents, first, last, seed)
    process = Process(profile, plants)
    if plants.offer is not None and plants.offer.effect:
        process = replace(process, offer_works=_offer_works(process, plants.offer, families, first, seed))
    return _walked(process, families, start, end, first, seed, [day_number(day) for day in watch])


def _walked(process: Process, families: Families, start: date, end: date, first: int, seed: int, watch: Sequence[int]) -> Lived:
    begin, rng = day_number(start), stream(seed, "lives")
    walk = Walk(process, families, State.before(families, process.profile.in_crisis, first - 1, rng), rng)
    episodes = walk.run(first, day_number(end), contacts_from=begin, watch=watch)
    order = np.lexsort((episodes.child, episodes.start))
    return Lived(
        process,
        families,
        episodes.take(order),
        _paired(walk.contacts),
        _paired(walk.offers),
        walk.watched,
        first,
        begin,
        start,
        end,
        seed,
    )


def _paired(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    if not parts:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.concatenate([one for one, _ in parts]), np.concatenate([other for _, other in parts])


def _offer_works(process: Process, offer: Offer, families: Families, first: int, seed: int) -> float:
    """How many times as likely a referral must be under the planted offer, for its effect to be as large as asked for.

    The world is lived once without it, up to its day. Those to whom it would be given in a quarter of a year live on with
    it at several strengths; between these the strength is interpolated.
    """
    since = day_number(offer.since)
    since -= (since - first) % STEP
    rng = stream(seed, "lives")
    alone = replace(process, plants=replace(process.plants, offer=None))
    walk = Walk(alone, families, State.before(families, process.profile.in_crisis, first - 1, rng), rng)
    walk.run(first, since - 1)
    scene = Scene.on(alone, families, walk.state, since - 1)
    given = np.isin(families.home(since), walk.ranked(offer.given, since, QUARTER))[scene.children][scene.cases]
    strengths = np.array([0.1, 0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0])
    means = []
    for strength in strengths:
        treated = replace(scene.offered_today(), process=replace(scene.process, offer_works=float(strength)))
        means.append(float(treated.chances(COPIES, stream(seed, "offer")).chance[given].mean()))
    usual = means[list(strengths).index(1.0)]
    return float(np.interp(usual + offer.effect / 100, means, strengths))
