"""Commands that train a model, measure it, and keep what people decide about it."""

from typing import Annotated, Optional

import typer

from flows.commands.options import RegistryOption, WorkspaceOption, complete, day, require_choice, run_flow

APPROVE, DECLINE = "approve", "decline"


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
RoleOption = Annotated[Optional[str], typer.Option(help="Role of the person who decides.")]  # noqa: UP045
NameOption = Annotated[Optional[str], typer.Option(help="Name of the person who decides.")]  # noqa: UP045
ReasonOption = Annotated[Optional[str], typer.Option(help="Why.")]  # noqa: UP045
ConditionsOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Under which conditions the model may be used, or 'none'."),
]
DecisionOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="'approve', or 'decline', which is kept as well.", metavar="approve|decline"),
]
ReviewOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--review-by", metavar="YYYY-MM-DD", help="Day by which somebody looks again at whether it is good enough."),
]


def promote(
    workspace: WorkspaceOption, version: VersionOption, decision: DecisionOption = None, role: RoleOption = None,
    name: NameOption = None, reason: ReasonOption = None, conditions: ConditionsOption = None, review_by: ReviewOption = None,
    registry: RegistryOption = None,
) -> None:  # fmt: skip
    """Show every verdict on a model, and keep a named person's decision to approve it for use, or not to.

    What is left out is asked for, if somebody sits there to answer.
    """
    from flows import approvals

    typer.echo(approvals.show_verdicts(workspace, version, registry))
    typer.echo("")
    who = {"decision": decision, "role": role, "name": name, "reason": reason}
    uses = {} if decision == DECLINE else {"conditions": conditions, "review_by": review_by}
    told = complete(who | uses)
    if require_choice("decision", told.pop("decision"), (APPROVE, DECLINE)) == DECLINE:
        told = {name: told[name] for name in ("role", "name", "reason")}
        typer.echo(approvals.decline(workspace, version, **told, registry=registry))
        return
    reviewed = day(told.pop("review_by"))
    typer.echo(approvals.promote(workspace, version, **told, review_by=reviewed, registry=registry))


def retire(
    workspace: WorkspaceOption, version: VersionOption, role: RoleOption = None, name: NameOption = None,
    reason: ReasonOption = None, registry: RegistryOption = None,
) -> None:  # fmt: skip
    """Take a model out of use for good, and its list out of sight: a named person's recorded decision."""
    from flows import approvals

    told = complete({"role": role, "name": name, "reason": reason})
    typer.echo(approvals.retire(workspace, version, **told, registry=registry))


def roll_back(
    workspace: WorkspaceOption, role: RoleOption = None, name: NameOption = None, reason: ReasonOption = None,
    conditions: ConditionsOption = None, review_by: ReviewOption = None, registry: RegistryOption = None,
) -> None:  # fmt: skip
    """Put the model before this one back into use: a named person's recorded decision."""
    from flows import approvals

    who = {"role": role, "name": name, "reason": reason}
    told = complete(who | {"conditions": conditions, "review_by": review_by})
    reviewed = day(told.pop("review_by"))
    typer.echo(approvals.roll_back(workspace, **told, review_by=reviewed, registry=registry))


def monitor(workspace: WorkspaceOption, registry: RegistryOption = None) -> None:
    """Hold the chances of every list against what has become of the families. Exit 18 if the model in use misses a criterion."""
    from flows.monitoring import monitor as flow

    typer.echo(run_flow(flow, workspace=workspace, registry=registry))
