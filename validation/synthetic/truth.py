"""The truth of an authority as tables: the true chance of every open case, true effects, and how well one could know.

A chance is given twice: given everything that is true on the day, and given all that is on record by then. Both are shares
of copies of the world in which the child is referred again, so both have the standard error of a share. The second also has
the error of the finite number of particles, which ``effective`` tells: the records of a family are worth so many of them.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from validation.synthetic.courses import Courses
from validation.synthetic.lived import Lived
from validation.synthetic.lives import STEP, Walk
from validation.synthetic.posterior import posterior
from validation.synthetic.process import EIGHTEEN, OFFER_DAYS
from validation.synthetic.scene import YEAR_DAYS, Chances, Scene
from validation.synthetic.veil import veil
from validation.synthetic.world import NEVER, Flags, Numbers, day_number, pseudonyms, stream

PARTICLES = 200  # of each family


def chances_table(lived: Lived, dates: Sequence[date], copies: int) -> pl.DataFrame:
    """One row for each case of a child under 18 that is open at the end of each date, sorted by date and referral.

    - ``as_of``, ``person_id``, ``referral_id`` (the keys of the clean records), ``turns_18`` (within a year);
    - ``chance``, ``chance_error``: of a new referral within a year, given everything; and its standard error;
    - ``chance_on_record``, ``chance_on_record_error``, ``effective``: the same given what is on record, and the number of
      particles that it rests on;
    - ``closing``: the chance that the case closes within 182 days; ``returning``: of a new referral within a year of closing,
      among those copies (empty where none closes); both given everything;
    - ``outcome``: was there a new referral within a year? Empty where that is not yet known at the end of the authority;
    - ``group``, ``chance_untilted``: with a planted over-referral, is the child of that group, and its chance at its need;
    - ``just_offered``, ``chance_if_offered``, ``chance_if_not``: with a planted offer, was it given within a fortnight, and
      the chances if it were given to all today and if it had never been.

    Raises ``KeyError`` for a date that was not watched.
    """
    courses = Courses(
        lived.process, lived.families, lived.episodes, pseudonyms(lived.seed, "person", lived.families.count), lived.seed
    )
    courses.assessments()
    care = courses.looked_after().group_by("clae_referral_id").agg(pl.col("clae_entered_care_date").min())
    frames = [_on(lived, courses, care, day, copies) for day in sorted(dates)]
    return pl.concat(frames).sort("as_of", "referral_id")


def _on(lived: Lived, courses: Courses, care: pl.DataFrame, as_of: date, copies: int) -> pl.DataFrame:
    day, families = day_number(as_of), lived.families
    state = lived.states[day]
    scene = Scene.on(lived.process, families, state, day)
    child = scene.children[scene.cases]
    rng = stream(lived.seed, f"truth {as_of}")
    everything = scene.chances(copies, rng)
    case = _case_of(lived, day)
    record, effective = _from_records(lived, courses, scene, _in_care(courses, care, as_of, case), copies, rng)
    first = np.full(families.count, NEVER)
    later = lived.episodes.start > day
    np.minimum.at(first, lived.episodes.child[later], lived.episodes.start[later])
    known = day + YEAR_DAYS <= day_number(lived.end)
    closed = everything.closed
    columns: dict[str, Any] = {
        "as_of": [as_of] * child.size,
        "person_id": courses.person[child],
        "referral_id": courses.referral[case[child]],
        "turns_18": families.birth[child] + EIGHTEEN <= day + YEAR_DAYS,
        "chance": everything.chance,
        "chance_error": _error(everything),
        "chance_on_record": record.chance,
        "chance_on_record_error": _error(record),
        "effective": effective,
        "closing": closed / copies,
        "returning": np.where(closed > 0, everything.returned / np.maximum(closed, 1), np.nan),
        "outcome": first[child] <= day + YEAR_DAYS if known else np.full(child.size, None),
    }
    frame = pl.DataFrame(columns | _planted(lived, scene, copies), schema_overrides={"outcome": pl.Boolean})
    return frame.with_columns(pl.col("returning").fill_nan(None))


def _planted(lived: Lived, scene: Scene, copies: int) -> dict[str, Any]:
    """What would come of each case without the planted over-referral, and with and without the planted offer."""
    plants, child, seed = lived.process.plants, scene.children[scene.cases], lived.seed
    columns: dict[str, Any] = {}
    if plants.over_referral is not None:
        untilted = scene.without_tilt().chances(copies, stream(seed, "untilted"))
        columns |= {"group": lived.families.group(plants.over_referral.group)[child], "chance_untilted": untilted.chance}
    if plants.offer is not None:
        since = scene.day - scene.state.offered[scene.state.home[child]]
        columns |= {
            "just_offered": since < STEP,
            "chance_if_offered": scene.offered_today().chances(copies, stream(seed, "offered")).chance,
            "chance_if_not": scene.without_offers().chances(copies, stream(seed, "offered")).chance,
        }
    return columns


def _from_records(
    lived: Lived, courses: Courses, scene: Scene, in_care: Flags, copies: int, rng: np.random.Generator
) -> tuple[Chances, Numbers]:
    """The chances of the cases of a scene given what is on record, and on how many particles each rests."""
    walk = Walk(lived.process, lived.families, scene.state.copy(), rng)
    known = posterior(lived, walk, courses, scene.chosen, scene.day, PARTICLES, rng)
    disabled, tilt = lived.families.disabled[scene.children], walk.tilt[scene.children]
    cared = in_care[scene.children]

    def part(size: int) -> Chances:
        latent, crisis = known.draw(size, rng)
        state = scene.tiled(size, crisis)
        veil(scene.process, state, np.tile(disabled, size), np.tile(tilt, size), np.tile(cared, size), scene.day, rng)
        return scene.live_on(size, latent, state, rng)

    family = np.searchsorted(scene.chosen, scene.state.home[scene.children[scene.cases]])
    return scene.together(copies, part), known.effective[family]


def _case_of(lived: Lived, day: int) -> np.ndarray:
    """The episode of each child that is open at the end of a day; -1 for children who have none."""
    case = np.full(lived.families.count, -1)
    now = np.flatnonzero((lived.episodes.start <= day) & (lived.episodes.close > day))
    case[lived.episodes.child[now]] = now
    return case


def _in_care(courses: Courses, care: pl.DataFrame, as_of: date, case: np.ndarray) -> Flags:
    """Of which children's open cases is care on record by the end of a day?"""
    begun = pl.DataFrame({"referral": courses.referral}).join(care, left_on="referral", right_on="clae_referral_id", how="left")
    recorded = begun.select((pl.col("clae_entered_care_date") <= as_of).fill_null(value=False)).to_series().to_numpy()
    result: Flags = (case >= 0) & recorded[case]
    return result


