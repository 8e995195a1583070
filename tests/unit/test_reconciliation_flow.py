"""From history and file to page, and the comparison in the check of a night."""

from datetime import date
from pathlib import Path

import pytest

from flows.reconciliation import check_against_return, newest_rows, stop_if_different, write_reconciliation
from flows.settings import FILE_NAME, ReturnSettings, read_settings
from flows.vintages import read_archive, write_vintages
from flows.workspace import Workspace
from tests.unit.contract_rows import rows
from validation.errors import ChecksError, ContractError, SettingsError
from validation.extract import ExtractRule, Manifest, Origin
from validation.gate import Gated, Limits
from validation.tables.catalogue import TABLES

HEADER = "year,measure,breakdown,code,published\n"
DAY = date(2025, 11, 30)


def extract(children: int, day: date = DAY) -> Gated:
    cases = [{"cine_referral_id": f"e{n}", "cine_person_id": f"c{n}", "cine_referral_date": date(2024, 5, 1),
              "cine_referral_nfa": False} for n in range(children)]  # fmt: skip
    people = [{"pers_person_id": f"c{n}"} for n in range(children)]
    manifest = Manifest("Borough of Example", Origin.INVENTED, ExtractRule.OVERLAPPING, date(2019, 12, 1), day, "k1")
    tables = {"ssd_person": rows("ssd_person", people), "ssd_cin_episodes": rows("ssd_cin_episodes", cases)}
    return Gated(manifest, tables, {}, {}, {})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "return.csv"
    path.write_text(
        f"{HEADER}2024,referrals,all,all,9\n2025,referrals,all,all,100\n2026,referrals,all,all,100\n", encoding="utf-8"
    )
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_vintages(Workspace(tmp_path / "workspace"), extract(60), Limits(withdrawn=1.0))
    return tmp_path / "workspace"


def test_the_page_is_written_for_the_owner_alone_and_says_what_differs(root: Path, file: Path) -> None:
    written = write_reconciliation(root, file, 2025)
    assert written.page == root / "reconciliation" / "2025.html"
    assert written.page.stat().st_mode & 0o777 == 0o600
    assert written.differing == ("referrals",)
    assert written.short.startswith("Of the 1 figure")
    text = written.page.read_text(encoding="utf-8")
    assert "Borough of Example" in text
    assert "INVENTED DATA" in text


def test_another_place_may_be_named(root: Path, file: Path, tmp_path: Path) -> None:
    assert write_reconciliation(root, file, 2025, tmp_path / "board.html").page == tmp_path / "board.html"
    assert (tmp_path / "board.html").exists()


def test_history_counts_every_row_once_as_last_known_and_none_that_was_withdrawn(root: Path) -> None:
    write_vintages(Workspace(root), extract(50, date(2025, 12, 1)), Limits(withdrawn=1.0))
    known = newest_rows(read_archive(Workspace(root)))
    assert known["ssd_cin_episodes"].height == 50
    assert known["ssd_cin_episodes"].columns == list(TABLES["ssd_cin_episodes"].schema)
    assert set(known) == {"ssd_person", "ssd_cin_episodes"}


def test_a_workspace_without_history_and_a_file_that_is_not_there_are_refused(tmp_path: Path, file: Path) -> None:
    with pytest.raises(ContractError, match="holds no history"):
        write_reconciliation(tmp_path / "empty", file, 2025)
    with pytest.raises(SettingsError, match=r"The return 'none\.csv' cannot be opened"):
        write_reconciliation(tmp_path / "empty", tmp_path / "none.csv", 2025)


def test_a_night_without_a_return_compares_nothing(tmp_path: Path) -> None:
    assert check_against_return(extract(60), ReturnSettings(), tmp_path) == {}
    stop_if_different({}, ReturnSettings(stop=True))


def test_a_night_is_held_against_the_newest_year_that_is_over(file: Path) -> None:
    found = check_against_return(extract(60), ReturnSettings(file=Path(file.name)), file.parent)
    assert (found["year"], found["differing"]) == (2025, ["referrals"])
    assert found["verdicts"]["differs"] == 1
    assert len(found["sha256"]) == 64


@pytest.mark.parametrize(("children", "stop", "stops"), [(60, False, False), (60, True, True), (97, True, False)])
def test_a_mismatch_stops_the_night_only_where_the_settings_say_so(file: Path, children: int, stop: bool, stops: bool) -> None:
    settings = ReturnSettings(file=file, stop=stop)
    found = check_against_return(extract(children), settings, file.parent)
    if not stops:
        stop_if_different(found, settings)
        return
    with pytest.raises(ChecksError, match=r"1 figure differs \(referrals\) from the published return") as stopped:
        stop_if_different(found, settings)
    assert stopped.value.exit_code == 13


def test_the_settings_name_the_return(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('[returns]\nfile = "return.csv"\nstop = true\n', encoding="utf-8")
    assert read_settings(tmp_path).returns == ReturnSettings(file=Path("return.csv"), stop=True)
