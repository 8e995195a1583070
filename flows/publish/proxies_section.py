"""Two sections of the fairness report: how well the model could guess who a child is, and what could be done at what cost."""

from collections.abc import Mapping

import polars as pl

from features.catalogue import BY_NAME
from flows.publish.hidden_cells import add_partners, hide_cells, set_order
from flows.publish.printed import plain
from flows.publish.tables import Section, Table
from models.proxies import ALL, GUESSED, LEAST, Telling
from models.remedies import AUC, HITS, MISSED, OFFERED, PRECISION, Change
from validation.disclosure import FEWEST, HIDDEN, NOTHING, suppress

TOLD = {
    Telling.TELLS: "can be told",
    Telling.HARDLY: "hardly better than guessing",
    Telling.NOT_ENOUGH: "not enough evidence",
    Telling.TOO_FEW: "not enough evidence: too few families in it or beside it",
}
COSTS = {AUC: "AUC", PRECISION: "Average precision", HITS: "Share of the list that came back"}
GAPS = {OFFERED: "Gap on the list", MISSED: "Gap in returns missed"}
Line = Mapping[str, object]


def tell_proxies(found: pl.DataFrame) -> Section:
    """How well features tell each group, and the strongest single ones. ``found`` is that of :mod:`models.proxies`."""
    whole = found.filter(feature=ALL)
    singly = found.filter(pl.col("feature") != ALL, verdict=Telling.TELLS.value)
    words = [
        "The model never sees a child's sex, ethnic group or disability. It may still see something that goes with them, as a "
        "postcode would. So we asked: from what the model does see, could one guess the group?",
        "Take one child of the group and one of all others. The figure says how often, of 100 such pairs, the right one would "
        f"be picked. 50 is tossing a coin, 100 is knowing. Below {100 * GUESSED:.0f} is hardly better than guessing.",
        "A group that can be told is no unfairness in itself. It says where a gap could come from, not that there is one.",
        f"Nothing is said of a group of fewer than {LEAST} families, or with so few beside it. Not enough evidence is no pass.",
    ]
    rows, untold = [], set()
    for part in whole.partition_by("group", maintain_order=True):
        for line, families in zip(part.iter_rows(named=True), suppress(part["families"].to_list()), strict=True):
            untold |= {_name(line)} if families == HIDDEN else set()  # an interval would tell of how many
            pairs = HIDDEN if families == HIDDEN else _pairs(line)
            rows.append((_name(line), families, pairs, TOLD[Telling(line["verdict"])]))
    header = ("Group", "Families looked at", "Right in 100 pairs (95 % interval)", "Verdict")
    single = [
        (_name(line), _describe(line), "more" if line["auc"] > 0.5 else "less", _pairs(line, singly=True))
        for line in singly.iter_rows(named=True)
        if _name(line) not in untold
    ]
    behind = [
        Table(
            "What tells a group by itself", ("Group", "What the model sees", "The group has", "Right in 100 pairs"), tuple(single)
        )
    ]
    return Section(
        "proxies", "Could the model guess who a child is?", words, (), [Table("", header, tuple(rows))], behind if single else []
    )


def tell_remedies(found: pl.DataFrame, fairness: pl.DataFrame | None) -> Section:
    """What each option costs, and what it does to gaps. ``found`` is that of :mod:`models.remedies`.

    ``fairness``: the frame of the page's other figures (:func:`models.fairness.measure_fairness`); what is hidden there of a
    group in any test year is hidden here, too.
    """
    words = [
        "None of these is recommended here. Each is shown with what it would have cost on last year's cases, for the board to "
        "weigh. Gaps are in points, so that from 20 to 25 in 100 is 5 points.",
        "There is no option with another threshold for one group. Whether that would be lawful is a question for counsel.",
        "By lot: most places go by the order; the rest are drawn among all other families, each with the same chance.",
        "Behind this stands what each option does to the gaps of each group. Groups of too few families are left out there.",
    ]
    costs = found.filter(pl.col("measure").is_in(list(COSTS)))
    gaps = _mark_hidden(found.filter(~pl.col("measure").is_in(list(COSTS))), fairness).filter(~pl.col("hidden"))
    behind = [_tell_gaps(of) for of in gaps.partition_by("remedy", maintain_order=True)]
    return Section("remedies", "What could be done, and at what cost?", words, (), [_tell_costs(costs)], behind)


