"""The cohort: the episodes that are open on a date, of children under 18 or unborn."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from features.episodes import episodes_at
from features.exceptions import at_dates
from features.facts import Facts, gather_facts
from features.migrations import Migrations
from features.people import current_ids, families_at, people_at, records
from features.streams import source_group
from validation.history import Archive
from validation.tables.episodes import EPISODES
from validation.tables.local import PERSON_LINKS
from validation.tables.people import FAMILY, PERSON

ADULT = 18

INDEX = (
    "row", "as_of", "person_id", "referral_id", "family_id", "group_id", "referral_date", "began_on", "overlaps", "dob",
)  # fmt: skip
CASE = ("child", "as_of", "referral", "referral_date", "began_on", "overlaps", "source")


def grid(first: date, last: date, step_days: int = 28) -> list[date]:
    """Dates from ``last`` backwards every ``step_days``, not before ``first``; oldest first."""
    count = (last - first).days // step_days if last >= first else -1
    return [date.fromordinal(last.toordinal() - step_days * k) for k in range(count, -1, -1)]


def build_cohort(archive: Archive, dates: Sequence[date]) -> pl.DataFrame:
    """The cohort at each date, one row per open case, sorted by date and child.

    Columns: ``row`` (UInt32, unique), ``as_of``, ``person_id``, ``referral_id`` (the open episode), ``family_id`` (as
    known at ``as_of``; the child itself when it has no family), ``group_id`` (family over all links ever seen, for splits),
    ``referral_date``, ``began_on`` (first day of the case, continued episodes joined), ``overlaps`` (the child has overlapping
    episodes as then known), ``dob`` (month; empty when unborn or unknown). Of overlapping open episodes the latest counts.
    """
    facts = gather_facts(archive)
    asked = as_dates(dates)
    return named(facts, find_cohort(facts, asked, facts.migrations(asked))).select(INDEX)


def as_dates(dates: Sequence[date]) -> pl.DataFrame:
    """Different dates in order: column ``as_of``."""
    return pl.DataFrame({"as_of": list(dates)}, schema={"as_of": pl.Date}).unique().sort("as_of")


def find_cohort(facts: Facts, dates: pl.DataFrame, migrations: Migrations) -> pl.DataFrame:
    """The cohort of :func:`build_cohort` in numbers, sorted by date and child: ``row``, ``child``, ``as_of``, ``referral``,
    ``referral_date``, ``began_on``, ``overlaps``, ``source`` (group of the referral's source), ``dob``.
    """  # noqa: D205
    odd = _odd_children(facts, dates, migrations)
    usual = _open_cases(facts, dates).join(odd, on=["child", "as_of"], how="anti")
    cases = pl.concat([usual, _open_cases_directly(facts, odd, migrations)]).sort("as_of", "child").with_row_index("row")
    people = _people(facts, cases)
    known = cases.join(people, on="row", how="left", maintain_order="left")
    adult = pl.col("dob").dt.offset_by(f"{ADULT}y") <= pl.col("as_of")
    dead = pl.col("death") <= pl.col("as_of")
    living = known.filter(~adult.fill_null(value=False), ~dead.fill_null(value=False))
    return living.drop("row", "death").with_row_index("row")


def named(facts: Facts, cohort: pl.DataFrame) -> pl.DataFrame:
    """A cohort in numbers with the pseudonyms of its children, referrals and families, and the families as then known."""
    children = facts["children"].collect(engine="in-memory")
    links, merges = (facts.read(f"versions/{table.name}") for table in (FAMILY, PERSON_LINKS))
    names = children.select("child", "person_id")
    grouped = cohort.join(children.select("child", "group"), on="child", how="left", maintain_order="left")
    found = families_at(grouped, links, merges, children.select("child", "group", "first_seen"))
    for number, name in (("child", "person_id"), ("group", "group_id"), ("family", "family_id")):
        found = found.join(names.rename({"child": number, "person_id": name}), on=number, how="left", maintain_order="left")
    referrals = facts["referrals"].rename({"number": "referral"}).collect(engine="in-memory")
    found = found.join(referrals, on="referral", how="left", maintain_order="left")
    return found.sort("as_of", "person_id").drop("row").with_row_index("row")


def _open_cases(facts: Facts, dates: pl.DataFrame) -> pl.DataFrame:
    """The latest episode of each child that was open, at each date, from facts."""
    episodes = facts["episodes"].select(
        "child", "began_on", "overlaps",
        referral="cine_referral_id", referral_date="cine_referral_date", since="cine_referral_date", until="closed_on",
        source=source_group("cine_referral_source_code"),
    ).collect(engine="in-memory")  # fmt: skip
    # After a migration the old episode may be open beside the new one.
    return at_dates(episodes, dates).unique(["child", "as_of"], keep="last", maintain_order=True).select(CASE)


def _odd_children(facts: Facts, dates: pl.DataFrame, migrations: Migrations) -> pl.DataFrame:
    """Children of whose episodes, or of whose identity, something was known otherwise on a date: ``child`` and ``as_of``."""
    spans = at_dates(facts.read(f"exceptions/{EPISODES.name}"), dates).select("child", "as_of")
    referred = facts["episodes"].select("child", day="cine_referral_date").collect(engine="in-memory")
    unusual = migrations.unusual().join(referred, on="day").select("child", "as_of")
    return pl.concat([spans, unusual]).unique()


def _open_cases_directly(facts: Facts, odd: pl.DataFrame, migrations: Migrations) -> pl.DataFrame:
    """The open cases of odd children, from all versions of the episodes of their families."""
    children = facts["children"].collect(engine="in-memory")
    families = children.join(odd.join(children, on="child").select("group").unique(), on="group", how="semi")
    archive = facts.archive((EPISODES.name, PERSON_LINKS.name), families)
    current = current_ids(archive, odd.rename({"child": "person_id"})).select("as_of", person_id="current_id").unique()
    asked = current.sort("as_of", "person_id").with_row_index("row")
    episodes = episodes_at(archive, records(archive, asked), migrations.at(asked.select("as_of").unique().sort("as_of")))
    still_open = (
        episodes.with_columns(overlaps=pl.col("overlaps").any().over("row"))
        .filter(pl.col("closed_on").is_null())
        .unique("row", keep="last", maintain_order=True)
        .select(
            "row", "began_on", "overlaps", referral="cine_referral_id", referral_date="cine_referral_date",
            source=source_group("cine_referral_source_code"),
        )
    )  # fmt: skip
    return asked.rename({"person_id": "child"}).join(still_open, on="row").select(CASE)


def _people(facts: Facts, cases: pl.DataFrame) -> pl.DataFrame:
    """Birth and death of each case's child, as known: ``row``, ``dob``, ``death``."""
    spans = facts.read(f"exceptions/{PERSON.name}")
    odd = (
        cases.select("row", "child", "as_of")
        .join(spans, on="child")
        .filter(pl.col("since") <= pl.col("as_of"), pl.col("as_of") < pl.col("until"))
        .select("row", "child", "as_of")
    )
    newest = facts[f"rows/{PERSON.name}"].select("child", "pers_dob", "pers_death_date").collect(engine="in-memory")
    usual = cases.join(odd, on="row", how="anti").select("row", "child", "as_of").join(newest, on="child")
    told = {"dob": "pers_dob", "death": "pers_death_date"}
    shown = usual.select(
        "row", **{name: pl.when(pl.col(column) <= pl.col("as_of")).then(column) for name, column in told.items()}
    )
    groups = facts["children"].select("child", "group").collect(engine="in-memory")
    families = groups.join(odd.join(groups, on="child").select("group").unique(), on="group", how="semi")
    archive = facts.archive((PERSON.name, PERSON_LINKS.name), families)
    directly = people_at(archive, records(archive, odd.rename({"child": "person_id"})))
    return pl.concat([shown.group_by("row").agg(pl.all().max()), directly.select("row", "dob", "death")])
