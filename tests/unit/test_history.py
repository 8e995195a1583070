"""Vintages and the row versions that add up from them: what was known when."""

from datetime import date
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from validation.history import LONG_AGO, build_archive, current, difference, versions
from validation.tables.catalogue import TABLES

CONTACTS, FAMILY = TABLES["ssd_contacts"], TABLES["ssd_family"]
ASSESSMENTS, FACTORS = TABLES["ssd_cin_assessments"], TABLES["ssd_assessment_factors"]
FIRST_NIGHT, SECOND_NIGHT, THIRD_NIGHT = date(2026, 1, 10), date(2026, 1, 11), date(2026, 1, 12)
WINDOW = date(2020, 1, 11)


def contacts(**rows: Any) -> pl.DataFrame:
    """Contacts by name: their day, or their day and their source."""
    pairs = {name: value if isinstance(value, tuple) else (value, "6") for name, value in rows.items()}
    return CONTACTS.empty().vstack(
        pl.DataFrame(
            [(name, f"child {name}", day, source, None) for name, (day, source) in pairs.items()],
            schema=CONTACTS.schema,
            orient="row",
        )
    )


def changes(vintage: pl.DataFrame) -> dict[str, str]:
    return dict(vintage.select("cont_contact_id", "change").iter_rows())


def tell(before: pl.DataFrame | None, tonight: pl.DataFrame, night: date, window: date = WINDOW) -> pl.DataFrame:
    return difference(CONTACTS, before, tonight, window, night)


OLD, NEW = date(2020, 1, 20), date(2026, 1, 5)


def test_the_first_load_is_first_and_sorted() -> None:
    vintage = tell(None, contacts(b=NEW, a=OLD), FIRST_NIGHT)
    assert vintage.rows() == [("a", "child a", OLD, "6", None, "first"), ("b", "child b", NEW, "6", None, "first")]


def test_only_what_differs_is_in_a_later_vintage() -> None:
    before = current(CONTACTS, [tell(None, contacts(a=OLD, b=NEW, c=NEW, d=OLD), FIRST_NIGHT)])
    tonight = contacts(a=OLD, b=(NEW, "7"), e=SECOND_NIGHT)
    vintage = tell(before, tonight, SECOND_NIGHT, window=date(2020, 2, 1))
    assert changes(vintage) == {"b": "changed", "c": "withdrawn", "d": "aged_out", "e": "new"}


def test_a_value_that_was_empty_and_one_that_becomes_empty_are_changes() -> None:
    before = current(CONTACTS, [tell(None, contacts(a=(NEW, None), b=(NEW, "6"), c=(NEW, None)), FIRST_NIGHT)])
    vintage = tell(before, contacts(a=(NEW, "6"), b=(NEW, None), c=(NEW, None)), SECOND_NIGHT)
    assert changes(vintage) == {"a": "changed", "b": "changed"}


def test_the_order_of_rows_changes_nothing() -> None:
    rows = contacts(a=OLD, b=NEW, c=NEW)
    before = current(CONTACTS, [tell(None, rows, FIRST_NIGHT)])
    assert tell(before, rows.reverse(), SECOND_NIGHT).is_empty()
    assert_frame_equal(tell(None, rows.reverse(), FIRST_NIGHT), tell(None, rows, FIRST_NIGHT))


def test_an_aged_out_row_is_no_news_again() -> None:
    first = tell(None, contacts(a=OLD, b=NEW), FIRST_NIGHT)
    later = date(2020, 2, 1)
    second = tell(current(CONTACTS, [first]), contacts(b=NEW), SECOND_NIGHT, later)
    assert changes(second) == {"a": "aged_out"}
    known = current(CONTACTS, [first, second])
    assert set(known["cont_contact_id"]) == {"a", "b"}
    assert tell(known, contacts(b=NEW), THIRD_NIGHT, later).is_empty()
    assert changes(tell(known, contacts(a=OLD, b=NEW), THIRD_NIGHT, later)) == {"a": "changed"}  # it is shown again


def test_a_withdrawn_row_that_comes_back_is_new() -> None:
    first = tell(None, contacts(a=NEW, b=NEW), FIRST_NIGHT)
    second = tell(current(CONTACTS, [first]), contacts(b=NEW), SECOND_NIGHT)
    assert changes(second) == {"a": "withdrawn"}
    third = tell(current(CONTACTS, [first, second]), contacts(a=NEW, b=NEW), THIRD_NIGHT)
    assert changes(third) == {"a": "new"}
    told = versions(CONTACTS, [(FIRST_NIGHT, first), (SECOND_NIGHT, second), (THIRD_NIGHT, third)], None)
    spans = told.filter(cont_contact_id="a").select("known_from", "known_to").rows()
    assert spans == [(NEW, SECOND_NIGHT), (THIRD_NIGHT, None)]


