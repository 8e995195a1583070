"""One night, from the extract to the published list: what it writes, and that it can be run again."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.chain import read_rows
from flows.ledger import verify_ledger
from flows.nightly import nightly
from flows.workspace import Workspace

Run = Callable[..., Any]

NIGHT = "2026-11-23"
MAY_DIFFER = ("run.json", "checks")


@pytest.fixture(scope="module")
def published(trained: Any, in_prefect: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one night, which nobody changes."""
    place = tmp_path_factory.mktemp("published") / "workspace"
    shutil.copytree(trained.workspace / "history", place / "history")
    nightly(source=str(trained.second), workspace=place, registry=trained.registry)
    return place


@pytest.fixture
def workspace(published: Path, tmp_path: Path) -> Path:
    """The same, of the test's own."""
    return Path(shutil.copytree(published, tmp_path / "workspace"))


@pytest.fixture
def night(workspace: Path) -> Path:
    return workspace / "nights" / NIGHT


def fixed_bytes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in MAY_DIFFER
    }


def test_a_night_publishes_everything_that_readers_open(night: Path, workspace: Path) -> None:
    assert {path.name for path in night.iterdir()} >= {
        "list.html",
        "list.xlsx",
        "list.parquet",
        "cases.parquet",
        "reasons.parquet",
        "events.parquet",
        "about.json",
        "run.json",
        "checks",
    }
    assert (workspace / "latest").read_text() == f"nights/{NIGHT}\n"
    assert (night / "checks" / "index.html").exists()
    assert len(list((workspace / "ledger").glob(f"000001.{NIGHT}.*"))) == 1


def test_every_row_received_is_accounted_for(night: Path) -> None:
    record = json.loads((night / "run.json").read_text())
    for table, count in record["tables"].items():
        found = count["accepted"] + sum(count["set_aside"].values()) + count["duplicates"]
        assert count["received"] == found, table
    assert record["cohort"] == record["scored"] + sum(record["abstained"].values())


def test_the_record_names_model_outcome_steps_and_the_hash_of_every_file(night: Path) -> None:
    record = json.loads((night / "run.json").read_text())
    assert record["status"] == "completed"
    assert record["model"]["version"] == "1"
    assert record["outcome"] == {"name": "new_referral_within_12_months", "version": 1}
    assert [step["name"] for step in record["steps"]] == [
        "pull", "refuse", "check", "archive", "model", "build", "score", "allocate", "write", "publish",
    ]  # fmt: skip
    for name, digest in record["files"].items():
        assert sha256((night / name).read_bytes()).hexdigest() == digest, name


def test_the_list_has_one_row_per_family_and_the_slots_are_filled(night: Path) -> None:
    families = pl.read_parquet(night / "list.parquet")
    assert families["family_id"].is_unique().all()
    placed = families.filter(pl.col("standing") == "place")
    assert dict(placed.group_by("kind").len().iter_rows()) == {"FGC": 5, "EH": 15}
    assert placed["listed_since"].cast(pl.String).to_list() == [NIGHT] * 20
    children = families["children"].explode()
    assert children.is_unique().all()


def test_reasons_add_up_to_the_chance(night: Path, trained: Any, workspace: Path) -> None:
    from features.matrix import build_matrix
    from flows.scoring import features_of
    from flows.vintages import read_archive
    from models.registry import Registry

    model = Registry(trained.registry, "unused").champion()
    matrix = build_matrix(read_archive(Workspace(workspace)), [pl.Series([NIGHT]).str.to_date().item()], features_of(model))
    log_odds = model.contributions(matrix).sum_horizontal() + model.base_log_odds
    chances = model.chances(matrix)
    assert (log_odds - (chances / (1 - chances)).log()).abs().max() < 1e-9  # type: ignore[operator]


def test_every_score_keeps_its_doubt_and_what_a_quiet_year_would_change(night: Path, workspace: Path) -> None:
    (entry,) = verify_ledger(Workspace(workspace)).nights
    shown, families = read_rows(entry), pl.read_parquet(night / "list.parquet")
    scored = shown.filter(~pl.col("abstained"))
    doubts = ("chance_low", "chance_high", "chance_after_quiet_year")
    assert scored.select(pl.col(*doubts, "share_of_models").is_between(0, 1).all()).row(0) == (True,) * 4
    assert shown.filter("abstained").select(pl.col("chance", *doubts).count()).row(0) == (0,) * 4
    assert (scored["chance_low"] < scored["chance_high"]).all()
    assert scored["chance_after_quiet_year"].mean() < scored["chance"].mean()  # type: ignore[operator]
    assert families["share_of_models"].sum() == pytest.approx(20)
    record = json.loads((night / "run.json").read_text())
    assert record["stale_tables"] == []
    assert 0 < record["reasons"]["agree"] <= record["reasons"]["shown"]


