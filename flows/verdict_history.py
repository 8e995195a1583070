"""How verdicts on models in use went: ``monitoring/<outcome>.history.jsonl``, a line for each time that somebody looked.

Nights go by the newest verdict alone (:mod:`flows.verdicts`); this is kept so that a board can see what was said before. A line
is never changed: only the same look, on the same day at the same records under the same criteria, takes the place of its own.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from flows.verdicts import monitoring_file
from flows.workspace import Workspace, write_private
from validation.errors import SettingsError

ENDING = "history.jsonl"
SAME_LOOK = ("looked_on", "extract_date", "criteria_sha256", "in_use")
PARTS = {*SAME_LOOK, "complete_up_to", "models"}
Look = dict[str, Any]


def read_history(workspace: Workspace, outcome: str) -> list[Look]:
    """Every look, oldest first; none before the first. Raises :class:`SettingsError` (exit 10) when the file is not whole."""
    file = monitoring_file(workspace, outcome, ENDING)
    if not file.exists():
        return []
    try:
        looks = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        whole = all(set(look) >= PARTS and date.fromisoformat(look["looked_on"]) for look in looks)
    except (ValueError, TypeError):
        whole = False
    if not whole:
        raise SettingsError(
            f"'monitoring/{file.name}' was changed or damaged, and tells what was said of models before: put it back from a "
            "copy, or, if there is none, put it aside, and a new one begins."
        )
    return looks


def add_look(before: Sequence[Look], look: Look) -> list[Look]:
    """The looks with one more at the end; the same look of the same day is replaced."""
    same = [look[name] for name in SAME_LOOK]
    return [*(past for past in before if [past[name] for name in SAME_LOOK] != same), look]


def write_history(workspace: Workspace, outcome: str, looks: Sequence[Look]) -> None:
    """Write every look, privately and in one rename."""
    text = "".join(json.dumps(look, ensure_ascii=False) + "\n" for look in looks)
    write_private(monitoring_file(workspace, outcome, ENDING), lambda beside: beside.write_text(text, encoding="utf-8"))
