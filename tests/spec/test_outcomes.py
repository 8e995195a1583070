"""The two outcomes: edges of their windows, who is outside, who left, and dates that are not mature yet."""

from datetime import timedelta

import polars as pl
import pytest

from features.cohort import build_cohort
from features.outcomes import NEW_REFERRAL, OUTCOMES, RETURN_AFTER_CLOSING, Outcome, label, latest_mature
from tests.spec.drawing import assert_drawn, dates, nights, one_load
from validation.errors import SettingsError

AS_OF = dates("2023-06-01")[0]
EXTRACT_DATE = "2025-12-31"
EPISODES = "person_id referral_date close_date close_reason\n"


def after(days: int) -> str:
    """The day so many days after the date."""
    return str(AS_OF + timedelta(days=days))


def labelled(outcome: Outcome, *episodes: str, dob: str = "2015-05-01") -> pl.DataFrame:
    archive = one_load(EXTRACT_DATE, ssd_cin_episodes=EPISODES + "\n".join(episodes), ssd_person=f"person_id dob\nanna {dob}")
    return label(archive, build_cohort(archive, [AS_OF]), outcome)


@pytest.mark.parametrize(("day", "counts"), [(1, True), (2, True), (364, True), (365, True), (366, False), (500, False)])
def test_a_new_referral_counts_from_the_day_after_until_day_365(day: int, counts: bool) -> None:
    """Case systems record no referral while a case is open; where one does, it is a new referral all the same."""
    closing = after(300) if day > 302 else "-"
    found = labelled(NEW_REFERRAL, f"anna {after(-30)} {closing} -", f"anna {after(day)} - -")
    assert found["outcome"].to_list() == [counts]


def test_a_referral_on_the_day_itself_is_part_of_what_is_known() -> None:
    """Day 0: the case closed that day and was opened anew: one case that goes on, and no return."""
    found = labelled(NEW_REFERRAL, f"anna {after(-30)} {after(0)} RC7", f"anna {after(0)} - -")
    assert found.select("referral_date", "began_on", "outcome").rows() == [(AS_OF, AS_OF - timedelta(days=30), False)]


def test_a_case_that_stays_open_counts_as_no() -> None:
    found = labelled(NEW_REFERRAL, f"anna {after(-30)} - -")
    assert found.select("outcome", "outside", "closed_in_window").rows() == [(False, None, False)]


def test_a_continuation_is_no_return() -> None:
    found = labelled(
        NEW_REFERRAL, f"anna {after(-30)} {after(10)} RC7", f"anna {after(11)} {after(90)} RC7", f"anna {after(400)} - -"
    )
    assert found.select("outcome", "closed_in_window").rows() == [(False, True)]


def test_the_case_itself_is_no_return_when_its_referral_date_is_corrected() -> None:
    heads = "referral_id person_id referral_date close_date\n"
    archive = nights(
        (after(-5), {"ssd_cin_episodes": f"{heads}e1 anna {after(-10)} -"}),
        (EXTRACT_DATE, {"ssd_cin_episodes": f"{heads}e1 anna {after(5)} -"}),
    )
    assert label(archive, build_cohort(archive, [AS_OF]), NEW_REFERRAL)["outcome"].to_list() == [False]


def test_a_return_under_the_new_key_of_a_merged_record_counts() -> None:
    archive = one_load(
        EXTRACT_DATE,
        ssd_cin_episodes=EPISODES + f"old {after(-30)} {after(20)} RC7\nnew {after(100)} - -",
        ext_person_links=f"old_person_id new_person_id date\nold new {after(60)}",
    )
    found = label(archive, build_cohort(archive, [AS_OF]), NEW_REFERRAL)
    assert found.select("person_id", "outcome").rows() == [("old", True)]


@pytest.mark.parametrize(
    ("closes", "returns", "outcome", "outside"),
    [
        (1, None, False, None),
        (181, None, False, None),
        (182, None, False, None),
        (183, None, None, "did not close in time"),
        (None, None, None, "did not close in time"),
        (183, 200, None, "did not close in time"),  # also when the child came back
        (100, 101, False, None),  # a day after: the same case goes on, and ...
        (100, 102, True, None),
        (100, 465, True, None),  # 365 days after the closing
        (100, 466, False, None),
        (182, 547, True, None),
        (182, 548, False, None),
    ],
)
def test_returns_within_365_days_of_a_closing_within_182(
    closes: int | None, returns: int | None, outcome: bool | None, outside: str | None
) -> None:
    episodes = [f"anna {after(-30)} {after(closes)} RC7" if closes else f"anna {after(-30)} - -"]
    if returns:
        episodes.append(f"anna {after(returns)} {after(returns + 5)} RC7")
    found = labelled(RETURN_AFTER_CLOSING, *episodes)
    assert found.select("outcome", "outside", "closed_in_window").rows() == [(outcome, outside, outside is None or closes == 183)]


@pytest.mark.parametrize(
    ("outcome", "dob", "outside"),
    [
        (NEW_REFERRAL, "2006-05-01", "turns 18 in the window"),  # on day 335
        (NEW_REFERRAL, "2006-06-01", None),  # on day 366: 2024 is a leap year
        (RETURN_AFTER_CLOSING, "2006-11-01", "turns 18 in the window"),  # on day 519
        (RETURN_AFTER_CLOSING, "2006-12-01", None),  # on day 549
    ],
)
@pytest.mark.parametrize("comes_back", [True, False])
def test_who_turns_18_in_the_window_is_outside_whatever_happens(
    outcome: Outcome, dob: str, outside: str | None, comes_back: bool
) -> None:
    episodes = [f"anna {after(-30)} {after(20)} RC7"] + [f"anna {after(90)} - -"] * comes_back
    found = labelled(outcome, *episodes, dob=dob)
    assert found.select("outcome", "outside").rows() == [(None if outside else comes_back, outside)]


