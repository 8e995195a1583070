"""The model card: what the model is for, what it learned from, how well it does and where it must not be trusted."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from features.catalogue import BY_NAME
from features.definition import Direction, Family
from features.outcomes import OUTCOMES
from flows.publish.measured import Measured, name_of, verdict
from flows.publish.printed import number, percent
from flows.publish.report_doubts import tell_feedback, tell_multiplicity, tell_practice, tell_stability
from flows.publish.report_quality import tell_candidates, tell_needed
from flows.publish.report_sections import tell_criteria, tell_rows, tell_training
from flows.publish.shapes import Shape
from flows.publish.tables import Table
from models.model import ScreeningModel

LIMITS = {
    "stability": tell_stability,
    "multiplicity": tell_multiplicity,
    "feedback": tell_feedback,
    "practice": tell_practice,
}
PUSHES = {Direction.HIGHER: "only up", Direction.LOWER: "only down", Direction.EITHER: "either way"}


def render_model_card(evaluation: Mapping[str, Any], model: ScreeningModel, shapes: Sequence[Shape]) -> str:
    """The card as Markdown, from facts of the run alone; a part that the evaluation lacks is named as lacking."""
    measured = Measured(evaluation, model)
    held = {part for part in ("criteria", "rows", "results", "groups") if evaluation.get(part)}
    importance = {shape.name: percent(shape.importance) for shape in shapes}
    families = {
        family.value: [(BY_NAME[name], PUSHES[BY_NAME[name].direction], importance.get(name, "")) for name in model.features
                       if BY_NAME[name].family is family]
        for family in Family
    }  # fmt: skip
    environment = Environment(
        loader=PackageLoader("flows.publish"),
        autoescape=False,  # noqa: S701  Markdown: `_safe` below takes the place of HTML's rules
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: value if isinstance(value, Plain) else _safe(str(value)),
    )
    environment.globals |= {"lay_out": _lay_out, "number": number}
    return environment.get_template("model_card.j2").render(
        model=model,
        name=name_of(model.name),
        invented=model.origin != "real",
        outcome=evaluation["outcome"],
        window=OUTCOMES[model.outcome].window_days if model.outcome in OUTCOMES else None,
        verdict=verdict(measured),
        training=tell_training(measured),
        rows=tell_rows(measured) if "rows" in held else None,
        criteria=tell_criteria(measured) if "criteria" in held else None,
        candidates=tell_candidates(measured) if "results" in held else None,
        needed=tell_needed(measured) if "results" in held else None,
        box=measured.box if "results" in held else None,
        limits={part: tell(measured).words if evaluation.get(part) else [] for part, tell in LIMITS.items()},
        families={family: features for family, features in families.items() if features},
        pairs=[shape for shape in shapes if len(shape.features) > 1],
    )


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
