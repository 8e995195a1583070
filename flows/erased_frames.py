"""Frames of cases and of families without some children: in lists, in the log of decisions, in recalls. Frames in, frames out."""

import polars as pl


def rename_families(families: pl.DataFrame, gone: frozenset[str]) -> dict[str, str]:
    """New names of families (``family_id``, ``children``) that bear the name of an erased child and have others."""
    others = pl.col("children").list.set_difference(pl.lit(sorted(gone), pl.List(pl.String)))
    named = families.filter(pl.col("family_id").is_in(sorted(gone))).select("family_id", other=others.list.min())
    return dict(named.drop_nulls().iter_rows())


def drop_children(frame: pl.DataFrame, gone: frozenset[str]) -> pl.DataFrame:
    """A frame of cases (``person_id``) or of families (``children``) without some children; ``family_id`` names another one."""
    named = pl.col("family_id").is_in(sorted(gone))
    if "children" in frame.columns:
        names = rename_families(frame, gone)
        others = pl.col("children").list.filter(~pl.element().is_in(sorted(gone)))
        left = frame.with_columns(children=others, family_id=pl.col("family_id").replace(names))
        return left.filter((pl.col("children").list.len() > 0) | (frame["children"].list.len() == 0), ~named)
    if "person_id" not in frame.columns:
        return frame
    left = frame.filter(~pl.col("person_id").is_in(sorted(gone)))
    if "family_id" not in frame.columns:
        return left
    first = pl.col("person_id").min().over("family_id")
    return left.with_columns(family_id=pl.when(named).then(first).otherwise("family_id"))
