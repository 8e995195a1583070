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
from validation.extract import ExtractRule
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

PERSON = "ssd_person"


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
    table: Table,
    before: pl.DataFrame | None,
    tonight: pl.DataFrame,
    window_start: date,
    extract_date: date,
    rule: ExtractRule = ExtractRule.OVERLAPPING,
    aged_out: Mapping[str, pl.Series] | None = None,
    set_aside: pl.Series | None = None,
) -> pl.DataFrame:
    """Tonight's vintage of a table: its rows that differ from before, and how.

    ``before`` is what :func:`current` gives, ``None`` on the first load. ``aged_out`` are the keys of the parent tables' rows
    that have aged out by tonight (see :func:`aged_out_keys`), by table. A row that is gone has aged out when the extract's
    rule no longer asks for it (see :func:`_has_aged_out`), and was withdrawn otherwise; a row whose key is in ``set_aside``
    is not gone but faulty tonight, and stays as last known. Rows come sorted by key, so that the same night gives the same
    bytes.
    """
    if before is None:
        return tonight.with_columns(change=pl.lit(Change.FIRST.value)).sort(table.key)
    values = [name for name in table.schema if name != table.key]
    earlier = before.rename({"change": "change_before"})
    joined = tonight.join(earlier, on=table.key, how="left", suffix="_before", coalesce=True)
    is_new = ~pl.col(table.key).is_in(before[table.key].implode())
    back = pl.col("change_before") == Change.AGED_OUT
    differs = pl.any_horizontal(back, *(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in values))
    arrived = (
        joined.with_columns(
            change=pl.when(is_new).then(pl.lit(Change.NEW.value)).when(differs).then(pl.lit(Change.CHANGED.value))
        )
        .filter(pl.col("change").is_not_null())
        .select(*table.schema, "change")
    )
    # A row that aged out on an earlier night is no news tonight, unless it is shown again.
    gone = before.filter(pl.col("change") != Change.AGED_OUT).join(tonight, on=table.key, how="anti")
    if set_aside is not None:
        gone = gone.filter(~pl.col(table.key).is_in(set_aside.implode()))
    gone = gone.with_columns(
        change=pl.when(_has_aged_out(table, window_start, rule, aged_out or {}))
        .then(pl.lit(Change.AGED_OUT.value))
        .otherwise(pl.lit(Change.WITHDRAWN.value))
    )
    return pl.concat([arrived, gone.select(*table.schema, "change")]).sort(table.key)


def aged_out_keys(table: Table, before: pl.DataFrame | None, vintage: pl.DataFrame) -> pl.Series:
    """Keys of the rows that have aged out, tonight or earlier, and were not shown again."""
    old = [] if before is None else [before.select(table.key, "change")]
    newest = pl.concat([*old, vintage.select(table.key, "change")]).unique(table.key, keep="last")
    return newest.filter(pl.col("change") == Change.AGED_OUT)[table.key]


def _has_aged_out(table: Table, window_start: date, rule: ExtractRule, aged_out: Mapping[str, pl.Series]) -> pl.Expr:
    """Does the extract's rule no longer ask for a row that is gone tonight?

    An extract of whatever overlaps its window lets an event or a spell go when its day or its end lies before the window; an
    open spell never.
    One that keeps what started in the window or is still open lets go whatever started before it, as soon as it has ended.
    A row goes with the row that it points at: an assessment with its episode, a family link with its child. A child goes
    with its last row.
    """
    gone_with = [
        pl.col(reference.column).is_in(aged_out[reference.table].implode())
        for reference in table.references
        if reference.table in aged_out and (table.happened is None or reference.table != PERSON)
    ]
    if table.happened is None and not table.references:
        return pl.lit(value=True)
    if table.happened is None or "." in table.happened:
        return pl.any_horizontal(pl.lit(value=False), *gone_with)
    if rule is ExtractRule.STARTED_OR_OPEN:
        passed = pl.col(table.happened) < window_start
    else:
        passed = pl.col(table.happened if table.ends is None else table.ends) < window_start
    return pl.any_horizontal(passed, *gone_with).fill_null(value=False)


def versions(table: Table, vintages: Sequence[tuple[date, pl.DataFrame]], happened: pl.DataFrame | None) -> pl.DataFrame:
    """All versions of a table's rows with ``known_from`` and ``known_to``, from its vintages (oldest first).

    ``happened`` gives event dates where they lie in another table: a column of this table that points there, and
    ``happened``. A row of the first load is taken as known on the day it happened; a filled-in-later value is hidden by the
    cut until its own date. An open spell that aged out has ended by then, unseen: it counts as ended on the date of the
    extract that no longer showed it. Sorted by key and ``known_from``.
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
    aged_out = pl.col("change") == Change.AGED_OUT
    unseen = aged_out & pl.col(table.ends).is_null() if table.ends else pl.lit(value=False)
    stacked = stacked.with_columns(ended_unseen=unseen)
    if table.ends:
        end = pl.when("ended_unseen").then("extract_date").otherwise(table.ends)
        stacked = stacked.with_columns(end.alias(table.ends))
    stacked = (
        stacked.filter(~aged_out | pl.col("ended_unseen"))
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
