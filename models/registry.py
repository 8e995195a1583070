"""The register of models: MLflow on SQLite or on a server. The only file that knows MLflow, and it loads it when first needed.

What is kept: numbers about trainings, the models, and who decided what. Never a row, an identifier or a value of a
child, nor the name or the folder of the operating system's user. One experiment and one registered model per outcome.

Two calls make things count, each of them one transaction: a version counts once it is created, with its model and all its
tags; a decision once it is a tag of the registered model. The status of versions and the aliases ``challenger`` and
``champion`` repeat that for readers of MLflow. They are set right after every decision and whenever a training starts or
ends, and nothing here reads them.
"""

import json
import logging
import os
import secrets
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version as installed
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from features.outcomes import NEW_REFERRAL
from models.approval import DECLINE, PROMOTE, RETIRE, ROLL_BACK, Decision, Standing, Stop, Why, find_approval, settle
from models.logbook import Number, list_entries, list_numbers, list_parameters, list_tags, write_texts
from models.thin_steps import forget_counts
from models.watcher import watch
from validation.errors import CriterionError, ModelError, SettingsError, SourceError

if TYPE_CHECKING:  # to decide about a model or to close a run, nothing of what trains and scores has to be loaded
    from models.model import ScreeningModel
    from models.training import Trained

CHAMPION, CHALLENGER = "champion", "challenger"
STATUS, CRITERIA, REGISTERED = "status", "criteria_sha256", "registered"
WORKSPACE, TRAINING = "rereferral_workspace", "rereferral_training"  # of a run: where it was started, and one token per training
NO_USER = {"mlflow.user": "rereferral"}  # MLflow would record the operating system's user name
PACKAGES = ("interpret-core", "scikit-learn", "skops", "numpy", "polars")
TRUSTED = ("interpret.glassbox._ebm._ebm.ExplainableBoostingClassifier",)
DESCRIPTION = "description.json"
MOST_NUMBERS = 1_000  # that MLflow takes in one call
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def _load_mlflow() -> Any:
    """MLflow with its telemetry off and its chatter held back (it warns about its own type hints when imported)."""
    os.environ.update(SETTINGS)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # about 15 seconds; by default it would be minutes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.pyfunc
        import mlflow.sklearn
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow


