"""The Annex A workbook read back: headings, words, windows, and as many rows as the tables hold."""

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import fastexcel
import polars as pl
import pytest

from flows.annex_a import ETHNIC_GROUPS, LISTS, SOURCES, write_annex_a
from flows.request import Request
from flows.sources.folder import read_folder
from flows.synthesis import synthesise
from validation.synthetic.habits import CLEAN
from validation.tables.catalogue import TABLES

TODAY = date(2026, 3, 31)
AFTER = date(2025, 9, 30)  # what happened after this day happened in the six months
SECOND = "Is this a second or subsequent period of being a Looked After Child within the last 12 months (Y/N)"

Lists = Mapping[int, pl.DataFrame]
Tables = Mapping[str, pl.DataFrame]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    out = tmp_path_factory.mktemp("annex") / "ssd"
    synthesise(Request(TODAY, out, profile="england", residents=4_000, seed=5, habits=CLEAN))
    return read_folder(out).tables


@pytest.fixture(scope="module")
def path(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("workbook") / "annex_a.xlsx"
    write_annex_a(tables, TODAY, path)
    return path


@pytest.fixture(scope="module")
def lists(path: Path) -> Lists:
    book = fastexcel.read_excel(path)
    assert book.sheet_names == [f"List {number}" for number in range(1, 9)]
    return {number: book.load_sheet(f"List {number}", dtypes="string").to_polars() for number in range(1, 9)}


def _since(frame: pl.DataFrame, column: str) -> int:
    return frame.filter(pl.col(column) > AFTER).height


def _open_since(frame: pl.DataFrame, end: str) -> int:
    return frame.filter(pl.col(end).is_null() | (pl.col(end) > AFTER)).height


def test_every_list_has_its_headings(lists: Lists) -> None:
    for annex_list, sheet in zip(LISTS, lists.values(), strict=True):
        assert sheet.columns == list(annex_list.columns)
        assert sheet.columns[0] == "Child Unique ID"
    assert [sheet.width for sheet in lists.values()] == [7, 8, 11, 12, 14, 14, 17, 34]
    assert lists[3].columns[5:] == [
        "Date of referral", "Referral Source", "Referral NFA?", "Number of Referrals in Last 12 Months", "Allocated Team",
        "Allocated Worker",
    ]  # fmt: skip


def test_every_list_holds_its_window(lists: Lists, tables: Tables) -> None:
    enquiries = tables["ssd_s47_enquiry"].join(
        tables["ssd_initial_cp_conference"], left_on="s47e_s47_enquiry_id", right_on="icpc_s47_enquiry_id", how="left"
    )
    in_window = pl.any_horizontal(pl.col("s47e_s47_start_date", "icpc_icpc_date") > AFTER)
    care = tables["ssd_cla_episodes"].filter(
        pl.col("clae_cla_episode_ceased_date").is_null() | (pl.col("clae_cla_episode_ceased_date") > AFTER)
    )
    assert {number: sheet.height for number, sheet in lists.items()} == {
        1: _since(tables["ssd_contacts"], "cont_contact_date"),
        2: _open_since(tables["ssd_early_help_episodes"], "earl_episode_end_date"),
        3: _since(tables["ssd_cin_episodes"], "cine_referral_date"),
        4: _open_since(tables["ssd_cin_assessments"], "cina_assessment_auth_date"),
        5: enquiries.filter(in_window).height,
        6: _open_since(tables["ssd_cin_episodes"], "cine_close_date"),
        7: _open_since(tables["ssd_cp_plans"], "cppl_cp_plan_end_date"),
        8: care["clae_cla_id"].n_unique(),
    }
    assert all(sheet.height > 10 for sheet in lists.values())


def test_words_are_those_of_annex_a(lists: Lists) -> None:
    assert SOURCES["1A"] == "a) 1A: Individual"
    assert (SOURCES["4"], SOURCES["5D"], SOURCES["10"]) == ("m) 4: Housing", "p1) 5D: LA services", "u) 10: Unknown")
    assert (ETHNIC_GROUPS["WBRI"], ETHNIC_GROUPS["NOBT"]) == ("a) WBRI", "t) NOBT")
    allowed = {
        "Gender": r"[a-d]\) .+",
        "Ethnicity": r"[a-t]\) [A-Z]{4}",
        "Referral NFA?": r"a\) Yes|b\) No",
        "Primary Need Code": r"N\d - .+",
        "Reason for Closure": r"RC\d - .+",
        "Case Status": r"[a-e]\) .+",
        "Initial Category of Abuse": r"[a-e]\) .+",
        "Allocated Worker": "\\w+\u00a0\\w+",
    }
    met = set()
    for sheet in lists.values():
        for heading in allowed.keys() & set(sheet.columns):
            values = sheet[heading].drop_nulls()
            met.add(heading)
            assert values.len()
            assert all(re.fullmatch(allowed[heading], value) for value in values), heading
    assert met == set(allowed)
    assert lists[6]["Case Status"].n_unique() == 5


def test_codes_come_back_as_often_as_the_tables_hold_them(lists: Lists, tables: Tables) -> None:
    referred = tables["ssd_cin_episodes"].filter(pl.col("cine_referral_date") > AFTER)
    codes = lists[3]["Referral Source"].str.extract(r"\) (\w+):")
    assert sorted(codes) == sorted(referred["cine_referral_source_code"])
    assert (lists[3]["Referral NFA?"] == "a) Yes").sum() == referred["cine_referral_nfa"].sum()
    dates = lists[3]["Date of referral"].str.slice(0, 10).str.to_date()
    assert dates.sort().equals(referred["cine_referral_date"].sort(), check_names=False)
    open_cases = tables["ssd_cin_episodes"].filter(pl.col("cine_close_date").is_null())
    assert (lists[6]["Case Status"] != "e) Closed episode").sum() == open_cases.height


def test_ages_are_of_the_day(lists: Lists) -> None:
    said = lists[6].select(
        born=pl.col("Date of Birth").str.slice(0, 10).str.to_date(), age=pl.col("Age of Child (Years)").cast(pl.Int64)
    ).drop_nulls()  # fmt: skip
    expected = [TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day)) for born in said["born"]]
    assert said["age"].to_list() == expected
    assert said.height > 100


