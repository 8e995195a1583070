"""Run engines in fresh processes, three times each and in turns, compare what they give, and tell medians."""

import json
import math
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.bench.comparing import differences

ROUNDS = 3


@dataclass(frozen=True)
class Line:
    """One line of the table: medians of an engine's runs at a scale (referrals)."""

    what: str
    engine: str
    scale: int
    wall_s: float
    cpu_s: float
    peak_mb: float | None


@dataclass(frozen=True)
class Task:
    """What an engine is to do: which rows, which features, and for the floor the matrix that it writes."""

    what: str
    engine: str
    rows: str = "rows"
    features: str = "catalogue"
    matrix: Path | None = None


class Bench:
    """Runs engines over one history and keeps the lines. ``scale`` is the number of referrals."""

    def __init__(self, data: Path, scale: int) -> None:
        self.data, self.scale = data, scale
        self.lines: list[Line] = []
        self.matrices = data / "matrices"
        shutil.rmtree(self.matrices, ignore_errors=True)
        self.matrices.mkdir()

    def time(self, *tasks: Task, rounds: int = ROUNDS) -> None:
        """Do the tasks in turns, ``rounds`` times each, so that whatever else the machine does falls upon all of them."""
        runs: dict[Task, list[dict[str, float]]] = {task: [] for task in tasks}
        for _ in range(rounds):
            for task, found in runs.items():
                found.append(self._run(task))
        for task, found in runs.items():
            middle = {name: statistics.median(run[name] for run in found) for name in found[0]}
            self.lines.append(Line(task.what, task.engine, self.scale, **middle))
            print(tell(self.lines[-1]), flush=True)

    def matrix(self, what: str, engine: str) -> Path:
        """Where an engine's matrix lies."""
        return self.matrices / f"{what} {engine}.parquet".replace(",", "").replace(" ", "_")

    def _run(self, task: Task) -> dict[str, float]:
        out = self.matrix(task.what, task.engine)
        if out.is_dir():
            shutil.rmtree(out)
        told = {"engine": task.engine, "data": str(self.data), "rows": task.rows, "features": task.features, "out": str(out)}
        told |= {"matrix": str(task.matrix)} if task.matrix else {}
        command = [sys.executable, "-m", "flows.bench.engines", json.dumps(told)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own command
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def compare(self, what: str, engines: Iterable[str]) -> None:
        """Stop the bench unless engines gave equal matrices. Raises ``SystemExit``."""
        given = {engine: self.matrix(what, engine) for engine in engines}
        rows, found = differences(given)
        wrong = {engine: names for engine, names in found.items() if names}
        if wrong:
            told = "; ".join(f"{engine}: {', '.join(names)}" for engine, names in wrong.items())
            sys.exit(f"'{what}' at {self.scale:,} referrals: not the same as {next(iter(given))}: {told}")
        print(f"  equal in every feature on {rows:,} rows: {', '.join(given)}", flush=True)


def tell(line: Line) -> str:
    """A line of the table."""
    peak = f"{line.peak_mb:>9,.0f}" if line.peak_mb is not None else f"{'':>9}"
    return f"{line.what:34} {line.engine:26} {line.scale:>9,} {line.wall_s:>9.2f} {line.cpu_s:>9.2f} {peak}"


HEADER = f"{'what':34} {'engine':26} {'referrals':>9} {'wall s':>9} {'CPU s':>9} {'peak MB':>9}"


def report(lines: Sequence[Line], what: str, floor: str, peer: str, main: str) -> str:
    """The whole table, with ratios and growth for the lines of ``what``."""
    by = {(line.what, line.engine, line.scale): line for line in lines}
    scales = sorted({line.scale for line in lines if line.what == what})
    out = [HEADER + f" {'x floor':>8} {'growth':>7}"]
    for line in lines:
        least = by.get((line.what, floor, line.scale))
        ratio = f"{line.cpu_s / least.cpu_s:>8.1f}" if least else f"{'':>8}"
        at = scales.index(line.scale) if line.scale in scales else 0
        smaller = by.get((line.what, line.engine, scales[at - 1])) if at else None
        growth = f"{math.log(line.cpu_s / smaller.cpu_s) / math.log(line.scale / smaller.scale):>7.2f}" if smaller else ""
        out.append(f"{tell(line)} {ratio} {growth}")
    for scale in scales:
        ours, other = by.get((what, main, scale)), by.get((what, peer, scale))
        if ours and other:
            out.append(f"At {scale:,} referrals {peer} needs {other.cpu_s / ours.cpu_s:.1f} times the processor time of {main}.")
    return "\n".join(out)


def write(lines: Sequence[Line], path: Path) -> None:
    """The lines as JSON."""
    rounded = [{k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(line).items()} for line in lines]
    path.write_text(json.dumps(rounded, indent=1) + "\n")
