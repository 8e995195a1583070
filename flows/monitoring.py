"""The monitoring flow: every list of the ledger whose outcomes are complete, held against what became of the families.

It reads the whole ledger and history, so it runs once a week; nights go by the verdicts that it leaves in
``monitoring/<outcome>.json``.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from features.cohort import build_cohort
from features.groups import GROUPS, read_groups
from features.numbering import number
from features.outcomes import OUTCOMES, Outcome, label, latest_mature
from features.people import current_ids
from flows.alerts import FAILING, TO_LOOK_INTO, raise_alert
from flows.chain import Entry, read_rows
from flows.decisions import read_decisions
from flows.environment import quieten
from flows.ledger import verify_ledger
from flows.night import open_registry
from flows.publish.monitoring_page import render_monitoring
from flows.record import RunRecord
from flows.retries import READ_OR_WRITE
from flows.settings import Settings, read_criteria_of, read_settings
from flows.verdict_history import Look, add_look, read_history, write_history
from flows.verdicts import monitoring_file
from flows.vintages import last_extract, read_archive
from flows.workspace import Workspace, hold, write_json, write_private
from models.approval import find_approval
from models.criteria import Criteria, find_easier
from models.involvement import OFFERS as OFFERED
from models.monitoring import (
    ALL,
    CASE,
    TOGETHER,
    Judged,
    Verdict,
    choose_nights,
    judge,
    mark_offered,
    measure,
    measure_order,
    measure_stability,
    pick_rows,
)
from validation.errors import ContractError, CriterionError, SettingsError
from validation.extract import Manifest, Origin
from validation.history import Archive
from validation.tables.local import OFFERS

SHOWN = ("person_id", "referral_id", "family_id", "chance", "abstained", "standing")
LEAST_KEPT = 0.5  # of families with a place, whose case stays open, from one week to the next
STABLE_WEEKS = 13  # that are looked at for how lists change
MONTHS_WITHOUT = 3  # named in a sentence


@dataclass(frozen=True)
class Monitored:
    """What monitoring found. ``frame``, ``order``, ``stability``: see :mod:`models.monitoring`; counts are true, nothing hidden.

    ``accounts``: by version, month and reason, the cases of the chosen nights: all that was shown, but for ``erased`` rows.
    ``waiting``: nights whose outcome is not complete; ``without_list``: months in which no list was made. ``drift``: by month,
    how many features had moved on its last night. ``judged``: by version.
    """

    outcome: Outcome
    manifest: Manifest
    in_use: str | None
    frame: pl.DataFrame
    order: pl.DataFrame
    stability: pl.DataFrame
    accounts: pl.DataFrame
    erased: int
    nights: int
    waiting: int
    mature: date
    without_list: Sequence[date]
    drift: Sequence[dict[str, Any]]
    judged: dict[str, Judged]
    alerts: Sequence[str]
    criteria: Criteria


@flow(name="monitor", flow_run_name="monitor {workspace}", validate_parameters=True)
def monitor(workspace: Path, registry: str | None = None) -> str:
    """Judge every version that made lists; says in words what was found.

    Raises ``SettingsError`` (exit 10) where no list was made or the history of verdicts is damaged, ``LedgerError`` (exit 17) for
    a ledger that was changed, and ``CriterionError`` (exit 18), after all is written, when the model in use misses a criterion.
    """
    quieten()
    record, place = RunRecord(), Workspace(workspace)
    settings = read_settings(workspace, registry=registry)
    with hold(place):
        before = read_history(place, settings.outcome)
        found = look(place, settings, record)
        page = report(place, found, before, date.today(), record)
    alert(found)
    verdict = found.judged.get(found.in_use or "", Judged(Verdict.NOT_ENOUGH, ()))
    if verdict.missed:
        raise CriterionError(
            f"Version '{found.in_use}' of '{found.outcome.name}' misses {len(verdict.missed)} of the criteria for its use, and "
            f"nights make no list with it. {' '.join(verdict.missed)} Read '{page.relative_to(place.root)}' and decide: "
            "`rereferral roll-back`, `rereferral retire`, or approve another with `rereferral promote`."
        )
    used = f"version {found.in_use}: {verdict.verdict}" if found.in_use else "no model is in use"
    return f"{used}; {len(found.alerts)} to look into: {page}"


@task(cache_policy=NO_CACHE, **READ_OR_WRITE)
def look(place: Workspace, settings: Settings, record: RunRecord) -> Monitored:
    """Hold what was shown against what became of it."""
    outcome, extract = OUTCOMES[settings.outcome], last_extract(place)
    if extract is None:
        raise ContractError(f"The workspace '{place.root.name}' holds no history: run a night first.")
    with record.step("ledger"):
        entries = last_of_each_night([entry for entry in verify_ledger(place).nights if is_of(entry, outcome)])
    if not entries:
        raise SettingsError(
            f"No list was made for outcome '{outcome.name}' yet, so there is nothing to look at: run a night first."
        )
    with record.step("history"):
        archive = read_archive(place)
    mature = latest_mature(outcome, archive.extract_date)
    chosen = choose_entries([entry for entry in entries if entry.day <= mature], settings.seed)
    with record.step("outcomes"):
        rows, accounts = find_rows(archive, place, chosen, outcome, settings.seed)
    with record.step("measure"):
        groups = [name for name in GROUPS if name in rows.columns]
        frame, order = measure(rows, groups), measure_order(rows, settings.seed)
        stability = measure_stability(read_weeks(entries))
    decisions = open_registry(place, settings).decisions()
    approval, criteria = find_approval(decisions), read_criteria_of(place.root)
    judged = {version: judge(frame, version, criteria.limits) for version in sorted({entry.model_version for entry in entries})}
    in_use = None if approval is None else str(approval["version"])
    drift = read_drift(place, entries)
    without = find_months_without(entries)
    return Monitored(
        outcome, extract[0], in_use, frame, order, stability, accounts,
        erased=sum(entry.rows - read_rows(entry).height for entry in chosen),
        nights=len(entries), waiting=sum(entry.day > mature for entry in entries), mature=mature, without_list=without,
        drift=drift, judged=judged, alerts=find_alerts(in_use, judged, stability, drift, without, criteria), criteria=criteria,
    )  # fmt: skip


def is_of(entry: Entry, outcome: Outcome) -> bool:
    """Do an entry's chances speak of this outcome, in this version?"""
    return bool(entry.facts["outcome"] == {"name": outcome.name, "version": outcome.version})


