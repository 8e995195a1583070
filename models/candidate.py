"""What every candidate can do, and how much work a boosted one may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from features.definition import Direction

Floats = npt.NDArray[np.float64]
Outcome = npt.NDArray[np.bool_]


class Input(Protocol):
    """What a candidate knows of a column that it may learn from; every :class:`features.definition.Feature` is one."""

    @property
    def name(self) -> str:
        """The column."""

    @property
    def direction(self) -> Direction:
        """Does more of it go with a higher chance, a lower one, or is it left open?"""


class Candidate(Protocol):
    """Anything that ranks cases and gives each a chance."""

    learns_log_odds: bool  # are the scores log-odds, so that an affine map can calibrate them?

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Learn from rows ``matrix``, their outcome and the group of families that each belongs to.

        ``weights``: one number per row, 0 or more; ``None`` weighs all rows alike.
        """

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """What rows are ranked by, highest first; one number per row."""

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """The chance of the outcome, one per row."""


@dataclass(frozen=True)
class Effort:
    """How the learners are fitted.

    The glass box: bags to average, rounds per bag, pairs of features, and how strongly steps are shrunken. The others:
    how little the spline logistic regression is shrunken (scikit-learn's C), and leaves of a tree.
    """

    bags: int = 16
    rounds: int = 5_000
    pairs: int = 0
    shrinkage: float = 50.0
    spline_shrinkage: float = 0.001
    leaves: int = 15


FULL = Effort()
QUICK = Effort(bags=2, rounds=500)


def to_array(frame: pl.DataFrame, names: Sequence[str]) -> npt.NDArray[np.float32]:
    """The columns ``names`` as a rows x features array of float32, NaN where empty."""
    return frame.select(pl.col(*names).cast(pl.Float32)).fill_null(float("nan")).to_numpy()
