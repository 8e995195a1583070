"""From features and facts to columns: what is read together, which rows the ordinary way serves, and which the direct way.

Measures of the same stream and of the same children's events are one group: one sort, one set of readings. A row of whose child
(or brothers and sisters, where those are read) something was known otherwise on its day is read the direct way instead.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from features.definition import Feature
from features.direct import one_row_each, shape
from features.facts import Facts
from features.measure import Composition, Measure, Operation, Whose
from features.migrations import Migrations
from features.odd_rows import Group, OddRows
from features.readings import Axis, axis_of, read, read_measures
from features.stream import OF_CASES, Source, Stream
from validation.cut import next_working_day

MOST = 0.7  # share of rows from which on it costs less to read them all


def read_features(facts: Facts, rows: pl.DataFrame, features: Sequence[Feature], migrations: Migrations) -> pl.DataFrame:
    """``rows`` with one column per feature, in the order of ``row``.

    ``rows`` has ``row`` (UInt32, different), ``child``, ``as_of``, ``began_on``, ``dob`` and ``source`` (see
    ``features/cohort.py``); ``migrations`` are those of the rows' dates, from the facts of all children.
    """
    if rows.is_empty():
        return rows.with_columns(pl.lit(None, feature.dtype).alias(feature.name) for feature in features)
    names = {measure: f"measure {at}" for at, measure in enumerate({m: None for f in features for m in f.measures})}
    children = facts["children"].select("child", "group").collect(engine="in-memory")
    ordered = rows.join(children, on="child", how="left").sort("child", "as_of")
    odd = OddRows(facts, ordered, migrations)
    # Facts of others are read past where the rows are of most children anyhow.
    asked = ordered["child"].unique() if ordered["child"].n_unique() < children.height / 2 else None
    blocks = [ordered]
    for group, measures in grouped(names).items():
        block = _read_group(facts, ordered, asked, group, measures)
        if group[0].source is not Source.CASE and (places := odd.places(group)).len():
            direct = odd.values(group, places, measures)
            block = block.with_columns(block[name].scatter(places, direct[name]) for name in measures)
        blocks.append(block)
    found = pl.concat(blocks, how="horizontal")
    found = found.select(*rows.columns, *(_formula(feature, names) for feature in features))
    return found if found["row"].is_sorted() else found.sort("row")


def grouped(names: Mapping[Measure, str]) -> dict[Group, dict[str, Measure]]:
    """Measures by what they must have in common to be read together: their stream, and whose events they read."""
    found: dict[Group, dict[str, Measure]] = {}
    for measure, name in names.items():
        found.setdefault((measure.stream, measure.whose), {})[name] = measure
    return found


def _formula(feature: Feature, names: Mapping[Measure, str]) -> pl.Expr:
    """A feature from the columns of its measures."""
    if not isinstance(feature.formula, Composition):
        return pl.col(names[feature.formula]).alias(feature.name)
    left, right = (pl.col(names[measure]).cast(pl.Float64) for measure in feature.measures)
    whole = left - right if feature.formula.operation is Operation.DIFFERENCE else pl.when(right != 0).then(left / right)
    return whole.cast(pl.Float32).alias(feature.name)


def _read_group(
    facts: Facts, rows: pl.DataFrame, asked: pl.Series | None, group: Group, measures: Mapping[str, Measure]
) -> pl.DataFrame:  # fmt: skip
    """The measures of a group for all rows, from facts; ``asked`` are the rows' children, where they are few."""
    stream, whose = group
    if stream.source is Source.CASE:
        values = rows.with_columns(**stream.values)
        return values.select(pl.col(measure.value or "").cast(measure.dtype).alias(name) for name, measure in measures.items())
    axis = axis_of(rows["as_of"])
    if stream.source is Source.SIBLINGS:
        since = _of(asked, facts["pairs"].select("child", happened="since").collect(engine="in-memory"))
        return _standing(since, rows, axis, measures)
    events = _events(facts, stream, {name for measure in measures.values() for name in _values(measure)})
    inside = pl.col("happened").is_between(pl.lit(axis.origin), pl.lit(rows["as_of"].max()), closed="right")
    found = events.filter(inside).collect(engine="in-memory")
    if whose is Whose.SIBLINGS:
        pairs = _of(asked, facts["pairs"].select(index="child", child="sibling").collect(engine="in-memory"), "index")
        found = found.join(pairs, on="child").drop("child").rename({"index": "child"})
    else:
        found = _of(asked, found)
    return _read_where_there_is_any(found, rows, axis, measures)


