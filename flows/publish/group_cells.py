"""Cells of a long frame on groups, as a page tells them: names, shares, gaps and verdicts, nothing that is hidden."""

import polars as pl

from flows.publish.printed import plain as in_plain_words
from flows.publish.tables import Table
from models.fairness import TELLING, Verdict
from validation.disclosure import HIDDEN, NOTHING

Cell = dict[str, object]
JUDGED = (Verdict.GAP, Verdict.NO_LARGER_GAP, Verdict.NOT_ENOUGH)

VERDICTS = {
    Verdict.GAP: "gap",
    Verdict.NO_LARGER_GAP: f"no gap larger than {100 * TELLING:.0f} points",
    Verdict.NOT_ENOUGH: "not enough evidence",
    Verdict.DESCRIBED: "not judged",
    Verdict.TOO_FEW: "too few families",
    Verdict.ABSENT: "nobody",
}

NAMES = {"source": "referred by", "age_band": "age", "known_before": "earlier case on record"}
VALUES = {"known": "yes", "first referral": "no"}


def tell_gap(cell: Cell, more: str, less: str) -> str:
    """A gap in a sentence: ``more`` is said of a group that has more of what is measured, ``less`` of one that has less."""
    gap, low, high = (as_float(cell[name]) for name in ("gap", "gap_low", "gap_high"))
    said, ends = (more, (low, high)) if gap > 0 else (less, (-high, -low))
    name = name_cell(cell).replace(": ", ", ")
    by, least, most = (points(value, plain=True) for value in (abs(gap), *ends))
    return f"{name[0].upper()}{name[1:]}, a gap: {said}, by {by} points (95 % interval {least} to {most})."


def lay_out_cells(cells: pl.DataFrame, caption: str) -> Table:
    """A row for each cell that went through :mod:`flows.publish.hidden_cells`: the figure, all others, gap and verdict."""
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
                name_cell(cell),
                tell_families(cell),
                HIDDEN if hidden else percent(cell["estimate"]),
                HIDDEN if hidden else percent(cell["against"]),
                HIDDEN if hidden else f"{points(cell['gap'])} ({_span(cell, 'gap_low', 'gap_high')})",
                HIDDEN if hidden else points(cell["smallest_visible"], plain=True),
                HIDDEN if hidden else VERDICTS[Verdict(cell["verdict"])],
            )
        )
    return rows


def name_cell(cell: Cell) -> str:
    """The group of a cell in words, such as "sex: female"."""
    group, value = (str(cell[name]) for name in ("group", "value"))
    return f"{NAMES.get(group, in_plain_words(group))}: {VALUES.get(value, in_plain_words(value))}"


def tell_families(cell: Cell) -> str:
    """Of how many families a cell is, or that it is hidden."""
    return HIDDEN if cell["hidden_families"] else f"{cell['families']:,}"


def as_float(value: object) -> float:
    """A figure of a cell; not a number where there is none."""
    return float(value) if isinstance(value, int | float) else float("nan")


def percent(share: object) -> str:
    """A share in per cent with one decimal, or that there is none."""
    return NOTHING if share is None else f"{round(100 * as_float(share), 1) + 0.0:.1f} %"


def points(share: object, *, plain: bool = False) -> str:
    """A share of one in points, with its sign unless ``plain``."""
    if share is None:
        return NOTHING
    return f"{100 * as_float(share):.1f}" if plain else f"{100 * as_float(share):+.1f}"


def _span(cell: Cell, low: str, high: str) -> str:
    return f"{points(cell[low])} to {points(cell[high])}"


def tell_ends(cell: Cell) -> str:
    """The interval of a cell's own figure, in points."""
    return f"{points(cell['low'], plain=True)} to {points(cell['high'], plain=True)}"
