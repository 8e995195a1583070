"""One door to every source: what ``--source`` names is told apart by its look and read into an extract."""

from pathlib import Path

from flows.sources.census import read_census
from flows.sources.folder import part_folders, read_folder, table_files
from validation.errors import ContractError, SourceError
from validation.extract import Extract

ALLOWED = (
    "Allowed are a folder of CSV or Parquet files, a CIN census XML file or a folder of them, and a database URL "
    "(postgresql+psycopg://... or mssql+pyodbc://...)."
)


def read_source(source: str, *, retries: int = 3) -> Extract:
    """The extract that ``source`` names, every value as it arrived.

    ``retries`` is how often a lost database connection is tried again. Raises ``SourceError`` when the source is not
    there or cannot be read, and ``ContractError`` when it holds nothing of the kinds above, or two kinds at once.
    """
    if "://" in source:
        from flows.sources.database import read_database

        return read_database(source, retries=retries)
    path = Path(source)
    try:
        if path.is_dir():
            return _read_directory(path)
        if not path.is_file():
            raise SourceError(f"'{source}' does not exist. {ALLOWED}")
    except PermissionError:
        raise SourceError(f"'{source}' may not be opened by this user. Grant the right to read it.") from None
    if path.suffix.lower() != ".xml":
        raise ContractError(f"'{source}' is a file of a kind that is not read alone. {ALLOWED}")
    return read_census([path])


def _read_directory(folder: Path) -> Extract:
    returns = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".xml" and path.is_file())
    tables = [*table_files(folder), *part_folders(folder)]
    if returns and tables:
        raise ContractError(f"'{folder}' holds both census XML and CSV or Parquet files. Keep one kind in it.")
    if not returns and not tables:
        raise ContractError(f"'{folder}' holds no file that can be read. {ALLOWED}")
    return read_census(returns) if returns else read_folder(folder)
