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

from features.definition import Feature
from models.candidate import Candidate, Effort, Floats, Outcome, to_array
from models.splits import deal_families


class Learner:
    """A scikit-learn classifier of a rows x features array with NaN for "not known".

    ``names`` are the features it was fitted on: those with any value in training, since the others teach nothing.
    """

    learns_log_odds = True

    def __init__(self, estimator: Any, features: Sequence[Feature]) -> None:
        self.estimator, self.features = estimator, features

    def _start(self, matrix: pl.DataFrame) -> npt.NDArray[np.float32]:
        filled = [feature.name for feature in self.features if matrix[feature.name].count()]
        self.names = filled
        return to_array(matrix, filled)

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Fit the classifier; ``groups`` is not used."""
        self.estimator.fit(self._start(matrix), outcome)
        return self

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """Log-odds."""
        return np.asarray(self.estimator.decision_function(to_array(matrix, self.names)), dtype=np.float64)

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """Chances before calibration."""
        return np.asarray(self.estimator.predict_proba(to_array(matrix, self.names))[:, 1], dtype=np.float64)


class Boosting(Learner):
    """Gradient boosted trees without any restriction, which stop early on families that they were not fitted on."""

    def __init__(self, features: Sequence[Feature], seed: int, effort: Effort) -> None:
        self.seed = seed
        trees = HistGradientBoostingClassifier(
            max_iter=min(500, effort.rounds),
            learning_rate=0.05,
            max_leaf_nodes=15,
            min_samples_leaf=40,
            early_stopping=True,
            random_state=seed,
        )
        super().__init__(trees, features)

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Fit trees on five families of six, and stop on the sixth."""
        values, held_out = self._start(matrix), deal_families(groups, 6, self.seed) == 0
        with threadpool_limits(1, user_api="openmp"):  # its threads wait for each other on a shared machine
            self.estimator.fit(values[~held_out], outcome[~held_out], X_val=values[held_out], y_val=outcome[held_out])
        return self


def spline_logistic(features: Sequence[Feature], seed: int, effort: Effort) -> Candidate:
    """A logistic regression on splines of every feature, strongly shrunken, with a flag for each that is not known."""
    values = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        SplineTransformer(n_knots=4, degree=3, include_bias=False, extrapolation="linear"),
    )
    steps = make_union(values, MissingIndicator(features="all"))
    return Learner(make_pipeline(steps, StandardScaler(), LogisticRegression(C=0.001, max_iter=2_000)), features)
