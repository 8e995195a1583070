"""No feature and no row of the cohort may know the future, nor hang on anything that it should not hang on.

One function tells what a change of the future changed in the matrix; the same function catches streams that leak on purpose.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings

import features.episodes
from features.catalogue import CATALOGUE
from features.definition import Aggregate, Direction, Family, Feature
from features.matrix import build_matrix
from features.streams import STREAMS, Stream, View
from tests.generative.reference import Night, Reference, Row, next_working_day
from tests.generative.worlds import AS_OF, DATES, EARLIER, a_world, archived, randoms, seeded, some_rows
from validation.contract import Column, Kind, Table
from validation.tables import episodes
from validation.tables.catalogue import TABLES

FEWER = settings(max_examples=settings().max_examples // 3)  # of the profile that is loaded


def changed_by_another_future(random: Random, nights: list[Night], declared: Sequence[Feature]) -> list[str]:
    """Columns of the matrix that differ once everything that became known after ``AS_OF`` is another."""
    ours, theirs = (
        # The groups of the splits are meant to be those over all links ever seen.
        build_matrix(archived(world), DATES, declared).drop("group_id")
        for world in (nights, another_future(random, nights))
    )
    if ours.height != theirs.height:
        return ["row"]
    return [name for name in ours.columns if not ours[name].equals(theirs[name], null_equal=True)]


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


def counting(stream: str, where: tuple[tuple[str, tuple[object, ...]], ...] = ()) -> Feature:
    words = "Number of leaks in it."
    return Feature(
        "leaky", Family.CASE, words, "count", stream, Aggregate.COUNT, Direction.EITHER, words, words, words, where=where
    )


def read_close_reasons_at_once(view: View) -> pl.DataFrame:
    """Closing reasons of the rows that are known, but not hidden until the closing."""
    known = (pl.col("known_from") <= pl.col("as_of")) & (pl.col("known_to").is_null() | (pl.col("known_to") > pl.col("as_of")))
    rows = view.archive.table("ssd_cin_episodes")
    return (
        view.who.join(rows, left_on="subject", right_on="cine_person_id")
        .filter(known, pl.col("cine_referral_date") <= pl.col("as_of"))
        .select("row", "as_of", happened="as_of", reason="cine_close_reason")
    )


def read_without_the_cut(view: View) -> pl.DataFrame:
    """The raw table: every row that the archive holds, whenever it happened and was known."""
    rows = view.archive.table("ssd_contacts")
    return view.who.join(rows, left_on="subject", right_on="cont_person_id").select("row", "as_of", happened="as_of")


LEAKY = {
    "a close reason before its day": (
        Stream("leaky", episodes.EPISODES, ("cine_close_reason",), ("reason",), read_close_reasons_at_once),
        (("reason", ("RC7", "RC8", "RC9")),),
    ),
    "the uncut table": (Stream("leaky", episodes.CONTACTS, ("cont_contact_date",), (), read_without_the_cut), ()),
}


@pytest.mark.parametrize("name", LEAKY)
def test_the_same_test_catches_streams_that_leak(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, where = LEAKY[name]
    monkeypatch.setitem(STREAMS, "leaky", stream)
    changed = [changed_by_another_future(seeded(seed), a_world(seeded(seed)), [counting("leaky", where)]) for seed in range(25)]
    assert changed.count(["leaky"]) >= 2
    assert all(names in ([], ["leaky"]) for names in changed)


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
    monkeypatch.setattr(features.episodes, "MIGRATION_STOCK", 100)  # a migration is told from everybody's episodes
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
