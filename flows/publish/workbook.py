"""The morning list as a workbook: the same families, their children and all the reasons, and room for the team's answers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from io import BytesIO
from typing import Any

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from flows.publish.chance_words import in_words
from flows.publish.night_list import WHAT_IT_IS, WHAT_IT_IS_NOT, NightList
from flows.publish.workbook_guide import Guide, write_guide
from flows.publish.workbook_rows import ANSWERS, BY_LAW, CASE_NUMBERS, KEYS, TOLD, child_rows, clean, family_rows, reason_rows

SHEETS = FAMILIES, CHILDREN, REASONS, GUIDE, ABOUT = ("Families", "Children", "Reasons", "Guide", "About this list")
HEADER_ROW = 1
"""Row of the column names on the first three sheets, counted from 0; above it stands the title."""

DECIMALS = {"Chance (0 to 1)"}
CASE_NUMBER_WIDTH = 12
LINE = 14
"""Height of a line of text in points."""

TALLEST = 409
"""Points; no row can be taller."""

CHILD_WIDTHS = [11, 11, 9, 10, 12, 24, 7, 16, 17, 15, 34, 30, 19, 22]
REASON_WIDTHS = [11, 11, 16, 60, 14, 12, 24]

LABEL_WIDTH, TEXT_WIDTH = 34, 100

ALLOWED = {"autofilter": True, "format_columns": True, "format_rows": True}

Formats = Mapping[str, Format]


def build_workbook(night: NightList, case_numbers: Mapping[str, str] | None = None) -> bytes:
    """The workbook as bytes; the same list gives the same bytes.

    Sheets "Families" (one row for each family that is shown; the header is the second row), "Children", "Reasons", "Guide" and
    "About this list". Only the answer cells of "Families" can be changed; the protection has no password and keeps from slips
    alone. Text is never read as a formula or a link. ``case_numbers`` (by person id, of every child that is shown) makes the
    identified copy, which has one column more.
    """
    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    guide = write_guide(night)
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": _title(night), "created": datetime.combine(night.as_of, time())})
        formats = _formats(book)
        sheets = {name: book.add_worksheet(name) for name in SHEETS}
        _write_families(sheets[FAMILIES], night, family_rows(night, case_numbers), guide, formats)
        _write_table(
            sheets[CHILDREN], night, child_rows(night, case_numbers), _with_case_number(CHILD_WIDTHS, case_numbers), formats
        )
        _write_table(sheets[REASONS], night, reason_rows(night), REASON_WIDTHS, formats)
        _write_guide(sheets[GUIDE], night, guide, formats)
        _write_about(sheets[ABOUT], night, formats)
        for name, sheet in sheets.items():
            _set_up_print(sheet, night, identified=case_numbers is not None and name in (FAMILIES, CHILDREN))
            if name != FAMILIES:
                sheet.fit_to_pages(1, 0)
            sheet.protect("", ALLOWED)
    return file.getvalue()


def _formats(book: xlsxwriter.Workbook) -> Formats:
    text: dict[str, Any] = {"text_wrap": True, "valign": "top", "border": 1, "border_color": "#C9D1D8"}
    answer = text | {"bg_color": "#FFFBE6", "locked": False}
    return {
        "title": book.add_format({"bold": True, "font_size": 12}),
        "heading": book.add_format({"bold": True, "font_size": 12, "valign": "bottom"}),
        "header": book.add_format(text | {"bold": True, "bg_color": "#E4EAED"}),
        "text": book.add_format(text),
        "strong": book.add_format(text | {"bold": True}),
        "apart": book.add_format(text | {"italic": True, "bg_color": "#F4F6F7"}),
        "whole": book.add_format(text | {"align": "center"}),
        "decimal": book.add_format(text | {"align": "center", "num_format": "0.00"}),
        "answer": book.add_format(answer),
        "date": book.add_format(answer | {"num_format": "dd/mm/yyyy"}),
        "bold": book.add_format({"bold": True, "valign": "top", "text_wrap": True}),
    }


def _write_families(sheet: Worksheet, night: NightList, rows: pl.DataFrame, guide: Guide, formats: Formats) -> None:
    widths = {**TOLD, CASE_NUMBERS: CASE_NUMBER_WIDTH, **ANSWERS, **dict.fromkeys(KEYS, 12)}
    # A row for an offer by law looks different and says so in words: it stands at the end, and no order is meant.
    apart = (rows["What to offer"] == BY_LAW).to_list()
    cell: Callable[[str, int], str] = lambda name, row: (  # noqa: E731
        "date" if name == "Decided on" else "answer" if name in ANSWERS else "apart" if apart[row] else "text"
    )
    _write_table(sheet, night, rows, [widths[name] for name in rows.columns], formats, cell)
    if night.nothing_to_show and rows.is_empty():
        sheet.write_string(HEADER_ROW + 1, 0, night.nothing_to_show)
    place = {name: n for n, name in enumerate(rows.columns)}
    first, last = HEADER_ROW + 1, HEADER_ROW + max(rows.height, 1)
    for name, (top, bottom) in guide.rows().items():
        sheet.data_validation(
            first,
            place[name],
            last,
            place[name],
            {
                "validate": "list",
                "source": f"={GUIDE}!$A${top + 2}:$A${bottom + 2}",  # from 1, below the title
                "error_title": name,
                "error_message": f'Choose from the list in the cell. The sheet "{GUIDE}" says what each means.',
            },
        )
    day = {
        "validate": "date",
        "criteria": "between",
        "minimum": night.as_of,
        "maximum": "=TODAY()",
        "error_title": "Decided on",
        "error_message": f"Give the day as day/month/year. It lies between {night.as_of:%d/%m/%Y} and today.",
    }
    sheet.data_validation(first, place["Decided on"], last, place["Decided on"], day)
    sheet.set_column(place[KEYS[0]], place[KEYS[-1]], 12, None, {"hidden": True})
    sheet.print_area(0, 0, last, place["Decided on"])
    # On paper the answers follow on a page of their own beside the reference: on one page the words would be too small to read.
    sheet.set_print_scale(56 if CASE_NUMBERS in place else 60)
    sheet.set_v_pagebreaks([place["Decision"]])
    sheet.repeat_columns(0, place["Family reference"])
    sheet.print_across()
    sheet.freeze_panes(HEADER_ROW + 1, place["Family reference"] + 1)


def _write_guide(sheet: Worksheet, night: NightList, guide: Guide, formats: Formats) -> None:
    lines = [(label, text, "heading" if heading else "strong") for label, text, heading in guide.lines()]
    _write_lines(sheet, _title(night), lines, formats)


def _write_about(sheet: Worksheet, night: NightList, formats: Formats) -> None:
    lines = [
        *((("What this list is" if n == 0 else ""), text) for n, text in enumerate(WHAT_IT_IS)),
        *((("What it is not" if n == 0 else ""), text) for n, text in enumerate(WHAT_IT_IS_NOT)),
        *night.about(),
    ]
    _write_lines(sheet, _title(night), [(label, text, "strong") for label, text in lines], formats)


def _write_lines(sheet: Worksheet, title: str, lines: Sequence[tuple[str, str, str]], formats: Formats) -> None:
    """A title, and lines of a label (in one of the formats) and a text."""
    sheet.set_column(0, 0, LABEL_WIDTH)
    sheet.set_column(1, 1, TEXT_WIDTH)
    sheet.write_string(0, 0, title, formats["title"])
    for row, (label, text, style) in enumerate(lines, start=1):
        sheet.write_string(row, 0, label, formats[style])
        if style == "heading":
            sheet.set_row(row, 2 * LINE + 4)
            continue
        sheet.write_string(row, 1, text, formats["text"])
        sheet.set_row(row, LINE * max(-(-len(text) // (TEXT_WIDTH - 5)), -(-len(label) // (LABEL_WIDTH - 4))) + 4)


def _write_table(
    sheet: Worksheet,
    night: NightList,
    rows: pl.DataFrame,
    widths: Sequence[int],
    formats: Formats,
    cell: Callable[[str, int], str] | None = None,
) -> None:
    """Title, header and rows of a frame; ``cell`` names the format of a column's text in a row."""
    sheet.write_string(0, 0, _title(night), formats["title"])
    sheet.set_row(HEADER_ROW, 2 * LINE + 4)
    for place, (column, width) in enumerate(zip(rows.iter_columns(), widths, strict=True)):
        sheet.set_column(place, place, width)
        sheet.write_string(HEADER_ROW, place, column.name, formats["header"])
        numeric = column.dtype.is_numeric()
        write = sheet.write_number if numeric else sheet.write_string
        style = "decimal" if column.name in DECIMALS else "whole" if numeric else "text"
        for row, value in enumerate(column):
            shape = formats[cell(column.name, row) if cell else style]
            if value is None:
                sheet.write_blank(HEADER_ROW + 1 + row, place, None, shape)
            else:
                write(HEADER_ROW + 1 + row, place, value, shape)
    for row, lines in enumerate(_lines(rows, widths), start=HEADER_ROW + 1):
        sheet.set_row(row, min(TALLEST, LINE * lines + 4))
    sheet.autofilter(HEADER_ROW, 0, HEADER_ROW + rows.height, rows.width - 1)
    sheet.repeat_rows(0, HEADER_ROW)
    sheet.freeze_panes(HEADER_ROW + 1, 0)


