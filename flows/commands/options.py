"""What commands share: options that mean the same everywhere, dates, and how a flow is called."""

import sys
from collections.abc import Callable, Mapping, Sequence
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


QUESTIONS = {
    "decision": "Decision (approve or decline)",
    "role": "Role of the person who decides",
    "name": "Name of the person who decides",
    "reason": "Why",
    "conditions": "Conditions for its use ('none' if there are none)",
    "review_by": "Day by which somebody looks again (YYYY-MM-DD)",
}


def complete(given: Mapping[str, str | None]) -> dict[str, str]:
    """The options by name, with those that were left out asked for at the terminal.

    Raises ``SettingsError`` (exit 10) that names all of them where nobody sits there to answer.
    """
    missing = [name for name, value in given.items() if value is None]
    if missing and not sys.stdin.isatty():
        from validation.errors import SettingsError

        named = ", ".join(f"'--{name.replace('_', '-')}'" for name in missing)
        raise SettingsError(
            f"A decision lacks {named}: say who decides what, in which role and why, give every one of them and run it again. At "
            "a terminal they are asked for."
        )
    return {name: typer.prompt(QUESTIONS[name]) if value is None else value for name, value in given.items()}


def require_choice(name: str, value: str, allowed: Sequence[str]) -> str:
    """The value of an option that takes one of a few words."""
    if value.strip().casefold() not in allowed:
        raise typer.BadParameter(f"'--{name}' is '{value}': allowed are {', '.join(allowed)}.")
    return value.strip().casefold()


def run_flow(flow: Callable[..., str], **arguments: Any) -> str:
    """Call a flow with Prefect's heartbeat off: at its end Prefect would wait up to a second for the last one."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return flow(**arguments)
