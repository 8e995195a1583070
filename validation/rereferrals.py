"""The official DfE measure: referrals within 12 months of an earlier referral of the same child.

Computed for reporting, and for the gate to see that an extract is plausible. Source of the definition: DfE,
Characteristics of children in need, methodology ("re-referral").
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

WITHIN_DAYS = 365


@dataclass(frozen=True)
class ReReferrals:
    """Referrals of a period and how many of them followed another of the same child within 12 months."""

    referrals: int
    re_referrals: int

    @property
    def rate(self) -> float | None:
        """The share of re-referrals, or ``None`` without referrals."""
        return self.re_referrals / self.referrals if self.referrals else None


def count_re_referrals(episodes: pl.DataFrame, first: date, last: date) -> ReReferrals:
    """The measure over referrals dated ``first`` to ``last`` inclusive.

    ``episodes`` needs ``cine_person_id`` and ``cine_referral_date``; the earlier referral may lie before ``first``. Two
    referrals of one child on the same day count once.
    """
    dated = (
        episodes.select("cine_person_id", "cine_referral_date")
        .unique()
        .sort("cine_person_id", "cine_referral_date")
        .with_columns(before=pl.col("cine_referral_date").shift(1).over("cine_person_id"))
        .filter(pl.col("cine_referral_date").is_between(first, last))
    )
    within = (pl.col("cine_referral_date") - pl.col("before")).dt.total_days() <= WITHIN_DAYS
    return ReReferrals(dated.height, int(dated.select(within.fill_null(value=False).sum()).item()))
