"""The ledger: whatever is altered, taken out or put in is found and named, and a child can be erased all the same."""

import json
import random
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from flows import ledger
from flows.chain import COMMITMENTS, LINK, ROWS, name_entry, read_rows
from flows.ledger import Verified, append, erase_rows, verify_ledger
from flows.ledger_checks import check_chain
from flows.workspace import Workspace
from tests.unit.ledger_example import FIRST, Case, enter, facts, pseudonym, shown
from validation.errors import LedgerError, SettingsError

CASES: list[Case] = [
    ("ann", "oak", 0.61, "place"),
    ("ben", "oak", 0.34, "place"),
    ("cat", "elm", 0.52, "place"),
    ("dan", "fir", 0.123456789012345, "waiting"),
    ("eve", "yew", None, "not scored"),
]
NIGHTS = [FIRST + timedelta(days) for days in range(3)]
ERASED_ON = date(2026, 12, 1)


def fill(root: Path) -> Path:
    for night in NIGHTS:
        enter(root, night, CASES)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "workspace")


def verify(root: Path, head: str | None = None) -> Verified:
    return verify_ledger(Workspace(root), head)


def told(root: Path) -> str:
    """What the refusal of a changed ledger says; it never names a child."""
    with pytest.raises(LedgerError) as refused:
        verify(root)
    assert not re.search(r"[0-9a-f]{32}", str(refused.value))
    return str(refused.value)


def entry(root: Path, number: int) -> Path:
    (found,) = (root / "ledger").glob(f"{number:06}.*")
    return found


def lines(folder: Path) -> list[str]:
    return (folder / ROWS).read_text().splitlines(keepends=True)


def row_of(folder: Path, child: str) -> int:
    return next(number for number, line in enumerate(lines(folder), start=1) if pseudonym(child) in line)


def put_anew(folder: Path, change: Callable[[str], str]) -> Path:
    """Change a link and give its folder the name that goes with it, as somebody would who knows how entries are named."""
    text = change((folder / LINK).read_text())
    (folder / LINK).write_text(text)
    link = json.loads(text)
    name = name_entry(link["number"], date.fromisoformat(link["day"]), sha256(text.encode()).hexdigest())
    return folder.rename(folder.with_name(name))


def test_a_ledger_that_was_left_alone_verifies(root: Path) -> None:
    verified = verify(root)
    assert [found.day for found in verified.nights] == NIGHTS
    assert (len(verified.entries), verified.rows, verified.erased) == (3, 15, 0)
    assert verified.head == sha256((entry(root, 3) / LINK).read_bytes()).hexdigest()


def test_the_command_says_what_there_is_and_the_head(root: Path) -> None:
    assert ledger.verify(root) == f"3 entries, 15 rows, all as written. Head: {verify(root).head}"
    erase_rows(Workspace(root), [pseudonym("ben")], ERASED_ON)
    assert ledger.verify(root) == f"4 entries, 15 rows, 3 of them erased since, all as written. Head: {verify(root).head}"


