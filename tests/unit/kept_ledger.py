"""A ledger of three nights as it lies in a workspace, for tests that look into its files and change them."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from flows.chain import LINK, ROWS, name_entry
from flows.ledger import Verified, verify_ledger
from flows.workspace import Workspace
from tests.unit.ledger_example import FIRST, Case, enter
from tests.unit.night_example import pseudonym
from validation.errors import LedgerError

CASES: list[Case] = [
    ("ann", "oak", 0.61, "place"),
    ("ben", "oak", 0.34, "place"),
    ("cat", "elm", 0.52, "place"),
    ("dan", "fir", 0.123456789012345, "waiting"),
    ("eve", "yew", None, "not scored"),
]
NIGHTS = [FIRST + timedelta(days) for days in range(3)]
ERASED_ON = date(2026, 12, 1)


def fill(root: Path) -> Path:
    for night in NIGHTS:
        enter(root, night, CASES)
    return root


def verify(root: Path, head: str | None = None) -> Verified:
    return verify_ledger(Workspace(root), head)


def told(root: Path) -> str:
    """What the refusal of a changed ledger says; it never names a child."""
    with pytest.raises(LedgerError) as refused:
        verify(root)
    assert not re.search(r"[0-9a-f]{32}", str(refused.value))
    return str(refused.value)


def entry(root: Path, number: int) -> Path:
    (found,) = (root / "ledger").glob(f"{number:06}.*")
    return found


def lines(folder: Path) -> list[str]:
    return (folder / ROWS).read_text().splitlines(keepends=True)


def row_of(folder: Path, child: str) -> int:
    return next(number for number, line in enumerate(lines(folder), start=1) if pseudonym(child) in line)


def put_anew(folder: Path, change: Callable[[str], str]) -> Path:
    """Change a link and give its folder the name that goes with it, as somebody would who knows how entries are named."""
    text = change((folder / LINK).read_text())
    (folder / LINK).write_text(text)
    link = json.loads(text)
    name = name_entry(link["number"], date.fromisoformat(link["day"]), sha256(text.encode()).hexdigest())
    return folder.rename(folder.with_name(name))
