"""What happened to a child in the last two years, for a picture beside its reasons: no outcomes, no words, only what and when."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from features.measure import LOOK_BACK_DAYS
from features.migrations import closed_on
from features.people import records
from validation.contract import Table
from validation.cut import cut
from validation.history import Archive
from validation.tables.episodes import ASSESSMENTS, CIN_PLANS, CONTACTS, EPISODES
from validation.tables.local import OFFERS
from validation.tables.protection import CLA_EPISODES, CP_PLANS

# What each table tells, and when that ended; what has no length ends on the day on which it happened.
TOLD: Mapping[str, tuple[Table, pl.Expr]] = {
    "contact": (CONTACTS, pl.col("happened")),
    "referral": (EPISODES, closed_on()),
    "assessment": (ASSESSMENTS, pl.col("cina_assessment_auth_date")),
    "plan": (CIN_PLANS, pl.col("cinp_cin_plan_end_date")),
    "child protection plan": (CP_PLANS, pl.col("cppl_cp_plan_end_date")),
    "looked after": (CLA_EPISODES, pl.col("clae_cla_episode_ceased_date")),
    "offer": (OFFERS, pl.col("happened")),
}


def read_timeline(archive: Archive, as_of: date, people: pl.DataFrame) -> pl.DataFrame:
    """What is known on ``as_of`` to have happened to each child of ``people`` (``person_id``) in the 730 days up to it.

    Columns: ``person_id``, ``what`` (a key of ``TOLD``), ``begins`` and ``ends`` (dates; ``ends`` is ``begins`` for what has no
    length, and empty for what still goes on as far as is known), sorted by child, then by begin. Records that were merged into
    the child's are its own. What began before the first of those days and went on into them begins on that first day.
    """
    first_day = as_of - timedelta(days=LOOK_BACK_DAYS - 1)
    index = people.select("person_id", pl.lit(as_of, pl.Date).alias("as_of")).unique(maintain_order=True).with_row_index("row")
    who = records(archive, index)
    events = pl.concat(
        cut(archive, table, who).select("row", what=pl.lit(what), begins="happened", ends=ends)
        for what, (table, ends) in TOLD.items()
    )
    return (
        events.filter(pl.col("ends").is_null() | (pl.col("ends") >= first_day))
        .with_columns(pl.col("begins").clip(lower_bound=first_day))
        .join(index.select("row", "person_id"), on="row")
        .select("person_id", "what", "begins", "ends")
        .sort("person_id", "begins", "what", "ends", nulls_last=True)
    )
