"""What each table is checked for, read from the contract: pure declarations that name no checking library.

A check is a statutory rule where one exists (its number is the rule's name), and a rule of our own otherwise.
``validation/rules.py`` adds the rules that look across rows and tables; ``validation/expectations.py`` runs them all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from validation.contract import Kind, Table


class Severity(StrEnum):
    """What becomes of a row that breaks a check."""

    ERROR = "error"  # the row is set aside, with the rule and its words
    QUERY = "query"  # the row stays, and the finding is reported


class Asks(StrEnum):
    """What a check asks of its column. A missing value passes all but ``PRESENT``."""

    PRESENT = "is present"
    UNIQUE = "occurs once"
    IN_LIST = "is a code of the list"
    ALL_IN_LIST = "holds only codes of the list"
    NOT_AFTER_EXTRACT = "is not after the extract date"
    ORDERED = "is not before the other date"
    HOLDS = "is true"  # of a derived column, see validation/rules.py


@dataclass(frozen=True)
class Check:
    """One question put to every row of a table.

    ``other`` is the earlier date of an ``ORDERED`` check and the code list of a check on codes. ``says`` tells a
    reader in plain words what is wrong with a row that fails.
    """

    rule: str
    table: str
    severity: Severity
    asks: Asks
    column: str
    other: str | None
    says: str


# Findings: each row (its position in the frame, from 0) of a table that breaks a rule.
BROKEN_SCHEMA = {"table": pl.String(), "row": pl.UInt32(), "rule": pl.String(), "severity": pl.String()}

# Statutory rules that ask what the contract asks too, by column and question.
STATUTORY: Mapping[tuple[str, Asks], str] = {
    ("pers_person_id", Asks.PRESENT): "8500",
    ("pers_person_id", Asks.UNIQUE): "8510",
    ("pers_dob", Asks.NOT_AFTER_EXTRACT): "8520",
    ("pers_sex", Asks.IN_LIST): "4180",
    ("pers_ethnicity", Asks.IN_LIST): "4220",
    ("disa_disability_code", Asks.IN_LIST): "8540",
    ("cine_referral_date", Asks.PRESENT): "8600",
    ("cine_referral_date", Asks.NOT_AFTER_EXTRACT): "8600",
    ("cine_referral_nfa", Asks.PRESENT): "8568",
    ("cine_close_reason", Asks.IN_LIST): "8640",
    ("cine_cin_primary_need_code", Asks.IN_LIST): "8650",
    ("cine_referral_source_code", Asks.IN_LIST): "8866",
    ("cinf_assessment_factors_json", Asks.ALL_IN_LIST): "8897Q",
    ("cppl_cp_plan_initial_category", Asks.IN_LIST): "8905",
}

# The name of a rule of our own: the column and one of these.
ENDINGS: Mapping[Asks, str] = {
    Asks.PRESENT: "missing",
    Asks.UNIQUE: "repeated",
    Asks.IN_LIST: "not-in-list",
    Asks.ALL_IN_LIST: "not-in-list",
    Asks.NOT_AFTER_EXTRACT: "after-extract",
}

# Dates beside the event's own that cannot be planned, so that one after the extract date is not believed.
BELIEVED_AT_ONCE = frozenset({"pers_dob"})


def _check(table: Table, severity: Severity, asks: Asks, column: str, *, says: str, other: str | None = None) -> Check:
    rule = STATUTORY.get((column, asks)) or f"{column}-{ENDINGS[asks]}"
    return Check(rule, table.name, severity, asks, column, other, says)


def _checks(table: Table) -> Iterator[Check]:
    revealing = {column.revealed_by for column in table.columns}
    for column in table.kept:
        name = column.name
        if column.required:
            yield _check(table, Severity.ERROR, Asks.PRESENT, name, says=f"'{name}' is missing.")
        if name == table.key:
            says = f"More than one row has the same '{name}'."
            yield _check(table, Severity.ERROR, Asks.UNIQUE, name, says=says)
        if column.codes is not None:
            asks = Asks.ALL_IN_LIST if column.kind is Kind.CODES else Asks.IN_LIST
            says = f"'{name}' holds a code that the list '{column.codes}' does not have."
            yield _check(table, Severity.QUERY, asks, name, says=says, other=column.codes)
        if name == table.happened or name in revealing:
            # A row cannot have happened after the extract. A later date that lies ahead (a planned closing) is
            # only asked about: the cut to a date hides it until it has passed.
            certain = name == table.happened or name in BELIEVED_AT_ONCE
            severity = Severity.ERROR if certain else Severity.QUERY
            says = f"'{name}' lies after the extract date."
            yield _check(table, severity, Asks.NOT_AFTER_EXTRACT, name, says=says)
    for order in table.orders:
        says = f"'{order.later}' lies before '{order.earlier}'."
        yield Check(order.rule, table.name, Severity.ERROR, Asks.ORDERED, order.later, order.earlier, says)


def checks_for(table: Table) -> tuple[Check, ...]:
    """The checks that follow from the declaration of ``table``, in order of its columns."""
    return tuple(_checks(table))
