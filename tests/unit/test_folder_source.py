"""A folder of CSV or Parquet files becomes an extract, or is refused in words an operator can act on."""

import json
import stat
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows.sources.folder import read_folder, write_folder
from flows.sources.reading import read_source
from validation.errors import ContractError, SettingsError, SourceError
from validation.extract import Extract, ExtractRule, Manifest, Origin

MANIFEST = {
    "authority": "Testshire",
    "origin": "invented",
    "extract_rule": "started_or_open",
    "window_start": "2020-11-24",
    "extract_date": "2026-11-24",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    return tmp_path


def put(folder: Path, name: str, content: str | bytes) -> None:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def test_manifest_is_read_with_an_empty_fingerprint(folder: Path) -> None:
    put(folder, "ssd_person.csv", "pers_person_id\nabc\n")
    assert read_source(str(folder)).manifest == Manifest(
        "Testshire", Origin.INVENTED, ExtractRule.STARTED_OR_OPEN, date(2020, 11, 24), date(2026, 11, 24)
    )


def test_names_of_files_and_columns_come_in_any_case_with_blanks_and_a_byte_order_mark(folder: Path) -> None:
    put(folder, "SSD_Person.CSV", b'\xef\xbb\xbf" Pers_Person_ID ",PERS_DOB\r\nabc,01/02/2015\r\n')
    tables = read_folder(folder).tables
    assert_frame_equal(tables["ssd_person"], pl.DataFrame({"pers_person_id": ["abc"], "pers_dob": ["01/02/2015"]}))


def test_csv_values_stay_text_and_only_empty_ones_become_null(folder: Path) -> None:
    put(folder, "ssd_person.csv", 'a,b,c,d\n007,"",,"two\nlines"\n1.50, ,NULL,"say ""x"""\n\n')
    expected = pl.DataFrame({"a": ["007", "1.50"], "b": [None, " "], "c": [None, "NULL"], "d": ["two\nlines", 'say "x"']})
    assert_frame_equal(read_folder(folder).tables["ssd_person"], expected)


def test_a_column_that_is_empty_throughout_is_still_text(folder: Path) -> None:
    put(folder, "ssd_person.csv", "a,b\n1,\n2,\n")
    assert read_folder(folder).tables["ssd_person"].schema == {"a": pl.String, "b": pl.String}


def test_a_table_of_no_rows_keeps_its_columns(folder: Path) -> None:
    put(folder, "ssd_person.csv", "a,b\n")
    assert read_folder(folder).tables["ssd_person"].columns == ["a", "b"]


def test_windows_text_is_read_when_it_is_not_utf8(folder: Path) -> None:
    put(folder, "ssd_family.csv", "name\nZoë\n".encode("cp1252"))
    assert read_folder(folder).tables["ssd_family"]["name"].to_list() == ["Zoë"]


def test_an_alias_of_the_contract_becomes_the_name_of_the_standard(folder: Path) -> None:
    put(folder, "ssd_cin_plans.csv", "CIN_Plan_ID,cinp_person_id\np,c\n")
    assert read_folder(folder).tables["ssd_cin_plans"].columns == ["cinp_cin_plan_id", "cinp_person_id"]


def test_an_unknown_file_is_read_under_its_own_name_and_other_kinds_are_left_alone(folder: Path) -> None:
    put(folder, "Notes.csv", "words\nhello\n")
    put(folder, "readme.txt", "not a table")
    assert list(read_folder(folder).tables) == ["notes"]


def test_parquet_keeps_its_own_types(folder: Path) -> None:
    frame = pl.DataFrame({"pers_dob": [date(2015, 2, 1), None], "pers_send_flag": [True, None], "n": [1, 2]})
    frame.rename({"n": " N "}).write_parquet(folder / "SSD_Person.parquet")
    assert_frame_equal(read_folder(folder).tables["ssd_person"], frame)


def test_a_folder_of_parquet_files_is_one_table_in_order_of_name(folder: Path) -> None:
    (folder / "SSD_Person").mkdir()
    for part, number in (("part-1", 2), ("part-0", 1)):
        pl.DataFrame({" Pers_DOB ": [date(2015, 2, number)]}).write_parquet(folder / "SSD_Person" / f"{part}.parquet")
    put(folder / "SSD_Person", "notes.txt", "not a part")
    (folder / "empty").mkdir()
    put(folder, "ssd_family.csv", "a\n1\n")
    tables = read_source(str(folder)).tables
    assert list(tables) == ["ssd_family", "ssd_person"]
    assert_frame_equal(tables["ssd_person"], pl.DataFrame({"pers_dob": [date(2015, 2, 1), date(2015, 2, 2)]}))


@pytest.mark.parametrize("second", [{"b": ["SECRET"]}, {"a": [1]}], ids=["other column", "other type"])
def test_a_folder_of_parts_that_do_not_agree_is_refused(folder: Path, second: dict[str, list[object]]) -> None:
    (folder / "ssd_person").mkdir()
    for part, values in (("part-0", {"a": ["SECRET"]}), ("part-1", second)):
        pl.DataFrame(values).write_parquet(folder / "ssd_person" / f"{part}.parquet")
    with pytest.raises(SourceError, match="Parquet files of the same columns") as caught:
        read_folder(folder)
    assert "SECRET" not in str(caught.value)


def test_a_table_in_a_file_and_a_folder_is_refused(folder: Path) -> None:
    put(folder, "ssd_person.csv", "a\n1\n")
    (folder / "SSD_Person").mkdir()
    pl.DataFrame({"a": ["2"]}).write_parquet(folder / "SSD_Person" / "part-0.parquet")
    with pytest.raises(ContractError, match="'ssd_person' arrived more than once"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ssd_person.csv", "a,b\nSECRET1,2\nSECRET2\n"),
        ("ssd_person.csv", "a,b\nSECRET1,2,3\n"),
        ("ssd_person.csv", 'a,b\n"SECRET1"x,2\n'),
        ("ssd_person.csv", 'a,b\n"SECRET1,2\n'),
        ("ssd_person.csv", ""),
        ("ssd_person.csv", b"a,b\nSECRET1,\x81\n"),
        ("ssd_person.csv", "a,b\nSECRET1,2\n".encode("utf-16")),
        ("ssd_person.parquet", "SECRET1 is no parquet"),
        ("ssd_person.parquet", ""),
    ],
    ids=[
        "short row",
        "long row",
        "text after quote",
        "open quote",
        "empty",
        "no encoding",
        "utf-16",
        "no parquet",
        "0",
    ],
)
def test_a_broken_file_is_named_without_any_of_its_values(folder: Path, name: str, content: str | bytes) -> None:
    put(folder, name, content)
    with pytest.raises(SourceError, match=name) as caught:
        read_folder(folder)
    assert "SECRET" not in str(caught.value)
    assert caught.value.exit_code == 15


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("pers_dob,PERS_DOB", r"'\(not of the contract\)' of 'ssd_cin_plans' arrived more than once"),
        ("cin_plan_id,cinp_cin_plan_id", "'cinp_cin_plan_id' of 'ssd_cin_plans' arrived more than once"),
        ("a,,b", "has no name"),
    ],
)
def test_doubled_or_nameless_columns_are_refused(folder: Path, header: str, words: str) -> None:
    put(folder, "ssd_cin_plans.csv", header + "\n")
    with pytest.raises(ContractError, match=words):
        read_folder(folder)


