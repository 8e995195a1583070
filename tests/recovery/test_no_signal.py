"""A model that knows nothing is never registered, and one that knows too much is not either."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.definition import Direction
from features.outcomes import NEW_REFERRAL
from models.appraisal import appraise
from models.benchmark import Column
from models.candidate import Effort
from models.criteria import Finding, judge, read_criteria, shipped_criteria
from models.evaluation import evaluate
from models.splits import forward_splits

LAST = date(2025, 10, 1)
DATES = [LAST - timedelta(days=28 * back) for back in reversed(range(40))]
FEATURES = [Column(name) for name in ("first", "second", "third")] + [Column("referrals", Direction.HIGHER)]
CANDIDATES = ("base_rate", "points_scorecard", "glass_box")
EFFORT = Effort(bags=2, rounds=200)


def invent(seed: int, families: int = 500) -> pl.DataFrame:
    """Open cases of families whose features hold still, with an outcome that has nothing to do with them."""
    rng = np.random.default_rng(seed)
    family = pl.DataFrame(
        {
            "family": range(families),
            "outcome": rng.random(families) < 0.25,
            "from": rng.integers(-6, len(DATES), families),
            "length": rng.geometric(0.08, families),
            "referrals": rng.poisson(1.0, families).astype(float),
            **{name: rng.normal(size=families) for name in ("first", "second", "third")},
        }
    )
    grid = pl.DataFrame({"as_of": DATES, "place": range(len(DATES))})
    key = pl.col("family").cast(pl.String).str.zfill(5)
    open_on = family.join(grid, how="cross").filter(pl.col("place").is_between("from", pl.col("from") + pl.col("length")))
    names = dict.fromkeys(("person_id", "referral_id", "family_id", "group_id"), key)
    return open_on.with_columns(**names).sort("as_of", "person_id")


def findings(frame: pl.DataFrame, features: list[Any], seed: int) -> tuple[Finding, ...]:
    split = forward_splits(DATES, NEW_REFERRAL.days_to_maturity)[:1]
    groups = frame.select("as_of", "person_id", "referral_id", everyone=pl.lit("everyone"))
    evaluation = evaluate(frame, features, split, CANDIDATES, capacity=5, seed=seed, effort=EFFORT)
    return judge(appraise(evaluation, "glass_box", 5, seed, groups), "glass_box", read_criteria(shipped_criteria()))


@pytest.mark.parametrize("seed", range(4))
def test_outcomes_without_any_signal_register_no_model(seed: int) -> None:
    assert not all(finding.met for finding in findings(invent(seed), FEATURES, seed))


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(4, 20))
def test_outcomes_without_any_signal_register_no_model_on_more_seeds(seed: int) -> None:
    assert not all(finding.met for finding in findings(invent(seed), FEATURES, seed))


def test_a_feature_that_knows_the_outcome_is_called_too_good() -> None:
    rng = np.random.default_rng(1)
    frame = invent(1)
    leaking = frame.with_columns(leak=pl.col("outcome").cast(pl.Float64) + pl.Series(rng.normal(0, 0.5, frame.height)))
    told = {finding.criterion: finding for finding in findings(leaking, [*FEATURES, Column("leak")], 1)}
    assert told["gain over the best humble ranker"].met or told["gain in the worst test year"].met
    assert not told["plausible"].met
    assert "only afterwards" in told["plausible"].words
