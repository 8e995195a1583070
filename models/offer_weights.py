"""Feedback loops: a family that was given an offer that works looks low-risk afterwards, and so do families like it.

What is asked is the chance of a return *had the list made no offer*. Let a row be a case on a date, T the days until its
return and C the days until an offer of the list (one that was given up to ``WORKS_DAYS`` before the date counts as 0). Where
C < T, the return without an offer was never seen. Four policies give each row a weight:

- ``NAIVE``: 1, as if offers did nothing.
- ``LEAVE_OUT``: 0 if an offer was made before the end of the window, else 1. Simple, and wrong twice: those left are the
  families that offers pass by, and a family that has come back has an open case again and is offered something because of it.
- ``WEIGH``: as ``LEAVE_OUT``, but 1 / P(no offer in the window) for those left: inverse probability of treatment (Horvitz and
  Thompson 1952; Rosenbaum 1987).
- ``CENSOR``: a return counts if it came before any offer. 0 if C < T, else 1 / P(no offer until the return or the end of the
  window): inverse probability of censoring (Robins and Rotnitzky 1992; Robins and Finkelstein 2000). Uses the most rows.

P is the product of (1 - chance of a place) over the draws that a family took part in. Where the record of those who went
without is lacking, it is estimated from the features as exp(-rate x days) with a rate of offers a day by boosted trees
(Poisson); that is right only if everything that decides on offers is in the features. Both need *positivity*: among families
of every kind some must go without. Where the highest always get the offer, nobody like them does, and no weight can help.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import ceil

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from features.definition import Family, Feature
from models.candidate import to_array
from validation.errors import ContractError

WORKS_DAYS = 365  # how long an offer may go on working
MOST_WEIGHT = 20.0  # larger ones are drawn in: a few rows would speak for all
LEAST_BY_LOT = 30  # offers drawn by lot, below which nothing is corrected
LEAST_SHARE_BY_LOT = (
    0.9  # of all offers: with 60 % by lot a tenth of the harm was mended, with 82 % two thirds (docs/feedback.md)
)
ROW = "_row"


class Policy(StrEnum):
    """What is done about rows that an offer may have changed."""

    NAIVE = "naive"
    LEAVE_OUT = "leave out"
    WEIGH = "weigh"
    CENSOR = "censor"


@dataclass(frozen=True)
class Verdict:
    """Can feedback be corrected, in words; with the offers of the list that were found and those of them drawn by lot."""

    possible: bool
    words: str
    offers: int
    by_lot: int


def offers_of_the_list(offers: pl.DataFrame) -> pl.DataFrame:
    """The offers that feed back: those whose place is recorded, or, where none is, all that were not declined.

    ``offers`` is ``ext_offers``, all versions or the latest. Offers without a recorded place are usual practice: they
    were made before there was a list and will be made after it, so the chance that is asked for includes them.
    """
    latest = offers.filter(pl.col("known_to").is_null()) if "known_to" in offers.columns else offers
    if (wrong := latest.filter(~pl.col("offe_slot_chance").is_between(0, 1)).height) > 0:
        raise ContractError(
            f"'offe_slot_chance' is outside 0 to 1 in {wrong} rows of 'ext_offers': allowed is the chance of the place "
            "that the list recorded. Correct these rows at their source."
        )
    of_the_list = pl.col("offe_slot_chance").is_not_null() | pl.col("offe_by_lot").is_not_null()
    recorded = latest.filter(of_the_list)
    return recorded if recorded.height else latest.filter(pl.col("offe_answer").ne_missing("DECLINED"))


def can_be_corrected(offers: pl.DataFrame) -> Verdict:
    """Is there an overlap by design: were enough of the offers drawn by lot with a chance between 0 and 1?

    ``offers`` is ``ext_offers``. Raises ``ContractError`` for a chance outside 0 to 1.
    """
    made = offers_of_the_list(offers)
    drawn = made.filter(pl.col("offe_by_lot") & pl.col("offe_slot_chance").is_between(0, 1, closed="none"))
    count, by_lot = made.height, drawn.height
    if not count:
        return Verdict(False, "No offers are on record, so there is no feedback to correct.", 0, 0)
    if by_lot < LEAST_BY_LOT or by_lot < LEAST_SHARE_BY_LOT * count:
        return Verdict(
            False,
            f"Cannot be corrected: of {count} offers {by_lot} were drawn by lot with a known chance; needed are "
            f"{max(LEAST_BY_LOT, ceil(LEAST_SHARE_BY_LOT * count))}. Where the families judged most likely to come back always "
            "get the offer, nobody like them goes without, and what would have become of them is not in the data. Places drawn "
            "by lot among those families would tell.",
            count,
            by_lot,
        )
    return Verdict(
        True,
        f"Can be corrected: of {count} offers {by_lot} were drawn by lot with a known chance, so families like those who were "
        "given it went without by chance alone.",
        count,
        by_lot,
    )


def mark_offers(frame: pl.DataFrame, offers: pl.DataFrame, window_days: int, works_days: int = WORKS_DAYS) -> pl.DataFrame:
    """The rows of a training frame in their order, with what its family was offered by the list.

    ``frame`` has ``as_of``, ``person_id``, ``family_id``, ``group_id`` and ``returned_on`` (empty: no return in the window of
    ``window_days``). A family is everybody of one ``group_id``. Adds ``offer_before`` (in the ``works_days`` up to the date),
    ``offer_in_window``, ``offer_before_return`` (in the window, before the day of a return), ``days_to_offer`` (to the first
    in the window, else empty), and of the offers in the window ``offer_accepted``, ``offer_held`` and ``offer_by_lot``: was
    any of them? Raises ``ContractError`` when a column is missing.
    """
    rows = _with_ends(frame, window_days)
    given = _grouped(
        frame,
        offers_of_the_list(offers).select(
            "offe_offered_date",
            key="offe_person_id",
            accepted=(pl.col("offe_answer") == "ACCEPTED").fill_null(value=False),
            held=pl.col("offe_held_date").is_not_null(),
            by_lot=pl.col("offe_by_lot").fill_null(value=False),
        ),
    ).rename({"offe_offered_date": "day"})
    in_window = (pl.col("day") > pl.col("as_of")) & (pl.col("day") <= pl.col("_last"))
    found = (
        rows.join(given, on="group_id")
        .group_by(ROW)
        .agg(
            offer_before=((pl.col("day") <= pl.col("as_of")) & (pl.col("day") > pl.col("as_of") - timedelta(works_days))).any(),
            offer_in_window=in_window.any(),
            offer_before_return=(in_window & (pl.col("day") < pl.col("_end"))).any(),
            days_to_offer=pl.col("day").filter(in_window).min(),
            **{f"offer_{name}": (in_window & pl.col(name)).any() for name in ("accepted", "held", "by_lot")},
        )
    )
    marked = frame.with_row_index(ROW).join(found, on=ROW, how="left", maintain_order="left").drop(ROW)
    flags = [name for name, dtype in found.schema.items() if dtype == pl.Boolean]
    return marked.with_columns(
        pl.col(flags).fill_null(value=False), days_to_offer=(pl.col("days_to_offer") - pl.col("as_of")).dt.total_days()
    )


def _with_ends(frame: pl.DataFrame, window_days: int) -> pl.DataFrame:
    """Keys of each row with ``_last``, the last day of its window, and ``_end``, the day of its return or the day after."""
    needed = ("as_of", "person_id", "family_id", "group_id", "returned_on")
    if missing := [name for name in needed if name not in frame.columns]:
        raise ContractError(f"The training frame lacks {', '.join(missing)}: label it again, since offers are told from these.")
    last = pl.col("as_of") + timedelta(window_days)
    return (
        frame.with_row_index(ROW)
        .with_columns(_last=last)
        .select(ROW, "as_of", "group_id", "_last", _end=pl.coalesce("returned_on", pl.col("_last") + timedelta(1)))
    )


def _grouped(frame: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """``records`` of children or families (column ``key``) with the group of families that each belongs to."""
    people = [frame.select("group_id", key=name) for name in ("person_id", "family_id", "group_id")]
    return records.join(pl.concat(people).unique("key", keep="first", maintain_order=True), on="key").drop("key")


def weigh_rows(
    marked: pl.DataFrame,
    policy: Policy,
    window_days: int,
    *,
    features: Sequence[Feature] = (),
    draws: pl.DataFrame | None = None,
    works_days: int = WORKS_DAYS,
    seed: int = 0,
) -> pl.DataFrame:
    """The rows of :func:`mark_offers` with ``weight`` (0: not used), by a policy; see the head of this file.

    ``draws`` has a row for each family and draw: ``family_id`` (as on the list: one of its children), ``drawn_on`` and
    ``slot_chance``, whoever won; without it the chance of going without is estimated from ``features``.
    """
    if policy is Policy.NAIVE:
        return marked.with_columns(weight=pl.lit(1.0))
    censor = policy is Policy.CENSOR
    gone = pl.col("offer_before") | pl.col("offer_before_return" if censor else "offer_in_window")
    without = pl.Series(np.ones(marked.height))
    if policy is not Policy.LEAVE_OUT and draws is not None:
        without = _chance_without(marked, draws, window_days, works_days, censor)
    elif policy is not Policy.LEAVE_OUT:
        without = _estimated_chance_without(marked, features, window_days, censor, seed)
    return marked.with_columns(weight=pl.when(gone).then(0.0).otherwise((1 / without).clip(1.0, MOST_WEIGHT)))


def _chance_without(marked: pl.DataFrame, draws: pl.DataFrame, window_days: int, works_days: int, censor: bool) -> pl.Series:
    """Chance that the family of each row lost all draws it took part in: from before the row until its end."""
    rows = _with_ends(marked, window_days)
    drawn = _grouped(marked, draws.select("drawn_on", "slot_chance", key="family_id"))
    counts = (pl.col("drawn_on") > pl.col("as_of") - timedelta(works_days)) & (
        (pl.col("drawn_on") < pl.col("_end")) if censor else (pl.col("drawn_on") <= pl.col("_last"))
    )
    lost = rows.join(drawn, on="group_id").filter(counts).group_by(ROW).agg(without=(1 - pl.col("slot_chance")).product())
    found = rows.join(lost, on=ROW, how="left", maintain_order="left")["without"]
    return found.fill_null(1.0).clip(1 / MOST_WEIGHT, 1.0)


def _estimated_chance_without(
    marked: pl.DataFrame, features: Sequence[Feature], window_days: int, censor: bool, seed: int
) -> pl.Series:
    """Chance of no offer until the end of each row, estimated from the features of rows that had none before."""
    names = [feature.name for feature in features if feature.family is not Family.OFFERS and marked[feature.name].count()]
    rows = _with_ends(marked, window_days)
    until = pl.col("_end") if censor else pl.col("_last") + timedelta(1)
    days = rows.select((until - pl.col("as_of")).dt.total_days()).to_series().to_numpy().astype(np.float64)
    hit = marked["offer_before_return" if censor else "offer_in_window"].to_numpy()
    risk = ~marked["offer_before"].to_numpy()
    seen = np.where(hit, marked["days_to_offer"].fill_null(0).to_numpy(), days)  # days at risk
    trees = HistGradientBoostingRegressor(
        loss="poisson", max_iter=100, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=200, random_state=seed
    )
    values = to_array(marked, names)
    with threadpool_limits(1, user_api="openmp"):
        trees.fit(values[risk], hit[risk] / seen[risk] * window_days, sample_weight=seen[risk])
        rate = trees.predict(values) / window_days
    return pl.Series(np.exp(-rate * days))


def effective_rows(weight: pl.Series) -> float:
    """How many rows of equal weight rows of these weights are worth (Kish 1965); 0 for none."""
    total = float((weight**2).sum())
    return float(weight.sum()) ** 2 / total if total else 0.0
