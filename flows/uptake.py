"""Offers, decisions and what came after, by group: from the history and the team's log to the long frame."""

import polars as pl

from features.circumstances import read_offers_made
from features.groups import GROUPS
from flows.audit_groups import add_groups
from models.evaluation import ROW
from models.uptake import gather_rows, measure_uptake
from validation.history import Archive

KEPT = (*ROW, "family_id", "group_id", "began_on", "dob", "outcome")


def weigh_uptake(history: Archive, labelled: pl.DataFrame, waiting: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """The long frame of :mod:`models.uptake`.

    ``labelled``: open cases on dates with a known outcome; ``waiting``: those of later dates up to the day of the extract, whose
    outcome is not known yet.
    """
    today = history.extract_date
    later = waiting.with_columns(outcome=pl.lit(None, pl.Boolean))
    cases = pl.concat([labelled.select(KEPT), later.select(KEPT)])
    offers_made = read_offers_made(history, today, waiting.filter(pl.col("as_of") == today))
    rows = add_groups(history, gather_rows(cases, offers_made, decided, today))
    return measure_uptake(rows, [name for name in GROUPS if name in rows.columns])
