"""Decisions that come back: a team's workbook is checked against its list, and added to a log that nothing is ever changed in."""

from datetime import date
from hashlib import sha256
from pathlib import Path

import polars as pl

from flows.decision_checks import ANSWER, Compared, check_against_list, check_against_log, check_answers, find_night
from flows.erased_frames import drop_children
from flows.publish.chance_words import in_words, number
from flows.publish.night_list import NightList
from flows.publish.published import read_night
from flows.publish.workbook_answers import read_answers, refuse
from flows.workspace import Workspace, hold, write_private
from models.places import Standing
from models.team_decisions import DECIDED
from validation.erased import Children
from validation.errors import LedgerError, SettingsError

WORKBOOK = "list.xlsx"
CORRECTION = ".correction"


def import_decisions(root: Path, file: Path, imported_on: date, *, correct: bool = False) -> str:
    """Take a filled-in workbook into the log of the workspace ``root``, and say in words what was taken in.

    The workbook is the one of a published night, or its identified copy, whose case numbers are not read. All of it is taken
    in, or nothing: :class:`ContractError` (exit 11) tells of all faults together. A decision that the log holds already is
    counted and left out; one that contradicts it is taken in only to ``correct`` it: the log keeps both, and the later counts.
    Raises :class:`LedgerError` (exit 17) when the log was changed.
    """
    workspace = Workspace(root)
    if not workspace.nights.is_dir():
        raise SettingsError(f"'{root.name}' holds no night: give the workspace in which the list was made.")
    answers = read_answers(file)
    with hold(workspace):
        logged = read_decisions(workspace)
        found = find_night(answers, workspace)
        night = None if found.folder is None else read_night(found.folder)
        checked = check_answers(answers, night, found.as_of, imported_on)
        faults = [*found.faults, *checked.faults]
        if night is not None and found.folder is not None:
            held = logged.filter(night=night.as_of)
            faults += check_against_list(answers, read_answers(found.folder / WORKBOOK), night, checked.decisions, held)
            compared = check_against_log(checked.decisions, held, imported_on, correct=correct)
            faults += compared.faults
        if faults or night is None:
            raise refuse(file.name, faults)
        for told, kind in ((compared.new, ""), (compared.corrections, CORRECTION)):
            decided = _as_decided(told, night, logged, imported_on)
            if decided.height:
                _append(workspace, decided, imported_on, kind)
        return _words(night, compared, read_decisions(workspace))


def read_decisions(workspace: Workspace) -> pl.DataFrame:
    """Every decision of the log that counts, columns as in ``DECIDED``, by night, family and day; without a log no row.

    A correction takes the place of all that was told before about the family of the list.
    Raises :class:`LedgerError` (exit 17) when a file of the log is not what its name says.
    """
    names = sorted(_folder(workspace).glob("*.parquet"))
    entries = [_read(entry).with_columns(corrects=pl.lit(entry.stem.endswith(CORRECTION))) for entry in names]
    told = pl.concat([pl.DataFrame(schema=DECIDED | {"corrects": pl.Boolean()}), *entries])
    corrected_on = pl.col("imported_on").filter("corrects").max().over("night", "family_id")
    # Nothing that was told on a day is corrected on it, so what else bears the day of a correction came after it.
    return (
        told.filter((pl.col("imported_on") >= corrected_on).fill_null(value=True))
        .drop("corrects")
        .sort("night", "family_id", "decided_on", "imported_on", "decision")
    )


def find_log(workspace: Workspace, children: Children) -> list[tuple[Path, int, frozenset[str]]]:
    """The log's files that name some of the children: file, decisions about them alone, and the pseudonyms in it."""
    found = []
    for entry in sorted(_folder(workspace).glob("*.parquet")):
        decided = pl.read_parquet(entry, glob=False)
        if gone := children.among([*decided["family_id"], *decided["children"].explode()]):
            found.append((entry, decided.height - drop_children(decided, gone).height, gone))
    return found


def drop_from_log(workspace: Workspace, entry: Path, gone: frozenset[str]) -> None:
    """Write a file of the log anew without the children ``gone``: its name changes with what it holds."""
    left = drop_children(pl.read_parquet(entry, glob=False), gone)
    if left.height:
        kind = CORRECTION if entry.stem.endswith(CORRECTION) else ""
        _append(workspace, left, date.fromisoformat(entry.name[:10]), kind)
    entry.unlink()


def _folder(workspace: Workspace) -> Path:
    return workspace.root / "decisions"


def _append(workspace: Workspace, decided: pl.DataFrame, imported_on: date, kind: str) -> None:
    place = _folder(workspace) / f"{imported_on}.{_hash(decided)}{kind}.parquet"
    write_private(place, decided.write_parquet)


def _hash(decided: pl.DataFrame) -> str:
    return sha256(decided.with_columns(pl.col("children").list.join(" ")).write_csv().encode()).hexdigest()[:12]


def _read(entry: Path) -> pl.DataFrame:
    try:
        decided = pl.read_parquet(entry, glob=False)
        whole = dict(decided.schema) == DECIDED and _hash(decided) == entry.stem.removesuffix(CORRECTION).rpartition(".")[2]
    except (OSError, pl.exceptions.PolarsError):
        whole = False
    if not whole:
        raise LedgerError(
            f"The entry '{entry.name}' of the log of decisions was changed or damaged: nothing is taken in and no list is made "
            "until somebody has found out why. Put the entry back from a copy, and run this again."
        )
    return decided


def _as_decided(new: pl.DataFrame, night: NightList, logged: pl.DataFrame, imported_on: date) -> pl.DataFrame:
    """The new decisions as the log keeps them, with where the family stood on the list when it was first decided about."""
    listed = night.families.select("family_id", "children", "standing", listed_kind="kind")
    held = logged.filter(night=night.as_of).select(listed.columns)
    stood = pl.concat([held, listed.cast(held.schema)]).unique("family_id", keep="first", maintain_order=True)
    return (
        new.select("family_id", *ANSWER)
        .join(stood, on="family_id", how="left")
        .with_columns(night=pl.lit(night.as_of), imported_on=pl.lit(imported_on))
        .select(pl.col(name).cast(dtype) for name, dtype in DECIDED.items())
        .sort("family_id")
    )


def _words(night: NightList, compared: Compared, logged: pl.DataFrame) -> str:
    taken, corrected, known = compared.new.height, compared.corrections.height, compared.known
    waits = night.families.filter(pl.col("standing").is_in([Standing.PLACE, Standing.RENEW]))
    left = waits.join(logged.filter(night=night.as_of), on="family_id", how="anti").height
    put_right = f" {number(corrected, 'was', 'were')} put right." if corrected else ""
    before = f" {number(known, 'was', 'were')} known already." if known else ""
    return (
        f"{number(taken, 'decision', 'decisions')} taken in for the list of {in_words(night.as_of)}.{put_right}{before} "
        f"{number(left, 'family', 'families')} with a place, or to be renewed, not decided yet."
    )
