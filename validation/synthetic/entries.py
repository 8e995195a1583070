"""When each true fact is entered: day columns that stand beside the columns of the contract.

A row is shown from ``row_from`` until (but not on) ``row_until``. A value that is revealed later is shown from its day
column on (see :func:`day_column`), and before ``until(column)`` a column shows what ``before(column)`` holds: a code that
was wrong at first, or a key that was given up. An empty ``row_until`` or ``until`` means that there is none; an empty
``row_from`` or day column that the row or value is never shown.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from validation.contract import Column, Table
from validation.cut import revealing_day
from validation.history import LONG_AGO
from validation.synthetic.habits import Habits
from validation.synthetic.world import stream
from validation.tables.catalogue import TABLES

ROW_FROM, ROW_UNTIL = "row_from", "row_until"
LONGEST_LAG = 200  # days
ONE_IN_TWENTY = 1.645  # of a standard normal
CLOSING, MADE_PLAN = "cine_close_date", "icpc_cp_plan_id"

# What was done and where: one row for each slip. ``column`` is a corrected column, ``other`` a second or former key.
SLIPS = {
    "habit": pl.String, "table": pl.String, "key": pl.String, "column": pl.String, "other": pl.String,
    "from_day": pl.Date, "until_day": pl.Date,
}  # fmt: skip
NOTHING = pl.DataFrame(schema=SLIPS)


def day_column(column: Column) -> str | None:
    """The day column of a value that is revealed after its row; ``None`` when it is known with its row."""
    if column.name == MADE_PLAN:  # a key of a row that is entered later
        return f"{MADE_PLAN}:from"
    if column.revealed_by is None:
        return None
    return f"{column.revealed_by}+{column.revealed_after_working_days}:from"


def before(column: str) -> str:
    """The hidden column of what ``column`` showed at first."""
    return f"{column}:before"


def until(column: str) -> str:
    """The hidden column of the day from which on ``column`` shows the truth."""
    return f"{column}:until"


def after(day: pl.Series, days: NDArray[np.int64]) -> pl.Series:
    """The dates ``days`` later."""
    return (day.cast(pl.Int32) + pl.Series(days, dtype=pl.Int32)).cast(pl.Date)


def tell(rows: pl.DataFrame, habit: str, table: str, **columns: str | pl.Expr) -> pl.DataFrame:
    """What was done with ``rows``, in the shape of :data:`SLIPS`: columns or expressions by its names, else empty."""
    given = {"habit": pl.lit(habit), "table": pl.lit(table)}
    given |= {name: pl.col(value) if isinstance(value, str) else value for name, value in columns.items()}
    return rows.select(given.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in SLIPS.items())


def lags(habits: Habits, purpose: str, size: int, seed: int) -> NDArray[np.int64]:
    """Days between what happened and its entry, skewed to the right."""
    if habits.median_lag == 0:
        return np.zeros(size, dtype=np.int64)
    spread = np.log((habits.long_lag + 0.5) / habits.median_lag) / ONE_IN_TWENTY
    days = habits.median_lag * np.exp(spread * stream(seed, f"lag {purpose}").standard_normal(size))
    whole: NDArray[np.int64] = np.minimum(np.rint(days), LONGEST_LAG).astype(np.int64)
    return whole


def enter(
    table: Table, frame: pl.DataFrame, parents: Mapping[str, pl.DataFrame], habits: Habits, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of a table with their day columns, and the slips: rows and closings that were entered long after.

    ``parents`` are the tables entered before; no row is entered before the row that it hangs on.
    """
    late = NOTHING
    if table.happened is None:
        frame = frame.with_columns(pl.lit(LONG_AGO).alias(ROW_FROM))
    elif "." in table.happened:
        parent, column = table.happened.split(".")
        frame = _wait_for(table, frame, parents, parent, day_column(TABLES[parent].column(column)) or ROW_FROM)
    else:
        frame, which = _with_own_day(table, frame, table.happened, habits, seed)
        for reference in table.references:
            if TABLES[reference.table].happened is not None:
                frame = _wait_for(table, frame, parents, reference.table, ROW_FROM)
        late = tell(frame.filter(which), "back_dated", table.name, key=table.key, from_day=table.happened, until_day=ROW_FROM)
    frame, closings = _with_later_days(table, frame.with_columns(pl.lit(None, pl.Date).alias(ROW_UNTIL)), habits, seed)
    return frame, pl.concat([late, closings])


def _with_own_day(table: Table, frame: pl.DataFrame, happened: str, habits: Habits, seed: int) -> tuple[pl.DataFrame, pl.Series]:
    """The day on which each row is entered, and whether that is long after. Tables that name no child have no lag."""
    rng = stream(seed, f"back-dated {table.name}")
    late = (rng.random(frame.height) < habits.back_dated) & (table.person is not None)
    wait = lags(habits, table.name, frame.height, seed) if table.person else np.zeros(frame.height, dtype=np.int64)
    wait = np.where(late, rng.integers(30, 201, size=frame.height), wait)
    return frame.with_columns(after(frame[happened], wait).alias(ROW_FROM)), pl.Series(late)


def _wait_for(table: Table, frame: pl.DataFrame, parents: Mapping[str, pl.DataFrame], parent: str, day: str) -> pl.DataFrame:
    """Rows wait for the day ``day`` of the row that they hang on; those without a day of their own take it."""
    reference = next(one.column for one in table.references if one.table == parent)
    days = parents[parent].select(pl.col(TABLES[parent].key).alias(reference), pl.col(day).alias("waits_for"))
    own = [ROW_FROM] if ROW_FROM in frame.columns else []
    return (
        frame.join(days, on=reference, how="left", maintain_order="left")
        .with_columns(pl.max_horizontal(*own, "waits_for").alias(ROW_FROM))
        .drop("waits_for")
    )


def _with_later_days(table: Table, frame: pl.DataFrame, habits: Habits, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The day columns of what is revealed later, one for all values that one date reveals, and the late closings."""
    closings = NOTHING
    for column in table.kept:
        name, day = day_column(column), revealing_day(column)
        if name is None or name in frame.columns or day is None:
            continue
        wait, late = lags(habits, name, frame.height, seed), None
        if column.revealed_by == CLOSING:
            rng = stream(seed, "late closings")
            late = rng.random(frame.height) < habits.late_closings
            wait = np.where(late, rng.integers(21, 151, size=frame.height), wait)
        entered = after(frame.select(day).to_series(), wait).alias(name)
        frame = frame.with_columns(entered).with_columns(
            pl.when(pl.col(name).is_not_null()).then(pl.max_horizontal(name, ROW_FROM)).alias(name)
        )
        if late is not None:
            told = frame.filter(pl.Series(late), pl.col(CLOSING).is_not_null())
            closings = tell(told, "late_closings", table.name, key=table.key, from_day=CLOSING, until_day=name)
    return frame, closings


def name_plans(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The conferences, which name the plan that they made only when it has been entered."""
    conferences, plans = tables["ssd_initial_cp_conference"], tables["ssd_cp_plans"]
    days = plans.select(pl.col("cppl_cp_plan_id").alias(MADE_PLAN), entered=ROW_FROM)
    day = pl.when(pl.col("entered").is_not_null()).then(pl.max_horizontal("entered", ROW_FROM))
    joined = conferences.join(days, on=MADE_PLAN, how="left", maintain_order="left")
    return joined.with_columns(day.alias(f"{MADE_PLAN}:from")).drop("entered")
