"""The workbook in a team's own program: LibreOffice opens it without loss, and what is filled in there comes back whole."""

import csv
import subprocess
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl
import pytest

from flows.decisions import import_decisions, read_decisions
from flows.publish.published import write_night
from flows.publish.workbook import build_workbook
from flows.publish.workbook_answers import read_answers
from flows.publish.workbook_rows import ANSWERS as CELLS
from flows.publish.workbook_rows import COLUMNS
from flows.workspace import Workspace
from tests.unit.night_example import AS_OF, NIGHT, pseudonym
from validation.errors import ContractError

pytestmark = pytest.mark.browser

NUMBERS = {pseudonym(f"{name}{n}"): f"00{n}-{name}" for name in ("ash", "birch", "cedar", "elm", "fir", "hazel") for n in (0, 1)}
ANSWERS = {  # by row of the sheet, counted from 0
    2: ("Offered", "Family Group Conference", "Fits what the family needs", "Social worker", date(2026, 11, 25)),
    4: ("Declined", "Restorative early help", "The family does not want to be asked again", "Early help coordinator", AS_OF),
    6: ("Keep on the list", None, "Not the right time", "Front-door manager", date(2026, 11, 26)),
    7: ("Statutory route", None, "Entitled to another offer by law", "Other", date(2026, 11, 25)),
}
MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">{}
</script:module>
"""

Office = Callable[[Sequence[str | Path]], None]


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "profile"


@pytest.fixture
def office(installed: Callable[..., str], profile: Path) -> Office:
    """LibreOffice without a window, with a profile of its own."""
    program = installed("soffice", "libreoffice")

    def run(arguments: Sequence[str | Path]) -> None:
        subprocess.run(
            [program, "--headless", "--norestore", f"-env:UserInstallation={profile.as_uri()}", *arguments],
            check=True,
            capture_output=True,
            timeout=180,
        )

    return run


def fill_in(office: Office, profile: Path, file: Path, out: Path, lines: Sequence[str]) -> None:
    """Open a workbook in LibreOffice, do ``lines`` (Basic, with ``sheet``) on its first sheet, and save it as a workbook."""
    basic = "\n".join(
        [
            "Sub Fill",
            "Dim hidden(0) As New com.sun.star.beans.PropertyValue",
            "Dim form(0) As New com.sun.star.beans.PropertyValue",
            'hidden(0).Name = "Hidden" : hidden(0).Value = True',
            'form(0).Name = "FilterName" : form(0).Value = "Calc MS Excel 2007 XML"',
            f'book = StarDesktop.loadComponentFromURL("{file.as_uri()}", "_blank", 0, hidden())',
            "sheet = book.Sheets.getByIndex(0)",
            *lines,
            f'book.storeToURL("{out.as_uri()}", form())',
            "book.close(True)",
            "StarDesktop.terminate()",
            "End Sub",
        ]
    )
    office(["--terminate_after_init"])  # the first start makes the profile, with an empty module of this name
    module = profile / "user" / "basic" / "Standard" / "Module1.xba"
    assert module.exists()
    module.write_text(MODULE.format(escape(basic)))
    office(["macro:///Standard.Module1.Fill"])
    assert out.exists()


def type_in(columns: Sequence[str]) -> list[str]:
    """Basic that types the answers as a person does: words, and days that the cell makes dates of."""
    first = list(columns).index("Decision")
    return [
        f"sheet.getCellByPosition({first + place}, {row})."
        + (f"Value = CDbl(DateSerial({answer:%Y, %m, %d}))" if isinstance(answer, date) else f'String = "{answer}"')
        for row, answers in ANSWERS.items()
        for place, answer in enumerate(answers)
        if answer is not None
    ]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a published night."""
    workspace = Workspace(tmp_path / "workspace")
    folder = workspace.night(AS_OF)
    write_night(NIGHT, folder)
    (folder / "list.xlsx").write_bytes(build_workbook(NIGHT))
    return workspace


