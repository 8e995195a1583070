"""Children of whom it was asked that they are not scored: who they are, and what the night and the training leave out for them.

``opt-outs.jsonl`` in the workspace has a line for each wish and for each one that was taken back; the last about a child counts.
It holds no pseudonym but the commitment of :mod:`validation.erased`.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.cohort import INDEX
from flows.child_log import OPT_OUTS, add_line, read_log
from flows.tombstones import check_child, check_words
from flows.vintages import current_links, last_extract, read_archive
from flows.workspace import Workspace, hold
from validation.erased import Children, commit_to, follow, trace
from validation.errors import SettingsError
from validation.history import Archive
from validation.tables.catalogue import TABLES
from validation.tables.local import PERSON_LINKS

NOT_SCORED = "asked not to be scored, which says nothing about how safe the child is"
LEFT_OUT = "asked not to be scored"
KEY = ["as_of", "person_id", "referral_id"]


def opt_out(root: Path, child: str, *, role: str, reason: str, withdraw: bool, on: date) -> str:
    """Note that a child is not to be scored, or that this is taken back; says what was noted.

    Raises :class:`SettingsError` (exit 10) for what is no pseudonym, words that name a child, and a wish to take back what was
    never asked. A wish about a child of whom nothing is held yet is kept, too, and said to be one: it may be a slip.
    """
    check_child(child)
    check_words(role, reason)
    place = Workspace(root)
    if not place.history.is_dir():
        raise SettingsError(f"'{root.name}' holds no history: give the workspace in which the lists are made.")
    with hold(place):
        asked = read_opt_outs(place).among(follow({child}, current_links(place)))
        if withdraw and not asked:
            raise SettingsError("'--withdraw' takes back what was asked before, and of this child nothing was asked.")
        if asked and not withdraw:
            return "It was noted before that this child is not scored."
        told = {"scored": withdraw, "noted_on": on.isoformat(), "role": role, "reason": reason}
        for one in sorted(asked) or [child]:
            add_line(place, OPT_OUTS, {"child": commit_to(one), **told})
        held = withdraw or _is_held(place, child)
    if withdraw:
        return "From the next night on this child is scored again."
    slip = "" if held else " Nothing is held of such a child here, so look the pseudonym up again: it may be a slip."
    return f"From the next night on this child is not scored.{slip}"


def _is_held(workspace: Workspace, child: str) -> bool:
    """Does the history know of this child?"""
    known = last_extract(workspace) is not None and find_opted_out(read_archive(workspace), Children.of(frozenset({child})))
    return bool(known)


def read_opt_outs(workspace: Workspace) -> Children:
    """The children who are not scored now. Raises :class:`SettingsError` (exit 10) when the file cannot be read."""
    last = {line["child"]: line["scored"] for line in read_log(workspace, OPT_OUTS)}
    return Children(frozenset(child for child, scored in last.items() if not scored))


def read_wishes(workspace: Workspace, pseudonyms: frozenset[str]) -> list[Mapping[str, Any]]:
    """What was noted about a child, oldest first."""
    ours = {commit_to(one) for one in pseudonyms}
    return [line for line in read_log(workspace, OPT_OUTS) if line["child"] in ours]


def find_opted_out(archive: Archive, children: Children) -> frozenset[str]:
    """The pseudonyms, old and new, under which an archive knows these children."""
    if not children:
        return frozenset()
    links = archive.table(PERSON_LINKS.name).filter(pl.col("known_to").is_null())
    return trace(archive.versions, children, links).pseudonyms


def leave_out(archive: Archive, people: frozenset[str]) -> Archive:
    """An archive in which nothing of some children is known."""
    traces = trace(archive.versions, Children.of(people), PERSON_LINKS.empty())
    versions = {name: frame.filter(~traces.are_in(TABLES[name])) for name, frame in archive.versions.items()}
    return Archive(versions, archive.window_start, archive.extract_date)


def tell_apart(whole: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """The cases and families of one matrix with the features of another, empty where that has no such case.

    ``whole`` is built from all that is known, ``told`` from an archive that knows nothing of some children: these keep their
    rows, since statutory work and the rules of offers go on, and no chance is made of them or of what happened to them.
    """
    features = [name for name in whole.columns if name not in INDEX]
    return whole.select(INDEX).join(told.select(*KEY, *features), on=KEY, how="left", maintain_order="left")


def is_opted_out(people: frozenset[str]) -> pl.Expr:
    """Is a row's child one of those who are not scored?"""
    return pl.col("person_id").is_in(sorted(people))
