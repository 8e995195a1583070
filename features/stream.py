"""What a stream of events is, and the words in which features are written over it.

``CONTACTS.where(source="Police").count(365)`` is the number of contacts by the police in the last year. A stream names its
table, which of its dates an event is dated by, and the values that it offers; it never sees a row, so it cannot look past the
cut. A stream that reads a column which may not be a feature, or one that is filled in later than its own date, is refused when
it is declared, by name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import polars as pl

from features.measure import LOOK_BACK_DAYS, Aggregate, Composition, Measure, Whose, difference
from validation.codes import codes
from validation.contract import Kind, Sensitivity, Table


class Source(StrEnum):
    """Where a stream's events come from."""

    TABLE = "rows of its table"
    REFERRALS = "cases that began before the one that is open now, by their referral"
    DECISIONS = "cases that began before the one that is open now, by the decision on their referral"
    CLOSINGS = "cases that began before the one that is open now, by their closing"
    BEGINNINGS = "cases, by their referral"
    SIBLINGS = "brothers and sisters on record"
    CASE = "the case as it stands"


OF_CASES = frozenset({Source.REFERRALS, Source.DECISIONS, Source.CLOSINGS, Source.BEGINNINGS})
DERIVED: Mapping[str, pl.DataType] = {  # columns of cases, not of a table
    "happened": pl.Date(), "as_of": pl.Date(), "began_on": pl.Date(), "closed_on": pl.Date(), "dob": pl.Date(),
    "source": pl.String(),
}  # fmt: skip
TOLD_FROM = {"source": ("ssd_cin_episodes", "cine_referral_source_code"), "dob": ("ssd_person", "pers_dob")}
MENDED = ("cine_referral_date", "cine_referral_nfa", "cine_close_date")  # what episodes are joined into cases by
ANSWERS = {Source.CASE: frozenset({Aggregate.LATEST}), Source.SIBLINGS: frozenset({Aggregate.COUNT})}


@dataclass(frozen=True, eq=False)
class Stream:
    """A named stream of events.

    ``happened`` is the date column that an event is dated by, ``values`` what features may filter on or aggregate, each an
    expression over the table's columns, ``left_out`` marks rows that are no events, ``each`` a column of joined codes of which
    every code is an event of its own.
    """

    name: str
    table: Table
    happened: str
    values: Mapping[str, pl.Expr]
    left_out: pl.Expr | None = None
    each: str | None = None
    source: Source = Source.TABLE

    def __post_init__(self) -> None:
        """Refuse what may not be a feature, and what is known later than the stream's own date."""
        for name in self.columns:
            self._refuse(name)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of its table that it reads for all its values."""
        return tuple(sorted(column for table, column in self.reads(self.values) if table == self.table.name))

    def reads(self, values: Iterable[str]) -> frozenset[tuple[str, str]]:
        """Table and column pairs that must be there to tell the events and these of their values."""
        told = [self.values[name] for name in values] + ([] if self.left_out is None else [self.left_out])
        roots = {self.happened, *([self.each] if self.each else []), *(root for one in told for root in one.meta.root_names())}
        if self.source is Source.TABLE:
            own, other = roots - {"happened"}, {self._dated_elsewhere} if "happened" in roots else set()
        else:
            own = roots - set(DERIVED) | (set() if self.source is Source.SIBLINGS else set(MENDED))
            other = {TOLD_FROM[root] for root in roots & set(TOLD_FROM)}
        return frozenset({(self.table.name, column) for column in own} | other)

    @property
    def _dated_elsewhere(self) -> tuple[str, str]:
        """Table and column of the date of rows that have none of their own."""
        table, _, column = (self.table.happened or "").partition(".")
        return table, column

    @cached_property
    def allowed(self) -> Mapping[str, tuple[Any, ...]]:
        """All that a value can be, for each value that is one of a list of codes, one of some groups, or yes or no."""
        schema = pl.LazyFrame(schema={**self.table.schema, **DERIVED}).select(**self.values).collect_schema()
        return {name: known for name, dtype in schema.items() if (known := self._known_values(name, dtype)) is not None}

    def _known_values(self, name: str, dtype: pl.DataType) -> tuple[Any, ...] | None:
        if dtype == pl.Boolean:
            return (False, True)
        if isinstance(dtype, pl.Enum):
            return tuple(dtype.categories)
        for column in self.table.columns:
            one_code = column.kind is Kind.CODE or column.name == self.each
            if one_code and column.codes and self.values[name].meta.eq(pl.col(column.name)):
                return tuple(codes(column.codes))
        return None

    def _refuse(self, name: str) -> None:
        known = {column.name: column for column in self.table.columns}
        if name not in known:
            raise ValueError(f"Stream '{self.name}' reads '{name}', which '{self.table.name}' does not have: see its columns.")
        column = known[name]
        if column.sensitivity is not Sensitivity.FEATURE:
            raise ValueError(
                f"Stream '{self.name}' reads '{name}', which is classed as {column.sensitivity}: a feature may read "
                f"columns classed as {Sensitivity.FEATURE} only."
            )
        if self.source is not Source.TABLE:
            return
        if name == self.happened:
            if column.kind not in {Kind.DATE, Kind.MONTH}:
                raise ValueError(
                    f"Stream '{self.name}' is dated by '{name}', which holds no date but a {column.kind}: give a date."
                )
            return
        late = column.revealed_by not in {None, self.happened} or column.revealed_after_working_days > 0
        if late and not self._only_ends_a_spell(name):
            raise ValueError(
                f"Stream '{self.name}' is dated by '{self.happened}' and reads '{name}', which is filled in later, on "
                f"'{column.revealed_by}' or after it: date the stream by the day on which it is known."
            )

    def _only_ends_a_spell(self, name: str) -> bool:
        """Is it read as the end of the table's spells, by which is told what is open now, and for nothing else?"""
        others = [expression for value, expression in self.values.items() if value != "ended"]
        others += [] if self.left_out is None else [self.left_out]
        return name == self.table.ends and name != self.each and all(name not in other.meta.root_names() for other in others)

    @property
    def answers(self) -> frozenset[Aggregate]:
        """What may be asked of it: of the case and of who is on record, only what is so on the day."""
        return ANSWERS.get(self.source, frozenset(Aggregate))

    @property
    def before_the_case(self) -> bool:
        """Does it hold only what belongs to cases that began before the one that is open now?"""
        return self.source in {Source.REFERRALS, Source.DECISIONS, Source.CLOSINGS}


