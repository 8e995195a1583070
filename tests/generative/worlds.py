"""Small invented histories: a few children, a few rows, dates at the edges of the windows, and several nights.

A world is a list of nights (see ``reference.py``). Ids are readable words; the core does not ask for pseudonyms.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from tests.generative.reference import Night, Row
from validation.codes import codes
from validation.contract import Column, Kind, Table
from validation.history import Archive, build_archive, current, difference
from validation.tables.catalogue import TABLES

AS_OF = date(2024, 11, 25)  # a Monday: the weekend before it hides what Friday's referrals came to
EARLIER = AS_OF - timedelta(days=28)
DATES = (EARLIER, AS_OF)

CHILDREN = ("c1", "c2", "c3", "c4")
EDGES = (-40, -3, -1, 0, 0, 1, 2, 3, 4, 27, 28, 29, 89, 90, 91, 180, 200, 364, 365, 366, 729, 730, 731)
BIRTHS = (None, date(2006, 11, 1), date(2006, 12, 1), date(2020, 5, 1), date(2024, 11, 1), date(2024, 12, 1))
CODES = {  # those that features look for, and some that they do not
    "referral_source": ("6", "2A", "3A", "1A", "5A", "8"),
    "closure_reason": ("RC8", "RC9", "RC1", "RC7"),
    "contact_outcome_flags": ("NFA", "ADVICE", "ADVICE|NFA", "-"),
    "assessment_factors": ("-", "3A", "16A|3A", "2B|7A"),
    "cla_start_reason": ("S", "P"),
}
CORE = ("ssd_person", "ssd_cin_episodes", "ssd_family")
OTHERS = tuple(name for name in TABLES if name not in (*CORE, "ssd_disability", "ext_workforce"))
KEYS = {"ssd_cin_episodes": 6, "ssd_person": 4, "ssd_family": 5}

days = st.sampled_from(EDGES).map(lambda back: AS_OF - timedelta(days=back))


def _values(table: Table, column: Column) -> st.SearchStrategy[Any]:
    """What a column may hold."""
    if column.name == table.key:
        return st.sampled_from([f"{table.name}-{number}" for number in range(KEYS.get(table.name, 4))])
    if column.name.endswith("person_id"):
        return st.sampled_from(CHILDREN)
    if column.name in {"pers_dob", "pers_expected_dob"}:
        return st.sampled_from(BIRTHS)
    if column.name == "pers_death_date":
        return st.sampled_from([None, None, None, None, date(2024, 11, 1), date(2024, 12, 1)])
    match column.kind:
        case Kind.ID:
            parent = next((one.table for one in table.references if one.column == column.name), "family")
            return st.sampled_from([f"{parent}-{number}" for number in range(2)])
        case Kind.DATE | Kind.MONTH:
            return days if column.required else st.none() | days
        case Kind.CODE | Kind.CODES:
            known = CODES.get(column.codes or "") or tuple(codes(column.codes or ""))[:3]
            return st.sampled_from(known if column.required else (None, *known))
        case Kind.YESNO:
            return st.booleans()
        case _:
            return st.integers(0, 10) if column.required else st.none() | st.integers(0, 10)


def _in_order(table: Table, row: Row) -> Row:
    """The row with no end before its beginning, as the gate leaves it."""
    for order in table.orders:
        if row[order.later] is not None and row[order.later] < row[order.earlier]:
            row[order.later] = row[order.earlier] + (row[order.earlier] - row[order.later])
    if table.name == "ssd_person":
        row["pers_person_id"] = CHILDREN[int(row["pers_person_id"][-1]) - 1 if row["pers_person_id"] in CHILDREN else 0]
    return row


ROWS = {
    name: st.fixed_dictionaries({column.name: _values(table, column) for column in table.kept}).map(
        lambda row, table=table: _in_order(table, row)
    )
    for name, table in TABLES.items()
}


def rows(name: str, most: int) -> st.SearchStrategy[list[Row]]:
    """Up to ``most`` rows of a table, each with a key of its own."""
    key = TABLES[name].key
    return st.lists(ROWS[name], max_size=most, unique_by=lambda row: row[key])


@st.composite
def extracts(draw: st.DrawFn, tables: Sequence[str]) -> dict[str, list[Row]]:
    """What one night shows of the tables."""
    return {name: draw(rows(name, KEYS.get(name, 3))) for name in tables}


@st.composite
def worlds(draw: st.DrawFn) -> list[Night]:
    """One to three nights: each shows the last one's rows, but for some that are new, corrected or gone."""
    tables = (*CORE, *draw(st.lists(st.sampled_from(OTHERS), max_size=5, unique=True)))
    days_back = draw(st.lists(st.sampled_from((-400, -35, -1, 0, 1, 14, 28, 40, 300)), min_size=1, max_size=3, unique=True))
    window_days = draw(st.sampled_from((150, 3000)))
    nights: list[Night] = []
    shown: dict[str, list[Row]] = draw(extracts(tables))
    for back in sorted(days_back, reverse=True):
        day = AS_OF - timedelta(days=back)
        if nights:
            shown = {name: _changed(draw, name, shown[name]) for name in tables}
        nights.append(Night(day, day - timedelta(days=window_days), shown))
    return nights


def _changed(draw: st.DrawFn, name: str, before: list[Row]) -> list[Row]:
    """The rows of a table a night later."""
    key = TABLES[name].key
    after = {row[key]: row for row in before}
    after |= {row[key]: row for row in draw(rows(name, 2))}
    for gone in draw(st.lists(st.sampled_from(sorted(after)), max_size=1)) if after else []:
        del after[gone]
    return list(after.values())


def frames(shown: Mapping[str, list[Row]]) -> dict[str, pl.DataFrame]:
    """An extract's tables as accepted frames."""
    return {name: pl.DataFrame(found, schema=TABLES[name].schema) for name, found in shown.items() if found}


def archived(nights: Sequence[Night]) -> Archive:
    """The archive that the nights make, one after the other, as the nightly flow makes it."""
    vintages: dict[str, list[tuple[date, pl.DataFrame]]] = {}
    for night in nights:
        for name, frame in frames(night.tables).items():
            known = vintages.setdefault(name, [])
            before = current(TABLES[name], [vintage for _, vintage in known]) if known else None
            known.append((night.day, difference(TABLES[name], before, frame, night.window_start, night.day)))
    return build_archive(vintages, min(night.window_start for night in nights), nights[-1].day)
