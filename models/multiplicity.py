"""How often equally good models would have listed the same family: a place that hangs on chance should say so."""

import numpy as np
import numpy.typing as npt
import polars as pl

from models.offers import NEAR
from models.sums import add_in_order
from validation.errors import ContractError


def share_of_models(
    bag_chances: npt.NDArray[np.float64], family_ids: pl.Series, abstained: pl.Series, capacity: int, near: float = NEAR
) -> pl.DataFrame:
    """The share of models that would have given each family a place, by the rule of ``offers.families``.

    ``bag_chances`` is cases x models: the chance of each open case by each model; ``family_ids`` and ``abstained`` have an
    entry for each case (a child without a family is its own). In each model a family's chance is the highest among its
    scored children, rounded to a multiple of ``near``; among families that share the last places, each counts with its
    chance of a place. Returns, sorted by ``family_id``, ``share_of_models`` (0 to 1) and ``models`` (their number), both empty
    for a family none of whose cases are scored. Raises ``ContractError`` for arrays of different lengths or without a model.
    """
    rows, models = bag_chances.shape
    if {rows} != {len(family_ids), len(abstained)} or not models:
        raise ContractError(
            f"The chances by {models} models are of {rows} cases, and the families of {len(family_ids)}: needed are the same "
            "cases in the same order, and one model or more."
        )
    cases = pl.DataFrame({"family_id": family_ids, "abstained": abstained})
    names = [str(model) for model in range(models)]
    chances = pl.DataFrame(bag_chances, schema=dict.fromkeys(names, pl.Float64), orient="row")
    best = cases.hstack(chances).filter(~pl.col("abstained")).group_by("family_id").agg(pl.col(*names).max())
    bands = best.sort("family_id").with_columns((pl.col(*names) / near).round())
    slots = bands.select("family_id", *(_slot_chance(pl.col(name), capacity) for name in names))
    mean = add_in_order(pl.col(name) for name in names) / models
    shares = slots.select("family_id", share_of_models=mean, models=pl.lit(models, pl.Int64))
    return cases.select("family_id").unique().sort("family_id").join(shares, on="family_id", how="left", maintain_order="left")


def _slot_chance(band: pl.Expr, capacity: int) -> pl.Expr:
    """Of the places that are left for its band, each family's part."""
    above = band.rank("min", descending=True).cast(pl.Int64) - 1
    equal = pl.len().over(band).cast(pl.Int64)
    return ((capacity - above).clip(0, equal) / equal).name.keep()
