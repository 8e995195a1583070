"""The matrix: cohort rows by features, for one date or many. Training and nights call the same function."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby

import polars as pl

from features.cohort import build_cohort
from features.definition import Aggregate, Feature, Whose
from features.people import records, siblings
from features.streams import STREAMS, View
from validation.history import Archive

ZERO_WHEN_ABSENT = frozenset({Aggregate.COUNT, Aggregate.ANY, Aggregate.DISTINCT, Aggregate.OPEN_NOW})


def available(features: Iterable[Feature], supplied: Mapping[str, Sequence[str]]) -> tuple[Feature, ...]:
    """The features whose table, and every column that they need, was supplied.

    ``supplied`` gives the columns of each supplied table. A table that was never supplied is left out: absent is not zero.
    """
    return tuple(
        feature
        for feature in features
        if feature.stream in STREAMS
        and all(column in supplied.get(table, ()) for table, column in needs(feature))
        and STREAMS[feature.stream].table.name in supplied
        and (feature.whose is Whose.CHILD or "ssd_family" in supplied)
    )


def needs(feature: Feature) -> tuple[tuple[str, str], ...]:
    """Table and column pairs that a feature reads."""
    stream = STREAMS[feature.stream]
    return tuple((stream.table.name, column) for column in stream.columns)


def build_matrix(archive: Archive, dates: Sequence[date], features: Sequence[Feature]) -> pl.DataFrame:
    """The cohort at each date with one Float32 column per feature, sorted by date and child.

    Columns: those of :func:`features.cohort.build_cohort`, then the features in the given order. An empty value means that
    there was no event to tell it from (see each feature's ``absence``).
    """
    cohort = build_cohort(archive, dates)
    return add_features(archive, cohort, features)


def add_features(archive: Archive, cohort: pl.DataFrame, features: Sequence[Feature]) -> pl.DataFrame:
    """``cohort`` with one column per feature."""
    own = records(archive, cohort)
    whose = {Whose.CHILD: own}
    if any(feature.whose is Whose.SIBLINGS for feature in features):
        whose[Whose.SIBLINGS] = siblings(archive, own)
    result = cohort
    for (stream, who), group in groupby(sorted(features, key=_shared), key=_shared):
        events = STREAMS[stream].read(View(archive, cohort, whose[Whose(who)]))
        result = result.join(aggregate(events, list(group)), on="row", how="left")
    zero = [f.name for f in features if f.aggregate in ZERO_WHEN_ABSENT]
    return result.with_columns(pl.col(zero).fill_null(0.0)).sort("row").select(*cohort.columns, *(f.name for f in features))


def _shared(feature: Feature) -> tuple[str, str]:
    """What features must have in common to be computed together."""
    return feature.stream, feature.whose


def aggregate(events: pl.DataFrame, features: Sequence[Feature]) -> pl.DataFrame:
    """All features of one stream in one pass: ``row`` and one Float32 column per feature."""
    ordered = events.with_columns(days_ago=(pl.col("as_of") - pl.col("happened")).dt.total_days()).sort(
        "row", "happened", *sorted(set(events.columns) - {"row", "as_of", "happened"})
    )
    return ordered.group_by("row", maintain_order=True).agg(_expression(f).cast(pl.Float32).alias(f.name) for f in features)


def _expression(feature: Feature) -> pl.Expr:
    """The aggregate of one feature over the events of one row."""
    counted = pl.col("days_ago") < feature.within
    for column, allowed in feature.where:
        counted &= pl.col(column).is_in(list(allowed)).fill_null(value=False)
    ages = pl.col("days_ago").filter(counted)
    values = pl.col(feature.value or "days_ago").filter(counted).drop_nulls()
    match feature.aggregate:
        case Aggregate.COUNT:
            found = counted.sum()
        case Aggregate.ANY:
            found = counted.any()
        case Aggregate.OPEN_NOW:
            found = (counted & pl.col("ended").is_null()).any()
        case Aggregate.DAYS_SINCE_LAST:
            found = ages.min()
        case Aggregate.DAYS_SINCE_FIRST:
            found = ages.max()
        case Aggregate.DISTINCT:
            found = values.n_unique()
        case Aggregate.MEAN | Aggregate.SHARE:
            found = values.cast(pl.Float64).mean()
        case Aggregate.MAX:
            found = values.max()
        case Aggregate.LATEST:
            found = values.last()
    return found
