"""The retraining flow: history in, evaluated challenger out. A person promotes it, or does not."""

import dataclasses
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows.approvals import write_log
from flows.environment import quieten
from flows.night import open_night, open_registry
from flows.nightly import archive, check, pull, refuse
from flows.open_cases import weigh_open_cases
from flows.proxies import weigh_options, weigh_proxies
from flows.publish.board_answers import BoardFacts
from flows.publish.board_points import tell_board
from flows.publish.door import hide, let_out
from flows.publish.fairness_page import FAIRNESS_FRAME, write_fairness
from flows.publish.identity_section import tell_identity
from flows.publish.proxies_section import tell_proxies, tell_remedies
from flows.publish.quality_section import OPEN_CASES_FRAME, tell_quality
from flows.publish.run_facts import RunFacts
from flows.publish.stages_section import STAGES_FRAME
from flows.publish.tables import Section
from flows.publish.training_report import write_training_report
from flows.publish.transparency_pages import write_transparency
from flows.publish.uptake_section import UPTAKE_FRAME, tell_uptake
from flows.publish.what_changed import tell_changes
from flows.record import RunRecord, versions
from flows.retries import READ_OR_WRITE
from flows.settings import Settings, read_criteria_of, read_offers_of, read_settings
from flows.training import (
    TrainingData,
    build_training_data,
    check_signs,
    summarise,
    train_on,
    training_home,
    weigh_feedback,
    weigh_practice,
)
from flows.trainings import find_before, read_told
from flows.transparency import read_transparency_of
from flows.verdicts import monitoring_file
from flows.workspace import Workspace, hold, make_private_folder, read_tag, replace, write_json, write_private
from models.approval import settle
from models.criteria import Criteria, require_met
from models.offer_kinds import Offers
from models.open_cases import count_reasons
from models.registry import TrainingRun
from models.training import Trained

KEPT_BY_THE_TEAM = ("evaluation.json", FAIRNESS_FRAME, STAGES_FRAME, OPEN_CASES_FRAME, UPTAKE_FRAME)
"""Files of a training that hold small counts; MLflow is given the former as it may leave the team."""


@flow(name="retrain", flow_run_name="retrain on {workspace}", validate_parameters=True)
def retrain(workspace: Path, source: str | None = None, full: bool = False, registry: str | None = None) -> str:
    """Train on the workspace's history (after taking in ``source``, if given); the challenger's version is returned.

    Raises :class:`CriterionError` (exit 18) when the model misses a criterion: the training is logged, and nothing registered.
    """
    quieten()
    record = RunRecord()
    if source is not None:
        receive(source, workspace, registry, record)
    place = Workspace(workspace)
    settings, criteria = read_settings(workspace, registry=registry), read_criteria_of(workspace)
    offers, council = read_offers_of(workspace), read_transparency_of(workspace)
    with hold(place):
        models = open_registry(place, settings)
        champion = settle(models.decisions()).champion
        with models.training_run(f"retrain, {'full' if full else 'latest split'}", read_tag(place)) as run:
            data = build_data(place, settings, record)
            trained = fit(data, settings, criteria, offers.capacity, full, record)
            evaluation = weigh(data, trained, settings, record)
            proxies = guess(data, trained, settings, offers.capacity, full, record)
            made = report(place, data, trained, evaluation, proxies, offers, council, champion, record)
            log(run, data, trained, evaluation, criteria, made)
            version = register(run, data, trained, made, record)
        write_log(place, models)
    require_met(trained.findings, f"{(made.parent / version).relative_to(place.root)}/report.html")
    return version


def receive(source: str, workspace: Path, registry: str | None, record: RunRecord) -> None:
    """Take an extract into the history, through the same door as the night's."""
    extract = pull(source, record)
    refuse(extract, record)
    with open_night(extract, workspace, None, False, registry, record) as night:
        archive(night, check(night))


@task(cache_policy=NO_CACHE, **READ_OR_WRITE)
def build_data(workspace: Workspace, settings: Settings, record: RunRecord) -> TrainingData:
    """The labelled matrix of every mature date."""
    with record.step("build"):
        return build_training_data(workspace, settings.outcome)


@task(cache_policy=NO_CACHE)
def fit(data: TrainingData, settings: Settings, criteria: Criteria, capacity: int, full: bool, record: RunRecord) -> Trained:
    """Evaluate all candidates, judge them by the criteria, and fit the glass box."""
    with record.step("train"):
        return train_on(data, settings, criteria, capacity, full)


@task(cache_policy=NO_CACHE)
def weigh(data: TrainingData, trained: Trained, settings: Settings, record: RunRecord) -> dict[str, Any]:
    """``evaluation.json``: what was found, with feedback from offers, changes of practice, and the signs of reasons."""
    with record.step("feedback"):
        feedback = weigh_feedback(data, trained, settings)
    with record.step("practice"):
        practice = weigh_practice(data, trained, settings)
    with record.step("reasons"):
        reasons = check_signs(data, trained)
    seconds = {step["name"]: step["seconds"] for step in record.steps} | trained.seconds
    return summarise(data, trained) | {"feedback": feedback, "practice": practice, "reasons": reasons, "seconds": seconds}


