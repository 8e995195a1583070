"""Raw folders as three case systems would export them: fit to enter once pseudonymised, and nothing that names survives."""

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from flows.pseudonymising import pseudonymise_source
from flows.raw_dialects import DIALECTS, System
from flows.raw_forms import write_raw
from flows.request import Request
from flows.sources.folder import read_folder
from flows.sources.reading import read_source
from flows.synthesis import synthesise
from validation.contract import Kind
from validation.errors import PrivacyError, SettingsError
from validation.extract import Extract
from validation.gate import Gated, check_extract
from validation.synthetic.habits import CLEAN
from validation.tables.catalogue import TABLES

KEY = "0123456789abcdef0123456789abcdef"
SYSTEMS = list(System)

# Columns that identify people, in the raw files.
NAMING = {
    "ssd_person": ("pers_forename", "pers_surname", "pers_upn", "pers_single_unique_id", "pers_legacy_id"),
    "ssd_address": ("addr_address_postcode",),
    "ssd_cin_episodes": ("cine_referral_worker_id",),
    "ssd_cin_assessments": ("cina_assessment_worker_id",),
}
NOT_SENT = {
    System.SYSTEMC: set(),
    System.MOSAIC: {"ssd_family", "cont_contact_source_code", "cppl_cp_plan_ola"},
    System.ECLIPSE: {"cont_contact_outcome_json"},
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Extract:
    out = tmp_path_factory.mktemp("plain") / "ssd"
    synthesise(Request(date(2026, 3, 31), out, profile="england", residents=1_200, years=4, seed=4, habits=CLEAN))
    return read_folder(out)


@pytest.fixture(scope="module")
def accepted(plain: Extract) -> Gated:
    return check_extract(plain)


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> System:
    return System(request.param)


@pytest.fixture(scope="module")
def raw(plain: Extract, system: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("raw") / system
    write_raw(plain, system, 7, out)
    return out


@pytest.fixture(scope="module")
def fit(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fit")
    (folder / "key").write_text(KEY)
    pseudonymise_source(str(raw), folder / "fit", folder / "key", None)
    return folder / "fit"


@pytest.fixture(scope="module")
def gated(fit: Path) -> Gated:
    return check_extract(read_source(str(fit)))


def _facts(frame: pl.DataFrame, table: str, without: set[str]) -> pl.DataFrame:
    """Everything that a table says but its ids, in an order of its own."""
    names = [column.name for column in TABLES[table].kept if column.kind is not Kind.ID and column.name not in without]
    return frame.select(name for name in names if name in frame.columns).sort(pl.all())


def _rows_of_each(frame: pl.DataFrame, column: str) -> list[int]:
    """How many rows hang on the same thing, whatever it is called."""
    return sorted(frame.filter(pl.col(column).is_not_null()).group_by(column).len()["len"])


def test_what_comes_back_is_what_the_plain_form_holds(system: System, accepted: Gated, gated: Gated) -> None:
    expected = {name: frame for name, frame in accepted.accepted.items() if name not in NOT_SENT[system]}
    assert set(gated.accepted) == set(expected)
    for name, frame in expected.items():
        got = gated.accepted[name]
        assert gated.counts[name].set_aside == accepted.counts[name].set_aside
        assert not any(gated.counts[name].unreadable.values())
        assert _facts(got, name, NOT_SENT[system]).equals(_facts(frame, name, NOT_SENT[system])), name
        for column in TABLES[name].kept:
            if column.kind is Kind.ID:
                assert _rows_of_each(got, column.name) == _rows_of_each(frame, column.name), column.name
    for name in NOT_SENT[system] - {"ssd_family"}:
        (table,) = (table for table, frame in gated.accepted.items() if name in frame.columns)
        assert gated.accepted[table][name].count() == 0


def test_ids_link_the_same_rows(accepted: Gated, gated: Gated) -> None:
    def linked(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        cases = tables["ssd_cin_episodes"].join(tables["ssd_person"], left_on="cine_person_id", right_on="pers_person_id")
        rows = tables["ssd_cin_assessments"].join(cases, left_on="cina_referral_id", right_on="cine_referral_id")
        rows = rows.join(tables["ssd_assessment_factors"], left_on="cina_assessment_id", right_on="cinf_assessment_id")
        return rows.select("cine_referral_date", "pers_dob", "pers_ethnicity", "cinf_assessment_factors_json").sort(pl.all())

    assert linked(gated.accepted).equals(linked(accepted.accepted))
    assert linked(accepted.accepted).height > 150


def _naming_values(raw: Path) -> set[str]:
    tables = read_source(str(raw)).tables
    found = {value for name, columns in NAMING.items() for column in columns for value in tables[name][column].drop_nulls()}
    notes = [value for frame in tables.values() for column in frame.columns if column.endswith(("_json", "_reason"))
             for value in frame[column].drop_nulls()]  # fmt: skip
    return (found - {"NULL"}) | {name for text in notes for name in re.findall(r"(\w+) said", text)} | {"01632 960"}


def _raw_ids(raw: Path) -> set[str]:
    found = {
        value.removesuffix(".0")
        for name, frame in read_source(str(raw)).tables.items()
        if name in TABLES
        for column in TABLES[name].kept
        if column.kind is Kind.ID and column.name in frame.columns
        for value in frame[column.name].drop_nulls()
    }
    return found - {"NULL"}


def test_nothing_that_names_survives(raw: Path, fit: Path) -> None:
    shown = "".join(pl.read_parquet(path).write_csv() for path in fit.glob("*.parquet"))
    everything = shown.encode() + b"".join(path.read_bytes() for path in fit.iterdir())
    values = _naming_values(raw)
    assert len(values) > 600
    assert [value for value in values if value.encode() in everything] == []
    ids = _raw_ids(raw)
    assert len(ids) > 900
    assert ids & set(re.findall(r"\w+", shown + (fit / "report.json").read_text())) == set()
    births = pl.read_parquet(fit / "ssd_person.parquet").select("pers_dob", "pers_expected_dob", "pers_death_date")
    assert births.select((pl.all().dt.day() == 1).all()).row(0) == (True, True, True)


def test_the_report_counts_what_was_left_out(raw: Path, fit: Path, system: System) -> None:
    dropped = json.loads((fit / "report.json").read_text())["dropped"]
    people = read_source(str(raw)).tables["ssd_person"]
    assert dropped["ssd_person.pers_forename"] == people.height == dropped["ssd_address"]
    assert dropped["ssd_s47_enquiry.s47e_s47_outcome_json:comments"] > 0
    assert ("ssd_cin_episodes.cine_referral_team" in dropped) is (system is not System.ECLIPSE)
    assert ("ssd_contacts.cont_contact_outcome_json:comments" in dropped) is (system is System.SYSTEMC)


def test_the_gate_refuses_the_raw_folder(raw: Path) -> None:
    with pytest.raises(PrivacyError, match="nothing was written"):
        check_extract(read_source(str(raw)))


def test_the_same_seed_gives_the_same_bytes(plain: Extract, raw: Path, system: System, tmp_path: Path) -> None:
    write_raw(plain, system, 7, tmp_path / "again")
    write_raw(plain, system, 8, tmp_path / "other")
    names = sorted(path.name for path in raw.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert all((raw / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)
    person = f"{DIALECTS[system].header('ssd_person')}.csv"
    assert (raw / person).read_bytes() != (tmp_path / "other" / person).read_bytes()
    assert {path.stat().st_mode & 0o777 for path in [*raw.iterdir()]} == {0o600}


def test_only_a_new_folder_is_written(plain: Extract, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("")
    with pytest.raises(SettingsError, match="is not empty"):
        write_raw(plain, System.MOSAIC, 7, tmp_path)


# What the reference says of each system, as it stands in its files.
QUIRKS: Mapping[System, tuple[tuple[str, str], ...]] = {
    System.SYSTEMC: (
        ("SSD_PERSON", "^\ufeffPERS_LEGACY_ID|PERS_PERSON_ID"),
        ("SSD_PERSON", r"\b10\d{5},"),
        ("SSD_PERSON", r",(A1|A3|B1),"),
        ("SSD_PERSON", "NULL"),
        ("SSD_CIN_EPISODES", r",(1a|6|2a)-LKP,"),
        ("SSD_CIN_EPISODES", "\u00a0"),
        ("SSD_CIN_ASSESSMENTS", r"1900-01-01 00:00:00\.000"),
        ("SSD_INITIAL_CP_CONFERENCE", r",10\d{5}\.0,"),
        ("SSD_CONTACTS", r'said ""no, \{NFA\}"",\nrang'),
        ("SSD_EARLY_HELP_EPISODES", "SSD_PH"),
        ("SSD_CP_PLANS", "Emotional abuse|Neglect"),
    ),
    System.MOSAIC: (
        ("Ssd_Person", "Pers_Upn"),
        ("Ssd_Person", ",White British,"),
        ("Ssd_Cin_Episodes", r"\d\d/\d\d/20\d\d 00:00"),
        ("Ssd_Cin_Episodes", r'"?Single Assessment(, Strategy Discussion)?"?,'),
        ("Ssd_Cin_Plans", "^Cin_Plan_Id,"),
        ("Ssd_Assessment_Factors", r'^,\d{8},"\{""\w+"": ""Yes""'),
        ("Ssd_S47_Enquiry", r'\[\{""NFA_FLAG"": (true|false)'),
        ("Ssd_Contacts", ",0001\\d{4},"),
    ),
    System.ECLIPSE: (
        ("ssd_person", r",(ORAB|\?\?|MWBa|CNHE),"),
        ("ssd_person", r",(01|02),"),
        ("ssd_contacts", ",(INDFRC|POLICE|SCHOOLS),"),
        ("ssd_cin_episodes", r'""OUTCOME_NFA_FLAG"": """"'),
        ("ssd_cin_episodes", r"^2\d{5}2\d{5},2\d{5},20\d\d-\d\d-\d\dT00:00:00"),
        ("ssd_assessment_factors", r'""\w+"", null, ""\w+""'),
    ),
}  # fmt: skip


def test_each_system_has_its_quirks(raw: Path, system: System) -> None:
    for file, pattern in QUIRKS[system]:
        text = (raw / f"{file}.csv").read_bytes().decode(DIALECTS[system].encoding.removesuffix("-sig"))
        assert re.search(pattern, text.replace("\r\n", "\n"), re.MULTILINE), (file, pattern)
