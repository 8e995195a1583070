"""Every candidate on every split, measured alike: plain objects that can be written as JSON and hold no row."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from models.bootstrap import Floats, bootstrap, find_interval
from models.candidate import FULL, Effort, Input
from models.capacity import measure_share, replay_offers
from models.fitting import fit_candidate
from models.metrics import (
    chance_quality,
    draw_calibration_curve,
    draw_precision_curve,
    find_line_interval,
    rank_quality,
)
from models.splits import FOLDS, Split, pick_once_per_family, split_frame

SHARES = (5, 10, 20)  # per cent of the cases of one date
KEYS = ("as_of", "person_id", "referral_id", "family_id", "group_id", "outcome")
ROW = ("as_of", "person_id", "referral_id")
RESAMPLED = ("auc", "average_precision", "brier", "brier_skill", "log_loss", "calibration_error")
DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Evaluation:
    """What was found, and the scored test rows that it was found on (these stay in memory: they are rows of children).

    ``results``: one object per split and candidate, latest split first. ``scored``: the rows by candidate, one frame per
    split in the same order, all candidates with the same rows in the same order.
    """

    splits: tuple[Split, ...]
    results: list[dict[str, Any]]
    scored: Mapping[str, Sequence[pl.DataFrame]]


def score_split(
    frame: pl.DataFrame,
    features: Sequence[Input],
    split: Split,
    candidate: str,
    seed: int,
    *,
    effort: Effort = FULL,
    folds: int = FOLDS,
) -> pl.DataFrame:
    """Every test row of ``split``, scored by a model of earlier rows of other families.

    Columns: those of ``KEYS``, ``score`` (ranks rows, highest first), ``chance`` and, of a candidate made of bags,
    ``bags`` (the score by each bag's own model); sorted by date and child.
    """
    scored = []
    for fold in split_frame(frame, split, seed, folds):
        fitted = fit_candidate(candidate, fold.train, features, seed, effort)
        scored.append(fold.test.select(KEYS).hstack(fitted.score(fold.test)))
    return pl.concat(scored).sort(ROW)


def evaluate(
    frame: pl.DataFrame,
    features: Sequence[Input],
    splits: Sequence[Split],
    candidates: Sequence[str],
    *,
    capacity: int,
    seed: int,
    effort: Effort = FULL,
    folds: int = FOLDS,
) -> Evaluation:
    """Score and measure every candidate on every split. ``capacity`` is families a week.

    In the results dates are ISO text; what cannot be computed (the calibration slope of the base rate) is ``None``.
    Metrics are shares between 0 and 1.
    """
    scored: dict[str, list[pl.DataFrame]] = {candidate: [] for candidate in candidates}
    results = []
    for split in splits:
        for candidate in candidates:
            rows = score_split(frame, features, split, candidate, seed, effort=effort, folds=folds)
            scored[candidate].append(rows)
            facts = {"candidate": candidate} | describe_split(frame, split)
            results.append(tidy(facts | measure(rows, capacity, seed, split.train_to)))
    return Evaluation(tuple(splits), results, scored)


def describe_split(frame: pl.DataFrame, split: Split) -> dict[str, Any]:
    """The dates of a split as text, and how many rows and families it has to train on."""
    train = frame.filter(pl.col("as_of").is_between(split.train_from, split.train_to))
    dates = {name: day.isoformat() for name, day in asdict(split).items()}
    return dates | {"train_rows": train.height, "train_families": train["family_id"].n_unique()}


def measure(scored: pl.DataFrame, capacity: int, seed: int, trained_to: date) -> dict[str, Any]:
    """All metrics of scored test rows (see :func:`score_split`), with 95 % intervals over families.

    ``trained_to`` is the last date that the model was trained on: months are counted from it.
    """
    outcome, score, chance = (scored[name].to_numpy() for name in ("outcome", "score", "chance"))

    def resampled(weights: Floats | None = None) -> Floats:
        return np.column_stack([*rank_quality(outcome, score, weights), chance_quality(outcome, chance, weights)])

    found: dict[str, Any] = {
        "rows": scored.height,
        "families": scored["family_id"].n_unique(),
        "yes": int(outcome.sum()),
        "base_rate": float(outcome.mean()),
    }
    drawn = bootstrap(scored["group_id"], resampled, seed)
    for at, (name, value) in enumerate(zip(RESAMPLED, resampled()[0], strict=True)):
        low, high = find_interval(drawn[:, at])
        found |= {name: float(value), f"{name}_low": low, f"{name}_high": high}
    found |= find_line_interval(outcome, chance, scored["group_id"])
    once = pick_once_per_family(scored, seed)
    once_auc, once_average_precision = rank_quality(once["outcome"].to_numpy(), once["score"].to_numpy())
    found |= {
        "auc_once_per_family": float(once_auc[0]),
        "average_precision_once_per_family": float(once_average_precision[0]),
    }
    replay = replay_offers(scored, capacity, seed)
    found |= {
        "capacity": capacity,
        "offers": replay.offers,
        "precision_at_capacity": replay.precision,
        "precision_at_capacity_low": replay.low,
        "precision_at_capacity_high": replay.high,
        "chance_at_capacity": replay.expected,
        "approaches_per_return_at_capacity": 1 / replay.precision if replay.precision else math.nan,
    }
    for share in SHARES:
        figures = measure_share(scored, share / 100)
        figures["approaches_per_return"] = 1 / figures["precision"] if figures["precision"] else math.nan
        found |= {f"{name}_at_{share}_percent": value for name, value in figures.items()}
    found["by_month"] = _measure_months(scored, trained_to)
    found["calibration_curve"] = draw_calibration_curve(outcome, chance).to_dicts()
    found["precision_curve"] = draw_precision_curve(outcome, score).to_dicts()
    return found


def _measure_months(scored: pl.DataFrame, trained_to: date) -> list[dict[str, Any]]:
    months = []
    for month in scored.partition_by("as_of", maintain_order=True):
        outcome, chance = month["outcome"].to_numpy(), month["chance"].to_numpy()
        auc, average_precision = rank_quality(outcome, month["score"].to_numpy())
        day: date = month["as_of"][0]
        months.append(
            {
                "as_of": day.isoformat(),
                "months_since_training": round((day - trained_to).days / DAYS_PER_MONTH, 1),
                "rows": month.height,
                "families": month["family_id"].n_unique(),
                "base_rate": float(outcome.mean()),
                "mean_chance": float(chance.mean()),
                "auc": float(auc[0]),
                "average_precision": float(average_precision[0]),
                "brier": float(np.mean((chance - outcome) ** 2)),
            }
        )
    return months


def tidy(value: Any) -> Any:
    """The same object with ``None`` for numbers that JSON has no word for."""
    if isinstance(value, dict):
        return {name: tidy(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [tidy(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
