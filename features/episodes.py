"""A child's episodes with the quirks of case systems mended openly.

Three mends, each counted in the run record: a referral without further action and without a close date counts as closed
on the next working day; a referral within a day of the child's last closing continues the earlier episode; so does a
referral on a day on which over a fifth of the open stock closed or opened (a system migration; see
``features/migrations.py``). What continues what can be told on the day of the later referral and stays so, unless something
is corrected.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from features.migrations import closed_on, migration_days
from validation.cut import cut
from validation.history import Archive
from validation.tables.episodes import EPISODES

DAYS = 2**20  # more days than any date has since 1900: a key of a number and a day sorts by both
OPEN = DAYS - 1  # the closing day of what is open
ORIGIN = pl.date(1900, 1, 1)


@dataclass(frozen=True)
class Mends:
    """How many episodes were mended, at one date."""

    closed_without_date: int
    continued: int
    overlapping_children: int
    migration_days: int


def mend(episodes: pl.DataFrame, by: str) -> pl.DataFrame:
    """Episodes joined into cases: of one child for each value of ``by`` (a whole number).

    ``episodes`` has ``by``, ``cine_referral_date``, ``cine_referral_id``, ``closed_on`` (empty while open) and ``migrated``
    (was the referral on a migration day?). Adds ``continues`` (is part of the episode before it), ``chain`` (number of the
    case among those of the child), ``began_on`` (referral date of the case), ``overlaps`` (opened while another was open).
    Sorted by ``by``, referral date and key, but for what closed on the day that it opened: that comes first.
    """
    ordered = episodes.sort(
        by, "cine_referral_date", pl.col("closed_on").ne_missing(pl.col("cine_referral_date")), "cine_referral_id"
    )
    number = pl.col(by).cast(pl.Int64)
    again = (number == number.shift(1)).fill_null(value=False)
    closed = (pl.col("closed_on") - ORIGIN).dt.total_days().fill_null(OPEN)
    before = (number * DAYS + closed).cum_max().shift(1) % DAYS
    apart = (pl.col("cine_referral_date") - ORIGIN).dt.total_days() - before
    migrated = pl.col("migrated").fill_null(value=False)
    marked = ordered.with_columns(
        continues=again & (apart.is_between(0, 1) | migrated), overlaps=again & (apart < 0) & ~migrated, first=~again
    )
    begun = (~pl.col("continues")).cum_sum()
    return (
        marked.with_columns(
            chain=begun - pl.when("first").then(begun).forward_fill() + 1,
            began_on=pl.when(~pl.col("continues")).then("cine_referral_date").forward_fill(),
        )
        .drop("first", "migrated")
    )  # fmt: skip


def episodes_at(archive: Archive, who: pl.DataFrame, days: pl.DataFrame | None = None) -> pl.DataFrame:
    """Every episode of each subject as it stood at ``as_of``: the columns of ``who`` and of the table, ``closed_on``, and
    what :func:`mend` adds. Rows of one ``row`` are taken as one child's. ``days`` are the migration days as known at each
    ``as_of``, where they are known already.
    """  # noqa: D205
    migrated = migration_days(archive, who["as_of"].unique().sort()) if days is None else days
    seen = (
        cut(archive, EPISODES, who)
        .with_columns(closed_on=closed_on())
        .join(
            migrated.select("as_of", cine_referral_date="day", migrated=pl.lit(value=True)),
            on=["as_of", "cine_referral_date"],
            how="left",
        )
    )
    return mend(seen, "row")


def cases(episodes: pl.DataFrame, by: str) -> pl.DataFrame:
    """Mended episodes (see :func:`mend`), one row for each case: the first referral's columns, and when and why it closed.

    ``closed_on`` and ``cine_close_reason`` are those of its last closing, empty while any part is open.
    """
    part_of_several = pl.col("continues") | pl.col("continues").shift(-1, fill_value=False)
    single = episodes.filter(~part_of_several)
    several = episodes.filter(part_of_several)
    ends = several.group_by(by, "chain", maintain_order=True).agg(
        pl.all().exclude("closed_on", "cine_close_reason").first(),
        closed_on=pl.when(pl.col("closed_on").is_null().any()).then(None).otherwise(pl.col("closed_on").max()),
        cine_close_reason=pl.col("cine_close_reason").last(),
    )
    return pl.concat([single, ends.select(single.columns)]).sort(by, "chain")


def count_mends(episodes: pl.DataFrame, by: str, days: pl.DataFrame, as_of: date) -> Mends:
    """Count what was mended in episodes (see :func:`mend`) up to a date, for the run record. ``days`` are the migration days."""
    begun = episodes.filter(pl.col("cine_referral_date") <= as_of)
    without_date = pl.col("cine_close_date").is_null() | (pl.col("cine_close_date") > as_of)
    return Mends(
        closed_without_date=begun.filter(pl.col("closed_on") <= as_of, without_date).height,
        continued=begun.filter("continues").height,
        overlapping_children=begun.filter("overlaps")[by].n_unique(),
        migration_days=days.filter(pl.col("day") <= as_of).height,
    )
