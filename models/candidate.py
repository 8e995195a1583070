"""What every candidate can do, and how much work a boosted one may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Outcome = npt.NDArray[np.bool_]


class Candidate(Protocol):
    """Anything that ranks cases and gives each a chance."""

    learns_log_odds: bool  # are the scores log-odds, so that an affine map can calibrate them?

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Learn from rows ``matrix``, their outcome and the group of families that each belongs to."""

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """What rows are ranked by, highest first; one number per row."""

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """The chance of the outcome, one per row."""


@dataclass(frozen=True)
class Effort:
    """How much work the boosted models may do: bags to average, rounds per bag, pairs of features."""

    bags: int = 4
    rounds: int = 5_000
    pairs: int = 10


FULL = Effort()
QUICK = Effort(bags=2, rounds=500, pairs=0)


def to_array(frame: pl.DataFrame, names: Sequence[str]) -> npt.NDArray[np.float32]:
    """The columns ``names`` as a rows x features array of float32, NaN where empty."""
    return frame.select(pl.col(*names).cast(pl.Float32)).fill_null(float("nan")).to_numpy()
