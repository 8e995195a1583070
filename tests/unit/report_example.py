"""A small glass box, its scorecard and its evaluation, on rows made by chance: what the pages of a retrain are built from."""

from copy import deepcopy
from dataclasses import asdict
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from features.catalogue import BY_NAME
from features.outcomes import NEW_REFERRAL
from models.appraisal import appraise
from models.calibration import Calibration
from models.candidate import Effort
from models.criteria import judge, read_criteria, shipped_criteria
from models.evaluation import Evaluation, describe_split, measure, tidy
from models.glass_box import GlassBox
from models.model import ScreeningModel, average_terms
from models.ranges import Doubt
from models.scorecard import Scorecard
from models.splits import Split
from validation.extract import Origin

NAMES = (
    "days_open",
    "contacts_in_last_365_days",
    "days_since_last_contact",
    "neglect_found_in_last_730_days",
    "share_of_contacts_by_the_police_in_last_730_days",
    "latest_safety_scale",
    "siblings_known",
)
FEATURES = [BY_NAME[name] for name in NAMES]
SPLIT = Split(date(2021, 1, 1), date(2021, 12, 3), date(2023, 1, 1), date(2023, 5, 21))
LONGEST = 2_931.0  # days that one case has been open: longer than any other, and no page may show it


@cache
def training_frame() -> pl.DataFrame:
    """900 rows of 300 families; some values not known, one case open for much longer than all others."""
    rng, rows = np.random.default_rng(4), 900
    contacts = rng.poisson(1.5, rows)
    days = rng.integers(1, 730, rows).astype(float)
    days[-1] = LONGEST
    since = np.where(contacts == 0, np.nan, rng.integers(1, 365, rows))
    share = np.where(contacts == 0, np.nan, rng.integers(0, 5, rows) / 4)
    scale = np.where(rng.random(rows) < 0.3, np.nan, rng.integers(0, 11, rows))
    neglect, siblings = rng.random(rows) < 0.2, rng.poisson(1, rows)
    odds = -1.5 + 0.5 * contacts - 0.002 * days + 0.6 * neglect
    family = [f"family {number}" for number in rng.integers(0, 300, rows)]
    values = (days, contacts, since, neglect.astype(int), share, scale, siblings)
    return pl.DataFrame(
        {
            "as_of": [SPLIT.train_from + timedelta(28 * int(at)) for at in rng.integers(0, 13, rows)],
            "person_id": [f"child {at}" for at in range(rows)],
            "referral_id": [f"referral {at}" for at in range(rows)],
            "family_id": family,
            "group_id": family,
            "outcome": rng.random(rows) < 1 / (1 + np.exp(-odds)),
            **{name: pl.Series(column, dtype=pl.Float64).fill_nan(None) for name, column in zip(NAMES, values, strict=True)},
        },
        strict=False,
    )


@cache
def small_model() -> ScreeningModel:
    """A glass box of the seven features and one pair."""
    frame = training_frame()
    box = GlassBox(FEATURES, 1, Effort(bags=3, rounds=150, pairs=1)).fit(frame, frame["outcome"].to_numpy(), frame["group_id"])
    names, averages = tuple(box.names), average_terms(box.estimator, frame, tuple(box.names))
    return ScreeningModel(
        name="glass_box",
        version="",
        outcome=NEW_REFERRAL.name,
        outcome_version=1,
        origin=Origin.INVENTED,
        features=names,
        tables={"ssd_contacts": ("cont_contact_date",), "ssd_person": ("pers_dob",)},
        trained_from=SPLIT.train_from,
        trained_to=SPLIT.train_to,
        estimator=box.estimator,
        calibration=Calibration(0.9, -0.1),
        averages=averages,
        importances=dict.fromkeys(names, 1 / len(names)),
        seen={},
        freshness={},
        inputs={},
        doubt=Doubt(),
    )


@cache
def small_scorecard() -> Scorecard:
    """A scorecard of the same features."""
    frame = training_frame()
    return Scorecard(FEATURES).fit(frame, frame["outcome"].to_numpy(), frame["group_id"])


def evaluation() -> dict[str, Any]:
    """An ``evaluation.json`` with every part: measured as the project measures, on scores made by chance."""
    return deepcopy(_measured())


