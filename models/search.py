"""A small search for how the learners are fitted, on the earliest test year alone: the years that are reported never see it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from models.candidate import Effort, Input
from models.evaluation import score_split
from models.metrics import rank_quality
from models.splits import Split

LEAST_SPLITS = 3  # with fewer, a year given to the search is a year too few to report
BAGS = 4

SETTINGS: dict[str, tuple[dict[str, float | int], ...]] = {
    "spline_logistic": ({"spline_shrinkage": 0.001}, {"spline_shrinkage": 0.0003}, {"spline_shrinkage": 0.003}),
    "glass_box": ({}, {"shrinkage": 10.0}, {"pairs": 5}, {"shrinkage": 10.0, "pairs": 5}),
    "unrestricted_boosting": ({}, {"leaves": 7}, {"leaves": 31}),
}


def search(
    frame: pl.DataFrame, features: Sequence[Input], split: Split, seed: int, effort: Effort
) -> tuple[Effort, list[dict[str, Any]]]:
    """The settings of each learner with the highest average precision in the test year of ``split``, and all that was tried.

    What is tried: ``candidate``, ``setting`` (what differs from the effort given) and ``average_precision``; of equals
    the first, which is the plainest.
    """
    chosen, tried = effort, []
    for candidate, settings in SETTINGS.items():
        found = []
        for setting in settings:
            changed: dict[str, Any] = {**setting, "bags": min(effort.bags, BAGS)}
            rows = score_split(frame, features, split, candidate, seed, effort=replace(effort, **changed))
            precision = float(rank_quality(rows["outcome"].to_numpy(), rows["score"].to_numpy())[1][0])
            found.append((precision, setting))
            tried.append({"candidate": candidate, "setting": setting, "average_precision": precision})
        best: dict[str, Any] = dict(max(found, key=lambda pair: pair[0])[1])
        chosen = replace(chosen, **best)
    return chosen, tried
