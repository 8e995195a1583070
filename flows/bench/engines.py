"""The engines by name, each to be run in a process of its own: ``python -m flows.bench.engines <task as JSON>``.

Prints ``wall_s``, ``cpu_s`` (user and system, of the process and those that it started) and ``peak_mb`` (the most memory that it
held) as JSON. Starting Python and importing is not in the times.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

Work = Callable[[], None]
OURS, BY_PARTS, DUCK, NAIVE, FLOOR, GATHER = "ours", "ours by parts", "DuckDB", "polars naive", "floor", "our facts"
PARTS = 16


def prepare(engine: str, data: Path, rows: str, features: str, out: Path, matrix: Path | None = None) -> Work:
    """The work of an engine, imported and ready; ``matrix`` is what the floor writes."""
    from flows.bench.feature_sets import FEATURE_SETS

    wanted = FEATURE_SETS[features]()
    if engine == DUCK:
        from flows.bench import duck

        return lambda: duck.build(data, rows, wanted, out)
    if engine == NAIVE:
        from flows.bench import naive

        return lambda: naive.build(data, rows, wanted, out)
    if engine == FLOOR and matrix:
        from flows.bench.floor import Floor

        floor = Floor(matrix)
        return lambda: floor.build(data, rows, wanted, out)
    from flows.bench import ours

    if engine == GATHER:
        return lambda: ours.gather(data)
    parts = {OURS: 1, BY_PARTS: PARTS}[engine]
    return lambda: ours.build(data, rows, wanted, out, parts=parts)


def measured(work: Callable[[], object]) -> dict[str, float]:
    """Do the work; its wall and processor seconds, and the most memory that the process ever held, in MB."""
    before, start = _seconds(), time.perf_counter()
    work()
    wall, cpu = time.perf_counter() - start, _seconds() - before
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": int(status["VmHWM"].split()[0]) / 1000}


def _seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Do the task of the command line."""
    task = json.loads(sys.argv[1])
    matrix = Path(task["matrix"]) if "matrix" in task else None
    work = prepare(task["engine"], Path(task["data"]), task["rows"], task["features"], Path(task["out"]), matrix)
    print(json.dumps(measured(work)))


if __name__ == "__main__":
    main()