def test_a_folder_that_is_no_workspace_is_not_called_sound(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds neither a night nor a ledger"):
        ledger.verify(tmp_path)


def test_a_head_that_is_none_is_refused(root: Path) -> None:
    with pytest.raises(SettingsError, match="'--head' is no head of a ledger"):
        ledger.verify(root, "0123456789ab")


def test_a_workspace_without_a_night_verifies(tmp_path: Path) -> None:
    assert verify(tmp_path).entries == []


def test_rows_come_back_as_they_were_shown(root: Path) -> None:
    rows = read_rows(verify(root).entries[0])
    assert rows["row"].to_list() == [1, 2, 3, 4, 5]
    assert_frame_equal(rows.drop("row"), shown(NIGHTS[0], CASES), check_row_order=False)


ROW = st.tuples(
    st.none() | st.text(max_size=9),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.booleans(),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.dates(),
)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(ROW, max_size=6))
def test_any_values_come_back_as_they_were_shown(rows: list[Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    types = {"text": pl.String(), "number": pl.Float64(), "is": pl.Boolean(), "whole": pl.Int64(), "day": pl.Date()}
    frame, root = pl.DataFrame(rows, schema=types, orient="row"), tmp_path_factory.mktemp("any")
    append(Workspace(root), FIRST, frame, facts(FIRST))
    (found,) = verify(root).nights
    assert sorted(map(repr, read_rows(found).drop("row").iter_rows())) == sorted(map(repr, frame.iter_rows()))


def test_a_night_without_an_open_case_is_an_entry(tmp_path: Path) -> None:
    enter(tmp_path, FIRST, [])
    assert read_rows(verify(tmp_path).entries[0]).is_empty()


def test_an_entry_names_model_outcome_data_code_and_list(root: Path) -> None:
    link = json.loads((entry(root, 2) / LINK).read_text())
    assert link["facts"] == facts(NIGHTS[1])
    assert link["previous"] == sha256((entry(root, 1) / LINK).read_bytes()).hexdigest()
    assert (link["number"], link["day"], link["rows"]) == (2, "2026-11-23", 5)


def test_a_row_can_be_checked_by_hand(root: Path) -> None:
    kept = (entry(root, 1) / COMMITMENTS).read_bytes()
    assert kept == b"".join(sha256(line.encode()).digest() for line in lines(entry(root, 1)))
    assert json.loads((entry(root, 1) / LINK).read_text())["commitments_sha256"] == sha256(kept).hexdigest()


def test_no_salt_is_used_twice_and_the_order_of_rows_follows_it(root: Path) -> None:
    salts = [[json.loads(line)[0] for line in lines(entry(root, number))] for number in (1, 2, 3)]
    assert len({salt for night in salts for salt in night}) == 15
    assert all(night == sorted(night) for night in salts)


def test_the_same_scores_twice_are_one_entry(root: Path) -> None:
    before = {path: path.read_bytes() for path in (root / "ledger").rglob("*") if path.is_file()}
    mixed = shown(NIGHTS[1], CASES).sample(fraction=1, shuffle=True, seed=3)
    entered = append(Workspace(root), NIGHTS[1], mixed, facts(NIGHTS[1]))
    assert (entered.entry, entered.head) == (entry(root, 2).name, verify(root).head)
    assert {path: path.read_bytes() for path in (root / "ledger").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("cases", "version"), [(CASES[:4], "1"), (CASES, "2")], ids=["other scores", "the same scores of another model"]
)
def test_something_else_for_the_same_night_is_another_entry(root: Path, cases: list[Case], version: str) -> None:
    enter(root, NIGHTS[1], cases, version=version)
    assert [found.day for found in verify(root).nights] == [*NIGHTS, NIGHTS[1]]


def test_everything_is_private_to_its_owner(root: Path) -> None:
    for path in (root / "ledger").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_what_a_killed_run_left_is_no_fault_and_is_cleared_away(root: Path) -> None:
    (root / "ledger" / ".new").mkdir()
    (root / "ledger" / ".new" / ROWS).write_text("half")
    assert len(verify(root).entries) == 3
    enter(root, FIRST + timedelta(9), CASES)
    assert not (root / "ledger" / ".new").exists()


@pytest.mark.parametrize("file", [LINK, COMMITMENTS, ROWS])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_altered_byte_is_found_and_named(root: Path, number: int, file: str) -> None:
    """Each byte of the newest entry, which no later link vouches for, and a few hundred of the others."""
    place = entry(root, number) / file
    whole, draw = place.read_bytes(), random.Random(number)  # noqa: S311  which bytes are tried, not a secret
    positions = range(len(whole)) if number == 3 else sorted(draw.sample(range(len(whole)), min(len(whole), 100)))
    for at in positions:
        place.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << draw.randrange(8))]) + whole[at + 1 :])
        said = told(root)
        assert f"Entry {number} ('{place.parent.name}')" in said, at
        if file == ROWS:
            assert f"row {whole[:at].count(10) + 1} was altered" in said, at
        elif file == COMMITMENTS:
            assert f"the commitment of row {at // 32 + 1} was altered" in said, at
        else:
            assert "'link.json'" in said, at
    place.write_bytes(whole)
    verify(root)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_bytes_taken_out_or_put_in_anywhere_are_found(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.getbasetemp() / "kept"
    if not root.exists():
        fill(root)
    files = sorted(path for path in (root / "ledger").rglob("*") if path.is_file())
    place = data.draw(st.sampled_from(files))
    whole = place.read_bytes()
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, len(whole)))
    changed = whole[:begin] + data.draw(st.binary(max_size=80)) + whole[end:]
    place.write_bytes(changed)
    try:
        if changed != whole:
            assert f"('{place.parent.name}')" in told(root)
        else:
            verify(root)
    finally:
        place.write_bytes(whole)


