"""What is held about children, table by table: how many records, since when, and how fully each column is filled."""

from typing import Any

import polars as pl

from validation.contract import Table
from validation.history import PERSON, Archive
from validation.tables.catalogue import TABLES


def measure_holdings(archive: Archive) -> dict[str, Any]:
    """Exact counts, for the team: ``children`` on record, and ``tables`` with an object for each table that was ever supplied.

    Each has ``table``, ``records`` (as last known; what was withdrawn is left out), ``first_year`` and ``last_year`` of its
    events (empty where rows have no day of their own; a day would be that of one child) and ``columns``: the ``column``, its
    ``class`` in the contract, and ``filled``, the records that have a value.
    """
    now = {name: _as_last_known(archive, name) for name in TABLES if name in archive.versions}
    told = [_describe(TABLES[name], frame) for name, frame in now.items() if frame.height]
    return {"children": now[PERSON].height if PERSON in now else 0, "tables": told}


def _as_last_known(archive: Archive, name: str) -> pl.DataFrame:
    return archive.versions[name].filter(pl.col("known_to").is_null())


def _describe(table: Table, frame: pl.DataFrame) -> dict[str, Any]:
    years = (frame[table.happened] if table.happened in frame.columns else pl.Series(dtype=pl.Date)).dt.year()
    columns = [
        {"column": column.name, "class": column.sensitivity.value, "filled": frame[column.name].count()} for column in table.kept
    ]
    span = {"first_year": years.min(), "last_year": years.max()}
    return {"table": table.name, "records": frame.height, **span, "columns": columns}
