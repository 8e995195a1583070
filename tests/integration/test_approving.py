"""To put a model into use takes a person who may and all that is asked; to stop one is at once, and the team's page says so."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.verdicts import monitoring_file
from flows.workspace import Workspace, write_json
from models.registry import Registry

Run = Callable[..., Any]
OUTCOME = "new_referral_within_12_months"
WHO = {"role": "Head of Service", "name": "A. Person", "reason": "met every criterion"}
GIVEN = {"decision": "approve", **WHO, "conditions": "an officer reads every page first", "review-by": "9999-12-31"}
RETIREMENT = {"role": "Lead Member", "name": "B. Person", "reason": "the board has lost confidence in it"}
NIGHT = "2026-11-23"


@pytest.fixture
def workspace(trained: Any, tmp_path: Path) -> Path:
    """A workspace with a register of its own, in which version 1 is in use."""
    return shutil.copytree(trained.workspace, tmp_path / "workspace")


def options(given: dict[str, str]) -> list[str]:
    return [part for name, value in given.items() for part in (f"--{name}", value)]


def decisions(workspace: Path) -> list[dict[str, Any]]:
    return Registry(f"sqlite:///{workspace}/mlflow.db", None).decisions()


def fail_in_use(workspace: Path) -> None:
    found = {"verdict": "It fails.", "missed": ["Far more came back than was said."], "words": []}
    told = {"extract_date": "2026-11-22", "complete_up_to": "2025-10-25", "alerts": [], "models": {"1": found}}
    write_json(monitoring_file(Workspace(workspace), OUTCOME, "json"), told)


@pytest.fixture
def promote(run: Run, workspace: Path) -> Callable[..., Any]:
    return lambda given: run("promote", "--workspace", workspace, "--version", 1, *options(given))


@pytest.fixture
def nightly(run: Run, trained: Any, workspace: Path) -> Callable[..., Any]:
    return lambda source=trained.second: run("nightly", "--source", source, "--workspace", workspace)


def opened(workspace: Path) -> str:
    """What the team sees when it opens what `latest` names."""
    page = workspace / (workspace / "latest").read_text().strip() / "list.html"
    assert page.stat().st_mode & 0o077 == 0
    return page.read_text(encoding="utf-8")


def test_verdicts_are_shown_before_the_decision_is_kept(promote: Callable[..., Any], workspace: Path) -> None:
    done = promote(GIVEN)
    assert done.code == 0, done.err
    findings = json.loads((workspace / "training" / "1" / "evaluation.json").read_text())["criteria"]["findings"]
    for finding in findings:
        assert f"met: {finding['criterion']}. {finding['words']}" in done.out
    for words in (
        "not enough evidence, which is no pass",
        "The board's written rule says: ",
        "Price of transparency:",
        "nothing is known of it in use",
    ):
        assert words in done.out
    assert done.out.endswith("promoted version 1, to be reviewed by 9999-12-31\n")
    kept = decisions(workspace)[-1]
    assert (kept["role"], kept["conditions"]) == ("Head of Service", "an officer reads every page first")


def test_without_a_terminal_everything_that_is_missing_is_named_together(
    promote: Callable[..., Any], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    before = decisions(workspace)
    done = promote({"role": "Head of Service", "name": "A. Person"})
    assert done.code == 10
    assert "lacks '--decision', '--reason', '--conditions', '--review-by'" in done.err
    assert decisions(workspace) == before


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_at_a_terminal_what_is_missing_is_asked_for(
    promote: Callable[..., Any], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("Approve\nhead of service\nIt helps.\nnone\n9999-12-31\n"))
    done = promote({"name": "A. Person"})
    assert done.code == 0, done.err
    kept = decisions(workspace)[-1]
    told = {"action": "promote", "role": "Head of Service", "name": "A. Person", "reason": "It helps.", "conditions": "none"}
    assert kept.items() >= told.items()


def test_a_version_in_use_is_not_declined_but_retired(promote: Callable[..., Any], workspace: Path) -> None:
    before = decisions(workspace)
    done = promote({"decision": "decline", **WHO})
    assert done.code == 10
    assert "rereferral retire" in done.err
    assert decisions(workspace) == before
    assert Registry(f"sqlite:///{workspace}/mlflow.db", None).champion().version == "1"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"role": "Data scientist"}, "The role 'Data scientist' may not put a model into use: allowed are"),
        ({"review-by": "2020-01-01"}, "to be reviewed by '2020-01-01': name a later day"),
        ({"conditions": " "}, "or 'none'"),
        ({"decision": "maybe"}, "allowed are approve, decline"),
    ],
)
def test_a_wrong_role_an_expired_review_or_no_answer_is_refused(
    promote: Callable[..., Any], workspace: Path, change: dict[str, str], words: str
) -> None:
    before = decisions(workspace)
    done = promote(GIVEN | change)
    assert done.code == 10
    assert words in " ".join(done.err.replace("│", " ").split())
    assert decisions(workspace) == before


def test_a_version_whose_evaluation_misses_a_criterion_is_refused(promote: Callable[..., Any], workspace: Path) -> None:
    file, before = workspace / "training" / "1" / "evaluation.json", decisions(workspace)
    evaluation = json.loads(file.read_text())
    evaluation["criteria"]["findings"][2] |= {"met": False, "words": "Chances are too far off."}
    write_json(file, evaluation)
    done = promote(GIVEN)
    assert done.code == 18
    assert "misses 1 of its criteria and cannot be put into use. calibration error: Chances are too far off." in done.err
    assert decisions(workspace) == before


def test_a_version_that_fails_in_use_is_refused(promote: Callable[..., Any], workspace: Path) -> None:
    before = decisions(workspace)
    fail_in_use(workspace)
    done = promote(GIVEN)
    assert done.code == 18
    assert "It fails." in done.out
    assert "Far more came back than was said." in done.err
    assert decisions(workspace) == before


def test_a_version_whose_reports_nobody_can_read_is_refused(promote: Callable[..., Any], workspace: Path) -> None:
    shutil.rmtree(workspace / "training" / "1")
    done = promote(GIVEN)
    assert done.code == 10
    assert "nobody approves what they have not seen" in done.err


def test_a_retirement_takes_the_list_away_at_once_and_the_next_morning_says_so(
    run: Run, trained: Any, nightly: Callable[..., Any], workspace: Path
) -> None:
    assert nightly(trained.first).code == 0
    listed = (workspace / "nights" / "2026-11-22" / "list.html").read_bytes()
    done = run("retire", "--workspace", workspace, "--version", 1, *options(RETIREMENT))
    assert done.code == 0, done.err
    assert (workspace / "latest").read_text() == "nights/2026-11-22.notice\n"
    for words in ("Do not use the order of the list of 22 November 2026", "B. Person, Lead Member", RETIREMENT["reason"]):
        assert words in opened(workspace)
    done = nightly()
    assert done.code == 14
    assert "rereferral promote" in done.err
    assert (workspace / "latest").read_text() == f"nights/{NIGHT}.notice\n"
    assert "Do not use the order of the list of 22 November 2026" in opened(workspace)
    assert (workspace / "nights" / "2026-11-22" / "list.html").read_bytes() == listed
    assert json.loads((workspace / "nights" / f"{NIGHT}.stopped" / "run.json").read_text())["status"] == "stopped"


@pytest.mark.proof
def test_a_model_that_fails_in_use_makes_no_list_and_the_next_good_night_takes_the_notice_away(
    trained: Any, nightly: Callable[..., Any], workspace: Path
) -> None:
    assert nightly(trained.first).code == 0
    fail_in_use(workspace)
    done = nightly()
    assert done.code == 18
    assert "Whoever holds the role 'test' must look at its reports and decide" in done.err
    for words in ("Far more came back than was said.", "The test has to look at the model"):
        assert words in opened(workspace).replace("&#39;", "'")
    record = json.loads((workspace / "nights" / f"{NIGHT}.stopped" / "run.json").read_text())
    assert record["out_of_use"]["missed"] == ["Far more came back than was said."]
    monitoring_file(Workspace(workspace), OUTCOME, "json").unlink()
    assert nightly().code == 0
    assert (workspace / "latest").read_text() == f"nights/{NIGHT}\n"
    assert "For the morning of" in opened(workspace)
    assert sorted(path.name for path in (workspace / "nights").iterdir()) == ["2026-11-22", NIGHT]


@pytest.mark.proof
def test_a_retirement_of_another_version_leaves_the_list_alone(
    run: Run, trained: Any, nightly: Callable[..., Any], workspace: Path
) -> None:
    assert nightly(trained.first).code == 0
    record = workspace / "nights" / "2026-11-22" / "run.json"
    made_by = json.loads(record.read_text())
    made_by["model"]["version"] = "0"
    write_json(record, made_by)
    registry = Registry(f"sqlite:///{workspace}/mlflow.db", None)
    with registry.open() as (_mlflow, client):
        client.create_model_version(OUTCOME, "file:///nowhere", tags={"status": "challenger"})
    done = run("retire", "--workspace", workspace, "--version", 2, *options(RETIREMENT))
    assert done.code == 0, done.err
    assert (workspace / "latest").read_text() == "nights/2026-11-22\n"
