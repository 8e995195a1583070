"""The index: facts on disk beside the history, so that a matrix of any size is built range by range in little memory.

``index/`` can be removed at any time; it is made anew from the history whenever that has changed.
"""

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl

from features.facts import Facts, gather_facts
from flows.vintages import read_archive, vintage_hashes
from flows.workspace import Workspace, write_json, write_private

ROWS_IN_A_GROUP = 100_000  # of a Parquet file: what is read at least where a range of children is asked for
STAMP = "index.json"


def open_index(workspace: Workspace) -> Facts:
    """The facts of a workspace's whole history, from the index; it is built first where it is missing or out of date."""
    hashes = vintage_hashes(workspace, date.max)
    stamp = workspace.index / STAMP
    if not stamp.exists() or json.loads(stamp.read_text(encoding="utf-8"))["vintages"] != hashes:
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
    write_json(
        folder / STAMP, {"window_start": facts.window_start.isoformat(), "extract_date": facts.extract_date.isoformat()}
    )  # fmt: skip


def scan_facts(folder: Path) -> Facts:
    """The facts in a folder, read as they are asked for."""
    stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    files = sorted(folder.rglob("*.parquet"))
    frames = {file.relative_to(folder).with_suffix("").as_posix(): pl.scan_parquet(file, glob=False) for file in files}
    return Facts(frames, date.fromisoformat(stamp["window_start"]), date.fromisoformat(stamp["extract_date"]))
