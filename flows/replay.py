"""The score of a past night made again, with the records as they have been put right since, by the model of that night."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.influence import as_it_stood
from flows import scoring
from flows.chain import read_rows
from flows.child_log import REPLAYS, add_line, read_log
from flows.erasure import open_held
from flows.ledger import verify_ledger
from flows.night import open_registry
from flows.opt_out import read_opt_outs
from flows.publish.chance_words import in_ten, in_words, number
from flows.settings import read_settings
from flows.tombstones import check_child, check_words
from flows.vintages import current_links, read_archive
from flows.workspace import Workspace, hold
from models.model import ScreeningModel
from validation.erased import Children, commit_to, follow, trace
from validation.errors import SettingsError
from validation.history import Archive
from validation.tables.catalogue import TABLES
from validation.tables.local import PERSON_LINKS


def replay(root: Path, child: str, as_of: date, *, role: str, reason: str, on: date, registry: str | None = None) -> str:
    """Work a child's score of the night ``as_of`` out again, log it, and say in words what would have been shown.

    Raises :class:`SettingsError` (exit 10) when the child had no chance on that night or is not to be scored now, ``ModelError``
    when the model is not there any more, ``LedgerError`` (exit 17) when the ledger is not as it was written.
    """
    check_child(child)
    check_words(role, reason)
    place = open_held(root)
    with hold(place):
        names = follow({child}, current_links(place))
        asked = read_opt_outs(place)
        if asked.among(names):
            raise SettingsError("It was asked that this child is not scored, so no score is made again: take that back first.")
        shown = _find_shown(place, as_of, names)
        settings = read_settings(root, registry=registry).model_copy(update={"outcome": shown["outcome"]})
        model = open_registry(place, settings).load(shown["model_version"])
        history = read_archive(place)
        now = _score(model, put_right(history, as_of), as_of, names, asked)
        changed = count_put_right(history, as_of, names)
        told = {"night": as_of.isoformat(), "model_version": model.version, "shown": shown["chance"], "now": now}
        add_line(
            place, REPLAYS, {"child": commit_to(child), **told, "changed": changed, "noted_on": on.isoformat(), "role": role,
                             "reason": reason},
        )  # fmt: skip
    return say_replay(as_of, shown["chance"], now, sum(changed.values()))


def say_replay(night: date, shown: float, now: float | None, changed: int) -> str:
    """What was shown, and what would have been."""
    records = number(changed, "record", "records")
    words = f"With {records} put right since" if changed else "No record of this child was put right since"
    then = f"The list of {in_words(night)} said {in_ten(shown)} ({shown:.1%})."
    if now is None:
        return f"{then} {words}, no chance would be given."
    return f"{then} {words}{',' if changed else ':'} it would have said {in_ten(now)} ({now:.1%})."


def read_replays(workspace: Workspace, names: frozenset[str]) -> list[Mapping[str, Any]]:
    """What was worked out again for a child, oldest first."""
    ours = {commit_to(one) for one in names}
    return [line for line in read_log(workspace, REPLAYS) if line["child"] in ours]


def put_right(archive: Archive, day: date) -> Archive:
    """What was on record at the end of a day, each row as it is known now, and no row that was found to be wrong and taken out.

    A row that the system first showed after that day is not in it: it was not known then. What lay ahead stays hidden.
    """
    versions = {}
    for name, frame in archive.versions.items():
        key = TABLES[name].key
        first = frame.group_by(key).agg(first=pl.col("known_from").min())
        newest = frame.filter(pl.col("known_to").is_null()).join(first, on=key, maintain_order="left")
        versions[name] = newest.with_columns(known_from="first").select(frame.columns)
    return as_it_stood(Archive(versions, archive.window_start, archive.extract_date), day)


def count_put_right(archive: Archive, day: date, names: frozenset[str]) -> dict[str, int]:
    """By table, the rows of a child that were known on a day and of which something is known otherwise now for that day."""
    then, now = as_it_stood(archive, day), put_right(archive, day)
    traces = trace(archive.versions, Children.of(names), PERSON_LINKS.empty())
    counts = {}
    for name, table in TABLES.items():
        ours, columns = (traces.are_in(table), pl.col("known_to").is_null()), list(table.schema)
        one, other = (part.table(name).filter(*ours).select(columns) for part in (then, now))
        both = ((one, other), (other, one))
        changed = pl.concat([left.join(right, on=columns, how="anti", nulls_equal=True) for left, right in both])
        if changed.height:
            counts[name] = changed[table.key].n_unique()
    return counts


def _find_shown(workspace: Workspace, as_of: date, names: frozenset[str]) -> dict[str, Any]:
    entries = [entry for entry in verify_ledger(workspace).nights if entry.day == as_of]
    if not entries:
        raise SettingsError(f"There is no list of {as_of} in the ledger: give the night of a list.")
    rows = read_rows(entries[-1]).filter(pl.col("person_id").is_in(sorted(names)), pl.col("chance").is_not_null())
    if rows.is_empty():
        raise SettingsError(f"The child had no chance on the list of {as_of}, so there is none to work out again.")
    found = rows.row(0, named=True)
    return {
        "chance": found["chance"],
        "model_version": entries[-1].model_version,
        "outcome": entries[-1].facts["outcome"]["name"],
    }


def _score(model: ScreeningModel, history: Archive, as_of: date, names: frozenset[str], asked: Children) -> float | None:
    """The child's chance; ``None`` when it has no open case then, or too little is known."""
    cases = scoring.score(model, scoring.build(model, history, as_of, asked)).filter(pl.col("person_id").is_in(sorted(names)))
    return None if cases.is_empty() else cases["chance"][0]
