"""Proxies of a training: how well its features tell who a child is, and in a full one what could be done at what cost."""

from dataclasses import replace

import polars as pl

from flows.settings import Settings
from flows.training import SIDE_BAGS, TrainingData
from models.candidate import FULL
from models.evaluation import ROW
from models.fairness import WEEKS
from models.proxies import ALL, Telling, find_proxies
from models.remedies import REMEDIES, weigh_remedies
from models.training import Trained

PROTECTED = ("sex", "ethnicity", "disability")
"""Groups that are never features. The others are told openly: age and source are features themselves."""

MOST_LEFT_OUT = 2  # single features; each is a model of its own


def weigh_proxies(data: TrainingData, settings: Settings) -> pl.DataFrame:
    """How well features tell the protected groups: some seconds, whatever the authority's size (columns of ``PROXIES``)."""
    names = [name for name in PROTECTED if name in data.groups.columns]
    rows = data.frame.join(data.groups.select(*ROW, *names), on=ROW, how="left", maintain_order="left")
    return find_proxies(rows, [feature.name for feature in data.features], names, settings.seed)


def weigh_options(
    data: TrainingData, trained: Trained, proxies: pl.DataFrame, settings: Settings, capacity: int, full: bool
) -> pl.DataFrame:
    """What leaving out the strongest proxies would cost, beside a shorter list and a lot (columns of ``REMEDIES``).

    Each feature left out is a model fitted anew, so it is done in a full training only: otherwise the frame is empty.
    """
    names = [name for name in PROTECTED if name in data.groups.columns]
    if not full or not names:
        return pl.DataFrame(schema=REMEDIES)
    effort = replace(FULL, bags=min(settings.bags, SIDE_BAGS))
    return weigh_remedies(
        data.frame, data.features, data.groups.select(*ROW, *names), choose_left_out(data, proxies), trained.splits[0],
        trained.model.name, WEEKS * capacity, settings.seed, effort,
    )  # fmt: skip


def choose_left_out(data: TrainingData, proxies: pl.DataFrame) -> dict[str, list[str]]:
    """The strongest single proxies, and all features of the family of the first, in words; empty where none tells a group."""
    single = proxies.filter(pl.col("feature") != ALL, verdict=Telling.TELLS.value)
    ordered = single.sort((pl.col("auc") - 0.5).abs(), descending=True)["feature"].unique(maintain_order=True)[:MOST_LEFT_OUT]
    declared = {feature.name: feature for feature in data.features}
    chosen = {f"Leave out: {declared[name].description.rstrip('.')}": [name] for name in ordered}
    if chosen:
        family = declared[ordered[0]].family
        of = [feature.name for feature in data.features if feature.family is family]
        if 1 < len(of) < len(data.features):
            chosen[f"Leave out all features about {family.value}"] = of
    return chosen
