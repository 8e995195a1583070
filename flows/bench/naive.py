"""The peer that writes polars as one first would: join, filter, group."""

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Literal

import polars as pl

from features.definition import Feature
from features.measure import DAYS_PER_YEAR, LEAST_DAYS_APART, LOOK_BACK_DAYS, Aggregate, Composition, Measure, Operation, Whose
from features.stream import Source, Stream
from flows.bench.feature_sets import grouped, named
from validation.conforming import NO_CODES
from validation.cut import next_working_day
from validation.tables.episodes import ASSESSMENTS

EARLIER = {Source.REFERRALS, Source.DECISIONS, Source.CLOSINGS}


def build(
    data: Path, rows: str, features: Sequence[Feature], out: Path, *, engine: Literal["streaming", "in-memory"] = "in-memory"
) -> None:
    """Write the matrix of the rows in ``<data>/<rows>.parquet`` as Parquet: ``row`` and a column for each feature."""
    index = pl.scan_parquet(data / f"{rows}.parquet")
    names = named(features)
    result = index
    for (stream, whose), measures in grouped(names).items():
        if stream.source is Source.CASE:
            result = result.with_columns(stream.values[m.value or ""].cast(m.dtype).alias(n) for m, n in measures.items())
            continue
        who = index.select("row", "child", "as_of", "began_on")
        events = _events(data, stream, who if whose is Whose.CHILD else _relatives(data, who))
        found = events.with_columns(age=(pl.col("as_of") - pl.col("happened")).dt.total_days()).filter(
            pl.col("age") < LOOK_BACK_DAYS
        )
        measured = found.group_by("row").agg(_aggregate(m).cast(m.dtype).alias(n) for m, n in measures.items())
        result = result.join(measured, on="row", how="left")
    zero = [name for measure, name in names.items() if measure.zero_when_absent]
    result = result.with_columns(pl.col(zero).fill_null(0))
    result.select("row", *(_column(f, names) for f in features)).sink_parquet(out, compression="zstd", engine=engine)


def _relatives(data: Path, who: pl.LazyFrame) -> pl.LazyFrame:
    family = pl.scan_parquet(data / "ssd_family.parquet").select(child="fami_person_id", family="fami_family_id")
    pairs = family.join(family, on="family").filter(pl.col("child") != pl.col("child_right"))
    return who.join(pairs.select("child", sibling="child_right"), on="child").drop("child").rename({"sibling": "child"})


def _known() -> pl.Expr:
    day = pl.col("as_of")
    return (pl.col("known_from") <= day) & (pl.col("known_to").is_null() | (pl.col("known_to") > day))


def _events(data: Path, stream: Stream, who: pl.LazyFrame) -> pl.LazyFrame:
    """What each row may count of a stream: ``row``, ``as_of``, ``happened`` and the values."""
    if stream.source is Source.SIBLINGS:
        seen = who.join(pl.scan_parquet(data / "children.parquet"), on="child").filter(pl.col("first_seen") <= pl.col("as_of"))
        return seen.select("row", "as_of", happened="as_of")
    table = stream.table
    if stream.source is Source.TABLE and stream.each:
        seen = _joined(data, ASSESSMENTS.name, ASSESSMENTS.person or "", who)
        seen = seen.filter(
            _known(),
            pl.col("cina_assessment_auth_date") <= pl.col("as_of"),
            pl.col("cina_assessment_start_date") <= pl.col("as_of"),
        )
        seen = seen.select("row", "as_of", happened="cina_assessment_auth_date", cinf_assessment_id=ASSESSMENTS.key)
        seen = seen.join(pl.scan_parquet(data / f"{table.name}.parquet"), on="cinf_assessment_id").filter(_known())
        seen = seen.with_columns(pl.col(stream.each).str.split("|")).explode(stream.each).filter(pl.col(stream.each) != NO_CODES)
        return seen.select("row", "as_of", "happened", **stream.values)
    seen = _joined(data, table.name, table.person or "", who).filter(_known(), pl.col(table.happened or "") <= pl.col("as_of"))
    if stream.left_out is not None:
        seen = seen.filter(~stream.left_out.fill_null(value=False))
    if stream.source in EARLIER:
        seen = seen.filter(pl.col("cine_referral_date") < pl.col("began_on"))
    happened = pl.col(stream.happened)
    if stream.source is Source.DECISIONS:
        happened = next_working_day(happened)
    elif stream.source is Source.CLOSINGS:
        closed, decided = pl.col("cine_close_date"), next_working_day(pl.col("cine_referral_date"))
        shown = closed <= pl.col("as_of")
        happened = pl.when(shown).then(closed).when(pl.col("cine_referral_nfa") & (decided <= pl.col("as_of"))).then(decided)
        seen = seen.with_columns(
            pl.when(shown).then("cine_close_reason").alias("cine_close_reason"), began_on="cine_referral_date", closed_on=happened
        )
        happened = pl.col("closed_on")
    seen = seen.with_columns(happened=happened).filter(pl.col("happened") <= pl.col("as_of"))
    values = {
        name: pl.when(value <= pl.col("as_of")).then(value) if name == "ended" else value for name, value in stream.values.items()
    }
    return seen.select("row", "as_of", "happened", **values)


