"""The synthetic authority meets the figures that are published, within what chance allows, and behaves as it should.

The seed is fixed. Which figures, from where, and how far off they may be is in ``published.csv`` and ``figures.py``.
"""

from datetime import date, timedelta

import polars as pl
import pytest

from validation.synthetic.authority import simulate
from validation.synthetic.figures import compare, measure, table_text
from validation.synthetic.profiles import PROFILES

START, END = date(2019, 4, 1), date(2026, 3, 31)
RESIDENTS = {"england": 60_000, "nel": 33_522}
YEAR = timedelta(365)
STOCK_DAYS = (date(2019, 4, 1), date(2021, 8, 1), date(2023, 12, 1), END)


class Authority:
    """One simulated authority and its episodes, with the same child's referral before and after each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tables = simulate(PROFILES[name], RESIDENTS[name], START, END, seed=20)
        self.episodes = (
            self.tables["ssd_cin_episodes"]
            .select(person="cine_person_id", start="cine_referral_date", close="cine_close_date")
            .sort("person", "start")
            .with_columns(earlier=pl.col("start").shift(1).over("person"), later=pl.col("start").shift(-1).over("person"))
            .with_columns(back=(pl.col("later") - pl.col("close") <= YEAR).fill_null(value=False))
        )
        self.closed = self.episodes.filter(pl.col("close").is_between(START, END - YEAR))


@pytest.fixture(scope="module", params=list(RESIDENTS))
def authority(request: pytest.FixtureRequest) -> Authority:
    return Authority(request.param)


def test_figures_are_those_that_are_published(authority: Authority) -> None:
    measured = measure(authority.tables, RESIDENTS[authority.name], START, END)
    compared = compare(measured, authority.name, errors=5)  # a small world, and a hundred figures judged at once
    missed = compared.filter(pl.col("verdict").is_in(["OUT", "not measured"]))
    assert missed.is_empty(), "\n" + table_text(missed)
    assert compared.filter(pl.col("verdict") == "inside").height > 100


def test_history_is_stationary(authority: Authority) -> None:
    starts = authority.episodes["start"]
    yearly = [starts.is_between(date(year, 4, 1), date(year + 1, 3, 31)).sum() for year in range(2019, 2026)]
    assert max(yearly) / min(yearly) < 1.25
    still_open = [(pl.col("start") <= day) & (pl.col("close").is_null() | (pl.col("close") > day)) for day in STOCK_DAYS]
    stock = [authority.episodes.filter(condition).height for condition in still_open]
    assert max(stock) / min(stock) < 1.2


def test_returns_come_early(authority: Authority) -> None:
    back = authority.closed.filter("back")
    early = back.select((pl.col("later") - pl.col("close") <= timedelta(91)).mean()).item()
    assert early > 0.35  # a flat hazard gives 0.28


def test_factors_are_found_together_more_often_than_by_chance(authority: Authority) -> None:
    codes = authority.tables["ssd_assessment_factors"].select(
        pl.col("cinf_assessment_factors_json").str.split("|").alias("codes")
    )
    drugs, neglect = (pl.col("codes").list.contains(code) for code in ("2B", "16A"))
    assert codes.select((drugs & neglect).mean() / (drugs.mean() * neglect.mean())).item() > 1.3


def test_what_raises_the_chance_of_coming_back(authority: Authority) -> None:
    """Known in the mechanism, so it must be visible in the records: earlier cases, neglect found, and youth."""
    factors = (
        authority.tables["ssd_cin_assessments"]
        .join(authority.tables["ssd_assessment_factors"], left_on="cina_assessment_id", right_on="cinf_assessment_id")
        .group_by(person="cina_person_id")
        .agg(neglect=pl.col("cinf_assessment_factors_json").str.contains("16A").any())
    )
    closed = (
        authority.closed.join(factors, on="person")
        .join(authority.tables["ssd_person"], left_on="person", right_on="pers_person_id")
        .with_columns(age=(pl.col("close") - pl.col("pers_dob")).dt.total_days() / 365.25)
    )

    def chance(condition: pl.Expr) -> float:
        return float(closed.filter(condition).select(pl.col("back").mean()).item())

    assert chance(pl.col("earlier").is_not_null()) > chance(pl.col("earlier").is_null()) + 0.05
    assert chance(pl.col("neglect")) > chance(~pl.col("neglect")) + 0.02
    assert chance(pl.col("age") < 5) > chance(pl.col("age").is_between(14, 17)) + 0.01
