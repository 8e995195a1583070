"""Who has a place on a night: families in order, filled to the slots that each kind of offer has left this week.

The rule, in full. Families stand in order as in :mod:`models.offers`. Slots of a kind are those of the week less the families
that were given it this week. A family that had a place on the list before and about which nobody has decided keeps it while it
may have it; only if the slots are fewer do the last in order lose theirs. After ``most_days_listed`` days it holds no slot any
more, and a person must renew it. What slots are left go, kind by kind in the order of the file, down the order of the families
that may have the kind and have no place. Among equal families a shuffle decides, drawn anew for each night and kind; what each
one's chance of a slot was is kept. A family that takes part in the draws of several kinds has 1 - (1 - p1)(1 - p2)... of a
slot; one that won a draw is given the chances that families equal to it had in the later ones. That is exact as long as the
families that share a draw are eligible for the same kinds; where they are not, it holds for the later draws as they took place.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

import polars as pl

from models.offer_kinds import OfferKind, Offers
from models.offers import draw_lots, gather_families, put_in_order, slot_chance
from models.team_decisions import KEEP, all_keys, check_columns, check_decided, match
from validation.errors import ContractError, SettingsError


class Standing(StrEnum):
    """Where a family with an open case stands on a night."""

    PLACE = "place"
    WAITING = "waiting"
    RENEW = "renew"
    STATUTORY = "statutory"
    NOT_ELIGIBLE = "not eligible"
    NOT_SCORED = "not scored"


PLACE, WAITING, RENEW, STATUTORY, NOT_ELIGIBLE, NOT_SCORED = Standing

ELIGIBLE = {
    "family_id": pl.String(),
    "kinds": pl.List(pl.String()),
    "why_not": pl.List(pl.String()),
    "statutory": pl.Boolean(),
}
HELD = {
    "family_id": pl.String(),
    "children": pl.List(pl.String()),
    "standing": pl.String(),
    "kind": pl.String(),
    "listed_since": pl.Date(),
    "tie_band": pl.Boolean(),
    "slot_chance": pl.Float64(),
}
PLACES = {
    "family_id": pl.String(),
    "children": pl.List(pl.String()),
    "order": pl.Int64(),
    "chance": pl.Float64(),
    "cases_abstained": pl.Int64(),
    "standing": pl.String(),
    "kind": pl.String(),
    "kinds": pl.List(pl.String()),
    "why_not": pl.List(pl.String()),
    "listed_since": pl.Date(),
    "tie_band": pl.Boolean(),
    "slot_chance": pl.Float64(),
    "shuffle_seed": pl.Int64(),
}


def allocate(
    scores: pl.DataFrame,
    eligible: pl.DataFrame,
    held: pl.DataFrame | None,
    decided: pl.DataFrame,
    offers: Offers,
    made_this_week: Mapping[str, int],
    seed: int,
    as_of: date,
) -> pl.DataFrame:
    """Where each family with an open case stands on ``as_of``: one row each with the columns of ``PLACES``, in order.

    ``scores`` is as in :mod:`models.offers`; ``eligible`` what :func:`models.eligibility.judge` says of the same families;
    ``held`` the families of the list before (``HELD`` and more), if there is one; ``decided`` the log of decisions;
    ``made_this_week`` the families that were given each kind this week; ``seed`` (0 to 4294967295) draws the lots. The same
    input in any order of rows gives the same list. ``order`` is empty for a family that is not scored or stands apart by law.

    Raises ``ContractError`` for input in the wrong shape, ``SettingsError`` for a seed out of range.
    """
    families = gather_families(scores)
    _check(families, scores["as_of"], eligible, held, seed, as_of)
    check_decided(decided)
    families = _put_in_order(families.join(eligible, on="family_id", maintain_order="left"), seed)
    kept = _find_kept(families, held, decided, as_of)
    standing = (
        families.join(kept, on="family_id", how="left", maintain_order="left")
        .with_columns(_stand_before_slots(as_of, offers.most_days_listed))
        .with_columns(
            kind=pl.when(pl.col("standing") == RENEW).then("kept_kind"),
            slot_chance=pl.lit(0.0),
            tie_band=pl.lit(value=False),
        )
    )
    slots = {kind.code: max(0, kind.weekly_slots - made_this_week.get(kind.code, 0)) for kind in offers.kinds}
    for kind in offers.kinds:
        standing = _keep_places(standing, kind.code, slots[kind.code])
    for number, kind in enumerate(offers.kinds):
        standing = _fill_places(standing, kind, slots[kind.code], [seed, as_of.toordinal(), number])
    return _describe(standing, seed, as_of)


def _put_in_order(families: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Families sorted by id with their ``order``: none for those that stand apart by law."""
    lots = families.with_columns(draw=draw_lots(families.height, seed))
    ordered = put_in_order(lots.filter(~pl.col("statutory"))).select("family_id", order="place")
    return families.join(ordered, on="family_id", how="left", maintain_order="left")


