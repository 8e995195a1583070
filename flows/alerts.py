"""Alerts: what somebody must look at, as events of Prefect, so that a server can send them on. Words and counts, never a row."""

from collections.abc import Sequence
from contextlib import suppress

from prefect.events import emit_event

FAILING, TO_LOOK_INTO, OUT_OF_USE = "rereferral.model.failing", "rereferral.model.to-look-into", "rereferral.list.withdrawn"


def raise_alert(event: str, outcome: str, version: str | None, words: Sequence[str]) -> None:
    """Emit an event about the model of an outcome. It is handed to Prefect's own thread; nothing waits for a network.

    An alert that cannot be sent hides nothing: the same sentences are in the run record and on the page.
    """
    resource = {"prefect.resource.id": f"rereferral.model.{outcome}", "rereferral.version": version or "none"}
    with suppress(Exception):
        emit_event(event=event, resource=resource, payload={"words": list(words)})