def test_the_ledger_says_what_the_night_was_made_of(night: Path, run: Run, workspace: Path) -> None:
    record = json.loads((night / "run.json").read_text())
    (entry,) = verify_ledger(Workspace(workspace)).nights
    assert (record["ledger"], record["ledger_head"]) == (entry.folder.name, entry.sha256)
    assert entry.rows == record["cohort"]
    assert entry.facts["list_sha256"] == record["files"]["list.parquet"]
    assert entry.facts["model"] == {"name": record["model"]["name"], "version": "1"}
    assert entry.facts["outcome"] == record["outcome"]
    assert entry.facts["data"]["extract_date"] == NIGHT
    assert set(entry.facts["data"]["vintages_sha256"]) == set(record["vintages"])
    done = run("verify", "--workspace", workspace, "--head", record["ledger_head"])
    assert done.code == 0, done.err
    assert done.out == f"1 entry, {record['cohort']} rows, all as written. Head: {entry.sha256}\n"


def test_a_recall_of_the_model_names_every_case_of_the_night(night: Path, run: Run, workspace: Path, tmp_path: Path) -> None:
    done = run("recall", "--workspace", workspace, "--model-version", "1", "--out", tmp_path / "notice.html")
    assert done.code == 0, done.err
    touched = pl.read_parquet(workspace / "recall" / "model-version-1.parquet")
    assert set(touched["person_id"]) == set(pl.read_parquet(night / "cases.parquet")["person_id"])
    page = (tmp_path / "notice.html").read_text()
    assert "Recall: model version 1" in page
    assert "INVENTED DATA" in page


def test_totals_of_reasons_are_of_the_scored_cases(night: Path) -> None:
    totals = pl.read_parquet(night / "reason_totals.parquet")
    assert totals.height == json.loads((night / "run.json").read_text())["scored"]
    assert {"the case now", "earlier referrals", "contacts"} <= set(totals.columns)


def test_the_same_night_again_gives_the_same_bytes(night: Path, run: Run, trained: Any, workspace: Path) -> None:
    before = fixed_bytes(night)
    history = fixed_bytes(workspace / "history")
    done = run("nightly", "--source", trained.second, "--workspace", workspace, "--registry", trained.registry)
    assert done.code == 0, done.err
    assert fixed_bytes(night) == before
    assert fixed_bytes(workspace / "history") == history
    assert len(list((workspace / "ledger").iterdir())) == 1
    assert sorted(path.name for path in (workspace / "nights").iterdir()) == [NIGHT]


def test_everything_is_private_to_its_owner(night: Path, workspace: Path) -> None:
    for path in workspace.rglob("*"):
        if path.name in (".lock",) or ("history" in path.parts and path.parent.name == "history"):
            continue
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_second_list_says_what_changed_since_the_first(run: Run, trained: Any, tmp_path: Path) -> None:
    workspace = tmp_path / "two nights"
    shutil.copytree(trained.workspace / "history", workspace / "history")
    for source, day in ((trained.first, "2026-11-22"), (trained.second, NIGHT)):
        done = run("nightly", "--source", source, "--workspace", workspace, "--registry", trained.registry)
        assert done.code == 0, done.err
        assert done.out.strip().splitlines()[-1] == str(workspace / "nights" / day / "list.html")
    first, second = (pl.read_parquet(workspace / "nights" / day / "list.parquet") for day in ("2026-11-22", NIGHT))
    placed = [set(families.filter(pl.col("standing") == "place")["family_id"]) for families in (first, second)]
    page = (workspace / "nights" / NIGHT / "list.html").read_text()
    assert "22 November 2026" in page
    kept = second.filter(pl.col("listed_since").cast(pl.String) == "2026-11-22")
    assert set(kept["family_id"]) == placed[0] & placed[1]  # nobody has decided about them


def test_the_matrix_for_a_notebook_is_the_nights_matrix(night: Path, run: Run, workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "matrix.parquet"
    done = run("features", "--workspace", workspace, "--as-of", NIGHT, "--out", out)
    assert done.code == 0, done.err
    record = json.loads((night / "run.json").read_text())
    assert pl.read_parquet(out).height == record["cohort"]
