"""What a board reads after a retrain: the report, the scorecard on one page, the model card, and a picture of every term."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from markupsafe import Markup

from features.catalogue import BY_NAME
from features.definition import Feature
from flows.publish.board_page import render_board_page
from flows.publish.door import let_out
from flows.publish.measured import Measured, in_short
from flows.publish.model_card import render_card_page, render_model_card
from flows.publish.pictures import inline
from flows.publish.printed import percent
from flows.publish.report_doubts import (
    FEEDBACK,
    MULTIPLICITY,
    PRACTICE,
    REASONS,
    STABILITY,
    tell_feedback,
    tell_multiplicity,
    tell_practice,
    tell_reasons,
    tell_stability,
)
from flows.publish.report_quality import CALIBRATION, tell_calibration, tell_candidates, tell_needed
from flows.publish.report_sections import tell_criteria, tell_rows, tell_selection, tell_training
from flows.publish.shapes import MOST_IMPORTANT, NOT_KNOWN, Shape, draw_shape, find_height, find_shapes, lay_out_sheet, name_steps
from flows.publish.tables import Section, Table
from flows.workspace import write_private
from models.model import ScreeningModel
from models.scorecard import Scorecard

PARTS: tuple[tuple[str, str, str, Callable[[Measured], Section]], ...] = (
    ("criteria", "criteria", "Does it meet the criteria?", tell_criteria),
    ("training", "outcome", "What was trained on what", tell_training),
    ("rows", "rows", "Rows, dates and exits", tell_rows),
    ("candidates", "results", "How every candidate did", tell_candidates),
    ("needed", "results", "How many families are approached for one that comes back", tell_needed),
    ("selection", "selection", "What each rule of choice would have chosen", tell_selection),
    ("calibration", "results", CALIBRATION, tell_calibration),
    ("stability", "stability", STABILITY, tell_stability),
    ("multiplicity", "multiplicity", MULTIPLICITY, tell_multiplicity),
    ("feedback", "feedback", FEEDBACK, tell_feedback),
    ("practice", "practice", PRACTICE, tell_practice),
    ("reasons", "reasons", REASONS, tell_reasons),
)
"""Key of a section, the part of the evaluation that it needs, its heading, and who tells it."""

TERMS = {
    "AUC": "of a row that came back and one that did not, how often the former is ranked higher; 0.5 is a coin, 1 is perfect.",
    "Average precision": "the share that came back of the highest rows, averaged over all returns; chance gives the base rate.",
    "Brier skill": "how much nearer chances are to what happened than saying the base rate to everyone; 0 is no better.",
    "Calibration error": "how far chances lie from the share that came back, on average over tenths of the rows.",
    "Interval": "95 %, by drawing families anew with replacement; rows of one family go together.",
    "Log-odds": "what the model adds up. The odds of a chance of 1 in 4 are 1 to 3; times 1.5 makes 1 to 2, a chance of 1 in 3.",
    "c": "a count of one to five, or one from which such a count could be worked out.",
}


def write_training_report(
    folder: Path, evaluation: Mapping[str, Any], model: ScreeningModel, scorecard: Scorecard | None, changed: Section
) -> None:
    """Write ``report.html``, ``scorecard.html``, ``model_card.md``, ``model_card.html`` and ``shapes/`` into ``folder``.

    ``evaluation`` is the object of ``evaluation.json`` (see ``docs/evaluation.md``), of which the pages show what :func:`let_out`
    lets out; a part that is not there is left out with a sentence that says so. Without a ``scorecard`` its page says that there
    is none. ``changed`` (see :mod:`flows.publish.what_changed`) ends the card. Nothing of a single child is written.
    """
    shapes, evaluation = find_shapes(model), let_out(evaluation)
    height = find_height(shapes)
    pictures = {shape.name: draw_shape(shape, height) for shape in shapes}
    pages = {f"shapes/{name}.svg": picture for name, picture in pictures.items()}
    pages["shapes/most_important.svg"] = draw_sheet(shapes, height)
    pages["report.html"] = render_report(evaluation, model, shapes, pictures)
    pages["scorecard.html"] = render_scorecard(evaluation, model, scorecard, shapes)
    pages["model_card.md"] = render_model_card(evaluation, model, shapes, changed)
    pages["model_card.html"] = render_card_page(evaluation, model, shapes, changed)
    for name, text in pages.items():
        write_private(folder / name, lambda beside, text=text: beside.write_text(text, encoding="utf-8"))  # type: ignore[misc]


def draw_sheet(shapes: list[Shape], height: float) -> str:
    """The most important terms on one sheet."""
    shown = shapes[:MOST_IMPORTANT]
    share = sum(shape.importance for shape in shown)
    heading = (
        f"The {len(shown)} most important of {len(shapes)} terms",
        f"Together they make {percent(share)} of what moves a chance. What each value multiplies the odds by; 1 changes nothing.",
        "Shaded, or a short line: the middle 90 % of refits on other families. Foot, or per cent: how common a value is.",
    )
    return lay_out_sheet([draw_shape(shape, height, small=True) for shape in shown], [escape(line) for line in heading])


def find_sections(measured: Measured) -> list[Section]:
    """Every section of the report, in order; one whose part is missing says so."""
    sections = []
    for key, part, heading, tell in PARTS:
        if not measured.evaluation.get(part):
            missing = f'This run\'s evaluation holds nothing under "{part}", so this section is left out.'
            sections.append(Section(key, heading, [missing]))
        else:
            sections.append(tell(measured))
    return sections


def render_report(evaluation: Mapping[str, Any], model: ScreeningModel, shapes: list[Shape], pictures: Mapping[str, str]) -> str:
    """The report as one page that needs nothing but itself."""
    measured = Measured(evaluation, model)
    seconds = evaluation.get("seconds") or {}
    timing = tuple((name.replace("_", " "), f"{value:.1f}") for name, value in seconds.items())
    drawn = [(Markup(inline(pictures[shape.name])), shape) for shape in shapes]  # noqa: S704  our own pictures
    return _render(
        "training_report.j2",
        model,
        measured=measured,
        outcome=evaluation["outcome"]["words"],
        short=in_short(measured),
        sections=find_sections(measured),
        shown=drawn[:MOST_IMPORTANT],
        others=drawn[MOST_IMPORTANT:],
        share=percent(sum(shape.importance for shape in shapes[:MOST_IMPORTANT])),
        timing=Table("", ("Part", "Seconds"), timing),
        terms=TERMS,
    )


def render_scorecard(
    evaluation: Mapping[str, Any], model: ScreeningModel, scorecard: Scorecard | None, shapes: Sequence[Shape]
) -> str:
    """The points scorecard as one sheet of A4 that a team can use with a pen."""
    known = {shape.name for shape in shapes if not any(step.label == NOT_KNOWN for step in shape.steps)}
    cards = (
        [lay_out_card(BY_NAME[name], *card, always_known=name in known) for name, card in scorecard.cards_.items()]
        if scorecard
        else []
    )
    totals = [(points, percent(chance)) for points, chance in scorecard.chances_by_points().iter_rows()] if scorecard else []
    rows = math.ceil(len(totals) / 4)
    columns = [totals[at * rows : (at + 1) * rows] for at in range(4)] if rows else []
    return _render(
        "scorecard.j2",
        model,
        outcome=evaluation["outcome"]["words"],
        cards=cards,
        columns=[column for column in columns if column],
        quality=Measured(evaluation, model).latest.get("points_scorecard") if evaluation.get("results") else None,
    )


def lay_out_card(feature: Feature, edges: Any, points: Any, always_known: bool) -> tuple[Feature, list[tuple[str, str]]]:
    """The boxes of one row of the sheet: neighbours that give the same points are one, "not known" stands apart."""
    differ = [*(points[:-2] != points[1:-1]), True, True]
    steps = zip(name_steps(feature, edges[differ[:-2]], upper=True), (f"{value:.0f}" for value in points[differ]), strict=True)
    return feature, [(step, value) for step, value in steps if step and not (always_known and step == NOT_KNOWN)]


def _render(template: str, model: ScreeningModel, **values: Any) -> str:
    return render_board_page(template, invented=model.origin != "real", model=model, percent=percent, **values)
