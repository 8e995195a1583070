"""How fresh each table is: the days since its latest event, as known on a date."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from features.cohort import as_dates
from validation.contract import Table
from validation.history import Archive
from validation.tables.catalogue import TABLES


def measure_freshness(archive: Archive, dates: Sequence[date]) -> dict[str, int]:
    """For each dated table with any event, the most days that its latest event was ago on one of ``dates``.

    An event counts once it has happened and was known. Dates before a table's first event say nothing of it; a table whose
    first event comes after all ``dates`` is left out. With one date it is the age of each table's newest event that day.
    """
    asked = as_dates(dates)
    gaps = {name: _longest_gap(archive, TABLES[name], asked) for name in archive.versions if TABLES[name].happened}
    return {name: gap for name, gap in gaps.items() if gap is not None}


def _longest_gap(archive: Archive, table: Table, asked: pl.DataFrame) -> int | None:
    events = (
        _dated(archive, table)
        .select("happened", seen=pl.max_horizontal("happened", "known_from"))
        .drop_nulls()
        .sort("seen")
        .with_columns(latest=pl.col("happened").cum_max())
    )
    shown = asked.join_asof(events, left_on="as_of", right_on="seen")
    longest = shown.select((pl.col("as_of") - pl.col("latest")).dt.total_days().max()).item()
    return None if longest is None else int(longest)


def _dated(archive: Archive, table: Table) -> pl.DataFrame:
    """Versions with ``happened``, which may be a date of the row that they point at."""
    versions = archive.table(table.name)
    parent, _, column = (table.happened or "").rpartition(".")
    if not parent:
        return versions.with_columns(happened=pl.col(column))
    reference = next(reference.column for reference in table.references if reference.table == parent)
    days = archive.table(parent).select(pl.col(TABLES[parent].key).alias(reference), happened=column)
    return versions.join(days.unique(), on=reference)
