"""Calibration by an affine map of the log-odds: slope x log-odds + intercept, which keeps reasons additive."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

Floats = npt.NDArray[np.float64]

LEAST_SLOPE = 0.05  # a map must keep the order of cases; a slope this low says that the model learnt next to nothing
CLIP = 1e-6  # chances are kept this far from 0 and 1 before their log-odds are taken
PRIOR = 1.0  # unit prior about "as it is": no weight with hundreds of outcomes, and finite with a handful


@dataclass(frozen=True)
class Calibration:
    """``chance = expit(slope * log_odds + intercept)`` with a positive slope."""

    slope: float = 1.0
    intercept: float = 0.0

    def map_log_odds(self, log_odds: Floats) -> Floats:
        """Log-odds after the map, same shape."""
        return self.slope * log_odds + self.intercept

    def map_to_chances(self, log_odds: Floats) -> Floats:
        """Chances (0 to 1) after the map, same shape."""
        return np.asarray(expit(self.map_log_odds(log_odds)), dtype=np.float64)


def log_odds_of(chances: Floats) -> Floats:
    """Log-odds of chances; 0 and 1 are drawn in by a millionth, so that the result is finite."""
    return np.asarray(logit(np.clip(chances, CLIP, 1 - CLIP)), dtype=np.float64)


def fit_line(
    log_odds: Floats, outcome: npt.NDArray[np.bool_], prior: float = 1e-6, weights: Floats | None = None
) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of ``outcome`` on ``log_odds``: maximum likelihood by Newton.

    ``prior`` is the weight of a normal prior about slope 1 and intercept 0; its default only keeps the fit finite.
    ``weights``: one number per row, by default 1.
    """
    design = np.column_stack([log_odds, np.ones_like(log_odds)])
    weights = np.ones_like(log_odds) if weights is None else weights
    as_it_is = np.array([1.0, 0.0])

    def loss(line: Floats) -> float:
        z = design @ line
        return float(np.sum(weights * (np.logaddexp(0, z) - outcome * z)) + prior / 2 * np.sum((line - as_it_is) ** 2))

    line = as_it_is
    for _ in range(100):
        chance = expit(design @ line)
        slope_of_loss = design.T @ (weights * (chance - outcome)) + prior * (line - as_it_is)
        bend_of_loss = (design * (weights * chance * (1 - chance))[:, None]).T @ design + prior * np.eye(2)
        step = np.linalg.solve(bend_of_loss, slope_of_loss)
        while loss(line - step) > loss(line) and np.abs(step).max() > 1e-10:
            step = step / 2
        line = line - step
        if np.abs(step).max() < 1e-10:
            break
    return float(line[0]), float(line[1])


def fit_calibration(log_odds: Floats, outcome: npt.NDArray[np.bool_]) -> Calibration:
    """The map that fits ``outcome`` best, its slope held at ``LEAST_SLOPE`` or more (the intercept then fits to it)."""
    slope, intercept = fit_line(log_odds, outcome, PRIOR)
    if slope >= LEAST_SLOPE:
        return Calibration(slope, intercept)
    low, high = -20.0, 20.0
    for _ in range(60):  # the mean chance rises with the intercept: halve the range until it meets the share of yes
        intercept = (low + high) / 2
        too_high = expit(LEAST_SLOPE * log_odds + intercept).mean() > outcome.mean()
        low, high = (low, intercept) if too_high else (intercept, high)
    return Calibration(LEAST_SLOPE, intercept)