@task(cache_policy=NO_CACHE)
def guess(
    data: TrainingData, trained: Trained, settings: Settings, capacity: int, full: bool, record: RunRecord
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """How well features tell who a child is, and what leaving the strongest out would cost (in a full training only)."""
    with record.step("proxies"):
        proxies = weigh_proxies(data, settings)
    with record.step("remedies"):
        return proxies, weigh_options(data, trained, proxies, settings, capacity, full)


@task(cache_policy=NO_CACHE, **READ_OR_WRITE)
def report(
    place: Workspace,
    data: TrainingData,
    trained: Trained,
    evaluation: Mapping[str, Any],
    proxies: tuple[pl.DataFrame, pl.DataFrame],
    offers: Offers,
    council: Mapping[str, str],
    champion: str | None,
    record: RunRecord,
) -> Path:
    """Write the reports beside the published ones; the folder is returned."""
    home = training_home(place, data.outcome.name)
    made, before = home / ".new", find_before(home, champion)
    shutil.rmtree(made, ignore_errors=True)
    make_private_folder(made / "shapes")
    with record.step("report"):
        write_json(made / "evaluation.json", evaluation)
        facts = RunFacts(
            data.manifest.authority, trained.model, let_out(evaluation), hide(data.lineage), trained.fairness, offers, council,
            read_told(before) if before else None,
        )  # fmt: skip
        changed = tell_changes(facts.before, facts.now)
        write_training_report(made, evaluation, trained.model, trained.scorecard, changed)
        write_transparency(made, facts)
        told, remedies = proxies
        monitored = os.path.relpath(monitoring_file(place, data.outcome.name, "html"), made)
        board = BoardFacts(facts, trained.stages is not None, told, remedies, monitored)
        more = [*tell_more(made, data, trained, *proxies), changed, tell_identity(facts, versions())]
        write_fairness(made, trained, data.outcome.words, offers.capacity, more, tell_board(board))
    return made


def tell_more(made: Path, data: TrainingData, trained: Trained, proxies: pl.DataFrame, remedies: pl.DataFrame) -> list[Section]:
    """Sections of the fairness report about what surrounds the model; figures behind them are left in ``made`` for the team."""
    cases, open_cases = weigh_open_cases(data.open_cases, trained.model)
    write_private(made / OPEN_CASES_FRAME, open_cases.write_parquet)
    write_private(made / UPTAKE_FRAME, data.uptake.write_parquet)
    return [
        tell_quality(open_cases, count_reasons(cases)),
        tell_uptake(data.uptake),
        *([tell_proxies(proxies)] if proxies.height else []),
        *([tell_remedies(remedies, trained.fairness)] if remedies.height else []),
    ]


@task(cache_policy=NO_CACHE, **READ_OR_WRITE)
def log(
    run: TrainingRun, data: TrainingData, trained: Trained, evaluation: Mapping[str, Any], criteria: Criteria, made: Path
) -> None:
    """Keep the training in MLflow, whether its model will be registered or not; small counts stay with the team."""
    told = let_out(evaluation)
    documents: dict[str, str | bytes] = {
        str(file.relative_to(made)): file.read_bytes()
        for file in sorted(made.rglob("*"))
        if file.is_file() and file.name not in KEPT_BY_THE_TEAM
    }
    documents |= {"evaluation.json": json.dumps(told, indent=2, ensure_ascii=False), "criteria.toml": criteria.text}
    run.log(dataclasses.replace(trained, evaluation=told["results"]), hide(data.lineage) | {"rows": told["rows"]}, documents)


@task(cache_policy=NO_CACHE)
def register(run: TrainingRun, data: TrainingData, trained: Trained, made: Path, record: RunRecord) -> str:
    """Register the model as challenger unless it misses a criterion, and publish its report either way."""
    home, met = made.parent, all(finding.met for finding in trained.findings)
    write_json(made / "run.json", record.finish("completed") | {"lineage": data.lineage})
    version = run.register(trained) if met else f"refused-{data.lineage['extract_date']}"
    final = home / version
    shutil.rmtree(final, ignore_errors=True)
    replace(made, final)
    rows = "\n".join(
        f"| {r['candidate']} | {r['test_from']} to {r['test_to']} | {r['auc']:.3f} | {r['average_precision']:.3f} |"
        for r in trained.evaluation
    )
    create_markdown_artifact(
        key="training",
        markdown=f"# Training {version}\n\n| candidate | test | AUC | average precision |\n|---|---|---|---|\n{rows}",
        description=f"How the candidates of {version} did",
    )
    return version
