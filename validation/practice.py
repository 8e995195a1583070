"""What a council's practice looks like over time: how much is referred, by whom, what comes of it and how long it takes.

A model learns from what workers did. When they begin to do otherwise, its training data speaks of a council that is no longer
there. ``validation/change_points.py`` looks for the days on which a series found here stepped to another level.

Case systems have quirks; they are mended here as for features (``features/episodes.py``): a referral without further action
and without a closing date closed on the next working day, and a referral within a day of the child's last closing continues
the case before it. So a council's move to another case system is not taken for a year of re-referrals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from validation.codes import codes
from validation.cut import next_working_day
from validation.rereferrals import WITHIN_DAYS
from validation.tables.episodes import CONTACTS, EPISODES

UNKNOWN = "Unknown"  # the group of a referral that names no source
FOLLOWED_DAYS = 182  # how long the cases of a period are followed before their median duration is told
OPEN_DAYS = 1_000_000  # of a case that is still open: longer than any


class Every(StrEnum):
    """The length of a period. Years begin on 1 April, as in the published figures."""

    QUARTER = "quarter"
    YEAR = "year"


PERIODS_IN_A_YEAR = {Every.QUARTER: 4, Every.YEAR: 1}


class Kind(StrEnum):
    """What the values of a measure are."""

    SHARE = "share"  # between 0 and 1
    COUNT = "count"
    DAYS = "days"


@dataclass(frozen=True)
class Measure:
    """One measure of practice, and how a sentence calls it."""

    name: str
    kind: Kind
    words: str


def _name(group: str) -> str:
    return f"source_{group.lower().replace(' ', '_')}_share"


GROUPS = {code: entry.group for code, entry in codes("referral_source").items()}

MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("referrals", Kind.COUNT, "the number of referrals"),
        Measure("nfa_share", Kind.SHARE, "the share of referrals without further action"),
        Measure("re_referral_share", Kind.SHARE, "the share of referrals within 12 months of an earlier one of the same child"),
        Measure("median_days_open", Kind.DAYS, "the median duration of cases"),
        Measure("long_case_share", Kind.SHARE, "the share of cases that are still open after half a year"),
        *(
            Measure(_name(group), Kind.SHARE, f"the share of referrals from the source '{group}'")
            for group in sorted(set(GROUPS.values()))
        ),
        Measure("contacts", Kind.COUNT, "the number of contacts"),
        Measure("contact_nfa_share", Kind.SHARE, "the share of contacts without further action"),
    )
}


def measure_practice(
    tables: Mapping[str, pl.DataFrame], first: date, last: date, every: Every = Every.QUARTER, residents: int | None = None
) -> pl.DataFrame:
    """Every measure in every whole period from ``first`` to ``last``: ``measure``, ``began_on``, ``value``, ``n``; sorted.

    ``tables`` holds ``ssd_cin_episodes`` and, if supplied, ``ssd_contacts``, as known at the end of ``last``; from ``first`` on
    all referrals must be in them. ``n`` is how many referrals, cases or contacts a value is of. Counts are per 10,000
    ``residents`` under 18 and year, where their number is given. Re-referrals are told from a year after ``first`` on, since
    what came before must be known. Durations are of the cases that *began* in a period (the open ones count as longer than any,
    so no case is missing for being long), for periods that ended ``FOLLOWED_DAYS`` before ``last`` or earlier, and leave out
    referrals without further action. A median beyond ``FOLLOWED_DAYS`` is not told.
    """
    referrals = find_referrals(tables[EPISODES.name]).with_columns(began_on=_period("day", every))
    source = pl.col("source")
    followed = referrals.filter(~pl.col("nfa"), _end("began_on", every) <= _later(last, -FOLLOWED_DAYS))
    days = (pl.col("closed_on") - pl.col("day")).dt.total_days().fill_null(OPEN_DAYS)
    found = [
        _counts(referrals, "referrals"),
        _shares(referrals, "nfa_share", pl.col("nfa")),
        _shares(referrals.filter(pl.col("began_on") >= _later(first, WITHIN_DAYS)), "re_referral_share", pl.col("again")),
        *(_shares(referrals, _name(group), source == group) for group in sorted(set(GROUPS.values()))),
        _long_format(followed, "median_days_open", pl.when(days.median() <= FOLLOWED_DAYS).then(days.median()), pl.len()),
        _shares(followed, "long_case_share", days > FOLLOWED_DAYS),
    ]
    contacts = tables.get(CONTACTS.name)
    if contacts is not None and contacts.height:
        dated = contacts.with_columns(began_on=_period("cont_contact_date", every))
        ended = ("|" + pl.col("cont_contact_outcome_json") + "|").str.contains("|NFA|", literal=True)
        found += [_counts(dated, "contacts"), _shares(dated, "contact_nfa_share", ended)]
    whole = (pl.col("began_on") >= first) & (_end("began_on", every) <= last)
    series = pl.concat(found).filter(whole, pl.col("value").is_not_null())
    if residents is not None:
        rate = pl.col("value") / residents * 10_000 * PERIODS_IN_A_YEAR[every]
        counts = [name for name, measure in MEASURES.items() if measure.kind is Kind.COUNT]
        series = series.with_columns(value=pl.when(pl.col("measure").is_in(counts)).then(rate).otherwise("value"))
    return series.sort("measure", "began_on")


def find_referrals(episodes: pl.DataFrame) -> pl.DataFrame:
    """Referrals with quirks mended: ``person``, ``day``, ``nfa``, ``source`` (group), ``closed_on``, ``again``; by child and day.

    ``again`` says that the child was referred in the 365 days before (the measure of ``validation/rereferrals.py``). Two
    referrals of a child on one day count once. A case that was continued is closed when its last part is.
    """
    nfa = pl.col("cine_referral_nfa").fill_null(value=False)
    closed = pl.coalesce("cine_close_date", pl.when(nfa).then(next_working_day(pl.col("cine_referral_date"))))
    ordered = episodes.select(
        "cine_referral_id",
        person="cine_person_id",
        day="cine_referral_date",
        nfa=nfa,
        source=pl.col("cine_referral_source_code").replace_strict(GROUPS, default=UNKNOWN, return_dtype=pl.String),
        closed_on=closed,
    ).sort("person", "day", "closed_on", "cine_referral_id", nulls_last=True)
    before = pl.col("closed_on").cum_max().shift(1).over("person")
    apart = (pl.col("day") - before).dt.total_days()
    continues = apart.is_between(0, 1).fill_null(value=False) | (pl.col("day") == pl.col("day").shift(1).over("person"))
    started = ordered.with_columns(case=(~continues.fill_null(value=False)).cum_sum())
    cases = started.group_by("case", maintain_order=True).agg(
        pl.col("person", "day", "nfa", "source").first(),
        closed_on=pl.when(pl.col("closed_on").is_null().any()).then(None).otherwise(pl.col("closed_on").max()),
    )
    since = (pl.col("day") - pl.col("day").shift(1).over("person")).dt.total_days()
    return cases.drop("case").with_columns(again=(since <= WITHIN_DAYS).fill_null(value=False))


def _period(column: str, every: Every) -> pl.Expr:
    """The first day of the period in which a day lies."""
    day = pl.col(column)
    return day.dt.truncate("1q") if every is Every.QUARTER else day.dt.offset_by("-3mo").dt.truncate("1y").dt.offset_by("3mo")


def _end(column: str, every: Every) -> pl.Expr:
    """The last day of the period that begins on a day."""
    return pl.col(column).dt.offset_by("3mo" if every is Every.QUARTER else "1y").dt.offset_by("-1d")


def _later(day: date, days: int) -> date:
    return date.fromordinal(day.toordinal() + days)


def _long_format(frame: pl.DataFrame, measure: str, value: pl.Expr, n: pl.Expr) -> pl.DataFrame:
    found = frame.group_by("began_on").agg(value=value.cast(pl.Float64), n=n.cast(pl.Int64))
    return found.select(pl.lit(measure).alias("measure"), "began_on", "value", "n")


def _counts(frame: pl.DataFrame, measure: str) -> pl.DataFrame:
    return _long_format(frame, measure, pl.len(), pl.len())


def _shares(frame: pl.DataFrame, measure: str, is_so: pl.Expr) -> pl.DataFrame:
    return _long_format(frame, measure, is_so.mean(), is_so.count())
