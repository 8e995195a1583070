"""Small invented histories: a few children, a few rows, dates at the edges of the windows, and several nights.

A world is a list of nights (see ``reference_rows.py``). Ids are readable words; the core does not ask for pseudonyms. Hypothesis
draws the seed; rows come from the seed alone, so that worlds are dense from the first one on.

What a matrix costs hangs on its features and hardly on its rows. So worlds are looked at several at a time: a town is worlds side
by side in one archive, with nothing in common but the days on which everybody's cases moved.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

import polars as pl
from hypothesis import strategies as st

from tests.generative.reference_rows import Night, Row
from validation.codes import codes
from validation.contract import Column, Kind, Table
from validation.extract import ExtractRule
from validation.history import Archive, aged_out_keys, build_archive, current, difference
from validation.tables.catalogue import TABLES

AS_OF = date(2024, 11, 25)  # a Monday: the weekend before it hides what Friday's referrals came to
EARLIER = AS_OF - timedelta(days=28)
DATES = (EARLIER, AS_OF)

CHILDREN = ("c1", "c2", "c3", "c4")
EDGES = (-40, -3, -1, 0, 0, 1, 2, 3, 4, 27, 28, 29, 60, 89, 90, 91, 179, 180, 200, 364, 365, 366, 500, 729, 730, 731)
BIRTHS = (None, date(2006, 11, 1), date(2006, 12, 1), date(2020, 5, 1), date(2015, 2, 1), date(2024, 11, 1), date(2024, 12, 1))
DEATHS = (None,) * 8 + (date(2024, 11, 1), date(2024, 12, 1))
FACTORS = ("-", "3A", "16A|3A", "1B|2B|4A|4B", "15A|17A|18A", "10A|19A|7A")
CODES = {  # those that features look for, and some that they do not
    "referral_source": ("6", "2A", "3A", "1A", "5A", "8"),
    "closure_reason": ("RC8", "RC9", "RC1", "RC7"),
    "contact_outcome_flags": ("NFA", "ADVICE", "ADVICE|NFA", "-"),
    "assessment_factors": FACTORS,
    "cla_start_reason": ("S", "P"),
}
OPTIONAL = tuple(
    name for name in TABLES if name not in {"ssd_cin_episodes", "ssd_disability", "ext_deprivation", "ext_workforce"}
)
KEYS = {"ssd_person": 4, "ssd_cin_episodes": 12, "ext_person_links": 2}

randoms = st.randoms(use_true_random=True)


def seeded(seed: int) -> Random:
    """The same world for the same seed, for tests that look at several worlds together."""
    return Random(seed)  # noqa: S311


def _some_day(random: Random) -> date:
    return AS_OF - timedelta(days=random.choice(EDGES))


def _value(random: Random, table: Table, column: Column) -> Any:  # noqa: PLR0911
    """What a column may hold; an optional one is empty now and then."""
    if column.name == "pers_death_date":
        return random.choice(DEATHS)
    if column.kind is Kind.MONTH:
        return random.choice(BIRTHS)
    if column.name.endswith("person_id"):
        return random.choice((*CHILDREN, *CHILDREN[:2]))
    if not column.required and random.random() < 0.2:
        return None
    if column.kind is Kind.ID:
        parent = next((one.table for one in table.references if one.column == column.name), "family")
        return f"{parent}-{random.randrange(4)}"
    if column.kind is Kind.DATE:
        return _some_day(random)
    if column.kind is Kind.YESNO:
        return random.random() < 0.4
    if column.kind in {Kind.CODE, Kind.CODES}:
        return random.choice(CODES.get(column.codes or "") or tuple(codes(column.codes or "")))
    return random.randint(0, 10)


def _row(random: Random, table: Table, number: int) -> Row:
    """A row with the key of that number, and no end before its beginning, as the gate leaves it."""
    row = {column.name: _value(random, table, column) for column in table.kept}
    row[table.key] = CHILDREN[number] if table.name == "ssd_person" else f"{table.name}-{number}"
    if table.name == "ssd_cin_episodes" and random.random() < 0.4:
        row["cine_close_date"] = row["cine_close_reason"] = None
        row["cine_referral_nfa"] = False
    for order in table.orders:
        if row[order.later] is not None and row[order.later] < row[order.earlier]:
            row[order.earlier], row[order.later] = row[order.later], row[order.earlier]
    return row


def some_rows(random: Random, name: str, most: int) -> dict[str, Row]:
    """Up to ``most`` rows of a table by key."""
    table, keys = TABLES[name], KEYS.get(name, 8)
    count = random.randint(min(most, keys) // 2, min(most, keys))
    chosen = [_row(random, table, number) for number in random.sample(range(keys), count)]
    return {row[table.key]: row for row in chosen}


def a_world(random: Random, nights: int | None = None) -> list[Night]:
    """One to three nights: each shows the last one's rows, but for some that are new, corrected or gone."""
    tables = ("ssd_cin_episodes", *(name for name in OPTIONAL if random.random() < 0.85))
    days_ago = random.sample((-400, -35, -1, 0, 1, 14, 28, 40, 300), nights or random.randint(1, 3))
    window_days = random.choice((150, 3000, 3000))
    rule = random.choice(list(ExtractRule))
    shown = {name: some_rows(random, name, 12) for name in tables}
    found: list[Night] = []
    for ago in sorted(days_ago, reverse=True):
        day = AS_OF - timedelta(days=ago)
        held = {name: list(rows.values()) for name, rows in shown.items()}
        found.append(Night(day, day - timedelta(days=window_days), held, rule))
        shown = {name: _a_night_later(random, name, rows) for name, rows in shown.items()}
    return found


