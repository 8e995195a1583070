"""What a team decided and offered, as drawn tables."""

import polars as pl

from models.team_decisions import DECIDED, OFFERS_MADE
from tests.spec.drawing import words


def offers(table: str = "child kind offered") -> pl.DataFrame:
    """Offers made, from a drawn table: child and what else is told of family, kind, offered, answer, answered and reviewed."""
    drawn = words(table)
    names = {"person_id": "child", "family_id": "family", "kind": "kind", "offered_on": "offered", "answer": "answer",
             "answered_on": "answered", "held_on": "held", "reviewed_on": "reviewed"}  # fmt: skip
    return drawn.select(_typed(drawn, names[name], dtype).alias(name) for name, dtype in OFFERS_MADE.items())


def decisions(table: str = "family decision on") -> pl.DataFrame:
    """A log of decisions, from a drawn table: family, decision ("_" for a blank), on and what else is told."""
    drawn = words(table)
    names = {"family_id": "family", "decided_on": "on", "imported_on": "on", "night": "night" if "night" in drawn else "on"}
    found = drawn.select(_typed(drawn, names.get(name, name), dtype).alias(name) for name, dtype in DECIDED.items())
    return found.with_columns(pl.col("decision", "reason").str.replace_all("_", " "), pl.col("children").fill_null([]))


def _typed(drawn: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Expr:
    if name not in drawn.columns:
        return pl.lit(None, dtype)
    if dtype == pl.Date:
        return pl.col(name).str.to_date()
    return pl.col(name).str.split(",") if dtype == pl.List(pl.String) else pl.col(name)
