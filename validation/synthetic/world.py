"""The invented world: what an authority is like, and the families that live in it.

Days are whole numbers since 1 January 1970. All chances come from named streams of one seed, so that a new part of
the simulation does not disturb the others.
"""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from validation.contract import DTYPES, Kind, Table

Days = NDArray[np.int64]
Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

NEVER = 2**30  # a day that does not come: an empty date
YEAR = 365.25


@dataclass(frozen=True)
class Profile:
    """What an authority is like. Shares are fractions; ``name`` is how commands and manifests call it.

    Published margins are those of the Department for Education for 2024 (assessment factors 2025). The fields after
    ``# fitted`` have no source: they are set so that the simulated margins meet the published ones.
    """

    name: str
    no_further_action: float  # of referrals
    not_in_need: float  # of referrals
    early_help_after_assessment: float  # of cases assessed as not in need
    sources: dict[str, float]  # share of each referral source
    months: tuple[float, ...]  # share of referrals from January to December
    needs: dict[str, float]  # primary need, children's own disability left out
    bands: tuple[float, ...]  # ended need episodes up to 3, 6, 12, 24 months and longer
    orders: dict[str, float]  # share of ended need episodes that end with each order
    moved_away: float  # share of ended need episodes
    died: float  # share of ended need episodes
    assessment_days: tuple[float, float, float]  # working days: lower quartile, median, upper quartile
    conferences: float  # share of referrals with a conference
    plans: float  # child protection plans begun, per referral
    enquiries: float  # section 47 enquiries, per referral
    assessments: float  # assessments, per referral
    categories: dict[str, float]  # category of a child protection plan
    ethnicity: dict[str, float]  # of children whose ethnicity is known
    factors: dict[str, float]  # share of assessed episodes in which each factor is found
    # fitted
    first_referrals: float  # referrals a year of a child of average difficulty, whatever went before
    returns: float  # scale of the chance of coming back after a case has closed
    spread: float  # standard deviation of the log of a family's difficulty
    in_crisis: float  # share of time that a family is in crisis
    crisis: float  # how many times as likely contacts and referrals are in a crisis
    middles: tuple[float, ...]  # days after which half of what ends in each band but the last has ended
    tail_years: float  # mean length beyond two years
    plan: float  # chance of a protection plan in a need episode that is long enough for one
    planned_before: float  # how many times as likely that is after an earlier plan
    conference: float  # the same for a conference that makes no plan
    enquiry: float  # the same for an enquiry without a conference
    care: float  # the same for care
    reassessed: float  # chance a year of a further assessment of a long case
    care_leavers: float  # share of long cases that stay open after the eighteenth birthday
    girls: float  # share of children
    disabled: float  # share of children
    disability_is_need: float  # share of the disabled children whose primary need is their disability


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The random numbers of one purpose: the same for the same seed, whatever else is drawn."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def pseudonyms(seed: int, kind: str, count: int) -> pl.Series:
    """The first ``count`` invented pseudonyms of a kind: 32 hexadecimal digits each, the same for the same seed."""
    digits = hashlib.shake_128(f"{seed}|{kind}".encode()).digest(16 * count)
    keys = pl.Series(np.frombuffer(digits, dtype=np.uint8).reshape(count, 16))
    return keys.cast(pl.List(pl.UInt8)).cast(pl.Binary).bin.encode("hex")


def day_number(day: date) -> int:
    """The whole number of a date."""
    return (day - date(1970, 1, 1)).days


def working_days_after(days: Days, count: Days | int) -> Days:
    """The day ``count`` working days later; bank holidays are not kept in the invented world."""
    moved = np.busday_offset(days.astype("datetime64[D]"), count, roll="forward")
    result: Days = moved.astype(np.int64)
    return result


