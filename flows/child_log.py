"""Logs about single children in a workspace: a line of JSON for each entry, the child named by its commitment alone."""

import json
import re
from collections.abc import Sequence
from typing import Any

from flows.workspace import Workspace, write_private
from validation.erased import Children
from validation.errors import SettingsError

OPT_OUTS, REPLAYS = LOGS = ("opt-outs.jsonl", "replays.jsonl")


def read_log(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    """Every entry of a log, oldest first. Raises :class:`SettingsError` (exit 10) when it is not whole."""
    file = workspace.root / name
    if not file.exists():
        return []
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        whole = all(re.fullmatch("[0-9a-f]{64}", line["child"]) for line in lines)
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise SettingsError(f"'{name}' was changed or damaged, and tells what was asked for children: put it back from a copy.")
    return lines


def add_line(workspace: Workspace, name: str, line: dict[str, Any]) -> None:
    """Add an entry, which has the child's commitment as ``child``."""
    _write(workspace, name, [*read_log(workspace, name), line])


def count_lines(workspace: Workspace, name: str, children: Children) -> int:
    """Entries about some children."""
    return sum(line["child"] in children.commitments for line in read_log(workspace, name))


def forget(workspace: Workspace, name: str, children: Children) -> None:
    """Take out the entries about some children."""
    _write(workspace, name, [line for line in read_log(workspace, name) if line["child"] not in children.commitments])


def _write(workspace: Workspace, name: str, lines: Sequence[dict[str, Any]]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    write_private(workspace.root / name, lambda beside: beside.write_text(text, encoding="utf-8"))
