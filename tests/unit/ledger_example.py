"""A small ledger of invented nights, for tests of what is written into it and what is called back from it."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from flows.ledger import Entered, append
from flows.workspace import Workspace, write_json
from tests.unit.night_example import pseudonym

FIRST = date(2026, 11, 22)
TABLES = ("ssd_cin_episodes", "ssd_contacts")
SHOWN = {
    "as_of": pl.Date(),
    "person_id": pl.String(),
    "referral_id": pl.String(),
    "family_id": pl.String(),
    "chance": pl.Float64(),
    "abstained": pl.Boolean(),
    "order": pl.Int64(),
    "standing": pl.String(),
    "kind": pl.String(),
    "listed_since": pl.Date(),
}
Case = tuple[str, str, float | None, str]  # child, family, chance, standing


def shown(night: date, cases: Sequence[Case], since: Mapping[str, date] | None = None) -> pl.DataFrame:
    """The rows of a night; ``since`` says from when a family has had its place, if not from this night on."""
    told = since or {}
    rows = [
        (night, pseudonym(child), pseudonym("case " + child), pseudonym(family), chance, chance is None, order, standing,
         "FGC" if standing == "place" else None, told.get(family, night) if standing == "place" else None)
        for order, (child, family, chance, standing) in enumerate(cases, start=1)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SHOWN, orient="row")


def facts(extract_date: date, *, version: str = "1", tables: Sequence[str] = TABLES, **different: Any) -> dict[str, Any]:
    given = {
        "model": {"name": "glass box", "version": version},
        "outcome": {"name": "new_referral_within_12_months", "version": 1},
        "data": {
            "authority": "Borough of Example",
            "origin": "invented",
            "extract_date": extract_date.isoformat(),
            "vintages_sha256": {table: hashlib.sha256(f"{table} {extract_date}".encode()).hexdigest() for table in tables},
        },
        "code": {"rereferral": "0.1.0", "lock_sha256": None},
        "list_sha256": hashlib.sha256(f"list {extract_date}".encode()).hexdigest(),
    }
    return given | different


def enter(root: Path, night: date, cases: Sequence[Case], since: Mapping[str, date] | None = None, **different: Any) -> Entered:
    """Enter a night, and note the head in its run record as a night does."""
    entered = append(Workspace(root), night, shown(night, cases, since), facts(night, **different))
    write_json(root / "nights" / night.isoformat() / "run.json", {"status": "completed", "ledger_head": entered.head})
    return entered
