"""What follows from a list of decisions, and which decisions are refused."""

from datetime import date
from typing import Any

import pytest

from models.approval import Decision, Standing, require_current, settle
from validation.errors import ModelError, SettingsError

GIVEN: dict[str, Any] = {
    "action": "promote",
    "outcome": "an_outcome",
    "version": "1",
    "role": "Head of Service",
    "name": "A. Person",
    "reason": "met every criterion",
    "decided_on": date(2025, 12, 1),
    "review_by": date(2026, 6, 1),
}


def after(*decisions: str) -> Standing:
    """The standing after decisions written as "promote 1"."""
    return settle([dict(zip(("action", "version"), text.split(), strict=True)) for text in decisions])


@pytest.mark.parametrize(
    ("decisions", "champion", "line"),
    [
        ((), None, ()),
        (("promote 1",), "1", ("1",)),
        (("promote 1", "promote 2"), "2", ("1", "2")),
        (("promote 1", "promote 2", "roll-back 1"), "1", ("1",)),
        (("promote 1", "promote 2", "retire 2"), None, ("1", "2")),
        (("promote 1", "promote 2", "retire 2", "roll-back 1"), "1", ("1",)),
        (("promote 1", "promote 2", "retire 1"), "2", ("1", "2")),
        (("promote 1", "promote 2", "promote 3", "roll-back 2", "roll-back 1"), "1", ("1",)),
    ],
)
def test_the_champion_is_the_last_of_the_line_unless_retired(
    decisions: tuple[str, ...], champion: str | None, line: tuple[str, ...]
) -> None:
    standing = after(*decisions)
    assert (standing.champion, standing.line) == (champion, line)


def test_each_version_has_one_status() -> None:
    standing = after("promote 1", "promote 2", "promote 3", "roll-back 2", "retire 1")
    assert [standing.status(version) for version in "1234"] == ["retired", "champion", "replaced", "challenger"]


@pytest.mark.parametrize(
    ("decisions", "words"),
    [
        ((), "0 approved so far"),
        (("promote 1",), "1 approved so far"),
        (("promote 1", "promote 2", "roll-back 1"), "1 approved so far"),
        (("promote 1", "promote 2", "retire 1"), "'1' of 'an_outcome' was retired and cannot become champion"),
    ],
)
def test_there_is_no_way_back_to_nothing_or_to_a_retired_version(decisions: tuple[str, ...], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        after(*decisions).way_back("an_outcome")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"role": " "}, "'promote' has no role"),
        ({"name": ""}, "'promote' has no name"),
        ({"reason": "\n"}, "'promote' has no reason"),
        ({"reason": "x" * 2_001}, "the reason has 2001 characters; write at most 2000"),
        ({"review_by": None}, "to be reviewed by 'None'"),
        ({"review_by": date(2025, 12, 1)}, "to be reviewed by '2025-12-01': name a later day"),
        ({"action": "roll-back", "review_by": None}, "'roll-back' .* to be reviewed by 'None'"),
    ],
)
def test_a_decision_needs_a_person_a_reason_and_a_later_day_of_review(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Decision(**GIVEN | change)


def test_a_retirement_needs_no_day_of_review() -> None:
    kept = Decision(**GIVEN | {"action": "retire", "review_by": None}).as_dict()
    assert (kept["decided_on"], kept["review_by"]) == ("2025-12-01", None)


@pytest.mark.parametrize("day", [date(2025, 12, 1), date(2026, 6, 1)])
def test_a_model_may_be_used_up_to_the_day_of_its_review(day: date) -> None:
    require_current(Decision(**GIVEN).as_dict(), day)


def test_a_model_whose_review_is_overdue_makes_no_list_and_says_who_must_act() -> None:
    with pytest.raises(ModelError, match="was to be reviewed by 2026-06-01, and nobody has: no list is made") as refusal:
        require_current(Decision(**GIVEN).as_dict(), date(2026, 6, 2))
    assert "Whoever holds the role 'Head of Service' must look" in str(refusal.value)
