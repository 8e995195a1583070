"""Do people decide, or does the list? What the log of decisions says, held against the lists that were published.

A *place* is a family's stay on the list under one kind of offer: from the night on which it got it to the last night on which
it still had it. A family is the same when its id is, or any of its children: a new brother or sister may change the id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from features.people import components
from models.team_decisions import ACCEPTED, DECLINED, KEEP, OFFERED, all_keys, check_decided
from validation.disclosure import FEWEST

OFFERS = (OFFERED, ACCEPTED, DECLINED)
HOLDS = ("place", "renew")

DECIDED, OPEN, NEVER = "decided", "still open", "lost or closed without any decision"
IN_ORDER = "offered, in the order of the list"
PASSED = "offered, while a family before it was undecided"
OTHER_KIND = "offered, but another kind of help than listed"
NO_PLACE = "offered to a family without a place"
OTHERWISE = "had a place, and people decided otherwise"
MORE_THAN_ONE, NOT_KNOWN, NO_REASON = "more than one", "not known", "no reason given"

LEAST = 30  # decisions, or places that have ended: with fewer nothing is judged
NEARLY_ALWAYS, HARDLY, OFTEN_NEVER = 0.97, 0.5, 1 / 3
SOON_DAYS = 7
HANDFUL = 3


@dataclass(frozen=True)
class Days:
    """Whole days from the morning of the list to the first decision: places, quartiles, and places decided within a week."""

    places: int
    lower: float
    median: float
    upper: float
    soon: int


@dataclass(frozen=True)
class Involvement:
    """What was decided on the lists of the nights ``first`` to ``last``. Counts are true: nothing is hidden here.

    ``places`` by how they ended (:data:`DECIDED`, :data:`OPEN`, :data:`NEVER`); ``judged`` by how far people went along with the
    list (:data:`IN_ORDER` and the next four; all but :data:`NO_PLACE` add up to the decided places); ``otherwise`` and
    ``reasons``: decisions and reasons of places decided otherwise; ``roles``: decisions by who made them; ``groups``: ``group``,
    ``value``, and the places ``decided``, decided ``otherwise`` and ``never`` decided, one row for each value of a group.
    ``alarms`` are sentences.
    """

    first: date
    last: date
    lists: int
    places: Mapping[str, int]
    days: Days | None
    judged: Mapping[str, int]
    otherwise: Mapping[str, int]
    reasons: Mapping[str, int]
    roles: Mapping[str, int]
    groups: pl.DataFrame
    alarms: tuple[str, ...]


def measure_involvement(decided: pl.DataFrame, nights: pl.DataFrame, groups: pl.DataFrame) -> Involvement:
    """Hold the log ``decided`` against the lists of ``nights``.

    ``nights``: one row per family and list, with ``night``, ``family_id``, ``children``, ``order``, ``standing``, ``kind`` and
    ``listed_since``, at least one row; ``decided``: the log, of whatever nights; ``groups``: ``person_id`` and a column for each
    group that is looked at. A place counts as decided by any decision about a list on which it stood. How far people went along
    is told by its first decision that is more than to keep the family on the list, if there is any.
    """
    check_decided(decided)
    same = _find_families(nights, decided)
    held = (
        nights.filter(pl.col("standing").is_in(HOLDS))
        .with_columns(pl.col("listed_since").fill_null(pl.col("night")))
        .join(same, on="family_id")
        .sort("night", "order")
        .unique(["family", "listed_since", "night"], keep="first", maintain_order=True)
    )
    log = decided.with_row_index("line").join(same, on="family_id").sort("decided_on", "line")
    places, made = _find_places(held, log)
    verdicts = _judge(held, places, made)
    lists = nights["night"].unique()
    ended = _end(places, lists.max())  # type: ignore[arg-type]  # there is a night
    ends = _count(ended["end"], (DECIDED, OPEN, NEVER))
    off_list = _find_off_list(nights, log, made)
    judged = _count(pl.concat([verdicts["verdict"], off_list]), (IN_ORDER, PASSED, OTHER_KIND, OTHERWISE, NO_PLACE))
    otherwise = verdicts.filter(verdict=OTHERWISE)
    return Involvement(
        first=lists.min(),  # type: ignore[arg-type]
        last=lists.max(),  # type: ignore[arg-type]
        lists=lists.len(),
        places=ends,
        days=_measure_days(places),
        judged=judged,
        otherwise=_count(otherwise["decision"]),
        reasons=_count(otherwise["reason"].fill_null(NO_REASON)),
        roles=_count(log.filter(pl.col("night").is_in(lists.implode()))["role"].fill_null(NOT_KNOWN)),
        groups=_count_groups(ended, otherwise, groups),
        alarms=find_alarms(judged, ends),
    )


def count_about(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of which 1 to 5 are taken for three, so that nothing that is said because of them tells which it was."""
    return {name: HANDFUL if 0 < number < FEWEST else number for name, number in counts.items()}


