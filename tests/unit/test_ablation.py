"""Shown reasons are tried out on the model: what does it say of the same case without them?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.catalogue import BY_NAME
from features.definition import Direction, Family
from models.ablation import check_reasons
from models.calibration import Calibration
from models.candidate import Effort
from models.glass_box import GlassBox
from models.model import ScreeningModel, average_terms
from models.ranges import Doubt
from models.reasons import KEYS, add_up, explain
from validation.extract import Origin

CONTACTS, DAYS, SCALE = "contacts_in_last_365_days", "days_since_last_contact", "latest_safety_scale"
FEATURES = [BY_NAME[name] for name in (CONTACTS, DAYS, SCALE, "days_open")]
NAMES = [feature.name for feature in FEATURES]


class ByHand:
    """A model that is a function of the columns, in log-odds."""

    def __init__(self, log_odds: Callable[[dict[str, Any]], Any]) -> None:
        self.log_odds = log_odds

    def chances(self, matrix: pl.DataFrame) -> pl.Series:
        columns = {name: matrix[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in NAMES}
        return pl.Series(1 / (1 + np.exp(-self.log_odds(columns))))


def drawn(rows: int, seed: int = 1) -> pl.DataFrame:
    """An invented matrix: half of the cases have no contact, a third no scale."""
    random = np.random.default_rng(seed)
    contacts = random.integers(-3, 4, rows).clip(0)
    return pl.DataFrame(
        {
            "as_of": [date(2025, 1, 1)] * rows,
            "person_id": [f"p{row:04}" for row in range(rows)],
            "referral_id": ["r"] * rows,
            CONTACTS: contacts,
            DAYS: pl.Series(random.integers(0, 700, rows)).set(pl.Series(contacts == 0), None),
            SCALE: pl.Series(random.integers(0, 11, rows), dtype=pl.Float32).set(pl.Series(random.random(rows) < 0.3), None),
            "days_open": random.integers(0, 500, rows),
        },
        schema_overrides={CONTACTS: pl.UInt16, DAYS: pl.UInt16, "days_open": pl.UInt16},
    )


def told(matrix: pl.DataFrame, *rows: tuple[int, str, float]) -> pl.DataFrame:
    """Reasons as if these contributions had been found: case, feature, log-odds."""
    pushes = np.zeros((matrix.height, len(NAMES)))
    for case, name, push in rows:
        pushes[case, NAMES.index(name)] = push
    return explain(pl.DataFrame(pushes, schema=NAMES), matrix, FEATURES)


def first(matrix: pl.DataFrame, condition: pl.Expr) -> int:
    return int(matrix.with_row_index().filter(condition)["index"][0])


MATRIX = drawn(200)
MANY, NONE = first(MATRIX, pl.col(CONTACTS) == 3), first(MATRIX, pl.col(CONTACTS) == 0)
HIGH, LOW = first(MATRIX, pl.col(SCALE) > 8), first(MATRIX, pl.col(SCALE) < 2)


@pytest.mark.parametrize(
    ("log_odds", "reason", "side"),
    [
        # a worry about contacts agrees when none would lower the chance
        (lambda of: 0.2 * of[CONTACTS], (MANY, CONTACTS, 0.3), "worry"),
        (lambda of: -0.2 * of[CONTACTS], (MANY, CONTACTS, 0.3), "about the case"),
        (lambda of: 0 * of[CONTACTS], (MANY, CONTACTS, 0.3), "about the case"),
        # a worry about how lately one came, when it would be lower had there never been one
        (lambda of: np.where(np.isnan(of[DAYS]), -1.0, 0.0), (MANY, DAYS, 0.3), "worry"),
        (lambda of: np.where(np.isnan(of[DAYS]), 1.0, 0.0), (MANY, DAYS, 0.3), "about the case"),
        # a strength that the scale is high, when others' scales would raise the chance
        (lambda of: np.where(np.isnan(of[SCALE]), 0.0, -0.2 * of[SCALE]), (HIGH, SCALE, -0.3), "strength"),
        (lambda of: np.where(np.isnan(of[SCALE]), 0.0, 0.2 * of[SCALE]), (HIGH, SCALE, -0.3), "about the case"),
        # a scale has no none: others' scales and the lack of them stand for it
        (lambda of: np.where(np.isnan(of[SCALE]), 0.0, -0.2 * of[SCALE]), (LOW, SCALE, 0.3), "worry"),
        (lambda of: np.where(np.isnan(of[SCALE]), 0.0, 0.2 * of[SCALE]), (LOW, SCALE, 0.3), "about the case"),
    ],
)
def test_a_reason_that_the_model_contradicts_stands_with_the_case(
    log_odds: Callable[[dict[str, Any]], Any], reason: tuple[int, str, float], side: str
) -> None:
    reasons = told(MATRIX, reason)
    assert reasons["side"].to_list() in (["worry"], ["strength"])
    checked = check_reasons(reasons, ByHand(log_odds), MATRIX, FEATURES)
    assert checked.reasons["side"].to_list() == [side]
    assert (checked.shown, checked.agree) == (1, int(side != "about the case"))
    assert checked.reasons.drop("side").equals(reasons.drop("side"))


def test_what_is_moved_takes_its_place_among_the_rest_and_no_more_than_there_is_room_for() -> None:
    reasons = told(MATRIX, (MANY, CONTACTS, 0.3), (MANY, "days_open", 0.5), (NONE, CONTACTS, -0.4))
    contrary = ByHand(lambda of: -0.2 * of[CONTACTS])
    checked = check_reasons(reasons, contrary, MATRIX, FEATURES).reasons
    assert checked.filter(pl.col("side") == "about the case").select("feature", "rank").rows() == (
        [("days_open", 1), (CONTACTS, 1)] if MANY < NONE else [(CONTACTS, 1), ("days_open", 1)]
    )


def test_the_two_features_of_a_pair_are_told_apart() -> None:
    """Days open and scale push together: half of it is credited to the scale, which on its own says the contrary."""
    pair = ByHand(lambda of: np.where(np.nan_to_num(of[SCALE], nan=5) < 2, -0.4, 0.0) + (of["days_open"] > 0) * 0.6)
    checked = check_reasons(told(MATRIX, (LOW, SCALE, 0.1)), pair, MATRIX, FEATURES)
    assert (checked.shown, checked.agree) == (1, 0)


def test_without_cases_there_is_nothing_to_check() -> None:
    nothing = MATRIX.clear()
    checked = check_reasons(told(nothing), ByHand(lambda of: of[CONTACTS]), nothing, FEATURES)
    assert (checked.reasons.height, checked.shown, checked.agree) == (0, 0, 0)


def fit_box(matrix: pl.DataFrame, pairs: int) -> ScreeningModel:
    """A glass box of an invented outcome. With pairs the scale is not held to its declared direction."""
    random = np.random.default_rng(3)
    scale, long_open = matrix[SCALE].fill_null(5).to_numpy(), matrix["days_open"].to_numpy() > 250
    log_odds = 0.5 * matrix[CONTACTS].to_numpy() - np.where(long_open, 0.3, -0.1) * (scale - 5) - 0.5
    outcome = random.random(matrix.height) < 1 / (1 + np.exp(-log_odds))
    free = [replace(feature, direction=Direction.EITHER) if pairs and feature.name == SCALE else feature for feature in FEATURES]
    box = GlassBox(free, 1, Effort(bags=1, rounds=300, pairs=pairs)).fit(matrix, outcome, matrix["person_id"])
    return ScreeningModel(
        name="glass_box",
        version="",
        outcome="new_referral_within_12_months",
        outcome_version=1,
        origin=Origin.INVENTED,
        features=tuple(box.names),
        tables={},
        trained_from=date(2025, 1, 1),
        trained_to=date(2025, 1, 1),
        estimator=box.estimator,
        calibration=Calibration(0.9, 0.1),
        averages=average_terms(box.estimator, matrix, tuple(box.names)),
        importances={},
        seen={},
        freshness={},
        inputs={},
        doubt=Doubt(),
    )


@pytest.mark.parametrize("pairs", [0, 1])
def test_the_reasons_of_a_glass_box_agree_with_it_and_add_up(pairs: int) -> None:
    matrix = drawn(4_000)
    model = fit_box(matrix, pairs)
    assert sum(len(term) > 1 for term in model.estimator.term_features_) == pairs
    contributions = model.contributions(matrix)
    checked = check_reasons(explain(contributions, matrix, FEATURES), model, matrix, FEATURES)
    assert checked.shown > 1_000
    # What a pair adds is credited to its two features by halves, so some of them say the contrary on their own.
    assert (checked.agree < checked.shown) if pairs else (checked.agree == checked.shown)
    again = check_reasons(checked.reasons, model, matrix, FEATURES)
    assert (again.shown, again.agree) == (checked.agree, checked.agree)
    totals = add_up(contributions, matrix, FEATURES)
    assert totals.columns == [*KEYS, Family.CASE.value, Family.CONTACTS.value, Family.SIGNS_OF_SAFETY.value]
    chances = model.chances(matrix).to_numpy()
    added = totals.drop(KEYS).sum_horizontal().to_numpy() + model.base_log_odds
    assert np.abs(added - np.log(chances / (1 - chances))).max() < 1e-9
