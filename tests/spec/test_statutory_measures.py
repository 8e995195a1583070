"""What the statutory tables count: drawn records in, counts of the year to 31 March 2025 out."""

from datetime import date

import polars as pl
import pytest

from tests.spec.drawing import rows
from validation.returns.counting import count_measures
from validation.returns.measures import ALL, MEASURES
from validation.returns.years import bank_holidays

EPISODES = "person_id referral_date close_date referral_nfa close_reason"
PLANS = "person_id cp_plan_start_date cp_plan_end_date cp_plan_ola cp_plan_initial_category"
ENQUIRIES = "s47_enquiry_id person_id s47_start_date"
CONFERENCES = "s47_enquiry_id person_id icpc_date icpc_transfer_in"
REASONED = "\nzoe 2015-01-01 2016-01-01 no RC7"  # long before, so that reasons are held at all


def count(tables: dict[str, str], measure: str, breakdown: str = ALL, code: str = ALL) -> int | None:
    """One line of the year, from drawn tables."""
    frames = {name: rows(name, drawn) for name, drawn in tables.items()}
    found = count_measures(frames, 2025).filter(measure=measure, breakdown=breakdown, value_code=code)
    number: int | None = found["count"].item()
    return number


def episodes(drawn: str) -> dict[str, str]:
    return {"ssd_cin_episodes": f"{EPISODES}\n{drawn}{REASONED}"}


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("ann 2024-04-01 - no -", 1),
        ("ann 2025-03-31 - no -", 1),
        ("ann 2024-03-31 - no -", 0),
        ("ann 2025-04-01 - no -", 0),
        ("ann 2024-06-01 - yes -", 1),  # without further action it is a referral all the same
        ("ann 2024-06-01 - no -\nann 2024-06-01 - no -", 1),  # twice on one day
        ("ann 2024-06-01 2024-06-08 no RC7\nann 2024-07-01 - no -\nbob 2024-07-01 - no -", 3),
    ],
)
def test_a_referral_counts_by_its_day(drawn: str, expected: int) -> None:
    assert count(episodes(drawn), "referrals") == expected


@pytest.mark.parametrize(
    ("measure", "expected"),
    [("children_referred", 2), ("re_referrals", 2), ("children_re_referred", 1), ("referrals_no_further_action", 1)],
)
def test_referrals_children_and_re_referrals_are_counted_apart(measure: str, expected: int) -> None:
    drawn = "ann 2024-01-05 2024-02-05 no RC7\nann 2024-06-01 2024-06-08 yes -\nann 2025-01-01 - no -\nbob 2024-07-01 - no -"
    assert count(episodes(drawn), measure) == expected


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("ann 2024-06-01 2024-07-01 no RC8", 1),
        ("ann 2024-06-01 2024-07-01 no RC9", 1),
        ("ann 2024-06-01 2024-07-01 no RC7", 0),
        ("ann 2025-03-20 2025-04-02 no RC8", 0),  # not known by the end of the year
        ("ann 2024-03-20 2024-04-20 no RC8", 0),  # referred the year before
    ],
)
def test_a_child_is_found_not_to_be_in_need_by_the_closing_of_a_referral_of_the_year(drawn: str, expected: int) -> None:
    assert count(episodes(drawn), "referrals_not_in_need") == expected


@pytest.mark.parametrize(
    ("drawn", "ever", "started", "ended"),
    [
        ("ann 2020-01-01 - no -", 1, 0, 0),
        ("ann 2020-01-01 2024-03-31 no RC7", 0, 0, 0),
        ("ann 2020-01-01 2024-04-01 no RC7", 1, 0, 1),
        ("ann 2024-05-01 2025-03-31 no RC7", 1, 1, 1),
        ("ann 2024-05-01 2025-04-01 no RC7", 1, 1, 0),  # closed after the year: open on 31 March
        ("ann 2024-05-01 2024-06-01 no RC8", 0, 0, 0),  # not in need
        ("ann 2025-03-20 2025-04-02 no RC8", 1, 1, 0),  # so it was found after the year
        ("ann 2024-05-01 - yes -", 0, 0, 0),  # no further action
        ("ann 2025-04-01 - no -", 0, 0, 0),
    ],
)
def test_an_episode_of_need_was_open_on_a_day_of_the_year(drawn: str, ever: int, started: int, ended: int) -> None:
    names = ("episodes_of_need", "episodes_of_need_started", "episodes_of_need_ended")
    assert tuple(count(episodes(drawn), name) for name in names) == (ever, started, ended)


