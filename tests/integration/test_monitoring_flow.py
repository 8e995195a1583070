"""From a ledger of past lists and the history to verdicts, alerts, the board's page, and the night that goes by them."""

import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.cohort import grid
from features.matrix import build_matrix
from flows import alerts
from flows.ledger import append, erase_rows
from flows.night import open_registry
from flows.scoring import features_of
from flows.settings import read_settings
from flows.vintages import read_archive
from flows.workspace import Workspace
from models import offers
from tests.unit.ledger_example import SHOWN, facts

Run = Callable[..., Any]
OUTCOME = "new_referral_within_12_months"
MATURE = date(2025, 10, 25)  # the latest complete date of the first day's history
DAYS = [day for day in grid(date(2024, 10, 1), MATURE) if day.month != 3] + [date(2026, 6, 1), date(2026, 6, 2)]
WHO = ("--role", "Head of Service", "--name", "A. Person", "--reason", "to see")


@pytest.fixture(scope="module")
def scored(trained: Any) -> pl.DataFrame:
    """What the model in use would have shown on each of the days."""
    place = Workspace(trained.workspace)
    model = open_registry(place, read_settings(trained.workspace)).champion()
    matrix = build_matrix(read_archive(place), DAYS, features_of(model))
    return (
        matrix.with_columns(chance=model.chances(matrix))
        .with_columns(offers.FAMILY)
        .select("as_of", "person_id", "referral_id", "family_id", "chance")
        .with_columns(
            order=pl.col("chance").rank("ordinal", descending=True).over("as_of").cast(pl.Int64),
            abstained=pl.lit(value=False),
            kind=pl.lit(None, pl.String),
            listed_since=pl.lit(None, pl.Date),
        )
        .with_columns(standing=pl.when(pl.col("order") <= 20).then(pl.lit("place")).otherwise(pl.lit("waiting")))
        .select(pl.col(name).cast(dtype) for name, dtype in SHOWN.items())
    )


@pytest.fixture
def ledger(trained: Any, scored: pl.DataFrame, tmp_path: Path) -> Callable[[float], Path]:
    """A workspace whose ledger shows the model's chances on each of the days, times a number."""

    def enter(times: float) -> Path:
        place = shutil.copytree(trained.workspace, tmp_path / "workspace")
        for day in DAYS:
            shown = scored.filter(pl.col("as_of") == day).with_columns(pl.col("chance") * times)
            append(Workspace(place), day, shown, facts(day))
        return place

    return enter


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(alerts, "emit_event", lambda **told: seen.append(told))
    return seen