def test_a_table_in_two_files_is_refused(folder: Path) -> None:
    put(folder, "ssd_person.csv", "a\n1\n")
    pl.DataFrame({"a": [1]}).write_parquet(folder / "SSD_PERSON.parquet")
    with pytest.raises(ContractError, match="'ssd_person' arrived more than once"):
        read_folder(folder)


def test_a_missing_manifest_shows_what_to_write(tmp_path: Path) -> None:
    put(tmp_path, "ssd_person.csv", "a\n1\n")
    with pytest.raises(ContractError, match=r"manifest\.json' is missing") as caught:
        read_folder(tmp_path)
    shown = json.loads(str(caught.value).split("\n", 1)[1])
    assert set(MANIFEST) < set(shown)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"origin": "real-ish"}, "'origin' must be one of real, invented"),
        ({"extract_rule": None}, "'extract_rule' is missing"),
        ({"extract_date": "24/11/2026"}, "'extract_date' is not a date"),
        ({"window_start": "2026-11-25"}, "'window_start' lies after 'extract_date'"),
        ({"fingerprint": "x"}, "'fingerprint' is unknown"),
    ],
)
def test_every_fault_of_a_manifest_is_named(folder: Path, change: dict[str, object], words: str) -> None:
    put(folder, "ssd_person.csv", "a\n1\n")
    put(folder, "manifest.json", json.dumps(MANIFEST | {"authority": ""} | change))
    with pytest.raises(ContractError, match=words) as caught:
        read_folder(folder)
    assert "'authority' is missing" in str(caught.value)


