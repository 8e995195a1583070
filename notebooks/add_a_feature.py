# %% [markdown]
# # Does a new feature help?
#
# You have an idea: contacts by health services in the last half year may say more than those of the last year, which
# the catalogue has already. Declare it, build it for every training date, and train the same model twice, with it and
# without. A feature is worth its place when the difference in average precision is above zero, and the whole of its
# interval too: one more feature always changes something.
#
# It reads the workspace that `REREFERRAL_WORKSPACE` names, or else the one that `make nightly` leaves. Nothing is
# registered.

# %%
import os
from pathlib import Path

import polars as pl

from features.definition import Direction, Family, Feature
from features.matrix import build_matrix
from features.outcomes import NEW_REFERRAL
from features.streams import CONTACTS
from flows.settings import read_settings
from flows.training import build_training_data
from flows.vintages import read_archive
from flows.workspace import Workspace
from models.candidate import Effort
from models.comparison import find_precisions
from models.evaluation import ROW, score_split
from models.splits import forward_splits

pl.Config(tbl_rows=-1, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, tbl_width_chars=130, fmt_str_lengths=60)
workspace = Workspace(Path(os.environ.get("REREFERRAL_WORKSPACE", "demonstration/workspace")))

# %% [markdown]
# ## The declaration
#
# Three lines say all: what it is, how it is computed and which way it may push, and what a worker reads. [Adding a
# feature](../docs/adding-a-feature.md) has the language, and what is refused.

# %%
new = Feature(
    "health_contacts_in_last_180_days", Family.CONTACTS, "Contacts by health services in half a year.",
    CONTACTS.where(source="Health services").count(180), Direction.HIGHER,
    "contacts by health services in half a year: {value}", "no contact by health services in half a year",
)  # fmt: skip

# %% [markdown]
# ## Its column
#
# The function that builds the matrix at night builds it for every training date, so it sees nothing that was not
# known then.

# %%
data = build_training_data(workspace, NEW_REFERRAL.name)
dates = data.frame["as_of"].unique().sort()
column = build_matrix(read_archive(workspace), dates.to_list(), [new]).select(*ROW, new.name)
frame = data.frame.join(column, on=ROW, how="left", maintain_order="left")
print(
    frame.group_by(pl.min_horizontal(new.name, 3).alias("contacts (3: or more)"))
    .agg(
        pl.len().alias("rows"),
        pl.col("family_id").n_unique().alias("families"),
        pl.col("outcome").mean().round(3).alias("came back"),
    )
    .sort("contacts (3: or more)")
)

# %% [markdown]
# ## With it and without
#
# Every row of a test year is scored by a model of earlier dates and other families. To be quick this looks at the
# latest year alone (`[:1]`), with little `EFFORT`; take all years and `FULL` from `models.candidate` before you
# believe it.

# %%
EFFORT = Effort(bags=1, rounds=50, pairs=0)
seed = read_settings(workspace.root).seed
splits = forward_splits(dates, data.outcome.days_to_maturity)[:1]
scored = {
    name: [score_split(frame, features, split, "glass_box", seed, effort=EFFORT) for split in splits]
    for name, features in {"without": data.features, "with": (*data.features, new)}.items()
}
precisions = find_precisions(scored, seed)
for name in scored:
    print(f"Average precision {name} it: {precisions.pooled(name):.3f}")

# %% [markdown]
# ## The difference
#
# Both models are measured on the same families, drawn again and again with replacement: what one family does to both
# cancels out.

# %%
overall = precisions.difference("with", "without")[0]
low, high = overall["low"], overall["high"]
print(f"Difference in average precision: {overall['difference']:+.4f} (95 % interval {low:+.4f} to {high:+.4f})")
print("It helps." if low > 0 else "It does harm." if high < 0 else "There is not enough evidence that it changes anything.")
