"""The three mends of a child's episodes, each drawn."""

import polars as pl
import pytest

from features.episodes import episodes_at, migration_days
from features.facts import gather_facts
from tests.spec.drawing import assert_drawn, dates, nights, one_load, who
from validation.history import Archive

DAY = "2024-11-25"
NAMES = {"id": "cine_referral_id"}


def seen(episodes: str, day: str = DAY) -> pl.DataFrame:
    return episodes_at(one_load("2025-01-31", ssd_cin_episodes=episodes), who(day))


def test_a_referral_without_action_and_without_closing_date_closes_on_the_next_working_day() -> None:
    found = seen("""
        referral_id  person_id  referral_date  referral_nfa  close_date
        monday       anna       2024-01-01     yes           -
        friday       anna       2024-02-02     yes           -
        sunday       anna       2024-03-03     yes           -
        dated        anna       2024-04-01     yes           2024-04-09
        worked       anna       2024-05-01     no            -
    """)
    assert_drawn(
        found,
        """
        id      closed_on
        monday  2024-01-02
        friday  2024-02-05
        sunday  2024-03-04
        dated   2024-04-09
        worked  -
        """,
        **NAMES,
    )


@pytest.mark.parametrize(("day", "closed_on"), [("2024-02-02", None), ("2024-02-04", None), ("2024-02-05", "2024-02-05")])
def test_until_the_next_working_day_it_is_open(day: str, closed_on: str | None) -> None:
    found = seen("person_id referral_date referral_nfa\nanna 2024-02-02 yes", day)
    assert found["closed_on"].to_list() == (dates(closed_on) if closed_on else [None])


def test_a_referral_within_a_day_of_the_last_closing_continues_the_episode() -> None:
    found = seen("""
        referral_id  person_id  referral_date  close_date
        a            anna       2024-01-01     2024-02-01
        same-day     anna       2024-02-01     2024-03-01
        next-day     anna       2024-03-02     2024-04-01
        two-days     anna       2024-04-03     2024-05-01
        bert         bert       2024-05-01     -
    """)
    assert_drawn(
        found,
        """
        id        continues  chain  began_on    overlaps
        a         false      1      2024-01-01  false
        same-day  true       1      2024-01-01  false
        next-day  true       1      2024-01-01  false
        two-days  false      2      2024-04-03  false
        """,
        **NAMES,
    )


def test_a_referral_during_an_open_episode_overlaps_and_does_not_continue() -> None:
    found = seen("""
        referral_id  person_id  referral_date  close_date
        long         anna       2024-01-01     2024-06-01
        within       anna       2024-02-01     2024-03-01
        after-both   anna       2024-06-02     -
        beside       anna       2024-07-01     -
    """)
    assert_drawn(
        found,
        """
        id          continues  overlaps
        long        false      false
        within      false      true
        after-both  true       false
        beside      false      true
        """,
        **NAMES,
    )


def stock(children: int, moved: int, day: str, more: str = "") -> str:
    """So many children with an open case since January; so many of them closed and opened anew on ``day``."""
    lines = ["person_id referral_date close_date"]
    lines += [f"child{n} 2024-01-02 {day if n < moved else '-'}" for n in range(children)]
    lines += [f"child{n} {day} -" for n in range(moved)]
    return "\n".join(lines) + more


def test_a_migration_day_is_one_on_which_over_a_fifth_of_the_stock_closed_or_opened() -> None:
    assert migration_days(one_load("2025-01-31", ssd_cin_episodes=stock(100, 21, "2024-06-03")), dates(DAY)).rows() == [
        tuple(dates(DAY, "2024-06-03"))
    ]
    for too_few in (stock(100, 20, "2024-06-03"), stock(99, 90, "2024-06-03")):
        assert migration_days(one_load("2025-01-31", ssd_cin_episodes=too_few), dates(DAY)).is_empty()


def test_a_referral_on_a_migration_day_continues_what_the_old_system_left_open() -> None:
    left_open = "\nanna 2024-01-02 -\nanna 2024-06-03 -"
    archive = one_load("2025-01-31", ssd_cin_episodes=stock(100, 40, "2024-06-03", left_open))
    assert_drawn(
        episodes_at(archive, who(DAY)),
        """
        cine_referral_date  continues  overlaps  began_on
        2024-01-02          false      false     2024-01-02
        2024-06-03          true       false     2024-01-02
        """,
    )


def test_a_migration_is_judged_by_what_was_known_on_the_date() -> None:
    """Late recorded referrals, which make the stock larger in hindsight, do not change what an earlier date saw."""
    head = stock(100, 21, "2024-06-03")
    late = "".join(f"\nlate{n} 2024-01-02 -" for n in range(50))
    archive = nights(("2024-06-03", {"ssd_cin_episodes": head}), ("2024-06-10", {"ssd_cin_episodes": head + late}))
    found = migration_days(archive, dates("2024-06-02", "2024-06-03", "2024-06-09", "2024-06-10"))
    assert found["as_of"].to_list() == dates("2024-06-03", "2024-06-09")


def test_a_closing_that_a_later_night_brought_takes_the_case_out_of_the_stock() -> None:
    """Night by night, closings come as corrections of rows that were open."""
    opened = "\n".join(("person_id referral_date close_date", *(f"child{n} 2024-01-02 -" for n in range(150))))
    closed = opened.replace("2024-01-02 -", "2024-01-02 2024-06-03", 100)
    archive: Archive = nights(("2024-06-02", {"ssd_cin_episodes": opened}), ("2024-06-03", {"ssd_cin_episodes": closed}))
    assert migration_days(archive, dates("2024-06-02", "2024-06-03")).rows() == [tuple(dates("2024-06-03", "2024-06-03"))]


def test_mends_are_counted() -> None:
    archive = one_load(
        "2025-01-31",
        ssd_cin_episodes="""
            person_id  referral_date  close_date  referral_nfa
            anna       2024-01-01     2024-02-01  no
            anna       2024-02-02     -           yes
            anna       2024-04-01     -           no
            anna       2024-05-01     -           no
        """,
    )
    mends = gather_facts(archive).mends(dates(DAY)[0])
    assert (mends.closed_without_date, mends.continued, mends.overlapping_children, mends.migration_days) == (1, 1, 1, 0)
