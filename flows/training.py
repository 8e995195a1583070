"""From the history to a training frame, and from a trained model to what is kept of it."""

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from features.catalogue import CATALOGUE
from features.cohort import build_cohort, grid
from features.definition import Feature
from features.freshness import measure_freshness
from features.matrix import available, build_matrix, needs
from features.measure import LOOK_BACK_DAYS
from features.outcomes import NEW_REFERRAL, OUTCOMES, Outcome, label, latest_mature
from flows.audit_groups import read_audit_groups
from flows.decisions import read_decisions
from flows.open_cases import OpenCases
from flows.opt_out import LEFT_OUT, find_opted_out, is_opted_out, leave_out, read_opt_outs, tell_apart
from flows.settings import Settings
from flows.uptake import weigh_uptake
from flows.vintages import last_extract, read_archive, vintage_hashes
from flows.workspace import Workspace
from models.ablation import check_reasons
from models.candidate import FULL
from models.criteria import LEAST_DATES, LEAST_OUTCOMES, Criteria
from models.feedback import compare_feedback
from models.reasons import explain
from models.straddles import flag_straddles, measure_without
from models.training import Trained, train
from validation.change_points import Change, describe_changes, find_practice_changes
from validation.drift import describe_inputs
from validation.errors import ContractError, CriterionError
from validation.extract import Manifest
from validation.history import Archive
from validation.holdings import measure_holdings

STEP_DAYS = 28
SIDE_BAGS = 4  # of the models that are only compared with each other


@dataclass(frozen=True)
class TrainingData:
    """Rows to train on, and how they came about. ``counts`` add up: cohort = used + those left out for each reason.

    ``groups`` has the keys of each row and a column for each audit group; ``changes`` are those of the council's practice;
    ``holdings`` what is held about children (see :func:`validation.holdings.measure_holdings`); ``open_cases`` those of the day
    of the extract; ``uptake`` what is on record of offers and decisions, by group (see :mod:`models.uptake`).
    """

    frame: pl.DataFrame
    features: tuple[Feature, ...]
    outcome: Outcome
    manifest: Manifest
    counts: dict[str, int]
    dates: dict[str, Any]
    exits: dict[str, int]
    lineage: dict[str, Any]
    groups: pl.DataFrame
    freshness: dict[str, int]
    offers: pl.DataFrame | None
    changes: list[Change]
    holdings: dict[str, Any]
    open_cases: OpenCases
    uptake: pl.DataFrame

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
    first, mature = history.window_start + timedelta(days=LOOK_BACK_DAYS), latest_mature(outcome, history.extract_date)
    dates = grid(first, mature, STEP_DAYS)
    if len(dates) < LEAST_DATES:
        complete = label(history, build_cohort(history, dates), outcome)["outcome"].count() if dates else 0
        raise CriterionError(
            f"There are too few complete outcomes to train on: {complete}, on {len(dates)} dates that have {LOOK_BACK_DAYS} days "
            f"of look-back and a complete outcome '{outcome.name}' in the history from {history.window_start} to "
            f"{history.extract_date}; needed are at least {LEAST_OUTCOMES} returns and {LEAST_OUTCOMES} cases without one on "
            f"{LEAST_DATES} dates {STEP_DAYS} days apart, so use an extract that reaches further back."
        )
    today = history.extract_date
    immature = [day for day in grid(first, today, STEP_DAYS) if day > mature]
    supplied = {name: columns for name, columns in history.supplied.items() if name in found[1]}  # and not given up since
    features = available(CATALOGUE, supplied)
    days, opted_out = [*dates, today], find_opted_out(history, read_opt_outs(workspace))
    matrix = build_matrix(history, days, features)
    if opted_out:
        matrix = tell_apart(matrix, build_matrix(leave_out(history, opted_out), days, features))
    open_today = matrix.filter(pl.col("as_of") == today)
    labelled, waiting = label(history, matrix.filter(pl.col("as_of") < today), outcome), build_cohort(history, immature)
    frame, counts = choose_rows(labelled, history, opted_out)
    counts = counts | {"cohort": counts["cohort"] + waiting.height, "outcome not complete yet": waiting.height}
    exits = dict(frame.filter(pl.col("exit").is_not_null()).group_by("exit").len().sort("exit").iter_rows())
    told = {
        "first": dates[0].isoformat(),
        "last": dates[-1].isoformat(),
        "count": len(dates),
        "not_complete_yet": len(immature),
        "step_days": STEP_DAYS,
    }
    lineage = {
        "authority_origin": found[0].origin.value,
        "extract_rule": found[0].extract_rule.value,
        "window_start": history.window_start.isoformat(),
        "extract_date": history.extract_date.isoformat(),
        "dates": told,
        "rows": counts,
        "versions_per_table": {name: versions.height for name, versions in history.versions.items()},
        "vintages_sha256": vintage_hashes(workspace, history.extract_date),
    }
    return TrainingData(
        frame,
        features,
        outcome,
        found[0],
        counts,
        told,
        exits,
        lineage,
        groups=read_audit_groups(history, frame),
        freshness=measure_freshness(history, dates),
        offers=history.versions.get("ext_offers"),
        changes=find_practice_changes(history),
        holdings=measure_holdings(history) | {"children_learned_from": frame["person_id"].n_unique()},
        open_cases=OpenCases(
            open_today,
            read_audit_groups(history, open_today),
            measure_freshness(history, [today]),
            history.window_start,
            opted_out,
        ),
        uptake=weigh_uptake(history, labelled, waiting, read_decisions(workspace)),
    )


