"""Measure an earlier model on the outcomes that have become complete since it was trained."""

from pathlib import Path
from typing import Any

from flows.night import open_registry
from flows.settings import read_offers_of, read_settings
from flows.training import build_training_data, training_home
from flows.workspace import Workspace, hold, make_private_folder, write_json
from models.aged import evaluate_later

SHOWN = ("auc", "average_precision", "brier_skill", "calibration_error", "precision_at_capacity")


def evaluate_version(root: Path, version: str, registry: str | None) -> str:
    """Write ``training/<version>/evaluated-<extract date>.json``; returns its figures and where it lies, in words.

    Raises ``ModelError`` for a version that is not registered, ``CriterionError`` for too few complete outcomes.
    """
    place = Workspace(root)
    with hold(place):
        settings = read_settings(root, registry=registry)
        model = open_registry(place, settings).load(version)
        data = build_training_data(place, model.outcome)
        found = evaluate_later(model, data.frame, read_offers_of(root).capacity, settings.seed)
        day = data.lineage["extract_date"]
        file = training_home(place, model.outcome) / version / f"evaluated-{day}.json"
        make_private_folder(file.parent)
        write_json(file, found)
    lines = [f"version {version}, trained up to {model.trained_to}, on outcomes complete by {day}:"]
    lines += [_in_words(part.replace("_", " "), found[part]) for part in ("all", "new_families")]
    return "\n".join([*lines, str(file)])


def _in_words(part: str, measured: dict[str, Any] | None) -> str:
    if measured is None:
        return f"{part}: too few outcomes to tell"
    figures = ", ".join(
        f"{name.replace('_', ' ')} {measured[name]:.3f} ({measured[f'{name}_low']:.3f} to {measured[f'{name}_high']:.3f})"
        for name in SHOWN
        if measured[name] is not None
    )
    return f"{part}: {measured['rows']} rows of {measured['families']} families; {figures}"
