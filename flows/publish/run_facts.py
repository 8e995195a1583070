"""What the transparency record and its annexes are filled from: one training, as it may leave the team."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from flows.publish.measured import Measured
from flows.publish.what_changed import Told
from models.model import ScreeningModel
from models.offer_kinds import Offers


@dataclass(frozen=True)
class RunFacts:
    """Facts of a training.

    ``evaluation`` and ``lineage`` have gone through the door; ``fairness`` is the frame behind the fairness report, whose small
    numbers are hidden where it is told; ``council`` are the answers of ``transparency.toml`` by key; ``before`` is what the
    training before told, if there was one.
    """

    authority: str
    model: ScreeningModel
    evaluation: Mapping[str, Any]
    lineage: Mapping[str, Any]
    fairness: pl.DataFrame | None
    offers: Offers
    council: Mapping[str, str] = field(default_factory=dict)
    before: Told | None = None

    @property
    def measured(self) -> Measured:
        """The results as the report reads them."""
        return Measured(self.evaluation, self.model)

    @property
    def invented(self) -> bool:
        """Is no real record behind this?"""
        return self.model.origin != "real"

    @property
    def now(self) -> Told:
        """This training, to be compared with the one before."""
        return Told("this training", self.evaluation, self.lineage, self.fairness, self.council)