class Registry:
    """Models of one outcome, their trainings, and the decisions about them.

    ``tracking_uri`` is a database URL (``sqlite:///.../mlflow.db``) or the address of an MLflow server;
    ``artifact_location`` a folder as a ``file://`` URL, or ``None`` to leave files to the server. Versions are text, as
    MLflow has them: "1", "2" ... Every method raises ``SourceError`` when a server does not answer.
    """

    def __init__(self, tracking_uri: str, artifact_location: str | None, outcome: str = NEW_REFERRAL.name) -> None:
        self.outcome, self._uri, self._artifacts = outcome, tracking_uri, artifact_location

    @contextmanager
    def open(self) -> Iterator[tuple[Any, Any]]:
        """MLflow, pointed at this register for as long as the block lasts, and a client of it."""
        mlflow = _load_mlflow()
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(self._uri)
        try:
            yield mlflow, mlflow.MlflowClient(self._uri)
        except mlflow.MlflowException as error:
            if "Max retries exceeded" not in str(error):
                raise
            raise SourceError(
                "The register of models does not answer at the address that 'registry' names: see that the MLflow server runs "
                "and can be reached, and run this again."
            ) from None
        finally:
            mlflow.set_tracking_uri(before)

    @contextmanager
    def training_run(self, name: str, workspace_tag: str) -> Iterator["TrainingRun"]:
        """A run in MLflow for as long as a training lasts: finished, failed, or killed when interrupted or killed.

        ``workspace_tag`` names the workspace, which trains once at a time: runs that it left behind are closed first.
        """
        self.close_abandoned(workspace_tag)
        training = secrets.token_hex(8)
        tags = NO_USER | {WORKSPACE: workspace_tag, TRAINING: training}
        with watch(tracking_uri=self._uri, outcome=self.outcome, training=training):
            with self.open() as (_mlflow, client):
                found = client.get_experiment_by_name(self.outcome)
                experiment = (
                    found.experiment_id if found else client.create_experiment(self.outcome, artifact_location=self._artifacts)
                )
                made = client.create_run(experiment, tags=tags | {REGISTERED: "no"}, run_name=name)
            run = TrainingRun(self, experiment, made.info.run_id, tags)
            status = "KILLED"
            try:
                yield run
                status = "FINISHED"
            except Exception:
                status = "FAILED"
                raise
            finally:
                with self.open() as (_mlflow, client):
                    client.set_terminated(run.id, status)

    def close_abandoned(self, workspace_tag: str) -> None:
        """Mark as killed whatever a workspace left running. To be called only while no training of it is under way."""
        self._close(WORKSPACE, workspace_tag)

    def close_training(self, training: str) -> None:
        """Mark as killed whatever one training left running."""
        self._close(TRAINING, training)

    def _close(self, tag: str, value: str) -> None:
        with self.open() as (_mlflow, client):
            found = client.get_experiment_by_name(self.outcome)
            if found is None:
                return
            self.mark(client)
            for run in client.search_runs([found.experiment_id], f"tags.{tag} = '{value}' and attributes.status = 'RUNNING'"):
                client.set_terminated(run.info.run_id, "KILLED")

    def promote(
        self,
        version: str,
        *,
        criteria_sha256: str,
        role: str,
        name: str,
        reason: str,
        conditions: str,
        decided_on: date,
        review_by: date,
    ) -> None:
        """Make ``version`` the champion by a named person's decision, which is recorded for good.

        ``criteria_sha256`` is that of the criteria in force. Raises ``SettingsError`` for a decision without role, name,
        reason, conditions or a later day of review, ``ModelError`` for a version that is not registered or was retired, and
        ``CriterionError`` when the version was trained under other criteria.
        """
        decision = Decision(PROMOTE, self.outcome, version, role, name, reason, decided_on, review_by, conditions)
        with self.open() as (_mlflow, client):
            tags = self._require(client, version)
            self._standing(client).require_usable(version, self.outcome)
            if tags[CRITERIA] != criteria_sha256:
                raise CriterionError(
                    f"Version '{version}' of '{self.outcome}' was trained under criteria '{tags[CRITERIA][:12]}', and those in "
                    f"force are '{criteria_sha256[:12]}': criteria were changed after training. Put the file back, or train "
                    "under the criteria in force with `rereferral retrain`."
                )
            self._keep(client, decision)

    def decline(self, version: str, *, role: str, name: str, reason: str, decided_on: date) -> None:
        """Keep that a named person looked at ``version`` and did not approve it. Errors as in :meth:`promote`.

        Raises ``SettingsError`` for a version that was approved before: it is retired, and not declined.
        """
        decision = Decision(DECLINE, self.outcome, version, role, name, reason, decided_on)
        with self.open() as (_mlflow, client):
            self._require(client, version)
            if version in self._standing(client).promoted:
                raise SettingsError(
                    f"Version '{version}' of '{self.outcome}' was approved before, so that declining it changes nothing: take it "
                    "out of use with `rereferral retire`."
                )
            self._keep(client, decision)

    def retire(self, version: str, *, role: str, name: str, reason: str, decided_on: date) -> None:
        """Take ``version`` out of use for good, by a named person's decision. Errors as in :meth:`promote`."""
        decision = Decision(RETIRE, self.outcome, version, role, name, reason, decided_on)
        with self.open() as (_mlflow, client):
            self._require(client, version)
            self._keep(client, decision)

    def roll_back(self, *, role: str, name: str, reason: str, conditions: str, decided_on: date, review_by: date) -> str:
        """Make the champion before this one the champion again, by a named person's decision; its version is returned.

        Raises ``ModelError`` when there is none before, or it was retired. Other errors as in :meth:`promote`.
        """
        with self.open() as (_mlflow, client):
            version = self._standing(client).way_back(self.outcome)
            decision = Decision(ROLL_BACK, self.outcome, version, role, name, reason, decided_on, review_by, conditions)
            self._keep(client, decision)
        return version

    def require(self, version: str) -> None:
        """Raise ``ModelError`` unless ``version`` is registered."""
        with self.open() as (_mlflow, client):
            self._require(client, version)

    def way_back(self) -> str:
        """The version to which :meth:`roll_back` would go; errors as there."""
        with self.open() as (_mlflow, client):
            return self._standing(client).way_back(self.outcome)

    def champion(self) -> "ScreeningModel":
        """The approved model. Raises ``ModelError`` when there is none."""
        with self.open() as (mlflow, client):
            return self._load(mlflow, self._champion(client))

    def challenger(self) -> "ScreeningModel":
        """The newest registered model, if nobody has decided on it yet. Raises ``ModelError`` otherwise."""
        with self.open() as (mlflow, client):
            version = _choose_challenger(self._versions(client), self._standing(client))
            if version is None:
                raise ModelError(f"There is no challenger for outcome '{self.outcome}': train one with `rereferral retrain`.")
            return self._load(mlflow, version)

    def load(self, version: str) -> "ScreeningModel":
        """A registered model, whatever was decided about it. Raises ``ModelError`` when it is not registered."""
        with self.open() as (mlflow, client):
            self._require(client, version)
            return self._load(mlflow, version)

    def approval(self) -> dict[str, Any]:
        """The decision that put the champion in its place: who, why, when, and by when it must be reviewed.

        Keys as in :class:`models.approval.Decision`, dates as ISO text. Raises ``ModelError`` when there is no champion.
        """
        with self.open() as (_mlflow, client):
            approval = find_approval(self._decisions(client))
        if approval is None:
            raise Stop(Why.NOT_APPROVED, self.outcome).error
        return approval

    def decisions(self) -> list[dict[str, Any]]:
        """Every decision about models of this outcome, in the order in which they were recorded."""
        with self.open() as (_mlflow, client):
            return self._decisions(client)

    def mark(self, client: Any) -> None:
        """Say in MLflow what follows from the decisions: a status for each version, and the two aliases."""
        versions, standing = self._versions(client), self._standing(client)
        for version, tags in versions.items():
            if tags[STATUS] != standing.status(version):
                client.set_model_version_tag(self.outcome, version, STATUS, standing.status(version))
        model = self.find_model(client)
        aliases = {CHAMPION: standing.champion, CHALLENGER: _choose_challenger(versions, standing)}
        for alias, named in aliases.items() if model else ():
            if named is not None:
                client.set_registered_model_alias(self.outcome, alias, named)
            elif alias in model.aliases:
                client.delete_registered_model_alias(self.outcome, alias)

    def find_model(self, client: Any) -> Any:
        """MLflow's registered model of this outcome, or ``None``."""
        return next(iter(client.search_registered_models(f"name = '{self.outcome}'")), None)

    def _decisions(self, client: Any) -> list[dict[str, Any]]:
        model = self.find_model(client)
        kept = [value for key, value in sorted(model.tags.items()) if key.startswith("decision.")] if model else []
        return [{"number": number, **json.loads(value)} for number, value in enumerate(kept, start=1)]

    def _standing(self, client: Any) -> Standing:
        return settle(self._decisions(client))

    def _keep(self, client: Any, decision: Decision) -> None:
        """Record a decision under a key of its own after those before it, which are never touched."""
        key = f"decision.{len(self._decisions(client)) + 1:04d}.{secrets.token_hex(4)}"
        client.set_registered_model_tag(self.outcome, key, json.dumps(decision.as_dict(), ensure_ascii=False))
        self.mark(client)

    def _versions(self, client: Any) -> dict[str, dict[str, str]]:
        """Registered versions and their tags. One without a status was not made here and does not count."""
        found = client.search_model_versions(f"name = '{self.outcome}'")
        return {str(item.version): dict(item.tags) for item in found if STATUS in item.tags}

    def _require(self, client: Any, version: str) -> dict[str, str]:
        """The tags of a registered version."""
        known = self._versions(client)
        if version not in known:
            listed = ", ".join(sorted(known, key=int)) or "none"
            raise ModelError(
                f"Version '{version}' of '{self.outcome}' is not registered; registered are: {listed}. Name one of "
                "them, or train one with `rereferral retrain`."
            )
        return known[version]

    def _champion(self, client: Any) -> str:
        version = self._standing(client).champion
        if version is None:
            raise Stop(Why.NOT_APPROVED, self.outcome).error
        return version

    def _load(self, mlflow: Any, version: str) -> "ScreeningModel":
        from models.model import ScreeningModel

        with TemporaryDirectory() as place:
            files = mlflow.artifacts.download_artifacts(f"models:/{self.outcome}/{version}", dst_path=place)
            described = json.loads((Path(files) / "extra_files" / DESCRIPTION).read_text(encoding="utf-8"))
            return ScreeningModel.restore(described, version, mlflow.sklearn.load_model(files))