def _stand_before_slots(as_of: date, most_days: int) -> pl.Expr:
    """Where a family stands before slots are given: ``waiting`` for every one that may have one."""
    is_old = (pl.lit(as_of) - pl.col("kept_since")).dt.total_days() >= most_days
    return (
        pl.when("statutory")
        .then(pl.lit(STATUTORY))
        .when(pl.col("band").is_null())
        .then(pl.lit(NOT_SCORED))
        .when(pl.col("kinds").list.len() == 0)
        .then(pl.lit(NOT_ELIGIBLE))
        .when(is_old.fill_null(value=False))
        .then(pl.lit(RENEW))
        .otherwise(pl.lit(WAITING))
        .alias("standing")
    )


def _find_kept(families: pl.DataFrame, held: pl.DataFrame | None, decided: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The places of the list before that still stand, one for a family: ``family_id`` and ``kept_...``.

    A place stands while its family may have its kind and nobody has decided on it. A decision is about the place if it was made
    on a list that showed it, or after it was given; "keep on the list" begins its days anew and outdoes what was decided before.
    """
    kept = {"kept_kind": "kind", "kept_since": "listed_since", "kept_tie_band": "tie_band", "kept_slot_chance": "slot_chance"}
    if held is None:
        return pl.DataFrame(schema={"family_id": pl.String(), **{name: HELD[of] for name, of in kept.items()}})
    places = _same_families(families, held.filter(pl.col("standing").is_in([PLACE, RENEW])))
    told = match(decided.filter(pl.col("decided_on") <= as_of).with_columns(keys=all_keys()), families)
    since, day, keeps = pl.col("listed_since"), pl.col("decided_on"), pl.col("decision") == KEEP
    verdicts = (
        told.select("family_id", "night", "decision", "decided_on")
        .join(places.select("family_id", "listed_since"), on="family_id")
        .filter((pl.col("night") >= since) | (day > since))
        .group_by("family_id")
        .agg(renewed_on=day.filter(keeps).max(), ended_on=day.filter(~keeps).max())
    )
    ended = (pl.col("ended_on") >= pl.col("renewed_on").fill_null(date.min)).fill_null(value=False)
    return (
        places.join(verdicts, on="family_id", how="left")
        .join(families.select("family_id", "kinds"), on="family_id")
        .filter(~ended, pl.col("kinds").list.contains(pl.col("kind")))
        .with_columns(listed_since=pl.max_horizontal("listed_since", "renewed_on"))
        .select("family_id", **kept)
    )


def match_families(families: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """``held_id`` and ``family_id``: each family of an earlier list beside the one of tonight that it is the same as, if any.

    Both frames have ``family_id`` and ``children``. The same family has the same id or a child in common. Where a family has
    come apart, it is the part that has its id, then the one with the most of its children.
    """
    known = families.select("family_id", key=all_keys()).explode("key", empty_as_null=True).unique()
    return (
        held.select(held_id="family_id", key=all_keys())
        .explode("key", empty_as_null=True)
        .join(known, on="key")
        .group_by("held_id", "family_id")
        .agg(shared=pl.len())
        .sort(pl.col("held_id") == pl.col("family_id"), "shared", "family_id", "held_id", descending=[True, True, False, False])
        .unique("held_id", keep="first", maintain_order=True)
        .select("held_id", "family_id")
    )


def _same_families(families: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Places of the list before with tonight's ``family_id``; of two families that have come together, the one given first."""
    before = held.select("kind", "listed_since", "tie_band", "slot_chance", held_id="family_id")
    return (
        match_families(families, held)
        .join(before, on="held_id")
        .sort("listed_since", "held_id")
        .unique("family_id", keep="first", maintain_order=True)
        .select("family_id", "kind", "listed_since", "tie_band", "slot_chance")
    )


def _keep_places(families: pl.DataFrame, kind: str, slots: int) -> pl.DataFrame:
    """Give the families that had a place of this kind before their place again, the first in order if slots are fewer."""
    holders = families.filter(standing=WAITING, kept_kind=kind).sort("order").head(slots)
    keeps = pl.col("family_id").is_in(holders["family_id"].implode())
    return families.with_columns(
        kind=pl.when(keeps).then(pl.lit(kind)).otherwise("kind"),
        standing=pl.when(keeps).then(pl.lit(PLACE)).otherwise("standing"),
    )


def _fill_places(families: pl.DataFrame, kind: OfferKind, slots: int, seed: list[int]) -> pl.DataFrame:
    """Give what slots are left of a kind, and note the chance of a slot and who stood in a tie band."""
    left = slots - families.filter(standing=PLACE, kind=kind.code).height
    may = families.with_columns(draw=draw_lots(families.height, seed)).filter(pl.col("kinds").list.contains(kind.code))
    waiting = put_in_order(may.filter(standing=WAITING)).with_columns(chance_of_slot=slot_chance(left))
    winners = waiting.filter(pl.col("place") <= left)["family_id"]
    drawn = waiting.select("family_id", "chance_of_slot")
    earlier = may.filter(pl.col("slot_chance").is_between(0, 1, closed="none"), standing=PLACE)
    drawn = pl.concat([drawn, _chances_had_they_lost(earlier, waiting, left)])
    wins = pl.col("family_id").is_in(winners.implode())
    chance = pl.col("chance_of_slot").fill_null(0.0)
    return (
        families.join(drawn, on="family_id", how="left", maintain_order="left")
        .with_columns(
            kind=pl.when(wins).then(pl.lit(kind.code)).otherwise("kind"),
            standing=pl.when(wins).then(pl.lit(PLACE)).otherwise("standing"),
            slot_chance=pl.col("slot_chance") + (1 - pl.col("slot_chance")) * chance,
            tie_band=pl.col("tie_band") | chance.is_between(0, 1, closed="none"),
        )
        .drop("chance_of_slot")
    )


def _chances_had_they_lost(earlier: pl.DataFrame, waiting: pl.DataFrame, left: int) -> pl.DataFrame:
    """The chance of a slot in this draw of those who won an earlier one: that of their equals, or what a single one has."""
    equals = waiting.group_by("band").agg(pl.col("chance_of_slot").first())
    ahead = earlier.select("family_id", "band").join(waiting.select(other="band"), how="cross")
    before = ahead.group_by("family_id").agg(before=(pl.col("other") > pl.col("band")).sum())
    alone = (pl.col("before").fill_null(0) < left).cast(pl.Float64)
    return (
        earlier.select("family_id", "band")
        .join(equals, on="band", how="left")
        .join(before, on="family_id", how="left")
        .select("family_id", chance_of_slot=pl.coalesce("chance_of_slot", alone))
    )


def _describe(families: pl.DataFrame, seed: int, as_of: date) -> pl.DataFrame:
    """The rows of ``PLACES``."""
    kept = (pl.col("kind") == pl.col("kept_kind")).fill_null(value=False)
    listed = pl.col("kind").is_not_null()
    return (
        families.with_columns(
            listed_since=pl.when(kept).then("kept_since").when(listed).then(pl.lit(as_of)),
            tie_band=pl.when(kept).then("kept_tie_band").otherwise("tie_band"),
            slot_chance=pl.when(kept).then("kept_slot_chance").otherwise("slot_chance"),
            shuffle_seed=pl.lit(seed, pl.Int64),
        )
        .sort("order", "family_id", nulls_last=True)
        .select(pl.col(name).cast(dtype) for name, dtype in PLACES.items())
    )


def _check(
    families: pl.DataFrame, nights: pl.Series, eligible: pl.DataFrame, held: pl.DataFrame | None, seed: int, as_of: date
) -> None:
    if not 0 <= seed < 2**32:
        raise SettingsError(f"'seed' is {seed}: allowed are 0 to {2**32 - 1}. Give another seed.")
    check_columns("eligible", eligible, ELIGIBLE)
    if (nights != as_of).any():
        raise ContractError(f"'scores' is of another night than {as_of}: allowed are its own. Score the cases of the night.")
    if not eligible["family_id"].sort().equals(families["family_id"]):
        raise ContractError(
            f"'eligible' has {eligible.height} rows for {families.height} families with an open case: needed is one for each. "
            "Judge the families of the same night."
        )
    if held is None:
        return
    check_columns("held", held, HELD)
    listed = held.filter(pl.col("standing").is_in([PLACE, RENEW]))
    if wrong := listed.select(pl.any_horizontal(pl.col("kind", "listed_since", "slot_chance").is_null()).sum()).item():
        raise ContractError(f"'held' has {wrong} places without a kind, a date or a chance: every place needs all three.")
    if (repeated := listed.height - listed["family_id"].n_unique()) > 0:
        raise ContractError(f"'held' has {repeated} families more than once: allowed is once. Read the last list again.")
