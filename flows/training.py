"""From the history to a training frame, and from a trained model to what is kept of it."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from features.catalogue import CATALOGUE
from features.cohort import build_cohort, grid
from features.definition import Feature
from features.matrix import available, build_matrix, needs
from features.measure import LOOK_BACK_DAYS
from features.outcomes import OUTCOMES, Outcome, label, latest_mature
from flows.vintages import last_extract, read_archive, vintage_hashes
from flows.workspace import Workspace
from models.criteria import LEAST_DATES, LEAST_OUTCOMES
from models.training import Trained
from validation.errors import ContractError, CriterionError
from validation.extract import Manifest
from validation.history import Archive

STEP_DAYS = 28


@dataclass(frozen=True)
class TrainingData:
    """Rows to train on, and how they came about. ``counts`` add up: cohort = used + those left out for each reason."""

    frame: pl.DataFrame
    features: tuple[Feature, ...]
    outcome: Outcome
    manifest: Manifest
    counts: dict[str, int]
    exits: dict[str, int]
    lineage: dict[str, Any]

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        """Tables and columns that the features and the cohort read."""
        pairs = {pair for feature in self.features for pair in needs(feature)}
        pairs |= {("ssd_person", "pers_dob"), ("ssd_cin_episodes", "cine_close_date")}
        tables = sorted({table for table, _ in pairs})
        return {table: tuple(sorted(column for name, column in pairs if name == table)) for table in tables}


def build_training_data(workspace: Workspace, outcome_name: str) -> TrainingData:
    """Label every mature date of the history. Raises :class:`CriterionError` when there is no mature date at all."""
    history = read_archive(workspace)
    found = last_extract(workspace)
    if found is None:
        raise ContractError(f"The workspace '{workspace.root.name}' holds no history: give '--source'.")
    outcome = OUTCOMES[outcome_name]
    dates = grid(history.window_start + timedelta(days=LOOK_BACK_DAYS), latest_mature(outcome, history.extract_date), STEP_DAYS)
    if len(dates) < LEAST_DATES:
        complete = label(history, build_cohort(history, dates), outcome)["outcome"].count() if dates else 0
        raise CriterionError(
            f"There are too few complete outcomes to train on: {complete}, on {len(dates)} dates that have {LOOK_BACK_DAYS} days "
            f"of look-back and a complete outcome '{outcome.name}' in the history from {history.window_start} to "
            f"{history.extract_date}; needed are at least {LEAST_OUTCOMES} returns and {LEAST_OUTCOMES} cases without one on "
            f"{LEAST_DATES} dates {STEP_DAYS} days apart, so use an extract that reaches further back."
        )
    supplied = {name: columns for name, columns in history.supplied.items() if name in found[1]}  # and not given up since
    features = available(CATALOGUE, supplied)
    labelled = label(history, build_matrix(history, dates, features), outcome)
    frame, counts = choose_rows(labelled, history)
    exits = dict(frame.filter(pl.col("exit").is_not_null()).group_by("exit").len().sort("exit").iter_rows())
    lineage = {
        "authority_origin": found[0].origin.value,
        "extract_rule": found[0].extract_rule.value,
        "window_start": history.window_start.isoformat(),
        "extract_date": history.extract_date.isoformat(),
        "dates": {"first": dates[0].isoformat(), "last": dates[-1].isoformat(), "count": len(dates)},
        "rows": counts,
        "versions_per_table": {name: versions.height for name, versions in history.versions.items()},
        "vintages_sha256": vintage_hashes(workspace, history.extract_date),
    }
    return TrainingData(frame, features, outcome, found[0], counts, exits, lineage)


def choose_rows(labelled: pl.DataFrame, history: Archive) -> tuple[pl.DataFrame, dict[str, int]]:
    """Rows that training may use, and a count of the others by reason. No reason looks at the outcome.

    A case referred before the extract's window is left out under either extract rule: one that keeps old cases only while
    they are open would otherwise show old cases only if they never closed.
    """
    reason = (
        pl.when(pl.col("outside").is_not_null())
        .then(pl.col("outside"))
        .when(pl.col("referral_date") < history.window_start)
        .then(pl.lit("referred before the extract's window"))
        .when("overlaps")
        .then(pl.lit("child has overlapping episodes"))
        .otherwise(pl.lit("used"))
    )
    marked = labelled.with_columns(left_out=reason)
    counts = dict(marked.group_by("left_out").len().sort("left_out").iter_rows())
    frame = marked.filter(pl.col("left_out") == "used").drop("left_out", "outside")
    return frame, {"cohort": labelled.height, **counts, "families": frame["group_id"].n_unique()}


def summarise(data: TrainingData, trained: Trained) -> dict[str, Any]:
    """``evaluation.json``: see ``docs/evaluation.md``."""
    closed = data.frame.filter("closed_in_window")
    returned = data.frame.filter("outcome").height
    return {
        "outcome": {"name": data.outcome.name, "version": data.outcome.version, "words": data.outcome.words},
        "rows": data.counts,
        "exits": data.exits,
        "split": {
            "closed_in_the_window": closed.height,
            "returned": returned,
            "returned_of_closed": returned / closed.height if closed.height else None,
        },
        "features": [feature.name for feature in data.features],
        "effort": "quick" if trained.quick else "full",
        "findings": [asdict(finding) for finding in trained.findings],
        "results": trained.evaluation,
    }
