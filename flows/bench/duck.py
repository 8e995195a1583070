# ruff: noqa: S608  every word of the SQL is ours
"""The peer that knows SQL: DuckDB over the same numbered tables, features compiled to conditional aggregates.

One query for each stream: rows joined with the versions of events that were known on their day, grouped by row, every measure
an aggregate with a filter. What makes it quick: a version's days of being seen are two dates, computed once (from when all of it
had happened and was known, until it was known no more or is older than any window), so that a join has two comparisons; values
are narrow before the join; codes are enumerations, different codes are counted as bits,
and a list of codes is one number.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb  # type: ignore[import-not-found]  # it lives in the environment of the peers
import polars as pl

from features.definition import Feature
from features.measure import DAYS_PER_YEAR, LEAST_DAYS_APART, LOOK_BACK_DAYS, Aggregate, Composition, Measure, Operation, Whose
from features.stream import Source, Stream
from features.streams import GROUPS, SOURCE_GROUPS
from flows.bench.feature_sets import grouped, named
from validation.codes import codes

FAR = "DATE '9999-12-31'"
TYPES: Mapping[pl.DataType, str] = {pl.UInt16(): "USMALLINT", pl.UInt8(): "UTINYINT", pl.Float32(): "FLOAT"}

SOURCE = "source_of(%s)"
VALUES: Mapping[str, Mapping[str, str]] = {
    "case": {
        "days_open": "as_of - began_on",
        "age_months": "(year(as_of) - year(dob)) * 12 + month(as_of) - month(dob)",
        "without_birth_date": "dob IS NULL",
        "source_police": "source = 'Police'",
        "source_school": "source = 'Schools'",
        "source_health": "source = 'Health services'",
        "source_individual": "source = 'Individual'",
        "source_la": "source = 'LA services'",
    },
    "earlier referrals": {"source": SOURCE % "cine_referral_source_code"},
    "decisions on earlier referrals": {"ended_nfa": "cine_referral_nfa"},
    "closings of earlier cases": {"reason": "cine_close_reason::closure_reason"},
    "referrals": {"source": SOURCE % "cine_referral_source_code"},
    "brothers and sisters": {},
    "contacts": {
        "source": SOURCE % "cont_contact_source_code",
        "ended_nfa": "contains('|' || cont_contact_outcome_json || '|', '|NFA|')",
    },
    "early help": {"ended": "earl_episode_end_date"},
    "early help ended": {"days": "earl_episode_end_date - earl_episode_start_date"},
    "assessments": {"ended": "cina_assessment_auth_date"},
    "assessments finished": {
        "ended_nfa": "cina_assessment_outcome_nfa",
        "child_seen": "cina_assessment_child_seen",
        "days": "cina_assessment_auth_date - cina_assessment_start_date",
    },
    "factors": {"factor": "bits"},  # one for each code of the list
    "child in need plans": {"ended": "cinp_cin_plan_end_date"},
    "child in need plans ended": {"days": "cinp_cin_plan_end_date - cinp_cin_plan_start_date"},
    "section 47": {},
    "section 47 ended": {"ended_nfa": "s47e_s47_nfa", "days": "s47e_s47_end_date - s47e_s47_start_date"},
    "conferences": {"plan_made": "icpc_icpc_outcome_cp_flag"},
    "protection plans": {
        "ended": "cppl_cp_plan_end_date",
        "category": "cppl_cp_plan_initial_category::category_of_abuse",
    },
    "protection plans ended": {"days": "cppl_cp_plan_end_date - cppl_cp_plan_start_date"},
    "care": {"ended": "clae_cla_episode_ceased_date", "start": "clae_cla_episode_start_reason::cla_start_reason"},
    "care ended": {"days": "clae_cla_episode_ceased_date - clae_cla_episode_start_date"},
    "missing": {"kind": "miss_missing_episode_type::missing_type", "ended": "miss_missing_episode_end_date"},
    "missing ended": {"days": "miss_missing_episode_end_date - miss_missing_episode_start_date"},
    "offers": {"kind": "offe_kind::offer_kind"},
    "offers answered": {"kind": "offe_kind::offer_kind", "answer": "offe_answer::offer_answer"},
    "offers held": {"kind": "offe_kind::offer_kind"},
    "scalings": {
        "scale": "asos_scale",
        "rater": "asos_rater::sos_rater",
        "danger_statements": "asos_danger_statements",
        "safety_goals": "asos_safety_goals",
        "strengths": "asos_strengths",
    },
}
LEFT_OUT = {
    "protection plans": "coalesce(cppl_cp_plan_ola, false)",
    "protection plans ended": "coalesce(cppl_cp_plan_ola, false)",
}
CODED = {"factors": "assessment_factors"}  # streams of joined codes: their code list
LISTS = (
    "closure_reason", "category_of_abuse", "cla_start_reason", "missing_type", "offer_kind", "offer_answer", "sos_rater",
    "assessment_factors",
)  # fmt: skip


def build(data: Path, rows: str, features: Sequence[Feature], out: Path, *, parts: int = 1, threads: int = 2) -> None:
    """Write the matrix of the rows in ``<data>/<rows>.parquet`` as Parquet: ``row`` and a column for each feature.

    With several ``parts``, ``out`` is a folder of one file for each range of children.
    """
    connection = duckdb.connect(
        config={"threads": threads, "preserve_insertion_order": False, "autoinstall_known_extensions": False}
    )
    for statement in _words():
        connection.execute(statement)
    if parts == 1:
        for statement in statements(data, rows, features, out):
            connection.execute(statement)
    else:
        out.mkdir(exist_ok=True)
        families = pl.scan_parquet(data / "ssd_family.parquet").select("fami_person_id", "fami_family_id").collect()
        first = families.filter(pl.col("fami_family_id") != pl.col("fami_family_id").shift(1))["fami_person_id"]
        edges = [0, *(first[len(first) * part // parts] for part in range(1, parts)), families.height]
        for part, (low, high) in enumerate(pairwise(edges)):
            for statement in statements(data, rows, features, out / f"{part:02}.parquet", (low, high - 1)):
                connection.execute(statement)
    connection.close()


def _words() -> Iterable[str]:
    """Code lists and functions."""
    for name in LISTS:
        yield f"CREATE TYPE {name} AS ENUM ({_list(codes(name))})"
    yield f"CREATE TYPE source_group AS ENUM ({_list(GROUPS.categories)})"
    cases = " ".join(f"WHEN '{code}' THEN '{group}'" for code, group in SOURCE_GROUPS.items())
    yield f"CREATE MACRO source_of(code) AS (CASE code {cases} END)::source_group"
    yield "CREATE MACRO next_working_day(day) AS day + CASE isodow(day) WHEN 5 THEN 3 WHEN 6 THEN 2 ELSE 1 END::INTEGER"


def statements(
    data: Path, rows: str, features: Sequence[Feature], out: Path, children: tuple[int, int] | None = None
) -> Iterable[str]:
    """The SQL, statement by statement, for all children or those of a range of whole families."""
    among = f"BETWEEN {children[0]} AND {children[1]}" if children else ">= 0"
    yield f"CREATE OR REPLACE VIEW rows AS SELECT * FROM '{data / rows}.parquet' WHERE child {among}"
    names = named(features)
    groups = grouped(names)
    if any(whose is Whose.SIBLINGS for _, whose in groups):
        family = (
            f"(SELECT fami_person_id AS child, fami_family_id AS family FROM '{data}/ssd_family.parquet' WHERE child {among})"
        )
        yield (
            "CREATE OR REPLACE TEMP TABLE relatives AS SELECT r.row, r.as_of, s.child FROM rows r "
            f"JOIN {family} f ON f.child = r.child JOIN {family} s ON s.family = f.family AND s.child <> f.child"
        )
    joins = []
    for number, ((stream, whose), measures) in enumerate(groups.items()):
        if stream.source is Source.CASE:
            continue
        aggregates = ", ".join(f"{_aggregate(measure)} AS {name}" for measure, name in measures.items())
        pairs = _pairs(data, stream, whose, measures, among)
        yield f"CREATE OR REPLACE TEMP TABLE g{number} AS SELECT row, {aggregates} FROM ({pairs}) GROUP BY row"
        joins.append(f"LEFT JOIN g{number} USING (row)")
    columns = ", ".join(f'{_column(feature, names)} AS "{feature.name}"' for feature in features)
    yield f"COPY (SELECT row, {columns} FROM rows {' '.join(joins)}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)"


def _list(values: Iterable[Any]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _events(data: Path, stream: Stream, values: Mapping[str, str], among: str) -> str:
    """The versions of a stream's events: child, day, the values, and from when until when a row may count them."""
    table = stream.table
    files = f"'{data / table.name}.parquet'"
    if stream.source is Source.TABLE and stream.each:
        listed = f"list_filter(list_distinct(string_split(f.{stream.each}, '|')), lambda code: code <> '-')"
        bits = f"list_sum(list_transform({listed}, lambda code: 1::UBIGINT << enum_code(code::{CODED[stream.name]})))::UBIGINT"
        files = (
            f"(SELECT a.cina_person_id AS person, a.cina_assessment_auth_date AS happened, {bits} AS bits, "
            "greatest(f.known_from, a.known_from, a.cina_assessment_start_date) AS known_from, "
            "least(f.known_to, a.known_to) AS known_to "
            f"FROM {files} f JOIN '{data}/ssd_cin_assessments.parquet' a ON f.cinf_assessment_id = a.cina_assessment_id "
            "WHERE bits > 0)"
        )
        person, happened, began = "person", "happened", "happened"
    else:
        person, happened, began = table.person or "", stream.happened, table.happened or ""
    if stream.source is Source.DECISIONS:
        happened = "next_working_day(cine_referral_date)"
    seen_from = f"greatest(known_from, {began}, {happened})"
    seen_to = f"least(coalesce(known_to, {FAR}), {happened} + {LOOK_BACK_DAYS})"
    if stream.source is Source.CLOSINGS:
        happened = "cine_close_date"
        values = {"by_nfa": "CASE WHEN cine_referral_nfa THEN next_working_day(cine_referral_date) END", **values}
        seen_from, seen_to = f"greatest(known_from, {began})", f"coalesce(known_to, {FAR})"
    if stream.source in {Source.REFERRALS, Source.DECISIONS, Source.CLOSINGS}:
        values = {"began": "cine_referral_date", **values}
    wanted = "".join(f", {sql} AS {name}" for name, sql in values.items())
    dated = "" if stream.source is Source.CLOSINGS else f" AND {happened} IS NOT NULL"
    left_out = f" AND NOT {LEFT_OUT[stream.name]}" if stream.left_out is not None else ""
    return (
        f"SELECT {person} AS child, {happened} AS happened, {seen_from} AS seen_from, {seen_to} AS seen_to{wanted} FROM {files} "
        f"WHERE {person} {among} AND seen_from < seen_to{dated}{left_out}"
    )


