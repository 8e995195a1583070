"""Our own engine: the facts of a history, once, and features read from them."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from features.definition import Feature
from features.facts import Facts, facts_of
from features.migrations import NONE_THEN, Migrations
from features.numbering import TO_NUMBER, Numbered, numbered_schema
from features.plan import read_features
from flows.bench.draws import END, START
from flows.index import scan_facts, write_facts
from validation.history import Archive

NO_MIGRATION = Migrations(pl.DataFrame(schema={"day": pl.Date}), *NONE_THEN)  # the peers look for none


def gather(data: Path) -> None:
    """Make the facts of the history in ``data`` and write them beside it, as Parquet."""
    versions = {}
    for table in TO_NUMBER:
        path = data / f"{table.name}.parquet"
        versions[table.name] = pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=numbered_schema(table))
    children = pl.read_parquet(data / "children.parquet").select(
        "child", person_id=pl.col("child").cast(pl.String).str.zfill(32), group=pl.col("child").min().over("family")
    )
    referrals = versions["ssd_cin_episodes"].select(number="cine_referral_id").unique().sort("number")
    named = referrals.with_columns(referral_id=pl.col("number").cast(pl.String).str.zfill(32))
    write_facts(facts_of(Numbered(Archive(versions, START, END), children, named)), data / "facts")


def build(data: Path, rows: str, features: Sequence[Feature], out: Path, *, parts: int = 1) -> None:
    """Write the matrix of the rows in ``<data>/<rows>.parquet`` as Parquet: ``row`` and a column for each feature.

    With several ``parts``, ``out`` is a folder of one file for each range of families.
    """
    facts = scan_facts(data / "facts")
    asked = pl.scan_parquet(data / f"{rows}.parquet")
    if parts == 1:
        _write(facts, asked.collect(), features, out)
        return
    out.mkdir(exist_ok=True)
    for part, (first, last) in enumerate(facts.ranges(parts)):
        inside = asked.filter(pl.col("child") >= first, pl.col("child") < last).collect()
        _write(facts.between(first, last), inside, features, out / f"{part:02}.parquet")


def _write(facts: Facts, rows: pl.DataFrame, features: Sequence[Feature], out: Path) -> None:
    matrix = read_features(facts, rows, features, NO_MIGRATION)
    matrix.select("row", *(feature.name for feature in features)).write_parquet(out, compression="zstd")
