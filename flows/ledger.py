"""The ledger: every score ever shown, an entry for each published night and content. It is added to, and never changed.

What is in an entry, and how entries hang together, stands in :mod:`flows.chain`. ``docs/ledger.md`` says what that proves.
"""

import json
import re
import shutil
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from flows.chain import (
    COMMITMENTS,
    ERASURE,
    LINK,
    NIGHT,
    ROWS,
    Entry,
    commit,
    erasures,
    is_erased,
    mark_erased,
    name_entry,
    split_commitments,
    split_lines,
    without_salt,
    write_lines,
)
from flows.ledger_checks import Chain, check_chain, check_heads, check_rows, read_heads
from flows.publish.chance_words import number
from flows.publish.published import LIST
from flows.record import versions
from flows.tombstones import describe_erasures, read_tombstones
from flows.workspace import Workspace, make_private_folder, replace, write_json, write_private
from models.model import ScreeningModel
from validation.errors import LedgerError, SettingsError
from validation.extract import Manifest

NAMES = ("person_id", "family_id")
"""Columns of a row that may hold the pseudonym of a child."""


@dataclass(frozen=True)
class Entered:
    """The name of a night's entry, and the ledger's head after it was entered."""

    entry: str
    head: str


@dataclass(frozen=True)
class Verified:
    """A ledger that is as it was written: its entries, the number of its rows and of those erased since, and its head."""

    entries: Sequence[Entry]
    rows: int
    erased: int
    head: str

    @property
    def nights(self) -> list[Entry]:
        """The entries of nights, oldest first."""
        return [entry for entry in self.entries if entry.kind == NIGHT]

    @property
    def words(self) -> str:
        """What was found, in a sentence, and the head to note elsewhere."""
        counted = f"{number(len(self.entries), 'entry', 'entries')}, {number(self.rows, 'row', 'rows')}"
        erased = f", {self.erased} of them erased since" if self.erased else ""
        return f"{counted}{erased}, all as written. Head: {self.head}"


def describe(workspace: Workspace, model: ScreeningModel, manifest: Manifest, made: Path) -> dict[str, Any]:
    """What an entry says of its night: model, outcome, data cut, code, and the list in the folder ``made``."""
    code = versions()
    return {
        "model": {"name": model.name, "version": model.version},
        "outcome": {"name": model.outcome, "version": model.outcome_version},
        "data": {
            "authority": manifest.authority,
            "origin": manifest.origin.value,
            "extract_date": manifest.extract_date.isoformat(),
            "vintages_sha256": {
                file.parent.name: _hash(file) for file in sorted(workspace.history.glob(f"*/{manifest.extract_date}.parquet"))
            },
        },
        "code": {name: code[name] for name in ("rereferral", "lock_sha256")},
        "list_sha256": _hash(made / LIST),
    }


def append(workspace: Workspace, as_of: date, shown: pl.DataFrame, facts: Mapping[str, Any]) -> Entered:
    """Enter a night's scores. The same scores and facts twice are one entry; others for the same night are another.

    ``shown`` has one row per case with ``as_of``, pseudonyms, chance, model, outcome, order and place; ``facts`` are those of
    :func:`describe`. Raises :class:`LedgerError` (exit 17) when the chain of links is broken, or lacks a head that an earlier
    night noted, or the rows of the newest entry or of one of this night are not as they were written.
    """
    chain = check_chain(workspace)
    erased = erasures(chain.entries)
    nights = [entry for entry in chain.entries if entry.kind == NIGHT]
    of_the_night = [entry for entry in nights if entry.day == as_of]
    looked_at = {entry.number: entry for entry in [*nights[-1:], *of_the_night]}.values()
    faults = [fault for entry in looked_at for fault in check_rows(entry, erased.get(entry.number, {}))]
    _stop_at([*chain.faults, *faults, *check_heads(chain.entries, read_heads(workspace))])
    lines = write_lines(shown)
    columns = {name: str(dtype) for name, dtype in shown.schema.items()}
    for entry in of_the_night:
        if (entry.facts, entry.columns) == (facts, columns) and _say_the_same(entry, lines):
            return Entered(entry.folder.name, chain.head)
    commitments = b"".join(map(commit, lines))
    told = {"facts": facts, "columns": columns, "rows": len(lines), "commitments_sha256": sha256(commitments).hexdigest()}
    return _add(workspace, chain, NIGHT, as_of, told, {COMMITMENTS: commitments, ROWS: b"".join(lines)})


def verify_ledger(workspace: Workspace, head: str | None = None) -> Verified:
    """Read all of the ledger. Raises :class:`LedgerError` (exit 17) with every fault: entry and row, and no child.

    The end of a chain can be cut off, and a whole chain written anew, so heads that were noted elsewhere are looked for in it:
    those in the run records of published nights, and ``head``, one that somebody kept.
    """
    heads = read_heads(workspace)  # before the chain, to which a night may be adding
    chain = check_chain(workspace)
    erased = erasures(chain.entries)
    faults = [fault for entry in chain.entries for fault in check_rows(entry, erased.get(entry.number, {}))]
    _stop_at([*chain.faults, *faults, *check_heads(chain.entries, heads, head)])
    rows = sum(entry.rows for entry in chain.entries)
    return Verified(chain.entries, rows, sum(map(len, erased.values())), chain.head)


