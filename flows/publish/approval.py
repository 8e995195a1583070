"""The approval that a list was made under, as its page and workbook tell it."""

from dataclasses import dataclass
from datetime import date

from flows.publish.chance_words import in_words
from models.approval import NO_CONDITIONS

APPROVED_BY, CONDITIONS = "Approved by", "Conditions of approval"


@dataclass(frozen=True)
class Approval:
    """Who approved the model, by when somebody looks at it again, and under which conditions it may be used.

    ``conditions`` are as that person wrote them down (``NO_CONDITIONS`` for none); empty for a list that was made before they
    were kept with it.
    """

    role: str
    decided_on: date
    review_by: date
    conditions: str = ""

    @property
    def is_conditional(self) -> bool:
        """Was anything asked of whoever uses the model?"""
        return bool(self.conditions) and self.conditions.strip().casefold() != NO_CONDITIONS

    def tell(self) -> list[tuple[str, str]]:
        """Label and text of each line about it."""
        reviewed = f"{self.role}, on {in_words(self.decided_on)}. To be reviewed by {in_words(self.review_by)}."
        if not self.conditions:
            return [(APPROVED_BY, reviewed)]
        if not self.is_conditional:
            return [(APPROVED_BY, reviewed), (CONDITIONS, "None.")]
        return [(APPROVED_BY, f'{reviewed} Under conditions: see "{CONDITIONS}".'), (CONDITIONS, self.conditions.strip())]
