"""The model that scores a night: a glass box, its calibration, and what must be known about it to use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.calibration import Calibration
from models.candidate import to_array
from validation.errors import ModelError
from validation.extract import Origin

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ScreeningModel:
    """A trained glass box.

    ``estimator`` is an ``ExplainableBoostingClassifier`` (only ``intercept_``, ``eval_terms`` and ``term_features_``
    are used). ``averages`` holds the training average of each of its terms in log-odds before calibration; ``tables``
    the columns of each table that training had. ``version`` is empty until the model is registered.
    """

    name: str
    version: str
    outcome: str
    outcome_version: int
    origin: Origin
    features: tuple[str, ...]
    tables: Mapping[str, tuple[str, ...]]
    trained_from: date
    trained_to: date
    estimator: Any
    calibration: Calibration
    averages: tuple[float, ...]

    @property
    def base_log_odds(self) -> float:
        """Log-odds of a case all of whose terms are as in the training average; contributions add to this."""
        average = float(self.estimator.intercept_[0]) + sum(self.averages)
        return self.calibration.slope * average + self.calibration.intercept

    @property
    def base_chance(self) -> float:
        """The chance that belongs to ``base_log_odds``."""
        return float(1 / (1 + np.exp(-self.base_log_odds)))

    def chances(self, matrix: pl.DataFrame) -> pl.Series:
        """The calibrated chance of the outcome, one per row of ``matrix``.

        Columns are found by name, others are ignored. Raises ``ModelError`` when a feature is missing.
        """
        log_odds = self.base_log_odds + self._centred_terms(matrix).sum(axis=1)
        return pl.Series("chance", 1 / (1 + np.exp(-log_odds)), dtype=pl.Float64)

    def contributions(self, matrix: pl.DataFrame) -> pl.DataFrame:
        """What each feature adds to the log-odds of each row, against the training average: rows x features.

        Exact: ``base_log_odds`` and a row's contributions add up to the log-odds of its chance. The term of a pair
        is split equally between its two features, as a Shapley value would do.
        """
        terms = self._centred_terms(matrix)
        shares = np.zeros((terms.shape[1], len(self.features)))
        for term, members in enumerate(self.estimator.term_features_):
            shares[term, list(members)] = 1 / len(members)
        return pl.DataFrame(terms @ shares, schema=list(self.features))

    def _centred_terms(self, matrix: pl.DataFrame) -> Floats:
        missing = [name for name in self.features if name not in matrix.columns]
        if missing:
            raise ModelError(
                f"Model '{self.name}' needs {len(self.features)} features, of which the matrix lacks {len(missing)}: "
                f"{', '.join(missing)}. Build the matrix with the features that the model was trained on, or retrain."
            )
        terms = np.asarray(self.estimator.eval_terms(to_array(matrix, self.features)), dtype=np.float64)
        return np.asarray(self.calibration.slope * (terms - np.array(self.averages)), dtype=np.float64)


def average_terms(estimator: Any, matrix: pl.DataFrame, features: tuple[str, ...]) -> tuple[float, ...]:
    """The mean of each term of ``estimator`` over the rows of ``matrix``, in log-odds before calibration."""
    return tuple(float(mean) for mean in estimator.eval_terms(to_array(matrix, features)).mean(axis=0))
