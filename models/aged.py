"""An earlier model on newer outcomes: does it still do what it did when it was approved?"""

from typing import Any

import polars as pl

from models.evaluation import KEYS, measure, tidy
from models.model import ScreeningModel
from validation.errors import CriterionError

LEAST_OUTCOMES = 25


def evaluate_later(model: ScreeningModel, frame: pl.DataFrame, capacity: int, seed: int) -> dict[str, Any]:
    """Metrics of ``model`` on the rows of a training frame whose date is later than the last that it was trained on.

    ``all``: every such row, as at night, where the model meets families that it has learnt from; ``new_families``: rows
    of families that no training date had (``None`` where they have fewer than ``LEAST_OUTCOMES`` outcomes of a kind).
    Raises ``CriterionError`` where there are not so many outcomes of each kind at all.
    """
    later = frame.filter(pl.col("as_of") > model.trained_to)
    known = frame.filter(pl.col("as_of") <= model.trained_to)["group_id"].unique()
    parts = {"all": later, "new_families": later.filter(~pl.col("group_id").is_in(known.implode()))}
    if not _tells(later):
        raise CriterionError(
            f"Version {model.version} was trained up to {model.trained_to}. Since then {later.height} outcomes are complete, "
            f"{int(later['outcome'].sum())} of them returns; needed are at least {LEAST_OUTCOMES} of each kind: wait until more "
            "outcomes are complete."
        )
    measured = {
        name: measure(_score(model, part), capacity, seed, model.trained_to) if _tells(part) else None
        for name, part in parts.items()
    }
    found: dict[str, Any] = tidy({"version": model.version, "trained_to": model.trained_to.isoformat(), **measured})
    return found


def _tells(rows: pl.DataFrame) -> bool:
    yes = int(rows["outcome"].sum())
    return min(yes, rows.height - yes) >= LEAST_OUTCOMES


def _score(model: ScreeningModel, rows: pl.DataFrame) -> pl.DataFrame:
    chances = model.chances(rows)
    return rows.select(KEYS).with_columns(score=chances, chance=chances).sort("as_of", "person_id", "referral_id")
