"""Commands that take names away before a file enters, and put case numbers back for the council alone."""

from pathlib import Path
from typing import Annotated, Optional

import typer


def pseudonymise(
    source: Annotated[str, typer.Option(help="Folder of raw SSD tables, CIN census file or folder, or database URL.")],
    out: Annotated[Path, typer.Option(help="Folder to write; it passes the gate.")],
    key_file: Annotated[
        Optional[Path], typer.Option(help="File that holds the council's key; otherwise REREFERRAL_KEY.")  # noqa: UP045
    ] = None,
    crosswalk: Annotated[
        Optional[Path], typer.Option(help="File for raw ids and pseudonyms, kept by the council.")  # noqa: UP045
    ] = None,
) -> None:
    """Make a council's ordinary files fit to enter: pseudonyms for keys, months for birth dates, no names, no notes."""
    from flows.pseudonymising import pseudonymise_source

    typer.echo(pseudonymise_source(source, out, key_file, crosswalk))


def identify(
    list_file: Annotated[Path, typer.Argument(metavar="LIST", help="A published list.parquet.")],
    crosswalk: Annotated[Path, typer.Option(help="The council's crosswalk.")],
    out: Annotated[Path, typer.Option(help="Workbook (.xlsx) to write, outside any workspace.")],
) -> None:
    """Make the council's own copy of a list with its case numbers, so that a worker can ring the family."""
    from flows.pseudonymising import identify_list

    typer.echo(identify_list(list_file, crosswalk, out))