def test_a_second_period_of_care_within_a_year_is_said(tmp_path: Path) -> None:
    periods = [
        ("again", "p1", date(2024, 6, 1), date(2025, 6, 1)), ("again", "p2", date(2025, 12, 1), None),
        ("long ago", "p3", date(2023, 1, 1), date(2025, 3, 1)), ("long ago", "p4", date(2025, 12, 2), None),
        ("once", "p5", date(2026, 1, 3), date(2026, 2, 1)),
    ]  # fmt: skip
    keys = {name: hashlib.sha256(name.encode()).hexdigest()[:32] for name in ("again", "long ago", "once")}
    drawn = {name: table.empty() for name, table in TABLES.items()}
    persons = pl.DataFrame({"pers_person_id": list(keys.values())})
    care = pl.DataFrame(
        {
            "clae_person_id": [keys[row[0]] for row in periods],
            "clae_cla_id": [row[1] for row in periods],
            "clae_entered_care_date": [row[2] for row in periods],
            "clae_cla_episode_ceased_date": [row[3] for row in periods],
        }
    )
    for name, rows in (("ssd_person", persons), ("ssd_cla_episodes", care)):
        drawn[name] = pl.concat([drawn[name], rows], how="diagonal")
    write_annex_a(drawn, TODAY, tmp_path / "drawn.xlsx")
    sheet = fastexcel.read_excel(tmp_path / "drawn.xlsx").load_sheet("List 8", dtypes="string").to_polars()
    said = {started[:10]: answer for started, answer in sheet.select("Date Started to be Looked After", SECOND).iter_rows()}
    assert said == {"2025-12-01": "a) Yes", "2025-12-02": "b) No", "2026-01-03": "b) No"}


def test_the_same_tables_give_the_same_bytes(tables: Tables, path: Path, tmp_path: Path) -> None:
    write_annex_a(tables, TODAY, tmp_path / "again.xlsx")
    assert path.read_bytes() == (tmp_path / "again.xlsx").read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
