"""Time training: ``retrain`` as a council runs it, the same with everything, and a sample of England.

``python -m flows.bench.training`` invents the authority that ``rereferral synthesise`` makes unasked, trains on it, and prints
what each part took; ``make bench`` runs it. ``--full`` trains with all splits, the search and the refits on ten years instead;
``--rows`` trains on so many rows of an invented England. ``make bench-training`` does both; it takes an hour or so.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from features.catalogue import CATALOGUE
from features.outcomes import NEW_REFERRAL
from flows.bench.engines import measured
from flows.bench.frames import invent_frame, referrals_of
from flows.environment import QUIET
from models.candidate import Effort
from models.criteria import read_criteria, shipped_criteria
from models.training import Trained, train
from validation.errors import CriterionError
from validation.extract import Origin

END = "2026-11-23"
BAGS = 4  # of the glass box, for the sample of England
REFERRALS_FOR_AN_OFFER = 2_000  # on record in ten years, for each family that can be offered something in a week
SEED = 1
WITHIN_TRAIN = ("search", "evaluate", "appraise", "fit")


@dataclass(frozen=True)
class Run:
    """What a training took: wall and processor seconds, MB at most, exit code, and wall seconds by part."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    exit_code: int
    seconds: Mapping[str, float]


def time_retrain(root: Path, *synthesise: str, full: bool = False) -> Run:
    """``retrain``, from an extract on disk to the report, on an authority invented with the options ``synthesise``.

    ``root`` is a folder to work in. A model that misses a criterion is timed like any other; any other failure raises
    ``CalledProcessError``.
    """
    source, workspace = root / "authority", root / "workspace"
    environment = os.environ | QUIET | {"PREFECT_HOME": str(root / "prefect")}
    run_command(environment, "synthesise", "--out", str(source), "--end", END, *synthesise)
    asked = ["--workspace", str(workspace), "--source", str(source), *(["--full"] if full else [])]
    run = run_command(environment, "retrain", *asked, allowed=(0, CriterionError.exit_code))
    (report,) = (workspace / "training").glob("*/evaluation.json")
    parts = json.loads(report.read_text(encoding="utf-8"))["seconds"]
    steps = json.loads((report.parent / "run.json").read_text(encoding="utf-8"))["steps"]
    return replace(run, seconds=parts | {step["name"]: step["seconds"] for step in steps})


def run_command(environment: Mapping[str, str], *arguments: str, allowed: tuple[int, ...] = (0,)) -> Run:
    """Run our command line and time it; the memory is that of its largest process. Raises ``CalledProcessError``."""
    start = time.perf_counter()
    command = [sys.executable, "-c", "from flows.cli import main; main()", *arguments]
    process = subprocess.Popen(command, env=dict(environment), stdout=subprocess.DEVNULL)  # noqa: S603  our own command
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        raise subprocess.CalledProcessError(process.returncode, command)
    wall, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
    return Run(wall, cpu, used.ru_maxrss * 1024 / 1e6, process.returncode, {})


def time_england(folder: Path, rows: int) -> Run:
    """Training alone (latest split, final fit) on about ``rows`` rows of families of an invented England, in a fresh process."""
    frame = invent_frame(folder, rows)
    command = [sys.executable, "-m", "flows.bench.training", "--frame", str(frame)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own command
    return Run(**json.loads(done.stdout))


def train_frame(file: Path) -> Run:
    """Train on the frame in ``file``; reading it is not in the times, but in the memory."""
    frame = pl.read_parquet(file)
    made: list[Trained] = []
    found = measured(lambda: made.append(_train(frame)))
    return Run(**found, exit_code=0, seconds=made[0].seconds)


def _train(frame: pl.DataFrame) -> Trained:
    capacity = max(1, referrals_of(frame.height) // REFERRALS_FOR_AN_OFFER)
    return train(
        frame, CATALOGUE, outcome=NEW_REFERRAL, origin=Origin.INVENTED, tables={}, capacity=capacity, seed=SEED,
        criteria=read_criteria(shipped_criteria()), quick=True, effort=Effort(bags=BAGS),
    )  # fmt: skip


def describe(title: str, run: Run) -> str:
    """What a training took, in lines; the rest is starting up and logging."""
    missed = "" if run.exit_code == 0 else "; the model missed a criterion"
    inner = {part: seconds for part, seconds in run.seconds.items() if part in WITHIN_TRAIN and "train" in run.seconds}
    outer = {part: seconds for part, seconds in run.seconds.items() if part not in inner}
    outer["the rest"] = run.wall_s - sum(outer.values())
    lines = [f"{title}: {run.wall_s:.0f} s, {run.cpu_s:.0f} s of processor time, at most {run.peak_mb:,.0f} MB{missed}"]
    for part, seconds in outer.items():
        lines.append(f"  {part:18} {seconds:8.1f} s")
        lines += [f"    of it {name:10} {value:8.1f} s" for name, value in inner.items() if part == "train"]
    return "\n".join(lines)


def main() -> None:
    """Time what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m flows.bench.training", description="Time training.")
    parser.add_argument("--full", action="store_true", help="time 'retrain --full' on ten years instead of 'retrain'")
    parser.add_argument("--rows", type=int, help="time training on so many rows of an invented England, too")
    parser.add_argument("--data", type=Path, help="folder that keeps the invented frame")
    parser.add_argument("--frame", type=Path, help="train on this frame alone, and print its figures as JSON")
    asked = parser.parse_args()
    if asked.frame:
        print(json.dumps(vars(train_frame(asked.frame))))
        return
    with tempfile.TemporaryDirectory(prefix="rereferral-bench-") as temporary:
        root = Path(temporary)
        if asked.full:
            print(describe("retrain --full on ten years", time_retrain(root, "--years", "10", full=True)), flush=True)
        else:
            print(describe("retrain on the default authority", time_retrain(root)), flush=True)
        if asked.rows:
            run = time_england(asked.data or root, asked.rows)
            print(describe(f"training on about {asked.rows:,} rows of an invented England", run))


if __name__ == "__main__":
    main()
