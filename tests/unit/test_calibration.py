"""The affine map of the log-odds finds the line that outcomes follow, and always keeps the order of cases."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from models.calibration import LEAST_SLOPE, Calibration, fit_calibration, fit_line, log_odds_of


def draw(slope: float, intercept: float, rows: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    log_odds = rng.normal(-1.0, 1.2, rows)
    return log_odds, rng.random(rows) < expit(slope * log_odds + intercept)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.6, -0.4), (1.7, 0.5)])
def test_the_true_line_is_found(slope: float, intercept: float) -> None:
    found = fit_calibration(*draw(slope, intercept))
    assert found.slope == pytest.approx(slope, abs=0.05)
    assert found.intercept == pytest.approx(intercept, abs=0.06)


def test_the_line_is_that_of_logistic_regression() -> None:
    log_odds, outcome = draw(0.7, 0.2, rows=2_000)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(log_odds[:, None], outcome)
    assert fit_line(log_odds, outcome) == pytest.approx((reference.coef_[0, 0], reference.intercept_[0]), abs=1e-4)


def test_a_calibrated_mean_is_the_share_of_yes() -> None:
    log_odds, outcome = draw(0.5, -1.0)
    assert fit_calibration(log_odds, outcome).map_to_chances(log_odds).mean() == pytest.approx(outcome.mean(), abs=1e-3)


def test_a_model_that_ranks_backwards_is_flattened_but_not_turned_round() -> None:
    log_odds, outcome = draw(-0.8, -1.0)
    assert fit_line(log_odds, outcome)[0] < 0
    found = fit_calibration(log_odds, outcome)
    assert found.slope == LEAST_SLOPE
    assert found.map_to_chances(log_odds).mean() == pytest.approx(outcome.mean(), abs=1e-6)


def test_a_handful_of_outcomes_that_a_line_would_separate_gives_a_finite_map() -> None:
    log_odds = np.array([-2.0, -1.5, -1.0, 0.5, 1.0])
    found = fit_calibration(log_odds, log_odds > 0)
    assert 1.0 < found.slope < 3.0
    assert np.isfinite(found.intercept)


def test_identity_changes_nothing_and_log_odds_stay_finite() -> None:
    chances = np.array([0.0, 0.2, 0.9, 1.0])
    log_odds = log_odds_of(chances)
    assert np.isfinite(log_odds).all()
    assert Calibration().map_to_chances(log_odds) == pytest.approx(chances, abs=2e-6)
