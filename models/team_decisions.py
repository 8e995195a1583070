"""What a front-door team decided about the families of its list, and which offers follow from that.

An offer is known from the case system (``ext_offers``) or from the team's decision, and often from both. Records of the same
family and kind that lie at most ``SAME_OFFER_DAYS`` apart are one offer, made on the first of their days; where both tell of
an answer, the case system's counts.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from features.people import components
from validation.errors import ContractError

(OFFERED, ACCEPTED, DECLINED, NOT_SUITABLE, ALREADY_HELPED, STATUTORY_ROUTE, KEEP, OTHER) = DECISIONS = (
    "offered",
    "accepted",
    "declined",
    "not suitable",
    "already helped",
    "statutory route",
    "keep on the list",
    "other",
)

DO_NOT_ASK = "The family does not want to be asked again"
ENTITLED = "Entitled to another offer by law"
REASONS = (
    "Fits what the family needs",
    "Already being helped",
    "The family said no before",
    DO_NOT_ASK,
    ENTITLED,
    "Not the right time",
    "The data is wrong",
    "Safeguarding work comes first",
    "Other",
)

ROLES = (
    "Front-door manager",
    "Social worker",
    "Early help coordinator",
    "Family Group Conference coordinator",
    "Other",
)

DECIDED = {
    "night": pl.Date(),
    "family_id": pl.String(),
    "children": pl.List(pl.String()),
    "standing": pl.String(),
    "listed_kind": pl.String(),
    "decision": pl.String(),
    "kind": pl.String(),
    "reason": pl.String(),
    "role": pl.String(),
    "decided_on": pl.Date(),
    "imported_on": pl.Date(),
}

OFFERS_MADE = {
    "person_id": pl.String(),
    "family_id": pl.String(),
    "kind": pl.String(),
    "offered_on": pl.Date(),
    "answer": pl.String(),
    "answered_on": pl.Date(),
    "held_on": pl.Date(),
    "reviewed_on": pl.Date(),
}

SAME_OFFER_DAYS = 14
ANSWER_DUE_DAYS = 182  # for so long an offer without an answer is shown
NO = ("DECLINED", "REFUSED")
ANSWERS = {ACCEPTED: "ACCEPTED", DECLINED: "DECLINED"}


def check_columns(name: str, frame: pl.DataFrame, columns: Mapping[str, pl.DataType]) -> None:
    """Raise ``ContractError`` unless the ``frame`` called ``name`` has the ``columns`` in their types."""
    if wrong := [column for column, dtype in columns.items() if frame.schema.get(column) != dtype]:
        raise ContractError(
            f"'{name}' lacks {', '.join(repr(column) for column in wrong)}, or has it in another type: needed are "
            f"{', '.join(f'{column} ({dtype})' for column, dtype in columns.items())}. Run the night again."
        )


def check_decided(decided: pl.DataFrame) -> None:
    """Raise ``ContractError`` when a log of decisions is not in the shape of ``DECIDED``, or has a decision that is not known."""
    check_columns("decided", decided, DECIDED)
    if missing := decided.select(pl.any_horizontal(pl.col("night", "family_id", "decided_on").is_null()).sum()).item():
        raise ContractError(f"'decided' has {missing} rows without a night, a family or a day: every row needs all three.")
    if unknown := decided.filter(~pl.col("decision").is_in(DECISIONS).fill_null(value=False)).height:
        raise ContractError(f"'decision' is not known in {unknown} rows of 'decided': allowed are {', '.join(DECISIONS)}.")


def gather_records(offers_made: pl.DataFrame, decided: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Every record on ``as_of`` that tells of an offer, with the keys that its family may be known by.

    ``offers_made`` has the columns of ``OFFERS_MADE``, ``decided`` those of ``DECIDED``. Columns: those of ``OFFERS_MADE`` from
    ``kind`` on, ``keys`` (list of family and person ids), ``recorded`` (in the case system) and ``made`` (false for "declined"
    alone: it says that the family was asked, not that it took a slot).
    """
    check_columns("offers_made", offers_made, OFFERS_MADE)
    check_decided(decided)
    told = list(OFFERS_MADE)[2:]
    recorded = offers_made.filter(pl.col("offered_on") <= as_of).select(
        *told,
        keys=pl.concat_list("person_id", "family_id").list.drop_nulls(),
        recorded=pl.lit(value=True),
        made=pl.lit(value=True),
    )
    answer = pl.col("decision").replace_strict(ANSWERS, default=None, return_dtype=pl.String)
    nothing = pl.lit(None, pl.Date)
    from_decisions = (
        decided.filter(pl.col("decision").is_in([OFFERED, ACCEPTED, DECLINED]), pl.col("decided_on") <= as_of)
        .with_columns(answer=answer)
        .select(
            kind=pl.coalesce("kind", "listed_kind"),
            offered_on="decided_on",
            answer="answer",
            answered_on=pl.when(pl.col("answer").is_not_null()).then("decided_on"),
            held_on=nothing,
            reviewed_on=nothing,
            keys=all_keys(),
            recorded=pl.lit(value=False),
            made=pl.col("decision") != DECLINED,
        )
    )
    return pl.concat([recorded, from_decisions])


