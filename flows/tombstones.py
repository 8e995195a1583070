"""Tombstones: what is left of an erasure, so that an erased child stays erased although the case system sends it every night.

``erased/<start of a commitment>.json`` says what was erased, when, by which role and why, and how many rows in which place.
It holds no pseudonym: a child is known by the commitment of :mod:`validation.erased`.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from flows.publish.chance_words import number
from flows.workspace import Workspace, write_json
from validation.erased import Children, commit_to
from validation.errors import SettingsError

ASKED, PAST_RETENTION = "asked for", "past retention"
ANY_PSEUDONYM = re.compile(r"(?i)[0-9a-f]{32}")


@dataclass(frozen=True)
class Tombstone:
    """One erasure. ``rows`` are counted before anything is removed, by place; ``finished`` is set when all of them are gone.

    ``commitments`` stand for every pseudonym of the child. Those of children past retention are given up at the end: such a child
    may come back with a new referral.
    """

    name: str
    why: str
    erased_on: date
    role: str
    reason: str
    children: int
    commitments: tuple[str, ...]
    rows: Mapping[str, int]
    finished: bool = False

    @property
    def known(self) -> Children:
        """The children that it stands for."""
        return Children(frozenset(self.commitments))


def make_tombstone(
    why: str, pseudonyms: Collection[Collection[str]], on: date, role: str, reason: str, rows: Mapping[str, int]
) -> Tombstone:
    """The tombstone of some children, each with all its pseudonyms; nothing is written yet."""
    commitments = tuple(sorted(commit_to(one) for child in pseudonyms for one in child))
    return Tombstone(f"{on}.{commitments[0][:16]}", why, on, role, reason, len(pseudonyms), commitments, rows)


def write_tombstone(workspace: Workspace, tombstone: Tombstone) -> None:
    """Write a tombstone, or write it anew."""
    write_json(_folder(workspace) / f"{tombstone.name}.json", asdict(tombstone))


def finish(workspace: Workspace, tombstone: Tombstone) -> None:
    """Say that everything is gone."""
    kept = tombstone.commitments if tombstone.why == ASKED else ()
    write_tombstone(workspace, replace(tombstone, commitments=kept, finished=True))


def read_tombstones(workspace: Workspace) -> list[Tombstone]:
    """Every tombstone, oldest first. Raises :class:`SettingsError` (exit 10) for one that cannot be read."""
    return [_read(file) for file in sorted(_folder(workspace).glob("*.json"))]


def read_erased(workspace: Workspace) -> Children:
    """The children who are to be kept out, by the tombstones that stand."""
    return Children(frozenset(one for tombstone in read_tombstones(workspace) for one in tombstone.commitments))


def describe_erasures(tombstones: Sequence[Tombstone]) -> str:
    """How many children were erased, in words, and whether an erasure was never finished; empty when there was none."""
    if not tombstones:
        return ""
    children = number(sum(tombstone.children for tombstone in tombstones), "child", "children")
    begun = sum(not tombstone.finished for tombstone in tombstones)
    ask = (
        f" {number(begun, 'erasure was', 'erasures were')} begun and never finished: run 'rereferral erase' again."
        if begun
        else ""
    )
    return f"{children} erased.{ask}"


def check_words(role: str, reason: str) -> None:
    """Raise :class:`SettingsError` (exit 10) when a role or a reason is missing, or names a child."""
    for option, text in (("--role", role), ("--reason", reason)):
        if not text.strip():
            raise SettingsError(f"'{option}' is empty: it is kept for good, so say it in a few words.")
        if ANY_PSEUDONYM.search(text):
            raise SettingsError(
                f"'{option}' holds a pseudonym: it is kept for good, so write nothing that tells which child it is."
            )


def check_child(child: str) -> None:
    """Raise :class:`SettingsError` (exit 10) for what is no pseudonym."""
    if not re.fullmatch("[0-9a-f]{32}", child):
        raise SettingsError("'--child' is no pseudonym: give the 32 hexadecimal digits that the crosswalk has for the child.")


def _folder(workspace: Workspace) -> Path:
    return workspace.root / "erased"


def _read(file: Path) -> Tombstone:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        days = {"erased_on": date.fromisoformat(told["erased_on"])}
        return Tombstone(**told | days | {"commitments": tuple(told["commitments"])})
    except (OSError, ValueError, KeyError, TypeError):
        raise SettingsError(
            f"The tombstone '{file.name}' cannot be read, and an erased child could come in again: put it back from a copy."
        ) from None
