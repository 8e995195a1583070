"""Terms that are looked up are those of the estimator, for every value that a column may hold."""

import numpy as np
import polars as pl
import pytest
from interpret.glassbox import ExplainableBoostingClassifier

from models import terms
from models.benchmark import Column
from models.candidate import Effort, to_array
from models.glass_box import GlassBox, bag_log_odds
from models.terms import add_terms, find_steps, read_terms

NAMES = ["fine", "count", "yes_no", "constant", "sometimes"]


def draw(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    empty = rng.random(rows) < 0.2
    return pl.DataFrame(
        {
            "fine": rng.normal(size=rows).astype(np.float32),
            "count": pl.Series(rng.poisson(2.0, rows), dtype=pl.UInt16),
            "yes_no": rng.random(rows) < 0.3,
            "constant": pl.Series(np.ones(rows), dtype=pl.UInt8),
            "sometimes": pl.select(pl.when(~pl.Series(empty)).then(pl.Series(rng.integers(0, 730, rows)))).to_series(),
        }
    )


@pytest.fixture(scope="module", params=[0, 2], ids=["no pairs", "two pairs"])
def fitted(request: pytest.FixtureRequest) -> ExplainableBoostingClassifier:
    frame = draw(3_000, seed=1)
    chance = 1 / (1 + np.exp(1 - frame["fine"].to_numpy() * frame["count"].to_numpy()))
    outcome = np.random.default_rng(2).random(3_000) < chance
    groups = pl.Series([f"g{row // 2}" for row in range(3_000)])
    box = GlassBox([Column(name) for name in NAMES], 1, Effort(bags=2, rounds=60, pairs=request.param))
    return box.fit(frame, outcome, groups).estimator


def awkward(estimator: ExplainableBoostingClassifier) -> pl.DataFrame:
    """Rows on every cut and one float32 to either side of it, empty, infinite and huge, beside ordinary ones."""
    columns = []
    for at, name in enumerate(NAMES):
        cuts = np.concatenate([level.astype(np.float32) for level in estimator.bins_[at]])
        beside = [np.nextafter(cuts, np.float32(side)) for side in (-np.inf, np.inf)]
        odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 1e-45], dtype=np.float32)
        columns.append(pl.Series(name, np.concatenate([odd, cuts, *beside]), dtype=pl.Float32))
    most = max(map(len, columns))
    ordinary = draw(most, seed=3).cast(pl.Float32)
    one_by_one = [ordinary.head(column.len()).with_columns(column) for column in columns]
    together = pl.DataFrame([column.extend_constant(None, most - column.len()) for column in columns])
    return pl.concat([draw(500, seed=4).cast(pl.Float32), *one_by_one, together])


def test_terms_and_log_odds_are_those_of_the_estimator(fitted: ExplainableBoostingClassifier) -> None:
    frame = awkward(fitted)
    values = to_array(frame, NAMES)
    assert np.isnan(values).sum() > 5
    assert np.isinf(values).sum() > 5
    read = read_terms(fitted, frame, NAMES, fitted.term_scores_)
    assert pytest.approx(fitted.eval_terms(values), abs=1e-12) == read.T
    assert add_terms(fitted, frame, NAMES, fitted.term_scores_) == pytest.approx(fitted.decision_function(values), abs=1e-12)


def test_whole_numbers_and_yes_and_no_need_no_preparing(fitted: ExplainableBoostingClassifier) -> None:
    frame = draw(400, seed=5)
    assert {frame.schema[name] for name in NAMES} == {pl.Float32, pl.UInt16, pl.Boolean, pl.UInt8, pl.Int64}
    read = read_terms(fitted, frame, NAMES, fitted.term_scores_)
    assert pytest.approx(fitted.eval_terms(to_array(frame, NAMES)), abs=1e-12) == read.T


def test_the_bags_log_odds_have_the_estimators_as_their_mean(fitted: ExplainableBoostingClassifier) -> None:
    frame = awkward(fitted)
    bags = bag_log_odds(fitted, frame, NAMES)
    assert bags.shape == (frame.height, 2)
    assert np.abs(bags[:, 0] - bags[:, 1]).max() > 0.01
    assert bags.mean(axis=1) == pytest.approx(fitted.decision_function(to_array(frame, NAMES)), abs=1e-12)


def test_parts_come_together_in_the_order_of_rows(fitted: ExplainableBoostingClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = draw(100, seed=6)
    whole = read_terms(fitted, frame, NAMES, fitted.term_scores_), add_terms(fitted, frame, NAMES, fitted.term_scores_)
    monkeypatch.setattr(terms, "AT_ONCE", 7)
    assert np.array_equal(read_terms(fitted, frame, NAMES, fitted.term_scores_), whole[0])
    assert np.array_equal(add_terms(fitted, frame, NAMES, fitted.term_scores_), whole[1])


def test_no_rows_have_no_terms(fitted: ExplainableBoostingClassifier) -> None:
    frame = draw(0, seed=7)
    assert read_terms(fitted, frame, NAMES, fitted.term_scores_).shape == (len(fitted.term_scores_), 0)
    assert add_terms(fitted, frame, NAMES, fitted.term_scores_).shape == (0,)


def test_steps_begin_at_their_cut_and_empty_is_the_first() -> None:
    values = np.array([np.nan, -np.inf, 0.9, 1.0, 1.5, 2.0, np.inf], dtype=np.float32)
    assert find_steps(np.array([1.0, 2.0]), values).tolist() == [0, 1, 1, 2, 2, 3, 3]


def test_a_cut_between_two_float32_parts_them() -> None:
    low = np.float32(0.1)
    high = np.nextafter(low, np.float32(1))
    cut = (float(low) + float(high)) / 2
    assert find_steps(np.array([cut]), np.array([low, high])).tolist() == [1, 2]


def test_more_steps_than_a_byte_holds_are_counted() -> None:
    cuts = np.arange(300.0)
    assert find_steps(cuts, np.array([np.nan, -1, 254, 299], dtype=np.float32)).tolist() == [0, 1, 256, 301]
