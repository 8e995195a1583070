"""The notice in place of a morning list that must not be used: what happened, who decides, what to do until then."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flows.publish.board_page import render_board_page
from flows.publish.chance_words import in_words
from models.approval import Stop, Why

HEADINGS = {
    Why.RETIRED: "There is no morning list: the model was taken out of use",
    Why.NOT_APPROVED: "There is no morning list: no model is approved for use",
    Why.OVERDUE: "There is no morning list: the model is overdue for review",
    Why.FAILING: "There is no morning list: the model no longer meets its criteria",
}
INSTEAD = (
    "Work as you did before there was a list: by what you know of the families, and by your own judgement.",
    "Offers of early help that are being made, or were agreed, go on. Nothing is taken from a family.",
    "What a family is entitled to by law goes on as ever.",
    "Decisions that you have written into a workbook of an earlier list still count: send it in as usual.",
)


def render_withdrawn(stop: Stop, *, authority: str, invented: bool, list_of: date | None, approvers: Sequence[str]) -> str:
    """The page, which needs nothing but itself.

    ``list_of``: the date of the newest list, which must not be used any more; ``approvers``: roles that may approve a model.
    """
    return render_board_page(
        "withdrawn.html.j2",
        "withdrawn.css",
        invented=invented,
        authority=authority,
        heading=HEADINGS[stop.why],
        list_of=None if list_of is None else in_words(list_of),
        happened=_tell_what_happened(stop),
        missed=stop.missed,
        instead=INSTEAD,
        acts=_tell_who_acts(stop, approvers),
    )


def _tell_what_happened(stop: Stop) -> list[tuple[str, str]]:
    """Lines of a heading and a text: what was decided or was due, by whom, when and why."""
    decision = stop.decision
    if decision is None:
        return [("Model", "No model is approved for use, so no list can be made.")]
    version = f"Model version {decision['version']}"
    if stop.why is Why.RETIRED:
        return [
            ("Model", f"{version} was taken out of use for good."),
            ("When", in_words(date.fromisoformat(decision["decided_on"]))),
            ("Who decided", _name(decision)),
            ("Why", decision["reason"]),
        ]
    approved = ("Approved by", f"{_name(decision)}, on {in_words(date.fromisoformat(decision['decided_on']))}")
    if stop.why is Why.OVERDUE:
        due = in_words(date.fromisoformat(decision["review_by"]))
        return [("Model", f"{version} had to be looked at again by {due}, and nobody has."), approved]
    told = "What has become of families since shows that its chances do not hold any more."
    return [("Model", f"{version} was checked against what happened. {told}"), approved]


def _tell_who_acts(stop: Stop, approvers: Sequence[str]) -> str:
    """Who has to act so that there is a list again."""
    if stop.decision is None or stop.why is Why.RETIRED:
        return (
            "One of those who may approve a model decides whether there will be a list again, and with which model: "
            f"{', '.join(approvers)}."
        )
    return (
        f"The {stop.decision['role']} has to look at the model's reports and decide: approve another model, go back to the one "
        "before, or end its use. Until then there is no list."
    )


def _name(decision: Mapping[str, Any]) -> str:
    return f"{decision['name']}, {decision['role']}"
