"""The morning list as a workbook: the same families, all the reasons, and room for the team's answer."""

from collections.abc import Sequence
from datetime import datetime, time
from io import BytesIO

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from flows.publish.night_list import (
    SHOWN_REASONS,
    STRENGTH,
    UNKNOWN,
    WHAT_IT_IS,
    WHAT_IT_IS_NOT,
    WORRY,
    NightList,
    after_a_quiet_year,
    by_other_models,
    in_a_range,
    in_ten,
    in_words,
)

DECISIONS = (
    "Offer made: restorative early help",
    "Offer made: Family Group Conference",
    "Other help offered",
    "No offer made",
)
WHY = (
    "Fits what the family needs",
    "Already being helped",
    "Family said no before",
    "Entitled to another offer by law",
    "Not the right time",
    "The data is wrong",
    "Other",
)
ANSWERS = {"Decision": 20, "Reason": 18, "Decided by": 12, "Decided on": 11}
DECIMALS = {"Chance (0 to 1)", "Weight (log-odds)"}
LINE = 14
"""Height of a line of text in points."""


def build_workbook(night: NightList) -> bytes:
    """The workbook as bytes; the same list gives the same bytes.

    Sheets "List" (one row for each case of a listed family; the header is the second row), "Reasons" and "About this
    list". Chances are numbers; text is never read as a formula.
    """
    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": _title(night), "created": datetime.combine(night.as_of, time())})
        text = {"text_wrap": True, "valign": "top", "border": 1, "border_color": "#C9D1D8"}
        answer = text | {"bg_color": "#FFFBE6"}
        formats = {
            "title": book.add_format({"bold": True, "font_size": 12}),
            "header": book.add_format(text | {"bold": True, "bg_color": "#E4EAED"}),
            "text": book.add_format(text),
            "whole": book.add_format(text | {"align": "center"}),
            "decimal": book.add_format(text | {"align": "center", "num_format": "0.00"}),
            "answer": book.add_format(answer),
            "date": book.add_format(answer | {"num_format": "d mmm yyyy"}),
            "bold": book.add_format({"bold": True, "valign": "top"}),
        }
        _write_list(book.add_worksheet("List"), night, formats)
        _write_reasons(book.add_worksheet("Reasons"), night, formats)
        _write_about(book.add_worksheet("About this list"), night, formats)
    return file.getvalue()


def _write_list(sheet: Worksheet, night: NightList, formats: dict[str, Format]) -> None:
    new = night.changes.new if night.changes else ()
    case = ["person_id", "referral_id"]
    words = night.listed_reasons.group_by(case).agg(
        pl.col("words").filter(pl.col("side") == side).head(SHOWN_REASONS).str.join("\n").alias(side)
        for side in (WORRY, STRENGTH, UNKNOWN)
    )
    rows = (
        night.listed_cases.join(words, on=case, how="left", maintain_order="left")
        .with_columns(
            in_words=pl.col("chance").map_elements(in_ten, return_dtype=pl.String),
            note=pl.concat_str(
                pl.when(pl.col("family_id").is_in(new)).then(pl.lit("new")),
                pl.when("tie_band").then(pl.lit("drawn by lot")),
                pl.when("abstained").then(pl.lit("too little is known")),
                pl.col("reason_for_abstaining"),
                separator="; ",
                ignore_nulls=True,
            ),
            family=pl.col("family_id").replace_strict(night.references),
            person=pl.col("person_id").replace_strict(night.references),
        )
        .select(
            pl.col("family_rank").alias("Order"),
            pl.col("family").alias("Family reference"),
            pl.col("person").alias("Child reference"),
            pl.col("chance").alias("Chance (0 to 1)"),
            pl.col("in_words").alias("Chance in words"),
            pl.Series("How sure, and what would change it", _doubts(night), dtype=pl.String),
            pl.col("days_open").alias("Days open"),
            pl.col(WORRY).alias("What we are worried about"),
            pl.col(STRENGTH).alias("What is working well"),
            pl.col(UNKNOWN).alias("Not known"),
            pl.col("note").alias("Note"),
            *(pl.lit(None, pl.String).alias(name) for name in ANSWERS),
            pl.col("family_id").alias("Family id"),
            pl.col("person_id").alias("Child id"),
            pl.col("referral_id").alias("Case id"),
        )
    )
    widths = [7, 11, 11, 9, 11, 26, 7, 36, 36, 18, 16, *ANSWERS.values(), 36, 36, 36]
    _write_table(sheet, night, rows, widths, formats)
    if night.nothing_to_show:
        sheet.write_string(2, 0, night.nothing_to_show)
    decision, by, on = (rows.columns.index(name) for name in ("Decision", "Decided by", "Decided on"))
    last = 1 + max(rows.height, 1)
    sheet.data_validation(2, decision, last, decision, {"validate": "list", "source": list(DECISIONS)})
    sheet.data_validation(2, decision + 1, last, decision + 1, {"validate": "list", "source": list(WHY)})
    day = {
        "validate": "date",
        "criteria": ">=",
        "value": night.as_of,
        "error_message": "Give a day from the list's on.",
    }
    sheet.data_validation(2, on, last, on, day)
    for row in range(2, 2 + rows.height):
        for column in range(decision, by + 1):
            sheet.write_blank(row, column, None, formats["answer"])
        sheet.write_blank(row, on, None, formats["date"])
    sheet.print_area(0, 0, last, on)
    sheet.freeze_panes(2, 2)


