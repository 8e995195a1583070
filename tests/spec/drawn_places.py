"""Who has a place, as drawn tables: chances, eligibility, the list before and decisions in, standings out."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from models.offer_kinds import Offers, read_offers
from models.places import allocate
from tests.spec.drawing import assert_drawn, words
from tests.spec.drawn_decisions import decisions

AS_OF = date(2026, 11, 24)


def offered(most_days: int = 42, **slots: int) -> Offers:
    """Offers without rules: kinds in order with their slots of a week."""
    kinds = "".join(f'[[kind]]\ncode = "{code}"\nweekly_slots = {count}\nrules = []\n' for code, count in slots.items())
    return read_offers(f"most_days_listed = {most_days}\nnext_families = 20\n{kinds}")


def night(table: str, as_of: date = AS_OF) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores and eligibility of a night from a drawn table: family, chance ("?" is abstained), kinds ("law" stands apart).

    A child is called like its family with a number, unless ``child`` is drawn. Kinds stand between commas; a family's first row
    counts.
    """
    drawn = words(table)
    if "child" not in drawn.columns:
        number = pl.int_range(pl.len()).over("family")
        drawn = drawn.with_columns(child=pl.format("{}{}", "family", number))
    unknown = pl.col("chance") == "?"
    scores = drawn.select(
        as_of=pl.lit(as_of),
        person_id="child",
        referral_id=pl.format("case of {}", "child"),
        family_id="family",
        chance=pl.when(~unknown).then("chance").cast(pl.Float64),
        abstained=unknown,
        reason_for_abstaining=pl.lit(None, pl.String),
    )
    by_law = pl.col("kinds") == "law"
    kinds = pl.when(~by_law).then("kinds").fill_null("").str.split(",").list.drop_nulls()
    none = pl.lit([], pl.List(pl.String))
    eligible = (
        drawn.group_by("family", maintain_order=True)
        .first()
        .select(
            family_id="family",
            kinds=pl.when(by_law.fill_null(value=False) | pl.col("kinds").is_null()).then(none).otherwise(kinds),
            why_not=pl.when(pl.col("kinds").is_null()).then(pl.lit(["It may not."])).otherwise(none),
            statutory=by_law.fill_null(value=False),
        )
    )
    return scores, eligible


def before(table: str = "family kind since") -> pl.DataFrame:
    """The list before from a drawn table: family, kind, since (a date), and what else is told; children by commas."""
    drawn = words(table)
    told = {name: pl.col(name) if name in drawn.columns else pl.lit(None, pl.String) for name in ("children", "standing", "odds")}
    return drawn.select(
        family_id="family",
        children=told["children"].fill_null("").str.split(","),
        standing=told["standing"].fill_null("place"),
        kind="kind",
        listed_since=pl.col("since").str.to_date(),
        tie_band=told["odds"].is_not_null(),
        slot_chance=told["odds"].cast(pl.Float64).fill_null(1.0),
    )


def place(
    table: str,
    offers: Offers,
    held: pl.DataFrame | None = None,
    decided: str = "family decision on",
    made: Mapping[str, int] | None = None,
    seed: int = 3,
    as_of: date = AS_OF,
) -> pl.DataFrame:
    return allocate(*night(table, as_of), held, decisions(decided), offers, made or {}, seed, as_of)


def standings(found: pl.DataFrame) -> dict[str, tuple[str, str | None]]:
    """What became of each family: its standing and kind."""
    return {family: (standing, kind) for family, standing, kind in found.select("family_id", "standing", "kind").iter_rows()}


def with_place(found: pl.DataFrame) -> dict[str, str]:
    """Families with a place and its kind."""
    return dict(found.filter(standing="place").select("family_id", "kind").sort("family_id").iter_rows())


def assert_places(found: pl.DataFrame, expected: str) -> None:
    """Compare the drawn columns with those found, in order; standings have "_" for a blank."""
    assert_drawn(found.with_columns(pl.col("standing").str.replace_all(" ", "_")), expected)


ONE = offered(EH=1)
