"""Is the ledger as it was written? Each fault is a sentence that names the entry and the row, and no child."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from hashlib import sha256
from pathlib import Path

from flows.chain import (
    BEFORE_THE_FIRST,
    COMMITMENT_BYTES,
    COMMITMENTS,
    LINK,
    NAME,
    NIGHT,
    ROWS,
    Entry,
    commit,
    is_erased,
    mark_erased,
    name_entry,
    read_entry,
    split_commitments,
    split_lines,
)
from flows.workspace import Workspace
from validation.errors import LedgerError


@dataclass(frozen=True)
class Chain:
    """The entries whose links are sound, oldest first, and what is wrong with the chain of links."""

    entries: Sequence[Entry]
    faults: Sequence[str]

    @property
    def head(self) -> str:
        """SHA-256 of the newest link: it stands for the whole ledger up to there."""
        return self.entries[-1].sha256 if self.entries else BEFORE_THE_FIRST


def check_chain(workspace: Workspace) -> Chain:
    """Every link, and that each follows the one before; no row is read. Raises :class:`LedgerError` for an earlier form."""
    folders, faults = _find_folders(workspace)
    entries: list[Entry] = []
    before: Entry | None = None
    expected, doubtful = 1, False
    for number, folder in folders:
        if number != expected:
            faults.append(_say_gap(number, expected, folder))
            doubtful = True
        wrong, entry = _check_link(folder, number)
        faults += wrong
        if entry is not None and not wrong:
            if not doubtful and entry.previous != (before.sha256 if before else BEFORE_THE_FIRST):
                faults.append(_say_unlinked(folder, number))
            faults += [] if faults else _check_erased(entry, entries)
            entries.append(entry)
        before, doubtful, expected = entry, entry is None or bool(wrong), number + 1
    return Chain(entries, faults)


def _find_folders(workspace: Workspace) -> tuple[list[tuple[int, Path]], list[str]]:
    """Folders of entries by number; whatever else lies in the ledger is a fault, but what a killed run left (``.new``)."""
    found, faults = [], []
    for path in sorted(workspace.ledger.iterdir()) if workspace.ledger.is_dir() else ():
        if path.suffix == ".parquet":
            raise LedgerError(
                f"The ledger's entry '{path.name}' has the form of an earlier version, which was not chained: put the folder "
                f"'{workspace.ledger.name}' aside, keep it, and run this again, so that a new ledger begins."
            )
        name = NAME.fullmatch(path.name)
        if name and path.is_dir():
            found.append((int(name[1]), path))
        elif path.name != ".new":
            faults.append(f"'{path.name}' is no entry, and was put into the ledger by something else")
    return sorted(found), faults


def _say_gap(number: int, expected: int, folder: Path) -> str:
    if number < expected:
        return f"Entry {number} ('{folder.name}') is there more than once: one was put in"
    missing = f"Entry {expected} is" if number == expected + 1 else f"Entries {expected} to {number - 1} are"
    return f"{missing} missing"


def _say_unlinked(folder: Path, number: int) -> str:
    before = f"entry {number - 1}" if number > 1 else "nothing"
    return f"Entry {number} ('{folder.name}') does not follow {before}: one of them was replaced, put in or moved"


def _check_link(folder: Path, number: int) -> tuple[list[str], Entry | None]:
    """What is wrong with a link by itself, and the entry, if its link can be read at all."""
    try:
        entry = read_entry(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [f"Entry {number} ('{folder.name}'): '{LINK}' is missing or was altered"], None
    if name_entry(entry.number, entry.day, entry.sha256) == folder.name:
        return [], entry
    if entry.sha256.startswith(folder.name.rpartition(".")[2]):
        return [f"Entry {number} ('{folder.name}') was given another name: it is entry {entry.number} of {entry.day}"], entry
    return [f"Entry {number} ('{folder.name}'): '{LINK}' was altered, or the name of its folder"], entry


def _check_erased(entry: Entry, earlier: Sequence[Entry]) -> list[str]:
    """An erasure may name rows of earlier nights alone."""
    rows = {night.number: night.rows for night in earlier if night.kind == NIGHT}
    wrong = [number for number, taken in entry.erased.items() if not all(1 <= row <= rows.get(number, 0) for row in taken)]
    return [f"Entry {entry.number} ('{entry.folder.name}') erases rows of entry {number} that never were" for number in wrong]


def check_rows(entry: Entry, erased: Mapping[int, date]) -> list[str]:
    """What is wrong with the files of an entry beside its link; ``erased`` are its erased rows with the day."""
    said = f"Entry {entry.number} ('{entry.folder.name}')"
    files = {LINK, COMMITMENTS, ROWS} if entry.kind == NIGHT else {LINK}
    present = {path.name for path in entry.folder.iterdir()}
    faults = [f"{said}: '{name}' was put in" for name in sorted(present - files) if not name.endswith(".new")]
    faults += [f"{said}: '{name}' is missing" for name in sorted(files - present)]
    if entry.kind != NIGHT or not files <= present:
        return faults
    lines = split_lines((entry.folder / ROWS).read_bytes())
    kept = (entry.folder / COMMITMENTS).read_bytes()
    commitments = split_commitments(kept)
    if sha256(kept).hexdigest() == entry.commitments_sha256:
        return faults + [f"{said}: {fault}" for fault in _compare(lines, commitments, erased)]
    told = [commitments[at] if at + 1 in erased and at < len(commitments) else commit(line) for at, line in enumerate(lines)]
    if sha256(b"".join(told)).hexdigest() == entry.commitments_sha256 and len(kept) == COMMITMENT_BYTES * entry.rows:
        changed = [row for row, (one, other) in enumerate(zip(told, commitments, strict=True), start=1) if one != other]
        return [*faults, *(f"{said}: the commitment of row {row} was altered in '{COMMITMENTS}'" for row in changed)]
    return [*faults, f"{said}: '{COMMITMENTS}' was altered"]


def _compare(lines: Sequence[bytes], commitments: Sequence[bytes], erased: Mapping[int, date]) -> list[str]:
    """Rows that are not as they were entered. What stands for an erased row is compared as it is, all else by its commitment."""
    ought = [mark_erased(erased[row]) if row in erased else kept for row, kept in enumerate(commitments, start=1)]
    found = [line if is_erased(line) else commit(line) for line in lines]
    if ought == found:
        return []
    faults, somewhere = [], set(found)
    for what, begin, end, first, last in SequenceMatcher(None, ought, found, autojunk=False).get_opcodes():
        if what == "equal":
            continue
        both = min(end - begin, last - first)
        faults += [_say_row(begin + at + 1, found[first + at], commitments, lines[first + at], erased) for at in range(both)]
        gone = range(begin + both, end)
        faults += [f"row {at + 1} was {'moved' if ought[at] in somewhere else 'removed'}" for at in gone]
        faults += [f"a row was put in as line {at + 1} of '{ROWS}'" for at in range(first + both, last)]
    return faults


def _say_row(row: int, found: bytes, commitments: Sequence[bytes], line: bytes, erased: Mapping[int, date]) -> str:
    """What happened to a row in whose place something else stands."""
    if row in erased and found == commitments[row - 1]:
        return f"row {row} was to be erased on {erased[row]} and is still there: erase again"
    if is_erased(line) and row not in erased:
        return f"row {row} was taken out, and no erasure says so"
    return f"row {row} was {'altered' if found not in commitments else 'replaced by another'}"


def read_heads(workspace: Workspace) -> dict[str, str]:
    """By night, the head that its run record noted."""
    heads = {}
    for file in sorted(workspace.nights.glob("????-??-??/run.json")):
        try:
            noted = json.loads(file.read_text(encoding="utf-8")).get("ledger_head")
        except (OSError, ValueError, AttributeError):
            continue  # the record of a night is no part of the ledger
        if noted is not None:
            heads[file.parent.name] = str(noted)
    return heads


def check_heads(entries: Sequence[Entry], heads: Mapping[str, str], kept: str | None = None) -> list[str]:
    """Heads that were noted elsewhere and that no entry has or follows: the chain's end was cut off, or it was written anew."""
    known = {digest for entry in entries for digest in (entry.sha256, entry.previous)}
    faults = [
        f"The run record of the night {night} notes the head '{head[:12]}', which no entry has: the end of the chain was "
        "cut off, or written anew"
        for night, head in heads.items()
        if head not in known
    ]
    if kept is not None and kept not in known:
        faults.append(f"No entry has the head '{kept[:12]}' that was given: the end of the chain was cut off, or written anew")
    return faults
