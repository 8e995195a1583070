"""What commands share: options that mean the same everywhere, dates, and how a flow is called."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

WorkspaceOption = Annotated[Path, typer.Option("--workspace", help="Folder of history, nights and models.")]
RegistryOption = Annotated[
    Optional[str],  # noqa: UP045  Typer reads this form on every Python that is supported
    typer.Option("--registry", help="MLflow tracking address, when models are kept elsewhere."),
]


def day_or_none(text: str | None) -> date | None:
    """A date from an option that may be left out."""
    return None if text is None else day(text)


def day(text: str) -> date:
    """A date from an option."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a date: write YYYY-MM-DD.") from None


def run_flow(flow: Callable[..., str], **arguments: Any) -> str:
    """Call a flow with Prefect's heartbeat off: at its end Prefect would wait up to a second for the last one."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return flow(**arguments)
