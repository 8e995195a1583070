"""The invented world: what an authority is like, and the families that live in it.

Days are whole numbers since 1 January 1970. All chances come from named streams of one seed, so that a new part of
the simulation does not disturb the others.
"""

import hashlib
import zlib
from dataclasses import dataclass
from datetime import date

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
    tail_years: float  # mean length beyond two years
    disabled: float  # share of children


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The random numbers of one purpose: the same for the same seed, whatever else is drawn."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def pseudonyms(seed: int, kind: str, count: int) -> NDArray[np.str_]:
    """The first ``count`` invented pseudonyms of a kind: 32 hexadecimal digits each, the same for the same seed."""
    digits = hashlib.shake_128(f"{seed}|{kind}".encode()).hexdigest(16 * count)
    return np.frombuffer(digits.encode("ascii"), dtype="S32").astype("U32")


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


def draw(rng: np.random.Generator, shares: dict[str, float], size: int) -> NDArray[np.str_]:
    """``size`` keys of ``shares``, drawn in proportion to their values."""
    weights = np.array(list(shares.values()), dtype=float)
    return rng.choice(np.array(list(shares)), size=size, p=weights / weights.sum())


def shared(rng: np.random.Generator, groups: Places, *, own: float = 0.0) -> Numbers:
    """Uniform numbers that members of a group have in common; a share ``own`` of the members draws its own."""
    count = int(groups.max()) + 1 if groups.size else 0
    common = rng.random(count)[groups] if count else np.empty(0)
    return np.where(rng.random(groups.size) < own, rng.random(groups.size), common)


def frame(table: Table, **columns: object) -> pl.DataFrame:
    """Columns as a frame in the conformed shape of ``table``. Days become dates, ``NEVER`` and "" become empty.

    A column that is not given is empty throughout.
    """
    kinds = {column.name: column.kind for column in table.kept}
    unknown = set(columns) - set(kinds)
    if unknown:
        raise KeyError(f"'{table.name}' keeps no column {sorted(unknown)}")
    raw = pl.DataFrame({name: np.asarray(values) for name, values in columns.items()})
    return raw.select(_conformed(name, kind, name in columns) for name, kind in kinds.items())


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
    """The children of the world, sorted by family, and what is true of them though nobody records it.

    One entry for each child; ``family`` is the number of its family, and all values but ``birth``, ``girl``,
    ``disabled``, ``ethnicity`` and ``exploitation`` are the family's. ``difficulty`` has mean one; ``adversity``,
    ``neglect``, ``substances`` and ``exploitation`` are standard normal.
    """

    family: Places
    birth: Days
    girl: Flags
    disabled: Flags
    ethnicity: NDArray[np.str_]
    difficulty: Numbers
    adversity: Numbers
    neglect: Numbers
    substances: Numbers
    exploitation: Numbers

    @property
    def count(self) -> int:
        """How many children there are."""
        return int(self.family.size)


CHILDREN = (0.33, 0.33, 0.19, 0.09, 0.04, 0.02)  # families by number of children ever born
DIFFICULTY_SHAPE = 0.7


def settle(profile: Profile, residents: int, first: int, last: int, seed: int) -> Families:
    """Families whose children are under 18 at some time between the days ``first`` and ``last``.

    About ``residents`` children under 18 live at any time.
    """
    rng = stream(seed, "families")
    sizes = np.arange(1, len(CHILDREN) + 1)
    weights = np.array(CHILDREN) / sum(CHILDREN)
    earliest = first - int(35 * YEAR)  # the eldest child of a family that still has children on the first day
    per_day = residents / (18 * YEAR) / float(weights @ sizes)
    families = round(per_day * (last + 200 - earliest))
    size = rng.choice(sizes, size=families, p=weights)
    eldest = rng.integers(earliest, last + 200, size=families)

    family = np.repeat(np.arange(families), size)
    gaps = 330 + rng.gamma(1.5, 460, size=family.size)
    starts = np.cumsum(size) - size
    gaps[starts] = 0
    run = np.cumsum(gaps)
    birth = eldest[family] + (run - run[starts][family]).astype(np.int64)

    difficulty = rng.gamma(DIFFICULTY_SHAPE, 1 / DIFFICULTY_SHAPE, size=families)
    log_difficulty = np.log(np.maximum(difficulty, 1e-3))
    centred = (log_difficulty - log_difficulty.mean()) / log_difficulty.std()
    adversity = 0.4 * centred + np.sqrt(1 - 0.4**2) * rng.standard_normal(families)
    ethnicity = draw(rng, profile.ethnicity, families)
    unknown = rng.random(family.size) < 0.03
    world = Families(
        family=family,
        birth=birth,
        girl=rng.random(family.size) < 0.443,
        disabled=rng.random(family.size) < profile.disabled,
        ethnicity=np.where(unknown, draw(rng, {"NOBT": 0.9, "REFU": 0.1}, family.size), ethnicity[family]),
        difficulty=difficulty[family],
        adversity=adversity[family],
        neglect=(0.4 * adversity + np.sqrt(1 - 0.16) * rng.standard_normal(families))[family],
        substances=(0.4 * adversity + np.sqrt(1 - 0.16) * rng.standard_normal(families))[family],
        exploitation=0.3 * adversity[family] + np.sqrt(1 - 0.09) * rng.standard_normal(family.size),
    )
    here = (birth + 18 * YEAR > first) & (birth < last + 150)
    kept = {name: getattr(world, name)[here] for name in world.__dataclass_fields__}
    kept["family"] = np.unique(kept["family"], return_inverse=True)[1].astype(np.int64)
    return Families(**kept)
