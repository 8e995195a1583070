"""How tasks that read or write are tried again: faults of disk and network pass, refusals and stops do not."""

from typing import Any

from prefect.client.schemas.objects import State, TaskRun

from validation.errors import ScreeningError


def may_pass(_task: object, _run: TaskRun, state: State[Any]) -> bool:
    """Is it worth trying again? Not when the pipeline itself refused."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, OSError) and not isinstance(error, ScreeningError)


READ_OR_WRITE: dict[str, Any] = {"retries": 2, "retry_delay_seconds": [1, 5], "retry_condition_fn": may_pass}
