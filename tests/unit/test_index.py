"""The index on disk: built when it is missing or old, reused when it is not, and never used half written."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import flows.index
from features.catalogue import CATALOGUE
from features.facts import Facts
from flows.index import STAMP, open_index, scan_facts, write_facts, write_matrix
from flows.vintages import write_vintages
from flows.workspace import Workspace
from tests.spec.drawing import rows
from validation.extract import ExtractRule, Manifest, Origin
from validation.gate import Gated, Limits

FIRST, SECOND = date(2024, 6, 3), date(2024, 6, 10)
EPISODES = "ssd_cin_episodes"
HEADS = "referral_id person_id referral_date close_date\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    found = Workspace(tmp_path / "workspace")
    archive(found, FIRST, "a anna 2024-03-04 -")
    return found


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often facts were made from the history."""
    times: list[int] = []
    gather: Callable[..., Facts] = flows.index.gather_facts
    monkeypatch.setattr(flows.index, "gather_facts", lambda archive: times.append(1) or gather(archive))
    return times


def archive(workspace: Workspace, day: date, *episodes: str) -> None:
    manifest = Manifest("Anyshire", Origin.REAL, ExtractRule.STARTED_OR_OPEN, date(2018, 1, 1), day, "k1")
    shown = rows(EPISODES, HEADS + "\n".join(episodes))
    write_vintages(workspace, Gated(manifest, {EPISODES: shown}, {}, {}, {}), Limits(withdrawn=1.0))


def referrals(facts: Facts) -> list[str]:
    return facts.read("referrals")["referral_id"].to_list()


def test_the_index_is_built_once_for_a_history(workspace: Workspace, gathered: list[int]) -> None:
    assert referrals(open_index(workspace)) == ["a"]
    assert referrals(open_index(workspace)) == ["a"]
    assert len(gathered) == 1


def test_the_index_is_built_anew_when_the_history_has_changed(workspace: Workspace, gathered: list[int]) -> None:
    open_index(workspace)
    archive(workspace, SECOND, "a anna 2024-03-04 -", "b bert 2024-05-06 -")
    facts = open_index(workspace)
    assert (referrals(facts), facts.extract_date) == (["a", "b"], SECOND)
    archive(workspace, SECOND, "a anna 2024-03-04 -", "c cara 2024-05-06 -")  # the same night once more
    assert referrals(open_index(workspace)) == ["a", "c"]
    assert len(gathered) == 3


def test_an_index_that_was_removed_is_built_anew(workspace: Workspace, gathered: list[int]) -> None:
    open_index(workspace)
    for file in workspace.index.rglob("*.parquet"):
        file.unlink()
    (workspace.index / STAMP).unlink()
    assert referrals(open_index(workspace)) == ["a"]
    assert len(gathered) == 2


@pytest.mark.parametrize("last", ["episodes.parquet", STAMP])
def test_a_half_written_index_is_not_used(workspace: Workspace, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run was killed after this file."""
    for name in ("write_private", "write_json"):
        monkeypatch.setattr(flows.index, name, _killed_after(last, getattr(flows.index, name)))
    with pytest.raises(KeyboardInterrupt):
        open_index(workspace)
    monkeypatch.undo()
    assert (workspace.index / last).exists()
    assert referrals(open_index(workspace)) == ["a"]


def _killed_after(last: str, write: Callable[..., None]) -> Callable[..., None]:
    def killed(place: Path, *content: object) -> None:
        write(place, *content)
        if place.name == last:
            raise KeyboardInterrupt

    return killed


def test_what_an_older_index_held_is_not_in_the_new_one(workspace: Workspace) -> None:
    open_index(workspace)
    left = workspace.index / "rows" / "ssd_former.parquet"
    pl.DataFrame({"child": [1]}).write_parquet(left)
    archive(workspace, SECOND, "b bert 2024-05-06 -")
    assert "rows/ssd_former" not in open_index(workspace).frames


def test_facts_from_disk_are_those_that_were_written(workspace: Workspace, tmp_path: Path) -> None:
    facts = open_index(workspace)
    write_facts(facts, tmp_path / "copy")
    copy = scan_facts(tmp_path / "copy")
    assert (copy.window_start, copy.extract_date) == (date(2018, 1, 1), FIRST)
    assert copy.frames.keys() == facts.frames.keys()
    assert all(copy.read(name).equals(facts.read(name)) for name in facts.frames)
    assert set(copy.supplied[EPISODES]) == set(facts.supplied[EPISODES])
    assert "vintages" not in json.loads((tmp_path / "copy" / STAMP).read_text())


def test_a_matrix_of_no_rows_is_written_with_its_columns(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "matrix.parquet"
    assert write_matrix(open_index(workspace), [date(2020, 1, 1)], CATALOGUE, out, parts=3) == 0
    assert pl.read_parquet(out).columns[-len(CATALOGUE) :] == [feature.name for feature in CATALOGUE]
    assert write_matrix(open_index(workspace), [FIRST], CATALOGUE, out, parts=3) == 1