def _read_where_there_is_any(
    events: pl.DataFrame, rows: pl.DataFrame, axis: Axis, measures: Mapping[str, Measure]
) -> pl.DataFrame:  # fmt: skip
    """The measures of a stream for all rows; those of children without any event are known without looking."""
    before = next(iter(measures.values())).stream.before_the_case
    first, last = rows["child"][0], rows["child"][-1]
    having = events.filter(pl.col("child").is_between(first, last))["child"] - first
    children = pl.repeat(value=False, n=last - first + 1, dtype=pl.Boolean, eager=True).scatter(having, True)
    there = children.gather(rows["child"] - first).arg_true()
    if there.len() > MOST * rows.height:
        return read_measures(events, rows, axis, measures, before=before)
    found = read_measures(events, rows.select("child", "as_of", "began_on")[there], axis, measures, before=before)
    nothing = ((name, 0 if measure.zero_when_absent else None, measure.dtype) for name, measure in measures.items())
    return pl.DataFrame(
        [
            pl.repeat(value, rows.height, dtype=dtype, eager=True).alias(name).scatter(there, found[name])
            for name, value, dtype in nothing
        ]
    )


def _of(asked: pl.Series | None, frame: pl.DataFrame, child: str = "child") -> pl.DataFrame:
    """The rows of a frame that are of the asked children."""
    return frame if asked is None else frame.filter(pl.col(child).is_in(asked.implode()))


def _values(measure: Measure) -> set[str]:
    """The values of the stream that a measure reads."""
    named = {name for name, _ in measure.where} | ({measure.value} if measure.value else set())
    return named | ({"ended"} & set(measure.stream.values))


def _events(facts: Facts, stream: Stream, wanted: set[str]) -> pl.LazyFrame:
    """The events of a stream as facts: ``child``, ``happened`` and the wanted values."""
    values = {name: value for name, value in stream.values.items() if name in wanted}
    if stream.source in OF_CASES:
        return _cases(facts, stream.source, values)
    rows = facts[f"rows/{stream.table.name}"]
    if stream.each and rows.collect_schema()[stream.each] == pl.String:  # else facts have a row for each already
        rows = one_row_each(rows, stream.each, stream.table.column(stream.each).codes or "")
    return shape(stream, rows, "child").select("child", "happened", *values)


def _cases(facts: Facts, source: Source, values: Mapping[str, pl.Expr]) -> pl.LazyFrame:
    if source is Source.CLOSINGS:
        return facts["closings"].select("child", happened="closed_on", **values)
    begun = facts["episodes"].filter(~pl.col("continues"))
    day = next_working_day(pl.col("cine_referral_date")) if source is Source.DECISIONS else pl.col("cine_referral_date")
    return begun.select("child", happened=day, **values)


def _standing(since: pl.DataFrame, rows: pl.DataFrame, axis: Axis, measures: Mapping[str, Measure]) -> pl.DataFrame:
    """How many brothers and sisters are on record: no window, since a sister stays one."""
    day = pl.max_horizontal("happened", pl.lit(axis.origin))
    table = since.select(key=axis.key(pl.col("child"), day)).sort("key").with_columns(count=pl.int_range(1, pl.len() + 1))
    today = axis.key(pl.col("child"), pl.col("as_of"))
    edges = rows.select(now=today, before=axis.key(pl.col("child"), pl.lit(axis.origin)) - 1)
    now, before = (read(edges[name], table)["count"].fill_null(0) for name in ("now", "before"))
    return pl.DataFrame({name: (now - before).cast(measure.dtype) for name, measure in measures.items()})
