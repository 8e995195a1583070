# %% [markdown]
# # Are the chances as true, and the places as fairly given, for every group of children?
#
# Sex, ethnic group and disability are never features. That alone makes nothing fair: a model that does not know a
# group can still be wrong about it, when what is recorded of its children means something else. So ask of every group
# that is on record: do as many come back as the chances say? And who gets the places?
#
# It reads the workspace that `REREFERRAL_WORKSPACE` names, or else the one that `make nightly` leaves. One to five
# families are shown as `c`, and so is every share that tells of so few.

# %%
import os
from pathlib import Path

import polars as pl

from features.groups import GROUPS
from features.outcomes import NEW_REFERRAL
from flows.publish.hidden_cells import hide_cells
from flows.settings import read_criteria_of, read_offers_of, read_settings
from flows.training import build_training_data
from flows.workspace import Workspace
from models.appraisal import measure_groups
from models.candidate import Effort
from models.evaluation import ROW, score_split
from models.fairness import ANY_SIZE, METRICS, list_sizes, measure_fairness
from models.splits import forward_splits
from validation.disclosure import HIDDEN

pl.Config(tbl_rows=-1, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, tbl_width_chars=130, fmt_str_lengths=60)
workspace = Workspace(Path(os.environ.get("REREFERRAL_WORKSPACE", "demonstration/workspace")))
settings, capacity = read_settings(workspace.root), read_offers_of(workspace.root).capacity

# %% [markdown]
# ## Chances of a year that the model had not seen
#
# The latest complete year, by glass boxes of earlier dates and other families. `EFFORT` is small, so that this runs
# in seconds; take `FULL` from `models.candidate` for an audit that counts. Every training has the same in its report,
# by the models that it evaluated.

# %%
EFFORT = Effort(bags=1, rounds=50, pairs=0)
data = build_training_data(workspace, NEW_REFERRAL.name)
split = forward_splits(data.frame["as_of"].unique(), data.outcome.days_to_maturity)[0]
scored = score_split(data.frame, data.features, split, "glass_box", settings.seed, effort=EFFORT)
print(f"{scored.height} cases and dates from {split.test_from} to {split.test_to}, of {scored['family_id'].n_unique()} families")

# %% [markdown]
# ## Group by group
#
# The same comparison as in `fairness.html` of every training (`docs/fairness.md`): on each date families stand in the
# order of the list, and intervals count families. *Here* is the figure of the group, *against* that of all other
# cases, or the average chance where returns are held beside chances; a *gap* is the one less the other, in points.
# **Not enough evidence** is no pass: *visible from* says how large a gap must be to be seen.

# %%
groups = [name for name in GROUPS if name in data.groups.columns]
measured = measure_fairness([scored], data.groups.select(*ROW, *groups), list_sizes(capacity), settings.seed)


def points(*names: str) -> list[pl.Expr]:
    """Shares in points."""
    return [(100 * pl.col(name)).round(1) for name in names]


judged = [metric.name for metric in METRICS if metric.judged]
at_list = pl.col("size").is_in([ANY_SIZE, next(iter(list_sizes(capacity)))])
shown = hide_cells(measured).filter(pl.col("metric").is_in(judged), at_list, "named")
figures = {
    "here": points("estimate")[0],
    "against": points("against")[0],
    "gap": pl.format("{} ({} to {})", *points("gap", "gap_low", "gap_high")),
    "visible from": points("smallest_visible")[0],
}
for (metric, group), rows in shown.partition_by("metric", "group", as_dict=True, maintain_order=True).items():
    print(f"\n{metric}, by {group}")
    print(
        rows.select(
            pl.col("value").alias(str(group)),
            pl.when("hidden_families").then(pl.lit(HIDDEN)).otherwise(pl.col("families").cast(pl.String)).alias("families"),
            *(
                pl.when("hidden").then(pl.lit(HIDDEN)).otherwise(figure.cast(pl.String)).alias(name)
                for name, figure in (figures | {"verdict": pl.col("verdict")}).items()
            ),
        )
    )

# %% [markdown]
# ## What the criterion says
#
# A model cannot be registered when chances and outcomes of any group lie evidently further apart than the criteria
# allow, with all groups that are large enough looked at together.

# %%
limit = read_criteria_of(workspace.root).limits["calibration", "most_group_gap"]
large = pl.DataFrame(measure_groups(scored, data.groups, settings.seed)).filter("enough")
missed = large.filter(pl.col("evident") > limit)
print(f"{missed.height} of {large.height} groups that are large enough miss the criterion of {limit:.2f}.")
if missed.height:
    print(missed.select("group", "value", pl.col("evident").round(3).alias("apart by at least")))
