"""What is new, moved and gone since the list before, and why."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from flows.publish.night_list import Changes
from models.places import Standing, match_families
from models.team_decisions import all_keys, match

CLOSED = "no case of the family is open now"
NOT_SCORED = "its open cases have no chance now"
OVERTAKEN = "other families have a higher chance now, and there are fewer slots"
NEW_INFORMATION = "its own chance is lower now, since something new is on record"
STATUTORY = "it has an offer by law, which no list may ration"
RENEW = "it has had a place for long without a decision: a person must renew it"
LOWER = 0.005  # half a percent: a chance that fell by less has not changed


def find_changes(
    now: pl.DataFrame, before: pl.DataFrame, decided: pl.DataFrame, kinds: Mapping[str, str], since: date, as_of: date
) -> Changes:
    """Compare two nights' ``families`` (columns as in ``night_list.FAMILIES``).

    A family is the same when its id is, or any of its children: a new brother or sister may change the id, and the child
    whose case is open may change. ``decided`` is the log of the team's decisions, ``kinds`` gives each kind of offer its words,
    ``since`` is the night of the list before.
    """
    past = before.filter(standing=Standing.PLACE).select("family_id", "children", "chance", "listed_since", "kind")
    met = _match(past, now).join(_latest_decision(past, decided, as_of), on="family_id", how="left", maintain_order="left")
    told = met.with_columns(words=_say(kinds))
    same = (pl.col("standing_now") == Standing.PLACE) & (pl.col("kind_now") == pl.col("kind"))
    moved = pl.col("standing_now").is_in([Standing.PLACE, Standing.WAITING]) & pl.col("decision").is_null()
    rest = told.filter(~same.fill_null(value=False))
    had_place = told.filter(pl.col("standing_now") == Standing.PLACE)["family_now"].implode()
    new = now.filter(pl.col("standing") == Standing.PLACE, ~pl.col("family_id").is_in(had_place)).sort("order")
    shown = rest.filter(moved.fill_null(value=False))
    gone = rest.filter(~moved.fill_null(value=False) & (pl.col("standing_now") != Standing.PLACE).fill_null(value=True))
    return Changes(
        since=since,
        new=tuple(new["family_id"]),
        moved=dict(shown.select("family_now", "words").sort("family_now").iter_rows()),
        gone=dict(gone.select("family_id", "words").sort("family_id").iter_rows()),
        before=past.height,
        kept=told.filter(same.fill_null(value=False)).height,
    )


def _match(past: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Each past family beside what it is now (``family_now``, ``standing_now`` ...; empty when no case of it is open)."""
    names = ("family_id", "children", "standing", "kind", "chance", "why_not")
    today = now.select(pl.col(names).name.suffix("_now")).rename({"family_id_now": "family_now"})
    first = match_families(now, past).select(family_id="held_id", family_now="family_id")
    return past.join(first, on="family_id", how="left", maintain_order="left").join(
        today, on="family_now", how="left", maintain_order="left"
    )


def _latest_decision(past: pl.DataFrame, decided: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """``family_id`` and ``decision``: the last that was made about a past family since it got its place."""
    about_it = (pl.col("night") >= pl.col("listed_since")) | (pl.col("decided_on") > pl.col("listed_since"))
    return (
        match(decided.with_columns(keys=all_keys()), past)
        .select("family_id", "night", "decision", "decided_on")
        .join(past.select("family_id", "listed_since"), on="family_id")
        .filter(about_it, pl.col("decided_on") <= as_of)
        .sort("family_id", "decided_on", "decision")
        .unique("family_id", keep="last", maintain_order=True)
        .select("family_id", "decision")
    )


def _say(kinds: Mapping[str, str]) -> pl.Expr:
    """Why a family no longer has the place that it had, in plain words."""
    standing = pl.col("standing_now")
    lower = pl.col("chance_now") < pl.col("chance") - LOWER
    other_kind = pl.format("it has a place for another offer now: {}", pl.col("kind_now").replace_strict(kinds, default=""))
    refused = pl.format("under the council's rules: {}", pl.col("why_not_now").list.first())
    return (
        pl.when(standing.is_null())
        .then(pl.lit(CLOSED))
        .when(pl.col("decision").is_not_null())
        .then(pl.format("the team recorded '{}'", "decision"))
        .when(standing == Standing.PLACE)
        .then(other_kind)
        .when(standing == Standing.STATUTORY)
        .then(pl.lit(STATUTORY))
        .when(standing == Standing.RENEW)
        .then(pl.lit(RENEW))
        .when(standing == Standing.NOT_SCORED)
        .then(pl.lit(NOT_SCORED))
        .when(standing == Standing.NOT_ELIGIBLE)
        .then(refused)
        .when(lower.fill_null(value=False))
        .then(pl.lit(NEW_INFORMATION))
        .otherwise(pl.lit(OVERTAKEN))
    )
