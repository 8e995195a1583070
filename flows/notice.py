"""What is held of one child, gathered for its family: rows, scores, reasons and decisions, and nothing about anybody else."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.catalogue import BY_NAME
from features.outcomes import OUTCOMES
from flows.chain import Entry, read_rows
from flows.decisions import read_decisions
from flows.erasure import open_held
from flows.erasure_nights import find_nights, find_set_aside
from flows.ledger import verify_ledger
from flows.opt_out import read_wishes
from flows.publish.notice_page import Approved, Decided, Kept, Notice, Replayed, Run, Wish, render_notice
from flows.publish.published import ABOUT
from flows.replay import read_replays
from flows.tombstones import check_child, read_erased
from flows.vintages import current_links, last_extract, read_archive
from flows.workspace import Workspace, hold, write_private
from validation.codes import codes
from validation.erased import Children, Traces, follow, trace
from validation.errors import SettingsError
from validation.extract import Origin
from validation.history import Archive
from validation.tables.catalogue import TABLES
from validation.tables.local import PERSON_LINKS

SCORES = {
    "night": pl.Date(),
    "at": pl.Int64(),
    "chance": pl.Float64(),
    "reason_for_abstaining": pl.String(),
    "standing": pl.String(),
    "kind": pl.String(),
    "model_version": pl.String(),
    "outcome": pl.String(),
}
"""What the ledger shows of one child on each night; ``at`` is the place of the night among all nights."""


def write_notice(root: Path, child: str, out: Path, today: date) -> str:
    """Write the page for the family of a child to ``out``; says where.

    Raises :class:`SettingsError` (exit 10) for what is no pseudonym, a child that is not in the workspace or was erased, and a
    page that would lie inside the workspace; ``LedgerError`` (exit 17) when the ledger is not as it was written.
    """
    check_child(child)
    place = open_held(root)
    if out.suffix != ".html" or out.resolve().is_relative_to(root.resolve()):
        raise SettingsError(f"'--out' is '{out.name}': give a name that ends in '.html', outside the workspace.")
    with hold(place):
        if child in read_erased(place):
            raise SettingsError("'--child' was erased from this workspace: nothing is held of this child any more.")
        page = render_notice(gather_notice(place, child, today))
        write_private(out, lambda beside: beside.write_text(page, encoding="utf-8"))
    return str(out)


def gather_notice(workspace: Workspace, child: str, today: date) -> Notice:
    """Everything that the page tells. Raises :class:`SettingsError` (exit 10) when nothing is held of the child."""
    names = follow({child}, current_links(workspace))
    history, newest = read_archive(workspace), last_extract(workspace)
    kept = find_kept(history, names)
    nights = verify_ledger(workspace).nights
    scores = read_scores(nights, names)
    if newest is None or (not kept and scores.is_empty()):
        raise SettingsError("'--child' is not in this workspace: nothing is held of such a child. Look the pseudonym up again.")
    manifest = newest[0]
    return Notice(
        authority=manifest.authority,
        invented=manifest.origin is not Origin.REAL,
        reference=child[:8],
        written_on=today,
        extract_date=manifest.extract_date,
        kept=kept,
        kept_out=count_set_aside(workspace, names),
        lists=len({entry.day for entry in nights}),
        runs=[tell_run(workspace, run, names) for run in split_runs(scores)],
        decided=find_decided(read_decisions(workspace), names),
        approved=find_approved(workspace, scores),
        wishes=[Wish(date.fromisoformat(wish["noted_on"]), wish["scored"]) for wish in read_wishes(workspace, names)],
        replays=[
            Replayed(date.fromisoformat(one["noted_on"]), date.fromisoformat(one["night"]), one["shown"], one["now"])
            for one in read_replays(workspace, names)
        ],
    )


def find_kept(history: Archive, names: frozenset[str]) -> list[Kept]:
    """Records of each table that are held of a child, and the days of the first and the last."""
    traces = trace(history.versions, Children.of(names), PERSON_LINKS.empty())
    found = []
    for name, table in TABLES.items():
        rows = history.table(name).filter(traces.are_in(table))
        if rows.is_empty():
            continue
        dated = table.happened is not None and "." not in table.happened
        days = rows[table.happened].drop_nulls() if dated and table.happened else pl.Series(dtype=pl.Date)
        changed = rows.height - rows[table.key].n_unique()
        first, last = (days.min(), days.max()) if days.len() else (None, None)
        found.append(Kept(name, rows[table.key].n_unique(), first, last, changed))  # type: ignore[arg-type]
    return found


def count_set_aside(workspace: Workspace, names: frozenset[str]) -> int:
    """Rows of a child that were kept out on published nights because of an error; a row counts for each such night."""
    traces = Traces(names)  # a row of factors that was kept out names no child, and is not counted
    return sum(
        pl.read_parquet(file, glob=False).height - stay.height
        for folder in find_nights(workspace)
        for file, stay in find_set_aside(folder, traces).items()
    )


def read_scores(nights: Sequence[Entry], names: frozenset[str]) -> pl.DataFrame:
    """What the ledger shows of a child, columns as in ``SCORES``; of a night that has several entries, the last."""
    newest = {entry.day: entry for entry in nights}
    frames = [pl.DataFrame(schema=SCORES)]
    for at, (day, entry) in enumerate(sorted(newest.items())):
        rows = read_rows(entry).filter(pl.col("person_id").is_in(sorted(names)))
        missing = [pl.lit(None, dtype).alias(name) for name, dtype in SCORES.items() if name not in rows.columns]
        told = rows.with_columns(*missing).with_columns(night=pl.lit(day), at=pl.lit(at))
        frames.append(told.select(pl.col(name).cast(dtype) for name, dtype in SCORES.items()))
    return pl.concat(frames).sort("night")


def split_runs(scores: pl.DataFrame) -> list[pl.DataFrame]:
    """Nights in a row on which the same was said of the child: a run ends when a list shows something else, or no case of it."""
    same = ("band", "reason_for_abstaining", "standing", "kind", "model_version")
    rows = scores.with_columns(band=(pl.col("chance") * 10 + 0.5).floor())
    new = pl.any_horizontal(pl.col("at").diff() != 1, *(pl.col(name).ne_missing(pl.col(name).shift()) for name in same))
    return rows.with_columns(run=new.fill_null(value=True).cum_sum()).drop("band").partition_by("run", include_key=False)


def tell_run(workspace: Workspace, run: pl.DataFrame, names: frozenset[str]) -> Run:
    """One run, with the reasons of its last night: they change a little from day to day."""
    first, last = run.row(0, named=True), run.row(-1, named=True)
    kinds = codes("offer_kind")
    return Run(
        first=first["night"],
        last=last["night"],
        lists=run.height,
        chance=last["chance"],
        outcome=OUTCOMES[last["outcome"]].words if last["outcome"] in OUTCOMES else "a new referral",
        why_not=last["reason_for_abstaining"],
        standing=last["standing"],
        kind=kinds[last["kind"]].label if last["kind"] in kinds else "",
        model_version=last["model_version"],
        reasons=read_reasons(workspace.night(last["night"]), names),
    )


def read_reasons(folder: Path, names: frozenset[str]) -> dict[str, list[str]] | None:
    """The reasons of a child on one night by side, the weightiest first; ``None`` when that night is not kept any more.

    What is on record of brothers and sisters is theirs: that it counted is said, and not what it is.
    """
    file = folder / "reasons.parquet"
    if not file.exists():
        return None
    rows = pl.read_parquet(file, glob=False).filter(pl.col("person_id").is_in(sorted(names)))
    of_others = [name for name in rows["feature"].unique() if name in BY_NAME and BY_NAME[name].of_siblings]
    told = rows.sort("rank", "feature").with_columns(words=pl.when(~pl.col("feature").is_in(of_others)).then("words"))
    found: dict[str, list[str]] = {}
    for side, words in told.select("side", "words").iter_rows():
        said = found.setdefault(side, [])
        text = words or Notice.OF_OTHERS
        said += [] if text in said else [text]
    return found


def find_decided(log: pl.DataFrame, names: frozenset[str]) -> list[Decided]:
    """What people decided about the family of a child."""
    kinds = codes("offer_kind")
    ours = pl.col("children").list.eval(pl.element().is_in(sorted(names))).list.any() | pl.col("family_id").is_in(sorted(names))
    return [
        Decided(
            row["night"],
            row["decided_on"],
            row["decision"],
            kinds[row["kind"]].label if row["kind"] in kinds else "",
            row["reason"],
            row["role"],
        )
        for row in log.filter(ours.fill_null(value=False)).sort("decided_on", "night").iter_rows(named=True)
    ]


def find_approved(workspace: Workspace, scores: pl.DataFrame) -> list[Approved]:
    """The models that a child was scored by, and who approved each, as the lists themselves say."""
    last = scores.filter(pl.col("chance").is_not_null()).group_by("model_version").agg(pl.col("night").max()).sort("night")
    found = []
    for version, night in last.iter_rows():
        about = _read_about(workspace.night(night))
        approval = about.get("approval", {})
        day = approval.get("decided_on")
        found.append(
            Approved(version or "", about.get("model", ""), approval.get("role", ""), date.fromisoformat(day) if day else None)
        )
    return found


def _read_about(folder: Path) -> dict[str, Any]:
    file = folder / ABOUT
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
