"""A database that holds the standard dataset: PostgreSQL, or SQL Server through the ``sqlserver`` extra.

Nothing is ever written. On PostgreSQL the session is read-only and sees one moment of the database throughout. SQL
Server knows no read-only session: there the protection is that only SELECTs are sent and that nothing is committed,
so give the pipeline a login that may only read. The SQL Server path is the same code, but has not been tested.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from flows.sources.headers import clean_name, name_columns, refuse_repeats
from flows.sources.manifest import KEYS, REQUIRED_KEYS, build_manifest
from validation.contract import Table
from validation.errors import ContractError, SourceError
from validation.extract import Extract, Manifest
from validation.tables.catalogue import REFUSED_TABLES, TABLES

MANIFEST_TABLE = "rereferral_manifest"
BACKENDS = {"postgresql": "postgresql+psycopg://...", "mssql": "mssql+pyodbc://..."}
ROWS_AT_ONCE = 50_000
WAITS = (1.0, 5.0, 30.0)  # seconds before the next attempt; the last one repeats
CONNECT_SECONDS = 10


def read_database(source: str, *, retries: int = 3, sleep: Callable[[float], None] = time.sleep) -> Extract:
    """Every table of the contract that the database holds, and its manifest.

    ``source`` is an SQLAlchemy URL; ``?schema=NAME`` names another schema than the login's own. Only the contract's
    columns are read. A lost or refused connection is tried again ``retries`` times. Raises ``SourceError`` when the
    database cannot be reached or read, and ``ContractError`` when the manifest is missing or wrong or a table or
    column is there twice. No message holds the password or a value.
    """
    url, schema = _split_schema(source)
    place = f"{url.get_backend_name()} database '{url.database or ''}' on '{url.host or url.query.get('host', '')}'"
    engine = _make_engine(url, place)
    try:
        for attempt in range(retries + 1):
            try:
                with open_session(engine) as connection:
                    return _read_extract(connection, schema, place)
            except SQLAlchemyError as error:
                failure = error
            if not _is_lost_connection(failure) or attempt == retries:
                break
            sleep(WAITS[min(attempt, len(WAITS) - 1)])
    finally:
        engine.dispose()
    raise _describe(failure, place, attempts=attempt + 1)


@contextmanager
def open_session(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that reads and never commits; on PostgreSQL the server itself refuses every write."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        else:
            connection.execution_options(isolation_level="READ COMMITTED")
        yield connection


def _split_schema(source: str) -> tuple[sa.URL, str | None]:
    try:
        url = sa.make_url(source)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in BACKENDS:
        raise SourceError(
            f"The database URL cannot be used. It must begin {' or '.join(BACKENDS.values())}; special characters in "
            "the password are written as %XX."
        )
    schema = url.query.get("schema")
    if isinstance(schema, tuple):
        raise SourceError("The database URL names more than one 'schema'. Name one.")
    return url.difference_update_query(["schema"]), schema


def _make_engine(url: sa.URL, place: str) -> sa.Engine:
    timeout = {"connect_timeout" if url.get_backend_name() == "postgresql" else "timeout": CONNECT_SECONDS}
    try:
        return sa.create_engine(url, poolclass=sa.NullPool, connect_args=timeout)
    except (ImportError, NoSuchModuleError):
        remedy = (
            "pip install 'rereferral[sqlserver]' (and Microsoft's ODBC driver)"
            if url.get_backend_name() == "mssql"
            else "pip install 'psycopg[binary]' and begin the URL postgresql+psycopg://"
        )
    raise SourceError(f"The driver for the {place} is not installed. Install it: {remedy}.")


def _is_lost_connection(error: SQLAlchemyError) -> bool:
    return isinstance(error, OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


def _describe(error: SQLAlchemyError, place: str, attempts: int) -> SourceError:
    """Names the kind of error only: its own words may quote the URL or a row."""
    kind = type(error.orig if isinstance(error, DBAPIError) and error.orig else error).__name__
    if _is_lost_connection(error):
        return SourceError(
            f"The {place} could not be reached, or hung up, in {attempts} attempt(s) ({kind}). Check host, port, "
            "login and password."
        )
    return SourceError(
        f"The {place} was reached but could not be read ({kind}). Check that the login may SELECT from every table "
        "of the standard dataset."
    )


def _read_extract(connection: sa.Connection, schema: str | None, place: str) -> Extract:
    inspector = sa.inspect(connection)
    found = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    wanted = [name for name in found if clean_name(name) in {MANIFEST_TABLE, *TABLES, *REFUSED_TABLES}]
    refuse_repeats(map(clean_name, wanted), f"Table '{{}}' is more than once in the {place}. Name one schema.")
    names = {clean_name(name): name for name in wanted}
    if MANIFEST_TABLE not in names:
        columns = ", ".join(f"{key} varchar(100)" for key in KEYS)
        raise ContractError(
            f"The {place} shows this login no table '{MANIFEST_TABLE}', which says whose extract it is. "
            f"Make it, with one row: CREATE TABLE {MANIFEST_TABLE} ({columns})"
        )
    manifest = _read_manifest(connection, _reflect(inspector, names.pop(MANIFEST_TABLE), schema), place)
    tables = {}
    for name, stored in sorted(names.items()):
        table = _reflect(inspector, stored, schema)
        tables[name] = _read_table(connection, table, TABLES[name]) if name in TABLES else _count(connection, table)
    return Extract(manifest, tables)


def _reflect(inspector: sa.Inspector, name: str, schema: str | None) -> sa.TableClause:
    columns = [sa.column(column["name"], column["type"]) for column in inspector.get_columns(name, schema)]
    return sa.table(name, *columns, schema=schema)


def _read_manifest(connection: sa.Connection, table: sa.TableClause, place: str) -> Manifest:
    columns = [column.label(clean_name(column.name)) for column in table.columns if clean_name(column.name) in KEYS]
    held = [column.name for column in columns]
    if missing := [key for key in REQUIRED_KEYS if key not in held]:
        raise ContractError(f"Table '{MANIFEST_TABLE}' in the {place} lacks '{', '.join(missing)}'. Add it.")
    rows = connection.execute(sa.select(*columns).limit(2)).mappings().all()
    if len(rows) != 1:
        raise ContractError(f"Table '{MANIFEST_TABLE}' in the {place} must hold exactly one row.")
    return build_manifest({str(key): value for key, value in rows[0].items()}, MANIFEST_TABLE)


def _read_table(connection: sa.Connection, table: sa.TableClause, contract: Table) -> pl.DataFrame:
    """The contract's columns that are there, in chunks of one schema, so that a chunk of nulls keeps its type."""
    stored = list(table.columns)
    names = name_columns(contract.name, [column.name for column in stored])
    allowed = {column.name for column in contract.columns}
    chosen = [(name, column) for name, column in zip(names, stored, strict=True) if name in allowed]
    readings = [_reading(column) for _, column in chosen]
    schema = pl.Schema({name: dtype for (name, _), (_, dtype) in zip(chosen, readings, strict=True)})
    frames = [pl.DataFrame(schema=schema)]
    if chosen:
        query = sa.select(*[expression.label(name) for (name, _), (expression, _) in zip(chosen, readings, strict=True)])
        frames += [pl.DataFrame(rows, schema=schema, orient="row") for rows in _stream(connection, query)]
    return pl.concat(frames)


def _stream(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> Iterator[Sequence[tuple[object, ...]]]:
    """Rows as they come from a cursor on the server, never the whole result at once."""
    with connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as result:
        for rows in result.partitions():
            yield [tuple(row) for row in rows]


def _reading(column: sa.ColumnClause[Any]) -> tuple[sa.ColumnElement[Any], pl.DataType]:
    """How a column is selected, and its type here. Types not named (numeric, uuid, json ...) arrive as text."""
    match column.type:
        case sa.Date():
            return column, pl.Date()
        case sa.DateTime():  # without a time zone: the day is the one of the database's own clock
            return sa.cast(column, sa.DateTime()), pl.Datetime("us")
        case sa.Boolean():
            return column, pl.Boolean()
        case sa.Integer():
            return column, pl.Int64()
        case sa.Float():
            return column, pl.Float64()
        case _:
            return sa.cast(column, sa.Unicode()), pl.String()


def _count(connection: sa.Connection, table: sa.TableClause) -> pl.DataFrame:
    """As many rows as a refused table has, and none of its values: they are not even fetched."""
    rows = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    return pl.DataFrame({"row": pl.int_range(rows, eager=True)})
