"""What the drawn examples do not tell: order, nights, merged records, families, and what a declaration may not be.

The examples of the feature dictionary, among them the edges of the window for every aggregate, are in ``test_examples.py``.
"""

import polars as pl
import pytest

from features.catalogue import BY_NAME, CATALOGUE
from features.definition import Family
from features.matrix import available, build_matrix, needs
from tests.spec.drawing import assert_drawn, dates, nights, one_load

AS_OF = "2024-11-25"


def test_the_latest_of_one_day_is_the_same_whatever_the_order() -> None:
    rows = ["anna 2024-11-24 7", "anna 2024-11-24 4", "anna 2024-11-20 9"]
    for order in (rows, rows[::-1]):
        scalings = "\n".join(("person_id scaled_date scale", *order))
        assert value("latest_safety_scale", ext_assessments_sos=scalings) == 7


@pytest.mark.parametrize(
    ("scaled", "slope"),
    [
        ("2024-11-25 7, 2024-10-28 3", 52.143),
        ("2024-11-25 7, 2024-10-29 3", None),
        ("2024-11-25 7, 2024-10-29 3, 2024-11-12 5", None),
        ("2024-11-25 7, 2024-10-29 3, 2024-11-24 7", 55.036),
        ("2024-11-25 7, 2023-11-26 9", -2),
    ],
)
def test_a_trend_needs_days_that_lie_as_far_apart_as_two_28_days_apart(scaled: str, slope: float | None) -> None:
    """28 days do and 27 do not, with one midway as well; a third at an end fixes the line well enough."""
    rows = "\n".join(("person_id scaled_date scale", *(f"anna {scaling}" for scaling in scaled.split(", "))))
    assert value("trend_of_safety_scale_in_last_730_days", ext_assessments_sos=rows) == (
        slope and pytest.approx(slope, abs=0.001)
    )


# Streams: what is an event, and when it happens. Anna's case is open since March.

CASE = "anna 2024-03-04 - - no 6"


def value(name: str, *episodes: str, as_of: str = AS_OF, **tables: str) -> float | None:
    """A feature of anna's row; all tables in one load."""
    heads = "person_id referral_date close_date close_reason referral_nfa referral_source_code"
    tables = {"ssd_cin_episodes": "\n".join((heads, CASE, *episodes))} | tables
    found = build_matrix(one_load("2025-01-31", **tables), dates(as_of), [BY_NAME[name]])
    return found.filter(pl.col("person_id") == "anna")[name].item()


def test_a_referral_counts_at_once_and_its_decision_on_the_next_working_day() -> None:
    """A Friday's referral needs no further action; the case that is open began on the Sunday after."""
    heads = "person_id referral_date referral_nfa"
    episodes = f"{heads}\nanna 2024-11-22 yes\nanna 2024-11-24 no"
    names = ("referrals_in_last_730_days", "referrals_without_further_action_in_last_730_days")
    sunday, monday = ([value(name, as_of=day, ssd_cin_episodes=episodes) for name in names] for day in ("2024-11-24", AS_OF))
    assert (sunday, monday) == ([1, 0], [1, 1])
    share = "share_of_referrals_without_further_action_in_last_730_days"
    assert [value(share, as_of=day, ssd_cin_episodes=episodes) for day in ("2024-11-24", AS_OF)] == [None, 1]


def test_a_case_that_is_open_for_longer_than_the_look_back_has_nothing_before_it() -> None:
    """Not even the first child of all, before whose days there are no others."""
    archive = one_load("2025-01-31", ssd_cin_episodes="person_id referral_date\nanna 2022-11-20\nbert 2022-11-20")
    names = ["days_since_last_earlier_referral", "days_since_last_closing", "days_since_first_earlier_referral"]
    found = build_matrix(archive, dates(AS_OF), [BY_NAME[name] for name in names])
    assert found.select(names).rows() == [(None, None, None)] * 2


def test_what_is_known_later_counts_later() -> None:
    """A contact that the second night told of is of the past, and counts from that night."""
    case = "person_id referral_date\nanna 2024-03-04"
    contacts = "contact_id person_id contact_date\nk1 anna 2024-05-01"
    archive = nights(
        ("2024-06-03", {"ssd_cin_episodes": case, "ssd_contacts": contacts}),
        ("2024-06-10", {"ssd_contacts": f"{contacts}\nk2 anna 2024-05-02"}),
        ("2024-06-20", {"ssd_contacts": "contact_id person_id contact_date\nk2 anna 2024-05-03"}),
    )
    declared = [BY_NAME["contacts_in_last_90_days"], BY_NAME["days_since_last_contact"]]
    found = build_matrix(archive, dates("2024-06-09", "2024-06-10", "2024-06-20"), declared)
    assert found["contacts_in_last_90_days"].to_list() == [1, 2, 1]
    assert found["days_since_last_contact"].to_list() == [39, 39, 48]


