"""How well cases are ranked, and how true their chances are. Rows are weighed alike; intervals resample families."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit, ndtri

from models.bootstrap import COVERAGE
from models.calibration import CLIP, fit_line, log_odds_of

Floats = npt.NDArray[np.float64]
Outcome = npt.NDArray[np.bool_]

BINS = 10
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
    brier, brier_skill, log_loss, calibration_error = (float(value) for value in chance_quality(outcome, chance)[0])
    varies = np.unique(chance).size >= LEAST_DISTINCT
    slope, intercept = fit_line(log_odds_of(chance), outcome) if varies else (float("nan"), float("nan"))
    return ChanceQuality(brier, brier_skill, log_loss, calibration_error, slope, intercept)


def chance_quality(outcome: Outcome, chance: Floats, weights: Floats | None = None) -> Floats:
    """Brier, its skill, log loss and calibration error under each row of ``weights`` (see :func:`rank_quality`): k x 4."""
    weights = np.ones((1, outcome.size)) if weights is None else weights
    inside = np.clip(chance, CLIP, 1 - CLIP)
    place = _bins(chance)
    bins = np.zeros((chance.size, int(place.max(initial=0)) + 1))
    bins[np.arange(chance.size), place] = chance - outcome
    losses = np.column_stack([(chance - outcome) ** 2, -np.where(outcome, np.log(inside), np.log1p(-inside)), outcome])
    total = weights.sum(axis=1)
    brier, log_loss, base = (weights @ losses / total[:, None]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        skill = np.where((base > 0) & (base < 1), 1 - brier / (base * (1 - base)), np.nan)
    return np.column_stack([brier, skill, log_loss, np.abs(weights @ bins).sum(axis=1) / total])


def find_line_interval(outcome: Outcome, chance: Floats, groups: pl.Series) -> dict[str, float]:
    """Slope and intercept of calibration with 95 % intervals, as ``calibration_slope``, ``..._low``, ``..._high``.

    The errors are those of a sandwich estimator that adds up the rows of a family (Liang and Zeger 1986), so that
    families are counted and not rows. NaN below five different chances.
    """
    names = ("calibration_slope", "calibration_intercept")
    if np.unique(chance).size < LEAST_DISTINCT:
        return {f"{name}{end}": float("nan") for name in names for end in ("", "_low", "_high")}
    log_odds = log_odds_of(chance)
    line = np.array(fit_line(log_odds, outcome))
    design = np.column_stack([log_odds, np.ones_like(log_odds)])
    fitted = expit(design @ line)
    codes = groups.rank("dense").cast(pl.Int64).to_numpy() - 1
    pulls = design * (outcome - fitted)[:, None]
    sums = np.column_stack([np.bincount(codes, weights=pull) for pull in pulls.T])
    bread = np.linalg.inv((design * (fitted * (1 - fitted))[:, None]).T @ design)
    half = ndtri((1 + COVERAGE) / 2) * np.sqrt(np.diag(bread @ (sums.T @ sums) @ bread))
    ends = {"": line, "_low": line - half, "_high": line + half}
    return {f"{name}{end}": float(values[at]) for at, name in enumerate(names) for end, values in ends.items()}


def _bins(chance: Floats, bins: int = BINS) -> npt.NDArray[np.int64]:
    """The bin of each row: up to ``bins`` of equal size; equal chances share one."""
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, chance, side="left")


def draw_calibration_curve(outcome: Outcome, chance: Floats, bins: int = BINS) -> pl.DataFrame:
    """Mean ``chance``, ``rate`` of yes and ``rows`` for up to ``bins`` bins of equal size; equal chances share one."""
    place = _bins(chance, bins)
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
