"""The candidates of every evaluation: humble rankers, the glass box, and two models to hold it against.

Each candidate has ``fit(matrix, outcome, groups)``, ``scores(matrix)`` (what it ranks by; log-odds for the learners)
and ``chances(matrix)``; ``matrix`` is a polars frame with at least the feature columns, where an empty value means
"not known".
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from interpret.glassbox import ExplainableBoostingClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import SplineTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from features.definition import Direction, Feature
from models.calibration import Calibration, fit_line, log_odds_of
from models.splits import deal_families
from validation.errors import ContractError

Floats = npt.NDArray[np.float64]
Outcome = npt.NDArray[np.bool_]

SIGN = {Direction.HIGHER: 1, Direction.LOWER: -1, Direction.EITHER: 0}


class Candidate(Protocol):
    """Anything that ranks cases and gives each a chance."""

    learns_log_odds: bool  # are the scores log-odds, so that an affine map can calibrate them?

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series) -> Self:
        """Learn from rows ``matrix``, their outcome and the group of families that each belongs to."""

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """What rows are ranked by, highest first; one number per row."""

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """The chance of the outcome, one per row."""


@dataclass(frozen=True)
class Effort:
    """How much work the boosted models may do: bags to average, rounds per bag, pairs of features."""

    bags: int = 4
    rounds: int = 5_000
    pairs: int = 10


FULL = Effort()
QUICK = Effort(bags=2, rounds=500, pairs=0)


def to_array(frame: pl.DataFrame, names: Sequence[str]) -> npt.NDArray[np.float32]:
    """The columns ``names`` as a rows x features array of float32, NaN where empty."""
    return frame.select(pl.col(*names).cast(pl.Float32)).fill_null(float("nan")).to_numpy()


class BaseRate:
    """Everyone gets the share of yes."""

    learns_log_odds = False

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series) -> Self:
        """Learn the share of yes."""
        self.rate_ = float(outcome.mean())
        return self

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """The same for all."""
        return np.zeros(matrix.height)

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """The share of yes in training, for all."""
        return np.full(matrix.height, self.rate_)


class Ranker:
    """Ranks by one feature (``sign`` 1: more first, -1: less first), empty values last.

    Chances are the share of yes by score in training, made to rise with the score (isotonic regression).
    """

    learns_log_odds = False

    def __init__(self, name: str, feature: str, sign: int, features: Sequence[Feature]) -> None:
        if feature not in {known.name for known in features}:
            raise ContractError(
                f"Candidate '{name}' ranks by feature '{feature}', which is not among the {len(features)} features "
                "given: add it to the matrix, or leave the candidate out."
            )
        self.feature, self.sign = feature, sign

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series) -> Self:
        """Learn the lowest value and the share of yes by score."""
        ordered = matrix.select(pl.col(self.feature).cast(pl.Float64) * self.sign).to_series()
        least = ordered.min()
        self.last_ = (float(least) if isinstance(least, float) else 0.0) - 1.0
        self.rates_ = IsotonicRegression(out_of_bounds="clip").fit(self.scores(matrix), outcome)
        return self

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """The feature, signed so that higher comes first."""
        ordered = pl.col(self.feature).cast(pl.Float64) * self.sign
        return matrix.select(ordered.fill_null(self.last_)).to_series().to_numpy()

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """The share of yes at this score in training."""
        return np.asarray(self.rates_.predict(self.scores(matrix)), dtype=np.float64)


class Scorecard:
    """Points from 0 to 5 for each of a handful of features, added up: what a team could work out on paper.

    Each feature is cut at its quartiles, empty values being a step of their own. A step's log-odds of yes above the
    feature's lowest step become points, on a scale on which the largest difference is five. The features kept are
    those whose steps differ most (share of yes, weighted by rows). Chances follow from a line through the points.
    """

    learns_log_odds = False
    kept = 6
    most_points = 5

    def __init__(self, features: Sequence[Feature]) -> None:
        self.names = [feature.name for feature in features]

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series) -> Self:
        """Choose the features and their points."""
        values, cards = to_array(matrix, self.names), []
        for column, name in enumerate(self.names):
            known = values[~np.isnan(values[:, column]), column]
            edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75])) if known.size else np.empty(0)
            steps = self._steps(values[:, column], edges)
            rows = np.bincount(steps, minlength=edges.size + 2)
            yes = np.bincount(steps, weights=outcome, minlength=edges.size + 2)
            rates = (yes + 10 * outcome.mean()) / (rows + 10)  # ten rows of the base rate: rare steps say little
            cards.append((float(rows @ (rates - outcome.mean()) ** 2), name, edges, log_odds_of(rates)))
        cards.sort(key=lambda card: (-card[0], card[1]))
        best = cards[: self.kept]
        scale = max(float(np.ptp(odds)) for *_, odds in best) / self.most_points or 1.0
        self.cards_ = {name: (edges, np.rint((odds - odds.min()) / scale)) for _, name, edges, odds in best}
        self.line_ = Calibration(*fit_line(self.points(matrix), outcome))
        return self

    @staticmethod
    def _steps(values: npt.NDArray[np.float32], edges: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        return np.where(np.isnan(values), edges.size + 1, np.searchsorted(edges, values, side="left"))

    def points(self, matrix: pl.DataFrame) -> Floats:
        """The points of each row: whole numbers from 0 to 30."""
        values = to_array(matrix, list(self.cards_))
        cards = enumerate(self.cards_.values())
        steps = [points[self._steps(values[:, at], edges)] for at, (edges, points) in cards]
        return np.asarray(np.sum(steps, axis=0), dtype=np.float64)

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """Log-odds on the line through the points."""
        return self.line_.map_log_odds(self.points(matrix))

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """Chances on the line through the points."""
        return self.line_.map_to_chances(self.points(matrix))


class Learner:
    """A scikit-learn classifier of a rows x features array with NaN for "not known".

    ``names`` are the features it was fitted on: those with any value in training, since the others teach nothing.
    """

    learns_log_odds = True

    def __init__(self, estimator: Any, features: Sequence[Feature]) -> None:
        self.estimator, self.features = estimator, features

    def _start(self, matrix: pl.DataFrame) -> npt.NDArray[np.float32]:
        filled = [feature.name for feature in self.features if matrix[feature.name].count()]
        self.names = filled
        return to_array(matrix, filled)

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series) -> Self:
        """Fit the classifier; ``groups`` is not used."""
        self.estimator.fit(self._start(matrix), outcome)
        return self

    def scores(self, matrix: pl.DataFrame) -> Floats:
        """Log-odds."""
        return np.asarray(self.estimator.decision_function(to_array(matrix, self.names)), dtype=np.float64)

    def chances(self, matrix: pl.DataFrame) -> Floats:
        """Chances before calibration."""
        return np.asarray(self.estimator.predict_proba(to_array(matrix, self.names))[:, 1], dtype=np.float64)


class GlassBox(Learner):
    """An explainable boosting machine: its log-odds are an exact sum of one term per feature and a few of pairs.

    A feature with a declared direction can only push that way, and takes no part in pairs. Boosting stops early on
    families that the bag was not fitted on: rows of one family look alike and would tell it to go on for too long.
    """

    def __init__(self, features: Sequence[Feature], seed: int, effort: Effort) -> None:
        self.directions = {feature.name: SIGN[feature.direction] for feature in features}
        self.seed, self.effort = seed, effort
        super().__init__(None, features)

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series) -> Self:
        """Fit the terms, each bag stopping early on families of its own."""
        values = self._start(matrix)
        held_out = [deal_families(groups, 6, self.seed + bag) == 0 for bag in range(self.effort.bags)]
        bags = np.where(np.column_stack(held_out), -1, 1).astype(np.int8)  # rows x bags: 1 to fit on, -1 to stop on
        self.estimator = ExplainableBoostingClassifier(
            feature_names=self.names,
            feature_types=["continuous"] * len(self.names),
            monotone_constraints=[self.directions[name] for name in self.names],
            # Few, wide and shrunken steps: rows repeat their case, so a fine shape is noise. On an invented authority of
            # six years this raised average precision from .245 to .251, and pairs lowered it to .236.
            max_bins=32,
            max_leaves=2,
            min_samples_leaf=50,
            reg_lambda=50.0,
            learning_rate=0.04,
            outer_bags=self.effort.bags,
            max_rounds=self.effort.rounds,
            interactions=self.effort.pairs,
            n_jobs=1,  # bags in one process: no slower on two cores, and never a fork inside a fork
            random_state=self.seed,
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Missing values detected")  # about its own pictures, not drawn
            self.estimator.fit(values, outcome, bags=bags)
        return self


class Boosting(Learner):
    """Gradient boosted trees without any restriction, which stop early on families that they were not fitted on."""

    def __init__(self, features: Sequence[Feature], seed: int, effort: Effort) -> None:
        self.seed = seed
        trees = HistGradientBoostingClassifier(
            max_iter=min(500, effort.rounds),
            learning_rate=0.05,
            max_leaf_nodes=15,
            min_samples_leaf=40,
            early_stopping=True,
            random_state=seed,
        )
        super().__init__(trees, features)

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series) -> Self:
        """Fit trees on five families of six, and stop on the sixth."""
        values, held_out = self._start(matrix), deal_families(groups, 6, self.seed) == 0
        with threadpool_limits(1, user_api="openmp"):  # its threads wait for each other on a shared machine
            self.estimator.fit(values[~held_out], outcome[~held_out], X_val=values[held_out], y_val=outcome[held_out])
        return self


def _spline_logistic(features: Sequence[Feature], seed: int, effort: Effort) -> Candidate:
    values = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        SplineTransformer(n_knots=4, degree=3, include_bias=False, extrapolation="linear"),
    )
    steps = make_union(values, MissingIndicator(features="all"))
    return Learner(make_pipeline(steps, StandardScaler(), LogisticRegression(C=0.001, max_iter=2_000)), features)


Builder = Callable[[Sequence[Feature], int, Effort], Candidate]

CANDIDATES: dict[str, Builder] = {
    "base_rate": lambda features, seed, effort: BaseRate(),
    "earlier_referrals": lambda features, seed, effort: Ranker("earlier_referrals", "referrals_in_last_730_days", 1, features),
    "days_since_last_referral": lambda features, seed, effort: Ranker(
        "days_since_last_referral", "days_since_last_earlier_referral", -1, features
    ),
    "points_scorecard": lambda features, seed, effort: Scorecard(features),
    "spline_logistic": _spline_logistic,
    "glass_box": GlassBox,
    "unrestricted_boosting": Boosting,
}

HUMBLE = ("base_rate", "earlier_referrals", "days_since_last_referral", "points_scorecard")
