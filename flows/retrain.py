"""The retraining flow: history in, evaluated challenger out. A person promotes it, or does not."""

import shutil
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from features.outcomes import NEW_REFERRAL
from flows.environment import quieten
from flows.night import open_night, open_registry
from flows.nightly import archive, check, pull, refuse
from flows.record import RunRecord
from flows.retries import READ_OR_WRITE
from flows.settings import Settings, read_settings
from flows.training import TrainingData, build_training_data, summarise
from flows.workspace import Workspace, hold, make_private_folder, replace, write_json
from models.training import Trained, train


@flow(name="retrain", flow_run_name="retrain on {workspace}", validate_parameters=True)
def retrain(workspace: Path, source: str | None = None, full: bool = False, registry: str | None = None) -> str:
    """Train on the workspace's history (after taking in ``source``, if given); the challenger's version is returned."""
    quieten()
    record = RunRecord()
    if source is not None:
        receive(source, workspace, registry, record)
    place = Workspace(workspace)
    settings = read_settings(workspace, registry=registry)
    with hold(place):
        data = build_data(place, settings, record)
        trained = fit(data, settings, full, record)
        version = register(place, settings, data, trained, record)
        report(place, data, trained, version, record)
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
def fit(data: TrainingData, settings: Settings, full: bool, record: RunRecord) -> Trained:
    """Evaluate all candidates and fit the glass box."""
    with record.step("train"):
        return train(
            data.frame,
            data.features,
            outcome=data.outcome,
            origin=data.manifest.origin,
            tables=data.tables,
            capacity=settings.capacity,
            seed=settings.seed,
            quick=not full,
        )


@task(cache_policy=NO_CACHE, **READ_OR_WRITE)
def register(place: Workspace, settings: Settings, data: TrainingData, trained: Trained, record: RunRecord) -> str:
    """Register the model as challenger, with its lineage and evaluation."""
    with record.step("register"):
        return open_registry(place, settings).record(trained, data.lineage, trained.evaluation)


@task(cache_policy=NO_CACHE, **READ_OR_WRITE)
def report(place: Workspace, data: TrainingData, trained: Trained, version: str, record: RunRecord) -> None:
    """Write ``training/<version>/`` in one rename, and say how the candidates did."""
    # Versions are counted for each outcome: another than the default has a folder of its own.
    home = place.training if data.outcome is NEW_REFERRAL else place.training / data.outcome.name
    made, final = home / f".{version}.new", home / version
    make_private_folder(made)
    write_json(made / "evaluation.json", summarise(data, trained))
    write_json(made / "run.json", record.finish("completed") | {"lineage": data.lineage})
    shutil.rmtree(final, ignore_errors=True)
    replace(made, final)
    rows = "\n".join(
        f"| {r['candidate']} | {r['test_from']} to {r['test_to']} | {r['auc']:.3f} | {r['average_precision']:.3f} |"
        for r in trained.evaluation
    )
    get_run_logger().info("challenger version %s trained on %s rows", version, data.frame.height)
    create_markdown_artifact(
        key="training",
        markdown=f"# Challenger version {version}\n\n| candidate | test | AUC | average precision |\n|---|---|---|---|\n{rows}",
        description=f"How the candidates of version {version} did",
    )