@pytest.mark.parametrize(
    ("closed", "band"),
    [
        ("2024-09-10", "up_to_3_months"),
        ("2024-09-11", "3_to_6_months"),
        ("2024-12-10", "3_to_6_months"),
        ("2024-12-11", "6_to_12_months"),
    ],
)
def test_how_long_a_need_lasted_goes_by_the_calendar(closed: str, band: str) -> None:
    drawn = episodes(f"ann 2024-06-10 {closed} no RC7")
    assert count(drawn, "episodes_of_need_ended", "duration", band) == 1


@pytest.mark.parametrize(
    ("opened", "band"),
    [
        ("2024-12-31", "up_to_3_months"),
        ("2024-12-30", "3_to_6_months"),
        ("2024-04-01", "6_to_12_months"),
        ("2024-03-31", "1_to_2_years"),
        ("2023-04-01", "1_to_2_years"),
        ("2023-03-31", "2_years_or_more"),
    ],
)
def test_how_long_a_need_has_lasted_on_31_march(opened: str, band: str) -> None:
    tables = episodes(f"ann {opened} - no -") | {"ssd_person": "person_id dob\nann 2015-01-01"}
    assert count(tables, "children_in_need_31_march", "duration", band) == 1


@pytest.mark.parametrize(
    ("born", "age", "sex"),
    [
        ("-", "unborn", "unborn"),
        ("2025-04-01", "unborn", "unborn"),
        ("2025-03-01", "under_1", "F"),
        ("2024-04-01", "under_1", "F"),
        ("2024-03-01", "1_to_4", "F"),
        ("2020-04-01", "1_to_4", "F"),
        ("2020-03-01", "5_to_9", "F"),
        ("2009-04-01", "10_to_15", "F"),
        ("2009-03-01", "16_and_over", "F"),
    ],
)
def test_ages_are_those_of_31_march_and_the_unborn_are_of_no_sex(born: str, age: str, sex: str) -> None:
    people = {"ssd_person": f"person_id dob sex\nann {born} F\nzoe 2010-01-01 M"}
    tables = episodes("ann 2025-01-05 - no -") | people
    for breakdown, code in (("age", age), ("sex", sex)):
        assert count(tables, "children_in_need_31_march", breakdown, code) == 1


def test_a_child_with_two_disabilities_counts_once_and_under_each() -> None:
    tables = episodes("ann 2025-01-05 - no -\nbob 2025-01-05 - no -") | {
        "ssd_person": "person_id dob\nann 2015-01-01\nbob 2015-01-01",
        "ssd_disability": "person_id disability_code\nann LD\nann AUT\nbob NONE",
    }
    whole = count(tables, "children_in_need_disabled")
    parts = [count(tables, "children_in_need_disabled", "disability", code) for code in ("LD", "AUT", "MOB")]
    assert (whole, parts) == (1, [1, 1, 0])


@pytest.mark.parametrize(
    ("begun", "held", "band"),
    [
        ("2024-06-03", "2024-06-17", "up_to_10"),  # ten working days later
        ("2024-06-03", "2024-06-18", "11_to_15"),
        ("2024-12-16", "2025-01-09", "11_to_15"),  # Christmas Day, Boxing Day and New Year's Day are none
        ("2024-12-16", "2025-01-10", "16_to_20"),
        ("2024-06-03", "2024-07-02", "over_20"),
    ],
)
def test_conferences_go_by_working_days_since_the_enquiry(begun: str, held: str, band: str) -> None:
    tables = {
        "ssd_s47_enquiry": f"{ENQUIRIES}\nq ann {begun}",
        "ssd_initial_cp_conference": f"{CONFERENCES}\nq ann {held} -\nq ann {held} yes",  # the other one moved in
    }
    assert count(tables, "conferences") == 1
    assert count(tables, "conferences", "duration", band) == 1


