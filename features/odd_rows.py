"""Rows for which facts do not show what was known on their day, and their values, read the direct way."""

from collections.abc import Mapping
from functools import cached_property

import polars as pl

from features.direct import View, events_at
from features.facts import Facts
from features.measure import Measure, Whose
from features.migrations import Migrations
from features.people import records, siblings
from features.readings import axis_of, read, read_measures
from features.stream import OF_CASES, Source, Stream
from validation.tables.episodes import ASSESSMENTS, FACTORS
from validation.tables.local import PERSON_LINKS
from validation.tables.people import FAMILY

Group = tuple[Stream, Whose]


class OddRows:
    """The odd rows among ``rows``, which are sorted by ``child`` and ``as_of`` and have ``group``."""

    def __init__(self, facts: Facts, rows: pl.DataFrame, migrations: Migrations) -> None:
        self.facts, self.rows, self.migrations = facts, rows, migrations
        self.axis, self.unusual = axis_of(rows["as_of"]), migrations.unusual()
        self.today = rows.select(key=self.axis.key(pl.col("child"), pl.col("as_of")))["key"]
        self.marks: dict[str, pl.Series] = {}
        self.views: dict[tuple[str, Whose, bool], View] = {}

    @cached_property
    def children(self) -> pl.DataFrame:
        """The children of the rows and of their families: ``child``, ``group``, ``first_seen``."""
        children = self.facts["children"].select("child", "group", "first_seen").collect(engine="in-memory")
        return children.join(self.rows.select("group").unique(), on="group", how="semi")

    @cached_property
    def anything_merged(self) -> bool:
        """Was any record merged into another?"""
        return not self.facts[f"versions/{PERSON_LINKS.name}"].head(1).collect(engine="in-memory").is_empty()

    def places(self, group: Group) -> pl.Series:
        """The places of a group's odd rows, in order."""
        stream, whose = group
        of_siblings = whose is Whose.SIBLINGS
        marks = [self._covered(f"{'exceptions of siblings' if of_siblings else 'exceptions'}/{stream.table.name}")]
        if stream.source in OF_CASES and self.unusual.height:
            marks.append(self._on_unusual_days(of_siblings=of_siblings))
        return pl.DataFrame(marks).select(odd=pl.any_horizontal(pl.all()))["odd"].arg_true()

    def values(self, group: Group, places: pl.Series, measures: Mapping[str, Measure]) -> pl.DataFrame:
        """The measures of a group for the rows at its odd ``places``, in their order."""
        stream, whose = group
        key = (stream.table.name, whose, stream.source is Source.TABLE)
        if key not in self.views:
            self.views[key] = self._view(stream, whose, self.rows[places])
        view = self.views[key]
        # Each row is read as a child of its own, so that every one has the events that were known on its day.
        events = events_at(stream, view).filter(pl.col("happened") > self.axis.origin).rename({"row": "child"})
        rows = view.cohort.select("as_of", "began_on", child="row")
        return read_measures(events, rows, self.axis, measures)

    def _covered(self, name: str) -> pl.Series:
        """Which rows lie in a span of these exceptions?"""
        if name not in self.marks:
            first, last = self.rows["as_of"].min(), self.rows["as_of"].max()
            spans = self.facts[name].filter(pl.col("since") <= last, pl.col("until") > first).collect(engine="in-memory")
            child, origin, end = pl.col("child"), pl.lit(self.axis.origin), pl.lit(last).dt.offset_by("1d")
            table = spans.select(
                key=self.axis.key(child, pl.max_horizontal("since", origin)),
                until=self.axis.key(child, pl.min_horizontal("until", end)),
            )
            self.marks[name] = (read(self.today, table)["until"] > self.today).fill_null(value=False).alias(name)
        return self.marks[name]

    def _on_unusual_days(self, *, of_siblings: bool) -> pl.Series:
        """Which rows' children had a referral on a day that counts as a migration on the row's day alone?"""
        by = "group" if of_siblings else "child"
        referred = self.facts["episodes"].select("child", day="cine_referral_date").collect(engine="in-memory")
        hit = self.unusual.join(referred, on="day").join(self.children, on="child").select(by, "as_of").unique()
        marked = hit.with_columns(hit=pl.lit(value=True))
        found = self.rows.join(marked, on=[by, "as_of"], how="left", maintain_order="left")
        return found["hit"].fill_null(value=False).alias("unusual days")

    def _view(self, stream: Stream, whose: Whose, rows: pl.DataFrame) -> View:
        """Every version of the records of the rows' children, or of their families."""
        of_families = whose is Whose.SIBLINGS or self.anything_merged
        children = self.children.join(rows, on="group" if of_families else "child", how="semi")
        tables = {stream.table.name, PERSON_LINKS.name} | ({ASSESSMENTS.name} if stream.table is FACTORS else set())
        tables |= {FAMILY.name} if whose is Whose.SIBLINGS else set()
        archive = self.facts.archive(tuple(sorted(tables)), children)
        cohort = rows.with_columns(pl.col("child").alias("person_id"), row=pl.int_range(pl.len(), dtype=pl.UInt32))
        who = records(archive, cohort)
        if whose is Whose.SIBLINGS:
            who = siblings(archive, who, children.select("first_seen", subject="child"))
        dates = rows.select("as_of").unique().sort("as_of")
        return View(archive, cohort, who, self.migrations.at(dates) if stream.source in OF_CASES else None)
