"""Changes in published series and in small ones that are made up: what is found, what is not, and what is said of it."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from tests.spec.drawing import nights
from validation.change_points import (
    MEDIAN_MOVE,
    WOBBLE,
    Change,
    describe_changes,
    find_changes,
    find_practice_changes,
)
from validation.national import band_of, england_in, figures
from validation.practice import MEASURES, Every, Kind

# Department for Education, children in need: North East Lincolnshire, years to March 2013 to 2025; "c" is suppressed.
REFERRALS = [3468, 3106, 1997, 1725, 1948, 2080, 2197, 3867, 3446, 3222, 3101, 2264, 2002]
RE_REFERRALS = [25.7, 18.7, 19.5, 11.5, 9.0, 14.3, 15.7, 16.7, 31.1, 27.7, 29.9, 27.3, 21.4]
NO_FURTHER_ACTION = [16.8, 18.3, 25.6, 16.2, 13.4, 0, None, 0, 0, 0, 0, 0, 0]


def yearly(measure: str, values: list[float | None], n: list[int]) -> pl.DataFrame:
    days = [date(2012 + number, 4, 1) for number in range(len(values))]
    frame = pl.DataFrame({"measure": measure, "began_on": days, "value": values, "n": n}, schema_overrides={"value": pl.Float64})
    return frame.drop_nulls()


def quarterly(measure: str, values: np.ndarray, n: int = 500) -> pl.DataFrame:
    days = pl.date_range(date(2018, 4, 1), date(2040, 1, 1), "3mo", eager=True).head(values.size)
    return pl.DataFrame({"measure": measure, "began_on": days, "value": values, "n": n})


def per_cent(values: list[float | None]) -> list[float | None]:
    return [None if value is None else value / 100 for value in values]


def test_north_east_lincolnshires_published_series_steps_down_and_up_again() -> None:
    down, up = find_changes(yearly("re_referral_share", per_cent(RE_REFERRALS), REFERRALS), Every.YEAR)
    assert (down.on, up.on) == (date(2015, 4, 1), date(2020, 4, 1))  # the low of 2017 and the high of 2021
    assert (round(down.before, 3), round(down.after, 3), round(up.after, 3)) == (0.217, 0.141, 0.281)
    assert down.words == (
        "From the year beginning 1 April 2015 on, the share of referrals within 12 months of an earlier one of the same child "
        "fell from 21.7 % to 14.1 %, by more than an unchanged council's values wobble. England had 24.2 % in 2015 and 22.5 % in "
        "2016. The new level is outside the 15.0 % to 26.0 % of 8 in 10 authorities."
    )


def test_its_end_of_no_further_action_and_its_swings_in_referrals_are_found() -> None:
    (ended,) = find_changes(yearly("nfa_share", per_cent(NO_FURTHER_ACTION), REFERRALS), Every.YEAR)
    assert (ended.on, ended.after) == (date(2017, 4, 1), 0)
    assert "within the 0.0 % to 14.0 % of 8 in 10 authorities" in ended.words
    swings = find_changes(yearly("referrals", REFERRALS, REFERRALS), Every.YEAR)
    assert [change.on.year for change in swings] == [2014, 2019, 2023]
    assert "rose from 1,989 to 3,409 a year" in swings[1].words


def test_englands_published_re_referrals_are_quiet_and_so_are_its_referrals() -> None:
    england = {name: list(figures()[name, "england"].values()) for name in ("referrals", "re_referral_share", "nfa_share")}
    counts = [int(value) for value in england["referrals"]]
    assert len(counts) == 13
    assert find_changes(yearly("re_referral_share", england["re_referral_share"], counts), Every.YEAR) == []
    assert find_changes(yearly("referrals", england["referrals"], counts), Every.YEAR) == []
    (fell,) = find_changes(yearly("nfa_share", england["nfa_share"], counts), Every.YEAR)
    assert fell.on == date(2015, 4, 1)  # from 13.8 to 9.9 % in one year, and it stayed: that one was a change


def test_the_wobble_that_is_allowed_for_is_the_published_one() -> None:
    median = figures()["re_referral_share", "yearly_move_median"][2025]
    level = figures()["re_referral_share", "england"][2025]
    assert WOBBLE[Kind.SHARE] == pytest.approx(median / MEDIAN_MOVE / (2 * np.sqrt(level * (1 - level))), abs=0.001)


@pytest.mark.parametrize(("step", "dated"), [(3, 4), (8, 8), (11, 11), (17, 17), (20, 20)])
def test_a_step_is_dated_to_its_quarter_at_any_time_of_the_year(step: int, dated: int) -> None:
    """Unless it comes within a year of the beginning: no level is shorter."""
    season = np.tile([0.03, -0.04, 0.02, -0.01], 6)
    series = quarterly("source_police_share", np.where(np.arange(24) < step, 0.30, 0.12) + season)
    (found,) = find_changes(series)
    assert found.on == series["began_on"][dated]


def test_the_seasons_are_not_a_change_and_neither_is_one_odd_quarter() -> None:
    season = np.tile([600.0, 380.0, 560.0, 420.0], 6)
    assert find_changes(quarterly("referrals", season)) == []
    odd = np.full(24, 0.2)
    odd[11] = 0.5
    assert find_changes(quarterly("re_referral_share", odd)) == []


def test_a_series_that_is_too_short_or_of_too_few_says_nothing() -> None:
    assert find_changes(quarterly("nfa_share", np.repeat([0.3, 0.0], [6, 5]))) == []
    assert find_changes(quarterly("nfa_share", np.repeat([0.3, 0.1], 12), n=5)) == []
    assert len(find_changes(quarterly("nfa_share", np.repeat([0.3, 0.1], 12)))) == 1


def test_a_restless_series_has_to_step_further() -> None:
    step = np.repeat([0.20, 0.32], 12)
    restless = step + np.tile([0.12, 0.12, 0.12, 0.12, -0.12, -0.12, -0.12, -0.12], 3)
    assert len(find_changes(quarterly("re_referral_share", step))) == 1
    assert find_changes(quarterly("re_referral_share", restless)) == []


def test_changes_of_all_measures_come_oldest_first_and_as_json() -> None:
    early, late = np.repeat([0.3, 0.1], [8, 16]), np.repeat([0.3, 0.1], [16, 8])
    both = pl.concat([quarterly("nfa_share", late), quarterly("source_police_share", early), quarterly("contacts", 900 * late)])
    found = find_changes(both)
    assert [change.measure for change in found] == ["source_police_share", "contacts", "nfa_share"]
    told = json.loads(json.dumps(describe_changes(found)))
    assert told[0]["on"] == "2020-04-01"
    assert replace(found[0], on=date(2020, 4, 1)) == Change(**told[0] | {"on": date.fromisoformat(told[0]["on"])})
    assert "a quarter, by more" in told[1]["words"]


def test_days_are_words_too() -> None:
    (found,) = find_changes(quarterly("median_days_open", np.repeat([120.0, 60.0], 12)))
    assert "the median duration of cases fell from 120 days to 60 days, by more" in found.words


def test_an_archive_of_under_three_years_has_no_changes_and_rows_that_were_withdrawn_do_not_count() -> None:
    shown = "referral_id person_id referral_date\n"
    months = [f"20{year}-{month:02}-15" for year in range(18, 23) for month in range(1, 13)]
    kept = "".join(f"r{m}{n} c{m}{n} {day}\n" for m, day in enumerate(months) for n in range(20))
    gone = "".join(f"x{m}{n} y{m}{n} {day}\n" for m, day in enumerate(months[30:]) for n in range(60))
    start = date(2018, 1, 1)
    doubled = nights(("2022-12-31", {"ssd_cin_episodes": shown + kept + gone}), window_start=start)
    assert [change.measure for change in find_practice_changes(doubled)] == ["referrals"]
    both = ("2022-12-31", {"ssd_cin_episodes": shown + kept + gone}), ("2023-01-01", {"ssd_cin_episodes": shown + kept})
    assert find_practice_changes(nights(*both, window_start=start)) == []
    assert find_practice_changes(nights(both[0], window_start=date(2020, 4, 1))) == []


def test_published_figures_name_measures_that_there_are_and_give_a_band() -> None:
    assert {measure for measure, _ in figures()} <= set(MEASURES)
    assert band_of("re_referral_share") == (0.15, 0.26)
    assert band_of("contacts") is None
    assert england_in("re_referral_share", date(2017, 3, 31)) == (2017, 0.219)
    assert england_in("re_referral_share", date(2030, 4, 1)) == (2025, 0.226)
    assert england_in("source_police_share", date(2020, 1, 1)) is None
