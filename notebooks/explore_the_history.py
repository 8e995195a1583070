# %% [markdown]
# # What is in our history, how late is it recorded, and how often do children come back?
#
# Ask this before anything is trained. A model can be no better than the history that it learns from: a table that
# begins late, or is filled in weeks after the day, or a year in which practice changed, will show up again in every
# chance.
#
# It reads the workspace that `REREFERRAL_WORKSPACE` names, or else the one that `make nightly` leaves.

# %%
import os
from datetime import timedelta
from pathlib import Path

import polars as pl

from features.catalogue import CATALOGUE
from features.episodes import cases
from features.facts import gather_facts
from features.matrix import available, build_matrix
from features.measure import Aggregate
from features.outcomes import LATE_RECORDING_DAYS, NEW_REFERRAL, label, latest_mature
from flows.vintages import extract_dates, read_archive
from flows.workspace import Workspace
from validation.contract import Table
from validation.national import ENGLAND, figures
from validation.practice import Every, measure_practice
from validation.tables.catalogue import TABLES

pl.Config(tbl_rows=-1, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, tbl_width_chars=130, fmt_str_lengths=60)
workspace = Workspace(Path(os.environ.get("REREFERRAL_WORKSPACE", "demonstration/workspace")))
history = read_archive(workspace)
extracts = extract_dates(workspace)
print(f"History from {history.window_start} to {history.extract_date}, told by {len(extracts)} extracts.")

# %% [markdown]
# ## What is in it
#
# A record that was corrected has several versions: one for each thing that the case system showed. A table that is
# not here was never supplied, and its features are left out of every model: absent is not "none".


# %%
def find_day(table: Table) -> pl.Expr:
    """The day of the event in each row; none where the table has no dates of its own."""
    own = table.happened is not None and "." not in table.happened
    return pl.col(table.happened) if own else pl.lit(None, pl.Date)


tables = {TABLES[name]: rows.with_columns(day=find_day(TABLES[name])) for name, rows in history.versions.items()}
print(
    pl.DataFrame(
        {
            "table": table.name,
            "records": rows[table.key].n_unique(),
            "versions": rows.height,
            "first day": rows["day"].min(),
            "last day": rows["day"].max(),
        }
        for table, rows in tables.items()
    )
)

# %% [markdown]
# ## How late is it recorded
#
# Only an extract that came after the first can tell: of what the first one held nobody knows when it was entered, and
# it counts as known on its day. Of each record that a later extract showed first: how many days after its day was
# that? Much that comes weeks late is missing on the night, and a table that is late all the time makes strange
# features.

# %%
late = [
    rows.drop_nulls("day")
    .group_by(table.key)
    .agg(day=pl.col("day").first(), known=pl.col("known_from").min())
    .filter(pl.col("known") > extracts[0])
    .select(table=pl.lit(table.name), days=(pl.col("known") - pl.col("day")).dt.total_days())
    for table, rows in tables.items()
]
days = pl.col("days")
told = pl.concat(late)
if told.is_empty():
    print("No extract after the first has told of anything new yet: ask again in some weeks.")
print(
    told.group_by("table")
    .agg(
        pl.len().alias("told after the first extract"),
        days.median().alias("median days late"),
        days.quantile(0.9).alias("nine in ten within"),
        (days > LATE_RECORDING_DAYS).mean().round(3).alias(f"share over {LATE_RECORDING_DAYS} days"),
    )
    .sort("table")
)

# %% [markdown]
# ## Re-referrals by year, as the Department for Education counts them
#
# Of the referrals of a year (April to March): the share that came within twelve months of another of the same child.
# It must agree with your own return. A year in which it jumped is worth a talk with practice before it is worth a
# model.

# %%
current = {name: rows.filter(pl.col("known_to").is_null()) for name, rows in history.versions.items()}
practice = measure_practice(current, history.window_start, history.extract_date, Every.YEAR)
england = figures()["re_referral_share", ENGLAND]
year = pl.col("began_on").dt.year() + 1
print(
    practice.filter(pl.col("measure") == "re_referral_share").select(
        year.alias("year to 31 March"),
        pl.col("n").alias("referrals"),
        pl.col("value").round(3).alias("re-referred"),
        year.replace_strict(england, default=None, return_dtype=pl.Float64).alias("England"),
    )
)

# %% [markdown]
# ## How soon do they come back
#
# Of the cases that closed, and that can be followed for a year since: how many had come back so many days after
# closing? Where the line still climbs at the end, a longer window would find more.

# %%
closed = cases(gather_facts(history).read("episodes"), "child").with_columns(
    days=(pl.col("began_on").shift(-1).over("child") - pl.col("closed_on")).dt.total_days()
)
followed = closed.filter(pl.col("closed_on") <= history.extract_date - timedelta(days=365 + LATE_RECORDING_DAYS))
print(
    pl.DataFrame(
        {
            "days since closing": within,
            "closed cases": followed.height,
            "came back": round((followed["days"] <= within).sum() / max(1, followed.height), 3),
        }
        for within in (28, 91, 182, 273, 365)
    )
)

# %% [markdown]
# ## What goes with coming back
#
# The cases that were open on the latest date whose outcome is complete. For each count: those with any, those with
# none, and how often each had a new referral. None of this is a cause: it is what a model would find first.

# %%
features = available(CATALOGUE, history.supplied)
date = latest_mature(NEW_REFERRAL, history.extract_date)
matrix = label(history, build_matrix(history, [date], features), NEW_REFERRAL).filter(pl.col("outcome").is_not_null())
print(f"{matrix.height} cases open on {date}; {matrix['outcome'].mean():.1%} had {NEW_REFERRAL.words}")

# %%
counts = [feature.name for feature in features if feature.aggregate is Aggregate.COUNT]
long = matrix.unpivot(counts, index="outcome", variable_name="feature", value_name="count")
any_of = pl.col("count") > 0
print(
    long.group_by("feature")
    .agg(
        any_of.sum().alias("cases with any"),
        pl.col("outcome").filter(any_of).mean().round(3).alias("came back with any"),
        pl.col("outcome").filter(~any_of).mean().round(3).alias("came back with none"),
    )
    .filter(pl.col("cases with any") >= 20)
    .sort("came back with any", "feature", descending=[True, False])
    .head(15)
)
