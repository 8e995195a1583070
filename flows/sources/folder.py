"""A folder of CSV or Parquet files, one for each table, with ``manifest.json`` beside them."""

import csv
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import polars as pl

from flows.sources.headers import clean_name, name_columns, refuse_repeats
from flows.sources.manifest import EXAMPLE, as_values, build_manifest
from validation.errors import ContractError, SettingsError, SourceError
from validation.extract import Extract, Manifest

MANIFEST_FILE = "manifest.json"
SUFFIXES = (".csv", ".parquet")
ROWS_AT_ONCE = 50_000


def table_files(folder: Path) -> list[Path]:
    """The CSV and Parquet files of ``folder`` in order of name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def read_folder(folder: Path) -> Extract:
    """Every table of ``folder`` and its manifest.

    A file is called as its table in any case (``ssd_person.csv``); files of other names are read too, so that the
    gate can name them. CSV values are text, with null for an empty one; Parquet keeps its own types. Raises
    ``SourceError`` for a file that cannot be read and ``ContractError`` for a table that arrived twice, doubled
    column names, or a manifest that is missing or wrong.
    """
    manifest = _read_manifest(folder)
    files = table_files(folder)
    names = [clean_name(path.stem) for path in files]
    refuse_repeats(names, f"Table '{{}}' arrived more than once in '{folder}'. Keep one file of it.")
    return Extract(manifest, {name: _read_table(name, path) for name, path in zip(names, files, strict=True)})


def write_folder(extract: Extract, folder: Path) -> None:
    """Write ``extract`` as Parquet files and a manifest to a new ``folder``, private to its owner.

    The files are written beside it and renamed at the end, so a folder of this name is always whole. Raises
    ``SettingsError`` when ``folder`` already holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"'{folder}' exists already and is not empty. Name a new folder, or remove this one.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # made with mode 0700
    try:
        for name, frame in extract.tables.items():
            frame.write_parquet(beside / f"{name}.parquet")
        text = json.dumps(as_values(extract.manifest), indent=2) + "\n"
        (beside / MANIFEST_FILE).write_text(text, encoding="utf-8")
        for path in beside.iterdir():
            path.chmod(0o600)
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise ContractError(f"'{path}' is missing: it says whose extract this is. Write it so:\n{EXAMPLE}")
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SourceError(f"'{path}' cannot be read as JSON ({type(error).__name__}). Write it so:\n{EXAMPLE}") from None
    if not isinstance(values, dict):
        raise ContractError(f"'{path}' must hold one JSON object. Write it so:\n{EXAMPLE}")
    return build_manifest(values, str(path))


def _read_table(table: str, path: Path) -> pl.DataFrame:
    try:
        frame = _read_csv(path) if path.suffix.lower() == ".csv" else pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        # Only the kind of error is named: its own words may quote a row.
        raise SourceError(
            f"'{path}' cannot be read ({type(error).__name__}). It must be a whole, readable "
            f"{path.suffix[1:].lower()} file: write it again."
        ) from None
    return frame.rename(dict(zip(frame.columns, name_columns(table, frame.columns), strict=True)))


def _read_csv(path: Path) -> pl.DataFrame:
    """All columns as text; UTF-8 with or without a byte order mark, else Windows-1252."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return _parse_csv(path, encoding)
        except UnicodeDecodeError:
            continue
    raise SourceError(f"'{path}' is neither UTF-8 nor Windows-1252 text. Save it as 'CSV UTF-8'.")


def _parse_csv(path: Path, encoding: str) -> pl.DataFrame:
    """Rows go through Python's own reader, since polars fills a row that is too short instead of refusing it."""
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = next(reader, [])
            if not header or any("\0" in name for name in header):
                raise SourceError(f"'{path}' has no header row that can be read. The first row must name the columns.")
            rows = _whole_rows(reader, len(header), path)
            positions = [str(position) for position in range(len(header))]
            schema = pl.Schema(dict.fromkeys(positions, pl.String()))
            frames = [pl.DataFrame(schema=schema)]
            while chunk := list(islice(rows, ROWS_AT_ONCE)):
                frames.append(pl.DataFrame(chunk, schema=schema, orient="row"))
        except csv.Error:
            raise SourceError(
                f"'{path}' is broken near line {reader.line_num}: its quotes or line ends do not match. Write it again."
            ) from None
    frame = pl.concat(frames).with_columns(pl.all().replace("", None))
    name_columns(clean_name(path.stem), header)  # refuses doubled names before polars would
    return frame.rename(dict(zip(positions, header, strict=True)))


def _whole_rows(reader: Iterator[Sequence[str]], width: int, path: Path) -> Iterator[Sequence[str]]:
    for number, row in enumerate(reader, start=1):
        if len(row) == width:
            yield row
        elif row:  # an empty line is no row
            raise SourceError(f"'{path}' is broken: its row {number} has {len(row)} fields, the header {width}. Write it again.")
