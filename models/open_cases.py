"""Who among the open cases would get no chance tonight, and of whom less is on record.

A group that is often left without a chance is neither helped nor harmed by the list: it is simply not seen. And where less is
written down about a group, every other figure about it is worth less.
"""

import polars as pl

from features.groups import BACKGROUND, NOT_KNOWN, NOT_RECORDED, NOT_STATED
from models.evaluation import ROW
from models.fairness import Metric, measure_rows
from models.ratios import Kind

OPEN_CASES = "open cases"
"""The split of these figures: the cases that are open on the day of the newest extract."""

WITHOUT_CHANCE, UNSUPPORTED = "without_chance", "unsupported"
RECORDED = {
    "ethnicity_not_stated": ("ethnicity", NOT_STATED),
    "disability_not_recorded": ("disability", NOT_RECORDED),
    "source_not_known": ("source", NOT_KNOWN),
}
"""What may not be on record: the group that it leaves unknown, and the value that says so."""
_SAME = {"ethnicity": ("ethnicity", BACKGROUND)}


def measure_open_cases(cases: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """The long frame (``models.fairness.FRAME``) of open cases, one row each in ``cases``.

    ``cases``: the keys of a row, ``group_id``, ``reason_for_abstaining`` (empty where a chance is given), ``out_of_date`` and
    ``unlike_training`` (0 to 1, see :mod:`models.abstention`). ``groups``: the keys and a column for each group. Judged is the
    share without a chance; what is not on record, and how much of what the model goes by has no support, is described. What
    leaves a group unknown is not told of that group itself.
    """
    names = [name for name in groups.columns if name not in ROW]
    told = {metric: pl.col(name) == value for metric, (name, value) in RECORDED.items() if name in names}
    metrics = (
        Metric(WITHOUT_CHANCE, pl.col("reason_for_abstaining").is_not_null(), pl.lit(1.0)),
        *(Metric(metric, is_unknown, pl.lit(1.0), judged=False) for metric, is_unknown in told.items()),
        Metric(UNSUPPORTED, pl.col("out_of_date") + pl.col("unlike_training"), pl.lit(1.0), Kind.MEAN, judged=False),
    )
    scored = cases.with_columns(pl.col("out_of_date", "unlike_training").fill_null(0.0))
    frame = measure_rows(scored.join(groups, on=ROW, how="left", maintain_order="left"), names, metrics, OPEN_CASES)
    by_itself = [
        (pl.col("metric") == metric) & pl.col("group").is_in(_SAME.get(name, (name,))) for metric, (name, _) in RECORDED.items()
    ]
    return frame.filter(~pl.any_horizontal(by_itself))


def count_reasons(cases: pl.DataFrame) -> dict[str, int]:
    """How many cases get no chance for each reason, the most frequent first. Counts are true: nothing is hidden here."""
    found = cases.drop_nulls("reason_for_abstaining").group_by("reason_for_abstaining").len()
    return dict(found.sort("len", "reason_for_abstaining", descending=[True, False]).iter_rows())
