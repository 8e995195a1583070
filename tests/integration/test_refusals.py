"""Every refusal and stop: its exit code, its one sentence, and what it leaves behind."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.forms import Form
from flows.request import Request
from flows.synthesis import synthesise
from models.registry import Registry

Run = Callable[..., Any]
DAY = "2026-11-23"


@pytest.fixture
def night(run: Run, trained: Any, workspace: Path) -> Callable[..., Any]:
    """Run the second night on a workspace of the test's own."""

    def call(source: object = trained.second, *more: object) -> Any:
        return run("nightly", "--source", source, "--workspace", workspace, "--registry", trained.registry, *more)

    return call


@pytest.fixture
def second(trained: Any, tmp_path: Path) -> Path:
    """A copy of the second day's extract, to be spoilt."""
    return shutil.copytree(trained.second, tmp_path / "second")


def one_sentence(done: Any, code: int, *parts: str) -> None:
    assert done.code == code, done.err
    assert done.err.startswith("rereferral: ")
    assert done.err.count("\n") == 1
    for part in parts:
        assert part in done.err


def stopped(workspace: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((workspace / "nights" / f"{DAY}.stopped" / "run.json").read_text())
    assert not (workspace / "latest").exists()
    assert [path.name for path in (workspace / "nights").iterdir()] == [f"{DAY}.stopped"]
    assert record["status"] == "stopped"
    return record


def spoil(folder: Path, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    file = folder / f"{table}.parquet"
    change(pl.read_parquet(file)).write_parquet(file)


def manifest(folder: Path, **changes: str) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_10_settings_with_all_faults_at_once(night: Any, workspace: Path) -> None:
    (workspace / "rereferral.toml").write_text("bags = 0\nspeed = 3\n")
    one_sentence(night(), 10, "'bags'", "'speed'")


def test_10_offers_with_all_faults_at_once(night: Any, workspace: Path) -> None:
    (workspace / "offers.toml").write_text("most_days = 3\n[[kind]]\ncode = 'FGDM'\nweekly_slots = -1\n")
    one_sentence(night(), 10, "'most_days'", "'weekly_slots'", "FGDM")


def test_10_another_date_than_the_extracts(night: Any, trained: Any) -> None:
    one_sentence(night(trained.second, "--as-of", "2026-11-20"), 10, "2026-11-20", DAY)


def test_10_an_argument_that_is_no_date(night: Any, trained: Any) -> None:
    assert night(trained.second, "--as-of", "yesterday").code == 10


def test_11_a_required_column_is_missing(night: Any, second: Path, workspace: Path) -> None:
    spoil(second, "ssd_cin_episodes", lambda frame: frame.drop("cine_referral_nfa"))
    one_sentence(night(second), 11, "'ssd_cin_episodes'", "'cine_referral_nfa'")
    assert stopped(workspace)["stopped_by"]["exit_code"] == 11


def test_11_a_folder_without_a_manifest(night: Any, second: Path) -> None:
    (second / "manifest.json").unlink()
    done = night(second)
    assert done.code == 11
    assert "manifest.json" in done.err
    assert '"extract_rule": "started_or_open"' in done.err  # shows what to write


def test_12_a_raw_census_is_refused_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    from datetime import date

    census = tmp_path / "census"
    synthesise(Request(date(2026, 3, 31), census, profile="england", residents=1_000, years=1, form=Form.CENSUS))
    before = sorted(tmp_path.rglob("*"))
    done = run("nightly", "--source", census, "--workspace", tmp_path / "new")
    one_sentence(done, 12, "'ssd_person.pers_person_id'", "'ssd_person.pers_upn'", "rereferral pseudonymise")
    assert sorted(tmp_path.rglob("*")) == before


def test_12_a_full_birth_date_is_refused_and_the_workspace_is_as_it_was(night: Any, second: Path, workspace: Path) -> None:
    spoil(second, "ssd_person", lambda frame: frame.with_columns(pl.col("pers_dob") + pl.duration(days=3)))
    before = sorted(workspace.rglob("*"))
    one_sentence(night(second), 12, "full dates in 'ssd_person.pers_dob'")
    assert sorted(workspace.rglob("*")) == before


def test_13_a_required_table_is_missing(night: Any, second: Path, workspace: Path) -> None:
    (second / "ssd_person.parquet").unlink()
    one_sentence(night(second), 13, "'ssd_person'")
    stopped(workspace)


def test_13_a_table_that_the_model_had_is_missing_tonight(night: Any, second: Path, workspace: Path) -> None:
    (second / "ssd_contacts.parquet").unlink()
    one_sentence(night(second), 13, "'ssd_contacts'")
    assert stopped(workspace)["model"]["version"] == "1"


def test_13_a_column_that_the_model_had_is_missing_tonight(night: Any, second: Path) -> None:
    spoil(second, "ssd_contacts", lambda frame: frame.drop("cont_contact_source_code"))
    one_sentence(night(second), 13, "'ssd_contacts'", "'cont_contact_source_code'")


@pytest.mark.parametrize(
    ("table", "columns"), [("ssd_cin_episodes", ("cine_close_date", "cine_close_reason")), ("ssd_person", ("pers_dob",))]
)
def test_13_a_column_that_the_model_had_is_blank_tonight(night: Any, second: Path, table: str, columns: tuple[str, ...]) -> None:
    spoil(second, table, lambda frame: frame.with_columns(pl.lit(None, pl.Date).alias(name) for name in columns[:1]))
    spoil(second, table, lambda frame: frame.with_columns(pl.lit(None, pl.String).alias(name) for name in columns[1:]))
    one_sentence(night(second), 13, f"'{table}'", f"'{columns[0]}'")


def test_13_one_key_for_every_family(night: Any, second: Path) -> None:
    spoil(second, "ssd_family", lambda frame: frame.with_columns(fami_family_id=pl.lit("0" * 32)))
    one_sentence(night(second), 13, "'ssd_family'", "family-too-large")


def test_13_too_many_rows_set_aside_and_the_checks_are_kept(night: Any, second: Path, workspace: Path) -> None:
    spoil(
        second,
        "ssd_cin_episodes",
        lambda frame: frame.with_columns(pl.col("cine_close_date") - pl.duration(days=9999)),
    )
    one_sentence(night(second), 13, "'ssd_cin_episodes'", "8630", "limits.set_aside")
    stopped(workspace)
    assert (workspace / "nights" / f"{DAY}.stopped" / "checks" / "index.html").exists()


def test_13_a_table_collapsed(night: Any, second: Path) -> None:
    spoil(second, "ssd_contacts", lambda frame: frame.head(100))
    one_sentence(night(second), 13, "'ssd_contacts'", "to 100 rows")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"authority": "Another"}, "another authority"),
        ({"key_fingerprint": "another"}, "another key"),
        ({"extract_rule": "started_or_open"}, "'started_or_open'"),
        ({"extract_date": "2026-11-01"}, "older than the last one"),
    ],
)
def test_13_the_extract_does_not_continue_the_history(night: Any, second: Path, change: dict[str, str], part: str) -> None:
    manifest(second, **change)
    one_sentence(night(second), 13, part)


