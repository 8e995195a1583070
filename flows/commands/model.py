"""Commands that train a model, measure it, and keep what people decide about it."""

from typing import Annotated, Optional

import typer

from flows.commands.options import RegistryOption, WorkspaceOption, day, run_flow


def retrain(
    workspace: WorkspaceOption,
    source: Annotated[Optional[str], typer.Option(help="An extract to take in first.")] = None,  # noqa: UP045
    full: Annotated[
        bool, typer.Option("--full", help="Evaluate every split, and search settings on the earliest of three or more.")
    ] = False,
    registry: RegistryOption = None,
) -> None:
    """Train and evaluate on the workspace's history, and register the model as challenger if it meets the criteria."""
    from flows.retrain import retrain as flow
    from flows.settings import read_settings
    from flows.training import training_home
    from flows.workspace import Workspace

    version = run_flow(flow, workspace=workspace, source=source, full=full, registry=registry)
    home = training_home(Workspace(workspace), read_settings(workspace).outcome)
    typer.echo(f"challenger version {version}: {home / version / 'report.html'}")


def evaluate(
    workspace: WorkspaceOption,
    version: Annotated[str, typer.Option(help="Version of a registered model.")],
    registry: RegistryOption = None,
) -> None:
    """Measure an earlier model on the outcomes that have become complete since it was trained."""
    from flows.evaluating import evaluate_version

    typer.echo(evaluate_version(workspace, version, registry))


VersionOption = Annotated[str, typer.Option(help="Version of the model.")]
RoleOption = Annotated[str, typer.Option(help="Role of the person who decides.")]
NameOption = Annotated[str, typer.Option(help="Name of the person who decides.")]
ReasonOption = Annotated[str, typer.Option(help="Why.")]
ReviewOption = Annotated[
    str, typer.Option("--review-by", metavar="YYYY-MM-DD", help="Day by which somebody looks again at whether it is good enough.")
]


def promote(
    workspace: WorkspaceOption, version: VersionOption, role: RoleOption, name: NameOption, reason: ReasonOption,
    review_by: ReviewOption, registry: RegistryOption = None,
) -> None:  # fmt: skip
    """Approve a model for use: a named person's recorded decision."""
    from flows import approvals

    reviewed = day(review_by)
    typer.echo(approvals.promote(workspace, version, role=role, name=name, reason=reason, review_by=reviewed, registry=registry))


def retire(
    workspace: WorkspaceOption, version: VersionOption, role: RoleOption, name: NameOption, reason: ReasonOption,
    registry: RegistryOption = None,
) -> None:  # fmt: skip
    """Take a model out of use for good: a named person's recorded decision."""
    from flows import approvals

    typer.echo(approvals.retire(workspace, version, role=role, name=name, reason=reason, registry=registry))


def roll_back(
    workspace: WorkspaceOption, role: RoleOption, name: NameOption, reason: ReasonOption, review_by: ReviewOption,
    registry: RegistryOption = None,
) -> None:  # fmt: skip
    """Put the model before this one back into use: a named person's recorded decision."""
    from flows import approvals

    reviewed = day(review_by)
    typer.echo(approvals.roll_back(workspace, role=role, name=name, reason=reason, review_by=reviewed, registry=registry))