def read(workspace: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((workspace / "monitoring" / f"{OUTCOME}.json").read_text())
    return told


def test_a_model_in_use_is_held_against_what_happened(
    run: Run, trained: Any, ledger: Callable[[float], Path], scored: pl.DataFrame, events: list[dict[str, Any]]
) -> None:
    workspace = ledger(1.0)
    done = run("monitor", "--workspace", workspace)
    assert done.code == 0, done.err
    told = read(workspace)
    assert (told["in_use"], told["complete_up_to"], told["nights"], told["nights_not_complete_yet"]) == (
        "1", str(MATURE), len(DAYS), 2,
    )  # fmt: skip
    assert told["months_without_list"][0] == "2025-03-01"
    (latest,) = told["models"]["1"]["latest_months"]
    assert 0.6 < latest["ratio"] < 1.5
    frame = pl.read_parquet(workspace / "monitoring" / f"{OUTCOME}.parquet")
    months = frame.filter(look="month", who="all families")
    assert months["value"].max() == "2025-10-01"
    assert told["cases"]["counted"] == months["rows"].sum()
    chosen = scored.filter(pl.col("as_of") <= MATURE).with_columns(pl.col("as_of").dt.truncate("1mo").alias("month"))
    nights = chosen.group_by("month", "as_of").len()
    least, most = (nights.group_by("month").agg(part)["len"].sum() for part in (pl.col("len").min(), pl.col("len").max()))
    assert least <= sum(told["cases"].values()) <= most
    page = (workspace / "monitoring" / f"{OUTCOME}.html").read_text()
    for words in ("INVENTED DATA", "Do the chances hold?", "March 2025", "2 nights are too recent"):
        assert words in page
    assert not set(scored["person_id"].unique()) & set(page.split())
    assert [event["event"] for event in events] == ["rereferral.model.to-look-into"]
    assert any("months since the first one" in words for words in events[0]["payload"]["words"])
    assert all(path.stat().st_mode & 0o077 == 0 for path in (workspace / "monitoring").iterdir())
    kept = (workspace / "monitoring" / f"{OUTCOME}.history.jsonl").read_text()
    assert json.loads(kept)["models"]["1"]["verdict"] == told["models"]["1"]["verdict"]
    assert run("monitor", "--workspace", workspace).code == 0
    assert (workspace / "monitoring" / f"{OUTCOME}.history.jsonl").read_text() == kept  # the same look of the same day
    assert run("nightly", "--source", trained.second, "--workspace", workspace).code == 0
    record = json.loads((workspace / "nights" / "2026-11-23" / "run.json").read_text())
    assert record["monitoring"]["verdicts"] == {"1": told["models"]["1"]["verdict"]}


@pytest.mark.proof
def test_chances_far_too_low_stop_the_night_and_the_version_cannot_be_approved_again(
    run: Run, trained: Any, ledger: Callable[[float], Path], events: list[dict[str, Any]]
) -> None:
    workspace = ledger(0.3)
    done = run("monitor", "--workspace", workspace)
    assert done.code == 18
    assert "Too many: " in done.err
    assert f"Read 'monitoring/{OUTCOME}.html' and decide" in done.err
    assert read(workspace)["models"]["1"]["verdict"] == "fails in use"
    assert events[0]["event"] == "rereferral.model.failing"
    done = run("nightly", "--source", trained.second, "--workspace", workspace)
    assert done.code == 18
    assert "the role 'test' must look at its reports and decide" in done.err
    assert events[-1]["event"] == "rereferral.list.withdrawn"
    assert not (workspace / "latest").exists()  # no list was out
    answers = ("--decision", "approve", *WHO, "--conditions", "none", "--review-by", "9999-12-31")
    done = run("promote", "--workspace", workspace, "--version", 1, *answers)
    assert done.code == 18
    assert "cannot be put into use again" in done.err


def test_rows_of_a_child_who_was_erased_are_told_and_not_counted(
    run: Run, ledger: Callable[[float], Path], scored: pl.DataFrame
) -> None:
    workspace = ledger(1.0)
    nights = scored.filter(pl.col("as_of") <= MATURE)
    always = nights.group_by("person_id").agg(pl.col("as_of").n_unique()).sort("as_of", "person_id")["person_id"][-1]
    assert erase_rows(Workspace(workspace), [always], date(2026, 11, 22)) > 0
    assert run("monitor", "--workspace", workspace).code == 0
    cases = read(workspace)["cases"]
    months = nights.filter(pl.col("person_id") == always)["as_of"].dt.truncate("1mo").n_unique()
    assert 0 < cases["erased"] <= months
    assert cases["counted"] > 0


def test_a_ledger_that_was_changed_is_not_judged(run: Run, ledger: Callable[[float], Path]) -> None:
    workspace = ledger(1.0)
    (rows,) = (workspace / "ledger").glob("000001.*/rows.jsonl")
    rows.write_bytes(rows.read_bytes().replace(b'"waiting"', b'"place"', 1))
    done = run("monitor", "--workspace", workspace)
    assert done.code == 17
    assert not (workspace / "monitoring").exists()


def test_without_a_list_there_is_nothing_to_look_at(run: Run, trained: Any, tmp_path: Path) -> None:
    workspace = shutil.copytree(trained.workspace, tmp_path / "workspace")
    done = run("monitor", "--workspace", workspace)
    assert done.code == 10
    assert "No list was made" in done.err


def test_lists_too_recent_to_be_judged_are_no_evidence(run: Run, trained: Any, scored: pl.DataFrame, tmp_path: Path) -> None:
    workspace = shutil.copytree(trained.workspace, tmp_path / "workspace")
    day = date(2026, 6, 1)
    append(Workspace(workspace), day, scored.filter(pl.col("as_of") == day), facts(day))
    append(Workspace(workspace), day + timedelta(1), scored.filter(pl.col("as_of") == day + timedelta(1)), facts(day))
    done = run("monitor", "--workspace", workspace)
    assert done.code == 0, done.err
    assert "version 1: not enough evidence" in done.out
    page = (workspace / "monitoring" / f"{OUTCOME}.html").read_text()
    assert "None of its lists is old enough" in page