def all_keys() -> pl.Expr:
    """The keys that a family may be known by: its own, then its children's."""
    return pl.concat_list(pl.concat_list("family_id"), pl.col("children").fill_null([])).list.drop_nulls()


def match(records: pl.DataFrame, families: pl.DataFrame) -> pl.DataFrame:
    """Each of ``records`` (column ``keys``) once for each of ``families`` (``family_id``, ``children``) that shares a key.

    The record's own ``family_id`` gives way to the family's.
    """
    known = families.select("family_id", key=all_keys()).explode("key", empty_as_null=True).unique()
    numbered = records.drop("family_id", strict=False).with_row_index("record")
    pairs = numbered.select("record", key="keys").explode("key", empty_as_null=True).join(known, on="key")
    pairs = pairs.select("record", "family_id").unique()
    return numbered.join(pairs, on="record", maintain_order="left").drop("record", "keys").sort("family_id", maintain_order=True)


def unite_offers(records: pl.DataFrame) -> pl.DataFrame:
    """One row for each offer from :func:`gather_records` with a ``family_id``: records of one offer put together.

    Columns: ``family_id``, ``kind``, ``offered_on`` (the first day), ``answer``, ``answered_on``, ``reviewed_on``, ``made``.
    """
    by = ["family_id", "kind"]
    apart = pl.col("offered_on").diff().over(by) > timedelta(SAME_OFFER_DAYS)
    answers = pl.col("answer").drop_nulls()
    in_the_system = pl.col("answer").filter("recorded").drop_nulls()
    return (
        records.sort(*by, "offered_on", "answered_on", "recorded", "answer", nulls_last=False)
        .with_columns(offer=apart.fill_null(value=False).cast(pl.Int64).cum_sum().over(by))
        .group_by(*by, "offer", maintain_order=True)
        .agg(
            pl.col("offered_on").min(),
            answer=pl.coalesce(in_the_system.last(), answers.last()),
            answered_on=pl.col("answered_on").max(),
            reviewed_on=pl.col("reviewed_on").max(),
            made=pl.col("made").any(),
        )
        .drop("offer")
    )


def find_unanswered(offers_made: pl.DataFrame, decided: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Offers that the team recorded in the last ``ANSWER_DUE_DAYS`` and of which no answer is known, by day and family.

    Columns: ``family_id``, ``kind``, ``offered_on``, ``night`` (of the list in whose workbook the answer is given).
    """
    told = decided.filter(pl.col("decided_on") <= as_of, pl.col("decided_on") > as_of - timedelta(ANSWER_DUE_DAYS))
    offered = told.filter(decision=OFFERED).select(
        "family_id", "children", "night", "decided_on", kind=pl.coalesce("kind", "listed_kind")
    )
    families = offered.select("family_id", "children").unique("family_id", keep="first", maintain_order=True)
    offers = unite_offers(match(gather_records(offers_made, decided, as_of), families))
    open_ones = offers.filter(pl.col("made"), pl.col("answer").is_null())
    return (
        offered.join(open_ones.select("family_id", "kind", first_day="offered_on"), on=["family_id", "kind"])
        .filter(
            pl.col("decided_on") - pl.col("first_day") <= timedelta(SAME_OFFER_DAYS), pl.col("decided_on") >= pl.col("first_day")
        )
        .unique(["family_id", "kind", "night"])
        .sort("decided_on", "family_id", "kind", "night")
        .select("family_id", "kind", "night", offered_on="decided_on")
    )


def begin_week(as_of: date) -> date:
    """The Monday of the week in which the list of the night ``as_of`` is used: that of the day after."""
    used_on = as_of + timedelta(1)
    return used_on - timedelta(used_on.weekday())


def count_made_this_week(offers_made: pl.DataFrame, decided: pl.DataFrame, as_of: date) -> dict[str, int]:
    """For each kind, the families that were given it from Monday of the list's week up to ``as_of``.

    ``offers_made`` has the columns of ``OFFERS_MADE``, ``decided`` those of ``DECIDED``. A family counts once for a kind,
    however many of its children or records tell of it; one that said no leaves its slot free. Records belong to one family
    when they share a child or a family.
    """
    monday = begin_week(as_of)
    recent = gather_records(offers_made, decided, as_of).filter(pl.col("offered_on") >= monday - timedelta(SAME_OFFER_DAYS))
    nodes = recent.with_row_index("number").with_columns(node=pl.format("record {}", "number"))
    links = nodes.select(left="node", right="keys").explode("right", empty_as_null=True).drop_nulls()
    found = components(links).rename({"component": "family_id"})
    offers = unite_offers(nodes.join(found, on="node"))
    given = offers.filter(pl.col("made"), pl.col("offered_on") >= monday, ~pl.col("answer").is_in(NO).fill_null(value=False))
    counts = given.drop_nulls("kind").group_by("kind").agg(pl.col("family_id").n_unique()).sort("kind")
    return dict(counts.iter_rows())
