"""The verdicts on groups, as records beside the fairness report repeat them: no figure here that is not there."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from flows.publish.fairness_page import QUESTIONS
from flows.publish.group_cells import JUDGED, NAMES, VALUES
from flows.publish.hidden_cells import hide_cells
from flows.publish.printed import number, plain
from flows.publish.tables import Table
from models.fairness import ANY_SIZE, POOLED, Verdict
from validation.disclosure import FEWEST, HIDDEN, NOTHING, percent

CIRCUMSTANCES = ("deprivation", "source", "known_before", "family_size")  # groups that are no protected characteristic
MEASURES = {question.metric: question.measure for question in QUESTIONS}


def find_judged(frame: pl.DataFrame) -> pl.DataFrame:
    """The cells that the board decides by: all test years together (or the only one) and the list's own size.

    ``frame``: as of :func:`models.fairness.measure_fairness`. Cells of values that nobody has, or too few, are among them.
    """
    splits, sizes = frame["split"].unique(maintain_order=True), frame["size"].unique(maintain_order=True).to_list()
    whole = POOLED if POOLED in splits else splits[0]
    listed = next((size for size in sizes if size != ANY_SIZE), ANY_SIZE)
    return frame.filter(split=whole).filter(pl.col("size").is_in([ANY_SIZE, listed]), pl.col("metric").is_in(list(MEASURES)))


def count_verdicts(frame: pl.DataFrame) -> dict[str, int]:
    """How many judged comparisons that are shown have each verdict; of two values one, since the other is its mirror."""
    is_judged = pl.col("verdict").is_in([verdict.value for verdict in JUDGED])
    judged = find_judged(hide_cells(frame)).filter(is_judged, ~pl.col("hidden"))
    one_each = judged.unique(["group", "metric", pl.col("gap").abs().round(9)], keep="first", maintain_order=True)
    counts = dict(one_each.group_by("verdict").len().iter_rows())
    return {verdict.value: counts.get(verdict.value, 0) for verdict in JUDGED}


def lay_out_verdicts(frame: pl.DataFrame, metrics: Sequence[str], *, paired: bool = False) -> list[Table]:
    """A table for each metric: each group by who a child is, with its gap, interval, smallest visible gap and verdict.

    ``paired``: two groups together instead. Groups by circumstance are left to the fairness report.
    """
    listed = pl.col("hidden") | pl.col("verdict").is_in([verdict.value for verdict in JUDGED])
    cells = find_judged(hide_cells(frame)).filter(
        "named", listed, pl.col("group").str.contains(" and ") == paired, ~pl.col("group").is_in(CIRCUMSTANCES)
    )
    header = ("Group", "Gap in points", "95 % interval", "Visible from", "Verdict")
    tables = []
    for metric in metrics:
        of = cells.filter(metric=metric)
        rows = tuple((name_group(cell["group"], cell["value"]), *_tell(cell)) for cell in of.iter_rows(named=True))
        tables += [Table(MEASURES[metric].capitalize(), header, rows)] if rows else []
    return tables


def _tell(cell: dict[str, Any]) -> tuple[str, ...]:
    if cell["hidden"]:
        return (HIDDEN, HIDDEN, HIDDEN, HIDDEN)
    gap, low, high, visible = (cell[name] for name in ("gap", "gap_low", "gap_high", "smallest_visible"))
    return (_points(gap, "+"), f"{_points(low, '+')} to {_points(high, '+')}", _points(visible), cell["verdict"])


def name_lost(frame: pl.DataFrame) -> list[tuple[str, str]]:
    """Groups of which nothing can be said, each with the reason; those of two groups together are left out."""
    lost = frame.filter(
        pl.col("metric") == "came_back",
        pl.col("verdict").is_in([Verdict.ABSENT.value, Verdict.TOO_FEW.value]),
        ~pl.col("group").str.contains(" and "),
        pl.col("split") == find_judged(frame)["split"].first(),
    )
    return [(name_group(group, value), verdict) for group, value, verdict in lost.select("group", "value", "verdict").iter_rows()]


def tell_errors(frame: pl.DataFrame) -> dict[str, str]:
    """Both kinds of error of the list at its own size, over all groups: a share in words for each metric, where it is known.

    Where one of them tells of a handful it is a bound, and the other, from which the handful could be worked out, is left out; so
    are both where ten or fewer are counted, which with what is told of groups would tell of a handful in one of them.
    """
    judged = find_judged(frame)
    cells = judged.filter(group=judged["group"].first())  # a first group such as sex has a value for every row, "not known" too
    whole = {
        metric: (int(of["events"].sum()), int(of["rows"].sum()))
        for metric in ("missed_returns", "unneeded_approaches")
        if (of := cells.filter(pl.col("metric") == metric, pl.col("rows") > 0)).height
    }
    least = {metric: min(number for number in (some, every - some) if number) for metric, (some, every) in whole.items() if every}
    if any(number < 2 * FEWEST - 1 for number in least.values()):
        return {metric: percent(*whole[metric]) for metric, number in least.items() if number < FEWEST}
    return {metric: percent(*numbers) for metric, numbers in whole.items()}


def name_group(group: str, value: str) -> str:
    """A group in words, as the fairness report names it."""
    return f"{NAMES.get(group, plain(group))}: {VALUES.get(value, plain(value))}"


def _points(share: float | None, sign: str = "") -> str:
    return NOTHING if share is None else number(100 * share, 1, sign)
