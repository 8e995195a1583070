"""How long a night takes, whole process and by step, and how fast and in how much memory an authority is invented.

Nights are of an authority with about 25,000 referrals on record: medians of three with Prefect's temporary server and three
against a running one. Needs a few minutes, most of them to make the authority and its model; ``make bench-nights`` runs it.
``python -m flows.bench.nights --england`` invents England too, in some minutes and 4 GB of disk.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import polars as pl

from flows.environment import QUIET

NIGHTS = 3
YEARS = 11
END = date(2026, 11, 23)


def _run(environment: Mapping[str, str], *arguments: str) -> float:
    """Run the command line and return its wall seconds."""
    start = time.perf_counter()
    command = [sys.executable, "-c", "from flows.cli import main; main()", *arguments]
    subprocess.run(command, env=dict(environment), check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own command
    return time.perf_counter() - start


@contextmanager
def _server(environment: Mapping[str, str]) -> Iterator[str]:
    """A Prefect server on a free port of this machine; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603  our own command
        command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}/api"
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):  # noqa: S310  this machine
                break
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    try:
        yield address
    finally:
        process.terminate()
        process.wait(timeout=60)


def _nights(environment: Mapping[str, str], root: Path) -> tuple[list[float], list[dict[str, float]]]:
    """Wall seconds and seconds by step of several nights."""
    walls, steps = [], []
    for _ in range(NIGHTS):
        walls.append(_run(environment, "nightly", "--source", str(root / "authority"), "--workspace", str(root / "workspace")))
        record = json.loads((root / "workspace" / "nights" / END.isoformat() / "run.json").read_text())
        steps.append({step["name"]: step["seconds"] for step in record["steps"]})
    return walls, steps


def _print(title: str, walls: list[float], steps: list[dict[str, float]]) -> None:
    print(f"\n{title}: {statistics.median(walls):.1f} s whole process (min {min(walls):.1f}, max {max(walls):.1f})")
    for name in steps[0]:
        print(f"  {name:10} {statistics.median(step[name] for step in steps):6.2f} s")


def _invent(root: Path, title: str, *arguments: str) -> None:
    """Invent an authority with the command line; print its seconds, rows, size, and the most memory of all its processes."""
    out = root / "invented"
    start = time.perf_counter()
    command = [sys.executable, "-c", "from flows.cli import main; main()", "synthesise", "--out", str(out), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  our own command
    most = 0
    while process.poll() is None:
        most = max(most, _resident(process.pid))
        time.sleep(0.05)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    files = list(out.rglob("*.parquet"))
    rows = sum(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item() for path in files)
    size = sum(path.stat().st_size for path in files)
    shutil.rmtree(out)
    print(
        f"{title}: {seconds:.1f} s whole process, {rows:,} rows, {rows / seconds:,.0f} rows a second, "
        f"at most {most / 1e9:.2f} GB of memory, {size / 1e6:,.0f} MB on disk"
    )


def _resident(pid: int) -> int:
    """Bytes of memory that a process and those that it started hold now, shared pages counted for each (Linux)."""
    parents, pages = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents[int(path.parent.name)], pages[int(path.parent.name)] = int(fields[1]), int(fields[21])
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(pages.get(one, 0) for one in family) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Invent authorities; make one and its model, run the nights; print."""
    root = Path(tempfile.mkdtemp(prefix="rereferral-bench-"))
    environment = os.environ | QUIET | {"PREFECT_HOME": str(root / "prefect")}
    try:
        england = ["--profile", "england", "--years", "10", "--rule", "overlapping", "--end", END.isoformat()]
        _invent(root, "One authority", "--end", END.isoformat())
        _invent(root, "300,000 residents, ten years", *england, "--children", "300000")
        if "--england" in sys.argv:
            _invent(root, "England, ten years", *england, "--children", "12180000")
        made = ["--out", str(root / "authority"), "--end", END.isoformat(), "--years", str(YEARS), "--rule", "overlapping"]
        _run(environment, "synthesise", *made)
        training = _run(environment, "retrain", "--workspace", str(root / "workspace"), "--source", str(root / "authority"))
        decision = ["--version", "1", "--role", "bench", "--name", "bench", "--reason", "to time a night"]
        decision += ["--review-by", "9999-12-31"]
        _run(environment, "promote", "--workspace", str(root / "workspace"), *decision)
        _print("Night with Prefect's temporary server", *_nights(environment, root))
        with _server(environment) as address:
            _print("Night against a running server", *_nights(environment | {"PREFECT_API_URL": address}, root))
        record = json.loads((root / "workspace" / "nights" / END.isoformat() / "run.json").read_text())
        received = record["tables"]["ssd_cin_episodes"]["received"]
        print(
            f"\n{received} referrals on record, {record['cohort']} open cases; quick training of the model took {training:.0f} s"
        )
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
