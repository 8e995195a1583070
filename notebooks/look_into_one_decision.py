# %% [markdown]
# # Why did this family get a place, and what would have changed it?
#
# A worker rings, or a parent asks. The list says a chance and its reasons; behind them the model is an exact sum, so
# that everything it went by can be told, and everything can be computed again. `PLACE` counts the
# families with a place on the last night's list, in order.
#
# It reads the workspace that `REREFERRAL_WORKSPACE` names, or else the one that `make nightly` leaves. What it prints
# is about one child: keep it as you keep the child's file.

# %%
import os
from datetime import date
from math import exp
from pathlib import Path

import polars as pl

from features.catalogue import BY_NAME
from flows import scoring
from flows.night import open_registry
from flows.publish.chance_words import after_a_quiet_year, by_other_models, in_a_sentence, in_ten
from flows.settings import read_settings
from flows.vintages import read_archive
from flows.workspace import Workspace
from models.reasons import Side

PLACE = 1

pl.Config(tbl_rows=-1, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, tbl_width_chars=130, fmt_str_lengths=80)
workspace = Workspace(Path(os.environ.get("REREFERRAL_WORKSPACE", "demonstration/workspace")))
night = workspace.latest_night()
if night is None:
    raise SystemExit("There is no published night in this workspace: run `rereferral nightly` first.")
as_of = date.fromisoformat(night.name[:10])
placed = pl.read_parquet(night / "list.parquet").filter(standing="place").sort("order")
family = placed.row(PLACE - 1, named=True)

# %% [markdown]
# ## What was decided
#
# The chance is that of the child of the family with the highest one. Its range holds the true chance in about nine of
# ten cases.

# %%
print(f"Night of {as_of}: a place for {family['kind']}, since the night of {family['listed_since']}.")
print(in_a_sentence(family["chance"], family["outcome"]))
print(f"The chance lies between {family['chance_low']:.0%} and {family['chance_high']:.0%}.")
if family["tie_band"]:
    print(f"It was in the tie band: its chance of a place under the shuffle was {family['slot_chance']:.0%}.")

# %% [markdown]
# ## The same again
#
# History as it was known that night, and the model of that night: the chance must come out the same. If it does not,
# the model was replaced since, or a child was erased.

# %%
model = open_registry(workspace, read_settings(workspace.root)).champion()
built = scoring.build(model, read_archive(workspace, up_to=as_of), as_of)
keys = ["person_id", "referral_id"]
scores = scoring.score(model, built).filter(pl.col("person_id").is_in(family["children"]))
leading = scores.sort("chance", *keys, descending=[True, False, False], nulls_last=True).head(1)
child, chance = built.matrix.join(leading, on=keys, how="semi"), leading["chance"].item()
print(
    f"Shown: {family['chance']:.4f} by version {family['model_version']}. Computed now: {chance:.4f} by version {model.version}."
)

# %% [markdown]
# ## Its reasons
#
# As the worker read them. *Times the odds* is what each one does: 1.5 makes a return half as likely again, in odds,
# as for the average case; 0.5 halves it.

# %%
reasons = pl.read_parquet(night / "reasons.parquet").join(child, on=keys, how="semi")
times = pl.col("contribution").exp().round(2).alias("times the odds")
print(reasons.select("side", "words", times))

# %% [markdown]
# ## Where all of it comes from
#
# Everything that the model went by, by family of features. With the average case they multiply to the odds of this
# one: nothing is left over.

# %%
totals = pl.read_parquet(night / "reason_totals.parquet").join(child, on=keys, how="semi").drop("as_of", *keys)
groups = totals.unpivot(variable_name="what", value_name="contribution").sort("contribution", descending=True)
print(groups.select("what", times))
log_odds = model.base_log_odds + groups["contribution"].sum()
print(f"Of average cases {in_ten(model.base_chance)} come back; the chance of this one is {1 / (1 + exp(-log_odds)):.1%}.")

# %% [markdown]
# ## What would change it
#
# First time alone: after a year in which nothing new is recorded. Then the worries, one at a time: what the model
# would say of the same child without it. That is what the model would say, not what would happen: a contact is a sign
# of something, seldom its cause.

# %%
print(after_a_quiet_year(family["chance"], family["chance_after_quiet_year"]) or "A quiet year would change little.")
worries = reasons.filter(pl.col("side") == Side.WORRY.value)
none = {name: 0 if BY_NAME[name].zero_is_none else None for name in worries["feature"]}
without = [child.with_columns(pl.lit(value, child.schema[name]).alias(name)) for name, value in none.items()]
print(
    worries.select(worry="words").with_columns(
        model.chances(pl.concat([child.clear(), *without])).round(3).alias("chance without it")
    )
)

# %% [markdown]
# ## Would another model have listed it?
#
# The model is one of many that are equally good. Each of its bags learnt from other families: where many of them
# would not have listed this family, the place hangs on chance, and the worker should know.

# %%
print(by_other_models(family["share_of_models"], family["models"]))
bags = model.bag_chances(child)[0]
print(f"By its {bags.size} bags the chance lies between {bags.min():.1%} and {bags.max():.1%}.")
