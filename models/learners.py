"""Learners that the glass box is held against: a spline logistic regression and unrestricted boosting."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import SplineTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from models.candidate import Effort, Floats, Input, Outcome, to_array
from models.classifier import TwoClassClassifier
from models.splits import deal_families

MOST_ROWS = 100_000  # of a spline regression: each row becomes some 900 numbers
MOST_ROWS_OF_TREES = 300_000  # as of a bag of the glass box, so that the two learn from as much


class SplineLogistic(TwoClassClassifier):
    """A logistic regression on splines of every column, strongly shrunken, with a flag for each that is not known.

    Weights count in the scale on which coefficients are shrunken and in the regression. Learned: ``pipeline_``.
    """

    def __init__(self, shrinkage: float = 0.001) -> None:
        self.shrinkage = shrinkage  # the inverse of the penalty, scikit-learn's C: smaller shrinks more

    def _learn(self, values: npt.NDArray[Any], outcome: Outcome, weights: Floats) -> None:
        splines = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            StandardScaler(),
            SplineTransformer(n_knots=4, degree=3, include_bias=False, extrapolation="linear"),
        )
        steps = make_union(splines, MissingIndicator(features="all"))
        self.pipeline_ = make_pipeline(steps, StandardScaler(), LogisticRegression(C=self.shrinkage, max_iter=2_000))
        weighed = {"standardscaler__sample_weight": weights, "logisticregression__sample_weight": weights}
        self.pipeline_.fit(values, outcome, **weighed)

    def _chances(self, values: npt.NDArray[Any]) -> Floats:
        return np.asarray(self.pipeline_.predict_proba(values)[:, 1], dtype=np.float64)

    def decision_function(self, X: Any) -> Floats:  # noqa: N803
        """Log-odds of the second class."""
        values = self._read(X)
        return np.asarray(self.pipeline_.decision_function(values), dtype=np.float64)


class Learner:
    """A scikit-learn classifier of a rows x features array with NaN for "not known".

    ``names`` are the features it was fitted on: those with any value in training, since the others teach nothing.
    """

    learns_log_odds = True

    def __init__(self, estimator: Any, features: Sequence[Input]) -> None:
        self.estimator, self.features = estimator, features

    def _start(self, matrix: pl.DataFrame) -> npt.NDArray[np.float32]:
        filled = [feature.name for feature in self.features if matrix[feature.name].count()]
        self.names = filled
        return to_array(matrix, filled)

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Fit the classifier; ``groups`` is not used."""
        self.estimator.fit(self._start(matrix), outcome, sample_weight=weights)
        return self

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """Log-odds."""
        slices = matrix.iter_slices(MOST_ROWS)  # a spline makes some 900 numbers of a row
        scores = [self.estimator.decision_function(to_array(rows, self.names)) for rows in slices]
        return np.concatenate([np.empty(0), *scores])

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """Chances before calibration."""
        return np.asarray(self.estimator.predict_proba(to_array(matrix, self.names))[:, 1], dtype=np.float64)


def draw_families(
    matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None, most_rows: int, seed: int
) -> tuple[pl.DataFrame, Outcome, pl.Series, Floats | None]:
    """The rows of all families, or of so many drawn ones that there are about ``most_rows``."""
    parts = max(1, round(matrix.height / most_rows))
    if parts == 1:
        return matrix, outcome, groups, weights
    # Dealt with another seed than anything that is dealt inside the draw: of one deal, a part of a part is all or nothing.
    drawn = deal_families(groups, parts, seed + 1) == 0
    kept = None if weights is None else weights[drawn]
    return matrix.filter(pl.Series(drawn)), outcome[drawn], groups.filter(pl.Series(drawn)), kept


class Boosting(Learner):
    """Gradient boosted trees without any restriction, which stop early on families that they were not fitted on."""

    def __init__(self, features: Sequence[Input], seed: int, effort: Effort) -> None:
        self.seed = seed
        trees = HistGradientBoostingClassifier(
            max_iter=min(500, effort.rounds),
            learning_rate=0.05,
            max_leaf_nodes=effort.leaves,
            min_samples_leaf=40,
            early_stopping=True,
            random_state=seed,
        )
        super().__init__(trees, features)

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Fit trees on five families of six, and stop on the sixth; of very many rows, on whole families of some of them."""
        matrix, outcome, groups, weights = draw_families(matrix, outcome, groups, weights, MOST_ROWS_OF_TREES, self.seed)
        values, held_out = self._start(matrix), deal_families(groups, 6, self.seed) == 0
        to_stop_on = {"X_val": values[held_out], "y_val": outcome[held_out]}
        if weights is not None:
            to_stop_on |= {"sample_weight": weights[~held_out], "sample_weight_val": weights[held_out]}
        with threadpool_limits(1, user_api="openmp"):  # its threads wait for each other on a shared machine
            self.estimator.fit(values[~held_out], outcome[~held_out], **to_stop_on)
        return self


class Spline(Learner):
    """The candidate that is a :class:`SplineLogistic`, fitted on whole families of at most ``MOST_ROWS`` rows or so."""

    def __init__(self, features: Sequence[Input], seed: int, effort: Effort) -> None:
        self.seed = seed
        super().__init__(SplineLogistic(effort.spline_shrinkage), features)

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Fit on all families, or on a draw of them where there are more rows than it could hold."""
        return super().fit(*draw_families(matrix, outcome, groups, weights, MOST_ROWS, self.seed))
