"""From a training frame to a model and its evaluation; nothing is read, written or registered here."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, cast

import polars as pl

from features.definition import Feature
from features.groups import FINER
from features.outcomes import Outcome
from models.appraisal import appraise
from models.candidate import FULL, Effort
from models.candidates import CANDIDATES
from models.criteria import (
    LEAST_OUTCOMES_PER_SIDE,
    Criteria,
    Finding,
    count_outcomes,
    find_easier,
    judge,
    read_criteria,
    require_outcomes,
    shipped_criteria,
)
from models.evaluation import KEYS, ROW, evaluate
from models.fairness import IN_NEED, PAIRS, cross, list_sizes, measure_fairness
from models.fitting import Fitted, fit_candidate
from models.glass_box import GlassBox
from models.model import ScreeningModel, average_terms, find_importances, find_seen
from models.ranges import Doubt
from models.scorecard import Scorecard
from models.search import LEAST_SPLITS, search
from models.splits import Split, forward_splits
from models.stages import find_stages
from validation.errors import ContractError, CriterionError
from validation.extract import Origin

CHAMPION = "glass_box"


@dataclass(frozen=True)
class Trained:
    """A model (not yet registered), how every candidate did on every split, and what the criteria found.

    ``evaluation`` has one object per split and candidate; ``appraisal`` everything else about the model that is for its
    report (see :func:`models.appraisal.appraise`); ``easier`` names criteria that are easier than the shipped ones,
    ``missed_as_shipped`` those that it would miss by the shipped limits;
    ``scorecard`` is fitted on all rows, to be printed; ``searched`` says what settings were tried; ``fairness`` compares groups
    (columns as in ``models.fairness.FRAME``; ``None`` where no group was given), ``stages`` says where their gaps come from
    (``models.stages.FRAME``; ``None`` where needs or sources are not known, too); ``seconds`` says what each part took.
    """

    model: ScreeningModel
    evaluation: list[dict[str, Any]]
    splits: tuple[Split, ...]
    findings: tuple[Finding, ...]
    quick: bool
    criteria_sha256: str
    appraisal: dict[str, Any]
    scorecard: Scorecard
    easier: list[str] = field(default_factory=list)
    missed_as_shipped: list[str] = field(default_factory=list)
    searched: list[dict[str, Any]] = field(default_factory=list)
    fairness: pl.DataFrame | None = None
    stages: pl.DataFrame | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def train(
    frame: pl.DataFrame,
    features: Sequence[Feature],
    *,
    outcome: Outcome,
    origin: Origin,
    tables: Mapping[str, Sequence[str]],
    capacity: int,
    seed: int,
    criteria: Criteria,
    groups: pl.DataFrame | None = None,
    freshness: Mapping[str, int] | None = None,
    inputs: Mapping[str, Any] | None = None,
    quick: bool = False,
    effort: Effort = FULL,
) -> Trained:
    """Evaluate every candidate on every split, then fit the glass box on all rows of ``frame``.

    ``frame`` holds complete outcomes only: ``as_of``, ``person_id``, ``referral_id``, ``family_id``, ``group_id``, ``outcome``, a
    numeric column per feature (empty: not known), and ``returned_in_need`` where that was looked into. ``tables`` names the
    columns of each table that training had; ``freshness`` the longest time in days that each went without an event; ``inputs``
    how features were spread (see ``validation.drift``); ``capacity`` is families a week; ``groups`` has the keys of a row and a
    column for each audit group. ``quick`` evaluates the latest split only; otherwise, with three splits or more, settings are
    searched on the earliest one, which is then not reported.
    Raises ``ContractError`` for a frame of another shape, ``CriterionError`` for too few complete outcomes.
    """
    names = tuple(feature.name for feature in features)
    ordered = _check_frame(frame, names).sort("as_of", "person_id", "referral_id")
    require_outcomes(ordered)
    splits = _keep_telling(ordered, forward_splits(ordered["as_of"].unique(), outcome.days_to_maturity))
    clock = Clock()
    searched: list[dict[str, Any]] = []
    if quick:
        splits = splits[:1]
    elif len(splits) >= LEAST_SPLITS:
        with clock.time("search"):
            effort, searched = search(ordered, features, splits[-1], seed, effort)
        splits = splits[:-1]
    with clock.time("evaluate"):
        evaluation = evaluate(ordered, features, splits, list(CANDIDATES), capacity=capacity, seed=seed, effort=effort)
    with clock.time("appraise"):
        broad = None if groups is None else groups.drop(FINER, strict=False)
        appraisal = appraise(evaluation, CHAMPION, capacity, seed, broad)
    fairness = stages = None
    if groups is not None and broad is not None:
        with clock.time("fairness"):
            findings = ordered.select(*ROW, IN_NEED) if IN_NEED in ordered.columns else ordered.select(ROW)
            audited, sizes = cross(groups, *PAIRS).join(findings, on=ROW, how="left"), list_sizes(capacity)
            fairness = measure_fairness(evaluation.scored[CHAMPION], audited, sizes, seed)
            stages = find_stages(pl.concat(evaluation.scored[CHAMPION]), broad.join(findings, on=ROW, how="left"))
    with clock.time("fit"):
        fitted = fit_candidate(CHAMPION, ordered, features, seed, effort)
        scorecard = cast(Scorecard, fit_candidate("points_scorecard", ordered, features, seed, effort).candidate)
        model = describe_model(
            fitted, ordered, outcome=outcome, origin=origin, tables=tables, freshness=freshness or {}, inputs=inputs or {}
        )
    return Trained(
        model,
        evaluation.results,
        splits,
        judge(appraisal, CHAMPION, criteria),
        quick,
        criteria.sha256,
        appraisal,
        scorecard,
        find_easier(criteria),
        [finding.criterion for finding in judge(appraisal, CHAMPION, read_criteria(shipped_criteria())) if not finding.met],
        searched,
        fairness,
        stages,
        clock.seconds,
    )


def describe_model(
    fitted: Fitted,
    frame: pl.DataFrame,
    *,
    outcome: Outcome,
    origin: Origin,
    tables: Mapping[str, Sequence[str]],
    freshness: Mapping[str, int],
    inputs: Mapping[str, Any],
    doubt: Doubt | None = None,
) -> ScreeningModel:
    """The fitted glass box with all that must be known about it, from the rows of ``frame`` that it was fitted on."""
    box = cast(GlassBox, fitted.candidate)
    used = tuple(box.names)
    model = ScreeningModel(
        name=CHAMPION,
        version="",
        outcome=outcome.name,
        outcome_version=outcome.version,
        origin=origin,
        features=used,
        tables={table: tuple(columns) for table, columns in tables.items()},
        trained_from=frame["as_of"].min(),  # type: ignore[arg-type]  # a training frame has dates
        trained_to=frame["as_of"].max(),  # type: ignore[arg-type]
        estimator=box.estimator,
        calibration=fitted.calibration,
        averages=average_terms(box.estimator, frame, used),
        importances={},
        seen=find_seen(frame, used),
        freshness=freshness,
        inputs=_keep(inputs, used),
        doubt=doubt or Doubt(),
    )
    return replace(model, importances=find_importances(model.contributions(frame)))


def _keep(inputs: Mapping[str, Any], used: Sequence[str]) -> dict[str, Any]:
    """How the ``used`` features were spread; those without any value in training teach nothing, at night neither."""
    told = inputs.get("features", {})
    return {**inputs, "features": {name: told[name] for name in used if name in told}}


class Clock:
    """How long parts of the work took, in seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def time(self, part: str) -> Iterator[None]:
        """Take the time of a block."""
        start = perf_counter()
        yield
        self.seconds[part] = round(perf_counter() - start, 1)


