"""The groups that a training compares: those of the history, and how many children of a family have an open case."""

import polars as pl

from features.groups import FINER, GROUPS, NOT_KNOWN, read_groups
from models.evaluation import ROW
from models.offers import FAMILY
from validation.history import Archive

ONE, FEW, MANY = "one child", "2 or 3 children", "4 children or more"


def add_groups(history: Archive, rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` of cases with the groups of :func:`features.groups.read_groups`.

    Not to know whether a child was known before tells how far the extract reaches back, not who the child is: it is left empty.
    """
    told, known = read_groups(history, rows), pl.col("known_before")
    return told.with_columns(known_before=pl.when(known != NOT_KNOWN).then(known))


def read_audit_groups(history: Archive, cases: pl.DataFrame) -> pl.DataFrame:
    """The keys of each case with its groups, and ``family_size``; ``cases`` are all that are open on each of their dates."""
    told = add_groups(history, cases)
    children = pl.col("person_id").n_unique().over("as_of", FAMILY)
    size = pl.when(children == 1).then(pl.lit(ONE)).when(children <= 3).then(pl.lit(FEW)).otherwise(pl.lit(MANY))
    names = [name for name in (*GROUPS, *FINER) if name in told.columns]
    return told.select(*ROW, *names, family_size=size.cast(pl.Enum([ONE, FEW, MANY])))
