"""A workbook that came back from a team, read as it was found: nothing is filled in, and case numbers are not read at all."""

import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import fastexcel
import polars as pl

from flows.publish.workbook import FAMILIES, HEADER_ROW, SHEETS
from flows.publish.workbook_rows import CASE_NUMBERS, COLUMNS
from validation.errors import ContractError

LARGEST = 200_000_000
"""Bytes of all parts, unpacked: a list of a thousand families has a few million."""

_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"
_CASE_NUMBERS_PLACE = COLUMNS.index("Family reference") + 1


def read_answers(path: Path) -> pl.DataFrame:
    """The sheet "Families" as text, one row for each row that holds anything: ``row`` (its number on the sheet) and ``COLUMNS``.

    A day is text too: in ISO form where the cell held a date, else as it was typed. The identified copy's column of case
    numbers is left unread. Raises :class:`ContractError` (exit 11) with all faults together when it is no workbook of this
    shape.
    """
    _require_workbook(path)
    try:
        book = fastexcel.read_excel(path)
        names = list(book.sheet_names)
        header = _load(book, None, HEADER_ROW + 1).rows()[-1:] if FAMILIES in names else []
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError):
        raise _damaged(path) from None
    found = [(name or "").strip() for name in header[0]] if header else []
    while found and not found[-1]:
        found.pop()
    identified = found[_CASE_NUMBERS_PLACE : _CASE_NUMBERS_PLACE + 1] == [CASE_NUMBERS]
    expected = [*COLUMNS[:_CASE_NUMBERS_PLACE], *[CASE_NUMBERS] * identified, *COLUMNS[_CASE_NUMBERS_PLACE:]]
    faults = _compare("sheet", names, SHEETS)
    if FAMILIES in names:
        faults += _compare("column", found, expected)
    if faults:
        raise refuse(path.name, faults)
    wanted = [place for place, name in enumerate(expected) if name != CASE_NUMBERS]
    try:
        cells = _load(book, wanted, None)
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError):
        raise _damaged(path) from None
    cells.columns = list(COLUMNS)
    return (
        cells.with_columns(pl.all().str.strip_chars().replace("", None))
        .with_row_index("row", offset=1)
        .with_columns(pl.col("row").cast(pl.Int64))
        .slice(HEADER_ROW + 1)
        .filter(pl.any_horizontal(pl.col(COLUMNS).is_not_null()))
    )


def refuse(name: str, faults: Sequence[str]) -> ContractError:
    """One error that tells of all faults of a workbook, each a sentence on a line of its own."""
    return ContractError(
        f"The workbook '{name}' was not taken in, and nothing of it was kept. Put this right and send it again:\n"
        + "\n".join(f"- {fault}" for fault in faults)
    )


def _load(book: fastexcel.ExcelReader, columns: list[int] | None, rows: int | None) -> pl.DataFrame:
    """Cells of the sheet from its first row on, as text; fewer columns than asked for are a damaged file."""
    sheet = book.load_sheet(FAMILIES, header_row=None, skip_rows=0, n_rows=rows, use_columns=columns, dtypes="string")
    return sheet.to_polars()


def _require_workbook(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise refuse(path.name, [f"The file cannot be opened ({type(error).__name__}): give a file that is there."]) from None
    if start == _OLD_OR_LOCKED:
        raise refuse(
            path.name,
            ["It has a password, or is of the old kind .xls: take the password off, and save it as an Excel workbook (.xlsx)."],
        )
    try:
        with zipfile.ZipFile(path) as parts:
            is_workbook = "xl/workbook.xml" in parts.namelist()
            large = sum(part.file_size for part in parts.infolist()) > LARGEST
    except (zipfile.BadZipFile, OSError):
        is_workbook, large = False, False
    if not is_workbook:
        raise refuse(
            path.name, ["It is no Excel workbook: save the list's own workbook as .xlsx, not as .ods, .csv or anything else."]
        )
    if large:
        raise refuse(path.name, ["It is far too large for a list: start from the list's own workbook."])


def _damaged(path: Path) -> ContractError:
    return refuse(path.name, ["It is damaged and cannot be read: copy your answers into a fresh copy of the list's workbook."])


def _compare(what: str, found: Sequence[str], expected: Sequence[str]) -> list[str]:
    """What is wrong with the names of sheets or columns. Names that are not ours are counted, not told: they may say anything."""
    here, lost = Counter(found), [name for name in expected if name not in found]
    faults = [f"The {what} '{name}' is missing or has another name: give it back its name and its place." for name in lost]
    faults += [
        f"The {what} '{name}' stands there {here[name]} times: keep the one that came with the list."
        for name in expected
        if here[name] > 1
    ]
    more = sum(count for name, count in here.items() if name not in expected)
    if more > len(lost):
        faults.append(f"There are {what}s that the list does not have ({more - len(lost)}): delete what was added.")
    if not faults and list(found) != list(expected):
        faults.append(f"The {what}s are in another order: put them back into the order of the list.")
    return faults