def census_year(days: Days) -> NDArray[np.int64]:
    """The census year (April to March, named after its end) in which each day lies."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    result: NDArray[np.int64] = 1970 + (months + 9) // 12
    return result


def lots(rng: np.random.Generator, shares: dict[str, float], size: int) -> Places:
    """``size`` places in ``shares``, drawn in proportion to its values."""
    weights = np.array(list(shares.values()), dtype=float)
    return rng.choice(weights.size, size=size, p=weights / weights.sum())


def draw(rng: np.random.Generator, shares: dict[str, float], size: int) -> pl.Series:
    """``size`` keys of ``shares``, drawn in proportion to their values."""
    return pl.Series(list(shares)).gather(lots(rng, shares, size))


def choose(*cases: tuple[Flags | pl.Series, str | pl.Series], otherwise: str | pl.Series) -> pl.Series:
    """The text of the first case that holds, row by row; a case is its flags and one text for all or one for each row.

    numpy keeps texts at their longest length, and they are slow to turn into columns: so they are polars series here.
    """
    text = pl.lit(otherwise)
    for flags, given in reversed(cases):
        text = pl.when(pl.lit(pl.Series(flags))).then(pl.lit(given)).otherwise(text)
    return pl.select(text).to_series()


def shared(rng: np.random.Generator, groups: Places, *, own: float = 0.0) -> Numbers:
    """Uniform numbers that members of a group have in common; a share ``own`` of the members draws its own."""
    count = int(groups.max()) + 1 if groups.size else 0
    common = rng.random(count)[groups] if count else np.empty(0)
    return np.where(rng.random(groups.size) < own, rng.random(groups.size), common)


def frame(table: Table, kept: Flags | None = None, **columns: pl.Series | NDArray[Any]) -> pl.DataFrame:
    """Columns as a frame in the conformed shape of ``table``. Days become dates, ``NEVER`` and "" become empty.

    A column that is not given is empty throughout. ``kept`` says which rows are wanted; all are, unless it is given.
    """
    kinds = {column.name: column.kind for column in table.kept}
    unknown = set(columns) - set(kinds)
    if unknown:
        raise KeyError(f"'{table.name}' keeps no column {sorted(unknown)}")
    rows = pl.DataFrame(columns)
    rows = rows if kept is None else rows.filter(kept)
    return rows.select(_conformed(name, kind, name in columns) for name, kind in kinds.items())


def _conformed(name: str, kind: Kind, given: bool) -> pl.Expr:
    if not given:
        return pl.lit(None, DTYPES[kind]).alias(name)
    column = pl.col(name)
    if kind in (Kind.DATE, Kind.MONTH):
        day = pl.when(column < NEVER).then(column).cast(pl.Int32).cast(pl.Date)
        return day.dt.truncate("1mo") if kind is Kind.MONTH else day
    if kind in (Kind.ID, Kind.CODE):
        return pl.when(column != "").then(column)
    return column.cast(DTYPES[kind])


@dataclass(frozen=True)
class Families:
    """The children of the world, and what is true of them and their families though nobody records it.

    One entry for each child, sorted by the family it was born into, whose number is ``family``. ``difficulty`` (mean one),
    ``adversity``, ``neglect`` and ``substances`` (standard normal) have one entry for each family, ``exploitation``
    (standard normal) one for each child. A child in ``moves`` lives with family ``goes`` from day ``moved`` on.
    """

    family: Places
    birth: Days
    girl: Flags
    disabled: Flags
    ethnicity: NDArray[np.str_]  # true
    stated: Flags  # is the ethnicity known to the council?
    exploitation: Numbers
    difficulty: Numbers
    adversity: Numbers
    neglect: Numbers
    substances: Numbers
    moves: Places
    goes: Places
    moved: Days

    @property
    def count(self) -> int:
        """How many children there are."""
        return int(self.family.size)

    @property
    def families(self) -> int:
        """How many families there are."""
        return int(self.difficulty.size)

    def home(self, day: int) -> Places:
        """The family that each child lives with on a day."""
        home = self.family.copy()
        gone = self.moved <= day
        home[self.moves[gone]] = self.goes[gone]
        return home

    def home_on(self, child: Places, day: Days) -> Places:
        """The family that each of some children lives with on a day of its own."""
        goes, moved = self.family.copy(), np.full(self.count, NEVER)
        goes[self.moves], moved[self.moves] = self.goes, self.moved
        return np.where(day >= moved[child], goes[child], self.family[child])

    def copied(self, children: Places, copies: int, family: Places, latent: Mapping[str, Numbers]) -> "Families":
        """Some of the children, ``copies`` times one after another, in families of given numbers and latent values."""
        none = np.empty(0, dtype=np.int64)
        again = {name: np.tile(getattr(self, name)[children], copies) for name in OF_CHILD}
        return replace(self, family=family, moves=none, goes=none, moved=none, **again, **latent)  # type: ignore[arg-type]

    def group(self, name: str) -> Flags:
        """Which children belong to a group of ``plants.GROUPS``."""
        if name in ("girls", "boys"):
            return self.girl if name == "girls" else ~self.girl
        if name == "disabled":
            return self.disabled
        result: Flags = np.char.startswith(self.ethnicity, BACKGROUNDS[name])
        return result


OF_CHILD = ("birth", "girl", "disabled", "ethnicity", "stated", "exploitation")
CHILDREN = (0.27, 0.34, 0.21, 0.11, 0.05, 0.02)  # families by number of children ever born
LATENTS = 4  # independent values that the latent values of a family are made of
MOVERS = 0.02  # share of children who come to live with another family at some time
BACKGROUNDS = {"white": "W", "mixed": "M", "asian": "A", "black": "B", "other": "O"}  # how their codes begin


def settle(profile: Profile, residents: int, first: int, last: int, seed: int) -> Families:
    """Families whose children are under 18 at some time between the days ``first`` and ``last``.

    About ``residents`` children under 18 live at any time.
    """
    rng = stream(seed, "families")
    sizes = np.arange(1, len(CHILDREN) + 1)
    weights = np.array(CHILDREN) / sum(CHILDREN)
    earliest = first - int(35 * YEAR)  # the eldest child of a family that still has children on the first day
    per_day = residents / (18 * YEAR) / float(weights @ sizes)
    size = rng.choice(sizes, size=round(per_day * (last + 200 - earliest)), p=weights)
    eldest = rng.integers(earliest, last + 200, size=size.size)

    family = np.repeat(np.arange(size.size), size)
    gaps = 330 + rng.gamma(1.5, 460, size=family.size)
    starts = np.cumsum(size) - size
    gaps[starts] = 0
    run = np.cumsum(gaps)
    birth = eldest[family] + (run - run[starts][family]).astype(np.int64)
    here = (birth + 18 * YEAR > first) & (birth < last + 150)
    family, birth = np.unique(family[here], return_inverse=True)[1].astype(np.int64), birth[here]
    families, count = int(family.max()) + 1, family.size

    latent = latents(profile, families, rng)
    ethnicity = np.array(list(profile.ethnicity))[lots(rng, profile.ethnicity, families)]
    goes = rng.integers(0, families, size=count)
    moves = np.flatnonzero((rng.random(count) < MOVERS) & (goes != family))
    return Families(
        family=family,
        birth=birth,
        girl=rng.random(count) < profile.girls,
        disabled=rng.random(count) < profile.disabled,
        ethnicity=ethnicity[family],
        stated=rng.random(count) >= 0.03,
        exploitation=0.3 * latent["adversity"][family] + np.sqrt(1 - 0.09) * rng.standard_normal(count),
        **latent,
        moves=moves,
        goes=goes[moves],
        moved=birth[moves] + (rng.random(moves.size) * 16 * YEAR).astype(np.int64),
    )


def latents(profile: Profile, size: int, rng: np.random.Generator) -> dict[str, Numbers]:
    """What is true of ``size`` families: difficulty, adversity, neglect and substances, drawn together."""
    return latents_from(profile, rng.standard_normal((LATENTS, size)))


def latents_from(profile: Profile, normal: Numbers) -> dict[str, Numbers]:
    """What is true of families of given independent standard normal values, an array whose first axis has four."""
    difficulty = np.exp(profile.spread * normal[0] - profile.spread**2 / 2)
    adversity = 0.4 * normal[0] + np.sqrt(1 - 0.4**2) * normal[1]
    return {
        "difficulty": difficulty,
        "adversity": adversity,
        "neglect": 0.4 * adversity + np.sqrt(1 - 0.4**2) * normal[2],
        "substances": 0.4 * adversity + np.sqrt(1 - 0.4**2) * normal[3],
    }