def _tell_costs(costs: pl.DataFrame) -> Table:
    """A row for each option beside the model as it is."""
    by = {(line["remedy"], line["measure"]): line for line in costs.iter_rows(named=True)}
    options = costs["remedy"].unique(maintain_order=True).to_list()
    now = [next((_points(line["before"], signed=False) for (_, of), line in by.items() if of == each), NOTHING) for each in COSTS]
    rows = [("As it is now", *now)]
    rows += [(option, *(_tell_change(by.get((option, measure)), then=True) for measure in COSTS)) for option in options]
    caption = "In 100, with the change and its 95 % interval. A star: the change is certain."
    return Table(caption, ("Option", *COSTS.values()), tuple(rows))


def _mark_hidden(gaps: pl.DataFrame, fairness: pl.DataFrame | None) -> pl.DataFrame:
    """With ``hidden``: does a gap rest on a handful of families, or could such a gap be worked out from it?"""
    told = [] if fairness is None else list(hide_cells(fairness).filter("hidden").select("metric", "group", "value").iter_rows())
    line = pl.struct("measure", "group", "value")
    elsewhere = (
        line.is_in([dict(zip(("measure", "group", "value"), one, strict=True)) for one in told]) if told else pl.lit(value=False)
    )
    cells = gaps.with_columns(
        set_order(pl.col("families")), split="remedy", size="measure", up="fewest", down="fewest",
        hidden=(pl.col("fewest") < FEWEST) | elsewhere,
    )  # fmt: skip
    return add_partners(cells)


def _tell_gaps(of: pl.DataFrame) -> Table:
    """What one option does to the gap of each group, on the list and in returns that it misses."""
    by = {(_name(line), line["measure"]): line for line in of.iter_rows(named=True)}
    names = list(dict.fromkeys(name for name, _ in by))
    header = ("Group", *(f"{kind}, {what}" for kind in GAPS.values() for what in ("now", "grows by")))
    rows = tuple((name, *(cell for kind in GAPS for cell in _tell_side(by.get((name, kind))))) for name in names)
    return Table(of["remedy"][0], header, rows)


def _tell_side(line: Line | None) -> tuple[str, str]:
    return (NOTHING, NOTHING) if line is None else (_points(line["before"]), _tell_change(line))


def _tell_change(line: Line | None, *, then: bool = False) -> str:
    """The change with its interval, after what it leads to if ``then``; a star where it is certain."""
    if line is None or not isinstance(line["change"], float):
        return NOTHING
    if line["change"] == line["low"] == line["high"] == 0:
        return f"{_points(line['after'], signed=not then)} (as now)"
    star = "" if line["verdict"] == Change.NOT_ENOUGH.value else "*"
    span = f"{_points(line['low'])} to {_points(line['high'])}"
    if then:
        return f"{_points(line['after'], signed=False)} ({_points(line['change'])}; {span}){star}"
    return f"{_points(line['change'])} ({span}){star}"


def _points(share: object, *, signed: bool = True) -> str:
    if not isinstance(share, float):
        return NOTHING
    return f"{100 * share + 0.0:+.1f}" if signed else f"{100 * share + 0.0:.1f}"


def _pairs(line: Line, *, singly: bool = False) -> str:
    auc, low, high = (line[name] for name in ("auc", "low", "high"))
    if not (isinstance(auc, float) and isinstance(low, float) and isinstance(high, float)):
        return NOTHING
    if singly and auc < 0.5:
        auc, low, high = 1 - auc, 1 - high, 1 - low
    return f"{100 * auc:.0f} ({100 * low:.0f} to {100 * high:.0f})"


def _name(line: Line) -> str:
    return f"{plain(str(line['group']))}: {plain(str(line['value']))}"


def _describe(line: Line) -> str:
    name = str(line["feature"])
    return BY_NAME[name].description if name in BY_NAME else plain(name)
