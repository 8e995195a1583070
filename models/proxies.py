"""How well do features tell a group that is no feature itself, and which of them do it?

A model that never sees who a child is may see it through something else. The audit asks: from the features alone, could one guess
the group? The answer is an AUC: 0.5 is guessing, 1 is knowing. One row per family is looked at, by a logistic regression on the
ranks of the features that is asked about families that it had not learned from. It is fast, steady where families are few, and
blind to features that tell a group only by two of them together, or by their middle. Scores are compared within a fold, so that
folds of another level do no harm. The variance of an AUC is that of DeLong, DeLong and Clarke-Pearson (1988), families being the
cases.

That features tell a group is no fault in itself: it says where a gap could come from, not that there is one.
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import norm, rankdata

from models.candidate import Floats, to_array
from models.fairness import COVERAGE
from models.splits import deal_families, pick_once_per_family

LEAST = 60  # families of a group, and of all others, of whom anything is said
MOST = 2_000  # families looked at, drawn by a seed: time must not grow with the authority
FOLDS = 3
SHRINKAGE = 0.1  # scikit-learn's C: little, since there may be more features than families of a group
GUESSED = 0.6  # AUC; a group that is told no better is hardly told
TOLD = 5  # single features that are told of
ALL = ""


class Telling(StrEnum):
    """What may be said of how well features tell a group."""

    TELLS = "the features tell this group"
    HARDLY = "hardly better than guessing"
    NOT_ENOUGH = "not enough evidence"
    TOO_FEW = "too few families"


PROXIES = {
    "group": pl.String(),
    "value": pl.String(),
    "feature": pl.String(),
    "families": pl.Int64(),
    "families_of_others": pl.Int64(),
    "auc": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "together_low": pl.Float64(),
    "together_high": pl.Float64(),
    "verdict": pl.String(),
}
"""Columns of what is found. ``feature`` is ``ALL`` for all features together, otherwise one of them by itself, the strongest
first; its AUC is below 0.5 where the group has less of it. ``low`` to ``high`` is a 95 % interval, ``together_low`` to
``together_high`` the one with all of its kind looked at together (Bonferroni)."""

PARTS = {
    name: dtype for name, dtype in PROXIES.items() if name not in ("low", "high", "together_low", "together_high", "verdict")
}
PARTS |= {"variance": pl.Float64()}


def find_proxies(
    rows: pl.DataFrame, features: Sequence[str], groups: Sequence[str], seed: int, *, most: int = MOST
) -> pl.DataFrame:
    """For each value of each group: how well all ``features`` tell it, and which single ones do.

    ``rows`` has ``as_of``, ``person_id``, ``referral_id``, ``family_id``, ``group_id``, the features (empty: not known) and a
    text or Enum column for each group, whose empty rows are left out. A value of fewer than ``LEAST`` families, or with so few
    beside it, is listed with the verdict that there are too few. Columns as in ``PROXIES``.
    """
    families = pick_once_per_family(rows.with_columns(family_id="group_id"), seed)
    if families.height > most:
        families = families.sample(most, seed=seed)
    found = [_tell_group(families.filter(pl.col(name).is_not_null()), features, name, seed) for name in groups]
    return _judge(pl.concat([pl.DataFrame(schema=PARTS), *found]), len(features))


def _tell_group(families: pl.DataFrame, features: Sequence[str], name: str, seed: int) -> pl.DataFrame:
    """All values of one group, unjudged."""
    if families.is_empty():
        return pl.DataFrame(schema=PARTS)
    matrix, value = to_array(families, features), families[name].cast(pl.String).to_numpy()
    known = [str(one) for one in sorted(set(value))]
    large = [one for one in known if LEAST <= (value == one).sum() <= value.size - LEAST]
    folds = deal_families(families["group_id"], FOLDS, seed)
    missing = np.isnan(matrix)
    ranks = rankdata(np.where(missing, -np.inf, matrix), axis=0)
    guessed = _guess(ranks, missing[:, missing.any(axis=0)].astype(float), value, large, folds)
    lines = []
    for one in known:
        member = value == one
        told = {"group": name, "value": one, "families": int(member.sum()), "families_of_others": int((~member).sum())}
        if one not in large:
            lines.append(told | {"feature": ALL})
            continue
        lines.append(told | {"feature": ALL} | _interval(guessed[one], member))
        singly = np.abs(measure_auc(ranks, member) - 0.5)
        strongest = np.argsort(-singly, kind="stable")[:TOLD]
        lines += [told | {"feature": features[at]} | _interval(ranks[:, at], member) for at in strongest]
    return pl.DataFrame(lines, schema=PARTS, orient="row")


def _guess(
    ranks: Floats, missing: Floats, value: npt.NDArray[np.object_], large: Sequence[str], folds: npt.NDArray[np.int64]
) -> dict[str, Floats]:
    """For each value its place within a fold, by a regression that was fitted on the other folds."""
    from sklearn.linear_model import LogisticRegression

    inputs, scores = np.column_stack([2 * ranks / len(ranks) - 1, missing]), {one: np.zeros(value.size) for one in large}
    for fold in range(FOLDS):
        here = folds == fold
        for one in large:
            fitted = LogisticRegression(C=SHRINKAGE, max_iter=1_000).fit(inputs[~here], value[~here] == one)
            scores[one][here] = rankdata(fitted.decision_function(inputs[here])) / (here.sum() + 1)
    return scores


def measure_auc(ranks: Floats, member: npt.NDArray[np.bool_]) -> Floats:
    """The AUC of each column of ``ranks`` (rows x columns, ties the mean of their ranks)."""
    ones = member.sum()
    return np.asarray((ranks[member].sum(axis=0) - ones * (ones + 1) / 2) / (ones * (~member).sum()))


def _interval(score: Floats, member: npt.NDArray[np.bool_]) -> dict[str, float]:
    """The AUC of one score and its variance: that of the shares of the other side that each case stands above."""
    ranks, ones, others = rankdata(score), member.sum(), (~member).sum()
    of_members = (ranks[member] - rankdata(score[member])) / others
    of_others = 1 - (ranks[~member] - rankdata(score[~member])) / ones
    variance = of_members.var(ddof=1) / ones + of_others.var(ddof=1) / others
    return {"auc": float(of_members.mean()), "variance": float(variance)}


def _judge(found: pl.DataFrame, features: int) -> pl.DataFrame:
    """With intervals and verdicts. A single feature may tell a group by having less of it."""
    whole, spread = pl.col("feature") == ALL, pl.col("variance").sqrt()
    looks = max(1, found.filter(whole, pl.col("auc").is_not_null()).height)
    reach = spread * float(norm.ppf((1 + COVERAGE) / 2))
    together = spread * pl.when(whole).then(_times(looks)).otherwise(_times(looks * features))
    ends = found.with_columns(
        low=pl.col("auc") - reach,
        high=pl.col("auc") + reach,
        together_low=pl.col("auc") - together,
        together_high=pl.col("auc") + together,
    )
    tells = (pl.col("together_low") > 0.5) | ((pl.col("together_high") < 0.5) & ~whole)
    hardly = (pl.col("high") < GUESSED) & (whole | (pl.col("low") > 1 - GUESSED))
    verdict = (
        pl.when(pl.col("auc").is_null())
        .then(pl.lit(Telling.TOO_FEW.value))
        .when(tells)
        .then(pl.lit(Telling.TELLS.value))
        .when(hardly)
        .then(pl.lit(Telling.HARDLY.value))
        .otherwise(pl.lit(Telling.NOT_ENOUGH.value))
    )
    return ends.with_columns(verdict=verdict).select(*PROXIES)


def _times(looks: int) -> float:
    """How many standard errors an interval reaches when so many are looked at together."""
    return float(norm.ppf(1 - (1 - COVERAGE) / 2 / looks))
