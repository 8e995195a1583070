"""A changed ledger: whatever is altered, taken out or put in is found and named."""

import random
import re
import shutil
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.chain import COMMITMENTS, LINK, ROWS
from flows.ledger import append
from flows.workspace import Workspace
from tests.unit.kept_ledger import CASES, NIGHTS, entry, fill, lines, put_anew, told, verify
from tests.unit.ledger_example import FIRST, enter, facts, shown
from validation.errors import LedgerError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "workspace")


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
