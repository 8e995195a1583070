"""When a record was known otherwise than it is known now.

The newest version of a record, cut to a date, shows what was known on that date, but for the days on which the record was not
known yet, or was known with another value, or was there and is withdrawn by now. Those days are its exceptions. They may be too
many (a day on which nothing shown differed does no harm), never too few: on all other days the newest version is the truth.
"""

from datetime import date

import polars as pl

from features.measure import LOOK_BACK_DAYS
from validation.contract import Column, Kind, Table
from validation.cut import next_working_day, revealing_day
from validation.tables.episodes import EPISODES

DAYS = 2**22  # more days than any date has
FAR = pl.date(9999, 12, 31)
FINAL = "_final"  # suffix of the newest version's columns


def read_columns(table: Table, versions: pl.DataFrame) -> list[Column]:
    """The columns of a table that are there, but for its key and its child."""
    return [column for column in table.kept if column.name in versions.columns and column.name not in {table.key, table.person}]


def exceptions(table: Table, versions: pl.DataFrame) -> pl.DataFrame:
    """The days on which each record's newest version does not show what was known.

    ``versions`` has the table's columns, ``subject`` (its child), ``happened`` (Date; the day from which it may be visible) and
    ``known_from``, ``known_to``. The result has ``key``, ``subject`` (a record that moved to another child is an exception of
    both), ``since`` and ``until`` (days ``since`` <= day < ``until``).
    """
    happened = pl.col("happened").fill_null(FAR)
    columns = read_columns(table, versions)
    ordered = versions.rename({table.key: "key"}).sort("key", "known_from")
    days = {f"_{column.name}": _revealed(column, happened) for column in columns}
    first = (pl.col("key") != pl.col("key").shift(1)).fill_null(value=True)
    last = (pl.col("key") != pl.col("key").shift(-1)).fill_null(value=True)
    dates = [column.name for column in columns if column.kind is Kind.DATE]
    marked = ordered.with_columns(
        first=first,
        last=last,
        gone=pl.col("known_to").shift(1),
        happened=happened,
        earliest=pl.min_horizontal(happened, *dates),
        latest=pl.max_horizontal(pl.when(happened < FAR).then(happened), *dates),
    )
    settled = pl.col("first") & pl.col("last") & pl.col("known_to").is_null() & (pl.col("known_from") <= pl.col("happened"))
    odd = marked.filter(~(settled & (pl.col("earliest") >= pl.col("happened")))).with_columns(**days)
    newest = pl.when("last").then(pl.int_range(pl.len())).backward_fill()
    pairs = odd.with_columns(newest=newest)
    final = pairs.select(pl.all().gather(pl.col("newest"))).rename(lambda name: f"{name}{FINAL}")
    pairs = pl.concat([pairs, final], how="horizontal").with_columns(stands=pl.col(f"known_to{FINAL}").is_null())
    late = pairs.filter("stands", "first").select(
        "key", subject=f"subject{FINAL}", since=f"happened{FINAL}", until="known_from", latest=f"latest{FINAL}"
    )
    gaps = pairs.filter("stands", ~pl.col("first"), pl.col("known_from") > pl.col("gone")).select(
        "key", subject=f"subject{FINAL}", since="gone", until="known_from", latest=f"latest{FINAL}"
    )
    early_rows = pairs.filter("stands", "last").select(
        "key", "subject", since="earliest", until="happened", latest=pl.col("latest")
    )
    differs = [_first_difference("happened", "subject"), _first_difference("happened", "happened")]
    differs += [_first_difference(f"_{column.name}", column.name) for column in columns]
    other = pairs.filter("stands", ~pl.col("last")).with_columns(
        since=pl.max_horizontal("known_from", pl.min_horizontal(*differs)),
        latest=pl.max_horizontal("latest", f"latest{FINAL}"),
    )
    other = other.filter(pl.any_horizontal(*(difference.is_not_null() for difference in differs)))
    withdrawn = pairs.filter(~pl.col("stands")).with_columns(since=pl.max_horizontal("known_from", "happened"))
    spans = [late, gaps, early_rows]
    spans += [other.select("key", "subject", "since", until="known_to", latest="latest")]
    spans += [other.select("key", "since", "latest", subject=f"subject{FINAL}", until="known_to")]
    spans += [withdrawn.select("key", "subject", "since", until="known_to", latest="latest")]
    if table is EPISODES:
        spans += [_closed_twice(ordered)]
    order = ("key", "subject", "since", "until", "latest")
    found = pl.concat([span.select(order) for span in spans])
    if table.happened is not None and table is not EPISODES:
        found = found.with_columns(until=pl.min_horizontal("until", pl.col("latest").dt.offset_by(f"{LOOK_BACK_DAYS}d")))
    return found.filter(pl.col("since") < pl.col("until")).select("key", "subject", "since", "until").unique().sort(pl.all())


def _revealed(column: Column, happened: pl.Expr) -> pl.Expr:
    """The day from which a version shows a column's value; empty when it never does."""
    day = revealing_day(column)
    return happened if day is None else pl.when(day.is_not_null()).then(pl.max_horizontal(happened, day))


def _first_difference(revealed: str, column: str) -> pl.Expr:
    """The first day on which the two versions' difference in a column shows; empty when it never does."""
    both = pl.min_horizontal(revealed, f"{revealed}{FINAL}")
    return pl.when(pl.col(column).ne_missing(pl.col(f"{column}{FINAL}"))).then(both)


def _closed_twice(ordered: pl.DataFrame) -> pl.DataFrame:
    """Referrals without further action that were closed later than the next working day: until then they count as closed
    on that day, and afterwards as closed on their close date.
    """  # noqa: D205
    closed = next_working_day(pl.col("cine_referral_date"))
    return ordered.filter("cine_referral_nfa", pl.col("cine_close_date") > closed).select(
        "key", "subject", since=closed, until="cine_close_date", latest="cine_close_date"
    )


def at_dates(spans: pl.DataFrame, dates: pl.DataFrame) -> pl.DataFrame:
    """Each span at each date inside it: the columns of ``spans`` and ``as_of``.

    ``spans`` has ``since`` and ``until`` (``since`` <= day < ``until``; an empty ``until`` is without end), ``dates`` the sorted,
    different dates ``as_of``.
    """
    days = dates["as_of"]
    first = days.search_sorted(spans["since"])
    end = days.search_sorted(spans["until"].fill_null(date(9999, 12, 31)))
    inside = spans.with_columns(at=pl.Series(first), end=pl.Series(end)).filter(pl.col("at") < pl.col("end"))
    each = inside.with_columns(pl.int_ranges("at", "end").alias("at")).drop("end").explode("at")
    return each.with_columns(as_of=days.gather(each["at"])).drop("at")


def joined(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans of children with those that touch or overlap made one: ``child``, ``since``, ``until``, by child and day."""
    child = pl.col("child").cast(pl.Int64) * DAYS
    since, until = (child + pl.col(name).cast(pl.Int32) for name in ("since", "until"))
    ordered = spans.sort("child", "since").with_columns(apart=(since > until.cum_max().shift(1)).fill_null(value=True))
    return (
        ordered.group_by(span=pl.col("apart").cum_sum(), maintain_order=True)
        .agg(pl.col("child").first(), pl.col("since").first(), pl.col("until").max())
        .select("child", "since", "until")
    )
