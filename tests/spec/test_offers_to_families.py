"""Which families were offered something, for monitoring: a family is all its children, whatever they were called."""

from datetime import date

import polars as pl

from features.cohort import build_cohort
from flows.monitoring import find_offers
from models.team_decisions import DECIDED
from tests.spec.drawing import one_load

LAST = date(2026, 1, 31)
TABLES = {
    "ssd_person": "person_id dob\nanna 2015-01-01\nold 2015-01-01\nbert 2016-01-01\nzoe 2014-01-01\ndora 2013-01-01",
    "ssd_cin_episodes": "referral_id person_id referral_date referral_nfa\n"
    "r1 anna 2025-01-01 no\nr2 zoe 2025-01-01 no\nr3 dora 2025-01-01 no",
    "ssd_family": "table_id family_id person_id\nt1 f1 anna\nt2 f1 bert",
    "ext_person_links": "old_person_id new_person_id date\nold anna 2025-06-01",
    "ext_offers": "person_id kind offered_date\nold EH 2025-02-01\nbert EH 2025-03-01",
}


def log(*rows: tuple[str, str, date]) -> pl.DataFrame:
    """The team's log: decisions on a child's family."""
    told = [dict.fromkeys(DECIDED) | {"children": [child], "decision": what, "decided_on": day} for child, what, day in rows]
    return pl.DataFrame(told, schema=DECIDED)


def test_offers_of_all_children_and_of_the_log_are_those_of_the_family() -> None:
    archive = one_load(str(LAST), **TABLES)
    decided = log(("zoe", "accepted", date(2025, 4, 1)), ("zoe", "not suitable", date(2025, 5, 1)))
    families = build_cohort(archive, [date(2025, 6, 30)]).select("person_id", "group_id")
    found = find_offers(archive, decided).join(families, on="group_id").select("person_id", "offered_on")
    assert sorted(found.rows()) == [
        ("anna", date(2025, 2, 1)),
        ("anna", date(2025, 3, 1)),
        ("zoe", date(2025, 4, 1)),
    ]


def test_without_any_offer_nobody_was_offered_anything() -> None:
    archive = one_load(str(LAST), **{name: drawn for name, drawn in TABLES.items() if name != "ext_offers"})
    assert find_offers(archive, pl.DataFrame(schema=DECIDED)).is_empty()
