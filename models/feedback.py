"""Naive and corrected retraining side by side: what offers that worked have taught the model, and what that would change.

Which rows count for how much is told in :mod:`models.offer_weights`; here the same candidate is fitted under each policy, on
the same rows of other families, and scores the same later rows.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from features.definition import Family, Feature
from models.bootstrap import draw_families, find_interval
from models.candidate import QUICK, Effort, Floats
from models.candidates import CANDIDATES
from models.metrics import rank_quality
from models.offer_weights import Policy, Verdict, can_be_corrected, effective_rows, mark_offers, weigh_rows
from models.splits import FOLDS, Split, split_frame

LISTED_SHARE = 0.1  # of the families of one date
MEASURES = {
    "average_precision": "average precision, among families that no offer changed",
    "gap": "mean chance less share of returns, among families that no offer changed",
    "chance_of_offered": "mean chance of families with an offer in the year before or after",
    "offered_listed": f"share of the first {100 * LISTED_SHARE:.0f} % of families who had an offer in the year before or after",
}


def compare_feedback(
    frame: pl.DataFrame,
    features: Sequence[Feature],
    offers: pl.DataFrame,
    splits: Sequence[Split],
    candidate: str,
    seed: int,
    effort: Effort = QUICK,
    *,
    window_days: int = 365,
    draws: pl.DataFrame | None = None,
    corrected: Policy = Policy.CENSOR,
    folds: int = FOLDS,
) -> dict[str, Any]:
    """What naive and corrected training say of the same test rows, as plain objects that hold no row.

    ``frame`` is a training frame with ``returned_on`` (see :func:`models.offer_weights.mark_offers`); ``offers`` is
    ``ext_offers``; ``draws`` tells who took part in which draw, if that is known. Keys: ``verdict`` (can it be corrected?),
    ``rows``, ``families`` and those ``with_offer``, ``without_known`` (is the chance of going without known from draws?),
    ``policies`` (one object each: ``policy``, ``rows``, ``effective_rows`` and every name of ``MEASURES`` with ``_low`` and
    ``_high``; averaged over training folds), ``differences`` (corrected less naive: ``measure``, ``difference``, ``low``,
    ``high``; paired bootstrap over families) and ``words``. Where feedback cannot be corrected there is the naive policy
    alone. The corrected model has no features of offers: it is asked what would be if there had been none.
    """
    verdict = can_be_corrected(offers)
    marked = mark_offers(frame, offers, window_days)
    touched = marked.filter(_with_offer())
    found: dict[str, Any] = {
        "verdict": asdict(verdict),
        "rows": marked.height,
        "families": marked["group_id"].n_unique(),
        "rows_with_offer": touched.height,
        "families_with_offer": touched["group_id"].n_unique(),
        "without_known": draws is not None,
        "policies": [],
        "differences": [],
    }
    if not verdict.offers:
        return found | {"words": [verdict.words]}
    policies = [Policy.NAIVE, corrected] if verdict.possible else [Policy.NAIVE]
    scored = []
    for split in splits:
        for fold in split_frame(marked, split, seed, folds):
            test = weigh_rows(
                fold.test,
                corrected if verdict.possible else Policy.LEAVE_OUT,
                window_days,
                features=features,
                draws=draws,
                seed=seed,
            )
            kept = test.select("as_of", "group_id", "outcome", "weight", with_offer=_with_offer())
            for policy in policies:
                train = weigh_rows(fold.train, policy, window_days, features=features, draws=draws, seed=seed)
                chance, used, effective = _fit_and_score(train, test, policy, features, candidate, seed, effort)
                kept = kept.with_columns(
                    pl.Series(policy.value, chance),
                    pl.lit(used).alias(f"{policy.value} rows"),
                    pl.lit(effective).alias(f"{policy.value} effective"),
                )
            scored.append(kept)
    together = pl.concat(scored).sort("as_of", "group_id")
    drawn = draw_families(together["group_id"], seed)
    measured = {policy: _measure(together, policy, drawn) for policy in policies}
    found["policies"] = [_summarise(together, policy, measured[policy]) for policy in policies]
    if verdict.possible:
        found["differences"] = [
            {"measure": name} | _interval(measured[corrected][name] - measured[Policy.NAIVE][name], "difference")
            for name in MEASURES
        ]
    return found | {"words": _words(found, verdict)}


def _with_offer() -> pl.Expr:
    return pl.col("offer_before") | pl.col("offer_in_window")


def _fit_and_score(
    train: pl.DataFrame,
    test: pl.DataFrame,
    policy: Policy,
    features: Sequence[Feature],
    candidate: str,
    seed: int,
    effort: Effort,
) -> tuple[Floats, int, float]:
    """Chances of the test rows by a candidate fitted on the weighed rows, how many these were, and what they are worth."""
    used = train.filter(pl.col("weight") > 0)
    asked = features if policy is Policy.NAIVE else [feature for feature in features if feature.family is not Family.OFFERS]
    weights = None if policy is Policy.NAIVE else used["weight"].to_numpy()
    model = CANDIDATES[candidate](asked, seed, effort).fit(used, used["outcome"].to_numpy(), used["group_id"], weights)
    return model.chances(test), used.height, effective_rows(used["weight"])


def _measure(scored: pl.DataFrame, policy: Policy, drawn: Floats) -> dict[str, Floats]:
    """Each measure of a policy: as it is, then under each resample of families."""
    chance, outcome, weight, touched = (scored[name].to_numpy() for name in (policy.value, "outcome", "weight", "with_offer"))
    counts = np.vstack([np.ones(scored.height), drawn])
    unchanged = counts * weight
    listed = _first_families(scored, policy)
    with np.errstate(invalid="ignore"):
        return {
            "average_precision": rank_quality(outcome, chance, unchanged)[1],
            "gap": (unchanged @ (chance - outcome)) / unchanged.sum(axis=1),
            "chance_of_offered": (counts @ (chance * touched)) / (counts @ touched.astype(np.float64)),
            "offered_listed": (counts @ (listed * touched)) / (counts @ listed),
        }


def _first_families(scored: pl.DataFrame, policy: Policy) -> Floats:
    """For each row its share of a place on the list of its date: one in all for the rows of each family on it."""
    family = ["as_of", "group_id"]
    best = pl.col(policy.value).max().over(family)
    place = scored.select(*family, best=best).unique(family, maintain_order=True)
    rank = pl.col("best").rank("ordinal", descending=True).over("as_of")
    on_it = place.select(*family, listed=rank <= (LISTED_SHARE * pl.len().over("as_of")).ceil())
    rows = scored.select(*family).join(on_it, on=family, how="left", maintain_order="left")
    return rows.select(pl.col("listed") / pl.len().over(family)).to_series().to_numpy()


def _summarise(scored: pl.DataFrame, policy: Policy, measured: dict[str, Floats]) -> dict[str, Any]:
    used, effective = (float(scored[f"{policy.value} {name}"].unique().to_numpy().mean()) for name in ("rows", "effective"))
    told: dict[str, Any] = {"policy": policy.value, "rows": round(used), "effective_rows": round(effective)}
    for name, values in measured.items():
        told |= _interval(values, name, f"{name}_")
    return told


def _interval(values: Floats, name: str, prefix: str = "") -> dict[str, float | None]:
    """The first value, and the middle 95 % of the others; ``None`` where there is no number."""
    numbers = (float(values[0]), *find_interval(values[1:]))
    return {
        key: number if np.isfinite(number) else None
        for key, number in zip((name, f"{prefix}low", f"{prefix}high"), numbers, strict=True)
    }


def _words(found: dict[str, Any], verdict: Verdict) -> list[str]:
    """The comparison in sentences."""
    naive = found["policies"][0]
    words = [
        verdict.words,
        f"An offer was made to {found['families_with_offer']} of {found['families']} families in the year before or after the "
        f"date of a row: {found['rows_with_offer']} of {found['rows']} rows.",
    ]
    if not verdict.possible:
        return [
            *words,
            f"The model as it is gives these families a chance of {_percent(naive['chance_of_offered'])}; how much of that is "
            "the offer's doing cannot be told.",
        ]
    better = found["policies"][1]
    change = {one["measure"]: one for one in found["differences"]}
    words += [
        f"Naive training gives families with an offer a chance of {_percent(naive['chance_of_offered'])}, corrected training "
        f"{_percent(better['chance_of_offered'])} (difference {_points(change['chance_of_offered'])}).",
        f"Of the first {100 * LISTED_SHARE:.0f} % of families they are {_percent(naive['offered_listed'])} under naive and "
        f"{_percent(better['offered_listed'])} under corrected training (difference {_points(change['offered_listed'])}).",
        f"Against what came of families that no offer changed, naive chances are off by {_points_of(naive['gap'])} and corrected "
        f"ones by {_points_of(better['gap'])}; average precision is {_number(naive['average_precision'])} and "
        f"{_number(better['average_precision'])}.",
        f"The corrected model rests on {better['rows']} rows, worth {better['effective_rows']} of equal weight.",
        "The chance of going without is known from the draws."
        if found["without_known"]
        else "Who took part in a draw and lost is not on record, so the chance of going without is estimated from the features: "
        "the correction holds only as far as they tell what the offers were given by.",
    ]
    if verdict.by_lot < verdict.offers:
        words.append(
            f"{verdict.offers - verdict.by_lot} offers were not drawn by lot: for families like those, the correction is a guess."
        )
    return words


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _points_of(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:+.1f} points"


def _points(change: dict[str, float | None]) -> str:
    return f"{_points_of(change['difference'])}, 95 % {_points_of(change['low'])} to {_points_of(change['high'])}"
