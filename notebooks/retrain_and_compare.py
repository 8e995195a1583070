# %% [markdown]
# # Is the newest model better than the humble rankers, and than the model in use?
#
# Retraining is one command, `rereferral retrain --workspace W --full`: it evaluates every candidate on every year
# that can be tested, judges the result by criteria that were written down before, and registers a challenger. Whether
# it becomes the champion is a person's decision. This reads what MLflow keeps of all that; `mlflow ui` shows the same
# runs in a browser.
#
# It reads the workspace that `REREFERRAL_WORKSPACE` names, or else the one that `make nightly` leaves.

# %%
import json
import os
from pathlib import Path
from typing import Any

import polars as pl

from flows.night import open_registry
from flows.settings import read_settings
from flows.workspace import Workspace
from models.training import CHAMPION

pl.Config(tbl_rows=-1, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, tbl_width_chars=130, fmt_str_lengths=60)
workspace = Workspace(Path(os.environ.get("REREFERRAL_WORKSPACE", "demonstration/workspace")))
registry = open_registry(workspace, read_settings(workspace.root))
PARENT = "mlflow.parentRunId"

with registry.open() as (_mlflow, client):
    experiment = client.get_experiment_by_name(registry.outcome)
    if experiment is None:
        raise SystemExit("No model was trained in this workspace: run `rereferral retrain` first.")
    runs = client.search_runs([experiment.experiment_id])
    versions = client.search_model_versions(f"name = '{registry.outcome}'")

# %% [markdown]
# ## Trainings
#
# Each training is a run; one that missed a criterion is here too, and was not registered.

# %%
trainings = [run for run in runs if PARENT not in run.data.tags]
print(
    pl.DataFrame(
        {
            "training": run.info.run_name,
            "status": run.info.status,
            "registered": run.data.tags.get("registered"),
            "trained to": run.data.params.get("trained_to"),
            "effort": run.data.params.get("effort"),
        }
        for run in trainings
    )
)

# %% [markdown]
# ## Versions, and who decided what about them
#
# Each with its own figures on the latest year that it was tested on. Versions that were tested on different years
# differ by the years, too: `rereferral evaluate --version V` measures an earlier one on the outcomes that have become
# complete since.

# %%
METRICS = ("auc", "average_precision", "calibration_error", "precision_at_capacity")


def name_metrics(run: Any) -> dict[str, float | None]:
    """The figures of a run, with names to read; one that rests on so few families that it stays with the team is empty."""
    found = run.data.metrics
    return {name.replace("_", " "): round(found[name], 3) if name in found else None for name in METRICS}


by_id = {run.info.run_id: run for run in runs}
versions = sorted(versions, key=lambda one: int(one.version))
print(
    pl.DataFrame(
        {"version": one.version, "status": one.tags["status"], "trained to": one.tags["trained_to"]}
        | name_metrics(by_id[one.run_id])
        for one in versions
    )
)
for decision in registry.decisions():
    told = "{decided_on}: {action} version {version}, by {name} ({role}): {reason}"
    print(told.format(**decision))

# %% [markdown]
# ## The candidates of the newest version
#
# A nested run for each candidate and test year. *At capacity* is the share of a year's offers that would have reached
# a family that came back: the figure that the team feels.

# %%
newest = versions[-1]
nested = [run for run in runs if run.data.tags.get(PARENT) == newest.run_id]
print(
    pl.DataFrame(
        {"candidate": run.data.params["candidate"], "test year from": run.data.params["test_from"]} | name_metrics(run)
        for run in nested
    ).sort("test year from", "average precision", descending=True)
)

# %% [markdown]
# ## What it gains, and what it costs to be a glass box
#
# The model less each other candidate, in average precision, on the same rows; intervals by drawing families again.
# Above zero against every humble ranker is what the criteria ask. Against unrestricted boosting it is the price of
# transparency.

# %%
evaluation = json.loads((workspace.training / str(newest.version) / "evaluation.json").read_text(encoding="utf-8"))
print(
    pl.DataFrame(evaluation["comparisons"])
    .filter(pl.col("split") == "all")
    .select("candidate", pl.col("difference", "low", "high").round(3))
    .sort("difference")
)
for finding in evaluation["criteria"]["findings"]:
    print(f"{'met' if finding['met'] else 'MISSED'}: {finding['words']}")

# %% [markdown]
# ## Does it last
#
# Average precision of the model in each month after the last that it was trained on. A line that falls says when to
# train again.

# %%
with registry.open() as (_mlflow, client):
    months = {
        run.data.params["test_from"]: client.get_metric_history(run.info.run_id, "by_month.average_precision")
        for run in nested
        if run.data.params["candidate"] == CHAMPION
    }
print(
    pl.DataFrame(
        {"test year from": year, "months since training": metric.step, "average precision": round(metric.value, 3)}
        for year, metrics in months.items()
        for metric in metrics
    ).sort("test year from", "months since training")
)
