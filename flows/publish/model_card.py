"""The model card: what the model is for, what it learned from, how well it does and where it must not be trusted.

One content, :func:`find_card`, printed twice: as Markdown for a register of models, and as a page for the board.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from features.catalogue import BY_NAME
from features.definition import Direction, Family
from features.outcomes import OUTCOMES
from flows.publish.board_page import render_board_page
from flows.publish.measured import Measured, name_of, verdict
from flows.publish.printed import number, percent
from flows.publish.report_doubts import tell_feedback, tell_multiplicity, tell_practice, tell_stability
from flows.publish.report_quality import tell_candidates, tell_needed
from flows.publish.report_sections import tell_criteria, tell_rows, tell_training
from flows.publish.shapes import Shape
from flows.publish.tables import Section, Table
from models.model import ScreeningModel

LIMITS = {
    "stability": tell_stability,
    "multiplicity": tell_multiplicity,
    "feedback": tell_feedback,
    "practice": tell_practice,
}
PUSHES = {Direction.HIGHER: "only up", Direction.LOWER: "only down", Direction.EITHER: "either way"}
NOT_FOR = (
    "Closing a case, keeping one open, or escalating it.",
    "An assessment of harm or safety: it says what happened to many children like this one.",
    "Rationing what a family is entitled to, such as the family group decision-making offer before care proceedings.",
    "Any use without a person who decides, or on another council's data without a retrain.",
)


def render_model_card(evaluation: Mapping[str, Any], model: ScreeningModel, shapes: Sequence[Shape], changed: Section) -> str:
    """The card as Markdown, from facts of the run alone; a part that the evaluation lacks is named as lacking.

    ``changed`` says what is different since the training before.
    """
    environment = Environment(
        loader=PackageLoader("flows.publish"),
        autoescape=False,  # noqa: S701  Markdown: `_safe` below takes the place of HTML's rules
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: value if isinstance(value, Plain) else _safe(str(value)),
    )
    environment.globals |= {"lay_out": _lay_out}
    return environment.get_template("model_card.j2").render(
        invented=model.origin != "real",
        outcome=evaluation["outcome"]["words"],
        verdict=verdict(Measured(evaluation, model)),
        sections=find_card(evaluation, model, shapes, changed),
    )


def render_card_page(evaluation: Mapping[str, Any], model: ScreeningModel, shapes: Sequence[Shape], changed: Section) -> str:
    """The same card as a page for the board."""
    return render_board_page(
        "record.html.j2",
        "record.css",
        invented=model.origin != "real",
        title=f"Model card: {evaluation['outcome']['words']}",
        kicker="For the governance board, and for whoever asks what the model is",
        lead=["What the model is for, what it learned from, how well it does, and where it must not be trusted."],
        short=[verdict(Measured(evaluation, model))],
        sections=find_card(evaluation, model, shapes, changed),
        terms={},
    )


def find_card(evaluation: Mapping[str, Any], model: ScreeningModel, shapes: Sequence[Shape], changed: Section) -> list[Section]:
    """Every section of the card, in order."""
    measured = Measured(evaluation, model)
    return [
        Section(
            "purpose",
            "Purpose",
            [
                f"It gives every open case a chance of {evaluation['outcome']['words']}, so that a council's front door can make "
                "additional, voluntary, early offers of help to the families who are most likely to come back. It proposes an "
                "order. A worker decides each time and may disagree.",
            ],
        ),
        Section("not-for", "Not for", points=NOT_FOR),
        _tell_model(measured, shapes),
        _tell_data(measured),
        _tell_features(model, shapes),
        _tell_performance(measured),
        _tell_calibration(measured),
        _tell_criteria(measured),
        Section(
            "groups",
            "Groups",
            ["Whom the list reaches and misses, and whether chances are true in every group: see fairness.html."],
        ),
        _tell_limits(measured),
        Section(
            "decides",
            "Who decides",
            [
                "A model that misses a criterion cannot be registered. A registered model is used only after a named role "
                "promotes it, with a reason and a review date, in the decision log. The same role retires it or rolls it back. "
                "Which family gets which offer is decided by a worker, and by the family.",
            ],
        ),
        changed,
    ]


def _tell_model(measured: Measured, shapes: Sequence[Shape]) -> Section:
    pairs, model = sum(len(shape.features) > 1 for shape in shapes), measured.model
    days = f" A chance looks {OUTCOMES[model.outcome].window_days} days ahead." if model.outcome in OUTCOMES else ""
    words = [
        "An explainable boosting machine: the log-odds of a chance are the exact sum of one term for each feature"
        + (f" and of {pairs} for pairs of them" if pairs else "")
        + ". Every term is drawn in the folder shapes. A feature with a declared direction can only push that way."
        + days,
    ]
    return Section("model", "The model", words, (), [tell_training(measured).tables[0]])


def _tell_data(measured: Measured) -> Section:
    if not measured.evaluation.get("rows"):
        return Section("data", "Data", [_say_lacking("rows")])
    rows = tell_rows(measured)
    return Section("data", "Data", rows.words, (), rows.tables)


def _tell_features(model: ScreeningModel, shapes: Sequence[Shape]) -> Section:
    importance = {shape.name: percent(shape.importance) for shape in shapes}
    tables = []
    for family in Family:
        own = [BY_NAME[name] for name in model.features if BY_NAME[name].family is family]
        rows = tuple((one.name, one.description, PUSHES[one.direction], importance.get(one.name, "")) for one in own)
        caption = f"{family.value[0].upper()}{family.value[1:]} ({len(own)})"
        tables += [Table(caption, ("feature", "what it says", "pushes", "share"), rows)] if own else []
    words = [
        f"{len(model.features)} features. Protected characteristics (ethnicity, sex, disability) are never among them; they go "
        "to the audit. The last column is the share of what moves a chance.",
    ]
    return Section("features", "Features by family", words, (), tables)


def _tell_performance(measured: Measured) -> Section:
    if not measured.evaluation.get("results"):
        return Section("performance", "Performance", [_say_lacking("results")])
    candidates, needed = tell_candidates(measured), tell_needed(measured)
    words = [
        "Tested on later rows of families that the model had not seen; intervals (95 %) draw families anew.",
        f"The last table says how many families are approached for one that comes back. {needed.words[0]}",
    ]
    return Section("performance", "Performance", words, (), [candidates.tables[0], needed.tables[0]], points=candidates.words)


def _tell_calibration(measured: Measured) -> Section:
    if not measured.evaluation.get("results"):
        words = _say_lacking("results")
    elif (box := measured.box) is None:
        words = f"This run's results hold none of the {name_of(measured.model.name)}."
    else:
        words = (
            f"Mean distance between chance and share that came back: {number(box['calibration_error'])}. Slope "
            f"{number(box['calibration_slope'], 2)} (1 is right), intercept {number(box['calibration_intercept'], 2)} (0 is "
            "right). The curve is in report.html."
        )
    return Section("calibration", "Calibration", [words])


def _tell_criteria(measured: Measured) -> Section:
    if not measured.evaluation.get("criteria"):
        return Section("criteria", "Criteria", [_say_lacking("criteria")])
    return Section("criteria", "Criteria", (), (), tell_criteria(measured).tables)


def _tell_limits(measured: Measured) -> Section:
    points = [
        "It knows what was recorded, when it was recorded. What is not recorded may still be so.",
        "A chance is of a new referral, which says as much about who refers as about a child.",
        "A case whose history is thin, or which lies outside what training saw, is not scored; that is no sign of a low chance.",
    ]
    for part, tell in LIMITS.items():
        told = tell(measured).words if measured.evaluation.get(part) else []
        points += [f"{part.capitalize()}: {sentence}" for sentence in told or ["not measured in this run."]]
    return Section("limits", "Limits", points=points)


def _say_lacking(part: str) -> str:
    return f'This run\'s evaluation holds nothing under "{part}".'


class Plain(str):
    """Markdown that is ours, and stays as it is."""

    __slots__ = ()


def _safe(text: str) -> str:
    """Text that neither HTML nor a table nor a link can be made of."""
    return re.sub(r"([|`\[\]*])", r"\\\1", escape(" ".join(text.split()), quote=False))


def _lay_out(table: Table) -> Plain:
    """A table in Markdown."""
    cells = [[_safe(cell) for cell in row] for row in (table.header, *table.rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return Plain("\n".join([lines[0], "|" + "---|" * len(table.header), *lines[1:]]))
