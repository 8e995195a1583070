"""The register keeps trainings, models and decisions in MLflow, on SQLite and on a server alike, and no row of anybody."""

import json
import sqlite3
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.definition import Direction, Family, Feature
from features.streams import CONTACTS
from models.calibration import Calibration
from models.candidate import QUICK
from models.criteria import Finding
from models.glass_box import GlassBox
from models.model import ScreeningModel, Seen, average_terms
from models.ranges import Doubt
from models.registry import Registry
from models.scorecard import Scorecard
from models.training import Trained
from validation.errors import CriterionError, ModelError, SettingsError, SourceError
from validation.extract import Origin

NAMES = ("contacts", "referrals")
LINEAGE = {"extract_date": "2025-11-24", "vintages": {"ssd_cin_episodes": "0" * 64}, "rows": 400}
DOCUMENTS = {"model_card.html": "<p>A card</p>", "shapes/contacts.svg": b"<svg/>"}
CRITERIA = "c" * 64
EVALUATION = [
    {
        "candidate": candidate,
        "train_from": "2022-10-05",
        "train_to": "2023-09-06",
        "test_from": "2024-10-30",
        "test_to": "2025-10-01",
        "rows": 400,
        "auc": auc,
        "calibration_slope": None,
        "by_month": [{"as_of": "2024-10-30", "auc": auc}, {"as_of": "2024-11-27", "auc": auc - 0.25}],
    }
    for candidate, auc in (("base_rate", 0.5), ("glass_box", 0.75))
]
DECISION: dict[str, Any] = {
    "role": "Head of Service",
    "name": "A. Person",
    "reason": "met every criterion",
    "decided_on": date(2025, 12, 1),
    "review_by": date(2026, 6, 1),
    "conditions": "an officer reads every page first",
}
RETIREMENT = {name: value for name, value in DECISION.items() if name not in ("review_by", "conditions")}


def matrix() -> pl.DataFrame:
    rng = np.random.default_rng(1)
    return pl.DataFrame({name: rng.poisson(1.5, 400).astype("float32") for name in NAMES})


def train(origin: Origin = Origin.INVENTED) -> Trained:
    features = [
        Feature(
            name, Family.CONTACTS, f"Number of {name} on record.", CONTACTS.count(), Direction.HIGHER, "{value}", "Empty: none."
        )
        for name in NAMES
    ]
    frame = matrix()
    outcome = np.random.default_rng(2).random(400) < 0.15 + 0.1 * frame["contacts"].to_numpy().clip(0, 6)
    box = GlassBox(features, 1, QUICK).fit(frame, outcome, pl.Series([f"g{row}" for row in range(400)]))
    model = ScreeningModel(
        name="glass_box",
        version="",
        outcome="new_referral_within_12_months",
        outcome_version=1,
        origin=origin,
        features=NAMES,
        tables={"ssd_cin_episodes": ("cine_person_id", "cine_referral_date")},
        trained_from=date(2022, 10, 5),
        trained_to=date(2025, 10, 1),
        estimator=box.estimator,
        calibration=Calibration(0.9, -0.1),
        averages=average_terms(box.estimator, frame, NAMES),
        importances={"contacts": 0.75, "referrals": 0.25},
        seen={name: Seen(0, 9, False) for name in NAMES},
        freshness={"ssd_cin_episodes": 12},
        inputs={"contacts": [0.5, 0.5]},
        doubt=Doubt(1.5, 0.25),
    )
    found = Finding("not below", met=True, value=0.25, limit=0, words="It is better.")
    scorecard = Scorecard(features)
    return Trained(model, EVALUATION, (), (found,), quick=True, criteria_sha256=CRITERIA, appraisal={}, scorecard=scorecard)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture
def embedded(store: Path, request: pytest.FixtureRequest) -> Registry:
    """A register of its own for each test, in one store: making the tables takes seconds."""
    return Registry(f"sqlite:///{store}/mlflow.db", f"file://{store}/artifacts", outcome=request.node.name)


@pytest.fixture(params=["sqlite", "server"])
def registry(request: pytest.FixtureRequest) -> Registry:
    """The same on SQLite, and on an MLflow server with PostgreSQL."""
    if request.param == "sqlite":
        return request.getfixturevalue("embedded")
    return Registry(request.getfixturevalue("mlflow_server"), None, outcome=request.node.originalname)


def register(registry: Registry, trained: Trained) -> str:
    with registry.training_run("retrain, quick", "a workspace") as run:
        run.log(trained, LINEAGE, DOCUMENTS)
        return run.register(trained)


