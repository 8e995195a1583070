"""The notice in place of a list: it says what happened, what not to do, what to do, and who must act."""

import re
from datetime import date
from typing import Any

import pytest

from flows.publish.withdrawn_page import render_withdrawn
from models.approval import Stop, Why

RETIREMENT = {
    "action": "retire", "version": "3", "role": "Lead Member", "name": "B. Person", "reason": "It misses <returns> of one group.",
    "decided_on": "2026-11-24", "review_by": None,
}  # fmt: skip
APPROVAL = RETIREMENT | {"action": "promote", "role": "Head of Service", "decided_on": "2026-05-20", "review_by": "2026-11-20"}
MISSED = "Too many: 25 in 100 cases came back where 13 were expected."


def page(why: Why = Why.RETIRED, decision: dict[str, Any] | None = RETIREMENT, **changes: Any) -> str:
    stop = Stop(why, "an_outcome", decision, (MISSED,) if why is Why.FAILING else ())
    given = {
        "authority": "Borough of Example",
        "invented": True,
        "list_of": date(2026, 11, 24),
        "approvers": ("Director", "Head of Service"),
    }
    return render_withdrawn(stop, **given | changes)


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.split("<body")[1]).split())


@pytest.mark.parametrize(
    ("why", "decision", "words"),
    [
        (Why.RETIRED, RETIREMENT, ("taken out of use", "24 November 2026", "B. Person, Lead Member", "&lt;returns&gt;")),
        (
            Why.NOT_APPROVED,
            None,
            ("no model is approved for use", "One of those who may approve a model", "Director, Head of Service."),
        ),
        (Why.OVERDUE, APPROVAL, ("looked at again by 20 November 2026, and nobody has", "The Head of Service has to look")),
        (Why.FAILING, APPROVAL, ("no longer meets its criteria", MISSED, "The Head of Service has to look")),
    ],
)
def test_each_notice_says_what_happened_and_who_must_act(
    why: Why, decision: dict[str, Any] | None, words: tuple[str, ...]
) -> None:
    told = text(page(why, decision))
    assert "There is no morning list" in told
    for part in (*words, "Do not use the order of the list of 24 November 2026", "Work as you did before there was a list"):
        assert part in told


def test_real_and_invented_data_are_told_apart() -> None:
    assert "INVENTED DATA" in text(page())
    assert "INVENTED DATA" not in text(page(invented=False))
    assert "Do not use the order of any earlier list." in text(page(list_of=None))
