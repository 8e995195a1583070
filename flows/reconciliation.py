"""Our own figures beside the council's published return: for the board's page, and in the check of a night."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from flows.publish.reconciliation_page import Reconciled, render_reconciliation, say_in_short
from flows.settings import ReturnSettings
from flows.vintages import extract_dates, last_extract, read_archive
from flows.workspace import Workspace, hold, write_private
from validation.errors import ChecksError, ContractError, SettingsError
from validation.extract import Origin
from validation.gate import Gated
from validation.history import Archive
from validation.returns.comparison import Coverage, Verdict, compare_return, count_verdicts, name_lines
from validation.returns.published import read_return
from validation.returns.years import CensusYear
from validation.tables.catalogue import TABLES

SHOWN = 8  # differing figures that a message names


@dataclass(frozen=True)
class Written:
    """The page that was written, what it says in short, and the names of the figures that differ."""

    page: Path
    short: str
    differing: tuple[str, ...]


def write_reconciliation(root: Path, file: Path, year: int, page: Path | None = None) -> Written:
    """Compare the workspace's history with the return in ``file`` and write the page for the board.

    The page is ``reconciliation/<year>.html`` of the workspace unless ``page`` names another. Raises ``SettingsError`` for a file
    that cannot be opened or a year that cannot be compared, ``ContractError`` for a faulty return or a workspace without history.
    """
    published, _ = open_return(file)
    place = Workspace(root)
    with hold(place):
        extract = last_extract(place)
        if extract is None:
            raise ContractError(f"The workspace '{root.name}' holds no history: run a night first.")
        history, manifest = read_archive(place), extract[0]
        first = extract_dates(place)[0]
        coverage = Coverage(manifest.extract_rule, history.window_start, first, history.extract_date)
        compared = compare_return(newest_rows(history), published, year, coverage)
        told = Reconciled(year, manifest.authority, manifest.origin is not Origin.REAL, history.extract_date, compared)
        target = page or place.root / "reconciliation" / f"{year}.html"
        text = render_reconciliation(told)
        write_private(target, lambda beside: beside.write_text(text, encoding="utf-8"))
    return Written(target, say_in_short(compared, year), tuple(name_lines(compared, Verdict.DIFFERS)))


def newest_rows(history: Archive) -> dict[str, pl.DataFrame]:
    """Every table that was ever supplied, each row as last known; what was withdrawn is left out."""
    return {
        name: history.table(name).filter(pl.col("known_to").is_null()).select(*table.schema)
        for name, table in TABLES.items()
        if name in history.versions
    }


def check_against_return(gated: Gated, settings: ReturnSettings, root: Path) -> Mapping[str, Any]:
    """Counts and names for the run record of a night: tonight's extract beside the newest year of the return that is over.

    Nothing when no return is set. Raises ``SettingsError`` and ``ContractError`` as above; a mismatch is for
    :func:`stop_if_different`.
    """
    if settings.file is None:
        return {}
    published, digest = open_return(root / settings.file)
    manifest = gated.manifest
    years: list[int] = published["year"].unique().sort().to_list()
    year = max((year for year in years if CensusYear(year).last <= manifest.extract_date), default=years[-1])
    coverage = Coverage(manifest.extract_rule, manifest.window_start, manifest.extract_date, manifest.extract_date)
    compared = compare_return(gated.accepted, published, year, coverage)
    differing = name_lines(compared, Verdict.DIFFERS)
    return {"year": year, "sha256": digest, "verdicts": count_verdicts(compared), "differing": differing}


def stop_if_different(found: Mapping[str, Any], settings: ReturnSettings) -> None:
    """Raise :class:`ChecksError` for figures that differ, where the settings say that they stop the night."""
    if settings.stop and found.get("differing"):
        raise ChecksError(
            f"{say_differing(found['differing'])} the published return of the year to 31 March '{found['year']}' by more than "
            "the tolerance. Find out which of the two is wrong ('rereferral reconcile' makes the page); set 'returns.stop' to "
            "false if the night shall go on meanwhile."
        )


def say_differing(names: list[str] | tuple[str, ...]) -> str:
    """Which figures differ, in the first words of a sentence."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    count = "1 figure differs" if len(names) == 1 else f"{len(names)} figures differ"
    return f"{count} ({', '.join(names[:SHOWN])}{more}) from"


def open_return(file: Path) -> tuple[pl.DataFrame, str]:
    """The lines of a return and the SHA-256 of its file. Raises ``SettingsError`` when it cannot be opened."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"The return '{file.name}' cannot be opened: {error.strerror}. Name the file that holds it."
        ) from None
    return read_return(content, file.name), sha256(content).hexdigest()
