"""No feature and no row of the cohort may know the future, nor hang on anything that it should not hang on.

One function tells in which worlds of a town the matrix differs from that of another; the same function catches leaks that are
made on purpose.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import polars as pl
import pytest
from hypothesis import assume, given

import features.migrations
from features.catalogue import BY_NAME, CATALOGUE
from features.definition import Direction, Family, Feature
from features.matrix import build_matrix
from features.stream import Events, Stream
from tests.generative.reference import Reference
from tests.generative.reference_rows import Night, Row, next_working_day
from tests.generative.worlds import (
    AS_OF,
    CHILDREN,
    DATES,
    EARLIER,
    Town,
    a_town,
    a_world,
    of_world,
    randoms,
    seeded,
    side_by_side,
    some_rows,
)
from validation.contract import Column, Kind, Table
from validation.history import Archive
from validation.tables import episodes
from validation.tables.catalogue import TABLES


def different_columns(ours: Archive, theirs: Archive, declared: Sequence[Feature], worlds: int) -> list[list[str]]:
    """For each world the columns of the matrix at ``DATES`` that differ between two archives; "row" where the cohort does."""
    # The groups of the splits are meant to be those over all links ever seen.
    matrices = [build_matrix(archive, DATES, declared).drop("group_id") for archive in (ours, theirs)]
    return [_differing(*(of_world(matrix, world) for matrix in matrices)) for world in range(worlds)]


def _differing(one: pl.DataFrame, other: pl.DataFrame) -> list[str]:
    if one.height != other.height:
        return ["row"]
    return [name for name in one.columns if not one[name].equals(other[name], null_equal=True)]


def differing_in_town(ours: Town, theirs: Town) -> set[str]:
    """Columns that differ in any world between two towns, which are not the same."""
    one, other = side_by_side(ours), side_by_side(theirs)
    assert not all(one.table(name).equals(other.table(name)) for name in TABLES)
    return {name for names in different_columns(one, other, CATALOGUE, len(ours)) for name in names}


# The future.


def with_rows_learned_later(random: Random, nights: list[Night]) -> list[Night]:
    """The same nights up to ``AS_OF``, and other rows after it; one more night at the end.

    A table that is first supplied after ``AS_OF`` shows the past by assumption, and stays as it is.
    """
    supplied: set[str] = set()
    found = []
    for night in nights:
        learned = {name for name, rows in night.tables.items() if rows and night.day > AS_OF and name in supplied}
        found.append(replace(night, tables={**night.tables, **_anything(random, learned)}))
        supplied |= {name for name, rows in night.tables.items() if rows}
    last = max(found[-1].day, AS_OF) + timedelta(days=1)
    return [*found, Night(last, last - timedelta(days=300), _anything(random, supplied))]


def _anything(random: Random, names: Iterable[str]) -> dict[str, list[Row]]:
    return {name: list(some_rows(random, name, 12).values()) for name in sorted(names)}


def with_dates_to_come(random: Random, night: Night) -> list[Night]:
    """The night of one load with whatever had happened by ``AS_OF`` as it showed by then, and all else different."""
    return [replace(night, tables={name: _with_another_rest(random, night, name) for name in night.tables})]


def _with_another_rest(random: Random, night: Night, name: str) -> list[Row]:
    table, rows = TABLES[name], night.tables[name]
    if table.person is None and table.happened is not None and "." in table.happened:
        shown = {row[table.key] for row in Reference([night]).shown(name, CHILDREN, AS_OF)}
        return [row for row in rows if row[table.key] in shown] or rows
    if table.happened is None:
        new = [] if name == "ssd_person" or not rows else [dict(rows[0]) | {table.key: "new", table.person: "c5"}]
        return [_with_other_hidden_values(random, table, row) for row in rows] + new
    past = [row for row in rows if (row[table.happened] or night.day) <= AS_OF]  # a merge without a date counts once it is known
    future = {key: row for key, row in some_rows(random, name, 8).items() if key not in {row[table.key] for row in past}}
    unseen = [_put_off(table, row, AS_OF + timedelta(days=random.randint(1, 30))) for row in future.values()]
    return [_with_other_hidden_values(random, table, row) for row in past] + unseen or rows


def _put_off(table: Table, row: Row, day: date) -> Row:
    """The row as happening on a later day, and not ending before it."""
    end = row[table.ends] if table.ends else None
    return row | {table.happened: day} | ({table.ends: max(end, day)} if end else {})


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
def test_rows_not_yet_known_change_nothing(random: Random) -> None:
    town = a_town(random)
    assert differing_in_town(town, [with_rows_learned_later(random, nights) for nights in town]) == set()


@given(random=randoms)
def test_dates_not_yet_reached_change_nothing(random: Random) -> None:
    """In a first load all that has happened is taken as known when it happened, and values show when their date comes."""
    town = a_town(random, nights=1)
    assert differing_in_town(town, [with_dates_to_come(random, night) for (night,) in town]) == set()


# Leaks made on purpose. What is declared to leak is refused (see tests/spec/test_language.py), so the guards are taken away.

WORLDS = 15


def leak_close_reasons(monkeypatch: pytest.MonkeyPatch) -> Feature:
    """The contract forgets that a close reason is not known before the closing, and a stream is dated by the referral."""
    monkeypatch.setitem(vars(episodes.EPISODES.column("cine_close_reason")), "revealed_by", None)
    reasons = Events(Stream("leaky", episodes.EPISODES, "cine_referral_date", {"reason": pl.col("cine_close_reason")}))
    words = "Number of leaks in it."
    return Feature(
        "leaky", Family.CASE, words, reasons.where(reason=("RC7", "RC8", "RC9")).count(), Direction.EITHER, words, words
    )


def test_the_same_test_catches_a_value_that_is_filled_in_later(monkeypatch: pytest.MonkeyPatch) -> None:
    town = a_town(seeded(0), nights=1, sizes=(WORLDS,))
    other = [with_dates_to_come(seeded(seed), night) for seed, (night,) in enumerate(town)]
    changed = different_columns(side_by_side(town), side_by_side(other), [leak_close_reasons(monkeypatch)], WORLDS)
    assert changed.count(["leaky"]) >= 2
    assert all(names in ([], ["leaky"]) for names in changed)


def with_contacts(archive: Archive, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Archive:
    """The archive with other versions of the contacts."""
    return replace(archive, versions={**archive.versions, "ssd_contacts": change(archive.table("ssd_contacts"))})


CHANGES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "rows that were told later": lambda versions: versions.with_columns(known_from=pl.lit(date(2000, 1, 1))),
    "rows that were withdrawn later": lambda versions: versions.filter(pl.col("known_to").is_null()),
}


@pytest.mark.parametrize("leak", CHANGES)
def test_the_same_test_catches(leak: str) -> None:
    town = a_town(seeded(0), sizes=(WORLDS,))
    other = [with_rows_learned_later(seeded(seed), nights) for seed, nights in enumerate(town)]
    declared = [BY_NAME["contacts_in_last_730_days"]]
    changed = different_columns(*(with_contacts(side_by_side(one), CHANGES[leak]) for one in (town, other)), declared, WORLDS)
    assert changed.count(["contacts_in_last_730_days"]) >= 2
    assert all(names in ([], ["contacts_in_last_730_days"]) for names in changed)


# Order, strangers, and how the history came about.


@given(random=randoms)
def test_order_of_rows_changes_nothing(random: Random) -> None:
    archive = side_by_side(a_town(random))
    shuffled = {
        name: rows.sample(fraction=1, shuffle=True, seed=random.randrange(1000)) for name, rows in archive.versions.items()
    }
    assert any(not rows.equals(archive.versions[name]) for name, rows in shuffled.items())
    found = build_matrix(replace(archive, versions=shuffled), DATES, CATALOGUE)
    assert found.equals(build_matrix(archive, DATES, CATALOGUE))


@given(random=randoms)
def test_children_outside_the_family_change_nothing(random: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features.migrations, "MIGRATION_STOCK", 10_000)  # a migration is told from everybody's episodes
    town = a_town(random)
    both = [[_among_strangers(random, night) for night in nights] for nights in town]
    mixed = build_matrix(side_by_side(both), DATES, CATALOGUE)
    is_stranger = pl.col("person_id").str.contains("other ")
    ours, strangers = mixed.filter(~is_stranger), mixed.filter(is_stranger)
    alone = build_matrix(side_by_side(town), DATES, CATALOGUE)
    assert strangers.height
    assert ours.drop("row").equals(alone.drop("row"))


def _among_strangers(random: Random, night: Night) -> Night:
    """The night with rows that have no id in common with anybody's."""
    tables = dict(night.tables)
    for name, rows in tables.items():
        ids = [column.name for column in TABLES[name].kept if column.kind is Kind.ID]
        more = some_rows(random, name, 8).values() if rows else []
        tables[name] = rows + [row | {one: f"other {row[one]}" for one in ids if row[one]} for row in more]
    return replace(night, tables=tables)


