"""The process: lengths, stages and rates are as the profile says, and each is the inverse of what it claims to be."""

from datetime import date
from itertools import product

import numpy as np
import pytest

from validation.synthetic.lives import months_of
from validation.synthetic.plants import plants
from validation.synthetic.process import (
    AGE_AT_FIRST,
    AGE_AT_RETURN,
    BANDS,
    CONFERENCE,
    ENQUIRY,
    LEAST,
    LEAST_CARE,
    LONG_TERM_RANK,
    NOTHING,
    PLAN,
    Process,
    place_of_age,
    working_days_between,
)
from validation.synthetic.profiles import PROFILES
from validation.synthetic.world import NEVER, YEAR, Families, day_number, settle, stream, working_days_after

MIDPOINTS = (np.arange(100_000) + 0.5) / 100_000
FIRST, LAST = 15_000, 17_000


@pytest.fixture(scope="module", params=list(PROFILES))
def process(request: pytest.FixtureRequest) -> Process:
    return Process(PROFILES[request.param], plants([]))


@pytest.fixture(scope="module")
def families() -> Families:
    return settle(PROFILES["england"], 3_000, FIRST, LAST, seed=4)


def test_lengths_have_the_published_bands(process: Process) -> None:
    lengths = process.quantile(MIDPOINTS)
    share = [np.mean(lengths >= begin) for begin in BANDS]
    bands = np.array(process.profile.bands) / sum(process.profile.bands)
    assert share == pytest.approx(1 - np.concatenate(([0], np.cumsum(bands)[:-1])), abs=1e-4)
    tail = lengths[lengths >= BANDS[-1]] - BANDS[-1]
    assert tail.mean() / YEAR == pytest.approx(process.profile.tail_years, rel=0.002)


def test_rank_is_the_inverse_of_length(process: Process) -> None:
    days = np.arange(BANDS[0] + 1, 6_000)
    rank = process.rank_of(days)
    assert (np.diff(rank) > 0).all()
    assert (process.quantile(rank + 1e-9) == days).all()
    assert (process.quantile(rank - 1e-9) == days - 1).all()


def test_assessments_take_as_long_as_published_and_their_rank_is_the_inverse(process: Process) -> None:
    days = process.assessment_days(MIDPOINTS)
    assert np.quantile(days, (0.2501, 0.5001, 0.7501)).tolist() == list(process.profile.assessment_days)
    for known in np.arange(3, 109):  # an assessment that lasts at least so many days
        least = process.assessment_rank(np.array([known]))[0]
        assert process.assessment_days(np.array([least + 1e-9]))[0] == known
        assert process.assessment_days(np.array([least - 1e-9]))[0] == known - 1


@pytest.mark.parametrize("planned_before", [False, True])
def test_protection_goes_as_far_as_the_profile_says_in_cases_long_enough(process: Process, planned_before: bool) -> None:
    rng, profile = np.random.default_rng(1), process.profile
    rank = rng.permutation(MIDPOINTS)
    stage = process.stage(rank, rng.permutation(MIDPOINTS), np.full(rank.size, planned_before))
    plan = min(profile.plan * (profile.planned_before if planned_before else 1), 0.9)
    enquiry = min(profile.enquiry, 1 - plan - profile.conference)
    lasts = 1 - process.rank_of(LEAST + 1)
    for kind, share in ((ENQUIRY, enquiry), (CONFERENCE, profile.conference), (PLAN, plan)):
        assert np.mean(stage == kind) == pytest.approx(share * lasts[kind], abs=0.007)  # four standard errors
        assert process.quantile(rank[stage == kind]).min() == LEAST[kind] + 1


