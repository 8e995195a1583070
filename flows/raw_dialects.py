"""How the three case systems write the standard dataset: ids, dates, codes, flags, headers and bytes.

Each spells the same facts in its own way, slips included; ``validation/conforming.py`` must read them all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from flows.invented import digits, name, worker_name
from validation.codes import aliases, codes
from validation.contract import Column

AT_THE_DOOR = ("contact_outcome_flags", "referral_outcome_flags")


class System(StrEnum):
    """The case systems for which the standard dataset has scripts."""

    SYSTEMC = "systemc"
    MOSAIC = "mosaic"
    ECLIPSE = "eclipse"


@dataclass(frozen=True)
class Dialect:
    """How a case system writes.

    ``first_number`` and ``width`` shape its numbers. ``words`` maps the codes of a list to what is sent for them.
    ``flags`` makes the text of a column of flags from the column and the key of its row, ``factors`` that of
    assessment factors from their codes. ``workers`` is what a worker column holds, from the key of the row. ``absent``
    names tables and columns that are not delivered, ``empty`` columns that are delivered without a value,
    ``renamed`` headers, ``day_for_none`` columns in which a missing date is 1 January 1900.
    """

    first_number: int
    width: int
    dates: str
    yes_no: tuple[str, str]
    null: str
    header: Callable[[str], str]
    encoding: str
    line_end: str
    words: Mapping[str, Mapping[str, str]]
    flags: Callable[[Column, pl.Expr], pl.Expr]
    factors: Callable[[pl.Expr], pl.Expr]
    workers: Callable[[pl.Expr], pl.Expr]
    absent: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    renamed: Mapping[str, str] | None = None
    day_for_none: frozenset[str] = frozenset()


def _labels(list_name: str) -> dict[str, str]:
    return {code: listed.label for code, listed in codes(list_name).items()}


def _aliases(list_name: str) -> dict[str, str]:
    """The first alias of every code that has one."""
    return {code: alias for alias, code in reversed(list(aliases()[list_name].items()))}


def note(key: pl.Expr, quote: str) -> pl.Expr:
    """A worker's words about one row in three, with the quotation marks and lines that people type."""
    line = "\n" if quote == '"' else "\\n"
    said = pl.lit(f" said {quote}no, {{NFA}}{quote},{line}rang 01632 960")
    words = [name(key, 4), said, (digits(key) % 900 + 100).cast(pl.String)]
    return pl.when(digits(key) % 3 == 0).then(pl.concat_str(words)).otherwise(pl.lit(""))


def _holds(column: Column, code: str) -> pl.Expr:
    return pl.col(column.name).str.split("|").list.contains(code)


def _object(column: Column, key: pl.Expr, *, yes: str, no: str, quote: str, prefix: str = "") -> pl.Expr:
    """A JSON object of all flags, true or not, then the comments and the number of outcomes."""
    listed = list(codes(column.codes or ""))
    comments = "OUTCOME_COMMENTS" if prefix or column.codes == "s47_outcome_flags" else "COMMENTS"
    count = "NUMBER_OF_OUTCOMES" if column.codes in AT_THE_DOOR else "TOTAL_NO_OF_OUTCOMES"
    pairs = [
        pl.format(f'"{prefix}{code}_FLAG": {{}}', pl.when(_holds(column, code)).then(pl.lit(yes)).otherwise(pl.lit(no)))
        for code in listed
    ]
    pairs += [
        pl.format(f'"{comments}": "{{}}"', note(key, quote)),
        pl.format(f'"{prefix}{count}": "{{}}"', pl.sum_horizontal(_holds(column, code) for code in listed)),
    ]
    return pl.concat_str(pl.lit("{"), pl.concat_str(pairs, separator=", "), pl.lit("}"))


def _by_hand(column: Column, key: pl.Expr) -> pl.Expr:
    """Glued together without escaping, so that a quotation mark in a comment breaks it."""
    return _object(column, key, yes='"Y"', no='"N"', quote='"')


