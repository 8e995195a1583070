"""Vintages on disk: ``history/<table>/<extract date>.parquet``, and one manifest per extract beside them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from pathlib import Path

import polars as pl

from flows.workspace import Workspace, write_json, write_private
from validation.contract import Table
from validation.errors import ContractError
from validation.extract import ExtractRule, Manifest, Origin
from validation.gate import Gated, Limits, stop_if_withdrawn
from validation.history import Archive, Change, aged_out_keys, build_archive, current, difference
from validation.tables.catalogue import TABLES
from validation.tables.local import PERSON_LINKS


def _manifests(workspace: Workspace) -> Path:
    return workspace.history / "manifests"


def extract_dates(workspace: Workspace) -> list[date]:
    """Dates of the archived extracts, oldest first."""
    return sorted(date.fromisoformat(path.stem) for path in _manifests(workspace).glob("*.json"))


def read_manifest(workspace: Workspace, day: date) -> tuple[Manifest, Mapping[str, int]]:
    """The manifest of an archived extract, and its accepted rows per table."""
    content = json.loads((_manifests(workspace) / f"{day}.json").read_text(encoding="utf-8"))
    manifest = Manifest(
        content["authority"],
        Origin(content["origin"]),
        ExtractRule(content["extract_rule"]),
        date.fromisoformat(content["window_start"]),
        date.fromisoformat(content["extract_date"]),
        content["key_fingerprint"],
    )
    return manifest, content["accepted"]


def last_extract(workspace: Workspace, before: date | None = None) -> tuple[Manifest, Mapping[str, int]] | None:
    """The newest archived extract (older than ``before``, if given), or ``None``."""
    dates = [day for day in extract_dates(workspace) if before is None or day < before]
    return read_manifest(workspace, dates[-1]) if dates else None


def last_counts(workspace: Workspace, before: date) -> Mapping[str, int]:
    """Rows per table in the last extract older than ``before`` that had any of that table."""
    counts: dict[str, int] = {}
    for day in extract_dates(workspace):
        if day < before:
            counts |= {name: rows for name, rows in read_manifest(workspace, day)[1].items() if rows}
    return counts


def _read(workspace: Workspace, up_to: date) -> dict[str, list[tuple[date, pl.DataFrame]]]:
    """All vintages up to a date, oldest first. Only extracts whose manifest was written count as archived."""
    complete = {day for day in extract_dates(workspace) if day <= up_to}
    found: dict[str, list[tuple[date, pl.DataFrame]]] = {}
    for name in TABLES:
        files = sorted((workspace.history / name).glob("*.parquet"))
        known = [(date.fromisoformat(file.stem), file) for file in files]
        found[name] = [(day, _widen(pl.read_parquet(file), TABLES[name])) for day, file in known if day in complete]
    return found


def _widen(vintage: pl.DataFrame, table: Table) -> pl.DataFrame:
    """A vintage with the columns that the contract has been given since it was written, all empty."""
    added = {name: dtype for name, dtype in table.schema.items() if name not in vintage.columns}
    empty = [pl.lit(None, dtype).alias(name) for name, dtype in added.items()]
    return vintage.with_columns(empty).select(*table.schema, pl.exclude(*table.schema)) if added else vintage


def read_archive(workspace: Workspace, up_to: date | None = None) -> Archive:
    """History as row versions, from the vintages up to ``up_to``. Raises :class:`ContractError` when there is none."""
    dates = [day for day in extract_dates(workspace) if up_to is None or day <= up_to]
    if not dates:
        raise ContractError(
            f"The workspace '{workspace.root.name}' holds no history up to '{up_to or 'today'}': run 'rereferral nightly' or "
            "'rereferral retrain --source' with an extract first."
        )
    window_start = min(read_manifest(workspace, day)[0].window_start for day in dates)
    return build_archive(_read(workspace, dates[-1]), window_start, dates[-1])


def current_links(workspace: Workspace) -> pl.DataFrame:
    """The links between old and new pseudonyms as last known: one that the case system took back ties nobody."""
    files = sorted((workspace.history / PERSON_LINKS.name).glob("*.parquet"))
    if not files:
        return PERSON_LINKS.empty()
    newest = pl.concat([pl.read_parquet(file, glob=False) for file in files]).unique(
        PERSON_LINKS.key, keep="last", maintain_order=True
    )
    return newest.filter(pl.col("change") != Change.WITHDRAWN)


def write_vintages(workspace: Workspace, gated: Gated, limits: Limits) -> dict[str, dict[str, int]]:
    """Archive what changed tonight, and return per table how many rows are new, changed, aged out and withdrawn.

    The manifest is written last: without it the vintages of a killed run do not count, and the next run writes them anew.
    Raises :class:`ChecksError` before anything is written when too many rows were withdrawn.
    """
    manifest = gated.manifest
    day = manifest.extract_date
    earlier = _read(workspace, date.fromordinal(day.toordinal() - 1))
    changes: dict[str, pl.DataFrame] = {}
    aged_out: dict[str, pl.Series] = {}
    for name, table in TABLES.items():  # parents come before the rows that point at them
        frame = gated.accepted.get(name, table.empty())
        if frame.is_empty():
            continue  # absent and empty are the same: nothing is known to have gone
        before = current(table, [vintage for _, vintage in earlier[name]]) if earlier[name] else None
        aside = gated.set_aside[name][table.key] if name in gated.set_aside else frame[table.key].clear()
        changes[name] = difference(
            table, before, frame, manifest.window_start, day, manifest.extract_rule, aged_out, set_aside=aside
        )
        aged_out[name] = aged_out_keys(table, before, changes[name])
        if before is not None:
            withdrawn = changes[name].filter(pl.col("change") == Change.WITHDRAWN).height
            present = before.filter(pl.col("change") != Change.AGED_OUT).height
            stop_if_withdrawn(name, withdrawn, present, limits.withdrawn)
    (_manifests(workspace) / f"{day}.json").unlink(missing_ok=True)
    for name in TABLES:
        place = workspace.history / name / f"{day}.parquet"
        if name in changes:
            write_private(place, changes[name].write_parquet)
        else:
            place.unlink(missing_ok=True)
    accepted = {name: frame.height for name, frame in gated.accepted.items()}
    write_json(_manifests(workspace) / f"{day}.json", asdict(manifest) | {"accepted": accepted})
    return {name: dict(frame.group_by("change").len().sort("change").iter_rows()) for name, frame in changes.items()}


def vintage_hashes(workspace: Workspace, up_to: date) -> dict[str, str]:
    """SHA-256 of every archived vintage up to a date, by ``table/date``."""
    complete = {day.isoformat() for day in extract_dates(workspace) if day <= up_to}
    return {
        f"{file.parent.name}/{file.stem}": sha256(file.read_bytes()).hexdigest()
        for file in sorted(workspace.history.glob("*/*.parquet"))
        if file.stem in complete
    }