def can_be_judged(judged: Mapping[str, int], places: Mapping[str, int]) -> bool:
    """Are there enough decisions, or places that have ended, for an alarm to be looked for?"""
    judged, places = count_about(judged), count_about(places)
    return max(sum(judged.values()), places[DECIDED] + places[NEVER]) >= LEAST


def find_alarms(judged: Mapping[str, int], places: Mapping[str, int]) -> tuple[str, ...]:
    """What a board has to look into, in words; limits and no counts. On fewer than :data:`LEAST` nothing is said."""
    judged, places = count_about(judged), count_about(places)
    decisions, ended = sum(judged.values()), places[DECIDED] + places[NEVER]
    agreement = judged[IN_ORDER] / decisions if decisions >= LEAST else None
    alarms = []
    if agreement is not None and agreement >= NEARLY_ALWAYS:
        alarms.append(
            f"People went along with the list in at least {100 * NEARLY_ALWAYS:.0f} of 100 decisions. They may be following it "
            "without judging. Ask the team how they decide, and look at some decisions together."
        )
    if agreement is not None and agreement < HARDLY:
        alarms.append(
            "People went along with the list in less than half of their decisions. Either it does not help them, or it is not "
            "used as agreed. Ask the team what the list does not know."
        )
    if ended >= LEAST and places[NEVER] > OFTEN_NEVER * ended:
        alarms.append(
            "More than a third of the families that had a place were never decided on: they lost it, or their case was closed, "
            "before anybody wrote a decision down. Find out whether nobody looked, or nobody wrote."
        )
    return tuple(alarms)


