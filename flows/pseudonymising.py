"""The commands that stand before and behind the pipeline: raw files in, fit files out; list in, council's own copy out."""

import os
from pathlib import Path

import polars as pl

from flows.publish.chance_words import number
from flows.publish.published import read_night
from flows.publish.workbook import build_workbook
from flows.publish.workbook_rows import families as families_shown
from flows.settings import FILE_NAME
from flows.sources.folder import write_folder
from flows.sources.reading import read_source
from flows.workspace import write_json, write_private
from validation.errors import ContractError, SettingsError, SourceError
from validation.pseudonyms import Pseudonymised, check_key, pseudonymise

KEY_VARIABLE = "REREFERRAL_KEY"

# What tells a workspace from any other folder, from its first run on.
WORKSPACE_SIGNS = ("history", "nights", "mlflow.db", FILE_NAME)


def read_key(key_file: Path | None) -> bytes:
    """The council's key, from a file or from REREFERRAL_KEY. Raises :class:`SettingsError` when neither is given."""
    if key_file is not None:
        if not key_file.is_file():
            raise SettingsError(f"The key file '{key_file.name}' does not exist: give the file that holds the council's key.")
        return check_key(key_file.read_bytes().strip())
    if text := os.environ.get(KEY_VARIABLE, "").strip():
        return check_key(text.encode())
    raise SettingsError(
        f"There is no pseudonymisation key: give '--key-file', or set {KEY_VARIABLE}. Make one with 'openssl rand -hex 32' and "
        "keep it where only the council's own staff can read it."
    )


def refuse_inside_workspace(path: Path, what: str) -> None:
    """Raise :class:`SettingsError` when ``path`` lies in a workspace: there it would be read and kept with the pseudonyms."""
    for folder in path.resolve().parents:
        if any((folder / sign).exists() for sign in WORKSPACE_SIGNS):
            raise SettingsError(
                f"{what} '{path.name}' would lie inside the workspace '{folder.name}': choose a place outside it."
            )


def pseudonymise_source(source: str, out: Path, key_file: Path | None, crosswalk: Path | None) -> str:
    """Read raw files, write the folder that passes the gate, and say in words what was left out."""
    key = read_key(key_file)
    if crosswalk is not None:
        refuse_inside_workspace(crosswalk, "The crosswalk")
        if out.resolve() in crosswalk.resolve().parents:
            raise SettingsError(
                f"The crosswalk '{crosswalk.name}' would lie among the pseudonyms in '{out.name}': choose a place outside it."
            )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"'{out.name}' is there already and is no empty folder: give a new one.")
    made = pseudonymise(read_source(source), key)
    write_folder(made.extract, out)
    write_json(out / "report.json", {"dropped": made.dropped, "unreadable": made.unreadable})
    if crosswalk is not None:
        write_private(crosswalk, made.crosswalk.write_parquet)
    return _words(made, out)


def _words(made: Pseudonymised, out: Path) -> str:
    rows = sum(frame.height for frame in made.extract.tables.values())
    lines = [f"{rows} rows in {len(made.extract.tables)} tables pseudonymised: {out}"]
    lines += [f"left out: {count} values of {name}" for name, count in sorted(made.dropped.items())]
    lines += [f"not readable, left empty: {count} values of {name}" for name, count in sorted(made.unreadable.items())]
    return "\n".join(lines)


def _read(file: Path, *columns: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(file, columns=list(columns), glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceError(
            f"The file '{file.name}' cannot be read ({type(error).__name__}): give the list.parquet of a night and its crosswalk."
        ) from None


def identify_list(list_file: Path, crosswalk: Path, out: Path) -> str:
    """Write the workbook of a night with the council's case numbers beside the families; it can be filled in and imported too.

    ``list_file`` is the ``list.parquet`` in a night's folder, or that folder. Raises :class:`ContractError` (exit 11) when a
    child of the workbook is not in the crosswalk, and :class:`SourceError` (exit 15) when a file cannot be read.
    """
    refuse_inside_workspace(out, "The identified list")
    if out.suffix != ".xlsx":
        raise SettingsError(f"'{out.name}' does not end in .xlsx: the identified list is a workbook.")
    known = _read(crosswalk, "kind", "raw_id", "pseudonym").filter(pl.col("kind") == "ssd_person")
    if not list_file.is_dir():
        _read(list_file, "family_id", "children", "standing")
    night = read_night(list_file if list_file.is_dir() else list_file.parent)
    shown = families_shown(night)
    children = shown.select(child="children").explode("child", empty_as_null=False).unique("child", maintain_order=True)
    numbers = children.join(known.unique("pseudonym"), left_on="child", right_on="pseudonym", how="left")
    if lost := numbers["raw_id"].null_count():
        raise ContractError(
            f"{lost} children of the list are not in the crosswalk '{crosswalk.name}': give the crosswalk that was written "
            "with the list's extract."
        )
    book = build_workbook(night, dict(numbers.select("child", "raw_id").iter_rows()))
    write_private(out, lambda beside: beside.write_bytes(book))
    return f"{number(shown.height, 'family', 'families')}, {number(children.height, 'child', 'children')}: {out}"
