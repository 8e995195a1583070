"""The command that holds our own figures against the council's published return."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from flows.commands.options import WorkspaceOption


def reconcile(
    workspace: WorkspaceOption,
    file: Annotated[Path, typer.Option("--return", help="The published return, a CSV; see docs/reconciliation.md.")],
    year: Annotated[int, typer.Option(help="The year in which the year to 31 March ends.")],
    out: Annotated[Optional[Path], typer.Option(help="Page to write; without it reconciliation/<year>.html.")] = None,  # noqa: UP045
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 13 when a figure differs.")] = False,
) -> None:
    """Write our own figures of a year beside the council's published return, and say which differ."""
    from flows.reconciliation import say_differing, write_reconciliation
    from validation.errors import ChecksError

    written = write_reconciliation(workspace, file, year, out)
    typer.echo(f"{written.short}\n{written.page}")
    if strict and written.differing:
        raise ChecksError(f"{say_differing(written.differing)} the published return. The page shows by how much.")
