"""Every registered feature, every row of the cohort and both outcomes, against plain Python."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given

from features.catalogue import CATALOGUE
from features.cohort import build_cohort
from features.matrix import build_matrix
from features.outcomes import OUTCOMES, Outcome, label, latest_mature
from tests.generative.reference import Reference
from tests.generative.worlds import DATES, a_town, of_world, randoms, seeded, side_by_side

COHORT = ("as_of", "person_id", "referral_id", "family_id", "referral_date", "began_on", "overlaps", "dob")
LABELS = ("outcome", "outside", "exit", "closed_in_window")


def agrees(value: object, expected: float | None) -> bool:
    """Are the two equal, as Float32 holds them?"""
    if value is None or expected is None:
        return value is expected
    return value == pytest.approx(float(expected), rel=1e-6)


@given(random=randoms)
def test_matrix_is_what_plain_python_makes_of_the_nights(random: Random, small_stock: int) -> None:
    town = a_town(random)
    matrix = build_matrix(side_by_side(town), DATES, CATALOGUE)
    for number, reference in enumerate(Reference.of_town(town, small_stock)):
        found = of_world(matrix, number)
        expected = [row for day in DATES for row in reference.cohort(day)]
        assert found.select(COHORT).to_dicts() == expected
        wrong = [
            (case["as_of"], case["person_id"], feature.name, row[feature.name], reference.feature(feature, case))
            for case, row in zip(expected, found.to_dicts(), strict=True)
            for feature in CATALOGUE
            if not agrees(row[feature.name], reference.feature(feature, case))
        ]
        assert not wrong


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=list(OUTCOMES))
@given(random=randoms)
def test_outcomes_are_what_plain_python_makes_of_the_nights(outcome: Outcome, random: Random, small_stock: int) -> None:
    town = a_town(random)
    archive = side_by_side(town)
    as_of = min(latest_mature(outcome, archive.extract_date), DATES[-1] - timedelta(days=random.choice((180, 365, 366))))
    labelled = label(archive, build_cohort(archive, [as_of]), outcome)
    for number, reference in enumerate(Reference.of_town(town, small_stock)):
        expected = [reference.outcome(case, outcome.window_days, outcome.closing_within_days) for case in reference.cohort(as_of)]
        assert of_world(labelled, number).select(LABELS).to_dicts() == expected


def test_worlds_reach_every_feature() -> None:
    matrix = build_matrix(side_by_side(a_town(seeded(0), sizes=(25,))), DATES, CATALOGUE)
    idle = [feature.name for feature in CATALOGUE if not matrix[feature.name].drop_nulls().ne(0).any()]
    assert not idle
