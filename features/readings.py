"""The ordinary way: every windowed value as the difference of two readings of a running total.

Events of a stream are sorted once by one whole number made of the child and the day. Totals run over the whole stream, across
children: the difference of two totals of one child is exact. Each distinct edge of a window is read once for all measures of the
stream, by one linear merge of two sorted columns. So the cost hangs neither on how long histories are nor on how many children a
family has, and a further measure costs its share of a column. Counts are packed, several in one number: a difference of packed
numbers is the packed differences.

Three things cannot be subtracted and have a method of their own: the largest value in a window (a table of maxima over stretches
of 1, 2, 4 ... events, of which two cover any window), the latest value (the last of the events that have one), and whether a
spell is open (those that began, less those that ended).

This way sees facts (see ``features/facts.py``); rows of whose child something was known otherwise on their day are not for it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, reduce

import polars as pl

from features.measure import DAYS_PER_YEAR, LEAST_DAYS_APART, LOOK_BACK_DAYS, Aggregate, Measure

SHIFT = 2**15  # days that fit beside a child's number: 89 years
WORD_BITS = 62
BITS = (4, 5, 6, 8, 10, 12, 15, 20)  # that a packed count may have: enough for so many events of one child in a window
WIDE_BITS = 31


EPOCH = date(1970, 1, 1)  # from which polars counts days


@dataclass(frozen=True)
class Axis:
    """Days as whole numbers from an origin that lies before every window."""

    origin: date

    def day(self, day: pl.Expr) -> pl.Expr:
        """Days since the origin."""
        return day.cast(pl.Int32).cast(pl.Int64) - (self.origin - EPOCH).days

    def key(self, child: pl.Expr, day: pl.Expr) -> pl.Expr:
        """One whole number that sorts by child and day."""
        return child.cast(pl.Int64) * SHIFT + self.day(day)


def axis_of(dates: pl.Series) -> Axis:
    """The axis for rows of these dates, of which there is one. Raises ``ValueError`` when they lie too far apart for it."""
    first, last = (day for day in (dates.min(), dates.max()) if isinstance(day, date))
    origin = first - timedelta(days=LOOK_BACK_DAYS + 1)
    if (last - origin).days >= SHIFT:
        raise ValueError(f"The dates {first} to {last} lie too far apart: allowed are {SHIFT - LOOK_BACK_DAYS - 2} days.")
    return Axis(origin)


class Edges:
    """The keys at which totals are read: one for each row and each number of days that an edge lies back.

    ``rows`` is sorted by ``child`` and ``as_of`` and has ``began_on``. With ``before``, nothing counts from that day on.
    """

    def __init__(self, rows: pl.DataFrame, axis: Axis, *, before: bool) -> None:
        child = pl.col("child")
        self.today = rows.select(key=axis.key(child, pl.col("as_of")))["key"]
        self.last = rows.select(key=axis.key(child, pl.col("began_on")) - 1)["key"] if before else None

    def at(self, back: int) -> pl.Series:
        """The keys of the days so many days before ``as_of``, or of the last day that counts where that is earlier."""
        keys = self.today - back
        if self.last is None:
            return keys
        return pl.DataFrame({"day": keys, "last": self.last}).min_horizontal().alias("key")


def read(keys: pl.Series, table: pl.DataFrame) -> pl.DataFrame:
    """For each key the row of ``table`` (sorted by ``key``) with the largest key not above it, without its ``key``.

    Of several rows with that key it is the last. Empty where there is none.
    """
    if keys.is_sorted():
        asked = keys.alias("key").to_frame().with_columns(pl.col("key").set_sorted())
        return asked.join_asof(table, on="key").drop("key")
    order = keys.arg_sort()
    return read(keys.gather(order), table).select(pl.all().gather(order.arg_sort()))


class Totals:
    """Running totals of one stream's events, and their readings at the edges that measures ask for.

    ``events`` are sorted by ``key`` and have ``day``, ``happened`` and the values; the first is before all others and empty.
    Counts are packed into words of several.
    """

    def __init__(self, events: pl.DataFrame, edges: Edges) -> None:
        self.events, self.edges = events, edges
        self.totals: dict[str, pl.Expr] = {}  # over the events, by name
        self.back: dict[str, set[int]] = {}  # where each is read
        self.flags: dict[str, pl.Expr] = {}
        self.differences: dict[str, pl.Expr] = {}  # over what was read, each taken once
        self.edges_of: dict[str, set[int]] = {}  # where each count is asked for
        self.places: dict[str, tuple[str, int]] = {}  # of each count: its word, and its lowest bit there

    def count(self, name: str, event: pl.Expr, measure: Measure) -> str:
        """Ask for the number of events that ``event`` is true of, in the measure's window."""
        self.flags[name] = event
        self.edges_of.setdefault(name, set()).update({measure.until, measure.within})
        return name

    def codes(self, name: str, value: pl.Expr, codes: Sequence[object], measure: Measure) -> list[str]:
        """Ask for the number of events with each code; the words that they are packed into."""
        words = []
        for first in range(0, len(codes), self.per_word):
            units = {code: 2 ** (self.bits * at) for at, code in enumerate(codes[first : first + self.per_word])}
            word = f"{first} {name}"
            words.append(self._ask(word, value.replace_strict(units, default=0, return_dtype=pl.Int64).fill_null(0), measure))
        return words

    def sum(self, name: str, value: pl.Expr, measure: Measure) -> str:
        """Ask for the sum of ``value``, a whole number, in the measure's window."""
        return self._ask(name, value.fill_null(0).cast(pl.Int64), measure)

    def last(self, name: str, event: pl.Expr) -> str:
        """Ask for the key of the latest event that ``event`` is true of."""
        self.totals[name] = pl.when(event).then("key").forward_fill()
        self.back.setdefault(name, set()).add(0)
        return name

    def next(self, name: str, event: pl.Expr, back: int) -> str:
        """Ask for the key of the first event that ``event`` is true of, after the days that lie ``back``."""
        self.totals[name] = pl.when(event).then("key").backward_fill().shift(-1)
        self.back.setdefault(name, set()).add(back)
        return name

    def read(self) -> pl.DataFrame:
        """All that was asked for, at every edge, as columns ``<name>@<days back>``; ``today`` is the row's own key."""
        self._pack()
        table = self.events.select(pl.col("key").set_sorted(), **self.totals)
        found = [self.edges.today.alias("today").to_frame()]
        for days in sorted(set[int]().union(*self.back.values())):
            names = [name for name, asked in self.back.items() if days in asked]
            at = read(self.edges.at(days), table.select("key", *names))
            found.append(at.rename({name: f"{name}@{days}" for name in names}))
        return pl.concat(found, how="horizontal")

    def _ask(self, name: str, value: pl.Expr, measure: Measure) -> str:
        self.totals[name] = value.cum_sum()
        self.back.setdefault(name, set()).update({measure.until, measure.within})
        return name

    def _pack(self) -> None:
        """Pack the counts into words, those that are read at the same edges together. A word may overflow as it grows: the
        difference of two does not.
        """  # noqa: D205
        ordered = sorted(self.flags, key=lambda name: sorted(self.edges_of[name]))
        for first in range(0, len(ordered), self.per_word):
            word, total = f"word {first}", pl.lit(0, pl.Int64)
            for at, name in enumerate(ordered[first : first + self.per_word]):
                self.places[name] = (word, self.bits * at)
                self.back.setdefault(word, set()).update(self.edges_of[name])
                unit = pl.lit(2 ** (self.bits * at), pl.Int64)
                total += pl.when(self.flags[name]).then(unit).otherwise(pl.lit(0, pl.Int64))
            self.totals[word] = total.cum_sum()

    @cached_property
    def bits(self) -> int:
        """Bits of a packed count: as few as hold the most events that one child has in the longest window."""
        key = self.events["key"]
        for bits in BITS:
            most = 2**bits - 1
            if key.len() <= most or not ((key - key.shift(most)) <= LOOK_BACK_DAYS).any():
                return bits
        return WIDE_BITS

    @cached_property
    def per_word(self) -> int:
        """How many counts a word holds."""
        return WORD_BITS // self.bits

    # What was read, over the columns of :meth:`read`.

    def difference(self, name: str, measure: Measure) -> pl.Expr:
        """A total over the measure's window."""
        window = f"{name}@{measure.until}-{measure.within}"
        self.differences[window] = pl.col(f"{name}@{measure.until}") - pl.col(f"{name}@{measure.within}")
        return pl.col(window)

    def counted(self, name: str, measure: Measure) -> pl.Expr:
        """How many events counted in the measure's window."""
        word, shift = self.places[name]
        lowest, mask = pl.lit(2**shift, pl.Int64), pl.lit(2**self.bits - 1, pl.Int64)
        return self.difference(word, measure) // lowest & mask

    def any(self, name: str, measure: Measure) -> pl.Expr:
        """Whether any event counted in the measure's window."""
        word, shift = self.places[name]
        mask: int = (2**self.bits - 1) * 2**shift
        return (self.difference(word, measure) & mask) > 0

    def different(self, word: str, measure: Measure) -> pl.Expr:
        """How many of a word's counts are not zero: the bits of each are laid over its lowest one, and those are counted."""
        laid, covered = self.difference(word, measure), 1
        while covered < self.bits:
            step = min(covered, self.bits - covered)
            laid, covered = laid | laid // 2**step, covered + step
        lowest: int = sum(2 ** (self.bits * at) for at in range(self.per_word))
        return (laid & lowest).bitwise_count_ones()