# Brothers and sisters.

FAMILY = "family_id person_id\nf1 anna\nf1 bert\nf1 cara\nf2 dora"
BERT = "bert 2024-06-03 2024-07-01 RC7 no 6"


def test_brothers_and_sisters_are_other_children_of_the_family_who_have_been_seen() -> None:
    """Cara is on record from the day on which something dated was known of her; Dora is of another family."""
    tables = {"ssd_family": FAMILY, "ssd_contacts": "person_id contact_date\ncara 2024-11-25\ndora 2024-11-01"}
    found = [value("siblings_known", BERT, as_of=day, **tables) for day in ("2024-06-02", "2024-06-03", "2024-11-24", AS_OF)]
    assert found == [0, 1, 1, 2]
    assert value("sibling_contacts_in_last_365_days", BERT, **tables) == 1


def test_a_link_that_a_later_night_brought_counts_from_that_night() -> None:
    episodes = "person_id referral_date close_date\nanna 2024-03-04 -\nbert 2024-03-04 -"
    archive = nights(
        ("2024-06-03", {"ssd_cin_episodes": episodes, "ssd_family": "table_id family_id person_id\n1 f1 anna"}),
        ("2024-06-10", {"ssd_family": "table_id family_id person_id\n1 f1 anna\n2 f1 bert"}),
        ("2024-06-20", {"ssd_family": "table_id family_id person_id\n1 f1 anna"}),
    )
    found = build_matrix(archive, dates("2024-06-09", "2024-06-10", "2024-06-20"), [BY_NAME["siblings_known"]])
    assert found.filter(pl.col("person_id") == "anna")["siblings_known"].to_list() == [0, 1, 0]


def test_a_sister_whose_record_was_merged_is_one_child_with_all_her_events() -> None:
    """The family names the new key only, the events carry both."""
    tables = {
        "ssd_family": "family_id person_id\nf1 anna\nf1 new",
        "ssd_contacts": "person_id contact_date\nold 2024-05-01\nnew 2024-06-01",
        "ext_person_links": "old_person_id new_person_id date\nold new 2024-07-01",
    }
    days = ("2024-06-30", "2024-07-01")
    assert [value("sibling_contacts_in_last_365_days", as_of=day, **tables) for day in days] == [1, 2]
    assert [value("siblings_known", as_of=day, **tables) for day in days] == [1, 1]


def test_a_date_in_the_future_that_was_taken_back_shows_nobody() -> None:
    """Bert's only row was written for a day to come and deleted before it."""
    shown = {
        "ssd_cin_episodes": "person_id referral_date\nanna 2024-03-04",
        "ssd_family": "family_id person_id\nf1 anna\nf1 bert",
    }
    archive = nights(
        ("2024-06-03", shown | {"ssd_contacts": "contact_id person_id contact_date\nk1 bert 2024-06-20\nk2 anna 2024-05-01"}),
        ("2024-06-10", {"ssd_contacts": "contact_id person_id contact_date\nk2 anna 2024-05-01"}),
    )
    assert build_matrix(archive, dates("2024-06-20"), [BY_NAME["siblings_known"]])["siblings_known"].to_list() == [0]


def test_a_childs_own_old_record_is_no_brother() -> None:
    tables = {
        "ssd_family": "family_id person_id\nf1 anna\nf1 old",
        "ssd_contacts": "person_id contact_date\nold 2024-05-01",
        "ext_person_links": "old_person_id new_person_id date\nold anna 2024-07-01",
    }
    days = ("2024-06-30", "2024-07-01")
    assert [value("siblings_known", as_of=day, **tables) for day in days] == [1, 0]
    assert [value("contacts_in_last_365_days", as_of=day, **tables) for day in days] == [0, 1]


# Declarations.


