"""A raw folder of CSV files, as a case system would export it: with all that must never enter the pipeline.

It exists to prove ``rereferral pseudonymise``. Every child is invented, and so are numbers, names and notes
(``flows/invented.py``). A folder stands alone: another one numbers its children anew.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from flows.invented import child_number, day_in_month, digits, health_number, name, pupil_number
from flows.raw_dialects import DIALECTS, Dialect, System, note
from flows.sources.folder import MANIFEST_FILE
from flows.sources.manifest import as_values
from flows.workspace import write_json, write_private
from validation.contract import Column, Kind, Sensitivity, Table
from validation.errors import SettingsError
from validation.extract import Extract
from validation.pseudonyms import entity
from validation.tables.catalogue import TABLES

Numbers = Mapping[str, pl.DataFrame]

POSTCODE = "ZZ99 9ZZ"  # of nowhere
OLDER_NAME = "pers_common_child_id"  # no system sends it any more

# Columns that are not kept and have a value of their own; ``_unkept`` says what the others hold.
UNKEPT: Mapping[str, pl.Expr] = {
    "pers_legacy_id": child_number(pl.col("pers_person_id")),
    "pers_upn": pupil_number(pl.col("pers_person_id")),
    "pers_forename": name(pl.col("pers_person_id"), 0),
    "pers_surname": name(pl.col("pers_person_id"), 16),
    "pers_single_unique_id": health_number(pl.col("pers_person_id")),
    "earl_episode_worker_id": pl.lit("SSD_PH"),
    "cppl_cp_plan_latest_category": pl.col("cppl_cp_plan_initial_category"),
}


def write_raw(extract: Extract, system: System, seed: int, out: Path) -> None:
    """Write the tables of ``extract`` to the new folder ``out`` as ``system`` would export them, with a manifest.

    ``extract`` holds contract tables in the conformed shape. Tables and columns that the system does not deliver are
    left out; ``ssd_address`` is added, which every system sends and the pipeline refuses. ``seed`` deals the numbers;
    the same arguments give the same bytes. Raises ``SettingsError`` when ``out`` already holds something.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"'{out}' exists already and is not empty. Name a new folder, or remove this one.")
    dialect = DIALECTS[system]
    numbers = _number(extract.tables, dialect, seed)
    if system is System.ECLIPSE:
        numbers["ssd_cin_episodes"] = _with_person(numbers, extract.tables["ssd_cin_episodes"])
    tables = {name: _table(TABLES[name], frame, dialect, numbers) for name, frame in extract.tables.items()}
    tables["ssd_address"] = _addresses(extract.tables["ssd_person"], numbers)
    for table_name, frame in tables.items():
        if table_name not in dialect.absent:
            _write(frame, out / f"{dialect.header(table_name)}.csv", dialect)
    write_json(out / MANIFEST_FILE, as_values(replace(extract.manifest, key_fingerprint="")))


def _ids(table: Table, frame: pl.DataFrame) -> list[Column]:
    return [column for column in table.kept if column.kind is Kind.ID and column.name in frame.columns]


def _number(tables: Mapping[str, pl.DataFrame], dialect: Dialect, seed: int) -> dict[str, pl.DataFrame]:
    """For each kind of thing, ``key`` (the pseudonym) and ``raw`` (the case system's number for it).

    Things of different kinds have the same numbers, as they do in case systems.
    """
    met: dict[str, list[pl.Series]] = {}
    for table_name, frame in tables.items():
        for column in _ids(TABLES[table_name], frame):
            met.setdefault(entity(TABLES[table_name], column.name), []).append(frame[column.name].rename("key"))
    numbers: dict[str, pl.DataFrame] = {}
    for kind, series in met.items():
        keys = pl.concat(series).drop_nulls().unique().sort().shuffle(seed=seed).to_frame()
        number = pl.int_range(pl.len()) + dialect.first_number
        numbers[kind] = keys.with_columns(raw=number.cast(pl.String).str.zfill(dialect.width))
    return numbers


