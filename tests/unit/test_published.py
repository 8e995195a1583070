"""A night's list, written into its folder and read back."""

import dataclasses
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from flows.publish.night_list import Changes, NightList
from flows.publish.page import render_page
from flows.publish.published import FRAMES, read_night, write_night
from flows.publish.workbook import build_workbook
from tests.unit.night_example import NIGHT, example, family, pseudonym
from validation.errors import SourceError

CHANGED = dataclasses.replace(
    NIGHT,
    missing_tables=("early help", "going missing"),
    demonstration=True,
    invented=True,
    approval=dataclasses.replace(NIGHT.approval, conditions="A second look by a social worker."),
    changes=Changes(
        date(2026, 11, 23), (pseudonym("ash"),), {pseudonym("cedar"): "it waited before"}, {pseudonym("lime"): "closed"}, 4, 2
    ),
)


@pytest.mark.parametrize("night", [NIGHT, CHANGED, example({})], ids=["ordinary", "with changes", "empty"])
def test_a_list_comes_back_exactly(night: NightList, tmp_path: Path) -> None:
    write_night(night, tmp_path)
    read = read_night(tmp_path)
    for field in dataclasses.fields(NightList):
        before, after = getattr(night, field.name), getattr(read, field.name)
        if isinstance(before, pl.DataFrame):
            assert after.schema == before.schema
            assert after.equals(before), field.name
        else:
            assert after == before, field.name


def test_what_comes_back_shows_the_same_page_and_workbook(tmp_path: Path) -> None:
    write_night(CHANGED, tmp_path)
    read = read_night(tmp_path)
    assert build_workbook(read) == build_workbook(CHANGED)
    assert render_page(read) == render_page(CHANGED)


def test_the_families_file_says_what_it_is(tmp_path: Path) -> None:
    write_night(CHANGED, tmp_path)
    families = pl.read_parquet(tmp_path / "list.parquet")
    assert set(families["as_of"]) == {date(2026, 11, 24)}
    assert set(families["authority"]) == {"Borough of Example"}
    assert families["stamp"][0].startswith("INVENTED DATA. DEMONSTRATION")
    assert families.columns[-4:] == ["model", "model_version", "outcome", "outcome_version"]


def test_files_are_their_owners_alone_and_the_same_each_time(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_night(NIGHT, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted([*FRAMES.values(), "about.json"])
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "one").iterdir()} == {0o600}
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)


@pytest.mark.parametrize("name", ["list.parquet", "cases.parquet", "reasons.parquet", "events.parquet", "about.json"])
def test_a_part_that_is_lost_or_damaged_is_named(name: str, tmp_path: Path) -> None:
    write_night(NIGHT, tmp_path)
    (tmp_path / name).write_text("{")
    with pytest.raises(SourceError, match=f"'{name}' of the night"):
        read_night(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(SourceError, match=f"'{name}' of the night"):
        read_night(tmp_path)


def test_parts_of_two_nights_are_refused(tmp_path: Path) -> None:
    write_night(NIGHT, tmp_path)
    write_night(example({"ash": family("waiting", 0.4, kinds=["EH"])}), tmp_path / "other")
    (tmp_path / "other" / "cases.parquet").rename(tmp_path / "cases.parquet")
    with pytest.raises(SourceError, match=r"about.json.*ChecksError"):
        read_night(tmp_path)


def test_a_list_that_was_made_before_conditions_were_kept_can_still_be_read(tmp_path: Path) -> None:
    write_night(NIGHT, tmp_path)
    about = json.loads((tmp_path / "about.json").read_text())
    assert about["approval"].pop("conditions") == "none"
    (tmp_path / "about.json").write_text(json.dumps(about))
    read = read_night(tmp_path)
    assert read.approval.conditions == ""
    assert "Conditions of approval" not in dict(read.about())


def test_a_missing_fact_is_refused(tmp_path: Path) -> None:
    write_night(NIGHT, tmp_path)
    about = json.loads((tmp_path / "about.json").read_text())
    del about["approval"]["role"]
    (tmp_path / "about.json").write_text(json.dumps(about))
    with pytest.raises(SourceError, match=r"about.json.*KeyError"):
        read_night(tmp_path)
