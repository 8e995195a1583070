"""The fairness report: who is offered something, who is missed, whose chances are true, and what nobody can know from so few."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from features.groups import BACKGROUND
from flows.publish.base_section import FINER, name_values, tell_base, tell_lost
from flows.publish.board_page import render_board_page
from flows.publish.chance_words import in_words, number
from flows.publish.group_cells import JUDGED, VERDICTS, Cell, lay_out_cells, name_cell, points, tell_gap
from flows.publish.hidden_cells import hide_cells
from flows.publish.pictures import draw_gaps
from flows.publish.stages_section import MOST_TOLD, STAGES_FRAME, WHO_A_CHILD_IS, find_sentences, tell_stages
from flows.publish.tables import Section
from flows.workspace import write_private
from models.fairness import ANY_SIZE, POOLED, POWER, TELLING, Verdict, list_sizes
from models.model import ScreeningModel
from models.training import Trained
from validation.disclosure import FEWEST, HIDDEN
from validation.disclosure import percent as share

FAIRNESS_FRAME = "fairness.parquet"


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
            "Of the cases whose family was on the list, the share that did not come back. Each is a family that would have been "
            "approached and did not come back. They may still have needed help.",
        ),
        "share of approaches without a return",
        "more of the approaches were not needed",
        "fewer of the approaches were not needed",
    ),
    Question(
        "offered_without_return",
        "Of those who did not come back, who was on the list?",
        ("Of all cases that did not come back, the share whose family would have been approached all the same.",),
        "share of those without a return who are on the list",
        "more of those without a return are on the list",
        "fewer of those without a return are on the list",
    ),
)

TERMS = {
    "Gap": "the figure of a group less that of all other cases, in points: from 20 to 25 in 100 is 5 points.",
    "95 % interval": "what the gap may be, given how few families there are. It counts families: a case that stays open for "
    "months is no new evidence, and brothers and sisters are alike.",
    "A gap": "the interval would leave out zero even if it were as wide as so many looks call for (Bonferroni), so that it is no "
    "accident of looking often. The interval that is shown is that of a single look. It may leave out zero where there is no "
    "certain gap.",
    f"No gap larger than {100 * TELLING:.0f} points": "the interval lies within so many points on either side of zero. It is "
    "no proof that there is none.",
    "Not enough evidence": "neither. It is no pass. Beside it stands how large a gap must be to be seen at all here: one of that "
    f"size would be seen {10 * POWER:.0f} times in ten.",
    "AUC": "of two cases, of which one came back, how often that one had the higher chance: 50 in 100 is a coin, 100 is perfect.",
    "Average precision": "how many of the first on the list came back, averaged over all places in the order.",
    "Humble ranker": "a simple rule that the model must beat, such as a scorecard on one page.",
    "Calibration error": "how far chances and shares of returns lie apart, on average.",
    "Place in the order": "0 % is the first on the list, 100 % the last.",
    "Drawn in": "the figure of a small group drawn towards those of the other groups, the more the less is known of it.",
    HIDDEN: f"a count of 1 to {FEWEST - 1} families, or one from which such a count could be worked out.",
}


def write_fairness(
    folder: Path, trained: Trained, outcome: str, capacity: int, more: Sequence[Section] = (), first: Sequence[Section] = ()
) -> None:
    """Write ``fairness.html`` for the board and ``fairness.parquet`` for the team: the figures behind it, nothing hidden.

    ``more`` are sections that follow the questions of this page, ``first`` those that stand before them.
    """
    if trained.fairness is None:
        raise ValueError("No group was given to the training, so there is nothing to report.")
    sizes = list(list_sizes(capacity))
    page = render_fairness(trained.fairness, trained.stages, trained.model, outcome=outcome, sizes=sizes, more=more, first=first)
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
    first: Sequence[Section] = (),
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
        short=[*in_short(frame), *_name_stages(frame, stages), *(section.points[0] for section in more if section.points)],
        sections=[*first, *find_sections(frame, stages, sizes), *more],
        terms=TERMS,
    )


def in_short(frame: pl.DataFrame, most: int = MOST_TOLD) -> list[str]:
    """What a board should take away, one sentence each: ``most`` gaps first, those by who a child is before the others."""
    frame, level = hide_cells(frame), _say_level(frame)
    judged = frame.filter(pl.col("verdict").is_in([verdict.value for verdict in JUDGED]), ~pl.col("hidden"))
    judged = judged.unique(["group", "metric", pl.col("gap").abs().round(9)], keep="first", maintain_order=True)  # of two, one
    by_verdict = {verdict: judged.filter(verdict=verdict.value) for verdict in JUDGED}
    child, size = (
        pl.col("group").str.contains_any([*WHO_A_CHILD_IS, BACKGROUND]),
        pl.when(~pl.col("hidden")).then(pl.col("gap").abs()),
    )
    gaps = by_verdict[Verdict.GAP].sort(child, size, descending=True, nulls_last=True, maintain_order=True)
    lines = [_answer_in_short(cell) for cell in gaps.iter_rows(named=True)]
    if len(lines) > most:
        lines = [*lines[:most], f"{number(len(lines) - most, 'more gap is', 'more gaps are')} told of below."]
    untold = frame.filter("hidden", "named").height > 0
    lines = lines or [f"No gap {'that may be shown ' if untold else ''}is certain enough to be called one."]
    lines = [*level, *lines]
    ruled_out, unclear = by_verdict[Verdict.NO_LARGER_GAP].height, by_verdict[Verdict.NOT_ENOUGH]
    lines.append(
        f"{number(judged.height, 'comparison was', 'comparisons were')} judged. For {ruled_out} of them a gap larger than "
        f"{100 * TELLING:.0f} points can be ruled out; for {unclear.height} there is not enough evidence, which is no pass."
    )
    if unclear.height:
        middle = unclear["smallest_visible"].median()
        lines.append(f"In half of the unclear ones we would likely miss even a gap of {points(middle, plain=True)} points.")
    if untold:
        lines.append("Other comparisons cannot be shown, whether they are gaps or not: they would tell of a handful of families.")
    if lost := name_values(frame, Verdict.ABSENT) + name_values(frame, Verdict.TOO_FEW):
        lines.append(f"Nothing can be said of {number(len(lost), 'group', 'groups')} with nobody or too few families in it.")
    return lines


def _say_level(frame: pl.DataFrame) -> list[str]:
    """Chances beside returns over all cases: where they are too high for nearly everyone, no group is singled out."""
    splits = frame["split"].unique(maintain_order=True)
    whole = frame.filter(split=POOLED if POOLED in splits else splits[0])
    group = whole.filter(metric="came_back").group_by("group", maintain_order=True).agg(pl.col("rows", "events").sum())
    chance = whole.filter(metric="mean_chance").group_by("group").agg(said=(pl.col("estimate") * pl.col("rows")).sum())
    told = group.join(chance, on="group", maintain_order="left").sort("rows", descending=True, maintain_order=True)
    if told.is_empty() or told["said"][0] is None or not told["rows"][0]:
        return []
    rows, events, said = told.select("rows", "events", "said").row(0)
    back = share(int(events), int(rows))
    return (
        [f"Over all cases, chances say {100 * said / rows:.0f} % on average, and {back} came back."] if back.endswith("%") else []
    )


def _answer_in_short(cell: Cell) -> str:
    question = next(question for question in QUESTIONS if question.metric == cell["metric"])
    return tell_gap(cell, question.more, question.less)


def _name_stages(frame: pl.DataFrame, stages: pl.DataFrame | None) -> list[str]:
    """Where the gaps by who a child is come from, as far as it is certain."""
    if stages is None:
        return []
    of_child = stages.filter(pl.col("group").is_in(WHO_A_CHILD_IS))
    return find_sentences(of_child, *_find_hidden(hide_cells(frame)))


def _find_hidden(frame: pl.DataFrame) -> tuple[set[tuple[str, str]], dict[tuple[str, str], str]]:
    """Groups of which the figures on returns are hidden, and what every group is called."""
    returns = pl.col("metric").is_in(["came_back", "returns_in_need", "returns_without_need"])
    hidden = set(frame.filter("hidden", returns).select("group", "value").iter_rows())
    every = frame.unique(["group", "value"], maintain_order=True)
    return hidden, {(str(cell["group"]), str(cell["value"])): name_cell(cell) for cell in every.iter_rows(named=True)}


def find_sections(frame: pl.DataFrame, stages: pl.DataFrame | None, sizes: Sequence[str]) -> list[Section]:
    """A section for each question, where gaps come from, how groups differ to begin with, and who is in no figure."""
    frame, splits = hide_cells(frame), frame["split"].unique().to_list()
    whole = frame.filter(split=POOLED if POOLED in splits else splits[0])
    told = [] if stages is None else [tell_stages(stages, *_find_hidden(whole))]
    return [*(_answer(question, whole, sizes) for question in QUESTIONS), *told, tell_base(frame, whole), tell_lost(whole)]


def _answer(question: Question, whole: pl.DataFrame, sizes: Sequence[str]) -> Section:
    of = whole.filter(pl.col("metric") == question.metric, "named")
    at_list = of.filter(pl.col("size").is_in([sizes[0], ANY_SIZE]))
    single = at_list.filter(~pl.col("group").str.contains(" and "), pl.col("group") != BACKGROUND)
    against = "its own chances" if question.metric == "returns_beside_chances" else "all others"
    caption = (
        f"{question.measure.capitalize()}: how far each group lies from {against}, in points, with its 95 % interval. Grey: "
        f"within {100 * TELLING:.0f} points. Square: a gap. Full circle: no larger gap. Empty circle: not enough evidence."
    )
    apart = at_list.filter(pl.col("group").str.contains(" and ") | (pl.col("group") == BACKGROUND))
    gaps = apart.filter(~pl.col("hidden"), verdict=Verdict.GAP.value)
    shown = [cell for cell in single.iter_rows(named=True) if not cell["hidden"] and cell["gap"] is not None]
    pictures = [(draw_gaps([_draw(cell) for cell in shown], TELLING, caption, question.metric), caption)] if shown else []
    behind = [lay_out_cells(at_list.filter(group=BACKGROUND), FINER)]
    behind += [lay_out_cells(at_list.filter(pl.col("group").str.contains(" and ")), "Two groups together")]
    behind += [lay_out_cells(of.filter(size=size), f"If the list held {size}: described, not judged") for size in sizes[1:]]
    tables = [table for table in behind if table.rows]
    return Section(
        question.metric, question.heading, list(question.words), pictures, [lay_out_cells(pl.concat([single, gaps]), "")], tables
    )


def _draw(cell: Cell) -> dict[str, object]:
    ends = {"low": cell["gap_low"], "high": cell["gap_high"], "gap": cell["gap"]}
    return {"name": name_cell(cell), "verdict": VERDICTS[Verdict(str(cell["verdict"]))], **ends}
