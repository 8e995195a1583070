"""The ledger: every score ever shown, one file for each published night and content. Nothing in it is ever changed."""

from datetime import date
from hashlib import sha256
from pathlib import Path

import polars as pl

from flows.workspace import Workspace, write_private
from validation.errors import LedgerError


def append(workspace: Workspace, as_of: date, shown: pl.DataFrame) -> str:
    """Add a night's scores. The same scores twice are one entry; other scores for the same night are another.

    ``shown`` has one row per case with ``as_of``, pseudonyms, chance, model, outcome, rank and place. Returns the entry's
    file name, which carries a hash of its content. Raises :class:`LedgerError` when the newest entry, or one of this night,
    no longer agrees with its name.
    """
    entries = sorted(workspace.ledger.glob("*.parquet"))
    for entry in {*entries[-1:], *(entry for entry in entries if entry.name.startswith(as_of.isoformat()))}:
        _check(entry)
    ordered = shown.sort("as_of", "person_id", "referral_id")
    place = workspace.ledger / f"{as_of}.{_hash(ordered)}.parquet"
    if not place.exists():
        write_private(place, ordered.write_parquet)
    return place.name


def _hash(scores: pl.DataFrame) -> str:
    return sha256(scores.write_csv().encode()).hexdigest()[:12]


def _check(entry: Path) -> None:
    """Raise :class:`LedgerError` (exit 17) when an entry's content is not what its name says."""
    try:
        whole = _hash(pl.read_parquet(entry)) == entry.stem.rpartition(".")[2]
    except (OSError, pl.exceptions.PolarsError):
        whole = False
    if not whole:
        raise LedgerError(
            f"The ledger's entry '{entry.name}' was changed or damaged: no list is published until somebody has found out why. "
            "Put the entry back from a copy, and run the night again."
        )
