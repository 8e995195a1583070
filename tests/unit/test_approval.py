"""What follows from a list of decisions, and which decisions are refused."""

from datetime import date
from typing import Any

import pytest

from models.approval import Decision, Standing, Why, find_stop, require_not_failing, require_role, settle
from validation.errors import CriterionError, ModelError, SettingsError

GIVEN: dict[str, Any] = {
    "action": "promote",
    "outcome": "an_outcome",
    "version": "1",
    "role": "Head of Service",
    "name": "A. Person",
    "reason": "met every criterion",
    "decided_on": date(2025, 12, 1),
    "review_by": date(2026, 6, 1),
    "conditions": "none",
}
ALLOWED = ("Director of Children's Services", "Head of Service")


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
    standing = after("promote 1", "promote 2", "promote 3", "roll-back 2", "retire 1", "decline 4", "decline 2")
    assert [standing.status(version) for version in "12345"] == ["retired", "champion", "replaced", "declined", "challenger"]


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
        ({"conditions": None}, "conditions of 0 characters: .* or 'none'"),
        ({"action": "roll-back", "conditions": " "}, "conditions of 0 characters"),
        ({"conditions": "x" * 501}, "conditions of 501 characters: .* at most 500"),
    ],
)
def test_a_decision_needs_a_person_a_reason_and_a_later_day_of_review(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Decision(**GIVEN | change)


@pytest.mark.parametrize("action", ["retire", "decline"])
def test_a_decision_against_a_model_needs_no_conditions_and_no_day_of_review(action: str) -> None:
    kept = Decision(**GIVEN | {"action": action, "review_by": None, "conditions": None}).as_dict()
    assert (kept["decided_on"], kept["review_by"], kept["conditions"]) == ("2025-12-01", None, None)


@pytest.mark.parametrize("role", ["Head of Service", " head of service", "HEAD OF SERVICE"])
def test_a_role_that_may_is_kept_as_the_council_writes_it(role: str) -> None:
    assert require_role(role, ALLOWED) == "Head of Service"


@pytest.mark.parametrize("role", ["Data scientist", "Head of Services", ""])
def test_a_role_that_may_not_is_refused_with_those_that_may(role: str) -> None:
    with pytest.raises(
        SettingsError, match=r"may not put a model into use: allowed are .*Director of Children.*'Head of Service'"
    ):
        require_role(role, ALLOWED)


def kept(**changes: Any) -> dict[str, Any]:
    return Decision(**GIVEN | changes).as_dict()


RETIRED = {"action": "retire", "role": "Lead Member", "review_by": None, "conditions": None, "decided_on": date(2026, 1, 9)}


@pytest.mark.parametrize("day", [date(2025, 12, 1), date(2026, 6, 1)])
def test_a_model_may_be_used_up_to_the_day_of_its_review(day: date) -> None:
    assert find_stop([kept()], "an_outcome", {}, day) is None


def test_a_model_whose_review_is_overdue_makes_no_list_and_says_who_must_act() -> None:
    stop = find_stop([kept()], "an_outcome", {}, date(2026, 6, 2))
    assert stop is not None
    assert (stop.why, stop.decision, type(stop.error)) == (Why.OVERDUE, kept(), ModelError)
    assert "was to be reviewed by 2026-06-01, and nobody has: no list is made" in str(stop.error)
    assert "Whoever holds the role 'Head of Service' must look" in str(stop.error)


def test_a_model_that_fails_in_use_makes_no_list_and_another_versions_failing_does_not_matter() -> None:
    missed = {"1": ["Too many came back."], "2": ["Nobody came back."]}
    stop = find_stop([kept()], "an_outcome", missed, date(2026, 1, 10))
    assert stop is not None
    assert (stop.why, stop.missed, type(stop.error)) == (Why.FAILING, ("Too many came back.",), CriterionError)
    for words in ("misses 1 of the criteria for its use", "Too many came back.", "the role 'Head of Service' must look"):
        assert words in str(stop.error)
    assert find_stop([kept(), kept(version="3")], "an_outcome", missed, date(2026, 1, 10)) is None


def test_a_retirement_stops_lists_until_another_model_is_approved() -> None:
    decisions = [kept(), kept(**RETIRED)]
    stop = find_stop(decisions, "an_outcome", {}, date(2026, 1, 10))
    assert stop is not None
    assert (stop.why, stop.decision, type(stop.error)) == (Why.RETIRED, kept(**RETIRED), ModelError)
    assert find_stop([*decisions, kept(version="2")], "an_outcome", {}, date(2026, 1, 10)) is None


@pytest.mark.parametrize("decisions", [[], [{"action": "decline", "version": "1"}]])
def test_without_an_approved_model_there_is_no_list(decisions: list[dict[str, Any]]) -> None:
    stop = find_stop(decisions, "an_outcome", {}, date(2026, 1, 10))
    assert stop is not None
    assert (stop.why, stop.decision) == (Why.NOT_APPROVED, None)
    assert "approve one with `rereferral promote`" in str(stop.error)


def test_a_version_that_fails_in_use_is_not_put_into_use_again() -> None:
    require_not_failing("2", {"1": ("Too many came back.",), "2": ()})
    with pytest.raises(CriterionError, match=r"'1' .* misses 1 of the criteria .* Too many came back\."):
        require_not_failing("1", {"1": ("Too many came back.",)})
