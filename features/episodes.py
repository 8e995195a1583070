"""A child's episodes as they stood on a date, with the quirks of case systems mended openly.

Three mends, each counted in the run record: a referral without further action and without a close date counts as closed
on the next working day; a referral within a day of the child's last closing continues the earlier episode; so does a
referral on a day on which over a fifth of the open stock closed or opened (a system migration).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from validation.cut import cut, next_working_day
from validation.history import Archive
from validation.tables.episodes import EPISODES

MIGRATION_SHARE = 0.2
MIGRATION_STOCK = 100  # on a smaller stock a busy day looks like a migration


@dataclass(frozen=True)
class Mends:
    """How many episodes were mended, at one date."""

    closed_without_date: int
    continued: int
    overlapping_children: int
    migration_days: int


def closed_on() -> pl.Expr:
    """The day on which an episode closed: its close date, or the next working day for a referral without further action."""
    return pl.coalesce(
        "cine_close_date", pl.when(pl.col("cine_referral_nfa")).then(next_working_day(pl.col("cine_referral_date")))
    )


def migration_days(archive: Archive, dates: Iterable[date]) -> pl.DataFrame:
    """Days on which over a fifth of the open stock closed or opened, as known on each date: columns ``as_of`` and ``day``.

    The stock is that at the end of the day before.
    """
    children = archive.table(EPISODES.name).select(subject="cine_person_id").unique()
    found = [pl.DataFrame(schema={"as_of": pl.Date, "day": pl.Date})]
    for as_of in dates:
        seen = cut(archive, EPISODES, children.with_columns(row=pl.lit(0), as_of=pl.lit(as_of))).select(
            opened="cine_referral_date", closed=closed_on()
        )
        moves = [
            seen.select(day="opened", opened=pl.lit(1), closed=pl.lit(0)),
            seen.filter(pl.col("closed").is_not_null()).select(day="closed", opened=pl.lit(0), closed=pl.lit(1)),
        ]
        daily = pl.concat(moves).group_by("day").sum().sort("day")
        daily = daily.with_columns(stock=(pl.col("opened") - pl.col("closed")).cum_sum().shift(1, fill_value=0))
        moved = pl.max_horizontal("opened", "closed") > MIGRATION_SHARE * pl.col("stock")
        busy = daily.filter(pl.col("stock") >= MIGRATION_STOCK, moved)
        found.append(busy.select(pl.lit(as_of).alias("as_of"), "day"))
    return pl.concat(found)


def episodes_at(archive: Archive, who: pl.DataFrame) -> pl.DataFrame:
    """Every episode of each subject as it stood at ``as_of``.

    The columns of ``who`` and of the table, and ``closed_on`` (mended; empty while open), ``continues`` (is part of the
    episode before it), ``chain`` (number of the mended episode within the row), ``began_on`` (referral date of the mended
    episode), ``overlaps`` (opened while another was open). Sorted by row and referral date. Rows of one ``row`` are taken as
    one child's.
    """
    days = migration_days(archive, who["as_of"].unique().sort()).with_columns(migrated=pl.lit(value=True))
    seen = (
        cut(archive, EPISODES, who)
        .with_columns(closed_on=closed_on())
        .join(days.rename({"day": "cine_referral_date"}), on=["as_of", "cine_referral_date"], how="left")
        .sort("row", "cine_referral_date", "closed_on", "cine_referral_id", nulls_last=True)
    )
    far = pl.date(9999, 1, 1)
    before = pl.col("closed_on").fill_null(far).cum_max().shift(1).over("row")
    apart = (pl.col("cine_referral_date") - before).dt.total_days()
    migrated = pl.col("migrated").is_not_null()
    return (
        seen.with_columns(
            continues=(before.is_not_null() & (apart.is_between(0, 1) | migrated)).fill_null(value=False),
            overlaps=(before.is_not_null() & (apart < 0) & ~migrated).fill_null(value=False),
        )
        .with_columns(chain=(~pl.col("continues")).cum_sum().over("row"))
        .with_columns(began_on=pl.col("cine_referral_date").min().over("row", "chain"))
        .drop("migrated")
    )


def count_mends(archive: Archive, episodes: pl.DataFrame) -> Mends:
    """Count what :func:`episodes_at` mended, for the run record."""
    return Mends(
        closed_without_date=int(
            episodes.select((pl.col("closed_on").is_not_null() & pl.col("cine_close_date").is_null()).sum()).item()
        ),
        continued=int(episodes["continues"].sum()),
        overlapping_children=episodes.filter("overlaps")["row"].n_unique(),
        migration_days=migration_days(archive, episodes["as_of"].unique())["day"].n_unique(),
    )