def test_a_row_that_was_removed_is_named(root: Path) -> None:
    whole = lines(entry(root, 2))
    for at in range(len(whole)):
        (entry(root, 2) / ROWS).write_text("".join(whole[:at] + whole[at + 1 :]))
        assert told(root).count(f"Entry 2 ('{entry(root, 2).name}'): row {at + 1} was removed") == 1
        assert "1 fault" in told(root)


def test_a_row_that_was_put_in_is_named(root: Path) -> None:
    whole = lines(entry(root, 2))
    for at in range(len(whole) + 1):
        (entry(root, 2) / ROWS).write_text("".join([*whole[:at], lines(entry(root, 1))[0], *whole[at:]]))
        assert f"(1 fault): Entry 2 ('{entry(root, 2).name}'): a row was put in as line {at + 1} of 'rows.jsonl'" in told(root)


def test_a_row_that_stands_twice_is_named(root: Path) -> None:
    whole = lines(entry(root, 2))
    (entry(root, 2) / ROWS).write_text("".join([*whole, whole[0]]))
    assert "a row was put in as line 6 of 'rows.jsonl'" in told(root)


def test_rows_in_another_order_are_named(root: Path) -> None:
    first, second, *others = lines(entry(root, 2))
    (entry(root, 2) / ROWS).write_text("".join([second, first, *others]))
    assert re.search(r"row [12] was moved", told(root))


def test_a_row_and_its_commitment_written_anew_are_found(root: Path) -> None:
    whole = lines(entry(root, 2))
    whole[1] = whole[1].replace(',"', ',"x', 1)
    (entry(root, 2) / ROWS).write_text("".join(whole))
    (entry(root, 2) / COMMITMENTS).write_bytes(b"".join(sha256(line.encode()).digest() for line in whole))
    assert f"Entry 2 ('{entry(root, 2).name}'): 'commitments.bin' was altered" in told(root)


@pytest.mark.parametrize("number", [1, 2])
def test_an_entry_that_was_removed_is_named(root: Path, number: int) -> None:
    shutil.rmtree(entry(root, number))
    assert f"(1 fault): Entry {number} is missing" in told(root)


def test_an_entry_that_was_removed_and_the_later_ones_renumbered_are_named(root: Path) -> None:
    shutil.rmtree(entry(root, 2))
    last = entry(root, 3)
    last.rename(last.with_name(last.name.replace("000003", "000002")))
    assert "was given another name: it is entry 3 of 2026-11-24" in told(root)
    put_anew(entry(root, 2), lambda text: text.replace('"number": 3', '"number": 2'))
    said = told(root)
    assert f"Entry 2 ('{entry(root, 2).name}') does not follow entry 1" in said
    assert "The run record of the night 2026-11-24 notes the head" in said


def test_an_entry_that_was_put_in_is_named(root: Path) -> None:
    copy = shutil.copytree(entry(root, 2), root / "ledger" / "copy")
    assert "'copy' is no entry" in told(root)
    copy = copy.rename(root / "ledger" / "000004.2026-11-25.000000000000")
    assert f"Entry 4 ('{copy.name}'): 'link.json' was altered, or the name of its folder" in told(root)
    put_anew(copy, lambda text: text.replace('"number": 2', '"number": 4'))
    assert f"Entry 4 ('{entry(root, 4).name}') does not follow entry 3" in told(root)


def test_an_entry_under_a_number_that_is_taken_is_named(root: Path) -> None:
    copy = shutil.copytree(entry(root, 2), root / "ledger" / "copy")
    put_anew(copy, lambda text: text.replace("0.1.0", "0.1.1"))
    assert re.search(r"Entry 2 \('.*'\) is there more than once", told(root))


def test_entries_in_another_order_are_named(root: Path) -> None:
    first, second = entry(root, 1), entry(root, 2)
    moved = second.rename(second.with_name(second.name.replace("000002", "000001")))
    first = first.rename(first.with_name(first.name.replace("000001", "000002")))
    said = told(root)
    assert f"Entry 1 ('{moved.name}') was given another name: it is entry 2" in said
    assert f"Entry 2 ('{first.name}') was given another name: it is entry 1" in said