def test_13_too_many_rows_withdrawn(night: Any, second: Path, workspace: Path) -> None:
    spoil(second, "ssd_contacts", lambda frame: frame.sort("cont_contact_date").head(int(frame.height * 0.9)))
    before = sorted((workspace / "history").rglob("*"))
    one_sentence(night(second), 13, "'ssd_contacts'", "limits.withdrawn")
    assert sorted((workspace / "history").rglob("*")) == before


def test_14_without_an_approved_model_the_extract_is_archived_all_the_same(run: Run, trained: Any, workspace: Path) -> None:
    one_sentence(run("nightly", "--source", trained.second, "--workspace", workspace), 14, "rereferral promote")
    stopped(workspace)
    assert (workspace / "history" / "manifests" / f"{DAY}.json").exists()


def test_14_a_model_trained_on_invented_data_scores_real_cases_only_as_a_demonstration(
    night: Any, second: Path, workspace: Path
) -> None:
    shutil.rmtree(workspace / "history")
    manifest(second, origin="real", authority="Anyshire")
    one_sentence(night(second), 14, "invented data", "--demonstration")
    stopped(workspace)
    done = night(second, "--demonstration")
    assert done.code == 0, done.err
    assert "DEMONSTRATION" in (workspace / "nights" / DAY / "list.html").read_text()
    assert not (workspace / "nights" / f"{DAY}.stopped").exists()


def test_15_a_database_that_cannot_be_reached_and_its_password_is_not_told(night: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.sources.database.WAITS", (0.0,))
    done = night("postgresql+psycopg://someone:hunter2@127.0.0.1:1/ssd?connect_timeout=1")
    one_sentence(done, 15)
    assert "hunter2" not in done.err


def test_17_a_ledger_that_was_changed(night: Any, run: Run, workspace: Path) -> None:
    assert night().code == 0
    (rows,) = (workspace / "ledger").glob("*/rows.jsonl")
    rows.write_text(rows.read_text().replace(',"', ',"x', 1))
    one_sentence(night(), 17, rows.parent.name, "row 1 was altered")
    one_sentence(run("verify", "--workspace", workspace), 17, rows.parent.name, "row 1 was altered")


def test_18_too_little_to_train_on(run: Run, second: Path, tmp_path: Path) -> None:
    manifest(second, window_start="2025-11-24")
    done = run("retrain", "--source", second, "--workspace", tmp_path / "short")
    one_sentence(done, 18, "too few complete outcomes", "100 returns")
    registry = Registry(f"sqlite:///{tmp_path / 'short'}/mlflow.db", None)
    with registry.open() as (_mlflow, client):
        (training,) = client.search_runs([client.get_experiment_by_name(registry.outcome).experiment_id])
        assert (training.info.status, training.data.tags["registered"]) == ("FAILED", "no")
        assert not client.search_model_versions(f"name = '{registry.outcome}'")


def test_a_fault_of_ours_says_its_kind_and_no_value(
    run: Run, trained: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a child's value")

    monkeypatch.setattr("flows.scoring.explain_scores", fail)
    monkeypatch.delenv("REREFERRAL_TRACEBACK", raising=False)
    done = run("nightly", "--source", trained.second, "--workspace", workspace, "--registry", trained.registry)
    assert done.code == 1
    assert "ValueError" in done.err
    assert "a child's value" not in done.err
    assert not (workspace / "latest").exists()


def test_14_a_model_whose_review_is_overdue_makes_no_list(
    night: Callable[..., Any], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions = Registry.decisions
    overdue = {"review_by": "2026-11-22"}
    monkeypatch.setattr(Registry, "decisions", lambda register: [decision | overdue for decision in decisions(register)])
    one_sentence(night(), 14, "was to be reviewed by 2026-11-22, and nobody has: no list is made", "the role 'test' must look")
    assert "looked at again has passed" in stopped(workspace)["out_of_use"]["why"]
