"""Erasing a child from everything that a workspace holds, in steps that can each be done again.

The tombstone comes first and says what will be removed; then the rows go, place by place; then the tombstone says that all are
gone. A run that was ended half way leaves a tombstone that is not finished, and the same command takes the rest: what is removed
is found by the tombstone's commitments, not by what the run before had in hand.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl

from flows import ledger
from flows.child_log import LOGS, count_lines, forget
from flows.decisions import drop_from_log, find_log
from flows.erased_frames import drop_children
from flows.erasure_nights import count_rows, erase_from_night, find_named, find_nights, find_set_aside, settle_nights
from flows.publish.chance_words import in_words, number
from flows.tombstones import (
    ASKED,
    Tombstone,
    check_child,
    check_words,
    finish,
    make_tombstone,
    read_tombstones,
    write_tombstone,
)
from flows.vintages import current_links
from flows.workspace import Workspace, hold, write_private
from validation.erased import Children, follow, person_columns, trace
from validation.errors import SettingsError
from validation.tables.catalogue import TABLES
from validation.tables.local import PERSON_LINKS


@dataclass(frozen=True)
class Held:
    """Rows of some children in one place, and how they are removed. ``rows`` may be 0 where a family bears a child's name."""

    place: str
    rows: int
    remove: Callable[[], object]


def erase(root: Path, child: str, *, role: str, reason: str, on: date) -> str:
    """Erase a child from the workspace ``root``, and say in words what was removed. The same command again is harmless.

    Raises :class:`SettingsError` (exit 10) for what is no pseudonym, for a role or reason that tells which child it is, and when
    nothing is held of the child; ``LedgerError`` (exit 17) when the ledger is not as it was written: then nothing is removed.
    """
    check_child(child)
    check_words(role, reason)
    place = open_held(root)
    with hold(place):
        ledger.erase_rows(place, (), on)  # checks the ledger whole, before anything is removed
        settle_nights(place)
        before = next((stone for stone in read_tombstones(place) if child in stone.known), None)
        if before is not None:
            remove_all(place, before)
            return (
                f"This child was erased on {in_words(before.erased_on)}: whatever was left is gone now. {_say_rows(before.rows)}"
            )
        names = follow({child}, current_links(place))
        rows = count_held(place, Children.of(names))
        if not rows:
            raise SettingsError(
                "'--child' is not in this workspace: nothing is held of such a child. Look the pseudonym up again."
            )
        tombstone = make_tombstone(ASKED, [names], on, role, reason, rows)
        remove_all(place, tombstone)
    return f"1 child erased. {_say_rows(rows)} From now on it is kept out when an extract holds it again."


def open_held(root: Path) -> Workspace:
    """The workspace ``root``. Raises :class:`SettingsError` (exit 10) when there is no history in it."""
    place = Workspace(root)
    if not place.history.is_dir():
        raise SettingsError(f"'{root.name}' holds no history: give the workspace in which the lists are made.")
    return place


def remove_all(workspace: Workspace, tombstone: Tombstone) -> None:
    """Remove everything that is held of a tombstone's children; the caller holds the workspace."""
    if not tombstone.finished:
        write_tombstone(workspace, tombstone)
    for held in find_held(workspace, tombstone.known, tombstone.erased_on):
        held.remove()
    shutil.rmtree(workspace.index, ignore_errors=True)
    _clear_left_overs(workspace)
    if not tombstone.finished:
        finish(workspace, tombstone)


def count_held(workspace: Workspace, children: Children) -> dict[str, int]:
    """Rows that are held of some children, by place."""
    counts: dict[str, int] = {}
    for held in find_held(workspace, children, date.max):
        counts[held.place] = counts.get(held.place, 0) + held.rows
    return dict(sorted(counts.items()))


def find_held(workspace: Workspace, children: Children, on: date) -> Iterator[Held]:
    """Everything that is held of some children, in the order in which it can be removed.

    The history comes last, and in it a row that names no child before the row that says whose it is.
    """
    if not children:
        return
    if rows := ledger.count_named(workspace, children):
        yield Held("ledger", rows, partial(ledger.erase_rows, workspace, children, on))
    tables = read_rows(workspace)
    traces = trace(tables, children, PERSON_LINKS.empty())  # the commitments stand for all pseudonyms already
    for folder in find_nights(workspace):
        gone, aside = find_named(folder, children), find_set_aside(folder, traces)
        if gone or aside:
            rows = count_rows(folder, gone) + sum(pl.read_parquet(file).height - stay.height for file, stay in aside.items())
            yield Held(f"nights/{folder.name}", rows, partial(erase_from_night, workspace, folder, gone, traces, on))
    for file, rows, gone in find_log(workspace, children):
        yield Held("decisions", rows, partial(drop_from_log, workspace, file, gone))
    yield from _find_recalled(workspace, children)
    for name in LOGS:
        if lines := count_lines(workspace, name, children):
            yield Held(name.removesuffix(".jsonl"), lines, partial(forget, workspace, name, children))
    for name in reversed(list(TABLES)):
        for file in sorted((workspace.history / name).glob("*.parquet")):
            vintage = pl.read_parquet(file, glob=False)
            stay = vintage.filter(~traces.are_in(TABLES[name]))
            if stay.height < vintage.height:
                yield Held(f"history/{name}", vintage.height - stay.height, partial(write_private, file, stay.write_parquet))


def read_rows(workspace: Workspace) -> Mapping[str, pl.DataFrame]:
    """What rows of the history, and rows set aside on published nights, say of whose they are: all keys of each table."""
    found = {}
    for name, table in TABLES.items():
        keys = [table.key, *person_columns(table)]
        kept = list(dict.fromkeys(keys))
        files = [*(workspace.history / name).glob("*.parquet"), *workspace.nights.glob(f"*/set_aside/{name}.parquet")]
        if files:
            found[name] = pl.concat([pl.read_parquet(file, columns=kept, glob=False) for file in sorted(files)]).unique()
    return found


def _find_recalled(workspace: Workspace, children: Children) -> Iterator[Held]:
    for file in sorted((workspace.root / "recall").glob("*.parquet")):
        cases = pl.read_parquet(file, glob=False)
        gone = children.among([*cases["person_id"], *cases["family_id"]])
        if gone:
            stay = drop_children(cases, gone)
            yield Held("recall", cases.height - stay.height, partial(write_private, file, stay.write_parquet))


def _clear_left_overs(workspace: Workspace) -> None:
    """Files and folders that a killed run was writing beside their place; nothing reads them."""
    for path in sorted(workspace.root.rglob(".*.new"), reverse=True):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    for home in (workspace.training, *workspace.training.glob("*")):
        shutil.rmtree(home / ".new", ignore_errors=True)


def _say_rows(rows: Mapping[str, int]) -> str:
    """Rows by place, those of single nights and tables together."""
    groups: dict[str, int] = {}
    for place, count in rows.items():
        group = place.partition("/")[0]
        groups[group] = groups.get(group, 0) + count
    told = ", ".join(f"{group} {count}" for group, count in groups.items())
    return f"{number(sum(groups.values()), 'row', 'rows')} removed ({told})." if groups else ""
