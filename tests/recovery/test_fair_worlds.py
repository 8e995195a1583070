"""A hundred invented years: the comparison of groups cries no wolf, and does not miss chances that are too low for one people."""

import pytest

from models.fairness import Verdict, measure_fairness
from tests.unit.test_fairness import SIZES, cell, invent

pytestmark = pytest.mark.proof
SEEDS = range(1, 101)


def test_with_nothing_planted_hardly_any_year_shows_a_gap() -> None:
    shown = [Verdict.GAP in measure_fairness([rows], groups, SIZES, 1)["verdict"] for rows, groups in map(invent, SEEDS)]
    assert sum(shown) <= 10


def test_chances_ten_points_too_low_for_a_quarter_of_the_children_are_found_and_their_size_is_covered() -> None:
    found = covered = 0
    for seed in SEEDS:
        rows, groups = invent(seed, people=6_000, unseen=0.1)
        south = cell(measure_fairness([rows], groups, SIZES, 1), "returns_beside_chances", "south")
        of = rows.join(groups, on=["as_of", "person_id", "referral_id"]).filter(people="south")
        off = float(of["truth"].mean() - of["chance"].mean())  # type: ignore[operator, arg-type]
        found += south["verdict"] == Verdict.GAP
        covered += south["gap_low"] <= off <= south["gap_high"]  # type: ignore[operator]
    assert found >= 90
    assert covered >= 90
