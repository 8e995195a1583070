"""A workbook as a team sends it back: filled in, damaged, and saved by another program than ours."""

from datetime import date
from pathlib import Path

import fastexcel
import pytest
import xlsxwriter

from flows.decisions import import_decisions
from flows.publish.night_list import NightList
from flows.publish.published import write_night
from flows.publish.workbook import build_workbook
from tests.unit.night_example import NIGHT, pseudonym
from validation.errors import ContractError

TODAY = date(2026, 11, 26)
NAMES = ("ash", "birch", "cedar", "elm", "fir", "hazel")  # families of the workbook, in its order
ROWS = {name: n for n, name in enumerate(NAMES, start=2)}  # counted from 0; on the sheet from 1
NUMBERS = {pseudonym(f"{name}{n}"): f"CASE-{name}{n}" for name in NAMES for n in (0, 1)}
OFFERED = ("Offered", "Family Group Conference", "Fits what the family needs", "Social worker", "25/11/2026")
KEPT = ("Keep on the list", None, "Not the right time", "Front-door manager", "2026-11-26")


class Book:
    """A workbook as a grid of text for each sheet, to be filled in, damaged, and saved by another program than ours."""

    def __init__(self, content: bytes):
        read = fastexcel.read_excel(content)
        self.sheets = {name: self._grid(read, name) for name in read.sheet_names}

    @staticmethod
    def _grid(read: fastexcel.ExcelReader, name: str) -> list[list[str | None]]:
        return [list(row) for row in read.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars().rows()]

    @property
    def families(self) -> list[list[str | None]]:
        return self.sheets["Families"]

    def column(self, name: str) -> int:
        return self.families[1].index(name)

    def put(self, family: str, column: str, value: str | None) -> None:
        self.families[ROWS[family]][self.column(column)] = value

    def decide(self, family: str, *answers: str | None) -> "Book":
        for column, answer in zip(("Decision", "Offer", "Reason", "Role", "Decided on"), answers, strict=True):
            self.put(family, column, answer)
        return self

    def move_column(self, name: str, to: int) -> None:
        place = self.column(name)
        for row in self.families:
            row.insert(to, row.pop(place))

    def save(self, path: Path) -> Path:
        with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
            for name, grid in self.sheets.items():
                sheet = book.add_worksheet(name)
                for row, cells in enumerate(grid):
                    for place, value in enumerate(cells):
                        if value is not None:
                            sheet.write_string(row, place, value)
        return path


def publish(root: Path, night: NightList = NIGHT) -> Path:
    """The night's folder in a workspace, as the nightly run leaves it."""
    folder = root / "nights" / night.as_of.isoformat()
    write_night(night, folder)
    (folder / "list.xlsx").write_bytes(build_workbook(night))
    return folder


def blank(night: NightList = NIGHT, **numbers: str) -> Book:
    return Book(build_workbook(night, numbers or None))


def filled() -> Book:
    return blank().decide("ash", *OFFERED).decide("fir", *KEPT)


def refused(root: Path, file: Path, today: date = TODAY) -> list[str]:
    """The sentences with which a file is refused; nothing of it may be kept."""
    before = {path: path.read_bytes() for path in (root / "decisions").glob("*")}
    with pytest.raises(ContractError) as refusal:
        import_decisions(root, file, today)
    assert {path: path.read_bytes() for path in (root / "decisions").glob("*")} == before
    first, *faults = str(refusal.value).split("\n- ")
    assert first.startswith(f"The workbook '{file.name}' was not taken in, and nothing of it was kept.")
    for name in NAMES:
        assert pseudonym(name) not in str(refusal.value)
    return faults


def label(name: str) -> str:
    return f"{ROWS[name] + 1} ({pseudonym(name)[:8]})"
