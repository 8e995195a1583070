"""One Prefect server, one invented authority and one approved model for all integration tests."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from flows.cli import main
from flows.environment import QUIET
from flows.request import Request
from flows.synthesis import synthesise
from validation.extract import ExtractRule
from validation.synthetic.habits import CLEAN

FIRST_DAY, NEXT_DAY = date(2026, 11, 22), date(2026, 11, 23)
SEED = 7


@dataclass(frozen=True)
class Trained:
    """Two nights' extracts of one authority, and a workspace with an approved model and the first day's history."""

    first: Path
    second: Path
    workspace: Path

    @property
    def registry(self) -> str:
        return f"sqlite:///{self.workspace}/mlflow.db"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prefect server of our own."""
    home, port = tmp_path_factory.mktemp("prefect"), free_port()
    environment = os.environ | QUIET | {"PREFECT_HOME": str(home)}
    process = subprocess.Popen(
        [Path(sys.executable).parent / "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/api"
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):  # noqa: S310
                break
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, "the Prefect server ended while starting"
            time.sleep(0.2)
    else:
        raise AssertionError("the Prefect server did not answer within two minutes")
    yield address
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)


@pytest.fixture(scope="session")
def in_prefect(prefect_server: str) -> Iterator[None]:
    """Flows of this process report to that server."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_server, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


@pytest.fixture
def run(in_prefect: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the command line in this process."""

    def call(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["rereferral", *(str(argument) for argument in arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return Done(int(left.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, in_prefect: None) -> Trained:
    """An authority of 10,000 children on two days, and a model trained on the first and approved."""
    from flows.night import open_registry
    from flows.retrain import retrain
    from flows.settings import read_settings
    from flows.workspace import Workspace

    root = tmp_path_factory.mktemp("authority")
    nights = Request(NEXT_DAY, root / "nights", residents=10_000, rule=ExtractRule.OVERLAPPING, seed=SEED, habits=CLEAN, nights=2)
    first, second = synthesise(nights).paths
    workspace = root / "workspace"
    version = retrain(workspace=workspace, source=str(first))
    registry = open_registry(Workspace(workspace), read_settings(workspace))
    registry.promote(version, role="test", name="test", reason="to test a night", decided_on=FIRST_DAY)
    return Trained(first, second, workspace)


@pytest.fixture
def workspace(trained: Trained, tmp_path: Path) -> Path:
    """A workspace of the test's own with the first day's history; its model is the trained one."""
    place = tmp_path / "workspace"
    shutil.copytree(trained.workspace / "history", place / "history")
    return place


@pytest.fixture
def environment(prefect_server: str) -> dict[str, str]:
    """Variables for a command in a process of its own that reports to the same server."""
    return os.environ | QUIET | {"PREFECT_API_URL": prefect_server}