def verify(root: Path, head: str | None = None) -> str:
    """Read all of the ledger of the workspace ``root``, and say in words what was found, and how many children were erased.

    Raises :class:`SettingsError` (exit 10) when there is no night, or ``head`` is none; else as :func:`verify_ledger`.
    """
    workspace = Workspace(root)
    if not (workspace.nights.is_dir() or workspace.ledger.is_dir()):
        raise SettingsError(f"'{root.name}' holds neither a night nor a ledger: give the workspace in which the lists were made.")
    if head is not None and not re.fullmatch("[0-9a-f]{64}", head):
        raise SettingsError("'--head' is no head of a ledger: give the 64 hexadecimal digits that 'rereferral verify' printed.")
    erased = describe_erasures(read_tombstones(workspace))
    return verify_ledger(workspace, head).words + (f"\n{erased}" if erased else "")


def erase_rows(workspace: Workspace, person_ids: Container[str], on: date) -> int:
    """Erase every row that names one of some children, and return how many there were; the chain verifies as before.

    ``person_ids`` holds all pseudonyms that the children ever had, ``on`` is the day; the caller holds the workspace. The erasure
    is an entry of its own, with entries and row numbers alone. It comes first: if the program is ended before all rows are gone,
    the next call takes the rest. Raises :class:`LedgerError` (exit 17) for a ledger that is not as it was written.
    """
    shutil.rmtree(workspace.ledger / ".new", ignore_errors=True)  # a killed night may have left the child in it
    _finish_erasures(check_chain(workspace).entries)
    verified = verify_ledger(workspace)
    found = _find_all(verified.nights, person_ids)
    if found:
        _add(workspace, Chain(verified.entries, ()), ERASURE, on, {"erased": found}, {})
        _finish_erasures(check_chain(workspace).entries)
    return sum(map(len, found.values()))


def count_named(workspace: Workspace, person_ids: Container[str]) -> int:
    """Rows of the ledger that name one of some children."""
    nights = [entry for entry in check_chain(workspace).entries if entry.kind == NIGHT]
    return sum(map(len, _find_all(nights, person_ids).values()))


def _hash(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def _write_bytes(file: Path, content: bytes) -> None:
    write_private(file, lambda beside: beside.write_bytes(content))


def _stop_at(faults: Sequence[str]) -> None:
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise LedgerError(
            f"The ledger is not as it was written ({count}): {'; '.join(faults)}. No list is published until somebody has found "
            "out why: put the ledger back from a copy, and run this again."
        )


def _say_the_same(entry: Entry, lines: Sequence[bytes]) -> bool:
    known = split_lines((entry.folder / ROWS).read_bytes())
    return sorted(map(without_salt, known)) == sorted(map(without_salt, lines))


def _add(
    workspace: Workspace, chain: Chain, kind: str, day: date, told: Mapping[str, Any], files: Mapping[str, bytes]
) -> Entered:
    """Make an entry beside the ledger's and put it at the end of the chain in one rename."""
    made = workspace.ledger / ".new"
    shutil.rmtree(made, ignore_errors=True)
    make_private_folder(made)
    for name, content in files.items():
        _write_bytes(made / name, content)
    at = len(chain.entries) + 1
    write_json(made / LINK, {"number": at, "kind": kind, "day": day, "previous": chain.head, **told})
    head = _hash(made / LINK)
    name = name_entry(at, day, head)
    replace(made, workspace.ledger / name)
    return Entered(name, head)


def _find_all(nights: Sequence[Entry], person_ids: Container[str]) -> dict[int, list[int]]:
    """By number of the entry, the rows that name one of some children."""
    return {entry.number: rows for entry in nights if (rows := _find_rows(entry, person_ids))}


def _find_rows(entry: Entry, person_ids: Container[str]) -> list[int]:
    """Numbers of the rows that name one of some children: as the child, or, in entries of old, as the family."""
    names = [1 + at for at, name in enumerate(entry.columns) if name in NAMES]
    lines = enumerate(split_lines((entry.folder / ROWS).read_bytes()), start=1)
    told = ((row, json.loads(line)) for row, line in lines if not is_erased(line))
    return [row for row, values in told if any(values[at] in person_ids for at in names)]


def _finish_erasures(entries: Sequence[Entry]) -> None:
    """Put the day in the place of every row that an erasure names and that is still there as it was entered."""
    erased = erasures(entries)
    for entry in entries:
        if entry.number not in erased:
            continue
        try:
            lines = split_lines((entry.folder / ROWS).read_bytes())
            commitments = split_commitments((entry.folder / COMMITMENTS).read_bytes())
        except OSError:
            continue  # whoever verifies the ledger is told
        taken = erased[entry.number]
        now = [
            mark_erased(taken[row]) if row in taken and commit(line) == kept else line
            for row, (line, kept) in enumerate(zip(lines, commitments, strict=False), start=1)
        ]
        if len(lines) == len(commitments) and now != lines:
            _write_bytes(entry.folder / ROWS, b"".join(now))
