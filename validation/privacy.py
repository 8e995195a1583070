"""The privacy gate: nothing that could identify a person may enter, and nothing is written before it has looked.

Shapes follow public definitions: the pupil number from the Unique Pupil Number standard, the NHS number with its
modulus 11 check, the National Insurance number from HMRC's manual, postcodes from BS 7666.
"""

import polars as pl

from validation.contract import Kind, Sensitivity, Table
from validation.errors import PrivacyError
from validation.extract import Extract
from validation.tables.catalogue import REFUSED_TABLES, TABLES

PSEUDONYM = r"^[0-9a-f]{32}$"

SHAPES = {
    "unique pupil numbers": r"^[A-Za-z]\d{11}[0-9A-Za-z]$",
    "National Insurance numbers": r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]$",
    "postcodes": r"^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$",
    "e-mail addresses": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "telephone numbers": r"^(\+44|0)[\d ]{9,13}$",
    "Social Work England numbers": r"^SW\d{4,10}$",
}
NHS_NUMBER = r"^\d{3}[ -]?\d{3}[ -]?\d{4}$"

# A header that speaks of a person, in a column that the contract does not know.
TELLING_NAMES = (
    r"forename|surname|first.?name|last.?name|middle.?name|known.?as|alias|postcode|address|e.?mail|phone|nhs"
    r"|(^|_)upn($|_)|(^|_)nino($|_)|worker|social.?worker|allocated"
)

REMEDY = "Run 'rereferral pseudonymise' on it first and give its output to this command."


def _values(frame: pl.DataFrame, column: str) -> pl.Series:
    """The values of a column as text, without blanks around them; empty text counts as no value."""
    text = frame.get_column(column).drop_nulls().cast(pl.String).str.strip_chars()
    return text.filter(text != "")


def _is_nhs_number(values: pl.Series) -> pl.Series:
    """Which ten-digit values pass the modulus 11 check of an NHS number."""
    digits = values.str.replace_all(r"\D", "")
    weighted = sum(digits.str.slice(i, 1).cast(pl.Int64) * (10 - i) for i in range(9))
    check = 11 - weighted % 11
    return check.replace({11: 0}) == digits.str.slice(9, 1).cast(pl.Int64)


def _shape_findings(table: str, column: str, values: pl.Series) -> list[str]:
    found = [
        f"{count} values shaped like {what} in '{table}.{column}'"
        for what, pattern in SHAPES.items()
        if (count := int(values.str.contains(pattern).sum()))
    ]
    ten_digits = values.filter(values.str.contains(NHS_NUMBER))
    # One random ten-digit number in eleven passes the check, so a column is judged as a whole.
    if ten_digits.len() and (passing := int(_is_nhs_number(ten_digits).sum())) * 2 > ten_digits.len():
        found.append(f"{passing} values that pass as NHS numbers in '{table}.{column}'")
    return found


def _column_findings(table: Table, frame: pl.DataFrame, name: str) -> list[str]:
    values = _values(frame, name)
    if values.is_empty():
        return []
    known = {column.name: column for column in table.columns}
    column = known.get(name)
    if column is None:
        if pl.Series([name]).str.contains(TELLING_NAMES).item():
            return [f"{values.len()} values in '{table.name}.{name}', a column that names people"]
        return _shape_findings(table.name, name, values)
    if column.sensitivity is Sensitivity.IDENTIFIER:
        return [f"{values.len()} values in '{table.name}.{name}', which must be empty"]
    if column.kind is Kind.ID:
        raw = int((~values.str.contains(PSEUDONYM)).sum())
        return [f"{raw} keys in '{table.name}.{name}' that are not pseudonyms of 32 hexadecimal digits"] if raw else []
    if column.kind is Kind.MONTH:
        full = int((~values.str.contains(r"^(\d{4}-\d{2}-01|01/\d{2}/\d{4})([T ].*)?$")).sum())
        return [f"{full} full dates in '{table.name}.{name}', where only the first of a month is allowed"] if full else []
    return _shape_findings(table.name, name, values) if frame.schema[name] == pl.String else []


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
