"""Fitting a candidate and its calibration, the same way in every evaluation and for the model that is registered.

The map of the log-odds is fitted on later rows of other families than the model behind it: families are dealt into
two halves; a model of each half's dates but the last quarter scores the other half in that last quarter. The
candidate itself is then fitted on everything, so no row is lost to calibration.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.special import expit

from models.calibration import Calibration, fit_calibration
from models.candidate import Candidate, Effort, Input
from models.candidates import CANDIDATES
from models.glass_box import GlassBox
from models.splits import Split, split_frame

CALIBRATION_SHARE = 0.25  # of the dates, the latest


@dataclass(frozen=True)
class Fitted:
    """A fitted candidate and the map of its log-odds, which is only used for candidates that learn log-odds."""

    candidate: Candidate
    calibration: Calibration

    def score(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Columns ``score`` (ranks rows, highest first) and ``chance``, one row per row of ``frame``.

        A candidate made of bags adds ``bags``: the chance by each bag's own model, an array for each row.
        """
        if not self.candidate.learns_log_odds:
            return pl.DataFrame({"score": self.candidate.scores(frame), "chance": self.candidate.chances(frame)})
        log_odds = self.calibration.map_log_odds(self.candidate.scores(frame))
        scored = pl.DataFrame({"score": log_odds, "chance": expit(log_odds)})
        if not isinstance(self.candidate, GlassBox):
            return scored
        bags = self.calibration.map_to_chances(self.candidate.bag_scores(frame))
        return scored.with_columns(bags=pl.Series(bags, dtype=pl.Array(pl.Float64, bags.shape[1])))


def _fit(name: str, frame: pl.DataFrame, features: Sequence[Input], seed: int, effort: Effort) -> Candidate:
    return CANDIDATES[name](features, seed, effort).fit(frame, frame["outcome"].to_numpy(), frame["group_id"])


def fit_candidate(name: str, frame: pl.DataFrame, features: Sequence[Input], seed: int, effort: Effort) -> Fitted:
    """Fit candidate ``name`` and its calibration on all rows of a training frame of two dates or more."""
    candidate = _fit(name, frame, features, seed, effort)
    if not candidate.learns_log_odds:
        return Fitted(candidate, Calibration())
    dates = frame["as_of"].unique().sort()
    cut = len(dates) - max(1, round(len(dates) * CALIBRATION_SHARE))
    halves = split_frame(frame, Split(dates[0], dates[cut - 1], dates[cut], dates[-1]), seed, folds=2)
    lighter = replace(effort, bags=max(2, effort.bags // 2))  # enough for two numbers
    scores = [_fit(name, half.train, features, seed, lighter).scores(half.test) for half in halves]
    outcome = np.concatenate([half.test["outcome"].to_numpy() for half in halves])
    return Fitted(candidate, fit_calibration(np.concatenate(scores), outcome))
