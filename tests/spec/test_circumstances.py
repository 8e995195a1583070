"""Circumstances of open cases and offers made: what was known on the night, and nothing more."""

from datetime import date

import polars as pl
import pytest

from features.circumstances import AGE_BANDS, STAGES, read_circumstances, read_offers_made
from features.cohort import build_cohort
from tests.spec.drawing import Drawn, assert_drawn, nights, one_load
from validation.history import Archive

NIGHT = date(2025, 1, 31)
ANNA = {"ssd_cin_episodes": "person_id referral_id referral_date close_date\nanna r1 2024-12-02 -"}
OFFERS = "person_id family_id kind offered_date answer answered_date held_date review_date\n"


def of(archive: Archive, as_of: date = NIGHT) -> pl.DataFrame:
    return read_circumstances(archive, as_of, build_cohort(archive, [as_of]))


def of_tables(tables: Drawn, as_of: date = NIGHT) -> pl.DataFrame:
    return of(nights(("2025-01-31", {**ANNA, **tables})), as_of)


def offers_of(archive: Archive, as_of: date = NIGHT) -> pl.DataFrame:
    return read_offers_made(archive, as_of, build_cohort(archive, [as_of]))


def test_columns_types_and_order_of_rows_are_those_of_the_matrix() -> None:
    drawn = "person_id referral_id referral_date\nanna r1 2024-12-02\nbert r2 2025-01-31\nclara r3 2024-01-31"
    archive = one_load("2025-01-31", ssd_cin_episodes=drawn)
    cohort = build_cohort(archive, [NIGHT]).sort("person_id", descending=True)
    found = read_circumstances(archive, NIGHT, cohort)
    assert dict(found.schema) == {
        "as_of": pl.Date, "person_id": pl.String, "referral_id": pl.String, "family_id": pl.String, "days_open": pl.Int64,
        "age_years": pl.Int64, "age_band": pl.String, "stage": pl.String, "relatives": pl.Int64,
        "early_help_open": pl.Boolean, "safety_scale": pl.Int64, "safety_scaled_on": pl.Date, "safety_rater": pl.String,
    }  # fmt: skip
    assert_drawn(
        found.select("person_id", "referral_id", "days_open", "stage", "relatives", "safety_scale"),
        """
        person_id  referral_id  days_open  stage     relatives  safety_scale
        clara      r3           366        referral  0          -
        bert       r2           0          referral  0          -
        anna       r1           60         referral  0          -
        """,
    )


def test_no_open_case_no_rows() -> None:
    archive = one_load("2025-01-31", ssd_cin_episodes="person_id referral_date close_date\nanna 2024-01-01 2024-02-01")
    assert of(archive).height == 0


STAGE_TABLES = {
    "assessment": ("ssd_cin_assessments", "assessment_start_date assessment_auth_date"),
    "child in need plan": ("ssd_cin_plans", "cin_plan_start_date cin_plan_end_date"),
    "section 47 enquiry": ("ssd_s47_enquiry", "s47_start_date s47_end_date"),
    "child protection plan": ("ssd_cp_plans", "cp_plan_start_date cp_plan_end_date"),
    "looked after": ("ssd_cla_episodes", "cla_episode_start_date cla_episode_ceased_date"),
}


def draw(*rows: tuple[str, str]) -> dict[str, str]:
    """Tables from pairs of a stage and its two dates, each beside another child's that has ended."""
    found: dict[str, str] = {}
    for stage, spans in rows:
        table, columns = STAGE_TABLES[stage]
        found.setdefault(table, f"person_id {columns}\nzoe 2023-01-02 2023-01-12")
        found[table] += f"\nanna {spans}"
    return found


@pytest.mark.parametrize("stage", STAGE_TABLES)
def test_what_goes_on_within_the_case_is_the_stage(stage: str) -> None:
    assert of_tables(draw((stage, "2024-12-10 -")))["stage"].to_list() == [stage]


@pytest.mark.parametrize("stage", list(STAGE_TABLES)[1:])
def test_what_ended_is_no_stage(stage: str) -> None:
    assert of_tables(draw((stage, "2024-12-10 2025-01-31")))["stage"].to_list() == ["referral"]


@pytest.mark.parametrize("stage", STAGE_TABLES)
def test_an_end_that_is_still_to_come_has_not_come(stage: str) -> None:
    assert of_tables(draw((stage, "2024-12-10 2025-02-01")))["stage"].to_list() == [stage]