def _find_families(nights: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """``family_id`` and ``family``: the same for all ids that children hang together, however indirectly."""
    ids = pl.concat([frame.select("family_id", key=all_keys()) for frame in (nights, decided)])
    links = ids.explode("key", empty_as_null=True).select(left="family_id", right="key").unique()
    found = components(links).select(family_id="node", family="component")
    return found.join(ids, on="family_id", how="semi")


def _find_places(held: pl.DataFrame, log: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each place once, with ``decided_on`` (its first decision, if any), and the lines of the log about places."""
    places = (
        held.sort("night")
        .group_by("family", "listed_since", maintain_order=True)
        .agg(pl.col("kind", "children").first(), pl.col("night").max().alias("last_night"))
    )
    spells = places.select("family", "listed_since", "last_night", place_kind="kind")
    made = log.join(spells, on="family", maintain_order="left").filter(
        pl.col("night").is_between(pl.col("listed_since"), pl.col("last_night"))
    )
    first = made.group_by("family", "listed_since").agg(pl.col("decided_on").min())
    return places.join(first, on=["family", "listed_since"], how="left", maintain_order="left"), made


def _judge(held: pl.DataFrame, places: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """The decision that tells of each decided place, with its ``verdict``: all but :data:`NO_PLACE` of them add up to those."""
    listed = held.select("family", "listed_since", "night", "order", listed="kind")
    verdicts = (
        made.sort(pl.col("decision") == KEEP, maintain_order=True)
        .unique(["family", "listed_since"], keep="first", maintain_order=True)
        .join(listed, on=["family", "listed_since", "night"], how="left", maintain_order="left")
        .with_columns(pl.col("listed").fill_null(pl.col("place_kind")))
        .with_columns(is_offer=pl.col("decision").is_in(OFFERS), given=pl.coalesce("kind", "listed"))
    )
    waiting = listed.join(
        places.select("family", "listed_since", first_decision="decided_on"), on=["family", "listed_since"]
    ).select("night", "listed", "first_decision", before="order")
    passed = (
        verdicts.join(waiting, on=["night", "listed"])
        .filter(pl.col("before") < pl.col("order"), ~(pl.col("first_decision") <= pl.col("decided_on")).fill_null(value=False))
        .select("line")
    )
    verdict = (
        pl.when(~pl.col("is_offer"))
        .then(pl.lit(OTHERWISE))
        .when(pl.col("given") != pl.col("listed"))
        .then(pl.lit(OTHER_KIND))
        .when(pl.col("line").is_in(passed["line"].implode()))
        .then(pl.lit(PASSED))
        .otherwise(pl.lit(IN_ORDER))
    )
    return verdicts.with_columns(verdict=verdict)


def _find_off_list(nights: pl.DataFrame, log: pl.DataFrame, made: pl.DataFrame) -> pl.Series:
    """:data:`NO_PLACE` for each offer to a family that had no place on the list. An answer to an earlier offer is none."""
    offers = log.filter(pl.col("decision").is_in(OFFERS)).with_columns(number=pl.col("line").cum_count().over("family"))
    return (
        offers.filter((pl.col("decision") == OFFERED) | (pl.col("number") == 1))
        .join(made.select("line"), on="line", how="anti", maintain_order="left")
        .filter(pl.col("night").is_in(nights["night"].unique().implode()))
        .unique(["family", "kind", "decided_on"], maintain_order=True)
        .with_columns(verdict=pl.lit(NO_PLACE))["verdict"]
    )


def _end(places: pl.DataFrame, last: date) -> pl.DataFrame:
    """The places with how they ended (``end``) by the last list."""
    end = (
        pl.when(pl.col("decided_on").is_not_null())
        .then(pl.lit(DECIDED))
        .when(pl.col("last_night") == last)
        .then(pl.lit(OPEN))
        .otherwise(pl.lit(NEVER))
    )
    return places.with_columns(end=end)


def _measure_days(places: pl.DataFrame) -> Days | None:
    """Days from the morning after the night on which a place was given; a decision on the night's own day counts as at once."""
    morning = pl.col("listed_since") + timedelta(days=1)
    days = (
        places.drop_nulls("decided_on").select((pl.col("decided_on") - morning).dt.total_days().clip(lower_bound=0)).to_series()
    )
    if days.is_empty():
        return None
    lower, median, upper = (float(days.quantile(share, "linear") or 0) for share in (0.25, 0.5, 0.75))
    return Days(days.len(), lower, median, upper, int((days <= SOON_DAYS).sum()))


def _count(values: pl.Series, names: tuple[str, ...] = ()) -> dict[str, int]:
    """How often each value is there: ``names`` in their order, or those found, the most frequent first."""
    found = values.alias("value").value_counts().sort("count", "value", descending=[True, False])
    counted = dict(found.iter_rows())
    return {name: counted.get(name, 0) for name in names} if names else counted


def _count_groups(places: pl.DataFrame, otherwise: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Places of each group's values. A family whose children differ is counted once, as :data:`MORE_THAN_ONE`."""
    names = [name for name in groups.columns if name != "person_id"]
    key = ["family", "listed_since"]
    is_otherwise = otherwise.select(*key, is_otherwise=pl.lit(value=True))
    told = groups.with_columns(pl.col(names).cast(pl.String)).unique("person_id", keep="last", maintain_order=True)
    different = pl.col("value").n_unique() > 1
    return (
        places.join(is_otherwise, on=key, how="left")
        .select(*key, "end", pl.col("is_otherwise").fill_null(value=False), person_id="children")
        .explode("person_id", empty_as_null=True)
        .join(told, on="person_id", how="left")
        .unpivot(names, index=[*key, "end", "is_otherwise"], variable_name="group")
        .with_columns(pl.col("value").cast(pl.String).fill_null(NOT_KNOWN))
        .group_by(*key, "end", "is_otherwise", "group")
        .agg(pl.when(different).then(pl.lit(MORE_THAN_ONE)).otherwise(pl.col("value").first()).first().alias("value"))
        .group_by("group", "value")
        .agg(
            decided=(pl.col("end") == DECIDED).sum().cast(pl.Int64),
            otherwise=pl.col("is_otherwise").sum().cast(pl.Int64),
            never=(pl.col("end") == NEVER).sum().cast(pl.Int64),
        )
        .sort(pl.col("group").replace_strict({name: at for at, name in enumerate(names)}, default=0), "value")
    )
