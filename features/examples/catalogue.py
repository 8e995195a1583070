"""Every example, in the order in which the dictionary prints them. A feature must stand in at least one."""

from features.examples.example import Example
from features.examples.family_work import THE_OFFERS, THE_SCALINGS, THE_SIBLINGS
from features.examples.front_door import EARLIER_REFERRALS, OPEN_SPELLS, THE_CASE, THE_CONTACTS, THE_EARLY_HELP
from features.examples.statutory_work import THE_ASSESSMENTS, THE_CARE, THE_FACTORS, THE_PROTECTION

EXAMPLES: tuple[Example, ...] = (
    THE_CASE, OPEN_SPELLS, EARLIER_REFERRALS, THE_CONTACTS, THE_EARLY_HELP, THE_ASSESSMENTS, THE_FACTORS, THE_PROTECTION,
    THE_CARE, THE_SIBLINGS, THE_OFFERS, THE_SCALINGS,
)  # fmt: skip
