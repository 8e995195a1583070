"""Pseudonymisation: a council's ordinary files made fit to enter.

A pseudonym is the first 128 bits of HMAC-SHA256 of ``kind|raw id`` under the council's own key, as 32 hexadecimal
digits (RFC 2104). The same child has the same pseudonym in every table and on every night.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from validation.conforming import NO_VALUE, conform
from validation.contract import Kind, Table
from validation.errors import ContractError, SettingsError
from validation.extract import Extract
from validation.tables.catalogue import TABLES

MINIMUM_KEY_BYTES = 16

# Keys that no table of the contract declares as its own or by reference.
OTHER_ENTITIES: Mapping[str, str] = {
    "fami_family_id": "family",
    "offe_family_id": "family",
    "icpc_cp_plan_id": "ssd_cp_plans",
    "clae_cla_id": "period of care",
    "link_old_person_id": "ssd_person",
}

# Tables that a case system exports without keys of their own: each row belongs to one row of another table, whose key serves.
KEYED_BY_OWNER: Mapping[str, str] = {"ssd_assessment_factors": "cinf_assessment_id"}


@dataclass(frozen=True)
class Pseudonymised:
    """The extract made fit to enter, what was dropped on the way, and the crosswalk.

    ``dropped`` counts, per ``table.column``, the values that were left out, and per ``table`` the rows of one that is not
    read.
    ``crosswalk`` has ``kind``, ``raw_id``, ``pseudonym``: it identifies children and never leaves the council.
    """

    extract: Extract
    dropped: Mapping[str, int]
    unreadable: Mapping[str, int]
    crosswalk: pl.DataFrame


def fingerprint(key: bytes) -> str:
    """Sixteen hexadecimal digits that tell one key from another and nothing else about it."""
    return hmac.digest(key, b"fingerprint", "sha256")[:8].hex()


def check_key(key: bytes) -> bytes:
    """The key, if it is long enough. Raises :class:`SettingsError` otherwise."""
    if len(key) < MINIMUM_KEY_BYTES:
        raise SettingsError(
            f"The pseudonymisation key has {len(key)} bytes: at least {MINIMUM_KEY_BYTES} are needed. Make one with "
            "'openssl rand -hex 32' and keep it: with another key every child would look new."
        )
    return key


def entity(table: Table, column: str) -> str:
    """What kind of thing a key names, so that equal raw ids of different kinds get different pseudonyms."""
    if column == table.key:
        return table.name
    for reference in table.references:
        if reference.column == column:
            return reference.table
    if column == table.person:
        return "ssd_person"
    return OTHER_ENTITIES[column]


def _raw_ids(frame: pl.DataFrame, column: str) -> pl.Series:
    """Raw ids as text; a whole number that went through a float column loses its ".0"."""
    text = frame.select(pl.col(column).cast(pl.String).str.strip_chars()).to_series()
    return text.str.replace(r"^(\d+)\.0$", "${1}").replace(list(NO_VALUE), None)


def _pseudonyms(kind: str, raw: pl.Series, key: bytes) -> pl.DataFrame:
    """One row for each distinct raw id: ``kind``, ``raw_id``, ``pseudonym``."""
    distinct = raw.drop_nulls().unique().sort()
    made = [hmac.digest(key, f"{kind}|{value}".encode(), "sha256")[:16].hex() for value in distinct]
    return pl.DataFrame(
        {"kind": [kind] * len(made), "raw_id": distinct, "pseudonym": made},
        schema={"kind": pl.String, "raw_id": pl.String, "pseudonym": pl.String},
    )


def _first_of_month(column: str) -> pl.Expr:
    return pl.col(column).dt.truncate("1mo")


def pseudonymise(extract: Extract, key: bytes) -> Pseudonymised:
    """Replace every key by a pseudonym, cut birth dates to the month, drop and count what may not enter.

    Raises :class:`ContractError` when a table lacks a required column or no table of the contract is there, and
    :class:`SettingsError` for a key that is too short.
    """
    check_key(key)
    if not set(extract.tables) & set(TABLES):
        raise ContractError("The input holds none of the contract's tables: give a folder of SSD tables or CIN census files.")
    tables: dict[str, pl.DataFrame] = {}
    dropped: dict[str, int] = {}
    unreadable: dict[str, int] = {}
    crosswalks: list[pl.DataFrame] = []
    for name, frame in extract.tables.items():
        if name not in TABLES:
            dropped[name] = frame.height
            continue
        table = TABLES[name]
        shaped, found = _replace_ids(table, frame, key)
        crosswalks += found
        conformed = conform(table, shaped)
        supplied = [column for column in table.schema if column in shaped.columns]
        months = [column.name for column in table.kept if column.kind is Kind.MONTH and column.name in supplied]
        tables[name] = conformed.frame.select(supplied).with_columns(_first_of_month(column) for column in months)
        comments = {column: count for column, count in conformed.dropped.items() if column.endswith(":comments")}
        dropped |= {f"{name}.{column}": count for column, count in (_left_out(table, frame) | comments).items()}
        unreadable |= {f"{name}.{column}": count for column, count in conformed.unreadable.items()}
    manifest = replace(extract.manifest, key_fingerprint=fingerprint(key))
    crosswalk = pl.concat(crosswalks).unique().sort("kind", "raw_id")
    return Pseudonymised(Extract(manifest, tables), dropped, unreadable, crosswalk)


def _replace_ids(table: Table, frame: pl.DataFrame, key: bytes) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The frame with pseudonyms in its key columns, and the crosswalks used."""
    found: list[pl.DataFrame] = []
    owner = KEYED_BY_OWNER.get(table.name)
    if owner in frame.columns and (table.key not in frame.columns or not _raw_ids(frame, table.key).count()):
        frame = frame.with_columns(pl.col(owner).alias(table.key))
    for column in table.kept:
        if column.kind is not Kind.ID or column.name not in frame.columns:
            continue
        raw = _raw_ids(frame, column.name)
        made = _pseudonyms(entity(table, column.name), raw, key)
        replaced = raw.replace_strict(made["raw_id"], made["pseudonym"], default=None, return_dtype=pl.String)
        frame = frame.with_columns(replaced.alias(column.name))
        found.append(made)
    return frame, found


def _left_out(table: Table, frame: pl.DataFrame) -> dict[str, int]:
    """Columns that are not kept (and columns unknown to the contract) with their number of values."""
    kept = set(table.schema)
    values = frame.select(
        pl.when(~pl.col(column).cast(pl.String).str.strip_chars().is_in(NO_VALUE)).then(1).count().alias(column)
        for column in frame.columns
        if column not in kept
    )
    return {column: count for column, count in values.row(0, named=True).items() if count} if values.width else {}
