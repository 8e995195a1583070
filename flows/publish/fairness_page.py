"""The fairness report: who is offered something, who is missed, whose chances are true, and what nobody can know from so few."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from flows.publish.board_page import render_board_page
from flows.publish.chance_words import in_words, number
from flows.publish.hidden_cells import hide_cells
from flows.publish.pictures import draw_gaps
from flows.publish.printed import plain
from flows.publish.stages_section import STAGES_FRAME, WHO_A_CHILD_IS, find_sentences, tell_stages
from flows.publish.tables import Section, Table
from flows.workspace import write_private
from models.fairness import ANY_SIZE, POOLED, POWER, TELLING, Verdict, draw_in, list_sizes
from models.model import ScreeningModel
from models.training import Trained
from validation.disclosure import FEWEST, HIDDEN, NOTHING

FAIRNESS_FRAME = "fairness.parquet"
Cell = dict[str, object]
JUDGED = (Verdict.GAP, Verdict.NO_LARGER_GAP, Verdict.NOT_ENOUGH)


class Question(NamedTuple):
    """What a metric answers. ``more`` is said of a group that has more of it, ``less`` of one that has less."""

    metric: str
    heading: str
    words: tuple[str, ...]
    measure: str
    more: str
    less: str


QUESTIONS = (
    Question(
        "returns_without_need",
        "Do returns mean the same in every group?",
        (
            "Some returns end at the door, or with an assessment that finds no need of a social worker. Where a group has more "
            "of these, it may be referred more readily at the same need: then the fault lies before any model, in who refers "
            "whom, and the list would pass it on. The share of cases with such a return, and none that was found to be in need.",
        ),
        "share with returns without need",
        "more of their returns are found to be without need",
        "fewer of their returns are found to be without need",
    ),
    Question(
        "returns_beside_chances",
        "Are the chances true in every group?",
        (
            "If of those told 3 in 10 in one group only 2 in 10 come back, the list speaks too highly of that group's need, "
            "and its families are approached before others who need it more. The gap is the share that came back less the "
            "average chance.",
        ),
        "share that came back, less the average chance",
        "chances are too low",
        "chances are too high",
    ),
    Question(
        "offered",
        "Whom does the list reach?",
        (
            "The share of open cases whose family would have been on the list. Families of one group may live in other ways than "
            "those of another. They may also be seen, referred or recorded in other ways. This figure cannot tell which.",
        ),
        "share that the list reaches",
        "the list reaches more of them",
        "the list reaches fewer of them",
    ),
    Question(
        "missed_returns",
        "Whose returns does the list miss?",
        ("Of the cases that came back, the share whose family was not on the list: help that might have come, and did not.",),
        "share of returns that the list misses",
        "more of their returns are missed",
        "fewer of their returns are missed",
    ),
    Question(
        "unneeded_approaches",
        "Who is approached and would not have come back?",
        (
            "Of the cases whose family was on the list, the share that did not come back. Each is a family approached without "
            "need.",
        ),
        "share of approaches without a return",
        "more of the approaches were not needed",
        "fewer of the approaches were not needed",
    ),
    Question(
        "offered_without_return",
        "Of those who did not come back, who was on the list?",
        ("The burden of being approached without need, as a share of all who did not come back.",),
        "share of those without a return who are on the list",
        "more of those without a return are on the list",
        "fewer of those without a return are on the list",
    ),
)

VERDICTS = {
    Verdict.GAP: "gap",
    Verdict.NO_LARGER_GAP: f"no gap larger than {100 * TELLING:.0f} points",
    Verdict.NOT_ENOUGH: "not enough evidence",
    Verdict.DESCRIBED: "not judged",
    Verdict.TOO_FEW: "too few families",
    Verdict.ABSENT: "nobody",
}

BESIDE = {"returns_in_need": "Found in need", "mean_chance": "Average chance", "place_in_order": "Place in the order"}
"""What stands beside the share that came back, by metric."""

NAMES = {"source": "referred by", "age_band": "age", "known_before": "earlier case on record"}
VALUES = {"known": "yes", "first referral": "no"}

TERMS = {
    "Gap": "the figure of a group less that of all other cases, in points: from 20 to 25 in 100 is 5 points.",
    "95 % interval": "what the gap may be, given how few families there are. It counts families: a case that stays open for "
    "months is no new evidence, and brothers and sisters are alike.",
    "A gap": "the interval leaves out zero even though many groups are looked at together (Bonferroni), so that it is no "
    "accident of looking often.",
    f"No gap larger than {100 * TELLING:.0f} points": "the interval lies within so many points on either side of zero. It is "
    "no proof that there is none.",
    "Not enough evidence": "neither. It is no pass. Beside it stands how large a gap must be to be seen at all here: one of that "
    f"size would be seen {10 * POWER:.0f} times in ten.",
    "Drawn in": "the figure of a small group drawn towards those of the other groups, the more the less is known of it.",
    HIDDEN: f"a count of 1 to {FEWEST - 1} families, or one from which such a count could be worked out.",
}


def write_fairness(folder: Path, trained: Trained, outcome: str, capacity: int, more: Sequence[Section] = ()) -> None:
    """Write ``fairness.html`` for the board and ``fairness.parquet`` for the team: the figures behind it, nothing hidden.

    ``more`` are sections that follow the questions of this page.
    """
    if trained.fairness is None:
        raise ValueError("No group was given to the training, so there is nothing to report.")
    sizes = list(list_sizes(capacity))
    page = render_fairness(trained.fairness, trained.stages, trained.model, outcome=outcome, sizes=sizes, more=more)
    write_private(folder / "fairness.html", lambda beside: beside.write_text(page, encoding="utf-8"))
    write_private(folder / FAIRNESS_FRAME, trained.fairness.write_parquet)
    if trained.stages is not None:
        write_private(folder / STAGES_FRAME, trained.stages.write_parquet)


def render_fairness(
    frame: pl.DataFrame,
    stages: pl.DataFrame | None,
    model: ScreeningModel,
    *,
    outcome: str,
    sizes: Sequence[str],
    more: Sequence[Section] = (),
) -> str:
    """The page, which names no family and shows no small number.

    ``frame`` is that of :func:`models.fairness.measure_fairness`, ``stages`` of :func:`models.stages.find_stages`, ``sizes`` the
    names of its lists; the first is the judged one.
    """
    return render_board_page(
        "fairness.html.j2",
        "fairness.css",
        invented=model.origin != "real",
        model=model,
        outcome=outcome,
        trained=f"{in_words(model.trained_from)} to {in_words(model.trained_to)}",
        list_words=sizes[0],
        short=[*in_short(frame), *_name_stages(frame, stages)],
        sections=[*find_sections(frame, stages, sizes), *more],
        terms=TERMS,
    )


def in_short(frame: pl.DataFrame) -> list[str]:
    """What a board should take away, one sentence each, gaps first."""
    frame = mark_hidden(frame)
    judged = frame.filter(pl.col("verdict").is_in([verdict.value for verdict in JUDGED]), ~pl.col("hidden"))
    judged = judged.unique(["group", "metric", pl.col("gap").abs().round(9)], keep="first", maintain_order=True)  # of two, one
    by_verdict = {verdict: judged.filter(verdict=verdict.value) for verdict in JUDGED}
    lines = [_tell_gap(cell) for cell in by_verdict[Verdict.GAP].sort(pl.col("gap").abs(), descending=True).iter_rows(named=True)]
    untold = frame.filter("hidden", "named").height > 0
    lines = lines or [f"No gap {'that may be shown ' if untold else ''}is certain enough to be called one."]
    ruled_out, unclear = by_verdict[Verdict.NO_LARGER_GAP].height, by_verdict[Verdict.NOT_ENOUGH]
    lines.append(
        f"{number(judged.height, 'comparison was', 'comparisons were')} judged. For {ruled_out} of them a gap larger than "
        f"{100 * TELLING:.0f} points can be ruled out; for {unclear.height} there is not enough evidence, which is no pass."
    )
    if unclear.height:
        middle = unclear["smallest_visible"].median()
        lines.append(f"In half of the unclear ones a gap could be seen only from {_points(middle, plain=True)} points on.")
    if untold:
        lines.append("Other comparisons cannot be shown, whether they are gaps or not: they would tell of a handful of families.")
    if lost := _name_values(frame, Verdict.ABSENT) + _name_values(frame, Verdict.TOO_FEW):
        lines.append(f"Nothing can be said of {number(len(lost), 'group', 'groups')} with nobody or too few families in it.")
    return lines


def _tell_gap(cell: Cell) -> str:
    question = next(question for question in QUESTIONS if question.metric == cell["metric"])
    gap, low, high = (_float(cell[name]) for name in ("gap", "gap_low", "gap_high"))
    said, ends = (question.more, (low, high)) if gap > 0 else (question.less, (-high, -low))
    by, least, most = (_points(value, plain=True) for value in (abs(gap), *ends))
    return f"A gap for {_name(cell)}: {said}, by {by} points (95 % interval {least} to {most})."


def _name_stages(frame: pl.DataFrame, stages: pl.DataFrame | None) -> list[str]:
    """Where the gaps by who a child is come from, as far as it is certain."""
    if stages is None:
        return []
    of_child = stages.filter(pl.col("group").is_in(WHO_A_CHILD_IS))
    return find_sentences(of_child, *_find_hidden(mark_hidden(frame)))


def _find_hidden(frame: pl.DataFrame) -> tuple[set[tuple[str, str]], dict[tuple[str, str], str]]:
    """Groups of which the figures on returns are hidden, and what every group is called."""
    returns = pl.col("metric").is_in(["came_back", "returns_in_need", "returns_without_need"])
    hidden = set(frame.filter("hidden", returns).select("group", "value").iter_rows())
    every = frame.unique(["group", "value"], maintain_order=True)
    return hidden, {(str(cell["group"]), str(cell["value"])): _name(cell) for cell in every.iter_rows(named=True)}


def find_sections(frame: pl.DataFrame, stages: pl.DataFrame | None, sizes: Sequence[str]) -> list[Section]:
    """A section for each question, where gaps come from, how groups differ to begin with, and who is in no figure."""
    frame, splits = mark_hidden(frame), frame["split"].unique().to_list()
    whole = frame.filter(split=POOLED if POOLED in splits else splits[0])
    told = [] if stages is None else [tell_stages(stages, *_find_hidden(whole))]
    return [*(_answer(question, whole, sizes) for question in QUESTIONS), *told, _describe(frame, whole), _tell_lost(whole)]


def _answer(question: Question, whole: pl.DataFrame, sizes: Sequence[str]) -> Section:
    of = whole.filter(pl.col("metric") == question.metric, "named")
    at_list = of.filter(pl.col("size").is_in([sizes[0], ANY_SIZE]))
    single = at_list.filter(~pl.col("group").str.contains(" and "))
    caption = (
        f"{question.measure.capitalize()}: how far each group lies from all others, in points, with its 95 % interval. Grey: "
        f"within {100 * TELLING:.0f} points. Square: a gap. Full circle: no larger gap. Empty circle: not enough evidence."
    )
    shown = [cell for cell in single.iter_rows(named=True) if not cell["hidden"] and cell["gap"] is not None]
    pictures = [(draw_gaps([_draw(cell) for cell in shown], TELLING, caption, question.metric), caption)] if shown else []
    behind = [_lay_out(at_list.filter(pl.col("group").str.contains(" and ")), "Two groups together")]
    behind += [_lay_out(of.filter(size=size), f"If the list held {size}: described, not judged") for size in sizes[1:]]
    tables = [table for table in behind if table.rows]
    return Section(question.metric, question.heading, list(question.words), pictures, [_lay_out(single, "")], tables)


def _lay_out(cells: pl.DataFrame, caption: str) -> Table:
    against = "Average chance" if "returns_beside_chances" in cells["metric"] else "All others"
    header = ("Group", "Families", "Here", against, "Gap in points", "Visible from", "Verdict")
    rows = [row for part in cells.partition_by("group", maintain_order=True) for row in _lay_out_group(part)]
    return Table(caption, header, tuple(rows))


def _lay_out_group(part: pl.DataFrame) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for cell in part.iter_rows(named=True):
        hidden = cell["hidden"]
        rows.append(
            (
                _name(cell),
                _families(cell),
                HIDDEN if hidden else _percent(cell["estimate"]),
                HIDDEN if hidden else _percent(cell["against"]),
                HIDDEN if hidden else f"{_points(cell['gap'])} ({_span(cell, 'gap_low', 'gap_high')})",
                HIDDEN if hidden else _points(cell["smallest_visible"], plain=True),
                HIDDEN if hidden else VERDICTS[Verdict(cell["verdict"])],
            )
        )
    return rows


def _describe(frame: pl.DataFrame, whole: pl.DataFrame) -> Section:
    """How groups differ before any model has spoken."""
    words = [
        "A difference in how many come back is no unfairness of the model: it may lie in families' lives, in who is referred "
        "at all, or in what is written down. It is shown because every other figure rests on it.",
        "Ethnicity, sex and disability are never features of the model; they are read for this page alone.",
    ]
    back = whole.filter(pl.col("metric") == "came_back", "named", ~pl.col("group").str.contains(" and "))
    drawn_in = {(cell["group"], cell["value"]): _percent(cell["drawn_in"])
                for cell in draw_in(back.filter(~pl.col("hidden"))).iter_rows(named=True)}  # fmt: skip
    beside = {
        (cell["metric"], cell["group"], cell["value"]): HIDDEN if cell["hidden"] else _percent(cell["estimate"])
        for cell in whole.filter(pl.col("metric").is_in(BESIDE)).iter_rows(named=True)
    }
    rows: list[tuple[str, ...]] = []
    for cell in back.iter_rows(named=True):
        came_back = HIDDEN if cell["hidden"] else f"{_percent(cell['estimate'])} ({_ends(cell)})"
        told = (beside.get((metric, cell["group"], cell["value"]), NOTHING) for metric in BESIDE)
        rows.append((_name(cell), _families(cell), came_back, drawn_in.get((cell["group"], cell["value"]), HIDDEN), *told))
    header = ("Group", "Families", "Came back", "Drawn in", *BESIDE.values())
    return Section(
        "base", "How do the groups differ to begin with?", words, (), [Table("", header, tuple(rows))], _by_year(frame)
    )


def _by_year(frame: pl.DataFrame) -> list[Table]:
    """The share that came back in each test year, where there are several."""
    years = sorted(set(frame["split"]) - {POOLED})
    if len(years) == 1:
        return []
    back = frame.filter(pl.col("metric") == "came_back", pl.col("families") > 0, ~pl.col("group").str.contains(" and "))
    rows = []
    for part in back.partition_by("group", "value", maintain_order=True):
        hidden = part["hidden"].any()  # of one year or of all together: the others would tell
        shown = {cell["split"]: HIDDEN if hidden else _percent(cell["estimate"]) for cell in part.iter_rows(named=True)}
        rows.append((_name(part.row(0, named=True)), *(shown.get(year, NOTHING) for year in years)))
    return [Table("Share that came back, by test year (its first day)", ("Group", *years), tuple(rows))]


def _tell_lost(whole: pl.DataFrame) -> Section:
    words = [
        "A group without anybody may be rightly empty, or may have been lost on the way: merged with another, not recorded, or "
        "left out by the source. Ask which it is.",
    ]
    rows = tuple(
        (name, VERDICTS[verdict]) for verdict in (Verdict.ABSENT, Verdict.TOO_FEW) for name in _name_values(whole, verdict)
    )
    words = words if rows else ["Every group that is known of is in these figures."]
    return Section("lost", "Who is in no figure?", words, (), [Table("", ("Group", "Why"), rows)] if rows else [])


def _name_values(frame: pl.DataFrame, verdict: Verdict) -> list[str]:
    """Groups that have this verdict on the share that came back; those of two groups together are left out."""
    of = frame.filter(pl.col("metric") == "came_back", pl.col("verdict") == verdict.value, ~pl.col("group").str.contains(" and "))
    return [_name(cell) for cell in of.unique(["group", "value"], maintain_order=True).iter_rows(named=True)]


def _draw(cell: Cell) -> dict[str, object]:
    ends = {"low": cell["gap_low"], "high": cell["gap_high"], "gap": cell["gap"]}
    return {"name": _name(cell), "verdict": VERDICTS[Verdict(str(cell["verdict"]))], **ends}


def mark_hidden(frame: pl.DataFrame) -> pl.DataFrame:
    """With ``hidden``: could a reader work out from the figures of a cell that a handful of families is meant?

    ``frame`` is the whole one: what is hidden of one cell hangs on others. See :func:`flows.publish.hidden_cells.hide_cells`.
    """
    return hide_cells(frame)


def _name(cell: Cell) -> str:
    group, value = (str(cell[name]) for name in ("group", "value"))
    return f"{NAMES.get(group, plain(group))}: {VALUES.get(value, plain(value))}"


def _families(cell: Cell) -> str:
    return HIDDEN if cell["hidden_families"] else f"{cell['families']:,}"


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _percent(share: object) -> str:
    return NOTHING if share is None else f"{round(100 * _float(share), 1) + 0.0:.1f} %"


def _points(share: object, *, plain: bool = False) -> str:
    """A share of one in points, with its sign unless ``plain``."""
    if share is None:
        return NOTHING
    return f"{100 * _float(share):.1f}" if plain else f"{100 * _float(share):+.1f}"


def _span(cell: Cell, low: str, high: str) -> str:
    return f"{_points(cell[low])} to {_points(cell[high])}"


def _ends(cell: Cell) -> str:
    return f"{_points(cell['low'], plain=True)} to {_points(cell['high'], plain=True)}"
