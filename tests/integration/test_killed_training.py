"""A training that is killed leaves no half-registered model and a run that says so; decisions work on a server as well."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.settings import read_criteria_of
from models.registry import Registry
from models.scorecard import Scorecard
from models.training import Trained

NIGHT = date(2026, 11, 23)

# Runs the command line and kills the process half a second into the training, or when the model and all about it are logged
# and a version is about to be made. But for the first, the training is left out and its result taken from another register.
DRIVER = """
import os, signal, sys, threading
import flows.retrain
from flows.workspace import make_private_folder

point, ready, *arguments = sys.argv[1:]
train = flows.retrain.train_on

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def train_and_be_killed(*what):
    threading.Timer(0.5, kill).start()
    return train(*what)

def take_from_another_register(*what):
    from models.criteria import Finding
    from models.registry import Registry
    from models.training import Trained
    missed = [Finding("plausible", False, 0.9, 0.85, "AUC is 0.900.")] if point == "refused" else []
    return Trained(Registry(ready, None).champion(), [], (), tuple(missed), True, "0" * 64, {}, None)

flows.retrain.train_on = train_and_be_killed
if point != "training":
    flows.retrain.fit = take_from_another_register
    flows.retrain.weigh = lambda *what: {"rows": {"cohort": 0, "used": 0}, "results": []}
    flows.retrain.report = lambda place, *what: make_private_folder(place.training / ".new")
if point == "registering":
    from mlflow import MlflowClient
    MlflowClient.create_model_version = lambda *version, **options: kill()
sys.argv = ["rereferral", "retrain", *arguments]
from flows.cli import main
main()
"""


def start(environment: dict[str, str], point: str, ready: str, workspace: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DRIVER, point, ready, "--workspace", str(workspace)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def runs_once_closed(registry: Registry) -> list[tuple[str, str]]:
    """Status of every training and whether it registered a model, the oldest first, once none is running any more."""
    with registry.open() as (_mlflow, client):
        experiment = client.get_experiment_by_name(registry.outcome).experiment_id
        for _ in range(300):
            runs = client.search_runs([experiment], order_by=["attributes.start_time ASC"])
            if all(run.info.status != "RUNNING" for run in runs):
                break
            time.sleep(0.1)
        return [(run.info.status, run.data.tags["registered"]) for run in runs]


def versions_of(registry: Registry) -> tuple[list[str], dict[str, str]]:
    """Registered versions, and the version of each alias."""
    with registry.open() as (_mlflow, client):
        found = client.search_model_versions(f"name = '{registry.outcome}'")
        model = registry.find_model(client)
        aliases = {alias: str(version) for alias, version in model.aliases.items()} if model else {}
        return sorted(str(version.version) for version in found), aliases


def test_a_killed_training_leaves_no_half_of_a_model_and_the_next_one_works(
    environment: dict[str, str], trained: Any, workspace: Path, tmp_path: Path
) -> None:
    spaces = {"training": shutil.copytree(workspace, tmp_path / "other"), "registering": workspace}
    running = {point: start(environment, point, trained.registry, space) for point, space in spaces.items()}
    for point, process in running.items():
        _, err = process.communicate(timeout=300)
        assert process.returncode == -9, (point, err)
        registry = Registry(f"sqlite:///{spaces[point]}/mlflow.db", None)
        assert runs_once_closed(registry) == [("KILLED", "no")], point
        assert versions_of(registry) == ([], {}), point
    again = start(environment, "nowhere", trained.registry, workspace)
    _, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert runs_once_closed(registry) == [("KILLED", "no"), ("FINISHED", "yes")]
    assert versions_of(registry) == (["1"], {"challenger": "1"})


def test_a_refused_training_is_logged_and_registers_nothing(environment: dict[str, str], trained: Any, workspace: Path) -> None:
    refused = start(environment, "refused", trained.registry, workspace)
    _, err = refused.communicate(timeout=300)
    assert refused.returncode == 18, err
    assert "misses 1 of the criteria and is not registered. 1. plausible: AUC is 0.900." in err
    assert "Read 'training/refused-2026-11-22/report.html'" in err
    assert (workspace / "training" / "refused-2026-11-22" / "run.json").exists()
    registry = Registry(f"sqlite:///{workspace}/mlflow.db", None)
    assert runs_once_closed(registry) == [("FINISHED", "no")]
    assert versions_of(registry) == ([], {})


def test_models_live_on_a_server_from_training_to_the_night(
    run: Callable[..., Any],
    trained: Any,
    workspace: Path,
    mlflow_server: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, model = Registry(mlflow_server, None), Registry(trained.registry, None).champion()
    criteria = read_criteria_of(workspace).sha256
    given = Trained(model, [], (), (), quick=True, criteria_sha256=criteria, appraisal={}, scorecard=Scorecard([]))
    for _ in range(2):
        with registry.training_run("retrain, quick", "a workspace") as training:
            training.log(given, {}, {})
            training.register(given)
    monkeypatch.setenv("REREFERRAL_REGISTRY", mlflow_server)
    for version in "12":  # reports of a version lie where it was trained
        shutil.copytree(trained.workspace / "training" / "1", workspace / "training" / version)
    who = ["--workspace", workspace, "--role", "Head of Service", "--name", "A. Person", "--reason", "to see"]
    use = [*who, "--conditions", "none"]
    approve, review = [*use, "--decision", "approve"], ["--review-by", "9999-12-31"]
    done = run("promote", *approve, *review, "--version", 1)
    assert done.out.endswith("promoted version 1, to be reviewed by 9999-12-31\n"), done.err
    registry.retire("2", role="test", name="test", reason="killed before the log was written", decided_on=NIGHT)
    assert run("promote", *approve, "--review-by", "2020-01-01", "--version", 1).code == 10
    assert run("roll-back", *use, *review).code == 14
    assert run("retire", *who, "--version", 2).code == 0
    log = workspace / "training" / "decisions.jsonl"
    assert [json.loads(line) for line in log.read_text().splitlines()] == registry.decisions()
    assert [(one["action"], one["version"]) for one in registry.decisions()] == [
        ("promote", "1"),
        ("retire", "2"),
        ("retire", "2"),
    ]
    assert log.stat().st_mode & 0o777 == 0o600
    assert run("nightly", "--source", trained.second, "--workspace", workspace).code == 0
    record = json.loads((workspace / "nights" / "2026-11-23" / "run.json").read_text())
    assert (record["model"]["version"], record["settings"]["registry"]) == ("1", mlflow_server)
    assert not (workspace / "mlflow.db").exists()
