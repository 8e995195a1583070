"""No feature and no row of the cohort may know the future, nor hang on anything that it should not hang on.

One function tells what a change of the future changed in the matrix; the same function catches leaks that are made on purpose.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings

import features.migrations
from features.catalogue import BY_NAME, CATALOGUE
from features.definition import Direction, Family, Feature
from features.matrix import build_matrix
from features.stream import Events, Stream
from tests.generative.reference import Night, Reference, Row, next_working_day
from tests.generative.worlds import AS_OF, DATES, EARLIER, a_world, archived, randoms, seeded, some_rows
from validation.contract import Column, Kind, Table
from validation.history import Archive
from validation.tables import episodes
from validation.tables.catalogue import TABLES

FEWER = settings(max_examples=settings().max_examples // 3)  # of the profile that is loaded


def changed_by_another_future(random: Random, nights: list[Night], declared: Sequence[Feature]) -> list[str]:
    """Columns of the matrix that differ once everything that became known after ``AS_OF`` is another."""
    return different_columns(archived(nights), archived(another_future(random, nights)), declared)


def different_columns(ours: Archive, theirs: Archive, declared: Sequence[Feature]) -> list[str]:
    """Columns of the matrix at ``DATES`` that differ between two archives."""
    # The groups of the splits are meant to be those over all links ever seen.
    one, other = (build_matrix(archive, DATES, declared).drop("group_id") for archive in (ours, theirs))
    if one.height != other.height:
        return ["row"]
    return [name for name in one.columns if not one[name].equals(other[name], null_equal=True)]


def another_future(random: Random, nights: list[Night]) -> list[Night]:
    """The same nights up to ``AS_OF``, and others after it; one more night at the end.

    A table that is first supplied after ``AS_OF`` shows the past by assumption: there, only what still lay in the future on
    ``AS_OF`` is changed.
    """
    supplied: set[str] = set()
    found = []
    for night in nights:
        tables = dict(night.tables)
        for name, rows in night.tables.items():
            if night.day > AS_OF and rows:
                first = name not in supplied
                tables[name] = (
                    _other_unseen_rows(random, nights, name, rows) if first else list(some_rows(random, name, 12).values())
                )
            supplied |= {name} if rows else set()
        found.append(replace(night, tables=tables))
    last = max(found[-1].day, AS_OF) + timedelta(days=1)
    more = {name: list(some_rows(random, name, 12).values()) for name in supplied}
    return [*found, Night(last, last - timedelta(days=300), more)]


def _other_unseen_rows(random: Random, nights: list[Night], name: str, rows: list[Row]) -> list[Row]:
    """Rows of a first load: what had happened by ``AS_OF`` as it showed by then, and all else different."""
    table = TABLES[name]
    if table.person is None and table.happened is not None and "." in table.happened:
        shown = {row[table.key] for row in Reference(nights).shown(name, ("c1", "c2", "c3", "c4"), AS_OF)}
        return [row for row in rows if row[table.key] in shown] or rows
    if table.happened is None:
        new = [] if name == "ssd_person" else [dict(rows[0]) | {table.key: "new", table.person: "c5"}]
        return [_with_other_hidden_values(random, table, row) for row in rows] + new
    past = [row for row in rows if row[table.happened] is not None and row[table.happened] <= AS_OF]
    future = {key: row for key, row in some_rows(random, name, 8).items() if key not in {row[table.key] for row in past}}
    unseen = [row | {table.happened: AS_OF + timedelta(days=random.randint(1, 30))} for row in future.values()]
    return [_with_other_hidden_values(random, table, row) for row in past] + unseen or rows


def _with_other_hidden_values(random: Random, table: Table, row: Row) -> Row:
    """The row with every value that it did not show yet at ``AS_OF`` replaced."""
    other = next(iter(some_rows(random, table.name, 1).values()), row)
    result = dict(row)
    for column in table.kept:
        if column.revealed_by is not None and _is_hidden(column, row):
            later = date(2024, 12, 1) if column.kind is Kind.MONTH else AS_OF + timedelta(days=random.randint(1, 300))
            is_date = column.revealed_by == column.name
            result[column.name] = random.choice((None, later)) if is_date else other[column.name]
    return result


def _is_hidden(column: Column, row: Row) -> bool:
    day = row[column.revealed_by]
    if day is not None and column.revealed_after_working_days:
        day = next_working_day(day)
    return day is None or day > AS_OF


@given(random=randoms)
def test_no_feature_knows_the_future(random: Random) -> None:
    assert changed_by_another_future(random, a_world(random), CATALOGUE) == []


# Leaks made on purpose. What is declared to leak is refused (see tests/spec/test_language.py), so the guards are taken away.


def leak_close_reasons(monkeypatch: pytest.MonkeyPatch) -> Feature:
    """The contract forgets that a close reason is not known before the closing, and a stream is dated by the referral."""
    monkeypatch.setitem(vars(episodes.EPISODES.column("cine_close_reason")), "revealed_by", None)
    reasons = Events(Stream("leaky", episodes.EPISODES, "cine_referral_date", {"reason": pl.col("cine_close_reason")}))
    words = "Number of leaks in it."
    return Feature(
        "leaky", Family.CASE, words, reasons.where(reason=("RC7", "RC8", "RC9")).count(), Direction.EITHER, words, words
    )


def with_contacts(archive: Archive, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Archive:
    """The archive with other versions of the contacts."""
    return replace(archive, versions={**archive.versions, "ssd_contacts": change(archive.table("ssd_contacts"))})


CHANGES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "rows that were told later": lambda versions: versions.with_columns(known_from=pl.lit(date(2000, 1, 1))),
    "rows that were withdrawn later": lambda versions: versions.filter(pl.col("known_to").is_null()),
}


def test_the_same_test_catches_a_value_that_is_filled_in_later(monkeypatch: pytest.MonkeyPatch) -> None:
    worlds = [a_world(seeded(seed)) for seed in range(25)]
    others = [another_future(seeded(seed), nights) for seed, nights in enumerate(worlds)]
    feature = leak_close_reasons(monkeypatch)
    changed = [
        different_columns(archived(ours), archived(theirs), [feature]) for ours, theirs in zip(worlds, others, strict=True)
    ]
    assert changed.count(["leaky"]) >= 2
    assert all(names in ([], ["leaky"]) for names in changed)


@pytest.mark.parametrize("leak", CHANGES)
def test_the_same_test_catches(leak: str) -> None:
    declared = [BY_NAME["contacts_in_last_730_days"]]
    changed = []
    for seed in range(25):
        nights = a_world(seeded(seed))
        futures = (archived(nights), archived(another_future(seeded(seed), nights)))
        changed.append(different_columns(*(with_contacts(archive, CHANGES[leak]) for archive in futures), declared))
    assert changed.count(["contacts_in_last_730_days"]) >= 2
    assert all(names in ([], ["contacts_in_last_730_days"]) for names in changed)


@FEWER
@given(random=randoms)
def test_order_of_rows_changes_nothing(random: Random) -> None:
    nights = a_world(random)
    shuffled = [
        replace(night, tables={name: random.sample(rows, len(rows)) for name, rows in night.tables.items()}) for night in nights
    ]
    assert build_matrix(archived(shuffled), DATES, CATALOGUE).equals(build_matrix(archived(nights), DATES, CATALOGUE))


@FEWER
@given(random=randoms)
def test_children_outside_the_family_change_nothing(random: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features.migrations, "MIGRATION_STOCK", 100)  # a migration is told from everybody's episodes
    nights = a_world(random)
    both = [
        replace(night, tables={name: rows + (strangers(random, name) if rows else []) for name, rows in night.tables.items()})
        for night in nights
    ]
    mixed = build_matrix(archived(both), DATES, CATALOGUE)
    ours = mixed.filter(~pl.col("person_id").str.starts_with("other "))
    alone = build_matrix(archived(nights), DATES, CATALOGUE)
    assert ours.drop("row").equals(alone.drop("row"))


def strangers(random: Random, name: str) -> list[Row]:
    """Rows with no id in common with anybody's."""
    ids = [column.name for column in TABLES[name].kept if column.kind is Kind.ID]
    return [row | {one: f"other {row[one]}" for one in ids if row[one]} for row in some_rows(random, name, 8).values()]