@pytest.mark.parametrize("stage", STAGE_TABLES)
def test_what_begins_later_is_no_stage_yet(stage: str) -> None:
    assert of_tables(draw((stage, "2025-02-01 -")))["stage"].to_list() == ["referral"]


@pytest.mark.parametrize(
    ("stage", "counts"),
    [
        ("assessment", False), ("child in need plan", False), ("section 47 enquiry", False), ("child protection plan", True),
        ("looked after", True),
    ],
)  # fmt: skip
def test_of_what_began_before_the_case_only_protection_and_care_count(stage: str, counts: bool) -> None:
    assert of_tables(draw((stage, "2024-12-01 -")))["stage"].to_list() == [stage if counts else "referral"]


def test_a_finished_assessment_keeps_its_stage() -> None:
    assert of_tables(draw(("assessment", "2024-12-10 2025-01-10")))["stage"].to_list() == ["assessment"]


def test_the_furthest_stage_counts_whichever_came_last() -> None:
    drawn = draw(
        ("looked after", "2024-12-03 2024-12-20"),
        ("child protection plan", "2024-12-05 -"),
        ("child in need plan", "2025-01-02 -"),
    )
    assert of_tables(drawn)["stage"].to_list() == ["child protection plan"]


@pytest.mark.parametrize(("start", "stage"), [("2025-01-10", "referral"), ("2025-01-13", "section 47 enquiry")])
def test_where_no_enquiry_has_an_end_one_lasts_fifteen_working_days(start: str, stage: str) -> None:
    tables = {"ssd_s47_enquiry": f"person_id s47_start_date s47_end_date\nanna {start} -\nzoe 2023-01-02 -"}
    assert of_tables(tables)["stage"].to_list() == [stage]


def test_a_stage_is_what_was_known_on_the_night() -> None:
    plans = "person_id cin_plan_id cin_plan_start_date cin_plan_end_date\n"
    archive = nights(
        ("2025-01-10", {**ANNA, "ssd_cin_plans": plans + "zoe p0 2023-01-02 2023-02-01"}),
        ("2025-01-20", {**ANNA, "ssd_cin_plans": plans + "zoe p0 2023-01-02 2023-02-01\nanna p1 2025-01-06 -"}),
        ("2025-01-31", {**ANNA, "ssd_cin_plans": plans + "zoe p0 2023-01-02 2023-02-01\nanna p1 2025-01-06 2025-01-15"}),
    )
    stages = {day: of(archive, date(2025, 1, day))["stage"].to_list() for day in (10, 19, 20, 30, 31)}
    assert stages == {
        10: ["referral"],
        19: ["referral"],
        20: ["child in need plan"],
        30: ["child in need plan"],
        31: ["referral"],
    }


@pytest.mark.parametrize(
    ("dob", "expected_dob", "years", "band"),
    [
        ("2025-01-01", "-", 0, "under 1"),
        ("2024-02-01", "-", 0, "under 1"),
        ("2024-01-01", "-", 1, "1 to 4"),
        ("2020-02-01", "-", 4, "1 to 4"),
        ("2020-01-01", "-", 5, "5 to 9"),
        ("2015-01-01", "-", 10, "10 to 15"),
        ("2010-01-01", "-", 15, "10 to 15"),
        ("2009-01-01", "-", 16, "16 to 17"),
        ("2007-02-01", "-", 17, "16 to 17"),
        ("-", "2025-01-01", None, "unborn"),
        ("-", "2025-06-01", None, "unborn"),
        ("-", "2024-12-01", 0, "under 1"),  # due, and the birth not recorded yet
        ("2025-01-01", "2025-03-01", 0, "under 1"),  # came early
        ("-", "-", None, "not known"),
    ],
)  # fmt: skip
def test_age_in_whole_years_and_its_band(dob: str, expected_dob: str, years: int | None, band: str) -> None:
    people = {"ssd_person": f"person_id dob expected_dob\nanna {dob} {expected_dob}\nzoe 2010-01-01 -"}
    assert of_tables(people).select("age_years", "age_band").row(0) == (years, band)
    assert band in AGE_BANDS


def test_relatives_are_other_children_of_the_family_with_or_without_an_open_case() -> None:
    tables = {
        "ssd_cin_episodes": "person_id referral_date close_date\nanna 2024-12-02 -\nbert 2024-12-02 -\n"
        "clara 2020-01-01 2020-03-01\ndora 2021-01-01 2021-02-01",
        "ssd_family": "family_id person_id\nf1 anna\nf1 bert\nf1 clara\nf2 dora",
    }
    assert of_tables(tables).select("person_id", "relatives").rows() == [("anna", 2), ("bert", 2)]


