"""What a governance board should see before it decides: a row for each point, its answer in short, and where the rest stands.

What this training knows is answered from its facts. What only people know is not answered here: the row says so, and whom to ask.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from flows.publish import board_answers as answers
from flows.publish.board_answers import BoardFacts
from flows.publish.recommendation import HEADING as GO_OR_STOP
from flows.publish.recommendation import tell_recommendation
from flows.publish.tables import Section, Table

KEY, HEADING = "points", "What a board should see, and where"
WORDS = (
    "Here is what a board needs before it decides, with a short answer to each point. Where this run holds nothing, the row says "
    "so, and whom to ask. Words such as `rereferral involvement` are commands: ask the data team for the page that they make.",
)


@dataclass(frozen=True)
class Place:
    """Where the rest stands: in words, with a link unless ``href`` is empty."""

    words: str
    href: str = ""


class Point(NamedTuple):
    """What a board should see, its answer in a sentence or two, and where the rest stands."""

    what: str
    answer: str
    places: tuple[Place, ...]


ORDER_PLACES = (
    Place("Whose returns does the list miss?", "#missed_returns"),
    Place("Who is approached and would not have come back?", "#unneeded_approaches"),
    Place("Of those who did not come back, who was on the list?", "#offered_without_return"),
)
REMEDIES = Place("What could be done, and at what cost?", "#remedies")
TERMS = Place("Words and numbers", "#terms")
CHANGED = Place("What changed since the last one", "#changed")
DPIA_ASKED = Place("Data protection annex: open questions", "dpia_annex.html#questions")
EQUALITY_ASKED = Place("Equality annex: open questions", "equality_annex.html#questions")
NO_CHANCE = Place("Who gets no chance, and of whom is less on record?", "#quality")
UPTAKE = Place("Who was offered help, and who took it up?", "#uptake")
BY_LIST = "involvement/<last day>.html"

POINTS: tuple[tuple[str, Callable[[BoardFacts], str], tuple[Place, ...]], ...] = (
    (
        "What it is for, and what it must not be used for",
        answers.say_purpose,
        (Place("Model card: purpose", "model_card.html#purpose"), Place("Model card: not for", "model_card.html#not-for")),
    ),
    ("Which run this is", answers.say_run, (Place("Which run is this?", "#identity"),)),
    (
        "Who gets a chance, and who cannot",
        answers.say_rows,
        (Place("Report: rows, dates and exits", "report.html#rows"), NO_CHANCE, Place("each night's list")),
    ),
    (
        "How good the records are, for each group",
        answers.say_quality,
        (
            NO_CHANCE,
            Place("Data protection annex: tables and columns", "dpia_annex.html#columns"),
            Place("reconciliation/<year>.html"),
        ),
    ),
    (
        "How many come back, by group and over the years",
        answers.say_base,
        (Place("How do the groups differ to begin with?", "#base"),),
    ),
    ("Whom the list reaches", answers.say_reached, (Place("Whom does the list reach?", "#offered"),)),
    ("Help that is missed, and approaches that were not needed", answers.say_errors, ORDER_PLACES),
    (
        "Whether chances are true in each group",
        answers.say_chances,
        (Place("Are the chances true in every group?", "#returns_beside_chances"),),
    ),
    ("How sure each figure is", answers.say_verdicts, (TERMS,)),
    (
        "Two traits at once, and many looks at once",
        answers.say_pairs,
        (Place("Tables behind each question", "#offered"), TERMS),
    ),
    (
        "Which traits are held, and which are not",
        answers.say_traits,
        (
            Place("Equality annex: held or not", "equality_annex.html#held"),
            Place("Data protection annex: why they are held", "dpia_annex.html#protected"),
            Place("Who is in no figure?", "#lost"),
        ),
    ),
    ("Where a gap comes from", answers.say_stages, (Place("Where does a gap come from?", "#stages"),)),
    (
        "What could stand in for who a child is",
        answers.say_proxies,
        (Place("Could the model guess who a child is?", "#proxies"), REMEDIES),
    ),
    ("What people do with the list, by group", answers.say_overrides, (UPTAKE, Place(f"{BY_LIST}#groups"))),
    ("Who took an offer up, and what became of them", answers.say_uptake, (UPTAKE,)),
    (
        "What could be done about a gap",
        answers.say_remedies,
        (REMEDIES, Place("Equality annex: for the lawyer", "equality_annex.html#counsel"), EQUALITY_ASKED),
    ),
    (
        "Against doing nothing, a simple rule, and today's way",
        answers.say_compared,
        (Place("Report: how every candidate did", "report.html#candidates"), Place("Transparency record", "atrs.html")),
    ),
    (
        "What changed since the last report, and since",
        answers.say_changes,
        (
            CHANGED,
            Place("Report: changes of practice", "report.html#practice"),
            Place("The page on models in use, once `rereferral monitor` has made it", answers.MONITORING),
        ),
    ),
    (
        "Complaints, challenges and corrections",
        answers.say_complaints,
        (Place("Transparency record", "atrs.html"), Place("opt-outs.jsonl and replays.jsonl, for the team")),
    ),
    ("What families think of it", answers.say_families, (DPIA_ASKED, EQUALITY_ASKED)),
    (
        "Equality duty, data protection and the law",
        answers.say_law,
        (
            Place("Equality annex: discrimination", "equality_annex.html#discrimination"),
            Place("Opportunity", "equality_annex.html#opportunity"),
            Place("Good relations", "equality_annex.html#relations"),
            Place("Data protection annex: retention", "dpia_annex.html#retention"),
            Place("Articles 22A to 22D", "dpia_annex.html#counsel"),
            DPIA_ASKED,
        ),
    ),
    (
        "The limits, and whether to go on",
        answers.say_recommendation,
        (Place("Model card: limits", "model_card.html#limits"), Place(GO_OR_STOP, "#recommendation")),
    ),
)
"""What each point is, who answers it, and where the rest stands. The order is that in which a board reads."""


def find_points(facts: BoardFacts) -> list[Point]:
    """Every point, in order. A section that this run's page does not have is not linked."""
    return [Point(what, say(facts), tuple(_settle(places, facts))) for what, say, places in POINTS]


def _settle(places: Iterable[Place], facts: BoardFacts) -> Iterable[Place]:
    """The places that there are, with the page on models in use where it lies."""
    for place in places:
        if place.href == answers.MONITORING:
            yield Place(place.words, facts.monitoring)
        elif place.href not in facts.absent:
            yield place


def tell_board(facts: BoardFacts) -> list[Section]:
    """The sections that stand first: what the written rule says, and every point."""
    return [tell_recommendation(facts.recommendation, facts.run.council), tell_points(find_points(facts))]


def tell_points(points: Iterable[Point]) -> Section:
    """The section: a row for each point, numbered."""
    rows = tuple(
        (f"{at}. {point.what}", _mark(point.answer), Markup("<br>").join(_link(place) for place in point.places) or "nowhere yet")
        for at, point in enumerate(points, 1)
    )
    table = Table("", ("What", "In short", "Where the rest is"), rows)
    return Section(KEY, HEADING, [_mark(words) for words in WORDS], (), [table])


def _link(place: Place) -> Markup:
    return Markup('<a href="{}">{}</a>').format(place.href, place.words) if place.href else Markup("{}").format(place.words)


def _mark(text: str) -> Markup:
    """A text in which what stands between backticks is a name of the program's."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))