@given(random=randoms)
def test_night_by_night_gives_what_one_load_gives(random: Random) -> None:
    """Where every night shows its day, the assumption of a first load (known when it happened) holds.

    Merged records are left out: a first load does not tell which pseudonym a row had before.
    """
    truths = [_truth(random) for _ in a_town(random)]
    one_load, by_night = side_by_side([[truth] for truth in truths]), side_by_side([_in_nights(truth) for truth in truths])
    assume(by_night.table("ssd_cin_episodes").height > one_load.table("ssd_cin_episodes").height)  # closings came as corrections
    assert build_matrix(by_night, DATES, CATALOGUE).equals(build_matrix(one_load, DATES, CATALOGUE))


def _truth(random: Random) -> Night:
    """What the case system shows in the end."""
    (world,) = a_world(random, nights=1)
    last = replace(world, day=AS_OF + timedelta(days=40), window_start=date(2000, 1, 1))
    return _seen_on(replace(last, tables=last.tables | {"ext_person_links": []}), last.day)


def _in_nights(truth: Night) -> list[Night]:
    return [_seen_on(truth, day) for day in (EARLIER, AS_OF)] + [truth]


def _seen_on(truth: Night, day: date) -> Night:
    """What the case system shows of the truth at the end of a day."""
    whole = Reference([truth])
    tables = {}
    for name, rows in truth.tables.items():
        table = TABLES[name]
        shown = {row[table.key]: row for row in whole.shown(name, set(CHILDREN), day)}
        seen = {child for child in CHILDREN if whole.was_seen(child, day)}
        tables[name] = [
            {column.name: _or_no(column, shown[row[table.key]][column.name]) for column in table.kept}
            for row in rows
            if row[table.key] in shown and (name != "ssd_family" or row[table.person] in seen)
        ]
    return replace(truth, day=day, tables=tables)


def _or_no(column: Column, value: object) -> object:
    """Case systems show "no" where a required decision has not been taken yet."""
    return False if value is None and column.required and column.kind is Kind.YESNO else value