def test_a_feature_is_available_when_its_table_and_columns_were_supplied() -> None:
    archive = one_load(
        "2025-01-31",
        ssd_cin_episodes="person_id referral_date referral_source_code close_date close_reason\nanna 2024-03-04 6 2024-06-01 RC7",
        ssd_contacts="person_id contact_date\nanna 2024-05-01",
    )
    names = {feature.name for feature in available(CATALOGUE, archive.supplied)}
    assert {"days_open", "referrals_in_last_730_days", "step_downs_in_last_730_days"} <= names
    # No source and no outcome of contacts, no family, no other table.
    assert {name for name in names if "contact" in name} == {
        *(f"contacts_in_last_{days}_days" for days in (90, 180, 365, 730)), "change_in_contacts_over_90_days",
        "days_since_first_contact", "days_since_last_contact", "referrals_per_contact_in_last_730_days",
    }  # fmt: skip
    assert not {name for name in names if "sibling" in name or "plan" in name}


def test_a_column_that_was_not_supplied_takes_away_only_the_features_that_read_it() -> None:
    """Signs of Safety without safety goals and raters; cases without a source; early help without an end."""
    scalings = "person_id scaled_date scale danger_statements strengths\nanna 2024-05-01 5 1 1"
    archive = one_load(
        "2025-01-31",
        ssd_person="person_id dob\nanna 2020-01-01",
        ssd_cin_episodes="person_id referral_date close_date\nanna 2024-03-04 2024-06-01",
        ext_assessments_sos=scalings,
        ssd_early_help_episodes="person_id episode_start_date\nanna 2024-05-01",
    )
    here = set(available(CATALOGUE, archive.supplied))
    missing = {name for name, feature in BY_NAME.items() if feature.family is Family.SIGNS_OF_SAFETY and feature not in here}
    assert missing == {"latest_safety_goals", "family_less_worker_scale_in_last_365_days"}
    names = {feature.name for feature in here}
    assert {"days_open", "age_in_months", "referrals_in_last_730_days", "early_help_spells_in_last_730_days"} <= names
    assert not {name for name in names if name.startswith("referred_by")} | names & {"early_help_open_now", "siblings_known"}


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("latest_safety_scale", "sos.asos_scale sos.asos_scaled_date"),
        ("early_help_open_now", "earl.earl_episode_end_date earl.earl_episode_start_date"),
        ("protection_plans_in_last_730_days", "cp.cppl_cp_plan_ola cp.cppl_cp_plan_start_date"),
        ("age_in_months", "cin.cine_close_date cin.cine_referral_date cin.cine_referral_nfa person.pers_dob"),
        ("step_downs_in_last_730_days", "cin.cine_close_date cin.cine_close_reason cin.cine_referral_date cin.cine_referral_nfa"),
        ("neglect_found_in_last_730_days", "cina.cina_assessment_auth_date factors.cinf_assessment_factors_json"),
        ("siblings_known", "family.fami_family_id"),
        ("sibling_contacts_in_last_365_days", "contacts.cont_contact_date family.fami_family_id"),
    ],
)
def test_a_feature_needs_the_columns_of_its_own_events_and_values(name: str, needed: str) -> None:
    short = {
        "ext_assessments_sos": "sos", "ssd_early_help_episodes": "earl", "ssd_cp_plans": "cp", "ssd_cin_episodes": "cin",
        "ssd_person": "person", "ssd_cin_assessments": "cina", "ssd_assessment_factors": "factors", "ssd_family": "family",
        "ssd_contacts": "contacts",
    }  # fmt: skip
    assert sorted(f"{short[table]}.{column}" for table, column in needs(BY_NAME[name])) == needed.split()


def test_the_matrix_has_the_cohort_and_the_features_in_order() -> None:
    archive = one_load("2025-01-31", ssd_cin_episodes="person_id referral_date\nbert 2024-03-04\nanna 2024-03-05")
    wanted = [BY_NAME["contacts_in_last_90_days"], BY_NAME["days_since_last_contact"], BY_NAME["days_open"]]
    found = build_matrix(archive, dates("2024-11-24", AS_OF), wanted)
    assert found.columns[-3:] == [feature.name for feature in wanted]
    assert found.dtypes[-3:] == [pl.UInt16, pl.UInt16, pl.Float32]
    assert_drawn(
        found,
        """
        row  as_of       person_id  contacts_in_last_90_days  days_since_last_contact  days_open
        0    2024-11-24  anna       0                         -                        264.0
        1    2024-11-24  bert       0                         -                        265.0
        2    2024-11-25  anna       0                         -                        265.0
        3    2024-11-25  bert       0                         -                        266.0
        """,
    )
    assert build_matrix(archive, dates("2020-01-01"), CATALOGUE).is_empty()