@pytest.mark.parametrize(
    ("spell", "is_open"),
    [
        ("2024-12-01 -", True),
        ("2024-12-01 2025-02-01", True),  # it ends after the night
        ("2024-12-01 2025-01-31", False),
        ("2023-02-02 -", True),
        ("2023-02-01 -", False),  # 730 days ago: a forgotten end
    ],
)
def test_early_help_counts_while_it_goes_on(spell: str, is_open: bool) -> None:
    tables = ANNA | {"ssd_early_help_episodes": f"person_id episode_start_date episode_end_date\nanna {spell}"}
    assert of_tables(tables)["early_help_open"].to_list() == [is_open]


def test_a_relative_whose_record_was_merged_counts_once_and_never_as_the_child_itself() -> None:
    tables = {
        "ssd_cin_episodes": "person_id referral_date close_date\nanna 2024-12-02 -\nold 2020-01-01 2020-02-01\n"
        "clara 2020-01-01 2020-03-01\ncarla 2021-01-01 2021-02-01",
        "ssd_family": "family_id person_id\nf1 anna\nf1 old\nf1 clara\nf1 carla",
        "ext_person_links": "old_person_id new_person_id date\nold anna 2024-06-03\ncarla clara 2024-06-03",
    }
    assert of_tables(tables)["relatives"].to_list() == [1]


def test_a_relative_counts_once_the_link_is_known() -> None:
    episodes = ANNA["ssd_cin_episodes"] + "\nbert r2 2020-01-01 2020-02-01"
    families = "table_id family_id person_id\nt0 f0 zoe"
    archive = nights(
        ("2025-01-10", {"ssd_cin_episodes": episodes, "ssd_family": families}),
        ("2025-01-20", {"ssd_cin_episodes": episodes, "ssd_family": families + "\nt1 f1 anna\nt2 f1 bert"}),
    )
    assert [of(archive, date(2025, 1, day))["relatives"].item() for day in (19, 20)] == [0, 1]


SCALES = "person_id scaled_date rater scale\n"


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("anna 2025-01-05 WORKER 4\nanna 2025-01-20 FAMILY 7", (7, date(2025, 1, 20), "Family")),
        ("anna 2025-01-20 FAMILY 7\nanna 2025-01-20 WORKER 4", (4, date(2025, 1, 20), "Worker")),
        ("anna 2025-01-20 NETWORK 0", (0, date(2025, 1, 20), "Safety network")),
        ("anna 2025-01-20 - 5\nzoe 2025-01-20 WORKER 3", (5, date(2025, 1, 20), None)),
        ("anna 2025-02-01 WORKER 4", (None, None, None)),
        ("anna 2023-02-02 WORKER 4", (4, date(2023, 2, 2), "Worker")),
        ("anna 2023-02-01 WORKER 4", (None, None, None)),  # 730 days ago: out of sight
    ],
)
def test_the_last_scaling_and_of_one_day_the_lowest(drawn: str, expected: tuple[object, ...]) -> None:
    found = of_tables({"ext_assessments_sos": SCALES + drawn})
    assert found.select("safety_scale", "safety_scaled_on", "safety_rater").row(0) == expected


def test_merged_records_are_the_childs_own() -> None:
    tables = {
        **draw(("looked after", "2024-12-10 -")),
        "ext_assessments_sos": SCALES + "old 2025-01-05 WORKER 4",
        "ext_person_links": "old_person_id new_person_id date\nold anna 2025-01-20",
    }
    tables["ssd_cla_episodes"] = tables["ssd_cla_episodes"].replace("anna", "old")
    for day, expected in ((19, ("referral", None)), (20, ("looked after", 4))):
        assert of_tables(tables, date(2025, 1, day)).select("stage", "safety_scale").row(0) == expected


def test_offers_of_any_child_with_what_was_known_of_them() -> None:
    drawn = OFFERS + (
        "anna f1 FGC 2024-12-10 ACCEPTED 2024-12-12 2025-01-10 2025-03-01\n"
        "zoe - EH 2023-05-05 REFUSED 2023-05-06 - -\n"
        "anna - EH 2025-01-30 DECLINED 2025-02-02 - -\n"
        "anna - EH 2025-02-01 - - - -"
    )
    archive = nights(("2025-01-31", {**ANNA, "ext_offers": drawn}))
    assert_drawn(
        offers_of(archive).drop("family_id"),
        """
        person_id  kind  offered_on  answer    answered_on  held_on     reviewed_on
        zoe        EH    2023-05-05  REFUSED   2023-05-06   -           -
        anna       FGC   2024-12-10  ACCEPTED  2024-12-12   2025-01-10  -
        anna       EH    2025-01-30  -         -            -           -
        """,
    )


