"""What both annexes share: answers of the council, open questions, what is for counsel, and the page."""

from collections.abc import Sequence
from typing import Any

from flows.publish.board_page import render_board_page
from flows.publish.chance_words import number
from flows.publish.group_verdicts import tell_errors
from flows.publish.measured import day, span_hundred
from flows.publish.printed import needed, percent
from flows.publish.record_fields import COUNCIL, answer, find_unanswered
from flows.publish.run_facts import RunFacts
from flows.publish.tables import Section
from flows.publish.what_changed import tell_changes
from validation.disclosure import FEWEST, HIDDEN

TERMS = {
    "Row": "one open case on one date. A case that stays open is in many rows, so intervals count families.",
    "The list": "what four weeks of places reach; figures are from past cases that the model had not learned from.",
    HIDDEN: f"a count of 1 to {FEWEST - 1}, or one from which such a count could be worked out.",
}


def render_annex(facts: RunFacts, *, title: str, kicker: str, lead: str, short: Sequence[str], sections: list[Section]) -> str:
    """One annex as a page."""
    return render_board_page(
        "record.html.j2",
        "record.css",
        invented=facts.invented,
        title=title,
        kicker=kicker,
        lead=[lead],
        short=short,
        sections=[*sections, tell_changes(facts.before, facts.now)],
        terms=TERMS,
    )


def tell_council(facts: RunFacts, record: str) -> list[Section]:
    """What the council has said, and what it has not: questions, never an answer in its place."""
    answers = answer(record, {}, facts.council)
    given = [f"{one.field.field}: {' '.join(one.lines)}" for one in answers if one.source == COUNCIL]
    asked = [f"{one.field.field}. {one.field.wanted} ({one.field.key})" for one in find_unanswered(answers)]
    words = (
        ["Not answered yet. The council answers them in transparency.toml in the workspace, under the name in brackets."]
        if asked
        else ["Every question that this annex puts to the council is answered."]
    )
    sections = [Section("council", "What the council says", points=given)] if given else []
    return [*sections, Section("questions", "Open questions for the council", words, points=asked)]


def count_questions(facts: RunFacts, record: str) -> str:
    """How many questions are open, in a sentence."""
    open_ones = len(find_unanswered(answer(record, {}, facts.council)))
    return f"{number(open_ones, 'question', 'questions')} to the council {'is' if open_ones == 1 else 'are'} not answered yet."


def tell_both_errors(facts: RunFacts) -> Section:
    """Families approached without a return, and returns that the list does not reach, at its own size."""
    box, errors = facts.measured.box, {} if facts.fairness is None else tell_errors(facts.fairness)
    words = []
    if box:
        low, high = _less(box["precision_at_capacity_high"]), _less(box["precision_at_capacity_low"])
        words.append(
            f"Unneeded approaches: with {box['capacity']} places a week, "
            f"{percent(_less(box['precision_at_capacity']))}{span_hundred(low, high)} of the families on the list did not come "
            f"back (test from {day(box['test_from'])} to {day(box['test_to'])}); one in {needed(box['precision_at_capacity'])} "
            "did."
        )
    if "missed_returns" in errors:
        words.append(
            f"Missed returns: {errors['missed_returns']} of the cases that came back were of families that a list of four "
            "weeks' places does not reach. Most of them are missed because places are few, whatever puts families in order."
        )
    if not words:
        words = ["This run measured neither, so nothing is said of them."]
    return Section("errors", "Errors both ways, at the size of the list", words)


def _less(share: Any) -> Any:
    """One less a share, hidden where it is hidden."""
    return share if share is None or isinstance(share, str) else 1 - share
