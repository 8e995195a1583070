"""Who is offered what: families in order, filled to the week's capacity.

The rule, in full: a family's chance is the highest among its children. Families are ordered by that chance, rounded
to the nearest multiple of ``near``. Families that share a rounded chance are equal, and a seeded shuffle orders
them. The first ``capacity`` families have a place. When the last place falls among equal families, those families
are the tie band: each of them had the same probability of a place, and that probability is kept. Without this
record nobody could later say whether the offers helped.
"""

import numpy as np
import polars as pl

from validation.errors import ContractError, SettingsError

SCORES = {
    "as_of": pl.Date(),
    "person_id": pl.String(),
    "referral_id": pl.String(),
    "family_id": pl.String(),
    "chance": pl.Float64(),
    "abstained": pl.Boolean(),
    "reason_for_abstaining": pl.String(),
}

NEAR = 0.001
"""Chances are the same when they are so to the nearest tenth of a percent."""

FAMILY = pl.coalesce("family_id", "person_id").alias("family_id")
"""A child whose family is not recorded is a family of its own."""


def families(scores: pl.DataFrame, capacity: int, seed: int, near: float = NEAR) -> pl.DataFrame:
    """Put the families of one night in order and say which have a place.

    ``scores`` has one row for each open case (columns as in ``SCORES``); ``capacity`` is the number of families that
    can be offered something this week; ``seed`` (0 to 4294967295) draws the shuffle; ``near`` is the grain of
    the order: chances are rounded to its nearest multiple.

    Returns one row for each family, the same for any order of the input rows: ``rank`` (1 is first; empty when no
    child of the family could be scored), ``family_id``, ``chance`` (unrounded), ``children`` (list of person ids),
    ``cases_abstained`` (number of its cases about which too little is known), ``listed`` (has a place),
    ``capacity``, ``tie_band``, ``slot_chance`` (probability of a place under the shuffle: 1 above the tie band, 0
    below it, places / families inside it) and ``shuffle_seed``.

    Raises ``SettingsError`` for an argument out of range and ``ContractError`` for scores in the wrong shape.
    """
    _check_arguments(capacity, seed, near)
    place = pl.col("place")
    grouped = gather_families(scores, near)
    return (
        put_in_order(grouped.with_columns(draw=draw_lots(grouped.height, seed)))
        .with_columns(slot_chance=slot_chance(capacity))
        .select(
            place.alias("rank"),
            "family_id",
            "chance",
            "children",
            "cases_abstained",
            listed=(place <= capacity).fill_null(False),
            capacity=pl.lit(capacity, pl.Int64),
            tie_band=pl.col("slot_chance").is_between(0, 1, closed="none"),
            slot_chance="slot_chance",
            shuffle_seed=pl.lit(seed, pl.Int64),
        )
    )


def gather_families(scores: pl.DataFrame, near: float = NEAR) -> pl.DataFrame:
    """One row for each family of a night, sorted by ``family_id``, the same for any order of the input rows.

    ``scores`` has the columns of ``SCORES``. Columns: ``family_id``, ``chance`` (highest of its scored children, unrounded;
    empty when none could be scored), ``children`` (list of person ids), ``cases_abstained`` and ``band`` (the chance in whole
    multiples of ``near``: families of one band are equal). Raises ``ContractError`` for scores in the wrong shape.
    """
    _check_scores(scores)
    return (
        scores.group_by(FAMILY)
        .agg(
            chance=pl.col("chance").filter(~pl.col("abstained")).max(),
            children=pl.col("person_id").unique().sort(),
            cases_abstained=pl.col("abstained").sum().cast(pl.Int64),
        )
        .with_columns(band=(pl.col("chance") / near).round())
        .sort("family_id")
    )


def draw_lots(count: int, seed: int | list[int]) -> pl.Series:
    """A shuffle of 0 to ``count`` - 1: the lot of each family. The same ``seed`` draws the same lots.

    RandomState is the one generator whose stream numpy promises never to change: an old shuffle can be drawn again.
    """
    return pl.Series(np.random.RandomState(seed).permutation(count), dtype=pl.Int64)


def put_in_order(families: pl.DataFrame) -> pl.DataFrame:
    """``families`` from the highest ``band`` down, equal ones by ``draw``, with ``place`` (1 is first; empty without a band)."""
    numbers = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    ordered = families.sort("band", "draw", descending=[True, False], nulls_last=True)
    return ordered.with_columns(place=pl.when(pl.col("band").is_not_null()).then(numbers))


def slot_chance(slots: int) -> pl.Expr:
    """The chance of one of ``slots`` for each family that was put in order, before lots are drawn among the equal ones."""
    left = slots - (pl.col("place").min().over("band") - 1)
    equal = pl.len().over("band").cast(pl.Int64)
    return pl.when(pl.col("place").is_not_null()).then(left.clip(0, equal) / equal).otherwise(0.0)


def _check_arguments(capacity: int, seed: int, near: float) -> None:
    if capacity < 0:
        raise SettingsError(f"'capacity' is {capacity}: allowed is 0 or more. Give the number of families this week.")
    if not 0 <= seed < 2**32:
        raise SettingsError(f"'seed' is {seed}: allowed are 0 to {2**32 - 1}. Give another seed.")
    if not 0 < near <= 0.1:
        raise SettingsError(f"'near' is {near}: allowed is more than 0 and at most 0.1. Give the grain of the order.")


def _check_scores(scores: pl.DataFrame) -> None:
    wrong = [name for name, dtype in SCORES.items() if scores.schema.get(name) != dtype]
    if wrong:
        raise ContractError(
            f"'scores' lacks {', '.join(repr(name) for name in wrong)}, or has it in another type: needed are "
            f"{', '.join(f'{name} ({dtype})' for name, dtype in SCORES.items())}. Score the cases again."
        )
    if scores["as_of"].n_unique() > 1:
        raise ContractError("'scores' holds several dates: allowed is one night. Give the rows of one 'as_of'.")
    if missing := scores.select(pl.any_horizontal(pl.col("person_id", "referral_id", "abstained").is_null()).sum()).item():
        raise ContractError(
            f"'scores' has {missing} rows without a person, a referral or an answer to 'abstained': every row needs "
            "all three. Score the cases again."
        )
    if repeated := scores.height - scores.n_unique(["person_id", "referral_id"]):
        raise ContractError(f"'scores' holds {repeated} cases more than once: allowed is once. Score the cases again.")
    usable = pl.col("chance").is_finite() & pl.col("chance").is_between(0, 1)
    if bad := scores.filter(~pl.col("abstained") & ~usable.fill_null(False)).height:
        raise ContractError(
            f"'chance' is empty or outside 0 to 1 in {bad} rows that are not abstained: allowed is 0 to 1. "
            "Mark a case that cannot be scored as abstained, with its reason."
        )
