"""Published nights without some children: their rows go, and page and workbook are made anew from what is left.

A night that an earlier version published cannot be shown again: its page and workbook are removed, and its rows stay.
"""

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from flows.erased_frames import drop_children, rename_families
from flows.listing import describe_doubts
from flows.publish.night_list import Changes, Counts, NightList
from flows.publish.page import render_page
from flows.publish.published import ABOUT, read_night, write_night
from flows.publish.workbook import build_workbook
from flows.record import file_hashes
from flows.workspace import Workspace, publish_folder, write_json, write_private
from flows.workspace import replace as rename
from validation.erased import Children, Traces
from validation.errors import SourceError
from validation.tables.catalogue import TABLES

PUBLISHED = re.compile(r"\d{4}-\d\d-\d\d")
OPENED = {"list.html": render_page, "list.xlsx": build_workbook}
"""What readers open, and how it is made from a night's list."""


def settle_nights(workspace: Workspace) -> None:
    """Clear away what killed runs left among the nights; a night that lost its place on the way gets it back."""
    for stand_in in sorted(workspace.nights.glob("????-??-??.superseded")):
        place = stand_in.with_name(stand_in.name[:10])
        if not place.exists():
            rename(stand_in, place)
        if workspace.latest_night() == stand_in:
            line = place.relative_to(workspace.root).as_posix() + "\n"
            write_private(workspace.latest, lambda beside, line=line: beside.write_text(line, encoding="utf-8"))  # type: ignore[misc]
        shutil.rmtree(stand_in, ignore_errors=True)
    for aside in sorted(workspace.nights.glob(".????-??-??.old")):
        place = aside.with_name(aside.name[1:11])
        if not place.exists():
            rename(aside, place)
    for left_over in sorted(workspace.nights.glob(".*")):
        shutil.rmtree(left_over, ignore_errors=True)


def find_nights(workspace: Workspace) -> list[Path]:
    """Folders of published nights, oldest first."""
    return sorted(path for path in workspace.nights.glob("*") if PUBLISHED.fullmatch(path.name))


def find_named(folder: Path, children: Children) -> frozenset[str]:
    """The pseudonyms of some children that a published night holds anywhere but in its rows set aside."""
    named: set[str | None] = set()
    for file in sorted(folder.glob("*.parquet")):
        frame = pl.read_parquet(file, glob=False)
        if "person_id" in frame.columns:
            named |= set(frame["person_id"])
        if "family_id" in frame.columns:
            named |= set(frame["family_id"])
        if "children" in frame.columns:
            named |= set(frame["children"].explode())
    if (folder / ABOUT).exists():
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        changes = about.get("changes") or {}
        named |= {*changes.get("new", ()), *changes.get("moved", ()), *changes.get("gone", ())}
        named |= {offer["family_id"] for offer in about.get("unanswered", ())}
    return children.among(named)


def find_set_aside(folder: Path, traces: Traces) -> dict[Path, pl.DataFrame]:
    """The files of rows set aside that hold some of the children, each with what stays of it."""
    found = {}
    for file in sorted((folder / "set_aside").glob("*.parquet")):
        rows = pl.read_parquet(file, glob=False)
        stay = rows.filter(~traces.are_in(TABLES[file.stem])) if file.stem in TABLES else rows
        if stay.height < rows.height:
            found[file] = stay
    return found


def count_rows(folder: Path, gone: frozenset[str]) -> int:
    """Rows of a published night that are about some children, and of no other."""
    rows = 0
    for file in sorted(folder.glob("*.parquet")):
        frame = pl.read_parquet(file, glob=False)
        if "person_id" in frame.columns:
            rows += frame.filter(pl.col("person_id").is_in(sorted(gone))).height
    return rows


def erase_from_night(workspace: Workspace, folder: Path, gone: frozenset[str], traces: Traces, on: date) -> None:
    """Publish a night anew without the children ``gone``, all of it in one rename."""
    made = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(folder, made)
    for file, stay in find_set_aside(made, traces).items():
        write_private(file, stay.write_parquet)
    if gone:
        _erase_rows(made, gone)
        try:
            night = without(read_night(folder), gone, on)  # as it still stands published
        except SourceError:
            for name in (*OPENED, ABOUT):
                (made / name).unlink(missing_ok=True)
        else:
            write_night(night, made)
            for name, build in OPENED.items():
                write_private(made / name, lambda beside, build=build: beside.write_bytes(build(night)))  # type: ignore[misc]
    _note(made, on)
    publish_folder(workspace, made, folder)