def _prefixed(column: Column, key: pl.Expr) -> pl.Expr:
    """Keys that begin with OUTCOME_, nothing in place of no; contacts have no outcomes at all."""
    if column.codes == "contact_outcome_flags":
        return pl.lit(None, pl.String)
    return _object(column, key, yes='"Y"', no='""', quote='\\"', prefix="OUTCOME_")


def _words_or_array(column: Column, key: pl.Expr) -> pl.Expr:
    """Words with commas for contacts and referrals; an array around the object for the rest."""
    if column.codes in AT_THE_DOOR:
        words = pl.col(column.name).replace("-", "None").str.replace_all("_", " ").str.to_titlecase()
        return words.str.replace_all("|", ", ", literal=True)
    return pl.concat_str(pl.lit("["), _object(column, key, yes="true", no="false", quote='\\"'), pl.lit("]"))


def _array(found: pl.Expr, between: str, *, opens: str = "[", closes: str = "]") -> pl.Expr:
    inner = pl.when(found == "-").then(pl.lit("")).otherwise(found.str.replace_all("|", between, literal=True))
    filled = pl.concat_str(pl.lit(f'{opens}"'), inner, pl.lit(f'"{closes}'))
    return pl.when(inner == "").then(pl.lit(opens + closes[-1])).otherwise(filled)


def _worker_number(key: pl.Expr) -> pl.Expr:
    return pl.format("WRK{}", digits(key) % 9_000 + 1_000)


DIALECTS: Mapping[System, Dialect] = {
    System.SYSTEMC: Dialect(
        first_number=1_000_001,
        width=7,
        dates="%Y-%m-%d 00:00:00.000",
        yes_no=("Y", "N"),
        null="NULL",
        header=str.upper,
        encoding="utf-8-sig",
        line_end="\r\n",
        words={
            "ethnicity": _aliases("ethnicity"),  # local codes such as A1
            "referral_source": {code: f"{code.lower()}-LKP" for code in codes("referral_source")},
            "category_of_abuse": _labels("category_of_abuse"),
            "missing_type": {"M": "Missing", "A": "Away"},
        },
        flags=_by_hand,
        factors=lambda found: _array(found, '","'),
        workers=worker_name,
        day_for_none=frozenset({"cina_assessment_auth_date"}),
    ),
    System.MOSAIC: Dialect(
        first_number=10_001,
        width=8,
        dates="%d/%m/%Y 00:00",
        yes_no=("1", "0"),
        null="",
        header=str.title,
        encoding="cp1252",
        line_end="\r\n",
        words={
            "ethnicity": _labels("ethnicity"),
            "sex": _labels("sex"),
            "gender": _labels("gender"),
            "referral_source": _labels("referral_source"),
            "category_of_abuse": _labels("category_of_abuse"),
            "missing_type": _labels("missing_type"),
            "yes_no_na": {"Y": "Yes", "N": "No", "NA": "N/A"},
        },
        flags=_words_or_array,
        factors=lambda found: _array(found, '": "Yes", "', opens="{", closes=': "Yes"}'),
        workers=_worker_number,
        absent=frozenset({"ssd_family", "cont_contact_source_code", "cppl_cp_plan_ola"}),
        empty=frozenset({"cinf_table_id"}),
        renamed={"cinp_cin_plan_id": "cin_plan_id"},
    ),
    System.ECLIPSE: Dialect(
        first_number=200_001,
        width=6,
        dates="%Y-%m-%dT00:00:00",
        yes_no=("T", "F"),
        null="",
        header=str.lower,
        encoding="utf-8",
        line_end="\n",
        words={
            "ethnicity": {"CHNE": "CNHE", "MWBA": "MWBa", "OOTH": "ORAB", "NOBT": "??"},
            "gender": {"M": "01", "F": "02", "U": "00", "I": "09"},
            "referral_source": _aliases("referral_source"),
        },
        flags=_prefixed,
        factors=lambda found: _array(found, '", null, "'),
        workers=_worker_number,
        empty=frozenset({"cine_referral_team"}),
    ),
}  # fmt: skip