@cache
def _measured() -> dict[str, Any]:
    rng, rows = np.random.default_rng(5), 1_200
    dates = pl.Series([SPLIT.test_from + timedelta(28 * (at % 6)) for at in range(rows)])
    outcome = rng.random(rows) < 0.25
    family = pl.Series([f"family {number}" for number in rng.integers(0, 400, rows)])
    keys = {
        "as_of": dates,
        "person_id": [f"child {at}" for at in range(rows)],
        "referral_id": [f"referral {at}" for at in range(rows)],
        "family_id": family,
        "group_id": family,
        "outcome": outcome,
    }
    scored = {}
    for name, skill in (
        ("base_rate", 0.0),
        ("earlier_referrals", 0.4),
        ("points_scorecard", 0.7),
        ("glass_box", 1.0),
        ("unrestricted_boosting", 1.05),
    ):
        score = skill * (outcome + rng.normal(0, 1, rows)) - 1.3
        frame = pl.DataFrame(keys | {"score": score, "chance": 1 / (1 + np.exp(-score))})
        if name == "glass_box":
            frame = frame.with_columns(
                bags=pl.Series(score[:, None] + rng.normal(0, 0.3, (rows, 3)), dtype=pl.Array(pl.Float64, 3))
            )
        scored[name] = [frame]
    facts = describe_split(training_frame(), SPLIT)
    results = [tidy({"candidate": name} | facts | measure(frames[0], 3, 1, SPLIT.train_to)) for name, frames in scored.items()]
    sex = pl.Series(np.where(np.arange(rows) < 3, "not known", np.where(np.arange(rows) % 2, "female", "male")))
    groups = pl.DataFrame(keys).select("as_of", "person_id", "referral_id").with_columns(sex=sex)
    appraisal = appraise(Evaluation((SPLIT,), results, scored), "glass_box", 3, 1, groups)
    criteria = read_criteria(shipped_criteria())
    findings = [asdict(finding) for finding in judge(appraisal, "glass_box", criteria)]
    measures = {name: 0.25 for measure in ("average_precision", "gap", "chance_of_offered", "offered_listed")
                for name in (measure, f"{measure}_low", f"{measure}_high")}  # fmt: skip
    return {
        "outcome": {"name": NEW_REFERRAL.name, "version": 1, "words": NEW_REFERRAL.words},
        "rows": {"cohort": 1_500, "used": 900, "turns 18 in the window": 597, "child has overlapping episodes": 3,
                 "families": 300},
        "exits": {"adopted": 41, "died": 2, "moved to another authority": 77},
        "dates": {"first": "2021-01-01", "last": "2021-12-03", "count": 13, "not_complete_yet": 2},
        "split": {"closed_in_the_window": 500, "returned": 230, "returned_of_closed": 0.46},
        "effort": "quick",
        "criteria": {"sha256": criteria.sha256, "findings": findings},
        "ranges": asdict(Doubt()),
        "searched": [],
        **appraisal,
        "feedback": {
            "verdict": {"possible": True, "words": "", "offers": 90, "by_lot": 40},
            "rows": 900, "families": 300, "rows_with_offer": 80, "families_with_offer": 4, "without_known": False,
            "policies": [{"policy": "naive", **measures}, {"policy": "censor", **measures}],
            "differences": [{"measure": "average_precision", "difference": 0.0, "low": -0.01, "high": 0.02}],
            "words": ["An offer was made to 4 of 300 families in the year before or after a date."],
        },
        "practice": {
            "changes": [{"measure": "nfa_share", "on": "2021-06-01", "before": 0.14, "after": 0.02, "words": "The share fell."}],
            "straddles": [{"train_from": "2021-01-01", "test_to": "2023-05-21", "measure": "nfa_share", "on": "2021-06-01",
                           "words": "It straddles a change."}],
            "cost": [{"words": "To leave out the older dates would neither clearly lose nor clearly gain."}],
        },
        "reasons": {"as_of": "2021-12-03", "shown": 4_000, "agree": 3_990},
        "seconds": {"build": 12.3, "train": 45.6},
    }  # fmt: skip