def _pairs(data: Path, stream: Stream, whose: Whose, measures: Iterable[Measure], among: str) -> str:
    """Each row with each event that it may count."""
    who = "rows" if whose is Whose.CHILD else "relatives"
    if stream.source is Source.SIBLINGS:
        seen = f"'{data}/children.parquet' c ON c.child = r.child AND c.first_seen <= r.as_of"
        return f"SELECT r.row, 0 AS age FROM relatives r JOIN {seen}"
    read = {measure.value for measure in measures} | {column for measure in measures for column, _ in measure.where}
    values = {name: sql for name, sql in VALUES[stream.name].items() if name in read}
    if any(measure.aggregate is Aggregate.OPEN_NOW for measure in measures):
        values["ended"] = VALUES[stream.name]["ended"]
    shown = "".join(", coalesce(e.ended > r.as_of, true) AS open" if name == "ended" else f", e.{name}" for name in values)
    on = "e.child = r.child AND e.seen_from <= r.as_of AND e.seen_to > r.as_of"
    events = _events(data, stream, values, among)
    if stream.source in {Source.REFERRALS, Source.DECISIONS, Source.CLOSINGS}:
        on += " AND e.began < r.began_on"
    if stream.source is Source.CLOSINGS:
        shown = "".join(f", CASE WHEN e.happened <= r.as_of THEN e.{name} END AS {name}" for name in values)
        closed = "CASE WHEN e.happened <= r.as_of THEN e.happened WHEN e.by_nfa <= r.as_of THEN e.by_nfa END"
        pairs = f"SELECT r.row, r.as_of, e.began, {closed} AS closed{shown} FROM {who} r JOIN ({events}) e ON {on}"
        return (
            f"SELECT *, as_of - closed AS age, closed - began AS days_open FROM ({pairs}) WHERE closed > as_of - {LOOK_BACK_DAYS}"
        )
    return f"SELECT r.row, r.as_of - e.happened AS age{shown} FROM {who} r JOIN ({events}) e ON {on}"


