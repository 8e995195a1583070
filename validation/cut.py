"""The cut to a date: what a table showed of a child at the end of a day. Every feature sees only what passes here.

A row passes when it had happened and was known by ``as_of`` and had not been withdrawn; of its values, those that are
filled in later (a close date, a close reason, a decision) stay hidden until the date that reveals them has passed.
"""

import polars as pl

from validation.contract import Column, Table
from validation.history import Archive
from validation.tables.catalogue import TABLES


def revealed(column: Column) -> pl.Expr:
    """The column's value where its revealing date lies on or before ``as_of``, and nothing elsewhere."""
    day = revealing_day(column)
    if day is None:
        return pl.col(column.name)
    return pl.when(day <= pl.col("as_of")).then(pl.col(column.name)).alias(column.name)


def revealing_day(column: Column) -> pl.Expr | None:
    """The day on which the column's value is revealed; ``None`` when it is known with its row."""
    if column.revealed_by is None:
        return None
    day = pl.col(column.revealed_by)
    return next_working_day(day, column.revealed_after_working_days) if column.revealed_after_working_days else day


def next_working_day(day: pl.Expr, count: int = 1) -> pl.Expr:
    """The ``count``-th working day (Monday to Friday) after ``day``; from a weekend, counted from its Friday."""
    return day.dt.add_business_days(count, roll="backward")


def cut(archive: Archive, table: Table, who: pl.DataFrame) -> pl.DataFrame:
    """What ``table`` showed of each subject at each date.

    ``who`` has the columns ``row`` (any number that the caller groups by), ``subject`` (a pseudonym of a child) and
    ``as_of``. The result has ``row``, ``subject``, ``as_of``, ``happened`` (the date of the event, empty for undated
    tables) and the table's columns, for every visible row.
    """
    if table.person is None:
        found = _cut_through_parent(archive, table, who)
    else:
        rows = archive.table(table.name).with_columns(subject=pl.col(table.person))
        happened = pl.col(table.happened) if table.happened else pl.lit(None, pl.Date)
        found = who.join(rows, on="subject", how="inner").with_columns(happened=happened)
    visible = (pl.col("known_from") <= pl.col("as_of")) & (pl.col("known_to").is_null() | (pl.col("known_to") > pl.col("as_of")))
    if table.happened is not None:
        visible &= pl.col("happened") <= pl.col("as_of")
    values = [revealed(column) for column in table.kept if column.name in found.columns]
    return found.filter(visible).select("row", "subject", "as_of", "happened", *values)


def _cut_through_parent(archive: Archive, table: Table, who: pl.DataFrame) -> pl.DataFrame:
    """Rows that reach the child through the table referred to: visible only where their parent is."""
    if table.happened is None or "." not in table.happened:
        raise ValueError(f"Table '{table.name}' does not lead to a child, so it cannot be cut to one.")
    parent_name, column = table.happened.split(".")
    parent = TABLES[parent_name]
    reference = next(r.column for r in table.references if r.table == parent_name)
    parents = cut(archive, parent, who).select(
        "row", "subject", "as_of", pl.col(parent.key).alias(reference), pl.col(column).alias("happened")
    )
    return parents.join(archive.table(table.name), on=reference, how="inner")
