"""Pictures of every term of the glass box: what a feature adds to the chance, at each of its values.

The pictures are the model itself and not an approximation of it: its log-odds are the sum of what is drawn. A picture
holds no value of a single child: an axis ends a step beyond the model's own first and last cut, never at the least or most value.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Any

import numpy as np
import numpy.typing as npt

from features.catalogue import BY_NAME
from features.definition import Feature
from features.measure import Aggregate
from flows.publish.pictures import GROUND, INK, QUIET, render_svg
from flows.publish.printed import times
from models.model import ScreeningModel
from validation.disclosure import FEWEST, HIDDEN

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 340, 230  # pixels of one picture
SMALL_WIDTH, SMALL_HEIGHT = 300, 152  # of one on the sheet
SHEET_COLUMNS, MOST_IMPORTANT = 3, 24
MOST_BARS, MOST_LETTERS = 8, 36  # in the names of steps that are drawn as bars; more are drawn as a line
MIDDLE = (0.05, 0.95)  # of the bags' own terms, drawn as a band
FACTORS = (0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)  # marks of the vertical axis
BETWEEN = frozenset({0.33, 0.67, 0.8, 1.25, 1.5, 3.0})  # of these, left out where there is little room
SHADES = 16  # on either side of "changes nothing", in the picture of a pair
NOT_KNOWN = "not known"
WHOLE = frozenset({"days", "months", "count"})  # units whose values are whole, unless they are means


@dataclass(frozen=True)
class Step:
    """One step of a term: ``start`` to ``end`` in the feature's unit (NaN: not known), what it adds in log-odds (``low`` to
    ``high`` over the bags), and the share of training rows that lie in it (``None``: fewer than six rows).
    """  # noqa: D205

    label: str
    start: float
    end: float
    effect: float
    low: float
    high: float
    share: float | None


@dataclass(frozen=True)
class Shape:
    """One term: ``name`` of its file, ``importance`` (share of the mean absolute contribution of all terms), and its steps.

    The last step is "not known" where training had such rows. Of a pair, ``grid`` holds what each cell adds (columns:
    steps of the first feature, rows: of the second), and the steps name the cells' sides.
    """

    name: str
    features: tuple[Feature, ...]
    importance: float
    steps: tuple[Step, ...]
    across: tuple[Step, ...] = ()
    grid: tuple[tuple[float, ...], ...] = ()

    @property
    def title(self) -> str:
        """The description of its feature, or of both."""
        return " and ".join(feature.description.removesuffix(".") for feature in self.features)

    @property
    def words(self) -> str:
        """The lowest and the highest step, and "not known", as factors of the odds."""
        if self.grid:
            cells = [effect for row in self.grid for effect in row]
            return f"Together they multiply the odds by {times(min(cells))} to {times(max(cells))}, beyond what each does alone."
        known = [step for step in self.steps if not math.isnan(step.start)]
        least, most = (pick(known, key=lambda step: step.effect) for pick in (min, max))
        unknown = [
            f"{'None' if self.features[0].counts_days else 'Not known'}: times {times(step.effect)}."
            for step in self.steps
            if math.isnan(step.start)
        ]
        low, high = (_add_unit(step.label, self.features[0].unit) for step in (least, most))
        ends = [f"Lowest at {low}: odds times {times(least.effect)}; highest at {high}: times {times(most.effect)}."]
        return " ".join(ends + unknown)


def _add_unit(label: str, unit: str) -> str:
    """A step with its unit: "7 days or less", "24 to 32 days", "1241 days or more"."""
    if unit not in {"days", "months"}:
        return label.replace("+", " or more")
    value = label.removesuffix("+").removesuffix(" or less")
    return f"{value} {unit}" + (" or more" if label.endswith("+") else " or less" if label.endswith(" or less") else "")


def find_shapes(model: ScreeningModel) -> list[Shape]:
    """Every term of the model, the most important first."""
    importances = np.asarray(model.estimator.term_importances(), dtype=np.float64)
    shares = importances / (importances.sum() or 1.0)
    return [_read_term(model, int(term), float(shares[term])) for term in np.argsort(-shares, kind="stable")]


def _read_term(model: ScreeningModel, term: int, importance: float) -> Shape:
    box = model.estimator
    members = box.term_features_[term]
    features = tuple(BY_NAME[model.features[member]] for member in members)
    name = "__and__".join(feature.name for feature in features)
    weights = np.asarray(box.bin_weights_[term], dtype=np.float64)
    effects = model.calibration.slope * (np.asarray(box.term_scores_[term], dtype=np.float64) - model.averages[term])
    # Bins of a feature alone, and coarser ones for pairs where they were worth it.
    cuts = [np.asarray(box.bins_[member][min(len(members), len(box.bins_[member])) - 1]) for member in members]
    if len(members) == 1:
        bags = model.calibration.slope * np.asarray(box.bagged_scores_[term], dtype=np.float64)
        low, high = np.quantile(bags - (bags @ weights / weights.sum())[:, None], MIDDLE, axis=0)
        steps = np.column_stack([effects, low, high, weights])
        return Shape(name, features, importance, _find_steps(features[0], cuts[0], steps))
    sides = []
    for axis, (feature, side) in enumerate(zip(features, cuts, strict=True)):
        rows = weights.sum(axis=1 - axis)
        sides.append(_find_steps(feature, side, np.column_stack([np.zeros((len(rows), 3)), rows])))
    across, up = sides
    grid = effects[np.ix_(_places(cuts[0])[: len(across)], _places(cuts[1])[: len(up)])].T
    return Shape(name, features, importance, across, up, tuple(map(tuple, grid.tolist())))


def _places(cuts: Floats) -> list[int]:
    """Where a term keeps its steps, "not known" (its first) last; what was never seen in training (its last) is left out."""
    return [*range(1, len(cuts) + 2), 0]


def _find_steps(feature: Feature, cuts: Floats, steps: Floats) -> tuple[Step, ...]:
    """The steps of a term from its columns effect, low, high and rows; "not known" only where training had such rows."""
    ends = _end_axis(feature, cuts)
    edges = [*itertools.pairwise(ends), (math.nan, math.nan)]
    whole = float(steps[:, 3].sum()) or 1.0
    shares = [None if 0 < rows < FEWEST else rows / whole for rows in steps[:, 3].tolist()]
    return tuple(
        Step(label, start, end, float(steps[place, 0]), float(steps[place, 1]), float(steps[place, 2]), shares[place])
        for label, (start, end), place in zip(name_steps(feature, cuts), edges, _places(cuts), strict=True)
        if place or steps[0, 3]
    )


def _end_axis(feature: Feature, cuts: Floats) -> list[float]:
    """The cuts with an end on either side: as far beyond as the step before is wide, and not below zero without need."""
    if not len(cuts):
        return [0.0, 1.0]
    if feature.unit.startswith("yes"):
        return [-0.5, 0.5, 1.5]
    widths = np.diff(cuts) if len(cuts) > 1 else np.array([max(1.0, abs(cuts[0]))])
    first, last = cuts[0] - widths[0], cuts[-1] + widths[-1]
    last = min(last, 1.0) if feature.unit == "share" and cuts[-1] < 1 else last
    return [float(max(0.0, first) if cuts[0] >= 0 else first), *map(float, cuts), float(last)]


def name_steps(feature: Feature, cuts: Floats, *, upper: bool = False) -> list[str]:
    """What each step between ``cuts`` is called, and "not known" at the end; a cut belongs to the step above (``upper``: below).

    A step that can hold no value, such as whole numbers between 0 and 0.5, is called nothing.
    """
    if not len(cuts):
        return ["any value", NOT_KNOWN]
    if feature.unit.startswith("yes"):
        return ["no", "yes", *[""] * (len(cuts) - 1), NOT_KNOWN]
    whole = feature.dtype.is_integer() or (feature.unit in WHOLE and feature.aggregate not in {None, Aggregate.MEAN})
    if not whole and not bool(np.all(np.mod(cuts, 1) == 0.5)):
        shown = [_show(feature, cut) for cut in cuts]
        between = [f"up to {high}" if upper else f"{low} to {high}" for low, high in itertools.pairwise(shown)]
        low = (
            "0"
            if cuts[0] == 0 and feature.unit not in {"points", "points a year", "difference of counts"}
            else f"up to {shown[0]}"
        )
        first, last = (low, f"over {shown[-1]}") if upper else (f"<{shown[0]}", f"{shown[-1]}+")
        return [first, *between, last, NOT_KNOWN]
    starts = [math.floor(cut) + 1 if upper else math.ceil(cut) for cut in cuts]
    inner = [
        "" if low == high else str(low) if low == high - 1 else f"{low} to {high - 1}" for low, high in itertools.pairwise(starts)
    ]
    least = starts[0] - 1
    first = "0" if least == 0 and not feature.unit.startswith("difference") else f"{least} or less"
    return [first, *inner, f"{starts[-1]}+", NOT_KNOWN]


def _show(feature: Feature, value: float) -> str:
    if feature.unit == "share":
        return f"{value:.0%}".replace("%", " %")
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < 10 else f"{value:.0f}"


def draw_shape(shape: Shape, height: float, *, small: bool = False) -> str:
    """One term as SVG. ``height`` (log-odds) is how far up and down the axis goes, the same in every picture of a model."""
    width, tall, letters = (SMALL_WIDTH, SMALL_HEIGHT, 46) if small else (WIDTH, HEIGHT, 52)
    if shape.grid:
        chart = _draw_pair(shape)
        sides = [f"{way}: {feature.description}" for way, feature in zip(("Across", "Up"), shape.features, strict=True)]
        lines = [side if len(side) <= letters else f"{side[: letters - 1].rstrip()}…" for side in sides]
    else:
        chart = _draw_bars(shape, height, small) if _fits_bars(shape) else _draw_line(shape, height, small)
        lines = wrap(shape.title, letters, max_lines=2, placeholder=" …")
    title = {"text": lines, "anchor": "start", "fontSize": 12, "offset": 6}
    svg = render_svg(chart.properties(width=width, height=tall, title=title), f"{shape.title}. {shape.words}", shape.name)
    # Without this, hairlines show between the blocks of a pair.
    return svg.replace('class="mark-rect', 'shape-rendering="crispEdges" class="mark-rect') if shape.grid else svg


def _fits_bars(shape: Shape) -> bool:
    return len(shape.steps) <= MOST_BARS and sum(len(step.label) for step in shape.steps) <= MOST_LETTERS


def find_height(shapes: Iterable[Shape]) -> float:
    """The largest contribution in log-odds of any step or band, and at least that of odds times 1.5."""
    sides = [
        abs(side) for shape in shapes if not shape.grid for step in shape.steps for side in (step.effect, step.low, step.high)
    ]
    return 1.05 * max([math.log(1.5), *sides])


def _vertical(height: float, small: bool, field: str = "effect") -> Any:
    import altair as alt

    shown = [factor for factor in FACTORS if abs(math.log(factor)) <= height]
    if len(shown) > (5 if small else 9):
        shown = [factor for factor in shown if factor not in BETWEEN]
    axis = alt.Axis(
        values=[math.log(factor) for factor in shown], labelExpr="format(exp(datum.value), '.2~f')", title="odds times"
    )
    return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(domain=[-height, height], nice=False))


def _add_log_odds(layers: Sequence[Any], height: float, small: bool) -> Any:
    """The layers over a line at zero, which carries a second axis in log-odds where there is room."""
    import altair as alt

    step = 0.2 if height < 0.7 else 0.5 if height < 1.8 else 1.0
    values = [round(at * step, 1) for at in range(-int(height / step), int(height / step) + 1)]
    axis = None if small else alt.Axis(orient="right", values=values, format="+.1f", title="log-odds", grid=False)
    scale = alt.Scale(domain=[-height, height], nice=False)
    zero = alt.Chart(alt.Data(values=[{"at": 0}])).mark_rule(color=INK).encode(y=alt.Y("at:Q", axis=axis, scale=scale))
    return alt.layer(alt.layer(*layers), zero).resolve_axis(y="independent")


def _values(steps: Iterable[Step]) -> Any:
    import altair as alt

    return alt.Data(values=[vars(step) for step in steps])


def _draw_bars(shape: Shape, height: float, small: bool) -> Any:
    import altair as alt

    steps = [replace(step, label=f"{step.label}|{_percent(step.share)}") for step in shape.steps]
    axis = alt.Axis(labelExpr="split(datum.label, '|')", labelAngle=0, title=_name_unit(shape.features[0]), labelLimit=70)
    across = alt.X("label:N", sort=[step.label for step in steps], axis=axis)
    chart = alt.Chart(_values(steps)).encode(across)
    hollow = alt.condition(f"indexof(datum.label, '{NOT_KNOWN}') == 0", alt.value("white"), alt.value(GROUND))
    bars = chart.mark_bar(stroke=INK, strokeWidth=1).encode(_vertical(height, small), color=hollow)
    bands = chart.mark_rule(strokeWidth=2, color=INK).encode(_vertical(height, small, "low"), alt.Y2("high:Q"))
    return _add_log_odds([bars, bands], height, small)


def _percent(share: float | None) -> str:
    return HIDDEN if share is None else "0 %" if share == 0 else "<1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")


def _name_unit(feature: Feature) -> str | None:
    return None if feature.unit.startswith("yes") else feature.unit


def _draw_line(shape: Shape, height: float, small: bool) -> Any:
    import altair as alt

    known = [step for step in shape.steps if not math.isnan(step.start)]
    first, last = known[0].start, known[-1].end
    room = (last - first) * 0.3 if len(known) < len(shape.steps) else 0.0
    axis = alt.Axis(
        values=_ticks(first, last, 4),
        labelExpr="format(datum.value, '.0%')" if shape.features[0].unit == "share" else "format(datum.value, '~f')",
        title=_name_unit(shape.features[0]),
        grid=False,
    )
    scale = alt.Scale(domain=[first, last + room], nice=False)
    # A step line reads each point until the next: the last one is put down again at its end.
    line = alt.Chart(_values([*known, replace(known[-1], start=last)])).encode(alt.X("start:Q", axis=axis, scale=scale))
    dense = [(step.share or 0.0) / (step.end - step.start) for step in known]
    foot = [
        {"start": step.start, "end": step.end, "foot": -height, "effect": -height + 0.2 * height * density / (max(dense) or 1.0)}
        for step, density in zip(known, dense, strict=True)
    ]
    low, at = _vertical(height, small, "low"), _vertical(height, small)
    layers = [
        line.mark_area(interpolate="step-after", color=GROUND).encode(low, alt.Y2("high:Q")),
        alt.Chart(alt.Data(values=foot)).mark_bar(color=QUIET, strokeWidth=0).encode(x="start:Q", x2="end:Q", y=at, y2="foot:Q"),
        line.mark_line(interpolate="step-after", color=INK, strokeWidth=2).encode(at),
    ]
    for step in shape.steps[len(known) :]:
        mark = alt.Chart(_values([replace(step, start=last + room / 2)])).encode(x="start:Q")
        below = step.effect >= 0
        layers += [
            mark.mark_rule(color=INK, strokeWidth=2).encode(low, alt.Y2("high:Q")),
            mark.mark_point(shape="diamond", filled=True, fill="white", stroke=INK, size=90, opacity=1).encode(at),
            mark.mark_text(dy=16 if below else -14, text="none" if shape.features[0].counts_days else NOT_KNOWN).encode(
                low if below else _vertical(height, small, "high")
            ),
        ]
    return _add_log_odds(layers, height, small)


def _ticks(first: float, last: float, most: int) -> list[float]:
    """Round numbers within the axis, at most ``most`` steps apart."""
    rough = (last - first) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [round(at * step, 10) for at in range(math.ceil(first / step), math.floor(last / step) + 1)]


def _draw_pair(shape: Shape) -> Any:
    import altair as alt

    across, up = _lay(shape.steps), _lay(shape.across)
    most = max(abs(effect) for row in shape.grid for effect in row) or 1.0
    cells = []
    for (low, high), row in zip(up, shape.grid, strict=True):
        # Neighbours of one shade are one block: a picture of 64 x 64 cells would be half a megabyte.
        for (shade, _), run in itertools.groupby(zip(across, row, strict=True), lambda cell: _shade(cell, across, most)):
            places = [place for place, _ in run]
            cells.append({"x": places[0][0], "x2": places[-1][1], "y": low, "y2": high, "effect": shade * most / SHADES})
    legend = alt.Legend(title="odds times", labelExpr="format(exp(datum.value), '.2f')", values=[-most, 0, most])
    colour = alt.Color("effect:Q", scale=alt.Scale(domain=[-most, most], range=["#f0f2f4", INK]), legend=legend)
    (x, y) = (_side(feature, steps, sides) for feature, steps, sides in zip(
        shape.features, (shape.steps, shape.across), (across, up), strict=True))  # fmt: skip
    chart = alt.Chart(alt.Data(values=cells)).mark_rect(strokeWidth=0)
    return chart.encode(alt.X("x:Q", **x), alt.X2("x2:Q"), alt.Y("y:Q", **y), alt.Y2("y2:Q"), colour)


def _lay(steps: Sequence[Step]) -> list[tuple[float, float]]:
    """Where each step of a side lies; "not known" apart from the others."""
    known = [(step.start, step.end) for step in steps if not math.isnan(step.start)]
    room = (known[-1][1] - known[0][0]) * 0.04
    return known + [(known[-1][1] + room, known[-1][1] + 3 * room)] * (len(steps) - len(known))


def _shade(cell: tuple[tuple[float, float], float], across: Sequence[tuple[float, float]], most: float) -> tuple[int, bool]:
    place, effect = cell
    return round(SHADES * effect / most), len(across) > 1 and place == across[-1]


def _side(feature: Feature, steps: Sequence[Step], sides: Sequence[tuple[float, float]]) -> dict[str, Any]:
    import altair as alt

    apart = f"; apart: {'none' if feature.counts_days else NOT_KNOWN}" if math.isnan(steps[-1].start) else ""
    values, label = _ticks(sides[0][0], sides[-1][0], 4), "format(datum.value, '~f')"
    axis = alt.Axis(title=f"{feature.unit}{apart}", values=values, labelExpr=label, grid=False)
    return {"axis": axis, "scale": alt.Scale(domain=[sides[0][0], sides[-1][1]], nice=False)}


def lay_out_sheet(pictures: Sequence[str], heading: Sequence[str]) -> str:
    """Small pictures of one size side by side in one SVG, under a heading of one line or more."""
    top = 20 + 18 * len(heading)
    rows = math.ceil(len(pictures) / SHEET_COLUMNS)
    wide, tall = SHEET_COLUMNS * (SMALL_WIDTH + 8), top + rows * (SMALL_HEIGHT + 8)
    lines = "".join(
        f'<text x="4" y="{20 + 18 * at}" font-size="{15 if at == 0 else 12}"'
        f' font-weight="{"bold" if at == 0 else "normal"}">{line}</text>'
        for at, line in enumerate(heading)
    )
    placed = "".join(
        picture.replace(
            "<svg ", f'<svg x="{at % SHEET_COLUMNS * (SMALL_WIDTH + 8)}" y="{top + at // SHEET_COLUMNS * (SMALL_HEIGHT + 8)}" ', 1
        )
        for at, picture in enumerate(pictures)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}" viewBox="0 0 {wide} {tall}"'
        f' font-family="Liberation Sans, Arial, sans-serif"><rect width="100%" height="100%" fill="white"/>{lines}{placed}</svg>'
    )