def _with_person(numbers: Numbers, episodes: pl.DataFrame) -> pl.DataFrame:
    """Referral numbers that begin with the number of the child, as the script of one system makes them."""
    persons = episodes.select(key="cine_referral_id", person="cine_person_id").unique("key", keep="first", maintain_order=True)
    known = persons.join(numbers["ssd_person"].rename({"key": "person", "raw": "front"}), on="person", how="left")
    joined = numbers["ssd_cin_episodes"].join(known, on="key", how="left", maintain_order="left")
    return joined.select("key", raw=pl.concat_str(pl.col("front").fill_null(""), "raw"))


def _table(table: Table, frame: pl.DataFrame, dialect: Dialect, numbers: Numbers) -> pl.DataFrame:
    """Every column that the system delivers, as text under its own name."""
    delivered = [column for column in table.columns if column.name not in dialect.absent and _exists(column, frame)]
    values = [_value(column, table, dialect).cast(pl.String).alias(column.name) for column in delivered]
    raw = frame.select(values)
    for column in _ids(table, frame):
        if column.name in raw.columns and column.name not in dialect.empty:
            known = numbers[entity(table, column.name)]
            ids = raw[column.name].replace_strict(known["key"], known["raw"], return_dtype=pl.String)
            raw = raw.with_columns(_as_exported(ids, dialect).alias(column.name))
    return raw.rename(dict(dialect.renamed or {}), strict=False)


def _as_exported(ids: pl.Series, dialect: Dialect) -> pl.Series:
    """A column of numbers with gaps has gone through a float column in the system that writes NULL."""
    return ids + ".0" if dialect.null and ids.null_count() else ids


def _exists(column: Column, frame: pl.DataFrame) -> bool:
    """Kept columns as they are in the frame; of the others all but an older name of one of them."""
    return column.name in frame.columns if column.kept else column.name != OLDER_NAME


def _value(column: Column, table: Table, dialect: Dialect) -> pl.Expr:
    """The text of a column; ids stay what they are."""
    value, key, text = pl.col(column.name), pl.col(table.key), pl.col(column.name)
    if column.name in dialect.empty:
        return pl.lit(None, pl.String)
    if not column.kept:
        return _unkept(column, key, dialect)
    match column.kind:
        case Kind.MONTH:
            text = day_in_month(value, pl.col(table.person or table.key)).dt.strftime(dialect.dates)
        case Kind.DATE:
            none = pl.date(1900, 1, 1) if column.name in dialect.day_for_none else None
            text = pl.coalesce(value, none).dt.strftime(dialect.dates)
        case Kind.YESNO:
            text = value.replace_strict({True: dialect.yes_no[0], False: dialect.yes_no[1]}, return_dtype=pl.String)
        case Kind.CODE:
            text = value.replace(dialect.words.get(column.codes or "", {}))
        case Kind.CODES:
            flags = dialect.factors(value) if column.codes == "assessment_factors" else dialect.flags(column, key)
            text = pl.when(value.is_not_null()).then(flags)
    return text


def _unkept(column: Column, key: pl.Expr, dialect: Dialect) -> pl.Expr:
    """Names and numbers of people, teams and notes: what is dropped or refused at the door."""
    if column.name in UNKEPT:
        return UNKEPT[column.name]
    if column.name.endswith("_worker_id"):
        return dialect.workers(key)
    if column.name.endswith(("_team", "_organisation")):
        return pl.format("Invented team {}", digits(key) % 9 + 1)
    if column.sensitivity is Sensitivity.FREE_TEXT:
        return note(key, '"')
    return pl.lit(None, pl.String)


def _addresses(persons: pl.DataFrame, numbers: Numbers) -> pl.DataFrame:
    known = numbers["ssd_person"]
    raw = persons["pers_person_id"].replace_strict(known["key"], known["raw"], return_dtype=pl.String)
    house = digits(pl.col("pers_person_id")) % 99 + 1
    return persons.select(
        addr_table_id=pl.int_range(pl.len()).cast(pl.String),
        addr_person_id=raw,
        addr_address_postcode=pl.lit(POSTCODE),
        addr_address_json=pl.concat_str(pl.lit('{"HOUSE": "'), house, pl.lit(' Invented Street"}')),
    )


def _write(frame: pl.DataFrame, path: Path, dialect: Dialect) -> None:
    text = frame.rename(dialect.header).write_csv(line_terminator=dialect.line_end, null_value=dialect.null)
    write_private(path, lambda beside: beside.write_bytes(text.encode(dialect.encoding)))
