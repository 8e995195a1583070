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
from flows.settings import read_criteria_of, read_offers_of, read_settings
from flows.training import build_training_data
from flows.workspace import Workspace
from models.appraisal import measure_groups
from models.candidate import Effort
from models.evaluation import ROW, score_split
from models.offers import families as order_families
from models.splits import forward_splits
from validation.disclosure import FEWEST, HIDDEN, suppress

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
# ## Who would have had a place
#
# On each date, by the rule of the night: the families with the highest chances, up to the week's capacity.

# %%
cases = scored.select(
    *ROW, "family_id", "chance", abstained=pl.lit(value=False), reason_for_abstaining=pl.lit(None, pl.String)
)  # fmt: skip
places = pl.concat(
    order_families(date, capacity, settings.seed).select("family_id", "listed", as_of=pl.lit(date["as_of"][0]))
    for date in cases.partition_by("as_of", maintain_order=True)
)

# %% [markdown]
# ## The groups, as they were known on each date
#
# The training data has them beside its rows (see `features/groups.py`). A group of its own holds those of whom it was
# not known. A table that was never supplied gives no group at all.

# %%
groups = [name for name in GROUPS if name in data.groups.columns]
known = scored.join(data.groups, on=ROW, how="left").join(places, on=["as_of", "family_id"], how="left")
family = pl.col("family_id")
listed = (
    known.with_columns(pl.col(groups).cast(pl.String))
    .unpivot(groups, index=["family_id", "outcome", "listed"], variable_name="group")
    .group_by("group", "value")
    .agg(
        pl.col("listed").mean(),
        families_listed=family.filter("listed").n_unique(),
        families_back=family.filter("outcome").n_unique(),
    )
)
measured = pl.DataFrame(measure_groups(scored, data.groups, settings.seed)).join(listed, on=["group", "value"])

# %% [markdown]
# ## Group by group
#
# *Difference* is the mean chance less the share that came back, in points; its interval is drawn from families, since
# all dates of one family tell the same story. The chances are **too high** or **too low** when the whole interval
# lies on one side of zero, and **true** when it lies within what the criteria allow on both sides. Otherwise, and in
# a group of fewer than 30 families, or 10 that came back, there is **not enough evidence**, which is no pass.
# *Listed* is the share of the group's cases that would have had a place.

# %%
LIMIT = read_criteria_of(workspace.root).limits["calibration", "most_group_gap"]
low, high = pl.col("low"), pl.col("high")
verdict = (
    pl.when(~pl.col("enough"))
    .then(pl.lit("not enough evidence"))
    .when(low > 0)
    .then(pl.lit("too high"))
    .when(high < 0)
    .then(pl.lit("too low"))
    .when((low >= -LIMIT) & (high <= LIMIT))
    .then(pl.lit("true"))
    .otherwise(pl.lit("not enough evidence"))
)


def points(name: str) -> pl.Expr:
    """A share in points."""
    return (100 * pl.col(name)).round().cast(pl.Int64)


def unless_few(shown: pl.Expr, *counts: str) -> pl.Expr:
    """What is shown, or ``c`` where it tells of one to five families."""
    few = [pl.col(name).is_between(1, FEWEST - 1) for name in ("families", *counts)]
    return pl.when(pl.any_horizontal(few)).then(pl.lit(HIDDEN)).otherwise(shown)


for group in groups:
    rows = measured.filter(pl.col("group") == group).sort(pl.col("value").cast(GROUPS[group]))
    print(
        rows.select(
            pl.col("value").alias(group),
            pl.Series("families", suppress(rows["families"].to_list())),
            unless_few(pl.format("{} %", points("mean_chance"))).alias("mean chance"),
            unless_few(pl.format("{} %", points("base_rate")), "families_back").alias("came back"),
            unless_few(pl.format("{} ({} to {})", *map(points, ("difference", "low", "high"))), "families_back").alias(
                "difference"
            ),
            unless_few(pl.format("{} %", points("listed")), "families_listed").alias("listed"),
            verdict.alias("the chances are"),
        )
    )

# %% [markdown]
# ## What the criterion says
#
# A model cannot be registered when chances and outcomes of any group lie evidently further apart than the criteria
# allow: when the end of the interval that is nearer to zero does.

# %%
evident = measured.filter("enough").with_columns(gap=pl.max_horizontal(low, -high, 0.0)).filter(pl.col("gap") > LIMIT)
print(f"{evident.height} of {measured['enough'].sum()} groups that are large enough miss the criterion of {LIMIT:.2f}.")
if evident.height:
    print(evident.select("group", "value", pl.col("gap").round(3).alias("apart by at least")))