def read_measures(
    events: pl.DataFrame, rows: pl.DataFrame, axis: Axis, measures: Mapping[str, Measure], *, before: bool = False
) -> pl.DataFrame:  # fmt: skip
    """The measures of one stream for all rows, in their order: one column per measure.

    ``events`` has ``child`` (whose rows count them), ``happened`` and the stream's values, ``rows`` is sorted by ``child`` and
    ``as_of`` and has ``began_on``. With ``before``, nothing counts from that day on. All measures are of one stream, and no event
    lies before the axis begins.
    """
    edges = Edges(rows, axis, before=before)
    key, day = axis.key(pl.col("child"), pl.col("happened")), axis.day(pl.col("happened"))
    keyed = events.with_columns(key=key, day=day).drop("child")
    # An empty event before all others, so that every reading finds one.
    keyed = pl.concat([pl.DataFrame({"key": [-1]}), keyed], how="diagonal").select(keyed.columns)
    if not keyed["key"].is_sorted():  # facts are kept in order of child and day
        keyed = keyed.sort("key")
    totals = Totals(keyed, edges)
    asked = {name: _ask(totals, measure) for name, measure in measures.items()}
    found = totals.read().with_columns(_edges_to_compare(edges, measures))
    own = [
        OF_THEIR_OWN[measure.aggregate](totals, found, measure, asked[name]).alias(name)
        for name, measure in measures.items()
        if measure.aggregate in OF_THEIR_OWN
    ]
    answers = [_answer(totals, name, measure, asked[name]).cast(measure.dtype).alias(name) for name, measure in measures.items()]
    return found.with_columns(*own, **totals.differences).select(answers)


