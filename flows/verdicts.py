"""What is known of a model when somebody decides about it: criteria, fairness, price of transparency, and how it does in use."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from flows.publish.door import let_out
from flows.publish.fairness_page import FAIRNESS_FRAME, in_short
from flows.publish.measured import UNRESTRICTED, say_price
from flows.publish.recommendation import recommend_training
from flows.training import training_home
from flows.workspace import Workspace
from validation.errors import CriterionError, SettingsError


def monitoring_file(workspace: Workspace, outcome: str, ending: str) -> Path:
    """What monitoring leaves for an outcome: ``json`` (verdicts), ``parquet`` (figures), ``html`` (the page)."""
    return workspace.root / "monitoring" / f"{outcome}.{ending}"


def read_monitored(workspace: Workspace, outcome: str) -> dict[str, Any] | None:
    """What the newest monitoring found, or nothing where nobody has looked yet."""
    file = monitoring_file(workspace, outcome, "json")
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def read_missed(workspace: Workspace, outcome: str) -> dict[str, tuple[str, ...]]:
    """By version, the criteria for its use that monitoring found it to miss, in sentences."""
    told = read_monitored(workspace, outcome)
    return {version: tuple(found["missed"]) for version, found in told["models"].items()} if told else {}


def tell_verdicts(workspace: Workspace, outcome: str, version: str) -> list[str]:
    """Every verdict on a registered version, a line each: what whoever approves it must have seen.

    Raises ``SettingsError`` (exit 10) when its reports are not in the workspace, ``CriterionError`` (exit 18) when they say that
    it misses a criterion.
    """
    folder = training_home(workspace, outcome) / version
    if not (folder / "evaluation.json").exists():
        raise SettingsError(
            f"The reports of version '{version}' are not in this workspace ('training/.../{version}/'), and nobody approves what "
            "they have not seen: decide in the workspace in which it was trained, or copy the folder from there."
        )
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    require_all_met(version, evaluation)
    lines = [f"Version {version}, {outcome}. Its report: {folder / 'report.html'}", "", "Criteria:"]
    lines += [f"  {_say_met(finding)}: {finding['criterion']}. {finding['words']}" for finding in _findings(evaluation)]
    lines += [f"  These are easier than the shipped ones: {words}." for words in evaluation["criteria"].get("easier", [])]
    lines += ["", "Fairness:", *_tell_fairness(folder, evaluation)]
    lines += ["", "Price of transparency:", f"  {_tell_price(evaluation)}"]
    return [*lines, "", "In use:", *_tell_use(read_monitored(workspace, outcome), version)]


def require_all_met(version: str, evaluation: Mapping[str, Any]) -> None:
    """Raise ``CriterionError`` (exit 18) when an evaluation says that its model misses a criterion."""
    missed = [finding for finding in _findings(evaluation) if not finding["met"]]
    if missed:
        told = " ".join(f"{finding['criterion']}: {finding['words']}" for finding in missed)
        raise CriterionError(
            f"Version '{version}' misses {len(missed)} of its criteria and cannot be put into use. {told} Train another with "
            "`rereferral retrain`."
        )


def _findings(evaluation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(evaluation["criteria"]["findings"])


def _say_met(finding: Mapping[str, Any]) -> str:
    return "met" if finding["met"] else "MISSED"


def _tell_fairness(folder: Path, evaluation: Mapping[str, Any]) -> list[str]:
    if not (folder / FAIRNESS_FRAME).exists():
        return ["  Groups were not compared, so nothing is known of fairness."]
    frame = pl.read_parquet(folder / FAIRNESS_FRAME)
    advice = recommend_training(evaluation, frame).advice
    told = [
        *in_short(frame, most=frame.height),
        f"The board's written rule says: {advice}. Read {folder / 'fairness.html'} first.",
    ]
    return [f"  {line}" for line in told]


def _tell_price(evaluation: Mapping[str, Any]) -> str:
    compared = let_out(evaluation).get("comparisons") or []
    leads = [row for row in compared if row["split"] == "all" and row["candidate"] == UNRESTRICTED]
    return f"{say_price(leads[0])}." if leads else "not measured in this training."


def _tell_use(monitored: Mapping[str, Any] | None, version: str) -> list[str]:
    found = monitored["models"].get(version) if monitored else None
    if found is None:
        return ["  It has made no list whose outcomes are complete, so nothing is known of it in use."]
    return [f"  {line}" for line in (found["verdict"], *found["words"])]
