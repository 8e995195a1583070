"""The timeline of a child: what happened in the last two years, as it was known on the night."""

from datetime import date

import polars as pl
import pytest

from features.timeline import TOLD, read_timeline
from tests.spec.drawing import Drawn, assert_drawn, nights
from validation.history import Archive

NIGHT = date(2025, 1, 31)
FIRST_DAY = "2023-02-02"  # the 730th day, the night itself counted

EPISODES = "person_id referral_id referral_date close_date referral_nfa\n"
COLUMNS = {
    "assessment": ("ssd_cin_assessments", "assessment_start_date assessment_auth_date"),
    "plan": ("ssd_cin_plans", "cin_plan_start_date cin_plan_end_date"),
    "child protection plan": ("ssd_cp_plans", "cp_plan_start_date cp_plan_end_date"),
    "looked after": ("ssd_cla_episodes", "cla_episode_start_date cla_episode_ceased_date"),
    "referral": ("ssd_cin_episodes", "referral_date close_date"),
}


def people(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"person_id": names}, schema={"person_id": pl.String})


def told(tables: Drawn, *names: str, as_of: date = NIGHT) -> pl.DataFrame:
    archive = nights(("2025-01-31", tables))
    return read_timeline(archive, as_of, people(*names or ("anna",)))


def shown(archive: Archive, day: str) -> list[tuple[object, ...]]:
    return read_timeline(archive, date.fromisoformat(day), people("anna")).drop("person_id").rows()


def test_events_of_every_kind_sorted_by_child_and_day() -> None:
    tables = {
        "ssd_contacts": "person_id contact_date\nbert 2024-03-01\nanna 2024-11-20",
        "ssd_cin_episodes": EPISODES + "anna r1 2024-11-21 - no\nanna r2 2024-01-05 2024-03-05 no",
        "ssd_cin_assessments": "person_id assessment_start_date assessment_auth_date\nanna 2024-11-22 2025-01-10",
        "ssd_cin_plans": "person_id cin_plan_start_date cin_plan_end_date\nanna 2025-01-10 -",
        "ssd_cp_plans": "person_id cp_plan_start_date cp_plan_end_date\nanna 2024-02-01 2024-03-01",
        "ssd_cla_episodes": "person_id cla_episode_start_date cla_episode_ceased_date\nbert 2024-05-01 -",
        "ext_offers": "person_id kind offered_date answer answered_date\nanna EH 2025-01-15 ACCEPTED 2025-01-20",
    }
    found = told(tables, "bert", "anna")
    assert dict(found.schema) == {"person_id": pl.String, "what": pl.String, "begins": pl.Date, "ends": pl.Date}
    assert_drawn(
        found.with_columns(pl.col("what").str.replace_all(" ", "_")),
        """
        person_id  what                   begins      ends
        anna       referral               2024-01-05  2024-03-05
        anna       child_protection_plan  2024-02-01  2024-03-01
        anna       contact                2024-11-20  2024-11-20
        anna       referral               2024-11-21  -
        anna       assessment             2024-11-22  2025-01-10
        anna       plan                   2025-01-10  -
        anna       offer                  2025-01-15  2025-01-15
        bert       contact                2024-03-01  2024-03-01
        bert       looked_after           2024-05-01  -
        """,
    )


def test_only_those_who_are_asked_for_are_shown_and_each_once() -> None:
    tables = {"ssd_contacts": "person_id contact_date\nbert 2024-03-01\nanna 2024-11-20"}
    assert told(tables, "anna", "anna", "nobody").rows() == [("anna", "contact", date(2024, 11, 20), date(2024, 11, 20))]


def test_tables_that_were_not_supplied_show_nothing() -> None:
    assert told({"ssd_cin_episodes": EPISODES + "bert r1 2024-11-21 - no"}).height == 0


