"""The terms of a glass box, looked up: the same numbers as its own ``eval_terms`` and ``decision_function``, in less time.

A term is a table with a number for each step of its feature, and steps lie between cuts. There are a few dozen cuts at most, so
that a value's step is counted: how many cuts lie at or below it, which a processor does for many values at once. An empty value
has a step of its own, the first. The term of a pair is a table of two ways.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.unsignedinteger[Any]]

THREADS = 2  # NumPy works outside of Python's lock
AT_ONCE = 50_000  # rows whose columns fit into a processor's cache


def read_terms(estimator: Any, matrix: pl.DataFrame, names: Sequence[str], tables: Sequence[Floats]) -> Floats:
    """What each term gives each row, terms x rows, read from ``tables``: ``estimator.term_scores_``, or those moved and scaled.

    ``names`` are the columns of ``matrix`` (numbers or yes and no; empty where not known) in the order in which ``estimator``,
    an ``ExplainableBoostingClassifier`` whose features are all continuous, was trained on them.
    """
    found = np.empty((len(tables), matrix.height))

    def read(start: int) -> None:
        for at, steps in enumerate(_steps(estimator, matrix.slice(start, AT_ONCE), names)):
            found[at, start : start + AT_ONCE] = _look_up(tables[at], steps)

    _work(read, matrix.height)
    return found


def add_terms(estimator: Any, matrix: pl.DataFrame, names: Sequence[str], tables: Sequence[Floats]) -> Floats:
    """The log-odds of each row: intercept and terms added up in their order. ``names`` and ``tables`` as in :func:`read_terms`.

    Tables may have one more axis, as long in all of them, such as one place for each bag: the result is then rows x that axis.
    """
    several = tables[0].shape[len(estimator.term_features_[0]) :]
    found = np.full((matrix.height, *several), estimator.intercept_[0])

    def add(start: int) -> None:
        part = found[start : start + AT_ONCE]
        for at, steps in enumerate(_steps(estimator, matrix.slice(start, AT_ONCE), names)):
            part += _look_up(tables[at], steps)

    _work(add, matrix.height)
    return found


def find_steps(cuts: Floats, values: npt.NDArray[np.float32]) -> Steps:
    """The step of each value: 0 where it is empty (NaN), else 1 and one more for each of ``cuts`` at or below it."""
    near = cuts.astype(np.float32)
    up = np.where(near < cuts, np.nextafter(near, np.float32(np.inf)), near)  # no float32 lies between a cut and this
    steps = (~np.isnan(values)).astype(np.min_scalar_type(cuts.size + 1))
    for cut in up:
        steps += (values >= cut).view(np.uint8)
    return steps


def _steps(estimator: Any, matrix: pl.DataFrame, names: Sequence[str]) -> list[tuple[Steps, ...]]:
    """For each term the steps of every row: one array for each feature of the term. A feature may have fewer cuts in a pair."""
    values = [matrix[name].cast(pl.Float32).to_numpy() for name in names]
    cuts = estimator.bins_
    return [
        tuple(find_steps(cuts[member][min(len(cuts[member]), len(members)) - 1], values[member]) for member in members)
        for members in estimator.term_features_
    ]


def _look_up(table: Floats, steps: tuple[Steps, ...]) -> Floats:
    return table.take(steps[0], axis=0) if len(steps) == 1 else table[steps]


def _work(work: Callable[[int], None], rows: int) -> None:
    """Do ``work`` for the parts that start at each of the rows 0, ``AT_ONCE``, twice that and so on."""
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(0, rows, AT_ONCE)))
