"""Series of practice from drawn tables: every measure, its periods, and the quirks of case systems that are mended."""

from datetime import date, timedelta

import polars as pl
import pytest

from tests.spec.drawing import rows
from validation.practice import MEASURES, Every, Kind, find_referrals, measure_practice
from validation.rereferrals import count_re_referrals

FIRST, LAST = date(2023, 1, 1), date(2025, 3, 31)


def practice(episodes: str, contacts: str | None = None, **how: object) -> pl.DataFrame:
    tables = {"ssd_cin_episodes": rows("ssd_cin_episodes", episodes)}
    if contacts is not None:
        tables["ssd_contacts"] = rows("ssd_contacts", contacts)
    return measure_practice(tables, how.pop("first", FIRST), how.pop("last", LAST), **how)


def values(series: pl.DataFrame, measure: str) -> list[tuple[str, float, int]]:
    one = series.filter(pl.col("measure") == measure)
    return [(day.isoformat(), value, n) for _, day, value, n in one.iter_rows()]


DRAWN = """
person_id referral_date referral_nfa referral_source_code close_date
anna      2023-01-02    no           6                    2023-02-01
bert      2023-02-02    yes          6                    2023-02-03
cara      2023-03-31    no           2A                   2023-09-01
anna      2023-04-01    yes          -                    2023-04-03
dora      2024-05-01    no           5D                   2024-05-11
"""


def test_a_quarter_counts_what_was_referred_in_it() -> None:
    series = practice(DRAWN)
    assert values(series, "referrals") == [("2023-01-01", 3, 3), ("2023-04-01", 1, 1), ("2024-04-01", 1, 1)]
    assert values(series, "nfa_share") == [("2023-01-01", 1 / 3, 3), ("2023-04-01", 1, 1), ("2024-04-01", 0, 1)]
    assert values(series, "source_police_share")[0] == ("2023-01-01", pytest.approx(2 / 3), 3)
    assert values(series, "source_schools_share")[0] == ("2023-01-01", pytest.approx(1 / 3), 3)
    assert values(series, "source_unknown_share")[1] == ("2023-04-01", 1, 1)  # no source is an unknown one
    assert values(series, "source_la_services_share")[2] == ("2024-04-01", 1, 1)


def test_years_begin_in_april_and_only_whole_periods_that_the_history_covers_are_told() -> None:
    assert values(practice(DRAWN, every=Every.YEAR), "referrals") == [("2023-04-01", 1, 1), ("2024-04-01", 1, 1)]
    assert values(practice(DRAWN, first=date(2023, 1, 2)), "referrals")[0][0] == "2023-04-01"
    assert values(practice(DRAWN, last=date(2024, 6, 29)), "referrals")[-1][0] == "2023-04-01"


def test_re_referrals_are_told_when_a_year_before_is_known() -> None:
    series = practice(
        "person_id referral_date close_date\nanna 2023-06-01 2023-06-09\nanna 2024-01-05 2024-02-01\nbert 2024-01-06 -"
    )
    assert values(series, "re_referral_share") == [("2024-01-01", 0.5, 2)]


def test_durations_are_of_the_cases_that_began_and_open_ones_count_as_longer_than_any() -> None:
    drawn = "person_id referral_date referral_nfa close_date\n"
    nfa, short, long, none = (
        "n 2024-01-01 yes 2024-01-02\n",
        "a 2024-01-01 no 2024-01-11\n",
        "d 2024-02-01 no 2024-12-01\n",
        "c 2024-01-09 no -\n",
    )
    late = "e 2024-12-31 no 2025-01-01\n"  # its quarter has not been followed for half a year
    series = practice(drawn + nfa + short + long + none + late)
    assert values(series, "long_case_share") == [("2024-01-01", pytest.approx(2 / 3), 3)]
    assert values(series, "median_days_open") == []  # beyond half a year, which newer cases could not tell
    both = practice(drawn + nfa + short + short.replace("a", "b").replace("11", "31") + none)
    assert values(both, "median_days_open") == [("2024-01-01", 30, 3)]


def test_a_referral_within_a_day_of_the_last_closing_is_no_new_one() -> None:
    drawn = """
    person_id referral_date referral_nfa close_date
    anna      2023-05-01    no           2023-06-01
    anna      2023-06-02    no           2024-01-09
    anna      2024-01-11    no           2024-02-01
    bert      2023-05-05    yes          -
    bert      2023-05-08    no           -
    """
    found = find_referrals(rows("ssd_cin_episodes", drawn)).select("person", "day", "closed_on", "again").rows()
    assert found == [
        ("anna", date(2023, 5, 1), date(2024, 1, 9), False),
        ("anna", date(2024, 1, 11), date(2024, 2, 1), True),
        ("bert", date(2023, 5, 5), None, False),  # closed on the next working day, Monday the 8th, and was continued on it
    ]


def test_moving_to_another_case_system_is_not_a_quarter_of_re_referrals() -> None:
    before = "\n".join(f"child{number} 2024-02-01 2024-10-30" for number in range(50))
    after = "\n".join(f"child{number} 2024-10-31 -" for number in range(50))
    series = practice(f"person_id referral_date close_date\n{before}\n{after}\nlate 2024-10-30 -")
    assert values(series, "referrals") == [("2024-01-01", 50, 50), ("2024-10-01", 1, 1)]
    assert values(series, "re_referral_share")[-1] == ("2024-10-01", 0, 1)


def test_the_re_referral_share_is_the_official_measure_of_referrals_that_no_quirk_touches() -> None:
    days = [FIRST + timedelta(days=11 * step) for step in range(70)]
    drawn = "\n".join(f"child{step % 17} {day} {day + timedelta(days=3)}" for step, day in enumerate(days))
    episodes = rows("ssd_cin_episodes", f"person_id referral_date close_date\n{drawn}")
    series = measure_practice({"ssd_cin_episodes": episodes}, FIRST, LAST)
    told = values(series, "re_referral_share")
    assert len(told) == 5
    for start, share, n in told:
        began = date.fromisoformat(start)
        ended = date(began.year, began.month + 2, 31 if began.month in {1, 10} else 30)
        official = count_re_referrals(episodes, began, ended)
        assert (share, n) == (pytest.approx(official.rate), official.referrals)


def test_contacts_are_told_where_they_were_supplied() -> None:
    contacts = "person_id contact_date contact_outcome_json\na 2024-01-05 NFA\nb 2024-02-05 NEW_REFERRAL|NFA\nc 2024-02-06 ADVICE"
    series = practice(DRAWN, contacts)
    assert values(series, "contacts") == [("2024-01-01", 3, 3)]
    assert values(series, "contact_nfa_share") == [("2024-01-01", pytest.approx(2 / 3), 3)]
    assert "contacts" not in set(practice(DRAWN)["measure"])


def test_counts_are_rates_where_the_number_of_residents_is_given() -> None:
    (quarter, *_), (year, *_) = (values(practice(DRAWN, residents=5_000, every=every), "referrals") for every in Every)
    assert quarter == ("2023-01-01", pytest.approx(24), 3)
    assert year == ("2023-04-01", 2, 1)


def test_every_series_is_of_a_declared_measure_and_every_value_of_its_kind() -> None:
    series = practice(DRAWN, "person_id contact_date\na 2024-01-05")
    assert set(series["measure"]) <= set(MEASURES)
    shares = series.filter(pl.col("measure").is_in([name for name, one in MEASURES.items() if one.kind is Kind.SHARE]))
    assert shares["value"].is_between(0, 1).all()
    assert series.equals(series.sort("measure", "began_on"))
