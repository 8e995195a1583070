"""An authority too large for memory: worker processes invent, record and write its parts, each on its own."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import count, repeat
from pathlib import Path

from flows.request import Request
from flows.sources.folder import new_folder
from validation.errors import SettingsError
from validation.synthetic.authority import tables_of
from validation.synthetic.lived import PART, live, parts_of
from validation.synthetic.profiles import PROFILES
from validation.synthetic.recording import extract, manifest, record
from validation.tables.catalogue import TABLES
from validation.tables.local import WORKFORCE

# A library reads this when it is loaded, so it has to be there before a worker starts.
ONE_THREAD = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def write_parts(request: Request, folder: Path, *, workers: int | None = None, part: int = PART) -> None:
    """Write the extract that is asked for to a new ``folder``, private to its owner: ``<table>/part-000.parquet`` and so on.

    Each part has about ``part`` residents and knows nothing of the others. As many parts are in memory at a time as there
    are ``workers``, one for each processor unless a number is given, and each uses one thread. The same request and size
    of a part give the same bytes, whatever the number of workers. A folder of this name is always whole; what was written
    until then is removed when a part fails. Of the request only what makes a plain extract counts (``Request.plain``).
    Raises ``SettingsError`` when ``folder`` already holds something, or a worker is ended from outside.
    """
    parts = parts_of(request.residents, request.seed, part)
    of_whole = manifest(request.profile, request.seed, request.last, request.rule, request.start)
    with new_folder(folder, of_whole) as beside:
        for name in TABLES:
            (beside / name).mkdir(mode=0o700)
        with _pool(min(workers or os.cpu_count() or 1, len(parts))) as pool:
            try:
                for _ in pool.map(_write_part, repeat(request), repeat(beside), count(), *zip(*parts, strict=True)):
                    pass
            except BrokenProcessPool:
                raise SettingsError(
                    "A worker that wrote a part was ended from outside, most likely because memory ran out. Close other "
                    "programs, or run it where there is a gigabyte for each processor."
                ) from None


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes of one thread each, started anew so that they share nothing with this one."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _write_part(request: Request, folder: Path, number: int, residents: int, seed: int) -> None:
    """Invent, record and write one part. The authority's workforce is that of the first one."""
    history = tables_of(live(PROFILES[request.profile], residents, request.start, request.last, seed, request.plants))
    taken = extract(
        record(history, request.habits, seed),
        profile=request.profile,
        seed=seed,
        extract_date=request.last,
        rule=request.rule,
        window_start=request.start,
    )
    for name, frame in taken.tables.items():
        rows = frame.clear() if number and name == WORKFORCE.name else frame
        rows.write_parquet(folder / name / f"part-{number:03}.parquet", compression_level=1)
