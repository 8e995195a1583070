"""The part of the fairness report that tells who is not scored, and of whom less is on record."""

from collections.abc import Mapping

import polars as pl

from flows.publish.group_cells import lay_out_cells, name_cell, percent, tell_gap
from flows.publish.hidden_cells import hide_few
from flows.publish.stages_section import MOST_TOLD
from flows.publish.tables import Section, Table
from models.fairness import Verdict
from models.open_cases import RECORDED, UNSUPPORTED, WITHOUT_CHANCE
from validation.disclosure import HIDDEN, NOTHING, suppress, total

OPEN_CASES_FRAME = "open_cases.parquet"
HEADINGS = {
    "ethnicity_not_stated": "Ethnicity not stated",
    "disability_not_recorded": "Disability not recorded",
    "source_not_known": "Referrer not known",
    UNSUPPORTED: "Rests on old or strange facts",
}
WORDS = (
    "Some open cases get no chance. Too little may be known, or the child is nearly 18. They stand apart on the list, and people "
    "decide on them without a number. If one group is often among them, the list does not see that group.",
    "The figures are those of the cases that are open now. They say what tonight's list would do with this model.",
    "Where only a yes is ever written down, of a disability say, not on record may mostly mean no.",
)
BEHIND = "What is not on record"


def tell_quality(frame: pl.DataFrame, reasons: Mapping[str, int]) -> Section:
    """The section. ``frame``: of :func:`models.open_cases.measure_open_cases`; ``reasons``: cases without a chance by reason."""
    marked = hide_few(frame).filter("named")
    judged = marked.filter(metric=WITHOUT_CHANCE)
    gaps = [
        tell_gap(cell, "more of them get no chance", "fewer of them get no chance")
        for cell in judged.filter(~pl.col("hidden"), verdict=Verdict.GAP.value)
        .sort(pl.col("gap").abs(), descending=True)
        .iter_rows(named=True)
    ]
    tables = [lay_out_cells(judged, "Share of open cases without a chance"), *_count_reasons(reasons)]
    return Section(
        "quality",
        "Who gets no chance, and of whom is less on record?",
        list(WORDS),
        (),
        tables,
        [_tell_recorded(marked)],
        gaps[:MOST_TOLD],
    )


def _count_reasons(reasons: Mapping[str, int]) -> list[Table]:
    if not reasons:
        return []
    counts = list(reasons.values())
    rows = tuple((reason[0].upper() + reason[1:], told) for reason, told in zip(reasons, suppress(counts), strict=True))
    return [Table("Why open cases get no chance", ("Reason", "Cases"), (*rows, ("All together", total(counts))))]


def _tell_recorded(marked: pl.DataFrame) -> Table:
    """A row for each group: the shares of cases of which something is not on record."""
    shown = [metric for metric in (*RECORDED, UNSUPPORTED) if metric in marked["metric"]]
    cells = {
        (cell["group"], cell["value"], cell["metric"]): HIDDEN if cell["hidden"] else percent(cell["estimate"])
        for cell in marked.iter_rows(named=True)
    }
    rows = tuple(
        (name_cell(group), *(cells.get((group["group"], group["value"], metric), NOTHING) for metric in shown))
        for group in marked.filter(metric=WITHOUT_CHANCE).iter_rows(named=True)
    )
    return Table(BEHIND, ("Group", *(HEADINGS[metric] for metric in shown)), rows)
