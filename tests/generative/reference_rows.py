"""What was known of the children on any date, in dictionaries and loops, from the nights alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from validation.contract import Table
from validation.extract import ExtractRule
from validation.tables.catalogue import TABLES

Row = dict[str, Any]
DAY = timedelta(days=1)
NEVER, ALWAYS = date(9999, 1, 1), date(1, 1, 1)


@dataclass(frozen=True)
class Night:
    """What one extract held: rows as dictionaries of the kept columns."""

    day: date
    window_start: date
    tables: dict[str, list[Row]]
    rule: ExtractRule = ExtractRule.OVERLAPPING


@dataclass(frozen=True)
class Version:
    """A row as it was known from one day until the day before another."""

    row: Row
    since: date
    until: date

    def known(self, day: date) -> bool:
        return self.since <= day < self.until


def next_working_day(day: date) -> date:
    day += DAY
    while day.weekday() > 4:
        day += DAY
    return day


class Rows:
    """The rows of every table as they were known, night by night."""

    def __init__(self, nights: Sequence[Night]) -> None:
        self.nights = nights
        self.versions: dict[str, list[Version]] = {}
        self.aged: dict[tuple[str, date], set[str]] = {}
        for name, table in TABLES.items():
            self.versions[name] = self._versions(table)
        self._memory: dict[Any, Any] = {}

    def _versions(self, table: Table) -> list[Version]:
        found: list[Version] = []
        standing: dict[str, tuple[Row, date]] = {}
        aged: set[str] = set()
        first = True
        for night in self.nights:
            rows = {row[table.key]: row for row in night.tables.get(table.name, [])}
            if not rows:
                continue
            for key, row in rows.items():
                if key in standing and standing[key][0] == row and key not in aged:
                    continue
                aged.discard(key)
                if key in standing:
                    found.append(Version(*standing[key], until=night.day))
                since = min(self._assumed(table, row, night.day), night.day) if first else night.day
                standing[key] = row, since
            for key in [key for key in standing if key not in rows and key not in aged]:
                row, since = standing[key]
                if not self._has_aged_out(table, row, night):
                    found.append(Version(*standing.pop(key), until=night.day))
                    continue
                aged.add(key)
                if table.ends and row[table.ends] is None:  # it ended some time before tonight, unseen
                    found.append(Version(row, since, until=night.day))
                    standing[key] = row | {table.ends: night.day}, night.day
            self.aged[table.name, night.day] = set(aged)
            first = False
        return found + [Version(row, since, NEVER) for row, since in standing.values()]

    def _assumed(self, table: Table, row: Row, night: date) -> date:
        """When a row of the first load is taken to have been known: on the day that it happened."""
        if table.happened is None:
            return ALWAYS
        if "." not in table.happened:
            return row[table.happened] or night
        parent, column = table.happened.split(".")
        reference = next(one.column for one in table.references if one.table == parent)
        key = TABLES[parent].key
        parents = [version for version in self.versions[parent] if version.row[key] == row[reference]]
        return min(parents, key=lambda version: version.since).row[column] or night if parents else night

    def _has_aged_out(self, table: Table, row: Row, night: Night) -> bool:
        """Has a row that is gone tonight left because the extract's rule no longer asks for it?"""
        dated = table.happened is not None and "." not in table.happened
        if table.happened is None and not table.references:
            return True
        for one in table.references:
            counts = table.happened is None or one.table != "ssd_person"
            if counts and row[one.column] in self.aged.get((one.table, night.day), ()):
                return True
        if not dated:
            return False
        if night.rule is ExtractRule.STARTED_OR_OPEN:
            return (row[table.happened] or NEVER) < night.window_start
        return (row[table.ends or table.happened] or NEVER) < night.window_start

    def shown(self, name: str, subjects: Iterable[str], as_of: date) -> list[Row]:
        """The rows of the children, with the values that they had and showed at the end of ``as_of``."""
        table = TABLES[name]
        if ("shown", name, as_of) not in self._memory:
            self._memory["shown", name, as_of] = self._shown(table, as_of)
        return [row for row in self._memory["shown", name, as_of] if row["subject"] in set(subjects)]

    def _shown(self, table: Table, as_of: date) -> list[Row]:
        result = []
        for version in self.versions[table.name]:
            if not version.known(as_of):
                continue
            row = dict(version.row)
            for column in table.kept:
                if column.revealed_by is not None:
                    day = version.row[column.revealed_by]
                    for _ in range(column.revealed_after_working_days):
                        day = day and next_working_day(day)
                    if day is None or day > as_of:
                        row[column.name] = None
            for parent in self._parents(table, row, as_of):
                if table.person is None:
                    happened = parent[table.happened.split(".")[1]]
                else:
                    happened = row[table.happened] if table.happened else ALWAYS
                if happened is not None and happened <= as_of:
                    result.append({**row, "happened": happened, "subject": parent["subject"]})
        return result

    def _parents(self, table: Table, row: Row, as_of: date) -> list[Row]:
        if table.person is not None:
            return [{"subject": row[table.person]}]
        parent = table.happened.split(".")[0]
        reference = next(one.column for one in table.references if one.table == parent)
        return [one for one in self._shown(TABLES[parent], as_of) if one[TABLES[parent].key] == row[reference]]
