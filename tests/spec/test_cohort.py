"""Who is in the cohort on a date."""

import pytest

from features.cohort import build_cohort, grid
from tests.spec.drawing import assert_drawn, dates, nights, one_load

EPISODES = "person_id referral_date close_date\n"


def test_an_episode_is_in_from_its_referral_until_the_day_before_its_closing() -> None:
    archive = one_load("2025-01-31", ssd_cin_episodes=EPISODES + "anna 2024-03-04 2024-06-10")
    found = build_cohort(archive, dates("2024-03-03", "2024-03-04", "2024-06-09", "2024-06-10"))
    assert found["as_of"].to_list() == dates("2024-03-04", "2024-06-09")


def test_a_closing_that_is_recorded_late_leaves_the_case_open_until_it_is_known() -> None:
    archive = nights(
        ("2024-06-03", {"ssd_cin_episodes": EPISODES + "anna 2024-03-04 -"}),
        ("2024-06-12", {"ssd_cin_episodes": EPISODES + "anna 2024-03-04 2024-06-05"}),
    )
    found = build_cohort(archive, dates("2024-06-05", "2024-06-11", "2024-06-12"))
    assert found["as_of"].to_list() == dates("2024-06-05", "2024-06-11")


@pytest.mark.parametrize(
    ("dob", "death_date", "is_in"),
    [
        ("2010-05-01", "-", True),
        ("2006-12-01", "-", True),  # 18 next month
        ("2006-11-01", "-", False),  # 18 this month: a month of birth is taken as its first day
        ("-", "-", True),  # not born yet
        ("2025-01-01", "-", True),  # born after the date, as a later extract knows
        ("2010-05-01", "2024-11-01", False),  # died this month
        ("2010-05-01", "2024-12-01", True),  # not dead yet
    ],
)
def test_children_under_18_or_unborn_who_live(dob: str, death_date: str, is_in: bool) -> None:
    archive = one_load(
        "2025-01-31",
        ssd_person=f"person_id dob death_date\nanna {dob} {death_date}",
        ssd_cin_episodes=EPISODES + "anna 2024-03-04 -",
    )
    found = build_cohort(archive, dates("2024-11-01"))
    assert found["person_id"].to_list() == (["anna"] if is_in else [])


def test_a_birth_date_shows_once_the_child_is_born() -> None:
    archive = one_load("2025-01-31", ssd_person="person_id dob\nanna 2024-06-01", ssd_cin_episodes=EPISODES + "anna 2024-03-04 -")
    assert build_cohort(archive, dates("2024-05-31", "2024-06-01"))["dob"].to_list() == [None, *dates("2024-06-01")]


def test_of_overlapping_open_episodes_the_latest_counts() -> None:
    archive = one_load(
        "2025-01-31",
        ssd_cin_episodes="""
            referral_id  person_id  referral_date  close_date
            first        anna       2024-01-02     -
            second       anna       2024-05-01     -
            closed       anna       2024-06-01     2024-07-01
            alone        bert       2024-03-01     -
        """,
    )
    assert_drawn(
        build_cohort(archive, dates("2024-11-25")),
        """
        row  person_id  referral_id  referral_date  overlaps
        0    anna       second       2024-05-01     true
        1    bert       alone        2024-03-01     false
        """,
    )


def test_a_continued_case_began_with_its_first_episode() -> None:
    archive = one_load("2025-01-31", ssd_cin_episodes=EPISODES + "anna 2024-01-02 2024-03-01\nanna 2024-03-02 -")
    assert_drawn(
        build_cohort(archive, dates("2024-11-25")),
        """
        referral_date  began_on
        2024-03-02     2024-01-02
        """,
    )


def test_a_merged_record_is_one_child_from_the_day_of_the_merge() -> None:
    archive = one_load(
        "2025-01-31",
        ssd_cin_episodes=EPISODES + "old 2024-01-02 -\nnew 2024-02-01 -",
        ext_person_links="old_person_id new_person_id date\nold new 2024-06-03",
    )
    assert_drawn(
        build_cohort(archive, dates("2024-06-02", "2024-06-03")),
        """
        as_of       person_id  referral_date
        2024-06-02  new        2024-02-01
        2024-06-02  old        2024-01-02
        2024-06-03  new        2024-02-01
        """,
    )


def test_a_merge_that_was_taken_back_parts_the_records_again() -> None:
    episodes = {"ssd_cin_episodes": EPISODES + "old 2024-01-02 -\nnew 2024-02-01 -"}
    kept, mistaken = "1 elder anew 2024-01-01", "2 old new 2024-06-01"
    heads = "id old_person_id new_person_id date"
    archive = nights(
        ("2024-06-03", episodes | {"ext_person_links": f"{heads}\n{kept}\n{mistaken}"}),
        ("2024-06-10", {"ext_person_links": f"{heads}\n{kept}"}),
    )
    found = build_cohort(archive, dates("2024-06-09", "2024-06-10"))
    assert found["person_id"].to_list() == ["new", "new", "old"]


def test_families_hang_together_as_known_then_and_as_known_ever() -> None:
    """Clara is seen for the first time in July and joins two families that nobody could have joined before."""
    archive = one_load(
        "2025-01-31",
        ssd_cin_episodes=EPISODES + "anna 2024-01-02 -\nbert 2024-01-02 -\ndora 2024-01-02 -\nclara 2024-07-01 -",
        ssd_family="family_id person_id\nf1 anna\nf1 clara\nf2 bert\nf2 clara",
    )
    assert_drawn(
        build_cohort(archive, dates("2024-06-03", "2024-07-01")),
        """
        as_of       person_id  family_id  group_id
        2024-06-03  anna       anna       anna
        2024-06-03  bert       bert       anna
        2024-06-03  dora       dora       dora
        2024-07-01  anna       anna       anna
        2024-07-01  bert       anna       anna
        2024-07-01  clara      anna       anna
        2024-07-01  dora       dora       dora
        """,
    )


def test_no_episodes_no_cohort() -> None:
    archive = one_load("2025-01-31", ssd_person="person_id dob\nanna 2010-05-01")
    assert build_cohort(archive, dates("2024-11-25")).is_empty()


def test_a_grid_walks_back_from_the_last_date() -> None:
    first, second, third = dates("2024-10-01", "2024-10-29", "2024-11-26")
    assert grid(first, third) == [first, second, third]
    assert grid(dates("2024-10-02")[0], third) == [second, third]
    assert grid(third, third) == [third]
    assert grid(third, second) == []
