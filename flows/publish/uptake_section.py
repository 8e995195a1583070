"""The part of the fairness report that tells who was offered help, who took it up, and what came after."""

from typing import NamedTuple

import polars as pl

from flows.publish.group_cells import lay_out_cells, name_cell, percent, tell_gap
from flows.publish.hidden_cells import hide_few
from flows.publish.tables import Section, Table
from models.fairness import Verdict
from validation.disclosure import HIDDEN, NOTHING

UPTAKE_FRAME = "uptake.parquet"
HEADING = "Who was offered help, and who took it up?"


class Judged(NamedTuple):
    """A metric that is judged: what its table is called, and what is said of a group with more of it, or with less."""

    metric: str
    caption: str
    more: str
    less: str


JUDGED = (
    Judged(
        "offered_help",
        "Offered help in the last year, of children with an open case",
        "more of them were offered help",
        "fewer of them were offered help",
    ),
    Judged(
        "decided_otherwise",
        "Had a place on the list, and people decided otherwise",
        "people decided otherwise more often",
        "people decided otherwise less often",
    ),
    Judged(
        "taken_up",
        "Took an offer up, of those who answered, whenever it was made",
        "more of them say yes",
        "fewer of them say yes",
    ),
)
DESCRIBED = {
    "without_answer": "No answer after four weeks",
    "came_back_after_yes": "Came back after a yes",
    "came_back_after_no": "Came back after a no",
}
WORDS = (
    "A list helps nobody by itself. People offer help, and families say yes or no. These figures rest on all offers and "
    "decisions that are on record, in the case system or in the team's log.",
    "Where fewer of a group say yes, the offer may not fit, or it may not be made in the right way. Ask families of that group.",
    "What came after is no proof of what an offer does. Families who say yes differ from those who say no.",
)


def tell_uptake(frame: pl.DataFrame) -> Section:
    """The section. ``frame``: as of :func:`models.uptake.measure_uptake`."""
    marked = hide_few(frame).filter("named")
    tables, gaps, lacking = [], [], []
    for judged in JUDGED:
        cells = marked.filter(metric=judged.metric)
        if not frame.filter(metric=judged.metric)["events"].sum():
            lacking.append(f"{judged.caption}: nobody, as far as is on record.")
        elif cells.is_empty():
            lacking.append(f"{judged.caption}: too few to be shown.")
        else:
            tables.append(lay_out_cells(cells, judged.caption))
            evident = cells.filter(~pl.col("hidden"), verdict=Verdict.GAP.value)
            gaps += [tell_gap(cell, judged.more, judged.less) for cell in evident.iter_rows(named=True)]
    return Section("uptake", HEADING, [*WORDS, *lacking], (), tables, _describe(marked), gaps)


def _describe(marked: pl.DataFrame) -> list[Table]:
    """A row for each group with an offer on record: what is not judged."""
    of = marked.filter(pl.col("metric").is_in(list(DESCRIBED)))
    cells = {
        (cell["group"], cell["value"], cell["metric"]): HIDDEN if cell["hidden"] else percent(cell["estimate"])
        for cell in of.iter_rows(named=True)
    }
    rows = tuple(
        (name_cell(cell), *(cells.get((cell["group"], cell["value"], metric), NOTHING) for metric in DESCRIBED))
        for cell in of.unique(["group", "value"], keep="first", maintain_order=True).iter_rows(named=True)
    )
    return [Table("What came after, described and not judged", ("Group", *DESCRIBED.values()), rows)] if rows else []
