"""Every registered feature, every row of the cohort and both outcomes, against plain Python."""

from datetime import timedelta

import pytest
from hypothesis import given

from features.catalogue import CATALOGUE
from features.cohort import build_cohort
from features.matrix import build_matrix
from features.outcomes import OUTCOMES, Outcome, label
from tests.generative.reference import Night, Reference
from tests.generative.worlds import DATES, archived, worlds

COHORT = ("as_of", "person_id", "referral_id", "family_id", "referral_date", "began_on", "overlaps", "dob")


def agrees(value: object, expected: object) -> bool:
    """Are the two equal, as Float32 holds them?"""
    if value is None or expected is None:
        return value is expected
    return value == pytest.approx(float(expected), rel=1e-6)


@given(nights=worlds())
def test_matrix_is_what_plain_python_makes_of_the_nights(nights: list[Night], small_stock: int) -> None:
    reference = Reference(nights, small_stock)
    matrix = build_matrix(archived(nights), DATES, CATALOGUE)
    expected = [row for day in DATES for row in reference.cohort(day)]
    assert matrix.select(COHORT).to_dicts() == expected
    wrong = [
        (case["as_of"], case["person_id"], feature.name, row[feature.name], reference.feature(feature, case))
        for case, row in zip(expected, matrix.to_dicts(), strict=True)
        for feature in CATALOGUE
        if not agrees(row[feature.name], reference.feature(feature, case))
    ]
    assert not wrong


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=list(OUTCOMES))
@given(nights=worlds())
def test_outcomes_are_what_plain_python_makes_of_the_nights(outcome: Outcome, nights: list[Night], small_stock: int) -> None:
    reference = Reference(nights, small_stock)
    archive = archived(nights)
    as_of = archive.extract_date - timedelta(days=outcome.days_to_maturity + 28)
    labelled = label(archive, build_cohort(archive, [as_of]), outcome).to_dicts()
    expected = [
        reference.outcome(case, outcome.window_days, outcome.closing_within_days) for case in reference.cohort(as_of)
    ]
    assert [{name: row[name] for name in ("outcome", "outside", "exit", "closed_in_window")} for row in labelled] == expected
