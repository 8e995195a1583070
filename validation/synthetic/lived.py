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
from validation.synthetic.world import YEAR, Days, Families, Numbers, Places, Profile, day_number, settle, stream

NOTHING_PLANTED = Plants()
BURN_IN_YEARS = 16  # until the open stock, with its long tail, is as it will stay
PART = 200_000  # residents lived at a time
TRIAL, COPIES = range(2, 54, 2), 60  # steps after which, and copies by which, the strength of an offer is found


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
    draws: tuple[Places, Days, Numbers]  # family, day and chance of a place, of all who might have been given it
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
    rng = stream(seed, "lives")
    walk = Walk(process, families, State.before(families, process.profile.in_crisis, first - 1, rng), rng)
    episodes = walk.run(first, last, contacts_from=begin, watch=[day_number(day) for day in watch])
    order = np.lexsort((episodes.child, episodes.start))
    return Lived(
        process,
        families,
        episodes.take(order),
        _paired(walk.contacts),
        _paired(walk.giving.given),
        (
            *_paired([(family, day) for family, day, _ in walk.giving.draws]),
            np.concatenate([np.empty(0), *(chance for _, _, chance in walk.giving.draws)]),
        ),
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

    The world is lived for two years from its day on, and it is given, but does not work. Those who were given it in each
    second fortnight live on from then, many times, with it at several strengths; between these strength is interpolated.
    """
    since = day_number(offer.since)
    since -= (since - first) % STEP
    rng = stream(seed, "lives")
    walk = Walk(process, families, State.before(families, process.profile.in_crisis, first - 1, rng), rng)
    days = [since + STEP * step - 1 for step in TRIAL]
    walk.run(first, days[-1], watch=days)
    scenes = []
    for day, state in walk.watched.items():
        given = np.flatnonzero(state.offered > day - STEP)
        scenes.append(Scene.on(process, families, state, day, given).offered_today())
    if not any(scene.cases.size for scene in scenes):
        return 1.0  # the authority is too small for anyone to be given it
    strengths = (0.05, 0.3, 0.55, 0.8, 1.0) if offer.effect < 0 else (1.0, 1.3, 1.7, 2.3, 3.0)
    means = []
    for strength in strengths:
        treated = [replace(scene, process=replace(scene.process, offer_works=strength)) for scene in scenes]
        chances = [scene.chances(COPIES, stream(seed, f"offer {scene.day}")).chance for scene in treated]
        means.append(float(np.concatenate(chances).mean()))
    usual = means[strengths.index(1.0)]
    return float(np.interp(usual + offer.effect / 100, means, strengths))
