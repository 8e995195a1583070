"""How long the past counts: what is left of each feature after quiet days, and what comes from brothers and sisters.

A family can leave the list because every event stops counting. Declared, that is the window of each feature; measured, it is the
cohort of a date as time passes and nothing new happens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from features.cohort import as_dates, find_cohort
from features.definition import Feature
from features.facts import Facts, gather_facts
from features.measure import LOOK_BACK_DAYS, Whose
from features.quiet_year import read_later
from features.stream import Source
from validation.cut import revealed
from validation.history import Archive
from validation.tables.catalogue import TABLES

STEP_DAYS = 30
LASTING: Mapping[Source, str] = {Source.CASE: "as long as the case is open", Source.SIBLINGS: "as long as they are on record"}


@dataclass(frozen=True)
class Influence:
    """What was measured on the cohort of ``as_of``.

    ``features`` has a row for each feature: ``feature``, ``family``, ``of_siblings``, ``forgotten_after`` (days; empty for what
    lasts), ``lasts`` (how long, in words; empty for what fades), ``cases`` (that have it), ``half_life`` and ``gone`` (days;
    empty for what lasts and for what no case has). ``parts`` has a row for each family of features, for what comes from brothers
    and sisters, and for the whole matrix: ``part``, ``columns``, ``values`` (that say something), ``cases`` (that have any).
    ``left`` has a row for each measured day: ``day``, and how many values of what fades still say something, ``own`` and
    ``of_siblings``. Whether a value says something is told by :func:`influence`; a value that compares the child with brothers
    and sisters comes from them where their part says something.
    """

    as_of: date
    cases: int
    features: pl.DataFrame
    parts: pl.DataFrame
    left: pl.DataFrame


FROM_SIBLINGS, WHOLE = "what comes from brothers and sisters", "the whole matrix"


def forgotten_after(feature: Feature) -> int | None:
    """Days after which no event counts any more; ``None`` for what is so as long as a case is open, or a sister on record."""
    return max((measure.within for measure in feature.measures if measure.stream.source not in LASTING), default=None)


def influence(feature: Feature) -> pl.Expr:
    """How far a value in the feature's column is from saying nothing.

    That is its distance from zero where zero says that there was no event, and elsewhere 1 for a value and 0 for none. What is
    told for each brother and sister on record is zero, and not empty, when no event counts any more.
    """
    value = pl.col(feature.name).cast(pl.Float64)
    for_each = any(measure.stream.source is Source.SIBLINGS for measure in feature.measures)
    if feature.formula.zero_when_absent or feature.zero_is_none or for_each:
        return value.abs().fill_null(0).alias(feature.name)
    return value.is_not_null().cast(pl.Float64).alias(feature.name)


def as_it_stood(archive: Archive, day: date) -> Archive:
    """What was known at the end of a day and nothing else, so that time can pass in it without anything new.

    What was told, corrected or withdrawn later is not in it, nor what lay ahead: rows and values with a later date.
    """
    return Archive({name: _stood(name, versions, day) for name, versions in archive.versions.items()}, archive.window_start, day)


def _stood(name: str, versions: pl.DataFrame, day: date) -> pl.DataFrame:
    table = TABLES[name]
    happened = pl.col(table.happened) if table.happened in table.schema else pl.lit(None, pl.Date)
    known = versions.filter(pl.col("known_from") <= day, happened.is_null() | (happened <= day)).with_columns(as_of=pl.lit(day))
    return known.select(
        *(revealed(column) for column in table.kept if column.name in known.columns),
        "known_from",
        known_to=pl.when(pl.col("known_to") <= day).then("known_to"),
    )


def measure_influence(archive: Archive, as_of: date, features: Sequence[Feature]) -> Influence:
    """Let time pass over the cohort of ``as_of`` without anything new, and say when each feature has faded.

    Measured is every ``STEP_DAYS`` days and at the end of every window. The half-life is the first measured day from which on the
    mean :func:`influence` is at most half of the first day's; gone is the one from which on it is nothing for every case.
    """
    facts = gather_facts(as_it_stood(archive, as_of))
    cohort = find_cohort(facts, as_dates([as_of]), facts.migrations(as_dates([as_of])))
    fading = [feature for feature in features if forgotten_after(feature) is not None]
    windows = {within for feature in fading if (within := forgotten_after(feature))}
    days = sorted({*range(0, LOOK_BACK_DAYS + STEP_DAYS + 1, STEP_DAYS), *windows})
    theirs = {feature.name: _their_parts(feature) for feature in features if feature.of_siblings}
    today = after_quiet_days(facts, cohort, [*features, *(part for parts in theirs.values() for part in parts)], 0)
    quiet = [after_quiet_days(facts, cohort, fading, day) for day in days]
    totals = pl.concat([frame.sum() for frame in quiet])
    counts = pl.concat([frame.select((pl.all() != 0).sum()) for frame in quiet])
    own, others = ([feature.name for feature in fading if feature.of_siblings is whose] for whose in (False, True))
    left = counts.select(
        pl.Series("day", days),
        own=pl.sum_horizontal(pl.lit(0), *own),
        of_siblings=pl.sum_horizontal(pl.lit(0), *others),
    )
    return Influence(as_of, cohort.height, _features(features, today, totals, days), _parts(features, theirs, today), left)


def after_quiet_days(facts: Facts, cohort: pl.DataFrame, features: Sequence[Feature], days: int) -> pl.DataFrame:
    """The :func:`influence` of each feature on each row of a cohort once so many days have passed; one column per feature."""
    return read_later(facts, cohort, features, days).select(influence(feature) for feature in features)


def _features(features: Sequence[Feature], today: pl.DataFrame, totals: pl.DataFrame, days: Sequence[int]) -> pl.DataFrame:
    rows = []
    for feature in features:
        cases = int((today[feature.name] != 0).sum())
        after, half_life, gone = forgotten_after(feature), None, None
        if after is not None and cases:
            total = totals[feature.name]
            half_life, gone = _settled(total > total[0] / 2, days), _settled(total > 0, days)
        lasts = "" if after is not None else LASTING[feature.measures[0].stream.source]
        rows.append((feature.name, feature.family.value, feature.of_siblings, after, lasts, cases, half_life, gone))
    names = ("feature", "family", "of_siblings", "forgotten_after", "lasts", "cases", "half_life", "gone")
    kinds = (pl.String, pl.String, pl.Boolean, pl.Int64, pl.String, pl.Int64, pl.Int64, pl.Int64)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


def _settled(still: pl.Series, days: Sequence[int]) -> int | None:
    """The first measured day from which on something is so no more; ``None`` when it is so to the end."""
    last = still.arg_true().max()
    following = int(last) + 1 if isinstance(last, int) else 0
    return days[following] if following < len(days) else None


def _their_parts(feature: Feature) -> list[Feature]:
    """What a feature reads of brothers and sisters, as features."""
    theirs = [measure for measure in feature.measures if measure.whose is Whose.SIBLINGS]
    return [replace(feature, name=f"{feature.name}, part {at}", formula=measure) for at, measure in enumerate(theirs)]


def _parts(features: Sequence[Feature], theirs: Mapping[str, Sequence[Feature]], today: pl.DataFrame) -> pl.DataFrame:
    says = today.select(pl.all() != 0)
    families = {feature.family: None for feature in features}
    parts = {family.value: says.select(one.name for one in features if one.family is family) for family in families}
    parts[FROM_SIBLINGS] = says.select(
        pl.col(name) & pl.any_horizontal(*(one.name for one in parts)) for name, parts in theirs.items()
    )
    parts[WHOLE] = says.select(feature.name for feature in features)
    rows = [
        (
            part,
            frame.width,
            int(frame.select(pl.sum_horizontal(pl.all().sum())).item()),
            frame.filter(pl.any_horizontal(pl.all())).height,
        )
        for part, frame in parts.items()
        if frame.width
    ]
    schema = {"part": pl.String, "columns": pl.Int64, "values": pl.Int64, "cases": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")
