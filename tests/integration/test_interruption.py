"""A night that is killed, runs beside another, or finds the disk full: the earlier list stands, and the next run succeeds."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest

# Runs the command line, and breaks the process at the n-th rename of a night: every file and folder that the night
# makes visible comes by one. A count of 0 breaks nothing and says how many renames there are.
DRIVER = """
import os, signal, sys
import flows.workspace

how, count, *arguments = sys.argv[1:]
renames = 0
rename = flows.workspace.replace

def replace(source, target):
    global renames
    renames += 1
    if renames == int(count):
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(28, "No space left on device")
    rename(source, target)

flows.workspace.replace = replace
sys.argv = ["rereferral", *arguments]
from flows.cli import main
try:
    main()
finally:
    print("renames", renames, flush=True)
"""


def start(environment: dict[str, str], how: str, count: int, trained: Any, workspace: Path) -> subprocess.Popen[str]:
    arguments = ["nightly", "--source", trained.second, "--workspace", workspace, "--registry", trained.registry]
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, how, str(count), *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def listed(workspace: Path) -> Path:
    """The list that a reader finds now."""
    return workspace / (workspace / "latest").read_text().strip() / "list.parquet"


@pytest.fixture
def published(run: Callable[..., Any], trained: Any, workspace: Path) -> Path:
    """A workspace whose first night is published."""
    done = run("nightly", "--source", trained.first, "--workspace", workspace, "--registry", trained.registry)
    assert done.code == 0, done.err
    return workspace


@pytest.mark.parametrize("points_tried", [2, pytest.param(12, marks=pytest.mark.proof)])
def test_killed_at_any_point_the_earlier_list_stands_and_the_next_run_succeeds(
    environment: dict[str, str], trained: Any, published: Path, tmp_path: Path, points_tried: int
) -> None:
    whole = shutil.copytree(published, tmp_path / "whole")
    code, out, err = finish(start(environment, "kill", 0, trained, whole))
    assert code == 0, err
    renames = int(out.split("renames ")[1])
    assert renames >= points_tried
    earlier, later = digest(listed(published)), digest(listed(whole))
    points = sorted({1 + round(step * (renames - 1) / (points_tried - 1)) for step in range(points_tried)})
    assert len(points) == points_tried
    spaces = {point: shutil.copytree(published, tmp_path / f"point-{point}") for point in points}
    for point, code, _, err in in_pairs(environment, "kill", spaces, trained):
        assert code == -9, (point, err)
        assert digest(listed(spaces[point])) == earlier, point
    for point, code, _, err in in_pairs(environment, "kill", spaces, trained, broken=False):
        assert code == 0, (point, err)
        assert digest(listed(spaces[point])) == later, point
        nights = {path.name for path in (spaces[point] / "nights").iterdir()}
        assert nights == {"2026-11-22", "2026-11-23"}, point


@pytest.mark.proof
def test_killed_while_a_night_is_published_anew_a_whole_list_stands(
    environment: dict[str, str], trained: Any, published: Path, tmp_path: Path
) -> None:
    code, _, err = finish(start(environment, "kill", 0, trained, published))
    assert code == 0, err
    good = digest(listed(published))
    again = shutil.copytree(published, tmp_path / "again")
    code, out, err = finish(start(environment, "kill", 0, trained, again))
    assert code == 0, err
    renames = int(out.split("renames ")[1])
    spaces = {point: shutil.copytree(published, tmp_path / f"point-{point}") for point in range(renames - 3, renames + 1)}
    for point, code, _, err in in_pairs(environment, "kill", spaces, trained):
        assert code == -9, (point, err)
        assert digest(listed(spaces[point])) == good, point


def test_a_full_disk_stops_the_night_and_the_earlier_list_stands(
    environment: dict[str, str], trained: Any, published: Path
) -> None:
    earlier = digest(listed(published))
    code, _, err = finish(start(environment | {"REREFERRAL_TRACEBACK": ""}, "full", 3, trained, published))
    assert code == 0, err  # the write is tried again, and by then the disk has room
    assert digest(listed(published)) != earlier


def test_two_runs_at_once_the_second_refuses_with_its_exit_code(
    environment: dict[str, str], trained: Any, published: Path
) -> None:
    from flows.workspace import Workspace, hold

    earlier = digest(listed(published))
    with hold(Workspace(published)):
        code, _, err = finish(start(environment, "kill", 0, trained, published))
    assert code == 16, err
    assert "Another run" in err
    assert digest(listed(published)) == earlier
    assert pl.read_parquet(listed(published))["as_of"].n_unique() == 1


def in_pairs(
    environment: dict[str, str], how: str, spaces: dict[int, Path], trained: Any, *, broken: bool = True
) -> list[tuple[int, int, str, str]]:
    """Run one night on each workspace, two at a time."""
    done: list[tuple[int, int, str, str]] = []
    waiting = list(spaces.items())
    while waiting:
        pair, waiting = waiting[:2], waiting[2:]
        running = [(point, start(environment, how, point if broken else 0, trained, space)) for point, space in pair]
        done += [(point, *finish(process)) for point, process in running]
    return done
