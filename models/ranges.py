"""How far the chance of a case may lie from what the model says: a 90 % range for every case.

Two things are not known. *Which families happened to be in training*: each bag of the glass box is a model of families
drawn again, and the spread of their log-odds says how much that matters for this case. *What the features do not tell*:
two children with the same features have different histories and different chances; no refit shows that. On invented
authorities, where the true chance given everything on record is known, the two parts were measured, and the range is

    log-odds +/- 1.645 x root((factor x spread)^2 + miss^2)

where ``miss`` is larger for chances below 2 in 10: there a little more or less on record is a large share of little.
Its three numbers are such that the range holds the true chance in nine cases of ten, in every tenth of the chances, of
authorities with some 15,000 families to learn from (``tests/recovery/test_honest_models.py``, docs/evaluation.md). On real
data nobody knows the true chances: there the second part is an assumption.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit, logit, ndtri

Floats = npt.NDArray[np.float64]

COVERAGE = 0.9


RARE = float(logit(0.2))


@dataclass(frozen=True)
class Doubt:
    """How sure one may be: ``factor`` widens the bags' spread; ``miss`` is what features do not tell, in log-odds.

    ``growth`` is added to ``miss`` for each unit of log-odds by which a chance lies below 2 in 10.
    """

    factor: float = 2.5
    miss: float = 0.4
    growth: float = 0.1


def find_ranges(bag_log_odds: Floats, doubt: Doubt) -> pl.DataFrame:
    """``low`` and ``high``, between 0 and 1, from calibrated log-odds by each bag: rows x bags, two bags at least."""
    middle, spread = bag_log_odds.mean(axis=1), bag_log_odds.std(axis=1, ddof=1)
    miss = doubt.miss + doubt.growth * np.maximum(0, RARE - middle)
    half = ndtri((1 + COVERAGE) / 2) * np.hypot(doubt.factor * spread, miss)
    return pl.DataFrame({"low": expit(middle - half), "high": expit(middle + half)})
