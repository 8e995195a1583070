"""What a training run writes down, as plain parameters, numbers and texts: nothing here knows where it is kept.

Numbers about the training, never a row, an identifier or a value of a child.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.training import Trained

MONTH_DAYS = 28  # the step between training dates, so that each has a month of its own
MONTHS = "by_month"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Number:
    """A metric; ``step`` counts splits for a training, months since training for a candidate on a split."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class Entry:
    """One candidate on one split: what it was trained and tested on, its numbers, and its curves by name."""

    name: str
    parameters: dict[str, str]
    numbers: list[Number]
    curves: dict[str, list[Any]]


def list_parameters(trained: "Trained") -> dict[str, str]:
    """What tells one training from another."""
    model = trained.model
    return {
        "outcome": f"{model.outcome}, version {model.outcome_version}",
        "origin": model.origin.value,
        "effort": "quick" if trained.quick else "full",
        "features": str(len(model.features)),
        "trained_from": model.trained_from.isoformat(),
        "trained_to": model.trained_to.isoformat(),
        "calibration_slope": str(model.calibration.slope),
        "calibration_intercept": str(model.calibration.intercept),
        "base_chance": str(model.base_chance),
        "criteria_sha256": trained.criteria_sha256,
    }


def list_tags(trained: "Trained") -> dict[str, str]:
    """What is said on a version of the model: enough to judge whether it may be promoted."""
    model = trained.model
    return {
        "criteria_sha256": trained.criteria_sha256,
        "origin": model.origin.value,
        "outcome_version": str(model.outcome_version),
        "trained_to": model.trained_to.isoformat(),
    }


def list_numbers(trained: "Trained") -> list[Number]:
    """The model's own numbers, a step for each split, the latest split last."""
    own = sorted((row for row in trained.evaluation if row["candidate"] == trained.model.name), key=lambda row: row["test_from"])
    return [Number(name, value, step) for step, row in enumerate(own) for name, value in _numbers(row)]


def list_entries(evaluation: Sequence[Row]) -> list[Entry]:
    """An entry for each row of an evaluation (see :func:`models.evaluation.evaluate`)."""
    return [
        Entry(
            f"{row['candidate']} {row['test_from']}",
            {name: value for name, value in row.items() if isinstance(value, str)},
            [Number(name, value) for name, value in _numbers(row)] + _months(row),
            {name: value for name, value in row.items() if isinstance(value, list)},
        )
        for row in evaluation
    ]


def write_texts(trained: "Trained", lineage: Row) -> dict[str, str]:
    """Files that every training run has, as JSON by file name."""
    return {
        f"{name}.json": json.dumps(content, indent=2, ensure_ascii=False, default=str)
        for name, content in {
            "lineage": dict(lineage),
            "evaluation": {"evaluation": trained.evaluation},
            "criteria": {
                "sha256": trained.criteria_sha256,
                "findings": [asdict(finding) for finding in trained.findings],
            },
            "features": list(trained.model.features),
        }.items()
    }


def _numbers(row: Row) -> list[tuple[str, float]]:
    return [(name, float(value)) for name, value in row.items() if isinstance(value, int | float)]


def _months(row: Row) -> list[Number]:
    """Numbers by month since the last training date, so that decay is seen as a line."""
    return [
        Number(f"{MONTHS}.{name}", value, _days(row["train_to"], month["as_of"]) // MONTH_DAYS)
        for month in row.get(MONTHS, [])
        for name, value in _numbers(month)
    ]


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
