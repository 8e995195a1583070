"""Our classifiers keep scikit-learn's rules; the candidates before them weigh rows; the scorecard fits on a sheet of paper."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.benchmark import Column
from models.candidate import Effort
from models.candidates import CANDIDATES
from models.classifier import TwoClassClassifier
from models.learners import SplineLogistic
from models.rankers import ColumnRanker
from models.scorecard import PointsScorecard, Scorecard

OURS = [PointsScorecard(), ColumnRanker(), ColumnRanker(sign=-1), SplineLogistic()]
CHECKS = parametrize_with_checks([*OURS, DummyClassifier()]).mark
# Left out is the one check that skips itself unless a process was started for arrays of other libraries than NumPy.
ASKED = [(estimator, check) for estimator, check in CHECKS.args[1] if "check_array_api_input" not in str(check)]

SMALL = Effort(bags=1, rounds=60, pairs=0)
INPUTS = [
    Column(name) for name in ("referrals_in_last_730_days", "days_since_last_earlier_referral", "sign", "twin", "noise", "one")
]


@pytest.mark.parametrize(("estimator", "check"), ASKED, ids=CHECKS.kwargs["ids"])
def test_our_classifiers_keep_the_rules_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_every_classifier_of_ours_was_asked() -> None:
    assert {type(estimator) for estimator in OURS} == set(TwoClassClassifier.__subclasses__())
    assert len(ASKED) > 250


def draw(rows: int = 600, seed: int = 3) -> tuple[pl.DataFrame, np.ndarray, pl.Series]:
    """``sign`` raises the chance, ``twin`` says nearly the same, and every seventh value is empty."""
    rng = np.random.default_rng(seed)
    sign = rng.integers(0, 8, rows)
    empty = np.arange(rows) % 7 == 0
    frame = pl.DataFrame(
        {
            "referrals_in_last_730_days": rng.poisson(1.0, rows) + (sign > 5),
            "days_since_last_earlier_referral": np.where(empty, np.nan, rng.integers(1, 700, rows)),
            "sign": sign.astype(float),
            "twin": sign + rng.integers(0, 2, rows),
            "noise": rng.normal(size=rows),
            "one": np.ones(rows),
        }
    ).with_columns(pl.all().cast(pl.Float32).fill_nan(None))
    outcome = rng.random(rows) < 1 / (1 + np.exp(3 - 0.7 * sign))
    return frame, outcome, pl.Series([f"g{row // 2}" for row in range(rows)])


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_no_weights_are_equal_weights(name: str) -> None:
    frame, outcome, groups = draw()
    plain = CANDIDATES[name](INPUTS, 1, SMALL).fit(frame, outcome, groups)
    weighed = CANDIDATES[name](INPUTS, 1, SMALL).fit(frame, outcome, groups, np.ones(frame.height))
    assert plain.chances(frame) == pytest.approx(weighed.chances(frame), abs=1e-12)
    assert plain.scores(frame) == pytest.approx(weighed.scores(frame), abs=1e-9)


@pytest.mark.parametrize("name", [name for name in CANDIDATES if name not in ("glass_box", "unrestricted_boosting")])
def test_a_row_that_weighs_three_counts_as_three_rows(name: str) -> None:
    frame, outcome, groups = draw()
    times = np.where(np.arange(frame.height) % 5 == 0, 3, 1)
    rows = np.repeat(np.arange(frame.height), times)
    weighed = CANDIDATES[name](INPUTS, 1, SMALL).fit(frame, outcome, groups, times.astype(float))
    repeated = CANDIDATES[name](INPUTS, 1, SMALL).fit(frame[rows], outcome[rows], groups[rows])
    assert weighed.chances(frame) == pytest.approx(repeated.chances(frame), abs=2e-3)


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_every_candidate_believes_the_rows_that_weigh(name: str) -> None:
    frame, outcome, groups = draw()
    candidate = CANDIDATES[name](INPUTS, 1, SMALL)
    chances = candidate.fit(frame, outcome, groups, np.where(outcome, 9.0, 1.0)).chances(frame)
    truth = 9 * outcome.sum() / (9 * outcome.sum() + (~outcome).sum())
    assert truth > outcome.mean() + 0.2
    assert np.average(chances, weights=np.where(outcome, 9.0, 1.0)) == pytest.approx(truth, abs=0.04)


def test_of_columns_that_say_nearly_the_same_only_the_best_has_points() -> None:
    frame, outcome, groups = draw(rows=2_000)
    kept = set(Scorecard(INPUTS).fit(frame, outcome, groups).cards_)
    assert "sign" in kept
    assert "twin" not in kept
    assert "one" not in kept
    both = PointsScorecard(most_alike=1.0).fit(frame.select("sign", "twin").to_numpy(), outcome)
    assert both.columns_ == [0, 1]


def test_the_sheet_of_paper_is_short_and_adds_up_to_the_same_points_and_chances() -> None:
    frame, outcome, groups = draw()
    card = Scorecard(INPUTS).fit(frame, outcome, groups)
    sheet = card.table()
    assert sheet.height <= 6 * 5
    assert sheet["points"].is_between(0, 5).all()
    by_hand = np.zeros(frame.height, dtype=np.int64)
    for feature, _, above, up_to, points in sheet.iter_rows():
        value = pl.col(feature)
        unknown = above is None and up_to is None
        least, most = (-np.inf if above is None else above), (np.inf if up_to is None else up_to)
        inside = value.is_null() if unknown else (value > least) & (value <= most)
        by_hand += points * frame.select(inside.fill_null(value=False)).to_series().to_numpy()
    assert np.array_equal(by_hand, card.points(frame))
    chances = card.chances_by_points()
    assert chances["points"].to_list() == list(range(chances.height))
    assert chances["chance"].to_numpy()[by_hand] == pytest.approx(card.chances(frame), abs=1e-12)
    signs = sheet.filter(pl.col("feature") == "sign")
    assert signs["step"][0] == f"up to {signs['up_to'][0]:g}"
    assert signs["step"].to_list()[-2:] == [f"over {signs['above'][-2]:g}", "not known"]


def test_a_card_of_columns_that_say_nothing_has_no_points_and_the_base_rate() -> None:
    card = PointsScorecard().fit(np.full((40, 3), np.nan), np.arange(40) % 4 == 0)
    assert card.columns_ == []
    assert card.predict_proba(np.ones((2, 3)))[:, 1] == pytest.approx([0.25, 0.25], abs=1e-3)
