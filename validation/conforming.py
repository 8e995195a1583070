"""Conforming: from what the case systems send to the types, dates and codes of the contract.

What cannot be read becomes empty and is counted; where the column is required, the check that follows sets the row
aside. Columns that are not kept are dropped here, and counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from validation.codes import aliases, codes
from validation.contract import Column, Kind, Sensitivity, Table
from validation.errors import ContractError

# One case system writes this date when it has none.
NO_DATE = pl.date(1900, 1, 1)

# Case systems add letters or digits of their own behind a DfE source code.
SOURCE_PREFIX = r"^(10|[1-3][A-F]|5[A-D]|[46789])"

NO_CODES = "-"

YES = ("Y", "YES", "TRUE", "T", "1", "A) YES")
NO = ("N", "NO", "FALSE", "F", "0", "B) NO")


@dataclass(frozen=True)
class Conformed:
    """A table in the contract's shape.

    ``unreadable`` counts, per column, the values that could not be read and became empty; ``dropped`` the values
    in columns that are not kept; ``unknown`` the columns that the contract does not know.
    """

    frame: pl.DataFrame
    unreadable: Mapping[str, int]
    dropped: Mapping[str, int]
    unknown: tuple[str, ...]


def _text(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)


def _date(name: str, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_temporal():
        day = pl.col(name).cast(pl.Date)
    else:
        text = _text(name).str.head(10)
        day = pl.coalesce(text.str.to_date("%Y-%m-%d", strict=False), text.str.to_date("%d/%m/%Y", strict=False))
    return pl.when(day != NO_DATE).then(day)


def _yes_no(name: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return pl.col(name)
    text = _text(name).str.to_uppercase()
    return pl.when(text.is_in(YES)).then(True).when(text.is_in(NO)).then(False)


def _code(name: str, list_name: str) -> pl.Expr:
    text = _text(name).str.to_uppercase()
    mapped = text.replace(aliases().get(list_name, {}))
    if list_name == "referral_source":
        mapped = (
            pl.when(mapped.is_in(list(codes(list_name))))
            .then(mapped)
            .otherwise(pl.coalesce(mapped.str.extract(SOURCE_PREFIX), mapped))
        )
    return mapped


def _codes(name: str, list_name: str) -> pl.Expr:
    """Codes that stand in a JSON array, as true keys of a JSON object, or in a comma-separated text.

    Only codes of the list are taken, so that comments inside the JSON cannot pass. The result is sorted and joined by "|";
    a text without any code gives :data:`NO_CODES`, so that "none" and "not known" stay apart.
    """
    allowed = list(codes(list_name))
    text = _text(name).str.to_uppercase()
    as_object = text.str.contains(r"^\s*\{")
    true_keys = (
        text.str.extract_all(r'"[A-Z0-9_]+"\s*:\s*("?(Y|YES|TRUE|T|1)"?)\s*[,}]')
        .list.eval(pl.element().str.extract(r'^"([A-Z0-9_]+)"').str.replace(r"^OUTCOME_", ""))
    )
    words = text.str.extract_all(r"[A-Z0-9_]+(?: [A-Z0-9_]+)*")
    # What stands behind COMMENTS in a broken JSON array of words is no code, and the list filter drops it.
    tokens = pl.when(as_object).then(true_keys).otherwise(words)
    normal = tokens.list.eval(pl.element().str.replace(r"_FLAG$", "").str.replace_all(" ", "_"))
    kept = normal.list.eval(pl.element().filter(pl.element().is_in(allowed))).list.unique().list.sort()
    joined = pl.when(kept.list.len() > 0).then(kept.list.join("|")).otherwise(pl.lit(NO_CODES))
    return pl.when(text.is_not_null()).then(joined)


def _number(name: str, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    column = pl.col(name) if dtype.is_numeric() else _text(name)
    return column.cast(pl.Float64, strict=False).cast(target, strict=False)


def _conform_column(column: Column, dtype: pl.DataType) -> pl.Expr:
    """The expression that reads one column into its contract type."""
    match column.kind:
        case Kind.DATE | Kind.MONTH:
            return _date(column.name, dtype)
        case Kind.YESNO:
            return _yes_no(column.name, dtype)
        case Kind.CODE:
            assert column.codes is not None  # noqa: S101  every coded column names its list: a project test says so
            return _code(column.name, column.codes)
        case Kind.CODES:
            assert column.codes is not None  # noqa: S101
            return _codes(column.name, column.codes)
        case Kind.INTEGER:
            return _number(column.name, dtype, pl.Int64())
        case Kind.NUMBER:
            return _number(column.name, dtype, pl.Float64())
        case _:
            return _text(column.name)


def _values(frame: pl.DataFrame, name: str) -> int:
    return int(frame.select(_text(name).count()).item())


def conform(table: Table, frame: pl.DataFrame) -> Conformed:
    """Read ``frame`` (as it arrived) into the shape of ``table``: every kept column, in the contract's order and type.

    A kept column that was not supplied comes out empty. Raises :class:`ContractError` when a required column is missing.
    """
    missing = [column.name for column in table.columns if column.required and column.name not in frame.columns]
    if missing:
        raise ContractError(
            f"Table '{table.name}' lacks the column '{missing[0]}' ({len(missing)} required columns are missing): "
            f"add it to the extract. The data dictionary lists what is required."
        )
    kept = [
        (_conform_column(column, frame.schema[column.name]) if column.name in frame.columns else pl.lit(None))
        .cast(table.schema[column.name])
        .alias(column.name)
        for column in table.kept
    ]
    result = frame.select(kept)
    supplied = [column.name for column in table.kept if column.name in frame.columns]
    unreadable = {
        name: lost
        for name in supplied
        if (lost := _values(frame, name) - _no_dates(frame, name, table) - int(result[name].count()))
    }
    gone = {
        column.name: values
        for column in table.columns
        if not column.kept
        and column.sensitivity is not Sensitivity.IDENTIFIER
        and column.name in frame.columns
        and (values := _values(frame, column.name))
    }
    known = {column.name for column in table.columns}
    return Conformed(result, unreadable, gone, tuple(name for name in frame.columns if name not in known))


def _no_dates(frame: pl.DataFrame, name: str, table: Table) -> int:
    """How many values of a date column are the case system's way to write that there is none."""
    if table.column(name).kind not in (Kind.DATE, Kind.MONTH):
        return 0
    return int(frame.select(pl.col(name).cast(pl.String).str.starts_with("1900-01-01").sum()).item())
