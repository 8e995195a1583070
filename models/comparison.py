"""Candidates side by side on the same rows: differences in average precision, and what rules over time would choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from models.bootstrap import RESAMPLES, Floats, bootstrap, find_interval
from models.metrics import rank_quality


@dataclass(frozen=True)
class Precisions:
    """Average precision of every candidate in every test year, as it is and under draws of families.

    ``values`` is candidates x years, ``drawn`` resamples x candidates x years; a draw is the same for all of them.
    ``weights`` are the years' shares of all rows: years are pooled by them.
    """

    candidates: tuple[str, ...]
    years: tuple[str, ...]
    weights: Floats
    values: Floats
    drawn: Floats

    def difference(self, candidate: str, other: str) -> list[dict[str, Any]]:
        """By how much ``candidate`` is better than ``other``: over all test years (``split`` "all"), then year by year.

        Each with the interval of the paired difference, families drawn again over all years at once.
        """
        one, two = self.candidates.index(candidate), self.candidates.index(other)
        value, drawn = self.values[one] - self.values[two], self.drawn[:, one] - self.drawn[:, two]
        found = [("all", float(value @ self.weights), drawn @ self.weights)]
        found += [(year, float(value[at]), drawn[:, at]) for at, year in enumerate(self.years)]
        rows = []
        for split, middle, draws in found:
            low, high = find_interval(draws)
            rows.append({"candidate": other, "split": split, "difference": middle, "low": low, "high": high})
        return rows

    def pooled(self, candidate: str) -> float:
        """Average precision over all test years, weighed by rows."""
        return float(self.values[self.candidates.index(candidate)] @ self.weights)

    def best(self, among: Sequence[str]) -> str:
        """The candidate ``among`` these with the highest pooled average precision; the first of equals."""
        return max(among, key=self.pooled)


def find_precisions(scored: Mapping[str, Sequence[pl.DataFrame]], seed: int, resamples: int = RESAMPLES) -> Precisions:
    """From the scored rows of an evaluation (see :class:`models.evaluation.Evaluation`)."""
    candidates, splits = tuple(scored), next(iter(scored.values()))
    heights = [split.height for split in splits]
    ends = np.cumsum([0, *heights])
    outcomes = [split["outcome"].to_numpy() for split in splits]

    def average_precisions(weights: Floats | None = None) -> Floats:
        columns = [
            rank_quality(
                outcomes[at], rows["score"].to_numpy(), None if weights is None else weights[:, ends[at] : ends[at + 1]]
            )[1]
            for candidate in candidates
            for at, rows in enumerate(scored[candidate])
        ]
        return np.column_stack(columns)

    shape = (len(candidates), len(splits))
    drawn = bootstrap(pl.concat([split["group_id"] for split in splits]), average_precisions, seed, resamples)
    return Precisions(
        candidates,
        tuple(split["as_of"].min().isoformat() for split in splits),  # type: ignore[union-attr]  # a split has rows
        np.array(heights) / sum(heights),
        average_precisions()[0].reshape(shape),
        drawn.reshape(-1, *shape),
    )


SIMPLEST_FIRST = (
    "base_rate",
    "earlier_referrals",
    "days_since_last_referral",
    "points_scorecard",
    "spline_logistic",
    "glass_box",
    "unrestricted_boosting",
)


def choose_by_rules(precisions: Precisions) -> list[dict[str, str]]:
    """What each rule over the test years would choose by average precision: ``rule``, ``words``, ``chosen``."""
    known = precisions.candidates
    worst = precisions.values.min(axis=1)
    regret = (precisions.values.max(axis=0) - precisions.values).max(axis=1)
    best = precisions.best(known)
    drawn = precisions.drawn @ precisions.weights
    behind = drawn[:, [known.index(best)]] - drawn
    errors = behind.std(axis=0, ddof=1)
    close = [
        name for at, name in enumerate(known) if precisions.pooled(best) - precisions.pooled(name) <= errors[at] or name == best
    ]
    return [
        {"rule": "best average", "words": "the highest average precision over all test years", "chosen": best},
        {
            "rule": "best worst year",
            "words": "the highest average precision in its own worst year",
            "chosen": known[int(worst.argmax())],
        },
        {
            "rule": "least regret",
            "words": "never far behind whichever was best in a year",
            "chosen": known[int(regret.argmin())],
        },
        {
            "rule": "simplest within one standard error",
            "words": "the simplest whose distance from the best average is within one standard error of that distance",
            "chosen": min(close, key=SIMPLEST_FIRST.index),
        },
    ]