@pytest.mark.parametrize(
    ("measure", "expected"),
    [("plans", 3), ("plans_started", 2), ("plans_ended", 1), ("plans_31_march", 2), ("plans_second_or_later", 1)],
)
def test_plans_of_other_authorities_are_left_out_and_later_ones_told_apart(measure: str, expected: int) -> None:
    drawn = (
        "ann 2022-01-01 2022-06-01 - NEG\nann 2024-06-01 - - EMO\nbob 2023-01-01 2024-06-01 - NEG\n"
        "cat 2024-06-01 2025-05-01 no NEG\ndan 2024-06-01 - yes NEG"
    )
    assert count({"ssd_cp_plans": f"{PLANS}\n{drawn}"}, measure) == expected


def test_factors_count_once_for_an_episode_and_none_found_is_no_factor() -> None:
    assessments = (
        "assessment_id person_id referral_id assessment_start_date assessment_auth_date\n"
        "a1 ann e1 2024-05-01 2024-06-01\na2 ann e1 2024-08-01 2024-09-01\na3 bob e2 2024-05-01 2024-06-01\n"
        "a4 cat e3 2024-05-01 2024-06-01\na5 dan e4 2025-03-01 2025-04-01"
    )
    factors = "assessment_id assessment_factors_json\na1 3B|8C\na2 3B|4B|8D\na3 21\na4 8B\na5 3B"
    tables = {"ssd_cin_assessments": assessments, "ssd_assessment_factors": factors}
    assert count(tables, "assessments") == 4
    assert count(tables, "episodes_with_factors") == 2
    assert [count(tables, "episodes_with_factors", "factor", code) for code in ("3B", "4B", "8", "21")[:3]] == [1, 1, 2]


def test_what_was_not_supplied_is_not_nought() -> None:
    lines = count_measures({"ssd_cin_episodes": rows("ssd_cin_episodes", "person_id referral_date\nann 2024-06-01")}, 2025)
    lacking = dict(lines.filter(breakdown=ALL).select("measure", "lacking").iter_rows())
    assert lacking["referrals"] is None
    assert lacking["referrals_not_in_need"] == "ssd_cin_episodes.cine_close_reason"
    assert lacking["plans"] == "ssd_cp_plans"
    assert lines.filter(pl.col("lacking").is_not_null())["count"].null_count() == lines["lacking"].count()
    by_source = lines.filter(measure="referrals", breakdown="source")
    assert by_source["count"].null_count() == by_source.height


def test_the_frame_has_the_same_lines_whatever_was_supplied() -> None:
    names = ["measure", "breakdown", "value_code"]
    some = count_measures({"ssd_cp_plans": rows("ssd_cp_plans", f"{PLANS}\nann 2024-06-01 - - NEG")}, 2025).select(names)
    assert some.equals(count_measures({}, 2025).select(names))
    assert some["measure"].unique(maintain_order=True).to_list() == list(MEASURES)


def test_rates_are_shares_of_the_measure_that_a_line_is_part_of() -> None:
    drawn = "ann 2024-05-01 2024-05-10 yes -\nbob 2024-05-01 - no -\ncat 2024-05-01 - no -\ndan 2024-05-01 - no -"
    lines = count_measures({"ssd_cin_episodes": rows("ssd_cin_episodes", f"{EPISODES}\n{drawn}")}, 2025)
    assert lines.filter(measure="referrals_no_further_action")["rate"].to_list() == [0.25]
    assert lines.filter(measure="referrals", value_code="may").select("count", "denominator", "rate").row(0) == (4, 4, 1.0)
    assert lines.filter(measure="referrals", breakdown=ALL)["rate"].to_list() == [None]


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2020, "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28"),
        (2021, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"),
        (2022, "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27"),
        (2023, "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26"),
        (2024, "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26"),
        (2025, "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26"),
        (2026, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"),
    ],
)
def test_bank_holidays_are_those_that_the_government_published(year: int, days: str) -> None:
    assert bank_holidays(year) == tuple(date.fromisoformat(f"{year}-{day}") for day in days.split())