def test_an_eighteenth_birthday_on_day_365_is_inside_the_window() -> None:
    as_of = dates("2022-06-01")[0]
    archive = one_load(
        EXTRACT_DATE,
        ssd_cin_episodes=EPISODES + "anna 2022-05-01 - -\nbert 2022-05-01 - -",
        ssd_person="person_id dob\nanna 2005-06-01\nbert 2005-07-01",
    )
    found = label(archive, build_cohort(archive, [as_of]), NEW_REFERRAL)
    assert found["outside"].to_list() == ["turns 18 in the window", None]


@pytest.mark.parametrize(
    ("reason", "closes", "returns", "outcome", "left"),
    [
        ("RC1", 50, None, False, "adopted"),
        ("RC2", 50, None, False, "died"),
        ("RC5", 50, None, False, "moved to another authority"),
        ("RC5", 365, None, False, "moved to another authority"),
        ("RC5", 366, None, False, None),  # after the window
        ("RC7", 50, None, False, None),
        ("RC5", 50, 100, True, None),  # moved away and came back
    ],
)
def test_children_who_leave_count_as_no_return_and_are_named(
    reason: str, closes: int, returns: int | None, outcome: bool, left: str | None
) -> None:
    episodes = [f"anna {after(-30)} {after(closes)} {reason}"] + ([f"anna {after(returns)} - -"] if returns else [])
    found = labelled(NEW_REFERRAL, *episodes)
    assert found.select("outcome", "exit").rows() == [(outcome, left)]


def test_the_labels_stand_beside_the_cohort() -> None:
    archive = one_load(EXTRACT_DATE, ssd_cin_episodes=EPISODES + f"bert {after(-9)} - -\nanna {after(-30)} {after(9)} RC8")
    cohort = build_cohort(archive, [AS_OF])
    found = label(archive, cohort, NEW_REFERRAL)
    assert found.select(cohort.columns).equals(cohort)
    assert_drawn(
        found,
        """
        person_id  outcome  outside  exit  closed_in_window
        anna       false    -        -     true
        bert       false    -        -     false
        """,
    )


@pytest.mark.parametrize(("outcome", "days"), [(NEW_REFERRAL, 365 + 28), (RETURN_AFTER_CLOSING, 182 + 365 + 28)])
def test_an_immature_date_is_refused_with_the_latest_mature_one(outcome: Outcome, days: int) -> None:
    archive = one_load(EXTRACT_DATE, ssd_cin_episodes=EPISODES + "anna 2023-01-02 - -")
    latest = latest_mature(outcome, archive.extract_date)
    assert (archive.extract_date - latest).days == days
    assert label(archive, build_cohort(archive, [latest]), outcome).height == 1
    with pytest.raises(SettingsError, match=rf"'{outcome.name}' is not complete yet .* latest complete date is {latest}\."):
        label(archive, build_cohort(archive, [latest, latest + timedelta(days=1)]), outcome)


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=list(OUTCOMES))
def test_an_empty_cohort_has_an_empty_outcome(outcome: Outcome) -> None:
    archive = one_load(EXTRACT_DATE, ssd_cin_episodes=EPISODES + "anna 2024-01-02 - -")
    assert label(archive, build_cohort(archive, [AS_OF]), outcome).is_empty()


@pytest.mark.parametrize(
    ("returns", "in_need"),
    [
        ([], False),
        ([(100, 101, "RC8", "yes")], False),  # no further action at the door
        ([(100, None, "-", "yes")], False),
        ([(100, 140, "RC8", "no")], False),  # assessed, no need found
        ([(100, 140, "RC9", "no")], False),
        ([(100, 300, "RC7", "no")], True),
        ([(100, None, "-", "no")], True),
        ([(100, 140, "RC8", "no"), (200, 300, "RC7", "no")], True),  # the second one was
        ([(100, 140, "RC8", "no"), (141, 300, "RC7", "no")], True),  # one case that went on
        ([(400, None, "-", "no")], False),  # after the window
    ],
)
def test_a_return_counts_as_in_need_unless_none_was_found(returns: list[tuple[int, int | None, str, str]], in_need: bool) -> None:
    heads = "person_id referral_date close_date close_reason referral_nfa\n"
    rows = [f"anna {after(-30)} {after(10)} RC7 no"]
    rows += [f"anna {after(begins)} {after(ends) if ends else '-'} {why} {nfa}" for begins, ends, why, nfa in returns]
    archive = one_load(EXTRACT_DATE, ssd_cin_episodes=heads + "\n".join(rows))
    found = label(archive, build_cohort(archive, [AS_OF]), NEW_REFERRAL)
    assert found["returned_in_need"].to_list() == [in_need]


def test_whether_there_was_need_is_not_known_before_assessments_have_said_so() -> None:
    archive = one_load(after(365 + 28 + 61), ssd_cin_episodes=EPISODES + f"anna {after(-30)} {after(10)} RC7")
    found = label(archive, build_cohort(archive, [AS_OF]), NEW_REFERRAL)
    assert found.select("outcome", "returned_in_need").rows() == [(False, None)]
