"""A range widens with the spread of the bags, never vanishes, and holds what it should."""

import numpy as np
from scipy.special import expit, logit

from models.ranges import COVERAGE, Doubt, find_ranges

RNG = np.random.default_rng(1)


def test_bags_that_agree_leave_what_the_features_do_not_tell() -> None:
    found = find_ranges(np.full((1, 4), logit(0.3)), Doubt(factor=2, miss=0.5, growth=0.3))
    half = 1.6449 * 0.5
    assert np.allclose(found.row(0), [expit(logit(0.3) - half), expit(logit(0.3) + half)], atol=1e-4)


def test_a_range_grows_with_spread_factor_and_miss() -> None:
    bags = logit(0.3) + np.array([[-0.1, 0.1], [-0.4, 0.4]])
    doubts = (Doubt(1, 0.1, 0), Doubt(2, 0.1, 0), Doubt(1, 0.4, 0))
    found = [find_ranges(bags, doubt) for doubt in doubts]
    widths = [(ends["high"] - ends["low"]).to_list() for ends in found]
    assert all(narrow < wide for narrow, wide in widths)
    assert widths[0] < widths[1]
    assert widths[0] < widths[2]


def test_nine_of_ten_truths_lie_inside_when_spread_and_miss_are_what_they_are() -> None:
    middle, spread, miss = RNG.normal(-1.5, 1, 4000), 0.3, 0.4
    bags = middle[:, None] + spread * RNG.normal(size=(4000, 200))
    truth = expit(bags.mean(axis=1) + np.hypot(spread, miss) * RNG.normal(size=4000))
    found = find_ranges(bags, Doubt(1, miss, 0))
    inside = ((found["low"].to_numpy() < truth) & (truth < found["high"].to_numpy())).mean()
    assert abs(inside - COVERAGE) < 0.02


def test_rare_chances_are_less_sure_in_log_odds() -> None:
    bags = np.array([[logit(0.2)] * 2, [logit(0.2) - 2] * 2])
    found = find_ranges(bags, Doubt(1, 0.4, 0.1))
    halves = logit(found["high"].to_numpy()) - bags[:, 0]
    assert np.allclose(halves, 1.6449 * np.array([0.4, 0.6]), atol=1e-3)
