"""The catalogue of features. To add one, declare it beside its family; nothing else needs to know."""

from collections.abc import Mapping

from features.definition import Feature
from features.family_work import THE_OFFERS, THE_SCALINGS, THE_SIBLINGS
from features.front_door import EARLIER_REFERRALS, THE_CASE, THE_CONTACTS, THE_EARLY_HELP
from features.statutory_work import THE_ASSESSMENTS, THE_CARE, THE_FACTORS, THE_PROTECTION

CATALOGUE: tuple[Feature, ...] = (
    *THE_CASE, *EARLIER_REFERRALS, *THE_CONTACTS, *THE_EARLY_HELP, *THE_ASSESSMENTS, *THE_FACTORS, *THE_PROTECTION, *THE_CARE,
    *THE_SIBLINGS, *THE_OFFERS, *THE_SCALINGS,
)  # fmt: skip

BY_NAME: Mapping[str, Feature] = {feature.name: feature for feature in CATALOGUE}

if len(BY_NAME) != len(CATALOGUE):
    raise ValueError("Two features have the same name: give each its own.")
