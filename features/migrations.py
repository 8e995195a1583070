"""Days on which a council moved to another case system: over a fifth of the open stock closed or opened on one day.

It is the one thing about a child's history that is told from everybody's. What is counted on a day hangs on what was known of
it, so a day may count as one of migration at one date and not at another: the newest versions of all episodes give the days on
nearly all dates, and dates on which some episode was known otherwise are counted with those that differed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from features.exceptions import at_dates, exceptions
from validation.cut import next_working_day
from validation.history import Archive
from validation.tables.episodes import EPISODES

MIGRATION_SHARE = 0.2
MIGRATION_STOCK = 100  # on a smaller stock a busy day looks like a migration


NONE_THEN = (pl.DataFrame(schema={"as_of": pl.Date, "day": pl.Date}), pl.DataFrame(schema={"as_of": pl.Date}))


@dataclass(frozen=True)
class Migrations:
    """Migration days: ``usual`` (``day``) as the newest versions tell them; on dates where other versions were known, ``then``
    (``as_of``, ``day``) tells them, and ``dates`` says which these are.
    """  # noqa: D205

    usual: pl.DataFrame
    then: pl.DataFrame
    dates: pl.DataFrame

    def at(self, dates: pl.DataFrame) -> pl.DataFrame:
        """The days at each of ``dates`` (``as_of``): columns ``as_of`` and ``day``."""
        other = dates.join(self.dates, on="as_of", how="anti").join(self.usual, how="cross")
        return pl.concat([other.filter(pl.col("day") <= pl.col("as_of")), self.then.join(dates, on="as_of", how="semi")])

    def unusual(self) -> pl.DataFrame:
        """Days that count at a date and not usually, or the other way round: columns ``as_of`` and ``day``."""
        usual = self.dates.join(self.usual, how="cross").filter(pl.col("day") <= pl.col("as_of"))
        both = pl.concat([usual, self.then])
        return both.filter(~both.is_duplicated())


@dataclass(frozen=True)
class Moves:
    """What every date shares: how much moved by day as the newest versions tell it, and days that may count at some date.

    ``usual`` has ``day``, ``opened``, ``closed`` and ``stock`` (at the end of the day before), ``possible`` has ``day``: days on
    which so many episodes may have moved, as known on some date, that they may count as migration then.
    """

    usual: pl.DataFrame
    possible: pl.DataFrame


def migration_days(archive: Archive, dates: Iterable[date]) -> pl.DataFrame:
    """Days on which over a fifth of the open stock closed or opened, as known on each date: columns ``as_of`` and ``day``.

    The stock is that at the end of the day before.
    """
    asked = pl.DataFrame({"as_of": list(dates)}, schema={"as_of": pl.Date}).unique().sort("as_of")
    versions = archive.table(EPISODES.name)
    dated = versions.with_columns(subject=pl.col("cine_person_id"), happened=pl.col("cine_referral_date"))
    odd = exceptions(EPISODES, dated).select(pl.col("key").alias(EPISODES.key), "since", "until")
    return find_migrations(count_moves(versions, odd), versions.lazy(), odd.lazy(), asked).at(asked).sort("as_of", "day")


def count_moves(versions: pl.DataFrame, odd: pl.DataFrame) -> Moves:
    """Moves from the versions of all episodes and their exceptions (the key, ``since``, ``until``)."""
    usual = _with_stock(_moves(versions.filter(pl.col("known_to").is_null()), closed_on(), 1).group_by("day").sum())
    others = versions.join(odd.select(EPISODES.key).unique(), on=EPISODES.key, how="semi")
    most = pl.concat([_moves(others, closed_on(), 1), _moves(others, _closed_without_action(), 1)]).group_by("day").sum()
    moved = (pl.max_horizontal(pl.sum_horizontal(name, f"{name}_more") for name in ("opened", "closed"))).alias("moved")
    least = pl.max_horizontal(pl.col("stock") - _most_at_once(odd), pl.lit(MIGRATION_STOCK))
    days = usual.join(most, on="day", how="full", coalesce=True, suffix="_more").sort("day")
    after = (pl.col("stock") + pl.col("opened") - pl.col("closed")).forward_fill()
    possible = days.with_columns(pl.coalesce("stock", after, pl.lit(0)).alias("stock")).filter(moved > MIGRATION_SHARE * least)
    return Moves(usual, possible.select("day"))


def usual_migrations(moves: Moves) -> pl.DataFrame:
    """The days on which a migration is told from the newest versions: column ``day``."""
    return _busy(moves.usual).select("day")


def find_migrations(moves: Moves, versions: pl.LazyFrame, odd: pl.LazyFrame, dates: pl.DataFrame) -> Migrations:
    """Migration days for the sorted ``dates`` (``as_of``), from the versions of all episodes and their exceptions.

    These two are looked at only where a day may count at one date and not at another.
    """
    usual = usual_migrations(moves)
    if moves.possible.is_empty():
        return Migrations(usual, *NONE_THEN)
    # Nothing that was referred after the last of these days can have moved on any of them, or before.
    early = versions.filter(pl.col("cine_referral_date") <= pl.lit(moves.possible["day"].max())).collect(engine="in-memory")
    concerned = odd.join(early.lazy().select(EPISODES.key).unique(), on=EPISODES.key, how="semi").collect(engine="in-memory")
    return Migrations(usual, *_when_otherwise(early, concerned, dates, moves))


def _most_at_once(spans: pl.DataFrame) -> int:
    """The largest number of spans that cover one day."""
    steps = [spans.select(day="since", step=pl.lit(1)), spans.select(day="until", step=pl.lit(-1))]
    open_then = pl.concat(steps).group_by("day").sum().sort("day")["step"].cum_sum()
    return max(open_then.to_list(), default=0)


def _when_otherwise(
    versions: pl.DataFrame, odd: pl.DataFrame, dates: pl.DataFrame, moves: Moves
) -> tuple[pl.DataFrame, pl.DataFrame]:  # fmt: skip
    """The migration days of the dates on which other versions were known, and these dates."""
    unsettled = at_dates(odd, dates).select(EPISODES.key, "as_of").unique()
    shown = versions.join(unsettled, on=EPISODES.key).filter(
        pl.col("known_from") <= pl.col("as_of"), pl.col("known_to").is_null() | (pl.col("known_to") > pl.col("as_of"))
    )
    usual, newest = moves.usual, versions.filter(pl.col("known_to").is_null())
    instead = newest.join(unsettled, on=EPISODES.key)
    differing = [_moves(shown, _closed_as_shown(), 1, "as_of"), _moves(instead, closed_on(), -1, "as_of")]
    changed = pl.concat(differing).filter(pl.col("day") <= pl.col("as_of")).group_by("as_of", "day").sum()
    changed = changed.filter((pl.col("opened") != 0) | (pl.col("closed") != 0))
    then = changed.select("as_of").unique().sort("as_of")
    asked = then.join(moves.possible, how="cross").filter(pl.col("day") <= pl.col("as_of"))
    earlier = changed.select("as_of", changed_on="day", more=pl.col("opened") - pl.col("closed"))
    more = (
        asked.join(earlier, on="as_of")
        .filter(pl.col("changed_on") < pl.col("day"))
        .group_by("as_of", "day")
        .agg(pl.col("more").sum())
    )
    before = usual.select("day", stock=pl.col("stock") + pl.col("opened") - pl.col("closed"))
    counts = (
        asked.sort("day")
        .join_asof(before, on="day", allow_exact_matches=False)
        .join(more, on=["as_of", "day"], how="left")
        .join(usual.drop("stock"), on="day", how="left")
        .join(changed, on=["as_of", "day"], how="left", suffix="_more")
        .with_columns(pl.sum_horizontal(name, f"{name}_more").alias(name) for name in ("opened", "closed"))
        .with_columns(stock=pl.sum_horizontal("stock", "more"))
    )
    return _busy(counts).select("as_of", "day").sort("as_of", "day"), then


def closed_on() -> pl.Expr:
    """The day on which an episode closed: its close date, or the next working day for a referral without further action."""
    return pl.coalesce("cine_close_date", _closed_without_action())


def _closed_without_action() -> pl.Expr:
    return pl.when("cine_referral_nfa").then(next_working_day(pl.col("cine_referral_date")))


def _closed_as_shown() -> pl.Expr:
    """The closing that shows at ``as_of``: before the close date, the next working day of a referral without further action."""
    days = (pl.col("cine_close_date"), _closed_without_action())
    return pl.coalesce(*(pl.when(day <= pl.col("as_of")).then(day) for day in days))


def _moves(episodes: pl.DataFrame, closed: pl.Expr, sign: int, *keys: str) -> pl.DataFrame:
    """Openings and closings by day, each counted as ``sign``: ``keys``, ``day``, ``opened``, ``closed``."""
    one, none = pl.lit(sign, pl.Int64), pl.lit(0, pl.Int64)
    opened = episodes.select(*keys, day="cine_referral_date", opened=one, closed=none)
    ended = episodes.select(*keys, day=closed, opened=none, closed=one)
    return pl.concat([opened, ended]).filter(pl.col("day").is_not_null())


def _with_stock(counts: pl.DataFrame) -> pl.DataFrame:
    """Moves by day with the stock at the end of the day before."""
    moved = (pl.col("opened") - pl.col("closed")).cum_sum()
    return counts.sort("day").with_columns(stock=moved.shift(1, fill_value=0))


def _busy(counts: pl.DataFrame) -> pl.DataFrame:
    """The days on which more than a fifth of the stock moved."""
    moved = pl.max_horizontal("opened", "closed") > MIGRATION_SHARE * pl.col("stock")
    return counts.filter(pl.col("stock") >= MIGRATION_STOCK, moved)
