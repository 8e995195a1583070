"""Every candidate on every split, measured alike: plain objects that can be written as JSON and hold no row."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from features.definition import Feature
from models.candidate import FULL, Effort
from models.capacity import measure_share, replay_offers
from models.fitting import fit_candidate
from models.metrics import (
    draw_calibration_curve,
    draw_families,
    draw_precision_curve,
    find_interval,
    measure_chances,
    rank_quality,
)
from models.splits import FOLDS, Split, pick_once_per_family, split_frame

SHARES = (5, 10, 20)  # per cent of the cases of one date
KEYS = ("as_of", "person_id", "referral_id", "family_id", "group_id", "outcome")


def score_split(
    frame: pl.DataFrame,
    features: Sequence[Feature],
    split: Split,
    candidate: str,
    seed: int,
    *,
    effort: Effort = FULL,
    folds: int = FOLDS,
) -> pl.DataFrame:
    """Every test row of ``split``, scored by a model of earlier rows of other families.

    Columns: those of ``KEYS``, ``score`` (ranks rows, highest first) and ``chance``; sorted by date and
    child.
    """
    scored = []
    for fold in split_frame(frame, split, seed, folds):
        fitted = fit_candidate(candidate, fold.train, features, seed, effort)
        scored.append(fold.test.select(KEYS).hstack(fitted.score(fold.test)))
    return pl.concat(scored).sort("as_of", "person_id", "referral_id")


def evaluate(
    frame: pl.DataFrame,
    features: Sequence[Feature],
    splits: Sequence[Split],
    candidates: Sequence[str],
    *,
    capacity: int,
    seed: int,
    effort: Effort = FULL,
    folds: int = FOLDS,
) -> list[dict[str, Any]]:
    """One object per split and candidate: what was trained and tested on, and every metric.

    ``capacity`` is families a week. Dates are ISO text; what cannot be computed (the calibration slope of the base
    rate) is ``None``. Metrics are shares between 0 and 1.
    """
    found = []
    for split in splits:
        for candidate in candidates:
            scored = score_split(frame, features, split, candidate, seed, effort=effort, folds=folds)
            found.append(_tidy({"candidate": candidate} | _describe(frame, split) | measure(scored, capacity, seed)))
    return found


def _describe(frame: pl.DataFrame, split: Split) -> dict[str, Any]:
    train = frame.filter(pl.col("as_of").is_between(split.train_from, split.train_to))
    dates = {name: day.isoformat() for name, day in asdict(split).items()}
    return dates | {"train_rows": train.height, "train_families": train["family_id"].n_unique()}


def measure(scored: pl.DataFrame, capacity: int, seed: int) -> dict[str, Any]:
    """All metrics of scored test rows (see :func:`score_split`), with intervals over families."""
    outcome, score, chance = (scored[name].to_numpy() for name in ("outcome", "score", "chance"))
    auc, average_precision = rank_quality(outcome, score)
    drawn_auc, drawn_average_precision = rank_quality(outcome, score, draw_families(scored["group_id"], seed))
    once = pick_once_per_family(scored, seed)
    once_auc, once_average_precision = rank_quality(once["outcome"].to_numpy(), once["score"].to_numpy())
    auc_low, auc_high = find_interval(drawn_auc)
    precision_low, precision_high = find_interval(drawn_average_precision)
    replay = replay_offers(scored, capacity, seed)
    found: dict[str, Any] = {
        "rows": scored.height,
        "families": scored["family_id"].n_unique(),
        "yes": int(outcome.sum()),
        "base_rate": float(outcome.mean()),
        "auc": float(auc[0]),
        "auc_low": auc_low,
        "auc_high": auc_high,
        "auc_once_per_family": float(once_auc[0]),
        "average_precision": float(average_precision[0]),
        "average_precision_low": precision_low,
        "average_precision_high": precision_high,
        "average_precision_once_per_family": float(once_average_precision[0]),
        **asdict(measure_chances(outcome, chance)),
        "capacity": capacity,
        "offers": replay.offers,
        "precision_at_capacity": replay.precision,
        "precision_at_capacity_low": replay.low,
        "precision_at_capacity_high": replay.high,
    }
    for share in SHARES:
        found |= {f"{name}_at_{share}_percent": value for name, value in measure_share(scored, share / 100).items()}
    found["by_month"] = _measure_months(scored)
    found["calibration_curve"] = draw_calibration_curve(outcome, chance).to_dicts()
    found["precision_curve"] = draw_precision_curve(outcome, score).to_dicts()
    return found


def _measure_months(scored: pl.DataFrame) -> list[dict[str, Any]]:
    months = []
    for month in scored.partition_by("as_of", maintain_order=True):
        outcome, chance = month["outcome"].to_numpy(), month["chance"].to_numpy()
        auc, average_precision = rank_quality(outcome, month["score"].to_numpy())
        months.append(
            {
                "as_of": month["as_of"][0].isoformat(),
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


def _tidy(value: Any) -> Any:
    """The same object with ``None`` for numbers that JSON has no word for."""
    if isinstance(value, dict):
        return {name: _tidy(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_tidy(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
