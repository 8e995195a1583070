"""The points scorecard: small integers that a team could add up on paper."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from features.definition import Feature
from models.calibration import Calibration, fit_line, log_odds_of
from models.candidate import Floats, Outcome, to_array


class Scorecard:
    """Points from 0 to 5 for each of a handful of features, added up: what a team could work out on paper.

    Each feature is cut at its quartiles, empty values being a step of their own. A step's log-odds of yes above the
    feature's lowest step become points, on a scale on which the largest difference is five. The features kept are
    those whose steps differ most (share of yes, weighted by rows). Chances follow from a line through the points.
    """

    learns_log_odds = False
    kept = 6
    most_points = 5

    def __init__(self, features: Sequence[Feature]) -> None:
        self.names = [feature.name for feature in features]

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Choose the features and their points."""
        values, cards = to_array(matrix, self.names), []
        for column, name in enumerate(self.names):
            known = values[~np.isnan(values[:, column]), column]
            edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75])) if known.size else np.empty(0)
            steps = self._steps(values[:, column], edges)
            rows = np.bincount(steps, minlength=edges.size + 2)
            yes = np.bincount(steps, weights=outcome, minlength=edges.size + 2)
            rates = (yes + 10 * outcome.mean()) / (rows + 10)  # ten rows of the base rate: rare steps say little
            cards.append((float(rows @ (rates - outcome.mean()) ** 2), name, edges, log_odds_of(rates)))
        cards.sort(key=lambda card: (-card[0], card[1]))
        best = cards[: self.kept]
        scale = max(float(np.ptp(odds)) for *_, odds in best) / self.most_points or 1.0
        self.cards_ = {name: (edges, np.rint((odds - odds.min()) / scale)) for _, name, edges, odds in best}
        self.line_ = Calibration(*fit_line(self.points(matrix), outcome))
        return self

    @staticmethod
    def _steps(values: npt.NDArray[np.float32], edges: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        return np.where(np.isnan(values), edges.size + 1, np.searchsorted(edges, values, side="left"))

    def points(self, matrix: pl.DataFrame) -> Floats:
        """The points of each row: whole numbers from 0 to 30."""
        values = to_array(matrix, list(self.cards_))
        cards = enumerate(self.cards_.values())
        steps = [points[self._steps(values[:, at], edges)] for at, (edges, points) in cards]
        return np.asarray(np.sum(steps, axis=0), dtype=np.float64)

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """Log-odds on the line through the points."""
        return self.line_.map_log_odds(self.points(matrix))

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """Chances on the line through the points."""
        return self.line_.map_to_chances(self.points(matrix))
