"""Tables that the rules are drawn on.

Columns are written without the prefix of their table; "-" is an empty value, "none" a list without codes, and columns
that are not drawn are empty.
"""

from collections.abc import Mapping

import polars as pl

from tests.spec.drawing import words
from validation.conforming import NO_CODES
from validation.tables.catalogue import TABLES

PERSON, EPISODES, DISABILITY = "ssd_person", "ssd_cin_episodes", "ssd_disability"
ASSESSMENTS, FACTORS, CIN_PLANS = "ssd_cin_assessments", "ssd_assessment_factors", "ssd_cin_plans"
S47, CONFERENCES, CP_PLANS = "ssd_s47_enquiry", "ssd_initial_cp_conference", "ssd_cp_plans"
SCALES, FAMILY = "ext_assessments_sos", "ssd_family"

Drawings = Mapping[tuple[str, str], Mapping[str, str]]
"""By code and table of a rule: tables, and in the column "keeps" of the rule's own whether each row keeps it."""


def drawn(name: str, table: str) -> pl.DataFrame:
    """A conformed frame of the table ``name``, and the column "keeps" if it was drawn."""
    rows = words(table)
    prefix = TABLES[name].key.split("_")[0]
    rows = rows.rename({column: f"{prefix}_{column}" for column in rows.columns if column != "keeps"})
    unknown = set(rows.columns) - set(TABLES[name].schema) - {"keeps"}
    assert not unknown, f"drawn, but not in the contract: {unknown}"
    typed = [
        (_typed(column, dtype) if column in rows.columns else pl.lit(None, dtype)).alias(column)
        for column, dtype in TABLES[name].schema.items()
    ]
    return rows.select(*typed, *(["keeps"] if "keeps" in rows.columns else []))


def _typed(column: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Date:
        return pl.col(column).str.to_date()
    if dtype == pl.Boolean:
        return pl.col(column) == "yes"
    return pl.col(column).replace("none", NO_CODES).cast(dtype)
