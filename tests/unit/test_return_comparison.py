"""Verdicts: what agrees, what differs, and what cannot be compared."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.spec.drawing import rows
from validation.errors import SettingsError
from validation.extract import ExtractRule
from validation.returns.comparison import Coverage, Verdict, compare_return, count_verdicts, name_lines
from validation.returns.measures import Reach
from validation.returns.published import read_return
from validation.returns.years import CensusYear

STARTED, OVERLAPPING = ExtractRule.STARTED_OR_OPEN, ExtractRule.OVERLAPPING
HEADER = "year,measure,breakdown,code,published,tolerance"
SEEN = date(2025, 11, 30)


def cover(rule: ExtractRule = OVERLAPPING, start: str = "2019-12-01", seen: date = SEEN, last: date = SEEN) -> Coverage:
    return Coverage(rule, date.fromisoformat(start), seen, last)


def children(count: int) -> dict[str, pl.DataFrame]:
    """So many children, each referred in May 2024 and still open."""
    people = "\n".join(f"c{n} 2015-01-01" for n in range(count))
    cases = "\n".join(f"c{n} 2024-05-{1 + n % 28:02} - -" for n in range(count))
    drawn = {
        "ssd_person": f"person_id dob\n{people}",
        "ssd_cin_episodes": f"person_id referral_date close_date close_reason\n{cases}\nzoe 2015-01-01 2015-02-01 RC7",
    }
    return {name: rows(name, text) for name, text in drawn.items()}


def judge(count: int, line: str, coverage: Coverage | None = None) -> dict[str, Any]:
    published = read_return(f"{HEADER}\n2025,{line}\n".encode(), "r.csv")
    compared = compare_return(children(count), published, 2025, coverage or cover())
    return compared.filter(pl.col("verdict") != Verdict.NOT_IN_RETURN).row(0, named=True)


@pytest.mark.parametrize(
    ("published", "tolerance", "verdict", "allowed"),
    [
        (100, "", Verdict.AGREES, 5),
        (105, "", Verdict.AGREES, 5),
        (95, "", Verdict.AGREES, 5),
        (106, "", Verdict.DIFFERS, 5),
        (94, "", Verdict.DIFFERS, 5),
        (400, "", Verdict.DIFFERS, 8),
        (106, "6", Verdict.AGREES, 6),
        (101, "0", Verdict.DIFFERS, 0),
    ],
)
def test_a_line_agrees_within_its_tolerance(published: int, tolerance: str, verdict: Verdict, allowed: int) -> None:
    found = judge(100, f"referrals,all,all,{published},{tolerance}")
    assert (found["verdict"], found["allowed"], found["difference"]) == (verdict, allowed, 100 - published)


def test_of_large_figures_two_per_cent_are_allowed() -> None:
    assert judge(400, "referrals,all,all,408,")["verdict"] == Verdict.AGREES
    assert judge(400, "referrals,all,all,409,")["verdict"] == Verdict.DIFFERS


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("referrals,all,all,c,", "the Department hides it"),
        ("referrals,all,all,u,", "the Department calls it unreliable"),
        ("plans,all,all,30,", "'ssd_cp_plans' was not supplied"),
        ("referrals,source,police,30,", "'ssd_cin_episodes.cine_referral_source_code' was not supplied"),
    ],
)
def test_what_is_hidden_or_not_supplied_cannot_be_compared(line: str, why: str) -> None:
    found = judge(100, line)
    assert (found["verdict"], found["why"]) == (Verdict.NOT_COMPARED, why)


def test_where_old_cases_may_be_missing_a_shortfall_is_excused_and_an_excess_is_not() -> None:
    coverage, stock = cover(STARTED), "children_in_need_31_march,all,all"
    short = judge(100, f"{stock},150,", coverage)
    assert short["verdict"] == Verdict.NOT_COMPARED
    assert short["why"].startswith("cases begun before 1 December 2019 that had ended by 30 November 2025")
    assert judge(100, f"{stock},103,", coverage)["verdict"] == Verdict.AGREES
    assert judge(100, f"{stock},80,", coverage)["verdict"] == Verdict.DIFFERS
    assert judge(100, "referrals,all,all,150,", coverage)["verdict"] == Verdict.DIFFERS


def test_a_year_that_is_not_wholly_in_the_window_is_not_held_against_the_figures() -> None:
    found = judge(100, "referrals,all,all,150,", cover(start="2024-05-01"))
    assert (found["verdict"], found["why"]) == (
        Verdict.NOT_COMPARED,
        "it rests on what happened in the year, and the extracts begin on 1 May 2024",
    )


@pytest.mark.parametrize(
    ("coverage", "whole"),
    [
        (cover(OVERLAPPING, "2019-12-01"), {Reach.YEAR, Reach.YEAR_BEFORE, Reach.OPEN}),
        (cover(OVERLAPPING, "2024-04-01"), {Reach.YEAR, Reach.OPEN}),
        (cover(OVERLAPPING, "2024-04-02"), set()),
        (cover(OVERLAPPING, "2023-04-02"), {Reach.YEAR, Reach.YEAR_BEFORE, Reach.OPEN}),
        (cover(OVERLAPPING, "2023-04-03"), {Reach.YEAR, Reach.OPEN}),
        (cover(STARTED, "2019-12-01"), {Reach.YEAR, Reach.YEAR_BEFORE}),
        (cover(STARTED, "2018-04-01", seen=date(2024, 4, 1)), {Reach.YEAR, Reach.YEAR_BEFORE, Reach.OPEN}),
        (cover(STARTED, "2018-04-01", seen=date(2024, 4, 2)), {Reach.YEAR, Reach.YEAR_BEFORE}),
    ],
)
def test_which_measures_are_whole_follows_from_the_rule_the_window_and_the_first_extract(
    coverage: Coverage, whole: set[Reach]
) -> None:
    assert {reach for reach in Reach if coverage.is_whole(reach, CensusYear(2025))} == whole


def test_a_year_that_is_not_over_or_not_in_the_file_is_refused() -> None:
    published = read_return(f"{HEADER}\n2025,referrals,all,all,100,\n".encode(), "r.csv")
    with pytest.raises(SettingsError, match="has no line of the year '2024', but of 2025"):
        compare_return(children(10), published, 2024, cover())
    early = date(2025, 3, 30)
    with pytest.raises(SettingsError, match="'2025' is not over in the newest extract, which is of 2025-03-30"):
        compare_return(children(10), published, 2025, cover(seen=early, last=early))


def test_lines_are_counted_by_verdict_and_named() -> None:
    text = "2025,referrals,all,all,150,\n2025,referrals,month,may,150,\n2025,referrals,month,june,0,\n2025,plans,all,all,9,\n"
    compared = compare_return(children(100), read_return(f"{HEADER}\n{text}".encode(), "r.csv"), 2025, cover())
    counts = count_verdicts(compared)
    assert {name: counts[name] for name in (Verdict.AGREES, Verdict.DIFFERS, Verdict.NOT_COMPARED)} == {
        Verdict.AGREES: 1,
        Verdict.DIFFERS: 2,
        Verdict.NOT_COMPARED: 1,
    }
    assert sum(counts.values()) == compared.height
    assert name_lines(compared, Verdict.DIFFERS) == ["referrals", "referrals/month/may"]
