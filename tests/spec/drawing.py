"""Drawn tables: text in, archives and frames out.

Columns are written without the prefix of their table and stand between blanks; "-" is an empty value. What is not drawn is
empty, but for keys, which are counted, and decisions that a row must have, which are "no".
"""

from collections.abc import Mapping
from datetime import date
from io import StringIO

import polars as pl
from polars.testing import assert_frame_equal

from validation.contract import Column, Kind, Table
from validation.history import Archive, build_archive, current, difference
from validation.tables.catalogue import TABLES

Drawn = Mapping[str, str]
LONG_BEFORE = date(2000, 1, 1)


def words(table: str) -> pl.DataFrame:
    """A drawn table as it stands, every value text."""
    lines = [" ".join(line.split()) for line in table.strip().splitlines()]
    return pl.read_csv(StringIO("\n".join(lines)), separator=" ", null_values="-", infer_schema=False)


def rows(name: str, drawn: str) -> pl.DataFrame:
    """A conformed frame of the table ``name``."""
    table, found = TABLES[name], words(drawn)
    prefix = table.key.split("_")[0]
    found = found.rename({column: f"{prefix}_{column}" for column in found.columns})
    unknown = set(found.columns) - set(table.schema)
    assert not unknown, f"drawn, but not in the contract: {unknown}"
    return found.with_row_index("number").select(_typed(table, column, column.name in found.columns) for column in table.kept)


def _typed(table: Table, column: Column, is_drawn: bool) -> pl.Expr:
    dtype = table.schema[column.name]
    value = pl.col(column.name) if is_drawn else pl.lit(None, pl.String)
    if not is_drawn and column.name == table.key:
        value = pl.format("{} {}", pl.lit(table.name), "number")
    if dtype == pl.Date:
        return value.str.to_date().alias(column.name)
    if column.kind is Kind.YESNO:
        return ((value == "yes").fill_null(value=False) if column.required else value == "yes").alias(column.name)
    return value.cast(dtype).alias(column.name)


def nights(*shown: tuple[str, Drawn], window_start: date = LONG_BEFORE) -> Archive:
    """The archive of several nights: pairs of the extract date and the tables that it shows."""
    vintages: dict[str, list[tuple[date, pl.DataFrame]]] = {}
    for text, tables in shown:
        day = date.fromisoformat(text)
        for name, drawn in tables.items():
            known = vintages.setdefault(name, [])
            before = current(TABLES[name], [vintage for _, vintage in known]) if known else None
            known.append((day, difference(TABLES[name], before, rows(name, drawn), window_start, day)))
    return build_archive(vintages, window_start, date.fromisoformat(shown[-1][0]))


def one_load(day: str, **tables: str) -> Archive:
    """The archive of a single extract."""
    return nights((day, tables))


def dates(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def who(*days: str, subject: str = "anna") -> pl.DataFrame:
    """The index of one child at several dates."""
    return pl.DataFrame({"subject": subject, "as_of": dates(*days)}).with_row_index("row")


def assert_drawn(found: pl.DataFrame, expected: str, **names: str) -> None:
    """Compare the drawn columns with those found, as text. ``names`` says which column a drawn one stands for."""
    drawn = words(expected)
    shown = found.select(pl.col(names.get(column, column)).cast(pl.String).alias(column) for column in drawn.columns)
    assert_frame_equal(shown, drawn)
