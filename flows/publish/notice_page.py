"""The page for a family: what is held of one child, what was scored, why, and what people decided. In plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from flows.publish.board_page import render_board_page
from flows.publish.chance_words import MONTHS, in_ten, in_words, number
from flows.publish.night_list import SIDES
from flows.publish.tables import Table
from models.places import Standing

KEPT_IN_WORDS = {
    "ssd_person": "The child: sex, ethnic group, month of birth",
    "ssd_family": "Which family the child is in",
    "ssd_disability": "Disability. Used only to check that the list is fair",
    "ext_deprivation": "How deprived the place is where the child lives, in fifths. Used only to check that the list is fair",
    "ext_person_links": "That the child had an older number",
    "ssd_cin_episodes": "Referrals, and when each case was closed",
    "ssd_contacts": "Times that somebody got in touch about the child",
    "ssd_early_help_episodes": "Early help",
    "ssd_cin_assessments": "Assessments",
    "ssd_assessment_factors": "What assessments found, as codes",
    "ssd_cin_plans": "Child in need plans",
    "ssd_s47_enquiry": "Section 47 enquiries (is the child safe?)",
    "ssd_initial_cp_conference": "Child protection conferences",
    "ssd_cp_plans": "Child protection plans",
    "ssd_cla_episodes": "Time in care",
    "ssd_missing": "Times that the child went missing",
    "ext_offers": "Offers of help, and the answer",
    "ext_assessments_sos": "Signs of Safety scales: numbers only",
}
"""What each table holds of a child."""

SIDES_IN_WORDS = dict(
    zip(
        SIDES,
        (
            "These made the chance higher",
            "These made the chance lower",
            "These are about the case itself",
            "This was not known",
        ),
        strict=True,
    )
)
MOST_REASONS = 5
STANDING_IN_WORDS = {
    Standing.PLACE: "The list put your family forward for this offer: {kind}.",
    Standing.WAITING: "The family was in the order, and there was no place for it at that time.",
    Standing.RENEW: "The family had been put forward for some weeks. A person had to look again.",
    Standing.STATUTORY: "The law gives your family an offer of its own. So it stood apart from the list.",
    Standing.NOT_ELIGIBLE: "Under the council's rules no offer could be made at that time.",
    Standing.NOT_SCORED: "The family had no place in the order.",
}


@dataclass(frozen=True)
class Kept:
    """Records of one table that are held of the child, the days of the first and the last, and how often one was changed."""

    table: str
    records: int
    first: date | None
    last: date | None
    changed: int


@dataclass(frozen=True)
class Run:
    """Lists in a row that said the same of the child; ``reasons`` (by side) are those of the last, ``None`` when not kept."""

    first: date
    last: date
    lists: int
    chance: float | None
    outcome: str
    why_not: str | None
    standing: str | None
    kind: str
    model_version: str | None
    reasons: Mapping[str, Sequence[str]] | None


@dataclass(frozen=True)
class Decided:
    """What a person decided about the family."""

    night: date
    decided_on: date
    decision: str
    kind: str
    reason: str | None
    role: str | None


@dataclass(frozen=True)
class Approved:
    """A model, and the role that approved it, where the lists still say so."""

    version: str
    model: str
    role: str
    decided_on: date | None


@dataclass(frozen=True)
class Wish:
    """That the child is not to be scored, or is to be scored again, and when this was noted."""

    noted_on: date
    scored: bool


@dataclass(frozen=True)
class Replayed:
    """That a score of the past was worked out again: on which day, for which night, what was shown and what would have been."""

    noted_on: date
    night: date
    shown: float
    now: float | None


@dataclass(frozen=True)
class Notice:
    """Everything that the page tells of one child. ``lists`` is the number of all lists so far, ``kept_out`` of faulty rows."""

    OF_OTHERS: ClassVar[str] = "Something on record about other children in the family. It is theirs, so we do not say what."

    authority: str
    invented: bool
    reference: str
    written_on: date
    extract_date: date
    kept: Sequence[Kept]
    kept_out: int
    lists: int
    runs: Sequence[Run]
    decided: Sequence[Decided]
    approved: Sequence[Approved]
    wishes: Sequence[Wish]
    replays: Sequence[Replayed] = ()

    @property
    def opted_out(self) -> bool:
        """Is the child not to be scored, as last noted?"""
        return bool(self.wishes) and not self.wishes[-1].scored


def render_notice(told: Notice) -> str:
    """The page, which needs nothing but itself. It tells of one child and of nobody else."""
    return render_board_page(
        "notice.html.j2",
        "notice.css",
        invented=told.invented,
        told=told,
        short=in_short(told),
        kept=lay_out_kept(told),
        runs=[(span(run.first, run.last), say_run(run), group_reasons(run)) for run in reversed(told.runs)],
        decided=[say_decision(each) for each in told.decided],
        approved=[say_approval(each) for each in told.approved],
        wishes=[say_wish(wish) for wish in told.wishes],
        replays=[say_replay(each) for each in told.replays],
        in_words=in_words,
        number=number,
    )


def in_short(told: Notice) -> list[str]:
    """What a family should know first, one thought each."""
    chances = [run for run in told.runs if run.chance is not None]
    placed = [run for run in told.runs if run.standing == Standing.PLACE]
    records = sum(kept.records for kept in told.kept)
    scored = sum(run.lists for run in chances)
    return [
        f"We hold {number(records, 'record', 'records')} of this child.",
        f"The child had a chance on {number(scored, 'list', 'lists')}." if chances else "The child never had a chance on a list.",
        f"The family was put forward for an offer of help on {number(sum(run.lists for run in placed), 'list', 'lists')}."
        if placed
        else "The family was never put forward for an offer.",
        f"People wrote down {number(len(told.decided), 'decision', 'decisions')} about an offer."
        if told.decided
        else "Nobody wrote down a decision about an offer.",
        *(["You asked that this child is not scored. That holds now."] if told.opted_out else []),
    ]


def lay_out_kept(told: Notice) -> Table:
    """The records of each table."""
    rows = tuple(
        (KEPT_IN_WORDS[kept.table], f"{kept.records:,}", span(kept.first, kept.last), say_changed(kept)) for kept in told.kept
    )
    return Table("", ("What", "Records", "From when", "Changed since"), rows)


def say_changed(kept: Kept) -> str:
    """How often records were changed after we first had them."""
    return "no" if not kept.changed else "once" if kept.changed == 1 else f"{kept.changed} times"


def say_run(run: Run) -> list[str]:
    """What was said of the child on some lists, in a few sentences."""
    if run.chance is None:
        words = [f"No chance was worked out: {run.why_not or 'the reason is not on record'}."]
    else:
        others = in_ten(1 - int(run.chance * 10 + 0.5) / 10)
        words = [
            f"Chance: {in_ten(run.chance)}. Of ten children with a record like this, {in_ten(run.chance).removesuffix(' in 10')} "
            f"had {run.outcome}, and {others.removesuffix(' in 10')} did not."
        ]
    place = STANDING_IN_WORDS.get(Standing(run.standing)) if run.standing else None
    return [*words, *([place.format(kind=run.kind)] if place else [])]


def group_reasons(run: Run) -> list[tuple[str, list[str]]]:
    """Headings and reasons of a run, the weightiest first."""
    found = run.reasons or {}
    return [(heading, list(found[side])[:MOST_REASONS]) for side, heading in SIDES_IN_WORDS.items() if found.get(side)]


def say_decision(decided: Decided) -> str:
    """One decision, in a sentence."""
    offer = f" ({decided.kind})" if decided.kind else ""
    role = f" by: {decided.role}." if decided.role else "."
    why = f" Reason: {decided.reason}." if decided.reason else ""
    about = f"about the list of {in_words(decided.night)}"
    return f"{in_words(decided.decided_on)}: {decided.decision}{offer}, {about}. Decided{role}{why}"


def say_approval(approved: Approved) -> str:
    """Which model, and who approved it."""
    by = (
        f"Approved by: {approved.role}, on {in_words(approved.decided_on)}."
        if approved.role and approved.decided_on
        else "Who approved it stands in the council's register of models."
    )
    return f"Model version {approved.version}. {by}"


def say_wish(wish: Wish) -> str:
    """What was asked about scoring."""
    return f"{in_words(wish.noted_on)}: {'the child may be scored again' if wish.scored else 'the child is not to be scored'}."


def say_replay(replayed: Replayed) -> str:
    """What would have been said with the records as they are now."""
    now = "no chance would have been given" if replayed.now is None else f"it would have been {in_ten(replayed.now)}"
    return (
        f"On {in_words(replayed.noted_on)} we worked out the chance of {in_words(replayed.night)} again, with what was put right "
        f"since. It was {in_ten(replayed.shown)}. Now {now}."
    )


def span(first: date | None, last: date | None) -> str:
    """From one day to another as in a letter: "3 to 21 March 2026"."""
    if first is None or last is None:
        return "no date"
    if first == last:
        return in_words(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {in_words(last)}"
    if first.year == last.year:
        return f"{first.day} {MONTHS[first.month - 1]} to {in_words(last)}"
    return f"{in_words(first)} to {in_words(last)}"