def _filter(measure: Measure, *more: str) -> str:
    conditions = [_fits(measure, column, allowed) for column, allowed in measure.where]
    if measure.within < LOOK_BACK_DAYS:
        conditions.append(f"age < {measure.within}")
    if measure.until:
        conditions.append(f"age >= {measure.until}")
    conditions += more
    return f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""


def _fits(measure: Measure, column: str, allowed: tuple[Any, ...]) -> str:
    if measure.stream.name in CODED:
        return f"{column} & {_bits(measure)} <> 0"
    return f"{column} IN ({', '.join(_literal(value) for value in allowed)})"


def _bits(measure: Measure) -> int:
    """The bits of the joined codes that a measure counts."""
    known = list(codes(CODED[measure.stream.name]))
    wanted = set(known).intersection(*(allowed for _, allowed in measure.where))
    return sum(1 << known.index(code) for code in wanted)


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def _aggregate(measure: Measure) -> str:
    """A measure as an aggregate with a filter."""
    value, where = measure.value, _filter(measure)
    if measure.stream.name in CODED and measure.aggregate in {Aggregate.COUNT, Aggregate.DISTINCT}:
        column = next(iter(measure.stream.values))
        bits = f"{column} & {_bits(measure)}::UBIGINT"
        every = f"sum(bit_count({bits})){where}" if measure.aggregate is Aggregate.COUNT else f"bit_count(bit_or({bits}){where})"
        return f"({every})::{TYPES[measure.dtype]}"
    match measure.aggregate:
        case Aggregate.COUNT:
            found = f"count(*){where}"
        case Aggregate.ANY:
            found = f"(count(*){where} > 0)"
        case Aggregate.OPEN_NOW:
            found = f"(count(*){_filter(measure, 'open')} > 0)"
        case Aggregate.DAYS_SINCE_LAST:
            found = f"min(age){where}"
        case Aggregate.DAYS_SINCE_FIRST:
            found = f"max(age){where}"
        case Aggregate.DISTINCT:
            found = f"bit_count(bit_or(1::UBIGINT << enum_code({value})){_filter(measure, f'{value} IS NOT NULL')})"
        case Aggregate.SUM:
            found = f"sum({value}){where}"
        case Aggregate.MEAN | Aggregate.SHARE:
            found = f"avg({value}::INTEGER){where}"
        case Aggregate.MAX:
            found = f"max({value}){where}"
        case Aggregate.LATEST:
            found = f"arg_max({value}, (10000 - age) * 100000 + {value}){_filter(measure, f'{value} IS NOT NULL')}"
        case Aggregate.TREND:
            known = _filter(measure, f"{value} IS NOT NULL")
            enough = f"regr_sxx({value}, -age){known} >= {LEAST_DAYS_APART**2 / 2} - 1e-6"
            found = f"CASE WHEN {enough} THEN regr_slope({value}, -age){known} * {DAYS_PER_YEAR} END"
    return f"({found})::{TYPES[measure.dtype]}"


def _column(feature: Feature, names: Mapping[Measure, str]) -> str:
    """A feature from its measures."""
    if isinstance(feature.formula, Composition):
        left, right = (f"{_measured(measure, names)}::DOUBLE" for measure in feature.measures)
        if feature.formula.operation is Operation.RATIO:
            return f"({left} / nullif({right}, 0))::FLOAT"
        return f"({left} - {right})::FLOAT"
    return _measured(feature.formula, names)


def _measured(measure: Measure, names: Mapping[Measure, str]) -> str:
    if measure.stream.source is Source.CASE:
        return f"({VALUES['case'][measure.value or '']})::{TYPES[measure.dtype]}"
    zero = f"0::{TYPES[measure.dtype]}"
    return f"coalesce({names[measure]}, {zero})" if measure.zero_when_absent else names[measure]
