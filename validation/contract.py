"""The contract: what a table, a column and a rule of the input are.

The tables themselves are declared in ``validation/tables/``; everything else (polars schema, Great Expectations
suites, data dictionary, synthetic tables, the cut to a date) is read from those declarations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class Kind(StrEnum):
    """What a column holds once it has been conformed."""

    ID = "id"  # a pseudonym: 32 lower-case hexadecimal digits
    DATE = "date"
    MONTH = "month"  # a date reduced to the first of its month
    CODE = "code"  # one code of a code list
    CODES = "codes"  # several codes, sorted and joined by "|"; "-" when none
    YESNO = "yes or no"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"  # arrives as words; never kept


class Sensitivity(StrEnum):
    """Why a column is here, and so what may be done with it."""

    IDENTIFIER = "identifier"  # refused when it holds any value
    PSEUDONYM = "pseudonym"  # links rows; never a feature, never shown
    PROTECTED = "protected"  # for the fairness audit only
    FEATURE = "feature"  # may enter a feature definition
    AUDIT = "audit"  # for checks and reports, never a feature
    FREE_TEXT = "free text"  # dropped at the door and counted
    DROPPED = "dropped"  # not needed: dropped at the door and counted


KEPT = frozenset({Sensitivity.PSEUDONYM, Sensitivity.PROTECTED, Sensitivity.FEATURE, Sensitivity.AUDIT})

DTYPES: Mapping[Kind, pl.DataType] = {
    Kind.ID: pl.String(),
    Kind.DATE: pl.Date(),
    Kind.MONTH: pl.Date(),
    Kind.CODE: pl.String(),
    Kind.CODES: pl.String(),
    Kind.YESNO: pl.Boolean(),
    Kind.INTEGER: pl.Int64(),
    Kind.NUMBER: pl.Float64(),
    Kind.TEXT: pl.String(),
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    ``revealed_by`` names the date column that must have passed before the value may be used: a close reason is
    revealed by the close date, and the close date by itself. ``revealed_after_working_days`` adds a delay to it.
    ``None`` means that the value is known with its row. ``aliases`` are names that case systems give the column.
    """

    name: str
    kind: Kind
    sensitivity: Sensitivity
    description: str
    required: bool = False
    codes: str | None = None
    revealed_by: str | None = None
    revealed_after_working_days: int = 0
    aliases: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Does the column pass the door?"""
        return self.sensitivity in KEPT


@dataclass(frozen=True)
class Reference:
    """A column that points at the key of another table."""

    column: str
    table: str


@dataclass(frozen=True)
class Order:
    """A rule that a later date may not lie before an earlier one (equal is allowed; a missing date passes)."""

    rule: str
    earlier: str
    later: str


@dataclass(frozen=True)
class Table:
    """One table of the contract.

    ``person`` is the column that names the child (``None`` where the child is reached through a reference, or where
    the table has none). ``happened`` is the date of the row's event: a column of the table, or
    ``"other_table.column"`` when it lies in the table referred to, or ``None`` for undated rows. ``ends`` is the date on which
    a spell that began then ended (``None`` where a row is an event of one day); while it is empty, the spell is open.
    """

    name: str
    description: str
    key: str
    columns: tuple[Column, ...]
    person: str | None = None
    happened: str | None = None
    ends: str | None = None
    required: bool = False
    audit_only: bool = False
    references: tuple[Reference, ...] = ()
    orders: tuple[Order, ...] = ()

    def column(self, name: str) -> Column:
        """The column called ``name``. Raises ``KeyError`` when the table has no such column."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"'{self.name}' has no column '{name}'")

    @property
    def kept(self) -> tuple[Column, ...]:
        """The columns that pass the door, in order of declaration."""
        return tuple(column for column in self.columns if column.kept)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Name and polars type of every column that is kept."""
        return {column.name: DTYPES[column.kind] for column in self.kept}

    def empty(self) -> pl.DataFrame:
        """A frame of no rows in the conformed shape."""
        return pl.DataFrame(schema=self.schema)


def identifier(name: str, description: str) -> Column:
    """A direct identifier: it must be absent or empty."""
    return Column(name, Kind.TEXT, Sensitivity.IDENTIFIER, description)


def pseudonym(name: str, description: str, *, required: bool = False, aliases: tuple[str, ...] = ()) -> Column:
    """A pseudonymised key."""
    return Column(name, Kind.ID, Sensitivity.PSEUDONYM, description, required=required, aliases=aliases)


def protected(name: str, description: str, kind: Kind = Kind.CODE, codes: str | None = None) -> Column:
    """A protected characteristic, or a value held for the audit's sake alone."""
    return Column(name, kind, Sensitivity.PROTECTED, description, codes=codes)


def dropped(name: str, description: str) -> Column:
    """A column that is not needed: it is dropped at the door and counted."""
    return Column(name, Kind.TEXT, Sensitivity.DROPPED, description)


def free_text(name: str, description: str) -> Column:
    """Words written by a person: dropped at the door and counted."""
    return Column(name, Kind.TEXT, Sensitivity.FREE_TEXT, description)


def feature(
    name: str,
    description: str,
    kind: Kind,
    *,
    codes: str | None = None,
    required: bool = False,
    revealed_by: str | None = None,
    revealed_after_working_days: int = 0,
) -> Column:
    """A column that feature definitions may read."""
    return Column(name, kind, Sensitivity.FEATURE, description, required, codes, revealed_by, revealed_after_working_days)


def audit(name: str, description: str, kind: Kind, *, codes: str | None = None, revealed_by: str | None = None) -> Column:
    """A column for checks and reports, never a feature."""
    return Column(name, kind, Sensitivity.AUDIT, description, codes=codes, revealed_by=revealed_by)
