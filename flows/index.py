"""The index: facts on disk beside the history, so that a matrix of any size is built range by range in little memory.

``index/`` may be removed at any time; it is made anew from the history whenever that has changed.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from features.cohort import INDEX, as_dates, find_cohort, named
from features.definition import Feature
from features.facts import Facts, gather_facts
from features.plan import read_features
from flows.vintages import read_archive, vintage_hashes
from flows.workspace import Workspace, make_private_folder, write_json, write_private

ROWS_IN_A_GROUP = 100_000  # of a Parquet file: what is read at least where a range of children is asked for
STAMP = "index.json"


def open_index(workspace: Workspace) -> Facts:
    """The facts of a workspace's whole history, from the index; it is built first where it is missing or out of date."""
    hashes = vintage_hashes(workspace, date.max)
    stamp = workspace.index / STAMP
    if not stamp.exists() or json.loads(stamp.read_text(encoding="utf-8")).get("vintages") != hashes:
        facts = gather_facts(read_archive(workspace))
        shutil.rmtree(workspace.index, ignore_errors=True)
        write_facts(facts, workspace.index)
        write_json(stamp, json.loads(stamp.read_text(encoding="utf-8")) | {"vintages": hashes})
    return scan_facts(workspace.index)


def write_facts(facts: Facts, folder: Path) -> None:
    """Write facts into a folder: one Parquet file for each frame."""
    for name in facts.frames:
        frame = facts.read(name)
        place = folder / f"{name}.parquet"
        write_private(place, lambda path, frame=frame: frame.write_parquet(path, row_group_size=ROWS_IN_A_GROUP))  # type: ignore[misc]
    stamp = {"window_start": facts.window_start.isoformat(), "extract_date": facts.extract_date.isoformat()}
    write_json(folder / STAMP, stamp | {"supplied": facts.supplied})


def scan_facts(folder: Path) -> Facts:
    """The facts in a folder, read as they are asked for."""
    stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    files = sorted(folder.rglob("*.parquet"))
    frames = {file.relative_to(folder).with_suffix("").as_posix(): pl.scan_parquet(file, glob=False) for file in files}
    window_start, extract_date = (date.fromisoformat(stamp[name]) for name in ("window_start", "extract_date"))
    return Facts(frames, window_start, extract_date, stamp["supplied"])


def write_matrix(facts: Facts, dates: Sequence[date], features: Sequence[Feature], out: Path, parts: int) -> int:
    """Write the matrix for any dates as Parquet, range of families by range of families; return the number of rows.

    Rows come by family, child and date, and are the same bytes whatever the number of ``parts``.
    """
    asked = as_dates(dates)
    migrations = facts.migrations(asked)
    rows = 0
    with tempfile.TemporaryDirectory(dir=make_private_folder(out.parent), prefix=".parts-") as folder:
        for part, (first, last) in enumerate(facts.ranges(parts)):
            inside = facts.between(first, last)
            matrix = named(inside, read_features(inside, find_cohort(inside, asked, migrations), features, migrations))
            ordered = matrix.sort("child", "as_of").with_columns(row=pl.int_range(rows, rows + pl.len(), dtype=pl.UInt32))
            ordered.select(*INDEX, *(feature.name for feature in features)).write_parquet(Path(folder) / f"{part:04}.parquet")
            rows += matrix.height
        whole = pl.scan_parquet(sorted(Path(folder).glob("*.parquet")))
        write_private(out, lambda path: whole.sink_parquet(path, row_group_size=ROWS_IN_A_GROUP))
    return rows
