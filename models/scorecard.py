"""The points scorecard: small integers that a team could add up on paper."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.calibration import Calibration, fit_line, log_odds_of
from models.candidate import Floats, Input, Outcome, to_array
from models.classifier import TwoClassClassifier
from models.learners import Learner

CUTS = (0.25, 0.5, 0.75)
ROWS_OF_BASE_RATE = 10  # added to every step, so that a rare one says little


class PointsScorecard(TwoClassClassifier):
    """Points from 0 to ``most_points`` for each of ``most_columns`` columns, added up: what a team could work out on paper.

    Each column is cut at its quartiles, empty values being a last step of their own. A step's log-odds of the second class
    above the column's lowest step become points, on a scale on which the largest difference is ``most_points``. The columns
    kept are those whose steps differ most (share of the second class, weighted by rows); of columns that say nearly the same,
    such as one count in windows of 180 and 365 days, only the best is kept: one whose steps correlate with those of a better
    one by more than ``most_alike`` is passed over. Chances follow from a line through the points.

    Learned: ``columns_`` (positions), ``edges_`` and ``points_`` (an array for each kept column; a value belongs to the step
    of the first edge that is not below it), ``line_`` (from points to log-odds).
    """

    def __init__(self, most_columns: int = 6, most_points: int = 5, most_alike: float = 0.8) -> None:
        self.most_columns = most_columns
        self.most_points = most_points
        self.most_alike = most_alike

    def _learn(self, values: npt.NDArray[Any], outcome: Outcome, weights: Floats) -> None:
        base = float(np.average(outcome, weights=weights))
        edges = [find_edges(column, weights) for column in values.T]
        steps = [find_steps(column, cuts) for column, cuts in zip(values.T, edges, strict=True)]
        differences, log_odds = [], []
        for cuts, step in zip(edges, steps, strict=True):
            rows = np.bincount(step, weights=weights, minlength=cuts.size + 2)
            yes = np.bincount(step, weights=weights * outcome, minlength=cuts.size + 2)
            rates = (yes + ROWS_OF_BASE_RATE * base) / (rows + ROWS_OF_BASE_RATE)
            differences.append(float(rows @ (rates - base) ** 2))
            log_odds.append(log_odds_of(rates))
        kept: list[int] = []
        for column in np.argsort(-np.array(differences), kind="stable"):
            if len(kept) < self.most_columns and not any(
                measure_likeness(steps[column], steps[better], weights) > self.most_alike for better in kept
            ):
                kept.append(int(column))
        scale = max(float(np.ptp(log_odds[column])) for column in kept) / self.most_points or 1.0
        points = {column: np.rint((log_odds[column] - log_odds[column].min()) / scale) for column in kept}
        self.columns_ = [column for column in kept if points[column].any()]  # nobody need look up what gives no points
        self.edges_ = [edges[column] for column in self.columns_]
        self.points_ = [points[column] for column in self.columns_]
        self.line_ = Calibration(*fit_line(self._add_up(values), outcome, weights=weights))

    def _add_up(self, values: npt.NDArray[Any]) -> Floats:
        total = np.zeros(len(values))
        for column, edges, points in zip(self.columns_, self.edges_, self.points_, strict=True):
            total += points[find_steps(values[:, column], edges)]
        return total

    def _chances(self, values: npt.NDArray[Any]) -> Floats:
        return self.line_.map_to_chances(self._add_up(values))

    def add_up(self, X: Any) -> Floats:  # noqa: N803
        """The points of each row: whole numbers from 0 to ``most_columns`` x ``most_points``."""
        return self._add_up(self._read(X))

    def decision_function(self, X: Any) -> Floats:  # noqa: N803
        """Log-odds of the second class."""
        points = self.add_up(X)
        return self.line_.map_log_odds(points)


def find_edges(column: npt.NDArray[Any], weights: Floats) -> npt.NDArray[Any]:
    """The different quartiles of the known values, each a value that occurs; none where nothing is known."""
    known = ~np.isnan(column)
    if not known.any():
        return np.empty(0)
    order = np.argsort(column[known], kind="stable")
    ordered, reached = column[known][order], weights[known][order].cumsum()
    quartiles = np.searchsorted(reached, np.array(CUTS) * reached[-1], side="left")
    return np.unique(ordered[quartiles])


def find_steps(column: npt.NDArray[Any], edges: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The step of each value: up to the first edge, up to the second ..., above the last, not known."""
    return np.where(np.isnan(column), edges.size + 1, np.searchsorted(edges, column, side="left"))


def measure_likeness(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], weights: Floats) -> float:
    """How far two columns of steps go together or against each other: the size of their correlation, 0 to 1."""
    spread = np.cov(first, second, aweights=weights, ddof=0)
    size = float(spread[0, 0] * spread[1, 1])
    return abs(float(spread[0, 1])) / size**0.5 if size > 0 else 0.0


def name_step(above: float | None, up_to: float | None) -> str:
    """The step in words, such as "over 2 up to 5"."""
    words = [f"{word} {bound:.6g}" for word, bound in (("over", above), ("up to", up_to)) if bound is not None]
    return " ".join(words) or "any value"


class Scorecard(Learner):
    """The candidate: a :class:`PointsScorecard` of named features, and its sheet of paper."""

    learns_log_odds = False

    def __init__(self, features: Sequence[Input]) -> None:
        super().__init__(PointsScorecard(), features)

    @property
    def cards_(self) -> dict[str, tuple[npt.NDArray[Any], Floats]]:
        """The edges and the points of each kept feature, the most telling first."""
        card: PointsScorecard = self.estimator
        return {
            self.names[column]: (edges, points)
            for column, edges, points in zip(card.columns_, card.edges_, card.points_, strict=True)
        }

    def points(self, matrix: pl.DataFrame) -> Floats:
        """The points of each row: whole numbers from 0 to 30."""
        return np.asarray(self.estimator.add_up(to_array(matrix, self.names)), dtype=np.float64)

    def table(self) -> pl.DataFrame:
        """What to add up: ``feature``, ``step`` in words, ``above`` and ``up_to`` (empty: no bound), ``points``, in order.

        The last step of each feature is "not known", which has neither bound.
        """
        rows: list[tuple[str, str, float | None, float | None, int]] = []
        for feature, (edges, points) in self.cards_.items():
            bounds = pairwise([None, *edges.tolist(), None])
            rows += [(feature, name_step(*step), *step, int(given)) for step, given in zip(bounds, points[:-1], strict=True)]
            rows.append((feature, "not known", None, None, int(points[-1])))
        columns = {"feature": pl.String, "step": pl.String, "above": pl.Float64, "up_to": pl.Float64, "points": pl.Int64}
        return pl.DataFrame(rows, schema=columns, orient="row")

    def chances_by_points(self) -> pl.DataFrame:
        """``points`` from 0 to the most that can be reached, and the ``chance`` (0 to 1) of each."""
        most = int(sum(points.max() for points in self.estimator.points_))
        points = np.arange(most + 1)
        return pl.DataFrame({"points": points, "chance": self.estimator.line_.map_to_chances(points.astype(np.float64))})
