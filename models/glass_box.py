"""The glass box: the model that scores a night."""

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from interpret.glassbox import ExplainableBoostingClassifier
from joblib import parallel_config

from features.definition import Direction
from models.candidate import Effort, Floats, Input, Outcome
from models.learners import Learner
from models.terms import add_terms
from models.thin_steps import merge_thin_steps

SIGN = {Direction.HIGHER: 1, Direction.LOWER: -1, Direction.EITHER: 0}


MOST_ROWS = 300_000  # drawn into a bag: more cost time and teach next to nothing


def draw_bags(groups: pl.Series, bags: int, seed: int, most_rows: int = MOST_ROWS) -> npt.NDArray[np.int8]:
    """Bootstraps of families, rows x bags: how often the row's group was drawn, or -1 where it was not drawn at all.

    A bag is fitted on the families that were drawn and stops on the others (some 37 in 100): rows of one family look
    alike, and would tell it to go on for too long. Where there are more rows than ``most_rows``, so many families fewer
    are drawn, and of the others so many fewer are used (the rest are 0).
    """
    codes = groups.rank("dense").cast(pl.Int64).to_numpy() - 1
    count = int(codes.max(initial=-1)) + 1
    share = min(1.0, most_rows / max(1, codes.size))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(max(1, round(count * share)), np.full(count, 1 / count), size=bags)
    left = np.where(rng.random((bags, count)) < share, -1, 0)
    return np.asarray(np.where(drawn == 0, left, drawn).T[codes], dtype=np.int8)


def bag_log_odds(estimator: Any, matrix: pl.DataFrame, names: Sequence[str]) -> Floats:
    """Log-odds by each bag's own model, rows x bags; the estimator's log-odds are their mean."""
    return add_terms(estimator, matrix, names, [np.stack(scores, axis=-1) for scores in estimator.bagged_scores_])


class GlassBox(Learner):
    """An explainable boosting machine: its log-odds are an exact sum of one term per feature and a few of pairs.

    A feature with a declared direction can only push that way, and takes no part in pairs. Its bags are bootstraps of
    families (see :func:`draw_bags`), so that their spread says how sure it is.
    """

    def __init__(self, features: Sequence[Input], seed: int, effort: Effort) -> None:
        self.directions = {feature.name: SIGN[feature.direction] for feature in features}
        self.seed, self.effort = seed, effort
        super().__init__(None, features)

    def fit(self, matrix: pl.DataFrame, outcome: Outcome, groups: pl.Series, weights: Floats | None = None) -> Self:
        """Fit the terms, each bag stopping early on families that it has not drawn."""
        values = self._start(matrix)
        self.bags_ = draw_bags(groups, self.effort.bags, self.seed)
        self.estimator = ExplainableBoostingClassifier(
            feature_names=self.names,
            feature_types=["continuous"] * len(self.names),
            monotone_constraints=[self.directions[name] for name in self.names],
            # Few, wide and shrunken steps: rows repeat their case, so a fine shape is noise. Finer steps, larger leaves, less
            # shrinkage and pairs were tried on invented authorities of 1,800 to 16,000 families, and were no better.
            max_bins=32,
            max_leaves=2,
            min_samples_leaf=50,
            reg_lambda=self.effort.shrinkage,
            learning_rate=0.08,
            # The best terms were found among the first forty rounds of every authority tried, with cuts drawn at random; more
            # rounds of them, or a longer wait for something better after them, gave the same terms at three times the cost.
            smoothing_rounds=40,
            early_stopping_rounds=25,
            outer_bags=self.effort.bags,
            max_rounds=self.effort.rounds,
            interactions=self.effort.pairs,
            n_jobs=-1,
            random_state=self.seed,
        )
        # Bags are fitted in threads, whose native steps let each other run: never a fork, and the same numbers on any machine.
        with parallel_config(backend="threading"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Missing values detected")  # about its own pictures, not drawn
            self.estimator.fit(values, outcome, sample_weight=weights, bags=self.bags_)
        merge_thin_steps(self.estimator, matrix, self.names, groups)
        return self

    def bag_scores(self, matrix: pl.DataFrame) -> Floats:
        """Log-odds by each bag's own model, rows x bags."""
        return bag_log_odds(self.estimator, matrix, self.names)
