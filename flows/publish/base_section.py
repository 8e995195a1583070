"""The parts of the fairness report that tell how groups differ before any model has spoken, and who is in no figure."""

import polars as pl

from features.groups import BACKGROUND
from flows.publish.group_cells import VERDICTS, name_cell, percent, tell_ends, tell_families
from flows.publish.tables import Section, Table
from models.fairness import POOLED, Verdict, draw_in
from validation.disclosure import HIDDEN, NOTHING

BESIDE = {"returns_in_need": "Found in need", "mean_chance": "Average chance", "place_in_order": "Place in the order"}
"""What stands beside the share that came back, by metric."""

FINER = "The eighteen ethnic groups of the census"


def tell_base(frame: pl.DataFrame, whole: pl.DataFrame) -> Section:
    """How groups differ before any model has spoken. ``frame`` has been through ``hide_cells``, ``whole`` is its judged split."""
    words = [
        "A difference in how many come back is no unfairness of the model: it may lie in families' lives, in who is referred "
        "at all, or in what is written down. It is shown because every other figure rests on it.",
        "Ethnicity, sex and disability are never features of the model; they are read for this page alone.",
    ]
    back = whole.filter(pl.col("metric") == "came_back", "named", ~pl.col("group").str.contains(" and "))
    drawn_in = {(cell["group"], cell["value"]): percent(cell["drawn_in"])
                for cell in draw_in(back.filter(~pl.col("hidden"))).iter_rows(named=True)}  # fmt: skip
    beside = {
        (cell["metric"], cell["group"], cell["value"]): HIDDEN if cell["hidden"] else percent(cell["estimate"])
        for cell in whole.filter(pl.col("metric").is_in(BESIDE)).iter_rows(named=True)
    }
    rows: dict[bool, list[tuple[str, ...]]] = {False: [], True: []}
    for cell in back.iter_rows(named=True):
        came_back = HIDDEN if cell["hidden"] else f"{percent(cell['estimate'])} ({tell_ends(cell)})"
        told = (beside.get((metric, cell["group"], cell["value"]), NOTHING) for metric in BESIDE)
        drawn = drawn_in.get((cell["group"], cell["value"]), HIDDEN)
        rows[cell["group"] == BACKGROUND].append((name_cell(cell), tell_families(cell), came_back, drawn, *told))
    header = ("Group", "Families", "Came back", "Drawn in", *BESIDE.values())
    finer = [Table(FINER, header, tuple(rows[True]))] if rows[True] else []
    table = Table("", header, tuple(rows[False]))
    return Section("base", "How do the groups differ to begin with?", words, (), [table], [*finer, *_by_year(frame)])


def _by_year(frame: pl.DataFrame) -> list[Table]:
    """The share that came back in each test year, where there are several."""
    years = sorted(set(frame["split"]) - {POOLED})
    if len(years) == 1:
        return []
    back = frame.filter(pl.col("metric") == "came_back", pl.col("families") > 0, ~pl.col("group").str.contains(" and "))
    rows = []
    for part in back.partition_by("group", "value", maintain_order=True):
        hidden = part["hidden"].any()  # of one year or of all together: the others would tell
        shown = {cell["split"]: HIDDEN if hidden else percent(cell["estimate"]) for cell in part.iter_rows(named=True)}
        rows.append((name_cell(part.row(0, named=True)), *(shown.get(year, NOTHING) for year in years)))
    return [Table("Share that came back, by test year (its first day)", ("Group", *years), tuple(rows))]


def tell_lost(whole: pl.DataFrame) -> Section:
    """Groups in which nobody is, or too few. ``whole`` is the judged split."""
    words = [
        "A group without anybody may be rightly empty, or may have been lost on the way: merged with another, not recorded, or "
        "left out by the source. Ask which it is.",
    ]
    rows = tuple(
        (name, VERDICTS[verdict]) for verdict in (Verdict.ABSENT, Verdict.TOO_FEW) for name in name_values(whole, verdict)
    )
    words = words if rows else ["Every group that is known of is in these figures."]
    return Section("lost", "Who is in no figure?", words, (), [Table("", ("Group", "Why"), rows)] if rows else [])


def name_values(frame: pl.DataFrame, verdict: Verdict) -> list[str]:
    """Groups that have this verdict on the share that came back; those of two groups together are left out."""
    of = frame.filter(pl.col("metric") == "came_back", pl.col("verdict") == verdict.value, ~pl.col("group").str.contains(" and "))
    return [name_cell(cell) for cell in of.unique(["group", "value"], maintain_order=True).iter_rows(named=True)]
