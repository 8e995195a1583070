"""Splits that straddle a change of practice, and what it would cost to leave out the training dates before it.

A model that is trained on both sides of a change learns two councils at once; one that is trained before and used after it
speaks of a council that is no longer there. Whether that does harm is measured and not presumed: older dates may speak of other
habits, but there are more families in them.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.bootstrap import Floats, bootstrap, find_interval
from models.candidate import FULL, Effort, Input, Outcome
from models.fitting import fit_candidate
from models.metrics import rank_quality
from models.splits import FOLDS, LEAST_TRAIN_DATES, Fold, Split, split_frame
from validation.change_points import Change

LEAST_OUTCOMES = 100  # of each kind among the rows that a model would be left to learn from

INSIDE = "inside the training dates"
BETWEEN = "between the training dates and the end of the test"
WORDS = {
    INSIDE: "what the model learnt is a mixture of before and after",
    BETWEEN: "the model was trained before it and is tested after it, at least in part",
}


def flag_straddles(splits: Sequence[Split], changes: Sequence[Change], window_days: int = 0) -> list[dict[str, Any]]:
    """Every change that a split straddles: ``train_from`` to ``test_to``, ``measure``, ``on`` (ISO text), ``where``, ``words``.

    A date speaks of what happens in the ``window_days`` after it as well (the outcome's length), so a change that falls into the
    window of the last test date still counts.
    """
    found = []
    for split in splits:
        dates = {name: getattr(split, name).isoformat() for name in ("train_from", "train_to", "test_from", "test_to")}
        span = "The split trained on {train_from} to {train_to} and tested on {test_from} to {test_to}".format(**dates)
        for change in changes:
            where = _place(split, change.on, window_days)
            if where is not None:
                words = f"{span} straddles a change {where}: {WORDS[where]}. {change.words}"
                found.append({**dates, "measure": change.measure, "on": change.on.isoformat(), "where": where, "words": words})
    return found


def _place(split: Split, on: date, window_days: int) -> str | None:
    if split.train_from < on <= split.train_to:
        return INSIDE
    return BETWEEN if split.train_to < on <= split.test_to + timedelta(days=window_days) else None


def measure_without(
    frame: pl.DataFrame,
    features: Sequence[Input],
    split: Split,
    change: Change,
    candidate: str,
    seed: int,
    effort: Effort = FULL,
    folds: int = FOLDS,
) -> dict[str, Any]:
    """What ``candidate`` loses or gains on the test rows of ``split`` when training dates before ``change`` are left out.

    ``frame`` is a training frame (see :func:`models.training.train`). Both models of a fold learn from the same families and
    score the same test rows. ``average_precision`` and ``brier`` each hold ``with_all``, ``without``, ``difference`` (without
    less with; more average precision is better, less Brier score is) and its 95 % interval ``low`` to ``high``, from one
    bootstrap over families for both. ``measured`` is false, and the figures are absent, where the change leaves nothing out, or
    fewer than ``LEAST_TRAIN_DATES`` dates or ``LEAST_OUTCOMES`` outcomes of each kind to learn from; ``words`` says so.
    """
    dealt = split_frame(frame, split, seed, folds)
    left = [fold.train.filter(pl.col("as_of") >= change.on) for fold in dealt]
    dates = frame.filter(pl.col("as_of").is_between(split.train_from, split.train_to))["as_of"].unique()
    told: dict[str, Any] = {"candidate": candidate, "measure": change.measure, "on": change.on.isoformat()}
    told |= {"test_from": split.test_from.isoformat(), "dates": dates.len(), "dates_left_out": int((dates < change.on).sum())}
    reason = _reason_against(dates, change.on, left)
    if reason is not None:
        return {**told, "measured": False, "words": f"What it would cost to leave out the dates before {change.on}: {reason}."}
    test = pl.concat([fold.test.select("outcome", "group_id") for fold in dealt])
    outcome = test["outcome"].to_numpy()
    scored = [_score(candidate, dealt, trains, features, seed, effort) for trains in ([fold.train for fold in dealt], left)]

    def measure(weights: Floats) -> Floats:
        return np.column_stack([quality for each in scored for quality in _measure_quality(outcome, each, weights)])

    here, drawn = measure(np.ones((1, test.height)))[0], bootstrap(test["group_id"], measure, seed)
    figures = {name: _pair(here[place::2], drawn[:, place::2]) for place, name in enumerate(("average_precision", "brier"))}
    return {**told, "measured": True, "rows": test.height, **figures, "words": _word(figures, change.on)}


def _reason_against(dates: pl.Series, on: date, left: Sequence[pl.DataFrame]) -> str | None:
    """Why it cannot be measured, or ``None``."""
    kept = int((dates >= on).sum())
    if kept == dates.len():
        return "there is none among the training dates"
    fewest = min(min(int(part["outcome"].sum()), int((~part["outcome"]).sum())) for part in left)
    if kept < LEAST_TRAIN_DATES or fewest < LEAST_OUTCOMES:
        return (
            f"that would leave {kept} dates and {fewest} outcomes of the rarer kind to learn from, and needed are at least "
            f"{LEAST_TRAIN_DATES} and {LEAST_OUTCOMES}, so it cannot be measured yet"
        )
    return None


def _score(
    candidate: str, dealt: Sequence[Fold], trains: Sequence[pl.DataFrame], features: Sequence[Input], seed: int, effort: Effort
) -> pl.DataFrame:
    """``score`` and ``chance`` of the test rows of every fold, by models of ``trains``, one for each fold."""
    fitted = [fit_candidate(candidate, train, features, seed, effort) for train in trains]
    return pl.concat([model.score(fold.test).select("score", "chance") for model, fold in zip(fitted, dealt, strict=True)])


def _measure_quality(outcome: Outcome, scored: pl.DataFrame, weights: Floats) -> tuple[Floats, Floats]:
    """Average precision and Brier score under each row of ``weights``."""
    score, chance = (scored[name].to_numpy() for name in ("score", "chance"))
    return rank_quality(outcome, score, weights)[1], weights @ (chance - outcome) ** 2 / weights.sum(axis=1)


def _pair(here: Floats, drawn: Floats) -> dict[str, float]:
    """The model with all dates beside the one without some: on the rows as they are, and over resamples."""
    low, high = find_interval(drawn[:, 1] - drawn[:, 0])
    with_all, without = float(here[0]), float(here[1])
    return {"with_all": with_all, "without": without, "difference": without - with_all, "low": low, "high": high}


def _word(figures: dict[str, dict[str, float]], on: date) -> str:
    precision = figures["average_precision"]
    verdict = "lose" if precision["high"] < 0 else "gain" if precision["low"] > 0 else "neither clearly lose nor clearly gain"
    numbers = "{difference:+z.3f} (95 % interval {low:+z.3f} to {high:+z.3f})"
    return (
        f"To leave out the training dates before {on} would {verdict}: average precision {numbers.format(**precision)}, "
        f"Brier score {numbers.format(**figures['brier'])}; a lower Brier score is better."
    )
