"""The standard dataset read from a real PostgreSQL, started for these tests: types, streaming, read-only, retries."""

import json
import socket
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime

import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from flows.sources import database
from flows.sources.database import open_session, read_database
from flows.sources.reading import read_source
from validation.errors import ContractError, SourceError
from validation.extract import Extract, ExtractRule, Manifest, Origin

Rows = Sequence[tuple[object, ...]]

MANIFEST = """
CREATE TABLE rereferral_manifest (authority text, origin text, extract_rule varchar(40), window_start date,
                                  "Extract_Date" timestamp, key_fingerprint text, noted_by text);
INSERT INTO rereferral_manifest VALUES
    ('Testshire', 'invented', 'started_or_open', '2020-11-24', '2026-11-24 02:00:00', NULL, 'somebody');
"""
TABLES = """
CREATE TABLE "SSD_Person" ("Pers_Person_ID" varchar(48), pers_dob date, pers_expected_dob timestamp with time zone,
                           pers_death_date timestamp, pers_send_flag boolean, pers_forename text,
                           shoe_size integer);
INSERT INTO "SSD_Person" VALUES ('a', '2015-02-01', '2015-06-01', '2020-01-02 03:04:05', true, NULL, 40),
                                ('b', NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE ssd_cin_plans (cin_plan_id uuid, cinp_person_id bigint, cinp_referral_id numeric(20,0));
INSERT INTO ssd_cin_plans VALUES ('0123456789abcdef0123456789abcdef', 12, 12345678901234567890);
CREATE VIEW ssd_assessment_factors AS SELECT 'x' AS cinf_table_id, '["1A"]'::jsonb AS cinf_assessment_factors_json;
CREATE TABLE ext_workforce (work_measure_id text, work_value double precision);
CREATE TABLE ssd_address (addr_person_id text, addr_address_postcode text);
INSERT INTO ssd_address VALUES ('a', 'SECRET 1'), ('b', 'SECRET 2');
CREATE TABLE payroll (name text);
"""