@pytest.mark.parametrize("planned_before", [False, True])
def test_length_given_the_facts_is_that_of_the_cases_with_these_facts(process: Process, planned_before: bool) -> None:
    """Cases are drawn forward; those in which the facts came true are kept. Kolmogorov's distance, chance 1 in 10,000."""
    rng = stream(20, "forward")
    rank, before = rng.random(400_000), np.full(400_000, planned_before)
    length, stages = process.quantile(rank), process.stage(rank, rng.random(rank.size), before)
    cared = (length > LEAST_CARE) & (rng.random(rank.size) < process.profile.care)
    impossible = 0
    for stage, care, elapsed in product((NOTHING, ENQUIRY, CONFERENCE, PLAN), (False, True), (1, 45, 100, 200, 400, 1500)):
        kept = np.sort(rank[(stages == stage) & (cared == care) & (length >= elapsed)])
        impossible += kept.size == 0
        facts = [np.full(MIDPOINTS.size, value) for value in (stage, care, planned_before, False)]
        drawn = process.rank_given(MIDPOINTS, np.full(MIDPOINTS.size, process.rank_of(elapsed)), *facts)
        rest = np.arange(kept.size) + 0.5
        gap = np.abs(np.searchsorted(drawn, kept) / drawn.size - rest / max(kept.size, 1)).max(initial=0)
        assert gap < 2.23 / np.sqrt(max(kept.size, 1)) + 1e-4, (stage, care, elapsed)
    # Where a second plan is as good as certain, no case of more than 120 days goes without any protection.
    assert impossible == (9 if planned_before and process.profile.name == "england" else 0)


def test_case_held_open_for_a_disability_is_among_the_longest(process: Process) -> None:
    facts = [np.full(MIDPOINTS.size, value) for value in (NOTHING, False, False, True)]
    drawn = process.rank_given(MIDPOINTS, np.full(MIDPOINTS.size, 0.3), *facts)
    assert np.allclose(drawn, LONG_TERM_RANK + (1 - LONG_TERM_RANK) * MIDPOINTS)
    later = process.rank_given(MIDPOINTS, np.full(MIDPOINTS.size, 0.9), *facts)
    assert np.allclose(later, 0.9 + 0.1 * MIDPOINTS)


def test_age_has_its_place_in_the_tables() -> None:
    birth = np.array([10_000] * 6)
    age = np.array([-0.1, 0.0, 0.99, 1.0, 17.99, 18.0])
    assert place_of_age(birth, (birth + np.ceil(age * YEAR)).astype(np.int64)).tolist() == [0, 1, 1, 2, 18, 19]
    assert AGE_AT_FIRST.size == AGE_AT_RETURN.size == 20
    assert AGE_AT_FIRST[19] == AGE_AT_RETURN[19] == 0


def test_working_days_are_counted_as_they_are_added() -> None:
    start = np.arange(20_000, 20_014)
    start = start[(start + 3) % 7 < 5]
    for count in range(60):
        assert (working_days_between(start, working_days_after(start, count)) == count).all()


def test_seasons_spread_referrals_over_the_months_and_add_none(process: Process) -> None:
    days = np.arange(day_number(date(2021, 1, 1)), day_number(date(2022, 1, 1)))
    rate = process.season[months_of(days)]
    assert rate.mean() == pytest.approx(1, rel=0.001)
    share = np.bincount(months_of(days), rate) / rate.sum()
    assert share == pytest.approx(np.array(process.profile.months) / sum(process.profile.months), rel=0.01)


def test_plants_change_what_they_are_about_alone(families: Families) -> None:
    profile = PROFILES["england"]
    usual = Process(profile, plants([]))
    assert (usual.tilt(families) == 1).all()
    assert (usual.unrecorded(families) == 0).all()
    assert usual.accepted(NEVER) == 1
    tilted = Process(profile, plants(["over-referral=black:1.5"]))
    black = families.group("black")
    assert 0 < black.sum() < families.count / 4
    assert tilted.tilt(families).tolist() == np.where(black, 1.5, 1).tolist()
    assert (tilted.unrecorded(families) == 0).all()
    unseen = Process(profile, plants(["under-recording=girls:0.3"]))
    assert unseen.unrecorded(families).tolist() == np.where(families.girl, 0.3, 0).tolist()
    assert (unseen.tilt(families) == 1).all()
    moved = Process(profile, plants(["threshold=2024-04-01:0.8"]))
    since = day_number(moved.plants.threshold.since)  # type: ignore[union-attr]
    assert (moved.accepted(since - 1), moved.accepted(since)) == (1, 0.8)
