"""Go, pause or stop: the written rule, case by case, and that it never takes silence for a pass."""

from typing import Any

import pytest

from flows.publish.recommendation import OWNER, Advice, recommend, tell_recommendation
from models.fairness import Verdict

MET: dict[str, Any] = {"criterion": "stability", "met": True, "words": "It is stable."}
MISSED = MET | {"criterion": "decay", "met": False, "words": "AUC fell."}
EASIER = ["the AUC must be at most 1, and not 0.9"]


def verdicts(gaps: int = 0, unclear: int = 0) -> dict[str, int]:
    return {Verdict.GAP.value: gaps, Verdict.NO_LARGER_GAP.value: 4, Verdict.NOT_ENOUGH.value: unclear}


@pytest.mark.parametrize(
    ("findings", "easier", "gaps", "advice"),
    [
        ([MET], [], 0, Advice.GO),
        ([MET, MISSED], [], 0, Advice.STOP),
        ([MET, MISSED], EASIER, 3, Advice.STOP),
        ([MET], [], 1, Advice.PAUSE),
        ([MET], EASIER, 0, Advice.PAUSE),
        ([], [], 0, Advice.STOP),
    ],
)
def test_the_rule(findings: list[dict[str, Any]], easier: list[str], gaps: int, advice: Advice) -> None:
    assert recommend(findings, verdicts(gaps), easier=easier, of_child=gaps).advice is advice


@pytest.mark.parametrize("findings", [[MET], [MISSED], []])
def test_too_little_evidence_is_always_said_and_never_a_pass(findings: list[dict[str, Any]]) -> None:
    because = recommend(findings, verdicts(unclear=7), lost=2).because
    assert "Not enough evidence for 7 comparisons, which is no pass." in because
    assert "Nothing can be said of 2 groups." in because


def test_each_missed_criterion_is_named_with_what_was_found() -> None:
    because = recommend([MET, MISSED], verdicts(3), of_child=2).because
    assert because[:2] == ("Missed: decay. AUC fell.", "The model is not registered.")
    assert "2 gaps by who a child is: certain, and told below." in because
    assert "1 gap by circumstance: certain, and told below." in because


def test_a_gap_by_circumstance_is_told_and_does_not_make_the_rule_pause() -> None:
    found = recommend([MET], verdicts(3))
    assert found.advice is Advice.GO
    assert "3 gaps by circumstance: certain, and told below." in found.because


def test_a_bar_that_was_lowered_is_told_in_full() -> None:
    because = recommend([MET], verdicts(), easier=EASIER).because
    assert because == (
        "The one criterion is met.",
        f"1 limit was made easier, so ask who did that, and why: {EASIER[0]}.",
    )


def test_what_would_have_been_missed_by_the_shipped_limits_is_told_first() -> None:
    because = recommend([MET, MET], verdicts(), easier=EASIER, missed_as_shipped=["decay"]).because
    assert because[1].startswith("By the limits that the program ships with it misses 1 of 2: decay. 1 limit was made easier")


def test_what_stands_beside_moves_nothing() -> None:
    found = recommend([MET], verdicts(), beside=["The best simple rule: the model does no clearly better."])
    assert found.advice is Advice.GO
    assert "The best simple rule: the model does no clearly better." in found.because


def test_the_board_decides_and_who_answers_is_named_or_missing() -> None:
    found = recommend([MET], verdicts())
    section = tell_recommendation(found, {})
    assert section.words[0] == "<strong>The rule says: go on, within the limits.</strong>"
    assert any("The board decides." in words for words in section.words)
    assert section.tables[0].rows[0][1] == f"Nobody is named yet ({OWNER} in transparency.toml)."
    assert tell_recommendation(found, {OWNER: "Assistant Director"}).tables[0].rows[0][1] == "Assistant Director"
    assert "training/decisions.jsonl" in section.tables[0].rows[1][1]
