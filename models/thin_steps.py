"""What a glass box may keep of single families: no step of a term rests on a handful of them, and nothing counts rows.

A term gives every value between two cuts the same number. Where few families had such a value, the number and the cuts tell
about them. So steps next to each other are put together until each rests on ``FEWEST`` families, at the mean of their rows,
and what rests on fewer all the same (values that are not known, or a cell of a pair) says nothing. A model that is kept
also forgets how many rows each step had, how values were spread, and where they ended.
"""

from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.terms import find_steps
from validation.disclosure import FEWEST

COUNTS = (
    "bin_weights_", "bag_weights_", "histogram_edges_", "histogram_weights_", "unique_val_counts_", "feature_bounds_",
)  # fmt: skip
"""What an ``ExplainableBoostingClassifier`` learns about rows and does not need to score any."""

Array = npt.NDArray[Any]
TABLES = ("term_scores_", "bagged_scores_", "standard_deviations_")
"""What it has for each term; its steps are the last axes, the first of them "not known" and the last "never seen"."""


def merge_thin_steps(estimator: Any, matrix: pl.DataFrame, names: list[str], groups: pl.Series) -> None:
    """Put together the steps of every term of a fitted ``estimator`` that rest on fewer than ``FEWEST`` families.

    ``matrix`` holds the rows that it was fitted on, ``groups`` the family of each.
    """
    family = groups.rank("dense").to_numpy().astype(np.int64) - 1
    values = {at: matrix[name].cast(pl.Float32).to_numpy() for at, name in enumerate(names)}
    paired = {member for members in estimator.term_features_ if len(members) > 1 for member in members}
    cuts = {at: [levels[0], levels[-1]] if at in paired else [levels[0]] for at, levels in enumerate(estimator.bins_)}
    for member, levels in cuts.items():  # the first is for the feature alone, the second for its pairs
        for level in range(len(levels)):
            kept = _find_runs(levels[level], values[member], family)
            for term, members in enumerate(estimator.term_features_):
                if member in members and min(len(members), 2) - 1 == level:
                    _merge_axis(estimator, term, members.index(member), kept)
            cuts[member][level] = _keep_cuts(levels[level], kept)
    estimator.bins_ = [cuts[member] for member in range(len(names))]
    for term, members in enumerate(estimator.term_features_):
        level = min(len(members), 2) - 1
        steps = [find_steps(cuts[member][level], values[member]) for member in members]
        _silence(estimator, term, steps, family)


def forget_counts(estimator: Any) -> Any:
    """A copy of a fitted estimator that scores as before, and holds none of ``COUNTS``."""
    kept = copy(estimator)
    for name in COUNTS:
        kept.__dict__.pop(name, None)
    return kept


def _find_runs(cuts: Array, values: Array, family: Array) -> list[slice]:
    """Places of a table to put together: "not known", runs of known steps with ``FEWEST`` families each, and "never seen"."""
    steps = find_steps(cuts, values).astype(np.int64)
    members = [np.unique(family[steps == step]) for step in range(1, len(cuts) + 2)]
    runs, begins, seen = [], 1, np.empty(0, np.int64)
    for place, families in enumerate(members, start=1):
        seen = np.union1d(seen, families)
        if seen.size >= FEWEST:
            runs.append(slice(begins, place + 1))
            begins, seen = place + 1, np.empty(0, np.int64)
    end = len(cuts) + 2
    if begins < end:  # what is left over goes with the run before it
        begins = runs.pop().start if runs else begins
        runs.append(slice(begins, end))
    return [slice(0, 1), *runs, slice(end, end + 1)]


def _keep_cuts(cuts: Array, runs: list[slice]) -> Array:
    """The cuts between the runs of known steps; the cut below step ``n`` stands at ``n - 2``."""
    return np.asarray([cuts[later.start - 2] for _, later in pairwise(runs[1:-1])], dtype=np.float64)


def _merge_axis(estimator: Any, term: int, axis: int, runs: list[slice]) -> None:
    """Put steps of one axis of a term's tables together, at the mean of their rows (of the steps, where there are no rows)."""
    weights = np.asarray(estimator.bin_weights_[term], dtype=np.float64)
    for name in TABLES:
        table = np.asarray(getattr(estimator, name)[term])
        getattr(estimator, name)[term] = np.stack(
            [_mean(table, weights, table.ndim - weights.ndim + axis, axis, run) for run in runs],
            axis=table.ndim - weights.ndim + axis,
        )
    estimator.bin_weights_[term] = np.stack([weights.take(range(run.start, run.stop), axis).sum(axis) for run in runs], axis)


def _mean(table: Array, weights: Array, axis: int, axis_of_weights: int, run: slice) -> Array:
    places = range(run.start, run.stop)
    part, rows = table.take(places, axis), weights.take(places, axis_of_weights)
    total = rows.sum(axis_of_weights, keepdims=True)
    share = np.divide(rows, total, out=np.full_like(rows, 1 / len(places)), where=total > 0)
    return np.asarray((part * share).sum(axis))


def _silence(estimator: Any, term: int, steps: list[Array], family: Array) -> None:
    """Let what still rests on one to a few families say nothing."""
    shape = np.asarray(estimator.bin_weights_[term]).shape
    cell = np.ravel_multi_index([step.astype(np.int64) for step in steps], shape)
    pairs = np.unique(cell * (int(family.max()) + 1) + family)
    families = np.bincount(pairs // (int(family.max()) + 1), minlength=int(np.prod(shape))).reshape(shape)
    thin = (families > 0) & (families < FEWEST)
    for name in TABLES:
        table = np.array(getattr(estimator, name)[term])
        table[..., thin] = 0.0
        getattr(estimator, name)[term] = table
