"""The page on models in use, for the board: do the chances hold, for whom, and who must look at what?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from flows.publish.board_page import render_board_page
from flows.publish.chance_words import MONTHS, in_words, number
from flows.publish.group_cells import NAMES, VALUES
from flows.publish.monitoring_picture import draw_months
from flows.publish.printed import plain
from flows.publish.tables import Section, Table
from flows.publish.verdicts_section import VERDICTS, tell_verdicts
from models.monitoring import ALL, COUNTED, MONTH, PLACED, TOGETHER, WITHOUT, YEAR, Judged, Verdict
from validation.disclosure import FEWEST, HIDDEN, NOTHING, Rate, Release, Sum, percent, protect

Row = Mapping[str, Any]

BACK, REST, OTHERS = ", came back", ", did not", ", the others"
IN_USE = {
    Verdict.FAILING: "and fails: it does not keep to what was asked of it beforehand. Nights make no list with it until somebody "
    "decides.",
    Verdict.WITHIN: "and there is no evidence that its chances are off by more than is allowed.",
    Verdict.NOT_ENOUGH: "and there is not enough evidence to say whether its chances hold. That is no pass.",
}
TERMS = {
    "Came back": "a new referral of the same child within the time that the model speaks of.",
    "Expected": "the average chance of the same cases, as the lists showed it.",
    "Times": "the share that came back over what was expected: 1 means that the chances were true, 2 that twice as many came "
    "back.",
    "95 % interval": "where the true figure may lie, given how few families there are. It counts families.",
    "Complete": "the time that is waited for a return is over, and 28 days for late recording as well.",
    "Without an offer": "nothing was offered to the family in the year before the list or in the four weeks after it. Offers "
    "that came later do not count, since a return may have brought them about.",
    "Not enough evidence": "neither good nor bad can be said. It is no pass.",
    "Order": "of two cases, one of which came back, how often that one had the higher chance; 50 in 100 is a coin.",
    HIDDEN: f"a count of 1 to {FEWEST - 1}, or one from which such a count could be worked out.",
}


def render_monitoring(
    frame: pl.DataFrame,
    order: pl.DataFrame,
    stability: pl.DataFrame,
    accounts: pl.DataFrame,
    *,
    judged: Mapping[str, Judged],
    in_use: str | None,
    alerts: Sequence[str],
    drift: Sequence[Row],
    outcome: str,
    authority: str,
    invented: bool,
    nights: int,
    waiting: int,
    mature: date,
    without_list: Sequence[date],
    erased: int,
    looks: Sequence[Row],
) -> str:
    """The page, which needs nothing but itself, names no family and shows no small number.

    Frames are those of :mod:`models.monitoring`, ``looks`` those of :mod:`flows.verdict_history`; see
    :class:`flows.monitoring.Monitored` for the rest.
    """
    told = choose_version(frame, in_use)
    shown = None if told is None else Shown.of(frame.filter(version=told), accounts.filter(version=told))
    missed = judged[in_use].missed if in_use is not None and in_use in judged else ()
    figures = [] if shown is None or told is None else _tell_figures(shown, told, order)
    sections = [
        _tell_versions(judged, in_use, shown if told == in_use else None),
        tell_verdicts(looks),
        *figures,
        _tell_drift(drift),
        _tell_stability(stability),
        _tell_counted(shown, nights, waiting, mature, without_list, erased),
    ]
    return render_board_page(
        "monitoring.html.j2",
        "fairness.css",
        invented=invented,
        authority=authority,
        outcome=outcome,
        in_use=in_use,
        short=in_short(judged, in_use, told),
        alerts=[words for words in alerts if words not in missed],
        sections=sections,
        terms=TERMS,
    )


def _tell_figures(shown: "Shown", version: str, order: pl.DataFrame) -> list[Section]:
    return [
        _tell_months(shown, version),
        _tell_offers(shown),
        _tell_groups(shown),
        _tell_order(order.filter(version=version), shown),
    ]


def choose_version(frame: pl.DataFrame, in_use: str | None) -> str | None:
    """The version that figures are shown of: the one in use, or else the newest with complete outcomes."""
    there = frame["version"].unique().to_list()
    return in_use if in_use in there else max(there, key=int, default=None)


def in_short(judged: Mapping[str, Judged], in_use: str | None, told: str | None) -> list[str]:
    """What a board should take away, one sentence each."""
    if in_use is None:
        lines = ["No model is in use."]
    elif in_use not in judged or told != in_use:
        lines = [
            f"Model version {in_use} is in use. None of its lists is old enough for anybody to know what became of the families, "
            "so there is not enough evidence to say whether its chances hold."
        ]
    else:
        lines = [f"Model version {in_use} is in use, {IN_USE[judged[in_use].verdict]}"]
    if told is not None and told != in_use:
        lines.append(f"The figures below are those of version {told}, whose lists are older.")
    return lines


@dataclass(frozen=True)
class Shown:
    """The figures of one version, in its latest months, as they may be shown together."""

    cells: pl.DataFrame
    accounts: Mapping[str, int]
    release: Release

    @staticmethod
    def of(frame: pl.DataFrame, accounts: pl.DataFrame) -> "Shown":
        """Choose what is hidden of everything on the page that counts the same cases."""
        months = frame.filter(look=MONTH, who=ALL)["value"].sort().tail(YEAR).to_list()
        of_all = pl.col("who") == ALL
        cells = frame.filter((pl.col("look") == TOGETHER) | of_all, (pl.col("look") != MONTH) | pl.col("value").is_in(months))
        latest = accounts.filter(pl.col("month").cast(pl.String).is_in(months))
        reasons = dict(latest.group_by("reason").agg(pl.col("cases").sum()).sort("reason").iter_rows())
        return Shown(cells, reasons, _protect(cells, reasons))

    def lay_out(self, cells: pl.DataFrame, names: Sequence[str], caption: str, first: str) -> Table:
        """A table with a row for each cell."""
        header = (first, "Cases", "Came back", "Expected", "Times", "95 % interval")
        rows = [self._lay_out(cell, name) for cell, name in zip(cells.iter_rows(named=True), names, strict=True)]
        return Table(caption, header, tuple(rows))

    def _lay_out(self, cell: Row, name: str) -> tuple[str, ...]:
        at = name_cell(cell)
        whole = self.is_whole(cell)
        expected = NOTHING if cell["families"] < FEWEST else f"{100 * cell['expected']:.0f} %"
        ends = f"{cell['ratio_low']:.2f} to {cell['ratio_high']:.2f}" if whole and cell["ratio_low"] is not None else HIDDEN
        times = f"{cell['ratio']:.2f}" if whole else HIDDEN
        return (name, self.release.show(at), self.release.percent(at + BACK, at), expected, times, ends)

    def is_whole(self, cell: Row) -> bool:
        """May figures of a cell be given that are finer than a whole per cent?"""
        at = name_cell(cell)
        return self.release.is_whole(at + BACK, at) and cell["families"] >= FEWEST


def name_cell(cell: Row) -> str:
    """The name of a cell among all that are shown together."""
    return f"{cell['look']} {cell['value']} {cell['who']}"


def _protect(cells: pl.DataFrame, reasons: Mapping[str, int]) -> Release:
    counts: dict[str, int] = {}
    sums: list[Sum] = []
    rates: list[Rate] = []
    unprinted: set[str] = set()
    few: set[str] = set()

    def add(name: str, rows: int, back: int) -> None:
        counts.update({name: rows, name + BACK: back, name + REST: rows - back})
        sums.append((name, [name + BACK, name + REST]))
        unprinted.add(name + REST)

    for cell in cells.iter_rows(named=True):
        name = name_cell(cell)
        add(name, cell["rows"], cell["returns"])
        rates.append((name + BACK, name))
        few |= {name} if cell["families"] < FEWEST else set()
    for whole, parts in _find_sums(cells):
        rest = [counts[whole + end] - sum(counts[part + end] for part in parts) for end in ("", BACK)]
        left = [whole + OTHERS + parts[0]] if rest[0] else []
        for name in left:
            add(name, rest[0], rest[1])
            unprinted.update({name, name + BACK})
        sums.extend((whole + end, [part + end for part in (*parts, *left)]) for end in ("", BACK, REST))
    counts |= {f"cases: {reason}": number for reason, number in reasons.items()}
    counts["cases"] = sum(reasons.values())
    sums.append(("cases", [f"cases: {reason}" for reason in reasons]))
    sums.append((f"cases: {COUNTED}", [f"{TOGETHER} {TOGETHER} {ALL}"]))
    return protect(counts, sums, rates, unprinted=unprinted, also=few)


def _find_sums(cells: pl.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """Which cells add up to which: months and groups to all months together, families with and without to all families."""
    for (look, who), part in cells.filter(pl.col("look") != TOGETHER).partition_by("look", "who", as_dict=True).items():
        yield f"{TOGETHER} {TOGETHER} {who}", [f"{look} {value} {who}" for value in part["value"]]
    for look, value, who in cells.filter(pl.col("who") != ALL).select("look", "value", "who").iter_rows():
        yield f"{look} {value} {ALL}", [f"{look} {value} {who}"]


def _tell_versions(judged: Mapping[str, Judged], in_use: str | None, shown: Shown | None) -> Section:
    """The verdicts, and what was found of the version in use where its figures may be shown."""
    rows = tuple(
        (f"Version {version}{' (in use)' if version == in_use else ''}", VERDICTS[found.verdict])
        for version, found in judged.items()
    )
    words = ["Every model that has made a list is looked at for as long as its lists can be held against what happened."]
    together = [] if shown is None else shown.cells.filter(look=TOGETHER, who=ALL).to_dicts()
    if shown is not None and in_use is not None and all(shown.is_whole(cell) for cell in together):
        words += [finding.words for finding in judged[in_use].findings]
    table = Table("", ("Model", "Verdict"), rows)
    return Section("versions", "Do the models keep to what was asked of them?", words, (), [table])


def _tell_months(shown: Shown, version: str) -> Section:
    heading = "Did as many come back as was said?"
    cells = shown.cells.filter(look=MONTH, who=ALL).sort("value")
    whole = [cell for cell in cells.iter_rows(named=True) if shown.is_whole(cell)]
    caption = (
        f"Cases that came back by month of the list, version {version}. Full dot: came back, with its 95 % interval. Broken line "
        "with empty squares: expected."
    )
    pictures = [(draw_months([cell | {"month": cell["value"]} for cell in whole], caption), caption)] if whole else []
    words = [
        "On one night of each month, chosen by lot, every family with a chance counts once. The share that came back is held "
        "against the average chance on that night's list.",
        "Where the interval reaches the broken line, luck alone may explain the distance.",
    ]
    table = shown.lay_out(cells, [_name_month(value) for value in cells["value"]], "By month of the list", "Month")
    return Section("months", heading, words, pictures, [table])


def _tell_offers(shown: Shown) -> Section:
    words = [
        "An offer that helps takes returns away, and then fewer come back than was said. That is what is wanted, and it must not "
        "count against the model. So too few returns count only if there are too few among families without an offer, too. Help "
        "cannot add returns: too many always count.",
        "This is no proof of what offers do: families that are offered something were chosen, and differ from others.",
    ]
    cells = shown.cells.filter(look=TOGETHER)
    names = {ALL: "All families", WITHOUT: "Without an offer", PLACED: "With a place on the list"}
    table = shown.lay_out(cells, [names[who] for who in cells["who"]], f"The latest {YEAR} complete months", "Families")
    return Section("offers", "Is it the same without offers?", words, (), [table])


def _tell_groups(shown: Shown) -> Section:
    heading = "Are the chances true in every group?"
    parts = shown.cells.filter(~pl.col("look").is_in([MONTH, TOGETHER]), who=ALL)
    tables = []
    for part in parts.partition_by("look", maintain_order=True):
        cells = part.filter(pl.col("families") > 0)
        names = [_name_value(value) for value in cells["value"]]
        group = str(part["look"][0])
        tables.append(shown.lay_out(cells, names, f"By {NAMES.get(group, plain(group))}", "Group"))
    words = [
        f"The latest {YEAR} complete months. The intervals are those of each group by itself; the verdict looks at all groups "
        "together, since among many groups some look odd by chance alone.",
        "Sex, ethnicity and disability are never features of the model; they are read for pages such as this alone.",
    ]
    return Section("groups", heading, words, (), tables or [])


def _tell_order(order: pl.DataFrame, shown: Shown) -> Section:
    words = [
        "Of two cases, one of which came back, how often did that one have the higher chance? This is shown and not judged: "
        "where the highest are helped, and do not come back, it falls because of the help.",
    ]
    cells = {(cell["look"], cell["value"]): cell for cell in shown.cells.filter(who=ALL).iter_rows(named=True)}
    rows = []
    for row in order.sort("look", "value", descending=[True, False]).iter_rows(named=True):
        cell = cells.get((row["look"], row["value"]))
        if cell is not None:
            enough = shown.is_whole(cell) and row["auc"] is not None
            told = (f"{100 * row['auc']:.0f}", f"{100 * row['low']:.0f} to {100 * row['high']:.0f}") if enough else (NOTHING, "")
            name = _name_month(row["value"]) if row["look"] == MONTH else f"The latest {YEAR} complete months"
            rows.append((name, *told))
    table = Table("", ("Month", "In 100 pairs", "95 % interval"), tuple(rows))
    return Section("order", "Are the right families still first?", words, (), [table] if rows else [])


def _tell_drift(drift: Sequence[Row]) -> Section:
    words = [
        "If what is recorded changes, a model that learned from older records may go wrong before anybody can know it from "
        "returns. A feature that moved does not make a chance wrong; it is a reason to look.",
        *([str(drift[-1]["words"])] if drift else ["No night has left a record of it."]),
    ]
    rows = tuple((_name_month(f"{row['month']}-01"), f"{row['moved']:,}") for row in drift[-YEAR:])
    table = Table("On the last night of each month", ("Month", "Features that moved"), rows)
    return Section("drift", "Do cases look as they did in training?", words, (), [table] if rows else [])


def _tell_stability(stability: pl.DataFrame) -> Section:
    heading = "Does the list stay the same from week to week?"
    if stability.is_empty():
        return Section("stability", heading, ["There are no two lists a week apart."])
    still, kept, places, new = (int(stability[name].sum()) for name in ("still_open", "kept", "places", "new"))
    words = [
        f"In the latest {number(stability.height, 'week', 'weeks')}, {percent(kept, still)} of the families with a place whose "
        f"case stayed open had it a week later, too. Of the places, {percent(new, places)} were held by a family that had "
        "none the week before. Families also leave because somebody decided about them.",
    ]
    return Section("stability", heading, words)


def _tell_counted(
    shown: Shown | None, nights: int, waiting: int, mature: date, without_list: Sequence[date], erased: int
) -> Section:
    complete = f"Lists up to {in_words(mature)} are complete"
    words = [
        f"{number(nights, 'night', 'nights')} with a list are in the ledger, which was checked whole. {complete}; "
        f"{number(waiting, 'night is', 'nights are')} too recent, and not counted anywhere on this page."
    ]
    if without_list:
        named = ", ".join(_name_month(str(month)) for month in without_list)
        words.append(f"No list was made in: {named}.")
    if erased:
        words.append("Children who were erased since are not counted.")
    if shown is None:
        return Section("counted", "Which cases are counted?", words)
    rows = [(_begin(reason), shown.release.show(f"cases: {reason}")) for reason in shown.accounts]
    rows.append(("All together", shown.release.show("cases")))
    table = Table(f"Cases on the chosen nights of the latest {YEAR} complete months", ("", "Cases"), tuple(rows))
    return Section("counted", "Which cases are counted?", words, (), [table])


def _name_month(first: str) -> str:
    year, month = first.split("-")[:2]
    return f"{MONTHS[int(month) - 1]} {year}"


def _name_value(value: str) -> str:
    return _begin(VALUES.get(value, plain(value)))


def _begin(words: str) -> str:
    return words[0].upper() + words[1:]
