"""The picture of monitoring: by month, the share that came back with its interval, and what was expected."""

from collections.abc import Mapping, Sequence
from typing import Any

from flows.publish.pictures import INK, QUIET, WIDTH, render_svg


def draw_months(points: Sequence[Mapping[str, Any]], words: str) -> str:
    """``month`` (its first day), ``observed``, ``low``, ``high`` and ``expected`` (shares of one) of each month, oldest first.

    What was expected is a broken line with hollow squares; what came back a full dot with its interval.
    """
    import altair as alt

    rows = [{"name": point["month"][:7]} | {key: 100 * point[key] for key in ("observed", "low", "high", "expected")}
            for point in points]  # fmt: skip
    order = [row["name"] for row in rows]
    top = 1.1 * max(max(row["high"], row["expected"]) for row in rows)
    across = alt.X("name:N", sort=order, axis=alt.Axis(title="month of the list", labelAngle=0, grid=False))
    scale, axis = alt.Scale(domain=[0, top], nice=True), alt.Axis(title="cases that came back, in 100", tickCount=6)
    chart = alt.Chart(alt.Data(values=rows))
    observed, expected = alt.Y("observed:Q", axis=axis, scale=scale), alt.Y("expected:Q", axis=axis, scale=scale)
    drawn = alt.layer(
        chart.mark_line(color=QUIET, strokeDash=[5, 4], strokeWidth=1.5).encode(across, expected),
        chart.mark_point(shape="square", filled=True, color="white", stroke=INK, strokeWidth=1.2, size=45, opacity=1).encode(
            across, expected
        ),
        chart.mark_rule(color=INK, strokeWidth=2).encode(across, alt.Y("low:Q", axis=axis, scale=scale), alt.Y2("high:Q")),
        chart.mark_point(filled=True, color=INK, size=70, opacity=1).encode(across, observed),
    )
    return render_svg(drawn.properties(width=2 * WIDTH, height=280), words, "months")
