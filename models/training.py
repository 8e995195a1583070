"""From a training frame to a model and its evaluation; nothing is read, written or registered here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import polars as pl

from features.definition import Feature
from features.outcomes import Outcome
from models.candidate import FULL, QUICK, Effort
from models.candidates import CANDIDATES
from models.criteria import LEAST_OUTCOMES_PER_SIDE, Finding, count_outcomes, judge_evaluation, require_outcomes
from models.evaluation import KEYS, evaluate
from models.fitting import fit_candidate
from models.glass_box import GlassBox
from models.model import ScreeningModel, average_terms
from models.splits import FOLDS, Split, forward_splits
from validation.errors import ContractError, CriterionError
from validation.extract import Origin

CHAMPION = "glass_box"
FAMILIES_FOR_PAIRS = 5_000  # with 1,500, pairs lowered average precision from .245 to .236 on an invented authority


@dataclass(frozen=True)
class Trained:
    """A model (not yet registered), how every candidate did on every split, and what the criteria found."""

    model: ScreeningModel
    evaluation: list[dict[str, Any]]
    splits: tuple[Split, ...]
    findings: tuple[Finding, ...]
    quick: bool


def train(
    frame: pl.DataFrame,
    features: Sequence[Feature],
    *,
    outcome: Outcome,
    origin: Origin,
    tables: Mapping[str, Sequence[str]],
    capacity: int,
    seed: int,
    quick: bool = False,
) -> Trained:
    """Evaluate every candidate on every split, then fit the glass box on all rows of ``frame``.

    ``frame`` holds complete outcomes only: ``as_of``, ``person_id``, ``referral_id``, ``family_id``, ``group_id``,
    ``outcome``, and a numeric column per feature (empty: not known). ``tables`` names the columns of each table that
    training had; ``capacity`` is families a week. ``quick`` evaluates the latest split only, with few rounds.
    Raises ``ContractError`` for a frame of another shape, ``CriterionError`` for too few complete outcomes.
    """
    names = tuple(feature.name for feature in features)
    ordered = _check_frame(frame, names).sort("as_of", "person_id", "referral_id")
    require_outcomes(ordered)
    splits = _keep_telling(ordered, forward_splits(ordered["as_of"].unique(), outcome.days_to_maturity))
    splits = splits[:1] if quick else splits
    effort = QUICK if quick else _choose_effort(ordered, splits[0])
    evaluation = evaluate(ordered, features, splits, list(CANDIDATES), capacity=capacity, seed=seed, effort=effort, folds=FOLDS)
    fitted = fit_candidate(CHAMPION, ordered, features, seed, effort)
    box = cast(GlassBox, fitted.candidate)
    used = tuple(box.names)
    dates = ordered["as_of"]
    model = ScreeningModel(
        name=CHAMPION,
        version="",
        outcome=outcome.name,
        outcome_version=outcome.version,
        origin=origin,
        features=used,
        tables={table: tuple(columns) for table, columns in tables.items()},
        trained_from=dates[0],
        trained_to=dates[-1],
        estimator=box.estimator,
        calibration=fitted.calibration,
        averages=average_terms(box.estimator, ordered, used),
    )
    return Trained(model, evaluation, splits, judge_evaluation(evaluation, CHAMPION), quick)


def _choose_effort(frame: pl.DataFrame, split: Split) -> Effort:
    """Pairs of features only where the evaluation has the families to learn them; the final fit does as was evaluated."""
    families = frame.filter(pl.col("as_of").is_between(split.train_from, split.train_to))["group_id"].n_unique()
    return FULL if families >= FAMILIES_FOR_PAIRS else replace(FULL, pairs=0)


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
