"""Every candidate fits a frame with empty values, gives chances, and ranks as it says."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from features.definition import Direction, Family, Feature
from features.streams import CONTACTS
from models.candidate import QUICK, Effort, to_array
from models.candidates import CANDIDATES, HUMBLE
from models.metrics import rank_quality
from models.scorecard import Scorecard
from validation.errors import ContractError

SMALL = Effort(bags=2, rounds=100, pairs=2)


def declare(name: str, direction: Direction) -> Feature:
    return Feature(
        name=name,
        family=Family.REFERRALS,
        description=f"An invented feature called {name}.",
        formula=CONTACTS.count(),
        direction=direction,
        worry=f"{{value}} {name}",
        strength=f"no {name}",
        absence="Empty: none.",
    )


FEATURES = [
    declare("referrals_in_last_730_days", Direction.HIGHER),
    declare("days_since_last_earlier_referral", Direction.LOWER),
    declare("contacts", Direction.HIGHER),
    declare("hump", Direction.EITHER),
    declare("never_filled", Direction.EITHER),
    declare("always_one", Direction.EITHER),
]


def draw(rows: int = 3_000, seed: int = 1) -> tuple[pl.DataFrame, np.ndarray, pl.Series]:
    """Rows, outcomes and groups; the chance rises with referrals, falls with days, and humps over ``hump``."""
    rng = np.random.default_rng(seed)
    referrals, hump, contacts = rng.poisson(1.0, rows), rng.normal(size=rows), rng.poisson(2.0, rows)
    days = np.where(referrals > 0, rng.integers(1, 730, rows), np.nan)
    z = -1.5 + 0.7 * referrals - 0.8 * np.nan_to_num(days, nan=730) / 365 + 1.5 * (np.abs(hump) < 0.7)
    frame = pl.DataFrame(
        {
            "referrals_in_last_730_days": referrals.astype("float32"),
            "days_since_last_earlier_referral": days.astype("float32"),
            "contacts": contacts.astype("float32"),
            "hump": hump.astype("float32"),
            "never_filled": pl.Series([None] * rows, dtype=pl.Float32),
            "always_one": np.ones(rows, dtype="float32"),
            "as_of": [date(2025, 1, 1)] * rows,
        }
    ).with_columns(pl.col("days_since_last_earlier_referral").fill_nan(None))
    outcome = rng.random(rows) < 1 / (1 + np.exp(-z))
    return frame, outcome, pl.Series("group_id", [f"g{row // 2}" for row in range(rows)])


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_every_candidate_gives_chances_that_fit_the_share_of_yes(name: str) -> None:
    frame, outcome, groups = draw()
    candidate = CANDIDATES[name](FEATURES, 1, SMALL).fit(frame, outcome, groups)
    chances, scores = candidate.chances(frame), candidate.scores(frame)
    assert chances.shape == scores.shape == (3_000,)
    assert chances.min() >= 0
    assert chances.max() <= 1
    assert chances.mean() == pytest.approx(outcome.mean(), abs=0.02)
    order = np.argsort(scores, kind="stable")
    assert (np.diff(chances[order]) >= -1e-9).all()  # a higher score is never a lower chance


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_a_fit_can_be_repeated_and_does_not_depend_on_other_columns(name: str) -> None:
    frame, outcome, groups = draw(rows=1_000)
    first = CANDIDATES[name](FEATURES, 1, SMALL).fit(frame, outcome, groups).scores(frame)
    other = frame.select(pl.lit("x").alias("family_id"), *reversed(frame.columns))
    again = CANDIDATES[name](FEATURES, 1, SMALL).fit(other, outcome, groups).scores(other)
    assert np.array_equal(first, again)


def test_learners_beat_humble_rankers_where_the_truth_is_not_a_straight_line() -> None:
    frame, outcome, groups = draw(rows=6_000)
    fresh, later, _ = draw(rows=6_000, seed=2)
    auc = {}
    for name, build in CANDIDATES.items():
        fitted = build(FEATURES, 1, Effort(bags=2, rounds=1_000, pairs=0)).fit(frame, outcome, groups)
        auc[name] = rank_quality(later, fitted.scores(fresh))[0][0]
    assert auc["base_rate"] == 0.5
    for name in ("spline_logistic", "glass_box", "unrestricted_boosting"):
        assert auc[name] > auc["earlier_referrals"] + 0.02
        assert auc[name] > auc["days_since_last_referral"] + 0.02


def test_humble_rankers_put_empty_values_last() -> None:
    frame, outcome, groups = draw(rows=500)
    days = CANDIDATES["days_since_last_referral"](FEATURES, 1, SMALL).fit(frame, outcome, groups)
    short, long, none = days.scores(pl.DataFrame({"days_since_last_earlier_referral": [3.0, 700.0, None]}, schema_overrides={}))
    assert short > long > none
    counts = CANDIDATES["earlier_referrals"](FEATURES, 1, SMALL).fit(frame, outcome, groups)
    two, one, unknown = counts.scores(pl.DataFrame({"referrals_in_last_730_days": [2.0, 1.0, None]}))
    assert two > one > unknown


@pytest.mark.parametrize("name", ["earlier_referrals", "days_since_last_referral"])
def test_a_humble_ranker_without_its_feature_is_refused_by_name(name: str) -> None:
    assert name in HUMBLE
    with pytest.raises(ContractError, match=rf"'{name}' ranks by feature '\w+', which is not among the 1 features"):
        CANDIDATES[name](FEATURES[2:3], 1, SMALL)


def test_the_scorecard_has_small_whole_points_for_a_handful_of_features() -> None:
    frame, outcome, groups = draw()
    card = Scorecard(FEATURES).fit(frame, outcome, groups)
    assert len(card.cards_) <= 6
    every = np.concatenate([points for _, points in card.cards_.values()])
    assert np.array_equal(every, np.rint(every))
    assert every.min() == 0
    assert every.max() == 5
    edges, points = card.cards_["referrals_in_last_730_days"]
    assert (np.diff(points[: edges.size + 1]) >= 0).all()
    assert points[0] < points[edges.size]


def test_the_glass_box_obeys_declared_directions() -> None:
    """Contacts are noise here, with a declared direction: their term may be flat or rise, but never fall."""
    frame, outcome, groups = draw(rows=1_500)
    box = CANDIDATES["glass_box"](FEATURES, 1, SMALL).fit(frame, outcome, groups)
    ladder = pl.concat([frame.head(1)] * 9).with_columns(pl.Series("contacts", range(9), dtype=pl.Float32))
    assert (np.diff(box.scores(ladder)) >= -1e-12).all()
    falling = pl.concat([frame.head(1)] * 9).with_columns(
        pl.Series("days_since_last_earlier_referral", range(0, 729, 90), dtype=pl.Float32)
    )
    assert (np.diff(box.scores(falling)) <= 1e-12).all()
    assert np.ptp(box.scores(falling)) > 0.1


def test_pairs_are_asked_for_and_leave_directions_alone() -> None:
    frame, outcome, groups = draw(rows=2_400)
    box = CANDIDATES["glass_box"](FEATURES, 1, SMALL).fit(frame, outcome, groups)
    pairs = [term for term in box.estimator.term_features_ if len(term) == 2]
    assert pairs
    assert all(FEATURES[member].direction is Direction.EITHER for pair in pairs for member in pair)
    plain = CANDIDATES["glass_box"](FEATURES, 1, QUICK).fit(frame, outcome, groups)
    assert all(len(term) == 1 for term in plain.estimator.term_features_)


def test_empty_values_become_nan() -> None:
    array = to_array(pl.DataFrame({"a": [1, None], "b": [True, None], "c": ["x", "y"]}), ["b", "a"])
    assert array.dtype == np.float32
    assert np.array_equal(array, np.array([[1, 1], [np.nan, np.nan]], dtype=np.float32), equal_nan=True)
