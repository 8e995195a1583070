"""The ledger's form on disk: entries in a chain, each with the hash of the one before, over salted commitments to its rows.

An entry is a folder ``<number>.<day>.<start of its link's SHA-256>``, put in its place in one rename. That of a night holds

- ``link.json``: what is known of the night, the SHA-256 of the link before, and that of ``commitments.bin``;
- ``commitments.bin``: the SHA-256 of each line of ``rows.jsonl``, 32 bytes each, one after the other;
- ``rows.jsonl``: a line for each case, with a salt of 32 random bytes and the values of ``columns``.

That of an erasure holds ``link.json`` alone, which says which rows of which entries were erased. In their place ``rows.jsonl``
has the day and nothing else; their commitments stay, and without the salt nobody can try out whose they were. Lines stand in the
order of their salts, which is by chance: a row's number says nothing of the child.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

LINK, COMMITMENTS, ROWS = "link.json", "commitments.bin", "rows.jsonl"
NIGHT, ERASURE = "night", "erasure"
BEFORE_THE_FIRST = "0" * 64
SALT_BYTES = COMMITMENT_BYTES = 32
NAME = re.compile(r"(\d{6,})\.(\d{4}-\d\d-\d\d)\.([0-9a-f]{12})")
LINE = re.compile(rb"[^\n]*\n|[^\n]+")
ERASED = b'"erased '
DTYPES: Mapping[str, pl.DataType] = {
    str(dtype): dtype
    for dtype in (
        pl.Boolean(), pl.Date(), pl.Float32(), pl.Float64(), pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Null(),
        pl.String(), pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64(),
    )
}  # fmt: skip
"""Types of columns that a ledger can hold, by the name that a link gives them."""


@dataclass(frozen=True)
class Entry:
    """One entry as its link tells it; ``sha256`` is the link's.

    ``day`` is the night, or the day of an erasure. ``facts`` are what is known of a night (see ``ledger.describe``), ``columns``
    the names and types of its rows, ``rows`` their number. ``erased`` are the row numbers that an erasure took, by entry; row
    numbers and entries count from 1.
    """

    folder: Path
    sha256: str
    number: int
    previous: str
    kind: str
    day: date
    facts: Mapping[str, Any]
    columns: Mapping[str, str]
    rows: int
    commitments_sha256: str
    erased: Mapping[int, tuple[int, ...]]

    @property
    def model_version(self) -> str:
        """Version of the model that a night's scores are of."""
        return str(self.facts["model"]["version"])

    @cached_property
    def extract_date(self) -> date:
        """The data cut: the day whose end a night's extract showed."""
        return date.fromisoformat(self.facts["data"]["extract_date"])

    @property
    def tables(self) -> frozenset[str]:
        """Tables in which a night's extract changed something."""
        return frozenset(self.facts["data"]["vintages_sha256"])


def read_entry(folder: Path) -> Entry:
    """The entry in a folder. Raises ``OSError``, ``ValueError``, ``KeyError`` or ``TypeError`` when its link is no link."""
    raw = (folder / LINK).read_bytes()
    link = json.loads(raw)
    is_night = {NIGHT: True, ERASURE: False}[link["kind"]]
    erased = {} if is_night else {int(entry): tuple(map(int, rows)) for entry, rows in dict(link["erased"]).items()}
    entry = Entry(
        folder=folder,
        sha256=sha256(raw).hexdigest(),
        number=int(link["number"]),
        previous=str(link["previous"]),
        kind=link["kind"],
        day=date.fromisoformat(link["day"]),
        facts=dict(link["facts"]) if is_night else {},
        columns=dict(link["columns"]) if is_night else {},
        rows=int(link["rows"]) if is_night else 0,
        commitments_sha256=str(link["commitments_sha256"]) if is_night else "",
        erased=erased,
    )
    if is_night:
        _ = entry.model_version, entry.extract_date, entry.tables, [DTYPES[dtype] for dtype in entry.columns.values()]
    return entry


def name_entry(number: int, day: date, link_sha256: str) -> str:
    """The name of an entry's folder."""
    return f"{number:06}.{day}.{link_sha256[:12]}"


def write_lines(rows: pl.DataFrame) -> list[bytes]:
    """A line for each row, with a new salt, in the order of the salts.

    Raises ``TypeError`` for a column of a type that the ledger cannot hold.
    """
    if strange := [name for name, dtype in rows.schema.items() if str(dtype) not in DTYPES]:
        raise TypeError(f"The ledger cannot hold the column '{strange[0]}' of type {rows.schema[strange[0]]}.")
    values = (json.dumps(row, separators=(",", ":"), ensure_ascii=False, default=date.isoformat) for row in rows.iter_rows())
    return sorted(f'["{secrets.token_hex(SALT_BYTES)}",{told[1:]}\n'.encode() for told in values)


def without_salt(line: bytes) -> bytes:
    """What a line says of its case; two lines with the same values are the same without their salts."""
    return line[len('["",') + 2 * SALT_BYTES :]


def split_lines(text: bytes) -> list[bytes]:
    """The lines of ``rows.jsonl``, each with its end."""
    return LINE.findall(text)


def commit(line: bytes) -> bytes:
    """A row's commitment: the SHA-256 of its line, salt, values and end of line."""
    return sha256(line).digest()


def split_commitments(kept: bytes) -> list[bytes]:
    """The commitments of ``commitments.bin``."""
    return [kept[at : at + COMMITMENT_BYTES] for at in range(0, len(kept), COMMITMENT_BYTES)]


def mark_erased(on: date) -> bytes:
    """The line that stands in the place of an erased row."""
    return ERASED + f'{on}"\n'.encode()


def is_erased(line: bytes) -> bool:
    """Does the line stand in the place of an erased row?"""
    return line.startswith(ERASED)


def erasures(entries: Sequence[Entry]) -> dict[int, dict[int, date]]:
    """For each entry of which rows were erased, their numbers and the day; the first erasure of a row counts."""
    found: dict[int, dict[int, date]] = {}
    for entry in reversed(entries):
        for number, rows in entry.erased.items():
            found.setdefault(number, {}).update(dict.fromkeys(rows, entry.day))
    return found


def read_rows(entry: Entry) -> pl.DataFrame:
    """The rows of a night that are not erased, with their number as ``row``."""
    lines = split_lines((entry.folder / ROWS).read_bytes())
    told = [(number, *json.loads(line)[1:]) for number, line in enumerate(lines, start=1) if not is_erased(line)]
    types = {name: DTYPES[dtype] for name, dtype in entry.columns.items()}
    as_written = {name: pl.String() if dtype == pl.Date else dtype for name, dtype in types.items()}
    dates = [name for name, dtype in types.items() if dtype == pl.Date]
    frame = pl.DataFrame(told, schema={"row": pl.Int64(), **as_written}, orient="row")
    return frame.with_columns(pl.col(dates).str.to_date("%Y-%m-%d"))
