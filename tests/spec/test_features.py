"""What a feature counts: the edges of its window for every aggregate, the streams, brothers and sisters, absence."""

from dataclasses import replace

import polars as pl
import pytest

from features.catalogue import BY_NAME, CATALOGUE
from features.definition import Aggregate, Direction, Family, Feature
from features.matrix import aggregate, available, build_matrix
from features.streams import STREAMS, Stream
from tests.spec.drawing import assert_drawn, dates, nights, one_load, words
from validation.tables import people

AS_OF = "2024-11-25"


def declared(kind: Aggregate, within: int = 730) -> Feature:
    text = "A feature to try."
    return Feature("tried", Family.CONTACTS, text, "-", "contacts", kind, Direction.EITHER, text, text, text, within, "value")


def tried(kind: Aggregate, events: str, within: int = 730, **changes: object) -> float | None:
    """The aggregate over drawn events of one row at AS_OF."""
    frame = words(events).select(
        row=pl.lit(0),
        as_of=pl.lit(dates(AS_OF)[0]),
        happened=pl.col("happened").str.to_date(),
        value=pl.col("value").cast(pl.Int64),
        kind=pl.col("kind"),
        ended=pl.col("ended").str.to_date(),
    )
    return aggregate(frame, [replace(declared(kind, within), **changes)])["tried"].item()


# With a window of 3 days the 23rd counts, the 22nd does not.
EVENTS = """
    happened    value  kind  ended
    2024-11-22  8      x     -
    2024-11-23  1      x     2024-11-24
    2024-11-24  5      y     2024-11-25
    2024-11-24  -      y     2024-11-25
    2024-11-25  3      x     2024-11-25
"""


@pytest.mark.parametrize(
    ("kind", "three_days", "four_days", "one_day"),
    [
        (Aggregate.COUNT, 4, 5, 1),
        (Aggregate.ANY, 1, 1, 1),
        (Aggregate.DISTINCT, 3, 4, 1),
        (Aggregate.MEAN, 3, 4.25, 3),
        (Aggregate.MAX, 5, 8, 3),
        (Aggregate.DAYS_SINCE_LAST, 0, 0, 0),
        (Aggregate.DAYS_SINCE_FIRST, 2, 3, 0),
        (Aggregate.LATEST, 3, 3, 3),
        (Aggregate.OPEN_NOW, 0, 1, 0),  # the only open one began on the 22nd
    ],
)
def test_a_window_of_w_days_is_the_day_itself_and_the_w_less_one_before(
    kind: Aggregate, three_days: float, four_days: float, one_day: float
) -> None:
    assert [tried(kind, EVENTS, within) for within in (3, 4, 1)] == [three_days, four_days, one_day]


ONLY_BEFORE = "happened value kind ended\n2024-11-22 8 x -"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Aggregate.COUNT, 0),
        (Aggregate.ANY, 0),
        (Aggregate.DISTINCT, 0),
        (Aggregate.OPEN_NOW, 0),
        (Aggregate.MEAN, None),
        (Aggregate.MAX, None),
        (Aggregate.SHARE, None),
        (Aggregate.LATEST, None),
        (Aggregate.DAYS_SINCE_LAST, None),
        (Aggregate.DAYS_SINCE_FIRST, None),
    ],
)
def test_without_an_event_in_the_window_a_count_is_zero_and_a_value_is_empty(kind: Aggregate, expected: float | None) -> None:
    assert tried(kind, ONLY_BEFORE, within=3) == expected


def test_only_events_that_fit_the_filter_count() -> None:
    where = (("kind", ("x",)),)
    found = [
        tried(kind, EVENTS, where=where)
        for kind in (Aggregate.COUNT, Aggregate.MAX, Aggregate.OPEN_NOW, Aggregate.DAYS_SINCE_FIRST)
    ]
    assert found == [3, 8, 1, 3]
    assert tried(Aggregate.OPEN_NOW, EVENTS, where=(("kind", ("y",)),)) == 0
    assert tried(Aggregate.COUNT, "happened value kind ended\n2024-11-25 1 - -", where=where) == 0


def test_a_share_leaves_out_what_is_not_known() -> None:
    contacts = """
        person_id  contact_date  contact_outcome_json
        anna       2024-11-25    NFA
        anna       2024-11-24    ADVICE|NFA
        anna       2024-11-23    -
        anna       2022-11-27    ADVICE
        anna       2022-11-26    NFA
    """
    assert value("share_of_contacts_without_further_action_in_last_730_days", ssd_contacts=contacts) == pytest.approx(2 / 3)


def test_the_latest_of_one_day_is_the_same_whatever_the_order() -> None:
    rows = ["anna 2024-11-24 7", "anna 2024-11-24 4", "anna 2024-11-20 9"]
    for order in (rows, rows[::-1]):
        scalings = "\n".join(("person_id scaled_date scale", *order))
        assert value("latest_safety_scale", ext_assessments_sos=scalings) == 7


# Streams: what is an event, and when it happens. Anna's case is open since March.

CASE = "anna 2024-03-04 - - no 6"


def value(name: str, *episodes: str, as_of: str = AS_OF, **tables: str) -> float | None:
    """A feature of anna's row; all tables in one load."""
    heads = "person_id referral_date close_date close_reason referral_nfa referral_source_code"
    tables = {"ssd_cin_episodes": "\n".join((heads, CASE, *episodes))} | tables
    found = build_matrix(one_load("2025-01-31", **tables), dates(as_of), [BY_NAME[name]])
    return found.filter(pl.col("person_id") == "anna")[name].item()


