"""The statutory measures of a census year from the contract's tables: one long frame, always of the same shape."""

import polars as pl

from validation.returns.measures import ALL, MEASURES, UNKNOWN, Breakdown, Measure
from validation.returns.populations import Tables
from validation.returns.years import CensusYear

LINES = {
    "measure": pl.String(),
    "breakdown": pl.String(),
    "value_code": pl.String(),
    "count": pl.Int64(),
    "denominator": pl.Int64(),
    "rate": pl.Float64(),
    "lacking": pl.String(),
}


def count_measures(tables: Tables, year: int) -> pl.DataFrame:
    """Every declared line of the year to 31 March of ``year``: columns as in :data:`LINES`, in the order of declaration.

    ``tables`` are accepted frames of the contract. Of a line that cannot be computed the count is empty, never nought, and
    ``lacking`` names the table or column that was not supplied. ``denominator`` is what the line is a share of: the measure that
    it is part of, or for a breakdown the measure itself; ``rate`` lies between 0 and 1.
    """
    found = [line for measure in MEASURES.values() for line in _count_measure(measure, tables, CensusYear(year))]
    lines = pl.concat(found)
    wholes = lines.filter(breakdown=ALL).select(of="measure", denominator="count")
    of = {name: measure.of for name, measure in MEASURES.items() if measure.of}
    whole = pl.when(pl.col("breakdown") == ALL).then(pl.col("measure").replace_strict(of, default=None)).otherwise("measure")
    return (
        lines.with_columns(of=whole)
        .join(wholes, on="of", how="left", maintain_order="left")
        .with_columns(pl.when(pl.col("count").is_not_null()).then("denominator"))
        .with_columns(rate=pl.when(pl.col("denominator") > 0).then(pl.col("count") / pl.col("denominator")))
        .select(*LINES)
    )


def find_lacking(needs: tuple[str, ...], tables: Tables) -> str | None:
    """The first of the tables and columns (``table.column``) that was not supplied, or holds nothing."""
    for need in needs:
        name, _, column = need.partition(".")
        table = tables.get(name)
        if table is None or table.is_empty():
            return name
        if column and table[column].null_count() == table.height:
            return need
    return None


def _count_measure(measure: Measure, tables: Tables, year: CensusYear) -> list[pl.DataFrame]:
    lacking = find_lacking(measure.needs, tables)
    if lacking:
        everywhere = [(ALL, ALL), *((part.name, code) for part in measure.breakdowns for code in part.codes)]
        return [_lines(measure, breakdown, {code: None}, lacking) for breakdown, code in everywhere]
    rows = measure.rows(tables, year)
    whole = rows["child"].n_unique() if measure.children else rows.height
    lines = [_lines(measure, ALL, {ALL: whole})]
    for part in measure.breakdowns:
        lost = find_lacking(part.needs, tables)
        counts: dict[str, int | None] = dict.fromkeys(part.codes, None) if lost else _count_codes(rows, part)
        lines.append(_lines(measure, part.name, counts, lost))
    return lines


def _count_codes(rows: pl.DataFrame, part: Breakdown) -> dict[str, int | None]:
    """How many rows have each code; a value that is no code of the breakdown counts as unknown, where it has that."""
    values = rows.explode(part.column) if part.many else rows
    unknown = UNKNOWN if UNKNOWN in part.codes else None
    known = pl.when(pl.col(part.column).is_in(list(part.codes))).then(part.column).otherwise(pl.lit(unknown, pl.String))
    counts = dict(values.group_by(known.alias("code")).len().iter_rows())
    return {code: counts.get(code, 0) for code in part.codes}


def _lines(measure: Measure, breakdown: str, counts: dict[str, int | None], lacking: str | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {"measure": measure.name, "breakdown": breakdown, "value_code": list(counts), "count": list(counts.values()),
         "lacking": lacking},
        schema_overrides={"count": pl.Int64, "lacking": pl.String},
    )  # fmt: skip
