# %% [markdown]
# # What did we know, and what happened?
#
# The matrix of a workspace's last mature date beside its outcome: how often cases with each kind of history came back.
# Run it with a workspace, for instance the one that `make nightly` leaves:
# `python notebooks/look_at_the_matrix.py demonstration/workspace`

# %%
import sys
from pathlib import Path

import polars as pl

from features.catalogue import CATALOGUE
from features.matrix import available, build_matrix
from features.measure import Aggregate
from features.outcomes import NEW_REFERRAL, label, latest_mature
from flows.vintages import read_archive
from flows.workspace import Workspace

workspace = Workspace(Path(sys.argv[1] if len(sys.argv) > 1 else "demonstration/workspace"))
history = read_archive(workspace)
features = available(CATALOGUE, history.supplied)
date = latest_mature(NEW_REFERRAL, history.extract_date)
matrix = label(history, build_matrix(history, [date], features), NEW_REFERRAL).filter(pl.col("outcome").is_not_null())
print(f"{matrix.height} cases open on {date}; {matrix['outcome'].mean():.1%} had {NEW_REFERRAL.words}")

# %% [markdown]
# For each count: the cases that have any, those that have none, and how often each came back.

# %%
counts = [feature.name for feature in features if feature.aggregate is Aggregate.COUNT]
long = matrix.unpivot(counts, index="outcome", variable_name="feature", value_name="count")
print(
    long.group_by("feature")
    .agg(
        any=(pl.col("count") > 0).sum(),
        returned_with_any=pl.col("outcome").filter(pl.col("count") > 0).mean().round(3),
        returned_with_none=pl.col("outcome").filter(pl.col("count") == 0).mean().round(3),
    )
    .sort("returned_with_any", descending=True, nulls_last=True)
    .head(15)
)
