"""The privacy gate: nothing that could identify a person may enter, and nothing is written before it has looked.

Shapes follow public definitions: the pupil number from the Unique Pupil Number standard, the NHS number with its
modulus 11 check, the National Insurance number from HMRC's manual, postcodes from BS 7666.
"""

import re

import polars as pl

from validation.contract import Kind, Sensitivity, Table
from validation.errors import PrivacyError
from validation.extract import Extract
from validation.tables.catalogue import REFUSED_TABLES, TABLES

PSEUDONYM = r"^[0-9a-f]{32}$"

# Letters in any case.
SHAPES = {
    "unique pupil numbers": r"^[A-Z]\d{11}[0-9A-Z]$",
    "National Insurance numbers": r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](\s?\d{2}){3}\s?[A-D]?$",
    "postcodes or their sectors": r"^[A-Z]{1,2}\d[A-Z\d]?(\s*\d[ABD-HJLNP-UW-Z]{2}|\s+\d)$",
    "e-mail addresses": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "telephone numbers": r"^(\(?0|\+44|0044)([\s()-]*\d){9,11}$",
    "Social Work England numbers": r"^SW\d{1,10}$",
}
NHS_NUMBER = r"^\d{3}[ -]?\d{3}[ -]?\d{4}$"
FIRST_OF_MONTH = r"^(\d{4}-(0[1-9]|1[0-2])-01|01/(0[1-9]|1[0-2])/\d{4})([T ].*)?$"

# Types of a file's columns that hold no plain value.
NO_PLAIN_VALUE = (pl.Binary, pl.Duration, pl.Object)

# A header that speaks of a person, in a column that the contract does not know.
TELLING_NAMES = (
    r"(?i)name|known.?as|alias|postcode|address|e.?mail|phone|mobile|nhs|(^|_)(upn|uln|nino|dob)($|_)|birth"
    r"|worker|allocated"
)

REMEDY = "Run 'rereferral pseudonymise' on it first and give its output to this command."


def _values(frame: pl.DataFrame, column: str) -> pl.Series:
    """The values of a column as text, without blanks around them; empty text counts as no value."""
    text = frame.get_column(column).drop_nulls().cast(pl.String).str.strip_chars()
    return text.filter(text != "")


def _is_nhs_number(values: pl.Series) -> pl.Series:
    """Which ten-digit values pass the modulus 11 check of an NHS number."""
    digit = [values.str.replace_all(r"\D", "").str.slice(place, 1).cast(pl.Int64) for place in range(10)]
    weighted = [digit[place] * (10 - place) for place in range(9)]
    check = 11 - pl.DataFrame({str(place): value for place, value in enumerate(weighted)}).sum_horizontal() % 11
    return check.replace({11: 0}) == digit[9]


def _shape_findings(table: str, column: str, values: pl.Series) -> list[str]:
    # Signs that nobody sees could hide a shape, and a whole number from a float column has ".0" behind it.
    values = values.str.replace_all(r"[\p{Cc}\p{Cf}]", "").str.replace(r"^(\d+)\.0$", "${1}")
    found = [
        f"{count} values shaped like {what} in '{table}.{column}'"
        for what, pattern in SHAPES.items()
        if (count := int(values.str.contains(f"(?i){pattern}").sum()))
    ]
    ten_digits = values.filter(values.str.contains(NHS_NUMBER))
    # One random ten-digit number in eleven passes the check, so a column is judged as a whole.
    if ten_digits.len() and (passing := int(_is_nhs_number(ten_digits).sum())) * 2 > ten_digits.len():
        found.append(f"{passing} values that pass as NHS numbers in '{table}.{column}'")
    return found


def _column_findings(table: Table, frame: pl.DataFrame, name: str) -> list[str]:
    dtype = frame.schema[name]
    if dtype.is_nested() or dtype in NO_PLAIN_VALUE:
        return [f"values of type {dtype.base_type()} in '{table.name}.{name}', which cannot be looked through"]
    values = _values(frame, name)
    column = next((column for column in table.columns if column.name == name), None)
    if column is None and re.search(TELLING_NAMES, name):
        refused, what = values.len(), "values in '{}', a column that names people"
    elif column is not None and column.sensitivity is Sensitivity.IDENTIFIER:
        refused, what = values.len(), "values in '{}', which must be empty"
    elif column is not None and column.kind is Kind.ID:
        refused, what = _unlike(values, PSEUDONYM), "keys in '{}' that are not pseudonyms of 32 hexadecimal digits"
    elif column is not None and column.kind is Kind.MONTH:
        refused, what = _unlike(values, FIRST_OF_MONTH), "full dates in '{}', where only the first of a month is allowed"
    else:
        return _shape_findings(table.name, name, values)
    return [f"{refused} {what.format(f'{table.name}.{name}')}"] if refused else []


def _unlike(values: pl.Series, pattern: str) -> int:
    return int((~values.str.contains(pattern)).sum())


def findings(extract: Extract) -> list[str]:
    """What in the extract could identify a person: one phrase for each kind, with counts and never a value."""
    found: list[str] = []
    for name, frame in extract.tables.items():
        if name in REFUSED_TABLES and frame.height:
            found.append(f"{frame.height} rows in '{name}', a table that identifies people")
        if name in TABLES:
            for column in frame.columns:
                found += _column_findings(TABLES[name], frame, column)
    return found


def refuse_identifiers(extract: Extract) -> None:
    """Raise :class:`PrivacyError` (exit 12) when anything in the extract could identify a person."""
    found = findings(extract)
    if found:
        more = f" and {len(found) - 3} more findings" if len(found) > 3 else ""
        raise PrivacyError(f"The input holds {'; '.join(found[:3])}{more}: nothing was written. {REMEDY}")