def test_a_link_that_was_replaced_with_all_that_hangs_on_it_is_named(root: Path) -> None:
    put_anew(entry(root, 2), lambda text: text.replace('"version": "1"', '"version": "2"'))
    assert f"Entry 3 ('{entry(root, 3).name}') does not follow entry 2: one of them was replaced" in told(root)


@pytest.mark.parametrize("file", [LINK, COMMITMENTS, ROWS])
def test_a_file_that_is_missing_is_named(root: Path, file: str) -> None:
    (entry(root, 2) / file).unlink()
    assert re.search(rf"Entry 2 \('.*'\): '{file}' is missing", told(root))


def test_a_file_that_was_put_in_is_named(root: Path) -> None:
    (entry(root, 2) / "note.txt").write_text("x")
    assert re.search(r"Entry 2 \('.*'\): 'note.txt' was put in", told(root))


def test_all_faults_are_told_together(root: Path) -> None:
    (entry(root, 1) / COMMITMENTS).unlink()
    (entry(root, 3) / ROWS).write_text("")
    said = told(root)
    assert "(6 faults)" in said
    assert all(f"row {row} was removed" in said for row in range(1, 6))


def test_an_end_that_was_cut_off_is_known_by_a_head_that_was_kept(root: Path) -> None:
    head = verify(root).head
    shutil.rmtree(entry(root, 3))
    shutil.rmtree(root / "nights")
    assert len(verify(root).entries) == 2  # nothing in what is left says that there was more
    with pytest.raises(
        LedgerError, match=f"No entry has the head '{head[:12]}' that was given: the end of the chain was cut off"
    ):
        verify(root, head)


def test_an_end_that_was_cut_off_is_known_by_the_run_record_of_its_night(root: Path) -> None:
    shutil.rmtree(entry(root, 3))
    assert "(1 fault): The run record of the night 2026-11-24 notes the head" in told(root)


def test_no_new_ledger_begins_while_nights_note_another(root: Path) -> None:
    shutil.rmtree(root / "ledger")
    with pytest.raises(LedgerError, match="The run record of the night 2026-11-22 notes the head"):
        append(Workspace(root), FIRST + timedelta(9), shown(FIRST, CASES), facts(FIRST))
    assert not (root / "ledger").exists()


def test_a_head_that_was_kept_earlier_is_found_in_a_chain_that_has_grown(root: Path) -> None:
    head = verify(root).head
    enter(root, FIRST + timedelta(9), CASES)
    assert len(verify(root, head).entries) == 4


def test_an_entry_of_an_earlier_form_is_refused(root: Path) -> None:
    shown(FIRST, CASES).write_parquet(root / "ledger" / "2026-11-22.0123456789ab.parquet")
    assert "'2026-11-22.0123456789ab.parquet' has the form of an earlier version" in told(root)
    with pytest.raises(LedgerError, match="has the form of an earlier version"):
        append(Workspace(root), NIGHTS[0], shown(NIGHTS[0], CASES), facts(NIGHTS[0]))


@pytest.mark.parametrize(("number", "file"), [(1, LINK), (2, LINK), (2, ROWS), (2, COMMITMENTS), (3, ROWS)], ids=str)
def test_a_night_looks_at_the_chain_its_own_entries_and_the_newest(root: Path, number: int, file: str) -> None:
    place = entry(root, number) / file
    whole = place.read_bytes()
    place.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    with pytest.raises(LedgerError, match=rf"Entry {number} \("):
        append(Workspace(root), NIGHTS[1], shown(NIGHTS[1], CASES), facts(NIGHTS[1]))
    assert len(list((root / "ledger").iterdir())) == 3


def test_an_erased_child_is_nowhere_and_the_chain_verifies(root: Path) -> None:
    before = {number: lines(entry(root, number)) for number in (1, 2, 3)}
    rows = {number: row_of(entry(root, number), "ben") for number in (1, 2, 3)}
    assert erase_rows(Workspace(root), [pseudonym("ben")], ERASED_ON) == 3
    for path in (root / "ledger").rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert pseudonym("ben").encode() not in text
            assert not any(json.loads(before[number][rows[number] - 1])[0].encode() in text for number in rows)  # the salts
    for number, row in rows.items():
        kept = lines(entry(root, number))
        assert kept[row - 1] == '"erased 2026-12-01"\n'
        assert kept[: row - 1] + kept[row:] == before[number][: row - 1] + before[number][row:]
    verified = verify(root)
    assert (len(verified.entries), verified.rows, verified.erased) == (4, 15, 3)
    assert [read_rows(night).height for night in verified.nights] == [4, 4, 4]


