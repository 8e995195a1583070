"""What a feature is: one declaration that the matrix, the dictionary, the model card and the reasons all read."""

from dataclasses import dataclass, field
from enum import StrEnum

LOOK_BACK_DAYS = 730


class Aggregate(StrEnum):
    """How the events of a window become one number."""

    COUNT = "count"
    ANY = "any"
    DISTINCT = "distinct"
    MEAN = "mean"
    MAX = "max"
    SHARE = "share"  # of the events in the window, the share with value true; empty when there are none
    DAYS_SINCE_LAST = "days since the last"
    DAYS_SINCE_FIRST = "days since the first"
    LATEST = "value of the latest"
    OPEN_NOW = "one is open now"


class Direction(StrEnum):
    """Does more of the feature go with a higher chance, a lower one, or is it left open?"""

    HIGHER = "higher"
    LOWER = "lower"
    EITHER = "either"


class Whose(StrEnum):
    """Whose events are read."""

    CHILD = "the child"
    SIBLINGS = "other children of the same family"


class Family(StrEnum):
    """Groups of features, as reports show them. CASE features are about the case: never worry, never strength."""

    CASE = "the case now"
    REFERRALS = "earlier referrals"
    CONTACTS = "contacts"
    EARLY_HELP = "early help"
    ASSESSMENTS = "assessments"
    FACTORS = "assessment factors"
    PROTECTION = "child protection"
    CARE = "care and missing episodes"
    SIBLINGS = "brothers and sisters"
    OFFERS = "offers"
    SIGNS_OF_SAFETY = "Signs of Safety"


@dataclass(frozen=True)
class Feature:
    """One feature: a column of the matrix.

    ``stream`` names the event stream (see ``features/streams.py``), ``where`` the values that a column of the stream
    must have for an event to count, ``value`` the column that the aggregate reads, ``within`` the window in days:
    an event on day e counts at ``as_of`` when ``as_of`` - within < e <= ``as_of``. ``worry`` and ``strength`` are
    what a worker reads when the feature raises or lowers the chance ("{value}" stands for the number), ``absence`` what
    it means that there is none, and is read then. Only a feature with a declared direction is ever shown as a worry or a
    strength; one that may go either way is shown as being about the case.
    """

    name: str
    family: Family
    description: str
    unit: str
    stream: str
    aggregate: Aggregate
    direction: Direction
    worry: str
    strength: str
    absence: str
    within: int = LOOK_BACK_DAYS
    value: str | None = None
    where: tuple[tuple[str, tuple[object, ...]], ...] = field(default=())
    whose: Whose = Whose.CHILD

    def __post_init__(self) -> None:
        """Refuse a declaration that a reader or an auditor could not follow."""
        if len(self.description.split()) < 3:
            raise ValueError(f"Feature '{self.name}' has no description of three words or more: write one.")
        if not 0 < self.within <= LOOK_BACK_DAYS:
            raise ValueError(f"Feature '{self.name}' looks back {self.within} days: allowed are 1 to {LOOK_BACK_DAYS}.")
