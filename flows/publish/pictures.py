"""Charts as SVG: drawn by Altair, turned into SVG offline, and tidied so that many can stand in one page."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

INK, QUIET, GROUND = "#1c2730", "#8a96a0", "#c9d1d8"
FONT = "Liberation Sans, Arial, sans-serif"
WIDTH = 340  # pixels: as wide as a telephone shows
TEXT = 11  # pixels; no text is smaller
CONFIG = {
    "font": FONT,
    "axis": {"labelFontSize": TEXT, "titleFontSize": TEXT, "labelColor": INK, "titleColor": INK, "titleFontWeight": "normal",
             "gridColor": "#e4e8eb", "domainColor": QUIET, "tickColor": QUIET},
    "legend": {"labelFontSize": TEXT, "titleFontSize": TEXT, "labelColor": INK, "titleColor": INK, "titleFontWeight": "normal"},
    "title": {"fontSize": 12, "color": INK, "fontWeight": "bold"},
    "text": {"fontSize": TEXT, "color": INK, "fill": INK},
    "view": {"stroke": None},
    "autosize": {"type": "fit", "contains": "padding"},
    "padding": 4,
    "background": "white",
}  # fmt: skip

_SPOKEN = re.compile(r' (?:aria-[a-z]+|role)="[^"]*"')
_CLIP = re.compile(r'(id="|url\(#)(clip\d+)')


def render_svg(chart: Any, words: str, name: str) -> str:
    """The chart as one SVG element that says ``words`` to a screen reader; ``name`` keeps its inner names apart from others'."""
    import vl_convert

    specification = chart.to_dict(validate=False) | {"config": CONFIG}
    svg = _SPOKEN.sub("", vl_convert.vegalite_to_svg(specification))
    svg = _CLIP.sub(rf"\g<1>{name}-\g<2>", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(words)}" ', 1)


def inline(svg: str) -> str:
    """The same picture for the inside of a page, where an SVG element needs no namespace: the page names no address."""
    return re.sub(r' xmlns(?::xlink)?="[^"]*"', "", svg, count=2)


def draw_calibration(curve: Sequence[Mapping[str, Any]], words: str) -> str:
    """Chance against the share that came back, one dot for each tenth of the rows, and the line on which they should lie."""
    import altair as alt

    top = min(1.0, 1.1 * max(max(point["chance"], point["rate"]) for point in curve))
    scale = alt.Scale(domain=[0, top], nice=False)
    line = alt.Chart(alt.Data(values=[{"at": 0}, {"at": top}])).mark_line(color=QUIET, strokeDash=[5, 4], strokeWidth=1.5)
    dots = alt.Chart(alt.Data(values=list(curve))).mark_point(filled=True, size=60, color=INK, opacity=1)
    axes = [alt.Axis(title=title, format="%", tickCount=5) for title in ("chance that the model gave", "share that came back")]
    chart = alt.layer(
        line.encode(alt.X("at:Q", axis=axes[0], scale=scale), alt.Y("at:Q", axis=axes[1], scale=scale)),
        dots.encode(alt.X("chance:Q", axis=axes[0], scale=scale), alt.Y("rate:Q", axis=axes[1], scale=scale)),
    )
    return render_svg(chart.properties(width=WIDTH, height=280), words, "calibration")


