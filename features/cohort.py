"""The cohort: the episodes that are open on a date, of children under 18 or unborn."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from features.episodes import episodes_at
from features.people import current_ids, family_groups, people_at, records
from validation.history import Archive
from validation.tables.episodes import EPISODES

ADULT = 18

INDEX = ("row", "as_of", "person_id", "referral_id", "family_id", "group_id", "referral_date", "began_on", "overlaps", "dob")


def grid(first: date, last: date, step_days: int = 28) -> list[date]:
    """Dates from ``last`` backwards every ``step_days``, not before ``first``; oldest first."""
    count = (last - first).days // step_days if last >= first else -1
    return [date.fromordinal(last.toordinal() - step_days * k) for k in range(count, -1, -1)]


def children_at(archive: Archive, dates: Sequence[date]) -> pl.DataFrame:
    """Every child with a referral on record, at each date: columns ``row``, ``person_id``, ``as_of``."""
    people = archive.table(EPISODES.name).select(person_id="cine_person_id").unique().sort("person_id")
    asked = people.join(pl.DataFrame({"as_of": list(dates)}, schema={"as_of": pl.Date}), how="cross")
    current = current_ids(archive, asked).select("as_of", person_id="current_id").unique()
    return current.sort("as_of", "person_id").with_row_index("row").select("row", "person_id", "as_of")


def build_cohort(archive: Archive, dates: Sequence[date]) -> pl.DataFrame:
    """The cohort at each date, one row per open case, sorted by date and child.

    Columns: ``row`` (UInt32, unique), ``as_of``, ``person_id``, ``referral_id`` (the open episode), ``family_id`` (as
    known at ``as_of``; the child itself when it has no family), ``group_id`` (family over all links ever seen, for splits),
    ``referral_date``, ``began_on`` (first day of the case, continued episodes joined), ``overlaps`` (the child has overlapping
    episodes as then known), ``dob`` (month; empty when unborn or unknown). Of overlapping open episodes the latest counts.
    """
    children = children_at(archive, dates)
    who = records(archive, children)
    episodes = episodes_at(archive, who).with_columns(overlaps=pl.col("overlaps").any().over("row"))
    still_open = (
        episodes.filter(pl.col("closed_on").is_null())
        .unique("row", keep="last", maintain_order=True)
        .select("row", "began_on", "overlaps", referral_id="cine_referral_id", referral_date="cine_referral_date")
    )
    people = people_at(archive, who)
    cases = children.join(still_open, on="row").join(people, on="row", how="left")
    adult = pl.col("dob").dt.offset_by(f"{ADULT}y") <= pl.col("as_of")
    dead = pl.col("death") <= pl.col("as_of")
    cases = cases.filter(~adult.fill_null(value=False), ~dead.fill_null(value=False)).drop("row")
    return _with_families(archive, cases).sort("as_of", "person_id").with_row_index("row").select(*INDEX)


def _with_families(archive: Archive, cases: pl.DataFrame) -> pl.DataFrame:
    """Add the family as known at each date, and the family over all links ever seen."""
    ever = family_groups(archive)
    then = [
        family_groups(archive, day).select("person_id", family_id="group_id").with_columns(as_of=pl.lit(day, pl.Date))
        for day in cases["as_of"].unique().sort()
    ]
    known = pl.concat(then) if then else pl.DataFrame(schema={"person_id": pl.String, "family_id": pl.String, "as_of": pl.Date})
    return (
        cases.join(ever, on="person_id", how="left")
        .join(known, on=["person_id", "as_of"], how="left")
        .with_columns(group_id=pl.coalesce("group_id", "person_id"), family_id=pl.coalesce("family_id", "person_id"))
    )
