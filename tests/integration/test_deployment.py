"""Deployed for real: a server, a work pool, `prefect deploy --all`, and a worker that runs a night."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def prefect(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / "prefect", "--no-prompt", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ask(address: str, path: str, **body: Any) -> Any:
    request = urllib.request.Request(  # noqa: S310
        f"{address}/{path}", data=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def test_a_deployed_night_is_run_by_a_worker_and_published(
    prefect_server: str, environment: dict[str, str], trained: Any, workspace: Path, tmp_path: Path
) -> None:
    environment |= {
        "PREFECT_HOME": str(tmp_path / "home"),
        "REREFERRAL_SOURCE": str(trained.second),
        "REREFERRAL_WORKSPACE": str(workspace),
        "REREFERRAL_REGISTRY": trained.registry,
    }
    prefect(environment, "work-pool", "create", "council", "--type", "process", "--overwrite")
    prefect(environment, "deploy", "--all")
    deployments = {found["name"]: found for found in ask(prefect_server, "deployments/filter")}
    assert set(deployments) == {"nightly", "monitor", "retrain"}
    schedule = deployments["nightly"]["schedules"][0]["schedule"]
    assert (schedule["cron"], schedule["timezone"]) == ("0 2 * * *", "Europe/London")
    assert _scheduled(prefect_server, deployments["nightly"]["id"])

    prefect(environment, "deployment", "run", "nightly/nightly")
    prefect(environment, "worker", "start", "--pool", "council", "--type", "process", "--run-once", "--limit", "1")
    runs = ask(prefect_server, "flow_runs/filter", deployments={"id": {"any_": [deployments["nightly"]["id"]]}})
    ended = {run["state"]["type"]: run["state"]["message"] for run in runs}
    assert "COMPLETED" in ended, ended
    night = workspace / (workspace / "latest").read_text().strip()
    assert json.loads((night / "run.json").read_text())["status"] == "completed"
    artifacts = ask(prefect_server, "artifacts/filter", artifacts={"key": {"any_": ["night"]}})
    assert "families" in artifacts[0]["data"]


def _scheduled(address: str, deployment: str) -> bool:
    """Has the server's scheduler made runs of the schedule? Its errors show nowhere else."""
    for _ in range(60):
        runs = ask(
            address,
            "flow_runs/filter",
            flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}},
            deployments={"id": {"any_": [deployment]}},
        )
        if runs:
            return True
        time.sleep(1)
    return False
