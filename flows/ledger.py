"""The ledger: every score ever shown, one file for each published night and content. Nothing in it is ever changed."""

from datetime import date
from hashlib import sha256

import polars as pl

from flows.workspace import Workspace, write_private


def append(workspace: Workspace, as_of: date, shown: pl.DataFrame) -> str:
    """Add a night's scores. The same scores twice are one entry; other scores for the same night are another.

    ``shown`` has one row per case with ``as_of``, pseudonyms, chance, model, outcome, rank and place. Returns the entry's
    file name.
    """
    ordered = shown.sort("as_of", "person_id", "referral_id")
    digest = sha256(ordered.write_csv().encode()).hexdigest()[:12]
    place = workspace.ledger / f"{as_of}.{digest}.parquet"
    if not place.exists():
        write_private(place, ordered.write_parquet)
    return place.name
