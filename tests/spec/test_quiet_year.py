"""A quiet year and the freshness of tables, from drawn tables."""

import pytest

from features.catalogue import BY_NAME
from features.facts import gather_facts
from features.freshness import measure_freshness
from features.matrix import matrix_from
from features.quiet_year import read_quiet_year
from tests.spec.drawing import dates, nights, one_load
from validation.errors import ContractError

ASKED = ("days_open", "age_in_months", "referrals_in_last_365_days", "referrals_in_last_730_days", "contacts_in_last_365_days")
FEATURES = [BY_NAME[name] for name in (*ASKED, "sibling_contacts_in_last_365_days", "days_since_last_contact")]
TONIGHT = dates("2025-06-30")[0]
DRAWN = {
    "ssd_person": "person_id dob\nanna 2007-08-01\nben 2015-01-01",
    "ssd_family": "family_id person_id\nhouse anna\nhouse ben",
    "ssd_cin_episodes": """referral_id person_id referral_date close_date
                           old         anna      2024-09-01    2024-10-01
                           anna's      anna      2025-06-01    -
                           ben's       ben       2025-05-01    -""",
    "ssd_contacts": "person_id contact_date\nanna 2025-05-01\nben 2025-06-30",
}


def test_after_a_quiet_year_what_is_on_record_has_faded_and_the_case_is_as_it_was() -> None:
    facts = gather_facts(one_load("2025-06-30", **DRAWN))
    tonight = matrix_from(facts, [TONIGHT], FEATURES).rows_by_key("person_id", named=True, unique=True)
    later = read_quiet_year(facts, TONIGHT, FEATURES)
    assert tonight["anna"]["referrals_in_last_365_days"] == 1
    assert "days_open" not in later.columns
    assert "age_in_months" not in later.columns
    found = later.rows_by_key("person_id", named=True, unique=True)
    assert found["anna"] == {  # who has come of age by then, and whose case is still tonight's
        "referral_id": "anna's",
        "referrals_in_last_365_days": 0,
        "referrals_in_last_730_days": 1,
        "contacts_in_last_365_days": 0,
        "sibling_contacts_in_last_365_days": 0,
        "days_since_last_contact": 365 + 60,
    }
    assert found["ben"]["days_since_last_contact"] == 365
    assert tonight["ben"]["sibling_contacts_in_last_365_days"] == 1


def test_a_history_that_goes_on_after_the_night_is_refused() -> None:
    facts = gather_facts(one_load("2025-07-01", **DRAWN))
    with pytest.raises(ContractError, match="ends on the night itself"):
        read_quiet_year(facts, TONIGHT, FEATURES)


def test_freshness_is_the_longest_gap_on_any_of_the_days() -> None:
    contacts = "contact_id person_id contact_date\n1 anna 2025-01-10\n2 anna 2025-03-01"
    told_late = contacts + "\n3 anna 2025-05-01"
    archive = nights(
        ("2025-03-31", {"ssd_person": "person_id dob\nanna 2012-01-01", "ssd_contacts": contacts}),
        ("2025-06-30", {"ssd_person": "person_id dob\nanna 2012-01-01", "ssd_contacts": told_late}),
    )
    assert measure_freshness(archive, dates("2025-01-01")) == {}  # nothing yet, which is no gap
    assert measure_freshness(archive, dates("2025-01-01", "2025-01-31", "2025-03-02")) == {"ssd_contacts": 21}
    assert measure_freshness(archive, dates("2025-05-15")) == {"ssd_contacts": 75}  # the third is told in June
    assert measure_freshness(archive, dates("2025-06-30")) == {"ssd_contacts": 60}


def test_a_table_without_dates_of_its_own_is_as_fresh_as_what_it_points_at() -> None:
    archive = one_load(
        "2025-06-30",
        ssd_person="person_id dob\nanna 2012-01-01",
        ssd_cin_assessments="assessment_id person_id assessment_start_date assessment_auth_date\nA anna 2025-01-01 2025-02-01",
        ssd_assessment_factors="assessment_id assessment_factors_json\nA 1A",
    )
    assert measure_freshness(archive, dates("2025-03-01")) == {"ssd_cin_assessments": 59, "ssd_assessment_factors": 28}