EARLIER = (
    "anna 2022-11-26 2022-11-30 RC7 no 6",  # a day too long ago
    "anna 2022-12-05 2023-01-04 RC9 no 6",  # 30 days
    "anna 2023-05-01 - - yes 2A",  # nothing further: closed on 2 May
    "anna 2023-08-01 2023-09-01 RC8 no 2B",
    "anna 2023-09-02 2023-09-30 RC7 no 6",  # goes on with the one before: 60 days in all
    "bert 2023-06-01 2023-07-01 RC8 no 6",
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("days_open", 266),
        ("referred_by_police", 1),
        ("referred_by_school", 0),
        ("referrals_in_last_730_days", 3),
        ("referrals_in_last_365_days", 0),
        ("days_since_last_earlier_referral", 482),
        ("police_referrals_in_last_730_days", 1),
        ("referrals_without_further_action_in_last_730_days", 1),
        ("share_of_referrals_without_further_action_in_last_730_days", 1 / 3),
        ("distinct_referral_sources_in_last_730_days", 3),
        ("days_since_last_closing", 422),
        ("closings_after_assessment_in_last_730_days", 1),  # the joined case closed with RC7
        ("step_downs_in_last_730_days", 1),
        ("longest_closed_case_in_last_730_days", 60),
        ("mean_days_open_of_closed_cases_in_last_730_days", (4 + 30 + 1 + 60) / 4),  # the first one closed inside the window
    ],
)
def test_earlier_referrals_and_closings(name: str, expected: float) -> None:
    assert value(name, *EARLIER) == pytest.approx(expected)


def test_age_is_in_whole_months_and_empty_before_birth() -> None:
    born = {"ssd_person": "person_id dob\nanna 2020-02-01"}
    unborn = {"ssd_person": "person_id dob expected_dob\nanna - 2025-01-01"}
    assert [value("age_in_months", **born), value("without_birth_date", **born)] == [57, 0]
    assert [value("age_in_months", **unborn), value("without_birth_date", **unborn)] == [None, 1]


def test_a_spell_is_open_from_its_start_until_the_day_before_its_end() -> None:
    plans = {"ssd_cp_plans": "person_id cp_plan_start_date cp_plan_end_date\nanna 2024-11-01 2024-11-26"}
    found = [value("protection_plan_open_now", as_of=day, **plans) for day in ("2024-10-31", "2024-11-01", AS_OF, "2024-11-26")]
    assert found == [0, 1, 1, 0]


def test_plans_of_another_authority_are_not_counted() -> None:
    plans = """
        person_id  cp_plan_start_date  cp_plan_ola
        anna       2024-05-01          yes
        anna       2024-06-01          no
        anna       2024-07-01          -
    """
    assert value("protection_plans_in_last_730_days", ssd_cp_plans=plans) == 2


def test_factors_count_from_the_authorisation() -> None:
    tables = {
        "ssd_cin_assessments": """
            assessment_id  person_id  assessment_start_date  assessment_auth_date
            a1             anna       2024-10-01             2024-11-25
            a2             anna       2024-10-01             2024-11-26
        """,
        "ssd_assessment_factors": "assessment_id assessment_factors_json\na1 3A|4B\na2 2B",
    }
    names = ("domestic_abuse", "parental_mental_health", "parental_drug_misuse")
    assert [value(f"{name}_found_in_last_730_days", **tables) for name in names] == [1, 1, 0]


def test_offers_count_when_they_are_answered_and_held() -> None:
    tables = {
        "ext_offers": """
            person_id  kind  offered_date  answer    answered_date  held_date
            anna       FGC   2024-10-01    ACCEPTED  2024-10-05     2024-11-26
            anna       FGC   2024-10-02    ACCEPTED  2024-10-06     2024-11-25
            anna       FGC   2024-11-20    DECLINED  2024-11-26     -
        """
    }
    names = ("offers_accepted", "offers_declined", "family_group_conferences")
    assert [value(f"{name}_in_last_730_days", **tables) for name in names] == [2, 0, 1]


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
    assert not {name for name in names if "contact" in name or "sibling" in name or "plan" in name}


def test_a_stream_may_read_features_only() -> None:
    with pytest.raises(ValueError, match="'pers_ethnicity', which is classed as protected"):
        Stream("leak", people.PERSON, ("pers_ethnicity",), (), STREAMS["case"].read)


def test_the_matrix_has_the_cohort_and_the_features_in_order() -> None:
    archive = one_load("2025-01-31", ssd_cin_episodes="person_id referral_date\nbert 2024-03-04\nanna 2024-03-05")
    wanted = [BY_NAME["contacts_in_last_90_days"], BY_NAME["days_since_last_contact"], BY_NAME["days_open"]]
    found = build_matrix(archive, dates("2024-11-24", AS_OF), wanted)
    assert found.columns[-3:] == [feature.name for feature in wanted]
    assert set(found.dtypes[-3:]) == {pl.Float32()}
    assert_drawn(
        found,
        """
        row  as_of       person_id  contacts_in_last_90_days  days_since_last_contact  days_open
        0    2024-11-24  anna       0.0                       -                        264.0
        1    2024-11-24  bert       0.0                       -                        265.0
        2    2024-11-25  anna       0.0                       -                        265.0
        3    2024-11-25  bert       0.0                       -                        266.0
        """,
    )
    assert build_matrix(archive, dates("2020-01-01"), CATALOGUE).is_empty()
