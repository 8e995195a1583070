"""Time features (our engine, its peers and the floor, at growing scales), then reasons. ``make bench`` runs it, among the peers.

``python -m flows.bench --scale 620000`` stops at that many referrals (25,000, 620,000 or, as in England, 6,200,000); ``--data``
keeps the invented histories. A night is timed by ``flows.bench.nights``, training by ``flows.bench.training``.
"""

import argparse
import tempfile
from pathlib import Path

from flows.bench import feature_sets
from flows.bench.cutoffs import time_featuretools
from flows.bench.engines import BY_PARTS, DUCK, FLOOR, GATHER, NAIVE, OURS
from flows.bench.frames import invent_frame
from flows.bench.history import ENGLAND, invent
from flows.bench.measuring import HEADER, Bench, Line, Task, report, write
from flows.bench.per_date import time_collate
from flows.bench.reasons import CASES, SPARE, time_reasons

SCALES = (25_000, 620_000, ENGLAND)
MATRIX, ONE_DATE, INDEX = "matrix", "one date", "facts from versions"
TEN_MORE, WIDE = "matrix, ten more on contacts", f"matrix, {feature_sets.WIDE} features"


def main() -> None:
    """Time everything up to a scale; print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m flows.bench", description="Time features and reasons.")
    parser.add_argument("--scale", type=int, choices=SCALES, default=ENGLAND, help="referrals of the largest history")
    parser.add_argument("--data", type=Path, help="folder that keeps the invented histories")
    parser.add_argument("--out", type=Path, default=Path("benchmarks.json"), help="where the results go")
    asked = parser.parse_args()
    scales = [scale for scale in SCALES if scale <= asked.scale]
    with tempfile.TemporaryDirectory(prefix="rereferral-bench-") as temporary:
        lines: list[Line] = []
        print(HEADER, flush=True)
        for scale in scales:
            lines += time_scale((asked.data or Path(temporary)) / str(scale), scale, largest=scale == scales[-1])
            write(lines, asked.out)
        lines += time_reasons(invent_frame(asked.data or Path(temporary), round(CASES * SPARE)))
        write(lines, asked.out)
    print("\n" + report(lines, MATRIX, FLOOR, DUCK, OURS))


def time_scale(data: Path, scale: int, *, largest: bool) -> list[Line]:
    """All lines of one scale; the largest is asked more."""
    invent(data, scale)
    bench = Bench(data, scale)
    bench.time(Task(INDEX, GATHER))
    engines = [OURS, *([BY_PARTS] if scale > SCALES[0] else []), DUCK, NAIVE]  # what is small needs no parts
    more = [Task(TEN_MORE, OURS, features="ten more")] if largest else []
    bench.time(*(Task(MATRIX, engine) for engine in engines), *more)
    bench.compare(MATRIX, engines)
    bench.time(Task(MATRIX, FLOOR, matrix=bench.matrix(MATRIX, OURS)))
    if largest:
        bench.time(*(Task(ONE_DATE, engine, rows="scored") for engine in (OURS, DUCK, NAIVE)))
        bench.compare(ONE_DATE, [OURS, DUCK, NAIVE])
        bench.time(*(Task(WIDE, engine, features="wide") for engine in (OURS, DUCK)), rounds=1)  # some minutes each
        bench.compare(WIDE, [OURS, DUCK])
    return [*bench.lines, *time_collate(data, scale), *time_featuretools(data, scale)]


if __name__ == "__main__":
    main()
