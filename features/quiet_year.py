"""The open cases of a night as they would be after a year in which nothing new is recorded."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from features.cohort import as_dates, find_cohort, named
from features.definition import Family, Feature
from features.facts import Facts
from features.measure import DAYS_PER_YEAR
from features.plan import read_features
from validation.errors import ContractError


def read_quiet_year(facts: Facts, as_of: date, features: Sequence[Feature]) -> pl.DataFrame:
    """The cohort of ``as_of``, its features read 365 days later from the same facts: what lies further back has faded.

    Columns ``person_id``, ``referral_id`` and the features, but for those of ``Family.CASE``: how long the case has been open,
    its stage and the child's age would change in such a year too, which says nothing of what is on record. Sorted by child.
    Nobody leaves the cohort by coming of age, and an end that is planned already does come. Raises ``ContractError`` when the
    facts show anything that was told after ``as_of``.
    """
    if facts.extract_date > as_of:
        raise ContractError(
            f"The history shows what was known on {facts.extract_date}, after {as_of}: a quiet year is read from a history "
            "that ends on the night itself. Read the archive up to that day."
        )
    faded = [feature for feature in features if feature.family is not Family.CASE]
    cohort = find_cohort(facts, as_dates([as_of]), facts.migrations(as_dates([as_of])))
    later = read_later(facts, cohort, faded, DAYS_PER_YEAR)
    return named(facts, later).select("person_id", "referral_id", *(feature.name for feature in faded))


def read_later(facts: Facts, cohort: pl.DataFrame, features: Sequence[Feature], days: int) -> pl.DataFrame:
    """A cohort with its features as they are read so many days after its own dates, from the same facts."""
    later = cohort.with_columns(pl.col("as_of").dt.offset_by(f"{days}d"))
    return read_features(facts, later, features, facts.migrations(later.select("as_of").unique().sort("as_of")))