def _a_night_later(random: Random, name: str, before: dict[str, Row]) -> dict[str, Row]:
    """The rows of a table a night later: some new or rewritten, some gone, most as they were."""
    kept = {key: row for key, row in before.items() if random.random() < 0.85}
    return kept | some_rows(random, name, random.choice((0, 1, 2)))


def frames(shown: Mapping[str, list[Row]]) -> dict[str, pl.DataFrame]:
    """An extract's tables as accepted frames."""
    return {name: pl.DataFrame(found, schema=TABLES[name].schema) for name, found in shown.items() if found}


def archived(nights: Sequence[Night]) -> Archive:
    """The archive that the nights make."""
    return build_archive(vintages_of(nights), min(night.window_start for night in nights), nights[-1].day)


def vintages_of(nights: Sequence[Night]) -> dict[str, list[tuple[date, pl.DataFrame]]]:
    """The vintages of each table, one night after the other, as the nightly flow makes them."""
    vintages: dict[str, list[tuple[date, pl.DataFrame]]] = {}
    for night in nights:
        shown = frames(night.tables)
        aged_out: dict[str, pl.Series] = {}
        for table in (TABLES[name] for name in TABLES if name in shown):
            known = vintages.setdefault(table.name, [])
            before = current(table, [vintage for _, vintage in known]) if known else None
            vintage = difference(
                table, before, shown[table.name], night.window_start, night.day, rule=night.rule, aged_out=aged_out
            )
            known.append((night.day, vintage))
            aged_out[table.name] = aged_out_keys(table, before, vintage)
    return vintages


Town = list[list[Night]]


def a_town(random: Random, nights: int | None = None, sizes: Sequence[int] = (1, 6, 10)) -> Town:
    """One world by itself, or several."""
    return [a_world(random, nights) for _ in range(random.choice(sizes))]


def side_by_side(town: Town) -> Archive:
    """The archive of a town: every id with the number of its world before it."""
    archives = [archived(nights) for nights in town]
    versions = {}
    for name, table in TABLES.items():
        ids = [column.name for column in table.kept if column.kind is Kind.ID]
        frames = [
            archive.versions[name].with_columns((pl.lit(_mark(world)) + pl.col(one)).alias(one) for one in ids)
            for world, archive in enumerate(archives)
            if name in archive.versions
        ]
        if frames:
            versions[name] = pl.concat(frames)
    first, last = min(one.window_start for one in archives), max(one.extract_date for one in archives)
    return Archive(versions, first, last)


def of_world(matrix: pl.DataFrame, world: int) -> pl.DataFrame:
    """The rows of one world of a town, with its own ids."""
    mine = matrix.filter(pl.col("person_id").str.starts_with(_mark(world))).drop("row")
    return mine.with_columns(pl.col(pl.String).str.strip_prefix(_mark(world)))


def _mark(world: int) -> str:
    return f"{world:02} "
