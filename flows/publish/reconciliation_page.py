"""Our own figures beside the published return, for the board: what differs first, in plain English."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from flows.publish.board_page import render_board_page
from flows.publish.chance_words import in_words, number
from flows.publish.tables import Section, Table
from validation.disclosure import FEWEST, HIDDEN, Release, Sum, protect
from validation.returns.comparison import ALLOWED, ALLOWED_SHARE, Verdict, count_verdicts
from validation.returns.measures import ALL, MEASURES, NOT_HELD, SUMS, Breakdown, Measure
from validation.returns.published import SIGNS

HEADER = ("", "Ours", "Published", "Difference", "Allowed", "")
TOO_SMALL = "too small to show"
GROUPS: Mapping[str, str] = {
    "C1": "Referrals and referrals that came again",
    "C2": "Assessments completed",
    "C3": "Factors found in assessments",
    "C4": "Section 47 enquiries and initial child protection conferences",
    "C5": "Who referred",
    "C6": "Months of the referrals",
    "B1": "Children in need",
    "B2": "Children in need with a disability",
    "B3": "Primary need",
    "B4": "How long children had been in need on 31 March",
    "B5": "How long children had been in need when it ended",
    "B6": "Why cases were closed",
    "A7": "Age, sex and ethnic group of children in need",
    "D1": "Child protection plans",
    "D2": "Category of abuse of the plans that began",
    "D3": "Second and later child protection plans",
    "D4": "Category of abuse of the plans on 31 March",
    "D5": "How long plans on 31 March had lasted",
    "D7": "How long plans that ended had lasted",
}
"""Tables of the Department in the order of the page, each with what it tells."""
TERMS: Mapping[str, str] = {
    "Published": "the figure that the Department for Education has published for the council, as it stands in a file of the "
    "council's.",
    "Ours": "the same figure, counted from the records that the morning list is made from.",
    "Allowed": f"how far apart the two may be: {ALLOWED}, or {100 * ALLOWED_SHARE:.0f} % of the published figure where that is "
    "more, unless the file names another number. Records are written late, corrected and merged after a return was sent.",
    "Table": "the letter and number of the table in the Department's publication \u201cChildren in need\u201d.",
    HIDDEN: f"a count of 1 to {FEWEST - 1}, or one from which such a count could be worked out.",
}


@dataclass(frozen=True)
class Reconciled:
    """What ``compare_return`` found of a year, and whose records, as known in the extract of which day."""

    year: int
    authority: str
    invented: bool
    extract_date: date
    compared: pl.DataFrame


def render_reconciliation(told: Reconciled) -> str:
    """The page, which needs nothing but itself. It shows no small number of our own."""
    shown = let_out(told.compared)
    return render_board_page(
        "reconciliation.html.j2",
        "reconciliation.css",
        invented=told.invented,
        authority=told.authority,
        year=told.year,
        extract_day=in_words(told.extract_date),
        short=in_short(told.compared, told.year, shown),
        sections=find_sections(told.compared, shown),
        terms=TERMS,
    )


def let_out(compared: pl.DataFrame) -> Release:
    """Which of our own counts may be shown: none of 1 to 5, nor one from which, with all that adds up, one could be worked out.

    Where the Department hides a figure ours is hidden, too. Lines that are not in the return are not shown.
    """
    counts = {_cell(*line): count for *line, count in compared.select("measure", "breakdown", "value_code", "count").iter_rows()
              if count is not None}  # fmt: skip
    shown = compared.filter(pl.col("published").is_not_null()).select("measure", "breakdown", "value_code")
    printed = {_cell(*line) for line in shown.iter_rows()}
    sums: list[Sum] = []
    for whole, parts in _find_sums():
        known = [part for part in parts if part in counts]
        if whole in counts and known:
            rest, left = f"{whole}, but not {parts[0]}", counts[whole] - sum(counts[part] for part in known)
            counts |= {rest: left} if left else {}  # where nothing is left a reader may know it
            sums.append((whole, [*known, *([rest] if left else [])]))
    return protect(counts, sums, unprinted=set(counts) - printed)


def _find_sums() -> Iterator[tuple[str, list[str]]]:
    """What adds up to what: measures, parts of a measure by each breakdown of which a row has one value, shares of a measure."""
    for whole, parts in SUMS.items():
        yield _cell(whole), [_cell(part) for part in parts]
    for measure in MEASURES.values():
        if measure.of and measure.name not in SUMS.get(measure.of, ()):
            yield _cell(measure.of), [_cell(measure.name)]
        for part in measure.breakdowns:
            if not part.many:
                yield _cell(measure.name), [_cell(measure.name, part.name, code) for code in part.codes]


def _cell(measure: str, breakdown: str = ALL, code: str = ALL) -> str:
    return f"{measure}/{breakdown}/{code}"


def say_in_short(compared: pl.DataFrame, year: int) -> str:
    """How many figures agree, differ and cannot be compared, in one sentence."""
    counts = count_verdicts(compared)
    agree, differ, rest = (counts[name] for name in (Verdict.AGREES, Verdict.DIFFERS, Verdict.NOT_COMPARED))
    differs = "differs" if differ == 1 else "differ"
    return (
        f"Of the {number(agree + differ, 'figure', 'figures')} of the year to 31 March {year} that can be compared, {agree} "
        f"agree with the published return and {differ} {differs} by more than is allowed; {rest} cannot be compared."
    )


def in_short(compared: pl.DataFrame, year: int, release: Release) -> list[str]:
    """What a board should take away, one sentence each."""
    compared = compared.filter(pl.col("verdict") != Verdict.NOT_IN_RETURN.value)
    hidden = pl.Series([_is_hidden(row, release) for row in compared.iter_rows(named=True)]) & compared["published"].is_not_null()
    lines = [say_in_short(compared.filter(~hidden), year)]
    if compared.filter(~hidden, verdict=Verdict.DIFFERS.value).height:
        lines.append(
            "A figure that differs is wrong on one of the two sides. Until it is known on which, what this system says about "
            "such cases rests on records that may be wrong."
        )
    else:
        lines.append("The records behind the morning list tell the same story as the published statistics.")
    if hidden.any():
        lines.append(f"Figures of our own that are too small to be shown, and not counted here: {hidden.sum()}.")
    return lines


def find_sections(compared: pl.DataFrame, release: Release) -> list[Section]:
    """Every section of the page: what differs, what cannot be compared, and every table of the Department."""
    return [_tell_differing(compared, release), *_tell_tables(compared, release), _tell_not_compared(compared)]


def _tell_differing(compared: pl.DataFrame, release: Release) -> Section:
    differing = [
        row for row in compared.filter(verdict=Verdict.DIFFERS.value).iter_rows(named=True) if not _is_hidden(row, release)
    ]
    if not differing:
        return Section("differing", "What differs?", ["Nothing that may be shown differs by more than is allowed."])
    words = [
        "These figures are further apart than late or corrected records explain. The first question is whether all records of "
        "the year reached us; the next, whether a decision or a date is recorded otherwise than the return counts it.",
    ]
    differing.sort(key=lambda row: -abs(row["difference"]) / max(row["published"], 1))
    rows = tuple((_say_line(row), *_show(row, release)[:-1], _table_of(row)) for row in differing)
    return Section("differing", "What differs?", words, (), [Table("", (*HEADER[:-1], "Table"), rows)])


def _tell_tables(compared: pl.DataFrame, release: Release) -> list[Section]:
    given = [row for row in compared.iter_rows(named=True) if row["verdict"] != Verdict.NOT_IN_RETURN]
    sections = []
    for table, heading in GROUPS.items():
        lines = [row for row in given if _table_of(row) == table]
        if lines:
            figures = Table("", HEADER, tuple((_say_line(row, short=True), *_show(row, release)) for row in lines))
            defined = Table("What is counted", ("", ""), tuple(dict.fromkeys(_define(row) for row in lines)))
            words = [_count(lines, release)]
            sections.append(Section(table.lower(), f"{heading} (table {table})", words, behind=[figures, defined]))
    return sections


def _tell_not_compared(compared: pl.DataFrame) -> Section:
    rows = compared.filter(verdict=Verdict.NOT_COMPARED.value).select("measure", "breakdown", "why").unique(maintain_order=True)
    figures: dict[str, list[str]] = {}
    for measure, breakdown, why in rows.iter_rows():
        figures.setdefault(why[0].upper() + why[1:], []).append(_say_measure(measure, breakdown))
    reasons = tuple((why, "; ".join(names)) for why, names in figures.items())
    words = ["A figure that cannot be compared is not a figure that agrees."]
    held = tuple((f"Table {table}", f"{why[0].upper()}{why[1:]}") for table, why in NOT_HELD.items())
    tables = [Table("Figures of the return", ("Why", "Figures"), reasons), Table("Never computed here", ("", "Why"), held)]
    return Section("not-compared", "What cannot be compared, and why?", words, (), tables)


def _show(row: Mapping[str, object], release: Release) -> tuple[str, str, str, str, str]:
    """Ours, published, difference, allowed and verdict of a line."""
    published = f"{row['published']:,}" if row["published"] is not None else str(row["sign"])
    if row["count"] is None:
        return "not supplied", published, "", "", str(row["verdict"])
    if row["published"] is None:
        return HIDDEN if row["sign"] == HIDDEN else "", published, "", "", SIGNS[str(row["sign"])]
    if _is_hidden(row, release):
        return HIDDEN, published, "", "", TOO_SMALL
    return (
        f"{row['count']:,}",
        published,
        f"{row['difference']:+,}" if row["difference"] else "0",
        f"{row['allowed']:,}",
        str(row["verdict"]),
    )


def _is_hidden(row: Mapping[str, object], release: Release) -> bool:
    return _cell(str(row["measure"]), str(row["breakdown"]), str(row["value_code"])) in release.hidden


def _parts(row: Mapping[str, object]) -> tuple[Measure, Breakdown | None]:
    measure = MEASURES[str(row["measure"])]
    return measure, next((part for part in measure.breakdowns if part.name == row["breakdown"]), None)


def _table_of(row: Mapping[str, object]) -> str:
    measure, part = _parts(row)
    return part.table if part else measure.table


def _define(row: Mapping[str, object]) -> tuple[str, str]:
    measure, part = _parts(row)
    return measure.words, f"By {part.words}." if part else measure.definition


def _count(rows: Sequence[Mapping[str, object]], release: Release) -> str:
    """How many figures of a table agree, differ, and are not shown or compared."""
    shown = Counter(_show(row, release)[-1] for row in rows)
    agree, differ = shown[Verdict.AGREES], shown[Verdict.DIFFERS]
    rest = len(rows) - agree - differ
    parts = [f"{agree} of {number(len(rows), 'figure', 'figures')} agree"]
    parts += [f"{number(differ, 'differs', 'differ')}"] if differ else []
    parts += [f"{number(rest, 'is', 'are')} too small or cannot be compared"] if rest else []
    return f"{' and '.join(', '.join(parts).rsplit(', ', 1))}."


def _say_line(row: Mapping[str, object], *, short: bool = False) -> str:
    measure, part = _parts(row)
    if part is None:
        return measure.words
    words = part.codes[str(row["value_code"])]
    return words[0].upper() + words[1:] if short else f"{measure.words}: {words}"


def _say_measure(name: str, breakdown: str) -> str:
    measure, part = _parts({"measure": name, "breakdown": breakdown})
    return f"{measure.words}, some by {part.words}" if part else measure.words