def test_an_erasure_is_an_entry_of_its_own_with_row_numbers_alone(root: Path) -> None:
    rows = {str(number): [row_of(entry(root, number), "ben")] for number in (1, 2, 3)}
    previous = verify(root).head
    erase_rows(Workspace(root), [pseudonym("ben")], ERASED_ON)
    assert json.loads((entry(root, 4) / LINK).read_text()) == {
        "number": 4, "kind": "erasure", "day": "2026-12-01", "previous": previous, "erased": rows,
    }  # fmt: skip


def test_the_ledger_grows_after_an_erasure_and_another_one(root: Path) -> None:
    erase_rows(Workspace(root), [pseudonym("ben")], ERASED_ON)
    enter(root, FIRST + timedelta(9), CASES)
    assert erase_rows(Workspace(root), [pseudonym("ben"), pseudonym("cat")], date(2026, 12, 2)) == 5
    verified = verify(root)
    assert (len(verified.entries), verified.erased) == (6, 8)


def test_nobody_to_erase_adds_nothing(root: Path) -> None:
    assert erase_rows(Workspace(root), [pseudonym("nobody")], ERASED_ON) == 0
    assert len(verify(root).entries) == 3


def test_an_erased_row_that_comes_back_is_named(root: Path) -> None:
    before = (entry(root, 2) / ROWS).read_bytes()
    row = row_of(entry(root, 2), "ben")
    erase_rows(Workspace(root), [pseudonym("ben")], ERASED_ON)
    (entry(root, 2) / ROWS).write_bytes(before)
    assert f"row {row} was to be erased on 2026-12-01 and is still there: erase again" in told(root)


def test_an_erasure_that_was_ended_half_way_is_finished_by_the_next(root: Path) -> None:
    before = (entry(root, 2) / ROWS).read_bytes()
    erase_rows(Workspace(root), [pseudonym("ben")], ERASED_ON)
    (entry(root, 2) / ROWS).write_bytes(before)
    assert erase_rows(Workspace(root), [pseudonym("ben")], date(2026, 12, 2)) == 0
    assert verify(root).erased == 3


def test_a_row_that_was_taken_out_without_an_erasure_is_named(root: Path) -> None:
    whole = lines(entry(root, 2))
    (entry(root, 2) / ROWS).write_text("".join([*whole[:2], '"erased 2026-12-01"\n', *whole[3:]]))
    assert "row 3 was taken out, and no erasure says so" in told(root)


def test_one_altered_byte_is_found_after_an_erasure(root: Path) -> None:
    row = row_of(entry(root, 2), "ben")
    erase_rows(Workspace(root), [pseudonym("ben")], ERASED_ON)
    for place in (entry(root, 2) / ROWS, entry(root, 2) / COMMITMENTS, entry(root, 4) / LINK):
        whole = place.read_bytes()
        for at in range(0, len(whole), 3):
            place.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert f"('{place.parent.name}')" in told(root), (place.name, at)
        place.write_bytes(whole)
    text = (entry(root, 2) / ROWS).read_bytes()
    begin = text.index(b'"erased')
    (entry(root, 2) / ROWS).write_bytes(text[: begin + 10] + b"9" + text[begin + 11 :])
    assert f"row {row} was altered" in told(root)


def test_a_changed_ledger_is_not_erased_from(root: Path) -> None:
    (entry(root, 1) / ROWS).write_text("")
    with pytest.raises(LedgerError, match="Entry 1"):
        erase_rows(Workspace(root), [pseudonym("ben")], ERASED_ON)
    assert len(check_chain(Workspace(root)).entries) == 3


def test_what_the_ledger_cannot_hold_is_refused(root: Path) -> None:
    strange = shown(FIRST, CASES).with_columns(x=pl.lit([1]))
    with pytest.raises(TypeError, match="cannot hold the column 'x'"):
        append(Workspace(root), FIRST, strange, facts(FIRST))