def _lines(rows: pl.DataFrame, widths: Sequence[int]) -> pl.Series:
    """How many lines of text each row needs, since not every reader's program works it out when it opens the file."""
    texts = (
        pl.col(name).str.split("\n").list.eval((pl.element().str.len_chars() / width).ceil()).list.sum()
        for (name, dtype), width in zip(rows.schema.items(), widths, strict=True)
        if dtype == pl.String and name not in KEYS
    )
    return rows.select(lines=pl.max_horizontal(pl.lit(1.0), *texts))["lines"].cast(pl.Int64)


def _set_up_print(sheet: Worksheet, night: NightList, *, identified: bool) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.set_margins(left=0.4, right=0.4, top=0.8, bottom=0.7)
    sheet.set_header("&C&B" + "\n".join(night.stamps))
    named = "Holds case numbers: keep inside the council. " * identified
    sheet.set_footer(f"&L{named}For the front-door team only. Shred after use.&RPage &P of &N")


def _with_case_number(widths: list[int], case_numbers: Mapping[str, str] | None) -> list[int]:
    return widths if case_numbers is None else [*widths[:2], CASE_NUMBER_WIDTH, *widths[2:]]


def _title(night: NightList) -> str:
    return ". ".join((f"Morning list, {clean(night.authority)}, {in_words(night.as_of)}", *night.stamps))
