"""How a case system is kept: how late, how carelessly, and what became of its keys."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Habits:
    """How the people of an authority record what happens, and what they get wrong. Every default is faultless.

    Half of all entries are made within ``median_lag`` days, one in twenty takes longer than ``long_lag``; that goes for a
    row as for each fact that is added to it later (a closing, the end of an assessment or plan, a decision), and all values
    that one date reveals are entered together. With a ``median_lag`` of 0 everything is entered on its day. All other
    fields but ``migration`` are shares between 0 and 1, each of what its comment names.
    """

    median_lag: int = 0
    long_lag: int = 14
    back_dated: float = 0.0  # of rows: entered 30 to 200 days after they happened
    late_closings: float = 0.0  # of closings: entered 21 to 150 days after them
    corrections: float = 0.0  # of some codes and dates: first entered wrongly, put right 3 to 60 days later
    duplicates: float = 0.0  # of referrals with further action: entered a second time, deleted 3 to 60 days later
    repeated_rows: float = 0.0  # of rows: they stand twice in every extract
    undated_closings: float = 0.0  # of referrals without further action: no closing is ever entered
    merged_children: float = 0.0  # of children referred again: the second referral stood under a second key at first
    rekeyed_families: float = 0.0  # of families: given a new key at some time
    migration: date | None = None  # on this day every open case was closed and opened anew under another key


CLEAN = Habits()
ORDINARY = Habits(
    median_lag=1,
    long_lag=14,
    back_dated=0.01,
    late_closings=0.05,
    corrections=0.02,
    duplicates=0.01,
    repeated_rows=0.002,
    undated_closings=0.10,
    merged_children=0.02,
    rekeyed_families=0.015,
)
