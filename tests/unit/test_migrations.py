"""Days of a move to another case system that count on one date and not on another."""

import polars as pl

from features.catalogue import BY_NAME
from features.cohort import as_dates
from features.facts import gather_facts
from features.matrix import build_matrix
from features.migrations import Migrations, migration_days
from tests.spec.drawing import dates, nights
from validation.history import Archive

MOVED, TOLD = "2024-06-03", "2024-06-10"
BEFORE, ON, AFTER = dates("2024-06-02", "2024-06-05", "2024-06-10")
HEADS = "referral_id person_id referral_date close_date"
STOCK = "\n".join((HEADS, *(f"r{n} child{n} 2024-01-02 -" for n in range(100))))
TWICE = "\na1 anna 2024-01-02 -\na2 anna 2024-06-03 -"


def told_late() -> Archive:
    """Thirty of a hundred cases closed on the day of the move, which a later night brought; Anna has one in both systems."""
    closed = STOCK.replace("2024-01-02 -", f"2024-01-02 {MOVED}", 30)
    family = {"ssd_family": "table_id family_id person_id\n1 f anna\n2 f child99"}
    return nights(
        (MOVED, family | {"ssd_cin_episodes": STOCK + TWICE}), (TOLD, family | {"ssd_cin_episodes": closed + TWICE})
    )  # fmt: skip


def taken_back() -> Archive:
    """Thirty of a hundred closed on the day of the move, as was thought until a later night."""
    closed = STOCK.replace("2024-01-02 -", f"2024-01-02 {MOVED}", 30)
    return nights((MOVED, {"ssd_cin_episodes": closed}), (TOLD, {"ssd_cin_episodes": STOCK}))


def found(archive: Archive) -> Migrations:
    return gather_facts(archive).migrations(as_dates([BEFORE, ON, AFTER]))


def test_a_move_that_was_told_late_counts_from_then() -> None:
    migrations = found(told_late())
    assert migrations.usual["day"].to_list() == dates(MOVED)
    assert migrations.unusual().rows() == [(ON, *dates(MOVED))]
    assert migrations.at(as_dates([BEFORE, ON, AFTER])).rows() == [(AFTER, *dates(MOVED))]


def test_a_move_that_was_taken_back_counts_until_then() -> None:
    migrations = found(taken_back())
    assert migrations.usual.is_empty()
    assert migrations.unusual().rows() == [(ON, *dates(MOVED))]
    assert migrations.at(as_dates([BEFORE, ON, AFTER])).rows() == [(ON, *dates(MOVED))]


def test_where_nothing_was_known_otherwise_the_usual_days_count_as_they_come() -> None:
    closed = STOCK.replace("2024-01-02 -", f"2024-01-02 {MOVED}", 30)
    archive = nights((TOLD, {"ssd_cin_episodes": closed}))
    migrations = found(archive)
    assert migrations.unusual().is_empty()
    assert migrations.dates.is_empty()
    assert migration_days(archive, [BEFORE, ON, AFTER]).rows() == [(ON, *dates(MOVED)), (AFTER, *dates(MOVED))]


def test_a_case_goes_on_in_the_new_system_on_the_dates_on_which_the_move_counts() -> None:
    """And for her brother it is one referral or two."""
    declared = [BY_NAME["sibling_referrals_in_last_365_days"], BY_NAME["referrals_in_last_730_days"]]
    matrix = build_matrix(told_late(), [ON, AFTER], declared)
    anna, brother = (matrix.filter(pl.col("person_id") == name) for name in ("anna", "child99"))
    assert anna["began_on"].to_list() == dates(MOVED, "2024-01-02")
    assert anna["overlaps"].to_list() == [True, False]
    assert anna["referrals_in_last_730_days"].to_list() == [1, 0]
    assert brother["sibling_referrals_in_last_365_days"].to_list() == [2, 1]