def _doubts(night: NightList) -> list[str | None]:
    """A few plain sentences for each listed case: its range, what a quiet year would change, what other models say."""
    found = []
    for case in night.listed_cases.iter_rows(named=True):
        span = in_a_range(case["chance_low"], case["chance_high"])
        sentences = (
            f"The true number may lie {span}." if span else "",
            after_a_quiet_year(case["chance"], case["chance_after_quiet_year"]),
            by_other_models(case["share_of_models"], case["models"]),
        )
        found.append("\n".join(filter(None, sentences)) or None)
    return found


def _write_reasons(sheet: Worksheet, night: NightList, formats: dict[str, Format]) -> None:
    rows = night.listed_reasons.select(
        pl.col("family_id").replace_strict(night.references).alias("Family reference"),
        pl.col("person_id").replace_strict(night.references).alias("Child reference"),
        pl.col("referral_id").replace_strict(night.references).alias("Case reference"),
        pl.col("rank").alias("Place"),
        pl.col("side").alias("Side"),
        pl.col("words").alias("Reason"),
        pl.col("contribution").alias("Weight (log-odds)"),
        pl.col("value").alias("Recorded value"),
        pl.col("feature").alias("Feature"),
        pl.col("group").alias("Group"),
    )
    _write_table(sheet, night, rows, [11, 11, 11, 7, 16, 60, 12, 14, 44, 20], formats)
    sheet.freeze_panes(2, 0)


def _write_about(sheet: Worksheet, night: NightList, formats: dict[str, Format]) -> None:
    lines = [
        *((("What this list is" if n == 0 else ""), text) for n, text in enumerate(WHAT_IT_IS)),
        *((("What it is not" if n == 0 else ""), text) for n, text in enumerate(WHAT_IT_IS_NOT)),
        *night.about(),
    ]
    _set_up_print(sheet, night)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    sheet.write_string(0, 0, _title(night), formats["title"])
    for row, (label, text) in enumerate(lines, start=1):
        sheet.write_string(row, 0, label, formats["bold"])
        sheet.write_string(row, 1, text, formats["text"])
        sheet.set_row(row, LINE * -(-len(text) // 95) + 4)


def _write_table(
    sheet: Worksheet, night: NightList, rows: pl.DataFrame, widths: Sequence[int], formats: dict[str, Format]
) -> None:
    """Title, header and rows of a frame, set up for the screen and for paper."""
    _set_up_print(sheet, night)
    sheet.write_string(0, 0, _title(night), formats["title"])
    sheet.set_row(1, 2 * LINE + 4)
    for place, (column, width) in enumerate(zip(rows.iter_columns(), widths, strict=True)):
        sheet.set_column(place, place, width)
        sheet.write_string(1, place, column.name, formats["header"])
        numeric = column.dtype.is_numeric()
        cell = formats["decimal" if column.name in DECIMALS else "whole" if numeric else "text"]
        write = sheet.write_number if numeric else sheet.write_string
        for row, value in enumerate(column, start=2):
            if value is None:
                sheet.write_blank(row, place, None, cell)
            else:
                write(row, place, value, cell)
    for row, lines in enumerate(_lines(rows, widths), start=2):
        sheet.set_row(row, LINE * lines + 4)
    sheet.autofilter(1, 0, 1 + rows.height, rows.width - 1)
    sheet.repeat_rows(0, 1)


def _lines(rows: pl.DataFrame, widths: Sequence[int]) -> pl.Series:
    """How many lines of text each row needs, since not every reader's program works it out when it opens the file."""
    texts = (
        pl.col(name).str.split("\n").list.eval((pl.element().str.len_chars() / width).ceil()).list.sum()
        for (name, dtype), width in zip(rows.schema.items(), widths, strict=True)
        if dtype == pl.String
    )
    return rows.select(lines=pl.max_horizontal(pl.lit(1.0), *texts))["lines"].cast(pl.Int64)


def _set_up_print(sheet: Worksheet, night: NightList) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.8, bottom=0.7)
    sheet.set_header("&C&B" + "\n".join(night.stamps))
    sheet.set_footer("&LFor the front-door team only. Shred after use.&RPage &P of &N")


def _title(night: NightList) -> str:
    return ". ".join((f"Morning list, {night.authority}, {in_words(night.as_of)}", *night.stamps))
