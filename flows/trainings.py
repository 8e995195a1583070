"""Trainings that were published before: which one a new one is compared with, and what it told."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from flows.publish.door import hide, let_out
from flows.publish.fairness_page import FAIRNESS_FRAME
from flows.publish.transparency_pages import COUNCIL_ANSWERS
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
    frame = folder / FAIRNESS_FRAME
    return Told(
        f"version {folder.name}",
        let_out(_read_json(folder / "evaluation.json")),
        hide(_read_json(folder / "run.json").get("lineage", {})),
        pl.read_parquet(frame) if frame.exists() else None,
        _read_json(folder / COUNCIL_ANSWERS),
    )


def _read_json(file: Path) -> dict[str, Any]:
    """What a file holds; nothing where an earlier version of the program wrote none."""
    if not file.exists():
        return {}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