def training_home(workspace: Workspace, outcome: str) -> Path:
    """Folder of trainings. Versions are counted for each outcome: another than the default has a folder of its own."""
    return workspace.training if outcome == NEW_REFERRAL.name else workspace.training / outcome


def choose_rows(
    labelled: pl.DataFrame, history: Archive, opted_out: frozenset[str] = frozenset()
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Rows that training may use, and a count of the others by reason. No reason looks at the outcome.

    ``opted_out`` are the pseudonyms of children of whom it was asked that they are not scored: nothing is learnt from them.

    A case referred before the extract's window is left out under either extract rule: one that keeps old cases only while
    they are open would otherwise show old cases only if they never closed.
    """
    reason = (
        pl.when(is_opted_out(opted_out))
        .then(pl.lit(LEFT_OUT))
        .when(pl.col("outside").is_not_null())
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


def train_on(data: TrainingData, settings: Settings, criteria: Criteria, capacity: int, full: bool) -> Trained:
    """Evaluate all candidates and fit the glass box, as the settings say; ``capacity`` is the families of a week."""
    return train(
        data.frame,
        data.features,
        outcome=data.outcome,
        origin=data.manifest.origin,
        tables=data.tables,
        capacity=capacity,
        seed=settings.seed,
        criteria=criteria,
        groups=data.groups,
        freshness=data.freshness,
        inputs=describe_inputs(data.frame, [feature.name for feature in data.features]),
        quick=not full,
        effort=replace(FULL, bags=settings.bags),
    )


def weigh_feedback(data: TrainingData, trained: Trained, settings: Settings) -> dict[str, Any] | None:
    """Naive and corrected training side by side, where offers are on record."""
    if data.offers is None or data.offers.is_empty():
        return None
    splits, effort = trained.splits[:1], replace(FULL, bags=min(settings.bags, SIDE_BAGS))
    return compare_feedback(
        data.frame, data.features, data.offers, splits, trained.model.name, settings.seed, effort,
        window_days=data.outcome.days_to_maturity,
    )  # fmt: skip


def weigh_practice(data: TrainingData, trained: Trained, settings: Settings) -> dict[str, Any]:
    """Changes of practice, the splits that straddle one, and what leaving out the dates before it would cost.

    The cost is measured for the latest change inside the training dates of the latest split.
    """
    split, effort = trained.splits[0], replace(FULL, bags=min(settings.bags, SIDE_BAGS))
    inside = [change for change in data.changes if split.train_from < change.on <= split.train_to]
    cost = [
        measure_without(data.frame, data.features, split, change, trained.model.name, settings.seed, effort)
        for change in sorted(inside, key=lambda change: change.on)[-1:]
    ]
    return {
        "changes": describe_changes(data.changes),
        "straddles": flag_straddles(trained.splits, data.changes, data.outcome.days_to_maturity),
        "cost": cost,
    }


def check_signs(data: TrainingData, trained: Trained) -> dict[str, Any]:
    """Of the worries and strengths of the last date, how many agree with the model when asked by ablation."""
    model = trained.model
    last = data.frame.filter(pl.col("as_of") == data.frame["as_of"].max())
    features = [feature for feature in data.features if feature.name in model.features]
    checked = check_reasons(explain(model.contributions(last), last, features), model, last, features)
    return {"as_of": model.trained_to.isoformat(), "shown": checked.shown, "agree": checked.agree}


def summarise(data: TrainingData, trained: Trained) -> dict[str, Any]:
    """``evaluation.json``: see ``docs/evaluation.md``."""
    closed = data.frame.filter("closed_in_window")
    returned = data.frame.filter("outcome").height
    findings = [asdict(finding) for finding in trained.findings]
    return {
        "outcome": {"name": data.outcome.name, "version": data.outcome.version, "words": data.outcome.words},
        "origin": data.manifest.origin.value,
        "rows": data.counts,
        "dates": data.dates,
        "exits": data.exits,
        "split": {
            "closed_in_the_window": closed.height,
            "returned": returned,
            "returned_of_closed": returned / closed.height if closed.height else None,
        },
        "features": [feature.name for feature in data.features],
        "effort": "quick" if trained.quick else "full",
        "criteria": {
            "sha256": trained.criteria_sha256,
            "easier": trained.easier,
            "missed_as_shipped": trained.missed_as_shipped,
            "findings": findings,
        },
        "splits": [{name: day.isoformat() for name, day in asdict(split).items()} for split in trained.splits],
        "searched": trained.searched,
        "ranges": asdict(trained.model.doubt),
        "holdings": data.holdings,
        **trained.appraisal,
    }
