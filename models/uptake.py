"""Who was offered help, whom people decided otherwise about, who took an offer up, and what came after: by group.

Nothing here says what an offer does: families who say yes differ from those who say no, and nobody was drawn by lot. It says
whether the help that a list leads to reaches every group, and where to ask why.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from models.fairness import Metric, measure_rows
from models.involvement import HOLDS, OFFERS
from models.team_decisions import ANSWERS, KEEP, NO, gather_records, match, unite_offers

UPTAKE = "offers of help"
"""The split of these figures: what is on record of offers and decisions."""

CASE, OFFER, DECISION = "case", "offer", "decision"
YEAR = timedelta(days=365)
STEP = "28d"  # within which the next date of the grid follows an offer or a decision
ANSWERED_BY = timedelta(days=28)
ACCEPTED = ANSWERS["accepted"]

_IS = {look: pl.col("look") == look for look in (CASE, OFFER, DECISION)}
_KNOWN = pl.col("answer").is_not_null()
_YES, _NO = pl.col("answer") == ACCEPTED, pl.col("answer").is_in(NO)
_MATURE, _CAME_BACK = pl.col("outcome").is_not_null(), pl.col("outcome").fill_null(value=False)

METRICS = (
    Metric("offered_help", pl.col("was_offered"), _IS[CASE]),
    Metric("decided_otherwise", pl.col("otherwise"), _IS[DECISION]),
    Metric("taken_up", _YES.fill_null(value=False), _IS[OFFER] & _KNOWN),
    Metric("without_answer", ~_KNOWN, _IS[OFFER] & pl.col("due"), judged=False),
    Metric("came_back_after_yes", _CAME_BACK, (_IS[OFFER] & _YES & _MATURE).fill_null(value=False), judged=False),
    Metric("came_back_after_no", _CAME_BACK, (_IS[OFFER] & _NO & _MATURE).fill_null(value=False), judged=False),
)
"""Of the children with an open case in the last year, those whose family was offered help in it; of the families that had a place
when people decided, those to whom no offer was made; of offers with a known answer, those taken up; of offers made four weeks ago
or more, those without an answer; and of families who said yes, or no, those who came back (the outcome of the model)."""


def gather_rows(cases: pl.DataFrame, offers_made: pl.DataFrame, decided: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What the metrics are counted on: ``cases`` with ``look``, ``was_offered``, ``otherwise``, ``answer`` and ``due``.

    ``cases``: open cases on some dates up to ``as_of``: ``as_of``, ``person_id``, ``referral_id``, ``group_id`` and ``outcome``
    (empty while it is not known). ``offers_made`` and ``decided``: see :mod:`models.team_decisions`. An offer or a decision
    counts for each child of the family that has an open case on the next date of ``cases``, at most 28 days later.
    """
    offers = _find_offers(cases, offers_made, decided, as_of)
    lines = _find_decisions(cases, decided)
    recent = cases.filter(pl.col("as_of") > as_of - YEAR)
    helped = (
        offers.filter("made", pl.col("offered_on") > as_of - YEAR).select("group_id", was_offered=pl.lit(value=True)).unique()
    )
    seen = recent.sort("as_of").unique("person_id", keep="last", maintain_order=True).join(helped, on="group_id", how="left")
    looks = [
        seen.with_columns(look=pl.lit(CASE)),
        _put_on_grid(offers.filter("made"), cases, "offered_on").with_columns(look=pl.lit(OFFER)),
        _put_on_grid(lines, cases, "decided_on").with_columns(look=pl.lit(DECISION)),
    ]
    rows = pl.concat(looks, how="diagonal")
    flags = [pl.col(name).fill_null(value=False) for name in ("was_offered", "otherwise")]
    due = (pl.col("offered_on") <= as_of - ANSWERED_BY).fill_null(value=False)
    return rows.with_columns(*flags, due=due).select(*cases.columns, "look", "was_offered", "otherwise", "answer", "due")


def measure_uptake(rows: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    """The long frame (``models.fairness.FRAME``) of :data:`METRICS` over rows of :func:`gather_rows` that have ``groups``."""
    return measure_rows(rows, groups, METRICS, UPTAKE)


def _find_offers(cases: pl.DataFrame, offers_made: pl.DataFrame, decided: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Each offer once, by the family (``group_id``) to whose children it was made."""
    families = cases.group_by(family_id="group_id").agg(children=pl.col("person_id").unique().sort())
    records = gather_records(offers_made, decided, as_of)
    return unite_offers(match(records, families.sort("family_id"))).rename({"family_id": "group_id"})


def _find_decisions(cases: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """The first decision on each family with a place, of each night, that is more than to keep it on the list: ``otherwise``."""
    children = cases.select("person_id", "group_id").unique()
    return (
        decided.filter(pl.col("standing").is_in(HOLDS), pl.col("decision") != KEEP)
        .select("night", "decided_on", "children", otherwise=~pl.col("decision").is_in(OFFERS))
        .explode("children", empty_as_null=True)
        .join(children, left_on="children", right_on="person_id")
        .unique(["group_id", "night"], keep="first", maintain_order=True)
        .select("group_id", "decided_on", "otherwise")
    )


def _put_on_grid(told: pl.DataFrame, cases: pl.DataFrame, day: str) -> pl.DataFrame:
    """The cases of each family of ``told`` that are open on the next date, with what is told."""
    dates = cases.select(pl.col("as_of").unique().sort())
    placed = told.sort(day).join_asof(dates, left_on=day, right_on="as_of", strategy="forward", tolerance=STEP)
    return cases.join(placed.drop_nulls("as_of"), on=["as_of", "group_id"], how="inner", maintain_order="left")
