"""The model that scores a night: a glass box, its calibration, and what must be known about it to use it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

import polars as pl
from scipy.special import expit

from models.calibration import Calibration
from models.candidate import Floats
from models.glass_box import bag_log_odds
from models.ranges import Doubt, find_ranges
from models.terms import add_terms, read_terms
from validation.disclosure import FEWEST
from validation.errors import ModelError
from validation.extract import Origin


@dataclass(frozen=True)
class Seen:
    """What training saw of a feature: its least and greatest value, and whether it was ever empty."""

    least: float
    most: float
    had_empty: bool


@dataclass(frozen=True)
class ScreeningModel:
    """A trained glass box.

    ``estimator`` is an ``ExplainableBoostingClassifier``. ``averages`` holds the training average of each of its terms in
    log-odds before calibration; ``importances`` the share of each feature in what the model goes by (its mean absolute
    contribution in training; they add up to 1); ``seen`` what training saw of each feature; ``tables`` the columns of
    each table that training had; ``freshness`` the longest time, in days, that each table went without an event in
    training; ``inputs`` how the features were spread (see ``validation.drift``). ``version`` is empty until the model is
    registered.
    """

    name: str
    version: str
    outcome: str
    outcome_version: int
    origin: Origin
    features: tuple[str, ...]
    tables: Mapping[str, tuple[str, ...]]
    trained_from: date
    trained_to: date
    estimator: Any
    calibration: Calibration
    averages: tuple[float, ...]
    importances: Mapping[str, float]
    seen: Mapping[str, Seen]
    freshness: Mapping[str, int]
    inputs: Mapping[str, Any]
    doubt: Doubt

    @property
    def base_log_odds(self) -> float:
        """Log-odds of a case all of whose terms are as in the training average; contributions add to this."""
        average = float(self.estimator.intercept_[0]) + sum(self.averages)
        return self.calibration.slope * average + self.calibration.intercept

    @property
    def base_chance(self) -> float:
        """The chance that belongs to ``base_log_odds``."""
        return float(expit(self.base_log_odds))

    def chances(self, matrix: pl.DataFrame) -> pl.Series:
        """The calibrated chance of the outcome, one per row of ``matrix``.

        Columns are found by name, others are ignored. Raises ``ModelError`` when a feature is missing.
        """
        self._require(matrix)
        log_odds = add_terms(self.estimator, matrix, self.features, self.estimator.term_scores_)
        return pl.Series("chance", self.calibration.map_to_chances(log_odds), dtype=pl.Float64)

    def contributions(self, matrix: pl.DataFrame) -> pl.DataFrame:
        """What each feature adds to the log-odds of each row, against the training average: rows x features.

        Exact: ``base_log_odds`` and a row's contributions add up to the log-odds of its chance. The term of a pair
        is split equally between its two features, as a Shapley value would do.
        """
        self._require(matrix)
        tables = [
            self.calibration.slope * (table - average)
            for table, average in zip(self.estimator.term_scores_, self.averages, strict=True)
        ]
        terms = read_terms(self.estimator, matrix, self.features, tables)
        alone = {members[0]: terms[at] for at, members in enumerate(self.estimator.term_features_) if len(members) == 1}
        columns = [alone[at] for at in range(len(self.features))]
        for at, members in enumerate(self.estimator.term_features_):
            for member in members if len(members) > 1 else ():
                columns[member] = columns[member] + terms[at] / len(members)
        return pl.DataFrame(dict(zip(self.features, columns, strict=True)))

    def bag_chances(self, matrix: pl.DataFrame) -> Floats:
        """The chance by each bag's own model: rows x bags. Each bag is a model of families drawn again, as good as any."""
        return self.calibration.map_to_chances(self._bag_log_odds(matrix))

    def ranges(self, matrix: pl.DataFrame) -> pl.DataFrame:
        """``low`` and ``high``: the 90 % range of each row's chance (see :mod:`models.ranges`)."""
        return find_ranges(self.calibration.map_log_odds(self._bag_log_odds(matrix)), self.doubt)

    def describe(self) -> dict[str, Any]:
        """All of it but the estimator and the version, as text, numbers and lists."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("estimator", "version")}
        return told | {
            "origin": self.origin.value,
            "features": list(self.features),
            "tables": {table: list(columns) for table, columns in self.tables.items()},
            "trained_from": self.trained_from.isoformat(),
            "trained_to": self.trained_to.isoformat(),
            "calibration": asdict(self.calibration),
            "averages": list(self.averages),
            "importances": dict(self.importances),
            "seen": {name: asdict(seen) for name, seen in self.seen.items()},
            "freshness": dict(self.freshness),
            "inputs": dict(self.inputs),
            "doubt": asdict(self.doubt),
        }

    @classmethod
    def restore(cls, told: Mapping[str, Any], version: str, estimator: Any) -> Self:
        """The model of which :meth:`describe` told, with its estimator."""
        known = {
            "origin": Origin(told["origin"]),
            "features": tuple(told["features"]),
            "tables": {table: tuple(columns) for table, columns in told["tables"].items()},
            "trained_from": date.fromisoformat(told["trained_from"]),
            "trained_to": date.fromisoformat(told["trained_to"]),
            "calibration": Calibration(**told["calibration"]),
            "averages": tuple(told["averages"]),
            "seen": {name: Seen(**seen) for name, seen in told["seen"].items()},
            "doubt": Doubt(**told["doubt"]),
        }
        return cls(**{**told, **known, "version": version, "estimator": estimator})

    def _bag_log_odds(self, matrix: pl.DataFrame) -> Floats:
        self._require(matrix)
        return bag_log_odds(self.estimator, matrix, self.features)

    def _require(self, matrix: pl.DataFrame) -> None:
        missing = [name for name in self.features if name not in matrix.columns]
        if missing:
            raise ModelError(
                f"Model '{self.name}' needs {len(self.features)} features, of which the matrix lacks {len(missing)}: "
                f"{', '.join(missing)}. Build the matrix with the features that the model was trained on, or retrain."
            )


def average_terms(estimator: Any, matrix: pl.DataFrame, features: tuple[str, ...]) -> tuple[float, ...]:
    """The mean of each term of ``estimator`` over the rows of ``matrix``, in log-odds before calibration."""
    return tuple(float(mean) for mean in read_terms(estimator, matrix, features, estimator.term_scores_).mean(axis=1))


def find_seen(matrix: pl.DataFrame, features: tuple[str, ...]) -> dict[str, Seen]:
    """What there is to see of each feature in the rows of ``matrix``, each with one value at least.

    The ends are those that ``FEWEST`` families reach: beyond them a value tells of a few, and so of one.
    """
    least, most = pl.col(*features).min().name.prefix("least "), pl.col(*features).max().name.prefix("most ")
    families = matrix.group_by("group_id").agg(least, most)
    lowest = families.select(pl.col(f"least {name}").bottom_k(FEWEST).max() for name in features).row(0)
    highest = families.select(pl.col(f"most {name}").top_k(FEWEST).min() for name in features).row(0)
    empty = matrix.select(pl.col(*features).null_count()).row(0)
    return {name: Seen(float(lowest[at]), float(highest[at]), bool(empty[at])) for at, name in enumerate(features)}


def find_importances(contributions: pl.DataFrame) -> dict[str, float]:
    """The share of each feature in the mean absolute contributions; they add up to 1."""
    sizes = contributions.select(pl.all().abs().mean()).row(0, named=True)
    total = sum(sizes.values()) or 1.0
    return {name: size / total for name, size in sizes.items()}
