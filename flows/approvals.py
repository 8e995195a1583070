"""What people decide about models: kept in the register first, then in the workspace's own log.

The log, ``training/decisions.jsonl``, has a line for each decision. It is copied from the register, so it never claims what
did not happen; a line that is missing, since a command was killed in between, is added by the next decision or training.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from flows.night import open_registry
from flows.settings import read_criteria_of, read_settings
from flows.workspace import Workspace, hold, write_private
from models.registry import Registry

LOG = "decisions.jsonl"


def promote(root: Path, version: str, *, role: str, name: str, reason: str, review_by: date, registry: str | None) -> str:
    """Approve a version for use. Returns what was done, in words; errors as in :meth:`models.registry.Registry.promote`."""
    with _deciding(root, registry) as register:
        register.promote(
            version,
            criteria_sha256=read_criteria_of(root).sha256,
            role=role,
            name=name,
            reason=reason,
            decided_on=date.today(),
            review_by=review_by,
        )
    return f"promoted version {version}, to be reviewed by {review_by}"


def retire(root: Path, version: str, *, role: str, name: str, reason: str, registry: str | None) -> str:
    """Take a version out of use for good. Returns what was done, in words."""
    with _deciding(root, registry) as register:
        register.retire(version, role=role, name=name, reason=reason, decided_on=date.today())
    return f"retired version {version}"


def roll_back(root: Path, *, role: str, name: str, reason: str, review_by: date, registry: str | None) -> str:
    """Make the champion before this one the champion again. Returns what was done, in words."""
    with _deciding(root, registry) as register:
        version = register.roll_back(role=role, name=name, reason=reason, decided_on=date.today(), review_by=review_by)
    return f"rolled back to version {version}, to be reviewed by {review_by}"


@contextmanager
def _deciding(root: Path, registry: str | None) -> Iterator[Registry]:
    """The register of a workspace that is held for one decision, which is then in the log."""
    place = Workspace(root)
    with hold(place):
        register = open_registry(place, read_settings(root, registry=registry))
        yield register
        write_log(place, register)


def write_log(workspace: Workspace, register: Registry) -> None:
    """Add each decision of the register that the log lacks. Lines that are there stay as they are."""
    log = workspace.training / LOG
    before = log.read_text(encoding="utf-8") if log.exists() else ""
    lines = [json.dumps(decision, ensure_ascii=False) for decision in register.decisions()]
    text = before + "".join(f"{line}\n" for line in lines if line not in before.splitlines())
    if text != before:
        write_private(log, lambda beside: beside.write_text(text, encoding="utf-8"))
