"""Do two engines give the same matrix?"""

from pathlib import Path

import polars as pl

SAMPLE = 10_000
RELATIVE, ABSOLUTE = 1e-5, 1e-3  # sums of floats in another order; slopes of points that are close together


def scan(matrix: Path) -> pl.LazyFrame:
    """A matrix that was written as one file or as a folder of parts."""
    return pl.scan_parquet(matrix / "*.parquet" if matrix.is_dir() else matrix)


def differences(matrices: dict[str, Path], seed: int = 1) -> tuple[int, dict[str, list[str]]]:
    """How many rows were compared, and for each engine but the first the features that differ from the first's, or their types.

    At most ``SAMPLE`` rows are compared, the same for all.
    """
    first, *others = matrices
    rows = scan(matrices[first]).select("row").collect()["row"]
    rows = rows.sample(min(SAMPLE, len(rows)), seed=seed).sort()
    expected = _rows(matrices[first], rows)
    found = {}
    for engine in others:
        given = _rows(matrices[engine], rows)
        missing = set(expected.columns) ^ set(given.columns)
        shared = [name for name in expected.columns if name in given.columns]
        found[engine] = sorted(missing) + [name for name in shared if not _same(expected[name], given[name])]
    return len(rows), found


def _rows(matrix: Path, rows: pl.Series) -> pl.DataFrame:
    return scan(matrix).filter(pl.col("row").is_in(rows.implode())).sort("row").collect()


def _same(left: pl.Series, right: pl.Series) -> bool:
    """Equal types and values, empty where the other is; numbers with decimals may differ in the last places."""
    if left.dtype != right.dtype or len(left) != len(right) or not (left.is_null() == right.is_null()).all():
        return False
    apart = (left.cast(pl.Float64) - right.cast(pl.Float64)).abs()
    bound = ABSOLUTE + RELATIVE * right.cast(pl.Float64).abs() if left.dtype.is_float() else right.cast(pl.Float64) * 0
    return bool((apart <= bound).fill_null(value=True).all())
