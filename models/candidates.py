"""The candidates of every evaluation: humble rankers, the glass box, and two models to hold it against.

Each is built from features, a seed and an effort; see :class:`models.candidate.Candidate` for what it can do.
"""

from collections.abc import Callable, Sequence

from models.candidate import Candidate, Effort, Input
from models.glass_box import GlassBox
from models.learners import Boosting, Spline
from models.rankers import BaseRate, Ranker
from models.scorecard import Scorecard

Builder = Callable[[Sequence[Input], int, Effort], Candidate]

CANDIDATES: dict[str, Builder] = {
    "base_rate": lambda features, seed, effort: BaseRate(),
    "earlier_referrals": lambda features, seed, effort: Ranker("earlier_referrals", "referrals_in_last_730_days", 1, features),
    "days_since_last_referral": lambda features, seed, effort: Ranker(
        "days_since_last_referral", "days_since_last_earlier_referral", -1, features
    ),
    "points_scorecard": lambda features, seed, effort: Scorecard(features),
    "spline_logistic": Spline,
    "glass_box": GlassBox,
    "unrestricted_boosting": Boosting,
}

BY_FEATURE = ("earlier_referrals", "days_since_last_referral")
"""Candidates that rank by a feature of this project, and so cannot be given other columns."""

HUMBLE = ("base_rate", "earlier_referrals", "days_since_last_referral", "points_scorecard")