def _error(chances: Chances) -> Numbers:
    """The standard error of a share; a share of none or all is taken to be half a copy off (Agresti and Coull)."""
    share = (chances.again + 0.5) / (chances.copies + 1)
    result: Numbers = np.sqrt(share * (1 - share) / chances.copies)
    return result


def effects(lived: Lived, chances: pl.DataFrame) -> dict[str, Any]:
    """What was planted, and its true effect as far as chances tell; strengths are as they were asked for."""
    plants, found = lived.process.plants, {}
    for name in ("over_referral", "under_recording", "threshold", "new_team", "offer"):
        planted = getattr(plants, name)
        if planted is not None:
            found[name] = {key: str(value) if isinstance(value, date) else value for key, value in vars(planted).items()}
    if plants.nfa_abolished is not None:
        found["nfa_abolished"] = {"since": str(plants.nfa_abolished)}
    if plants.over_referral is not None:
        group = chances.filter("group")
        found["over_referral"] |= {
            "mean_chance": group["chance"].mean(),
            "mean_chance_at_its_need": group["chance_untilted"].mean(),
        }
    if plants.offer is not None:
        found["offer"] |= {
            "times_as_likely": lived.process.offer_works,
            "works_for_days": OFFER_DAYS,
            "families_offered": int(lived.offers[0].size),
            "effect_on_those_just_offered": _gap(chances.filter("just_offered")),
            "effect_on_all_open_cases": _gap(chances),
        }
    return found


def _gap(chances: pl.DataFrame) -> Mapping[str, float | int | None]:
    gap = chances["chance_if_offered"] - chances["chance_if_not"]
    mean = gap.mean()
    return {"points": None if mean is None else round(100 * float(str(mean)), 2), "cases": chances.height}


def summary(chances: pl.DataFrame) -> pl.DataFrame:
    """Base rates and the best AUC that can be reached, over the cases that the default outcome is about.

    One row for each kind of knowledge: columns ``given``, ``cases``, ``base_rate``, ``mean_chance``, ``expected_auc`` (of the
    chances, if outcomes are drawn from the true chances), ``realised_auc`` (with the outcomes that came, where known).
    """
    asked = chances.filter(~pl.col("turns_18"))
    rows = []
    for given, name in (("everything", "chance"), ("what is on record", "chance_on_record")):
        known = asked.filter(pl.col("outcome").is_not_null())
        rows.append(
            {
                "given": given,
                "cases": asked.height,
                "base_rate": known["outcome"].mean(),
                "mean_chance": asked[name].mean(),
                "expected_auc": expected_auc(asked[name].to_numpy(), asked["chance"].to_numpy()),
                "realised_auc": expected_auc(known[name].to_numpy(), known["outcome"].cast(pl.Float64).to_numpy()),
            }
        )
    return pl.DataFrame(rows)


def expected_auc(score: Numbers, chance: Numbers) -> float | None:
    """The area under the ROC curve of ``score`` when outcomes come with ``chance``; ties count half; None without both.

    The chance that a case that comes back has a higher score than one that does not (Hanley and McNeil 1982), with every
    case counted as coming back by its chance.
    """
    _, place = np.unique(score, return_inverse=True)
    back, gone = np.bincount(place, chance), np.bincount(place, 1 - chance)
    if not back.sum() or not gone.sum():
        return None
    return float((back * (np.cumsum(gone) - gone / 2)).sum() / (back.sum() * gone.sum()))
