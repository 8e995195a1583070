"""What is held about children: drawn tables in, counts out."""

from datetime import date

from tests.spec.drawing import nights
from validation.holdings import measure_holdings

PEOPLE = """
    person_id sex ethnicity dob
    anna      F   WBRI      2015-03-01
    bert      M   -         2016-07-01
    cora      F   -         -
"""
CONTACTS = """
    contact_id person_id contact_date
    one        anna      2023-05-06
    two        anna      2025-01-02
"""


def test_records_are_counted_with_the_years_of_their_events_and_how_fully_columns_are_filled() -> None:
    held = measure_holdings(nights(("2026-01-01", {"ssd_person": PEOPLE, "ssd_contacts": CONTACTS})))
    people, contacts = held["tables"]
    assert held["children"] == 3
    assert (people["table"], people["records"], people["first_year"], people["last_year"]) == ("ssd_person", 3, None, None)
    assert (contacts["records"], contacts["first_year"], contacts["last_year"]) == (2, 2023, 2025)
    columns = {one["column"]: (one["class"], one["filled"]) for one in people["columns"]}
    assert columns["pers_ethnicity"] == ("protected", 1)
    assert columns["pers_dob"] == ("feature", 2)
    assert columns["pers_person_id"] == ("pseudonym", 3)


def test_a_record_counts_as_last_known_and_one_that_was_withdrawn_no_more() -> None:
    changed = PEOPLE.replace("bert      M   -   ", "bert      M   WBRI")
    withdrawn = "\n".join(line for line in CONTACTS.splitlines() if "two" not in line)
    held = measure_holdings(
        nights(
            ("2026-01-01", {"ssd_person": PEOPLE, "ssd_contacts": CONTACTS}),
            ("2026-01-02", {"ssd_person": changed, "ssd_contacts": withdrawn}),
        )
    )
    people, contacts = held["tables"]
    assert people["records"] == 3
    assert next(one["filled"] for one in people["columns"] if one["column"] == "pers_ethnicity") == 2
    assert contacts["records"] == 1


def test_a_record_that_the_window_has_left_behind_is_still_held() -> None:
    later = "\n".join(line for line in CONTACTS.splitlines() if "one" not in line)
    archive = nights(
        ("2026-01-01", {"ssd_person": PEOPLE, "ssd_contacts": CONTACTS}),
        ("2026-01-02", {"ssd_person": PEOPLE, "ssd_contacts": later}),
        window_start=date(2024, 1, 1),
    )
    assert next(table["records"] for table in measure_holdings(archive)["tables"] if table["table"] == "ssd_contacts") == 2