def run(url: str, statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(statements)
    engine.dispose()


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    """The server with the tables above, taken away again after the test."""
    run(postgres, MANIFEST + TABLES)
    yield postgres
    run(postgres, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC")


def test_manifest_and_the_contracts_tables_are_read_and_no_others(url: str) -> None:
    extract = read_source(url)
    assert extract.manifest == Manifest(
        "Testshire", Origin.INVENTED, ExtractRule.STARTED_OR_OPEN, date(2020, 11, 24), date(2026, 11, 24)
    )
    assert set(extract.tables) == {
        "ssd_person",
        "ssd_cin_plans",
        "ssd_assessment_factors",
        "ext_workforce",
        "ssd_address",
    }


def test_types_of_the_database_are_kept_and_unknown_columns_left_behind(url: str) -> None:
    expected = pl.DataFrame(
        {
            "pers_person_id": ["a", "b"],
            "pers_dob": [date(2015, 2, 1), None],
            "pers_expected_dob": [datetime(2015, 6, 1), None],
            "pers_death_date": [datetime(2020, 1, 2, 3, 4, 5), None],
            "pers_send_flag": [True, None],
            "pers_forename": [None, None],
        },
        schema_overrides={"pers_forename": pl.String},
    )
    assert_frame_equal(read_source(url).tables["ssd_person"], expected)


def test_a_moment_becomes_the_day_on_the_databases_own_clock(url: str) -> None:
    run(url, """UPDATE "SSD_Person" SET pers_expected_dob = '2015-05-31 23:30+00'""")
    person = read_source(f"{url}&options=-ctimezone%3DEurope/London").tables["ssd_person"]
    assert person["pers_expected_dob"].to_list() == [datetime(2015, 6, 1, 0, 30)] * 2


def test_aliases_are_renamed_and_exact_text_stands_for_types_of_the_database_alone(url: str) -> None:
    tables = read_source(url).tables
    assert tables["ssd_cin_plans"].to_dicts() == [
        {
            "cinp_cin_plan_id": "01234567-89ab-cdef-0123-456789abcdef",
            "cinp_person_id": 12,
            "cinp_referral_id": "12345678901234567890",
        }
    ]
    assert json.loads(tables["ssd_assessment_factors"]["cinf_assessment_factors_json"].item()) == ["1A"]
    assert tables["ext_workforce"].schema == {"work_measure_id": pl.String, "work_value": pl.Float64}


def test_rows_of_a_refused_table_are_counted_and_not_fetched(url: str) -> None:
    assert read_source(url).tables["ssd_address"].to_dict(as_series=False) == {"row": [0, 1]}


def test_many_rows_come_in_chunks_and_a_chunk_of_nulls_keeps_its_type(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run(
        url,
        """CREATE TABLE ssd_cin_episodes (cine_referral_id text, cine_referral_date date, cine_close_date date);
        INSERT INTO ssd_cin_episodes SELECT md5(i::text), date '2020-01-01' + i %% 365,
            CASE WHEN i > 110000 THEN date '2021-01-01' END FROM generate_series(1, 120000) AS i""",
    )
    sizes = []
    stream = database._stream

    def watch(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> Iterator[Rows]:
        for rows in stream(connection, query):
            sizes.append(len(rows))
            yield rows

    monkeypatch.setattr(database, "_stream", watch)
    episodes = read_source(url).tables["ssd_cin_episodes"]
    assert [size for size in sizes if size > 10] == [50_000, 50_000, 20_000]
    assert episodes.height == episodes["cine_referral_id"].n_unique() == 120_000
    assert episodes["cine_close_date"].dtype == pl.Date
    assert episodes["cine_close_date"].count() == 10_000


def test_the_server_refuses_to_write_in_our_session(url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    for statement in ("INSERT INTO payroll VALUES ('x')", "CREATE TABLE mine (a int)", "DROP TABLE payroll"):
        with open_session(engine) as connection, pytest.raises(sa.exc.InternalError, match="read-only transaction"):
            connection.exec_driver_sql(statement)
    with open_session(engine) as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar_one() == "repeatable read"
    engine.dispose()


def test_another_schema_is_named_in_the_url(url: str) -> None:
    run(url, "CREATE SCHEMA other")
    there = f"{url}&options=-csearch_path%3Dother"
    run(there, MANIFEST)
    run(there, "UPDATE rereferral_manifest SET origin = 'real'")
    extract = read_source(f"{url}&schema=other")
    assert (extract.manifest.origin, dict(extract.tables)) == (Origin.REAL, {})
    run(url, "DROP SCHEMA other CASCADE")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TABLE rereferral_manifest", "CREATE TABLE rereferral_manifest"),
        ("DELETE FROM rereferral_manifest", "exactly one row"),
        ("INSERT INTO rereferral_manifest SELECT * FROM rereferral_manifest", "exactly one row"),
        ("ALTER TABLE rereferral_manifest DROP COLUMN origin", "lacks 'origin'"),
        ("UPDATE rereferral_manifest SET origin = 'dream'", "'origin' must be one of real, invented"),
        ("CREATE TABLE ssd_person (pers_person_id text)", "'ssd_person' is more than once"),
        ('ALTER TABLE "SSD_Person" ADD COLUMN pers_person_id text', "'pers_person_id' of 'ssd_person' arrived more"),
    ],
)
def test_a_wrong_manifest_or_a_doubled_name_is_refused(url: str, statement: str, words: str) -> None:
    run(url, statement)
    with pytest.raises(ContractError, match=words):
        read_source(url)


def test_a_table_that_may_not_be_read_is_no_lost_connection(url: str) -> None:
    run(url, "CREATE ROLE nobody LOGIN; GRANT SELECT ON rereferral_manifest TO nobody")
    try:
        with pytest.raises(SourceError, match=r"could not be read \(InsufficientPrivilege\)"):
            read_database(url.replace("postgres:@", "nobody:@"), sleep=lambda _: pytest.fail("no retry is of use"))
    finally:
        run(url, "DROP OWNED BY nobody; DROP ROLE nobody")


def test_a_value_that_cannot_be_held_is_not_quoted(url: str) -> None:
    run(url, """UPDATE "SSD_Person" SET pers_dob = 'infinity'""")
    with pytest.raises(SourceError, match=r"could not be read \(DataError\)") as caught:
        read_source(url)
    assert "infinity" not in str(caught.value)


def test_a_port_where_nobody_listens_is_tried_again_and_named_without_the_password() -> None:
    with socket.socket() as free:  # bound but not listening: a connection is refused
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        waits: list[float] = []
        source = f"postgresql+psycopg://reader:hidden@127.0.0.1:{port}/ssd"
        with pytest.raises(SourceError, match=r"could not be reached.* in 5 attempt") as caught:
            read_database(source, retries=4, sleep=waits.append)
        with pytest.raises(SourceError, match="in 1 attempt"):
            read_source(source, retries=0)
    assert waits == [1, 5, 30, 30]
    assert caught.value.exit_code == 15
    assert "hidden" not in str(caught.value)
    assert "'ssd' on '127.0.0.1'" in str(caught.value)


def test_a_connection_that_comes_back_is_used(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    real = database._read_extract

    def hang_up_once(connection: sa.Connection, schema: str | None, place: str) -> Extract:
        if not waits:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return real(connection, schema, place)

    monkeypatch.setattr(database, "_read_extract", hang_up_once)
    assert read_database(url, retries=1, sleep=waits.append).manifest.authority == "Testshire"
    assert waits == [1]


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    with pytest.raises(SourceError, match=r"pip install 'rereferral\[sqlserver\]'") as caught:
        read_source("mssql+pyodbc://reader:hidden@host/ssd?driver=ODBC+Driver+18+for+SQL+Server")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("source", ["postgresql+psycopg://reader:hid den@ho st:port/db", "mysql://reader:hidden@host/db"])
def test_a_url_that_cannot_be_used_is_not_repeated(source: str) -> None:
    with pytest.raises(SourceError, match="must begin postgresql") as caught:
        read_source(source)
    assert "hid" not in str(caught.value)
