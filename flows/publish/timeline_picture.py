"""A child's last two years as a small picture, and the same in words: nothing is told by colour alone."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from flows.publish.chance_words import MONTHS, number

DAYS = 730  # what the picture shows, up to the night
CONTACT, REFERRAL, ASSESSMENT, PLAN, PROTECTION, LOOKED_AFTER, OFFER = (
    "contact",
    "referral",
    "assessment",
    "plan",
    "child protection plan",
    "looked after",
    "offer",
)
NAMES = {
    CONTACT: "Contacts",
    REFERRAL: "Case open",
    ASSESSMENT: "Assessments",
    PLAN: "Child in need plans",
    PROTECTION: "Child protection plans",
    LOOKED_AFTER: "Looked after",
    OFFER: "Offers",
}
"""What a line of words about the events of a kind begins with."""

TOLD = 12  # dates in a line of words; the picture shows them all

# Units of the picture. It is drawn 1:1 on a desk and at under half that on a telephone, so rows lie as far apart as large text.
WIDTH, HEIGHT = 640, 144
LEFT, RIGHT = 120, 630  # the first day and the night
ROWS = {"Contacts": 14, "Case": 44, "Plans": 74, "Offers": 104}  # middle of each row
AXIS = 120
LEAST = 4  # length of the shortest bar
FLAG = 12  # length of the flag of a referral


class Event(NamedTuple):
    """Something that happened: from ``begins`` to ``ends``, the same day if it has no length; empty if it still goes on."""

    what: str
    begins: date
    ends: date | None


def draw_frame(as_of: date) -> str:
    """What every picture of a night shares, once for the page: names of the rows, quarters and half-years of the axis."""
    names = "".join(f'<text x="0" y="{middle + 5}">{name}</text>' for name, middle in ROWS.items())
    quarters = [date(year, month, 1) for year in range(as_of.year - 2, as_of.year + 1) for month in (1, 4, 7, 10)]
    shown = [(day, _place(day, as_of)) for day in quarters if 0 <= (as_of - day).days <= DAYS]
    lines = "".join(f"M{x} 2V{AXIS}" for _, x in shown)
    years = "".join(
        f'<text x="{min(x, RIGHT - 48)}" y="{HEIGHT - 5}" text-anchor="middle">{MONTHS[day.month - 1][:3]} {day.year}</text>'
        for day, x in shown
        if day.month in (1, 7)
    )
    return (
        '<svg class="frame" width="0" height="0" aria-hidden="true"><defs><g id="frame">'
        f'<path class="g" d="{lines}"/><path class="x" d="M{LEFT} {AXIS}H{RIGHT}V2"/>{names}{years}</g></defs></svg>'
    )


def draw_timeline(events: Iterable[Event], as_of: date) -> str:
    """The events of a child as one SVG element, to stand in a page that holds :func:`draw_frame` of the same night.

    Raises ``ValueError`` for an event of a kind that is not in ``NAMES``.
    """
    shown = _shown(events, as_of)
    strokes = {
        "r": "".join(_pennant(event, as_of) for event in shown if event.what == REFERRAL),
        "a": "".join(_bracket(event, as_of) for event in shown if event.what == ASSESSMENT),
        "p": "".join(_bar(event, as_of, ROWS["Plans"]) for event in shown if event.what == PLAN),
        "k": "".join(_bar(event, as_of, ROWS["Plans"]) for event in shown if event.what == PROTECTION),
        "l": "".join(_box(event, as_of) for event in shown if event.what == LOOKED_AFTER),
        "c": "".join(f"M{_place(event.begins, as_of)} {ROWS['Contacts']}h0" for event in shown if event.what == CONTACT),
        "o": "".join(_diamond(_place(event.begins, as_of), ROWS["Offers"]) for event in shown if event.what == OFFER),
    }
    paths = "".join(f'<path class={name} d="{path}"/>' for name, path in strokes.items() if path)
    return f'<svg class=t viewBox="0 0 {WIDTH} {HEIGHT}" role=img aria-label="{_summary(shown)}"><use href=#frame />{paths}</svg>'


def draw_legend() -> list[tuple[str, str]]:
    """A small picture of each mark, and what it stands for."""
    bar = "M2 14h36"
    marks = (
        ("c", "M20 14h0", "contact"),
        ("r", "M4 5v18l12-6h20v-6H16z", "referral, and how long the case was open"),
        ("a", "M4 18v-8h32v8", "assessment"),
        ("p", bar, "child in need plan"),
        ("k", bar, "child protection plan"),
        ("l", "M3 7h34v14h-34z", "looked after"),
        ("o", _diamond(20, 14), "offer of help"),
    )
    return [
        (f'<svg class="t" viewBox="0 0 40 28" aria-hidden="true"><path class="{name}" d="{path}"/></svg>', words)
        for name, path, words in marks
    ]


def tell_timeline(events: Iterable[Event], as_of: date) -> list[tuple[str, str]]:
    """The same in words: a line for each kind of event, with its days; at most the newest ``TOLD`` of each."""
    shown = _shown(events, as_of)
    by_kind = {what: [event for event in shown if event.what == what] for what in NAMES}
    return [(NAMES[what], _tell(found, as_of)) for what, found in by_kind.items() if found]


def _tell(events: Sequence[Event], as_of: date) -> str:
    earlier = number(len(events) - TOLD, "earlier one", "earlier ones")
    days = [_in_words(event, as_of) for event in events[-TOLD:]]
    return "; ".join(days if len(events) <= TOLD else [earlier, *days]) + "."


def _in_words(event: Event, as_of: date) -> str:
    goes_on = event.ends is None or event.ends > as_of
    if goes_on:
        return f"since {_short(event.begins)}"
    return _short(event.begins) if event.begins == event.ends else f"{_short(event.begins)} to {_short(event.ends)}"


def _short(day: date | None) -> str:
    return f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}" if day else ""


def _summary(events: Sequence[Event]) -> str:
    return "The last two years" if events else "The last two years: nothing on record"


def _shown(events: Iterable[Event], as_of: date) -> list[Event]:
    """The events within the picture, oldest first."""
    found = sorted(events, key=lambda event: (event.begins, event.what, event.ends or date.max))
    if unknown := {event.what for event in found} - set(NAMES):
        raise ValueError(f"'{min(unknown)}' is no kind of event that a timeline shows; known are {', '.join(NAMES)}.")
    return [event for event in found if event.begins <= as_of and (as_of - (event.ends or as_of)).days <= DAYS]


def _place(day: date, as_of: date) -> int:
    """Where a day lies from left to right; those before the picture lie at its left edge."""
    since = DAYS - (as_of - day).days
    return LEFT + round((RIGHT - LEFT) * min(max(since, 0), DAYS) / DAYS)


def _ends(event: Event, as_of: date) -> tuple[int, int]:
    first, last = _place(event.begins, as_of), _place(event.ends or as_of, as_of)
    return min(first, RIGHT - LEAST), max(last, min(first, RIGHT - LEAST) + LEAST)


def _bar(event: Event, as_of: date, middle: int) -> str:
    first, last = _ends(event, as_of)
    return f"M{first} {middle}H{last}"


def _box(event: Event, as_of: date) -> str:
    first, last = _ends(event, as_of)
    return f"M{first} {ROWS['Plans'] - 9}H{last}v18H{first}z"


def _bracket(event: Event, as_of: date) -> str:
    first, last = _ends(event, as_of)
    return f"M{first} {ROWS['Case'] - 8}v-6H{last}{'v6' if event.ends else ''}"


def _pennant(event: Event, as_of: date) -> str:
    """A referral and the case that it opened: a flag with a tail; the tail alone when the referral lies earlier."""
    middle = ROWS["Case"]
    first, last = _ends(event, as_of)
    if (as_of - event.begins).days > DAYS:
        return f"M{first} {middle - 3}v6H{last}v-6z"
    first = min(first, RIGHT - FLAG)
    return f"M{first} {middle - 9}v18l{FLAG}-6H{max(last, first + FLAG)}v-6H{first + FLAG}z"


def _diamond(x: int, y: int) -> str:
    return f"M{x} {y - 8}l8 8-8 8-8-8z"
