"""What a case system shows of a true history, night after night."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest

from tests.unit.recorded import (
    DAY,
    END,
    EPISODES,
    SPELLS,
    WINDOW,
    History,
    archive_of,
    faultless,
    faulty,
    take,
    told,
    true_history,
)
from validation.contract import Kind
from validation.cut import revealed
from validation.extract import Extract, ExtractRule, Origin
from validation.gate import Limits, check_extract, stop_if_implausible
from validation.history import Change, aged_out_keys, build_archive, current, difference
from validation.synthetic.entries import ROW_FROM, ROW_UNTIL
from validation.synthetic.recording import Records, first_day_of_window, known_on, nights, shown
from validation.tables.catalogue import TABLES


@pytest.fixture(scope="module")
def history() -> History:
    return true_history()


@pytest.fixture(scope="module")
def clean() -> Records:
    return faultless()


@pytest.fixture(scope="module")
def dirty() -> Records:
    return faulty()


@pytest.fixture(scope="module", params=list(ExtractRule))
def taken(request: pytest.FixtureRequest, clean: Records) -> Extract:
    return take(clean, request.param)


@pytest.fixture(scope="module", params=list(ExtractRule))
def either(request: pytest.FixtureRequest, clean: Records, dirty: Records) -> tuple[Extract, Extract]:
    """An extract of faultless records and one of records with every fault."""
    return take(clean, request.param), take(dirty, request.param)


# what an extract holds


def test_extracts_keep_the_contract(either: tuple[Extract, Extract]) -> None:
    for one in either:
        for name, table in TABLES.items():
            rows = one.tables[name].unique()
            assert dict(rows.schema) == table.schema
            assert rows[table.key].n_unique() == rows.height > 0, name
            for column in table.kept:
                assert not (column.required and rows[column.name].null_count()), column.name
                if column.kind is Kind.ID:
                    assert rows[column.name].drop_nulls().str.contains(r"^[0-9a-f]{32}$").all(), column.name
            for order in table.orders:
                assert rows.filter(pl.col(order.earlier) > pl.col(order.later)).is_empty(), order.rule


def test_rows_point_at_rows_that_are_there(either: tuple[Extract, Extract], clean: Records, dirty: Records) -> None:
    for tables in (*(one.tables for one in either), shown(clean, DAY), shown(dirty, DAY)):
        for name, table in TABLES.items():
            for reference in table.references:
                named = tables[name].filter(pl.col(reference.column).is_not_null())
                parents = tables[reference.table]
                orphans = named.join(parents, left_on=reference.column, right_on=TABLES[reference.table].key, how="anti")
                assert orphans.is_empty(), (name, reference.column)
        made = tables["ssd_initial_cp_conference"]["icpc_cp_plan_id"].drop_nulls()
        assert made.len() > 0
        assert made.is_in(tables["ssd_cp_plans"]["cppl_cp_plan_id"].implode()).all()


def test_later_facts_are_not_shown(history: History, either: tuple[Extract, Extract]) -> None:
    for one in either:
        for name, table in TABLES.items():
            frame = one.tables[name]
            if table.happened is not None and "." not in table.happened:
                assert (frame[table.happened] <= DAY).all(), name
            for column in table.kept:
                if column.revealed_by is not None and column.kind in (Kind.DATE, Kind.MONTH):
                    assert (frame[column.name].drop_nulls() <= DAY).all(), column.name
        still_open = one.tables[EPISODES].filter(pl.col("cine_close_date").is_null())
        assert still_open.height > 50
        assert still_open["cine_close_reason"].null_count() == still_open.height
        truth = history[EPISODES].join(still_open, on="cine_referral_id", how="semi")
        assert truth["cine_close_date"].drop_nulls().len() > 20  # they did close, later


def test_factors_are_shown_when_their_assessment_is_finished(either: tuple[Extract, Extract]) -> None:
    for one in either:
        factors, assessments = (one.tables[name].unique() for name in ("ssd_assessment_factors", "ssd_cin_assessments"))
        rows = factors.join(assessments, left_on="cinf_assessment_id", right_on="cina_assessment_id")
        assert rows.height == factors.height > 0
        assert rows["cina_assessment_auth_date"].null_count() == 0
        assert assessments["cina_assessment_auth_date"].null_count() > 0


@pytest.mark.parametrize("table", SPELLS)
def test_started_or_open_takes_what_began_in_the_window_and_what_is_open(history: History, clean: Records, table: str) -> None:
    start, end = (pl.col(column) for column in SPELLS[table])
    key = TABLES[table].key
    wanted = history[table].filter((start <= DAY) & ((start >= WINDOW) | end.is_null() | (end > DAY)))
    got = take(clean, ExtractRule.STARTED_OR_OPEN).tables[table]
    assert set(got[key]) == set(wanted[key])


@pytest.mark.parametrize("table", SPELLS)
def test_overlapping_takes_what_was_open_on_a_day_of_the_window(history: History, clean: Records, table: str) -> None:
    start, end = (pl.col(column) for column in SPELLS[table])
    key = TABLES[table].key
    wanted = history[table].filter((start <= DAY) & (end.is_null() | (end >= WINDOW)))
    got = take(clean, ExtractRule.OVERLAPPING).tables[table]
    assert set(got[key]) == set(wanted[key])
    assert got.height > take(clean, ExtractRule.STARTED_OR_OPEN).tables[table].height


def test_contacts_are_those_of_the_window(taken: Extract) -> None:
    days = taken.tables["ssd_contacts"]["cont_contact_date"]
    assert days.len() > 0
    assert days.is_between(WINDOW, DAY).all()


def test_persons_are_those_with_a_row_elsewhere(either: tuple[Extract, Extract]) -> None:
    for one in either:
        elsewhere = {
            person
            for name, table in TABLES.items()
            if table.person is not None and name not in ("ssd_person", "ssd_family", "ssd_disability", "ext_deprivation")
            for person in one.tables[name][table.person]
        }
        persons = set(one.tables["ssd_person"]["pers_person_id"])
        assert elsewhere <= persons
        assert persons - elsewhere <= set(one.tables["ext_person_links"]["link_new_person_id"])
        assert set(one.tables["ssd_family"]["fami_person_id"]) <= persons


def test_the_unborn_have_an_expected_birth_and_no_sex(history: History, clean: Records, dirty: Records) -> None:
    days = pl.date_range(date(2022, 1, 15), date(2025, 1, 15), "6mo", eager=True)
    for records in (clean, dirty):
        person = pl.concat([take(records, ExtractRule.STARTED_OR_OPEN, day).tables["ssd_person"] for day in days])
        assert (person["pers_dob"].is_null() == person["pers_expected_dob"].is_not_null()).all()
        unborn = person.filter(pl.col("pers_dob").is_null())
        assert unborn.height > 0
        assert set(unborn["pers_sex"]) == set(unborn["pers_gender"]) == {"U"}
        born = person.filter(pl.col("pers_dob").is_not_null()).join(history["ssd_person"], on="pers_person_id", suffix=":true")
        assert (born["pers_sex"] == born["pers_sex:true"]).all()
        assert set(born["pers_sex"]) >= {"F", "M"}


def test_manifest_says_that_it_is_invented(taken: Extract) -> None:
    manifest = taken.manifest
    assert manifest.origin is Origin.INVENTED
    assert manifest.authority == "Invented authority (england)"
    assert manifest.key_fingerprint == "invented-1"
    assert (manifest.window_start, manifest.extract_date) == (WINDOW, DAY)


def test_window_of_whole_years() -> None:
    assert first_day_of_window(date(2026, 11, 24), 6) == date(2020, 11, 25)
    assert first_day_of_window(date(2024, 2, 29), 1) == date(2023, 3, 1)


# faultless records


@pytest.mark.parametrize("day", [date(2019, 5, 4), DAY, END])
def test_clean_records_show_the_plain_truth(history: History, day: date) -> None:
    truth = history | {"ext_person_links": history["ext_person_links"].clear()}
    found = known_on(truth, day)
    for name, table in TABLES.items():
        if table.happened is None or "." in table.happened or name == "ssd_initial_cp_conference":
            continue
        happened = truth[name].filter(pl.col(table.happened) <= day).with_columns(as_of=pl.lit(day))
        wanted = happened.select(revealed(column) for column in table.kept)
        if name == EPISODES:
            wanted = wanted.with_columns(pl.col("cine_referral_nfa").fill_null(value=False))
        assert found[name].equals(wanted), name


@pytest.mark.parametrize(("weekday", "waits"), [(5, 3), (6, 2), (7, 1)])
def test_no_further_action_is_known_on_the_next_working_day(history: History, weekday: int, waits: int) -> None:
    truth = history[EPISODES].filter("cine_referral_nfa", pl.col("cine_referral_date").dt.weekday() == weekday)
    key, referred = truth.sort("cine_referral_date").select("cine_referral_id", "cine_referral_date").row(-1)
    for days in range(4):
        episodes = known_on(history, referred + timedelta(days=days))[EPISODES]
        assert episodes.filter(cine_referral_id=key)["cine_referral_nfa"].item() is (days >= waits)


def test_a_new_key_is_shown_from_its_day_on(history: History) -> None:
    links = history["ext_person_links"].filter(pl.col("link_date") > date(2019, 1, 1))
    old, new, day = links.select("link_old_person_id", "link_new_person_id", "link_date").row(0)
    before = known_on(history, day - timedelta(days=1))["ssd_person"]["pers_person_id"]
    after = known_on(history, day)["ssd_person"]["pers_person_id"]
    assert (old in before, new in before) == (True, False)
    assert (old in after, new in after) == (False, True)


def in_turn(records: Records) -> Iterator[Extract]:
    return nights(records, profile="england", seed=1, first=date(2024, 10, 14), last=DAY, rule=RULE, years=3)


RULE = ExtractRule.STARTED_OR_OPEN  # under which rows leave an extract as soon as they have ended
Vintages = dict[str, list[tuple[date, pl.DataFrame]]]


@pytest.fixture(scope="module")
def archived(dirty: Records) -> tuple[list[Extract], Vintages]:
    """Forty-two nights of records with every fault, a migration among them, and what the pipeline keeps of them."""
    extracts = list(in_turn(dirty))
    vintages: Vintages = {name: [] for name in TABLES}
    for one in extracts:
        day, start = one.manifest.extract_date, one.manifest.window_start
        aged_out: dict[str, pl.Series] = {}
        for name, table in TABLES.items():
            known = [vintage for _, vintage in vintages[name]]
            before = current(table, known) if known else None
            vintage = difference(table, before, one.tables[name].unique(), start, day, RULE, aged_out)
            vintages[name].append((day, vintage))
            aged_out[name] = aged_out_keys(table, before, vintage)
    return extracts, vintages


def test_nights_follow_each_other_day_by_day(archived: tuple[list[Extract], Vintages]) -> None:
    extracts, _ = archived
    days = [one.manifest.extract_date for one in extracts]
    assert days == [date(2024, 10, 14) + timedelta(days=number) for number in range(42)]
    assert {(day, one.manifest.window_start) for day, one in zip(days, extracts, strict=True)} == {
        (day, first_day_of_window(day, 3)) for day in days
    }


def test_the_archive_of_all_nights_holds_what_the_last_extract_shows(archived: tuple[list[Extract], Vintages]) -> None:
    extracts, vintages = archived
    last = extracts[-1]
    many = build_archive(vintages, extracts[0].manifest.window_start, DAY)
    one = archive_of(last)
    for name, table in TABLES.items():
        kept = current(table, [vintage for _, vintage in vintages[name]]).filter(pl.col("change") != Change.AGED_OUT)
        wanted = last.tables[name].unique().sort(table.key)
        assert kept.select(wanted.columns).sort(table.key).equals(wanted), name
        rows = many.table(name).filter(pl.col("known_to").is_null()).join(wanted, on=table.key, how="semi")
        assert rows.select(wanted.columns).sort(table.key).equals(one.table(name).select(wanted.columns)), name


def test_only_what_was_deleted_is_withdrawn(dirty: Records, archived: tuple[list[Extract], Vintages]) -> None:
    """Beside duplicates, only rows under a key that was given up go: those of families, whose table has no window."""
    _, vintages = archived
    gone = {
        name: set(pl.concat([vintage for _, vintage in frames]).filter(change=Change.WITHDRAWN.value)[TABLES[name].key])
        for name, frames in vintages.items()
    }
    deleted = set(told(dirty, "duplicates").filter(pl.col("until_day").is_between(date(2024, 10, 15), DAY))["key"])
    assert 0 < len(gone[EPISODES]) <= len(deleted)
    assert gone[EPISODES] <= deleted
    assert {name for name, rows in gone.items() if rows} <= {EPISODES, "ssd_family"}


def test_what_was_shown_once_changes_only_by_what_was_entered_since(
    dirty: Records, archived: tuple[list[Extract], Vintages]
) -> None:
    extracts, _ = archived
    tables = dirty.tables[EPISODES]
    for before, after in pairwise(extracts):
        day = after.manifest.extract_date
        now = after.tables[EPISODES].unique()
        arrived = now.join(before.tables[EPISODES], on="cine_referral_id", how="anti")
        assert set(arrived["cine_referral_id"]) <= set(tables.filter(pl.col(ROW_FROM) == day)["cine_referral_id"])
        both = before.tables[EPISODES].unique().join(now, on="cine_referral_id", suffix=":after")
        closed = both.filter(pl.col("cine_close_date").is_null(), pl.col("cine_close_date:after").is_not_null())
        entered = tables.filter(pl.col("cine_close_date+0:from") == day)
        assert set(closed["cine_referral_id"]) == set(entered["cine_referral_id"]) & set(both["cine_referral_id"])
        assert both.filter(pl.col("cine_close_date").is_not_null(), pl.col("cine_close_date:after").is_null()).is_empty()
        lost = before.tables[EPISODES].unique().join(now, on="cine_referral_id", how="anti")
        over = tables.filter(pl.col(ROW_UNTIL) == day)["cine_referral_id"].implode()
        passed = pl.col("cine_referral_date") < after.manifest.window_start
        assert lost.filter(~pl.col("cine_referral_id").is_in(over), ~passed).is_empty()


# the gate


def test_the_gate_sets_nothing_aside_and_counts_what_stands_twice(dirty: Records) -> None:
    one = take(dirty, ExtractRule.OVERLAPPING)
    gated = check_extract(one)
    stop_if_implausible(gated, Limits(), None, None)
    assert {name: dict(count.set_aside) for name, count in gated.counts.items() if count.set_aside} == {}
    for name, count in gated.counts.items():
        assert count.accepted == one.tables[name].n_unique()
    assert sum(count.duplicates for count in gated.counts.values()) > 10
    days = (DAY - timedelta(days=30 * number) for number in range(6))
    queries = [check_extract(take(dirty, ExtractRule.OVERLAPPING, day)).counts[EPISODES].queries for day in days]
    assert sum(found.get("8820", 0) for found in queries) > 0  # a second entry, or a closing that is not yet entered