@FEWER
@given(random=randoms)
def test_night_by_night_gives_what_one_load_gives(random: Random) -> None:
    """Where every night shows its day, the assumption of a first load (known when it happened) holds.

    Merged records are left out: a first load does not tell which pseudonym a row had before.
    """
    (world,) = a_world(random, nights=1)
    last = replace(world, day=AS_OF + timedelta(days=40), window_start=date(2000, 1, 1))
    truth = _seen_on(replace(last, tables=last.tables | {"ext_person_links": []}), last.day)
    nights = [_seen_on(truth, day) for day in (EARLIER, AS_OF)] + [truth]
    assert build_matrix(archived(nights), DATES, CATALOGUE).equals(build_matrix(archived([truth]), DATES, CATALOGUE))


def _seen_on(truth: Night, day: date) -> Night:
    """What the case system shows of the truth at the end of a day."""
    whole = Reference([truth])
    tables = {}
    for name, rows in truth.tables.items():
        table = TABLES[name]
        shown = {row[table.key]: row for row in whole.shown(name, {"c1", "c2", "c3", "c4"}, day)}
        seen = {child for child in ("c1", "c2", "c3", "c4") if whole.was_seen(child, day)}
        tables[name] = [
            {column.name: _or_no(column, shown[row[table.key]][column.name]) for column in table.kept}
            for row in rows
            if row[table.key] in shown and (name != "ssd_family" or row[table.person] in seen)
        ]
    return replace(truth, day=day, tables=tables)


def _or_no(column: Column, value: object) -> object:
    """Case systems show "no" where a required decision has not been taken yet."""
    return False if value is None and column.required and column.kind is Kind.YESNO else value