def last_of_each_night(entries: Sequence[Entry]) -> list[Entry]:
    """The list that was made last for each night; entries are in the order in which they were made."""
    return sorted({entry.day: entry for entry in entries}.values(), key=lambda entry: entry.day)


def choose_entries(entries: Sequence[Entry], seed: int) -> list[Entry]:
    """One night of each month and version."""
    nights = [(entry.day, entry.model_version) for entry in entries]
    drawn = choose_nights(pl.DataFrame(nights, schema={"night": pl.Date(), "version": pl.String()}, orient="row"), seed)
    chosen = set(drawn["night"])
    return [entry for entry in entries if entry.day in chosen]


def find_rows(
    archive: Archive, place: Workspace, entries: Sequence[Entry], outcome: Outcome, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The counted rows of the chosen nights with outcome, offers and groups, and what became of the others."""
    shown = read_shown(entries)
    cohort = build_cohort(archive, sorted(set(shown["as_of"])))
    known = cohort.join(shown.select(CASE), on=CASE, how="semi", maintain_order="left")
    labelled = read_groups(archive, label(archive, known, outcome))
    kept = [*CASE, "group_id", "outcome", "outside", *(name for name in GROUPS if name in labelled.columns)]
    rows, accounts = pick_rows(shown, labelled.select(kept), seed)
    return mark_offered(rows, find_offers(archive, read_decisions(place))), accounts


def read_shown(entries: Sequence[Entry]) -> pl.DataFrame:
    """What some lists showed of each case, with ``as_of``, ``month`` and ``version``."""
    schema = {name: pl.String() for name in SHOWN} | {"chance": pl.Float64(), "abstained": pl.Boolean()}
    frames = [
        read_rows(entry)
        .select(pl.col(name).cast(schema[name]) for name in SHOWN)
        .with_columns(as_of=pl.lit(entry.day, pl.Date), version=pl.lit(entry.model_version))
        for entry in entries
    ]
    empty = pl.DataFrame(schema=schema | {"as_of": pl.Date(), "version": pl.String()})
    return pl.concat([empty, *frames]).with_columns(month=pl.col("as_of").dt.truncate("1mo"))


def find_offers(archive: Archive, decided: pl.DataFrame) -> pl.DataFrame:
    """Every offer that is known by now, from the case system or the team's log: ``group_id`` (the family) and ``offered_on``."""
    on = pl.lit(archive.extract_date, pl.Date).alias("as_of")
    recorded = archive.table(OFFERS.name).select(person_id="offe_person_id", offered_on="offe_offered_date")
    logged = decided.filter(pl.col("decision").is_in(OFFERED)).select(person_id="children", offered_on="decided_on")
    made = pl.concat([recorded, logged.explode("person_id", empty_as_null=True)]).drop_nulls().unique()
    children = number(archive).children
    names = children.select(group="child", group_id="person_id")
    families = children.join(names, on="group").select(current_id="person_id", group_id="group_id")
    return current_ids(archive, made.with_columns(on)).join(families, on="current_id").select("group_id", "offered_on").unique()


def read_weeks(entries: Sequence[Entry]) -> pl.DataFrame:
    """The families on the first list of each of the latest weeks: ``week`` (its Monday), ``family_id``, ``standing``."""
    first: dict[date, Entry] = {}
    for entry in entries:
        first.setdefault(entry.day - timedelta(days=entry.day.weekday()), entry)
    frames = [
        read_rows(first[week]).select(pl.lit(week, pl.Date).alias("week"), "family_id", "standing").unique()
        for week in sorted(first)[-STABLE_WEEKS - 1 :]
    ]
    return pl.concat(frames)


def read_drift(place: Workspace, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """By month, what the run record of its last published night says of features that moved since training."""
    last: dict[str, dict[str, Any]] = {}
    for entry in entries:
        file = place.night(entry.day) / "run.json"
        if file.exists() and (told := json.loads(file.read_text(encoding="utf-8")).get("drift")):
            last[f"{entry.day:%Y-%m}"] = {
                "month": f"{entry.day:%Y-%m}",
                "moved": len(told.get("moved", [])),
                "words": told["words"],
            }
    return list(last.values())


def find_months_without(entries: Sequence[Entry]) -> list[date]:
    """Months between the first and the last list in which none was made."""
    days = pl.Series([entries[0].day.replace(day=1), entries[-1].day.replace(day=1)])
    months = pl.date_range(days[0], days[1], interval="1mo", eager=True)
    there = {entry.day.replace(day=1) for entry in entries}
    return [month for month in months if month not in there]


def find_alerts(
    in_use: str | None,
    judged: dict[str, Judged],
    stability: pl.DataFrame,
    drift: Sequence[dict[str, Any]],
    without: Sequence[date],
    criteria: Criteria,
) -> list[str]:
    """What somebody must look at, in sentences. Failing criteria of the model in use come first."""
    alerts = list(judged[in_use].missed) if in_use in judged else []
    if drift and drift[-1]["moved"]:
        alerts.append(drift[-1]["words"])
    before = int(stability["still_open"].sum())
    kept = int(stability["kept"].sum()) / before if before else 1.0
    if kept < LEAST_KEPT:
        alerts.append(f"Of families with a place whose case stayed open, {kept:.0%} still had it a week later.")
    if without:
        named = ", ".join(f"{month:%Y-%m}" for month in without[:MONTHS_WITHOUT])
        alerts.append(f"No list was made in {len(without)} months since the first one, such as {named}.")
    if easier := [words for words in find_easier(criteria) if "in use" in words]:
        alerts.append(f"Criteria for use are easier than the shipped ones: {'; '.join(easier)}.")
    return alerts


@task(cache_policy=NO_CACHE, **READ_OR_WRITE)
def report(place: Workspace, found: Monitored, before: Sequence[Look], looked_on: date, record: RunRecord) -> Path:
    """Write figures, page and verdicts, and keep the latter after those ``before``; the page's path is returned.

    The verdicts come last: nights go by them.
    """
    name = found.outcome.name
    looks = add_look(before, describe_look(found, looked_on))
    page = render_monitoring(
        found.frame, found.order, found.stability, found.accounts,
        judged=found.judged, in_use=found.in_use, alerts=found.alerts, drift=found.drift, outcome=found.outcome.words,
        authority=found.manifest.authority, invented=found.manifest.origin is not Origin.REAL, nights=found.nights,
        waiting=found.waiting, mature=found.mature, without_list=found.without_list, erased=found.erased, looks=looks,
    )  # fmt: skip
    write_private(monitoring_file(place, name, "parquet"), found.frame.write_parquet)
    write_private(monitoring_file(place, name, "html"), lambda beside: beside.write_text(page, encoding="utf-8"))
    write_history(place, name, looks)
    record.note(**describe(found))
    write_json(monitoring_file(place, name, "json"), record.finish("completed"))
    return monitoring_file(place, name, "html")


def describe_look(found: Monitored, looked_on: date) -> Look:
    """What is kept of a look for good: verdicts, and the names of the criteria that were missed; it counts nobody."""
    return {
        "looked_on": looked_on.isoformat(),
        "extract_date": found.manifest.extract_date.isoformat(),
        "complete_up_to": found.mature.isoformat(),
        "criteria_sha256": found.criteria.sha256,
        "in_use": found.in_use,
        "models": {
            version: {
                "verdict": judged.verdict.value,
                "missed": [finding.criterion for finding in judged.findings if not finding.met],
            }
            for version, judged in found.judged.items()
        },
    }


def describe(found: Monitored) -> dict[str, Any]:
    """``monitoring/<outcome>.json``: verdicts, alerts and counts, see ``docs/monitoring.md``."""
    accounts = found.accounts.group_by("reason").agg(pl.col("cases").sum()).sort("reason")
    return {
        "outcome": {"name": found.outcome.name, "version": found.outcome.version},
        "extract_date": found.manifest.extract_date,
        "complete_up_to": found.mature,
        "criteria_sha256": found.criteria.sha256,
        "in_use": found.in_use,
        "models": {
            version: {
                "verdict": judged.verdict.value,
                "missed": list(judged.missed),
                "words": [finding.words for finding in judged.findings],
                "findings": [asdict(finding) for finding in judged.findings],
                "latest_months": found.frame.filter(version=version, look=TOGETHER, who=ALL).to_dicts(),
            }
            for version, judged in found.judged.items()
        },
        "alerts": list(found.alerts),
        "nights": found.nights,
        "nights_not_complete_yet": found.waiting,
        "months_without_list": list(found.without_list),
        "cases": dict(accounts.iter_rows()) | {"erased": found.erased},
        "drift": list(found.drift),
        "stability": found.stability.to_dicts(),
    }


@task(cache_policy=NO_CACHE)
def alert(found: Monitored) -> None:
    """Say what must be looked at, as events and as an artifact."""
    missed = found.judged[found.in_use].missed if found.in_use in found.judged else ()
    if missed:
        raise_alert(FAILING, found.outcome.name, found.in_use, missed)
    if others := [words for words in found.alerts if words not in missed]:
        raise_alert(TO_LOOK_INTO, found.outcome.name, found.in_use, others)
    lines = [f"- version {version}: {judged.verdict}" for version, judged in found.judged.items()]
    lines += [f"- to look into: {words}" for words in found.alerts]
    create_markdown_artifact(key="monitoring", markdown="# Models in use\n\n" + "\n".join(lines), description="Models in use")