@pytest.mark.parametrize("what", COLUMNS)
@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("2020-05-01 2023-02-01", None),  # over before the window
        ("2020-05-01 2023-02-02", (FIRST_DAY, "2023-02-02")),
        ("2020-05-01 -", (FIRST_DAY, None)),
        ("2023-02-01 2023-03-01", (FIRST_DAY, "2023-03-01")),
        ("2023-02-02 2023-03-01", ("2023-02-02", "2023-03-01")),
        ("2025-01-31 -", ("2025-01-31", None)),
        ("2025-01-31 2025-02-01", ("2025-01-31", None)),  # the end is still to come
        ("2025-02-01 -", None),
    ],
)
def test_what_went_on_in_the_last_two_years_begins_in_them(what: str, span: str, expected: tuple[str, str | None] | None) -> None:
    table, columns = COLUMNS[what]
    found = told({table: f"person_id {columns}\nanna {span}"})
    days = [tuple(day and day.isoformat() for day in row) for row in found.select("begins", "ends").rows()]
    assert days == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("day", "is_shown"), [("2023-02-01", False), ("2023-02-02", True), ("2025-01-31", True), ("2025-02-01", False)]
)
@pytest.mark.parametrize(("table", "column"), [("ssd_contacts", "contact_date"), ("ext_offers", "offered_date")])
def test_what_has_no_length_is_shown_if_it_happened_within(table: str, column: str, day: str, is_shown: bool) -> None:
    found = told({table: f"person_id {column}\nanna {day}"})
    assert found.select("begins", "ends").rows() == ([(date.fromisoformat(day),) * 2] if is_shown else [])


def test_a_referral_without_further_action_closed_on_the_next_working_day() -> None:
    drawn = {"ssd_cin_episodes": EPISODES + "anna r1 2025-01-17 - yes"}  # a Friday
    archive = nights(("2025-01-31", drawn))
    assert shown(archive, "2025-01-20") == [("referral", date(2025, 1, 17), date(2025, 1, 20))]
    assert shown(archive, "2025-01-19") == [("referral", date(2025, 1, 17), None)]


def test_an_event_is_shown_from_the_night_that_brought_it_with_the_end_that_was_known() -> None:
    head = "person_id cin_plan_id cin_plan_start_date cin_plan_end_date\nzoe p0 2024-01-02 -\n"
    archive = nights(
        ("2025-01-10", {"ssd_cin_plans": head}),
        ("2025-01-20", {"ssd_cin_plans": head + "anna p1 2025-01-06 -"}),
        ("2025-01-31", {"ssd_cin_plans": head + "anna p1 2025-01-06 2025-01-15"}),
    )
    begins = date(2025, 1, 6)
    assert [shown(archive, day) for day in ("2025-01-19", "2025-01-20", "2025-01-30", "2025-01-31")] == [
        [],
        [("plan", begins, None)],
        [("plan", begins, None)],
        [("plan", begins, date(2025, 1, 15))],
    ]


def test_records_that_were_merged_into_the_childs_are_its_own_from_then_on() -> None:
    archive = nights(
        (
            "2025-01-31",
            {
                "ssd_contacts": "person_id contact_date\nold 2024-03-01\nanna 2024-11-20",
                "ext_person_links": "old_person_id new_person_id date\nold anna 2025-01-20",
            },
        )
    )
    own = ("contact", date(2024, 11, 20), date(2024, 11, 20))
    assert shown(archive, "2025-01-19") == [own]
    assert shown(archive, "2025-01-20") == [("contact", date(2024, 3, 1), date(2024, 3, 1)), own]


def everything(later: str = "") -> Drawn:
    """Tables of every kind; with ``later`` what was open ends on that day, and more begins."""
    tables = {table: f"person_id {columns}\nanna 2024-06-03 {later or '-'}" for table, columns in COLUMNS.values()}
    tables |= {"ssd_contacts": "person_id contact_date\nanna 2024-06-03", "ext_offers": "person_id offered_date\nanna 2024-06-03"}
    if later:
        tables = {
            table: f"{drawn}\nanna {later}" + " -" * (table not in ("ssd_contacts", "ext_offers"))
            for table, drawn in tables.items()
        }
        tables["ssd_contacts"] += "\nold 2024-07-01"
        tables["ext_person_links"] = f"old_person_id new_person_id date\nold anna {later}"
    return tables


def test_what_comes_after_the_night_changes_nothing() -> None:
    before, after = everything(), everything("2025-02-03")
    seen = shown(nights(("2025-01-31", before)), "2025-01-31")
    assert {what for what, *_ in seen} == set(TOLD)
    # One load knows the later rows already, so that only their dates hide them; two nights bring them later.
    for archive in (nights(("2025-02-10", after)), nights(("2025-01-31", before), ("2025-02-10", after))):
        assert shown(archive, "2025-01-31") == seen
        assert shown(archive, "2025-02-10") != seen
