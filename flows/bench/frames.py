"""Training frames of any size, for the bench: the matrix of an invented history on many dates, with an outcome drawn for it.

The features are read from the history of :mod:`flows.bench.history` by our own engine, on the dates that ``retrain`` would take.
The outcome is invented: a logistic sum of a few features, told by one draw for each family, so that rows of a family go together.
"""

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from features.catalogue import CATALOGUE
from features.cohort import grid
from features.measure import LOOK_BACK_DAYS
from features.outcomes import NEW_REFERRAL, latest_mature
from flows.bench import ours
from flows.bench.draws import END, START
from flows.bench.history import invent
from flows.index import scan_facts, write_matrix
from models.sums import add_in_order

ROWS_FOR_EACH_REFERRAL = 5.8  # dates on which a case of the invented history is open
STEP_DAYS = 28
PARTS = 4

BASE = -0.8
PUSHES = {  # log-odds for each unit of log(1 + value)
    "referrals_in_last_730_days": 1.2,
    "contacts_in_last_365_days": 0.8,
    "sibling_referrals_in_last_365_days": 0.7,
    "domestic_abuse_found_in_last_730_days": 1.2,
    "days_since_last_closing": -0.25,
    "age_in_months": -0.4,
}


def invent_frame(folder: Path, rows: int, seed: int = 1) -> Path:
    """A training frame of about ``rows`` rows as a Parquet file under ``folder``; nothing is done where it is there.

    Columns: those of ``features.cohort.INDEX``, a column for each feature of the catalogue, and ``outcome``.
    """
    place = folder / f"about {rows} rows"
    out = place / "frame.parquet"
    if out.exists():
        return out
    invent(place, referrals_of(rows), seed)
    ours.gather(place)
    dates = grid(START + timedelta(days=LOOK_BACK_DAYS), latest_mature(NEW_REFERRAL, END), STEP_DAYS)
    matrix = place / "matrix.parquet"
    write_matrix(scan_facts(place / "facts"), dates, CATALOGUE, matrix, PARTS)
    frame = pl.read_parquet(matrix)
    frame.with_columns(outcome=draw_outcomes(frame, seed)).write_parquet(out)
    matrix.unlink()
    return out


def referrals_of(rows: int) -> int:
    """How many referrals the history behind a frame of so many rows has."""
    return round(rows / ROWS_FOR_EACH_REFERRAL)


def draw_outcomes(frame: pl.DataFrame, seed: int) -> pl.Series:
    """An outcome for each row: true where its chance is above the one number that was drawn for its ``group_id``."""
    pushes = (weight * pl.col(name).cast(pl.Float64).fill_null(0).log1p() for name, weight in PUSHES.items())
    log_odds = frame.select(BASE + add_in_order(pushes)).to_series()
    family = frame["group_id"].rank("dense").to_numpy() - 1
    drawn = np.random.default_rng(seed).random(int(family.max()) + 1)[family]
    return pl.Series("outcome", 1 / (1 + np.exp(-log_odds.to_numpy())) > drawn)
