"""How well cases are ranked, and how true their chances are. Rows are weighed alike; intervals resample families."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtri

from models.calibration import CLIP, fit_line, log_odds_of

Floats = npt.NDArray[np.float64]
Outcome = npt.NDArray[np.bool_]

BINS = 10
RESAMPLES = 200
COVERAGE = 0.95
LEAST_DISTINCT = 5  # chances: a line through fewer is a line through the base rates of the folds


def rank_quality(outcome: Outcome, score: Floats, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """AUC and average precision under each row of ``weights`` (resamples x rows; by default one row of ones).

    Tied scores count half for the AUC and enter together for the average precision, as in scikit-learn. The result
    is NaN where a resample holds no yes or no no.
    """
    weights = np.ones((1, outcome.size)) if weights is None else weights
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    drawn = weights[:, order]
    yes = np.add.reduceat(drawn * outcome[order], starts, axis=1)
    no = np.add.reduceat(drawn, starts, axis=1) - yes
    found, false = yes.cumsum(axis=1), no.cumsum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        auc = (no * (found - yes / 2)).sum(axis=1) / (found[:, -1] * false[:, -1])
        precision = np.where(found > 0, found / (found + false), 0.0)
        average_precision = (yes * precision).sum(axis=1) / found[:, -1]
    return auc, average_precision


def draw_families(groups: pl.Series, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Bootstrap weights, resamples x rows: how often each row's group was drawn, groups drawn with replacement."""
    codes = groups.rank("dense").cast(pl.Int64).to_numpy() - 1
    count = int(codes.max(initial=-1)) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return drawn[:, codes].astype(np.float64)


def find_interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of resampled ``values``; NaN (a resample without both outcomes) is left out."""
    known = values[~np.isnan(values)]
    if not known.size:
        return float("nan"), float("nan")
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def find_share_interval(hits: float, tries: float) -> tuple[float, float]:
    """Wilson's 95 % interval of the share ``hits`` / ``tries``, for independent tries; NaN when there are none."""
    if tries <= 0:
        return float("nan"), float("nan")
    z, share = float(ndtri((1 + COVERAGE) / 2)), hits / tries
    middle = (share + z**2 / (2 * tries)) / (1 + z**2 / tries)
    half = z / (1 + z**2 / tries) * np.sqrt(share * (1 - share) / tries + z**2 / (4 * tries**2))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


@dataclass(frozen=True)
class ChanceQuality:
    """How true chances are.

    ``brier_skill`` is 1 - Brier / Brier of the rows' own base rate; ``calibration_error`` the mean distance between
    chance and share of yes over ten bins of equal size; slope 1 and intercept 0 mean well calibrated.
    """

    brier: float
    brier_skill: float
    log_loss: float
    calibration_error: float
    calibration_slope: float
    calibration_intercept: float


def measure_chances(outcome: Outcome, chance: Floats) -> ChanceQuality:
    """The quality of ``chance`` (0 to 1, one per row). Slope and intercept are NaN below five different chances."""
    brier = float(np.mean((chance - outcome) ** 2))
    base = float(outcome.mean())
    inside = np.clip(chance, CLIP, 1 - CLIP)
    curve = draw_calibration_curve(outcome, chance)
    distance = (curve["chance"] - curve["rate"]).abs() * curve["rows"]
    varies = np.unique(chance).size >= LEAST_DISTINCT
    slope, intercept = fit_line(log_odds_of(chance), outcome) if varies else (float("nan"), float("nan"))
    return ChanceQuality(
        brier=brier,
        brier_skill=1 - brier / (base * (1 - base)) if 0 < base < 1 else float("nan"),
        log_loss=float(-np.mean(np.where(outcome, np.log(inside), np.log1p(-inside)))),
        calibration_error=float(distance.sum()) / outcome.size,
        calibration_slope=slope,
        calibration_intercept=intercept,
    )


def draw_calibration_curve(outcome: Outcome, chance: Floats, bins: int = BINS) -> pl.DataFrame:
    """Mean ``chance``, ``rate`` of yes and ``rows`` for up to ``bins`` bins of equal size; equal chances share one."""
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, chance, side="left")
    rows = np.bincount(place)
    sums = {"chance": np.bincount(place, weights=chance), "rate": np.bincount(place, weights=outcome)}
    filled = rows > 0
    means = {name: total[filled] / rows[filled] for name, total in sums.items()}
    return pl.DataFrame(means | {"rows": rows[filled]})


def draw_precision_curve(outcome: Outcome, score: Floats, points: int = 20) -> pl.DataFrame:
    """Precision and recall when the highest 1/points, 2/points ... of rows are taken; ties as they fall in the mean."""
    share = np.arange(1, points + 1) / points
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    tied = np.unique(-ordered, return_inverse=True)[1]
    expected = (np.bincount(tied, weights=outcome[order]) / np.bincount(tied))[tied].cumsum()
    taken = np.ceil(share * outcome.size).astype(np.int64)
    found = expected[taken - 1]
    recall = found / max(1, int(outcome.sum()))
    return pl.DataFrame({"share": share, "precision": found / taken, "recall": recall})
