"""Humble rankers: everyone alike, or in the order of one feature."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import polars as pl
from sklearn.isotonic import IsotonicRegression

from features.definition import Feature
from models.candidate import Floats, Outcome
from validation.errors import ContractError


class BaseRate:
    """Everyone gets the share of yes."""

    learns_log_odds = False

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Learn the share of yes."""
        self.rate_ = float(outcome.mean())
        return self

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """The same for all."""
        return np.zeros(matrix.height)

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """The share of yes in training, for all."""
        return np.full(matrix.height, self.rate_)


class Ranker:
    """Ranks by one feature (``sign`` 1: more first, -1: less first), empty values last.

    Chances are the share of yes by score in training, made to rise with the score (isotonic regression).
    """

    learns_log_odds = False

    def __init__(self, name: str, feature: str, sign: int, features: Sequence[Feature]) -> None:
        if feature not in {known.name for known in features}:
            raise ContractError(
                f"Candidate '{name}' ranks by feature '{feature}', which is not among the {len(features)} features "
                "given: add it to the matrix, or leave the candidate out."
            )
        self.feature, self.sign = feature, sign

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Learn the lowest value and the share of yes by score."""
        ordered = matrix.select(pl.col(self.feature).cast(pl.Float64) * self.sign).to_series()
        least = ordered.min()
        self.last_ = (float(least) if isinstance(least, float) else 0.0) - 1.0
        self.rates_ = IsotonicRegression(out_of_bounds="clip").fit(self.scores(matrix), outcome)
        return self

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """The feature, signed so that higher comes first."""
        ordered = pl.col(self.feature).cast(pl.Float64) * self.sign
        return matrix.select(ordered.fill_null(self.last_)).to_series().to_numpy()

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """The share of yes at this score in training."""
        return np.asarray(self.rates_.predict(self.scores(matrix)), dtype=np.float64)
