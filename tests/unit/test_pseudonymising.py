"""The commands pseudonymise and identify, from raw files to a workbook of case numbers."""

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from flows.pseudonymising import identify_list, pseudonymise_source, read_key
from flows.publish.published import read_night, write_night
from flows.publish.workbook import build_workbook
from flows.publish.workbook_answers import read_answers
from flows.sources.reading import read_source
from tests.unit.night_example import example, family, pseudonym
from validation.errors import ContractError, ScreeningError, SettingsError, SourceError
from validation.gate import check_extract

KEY = "0123456789abcdef0123456789abcdef"
MANIFEST = {"authority": "Anyshire", "origin": "real", "extract_rule": "started_or_open", "window_start": "2020-11-25",
            "extract_date": "2026-11-24"}  # fmt: skip


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("REREFERRAL_KEY", KEY)
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def source(tmp_path: Path) -> str:
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "SSD_Person.csv").write_text(
        "pers_person_id,pers_forename,pers_dob,pers_sex\n1086942,Zebedee,2015-03-15,Male\n77,Florence,2016-02-29,F\n5,Dougal,2017-01-31,M\n"
    )
    (folder / "ssd_cin_episodes.csv").write_text(
        "cine_referral_id,cine_person_id,cine_referral_date,cine_referral_nfa\nr1,1086942,2026-03-02,N\nr2,77,02/03/2026,Y\n"
    )
    return str(folder)


@pytest.fixture
def list_file(source: str, tmp_path: Path) -> Path:
    """A list as a night publishes it, of the children in the raw files; also writes the crosswalk."""
    pseudonymise_source(source, tmp_path / "fit", None, tmp_path / "safe" / "crosswalk.parquet")
    known = dict(
        pl.read_parquet(tmp_path / "safe" / "crosswalk.parquet")
        .filter(kind="ssd_person")
        .select("raw_id", "pseudonym")
        .iter_rows()
    )
    return publish(tmp_path / "workspace" / "nights" / "2026-11-24", known)


def publish(folder: Path, known: dict[str, str]) -> Path:
    """A night of two families with a place, and one that is not eligible and whose child the crosswalk does not know."""
    night = example(
        {
            "ash": family("place", 0.5, 0.25, kind="FGC"),
            "birch": family("waiting", 0.25, kinds=["EH"]),
            "oak": family("not eligible", 0.1, why_not=["An offer is running."]),
        },
        invented=True,
        authority="Anyshire",
    )
    named = {pseudonym("ash0"): known["1086942"], pseudonym("ash1"): known["77"], pseudonym("birch0"): known["5"]}
    frames = {
        name: getattr(night, name).with_columns(pl.col("person_id").replace(named)) for name in ("cases", "reasons", "events")
    }
    frames["families"] = night.families.with_columns(pl.col("children").list.eval(pl.element().replace(named)))
    write_night(dataclasses.replace(night, **frames), folder)
    return folder / "list.parquet"


def refused(error: type[ScreeningError], *arguments: object) -> str:
    with pytest.raises(error) as refusal:
        pseudonymise_source(*arguments)  # type: ignore[arg-type]
    return str(refusal.value)


def test_raw_files_become_a_folder_that_passes_the_gate(source: str, tmp_path: Path) -> None:
    out, crosswalk = tmp_path / "fit", tmp_path / "safe" / "crosswalk.parquet"
    words = pseudonymise_source(source, out, None, crosswalk)
    assert "5 rows in 2 tables pseudonymised" in words
    assert "left out: 3 values of ssd_person.pers_forename" in words
    gated = check_extract(read_source(str(out)))
    assert {name: frame.height for name, frame in gated.accepted.items()} == {"ssd_person": 3, "ssd_cin_episodes": 2}
    assert len(gated.manifest.key_fingerprint) == 16
    assert json.loads((out / "report.json").read_text())["dropped"] == {"ssd_person.pers_forename": 3}
    everything = words.encode() + b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    for value in (b"Zebedee", b"1086942", KEY.encode()):
        assert value not in everything
    assert pl.read_parquet(crosswalk).filter(kind="ssd_person")["raw_id"].to_list() == ["1086942", "5", "77"]
    assert {path.stat().st_mode & 0o777 for path in [crosswalk, *out.iterdir()]} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (crosswalk.parent, out)} == {0o700}


def test_without_a_crosswalk_none_is_written(source: str, tmp_path: Path) -> None:
    pseudonymise_source(source, tmp_path / "fit", None, None)
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "fit"}


