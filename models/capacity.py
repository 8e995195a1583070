"""Accuracy where it counts: among the few who can be offered something.

Two readings: the highest share of the cases of single dates, and a replay of the test year week by week.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from models.metrics import find_share_interval

GRID_DAYS = 28
SHUFFLES = 20


@dataclass(frozen=True)
class Replay:
    """What a year of offers would have met: families offered something, the share of them that came back, its interval.

    ``expected`` is the share that should have come back by what the model said: the mean chance of the families offered
    something, each with the highest chance among its children. Fractions of a hit come from tied scores: the replay is
    repeated with other shuffles of ties, and averaged.
    """

    offers: int
    precision: float
    low: float
    high: float
    expected: float


def measure_share(frame: pl.DataFrame, share: float) -> dict[str, float]:
    """Precision, recall and lift of the highest ``share`` of the rows of each date, over all dates together.

    ``frame`` has ``as_of``, ``outcome``, ``score``. On each date the share is rounded up to whole rows; where the
    last of them are tied, precision is given as worst, best and expected (recall and lift as expected).
    """
    place = pl.col("score").rank("min", descending=True).over("as_of")
    last = pl.col("score").rank("max", descending=True).over("as_of")
    slots = (pl.len().over("as_of") * share - 1e-9).ceil()
    above, tied = (
        pl.col("last") <= pl.col("slots"),
        (pl.col("place") <= pl.col("slots")) & (pl.col("last") > pl.col("slots")),
    )
    dates = (
        frame.select("as_of", "outcome", place.alias("place"), last.alias("last"), slots.alias("slots"))
        .group_by("as_of")
        .agg(
            pl.len().alias("rows"),
            pl.col("outcome").sum().cast(pl.Float64).alias("yes"),
            pl.col("slots").first(),
            above.sum().cast(pl.Float64).alias("above"),
            (above & pl.col("outcome")).sum().cast(pl.Float64).alias("above_yes"),
            tied.sum().cast(pl.Float64).alias("tied"),
            (tied & pl.col("outcome")).sum().cast(pl.Float64).alias("tied_yes"),
        )
        .with_columns((pl.col("slots") - pl.col("above")).alias("left"))
        .with_columns(
            (pl.col("left") - (pl.col("tied") - pl.col("tied_yes"))).clip(lower_bound=0).alias("worst"),
            pl.min_horizontal("left", "tied_yes").alias("best"),
            pl.when(pl.col("tied") > 0)
            .then(pl.col("left") * pl.col("tied_yes") / pl.col("tied"))
            .otherwise(0.0)
            .alias("expected"),
        )
        .sort("as_of")  # sums of fractions depend on the order
        .select(pl.exclude("as_of").sum())
        .row(0, named=True)
    )
    precision = {ties: (dates["above_yes"] + dates[ties]) / dates["slots"] for ties in ("worst", "expected", "best")}
    base = dates["yes"] / dates["rows"]
    return {
        "precision": precision["expected"],
        "precision_worst": precision["worst"],
        "precision_best": precision["best"],
        "recall": precision["expected"] * dates["slots"] / dates["yes"] if dates["yes"] else float("nan"),
        "lift": precision["expected"] / base if base else float("nan"),
    }


def replay_offers(frame: pl.DataFrame, capacity: int, seed: int, shuffles: int = SHUFFLES) -> Replay:
    """Replay the test year: each week ``capacity`` families are offered something, and none twice.

    ``frame`` has ``as_of``, ``family_id``, ``outcome``, ``score``, ``chance``. A week reads those of the nearest grid date
    that is not after it; a family ranks by the highest score among its children, ties by a seeded shuffle, and slots
    that no family was left for are carried over. An offer meets a return when any child of the family on that date
    comes back.
    """
    codes = frame.with_columns((pl.col("family_id").rank("dense") - 1).cast(pl.Int64).alias("code"))
    families = codes.group_by("as_of", "code").agg(pl.col("score", "chance").max(), pl.col("outcome").any()).sort("as_of", "code")
    dates = [
        (part["as_of"][0], *(part[name].to_numpy() for name in ("code", "score", "outcome", "chance")))
        for part in families.partition_by("as_of", maintain_order=True)
    ]
    count = int(families["code"].n_unique())
    ends = [*(day for day, *_ in dates[1:]), dates[-1][0] + timedelta(days=GRID_DAYS)]
    rng = np.random.default_rng(seed)
    hits, offers, said = 0, 0, 0.0
    for _ in range(shuffles):
        shuffle, offered = rng.permutation(count), np.zeros(count, dtype=np.bool_)
        week, slots, made = dates[0][0], 0, 0
        for (_day, code, score, came_back, chance), end in zip(dates, ends, strict=True):
            ordered = np.lexsort((shuffle[code], -score))
            queue, returns, chances = code[ordered], came_back[ordered], chance[ordered]
            while week < end:
                slots += capacity
                chosen = np.flatnonzero(~offered[queue])[:slots]
                offered[queue[chosen]] = True
                hits, made, slots = hits + int(returns[chosen].sum()), made + chosen.size, slots - chosen.size
                said += float(chances[chosen].sum())
                week += timedelta(days=7)
        offers += made
    mean_hits, mean_offers = hits / shuffles, offers / shuffles
    low, high = find_share_interval(mean_hits, mean_offers)
    precision, expected = (mean_hits / mean_offers, said / offers) if offers else (float("nan"), float("nan"))
    return Replay(round(mean_offers), precision, low, high, expected)
