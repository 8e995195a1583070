"""Humble rankers: everyone alike, or in the order of one column."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.isotonic import IsotonicRegression

from models.candidate import Floats, Input, Outcome
from models.classifier import TwoClassClassifier
from validation.errors import ContractError


class BaseRate:
    """Everyone gets the share of yes."""

    learns_log_odds = False

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Learn the (weighted) share of yes."""
        self.rate_ = float(np.average(outcome, weights=weights))
        return self

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """The same for all."""
        return np.zeros(matrix.height)

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """The share of yes in training, for all."""
        return np.full(matrix.height, self.rate_)


class ColumnRanker(TwoClassClassifier):
    """Ranks by one column of an array (``sign`` 1: more first, -1: less first), empty values last.

    Chances are the share of the second class by value, made to rise with the rank (isotonic regression).
    """

    def __init__(self, column: int = 0, sign: int = 1) -> None:
        self.column = column
        self.sign = sign

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # it looks at one column, whatever the others hold
        return tags

    def _learn(self, values: npt.NDArray[Any], outcome: Outcome, weights: Floats) -> None:
        ordered = values[:, self.column].astype(np.float64) * self.sign
        known = ordered[~np.isnan(ordered)]
        self.last_ = (float(known.min()) if known.size else 0.0) - 1.0
        self.rates_ = IsotonicRegression(out_of_bounds="clip").fit(self._order(values), outcome, sample_weight=weights)

    def _order(self, values: npt.NDArray[Any]) -> Floats:
        return np.nan_to_num(values[:, self.column].astype(np.float64) * self.sign, nan=self.last_)

    def _chances(self, values: npt.NDArray[Any]) -> Floats:
        return np.asarray(self.rates_.predict(self._order(values)), dtype=np.float64)

    def order(self, X: Any) -> Floats:  # noqa: N803
        """What rows are ranked by, highest first; values that share a chance keep their order."""
        return self._order(self._read(X))


class Ranker:
    """The candidate that ranks by one named feature (``sign`` 1: more first, -1: less first), empty values last."""

    learns_log_odds = False

    def __init__(self, name: str, feature: str, sign: int, inputs: Sequence[Input]) -> None:
        if feature not in {known.name for known in inputs}:
            raise ContractError(
                f"Candidate '{name}' ranks by feature '{feature}', which is not among the {len(inputs)} features "
                "given: add it to the matrix, or leave the candidate out."
            )
        self.feature, self.estimator = feature, ColumnRanker(sign=sign)

    def _values(self, matrix: pl.DataFrame) -> Floats:
        return matrix.select(pl.col(self.feature).cast(pl.Float64)).to_numpy()

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Learn the lowest value and the share of yes by value."""
        self.estimator.fit(self._values(matrix), outcome, weights)
        return self

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """The feature, signed so that higher comes first."""
        return self.estimator.order(self._values(matrix))

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """The share of yes at this value in training."""
        return np.asarray(self.estimator.predict_proba(self._values(matrix))[:, 1], dtype=np.float64)
