"""Erasing a child: from every place, whatever step it is broken at, and of nobody else."""

import json
import os
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.decisions import read_decisions
from flows.erasure import erase
from flows.ledger import verify, verify_ledger
from flows.opt_out import read_opt_outs
from flows.publish.published import read_night
from flows.record import file_hashes
from flows.retention import erase_past_retention
from flows.tombstones import read_erased, read_tombstones
from flows.vintages import read_archive
from flows.workspace import Workspace
from tests.unit.erased_example import find_in_files
from tests.unit.held_child import BROTHER, CHILD, OLD, REASON, ROLE, STRANGER, fill
from tests.unit.night_example import AS_OF, FGC, pseudonym
from validation.errors import LedgerError, SettingsError
from validation.tables.catalogue import TABLES

ON = date(2026, 12, 1)
PLACES = {"decisions", "ledger", "nights", "opt-outs", "recall", "history"}
Erase = Callable[[], str]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("erasure") / "workspace")


@pytest.fixture
def root(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "workspace"))


def ask(root: Path, child: str = CHILD) -> str:
    return erase(root, child, role=ROLE, reason=REASON, on=ON)


def contents(root: Path) -> dict[str, bytes]:
    """Every file but the lock."""
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def test_an_erased_child_is_in_no_file_under_none_of_its_pseudonyms(root: Path) -> None:
    assert {path.partition("/")[0] for path in find_in_files(root, CHILD)} == {
        "history", "nights", "ledger", "decisions", "recall", "index",
    }  # fmt: skip
    words = ask(root)
    for one in (CHILD, OLD, pseudonym(f"assessment of {CHILD}"), pseudonym(f"factors of {OLD}"), pseudonym("case ash0")):
        assert find_in_files(root, one) == []
    assert words.startswith("1 child erased. ")
    assert not re.search("[0-9a-f]{32}", words)


def test_brothers_sisters_and_strangers_stay(root: Path) -> None:
    before = read_archive(Workspace(root))
    ask(root)
    now = read_archive(Workspace(root))
    for name, table in TABLES.items():
        if table.person:
            kept = before.table(name).filter(~pl.col(table.person).is_in([CHILD, OLD]))
            assert now.table(name).equals(kept), name
    factors = now.table("ssd_assessment_factors")["cinf_table_id"].unique().to_list()
    assert sorted(factors) == sorted(pseudonym(f"factors of {one}") for one in (BROTHER, STRANGER))
    night = read_night(root / "nights" / AS_OF.isoformat())
    ash = night.families.filter(pl.col("children").list.contains(BROTHER)).row(0, named=True)
    assert (ash["family_id"], ash["children"], ash["standing"], ash["kind"]) == (BROTHER, [BROTHER], "place", FGC)
    assert (ash["chance"], ash["chance_low"], ash["models"]) == (0.2, 0.1, None)
    elm = night.families.filter(family_id=pseudonym("elm")).row(0, named=True)
    assert (elm["chance"], elm["models"]) == (0.38, 16)
    assert night.counts.open_cases == night.cases.height == 3
    decided = read_decisions(Workspace(root))
    assert decided.select("family_id", "children", "decision").rows() == [(BROTHER, [BROTHER], "other")]
    assert [offer.family_id for offer in night.unanswered] == [BROTHER, STRANGER]
    recalled = pl.read_parquet(root / "recall" / "model-version-1.parquet")
    assert recalled.rows() == [(BROTHER, BROTHER), (STRANGER, pseudonym("elm"))]
    assert CHILD not in read_opt_outs(Workspace(root))


def test_a_list_that_was_made_anew_says_so_and_its_record_fits_its_files(root: Path) -> None:
    ask(root)
    folder = root / "nights" / AS_OF.isoformat()
    page = (folder / "list.html").read_text()
    assert "On 1 December 2026 a child was erased" in page
    assert CHILD[:8] not in page  # the reference by which a page calls it
    record = json.loads((folder / "run.json").read_text())
    assert record["erased_on"] == ["2026-12-01"]
    assert record["files"] == {name: digest for name, digest in file_hashes(folder).items() if name != "run.json"}
    assert (root / "latest").read_text() == f"nights/{AS_OF}\n"


def test_a_night_that_cannot_be_shown_again_loses_page_and_workbook(root: Path) -> None:
    folder = root / "nights" / AS_OF.isoformat()
    (folder / "about.json").write_text("{}")
    ask(root)
    left = {path.name for path in folder.iterdir()}
    assert not left & {"list.html", "list.xlsx", "about.json"}
    assert BROTHER in pl.read_parquet(folder / "cases.parquet")["person_id"]
    assert find_in_files(root, CHILD) == []


def test_the_tombstone_says_what_went_and_not_whose_it_was(root: Path) -> None:
    ask(root)
    (stone,) = read_tombstones(Workspace(root))
    assert (stone.why, stone.erased_on, stone.role, stone.reason, stone.children, stone.finished) == (
        "asked for", ON, ROLE, REASON, 1, True,
    )  # fmt: skip
    assert len(stone.commitments) == 2  # the child's pseudonym and the one before
    assert {place.partition("/")[0] for place in stone.rows} == PLACES
    assert stone.rows["history/ssd_cin_episodes"] == 4
    assert stone.rows["history/ssd_assessment_factors"] == 2
    assert stone.rows[f"nights/{AS_OF}"] == 1 + 4 + 7 + 1 + 2  # case, reasons, events, totals; two rows set aside
    assert stone.rows["decisions"] == 1
    # In entries of an earlier form a brother's row bears the name of the family, which is the child's.
    assert stone.rows["ledger"] == 4


