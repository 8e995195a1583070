"""From a workspace to the notice of a recall, and to the file that says whose cases were touched."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from features.outcomes import OUTCOMES
from flows.chain import Entry, read_rows
from flows.decisions import read_decisions
from flows.ledger import verify_ledger
from flows.publish.recall_notice import render_notice
from flows.recall import CASES, Asked, Training, find_later, find_touched, find_trained, trace
from flows.training import training_home
from flows.vintages import extract_dates, last_extract
from flows.workspace import Workspace, hold, write_private
from validation.errors import SettingsError
from validation.extract import Origin


def write_recall(root: Path, asked: Asked, out: Path) -> str:
    """Write the board's notice to ``out`` and ``recall/<name>.parquet`` with the touched cases; says in words what was found.

    Raises :class:`SettingsError` (exit 10) when there is nothing to call back, or ``out`` is no web page, and ``LedgerError``
    (exit 17) when the ledger is not as it was written.
    """
    place = Workspace(root)
    if out.suffix != ".html":
        raise SettingsError(f"'--out' is '{out.name}': the notice is a web page, so give a name that ends in '.html'.")
    extract = last_extract(place)
    if extract is None:
        raise SettingsError(f"'{root.name}' holds no history: give the workspace in which the lists were made.")
    manifest = extract[0]
    with hold(place):
        verified = verify_ledger(place)
        touched = find_touched(verified.nights, asked)
        cut_days = find_cut_days(place, asked) | {entry.extract_date for entry in touched}
        stop_if_nothing(verified.nights, touched, asked, cut_days)
        since = min((entry.day for entry in touched), default=date.max)
        cases = read_cases([entry for entry in verified.nights if entry.day >= since])
        later = find_later(verified.nights, asked, cut_days)
        trained = find_trained(read_trainings(place), verified.nights, asked, cut_days)
        told = trace(asked, touched, cases, read_decisions(place), later, trained)
        page = render_notice(told, authority=manifest.authority, invented=manifest.origin is not Origin.REAL, head=verified.head)
        private = place.root / "recall" / f"{asked.name}.parquet"
        write_private(private, told.cases.write_parquet)
        write_private(out, lambda beside: beside.write_text(page, encoding="utf-8"))
    families, scored = sum(told.families.values()), int(told.nights["scored"].sum())
    return (
        f"{told.nights.height} lists, {told.cases.height} cases on them ({scored} with a chance), {families} families with a "
        f"place: {out}\n"
        f"whose they are: {private}"
    )


def find_cut_days(workspace: Workspace, asked: Asked) -> set[date]:
    """Days that are called back on which the history took something in for the table."""
    taken = (day for day in extract_dates(workspace) if asked.is_of(day))
    return {day for day in taken if (workspace.history / str(asked.table) / f"{day}.parquet").exists()}


def stop_if_nothing(nights: Sequence[Entry], touched: Sequence[Entry], asked: Asked, cut_days: set[date]) -> None:
    """Raise :class:`SettingsError` when nothing was made by the model, or from these extracts."""
    if asked.table is None and not touched:
        versions = ", ".join(sorted({entry.model_version for entry in nights})) or "none"
        raise SettingsError(
            f"No list was made by model version '{asked.model_version}': versions in the ledger are {versions}. Give one of them."
        )
    if asked.table is not None and not cut_days:
        days = sorted({entry.extract_date for entry in nights if asked.table in entry.tables})
        there = f"those in the ledger are of {days[0]} to {days[-1]}" if days else "the ledger has none at all"
        raise SettingsError(
            f"No extract from '{asked.first}' to '{asked.last}' brought anything for '{asked.table}': {there}. Choose other days."
        )


def read_cases(entries: Sequence[Entry]) -> pl.DataFrame:
    """The rows of some entries, columns as in ``CASES``."""
    frames = [
        read_rows(entry)
        .with_columns(entry=pl.lit(entry.number), night=pl.lit(entry.day))
        .select(pl.col(name).cast(dtype) for name, dtype in CASES.items())
        for entry in entries
    ]
    return pl.concat([pl.DataFrame(schema=CASES), *frames])


def read_trainings(workspace: Workspace) -> list[Training]:
    """Every registered model whose run record lies in the workspace."""
    found = []
    for outcome in OUTCOMES:
        home = training_home(workspace, outcome)
        for record in sorted(home.glob("*/run.json")):
            if record.parent.name.isdigit():  # others were refused, and have made no list
                lineage = json.loads(record.read_text(encoding="utf-8")).get("lineage", {})
                found.append(Training(outcome, record.parent.name, frozenset(lineage.get("vintages_sha256", ()))))
    return found
