"""What only the council can say in the transparency record and its annexes: ``transparency.toml`` in the workspace.

Nothing in it is needed to train or to make a list. What it does not answer is listed as unanswered.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.publish.record_fields import COUNCIL, read_fields
from validation.errors import SettingsError

FILE_NAME = "transparency.toml"
LONGEST = 4_000  # characters of one answer
PLACEHOLDERS = re.compile(
    r"\W*|tb[acd]|to ?do|n/?a|x+|unknown|pending|lorem ipsum.*"
    r"|to be (added|agreed|announced|completed|confirmed|decided|determined)",
    re.IGNORECASE | re.DOTALL,
)
CONTACTS = {  # what these two must look like, and in words
    "record.website": (re.compile(r"https://\S+"), "an address that begins with https://"),
    "record.contact": (re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"), "an e-mail address"),
}


def read_transparency_of(workspace: Path) -> dict[str, str]:
    """The council's answers by key, such as ``owner.team``; none without the file. Errors as in :func:`read_transparency`."""
    file = workspace / FILE_NAME
    return read_transparency(file.read_text(encoding="utf-8")) if file.exists() else {}


def read_transparency(text: str) -> dict[str, str]:
    """Answers by key from the text of a ``transparency.toml``. Raises :class:`SettingsError` that lists every fault."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"'{FILE_NAME}' cannot be read: {error}. Correct it and run again.") from None
    asked = {field.key for field in read_fields() if field.answered_by == COUNCIL}
    answered_by_run = {field.key for field in read_fields()} - asked
    answers = dict(_flatten(told))
    faults = []
    for key, value in answers.items():
        if key in answered_by_run:
            faults.append(f"'{key}' is filled in from the run: take it out")
        elif key not in asked:
            section = key.partition(".")[0]
            allowed = sorted(one for one in asked if one.startswith(f"{section}."))
            sections = sorted({one.partition(".")[0] for one in asked})
            faults.append(f"'{key}' is unknown: allowed are {', '.join(allowed or (f'[{one}]' for one in sections))}")
        elif fault := _find_fault(key, value):
            faults.append(fault)
    if faults:
        raise SettingsError(f"'{FILE_NAME}': {'; '.join(faults)}. Correct it and run again.")
    return {key: value.strip() for key, value in answers.items()}


def _flatten(told: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Keys with their section, as ``owner.team``."""
    for name, value in told.items():
        if isinstance(value, Mapping) and value:
            yield from ((f"{name}.{inner}", answer) for inner, answer in value.items())
        else:
            yield name, value


def _find_fault(key: str, value: object) -> str | None:
    """What is wrong with one answer, if anything."""
    if not isinstance(value, str):
        return f"'{key}' is no text: allowed is a text in quotes"
    text = value.strip()
    if PLACEHOLDERS.fullmatch(text):
        return f"'{key}' holds '{text}', which is no answer: write one, or leave the line out and it is listed as unanswered"
    if len(text) > LONGEST:
        return f"'{key}' has {len(text)} characters: allowed are {LONGEST}"
    if text[0] in "=+-@":
        return f"'{key}' begins with '{text[0]}', which a spreadsheet takes for a sum: begin with a letter or a digit"
    shape, words = CONTACTS.get(key, (None, ""))
    return f"'{key}' is not {words}: give one" if shape is not None and not shape.fullmatch(text) else None
