"""What an evaluation says of the model that would be registered: for its report, and for the criteria to judge."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtri

from models.bootstrap import COVERAGE, Floats, bootstrap, find_interval
from models.candidates import HUMBLE
from models.comparison import choose_by_rules, find_precisions
from models.evaluation import ROW, Evaluation, tidy
from models.metrics import rank_quality
from models.multiplicity import share_of_models
from models.offers import families

LEAST_FAMILIES, LEAST_RETURNS = 30, 10  # fewer in a group say nothing about it


def appraise(
    evaluation: Evaluation, champion: str, capacity: int, seed: int, groups: pl.DataFrame | None = None
) -> dict[str, Any]:
    """Everything about ``champion`` that is not in the results of single splits.

    ``groups`` has the columns of ``ROW`` and one text column for each audit group. Keys of what is returned:
    ``results``, ``best_humble``, ``comparisons`` (the champion less each other candidate), ``selection``, ``groups``,
    ``decay``, ``stability`` and ``multiplicity``; all can be written as JSON.
    """
    precisions = find_precisions(evaluation.scored, seed)
    humble = [name for name in HUMBLE if name in precisions.candidates]
    scored = pl.concat(evaluation.scored[champion])
    found = {
        "results": evaluation.results,
        "best_humble": precisions.best(humble),
        "comparisons": [
            row for name in precisions.candidates if name != champion for row in precisions.difference(champion, name)
        ],
        "selection": choose_by_rules(precisions),
        "groups": [] if groups is None else measure_groups(scored, groups, seed),
        "decay": measure_decay(evaluation.scored[champion], seed),
        "stability": measure_stability(evaluation.scored[champion], capacity, seed),
        "multiplicity": measure_multiplicity(scored, capacity, seed),
    }
    tidied: dict[str, Any] = tidy(found)
    return tidied


def measure_groups(scored: pl.DataFrame, groups: pl.DataFrame, seed: int) -> list[dict[str, Any]]:
    """Calibration by audit group: ``mean_chance`` less ``base_rate`` is ``difference``, with the interval over families.

    ``enough``: has the group so many families and families with a return that its gap can be judged at all? ``evident``:
    how large its gap is at the least, with all judged groups looked at together (Bonferroni): of many groups one is
    always far off by chance.
    """
    joined = scored.select(*ROW, "family_id", "group_id", "outcome", "chance").join(groups, on=ROW, how="left")
    found = [
        {"group": name, "value": value} | _measure_group(joined.filter(pl.col(name) == value), seed)
        for name in groups.columns
        if name not in ROW
        for value in sorted(joined[name].drop_nulls().unique())
    ]
    judged = sum(group["enough"] for group in found)
    times = float(ndtri(1 - (1 - COVERAGE) / 2 / max(1, judged)))
    return [group | {"evident": max(0.0, abs(group["difference"]) - times * group["error"])} for group in found]


def _measure_group(part: pl.DataFrame, seed: int) -> dict[str, Any]:
    """The figures of one group's rows; ``error`` is the standard error of the difference."""
    gap = (part["chance"] - part["outcome"].cast(pl.Float64)).to_numpy()
    drawn = bootstrap(part["group_id"], _mean_of(gap), seed)[:, 0]
    low, high = find_interval(drawn)
    families = part["family_id"].n_unique()
    with_return = part.filter("outcome")["family_id"].n_unique()
    return {
        "rows": part.height,
        "families": families,
        "mean_chance": float(part["chance"].to_numpy().mean()),
        "base_rate": float(part["outcome"].to_numpy().mean()),
        "difference": float(gap.mean()),
        "low": low,
        "high": high,
        "error": float(drawn.std(ddof=1)),
        "enough": families >= LEAST_FAMILIES and with_return >= LEAST_RETURNS,
    }


def _mean_of(values: Floats) -> Any:
    return lambda weights: (weights @ values / weights.sum(axis=1))[:, None]


def measure_decay(splits: Sequence[pl.DataFrame], seed: int) -> dict[str, Any]:
    """AUC in the first and in the second half of the test years, the change, and its interval over families.

    Years are pooled by their rows: the halves of a year are compared with each other, never with another year's.
    """
    halves = []
    for split in splits:
        dates = split["as_of"].unique().sort()
        later = split["as_of"] >= dates[len(dates) // 2]
        halves.append((split, later.to_numpy()))
    ends = np.cumsum([0, *(split.height for split, _ in halves)])
    weights_of_years = np.diff(ends) / ends[-1]

    def areas(weights: Floats | None = None) -> Floats:
        columns = []
        for side in (False, True):
            of_years = []
            for at, (split, later) in enumerate(halves):
                rows = later == side
                drawn = None if weights is None else weights[:, ends[at] : ends[at + 1]][:, rows]
                outcome, score = split["outcome"].to_numpy()[rows], split["score"].to_numpy()[rows]
                of_years.append(rank_quality(outcome, score, drawn)[0])
            columns.append(weights_of_years @ np.array(of_years))
        return np.column_stack(columns)

    earlier, later_area = areas()[0]
    drawn = bootstrap(pl.concat([split["group_id"] for split, _ in halves]), areas, seed)
    low, high = find_interval(drawn[:, 1] - drawn[:, 0])
    change = float(later_area - earlier)
    return {"earlier_auc": float(earlier), "later_auc": float(later_area), "change": change, "low": low, "high": high}


def measure_stability(splits: Sequence[pl.DataFrame], capacity: int, seed: int) -> dict[str, Any]:
    """How much of a list stays from one date of the grid to the next.

    ``kept``: of the families that are listed on a date and still have an open case on the next one, the share that is
    listed then, too; ``listed`` counts those families over all pairs of dates. No offer takes a family off the list here.
    """
    kept = listed = 0
    for split in splits:
        before: set[str] = set()
        for date in split.partition_by("as_of", maintain_order=True):
            places = families(_as_scores(date), capacity, seed)
            now = set(places.filter("listed")["family_id"])
            still = before & set(places["family_id"])
            kept, listed = kept + len(still & now), listed + len(still)
            before = now
    return {"kept": kept / listed if listed else None, "listed": listed, "capacity": capacity}


def measure_multiplicity(scored: pl.DataFrame, capacity: int, seed: int) -> dict[str, Any] | None:
    """Of the families that are listed on a date, how many would equally good models list, too?

    ``models`` is the number of bags; ``mean_share`` the mean share of them that would list a listed family;
    ``listed_by_most`` the share of the listed families that at least four models in five would list. ``None`` for a
    candidate that is not made of bags.
    """
    if "bags" not in scored.columns:
        return None
    shares = []
    for date in scored.partition_by("as_of", maintain_order=True):
        scores = _as_scores(date)
        by_models = share_of_models(date["bags"].to_numpy(), scores["family_id"], scores["abstained"], capacity)
        listed = families(scores, capacity, seed).filter("listed").select("family_id")
        shares.append(listed.join(by_models, on="family_id")["share_of_models"].to_numpy())
    found = np.concatenate(shares)
    return {
        "models": int(scored["bags"].to_numpy().shape[1]),
        "listed": int(found.size),
        "mean_share": float(found.mean()),
        "listed_by_most": float((found >= 0.8).mean()),
    }


def _as_scores(rows: pl.DataFrame) -> pl.DataFrame:
    """Scored test rows of one date in the shape of a night's scores."""
    return rows.select(*ROW, "family_id", "chance", abstained=pl.lit(value=False), reason_for_abstaining=pl.lit(None, pl.String))
