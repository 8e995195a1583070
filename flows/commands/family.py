"""Commands for a child and its family: not to be scored, to be erased, to be told what was held."""

from datetime import date
from pathlib import Path
from typing import Annotated, Optional

import typer

from flows.commands.options import RegistryOption, WorkspaceOption, day

ChildOption = Annotated[str, typer.Option("--child", metavar="PSEUDONYM", help="The child, as the crosswalk has it.")]
RoleOption = Annotated[str, typer.Option(help="Role of the person who decides; no name.")]
ReasonOption = Annotated[str, typer.Option(help="Why, in words that do not tell which child it is.")]


def erase(
    workspace: WorkspaceOption,
    role: RoleOption,
    reason: ReasonOption,
    child: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--child", metavar="PSEUDONYM", help="The child, as the crosswalk has it."),
    ] = None,
    past_retention: Annotated[
        bool, typer.Option("--past-retention", help="Every child that has been kept for 'retention_years'; counts first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --past-retention: erase those that were counted.")] = False,
) -> None:
    """Erase a child, or all that are past retention, from history, nights, ledger and decisions; a tombstone is left."""
    from flows import erasure, retention
    from validation.errors import SettingsError

    if (child is None) == (not past_retention):
        raise SettingsError("Give one of '--child' and '--past-retention': an erasure is of one child, or of all past retention.")
    if child is not None:
        typer.echo(erasure.erase(workspace, child, role=role, reason=reason, on=date.today()))
    else:
        typer.echo(retention.erase_past_retention(workspace, role=role, reason=reason, on=date.today(), yes=yes))


def opt_out(
    workspace: WorkspaceOption,
    child: ChildOption,
    role: RoleOption,
    reason: ReasonOption,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take it back: the child is scored again.")] = False,
) -> None:
    """Leave a child without a score from the next night on, because that was asked for."""
    from flows.opt_out import opt_out as note

    typer.echo(note(workspace, child, role=role, reason=reason, withdraw=withdraw, on=date.today()))


def notice(
    workspace: WorkspaceOption,
    child: ChildOption,
    out: Annotated[Path, typer.Option(help="Page to write (.html), outside any workspace.")],
) -> None:
    """Write a page for a family: what was held of a child, what was scored, why, and what people decided."""
    from flows.notice import write_notice

    typer.echo(write_notice(workspace, child, out, date.today()))


def replay(
    workspace: WorkspaceOption,
    child: ChildOption,
    as_of: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The night whose score is made again.")],
    role: RoleOption,
    reason: ReasonOption,
    registry: RegistryOption = None,
) -> None:
    """Make a child's score of a past night again, with the records as they have been put right since; it is logged."""
    from flows.replay import replay as again

    typer.echo(again(workspace, child, day(as_of), role=role, reason=reason, on=date.today(), registry=registry))
