"""The ledger: what was shown is entered once, comes back as it was, and its chain verifies."""

import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from flows import ledger
from flows.chain import COMMITMENTS, LINK, ROWS, read_rows
from flows.ledger import append, erase_rows
from flows.workspace import Workspace
from tests.unit.kept_ledger import CASES, ERASED_ON, NIGHTS, entry, fill, lines, verify
from tests.unit.ledger_example import FIRST, Case, enter, facts, shown
from tests.unit.night_example import pseudonym
from validation.errors import SettingsError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "workspace")


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


def test_what_the_ledger_cannot_hold_is_refused(root: Path) -> None:
    strange = shown(FIRST, CASES).with_columns(x=pl.lit([1]))
    with pytest.raises(TypeError, match="cannot hold the column 'x'"):
        append(Workspace(root), FIRST, strange, facts(FIRST))
