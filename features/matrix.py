"""The matrix: cohort rows by features, for one date or many. Training and nights call the same function."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl

from features.cohort import INDEX, as_dates, find_cohort, named
from features.definition import Feature
from features.facts import Facts, gather_facts
from features.plan import read_features
from validation.history import Archive


def available(features: Iterable[Feature], supplied: Mapping[str, Sequence[str]]) -> tuple[Feature, ...]:
    """The features of which every column that they need was supplied.

    ``supplied`` gives the columns of each supplied table. What was never supplied is left out: absent is not zero.
    """
    return tuple(feature for feature in features if all(column in supplied.get(table, ()) for table, column in needs(feature)))


def needs(feature: Feature) -> tuple[tuple[str, str], ...]:
    """Table and column pairs without which a feature cannot be told: those of its own events and values, not of its streams'."""
    pairs = {pair for measure in feature.measures for pair in measure.stream.reads(measure.reads)}
    return tuple(sorted(pairs | ({("ssd_family", "fami_family_id")} if feature.of_siblings else set())))


def build_matrix(archive: Archive, dates: Sequence[date], features: Sequence[Feature]) -> pl.DataFrame:
    """The cohort at each date with one column per feature, sorted by date and child.

    Columns: those of :func:`features.cohort.build_cohort`, then the features in the given order. An empty value means that
    there was no event to tell it from (see each feature's ``absence``).
    """
    return matrix_from(gather_facts(archive), dates, features)


def matrix_from(facts: Facts, dates: Sequence[date], features: Sequence[Feature]) -> pl.DataFrame:
    """The matrix of :func:`build_matrix` from facts."""
    asked = as_dates(dates)
    migrations = facts.migrations(asked)
    matrix = read_features(facts, find_cohort(facts, asked, migrations), features, migrations)
    return named(facts, matrix).select(*INDEX, *(feature.name for feature in features))
