"""The synthetic authority: its frames fit the contract, and its rules hold."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from validation.codes import codes
from validation.contract import Kind
from validation.extract import ExtractRule
from validation.synthetic.authority import simulate, tables_of, together
from validation.synthetic.entries import LONGEST_LAG
from validation.synthetic.habits import CLEAN
from validation.synthetic.lived import live, parts_of
from validation.synthetic.profiles import ENGLAND
from validation.synthetic.recording import extract, record
from validation.synthetic.world import choose, pseudonyms
from validation.tables.catalogue import TABLES

START, END = date(2018, 4, 1), date(2026, 3, 31)
History = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def history() -> History:
    return simulate(ENGLAND, 4_000, START, END, seed=1)


def test_same_seed_same_frames(history: History) -> None:
    again = simulate(ENGLAND, 4_000, START, END, seed=1)
    assert all(again[name].equals(history[name]) for name in TABLES)


def test_another_seed_gives_other_children(history: History) -> None:
    other = simulate(ENGLAND, 500, START, END, seed=2)
    assert not set(other["ssd_person"]["pers_person_id"]) & set(history["ssd_person"]["pers_person_id"])


def test_history_holds_every_table_with_rows_in_the_shape_of_the_contract(history: History) -> None:
    assert list(history) == list(TABLES)
    for name, table in TABLES.items():
        assert dict(history[name].schema) == table.schema
        assert history[name].height > 0, name


def test_frames_keep_the_contract(history: History) -> None:
    for name, table in TABLES.items():
        frame = history[name]
        assert frame[table.key].n_unique() == frame.height, name
        for column in table.kept:
            values = frame[column.name]
            assert not (column.required and values.null_count()), column.name
            if column.kind is Kind.ID:
                assert values.drop_nulls().str.contains(r"^[0-9a-f]{32}$").all(), column.name
            if column.kind is Kind.MONTH:
                assert (values.drop_nulls().dt.day() == 1).all(), column.name
        for order in table.orders:
            assert frame.filter(pl.col(order.earlier) > pl.col(order.later)).is_empty(), order.rule


def test_codes_are_on_their_lists(history: History) -> None:
    for name, table in TABLES.items():
        for column in table.kept:
            if column.codes is not None:
                values = history[name][column.name].drop_nulls()
                singles = values.str.split("|").explode().drop_nulls() if column.kind is Kind.CODES else values
                assert set(singles) - {""} <= set(codes(column.codes)), column.name


@pytest.mark.parametrize(
    ("table", "day", "column"),
    [
        ("ssd_cin_episodes", "cine_referral_date", "cine_referral_source_code"),
        ("ssd_cin_episodes", "cine_close_date", "cine_close_reason"),
        ("ssd_contacts", "cont_contact_date", "cont_contact_source_code"),
        ("factors", "cina_assessment_auth_date", "cinf_assessment_factors_json"),
    ],
)
def test_codes_are_used_in_their_years_only(history: History, table: str, day: str, column: str) -> None:
    factors = history["ssd_assessment_factors"].join(
        history["ssd_cin_assessments"], left_on="cinf_assessment_id", right_on="cina_assessment_id"
    )
    frame = factors if table == "factors" else history[table]
    listed = {
        "cinf_assessment_factors_json": "assessment_factors",
        "cine_close_reason": "closure_reason",
    }.get(column, "referral_source")
    used = (
        frame.filter(pl.col(day) >= date(2016, 4, 1))
        .select(year=pl.col(day).dt.offset_by("9mo").dt.year(), code=pl.col(column).str.split("|"))
        .explode("code", empty_as_null=False)
        .unique()
    )
    assert all(codes(listed)[code].valid_in(year) for year, code in used.iter_rows())
    assert used.height > 20


def test_no_referral_while_a_case_is_open_nor_on_the_day_after(history: History) -> None:
    gaps = (
        history["ssd_cin_episodes"]
        .sort("cine_person_id", "cine_referral_date")
        .select(
            days=(pl.col("cine_referral_date") - pl.col("cine_close_date").shift(1)).dt.total_days(),
            same=pl.col("cine_person_id") == pl.col("cine_person_id").shift(1),
            open=pl.col("cine_close_date").shift(1).is_null(),
        )
    )
    again = gaps.filter("same")
    assert again.height > 300
    assert not again["open"].any()
    assert again["days"].min() >= 2


def test_activity_lies_inside_its_episode(history: History) -> None:
    episodes = history["ssd_cin_episodes"]
    for name, table in TABLES.items():
        reference = next((one for one in table.references if one.table == "ssd_cin_episodes"), None)
        if reference is None or table.happened is None:
            continue
        rows = history[name].join(episodes, left_on=reference.column, right_on="cine_referral_id")
        assert rows.height > 0, name
        assert (rows[table.happened] >= rows["cine_referral_date"]).all(), name
        assert rows.filter(pl.col(table.happened) > pl.col("cine_close_date")).is_empty(), name


def test_nothing_but_a_referral_is_recorded_where_no_action_follows(history: History) -> None:
    idle = history["ssd_cin_episodes"].filter("cine_referral_nfa")["cine_referral_id"]
    assert idle.len() > 50
    assert not history["ssd_cin_assessments"]["cina_referral_id"].is_in(idle.implode()).any()
    assert not history["ssd_s47_enquiry"]["s47e_referral_id"].is_in(idle.implode()).any()


def test_closed_after_assessment_means_no_plan_and_no_enquiry(history: History) -> None:
    assessed = history["ssd_cin_episodes"].filter(pl.col("cine_close_reason").is_in(["RC8", "RC9"]))
    keys = assessed["cine_referral_id"].implode()
    assert assessed.height > 300
    for table, column in (("ssd_s47_enquiry", "s47e_referral_id"), ("ssd_cin_plans", "cinp_referral_id")):
        assert not history[table][column].is_in(keys).any()


def test_what_hangs_on_a_case_is_told_if_an_extract_from_the_first_day_on_can_hold_the_case(history: History) -> None:
    assessed = history["ssd_cin_assessments"]["cina_referral_id"]
    cases = history["ssd_cin_episodes"].filter(~pl.col("cine_referral_nfa"), pl.col("cine_referral_date") < END - timedelta(10))
    cases = cases.with_columns(told=pl.col("cine_referral_id").is_in(assessed.implode()))
    old = pl.col("cine_close_date") < START - timedelta(LONGEST_LAG)
    assert cases.filter(~old.fill_null(value=False))["told"].all()
    assert cases.filter(old).height > 1_000
    assert not cases.filter(old)["told"].any()
    enquiries = history["ssd_s47_enquiry"].join(cases.filter(old), left_on="s47e_referral_id", right_on="cine_referral_id")
    plans = history["ssd_cp_plans"].join(cases.filter(old), left_on="cppl_referral_id", right_on="cine_referral_id")
    assert enquiries.height == plans.height > 50


def test_a_case_whose_closing_is_entered_late_still_comes_with_its_assessment(history: History) -> None:
    day = START + timedelta(60)
    records = record(history, replace(CLEAN, late_closings=1.0), seed=1)
    of = {"profile": "england", "seed": 1, "rule": ExtractRule.STARTED_OR_OPEN}
    taken = extract(records, **of, extract_date=day, window_start=START).tables
    cases = taken["ssd_cin_episodes"].filter(~pl.col("cine_referral_nfa"), pl.col("cine_referral_date") < START)
    closed = history["ssd_cin_episodes"].filter(pl.col("cine_close_date") < START)["cine_referral_id"]
    late = cases.filter(pl.col("cine_referral_id").is_in(closed.implode()))["cine_referral_id"]
    assert late.len() > 10
    assert late.is_in(taken["ssd_cin_assessments"]["cina_referral_id"].implode()).all()


def test_an_authority_of_several_parts_has_one_workforce() -> None:
    parts = [tables_of(live(ENGLAND, residents, START, END, seed)) for residents, seed in parts_of(1_000, 1, part=500)]
    whole = together(parts)
    measures = ["work_measured_date", "work_measure"]
    assert len(parts) == 2
    assert not whole["ext_workforce"].select(measures).is_duplicated().any()
    assert whole["ssd_person"].height == sum(part["ssd_person"].height for part in parts)


def test_choices_are_made_row_by_row() -> None:
    texts = pl.Series(["a", "b", "c"])
    first, second = np.array([True, False, False]), texts == "b"
    assert choose((first, "x"), (second, "y"), otherwise=texts).to_list() == ["x", "y", "c"]
    assert choose((first, texts), otherwise="z").to_list() == ["a", "z", "z"]
    assert choose((first[:1], "x"), otherwise=texts[:1]).to_list() == ["x"]
    assert choose((first[:0], "x"), otherwise="y").to_list() == []


def test_pseudonyms_are_different_and_begin_alike_whatever_their_number() -> None:
    keys = pseudonyms(1, "person", 1_000)
    assert keys.n_unique() == 1_000
    assert keys.str.contains(r"^[0-9a-f]{32}$").all()
    assert pseudonyms(1, "person", 10).equals(keys[:10])
    assert pseudonyms(1, "person", 0).to_list() == []
    assert not keys.is_in(pseudonyms(1, "family", 1_000).implode()).any()