def _edges_to_compare(edges: Edges, measures: Mapping[str, Measure]) -> list[pl.Series]:
    """The edges that the days of single events are held against."""
    single = {measure.within for measure in measures.values() if measure.aggregate in SINGLE}
    return [edges.at(back).alias(f"edge@{back}") for back in single | ({0} if single else set())]


def _days_until_ended() -> pl.Expr:
    return pl.col("ended").cast(pl.Int32) - pl.col("happened").cast(pl.Int32)


def counted(measure: Measure) -> pl.Expr:
    """Does an event with these values fit the measure's filter? Its window is not looked at."""
    fits = (pl.col(column).is_in(list(allowed)).fill_null(value=False) for column, allowed in measure.where)
    # Not a literal: an aggregate of a literal takes it for one row.
    return reduce(lambda left, right: left & right, fits, pl.col("happened").is_not_null())


def _ask(totals: Totals, measure: Measure) -> list[str]:
    """Tell the totals what a measure reads; the names to read it by."""
    fits, value = counted(measure), pl.col(measure.value or "day")
    known = fits & value.is_not_null()
    where = f"{measure.value} where {measure.where}" if measure.value else f"where {measure.where}"
    match measure.aggregate:
        case Aggregate.DAYS_SINCE_LAST:
            names = [totals.last(f"last {where}", fits)]
        case Aggregate.DAYS_SINCE_FIRST:
            names = [totals.next(f"next {where}", fits, measure.within)]
        case Aggregate.MAX:
            names = [totals.sum(f"place {where}", known.cast(pl.Int64), measure)]
        case Aggregate.OPEN_NOW:
            ended = fits & (_days_until_ended() <= measure.within)
            total = totals.sum(f"ended in {measure.within} {where}", ended.cast(pl.Int64), measure)
            names = [totals.count(where, fits, measure), total]
        case Aggregate.DISTINCT:
            codes = _codes(totals.events.schema[measure.value or ""])
            names = totals.codes(where, pl.when(fits).then(value), codes, measure)
        case Aggregate.SHARE:
            names = [totals.count(f"known {where}", known, measure), totals.count(f"yes {where}", fits & value, measure)]
        case Aggregate.SUM:
            names = [totals.sum(f"sum {where}", pl.when(fits).then(value), measure)]
        case Aggregate.MEAN:
            total = totals.sum(f"sum {where}", pl.when(fits).then(value), measure)
            names = [totals.count(f"known {where}", known, measure), total]
        case Aggregate.TREND:
            day = pl.col("day")
            moments = {"day": day, "day day": day * day, "value": value, "day value": day * value}
            sums = [totals.sum(f"{name} {where}", pl.when(known).then(of), measure) for name, of in moments.items()]
            names = [totals.count(f"known {where}", known, measure), *sums]
        case _:  # count, any
            names = [totals.count(where, fits, measure)]
    return names