def draw_decay(points: Sequence[Mapping[str, Any]], words: str) -> str:
    """Average precision by months since the last training date: ``months``, ``series`` (its name) and ``value``.

    The first series is drawn in full, the others with broken lines; ``test`` keeps the lines of several test years apart.
    """
    import altair as alt

    names = list(dict.fromkeys(point["series"] for point in points))
    dashes = [[1, 0], [6, 3], [2, 3]][: len(names)]
    last, top = max(point["months"] for point in points), 1.15 * max(point["value"] for point in points)
    across = alt.X("months:Q", axis=alt.Axis(title="months since the last training date", grid=False, tickMinStep=1),
                   scale=alt.Scale(domain=[min(point["months"] for point in points), last], nice=False))  # fmt: skip
    up = alt.Y("value:Q", axis=alt.Axis(title="average precision", format=".2~f", tickCount=5), scale=alt.Scale(domain=[0, top]))
    legend = alt.Legend(
        title=None,
        orient="bottom",
        direction="vertical",
        symbolStrokeColor=INK,
        symbolStrokeWidth=1.8,
        symbolSize=500,
        labelLimit=200,
    )
    dash = alt.StrokeDash("series:N", sort=names, scale=alt.Scale(domain=names, range=dashes), legend=legend)
    lines = alt.Chart(alt.Data(values=list(points))).mark_line(color=INK, strokeWidth=1.8)
    chart = lines.encode(across, up, dash, alt.Detail("test:N"))
    return render_svg(chart.properties(width=WIDTH, height=320), words, "decay")


def draw_differences(differences: Sequence[Mapping[str, Any]], words: str) -> str:
    """How far the glass box is ahead of each candidate: ``name``, ``difference``, ``low``, ``high`` (average precision)."""
    import altair as alt

    rows = alt.Data(values=list(differences))
    order = [row["name"] for row in differences]
    up = alt.Y("name:N", sort=order, axis=alt.Axis(title=None, labelLimit=130, domain=False, ticks=False))
    across = {"axis": alt.Axis(title="lead of the glass box in average precision", format="+.2~f", tickCount=5)}
    chart = alt.layer(
        alt.Chart(alt.Data(values=[{"at": 0}])).mark_rule(color=QUIET, strokeDash=[5, 4]).encode(x=alt.X("at:Q", **across)),
        alt.Chart(rows).mark_rule(color=INK, strokeWidth=2).encode(alt.X("low:Q", **across), alt.X2("high:Q"), up),
        alt.Chart(rows).mark_point(filled=True, size=70, color=INK, opacity=1).encode(alt.X("difference:Q", **across), up),
    )
    return render_svg(chart.properties(width=WIDTH, height=60 + 30 * len(order)), words, "differences")


def draw_gaps(gaps: Sequence[Mapping[str, Any]], telling: float, words: str, name: str) -> str:
    """How far groups lie from all others: ``name``, ``gap``, ``low``, ``high`` (shares of one) and ``verdict`` of each.

    A verdict is told by the shape of the mark; the band within ``telling`` is grey. Marks have one size and no colour.
    """
    import altair as alt

    shapes = {"gap": "square", "not enough evidence": "circle"}
    rows = [dict(gap) | {at: 100 * gap[at] for at in ("gap", "low", "high")} for gap in gaps]
    order = [row["name"] for row in rows]
    up = alt.Y("name:N", sort=order, axis=alt.Axis(title=None, labelLimit=170, domain=False, ticks=False))
    across = {"axis": alt.Axis(title="points", format="+.0f", tickCount=5)}
    band = alt.Data(values=[{"from": -100 * telling, "to": 100 * telling}])
    marks = [
        alt.Chart(alt.Data(values=[row])).mark_point(
            shape=shapes.get(row["verdict"], "circle"), filled=True, size=70, opacity=1, strokeWidth=1.5, stroke=INK,
            color="white" if row["verdict"] == "not enough evidence" else INK,
        ).encode(alt.X("gap:Q", **across), up)
        for row in rows
    ]  # fmt: skip
    chart = alt.layer(
        alt.Chart(band).mark_rect(color="#eef1f3").encode(alt.X("from:Q", **across), alt.X2("to:Q")),
        alt.Chart(alt.Data(values=[{"at": 0}])).mark_rule(color=QUIET, strokeDash=[5, 4]).encode(x=alt.X("at:Q", **across)),
        alt.Chart(alt.Data(values=rows))
        .mark_rule(color=INK, strokeWidth=2)
        .encode(alt.X("low:Q", **across), alt.X2("high:Q"), up),
        *marks,
    )
    return render_svg(chart.properties(width=2 * WIDTH, height=50 + 24 * len(order)), words, name)
