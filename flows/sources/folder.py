"""A folder of CSV or Parquet files, one for each table or a folder of several, with ``manifest.json`` beside them."""

import csv
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import polars as pl

from flows.sources.headers import clean_name, name_columns, refuse_repeats
from flows.sources.manifest import EXAMPLE, as_values, build_manifest
from flows.workspace import make_private
from validation.errors import ContractError, SettingsError, SourceError
from validation.extract import Extract, Manifest

MANIFEST_FILE = "manifest.json"
SUFFIXES = (".csv", ".parquet")
ROWS_AT_ONCE = 50_000


def table_files(folder: Path) -> list[Path]:
    """The CSV and Parquet files of ``folder`` in order of name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def part_folders(folder: Path) -> list[Path]:
    """The folders in ``folder`` that hold a table as Parquet files, in order of name."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and _parts(path))


def _parts(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".parquet" and path.is_file())


def read_folder(folder: Path) -> Extract:
    """Every table of ``folder`` and its manifest.

    A file is called as its table in any case (``ssd_person.csv``); a folder of that name holds the table as several Parquet
    files of the same columns, read in order of name. What has another name is read too, so that the gate can name it. CSV
    values are text, with null for an empty one; Parquet keeps its own types. Raises ``SourceError`` for a file that cannot
    be read and ``ContractError`` for a table that arrived twice, doubled column names, or a manifest that is missing or
    wrong.
    """
    manifest = _read_manifest(folder)
    places = [*table_files(folder), *part_folders(folder)]
    names = [clean_name(path.name if path.is_dir() else path.stem) for path in places]
    refuse_repeats(names, f"Table '{{}}' arrived more than once in '{folder}'. Keep one file of it, or one folder.")
    return Extract(manifest, {name: _read_table(name, path) for name, path in zip(names, places, strict=True)})


def write_folder(extract: Extract, folder: Path, file: str = "parquet") -> None:
    """Write ``extract`` as files ("parquet" or "csv") and a manifest to a new ``folder``, private to its owner.

    Raises ``SettingsError`` when ``folder`` already holds something.
    """
    with new_folder(folder, extract.manifest) as beside:
        for name, frame in extract.tables.items():
            write = frame.write_csv if file == "csv" else frame.write_parquet
            write(beside / f"{name}.{file}")


@contextmanager
def new_folder(folder: Path, manifest: Manifest) -> Iterator[Path]:
    """A folder to write tables to, which is given its manifest and becomes ``folder`` at the end, private to its owner.

    It lies beside ``folder`` and is renamed, so a folder of this name is always whole; when the writing fails it is removed.
    Raises ``SettingsError`` when ``folder`` already holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"'{folder}' exists already and is not empty. Name a new folder, or remove this one.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # made with mode 0700
    try:
        yield beside
        text = json.dumps(as_values(manifest), indent=2) + "\n"
        (beside / MANIFEST_FILE).write_text(text, encoding="utf-8")
        make_private(beside)
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
        if path.is_dir():
            frame = pl.concat([pl.read_parquet(part, glob=False) for part in _parts(path)])
        else:
            frame = _read_csv(path) if path.suffix.lower() == ".csv" else pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        # Only the kind of error is named: its own words may quote a row.
        what = "folder of whole Parquet files of the same columns" if path.is_dir() else f"whole {path.suffix[1:].lower()} file"
        raise SourceError(
            f"'{path}' cannot be read ({type(error).__name__}). It must be a readable {what}: write it again."
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
