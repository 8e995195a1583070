"""What must hold before a model may be trained or registered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from models.candidates import HUMBLE
from validation.errors import CriterionError

LEAST_OUTCOMES = 100
LEAST_DATES = 12
LEAST_OUTCOMES_PER_SIDE = 25

Evaluation = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Finding:
    """Whether a criterion was met, and the sentence that says so with its numbers."""

    criterion: str
    met: bool
    words: str


def count_outcomes(frame: pl.DataFrame) -> tuple[int, int]:
    """How many rows have the outcome, and how many do not."""
    yes = int(frame["outcome"].sum())
    return yes, frame.height - yes


def require_outcomes(frame: pl.DataFrame) -> None:
    """Raise ``CriterionError`` unless the training frame holds enough complete outcomes to learn from."""
    yes, no = count_outcomes(frame)
    dates = frame["as_of"].n_unique()
    if min(yes, no) < LEAST_OUTCOMES or dates < LEAST_DATES:
        raise CriterionError(
            f"There are too few complete outcomes to train on: {yes} yes and {no} no on {dates} dates; needed are at "
            f"least {LEAST_OUTCOMES} of each on {LEAST_DATES} dates, so use an extract that reaches further back, or "
            "wait until more outcomes are complete."
        )


def judge_evaluation(evaluation: Evaluation, candidate: str = "glass_box") -> tuple[Finding, ...]:
    """Does ``candidate`` beat the best humble ranker in average precision, over all splits and rows together?

    Average precision is pooled as the mean over splits weighted by rows.
    """
    pooled = {
        name: sum(row["average_precision"] * row["rows"] for row in evaluation if row["candidate"] == name)
        / sum(row["rows"] for row in evaluation if row["candidate"] == name)
        for name in {row["candidate"] for row in evaluation}
    }
    best = max((name for name in HUMBLE if name in pooled), key=lambda name: pooled[name])
    met = pooled[candidate] >= pooled[best]
    words = (
        f"Average precision of '{candidate}' is {pooled[candidate]:.3f}; the best humble ranker, '{best}', "
        f"has {pooled[best]:.3f}."
    )
    return (Finding("not below the best humble ranker in average precision", met, words),)