def _check_frame(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    missing = [name for name in (*KEYS, *names) if name not in frame.columns]
    if missing:
        raise ContractError(
            f"The training frame lacks {len(missing)} columns: {', '.join(missing)}. Build it with the same features "
            "that are passed to the training."
        )
    empty = [name for name in KEYS if frame[name].null_count()]
    if empty:
        raise ContractError(
            f"The training frame has empty values in {', '.join(empty)}: every row needs its keys and its outcome."
        )
    return frame


def _keep_telling(frame: pl.DataFrame, splits: tuple[Split, ...]) -> tuple[Split, ...]:
    """The splits, latest first, up to the first one that has too few outcomes on a side to say anything."""
    kept: list[Split] = []
    for split in splits:
        sides = {
            "to train on": count_outcomes(frame.filter(pl.col("as_of").is_between(split.train_from, split.train_to))),
            "to test on": count_outcomes(frame.filter(pl.col("as_of").is_between(split.test_from, split.test_to))),
        }
        if min(min(counts) for counts in sides.values()) < LEAST_OUTCOMES_PER_SIDE:
            break
        kept.append(split)
    if not kept:
        found = " and ".join(f"{yes} yes and {no} no {side}" for side, (yes, no) in sides.items())
        raise CriterionError(
            f"There are too few complete outcomes in the latest split: {found}; needed are at least "
            f"{LEAST_OUTCOMES_PER_SIDE} of each on both sides, so use an extract that reaches further back."
        )
    return tuple(kept)