def test_the_ledger_verifies_and_says_how_many_were_erased(root: Path) -> None:
    before = verify_ledger(Workspace(root)).head
    ask(root)
    assert verify(root, before).splitlines()[1] == "1 child erased."
    assert verify_ledger(Workspace(root)).erased == 4


def test_the_same_command_twice_changes_nothing(root: Path) -> None:
    ask(root)
    before = contents(root)
    assert ask(root).startswith("This child was erased on 1 December 2026")
    assert contents(root) == before


def test_an_old_pseudonym_erases_the_same_child(root: Path) -> None:
    ask(root, OLD)
    assert find_in_files(root, CHILD) == []


def test_a_broken_ledger_stops_before_anything_is_removed(root: Path) -> None:
    (file,) = (root / "ledger").glob("000001.*/commitments.bin")
    file.write_bytes(b"x" + file.read_bytes()[1:])
    before = contents(root)
    with pytest.raises(LedgerError):
        ask(root)
    assert contents(root) == before


@pytest.mark.parametrize(
    ("child", "role", "reason", "words"),
    [
        ("ash0", ROLE, REASON, "'--child' is no pseudonym"),
        ("0" * 32, ROLE, REASON, "'--child' is not in this workspace"),
        (CHILD, " ", REASON, "'--role' is empty"),
        (CHILD, ROLE, f"erase {CHILD}", "'--reason' holds a pseudonym"),
    ],
)
def test_what_cannot_be_is_refused_without_naming_the_child(root: Path, child: str, role: str, reason: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        erase(root, child, role=role, reason=reason, on=ON)
    assert child not in str(refused.value)
    assert find_in_files(root, CHILD)


class KilledError(BaseException):
    """What ends a run where it stands: nothing catches it."""


def break_at(monkeypatch: pytest.MonkeyPatch, step: int) -> list[int]:
    """End the run at the n-th change on disk: a rename, a removed file or a removed folder. Returns how many there were."""
    steps = [0]

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            steps[0] += 1
            if steps[0] == step:
                raise KilledError
            return change(*arguments, **options)

        return call

    monkeypatch.setattr(os, "replace", counted(os.replace))
    monkeypatch.setattr(shutil, "rmtree", counted(shutil.rmtree))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    return steps


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.proof)])
def test_ended_at_any_step_it_can_be_run_again_and_ends_the_same(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    whole = Path(shutil.copytree(filled, tmp_path / "whole"))
    with monkeypatch.context() as patch:
        steps = break_at(patch, 0)
        ask(whole)
    expected, last = contents(whole), steps[0]
    assert last > 40
    for step in range(1, last + 1, stride):
        broken = Path(shutil.copytree(filled, tmp_path / "broken"))
        with monkeypatch.context() as patch:
            break_at(patch, step)
            with pytest.raises(KilledError):
                ask(broken)
        ask(broken)
        assert contents(broken) == expected, step
        shutil.rmtree(broken)


def test_an_erasure_that_was_ended_is_kept_out_already_and_verify_asks_for_the_rest(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        break_at(patch, 10)
        with pytest.raises(KilledError):
            ask(root)
    assert CHILD in read_erased(Workspace(root))
    assert verify(root).splitlines()[1] == "1 child erased. 1 erasure was begun and never finished: run 'rereferral erase' again."


def retain(root: Path, *, years: int | None = 7, yes: bool = False) -> str:
    (root / "rereferral.toml").write_text("" if years is None else f"retention_years = {years}\n")
    return erase_past_retention(root, role=ROLE, reason="past retention", on=ON, yes=yes)


@pytest.fixture
def long_ago(root: Path) -> Path:
    """The same workspace, in which everything of the child and of its old number ended eight years ago."""
    day = AS_OF - timedelta(days=8 * 365)
    of = pl.col("person").is_in([CHILD, OLD])
    for name, (person, *dates) in {
        "ssd_cin_episodes": ("cine_person_id", "cine_referral_date", "cine_close_date"),
        "ssd_cin_assessments": ("cina_person_id", "cina_assessment_start_date", "cina_assessment_auth_date"),
    }.items():
        for file in (root / "history" / name).glob("*.parquet"):
            frame = pl.read_parquet(file).with_columns(person=pl.col(person))
            frame.with_columns(pl.when(of).then(pl.lit(day)).otherwise(one).alias(one) for one in dates).drop(
                "person"
            ).write_parquet(file)
    return root


def test_past_retention_is_counted_first_and_erased_on_yes(long_ago: Path) -> None:
    before = contents(long_ago)
    told = retain(long_ago)
    assert "1 child past retention (nothing on record since 25 November 2019 and no open case)" in told
    assert "Nothing was erased" in told
    assert {name: content for name, content in contents(long_ago).items() if name != "rereferral.toml"} == before
    assert retain(long_ago, yes=True).endswith(": erased.")
    assert find_in_files(long_ago, CHILD) == find_in_files(long_ago, OLD) == []
    assert find_in_files(long_ago, BROTHER)
    (stone,) = read_tombstones(Workspace(long_ago))
    assert (stone.why, stone.children, stone.commitments) == ("past retention", 1, ())
    assert CHILD not in read_erased(Workspace(long_ago))  # who comes back years later is a child like any other
    assert retain(long_ago, yes=True).startswith("No child is past retention")


def test_an_open_case_or_a_later_record_is_not_past_retention(root: Path) -> None:
    assert retain(root).startswith("No child is past retention")


def test_retention_needs_a_setting_and_more_years_than_the_extract_has(root: Path) -> None:
    with pytest.raises(SettingsError, match="'retention_years' is not set"):
        retain(root, years=None)
    with pytest.raises(SettingsError, match="'retention_years' is 6 and the extract reaches back to 2020-11-25"):
        retain(root, years=6)
