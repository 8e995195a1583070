"""Examples of every aggregate at the edges of its window, as of 25 November 2024."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from features.measure import Formula, difference, ratio
from features.streams import CONTACTS, EARLY_HELP, SCALINGS

WINDOWS = (1, 3, 4)  # days; a window of 3 days reaches back to the 23rd


@dataclass(frozen=True)
class Edge:
    """A formula for a window of w days: as it is written, and its values for ``WINDOWS``, then where no event counts at all."""

    written: str
    formula: Callable[[int], Formula]
    values: tuple[str, str, str, str]


TABLES: Mapping[str, str] = {
    "ssd_cin_episodes": """
        person_id  referral_date
        anna       2024-11-01
        bert       2024-11-01
    """,
    "ext_assessments_sos": """
        person_id  scaled_date  rater   scale  strengths
        anna       2024-10-27   FAMILY  5      6
        anna       2024-10-28   FAMILY  5      8
        anna       2024-11-22   WORKER  5      8
        anna       2024-11-23   WORKER  5      1
        anna       2024-11-24   WORKER  5      5
        anna       2024-11-24   FAMILY  5      -
        anna       2024-11-25   WORKER  5      3
        anna       2024-11-25   FAMILY  5      4
        anna       2024-11-26   FAMILY  5      9
    """,
    "ssd_contacts": """
        person_id  contact_date  contact_outcome_json
        anna       2024-11-22    NFA
        anna       2024-11-23    ADVICE
        anna       2024-11-24    -
        anna       2024-11-25    NFA
    """,
    "ssd_early_help_episodes": """
        person_id  episode_start_date  episode_end_date
        anna       2024-11-22          2024-11-26
        anna       2024-11-23          2024-11-25
    """,
}

FAMILY_SCALES = SCALINGS.where(rater="FAMILY")

EDGES: tuple[Edge, ...] = (
    Edge("SCALINGS.count(w)", SCALINGS.count, ("2", "5", "6", "0")),
    Edge("SCALINGS.any(w)", SCALINGS.any, ("1", "1", "1", "0")),
    Edge('SCALINGS.where(rater="FAMILY").count(w)', FAMILY_SCALES.count, ("1", "2", "2", "0")),
    Edge('SCALINGS.distinct("rater", w)', lambda w: SCALINGS.distinct("rater", w), ("2", "2", "2", "0")),
    Edge('SCALINGS.total("strengths", w)', lambda w: SCALINGS.total("strengths", w), ("7", "13", "21", "0")),
    Edge('SCALINGS.mean("strengths", w)', lambda w: SCALINGS.mean("strengths", w), ("7/2", "13/4", "21/5", "-")),
    Edge('SCALINGS.most("strengths", w)', lambda w: SCALINGS.most("strengths", w), ("4", "5", "8", "-")),
    Edge('SCALINGS.latest("strengths", w)', lambda w: SCALINGS.latest("strengths", w), ("4", "4", "4", "-")),
    Edge(
        'SCALINGS.where(rater="FAMILY").trend("strengths", 26 + w)',
        lambda w: FAMILY_SCALES.trend("strengths", 26 + w),
        ("-", "-52.143", "-37.712", "-"),
    ),
    Edge("SCALINGS.days_since_last(w)", SCALINGS.days_since_last, ("0", "0", "0", "-")),
    Edge("SCALINGS.days_since_first(w)", SCALINGS.days_since_first, ("0", "2", "3", "-")),
    Edge('CONTACTS.share("ended_nfa", w)', lambda w: CONTACTS.share("ended_nfa", w), ("1", "1/2", "2/3", "-")),
    Edge("EARLY_HELP.open_now(w)", EARLY_HELP.open_now, ("0", "0", "1", "0")),
    Edge("SCALINGS.change(w)", SCALINGS.change, ("0", "4", "6", "0")),
    Edge(
        'ratio(SCALINGS.where(rater="FAMILY").count(w), SCALINGS.count(w))',
        lambda w: ratio(FAMILY_SCALES.count(w), SCALINGS.count(w)),
        ("1/2", "2/5", "2/6", "-"),
    ),
    Edge(
        'difference(SCALINGS.most("strengths", w), SCALINGS.mean("strengths", w))',
        lambda w: difference(SCALINGS.most("strengths", w), SCALINGS.mean("strengths", w)),
        ("1/2", "7/4", "19/5", "-"),
    ),
    Edge(
        "difference(SCALINGS.count(w), CONTACTS.count(w))",
        lambda w: difference(SCALINGS.count(w), CONTACTS.count(w)),
        ("1", "2", "2", "0"),
    ),
)
