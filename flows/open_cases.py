"""The cases that are open on the day of the newest extract, as a night would see them: kept for the fairness report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from features.groups import FINER
from flows.scoring import find_reasons
from models.evaluation import ROW
from models.model import ScreeningModel
from models.open_cases import measure_open_cases


@dataclass(frozen=True)
class OpenCases:
    """What is known of open cases before there is a model.

    ``matrix``: their features; ``groups``: the keys of each case and its audit groups; ``freshness``: days since the newest event
    of each table; ``window_start``: the first day of the history; ``opted_out``: children of whom it was asked that they are not
    scored.
    """

    matrix: pl.DataFrame
    groups: pl.DataFrame
    freshness: Mapping[str, int]
    window_start: date
    opted_out: frozenset[str]


def weigh_open_cases(open_cases: OpenCases, model: ScreeningModel) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each open case with why ``model`` would give it no chance, and the long frame of that by group."""
    matrix = open_cases.matrix
    reasons = find_reasons(
        model, matrix, model.ranges(matrix), open_cases.freshness, open_cases.window_start, open_cases.opted_out
    )
    cases = matrix.select(*ROW, "group_id").hstack(reasons)
    return cases, measure_open_cases(cases, open_cases.groups.drop(FINER, strict=False))