def _codes(dtype: pl.DataType) -> Sequence[object]:
    if isinstance(dtype, pl.Enum):
        return dtype.categories.to_list()
    raise TypeError(f"Different values are counted over codes, and not over '{dtype}': give the stream's value a list of codes.")


def _answer(totals: Totals, name: str, measure: Measure, names: list[str]) -> pl.Expr:
    """The measure called ``name`` from what was read, and from the column of that name where it has a method of its own."""

    def count(name: str) -> pl.Expr:
        return totals.counted(name, measure)

    def total(name: str) -> pl.Expr:
        return totals.difference(name, measure)

    found: pl.Expr
    match measure.aggregate:
        case Aggregate.DAYS_SINCE_LAST:
            last = pl.col(f"{names[0]}@0")
            found = pl.when(last > pl.col(f"edge@{measure.within}")).then(pl.col("today") - last)
        case Aggregate.DAYS_SINCE_FIRST:
            first = pl.col(f"{names[0]}@{measure.within}")
            found = pl.when(first <= pl.col("edge@0")).then(pl.col("today") - first)
        case Aggregate.LATEST | Aggregate.MAX:
            found = pl.col(name)
        case Aggregate.OPEN_NOW:
            found = count(names[0]) > pl.col(name)
        case Aggregate.ANY:
            found = totals.any(names[0], measure)
        case Aggregate.DISTINCT:
            found = pl.sum_horizontal(totals.different(word, measure) for word in names)
        case Aggregate.SHARE:
            found = pl.when(totals.any(names[0], measure)).then(count(names[1]) / count(names[0]))
        case Aggregate.SUM:
            found = total(names[0])
        case Aggregate.MEAN:
            found = pl.when(totals.any(names[0], measure)).then(total(names[1]) / count(names[0]))
        case Aggregate.TREND:
            found = _slope(count(names[0]), *map(total, names[1:]))
        case _:  # count
            found = count(names[0])
    return found