def runs_of(registry: Registry) -> list[Any]:
    """All runs of this outcome, the oldest first."""
    with registry.open() as (_mlflow, client):
        experiment = client.get_experiment_by_name(registry.outcome).experiment_id
        return list(client.search_runs([experiment], order_by=["attributes.start_time ASC"]))


def shown(registry: Registry) -> tuple[dict[str, str], dict[str, str]]:
    """What MLflow's own pages say: the status of each version, and the version of each alias."""
    with registry.open() as (_mlflow, client):
        versions = client.search_model_versions(f"name = '{registry.outcome}'")
        aliases = registry.find_model(client).aliases
        return (
            {str(one.version): one.tags["status"] for one in versions if "status" in one.tags},
            {alias: str(version) for alias, version in aliases.items()},
        )


def test_an_empty_register_says_what_to_do(registry: Registry) -> None:
    with pytest.raises(ModelError, match=r"no champion model for outcome '.*': .*`rereferral promote`"):
        registry.champion()
    with pytest.raises(ModelError, match=r"no challenger .*`rereferral retrain`"):
        registry.challenger()
    with pytest.raises(ModelError, match=r"'1' .* is not registered; registered are: none"):
        registry.promote("1", criteria_sha256=CRITERIA, **DECISION)
    assert registry.decisions() == []
    assert ModelError.exit_code == 14


def test_a_training_is_kept_whole_and_its_model_comes_back_as_it_was(registry: Registry, trained: Trained) -> None:
    assert register(registry, trained) == "1"
    found = registry.challenger()
    assert (found.version, found.origin) == ("1", Origin.INVENTED)
    assert found.describe() == trained.model.describe()
    assert found.ranges(matrix()).equals(trained.model.ranges(matrix()))
    assert found.chances(matrix()).equals(trained.model.chances(matrix()))
    assert found.contributions(matrix()).equals(trained.model.contributions(matrix()))
    run, *nested = runs_of(registry)
    assert {one.info.status for one in (run, *nested)} == {"FINISHED"}
    assert [one.info.run_name for one in nested] == ["base_rate 2024-10-30", "glass_box 2024-10-30"]
    assert {one.data.tags["mlflow.parentRunId"] for one in nested} == {run.info.run_id}
    assert [one.data.metrics["auc"] for one in (run, *nested)] == [0.75, 0.5, 0.75]
    assert (run.data.params["criteria_sha256"], run.data.tags["registered"]) == (CRITERIA, "yes")
    with registry.open() as (mlflow, client):
        decay = client.get_metric_history(nested[1].info.run_id, "by_month.auc")
        assert [(point.step, point.value) for point in decay] == [(15, 0.75), (16, 0.5)]
        files = {file.path for file in client.list_artifacts(run.info.run_id)}
        assert files == {"lineage.json", "evaluation.json", "criteria.json", "features.json", "model_card.html", "shapes"}
        version = client.get_model_version(registry.outcome, "1")
        assert version.tags == {
            "status": "challenger",
            "criteria_sha256": CRITERIA,
            "origin": "invented",
            "outcome_version": "1",
            "trained_to": "2025-10-01",
        }
        kept = mlflow.models.get_model_info(f"models:/{registry.outcome}/1")
        assert kept.signature.inputs.input_names() == list(NAMES)
        assert kept._saved_input_example_info is not None


def test_decisions_make_the_champion_and_the_way_back(registry: Registry, trained: Trained) -> None:
    first, second = (register(registry, trained) for _ in range(2))
    assert registry.challenger().version == second
    registry.promote(first, criteria_sha256=CRITERIA, **DECISION)
    assert shown(registry) == ({"1": "champion", "2": "challenger"}, {"champion": "1", "challenger": "2"})
    registry.promote(second, criteria_sha256=CRITERIA, **DECISION)
    assert registry.champion().version == second
    assert shown(registry) == ({"1": "replaced", "2": "champion"}, {"champion": "2"})
    assert registry.roll_back(**DECISION | {"reason": "it was worse"}) == first
    assert registry.champion().version == first
    assert shown(registry) == ({"1": "champion", "2": "replaced"}, {"champion": "1"})
    told = {"outcome": registry.outcome, **DECISION, "decided_on": "2025-12-01", "review_by": "2026-06-01"}
    back = {**told, "number": 3, "action": "roll-back", "version": "1", "reason": "it was worse"}
    assert registry.approval() == back
    registry.retire(first, **RETIREMENT)
    with pytest.raises(ModelError, match="no champion"):
        registry.approval()
    assert registry.load(first).version == first  # to look at, not to use
    with pytest.raises(ModelError, match=rf"'{first}' .* was retired and cannot become champion"):
        registry.promote(first, criteria_sha256=CRITERIA, **DECISION)
    assert registry.decisions() == [
        {**told, "number": 1, "action": "promote", "version": "1"},
        {**told, "number": 2, "action": "promote", "version": "2"},
        back,
        {**told, "number": 4, "action": "retire", "version": "1", "review_by": None, "conditions": None},
    ]