def test_a_manifest_that_is_no_json_is_refused(folder: Path) -> None:
    put(folder, "ssd_person.csv", "a\n1\n")
    put(folder, "manifest.json", "{")
    with pytest.raises(SourceError, match=r"manifest\.json' cannot be read as JSON"):
        read_folder(folder)
    put(folder, "manifest.json", "[]")
    with pytest.raises(ContractError, match="one JSON object"):
        read_folder(folder)


def extract() -> Extract:
    manifest = Manifest("T", Origin.REAL, ExtractRule.OVERLAPPING, date(2024, 4, 1), date(2025, 3, 31), "f00d")
    tables = {"ssd_person": pl.DataFrame({"pers_person_id": ["a"], "pers_dob": [date(2015, 1, 1)]})}
    return Extract(manifest, tables)


def test_what_is_written_is_read_back_the_same_and_is_private(tmp_path: Path) -> None:
    place = tmp_path / "out" / "fit"
    write_folder(extract(), place)
    back = read_folder(place)
    assert back.manifest == extract().manifest
    assert_frame_equal(back.tables["ssd_person"], extract().tables["ssd_person"])
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}
    assert list(place.parent.iterdir()) == [place]


def test_an_empty_folder_is_filled_and_a_full_one_never_overwritten(tmp_path: Path) -> None:
    write_folder(extract(), tmp_path / "new")
    (tmp_path / "empty").mkdir()
    write_folder(extract(), tmp_path / "empty")
    before = {path: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    with pytest.raises(SettingsError, match="is not empty"):
        write_folder(extract(), tmp_path / "new")
    assert {path: path.read_bytes() for path in (tmp_path / "new").iterdir()} == before


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    broken = Extract(extract().manifest, {"no/such/place": pl.DataFrame({"a": [1]})})
    with pytest.raises(OSError, match="No such file"):
        write_folder(broken, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_is_not_there_or_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read_source(str(tmp_path / "nowhere"))
    with pytest.raises(ContractError, match="no file that can be read"):
        read_source(str(tmp_path))
    put(tmp_path, "a.xlsx", "x")
    with pytest.raises(ContractError, match="not read alone"):
        read_source(str(tmp_path / "a.xlsx"))
    with pytest.raises(SourceError, match="must begin postgresql"):
        read_source("oracle://user:hidden@host/db")


def test_a_folder_of_both_census_and_tables_is_refused(folder: Path) -> None:
    put(folder, "ssd_person.csv", "a\n1\n")
    put(folder, "cin.XML", "<Message/>")
    with pytest.raises(ContractError, match="both census XML and CSV"):
        read_source(str(folder))
