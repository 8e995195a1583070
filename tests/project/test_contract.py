"""The contract is whole: every column is classed and described, every reference and list exists."""

from dataclasses import replace

import polars as pl
import pytest

from features.stream import Stream
from features.streams import STREAMS
from validation.codes import code_lists
from validation.contract import DTYPES, KEPT, Column, Kind, Sensitivity, Table, dropped, feature, pseudonym
from validation.pseudonyms import entity
from validation.tables.catalogue import REFUSED_TABLES, TABLES, UNREAD_TABLES

REQUIRED = {
    "ssd_person": {"pers_person_id"},
    "ssd_cin_episodes": {"cine_referral_id", "cine_person_id", "cine_referral_date", "cine_referral_nfa"},
}
SUPPLIED = {
    "ssd_contacts", "ssd_early_help_episodes", "ssd_family", "ssd_cin_assessments", "ssd_assessment_factors",
    "ssd_cin_plans", "ssd_s47_enquiry", "ssd_initial_cp_conference", "ssd_cp_plans", "ssd_cla_episodes", "ssd_missing",
    "ssd_disability", "ext_offers", "ext_assessments_sos", "ext_workforce", "ext_person_links",
    "ext_deprivation",
}  # fmt: skip


def faults(table: Table) -> list[str]:
    """What is wrong with the declaration of a table."""
    found = []
    names = [column.name for column in table.columns]
    schema = set(table.schema)
    if len(names) != len(set(names)):
        found.append("a column is declared twice")
    for column in table.columns:
        found += [f"{column.name}: {words}" for words in _column_faults(column)]
        if column.revealed_by is not None and table.schema.get(column.revealed_by) != DTYPES[Kind.DATE]:
            found.append(f"{column.name}: is revealed by no date of the table")
    dates = [table.happened] if table.happened and "." not in table.happened else []
    dates += [date for order in table.orders for date in (order.earlier, order.later)]
    found += [f"{name}: is no date" for name in dates if table.schema.get(name) != DTYPES[Kind.DATE]]
    keys = [table.key, *([table.person] if table.person else []), *(each.column for each in table.references)]
    found += [f"{name}: is no key" for name in keys if name not in schema or table.column(name).kind is not Kind.ID]
    if table.key in schema and not table.column(table.key).required:
        found.append(f"{table.key}: the key is not required")
    if len(table.description.split()) < 3:
        found.append("the table has no description")
    return found


def _column_faults(column: Column) -> list[str]:
    found = []
    if not isinstance(column.sensitivity, Sensitivity):
        found.append("is not classed")
    if not column.description.endswith(".") or len(column.description) < 5:
        found.append("is not described")
    if (column.kind in (Kind.CODE, Kind.CODES)) != (column.codes is not None):
        found.append("is coded without a list, or has a list without being coded")
    if column.codes is not None and column.codes not in code_lists():
        found.append("names a list that does not exist")
    if column.kept and column.kind is Kind.TEXT:
        found.append("keeps text")
    if (column.sensitivity is Sensitivity.PSEUDONYM) != (column.kind is Kind.ID):
        found.append("is a key that is not classed as pseudonym, or the other way about")
    if column.required and not column.kept:
        found.append("is required and not kept")
    return found


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_table_is_declared_without_fault(table: Table) -> None:
    assert faults(table) == []


PLANTED = Table(
    "visits",
    "A table for this test.",
    key="visit_id",
    happened="visit_date",
    columns=(pseudonym("visit_id", "The visit.", required=True), feature("visit_date", "Its day.", Kind.DATE)),
)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (Column("visit_note", Kind.TEXT, Sensitivity.FEATURE, "What was said."), "visit_note: keeps text"),
        (Column("visit_kind", Kind.CODE, Sensitivity.FEATURE, "Its kind."), "visit_kind: is coded without a list"),
        (Column("visit_kind", Kind.CODE, Sensitivity.FEATURE, "Its kind.", codes="none"), "visit_kind: names a list that"),
        (Column("visit_end", Kind.DATE, Sensitivity.FEATURE, ""), "visit_end: is not described"),
        (Column("visit_end", Kind.DATE, "open", "Its end."), "visit_end: is not classed"),  # type: ignore[arg-type]
        (Column("visit_end", Kind.DATE, Sensitivity.FEATURE, "Its end.", revealed_by="never"), "visit_end: is revealed by no"),
        (Column("visit_worker", Kind.ID, Sensitivity.FEATURE, "Who came."), "visit_worker: is a key that is not"),
        (Column("visit_id", Kind.ID, Sensitivity.PSEUDONYM, "Again.", required=True), "a column is declared twice"),
        (Column("visit_team", Kind.TEXT, Sensitivity.DROPPED, "Team.", required=True), "visit_team: is required and not kept"),
    ],
)
def test_a_planted_bad_column_is_found(change: Column, fault: str) -> None:
    assert faults(PLANTED) == []
    assert [words for words in faults(replace(PLANTED, columns=(*PLANTED.columns, change))) if words.startswith(fault)]


def test_a_planted_bad_date_or_key_is_found() -> None:
    assert faults(replace(PLANTED, happened="visit_day")) == ["visit_day: is no date"]
    assert faults(replace(PLANTED, key="visit_date")) != []
    assert faults(replace(PLANTED, description="Visits")) == ["the table has no description"]


