"""The floor, which no engine can do without: scan the columns, sort every stream once by child and day, write a matrix.

A stream is a table, one of its dates, and whose events they are: the child's, or the family's. Nothing is looked up, counted or
put together: the matrix that is written was made by another engine and lies in memory before the clock starts.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from features.definition import Feature
from features.measure import Whose
from features.stream import Source, Stream
from flows.bench.feature_sets import grouped, named

SHIFT = 2**15


class Floor:
    """The work that is left when all thinking is taken out. ``matrix`` is what gets written."""

    def __init__(self, matrix: Path) -> None:
        """Read the matrix: outside the time taken."""
        self.matrix = pl.read_parquet(matrix)

    def build(self, data: Path, rows: str, features: Sequence[Feature], out: Path) -> None:
        """Scan, sort and write."""
        index = pl.read_parquet(data / f"{rows}.parquet")
        index.select(key=pl.col("child").cast(pl.Int64) * SHIFT + pl.col("as_of").to_physical()).sort("key")
        for stream, whose in grouped(named(features)):
            if stream.source not in {Source.CASE, Source.SIBLINGS}:
                _sorted(data, stream, whose).collect(engine="in-memory")
        self.matrix.write_parquet(out, compression="zstd")


def _sorted(data: Path, stream: Stream, whose: Whose) -> pl.LazyFrame:
    """The versions of a stream's events with their columns, by the key of whom they are about and the day."""
    table = stream.table
    person, happened = table.person or "cinf_assessment_id", stream.happened
    if table.person is None:
        happened = "known_from"  # their own day lies in the table of assessments, which another stream scans
    owner = pl.col(person).cast(pl.Int64)
    columns = [name for name in stream.columns if name != happened]
    if whose is Whose.SIBLINGS:
        owner = owner // 2  # the number of the family, as good as
    key = (owner * SHIFT + pl.col(happened).to_physical()).alias("key")
    scanned = pl.scan_parquet(data / f"{table.name}.parquet").filter(pl.col(happened).is_not_null())
    return scanned.select(key, *columns).sort("key")
