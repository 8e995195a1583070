"""Commands of the night, and of what people did with its list."""

from datetime import date
from pathlib import Path
from typing import Annotated, Optional

import typer

from flows.commands.options import RegistryOption, WorkspaceOption, day, day_or_none, run_flow


def nightly(
    source: Annotated[str, typer.Option(help="Folder of SSD tables, CIN census file or folder, or database URL.")],
    workspace: WorkspaceOption,
    as_of: Annotated[Optional[str], typer.Option(help="The extract's date, YYYY-MM-DD; may be left out.")] = None,  # noqa: UP045
    demonstration: Annotated[
        bool,
        typer.Option("--demonstration", help="Let a model trained on invented data score real cases; stamps every page."),
    ] = False,
    registry: RegistryOption = None,
) -> None:
    """Run one night and print where the morning list is."""
    from flows.nightly import nightly as flow

    typer.echo(
        run_flow(
            flow, source=source, workspace=workspace, as_of=day_or_none(as_of), demonstration=demonstration, registry=registry
        )
    )


def import_decisions(
    file: Annotated[Path, typer.Argument(metavar="WORKBOOK", help="A list.xlsx that was filled in, or the identified copy.")],
    workspace: WorkspaceOption,
    correct: Annotated[
        bool, typer.Option("--correct", help="Take in what contradicts earlier decisions of the same list: they were mistakes.")
    ] = False,
) -> None:
    """Check a filled-in workbook whole, and add its decisions to the log: the next list goes by them."""
    from flows.decisions import import_decisions as take_in

    typer.echo(take_in(workspace, file, date.today(), correct=correct))


def involvement(
    workspace: WorkspaceOption,
    start: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First night that is looked at.")],
    end: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="Last night that is looked at.")],
) -> None:
    """Write what people did with the lists: how soon, how often otherwise than the order, and why."""
    from flows.involvement import write_involvement

    typer.echo(write_involvement(workspace, day(start), day(end), date.today()))
