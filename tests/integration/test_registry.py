"""The register keeps models, evaluations and decisions in MLflow on SQLite, and no row of anybody."""

import sqlite3
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
from models.model import ScreeningModel, average_terms
from models.registry import Registry
from models.training import Trained
from validation.errors import ModelError, SettingsError
from validation.extract import Origin

NAMES = ("contacts", "referrals")
LINEAGE = {"extract_date": "2025-11-24", "vintages": {"ssd_cin_episodes": "0" * 64}, "rows": 400}
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
        "by_month": [{"as_of": "2024-10-30", "auc": auc}],
    }
    for candidate, auc in (("base_rate", 0.5), ("glass_box", 0.7))
]
DECISION = {
    "role": "Head of Service",
    "name": "A. Person",
    "reason": "met every criterion",
    "decided_on": date(2025, 12, 1),
}


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
    )
    return Trained(model, EVALUATION, (), (Finding("not below", met=True, words="It is better."),), quick=True)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture
def registry(store: Path, request: pytest.FixtureRequest) -> Registry:
    """A register of its own for each test, in one store: making the tables takes seconds."""
    return Registry(f"sqlite:///{store}/mlflow.db", f"file://{store}/artifacts", outcome=request.node.name)


def test_an_empty_register_says_what_to_do(registry: Registry) -> None:
    with pytest.raises(ModelError, match=r"no champion model for outcome '.*': .*`rereferral promote`"):
        registry.champion()
    with pytest.raises(ModelError, match=r"no challenger model .*`rereferral retrain`"):
        registry.challenger()
    with pytest.raises(ModelError, match=r"'1' .* is not registered; registered are: none"):
        registry.promote("1", **DECISION)
    assert registry.decisions() == []
    assert ModelError.exit_code == 14


def test_a_recorded_model_comes_back_as_it_was(registry: Registry, trained: Trained) -> None:
    assert registry.record(trained, LINEAGE, EVALUATION) == "1"
    found = registry.challenger()
    assert (found.version, found.origin) == ("1", Origin.INVENTED)
    for name in ("name", "outcome", "features", "tables", "trained_from", "trained_to", "calibration", "averages"):
        assert getattr(found, name) == getattr(trained.model, name)
    assert found.chances(matrix()).equals(trained.model.chances(matrix()))
    assert found.contributions(matrix()).equals(trained.model.contributions(matrix()))
    with pytest.raises(ModelError):  # nobody has approved it
        registry.champion()


def test_a_champion_is_made_by_a_recorded_decision_alone(registry: Registry, trained: Trained) -> None:
    first, second = (registry.record(trained, LINEAGE, EVALUATION) for _ in range(2))
    assert registry.challenger().version == second
    registry.promote(first, **DECISION)
    assert registry.champion().version == first
    registry.promote(second, **DECISION | {"reason": "trained on a year more"})
    assert registry.champion().version == second
    with pytest.raises(ModelError):  # it has been decided on
        registry.challenger()
    assert registry.decisions() == [
        {"action": "promote", "version": first, **DECISION, "decided_on": "2025-12-01"},
        {
            "action": "promote",
            "version": second,
            **DECISION,
            "reason": "trained on a year more",
            "decided_on": "2025-12-01",
        },
    ]


def test_a_retired_model_cannot_come_back(registry: Registry, trained: Trained) -> None:
    version = registry.record(trained, LINEAGE, EVALUATION)
    registry.promote(version, **DECISION)
    registry.retire(version, **DECISION | {"reason": "a data cut was wrong"})
    with pytest.raises(ModelError, match="no champion"):
        registry.champion()
    with pytest.raises(ModelError, match=rf"'{version}' .* was retired and cannot become champion"):
        registry.promote(version, **DECISION)
    assert [decision["action"] for decision in registry.decisions()] == ["promote", "retire"]


@pytest.mark.parametrize("missing", ["role", "name", "reason"])
def test_a_decision_needs_a_person_a_role_and_a_reason(registry: Registry, missing: str) -> None:
    for act, word in ((registry.promote, "promote"), (registry.retire, "retire")):
        with pytest.raises(SettingsError, match=f"'{word}' has no {missing}"):
            act("1", **DECISION | {missing: " "})
    assert registry.decisions() == []


def test_the_evaluation_becomes_nested_runs(registry: Registry, trained: Trained, store: Path) -> None:
    registry.record(trained, LINEAGE, EVALUATION)
    with sqlite3.connect(f"file:{store}/mlflow.db?mode=ro", uri=True) as database:
        runs = read(
            database,
            "select runs.name, parents.name from runs join experiments using (experiment_id) join tags"
            " on tags.run_uuid = runs.run_uuid and tags.key = 'mlflow.parentRunId'"
            " join runs as parents on parents.run_uuid = tags.value where experiments.name = ? order by 1",
            registry.outcome,
        )
        metrics = read(
            database,
            "select runs.name, value from metrics join runs using (run_uuid) join experiments using (experiment_id)"
            " where key = 'auc' and experiments.name = ? order by 1",
            registry.outcome,
        )
    database.close()
    assert runs == [("base_rate 2024-10-30", "train 2025-10-01"), ("glass_box 2024-10-30", "train 2025-10-01")]
    assert metrics == [("base_rate 2024-10-30", 0.5), ("glass_box 2024-10-30", 0.7)]


def read(database: sqlite3.Connection, query: str, outcome: str) -> list[tuple[Any, ...]]:
    return database.execute(query, [outcome]).fetchall()


def test_everything_lies_in_the_workspace_and_holds_no_row(
    registry: Registry, trained: Trained, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    registry.record(trained, LINEAGE, EVALUATION)
    assert list(tmp_path.iterdir()) == []
    kept = {path.name for path in (store / "artifacts").rglob("*") if path.is_file()}
    assert {"lineage.json", "evaluation.json", "criteria.json", "by_month.json", "model.skops", "MLmodel"} <= kept
    assert not any("example" in name or name.endswith((".parquet", ".csv", ".pkl")) for name in kept)


def test_opening_a_register_is_quiet(registry: Registry, trained: Trained, capfd: pytest.CaptureFixture[str]) -> None:
    registry.record(trained, LINEAGE, EVALUATION)
    registry.challenger()
    shown = capfd.readouterr()
    assert shown.out + shown.err == ""
