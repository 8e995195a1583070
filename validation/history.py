"""History as vintages: what changed in each night's extract, and the row versions that add up from them.

The source keeps no date of recording, so what was known when is known only from the nights themselves. A vintage of a
table holds its rows that are new, changed, aged out or withdrawn tonight, with a column ``change``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from validation.contract import Table
from validation.tables.catalogue import TABLES


class Change(StrEnum):
    """How a row differs from what was known before."""

    FIRST = "first"  # part of the table's first load: when it became known is assumed
    NEW = "new"
    CHANGED = "changed"
    AGED_OUT = "aged_out"  # gone because the extract's window moved on: still true, kept as last known
    WITHDRAWN = "withdrawn"  # gone from inside the window: it was deleted


# The versions of undated rows of a first load are taken as known since long before any event.
LONG_AGO = date(1900, 1, 1)


@dataclass(frozen=True)
class Archive:
    """Every version of every row, and when each was known.

    Per table, a frame of the contract's columns plus ``known_from`` and ``known_to`` (Date; the version was current
    for ``known_from`` <= day < ``known_to``; an empty ``known_to`` means until now). ``window_start`` is the first day
    covered by the oldest extract, ``extract_date`` the newest extract's.
    """

    versions: Mapping[str, pl.DataFrame]
    window_start: date
    extract_date: date

    def table(self, name: str) -> pl.DataFrame:
        """The versions of one table; no rows when it was never supplied."""
        if name in self.versions:
            return self.versions[name]
        return TABLES[name].empty().with_columns(known_from=pl.lit(None, pl.Date), known_to=pl.lit(None, pl.Date))

    @property
    def supplied(self) -> Mapping[str, tuple[str, ...]]:
        """For each table that was ever supplied, its columns that hold at least one value."""
        return {
            name: tuple(c for c in frame.columns if c not in ("known_from", "known_to") and frame[c].count())
            for name, frame in self.versions.items()
            if frame.height
        }


def current(table: Table, vintages: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The table as last known, with its last ``change``: the newest version of each row that was not withdrawn.

    Vintages come oldest first.
    """
    newest = pl.concat(vintages).unique(table.key, keep="last", maintain_order=True)
    return newest.filter(pl.col("change") != Change.WITHDRAWN)


def difference(
    table: Table, before: pl.DataFrame | None, tonight: pl.DataFrame, window_start: date, extract_date: date
) -> pl.DataFrame:
    """Tonight's vintage of a table: its rows that differ from before, and how.

    ``before`` is what :func:`current` gives, ``None`` on the first load. A row that is gone is aged out when its last date
    lies before ``window_start``, and withdrawn otherwise; so is an open spell, which would else stay open for ever when an
    extract that keeps old cases only while they are open lets it go. Rows come sorted by key, so that the same night gives
    the same bytes.
    """
    if before is None:
        return tonight.with_columns(change=pl.lit(Change.FIRST.value)).sort(table.key)
    values = [name for name in table.schema if name != table.key]
    joined = tonight.join(before.drop("change"), on=table.key, how="left", suffix="_before", coalesce=True)
    is_new = ~pl.col(table.key).is_in(before[table.key].implode())
    differs = pl.any_horizontal([pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in values])
    arrived = (
        joined.with_columns(
            change=pl.when(is_new).then(pl.lit(Change.NEW.value)).when(differs).then(pl.lit(Change.CHANGED.value))
        )
        .filter(pl.col("change").is_not_null())
        .select(*table.schema, "change")
    )
    # A row that aged out on an earlier night is no news tonight.
    gone = before.filter(pl.col("change") != Change.AGED_OUT).join(tonight, on=table.key, how="anti")
    gone = gone.with_columns(
        change=pl.when(_last_date(table) < window_start)
        .then(pl.lit(Change.AGED_OUT.value))
        .otherwise(pl.lit(Change.WITHDRAWN.value))
    )
    return pl.concat([arrived, gone.select(*table.schema, "change")]).sort(table.key)


def _last_date(table: Table) -> pl.Expr:
    """The last date that a row carries; an undated row and an open spell count as inside the window."""
    dates = [name for name, dtype in table.schema.items() if dtype == pl.Date]
    if table.happened is None or not dates:
        return pl.lit(date.max)
    last = pl.max_horizontal(dates).fill_null(date.max)
    return last if table.ends is None else pl.when(pl.col(table.ends).is_null()).then(pl.lit(date.max)).otherwise(last)


def versions(table: Table, vintages: Sequence[tuple[date, pl.DataFrame]], happened: pl.DataFrame | None) -> pl.DataFrame:
    """All versions of a table's rows with ``known_from`` and ``known_to``, from its vintages (oldest first).

    ``happened`` gives event dates where they lie in another table: a column of this table that points there, and
    ``happened``. A row of the first load is taken as known on the day it happened; a filled-in-later value is hidden by the
    cut until its own date. Sorted by key and ``known_from``.
    """
    if not vintages:
        return table.empty().with_columns(known_from=pl.lit(None, pl.Date), known_to=pl.lit(None, pl.Date))
    stacked = pl.concat([frame.with_columns(extract_date=pl.lit(day)) for day, frame in vintages])
    if happened is not None:
        stacked = stacked.join(happened, on=happened.columns[0], how="left")
    elif table.happened is not None and "." not in table.happened:
        stacked = stacked.with_columns(happened=pl.col(table.happened))
    else:
        stacked = stacked.with_columns(happened=pl.lit(LONG_AGO))
    assumed = pl.min_horizontal(pl.col("happened").fill_null(pl.col("extract_date")), "extract_date")
    stacked = (
        stacked.filter(pl.col("change") != Change.AGED_OUT)
        .with_columns(known_from=pl.when(pl.col("change") == Change.FIRST).then(assumed).otherwise(pl.col("extract_date")))
        .sort(table.key, "extract_date")
        .with_columns(known_to=pl.col("extract_date").shift(-1).over(table.key))
        .filter(pl.col("change") != Change.WITHDRAWN)
    )
    return stacked.select(*table.schema, "known_from", "known_to").sort(table.key, "known_from")


def build_archive(vintages: Mapping[str, Sequence[tuple[date, pl.DataFrame]]], window_start: date, extract_date: date) -> Archive:
    """All tables' versions from all vintages up to ``extract_date`` (pairs of extract date and frame, oldest first)."""
    result: dict[str, pl.DataFrame] = {}
    for name, table in TABLES.items():
        known = [(day, frame) for day, frame in vintages.get(name, ()) if day <= extract_date]
        if known:
            result[name] = versions(table, known, _happened_elsewhere(table, result))
    return Archive(result, window_start, extract_date)


def _happened_elsewhere(table: Table, done: Mapping[str, pl.DataFrame]) -> pl.DataFrame | None:
    """Dates of the table's rows where they lie in a parent table: columns of the parent's key and ``happened``.

    They are those of the parent's first version, so that a later correction does not change what was known before it.
    """
    if table.happened is None or "." not in table.happened:
        return None
    parent_name, column = table.happened.split(".")
    parent = TABLES[parent_name]
    if parent_name not in done:
        return None
    dates = done[parent_name].group_by(parent.key).agg(happened=pl.col(column).first())
    return dates.rename({parent.key: _reference_column(table, parent_name)})


def _reference_column(table: Table, parent_name: str) -> str:
    return next(reference.column for reference in table.references if reference.table == parent_name)