@dataclass(frozen=True)
class TrainingRun:
    """One training while it lasts. ``tags`` are those that its runs carry, so that they can be found again."""

    registry: Registry
    experiment: str
    id: str
    tags: Mapping[str, str]

    def log(self, trained: "Trained", lineage: Mapping[str, Any], documents: Mapping[str, str | bytes]) -> None:
        """Keep parameters, numbers, findings, features and documents, and a nested run per split and candidate.

        ``lineage`` says where the training data come from (dates, hashes, counts, tables and columns; no rows).
        ``documents`` are files by name: model card, report, pictures, ``criteria.toml``.
        """
        with self.registry.open() as (mlflow, client):
            self._log(mlflow, client, self.id, list_parameters(trained), list_numbers(trained))
            _log_files(client, self.id, write_texts(trained, lineage) | dict(documents))
            for entry in list_entries(trained.evaluation):
                tags = dict(self.tags) | {"mlflow.parentRunId": self.id}
                nested = client.create_run(self.experiment, tags=tags, run_name=entry.name).info.run_id
                self._log(mlflow, client, nested, entry.parameters, entry.numbers)
                _log_files(client, nested, {f"{name}.json": json.dumps({name: points}) for name, points in entry.curves.items()})
                client.set_terminated(nested)

    def register(self, trained: "Trained") -> str:
        """Register the model as challenger; returns its version. Nothing counts until the one call that makes it."""
        model, outcome = trained.model, self.registry.outcome
        with self.registry.open() as (mlflow, client), TemporaryDirectory() as place:
            description = Path(place) / DESCRIPTION
            description.write_text(json.dumps(model.describe()), encoding="utf-8")
            logged = client.create_logged_model(self.experiment, "model", self.id, params=list_parameters(trained))
            info = mlflow.sklearn.log_model(
                forget_counts(model.estimator),
                model_id=logged.model_id,
                run_id=self.id,
                signature=_signature(mlflow, model.features),
                input_example=_invent_example(model.features),
                pip_requirements=[f"{package}=={installed(package)}" for package in PACKAGES],
                serialization_format="skops",
                skops_trusted_types=list(TRUSTED),
                extra_files=[str(description)],
            )
            if self.registry.find_model(client) is None:
                client.create_registered_model(outcome)
            tags = list_tags(trained) | {STATUS: CHALLENGER}
            made = client.create_model_version(outcome, info.model_uri, self.id, tags=tags, model_id=info.model_id)
            client.set_tag(self.id, REGISTERED, "yes")
            self.registry.mark(client)
        return str(made.version)

    @staticmethod
    def _log(mlflow: Any, client: Any, run: str, parameters: Mapping[str, str], numbers: list[Number]) -> None:
        now, entities = int(time.time() * 1000), mlflow.entities
        client.log_batch(run, params=[entities.Param(name, value) for name, value in parameters.items()])
        for first in range(0, len(numbers), MOST_NUMBERS):
            batch = numbers[first : first + MOST_NUMBERS]
            client.log_batch(run, [entities.Metric(number.name, number.value, now, number.step) for number in batch])


def _log_files(client: Any, run: str, files: Mapping[str, str | bytes]) -> None:
    with TemporaryDirectory() as place:
        for name, content in files.items():
            path = Path(place) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        client.log_artifacts(run, place)


def _choose_challenger(versions: Mapping[str, Any], standing: Standing) -> str | None:
    """The newest version, if nobody has decided on it yet."""
    newest = max(versions, key=int, default=None)
    return newest if newest is not None and standing.status(newest) == CHALLENGER else None


def _signature(mlflow: Any, features: tuple[str, ...]) -> Any:
    from mlflow.types import ColSpec, Schema

    inputs = Schema([ColSpec("float", name) for name in features])
    return mlflow.models.ModelSignature(inputs=inputs, outputs=Schema([ColSpec("boolean")]))


def _invent_example(features: tuple[str, ...]) -> Any:
    """A row of zeros: it shows what the model takes, and is nobody's."""
    import numpy as np

    return {name: np.zeros(1, dtype="float32") for name in features}
