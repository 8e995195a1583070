"""featuretools with a cut-off time for each row: counts, days since and different values over a child's own events.

Its clock has one axis, so every record is taken as it is known now, from the day on which it happened: what it gives is not
compared. It takes minutes for what others do in a blink, so few rows are timed, and only at the smallest scale.
"""

import warnings
from pathlib import Path
from typing import Any

import polars as pl

from features.measure import LOOK_BACK_DAYS
from flows.bench.engines import measured
from flows.bench.measuring import Line
from validation.contract import Kind, Sensitivity, Table
from validation.tables.catalogue import TABLES

MOST = 25_000  # referrals that it is asked for
ROWS = 1_000


def time_featuretools(data: Path, scale: int) -> list[Line]:
    """A line for ``ROWS`` rows; none where it is not there, or the scale is large."""
    if scale > MOST:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is full of what will stop working in newer libraries
        try:
            import featuretools  # type: ignore[import-not-found]  # it lives in the environment of the peers
        except ImportError:
            print("featuretools is not there: no line for it.")
            return []
        return [_time(featuretools, data, scale)]


def _time(featuretools: Any, data: Path, scale: int) -> Line:
    entities = featuretools.EntitySet()
    children = pl.read_parquet(data / "children.parquet").select("child").to_pandas()
    entities.add_dataframe(dataframe_name="children", dataframe=children, index="child")
    for table in TABLES.values():
        if table.person and table.happened and (data / f"{table.name}.parquet").exists():
            frame = _events(data, table).to_pandas()
            entities.add_dataframe(dataframe_name=table.name, dataframe=frame, index="key", time_index="happened")
            entities.add_relationship("children", "child", table.name, "child")
    rows = pl.read_parquet(data / "rows.parquet").sample(ROWS, seed=1)
    asked = {
        "entityset": entities,
        "target_dataframe_name": "children",
        "cutoff_time": rows.select("child", time=pl.col("as_of").cast(pl.Datetime("ns"))).to_pandas(),
        "training_window": f"{LOOK_BACK_DAYS} days",
        "agg_primitives": ["count", "time_since_last", "num_unique"],
        "trans_primitives": [],
        "max_depth": 1,
    }
    shapes = []

    def work() -> None:
        matrix, _ = featuretools.dfs(**asked)
        shapes.append(matrix.shape)

    found = measured(work)
    count, columns = shapes[0]
    return Line(f"{count:,} rows, {columns} features", "featuretools", scale, **found)


def _events(data: Path, table: Table) -> pl.DataFrame:
    """A table's records as they are known now: ``key``, ``child``, ``happened`` and its codes."""
    codes = [c.name for c in table.columns if c.kind is Kind.CODE and c.sensitivity is Sensitivity.FEATURE]
    now = pl.scan_parquet(data / f"{table.name}.parquet").filter(pl.col("known_to").is_null())
    return now.select(
        pl.col(codes).cast(pl.String) if codes else [],
        key=table.key,
        child=table.person,
        happened=pl.col(table.happened or "").cast(pl.Datetime("ns")),
    ).collect()
