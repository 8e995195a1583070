"""Metrics agree with scikit-learn where it has them, and with arithmetic by hand where it has not."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from models.bootstrap import draw_families, find_interval
from models.capacity import measure_share, replay_offers
from models.metrics import draw_calibration_curve, draw_precision_curve, find_share_interval, measure_chances, rank_quality

RNG = np.random.default_rng(11)
OUTCOME = RNG.random(600) < 0.3
SCORE = np.round(RNG.normal(size=600) + OUTCOME, 1)  # rounded, so that there are ties
CHANCE = np.clip(0.3 + 0.2 * RNG.normal(size=600) + 0.1 * OUTCOME, 0.01, 0.99)


def test_ranking_agrees_with_scikit_learn() -> None:
    auc, average_precision = rank_quality(OUTCOME, SCORE)
    assert auc[0] == pytest.approx(roc_auc_score(OUTCOME, SCORE))
    assert average_precision[0] == pytest.approx(average_precision_score(OUTCOME, SCORE))


def test_ranking_under_bootstrap_weights_agrees_with_scikit_learn() -> None:
    weights = draw_families(pl.Series([f"f{row % 200}" for row in range(600)]), seed=1, resamples=5)
    auc, average_precision = rank_quality(OUTCOME, SCORE, weights)
    for at in range(5):
        assert auc[at] == pytest.approx(roc_auc_score(OUTCOME, SCORE, sample_weight=weights[at]))
        assert average_precision[at] == pytest.approx(average_precision_score(OUTCOME, SCORE, sample_weight=weights[at]))


def test_a_bootstrap_draws_whole_families() -> None:
    groups = pl.Series([f"f{row % 50}" for row in range(200)])
    weights = draw_families(groups, seed=1, resamples=20)
    assert weights.shape == (20, 200)
    assert (weights.sum(axis=1) == 200).all()
    for start in range(50):
        assert (weights[:, start::50] == weights[:, [start]]).all()
    assert np.array_equal(weights, draw_families(groups, seed=1, resamples=20))


def test_intervals_widen_when_rows_are_copies_of_few_families() -> None:
    alone = pl.Series([f"f{row}" for row in range(600)])
    few = pl.Series([f"f{row // 20}" for row in range(600)])
    block_outcome, block_score = np.repeat(OUTCOME[:30], 20), np.repeat(SCORE[:30], 20)
    width = {}
    for name, groups in (("alone", alone), ("few", few)):
        low, high = find_interval(rank_quality(block_outcome, block_score, draw_families(groups, seed=2))[0])
        width[name] = high - low
    assert width["few"] > 2 * width["alone"]


def test_nothing_can_be_said_without_both_outcomes() -> None:
    auc, average_precision = rank_quality(np.zeros(4, dtype=bool), np.arange(4.0))
    assert np.isnan(auc[0])
    assert np.isnan(average_precision[0])
    assert np.isnan(find_interval(np.array([np.nan])))[0]


def test_chance_quality_agrees_with_scikit_learn() -> None:
    found = measure_chances(OUTCOME, CHANCE)
    assert found.brier == pytest.approx(brier_score_loss(OUTCOME, CHANCE))
    assert found.log_loss == pytest.approx(log_loss(OUTCOME, CHANCE))
    base = OUTCOME.mean()
    assert found.brier_skill == pytest.approx(1 - found.brier / (base * (1 - base)))


def test_calibration_error_by_hand() -> None:
    chance = np.repeat([0.2, 0.6], 50)
    outcome = np.r_[np.arange(50) < 15, np.arange(50) < 30]  # 30 % where 20 % was said, 60 % where 60 % was
    found = measure_chances(outcome, chance)
    assert found.calibration_error == pytest.approx(0.05)
    curve = draw_calibration_curve(outcome, chance)
    assert curve.to_dict(as_series=False) == {
        "chance": [pytest.approx(0.2), pytest.approx(0.6)],
        "rate": [pytest.approx(0.3), pytest.approx(0.6)],
        "rows": [50, 50],
    }


def test_perfect_chances_have_slope_one_and_a_constant_has_no_slope() -> None:
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.05, 0.95, 20_000)
    found = measure_chances(rng.random(20_000) < chance, chance)
    assert found.calibration_slope == pytest.approx(1, abs=0.05)
    assert found.calibration_intercept == pytest.approx(0, abs=0.05)
    assert found.calibration_error < 0.02
    assert np.isnan(measure_chances(OUTCOME, np.full(600, 0.3)).calibration_slope)


def test_share_interval_is_wilsons() -> None:
    assert find_share_interval(30, 100) == pytest.approx((0.2189, 0.3958), abs=1e-4)
    assert find_share_interval(0, 10)[0] == 0
    assert np.isnan(find_share_interval(0, 0)).all()


def test_precision_curve_ends_at_the_base_rate_and_spreads_ties() -> None:
    curve = draw_precision_curve(OUTCOME, SCORE)
    assert curve["precision"][-1] == pytest.approx(OUTCOME.mean())
    assert curve["recall"][-1] == pytest.approx(1)
    tied = draw_precision_curve(np.arange(100) < 20, np.zeros(100))
    assert tied["precision"].to_list() == pytest.approx([0.2] * 20)


DAY = date(2025, 1, 1)


def test_a_share_of_single_dates_with_ties_by_hand() -> None:
    # first date: 10 rows, 30 % are 3 slots; one above (yes), then four tied for two slots, one of them yes
    # second date: 10 rows, no ties at the edge; 3 slots hold two yes
    frame = pl.DataFrame(
        {
            "as_of": [DAY] * 10 + [DAY + timedelta(days=28)] * 10,
            "score": [9.0, 5, 5, 5, 5, 1, 1, 1, 1, 1] + [float(10 - at) for at in range(10)],
            "outcome": [True, True, False, False, False] + [False] * 4 + [True] + [True, False, True] + [False] * 7,
        }
    )
    found = measure_share(frame, 0.3)
    assert found["precision_worst"] == pytest.approx((1 + 0 + 2) / 6)
    assert found["precision_best"] == pytest.approx((1 + 1 + 2) / 6)
    assert found["precision"] == pytest.approx((1 + 2 * 1 / 4 + 2) / 6)
    assert found["recall"] == pytest.approx(3.5 / 5)
    assert found["lift"] == pytest.approx(3.5 / 6 / (5 / 20))


def test_slots_are_whole_rows() -> None:
    frame = pl.DataFrame({"as_of": [DAY] * 20, "score": [float(-at) for at in range(20)], "outcome": [True] + [False] * 19})
    assert measure_share(frame, 0.05)["precision"] == 1  # one row in twenty, not two
    assert measure_share(frame, 0.06)["precision"] == 0.5


def families(day: date, *members: tuple[str, float, bool]) -> pl.DataFrame:
    """Children of families by score and outcome; the chance is half the score."""
    return pl.DataFrame(
        [(day, family, score, outcome, score / 2) for family, score, outcome in members],
        schema={"as_of": pl.Date, "family_id": pl.String, "score": pl.Float64, "outcome": pl.Boolean, "chance": pl.Float64},
        orient="row",
    )


def test_replay_offers_no_family_twice_and_carries_slots() -> None:
    # four weeks of two slots: a, b in week 1; c in week 2, then three slots are left over and five carried
    first = families(DAY, ("a", 0.9, True), ("a", 0.1, False), ("b", 0.8, False), ("c", 0.7, False))
    # the next date: a and c again, and nine new ones; its first week has 2 + 5 slots, the second the last two
    more = [(f"n{at}", 0.5 - at / 100, at % 3 == 0) for at in range(9)]
    second = families(DAY + timedelta(days=28), ("a", 0.95, True), ("c", 0.94, True), *more)
    found = replay_offers(pl.concat([first, second]), capacity=2, seed=1)
    assert found.offers == 12
    assert found.precision == pytest.approx((1 + 3) / 12)
    assert found.low < found.precision < found.high


def test_replay_ranks_a_family_by_its_highest_child_and_stops_at_capacity() -> None:
    frame = families(DAY, *[(f"f{at}", 0.5, False) for at in range(50)], ("z", 0.1, False), ("z", 0.6, True))
    found = replay_offers(frame, capacity=1, seed=1)
    assert found.offers == 4  # one date stands for four weeks
    assert found.precision == pytest.approx(1 / 4)


def test_replay_of_tied_scores_meets_the_base_rate() -> None:
    frame = families(DAY, *[(f"f{at}", 0.0, at % 4 == 0) for at in range(400)])
    assert replay_offers(frame, capacity=10, seed=1, shuffles=200).precision == pytest.approx(0.25, abs=0.02)


def test_replay_expects_the_mean_chance_of_the_families_offered_something_when_they_are_offered_it() -> None:
    # a and b in the first two weeks of the first date, then nobody is left; c, and d, on the next date; a is not asked again
    first = families(DAY, ("a", 0.9, True), ("a", 0.1, False), ("b", 0.2, False))
    second = families(DAY + timedelta(days=28), ("a", 0.4, False), ("c", 0.6, False), ("d", 0.3, True), ("d", 0.5, False))
    found = replay_offers(pl.concat([first, second]), capacity=1, seed=1)
    assert found.offers == 4
    assert found.expected == pytest.approx((0.45 + 0.1 + 0.3 + 0.25) / 4)


def test_replay_expects_what_the_mean_of_tied_families_is() -> None:
    frame = families(DAY, *[(f"f{at}", 0.0, False) for at in range(400)]).with_columns(chance=pl.int_range(pl.len()) % 2 * 0.5)
    assert replay_offers(frame, capacity=10, seed=1, shuffles=200).expected == pytest.approx(0.25, abs=0.02)


def test_chances_that_are_true_of_families_are_met_at_capacity() -> None:
    rng = np.random.default_rng(9)
    chance = rng.uniform(0.05, 0.95, 4_000)
    members = [
        (f"f{at}", 2 * told, bool(came)) for at, (told, came) in enumerate(zip(chance, rng.random(4_000) < chance, strict=True))
    ]
    found = replay_offers(families(DAY, *members), capacity=250, seed=1)
    assert found.low < found.expected < found.high
    assert found.expected > 0.8  # the head of the order, not all
