"""40 ways to damage a workbook, each refused with its sentence."""

import dataclasses
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from flows.decisions import import_decisions, read_decisions
from flows.publish.workbook import build_workbook
from flows.publish.workbook_rows import COLUMNS
from flows.workspace import Workspace, hold
from tests.unit.night_example import NIGHT, example, pseudonym
from tests.unit.workbook_example import KEPT, NAMES, OFFERED, ROWS, TODAY, Book, blank, filled, label, publish, refused
from validation.errors import BusyError, SettingsError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    publish(tmp_path / "workspace")
    return tmp_path / "workspace"


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    return tmp_path / "sent.xlsx"


def _damage_families(change: Callable[[Book], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        book = filled()
        change(book)
        book.save(path)

    return damage


def _add_sheet(book: Book) -> None:
    book.sheets["Notes"] = [["note"]]


def _reverse_sheets(book: Book) -> None:
    book.sheets = dict(reversed(book.sheets.items()))


def _rename_sheet(book: Book) -> None:
    book.sheets = {("Sheet1" if name == "Families" else name): grid for name, grid in book.sheets.items()}


def _put_all(column: str, value: str) -> Callable[[Book], None]:
    def put(book: Book) -> None:
        for name in NAMES:
            book.put(name, column, value)

    return put


def _duplicate(book: Book) -> None:
    book.families.append(list(book.families[ROWS["cedar"]]))


def _decide_twice(book: Book) -> None:
    book.families.append(list(book.families[ROWS["ash"]]))
    book.families[-1][book.column("Decision")] = "Declined"


def _insert_row(book: Book) -> None:
    book.families.insert(ROWS["birch"], ["Somebody we know", *[None] * (len(COLUMNS) - 1)])


def _insert_column(book: Book) -> None:
    for row in book.families:
        row.insert(3, "mine")


def _drop_column(book: Book) -> None:
    place = book.column("Role")
    for row in book.families:
        del row[place]


def _swap_told(book: Book) -> None:
    """Sort the references alone, as a sort of part of the sheet does."""
    first, second, place = book.families[ROWS["ash"]], book.families[ROWS["birch"]], book.column("Family reference")
    first[place], second[place] = second[place], first[place]


def _made_anew(path: Path) -> None:
    blank(dataclasses.replace(NIGHT, average=0.2, next_families=0)).decide("ash", *OFFERED).save(path)


def _of_another_night(path: Path) -> None:
    book = filled()
    _put_all("Night", "2026-11-23")(book)
    book.save(path)


def _with_password(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096))


def _as_words(path: Path) -> None:
    path.write_text("Family,Decision\nash,Offered\n")


def _as_open_document(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")


def _cut_short(path: Path) -> None:
    path.write_bytes(build_workbook(NIGHT)[:9000])


def _broken_inside(path: Path) -> None:
    with zipfile.ZipFile(BytesIO(build_workbook(NIGHT))) as whole, zipfile.ZipFile(path, "w") as parts:
        for name in whole.namelist():
            parts.writestr(name, "<worksheet" if name.endswith("sheet1.xml") else whole.read(name))


def _far_too_large(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", bytes(200_000_001))


def _without_answers(path: Path) -> None:
    blank().save(path)


NO_WORKBOOK = "It is no Excel workbook: save the list's own workbook as .xlsx, not as .ods, .csv or anything else."
FRESH = "copy your answers into a fresh copy of the workbook"
THREE = '"Offered", "Accepted" and "Declined"'
FAMILIES = _damage_families
DAMAGED: dict[str, tuple[Callable[[Path], None], str]] = {
    "not a workbook": (_as_words, NO_WORKBOOK),
    "an OpenDocument file": (_as_open_document, "It is no Excel workbook: save the list's own workbook as .xlsx"),
    "a password": (_with_password, "It has a password, or is of the old kind .xls: take the password off"),
    "cut short": (_cut_short, "It is no Excel workbook"),
    "broken inside": (_broken_inside, "It is damaged and cannot be read: copy your answers into a fresh copy"),
    "far too large": (_far_too_large, "It is far too large for a list"),
    "no decision": (
        _without_answers,
        "No family has a decision: fill in the yellow cells of at least one, and save the workbook.",
    ),
    "a sheet lost": (FAMILIES(lambda book: book.sheets.pop("Guide")), "The sheet 'Guide' is missing or has another name"),
    "the sheet renamed": (FAMILIES(_rename_sheet), "The sheet 'Families' is missing or has another name"),
    "a sheet added": (FAMILIES(_add_sheet), "There are sheets that the list does not have (1): delete what was added."),
    "sheets moved": (FAMILIES(_reverse_sheets), "The sheets are in another order: put them back into the order of the list."),
    "a column lost": (FAMILIES(_drop_column), "The column 'Role' is missing or has another name"),
    "a column added": (FAMILIES(_insert_column), "There are columns that the list does not have (1): delete what was added."),
    "columns moved": (FAMILIES(lambda book: book.move_column("Role", 0)), "The columns are in another order"),
    "a row deleted": (
        FAMILIES(lambda book: book.families.pop(ROWS["cedar"])),
        f"The family {pseudonym('cedar')[:8]} is of the list of 24 November 2026 not in the workbook any more: {FRESH}.",
    ),
    "a row copied": (
        FAMILIES(_duplicate),
        f"Each of the rows {label('cedar')} and 9 ({pseudonym('cedar')[:8]}) holds a family that stands "
        "there twice: delete the copy.",
    ),
    "a row added": (FAMILIES(_insert_row), f"Row 4 is of a family that is not on the list of 24 November 2026: {FRESH}."),
    "a family that is not there": (
        FAMILIES(lambda book: book.put("birch", "Family id", pseudonym("lime"))),
        f"Row 4 is of a family that is not on the list of 24 November 2026: {FRESH}.",
    ),
    "a family that was not shown": (
        FAMILIES(lambda book: book.put("birch", "Family id", pseudonym("oak"))),
        f"Row 4 ({pseudonym('oak')[:8]}) is of a family that is not on the list of 24 November 2026",
    ),
    "decided twice in the file": (
        FAMILIES(_decide_twice),
        f"Each of the rows {label('ash')} and 9 ({pseudonym('ash')[:8]}) decides for a family twice: keep "
        "one decision for each family.",
    ),
    "words changed": (
        FAMILIES(lambda book: book.put("birch", "Note", "call me")),
        f"Row {label('birch')} was changed in 'Note': {FRESH}.",
    ),
    "part of it sorted": (
        FAMILIES(_swap_told),
        f"Each of the rows {label('ash')} and {label('birch')} was changed in 'Family reference': {FRESH}.",
    ),
    "a hidden column changed": (
        FAMILIES(lambda book: book.put("birch", "List", "0")),
        f"Row {label('birch')} was changed in a hidden column: {FRESH}.",
    ),
    "a list that is not here": (
        _of_another_night,
        "It is of the list of 23 November 2026, and there is no such list here: check which list you filled in.",
    ),
    "no night": (FAMILIES(_put_all("Night", "soon")), f"It does not say which list it is of: {FRESH}."),
    "a row of another night": (
        FAMILIES(lambda book: book.put("birch", "Night", "2026-11-23")),
        f"Row {label('birch')} is of another list than that of 24 November 2026: send one workbook for each list.",
    ),
    "another authority": (
        FAMILIES(_put_all("Authority", "Anyshire")),
        "It is the list of another authority: take the workbook of 24 November 2026 that was made here.",
    ),
    "a list made anew": (
        _made_anew,
        f"The list of 24 November 2026 was made anew after this workbook was written: {FRESH} of it.",
    ),
    "no decision beside the answers": (
        FAMILIES(lambda book: book.put("ash", "Decision", None)),
        f"Row {label('ash')} has an answer without a decision: choose one, or empty the yellow cells.",
    ),
    "a decision typed over": (
        FAMILIES(lambda book: book.put("ash", "Decision", "maybe Zebedee")),
        f"Row {label('ash')} has a decision that is not in the drop-down: choose one from it.",
    ),
    "no reason": (FAMILIES(lambda book: book.put("ash", "Reason", None)), f"Row {label('ash')} has a decision without a reason"),
    "a reason typed over": (
        FAMILIES(lambda book: book.put("ash", "Reason", "Zebedee")),
        f"Row {label('ash')} has a reason that is not in the drop-down",
    ),
    "no role": (
        FAMILIES(lambda book: book.put("ash", "Role", None)),
        f"Row {label('ash')} has a decision without a role: choose yours.",
    ),
    "a name as the role": (
        FAMILIES(lambda book: book.put("ash", "Role", "Zebedee")),
        f"Row {label('ash')} has a role that is not in the drop-down: choose one from it, and write no name.",
    ),
    "no day": (
        FAMILIES(lambda book: book.put("ash", "Decided on", None)),
        f"Row {label('ash')} has a decision without a day: give the day on which it was made.",
    ),
    "a day that cannot be read": (
        FAMILIES(lambda book: book.put("ash", "Decided on", "11/25/2026")),
        f"Row {label('ash')} has a day that cannot be read: give it as day/month/year, such as 25/11/2026.",
    ),
    "a day before the list": (
        FAMILIES(lambda book: book.put("ash", "Decided on", "23/11/2026")),
        f"Row {label('ash')} has a day before the list, 24 November 2026: give the day of the decision.",
    ),
    "a day to come": (
        FAMILIES(lambda book: book.put("ash", "Decided on", "27/11/2026")),
        f"Row {label('ash')} has a day after today, 26 November 2026: give the day of the decision.",
    ),
    "an offer is missing": (
        FAMILIES(lambda book: book.put("ash", "Offer", None)),
        f"Row {label('ash')} has no offer: {THREE} need the offer that was made.",
    ),
    "an offer too many": (
        FAMILIES(lambda book: book.put("fir", "Offer", "Restorative early help")),
        f"Row {label('fir')} has an offer that does not belong there: only {THREE} have one.",
    ),
    "an offer typed over": (
        FAMILIES(lambda book: book.put("ash", "Offer", "A bicycle")),
        f"Row {label('ash')} has an offer that is not in the drop-down",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_workbook_is_refused_with_its_sentence_and_no_other(root: Path, sent: Path, name: str) -> None:
    damage, words = DAMAGED[name]
    damage(sent)
    faults = refused(root, sent)
    expected = {
        "a family that is not there": 2, "a family that was not shown": 2, "decided twice in the file": 1,
    }.get(name, 1)  # fmt: skip
    assert len(faults) == expected, faults
    assert any(fault.startswith(words) for fault in faults), faults
    assert not any("Zebedee" in fault for fault in faults)


def test_all_faults_are_told_together_with_all_their_rows(root: Path, sent: Path) -> None:
    book = filled()
    for name in ("ash", "fir"):
        book.put(name, "Role", None)
    book.put("ash", "Reason", "I think so")
    book.put("birch", "Note", "call me")
    book.put("cedar", "Family id", pseudonym("lime"))
    faults = refused(root, book.save(sent))
    assert len(faults) == 5
    assert f"Each of the rows {label('ash')} and {label('fir')} has a decision without a role: choose yours." in faults


def test_many_rows_of_one_fault_are_counted(root: Path, sent: Path) -> None:
    many = {f"family {n}": dict(NIGHT_FAMILY) for n in range(14)}
    night = example(many)
    publish(root, night)
    book = Book(build_workbook(night))
    for row in book.families[2:]:
        row[book.column("Decision")] = "Not suitable"
    faults = refused(root, book.save(sent))
    assert all(" and 4 more " in fault for fault in faults)


NIGHT_FAMILY = {"standing": "waiting", "chances": (0.3,), "kind": None, "kinds": ["EH"]}


@pytest.mark.parametrize(
    ("night", "words"),
    [(None, "It does not say which list it is of"), ("2026-11-24", "The list of 24 November 2026 shows no family")],
)
def test_the_workbook_of_an_empty_list_has_nothing_to_decide(root: Path, sent: Path, night: str | None, words: str) -> None:
    publish(root, example({}))
    book = Book(build_workbook(example({})))
    for column, value in zip(("Decision", "Reason", "Role", "Decided on", "Night"), (*KEPT[:1], *KEPT[2:], night), strict=True):
        book.families[2][book.column(column)] = value
    (fault,) = refused(root, book.save(sent))
    assert fault.startswith(words)


def test_a_file_that_is_not_there_is_refused(root: Path) -> None:
    assert refused(root, root.parent / "lost.xlsx")[0].startswith("The file cannot be opened (FileNotFoundError)")


def test_a_folder_that_is_no_workspace_is_refused_and_left_alone(tmp_path: Path, sent: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(SettingsError, match="'elsewhere' holds no night"):
        import_decisions(tmp_path / "elsewhere", filled().save(sent), TODAY)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_nothing_is_taken_in_while_another_run_works(root: Path, sent: Path) -> None:
    with hold(Workspace(root)), pytest.raises(BusyError):
        import_decisions(root, filled().save(sent), TODAY)
    assert read_decisions(Workspace(root)).is_empty()
