"""The register of models: MLflow on SQLite. The only file that knows MLflow, and it loads it when first needed.

What is kept: numbers about the training, the model, and who decided what. Never a row, an identifier or a value of a
child. One registered model per outcome; its aliases ``challenger`` and ``champion`` point at versions.
"""

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from importlib.metadata import version as installed
from typing import Any

from features.outcomes import NEW_REFERRAL
from models.calibration import Calibration
from models.model import ScreeningModel
from models.training import Trained
from validation.errors import ModelError, SettingsError
from validation.extract import Origin

CHAMPION, CHALLENGER = "champion", "challenger"
STATUS = "status"
RETIRED = "retired"
NO_USER = {"mlflow.user": "rereferral"}  # MLflow would record the operating system's user name
PACKAGES = ("interpret-core", "scikit-learn", "skops", "numpy", "polars")
TRUSTED = ("interpret.glassbox._ebm._ebm.ExplainableBoostingClassifier",)


def _load_mlflow() -> Any:
    """MLflow with its telemetry off and its chatter held back (it warns about its own type hints when imported)."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.pyfunc
        import mlflow.sklearn
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow


class Registry:
    """Models of one outcome, their evaluations, and the decisions about them.

    ``tracking_uri`` is a database URL (``sqlite:///.../mlflow.db``), ``artifact_location`` a folder as a ``file://``
    URL or path. Versions are text, as MLflow has them: "1", "2" ...
    """

    def __init__(self, tracking_uri: str, artifact_location: str, outcome: str = NEW_REFERRAL.name) -> None:
        self.outcome, self._uri, self._artifacts = outcome, tracking_uri, artifact_location

    @contextmanager
    def _open(self) -> Iterator[tuple[Any, Any]]:
        """MLflow, pointed at this register for as long as the block lasts, and a client of it."""
        mlflow = _load_mlflow()
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(self._uri)
        try:
            yield mlflow, mlflow.MlflowClient(self._uri)
        finally:
            mlflow.set_tracking_uri(before)

    def record(self, trained: Trained, lineage: Mapping[str, Any], evaluation: Sequence[Mapping[str, Any]]) -> str:
        """Register a trained model as the challenger; returns its version.

        ``lineage`` says where it comes from (dates, hashes, counts, tables and columns; no rows) and is kept as it is.
        ``evaluation`` becomes one nested run per split and candidate.
        """
        model = trained.model
        with self._open() as (mlflow, client):
            found = client.get_experiment_by_name(self.outcome)
            experiment = (
                found.experiment_id if found else client.create_experiment(self.outcome, artifact_location=self._artifacts)
            )
            with mlflow.start_run(experiment_id=experiment, run_name=f"train {model.trained_to.isoformat()}", tags=NO_USER):
                mlflow.log_dict(dict(lineage), "lineage.json")
                mlflow.log_dict({"evaluation": list(evaluation)}, "evaluation.json")
                mlflow.log_dict({"findings": [asdict(finding) for finding in trained.findings]}, "criteria.json")
                mlflow.log_params(_parameters(model))
                info = mlflow.sklearn.log_model(
                    model.estimator,
                    name="model",
                    signature=_signature(mlflow, model.features),
                    pip_requirements=[f"{package}=={installed(package)}" for package in PACKAGES],
                    serialization_format="skops",
                    skops_trusted_types=list(TRUSTED),
                    metadata=_describe(model),
                )
                for row in evaluation:
                    _log_candidate(mlflow, experiment, row)
            if not client.search_registered_models(f"name = '{self.outcome}'"):
                client.create_registered_model(self.outcome)
            made = client.create_model_version(self.outcome, info.model_uri, info.run_id, model_id=info.model_id)
            version = str(made.version)
            client.set_model_version_tag(self.outcome, version, STATUS, CHALLENGER)
            client.set_model_version_tag(self.outcome, version, "origin", model.origin.value)
            client.set_registered_model_alias(self.outcome, CHALLENGER, version)
        return version

    def promote(self, version: str, *, role: str, name: str, reason: str, decided_on: date) -> None:
        """Make ``version`` the champion by a named person's decision, which is recorded for good.

        Raises ``SettingsError`` for a decision without role, name or reason, ``ModelError`` for a version that is
        not registered or was retired.
        """
        decision = _decide("promote", version, role=role, name=name, reason=reason, decided_on=decided_on)
        with self._open() as (_mlflow, client):
            if self._status(client, version) == RETIRED:
                raise ModelError(
                    f"Version '{version}' of '{self.outcome}' was retired and cannot become champion: promote another "
                    "version, or train one with `rereferral retrain`."
                )
            before = self._version_of(client, CHAMPION)
            self._keep(client, decision)
            client.set_registered_model_alias(self.outcome, CHAMPION, version)
            client.set_model_version_tag(self.outcome, version, STATUS, CHAMPION)
            if before not in (None, version):
                client.set_model_version_tag(self.outcome, before, STATUS, "replaced")
            if self._version_of(client, CHALLENGER) == version:
                client.delete_registered_model_alias(self.outcome, CHALLENGER)

    def retire(self, version: str, *, role: str, name: str, reason: str, decided_on: date) -> None:
        """Take ``version`` out of use for good, by a named person's decision. Errors as in :meth:`promote`."""
        decision = _decide("retire", version, role=role, name=name, reason=reason, decided_on=decided_on)
        with self._open() as (_mlflow, client):
            self._status(client, version)
            self._keep(client, decision)
            client.set_model_version_tag(self.outcome, version, STATUS, RETIRED)
            for alias in (CHAMPION, CHALLENGER):
                if self._version_of(client, alias) == version:
                    client.delete_registered_model_alias(self.outcome, alias)

    def champion(self) -> ScreeningModel:
        """The approved model. Raises ``ModelError`` when there is none."""
        return self._load(CHAMPION, "approve one with `rereferral promote`")

    def challenger(self) -> ScreeningModel:
        """The latest registered model that nobody has decided on. Raises ``ModelError`` when there is none."""
        return self._load(CHALLENGER, "train one with `rereferral retrain`")

    def decisions(self) -> list[dict[str, Any]]:
        """Every decision about models of this outcome, in the order in which they were recorded."""
        with self._open() as (_mlflow, client):
            tags = self._tags(client)
        return [json.loads(value) for key, value in sorted(tags.items()) if key.startswith("decision.")]

    def _load(self, alias: str, remedy: str) -> ScreeningModel:
        with self._open() as (mlflow, client):
            version = self._version_of(client, alias)
            if version is None:
                raise ModelError(f"There is no {alias} model for outcome '{self.outcome}': {remedy}.")
            uri = f"models:/{self.outcome}/{version}"
            known = mlflow.models.get_model_info(uri).metadata
            return _restore(known, version, mlflow.sklearn.load_model(uri))

    def _tags(self, client: Any) -> dict[str, str]:
        found = client.search_registered_models(f"name = '{self.outcome}'")
        return dict(found[0].tags) if found else {}

    def _version_of(self, client: Any, alias: str) -> str | None:
        found = client.search_registered_models(f"name = '{self.outcome}'")
        version = found[0].aliases.get(alias) if found else None
        return None if version is None else str(version)

    def _status(self, client: Any, version: str) -> str:
        known = {str(item.version): item.tags for item in client.search_model_versions(f"name = '{self.outcome}'")}
        if version not in known:
            listed = ", ".join(sorted(known, key=int)) or "none"
            raise ModelError(
                f"Version '{version}' of '{self.outcome}' is not registered; registered are: {listed}. Name one of "
                "them, or train one with `rereferral retrain`."
            )
        return str(known[version][STATUS])

    def _keep(self, client: Any, decision: Mapping[str, str]) -> None:
        """Record a decision under the next free number; those before it are never touched."""
        number = 1 + sum(key.startswith("decision.") for key in self._tags(client))
        client.set_registered_model_tag(self.outcome, f"decision.{number:04d}", json.dumps(decision))


def _decide(action: str, version: str, *, role: str, name: str, reason: str, decided_on: date) -> dict[str, str]:
    for what, value in (("role", role), ("name", name), ("reason", reason)):
        if not value.strip():
            raise SettingsError(f"Decision '{action}' has no {what}: say who decides, in which role, and why.")
    return {
        "action": action,
        "version": version,
        "role": role,
        "name": name,
        "reason": reason,
        "decided_on": decided_on.isoformat(),
    }


def _parameters(model: ScreeningModel) -> dict[str, Any]:
    return {
        "outcome": f"{model.outcome}, version {model.outcome_version}",
        "origin": model.origin.value,
        "features": len(model.features),
        "trained_from": model.trained_from.isoformat(),
        "trained_to": model.trained_to.isoformat(),
        "calibration_slope": model.calibration.slope,
        "calibration_intercept": model.calibration.intercept,
        "base_chance": model.base_chance,
    }


def _log_candidate(mlflow: Any, experiment: str, row: Mapping[str, Any]) -> None:
    """One nested run: what it was trained and tested on as parameters, its numbers as metrics, its curves as points."""
    curves = {name: value for name, value in row.items() if isinstance(value, list)}
    numbers = {name: value for name, value in row.items() if isinstance(value, int | float)}
    texts = {name: value for name, value in row.items() if isinstance(value, str)}
    run_name = f"{row['candidate']} {row['test_from']}"
    with mlflow.start_run(experiment_id=experiment, run_name=run_name, nested=True, tags=NO_USER):
        mlflow.log_params(texts)
        mlflow.log_metrics(numbers)
        for name, points in curves.items():
            mlflow.log_dict({name: points}, f"{name}.json")


def _signature(mlflow: Any, features: Sequence[str]) -> Any:
    from mlflow.types import ColSpec, Schema

    inputs = Schema([ColSpec("float", name) for name in features])
    return mlflow.models.ModelSignature(inputs=inputs, outputs=Schema([ColSpec("boolean")]))


def _describe(model: ScreeningModel) -> dict[str, Any]:
    """All of a model but its estimator, as text, numbers and lists."""
    return {
        "name": model.name,
        "outcome": model.outcome,
        "outcome_version": model.outcome_version,
        "origin": model.origin.value,
        "features": list(model.features),
        "tables": {table: list(columns) for table, columns in model.tables.items()},
        "trained_from": model.trained_from.isoformat(),
        "trained_to": model.trained_to.isoformat(),
        "calibration": asdict(model.calibration),
        "averages": list(model.averages),
    }


def _restore(known: Mapping[str, Any], version: str, estimator: Any) -> ScreeningModel:
    return ScreeningModel(
        name=known["name"],
        version=version,
        outcome=known["outcome"],
        outcome_version=known["outcome_version"],
        origin=Origin(known["origin"]),
        features=tuple(known["features"]),
        tables={table: tuple(columns) for table, columns in known["tables"].items()},
        trained_from=date.fromisoformat(known["trained_from"]),
        trained_to=date.fromisoformat(known["trained_to"]),
        estimator=estimator,
        calibration=Calibration(**known["calibration"]),
        averages=tuple(known["averages"]),
    )