@dataclass(frozen=True)
class Events:
    """Events of a stream that a feature counts: some of them, of the child or of brothers and sisters."""

    stream: Stream
    only: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    whose: Whose = Whose.CHILD

    def where(self, **values: Any) -> "Events":
        """Only the events whose values are these: one value, or a tuple of which each will do."""
        more = tuple((name, value if isinstance(value, tuple) else (value,)) for name, value in values.items())
        return replace(self, only=self.only + more)

    def of_siblings(self) -> "Events":
        """The events of other children of the same family."""
        if self.stream.before_the_case or self.stream.source is Source.CASE:
            raise ValueError(
                f"Stream '{self.stream.name}' is told from the child's own open case, which brothers and sisters need not have: "
                f"count the rows of a table, or all referrals."
            )
        return replace(self, whose=Whose.SIBLINGS)

    def _measure(self, aggregate: Aggregate, within: int, value: str | None = None, until: int = 0) -> Measure:
        return Measure(self.stream, aggregate, within, until, value, self.only, self.whose)

    def count(self, within: int = LOOK_BACK_DAYS) -> Measure:
        """How many events."""
        return self._measure(Aggregate.COUNT, within)

    def any(self, within: int = LOOK_BACK_DAYS) -> Measure:
        """Whether there is an event."""
        return self._measure(Aggregate.ANY, within)

    def change(self, days: int) -> Composition:
        """How many more events in the last ``days`` than in as many days before them."""
        return difference(self.count(days), self._measure(Aggregate.COUNT, 2 * days, until=days))

    def days_since_last(self, within: int = LOOK_BACK_DAYS) -> Measure:
        """Days since the latest event."""
        return self._measure(Aggregate.DAYS_SINCE_LAST, within)

    def days_since_first(self, within: int = LOOK_BACK_DAYS) -> Measure:
        """Days since the earliest event in the window."""
        return self._measure(Aggregate.DAYS_SINCE_FIRST, within)

    def open_now(self, within: int = LOOK_BACK_DAYS) -> Measure:
        """Whether a spell that began in the window has not ended."""
        return self._measure(Aggregate.OPEN_NOW, within)

    def distinct(self, value: str, within: int = LOOK_BACK_DAYS) -> Measure:
        """How many different values."""
        return self._measure(Aggregate.DISTINCT, within, value)

    def total(self, value: str, within: int = LOOK_BACK_DAYS) -> Measure:
        """The sum of the values."""
        return self._measure(Aggregate.SUM, within, value)

    def mean(self, value: str, within: int = LOOK_BACK_DAYS) -> Measure:
        """The mean of the values."""
        return self._measure(Aggregate.MEAN, within, value)

    def most(self, value: str, within: int = LOOK_BACK_DAYS) -> Measure:
        """The largest value."""
        return self._measure(Aggregate.MAX, within, value)

    def share(self, value: str, within: int = LOOK_BACK_DAYS) -> Measure:
        """The share of events for which ``value`` is yes."""
        return self._measure(Aggregate.SHARE, within, value)

    def latest(self, value: str, within: int = LOOK_BACK_DAYS) -> Measure:
        """The value of the latest event that has one."""
        return self._measure(Aggregate.LATEST, within, value)

    def trend(self, value: str, within: int = LOOK_BACK_DAYS) -> Measure:
        """The slope of the values over time, per 365 days; empty where their days lie closer together than two 28 days apart."""
        return self._measure(Aggregate.TREND, within, value)
