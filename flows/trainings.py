"""Trainings that were published before: which one a new one is compared with, and what it told."""

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl

from flows.publish.door import hide, let_out
from flows.publish.fairness_page import FAIRNESS_FRAME
from flows.publish.record_fields import COUNCIL
from flows.publish.transparency_pages import ATRS_TABLE
from flows.publish.what_changed import Told


def find_before(home: Path, champion: str | None) -> Path | None:
    """The folder that a new training is compared with: the champion's, else the latest version's; ``None`` for the first.

    A training that was refused made no version and is not compared with.
    """
    versions = [folder for folder in home.glob("*") if folder.name.isdecimal() and (folder / "evaluation.json").exists()]
    latest = max(versions, key=lambda folder: int(folder.name), default=None)
    return next((folder for folder in versions if folder.name == champion), latest)


def read_told(folder: Path) -> Told:
    """What the training in ``folder`` told when it was published: through the same door, small counts hidden."""
    frame, answers, run = folder / FAIRNESS_FRAME, folder / ATRS_TABLE, folder / "run.json"
    return Told(
        f"version {folder.name}",
        let_out(_read_json(folder / "evaluation.json")),
        hide(_read_json(run).get("lineage", {})) if run.exists() else {},
        pl.read_parquet(frame) if frame.exists() else None,
        _read_answers(answers) if answers.exists() else {},
    )


def _read_json(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _read_answers(file: Path) -> dict[str, str]:
    """The council's own answers of that time, by key."""
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["key"]: row["answer"] for row in csv.DictReader(lines) if row["source"] == COUNCIL}
