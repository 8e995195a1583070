"""What a feature is: one declaration that the matrix, the dictionary, the model card and the reasons all read."""

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from features.measure import COUNTED, DATED, Aggregate, Composition, Formula, Measure, Whose

UNITS = {
    Aggregate.COUNT: "count",
    Aggregate.DISTINCT: "count",
    Aggregate.ANY: "yes (1) or no (0)",
    Aggregate.OPEN_NOW: "yes (1) or no (0)",
    Aggregate.SHARE: "share",
    Aggregate.DAYS_SINCE_LAST: "days",
    Aggregate.DAYS_SINCE_FIRST: "days",
}

WAYS = {
    "{more}": ("more", "fewer", "more"),
    "{higher}": ("higher", "lower", "higher"),
    "{rose}": ("rose", "fell", "stayed level"),
}
"""Words for a number that has a sign: above, below and at zero."""


class Direction(StrEnum):
    """Does more of the feature go with a higher chance, a lower one, or is it left open?"""

    HIGHER = "higher"
    LOWER = "lower"
    EITHER = "either"


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

    ``formula`` is what it computes. ``worry`` and ``strength`` are what a worker reads when the feature raises or lowers the
    chance ("{value}" stands for the number, "{size}" for it without a sign, each of ``WAYS`` for the way that it goes;
    ``strength`` is the same as ``worry`` unless it is given), ``absence`` what it means that there is none, and is read then.
    Only a feature with a declared direction is ever shown as a worry or a strength; one that may go either way is shown as
    being about the case. ``unit`` need not be given where the aggregate tells it.
    """

    name: str
    family: Family
    description: str
    formula: Formula
    direction: Direction
    worry: str
    absence: str
    strength: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse a declaration that a reader or an auditor could not follow; fill in what the formula tells."""
        if len(self.description.split()) < 3:
            raise ValueError(f"Feature '{self.name}' has no description of three words or more: write one.")
        for words, named in ((self.worry, "worry"), (self.absence, "absence")):
            if not words.strip():
                raise ValueError(f"Feature '{self.name}' has no words for '{named}': write what a worker shall read.")
        object.__setattr__(self, "strength", self.strength or self.worry)
        object.__setattr__(self, "unit", self.unit or UNITS.get(self.aggregate, "") if self.aggregate else self.unit)
        if not self.unit:
            raise ValueError(f"Feature '{self.name}' has no unit: give one, such as 'days'.")

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures that it is made of."""
        return self.formula.measures

    @property
    def aggregate(self) -> Aggregate | None:
        """The aggregate of a single measure; a composition has none."""
        return self.formula.aggregate if isinstance(self.formula, Measure) else None

    @property
    def within(self) -> int:
        """Days after which an event no longer counts."""
        return max(measure.within for measure in self.measures)

    @property
    def of_siblings(self) -> bool:
        """Does it read events of other children of the family?"""
        return any(measure.whose is Whose.SIBLINGS for measure in self.measures)

    @property
    def counts_days(self) -> bool:
        """Does it count days since an event, so that an empty value tells that there was none?"""
        return self.aggregate in DATED

    @property
    def zero_is_none(self) -> bool:
        """Does zero mean that there was nothing to count?"""
        return self.aggregate in COUNTED or self.unit.startswith("yes")

    @property
    def dtype(self) -> pl.DataType:
        """The polars type of its column."""
        return pl.Float32() if isinstance(self.formula, Composition) else self.formula.dtype