def _slope(count: pl.Expr, days: pl.Expr, squares: pl.Expr, values: pl.Expr, products: pl.Expr) -> pl.Expr:
    """The least-squares slope per 365 days from a count and four sums; empty where the days lie too close together for one.

    ``spread`` is the count times the squared distances of the days from their mean: of two days, half their distance squared.
    """
    spread = count * squares - days * days
    enough = (spread > 0) & (2 * spread >= count.cast(pl.Int64) * LEAST_DAYS_APART**2)
    return pl.when(enough).then((count * products - days * values) / spread * DAYS_PER_YEAR)


def _latest(totals: Totals, found: pl.DataFrame, measure: Measure, names: list[str]) -> pl.Series:
    """The value of the latest event that has one; of several on its day the highest."""
    value = pl.col(measure.value or "")
    known = totals.events.filter(counted(measure), value.is_not_null()).select("key", last="key", value=value)
    last = read(totals.edges.at(0), known.sort("key", "value")).with_columns(found[f"edge@{measure.within}"].alias("edge"))
    return last.select(value=pl.when(pl.col("last") > pl.col("edge")).then("value"))["value"]


def _largest(totals: Totals, found: pl.DataFrame, measure: Measure, names: list[str]) -> pl.Series:
    """The largest value in the window, from maxima over stretches of 1, 2, 4 ... events, of which two cover any window."""
    value = pl.col(measure.value or "")
    maxima = totals.events.filter(counted(measure), value.is_not_null()).select(value=value.cast(pl.Float32))["value"]
    end, start = (pl.col(f"{names[0]}@{back}") for back in (0, measure.within))
    spans = found.select(start=start, end=end, count=end - start).with_row_index("row").filter(pl.col("count") > 0)
    result, length, longest = pl.repeat(None, found.height, dtype=pl.Float32, eager=True), 1, spans["count"].max()
    while isinstance(longest, int) and length <= longest:
        fitting = spans.filter(pl.col("count").is_between(length, 2 * length - 1))
        ends = pl.DataFrame({"left": maxima.gather(fitting["start"]), "right": maxima.gather(fitting["end"] - length)})
        result = result.scatter(fitting["row"], ends.max_horizontal())
        maxima = pl.DataFrame({"here": maxima, "there": maxima.shift(-length)}).max_horizontal()
        length *= 2
    return result


def _ended(totals: Totals, found: pl.DataFrame, measure: Measure, names: list[str]) -> pl.Series:
    """How many of the spells that began in the window have ended: one is open where fewer did than began.

    What ended after it had left the window is counted by neither its beginning nor its end.
    """
    days = _days_until_ended()
    ended = totals.events.filter(counted(measure), days <= measure.within).select(key=pl.col("key") + days).sort("key")
    until_now = read(totals.edges.at(0), ended.with_columns(ended=pl.int_range(1, pl.len() + 1)))["ended"].fill_null(0)
    return until_now - found[f"{names[1]}@{measure.within}"]


SINGLE = frozenset({Aggregate.DAYS_SINCE_LAST, Aggregate.DAYS_SINCE_FIRST, Aggregate.LATEST})
OF_THEIR_OWN: Mapping[Aggregate, Callable[[Totals, pl.DataFrame, Measure, list[str]], pl.Series]] = {
    Aggregate.LATEST: _latest,
    Aggregate.MAX: _largest,
    Aggregate.OPEN_NOW: _ended,
}
