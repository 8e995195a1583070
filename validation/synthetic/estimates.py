"""Estimates whose standard errors count families: what happens to brothers and sisters happens together."""

from collections.abc import Mapping

import polars as pl

Figures = Mapping[str, pl.Expr]


def ratios(group: str, frame: pl.DataFrame, figures: Figures, of: pl.Expr | None = None, scale: float = 100) -> pl.DataFrame:
    """Each figure as a share of ``of`` (of the rows, unless it is given), times ``scale``.

    ``frame`` names the ``family`` of each row. The standard error is that of a ratio of two sums over families; ``n``
    counts the families that have a part in ``of``. Without any, the value is empty.
    """
    wanted = {"of": pl.lit(1) if of is None else of, **figures}
    rows = frame.select("family", *[value.cast(pl.Float64).fill_null(0.0).alias(name) for name, value in wanted.items()])
    sums = rows.group_by("family").agg(pl.all().sum()).unpivot(index=["family", "of"], variable_name="figure", value_name="have")
    whole = pl.col("of").sum()
    share = pl.col("have").sum() / whole
    error = ((pl.col("have") - share * pl.col("of")) ** 2).sum().sqrt() / whole
    measured = (
        sums.group_by("figure", maintain_order=True)
        .agg(value=scale * share, standard_error=scale * error, n=pl.col("family").filter(pl.col("of") > 0).len())
        .with_columns(pl.col("value", "standard_error").fill_nan(None), pl.col("n").cast(pl.Int64))
    )
    order = pl.DataFrame({"figure": list(figures)}, schema={"figure": pl.String})
    measured = order.join(measured, on="figure", how="left", maintain_order="left").with_columns(pl.col("n").fill_null(0))
    return measured.select(pl.lit(group).alias("group"), "figure", "value", "standard_error", "n")


def rate(group: str, figure: str, frame: pl.DataFrame, per: int) -> pl.DataFrame:
    """Rows of ``frame`` per 1,000 of ``per``; families come to notice by chance, and bring all their rows."""
    counts = frame.group_by("family").agg(rows=pl.len().cast(pl.Float64))
    return counts.select(
        pl.lit(group).alias("group"),
        pl.lit(figure).alias("figure"),
        value=1000 * pl.col("rows").sum() / per,
        standard_error=1000 * (pl.col("rows") ** 2).sum().sqrt() / per,
        n=pl.len().cast(pl.Int64),
    )


def quantiles(group: str, frame: pl.DataFrame, column: str, figures: Mapping[str, float]) -> pl.DataFrame:
    """Quantiles of a column. The share of rows up to each has a standard error; that far to both sides lie its ends."""
    parts = []
    for figure, share in figures.items():
        value = frame[column].quantile(share, "nearest")
        rows = ratios(group, frame, {figure: pl.col(column) <= pl.lit(value, pl.Float64)}, scale=1)
        error = rows["standard_error"].item() or 0.0
        low, high = (frame[column].quantile(min(max(end, 0.0), 1.0)) for end in (share - error, share + error))
        spread = None if low is None or high is None else (high - low) / 2
        parts.append(rows.with_columns(value=pl.lit(value, pl.Float64), standard_error=pl.lit(spread, pl.Float64)))
    return pl.concat(parts)
