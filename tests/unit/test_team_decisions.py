"""What a team decided, and which offers of a week follow from that and from the case system together."""

from datetime import date

import polars as pl
import pytest

from models.team_decisions import DECISIONS, begin_week, check_decided, count_made_this_week, find_unanswered
from tests.spec.drawn_decisions import decisions, offers
from validation.errors import ContractError

THURSDAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    ("night", "monday"),
    [
        ("2026-11-21", "2026-11-16"),  # the list of Saturday is used on Sunday
        ("2026-11-22", "2026-11-23"),  # that of Sunday on Monday
        ("2026-11-23", "2026-11-23"),
        ("2026-11-28", "2026-11-23"),
    ],
)
def test_the_week_of_a_night_is_that_of_the_day_after(night: str, monday: str) -> None:
    assert begin_week(date.fromisoformat(night)) == date.fromisoformat(monday)


WEEKS = {
    "an offer of Monday counts, one of the Sunday before does not": (
        "child kind offered\na FGC 2026-11-23\nb FGC 2026-11-22", "family decision on", {"FGC": 1}),
    "an offer of tomorrow is not known": ("child kind offered\na FGC 2026-11-27", "family decision on", {}),
    "five children are one family": (
        "child family kind offered\na f EH 2026-11-24\nb f EH 2026-11-24\nc f EH 2026-11-25", "family decision on", {"EH": 1}),
    "a family counts once for each kind": (
        "child family kind offered\na f EH 2026-11-24\na f FGC 2026-11-24", "family decision on", {"EH": 1, "FGC": 1}),
    "offered and accepted are offers, other decisions are none": (
        "child kind offered",
        "family decision kind on\nf offered FGC 2026-11-24\ng accepted FGC 2026-11-24\nh declined FGC 2026-11-24\n"
        "i not_suitable - 2026-11-24\nj keep_on_the_list - 2026-11-24", {"FGC": 2}),
    "the kind that was listed stands for one that is not told": (
        "child kind offered", "family decision listed_kind on\nf offered EH 2026-11-24", {"EH": 1}),
    "a record and a decision of one child's family are one offer": (
        "child kind offered\na FGC 2026-11-25", "family children decision kind on\nf a,b offered FGC 2026-11-24", {"FGC": 1}),
    "a record of this week of an offer decided on last week is last week's": (
        "child kind offered\na FGC 2026-11-24", "family children decision kind on\nf a offered FGC 2026-11-19", {}),
    "records fifteen days apart are two offers": (
        "child kind offered\na FGC 2026-11-24\na FGC 2026-11-09", "family decision on", {"FGC": 1}),
    "an offer that was declined leaves its slot free": (
        "child kind offered answer answered\na FGC 2026-11-24 DECLINED 2026-11-25\nb FGC 2026-11-24 REFUSED 2026-11-25",
        "family decision on", {}),
    "an answer in the case system counts for the decision, too": (
        "child kind offered answer answered\na FGC 2026-11-24 DECLINED 2026-11-25",
        "family children decision kind on\nf a offered FGC 2026-11-24", {}),
}  # fmt: skip


@pytest.mark.parametrize(("made", "decided", "expected"), WEEKS.values(), ids=list(WEEKS))
def test_families_given_an_offer_this_week(made: str, decided: str, expected: dict[str, int]) -> None:
    assert count_made_this_week(offers(made), decisions(decided), THURSDAY) == expected


def test_the_order_of_rows_does_not_change_the_count() -> None:
    made = offers("child family kind offered\na f EH 2026-11-24\nb f EH 2026-11-10\nc g EH 2026-11-25")
    decided = decisions("family children decision kind on\ng c offered EH 2026-11-24\nh d accepted EH 2026-11-26")
    for seed in range(5):
        shuffled = made.sample(fraction=1, shuffle=True, seed=seed), decided.sample(fraction=1, shuffle=True, seed=seed)
        assert count_made_this_week(*shuffled, THURSDAY) == {"EH": 2}


@pytest.mark.parametrize(
    ("faulty", "told"),
    [
        (decisions().drop("reason"), "'decided' lacks 'reason'"),
        (decisions().with_columns(pl.col("decided_on").cast(pl.String)), "'decided' lacks 'decided_on'"),
        (decisions("family decision on\nf - 2026-11-24"), "'decision' is not known in 1 rows"),
        (decisions("family decision on\nf perhaps 2026-11-24"), "'decision' is not known in 1 rows"),
        (decisions("family decision on\n- offered 2026-11-24"), "1 rows without a night, a family or a day"),
    ],
)
def test_a_log_in_the_wrong_shape_is_refused(faulty: pl.DataFrame, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        check_decided(faulty)


def test_offers_in_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ContractError, match="'offers_made' lacks 'answer'"):
        count_made_this_week(offers().drop("answer"), decisions(), THURSDAY)


def test_every_decision_is_allowed_in_a_log() -> None:
    rows = "\n".join(f"f{number} {decision.replace(' ', '_')} 2026-11-24" for number, decision in enumerate(DECISIONS))
    check_decided(decisions(f"family decision on\n{rows}"))


UNANSWERED = {
    "an offer that the team recorded waits": ("", "ash offered FGC 2026-11-20", [("ash", "FGC")]),
    "one that it recorded an answer to does not": ("", "ash offered FGC 2026-11-20; ash accepted FGC 2026-11-25", []),
    "nor one whose answer the case system knows": ("c1 ash FGC 2026-11-21 DECLINED", "ash offered FGC 2026-11-20", []),
    "that it stands in the case system, too, is no answer": (
        "c1 ash FGC 2026-11-21 -", "ash offered FGC 2026-11-20", [("ash", "FGC")],
    ),
    "an answer of long ago was to another offer": (
        "c1 ash FGC 2026-08-01 DECLINED", "ash offered FGC 2026-11-20", [("ash", "FGC")],
    ),
    "an answer to another kind says nothing of this one": (
        "", "ash offered FGC 2026-11-20; ash declined EH 2026-11-25", [("ash", "FGC")],
    ),
    "after half a year nobody is reminded any more": ("", "ash offered FGC 2026-05-20", []),
    "what is recorded for later is not known yet": ("", "ash offered FGC 2026-11-27", []),
    "families stand by the day of the offer": (
        "", "ash offered FGC 2026-11-25; birch offered EH 2026-11-20", [("birch", "EH"), ("ash", "FGC")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "told", "waits"), UNANSWERED.values(), ids=UNANSWERED.keys())
def test_offers_that_wait_for_an_answer(made: str, told: str, waits: list[tuple[str, str]]) -> None:
    in_system = offers("\n".join(["child family kind offered answer", *filter(None, made.split("; "))]))
    log = decisions("\n".join(["family decision kind on", *told.split("; ")]))
    assert find_unanswered(in_system, log, THURSDAY).select("family_id", "kind").rows() == waits
