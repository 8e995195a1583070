"""The sheet "Guide" of the workbook: how to fill it in, and what each answer does next. The drop-downs are read from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.publish.chance_words import in_words, number
from flows.publish.night_list import BEFORE_A_CALL, IF_WORRIED, WHAT_IT_IS, WHAT_IT_IS_NOT, NightList
from models import team_decisions

WHAT_HAPPENS = {
    team_decisions.OFFERED: "Use it on the day on which you make an offer. It takes a slot of that offer in that week, and "
    'the family leaves the list. When the family has answered, change this to "Accepted" or "Declined", give the day of the '
    "answer, and send the workbook again.",
    team_decisions.ACCEPTED: "The family said yes. It takes a slot of that offer in that week, and leaves the list.",
    team_decisions.DECLINED: "The family said no, and nothing else follows from that. It leaves the list for as long as the "
    "council's rules say. If it does not want to be asked again at all, choose the reason "
    f'"{team_decisions.DO_NOT_ASK}".',
    team_decisions.NOT_SUITABLE: "You know something that makes an offer wrong now. The family leaves the list for as long as "
    "the council's rules say.",
    team_decisions.ALREADY_HELPED: "Somebody is helping already. The family leaves the list for as long as the council's rules "
    "say.",
    team_decisions.STATUTORY_ROUTE: "The family is entitled to an offer by law, such as family group decision-making before care "
    "proceedings. It is shown apart from then on, and is never put in order.",
    team_decisions.KEEP: "You have looked and want the family to stay. It keeps its place for up to {days} days more.",
    team_decisions.OTHER: "None of the others fits. The family leaves the list for as long as the council's rules say.",
}

STEPS = (
    f"{BEFORE_A_CALL} {IF_WORRIED}",
    'Open the sheet "Families". Each row is one family. The sheet "Children" tells about each child, the sheet "Reasons" has '
    "every reason.",
    "Talk about the family as you always do. You know more than this list. You may disagree with it, and it helps to say so.",
    "Fill in only the yellow cells. Choose a decision from the list in the cell.",
    'With "Offered", "Accepted" and "Declined" also choose which offer it was. Leave "Offer" empty with every other decision.',
    "Choose the reason that fits best, and your role. Never write a name, a case number or a note.",
    "Give the day on which you decided, as day/month/year, such as 25/11/2026. An offer takes a slot of the week "
    "(Monday to Sunday) of that day.",
    "Not decided yet? Leave all the yellow cells of the family empty. It keeps its place.",
    "Do not add, delete, copy or move a row, a column or a sheet. A workbook that was changed in this way is sent back to you.",
    "Save the file as an Excel workbook (.xlsx), without a password, and give it to whoever runs the list. You may send it more "
    "than once: what is known already is not counted twice.",
)


@dataclass(frozen=True)
class Guide:
    """The sheet's blocks of lines (label and text) under their headings, and the block that each drop-down is read from."""

    blocks: Mapping[str, Sequence[tuple[str, str]]]
    drop_downs: Mapping[str, str]

    def lines(self) -> list[tuple[str, str, bool]]:
        """Label, text and whether it is a heading, line by line."""
        return [
            line
            for heading, block in self.blocks.items()
            for line in [(heading, "", True), *((label, text, False) for label, text in block)]
        ]

    def rows(self) -> dict[str, tuple[int, int]]:
        """The first and last line, counted from 0, that each drop-down is read from; without a choice there is no drop-down."""
        found, line = {}, 0
        for heading, block in self.blocks.items():
            found[heading] = (line + 1, line + len(block))
            line += 1 + len(block)
        return {column: found[heading] for column, heading in self.drop_downs.items() if self.blocks[heading]}


def in_capital(words: str) -> str:
    """Words as they stand in a cell: the first letter is a capital."""
    return words[:1].upper() + words[1:]


def write_guide(night: NightList) -> Guide:
    """The guide to a night's workbook, with the drop-downs of the columns "Decision", "Offer", "Reason" and "Role"."""
    days = {"days": night.most_days_listed}
    blocks = {
        "How to fill in this workbook": [(f"Step {n}", text) for n, text in enumerate(STEPS, start=1)],
        "Decisions, and what each does next": [
            (in_capital(code), WHAT_HAPPENS[code].format(**days)) for code in team_decisions.DECISIONS
        ],
        "Offers": [
            (kind.words, f"{number(kind.slots, 'slot is', 'slots are')} left this week, of {kind.weekly_slots} a week.")
            for kind in night.kinds
        ],
        "Reasons for a decision": [(reason, _what_a_reason_does(reason)) for reason in team_decisions.REASONS],
        "Roles": [(role, "") for role in team_decisions.ROLES],
        "How long it holds": [
            ("This list", f"Use it until {in_words(night.stale_on)}. Decisions are counted for the list of the night of "
             f"{in_words(night.as_of)}."),
            ("A place", f"A family without a decision keeps its place for at most {night.most_days_listed} days. Then somebody "
             'must decide, or choose "Keep on the list".'),
            ("An offer by law", "It is shown apart, and waits for no slot. It must never depend on this list."),
        ],
        "Offers that wait for an answer": [
            (night.references[offer.family_id], f"{offer.kind}, offered on {in_words(offer.offered_on)}: tell the answer in the "
             f"workbook of the night of {in_words(offer.night)}.")
            for offer in night.unanswered
        ] or [("", "None.")],
        "What this list is": [("", text) for text in WHAT_IT_IS],
        "What it is not": [("", text) for text in WHAT_IT_IS_NOT],
    }  # fmt: skip
    return Guide(blocks, dict(zip(("Decision", "Offer", "Reason", "Role"), list(blocks)[1:5], strict=True)))


def _what_a_reason_does(reason: str) -> str:
    if reason == team_decisions.DO_NOT_ASK:
        return "The family is not put on a list again."
    if reason == "The data is wrong":
        return "Please have it put right in the case system as well: the next list goes by what stands there."
    return ""
