"""The direct way: the events of given rows from every version of every record, as they were known on each row's day.

For each row, the records that were visible on its day (happened, known and not withdrawn by then; see ``validation/cut.py``)
are joined. It is exact always, and slow for many rows: it serves the rows on whose day something was known otherwise than now
(``features/odd_rows.py``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from features.episodes import episodes_at
from features.people import current_ids
from features.stream import Source, Stream
from validation.codes import codes
from validation.conforming import NO_CODES
from validation.cut import cut, next_working_day
from validation.history import Archive


@dataclass(frozen=True)
class View:
    """What a stream may look at: the archive, the cohort, and whose records belong to each of its rows.

    ``cohort`` has ``row``, ``as_of``, ``began_on``, ``dob`` and ``source``; ``who`` has ``row``, ``subject``, ``as_of``; for
    brothers and sisters there are several subjects for a row. ``days`` are the migration days at each ``as_of``.
    """

    archive: Archive
    cohort: pl.DataFrame
    who: pl.DataFrame
    days: pl.DataFrame | None = None


def events_at(stream: Stream, view: View) -> pl.DataFrame:
    """The events of a stream that each row may count: ``row``, ``as_of``, ``happened`` and the stream's values."""
    return READERS[stream.source](stream, view)


def one_row_each(rows: pl.LazyFrame, column: str, code_list: str) -> pl.LazyFrame:
    """Rows with a joined list of codes as one row for each code."""
    each = rows.with_columns(pl.col(column).str.split("|")).explode(column).filter(pl.col(column) != NO_CODES)
    return each.with_columns(pl.col(column).cast(pl.Enum(list(codes(code_list)))))


def shape(stream: Stream, rows: pl.LazyFrame, *keys: str) -> pl.LazyFrame:
    """Rows of the stream's table as its events: ``keys``, ``happened`` and the values. Rows without a date are no events."""
    rows = rows.filter(pl.col(stream.happened).is_not_null())
    if stream.left_out is not None:
        rows = rows.filter(~stream.left_out.fill_null(value=False))
    return rows.select(*keys, pl.col(stream.happened).alias("happened"), **stream.values)


def _rows_of_the_table(stream: Stream, view: View) -> pl.DataFrame:
    seen = cut(view.archive, stream.table, view.who).lazy()
    if stream.each:
        seen = one_row_each(seen, stream.each, stream.table.column(stream.each).codes or "")
    events = shape(stream, seen, "row", "as_of")
    return events.filter(pl.col("happened") <= pl.col("as_of")).collect(engine="in-memory")


def _earlier_episodes(view: View) -> pl.DataFrame:
    """The child's mended episodes that began before the case that is open now."""
    seen = episodes_at(view.archive, view.who, view.days)
    case = view.cohort.select("row", case_began_on="began_on")
    return seen.join(case, on="row").filter(pl.col("began_on") < pl.col("case_began_on"))


def _referrals(stream: Stream, view: View) -> pl.DataFrame:
    begun = _earlier_episodes(view).filter(~pl.col("continues"))
    return begun.select("row", "as_of", happened="cine_referral_date", **stream.values)


def _decisions(stream: Stream, view: View) -> pl.DataFrame:
    begun = (
        _earlier_episodes(view).filter(~pl.col("continues")).with_columns(happened=next_working_day(pl.col("cine_referral_date")))
    )
    return begun.filter(pl.col("happened") <= pl.col("as_of")).select("row", "as_of", "happened", **stream.values)


def _closings(stream: Stream, view: View) -> pl.DataFrame:
    seen = _earlier_episodes(view)
    ended = seen.group_by("row", "chain", maintain_order=True).agg(
        pl.col("as_of").first(),
        pl.col("began_on").first(),
        closed_on=pl.when(pl.col("closed_on").is_null().any()).then(None).otherwise(pl.col("closed_on").max()),
        cine_close_reason=pl.col("cine_close_reason").last(),
    )
    return ended.filter(pl.col("closed_on").is_not_null()).select("row", "as_of", happened="closed_on", **stream.values)


def _beginnings(stream: Stream, view: View) -> pl.DataFrame:
    """Referrals of the subjects, each taken as a child of its own with its merged records."""
    known = current_ids(view.archive, view.who.rename({"subject": "person_id"}))
    pairs = known.select("row", "current_id").unique(maintain_order=True).with_row_index("pair")
    one_child = known.join(pairs, on=["row", "current_id"]).select(row="pair", subject="person_id", as_of="as_of")
    seen = episodes_at(view.archive, one_child, view.days).filter(~pl.col("continues"))
    begun = seen.select("as_of", pair="row", happened="cine_referral_date", **stream.values)
    return begun.join(pairs.select("pair", "row"), on="pair").drop("pair")


def _siblings(stream: Stream, view: View) -> pl.DataFrame:
    """One event for each brother or sister known on the day."""
    known = current_ids(view.archive, view.who.rename({"subject": "person_id"}))
    return known.select("row", "as_of", "current_id", happened="as_of").unique(maintain_order=True)


def _case(stream: Stream, view: View) -> pl.DataFrame:
    """One event for each row, on the day itself: the case as it stands."""
    return view.cohort.select("row", "as_of", happened="as_of", **stream.values)


READERS: Mapping[Source, Callable[[Stream, View], pl.DataFrame]] = {
    Source.TABLE: _rows_of_the_table,
    Source.REFERRALS: _referrals,
    Source.DECISIONS: _decisions,
    Source.CLOSINGS: _closings,
    Source.BEGINNINGS: _beginnings,
    Source.SIBLINGS: _siblings,
    Source.CASE: _case,
}