def test_the_tables_of_the_design_and_no_others() -> None:
    assert {name for name, table in TABLES.items() if table.required} == set(REQUIRED)
    assert set(TABLES) == set(REQUIRED) | SUPPLIED
    assert not set(TABLES) & (REFUSED_TABLES | UNREAD_TABLES)
    assert not REFUSED_TABLES & UNREAD_TABLES
    assert all(table.name == name for name, table in TABLES.items())


@pytest.mark.parametrize("name", REQUIRED)
def test_required_columns(name: str) -> None:
    assert {column.name for column in TABLES[name].columns if column.required} == REQUIRED[name]


def test_every_row_that_has_an_event_needs_its_key_its_child_and_its_day() -> None:
    for table in TABLES.values():
        asked = {column.name for column in table.columns if column.required}
        assert table.key in asked
        assert table.person is None or table.person in asked
        if not table.audit_only and table.happened in table.schema and table.name != "ext_person_links":
            assert table.happened in asked, table.name


def test_column_names_tell_their_table() -> None:
    every = [column.name for table in TABLES.values() for column in table.columns]
    every += [alias for table in TABLES.values() for column in table.columns for alias in column.aliases]
    assert len(every) == len(set(every))


def test_references_point_at_tables_that_come_before() -> None:
    order = list(TABLES)
    for table in TABLES.values():
        for reference in table.references:
            assert order.index(reference.table) < order.index(table.name)
        if table.happened is not None and "." in table.happened:
            parent, column = table.happened.split(".")
            assert TABLES[parent].column(column).kind is Kind.DATE
            assert parent in {reference.table for reference in table.references}


def test_every_key_has_a_kind_for_its_pseudonym() -> None:
    for table in TABLES.values():
        assert entity(table, table.key) == table.name
        for column in table.columns:
            if column.kind is Kind.ID:
                assert entity(table, column.name), column.name
        for reference in table.references:
            assert entity(table, reference.column) == reference.table or reference.column == table.key


def test_what_identifies_or_is_protected_is_classed_so() -> None:
    person = TABLES["ssd_person"]
    assert {column.name for column in person.columns if column.sensitivity is Sensitivity.IDENTIFIER} == {
        "pers_legacy_id", "pers_upn", "pers_forename", "pers_surname", "pers_single_unique_id", "pers_common_child_id",
    }  # fmt: skip
    for name in ("pers_sex", "pers_gender", "pers_ethnicity", "pers_send_flag"):
        assert person.column(name).sensitivity is Sensitivity.PROTECTED
    assert TABLES["ssd_disability"].column("disa_disability_code").sensitivity is Sensitivity.PROTECTED
    assert TABLES["ssd_cin_episodes"].column("cine_cin_primary_need_code").sensitivity is Sensitivity.AUDIT
    assert TABLES["ssd_cin_episodes"].column("cine_referral_worker_id").sensitivity is Sensitivity.IDENTIFIER


def test_workers_teams_and_notes_are_not_kept() -> None:
    words = ("worker", "_team", "_reason_desc", "source_desc", "organisation")
    telling = [column for table in TABLES.values() for column in table.columns if any(word in column.name for word in words)]
    assert telling
    assert not [column.name for column in telling if column.kept]


def test_what_is_decided_later_is_hidden_until_then() -> None:
    """A column that speaks of how something ended has a date that reveals it."""
    words = ("outcome", "_nfa", "close", "_end_date", "ceased_date", "auth_date", "_answer", "_held")
    conference = {"icpc_icpc_outcome_cp_flag", "icpc_icpc_outcome_json"}  # decided on the day of the conference
    contact = {"cont_contact_outcome_json"}  # decided on the day of the contact, or the next
    ends = [
        column
        for table in TABLES.values()
        for column in table.kept
        if any(word in column.name for word in words) and column.name not in conference | contact
    ]
    assert ends
    assert not [column.name for column in ends if column.revealed_by is None]


def test_streams_read_feature_columns_alone() -> None:
    assert STREAMS
    for stream in STREAMS.values():
        classes = {stream.table.column(name).sensitivity for name in stream.columns}
        assert classes <= {Sensitivity.FEATURE}, stream.name
        assert not stream.table.audit_only


@pytest.mark.parametrize(
    "name", ["pers_ethnicity", "pers_sex", "pers_person_id", "pers_death_date", "pers_nationality", "pers_forename"]
)
def test_a_stream_of_anything_else_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"reads '{name}', which is classed as"):
        Stream("planted", TABLES["ssd_person"], "pers_expected_dob", {"value": pl.col(name)})


def test_a_stream_cannot_read_what_is_not_declared() -> None:
    with pytest.raises(ValueError, match="reads 'shoe_size', which 'ssd_person' does not have"):
        Stream("planted", TABLES["ssd_person"], "shoe_size", {})


def test_what_passes_the_door() -> None:
    assert {Sensitivity.IDENTIFIER, Sensitivity.FREE_TEXT, Sensitivity.DROPPED} == set(Sensitivity) - KEPT
    assert not dropped("team", "Team.").kept
    assert pseudonym("id", "The row.").kept
