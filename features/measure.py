"""What a feature computes: an aggregate of events in a window, or two of them put together.

A data scientist writes ``CONTACTS.where(source="Police").count(YEAR)`` (see ``features/stream.py``); this module is what that
builds. **The window's edges, the same everywhere**: with ``within`` w and ``until`` u, an event of day e counts at ``as_of`` when
``as_of`` - w < e <= ``as_of`` - u; ``until`` is 0 unless a change between windows is asked for, so the day itself counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from features.stream import Stream

LOOK_BACK_DAYS = 730
DAYS_PER_YEAR = 365
LEAST_DAYS_APART = 28  # of the two days through which a straight line may be drawn: of closer ones it is steep by chance


class Aggregate(StrEnum):
    """How the events of a window become one number.

    A trend is empty unless its days fix a line as well as two days do that lie ``LEAST_DAYS_APART`` apart: the squared distances
    of the days from their mean add up to as much (to half of 28 squared, 392). More days never make it empty.
    """

    COUNT = "count"
    ANY = "any"
    DISTINCT = "distinct"  # how many different values
    SUM = "sum"
    MEAN = "mean"
    MAX = "max"
    SHARE = "share"  # of the events in the window whose value is known, those with value true; empty when there are none
    DAYS_SINCE_LAST = "days since the last"
    DAYS_SINCE_FIRST = "days since the first"
    LATEST = "value of the latest"  # of several known values on its day, the highest
    TREND = "trend"  # slope of the least-squares line through the values, per 365 days; see below for when it is empty
    OPEN_NOW = "one is open now"


class Operation(StrEnum):
    """How two measures become one."""

    DIFFERENCE = "less"
    RATIO = "divided by"


class Whose(StrEnum):
    """Whose events are read."""

    CHILD = "the child"
    SIBLINGS = "other children of the same family"


DATED = frozenset({Aggregate.DAYS_SINCE_LAST, Aggregate.DAYS_SINCE_FIRST})
COUNTED = frozenset({Aggregate.COUNT, Aggregate.ANY, Aggregate.DISTINCT, Aggregate.SUM, Aggregate.OPEN_NOW})
VALUED = frozenset(
    {Aggregate.DISTINCT, Aggregate.SUM, Aggregate.MEAN, Aggregate.MAX, Aggregate.SHARE, Aggregate.LATEST, Aggregate.TREND}
)
ADDITIVE = frozenset({Aggregate.COUNT, Aggregate.ANY, Aggregate.SUM, Aggregate.MEAN, Aggregate.SHARE})

DTYPES: Mapping[Aggregate, pl.DataType] = {
    Aggregate.COUNT: pl.UInt16(),
    Aggregate.ANY: pl.UInt8(),
    Aggregate.DISTINCT: pl.UInt8(),
    Aggregate.OPEN_NOW: pl.UInt8(),
    Aggregate.DAYS_SINCE_LAST: pl.UInt16(),
    Aggregate.DAYS_SINCE_FIRST: pl.UInt16(),
}


@dataclass(frozen=True)
class Measure:
    """An aggregate of the events of one stream in one window.

    ``where`` are the values that a column of the stream must have for an event to count, ``value`` the column that the
    aggregate reads, ``within`` and ``until`` the window in days.
    """

    stream: "Stream"
    aggregate: Aggregate
    within: int = LOOK_BACK_DAYS
    until: int = 0
    value: str | None = None
    where: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    whose: Whose = Whose.CHILD

    def __post_init__(self) -> None:
        """Refuse a measure that no stream can answer."""
        if not 0 <= self.until < self.within <= LOOK_BACK_DAYS:
            raise ValueError(
                f"A measure of '{self.stream.name}' looks back from {self.until} to {self.within} days: allowed are windows "
                f"between 0 and {LOOK_BACK_DAYS} days."
            )
        if self.until and self.aggregate not in ADDITIVE:
            raise ValueError(
                f"A measure of '{self.stream.name}' asks for '{self.aggregate}' in a window that ends {self.until} days ago: "
                f"only {', '.join(sorted(ADDITIVE))} may."
            )
        if (self.value is not None) != (self.aggregate in VALUED):
            raise ValueError(
                f"A measure of '{self.stream.name}' by '{self.aggregate}' has the value column '{self.value}': give one to "
                f"{', '.join(sorted(VALUED))} and to no other aggregate."
            )
        if "ended" in {self.value, *(name for name, _ in self.where)}:
            raise ValueError(
                f"A measure of '{self.stream.name}' reads 'ended', which is filled in later: only '{Aggregate.OPEN_NOW}' "
                "may; count ends in a stream that is dated by them."
            )
        unknown = self.reads - set(self.stream.values)
        if unknown:
            raise ValueError(
                f"A measure of '{self.stream.name}' reads {', '.join(map(repr, sorted(unknown)))}: the stream offers "
                f"{', '.join(map(repr, self.stream.values)) or 'no value'}."
            )
        self._refuse_what_never_is()

    def _refuse_what_never_is(self) -> None:
        """Refuse an aggregate that the stream does not answer, and a filter that no event of the stream can fit."""
        if self.aggregate not in self.stream.answers or (self.where and len(self.stream.answers) == 1):
            raise ValueError(
                f"A measure of '{self.stream.name}' asks for '{self.aggregate}'{' with a filter' if self.where else ''}: the "
                f"stream tells only what is so on the day, and answers '{next(iter(self.stream.answers))}' without a filter."
            )
        for name, values in self.where:
            allowed = self.stream.allowed.get(name)
            never = [value for value in values if allowed is not None and value not in allowed]
            if never or not values:
                raise ValueError(
                    f"A measure of '{self.stream.name}' counts where '{name}' is {' or '.join(map(repr, never)) or 'nothing'}, "
                    f"which it never is: allowed are {', '.join(map(repr, allowed or ())) or 'values'}."
                )

    @property
    def reads(self) -> frozenset[str]:
        """The values of the stream that it reads."""
        value = {self.value} if self.value else set()
        end = {"ended"} if self.aggregate is Aggregate.OPEN_NOW else set()
        return frozenset({name for name, _ in self.where} | value | end)

    @property
    def measures(self) -> tuple["Measure", ...]:
        """Itself."""
        return (self,)

    @property
    def dtype(self) -> pl.DataType:
        """The polars type of its column: counts are small, values may be empty."""
        return DTYPES.get(self.aggregate, pl.Float32())

    @property
    def zero_when_absent(self) -> bool:
        """Is there a zero, and not nothing, where no event counts?"""
        return self.aggregate in COUNTED

    def __str__(self) -> str:
        """The measure in words, for the dictionary."""
        of = f" of {self.value}" if self.value else ""
        where = " and ".join(f"{column} is {' or '.join(map(str, values))}" for column, values in self.where)
        whose = f", {self.whose}" if self.whose is Whose.SIBLINGS else ""
        window = f"{self.until} to {self.within}" if self.until else f"{self.within}"
        return f"{self.aggregate}{of} over {self.stream.name}{' where ' + where if where else ''}{whose}, {window} days"


@dataclass(frozen=True)
class Composition:
    """Two measures put together: their difference, or their ratio. Empty where either is, and where a ratio has no whole."""

    operation: Operation
    left: Measure
    right: Measure

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The two measures."""
        return (self.left, self.right)

    @property
    def dtype(self) -> pl.DataType:
        """A number with decimals."""
        return pl.Float32()

    @property
    def zero_when_absent(self) -> bool:
        """Is a difference of two counts zero where no event counts?"""
        return self.operation is Operation.DIFFERENCE and self.left.zero_when_absent and self.right.zero_when_absent

    def __str__(self) -> str:
        """The composition in words, for the dictionary."""
        return f"({self.left}) {self.operation} ({self.right})"


Formula = Measure | Composition


def difference(left: Measure, right: Measure) -> Composition:
    """``left`` less ``right``."""
    return Composition(Operation.DIFFERENCE, left, right)


def ratio(left: Measure, right: Measure) -> Composition:
    """``left`` divided by ``right``; empty where ``right`` is zero."""
    return Composition(Operation.RATIO, left, right)