@pytest.mark.parametrize("copy", ["the list", "the identified copy"])
def test_what_is_filled_in_comes_back_and_nothing_else(
    office: Office, profile: Path, workspace: Workspace, tmp_path: Path, copy: str
) -> None:
    file, back = tmp_path / "list.xlsx", tmp_path / "filled.xlsx"
    identified = copy == "the identified copy"
    file.write_bytes(build_workbook(NIGHT, NUMBERS if identified else None))
    fill_in(office, profile, file, back, type_in([*COLUMNS[:2], *["Case numbers"] * identified, *COLUMNS[2:]]))
    import_decisions(workspace.root, back, date(2026, 11, 26))
    log = read_decisions(workspace).select("family_id", "decision", "kind", "reason", "role", "decided_on")
    codes = {None: None, "Family Group Conference": "FGC", "Restorative early help": "EH"}
    expected = {
        pseudonym(name): (decision.lower(), codes[kind], reason, role, day)
        for name, (decision, kind, reason, role, day) in zip(("ash", "cedar", "fir", "hazel"), ANSWERS.values(), strict=True)
    }
    assert {family: tuple(answer) for family, *answer in log.iter_rows()} == expected


def test_libreoffice_keeps_all_cells_but_the_answers_from_being_changed(
    office: Office, profile: Path, workspace: Workspace, tmp_path: Path
) -> None:
    told = tmp_path / "told.txt"
    lines = [
        f'Open "{told}" For Output As #1',
        "Print #1, sheet.isProtected()",
        *(f"Print #1, sheet.getCellByPosition({place}, 2).CellProtection.IsLocked" for place in range(len(COLUMNS))),
        "Close #1",
    ]
    fill_in(office, profile, workspace.night(AS_OF) / "list.xlsx", tmp_path / "back.xlsx", lines)
    protected, *locked = told.read_text().split()
    assert protected == "True"
    assert [name for name, is_locked in zip(COLUMNS, locked, strict=True) if is_locked == "False"] == list(CELLS)


def test_a_cell_that_was_unprotected_and_changed_is_refused(
    office: Office, profile: Path, workspace: Workspace, tmp_path: Path
) -> None:
    file, back = workspace.night(AS_OF) / "list.xlsx", tmp_path / "filled.xlsx"
    lines = ['sheet.unprotect("")', 'sheet.getCellByPosition(0, 2).String = "Nothing"', *type_in(COLUMNS)]
    fill_in(office, profile, file, back, lines)
    with pytest.raises(ContractError, match=r"Row 3 \(.{8}\) was changed in 'What to offer'"):
        import_decisions(workspace.root, back, date(2026, 11, 26))
    assert read_decisions(workspace).is_empty()


def test_a_workbook_saved_as_open_document_and_back_is_read_the_same(
    office: Office, workspace: Workspace, tmp_path: Path
) -> None:
    file = workspace.night(AS_OF) / "list.xlsx"
    office(["--convert-to", "ods", "--outdir", tmp_path / "open", file])
    office(["--convert-to", "xlsx", "--outdir", tmp_path / "back", tmp_path / "open" / "list.ods"])
    assert read_answers(tmp_path / "back" / "list.xlsx").equals(read_answers(file))


def test_libreoffice_shows_every_row_and_word_of_the_list(office: Office, workspace: Workspace, tmp_path: Path) -> None:
    file = workspace.night(AS_OF) / "list.xlsx"
    office(["--convert-to", "csv", "--outdir", tmp_path, file])
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as text:
        title, header, *rows = csv.reader(text)
    assert title[0] == "Morning list, Borough of Example, 24 November 2026"
    assert header == list(COLUMNS)
    shown = pl.DataFrame(rows, schema=list(COLUMNS), orient="row").select(pl.all().replace("", None))
    assert shown.equals(read_answers(file).drop("row"))
