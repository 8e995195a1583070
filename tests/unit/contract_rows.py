"""Rows of the contract's tables, of records that say only what matters to a test."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from validation.tables.catalogue import TABLES


def rows(table: str, records: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """A frame of a table; what a record leaves out is empty."""
    schema = TABLES[table].schema
    return pl.DataFrame({name: [record.get(name) for record in records] for name in schema}, schema=schema)