def _joined(data: Path, table: str, person: str, who: pl.LazyFrame) -> pl.LazyFrame:
    return who.join(pl.scan_parquet(data / f"{table}.parquet"), left_on="child", right_on=person)


def _aggregate(measure: Measure) -> pl.Expr:
    """A measure over the events of a row."""
    age = pl.col("age")
    fits = [pl.col(column).is_in(list(allowed)) for column, allowed in measure.where]
    fits += [age < measure.within] if measure.within < LOOK_BACK_DAYS else []
    fits += [age >= measure.until] if measure.until else []
    inside = reduce(lambda left, right: left & right, fits, pl.lit(value=True)) if fits else None
    value = pl.col(measure.value or "age")
    ages = age if inside is None else age.filter(inside)
    values = value if inside is None else value.filter(inside)
    match measure.aggregate:
        case Aggregate.COUNT:
            found = pl.len() if inside is None else inside.sum()
        case Aggregate.ANY:
            found = pl.len() > 0 if inside is None else inside.any()
        case Aggregate.OPEN_NOW:
            open_now = pl.col("ended").is_null()
            found = open_now.any() if inside is None else (inside & open_now).any()
        case Aggregate.DAYS_SINCE_LAST:
            found = ages.min()
        case Aggregate.DAYS_SINCE_FIRST:
            found = ages.max()
        case Aggregate.DISTINCT:
            found = values.drop_nulls().n_unique()
        case Aggregate.SUM:
            found = values.sum()
        case Aggregate.MEAN | Aggregate.SHARE:
            found = values.mean()
        case Aggregate.MAX:
            found = values.max()
        case Aggregate.LATEST:
            known = value.is_not_null() if inside is None else inside & value.is_not_null()
            found = value.filter(known & (age == age.filter(known).min())).max()
        case Aggregate.TREND:
            known = value.is_not_null() if inside is None else inside & value.is_not_null()
            x, y = -age.filter(known).cast(pl.Float64), value.filter(known).cast(pl.Float64)
            spread = known.sum() * (x * x).sum() - x.sum() * x.sum()
            slope = (known.sum() * (x * y).sum() - x.sum() * y.sum()) / spread
            found = pl.when(2 * spread >= known.sum() * LEAST_DAYS_APART**2).then(slope * DAYS_PER_YEAR)
    return found


def _column(feature: Feature, names: Mapping[Measure, str]) -> pl.Expr:
    """A feature from its measures."""
    if not isinstance(feature.formula, Composition):
        return pl.col(names[feature.formula]).alias(feature.name)
    left, right = (pl.col(names[measure]).cast(pl.Float64) for measure in feature.measures)
    found = pl.when(right != 0).then(left / right) if feature.formula.operation is Operation.RATIO else left - right
    return found.cast(pl.Float32).alias(feature.name)
