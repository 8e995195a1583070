"""What people decide about models: kept in the register first, then in the workspace's own log.

The log, ``training/decisions.jsonl``, has a line for each decision. It is copied from the register, so it never claims what
did not happen; a line that is missing, since a command was killed in between, is added by the next decision or training.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flows.night import open_registry
from flows.settings import Settings, read_criteria_of, read_settings
from flows.verdicts import read_missed, tell_verdicts
from flows.withdrawing import withdraw_retired
from flows.workspace import Workspace, hold, write_private
from models.approval import require_not_failing, require_role
from models.registry import Registry

LOG = "decisions.jsonl"


@dataclass(frozen=True)
class Deciding:
    """A workspace that is held for one decision, its settings and its register."""

    place: Workspace
    settings: Settings
    register: Registry


def show_verdicts(root: Path, version: str, registry: str | None) -> str:
    """Every verdict on a registered version, in words.

    Raises ``ModelError`` (exit 14) when there is no such version, else as :func:`flows.verdicts.tell_verdicts`.
    """
    place, settings = Workspace(root), read_settings(root, registry=registry)
    open_registry(place, settings).require(version)
    return "\n".join(tell_verdicts(place, settings.outcome, version))


def promote(
    root: Path, version: str, *, role: str, name: str, reason: str, conditions: str, review_by: date, registry: str | None
) -> str:
    """Approve a version for use. Returns what was done, in words.

    Raises ``SettingsError`` (exit 10) for a role that may not, ``CriterionError`` (exit 18) for a version that misses a
    criterion, at its training or in use; other errors as in :meth:`models.registry.Registry.promote`.
    """
    with _deciding(root, registry) as at:
        role = require_role(role, at.settings.approver_roles)
        tell_verdicts(at.place, at.settings.outcome, version)
        require_not_failing(version, read_missed(at.place, at.settings.outcome))
        at.register.promote(
            version,
            criteria_sha256=read_criteria_of(root).sha256,
            role=role,
            name=name,
            reason=reason,
            conditions=conditions,
            decided_on=date.today(),
            review_by=review_by,
        )
    return f"promoted version {version}, to be reviewed by {review_by}"


def decline(root: Path, version: str, *, role: str, name: str, reason: str, registry: str | None) -> str:
    """Keep that a version was looked at and not approved. Returns what was done, in words."""
    with _deciding(root, registry) as at:
        role = require_role(role, at.settings.approver_roles)
        at.register.decline(version, role=role, name=name, reason=reason, decided_on=date.today())
    return f"declined version {version}: it is not used"


def retire(root: Path, version: str, *, role: str, name: str, reason: str, registry: str | None) -> str:
    """Take a version out of use for good, and its list out of the team's sight at once. Returns what was done, in words.

    Any role may: to stop must never wait for somebody.
    """
    with _deciding(root, registry) as at:
        at.register.retire(version, role=role, name=name, reason=reason, decided_on=date.today())
        notice = withdraw_retired(at.place, at.register, version, at.settings.approver_roles)
    return f"retired version {version}" + (f"; in place of its list stands {notice}" if notice else "")


def roll_back(root: Path, *, role: str, name: str, reason: str, conditions: str, review_by: date, registry: str | None) -> str:
    """Make the champion before this one the champion again. Returns what was done, in words; errors as in :func:`promote`."""
    with _deciding(root, registry) as at:
        role = require_role(role, at.settings.approver_roles)
        require_not_failing(at.register.way_back(), read_missed(at.place, at.settings.outcome))
        version = at.register.roll_back(
            role=role, name=name, reason=reason, conditions=conditions, decided_on=date.today(), review_by=review_by
        )
    return f"rolled back to version {version}, to be reviewed by {review_by}"


@contextmanager
def _deciding(root: Path, registry: str | None) -> Iterator[Deciding]:
    """A workspace that is held for one decision, which is then in the log."""
    place, settings = Workspace(root), read_settings(root, registry=registry)
    with hold(place):
        register = open_registry(place, settings)
        yield Deciding(place, settings, register)
        write_log(place, register)


def write_log(workspace: Workspace, register: Registry) -> None:
    """Add each decision of the register that the log lacks. Lines that are there stay as they are."""
    log = workspace.training / LOG
    before = log.read_text(encoding="utf-8") if log.exists() else ""
    lines = [json.dumps(decision, ensure_ascii=False) for decision in register.decisions()]
    text = before + "".join(f"{line}\n" for line in lines if line not in before.splitlines())
    if text != before:
        write_private(log, lambda beside: beside.write_text(text, encoding="utf-8"))
