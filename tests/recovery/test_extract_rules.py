"""Which rows an extract keeps must not decide what training learns.

The same true history is extracted by the two rules. "Started or open" keeps a case from before the window only if it never
closed: those rows tell the future, and without the filter on the referral date they bend the rate of returns.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
import pytest

from features.cohort import build_cohort, grid
from features.measure import LOOK_BACK_DAYS
from features.outcomes import NEW_REFERRAL, RETURN_AFTER_CLOSING, Outcome, label, latest_mature
from validation.extract import ExtractRule
from validation.history import Archive, build_archive, difference
from validation.synthetic.authority import simulate
from validation.synthetic.habits import CLEAN
from validation.synthetic.profiles import NE_LINCOLNSHIRE
from validation.synthetic.recording import extract, record
from validation.tables.catalogue import TABLES

EXTRACT_DATE = date(2026, 3, 31)
WINDOW_START = date(2020, 4, 1)
NEEDED = ("ssd_cin_episodes", "ssd_person", "ssd_family", "ext_person_links")


@pytest.fixture(scope="module")
def archives() -> Mapping[ExtractRule, Archive]:
    truth = simulate(NE_LINCOLNSHIRE, 4_000, WINDOW_START, EXTRACT_DATE, seed=1)
    return {rule: _archive(truth, rule) for rule in ExtractRule}


def _archive(truth: Mapping[str, pl.DataFrame], rule: ExtractRule) -> Archive:
    taken = extract(
        record(truth, CLEAN, 1), profile="ne", seed=1, extract_date=EXTRACT_DATE, rule=rule, window_start=WINDOW_START
    ).tables
    vintages = {
        name: [(EXTRACT_DATE, difference(TABLES[name], None, taken[name], WINDOW_START, EXTRACT_DATE))] for name in NEEDED
    }
    return build_archive(vintages, WINDOW_START, EXTRACT_DATE)


def rows(archive: Archive, outcome: Outcome, first: date) -> pl.DataFrame:
    """All labelled rows on the training grid that are inside the outcome's cohort and of children without overlaps."""
    dates = grid(first, latest_mature(outcome, EXTRACT_DATE))
    labelled = label(archive, build_cohort(archive, dates), outcome)
    return labelled.filter(pl.col("outside").is_null(), ~pl.col("overlaps"))


def chosen(found: pl.DataFrame) -> pl.DataFrame:
    return found.filter(pl.col("referral_date") >= WINDOW_START)


@pytest.mark.parametrize("outcome", [NEW_REFERRAL, RETURN_AFTER_CLOSING], ids=lambda outcome: outcome.name)
def test_rows_inside_the_window_are_the_same_under_either_rule(archives: Mapping[ExtractRule, Archive], outcome: Outcome) -> None:
    first = WINDOW_START + timedelta(days=LOOK_BACK_DAYS)
    ours, theirs = (chosen(rows(archives[rule], outcome, first)) for rule in ExtractRule)
    columns = ["as_of", "person_id", "referral_id", "outcome", "closed_in_window"]
    assert ours.height > 1_000
    assert 0.1 < ours["outcome"].mean() < 0.6
    assert ours.select(columns).equals(theirs.select(columns))


def test_without_the_filter_cases_that_never_closed_bend_the_rate(archives: Mapping[ExtractRule, Archive]) -> None:
    """Nearest to the window's start the bias is largest; rows from before the window are there only if still open today."""
    biased, whole = (
        rows(archives[rule], NEW_REFERRAL, WINDOW_START).filter(pl.col("as_of") < WINDOW_START + timedelta(days=365))
        for rule in (ExtractRule.STARTED_OR_OPEN, ExtractRule.OVERLAPPING)
    )
    old = pl.col("referral_date") < WINDOW_START
    assert biased.filter(old).height < 0.5 * whole.filter(old).height
    assert not biased.filter(old)["closed_in_window"].any()
    assert whole.filter(old)["closed_in_window"].mean() > 0.2
    assert not biased.filter(old)["outcome"].any()
    assert whole.filter(old)["outcome"].mean() > 0.03
    assert abs(biased["outcome"].mean() - whole["outcome"].mean()) > 0.005
    assert chosen(biased)["outcome"].mean() == chosen(whole)["outcome"].mean()
