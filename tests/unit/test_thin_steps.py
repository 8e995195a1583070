"""What a kept model says of single families: nothing; and what it says of all others: as before."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.candidate import Effort, to_array
from models.glass_box import GlassBox
from models.terms import add_terms, find_steps
from models.thin_steps import COUNTS, TABLES, forget_counts, merge_thin_steps
from tests.unit.report_example import FEATURES, LONGEST, training_frame
from validation.disclosure import FEWEST


def drawn(cuts: list[float], values: list[float], scores: list[float]) -> tuple[Any, pl.DataFrame, pl.Series]:
    """An estimator of one feature with cuts and scores (not known, then each step), and a row and family for each value."""
    frame = pl.DataFrame({"feature": pl.Series(values, dtype=pl.Float64)})
    steps = find_steps(np.array(cuts), frame["feature"].cast(pl.Float32).to_numpy())
    table = np.array([*scores, 0.0])
    estimator = SimpleNamespace(
        term_features_=[(0,)],
        bins_=[[np.array(cuts)]],
        term_scores_=[table],
        bagged_scores_=[np.stack([table, 2 * table])],
        standard_deviations_=[np.zeros_like(table)],
        bin_weights_=[np.bincount(steps, minlength=len(cuts) + 3).astype(float)],
    )
    return estimator, frame, pl.Series([f"family {at}" for at in range(len(values))])


NAN = float("nan")
MERGED = {
    "steps with enough families stay": ([1.0], [0.0] * 6 + [2.0] * 6 + [NAN] * 6, [0.3, -0.1, 0.2], [1.0], [0.3, -0.1, 0.2]),
    "a thin step goes with the next, at the mean of their rows": (
        [1.0, 2.0], [0.0] * 6 + [1.5] * 2 + [3.0] * 8, [0.0, 0.0, 1.0, 0.5], [1.0], [0.0, 0.0, 0.6],
    ),
    "at the end it goes with the one before": ([1.0], [0.0] * 8 + [9.0] * 2, [0.0, 0.5, 1.0], [], [0.0, 0.6]),
    "several thin steps make one": (
        [1.0, 2.0, 3.0], [0.5] * 2 + [1.5] * 2 + [2.5] * 2 + [4.0] * 6, [0.0, 0.3, 0.6, 0.9, 2.0], [3.0], [0.0, 0.6, 2.0],
    ),
    "values that few lack say nothing": ([1.0], [0.0] * 6 + [2.0] * 6 + [NAN] * 2, [0.3, -0.1, 0.2], [1.0], [0.0, -0.1, 0.2]),
    "a feature that few know says nothing": ([1.0], [0.0] * 2 + [2.0] * 2 + [NAN] * 9, [0.3, -0.1, 0.2], [], [0.3, 0.0]),
}  # fmt: skip


@pytest.mark.parametrize(("cuts", "values", "scores", "cuts_after", "scores_after"), MERGED.values(), ids=MERGED.keys())
def test_steps_are_put_together_as_drawn(
    cuts: list[float], values: list[float], scores: list[float], cuts_after: list[float], scores_after: list[float]
) -> None:
    estimator, frame, families = drawn(cuts, values, scores)
    merge_thin_steps(estimator, frame, ["feature"], families)
    assert estimator.bins_[0][0].tolist() == cuts_after
    assert estimator.term_scores_[0][:-1].tolist() == pytest.approx(scores_after)
    assert estimator.bagged_scores_[0][1][:-1].tolist() == pytest.approx([2 * score for score in scores_after])


@pytest.fixture(scope="module")
def box() -> GlassBox:
    frame = training_frame()
    return GlassBox(FEATURES, 1, Effort(bags=3, rounds=150, pairs=1)).fit(frame, frame["outcome"].to_numpy(), frame["group_id"])


def test_no_step_of_a_fitted_glass_box_rests_on_a_handful_of_families(box: GlassBox) -> None:
    frame, estimator = training_frame(), box.estimator
    checked = 0
    for term, members in enumerate(estimator.term_features_):
        level = len(members) - 1
        steps = [
            find_steps(np.asarray(estimator.bins_[member][level]), frame[box.names[member]].cast(pl.Float32).to_numpy())
            for member in members
        ]
        cells = pl.DataFrame(
            {f"step {at}": step.astype(np.int64) for at, step in enumerate(steps)} | {"family": frame["group_id"]}
        )
        for *place, families in cells.group_by(pl.col("^step .*$")).agg(pl.col("family").n_unique()).iter_rows():
            if families < FEWEST:
                assert all(np.all(getattr(estimator, name)[term][..., *place] == 0) for name in TABLES)
                assert len(members) > 1 or place == [0]
            checked += 1
    assert checked > 100


def test_no_cut_lies_beyond_what_a_handful_of_families_reached(box: GlassBox) -> None:
    frame, days = training_frame(), box.names.index("days_open")
    most = frame.group_by("group_id").agg(pl.col("days_open").max())["days_open"].top_k(FEWEST).min()
    assert most is not None
    assert float(most) < LONGEST  # type: ignore[arg-type]
    for level in box.estimator.bins_[days]:
        assert max(level) <= float(most)  # type: ignore[arg-type]


def test_a_merged_glass_box_scores_as_it_is_read(box: GlassBox) -> None:
    frame, estimator = training_frame(), box.estimator
    own = estimator.decision_function(to_array(frame, box.names))
    assert add_terms(estimator, frame, box.names, estimator.term_scores_) == pytest.approx(own, abs=1e-12)


def test_what_is_kept_counts_no_rows_and_scores_the_same(box: GlassBox) -> None:
    values = to_array(training_frame(), box.names)
    kept = forget_counts(box.estimator)
    assert [name for name in COUNTS if hasattr(kept, name)] == []
    assert all(hasattr(box.estimator, name) for name in COUNTS)
    assert (kept.decision_function(values) == box.estimator.decision_function(values)).all()