def test_no_offers_no_rows_but_the_columns() -> None:
    found = offers_of(one_load("2025-01-31", **ANNA))
    assert dict(found.schema) == {
        "person_id": pl.String, "family_id": pl.String, "kind": pl.String, "offered_on": pl.Date, "answer": pl.String,
        "answered_on": pl.Date, "held_on": pl.Date, "reviewed_on": pl.Date,
    }  # fmt: skip
    assert found.height == 0


def test_an_offer_to_a_merged_record_is_the_childs_once_the_merge_is_in_force() -> None:
    tables = {
        **ANNA,
        "ext_offers": OFFERS + "old - EH 2024-12-10 - - - -",
        "ext_person_links": "old_person_id new_person_id date\nold anna 2025-01-20",
    }
    archive = nights(("2025-01-31", tables))
    assert [offers_of(archive, date(2025, 1, day))["person_id"].item() for day in (19, 20)] == ["old", "anna"]


def test_an_offer_bears_the_nights_name_of_the_family_that_it_was_made_to() -> None:
    tables = {
        "ssd_cin_episodes": "person_id referral_date close_date\nbert 2024-12-02 -\nclara 2020-01-01 2020-03-01\n"
        "anna 2020-01-01 2020-03-01\neve 2024-12-02 -",
        "ssd_family": "family_id person_id\nf1 anna\nf1 bert\nf1 clara",
        "ext_offers": OFFERS
        + "bert - EH 2024-12-10 - - - -\nclara - EH 2024-12-11 - - - -\nzoe f1 EH 2024-12-12 - - - -\n"
        + "eve - EH 2024-12-13 - - - -\nzoe f9 EH 2024-12-14 - - - -\nzoe - EH 2024-12-15 - - - -",
    }
    archive = nights(("2025-01-31", tables))
    names = dict(build_cohort(archive, [NIGHT]).select("person_id", "family_id").iter_rows())
    assert names["bert"] != names["eve"]
    assert offers_of(archive)["family_id"].to_list() == [names["bert"]] * 3 + [names["eve"], None, None]


def everything(later: str = "") -> Drawn:
    """A night's tables; with ``later`` a row of every table that happens on that day, and ends by it."""
    spans = dict.fromkeys(STAGE_TABLES, f"2024-12-10 {later or '-'}")
    tables = {**ANNA, **draw(*spans.items())}
    tables["ext_assessments_sos"] = SCALES + "anna 2025-01-05 WORKER 4"
    tables["ext_offers"] = OFFERS + f"anna - EH 2025-01-10 {'ACCEPTED' if later else '-'} {later or '-'} {later or '-'} -"
    tables["ssd_family"] = "table_id family_id person_id\nt1 f1 anna\nt2 f1 zoe"
    if later:
        for stage, (table, _) in STAGE_TABLES.items():
            tables[table] += f"\nanna {later} -"
            assert stage in STAGES
        tables["ext_assessments_sos"] += f"\nanna {later} FAMILY 9"
        tables["ext_offers"] += f"\nanna - FGC {later} - - - -"
        tables["ssd_family"] += "\nt3 f1 vera"
        tables["ssd_cin_episodes"] += f"\nvera r9 {later} -"
        tables["ext_person_links"] = f"old_person_id new_person_id date\nzoe anna {later}"
    return tables


def test_what_comes_after_the_night_changes_nothing() -> None:
    # One load knows the later rows already, so that only their dates hide them; two nights bring them later.
    seen = nights(("2025-01-31", everything()))
    told = [
        nights(("2025-02-10", everything("2025-02-03"))),
        nights(("2025-01-31", everything()), ("2025-02-10", everything("2025-02-03"))),
    ]
    for archive in told:
        assert of(archive).equals(of(seen), null_equal=True)
        assert offers_of(archive).equals(offers_of(seen), null_equal=True)
    assert not of(told[1], date(2025, 2, 10)).drop("as_of", "days_open").equals(of(seen).drop("as_of", "days_open"))
    assert of(seen).select("stage", "relatives", "safety_scale").row(0) == ("looked after", 1, 4)