@pytest.mark.parametrize(("fault", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_training_that_stops_says_so_and_registers_nothing(
    registry: Registry, trained: Trained, fault: type[BaseException], status: str
) -> None:
    def stop() -> None:
        with registry.training_run("retrain, quick", "a workspace") as run:
            run.log(trained, LINEAGE, DOCUMENTS)
            raise fault

    with pytest.raises(fault):
        stop()
    stopped = runs_of(registry)[-3]
    assert (stopped.info.status, stopped.data.tags["registered"]) == (status, "no")
    with pytest.raises(ModelError, match="no challenger"):
        registry.challenger()


def test_who_declines_is_kept_and_a_version_that_was_approved_is_retired_instead(embedded: Registry, trained: Trained) -> None:
    first, second = register(embedded, trained), register(embedded, trained)
    embedded.promote(first, criteria_sha256=CRITERIA, **DECISION)
    embedded.decline(second, **RETIREMENT)
    assert embedded.decisions()[-1]["action"] == "decline"
    assert shown(embedded)[0] == {"1": "champion", "2": "declined"}
    with pytest.raises(SettingsError, match="was approved before, so that declining it changes nothing"):
        embedded.decline(first, **RETIREMENT)
    assert len(embedded.decisions()) == 2


def test_a_changed_file_of_criteria_is_found_out(embedded: Registry, trained: Trained) -> None:
    version = register(embedded, trained)
    with pytest.raises(CriterionError, match="criteria were changed after training"):
        embedded.promote(version, criteria_sha256="d" * 64, **DECISION)
    assert embedded.decisions() == []


def test_what_a_killed_command_left_open_is_closed_by_the_next(embedded: Registry, trained: Trained) -> None:
    """A run that nobody ended, a decision that MLflow's pages do not show yet, a version that was not made here."""
    version = register(embedded, trained)
    with embedded.open() as (_mlflow, client):
        experiment = client.get_experiment_by_name(embedded.outcome).experiment_id
        for place in ("a workspace", "another workspace"):
            client.create_run(experiment, tags={"rereferral_workspace": place}, run_name=place)
        decision = json.dumps({"action": "promote", "version": version})
        client.set_registered_model_tag(embedded.outcome, "decision.0001.ab", decision)
        client.create_model_version(embedded.outcome, "file:///nowhere")
    assert embedded.champion().version == version
    embedded.close_abandoned("a workspace")
    left = {run.info.run_name: run.info.status for run in runs_of(embedded)[-2:]}
    assert left == {"a workspace": "KILLED", "another workspace": "RUNNING"}
    assert shown(embedded) == ({version: "champion"}, {"champion": version})
    with pytest.raises(ModelError, match=r"'2' .* is not registered; registered are: 1\."):
        embedded.promote("2", criteria_sha256=CRITERIA, **DECISION)


def test_everything_lies_in_the_workspace_and_tells_of_nobody(
    embedded: Registry, trained: Trained, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "somebody")
    monkeypatch.setattr("sys.argv", ["/home/somebody/rereferral"])
    register(embedded, replace(trained, quick=False))
    assert list(tmp_path.iterdir()) == []
    with sqlite3.connect(f"file:{store}/mlflow.db?mode=ro", uri=True) as database:
        assert "somebody" not in "".join(database.iterdump())
    database.close()
    files = [path for path in (store / "artifacts").rglob("*") if path.is_file()]
    assert not [path for path in files if b"somebody" in path.read_bytes() or path.suffix in {".parquet", ".csv", ".pkl"}]
    examples = [json.loads(path.read_text()) for path in files if path.name == "input_example.json"]
    assert examples
    assert all(example == {name: [0.0] for name in NAMES} for example in examples)


def test_the_register_is_quiet(registry: Registry, trained: Trained, capfd: pytest.CaptureFixture[str]) -> None:
    register(registry, trained)
    registry.challenger()
    told = capfd.readouterr()
    assert told.out + told.err == ""


def test_a_server_that_does_not_answer_is_named_as_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(SourceError, match="register of models does not answer"):
        Registry("http://127.0.0.1:9", None).champion()
