"""The part of the fairness report that tells where a gap in average chances comes from."""

import polars as pl

from flows.publish.tables import Section, Table
from models.stages import MODEL, STAGES, WHOLE, name_stage
from validation.disclosure import FEWEST, HIDDEN, NOTHING

STAGES_FRAME = "stages.parquet"
WHO_A_CHILD_IS = ("ethnicity", "sex", "disability")
MOST_TOLD = 8

IN_WORDS = {
    "source_mix": "who refers",
    "found_in_need": "returns found to be in need",
    "without_need": "returns recorded without need",
    MODEL: "the model",
}
WORDS = (
    "Four things can put a group's average chance above that of all others. They add up.",
    "Who refers: its children are referred by other people, whose referrals come back more often. Found in need: more of its "
    "cases come back, and need is found. Recorded without need: more of its cases come back, and no need is found. A group that "
    "is referred more readily at the same need looks like that. The model: its chances lie further above what was recorded.",
    "If a group is referred more readily than its need calls for, the model may take some of that back. Its share then has a "
    "minus. Do not undo that by raising chances. Look first at who refers whom.",
    "Two more things cannot be told from these records. Do more children of a group come to notice at all? No table says how "
    "many live here. And what do people do with the list? The report on people's involvement tells that.",
)


def tell_stages(stages: pl.DataFrame, hidden: set[tuple[str, str]], names: dict[tuple[str, str], str]) -> Section:
    """The section; a group of which any figure could tell of a handful of families shows none.

    ``stages``: as of :func:`models.stages.find_stages`; ``hidden``: groups of which other figures are hidden; ``names``: what
    each group is called.
    """
    cells = stages.partition_by("group", "value", as_dict=True, maintain_order=True)
    rows = tuple(
        _lay_out(names[key], cell, hide=_is_hidden(key, cell, hidden)) for key, cell in _keyed(cells).items() if key in names
    )
    header = ("Group", "Average chance against all others", *(words.capitalize() for words in IN_WORDS.values()))
    caption = "Points, with 95 % intervals. A star: certain, with all of them looked at together."
    return Section(
        "stages", "Where does a gap come from?", list(WORDS), (), [Table(caption, header, rows)],
        points=find_sentences(stages, hidden, names)[:MOST_TOLD],
    )  # fmt: skip


def find_sentences(stages: pl.DataFrame, hidden: set[tuple[str, str]], names: dict[tuple[str, str], str]) -> list[str]:
    """A sentence for each group with a stage that is certain, the largest first."""
    cells = _keyed(stages.partition_by("group", "value", as_dict=True, maintain_order=True))
    named = {key: (cell, stage) for key, cell in cells.items() if key in names and (stage := name_stage(cell)) is not None}
    shown = {key: told for key, told in named.items() if not _is_hidden(key, told[0], hidden)}
    ordered = sorted(shown.items(), key=lambda told: -abs(_points(told[1][0], told[1][1])["points"]))
    return [_say(names[key], cell, stage) for key, (cell, stage) in ordered]


def _keyed(cells: dict[tuple[object, ...], pl.DataFrame]) -> dict[tuple[str, str], pl.DataFrame]:
    return {(str(group), str(value)): cell for (group, value), cell in cells.items()}


def _is_hidden(key: tuple[str, str], cell: pl.DataFrame, hidden: set[tuple[str, str]]) -> bool:
    back, families = int(cell["families_with_return"][0]), int(cell["families"][0])
    return key in hidden or 0 < back < FEWEST or 0 < families - back < FEWEST


def _points(cell: pl.DataFrame, stage: str) -> dict[str, float]:
    return cell.filter(stage=stage).select("points", "low", "high").row(0, named=True)


def _say(name: str, cell: pl.DataFrame, stage: str) -> str:
    whole, named, model = (_points(cell, each) for each in (WHOLE, stage, MODEL))
    way = "above" if whole["points"] > 0 else "below"
    told = (
        f"{name}: average chances lie {_plain(abs(whole['points']))} points {way} those of all others. What moves this most is "
        f"{IN_WORDS[stage]}, by {_signed(named)}."
    )
    recorded = whole["points"] - model["points"]
    if stage != MODEL and abs(whole["points"]) < abs(recorded):
        points = _plain(abs(recorded) - abs(whole["points"]))
        told += (
            f" The model takes back {points} points of what was recorded."
            if stage == "without_need"
            else f" Chances follow only part of this: the model makes the gap {points} points smaller."
        )
    return told


def _lay_out(name: str, cell: pl.DataFrame, *, hide: bool) -> tuple[str, ...]:
    if hide:
        return (name, *[HIDDEN] * (len(STAGES) + 1))
    evident = dict(cell.select("stage", "evident").iter_rows())
    shown = []
    for stage in (WHOLE, *STAGES):
        if stage == "source_mix" and cell["group"][0] == "source":
            shown.append(NOTHING)
            continue
        held_together = _signed(_points(cell, stage)).replace(" to ", "\u00a0to\u00a0")
        shown.append(held_together + "*" * evident[stage])
    return (name, *shown)


def _signed(points: dict[str, float]) -> str:
    value, low, high = (round(100 * points[name], 1) + 0.0 for name in ("points", "low", "high"))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


def _plain(points: float) -> str:
    return f"{100 * points:.1f}"