def test_no_key_no_run(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REREFERRAL_KEY")
    message = refused(SettingsError, source, tmp_path / "fit", None, None)
    assert "There is no pseudonymisation key: give '--key-file', or set REREFERRAL_KEY" in message
    monkeypatch.setenv("REREFERRAL_KEY", "  ")
    assert "There is no pseudonymisation key" in refused(SettingsError, source, tmp_path / "fit", None, None)
    monkeypatch.setenv("REREFERRAL_KEY", "short")
    assert "has 5 bytes" in refused(SettingsError, source, tmp_path / "fit", None, None)
    assert "'lost' does not exist" in refused(SettingsError, source, tmp_path / "fit", tmp_path / "lost", None)
    assert not (tmp_path / "fit").exists()


def test_a_key_file_and_the_variable_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    monkeypatch.setenv("REREFERRAL_KEY", f"{KEY} ")
    assert read_key(tmp_path / "key") == read_key(None) == KEY.encode()


@pytest.mark.parametrize("sign", ["history", "nights", "mlflow.db", "rereferral.toml"])
def test_a_crosswalk_inside_a_workspace_is_refused(source: str, tmp_path: Path, sign: str) -> None:
    workspace = tmp_path / "workspace"
    (workspace / "deep").mkdir(parents=True)
    (workspace / sign).touch() if "." in sign else (workspace / sign).mkdir()
    (tmp_path / "link").symlink_to(workspace / "deep")
    for place in (workspace / "c.parquet", workspace / "deep" / "c.parquet", tmp_path / "link" / "c.parquet"):
        assert "'c.parquet' would lie inside the workspace 'workspace'" in refused(
            SettingsError, source, tmp_path / "fit", None, place
        )
    assert not (tmp_path / "fit").exists()


def test_a_crosswalk_among_the_pseudonyms_is_refused(source: str, tmp_path: Path) -> None:
    message = refused(SettingsError, source, tmp_path / "fit", None, tmp_path / "fit" / "crosswalk.parquet")
    assert "would lie among the pseudonyms" in message
    assert not (tmp_path / "fit").exists()


def test_only_a_new_or_empty_folder_is_written(source: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    pseudonymise_source(source, tmp_path / "empty", None, None)
    assert "is no empty folder" in refused(SettingsError, source, tmp_path / "empty", None, None)
    (tmp_path / "file").write_text("")
    assert "is no empty folder" in refused(SettingsError, source, tmp_path / "file", None, None)


@pytest.mark.parametrize("give", ["list.parquet", "the folder"])
def test_a_list_gets_its_case_numbers_back(list_file: Path, tmp_path: Path, give: str) -> None:
    out = tmp_path / "team" / "list.xlsx"
    words = identify_list(list_file if give == "list.parquet" else list_file.parent, tmp_path / "safe" / "crosswalk.parquet", out)
    assert words == f"2 families, 3 children: {out}"
    sheet = pl.read_excel(out, engine="calamine", infer_schema_length=0, read_options={"header_row": 1})
    (title,) = pl.read_excel(out, engine="calamine", has_header=False, read_options={"n_rows": 1}).row(0)[:1]
    assert title == "Morning list, Anyshire, 24 November 2026. INVENTED DATA"
    assert [sorted(numbers.split("\n")) for numbers in sheet["Case numbers"]] == [["1086942", "77"], ["5"]]
    children = pl.read_excel(out, engine="calamine", sheet_name="Children", infer_schema_length=0, read_options={"header_row": 1})
    assert children["Case numbers"].to_list() == ["1086942", "77", "5"]
    assert out.stat().st_mode & 0o777 == 0o600


def test_the_identified_copy_differs_from_the_list_by_its_case_numbers_alone(list_file: Path, tmp_path: Path) -> None:
    identify_list(list_file, tmp_path / "safe" / "crosswalk.parquet", tmp_path / "list.xlsx")
    (tmp_path / "published.xlsx").write_bytes(build_workbook(read_night(list_file.parent)))
    assert read_answers(tmp_path / "list.xlsx").equals(read_answers(tmp_path / "published.xlsx"))


def test_a_list_of_other_children_is_refused(list_file: Path, tmp_path: Path) -> None:
    crosswalk = tmp_path / "safe" / "crosswalk.parquet"
    pl.read_parquet(crosswalk).filter(~pl.col("raw_id").is_in(["77", "5"])).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(ContractError, match=r"2 children of the list are not in the crosswalk 'other.parquet'"):
        identify_list(list_file, tmp_path / "other.parquet", tmp_path / "list.xlsx")
    assert not (tmp_path / "list.xlsx").exists()


def test_a_night_that_lacks_a_part_is_refused(list_file: Path, tmp_path: Path) -> None:
    (list_file.parent / "about.json").unlink()
    with pytest.raises(SourceError, match=r"'about.json' of the night '2026-11-24' cannot be read"):
        identify_list(list_file, tmp_path / "safe" / "crosswalk.parquet", tmp_path / "list.xlsx")


def test_an_identified_list_stays_outside_the_workspace(list_file: Path, tmp_path: Path) -> None:
    crosswalk = tmp_path / "safe" / "crosswalk.parquet"
    with pytest.raises(SettingsError, match=r"'list.xlsx' would lie inside the workspace"):
        identify_list(list_file, crosswalk, tmp_path / "workspace" / "list.xlsx")
    with pytest.raises(SettingsError, match=r"'list.csv' does not end in .xlsx"):
        identify_list(list_file, crosswalk, tmp_path / "list.csv")


def test_a_list_or_crosswalk_that_cannot_be_read_is_named(list_file: Path, tmp_path: Path) -> None:
    crosswalk, out = tmp_path / "safe" / "crosswalk.parquet", tmp_path / "list.xlsx"
    (tmp_path / "words.parquet").write_text("Zebedee")
    for pair, name in (
        ((tmp_path / "lost.parquet", crosswalk), "lost.parquet"),
        ((list_file, tmp_path / "words.parquet"), "words.parquet"),
        ((crosswalk, crosswalk), "crosswalk.parquet"),  # a Parquet file, but no list
    ):
        with pytest.raises(SourceError, match=f"'{name}' cannot be read") as refusal:
            identify_list(*pair, out)
        assert refusal.value.exit_code == 15
