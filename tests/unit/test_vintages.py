"""Vintages on disk: the manifest makes them count, the same night writes the same bytes, and they are private."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.vintages import extract_dates, last_extract, read_archive, read_manifest, vintage_hashes, write_vintages
from flows.workspace import Workspace, write_json, write_private
from tests.unit.contract_rows import rows
from validation.errors import ChecksError, ContractError
from validation.extract import ExtractRule, Manifest, Origin
from validation.gate import Gated, Limits
from validation.tables.catalogue import TABLES

ONE, TWO, THREE = date(2026, 1, 10), date(2026, 1, 11), date(2026, 1, 12)
WINDOW = date(2020, 1, 11)
PERSON, CONTACTS = "ssd_person", "ssd_contacts"


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def people(*names: str) -> pl.DataFrame:
    return rows(PERSON, [{"pers_person_id": name, "pers_sex": "F"} for name in names])


def contacts(**days: date) -> pl.DataFrame:
    return rows(
        CONTACTS, [{"cont_contact_id": name, "cont_person_id": "p1", "cont_contact_date": day} for name, day in days.items()]
    )


def night(day: date, **tables: pl.DataFrame) -> Gated:
    manifest = Manifest("Anyshire", Origin.REAL, ExtractRule.STARTED_OR_OPEN, WINDOW, day, "k1")
    return Gated(manifest, tables, {}, {}, {})


ANY = Limits(withdrawn=1.0)


def test_a_vintage_written_before_a_column_was_declared_can_be_read_and_compared(workspace: Workspace) -> None:
    told = contacts(a=ONE).with_columns(cont_contact_source_code=pl.lit("1A"))
    write_vintages(workspace, night(ONE, ssd_person=people("p1"), ssd_contacts=told), ANY)
    file = workspace.history / CONTACTS / f"{ONE}.parquet"
    pl.read_parquet(file).drop("cont_contact_source_code").write_parquet(file)
    assert read_archive(workspace).table(CONTACTS)["cont_contact_source_code"].to_list() == [None]
    assert write_vintages(workspace, night(TWO, ssd_person=people("p1"), ssd_contacts=told), ANY)[CONTACTS] == {"changed": 1}
    archive = read_archive(workspace)
    assert archive.table(CONTACTS)["cont_contact_source_code"].to_list() == [None, "1A"]
    assert archive.table(CONTACTS).columns == [*TABLES[CONTACTS].schema, "known_from", "known_to"]


def test_first_night_then_what_changed(workspace: Workspace) -> None:
    first = write_vintages(workspace, night(ONE, ssd_person=people("p1", "p2"), ssd_contacts=contacts(a=ONE)), ANY)
    assert first == {PERSON: {"first": 2}, CONTACTS: {"first": 1}}
    second = write_vintages(workspace, night(TWO, ssd_person=people("p1", "p3"), ssd_contacts=contacts(a=ONE, b=TWO)), ANY)
    assert second == {PERSON: {"aged_out": 1, "new": 1}, CONTACTS: {"new": 1}}
    archive = read_archive(workspace)
    assert archive.extract_date == TWO
    assert set(archive.supplied) == {PERSON, CONTACTS}
    assert read_archive(workspace, up_to=ONE).table(CONTACTS).height == 1


def test_a_manifest_comes_back_as_it_was(workspace: Workspace) -> None:
    gated = night(ONE, ssd_person=people("p1"), ssd_contacts=contacts())
    assert last_extract(workspace) is None
    write_vintages(workspace, gated, ANY)
    assert read_manifest(workspace, ONE) == (gated.manifest, {PERSON: 1, CONTACTS: 0})
    assert last_extract(workspace) == (gated.manifest, {PERSON: 1, CONTACTS: 0})
    assert last_extract(workspace, before=ONE) is None


def test_an_absent_or_empty_table_writes_no_vintage(workspace: Workspace) -> None:
    write_vintages(workspace, night(ONE, ssd_person=people("p1"), ssd_contacts=contacts(a=ONE)), ANY)
    assert write_vintages(workspace, night(TWO, ssd_person=people("p1"), ssd_contacts=contacts()), ANY) == {PERSON: {}}
    write_vintages(workspace, night(THREE, ssd_person=people("p1")), ANY)
    assert [path.name for path in (workspace.history / CONTACTS).iterdir()] == [f"{ONE}.parquet"]
    assert read_archive(workspace).table(CONTACTS)["known_to"].to_list() == [None]


def test_the_same_night_again_writes_the_same_bytes(workspace: Workspace) -> None:
    write_vintages(workspace, night(ONE, ssd_person=people("p1", "p2"), ssd_contacts=contacts(a=ONE, b=ONE)), ANY)
    tonight = night(TWO, ssd_person=people("p2", "p1", "p3"), ssd_contacts=contacts(b=ONE, c=TWO))
    write_vintages(workspace, tonight, ANY)
    before = {path: path.read_bytes() for path in workspace.history.rglob("*") if path.is_file()}
    hashes = vintage_hashes(workspace, TWO)
    shuffled = replace(tonight, accepted={name: frame.reverse() for name, frame in tonight.accepted.items()})
    write_vintages(workspace, shuffled, ANY)
    assert {path: path.read_bytes() for path in workspace.history.rglob("*") if path.is_file()} == before
    assert vintage_hashes(workspace, TWO) == hashes
    assert set(hashes) == {f"{name}/{day}" for name in (PERSON, CONTACTS) for day in (ONE, TWO)}


def test_the_same_night_again_with_less_takes_back_what_it_wrote(workspace: Workspace) -> None:
    write_vintages(workspace, night(ONE, ssd_person=people("p1"), ssd_contacts=contacts(a=ONE)), ANY)
    write_vintages(workspace, night(ONE, ssd_person=people("p1")), ANY)
    assert set(vintage_hashes(workspace, ONE)) == {f"{PERSON}/{ONE}"}


def test_vintages_without_a_manifest_do_not_count_and_are_written_anew(workspace: Workspace) -> None:
    write_vintages(workspace, night(ONE, ssd_person=people("p1")), ANY)
    whole = vintage_hashes(workspace, ONE)
    write_vintages(workspace, night(TWO, ssd_person=people("p1", "p9"), ssd_contacts=contacts(x=TWO)), ANY)
    (workspace.history / "manifests" / f"{TWO}.json").unlink()  # killed before it was written
    assert extract_dates(workspace) == [ONE]
    assert read_archive(workspace).extract_date == ONE
    assert read_archive(workspace).table(PERSON).height == 1
    assert vintage_hashes(workspace, TWO) == whole
    assert write_vintages(workspace, night(TWO, ssd_person=people("p1", "p2")), ANY) == {PERSON: {"new": 1}}
    assert set(read_archive(workspace).table(PERSON)["pers_person_id"]) == {"p1", "p2"}
    assert not (workspace.history / CONTACTS / f"{TWO}.parquet").exists()


def test_a_night_skipped_after_a_kill_is_not_missed(workspace: Workspace) -> None:
    write_vintages(workspace, night(ONE, ssd_person=people("p1")), ANY)
    write_vintages(workspace, night(TWO, ssd_person=people("p1", "p2")), ANY)
    (workspace.history / "manifests" / f"{TWO}.json").unlink()
    assert write_vintages(workspace, night(THREE, ssd_person=people("p1", "p2")), ANY) == {PERSON: {"new": 1}}
    assert read_archive(workspace).table(PERSON).filter(pers_person_id="p2")["known_from"].to_list() == [THREE]


@pytest.mark.parametrize("step", range(3))
def test_a_run_killed_while_it_writes_leaves_the_history_before(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    write_vintages(workspace, night(ONE, ssd_person=people("p1"), ssd_contacts=contacts(a=ONE)), ANY)
    tonight = night(TWO, ssd_person=people("p1", "p2"), ssd_contacts=contacts(a=ONE, b=TWO))
    done = 0

    def breaking(real: Any) -> Any:
        def call(*arguments: Any) -> None:
            nonlocal done
            done += 1
            if done > step:
                raise KeyboardInterrupt
            real(*arguments)

        return call

    with monkeypatch.context() as patch:
        patch.setattr("flows.vintages.write_private", breaking(write_private))
        patch.setattr("flows.vintages.write_json", breaking(write_json))
        with pytest.raises(KeyboardInterrupt):
            write_vintages(workspace, tonight, ANY)
    assert extract_dates(workspace) == [ONE]
    assert read_archive(workspace).table(CONTACTS).height == 1
    assert write_vintages(workspace, tonight, ANY) == {PERSON: {"new": 1}, CONTACTS: {"new": 1}}


def test_too_many_withdrawn_rows_stop_before_anything_is_written(workspace: Workspace) -> None:
    days = {f"c{number}": ONE for number in range(100)}
    write_vintages(workspace, night(ONE, ssd_contacts=contacts(**days)), Limits())
    before = {path: path.read_bytes() for path in workspace.history.rglob("*") if path.is_file()}

    def without(count: int) -> Gated:
        return night(TWO, ssd_contacts=contacts(**dict(list(days.items())[count:])))

    with pytest.raises(ChecksError, match="'ssd_contacts': 6 of 100 known rows are gone") as stop:
        write_vintages(workspace, without(6), Limits())
    assert stop.value.exit_code == 13
    assert {path: path.read_bytes() for path in workspace.history.rglob("*") if path.is_file()} == before
    assert write_vintages(workspace, without(5), Limits())[CONTACTS] == {"withdrawn": 5}


def test_rows_that_have_aged_out_do_not_hide_a_withdrawal(workspace: Workspace) -> None:
    old = {f"old{number}": date(2020, 1, 15) for number in range(90)}
    new = {f"new{number}": ONE for number in range(10)}
    write_vintages(workspace, night(ONE, ssd_contacts=contacts(**old, **new)), Limits())
    moved = night(TWO, ssd_contacts=contacts(**new))
    moved = replace(moved, manifest=replace(moved.manifest, window_start=date(2020, 2, 1)))
    assert write_vintages(workspace, moved, Limits())[CONTACTS] == {"aged_out": 90}
    fewer = night(THREE, ssd_contacts=contacts(**dict(list(new.items())[1:])))
    with pytest.raises(ChecksError, match="1 of 10 known rows"):
        write_vintages(workspace, replace(fewer, manifest=replace(fewer.manifest, window_start=date(2020, 2, 1))), Limits())


def test_the_window_is_that_of_the_oldest_extract(workspace: Workspace) -> None:
    write_vintages(workspace, night(ONE, ssd_person=people("p1")), ANY)
    later = night(TWO, ssd_person=people("p1"))
    write_vintages(workspace, replace(later, manifest=replace(later.manifest, window_start=date(2020, 1, 12))), ANY)
    assert read_archive(workspace).window_start == WINDOW


def test_everything_is_private(workspace: Workspace, tmp_path: Path) -> None:
    write_vintages(workspace, night(ONE, ssd_person=people("p1")), ANY)
    modes = {path.name: (path.is_dir(), path.stat().st_mode & 0o777) for path in tmp_path.rglob("*")}
    assert {mode for is_folder, mode in modes.values() if is_folder} == {0o700}
    assert {mode for is_folder, mode in modes.values() if not is_folder} == {0o600}


def test_no_history_says_what_to_do(workspace: Workspace) -> None:
    with pytest.raises(ContractError, match="holds no history up to 'today': run 'rereferral nightly'"):
        read_archive(workspace)
    write_vintages(workspace, night(TWO, ssd_person=people("p1")), ANY)
    with pytest.raises(ContractError, match=f"no history up to '{ONE}'"):
        read_archive(workspace, up_to=ONE)


def test_a_row_that_is_set_aside_tonight_stays_as_last_known(workspace: Workspace) -> None:
    write_vintages(workspace, night(ONE, ssd_contacts=contacts(a=ONE, b=ONE)), Limits())
    tonight = night(TWO, ssd_contacts=contacts(a=ONE))
    faulty = contacts(b=ONE).with_columns(reason=pl.lit("8810"))
    tonight = replace(tonight, set_aside={CONTACTS: faulty})
    assert write_vintages(workspace, tonight, Limits())[CONTACTS] == {}
    assert read_archive(workspace).table(CONTACTS)["known_to"].to_list() == [None, None]
