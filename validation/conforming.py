"""Conforming: from what the case systems send to the types, dates and codes of the contract.

What cannot be read becomes empty and is counted; where the column is required, or says whether a spell has ended, the
gate sets the row aside. Words in place of a code become :data:`UNLISTED`, so that the check can ask about them and no note
can pass. Columns that are not kept are dropped here, and counted, and so are the comments inside flags.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from validation.codes import aliases, codes
from validation.contract import Column, Kind, Sensitivity, Table
from validation.errors import ContractError

# One case system writes this date when it has none.
NO_DATE = pl.date(1900, 1, 1)

# What stands where there is no value; tools of SQL Server write the word.
NO_VALUE = ("", "NULL")

# Case systems add letters or digits of their own behind a DfE source code.
SOURCE_PREFIX = r"^(10|[1-3][A-F]|5[A-D]|[46789])"

NO_CODES = "-"
UNLISTED = "?"

# Flags come as a JSON object, at times in an array, and at times broken: comments are pasted in without escaping. A
# comment ends where nothing but whole flags follows to the end of the text, or else with the text.
JSON_OBJECT = r"^\s*\[?\s*\{"
COMMENTS_KEY = r'"(?:OUTCOME_)?COMMENTS"\s*:\s*"'
WHOLE_FLAGS = r'(?:\s*,\s*"[A-Z0-9_]+"\s*:\s*(?:"[^"]*"|[A-Z0-9.]+))*\s*\}\s*\]?\s*'
COMMENTS = rf'(?s){COMMENTS_KEY}(?:.*?"({WHOLE_FLAGS})$|.*)'
ANY_COMMENT = rf'{COMMENTS_KEY}(?:[^"]|"\s*[^\s,}}])'
TRUE_KEY = r'"([A-Z0-9_]+)"\s*:\s*"?(?:YES|Y|TRUE|T|1)"?\s*[,}]'

# Words of an array that say nothing.
NO_WORDS = ("NULL", "NONE")

YES = ("Y", "YES", "TRUE", "T", "1", "A) YES")
NO = ("N", "NO", "FALSE", "F", "0", "B) NO")


@dataclass(frozen=True)
class Conformed:
    """A table in the contract's shape.

    ``lost`` says, for each row and each column with such a value, whether a value could not be read and became empty;
    ``dropped`` counts the values in columns that are not kept (and, as ``column:comments``, the comments inside flags);
    ``unknown`` are the columns that the contract does not know.
    """

    frame: pl.DataFrame
    lost: pl.DataFrame
    dropped: Mapping[str, int]
    unknown: tuple[str, ...]

    @property
    def unreadable(self) -> Mapping[str, int]:
        """How many values of each column could not be read."""
        return {column: int(self.lost[column].sum()) for column in self.lost.columns}


def _text(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(~text.is_in(NO_VALUE)).then(text)


def _short(name: str) -> pl.Expr:
    """Text in capitals; a whole number that went through a float column loses its ".0"."""
    return _text(name).str.to_uppercase().str.replace(r"^(\d+)\.0$", "${1}")


def _day(name: str, dtype: pl.DataType) -> pl.Expr:
    """The day of a date or date-time as it is written there, whatever its time zone."""
    if dtype == pl.Date:
        return pl.col(name)
    if dtype == pl.Datetime:
        return pl.col(name).dt.date()
    text = _text(name).str.extract(r"^([^T ]+)")
    return pl.coalesce(text.str.to_date("%Y-%m-%d", strict=False), text.str.to_date("%d/%m/%Y", strict=False))


def _date(name: str, dtype: pl.DataType) -> pl.Expr:
    day = _day(name, dtype)
    return pl.when(day > NO_DATE).then(day)


def _yes_no(name: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return pl.col(name)
    text = _short(name)
    return pl.when(text.is_in(YES)).then(True).when(text.is_in(NO)).then(False)


def _code(name: str, list_name: str) -> pl.Expr:
    """The code that the text is or stands for: by the list itself, its labels, or an alias."""
    listed = codes(list_name)
    labels = {code.label.upper(): code.code for code in listed.values()}
    read = _short(name).replace(labels | dict(aliases().get(list_name, {})))
    if list_name == "referral_source":
        read = pl.when(read.is_in(list(listed))).then(read).otherwise(read.str.extract(SOURCE_PREFIX).fill_null(read))
    return pl.when(read.is_in(list(listed))).then(read).when(read.is_not_null()).then(pl.lit(UNLISTED))


def _codes(name: str, list_name: str) -> pl.Expr:
    """Codes that stand in a JSON array, as true keys of a JSON object, or in a comma-separated text.

    Only codes of the list are taken, so that comments inside the JSON cannot pass; a word of an array or text that is none
    gives :data:`UNLISTED`. The result is sorted and joined by "|"; a value without any gives :data:`NO_CODES`, so that
    "none" and "not known" stay apart.
    """
    text = _text(name).str.to_uppercase().str.replace(COMMENTS, "${1}")
    as_object = text.str.contains(JSON_OBJECT)
    keys = text.str.extract_all(TRUE_KEY).list.eval(pl.element().str.extract(TRUE_KEY))
    words = text.str.extract_all(r"[A-Z0-9_]+(?: [A-Z0-9_]+)*|\?")
    read = (
        pl.when(as_object)
        .then(keys)
        .otherwise(words)
        .list.eval(pl.element().str.replace(r"^OUTCOME_", "").str.replace(r"_FLAG$", "").str.replace_all(" ", "_"))
    )
    listed = read.list.eval(pl.element().filter(pl.element().is_in(list(codes(list_name)))))
    others = read.list.eval(pl.element().filter(~pl.element().is_in([*codes(list_name), *NO_WORDS])))
    unlisted = pl.when(~as_object & (others.list.len() > 0)).then(pl.lit([UNLISTED])).otherwise(pl.lit([], pl.List(pl.String)))
    found = listed.list.concat(unlisted).list.unique().list.sort()
    joined = pl.when(found.list.len() > 0).then(found.list.join("|")).otherwise(pl.lit(NO_CODES))
    return pl.when(text.is_not_null()).then(joined)


def _number(name: str, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    column = pl.col(name) if dtype.is_numeric() else _text(name)
    number = column.cast(pl.Float64, strict=False)
    readable = number.is_finite() & (number == number.round() if target.is_integer() else pl.lit(value=True))
    return pl.when(readable).then(number).cast(target, strict=False)


def _conform_column(column: Column, dtype: pl.DataType) -> pl.Expr:
    """The expression that reads one column into its contract type."""
    name, codes_of = column.name, column.codes or ""  # every coded column names its list: a project test says so
    readers: Mapping[Kind, Callable[[], pl.Expr]] = {
        Kind.DATE: lambda: _date(name, dtype),
        Kind.MONTH: lambda: _date(name, dtype),
        Kind.YESNO: lambda: _yes_no(name, dtype),
        Kind.CODE: lambda: _code(name, codes_of),
        Kind.CODES: lambda: _codes(name, codes_of),
        Kind.INTEGER: lambda: _number(name, dtype, pl.Int64()),
        Kind.NUMBER: lambda: _number(name, dtype, pl.Float64()),
        Kind.ID: lambda: _text(name),
    }
    return readers[column.kind]()


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
    lost = [_lost(frame, result, column) for column in table.kept if column.name in frame.columns]
    gone = {
        column.name: values
        for column in table.columns
        if not column.kept
        and column.sensitivity is not Sensitivity.IDENTIFIER
        and column.name in frame.columns
        and (values := _values(frame, column.name))
    }
    gone |= {
        f"{column.name}:comments": comments
        for column in table.kept
        if column.kind is Kind.CODES and column.name in frame.columns and (comments := _comments(frame, column.name))
    }
    known = {column.name for column in table.columns}
    unknown = tuple(name for name in frame.columns if name not in known)
    return Conformed(result, pl.DataFrame([values for values in lost if values.any()]), gone, unknown)


def _lost(frame: pl.DataFrame, result: pl.DataFrame, column: Column) -> pl.Series:
    """Which values of a column could not be read; a case system's way to write that there is no date is none of them."""
    there = _text(column.name).is_not_null()
    if column.kind in (Kind.DATE, Kind.MONTH):
        there &= _day(column.name, frame.schema[column.name]).ne_missing(NO_DATE)
    return frame.select(there.alias(column.name)).to_series() & result[column.name].is_null()


def _comments(frame: pl.DataFrame, name: str) -> int:
    return int(frame.select(_text(name).str.to_uppercase().str.contains(ANY_COMMENT).sum()).item())
