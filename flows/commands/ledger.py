"""Commands that read the ledger: is it whole, and whom did a bad model or bad data touch?"""

from pathlib import Path
from typing import Annotated, Optional

import typer

from flows.commands.options import WorkspaceOption, day_or_none


def verify(
    workspace: WorkspaceOption,
    head: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="HASH", help="A head of the ledger that was noted elsewhere: it must be in the chain."),
    ] = None,
) -> None:
    """Read all of the ledger: is every entry and every row as it was written? Exit 17 with each fault when not."""
    from flows import ledger

    typer.echo(ledger.verify(workspace, head))


def recall(
    workspace: WorkspaceOption,
    out: Annotated[Path, typer.Option(help="Notice for the board to write, a web page (.html).")],
    model_version: Annotated[Optional[str], typer.Option(help="Version of a model.")] = None,  # noqa: UP045
    table: Annotated[Optional[str], typer.Option(help="A table whose extracts were bad.")] = None,  # noqa: UP045
    start: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--from", metavar="YYYY-MM-DD", help="First day of the extracts, with --table."),
    ] = None,
    end: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--to", metavar="YYYY-MM-DD", help="Last day of the extracts, with --table."),
    ] = None,
) -> None:
    """List the nights, cases, places and decisions that a bad model or bad extracts touched, and write the board's notice."""
    from flows.recall import ask
    from flows.recalling import write_recall

    typer.echo(write_recall(workspace, ask(model_version, table, day_or_none(start), day_or_none(end)), out))
