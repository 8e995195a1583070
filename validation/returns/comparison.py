"""Our own figures beside the published ones: a verdict for every line of a return.

A pipeline that reads the case system as the council's statistics do arrives at the same figures. It may differ by a little, since
rows are recorded late, corrected or merged after the return was sent; a larger difference means that one of the two is wrong.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import polars as pl

from validation.errors import SettingsError
from validation.extract import ExtractRule
from validation.rereferrals import WITHIN_DAYS
from validation.returns.counting import count_measures
from validation.returns.measures import ALL, MEASURES, Reach
from validation.returns.populations import Tables
from validation.returns.published import SIGNS
from validation.returns.years import CensusYear

ALLOWED, ALLOWED_SHARE = 5, 0.02
"""The default tolerance: a difference of 5, or of 2 per cent of the published figure where that is more.

5, since no count below 6 is published: what could be a single hidden count is no mismatch. 2 per cent, since on an invented
authority with ordinary habits of recording no line moved by more between the return and an extract eight months later
(``docs/reconciliation.md``), while a month of referrals that is missing moves them by 8 per cent.
"""


class Verdict(StrEnum):
    """What became of a line."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_COMPARED = "cannot be compared"
    NOT_IN_RETURN = "not in the return"


@dataclass(frozen=True)
class Coverage:
    """Which days the rows at hand cover.

    ``window_start``: the first day that the extracts' rule covers; ``seen_from``: the date of the first extract, whose open cases
    are all there; ``seen_to``: that of the last one.
    """

    rule: ExtractRule
    window_start: date
    seen_from: date
    seen_to: date

    def is_whole(self, reach: Reach, year: CensusYear) -> bool:
        """Are all rows there that a measure of that reach rests on?"""
        if reach is Reach.YEAR:
            return self.window_start <= year.first
        if reach is Reach.YEAR_BEFORE:
            return self.window_start <= year.first - timedelta(days=WITHIN_DAYS)
        if reach is Reach.OPEN:
            since = self.window_start if self.rule is ExtractRule.OVERLAPPING else max(self.window_start, self.seen_from)
            return since <= year.first
        return False


def compare_return(tables: Tables, published: pl.DataFrame, year: int, coverage: Coverage) -> pl.DataFrame:
    """Every declared line of a year with our own count, the published one, the difference and a verdict, in order.

    Columns: those of ``count_measures``, ``published``, ``sign``, ``allowed`` (the tolerance in force), ``difference`` (ours less
    published), ``verdict`` and ``why`` it cannot be compared. Where old rows may be missing our count can only be too low: a
    shortfall is not held against it, but an excess is. Raises :class:`SettingsError` when the return has no line of the year, or
    the year is not over in the extract.
    """
    wanted = published.filter(year=year)
    if wanted.is_empty():
        has = ", ".join(map(str, published["year"].unique().sort()))
        raise SettingsError(f"The return has no line of the year '{year}', but of {has}. Choose one of these, or add the lines.")
    if coverage.seen_to < CensusYear(year).last:
        raise SettingsError(
            f"The year to 31 March '{year}' is not over in the newest extract, which is of {coverage.seen_to}: choose an earlier "
            "year, or take in a later extract."
        )
    keys = ["measure", "breakdown", "value_code"]
    lines = count_measures(tables, year).join(wanted, on=keys, how="left", maintain_order="left")
    usual = pl.max_horizontal(pl.lit(ALLOWED), (ALLOWED_SHARE * pl.col("published")).floor().cast(pl.Int64))
    partly = [name for name, measure in MEASURES.items() if not coverage.is_whole(measure.reach, CensusYear(year))]
    lines = lines.with_columns(
        allowed=pl.when(pl.col("published").is_not_null()).then(pl.coalesce("tolerance", usual)),
        difference=pl.col("count") - pl.col("published"),
    )
    is_short = pl.col("measure").is_in(partly) & (pl.col("difference") < 0)
    why = (
        pl.when(pl.col("lacking").is_not_null())
        .then(pl.format("'{}' was not supplied", "lacking"))
        .when(pl.col("sign").is_not_null())
        .then(pl.col("sign").replace_strict(SIGNS, default=None, return_dtype=pl.String))
        .when(is_short & (pl.col("difference").abs() > pl.col("allowed")))
        .then(pl.col("measure").replace_strict({name: _say_short(name, coverage) for name in partly}, default=None,
                                               return_dtype=pl.String))
    )  # fmt: skip
    within = pl.col("difference").abs() <= pl.col("allowed")
    verdict = (
        pl.when(pl.col("published").is_null() & pl.col("sign").is_null())
        .then(pl.lit(Verdict.NOT_IN_RETURN.value))
        .when(pl.col("why").is_not_null())
        .then(pl.lit(Verdict.NOT_COMPARED.value))
        .when(within)
        .then(pl.lit(Verdict.AGREES.value))
        .otherwise(pl.lit(Verdict.DIFFERS.value))
    )
    return lines.with_columns(why=why).with_columns(verdict=verdict).drop("lacking", "tolerance", "year")


def _say_short(name: str, coverage: Coverage) -> str:
    """Why our count of a measure may be too low."""
    reach = MEASURES[name].reach
    if reach is Reach.OPEN and coverage.rule is ExtractRule.STARTED_OR_OPEN:
        ended = f"that had ended by {_say(coverage.seen_from)}"
        return f"cases begun before {_say(coverage.window_start)} {ended}, and what belongs to them, were never in an extract"
    return f"it rests on {reach}, and the extracts begin on {_say(coverage.window_start)}"


def _say(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def count_verdicts(compared: pl.DataFrame) -> dict[str, int]:
    """How many lines have each verdict."""
    counts = dict(compared["verdict"].value_counts().iter_rows())
    return {verdict.value: counts.get(verdict.value, 0) for verdict in Verdict}


def name_lines(compared: pl.DataFrame, verdict: Verdict) -> list[str]:
    """The lines with a verdict, each as ``measure`` or ``measure/breakdown/code``."""
    whole = pl.col("breakdown") == ALL
    name = pl.when(whole).then("measure").otherwise(pl.format("{}/{}/{}", "measure", "breakdown", "value_code"))
    return compared.filter(verdict=verdict.value).select(name.alias("name"))["name"].to_list()