def test_versions_say_from_when_to_when_each_was_known() -> None:
    first = tell(None, contacts(a=OLD, b=NEW), FIRST_NIGHT)
    second = tell(current(CONTACTS, [first]), contacts(a=OLD, b=(NEW, "7"), c=date(2026, 1, 3)), SECOND_NIGHT)
    third = tell(current(CONTACTS, [first, second]), contacts(b=(NEW, "8"), c=date(2026, 1, 3)), THIRD_NIGHT, date(2020, 2, 1))
    told = versions(CONTACTS, [(FIRST_NIGHT, first), (SECOND_NIGHT, second), (THIRD_NIGHT, third)], None)
    assert told.select("cont_contact_id", "cont_contact_source_code", "known_from", "known_to").rows() == [
        ("a", "6", OLD, None),  # aged out: kept as last known
        ("b", "6", NEW, SECOND_NIGHT),  # first load: known since it happened
        ("b", "7", SECOND_NIGHT, THIRD_NIGHT),
        ("b", "8", THIRD_NIGHT, None),
        ("c", "6", SECOND_NIGHT, None),  # recorded late: known from the night that showed it
    ]


def test_an_undated_row_of_a_first_load_is_known_since_long_ago_and_a_later_one_since_its_night() -> None:
    one = pl.DataFrame([("l1", "f", "p1")], schema=FAMILY.schema, orient="row")
    two = pl.DataFrame([("l1", "f", "p1"), ("l2", "f", "p2")], schema=FAMILY.schema, orient="row")
    first = difference(FAMILY, None, one, WINDOW, FIRST_NIGHT)
    second = difference(FAMILY, current(FAMILY, [first]), two, WINDOW, SECOND_NIGHT)
    told = versions(FAMILY, [(FIRST_NIGHT, first), (SECOND_NIGHT, second)], None)
    assert told["known_from"].to_list() == [LONG_AGO, SECOND_NIGHT]


def assessment(authorised: date | None) -> pl.DataFrame:
    row = {"cina_assessment_id": "a", "cina_person_id": "p", "cina_assessment_start_date": date(2025, 1, 1)}
    values = row | {"cina_assessment_auth_date": authorised}
    return pl.DataFrame({name: [values.get(name)] for name in ASSESSMENTS.schema}, schema=ASSESSMENTS.schema)


def test_factors_of_a_first_load_are_known_from_the_authorisation_of_their_assessment() -> None:
    authorised = date(2025, 2, 10)
    rows = pl.DataFrame([("f", "a", "1A")], schema=FACTORS.schema, orient="row")
    vintages = {
        ASSESSMENTS.name: [(FIRST_NIGHT, difference(ASSESSMENTS, None, assessment(authorised), WINDOW, FIRST_NIGHT))],
        FACTORS.name: [(FIRST_NIGHT, difference(FACTORS, None, rows, WINDOW, FIRST_NIGHT))],
    }
    archive = build_archive(vintages, WINDOW, FIRST_NIGHT)
    assert archive.table(FACTORS.name).select("known_from", "known_to").rows() == [(authorised, None)]


def test_an_archive_up_to_a_date_reads_only_the_vintages_up_to_it() -> None:
    first = tell(None, contacts(a=OLD), FIRST_NIGHT)
    second = tell(current(CONTACTS, [first]), contacts(a=(OLD, "7")), SECOND_NIGHT)
    vintages = {CONTACTS.name: [(FIRST_NIGHT, first), (SECOND_NIGHT, second)]}
    then = build_archive(vintages, WINDOW, FIRST_NIGHT)
    assert then.table(CONTACTS.name).select("cont_contact_source_code", "known_to").rows() == [("6", None)]
    assert build_archive(vintages, WINDOW, SECOND_NIGHT).table(CONTACTS.name).height == 2


def test_a_table_that_was_never_supplied_is_empty_and_not_supplied() -> None:
    archive = build_archive({CONTACTS.name: [(FIRST_NIGHT, tell(None, contacts(a=OLD), FIRST_NIGHT))]}, WINDOW, FIRST_NIGHT)
    assert archive.table("ext_offers").is_empty()
    assert archive.table("ext_offers").columns == [*TABLES["ext_offers"].schema, "known_from", "known_to"]
    assert archive.supplied == {
        CONTACTS.name: ("cont_contact_id", "cont_person_id", "cont_contact_date", "cont_contact_source_code")
    }
