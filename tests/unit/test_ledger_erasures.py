"""Erased children in the ledger: they are nowhere in it, and its chain verifies all the same."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from flows.chain import COMMITMENTS, LINK, ROWS, read_rows
from flows.ledger import erase_rows
from flows.ledger_checks import check_chain
from flows.workspace import Workspace
from tests.unit.kept_ledger import CASES, ERASED_ON, entry, fill, lines, row_of, told, verify
from tests.unit.ledger_example import FIRST, enter
from tests.unit.night_example import pseudonym
from validation.errors import LedgerError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "workspace")


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