def without(night: NightList, gone: frozenset[str], on: date) -> NightList:
    """A night's list without some children. A family's others stay where they stood; a family without others goes.

    What is said of a family is said of those who are left: its chance is the highest among them. A family that bore the name of
    an erased child is called after the first of the others.
    """
    apart = pl.col("person_id").is_in(sorted(gone))
    names = rename_families(night.families, gone)
    cases = night.cases.filter(~apart).with_columns(pl.col("family_id").replace(names))
    lost = night.cases.filter(apart)
    why = dict(lost.filter("abstained").group_by("reason_for_abstaining").len().iter_rows())
    not_scored = {reason: cases - why.get(reason, 0) for reason, cases in night.counts.not_scored.items()}
    scored = night.counts.scored - lost.filter(~pl.col("abstained")).height
    return replace(
        night,
        families=_without(night.families, cases, gone, names),
        cases=cases,
        reasons=night.reasons.filter(~apart),
        events=night.events.filter(~apart),
        counts=Counts(cases.height, scored, {reason: n for reason, n in not_scored.items() if n}, night.counts.set_aside),
        changes=_rename_changes(night.changes, gone, names) if night.changes else None,
        unanswered=tuple(
            replace(offer, family_id=names.get(offer.family_id, offer.family_id))
            for offer in night.unanswered
            if offer.family_id not in gone or offer.family_id in names
        ),
        erased_on=on,
    )


def _without(families: pl.DataFrame, cases: pl.DataFrame, gone: frozenset[str], names: Mapping[str, str]) -> pl.DataFrame:
    others = pl.col("children").list.filter(~pl.element().is_in(sorted(gone)))
    touched = pl.col("children").list.len() > others.list.len()
    told = families.with_columns(pl.col("family_id").replace(names), touched=touched, children=others).filter(
        pl.col("children").list.len() > 0
    )
    doubts = describe_doubts(cases)
    now = cases.group_by("family_id").agg(chance=pl.col("chance").max(), cases_abstained=pl.col("abstained").sum().cast(pl.Int64))
    fresh = now.join(doubts, on="family_id", how="left")
    joined = told.join(fresh, on="family_id", how="left", suffix="_now", maintain_order="left")
    anew = [name for name in fresh.columns if name != "family_id"]
    unknown = ("share_of_models", "models")  # of a family with a child that is not there any more
    return joined.with_columns(
        *(pl.when("touched").then(f"{name}_now").otherwise(name).alias(name) for name in anew),
        *(pl.when(~pl.col("touched")).then(name).alias(name) for name in unknown),
    ).select(families.columns)


def _rename_changes(changes: Changes, gone: frozenset[str], names: Mapping[str, str]) -> Changes:
    def told(words: Mapping[str, str]) -> dict[str, str]:
        return {names.get(one, one): said for one, said in words.items() if one not in gone or one in names}

    new = tuple(names.get(one, one) for one in changes.new if one not in gone or one in names)
    return replace(changes, new=new, moved=told(changes.moved), gone=told(changes.gone))


def _erase_rows(folder: Path, gone: frozenset[str]) -> None:
    """Take the children out of every table directly in the folder, whatever its columns."""
    for file in sorted(folder.glob("*.parquet")):
        frame = pl.read_parquet(file, glob=False)
        left = drop_children(frame, gone)
        if not left.equals(frame):
            write_private(file, left.write_parquet)


def _note(folder: Path, on: date) -> None:
    """Say in the run record that a child was erased, and give the hashes of the files as they are now."""
    with suppress(OSError, ValueError):
        record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        record["erased_on"] = sorted({*record.get("erased_on", ()), on.isoformat()})
        record["files"] = {name: digest for name, digest in file_hashes(folder).items() if name != "run.json"}
        write_json(folder / "run.json", record)
