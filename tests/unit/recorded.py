"""One true history, recorded without a fault and with every fault there is, and how they differ."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache

import polars as pl

from validation.extract import Extract, ExtractRule
from validation.history import Archive, build_archive, difference
from validation.synthetic.authority import simulate
from validation.synthetic.habits import CLEAN, ORDINARY
from validation.synthetic.profiles import ENGLAND
from validation.synthetic.recording import Records, extract, record
from validation.tables.catalogue import TABLES

START, END = date(2018, 4, 1), date(2026, 3, 31)
DAY, WINDOW = date(2024, 11, 24), date(2018, 11, 25)
MIGRATION = date(2024, 10, 30)
EPISODES = "ssd_cin_episodes"
ALL_HABITS = replace(ORDINARY, duplicates=0.1, migration=MIGRATION)
SPELLS = {
    EPISODES: ("cine_referral_date", "cine_close_date"),
    "ssd_early_help_episodes": ("earl_episode_start_date", "earl_episode_end_date"),
}
History = dict[str, pl.DataFrame]
Keys = dict[str, set[str]]


@cache
def true_history() -> History:
    return simulate(ENGLAND, 6_000, START, END, seed=1)


@cache
def faultless() -> Records:
    return record(true_history(), CLEAN, seed=1)


@cache
def faulty() -> Records:
    return record(true_history(), ALL_HABITS, seed=1)


def take(records: Records, rule: ExtractRule, day: date = DAY) -> Extract:
    return extract(records, profile="england", seed=1, extract_date=day, rule=rule, window_start=WINDOW)


def told(records: Records, habit: str, day: date | None = None) -> pl.DataFrame:
    """The slips of a habit, or those that are in force at the end of ``day``."""
    slips = records.slips.filter(pl.col("habit") == habit)
    if day is None:
        return slips
    return slips.filter((pl.col("from_day") <= day) & (pl.col("until_day").is_null() | (pl.col("until_day") > day)))


def keys(slips: pl.DataFrame, column: str = "key") -> Keys:
    grouped = slips.group_by("table").agg(column)
    return {table: set(found) for table, found in grouped.iter_rows()}


def differing(one: Mapping[str, pl.DataFrame], other: Mapping[str, pl.DataFrame]) -> Keys:
    """Keys of the rows that are not the same in both."""
    found = {}
    for name, table in TABLES.items():
        columns = list(table.schema)
        there, here = (a[name].join(b[name], on=columns, how="anti", nulls_equal=True) for a, b in ((one, other), (other, one)))
        found[name] = set(there[table.key]) | set(here[table.key])
    return {name: rows for name, rows in found.items() if rows}


def whole(records: Records, day: date) -> Mapping[str, pl.DataFrame]:
    """The extract of a window that is longer than the history."""
    rule, start = ExtractRule.OVERLAPPING, date(1990, 1, 1)
    return extract(records, profile="x", seed=1, extract_date=day, rule=rule, window_start=start).tables


def alone(history: History, **habit: float | date) -> Records:
    return record(history, replace(CLEAN, **habit), seed=1)


def archive_of(one: Extract) -> Archive:
    day, start = one.manifest.extract_date, one.manifest.window_start
    vintages = {name: [(day, difference(TABLES[name], None, one.tables[name].unique(), start, day))] for name in TABLES}
    return build_archive(vintages, start, day)


def everyone(archive: Archive, day: date) -> pl.DataFrame:
    people = archive.table(EPISODES).select(subject="cine_person_id").unique().sort("subject").with_row_index("row")
    return people.with_columns(as_of=pl.lit(day))
