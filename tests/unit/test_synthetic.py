"""The synthetic authority: its frames fit the contract, its rules hold, and an extract shows what it should."""

from datetime import date

import polars as pl
import pytest

from flows.synthesis import CENSUS_TABLES, synthesise
from validation.codes import codes
from validation.contract import Kind
from validation.errors import SettingsError
from validation.extract import Extract, ExtractRule, Origin
from validation.synthetic.authority import simulate
from validation.synthetic.profiles import ENGLAND
from validation.synthetic.recording import extract, known_on, years_before
from validation.tables.catalogue import TABLES

START, END = date(2018, 4, 1), date(2026, 3, 31)
DAY, WINDOW = date(2024, 11, 24), date(2018, 11, 25)
SPELLS = {
    "ssd_cin_episodes": ("cine_referral_date", "cine_close_date"),
    "ssd_early_help_episodes": ("earl_episode_start_date", "earl_episode_end_date"),
}
History = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def history() -> History:
    return simulate(ENGLAND, 4_000, START, END, seed=1)


def take(history: History, rule: ExtractRule, day: date = DAY) -> Extract:
    return extract(history, profile="england", seed=1, extract_date=day, rule=rule, window_start=WINDOW)


@pytest.fixture(scope="module", params=list(ExtractRule))
def taken(request: pytest.FixtureRequest, history: History) -> Extract:
    return take(history, request.param)


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


def test_frames_keep_the_contract(history: History, taken: Extract) -> None:
    for tables in (history, taken.tables):
        for name, table in TABLES.items():
            frame = tables[name]
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


def test_rows_point_at_rows_that_are_there(taken: Extract) -> None:
    for name, table in TABLES.items():
        for reference in table.references:
            named = taken.tables[name].filter(pl.col(reference.column).is_not_null())
            parents = taken.tables[reference.table]
            orphans = named.join(parents, left_on=reference.column, right_on=TABLES[reference.table].key, how="anti")
            assert orphans.is_empty(), (name, reference.column)


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


def test_later_facts_are_not_shown(history: History, taken: Extract) -> None:
    for name, table in TABLES.items():
        frame = taken.tables[name]
        if table.happened is not None and "." not in table.happened:
            assert (frame[table.happened] <= DAY).all(), name
        for column in table.kept:
            if column.revealed_by is not None and column.kind in (Kind.DATE, Kind.MONTH):
                assert (frame[column.name].drop_nulls() <= DAY).all(), column.name
    episodes = taken.tables["ssd_cin_episodes"]
    still_open = episodes.filter(pl.col("cine_close_date").is_null())
    assert still_open.height > 50
    assert still_open["cine_close_reason"].null_count() == still_open.height
    truth = history["ssd_cin_episodes"].join(still_open, on="cine_referral_id", how="semi")
    assert truth["cine_close_date"].drop_nulls().len() > 20  # they did close, later


def test_no_further_action_is_known_on_the_next_working_day(history: History) -> None:
    truth = history["ssd_cin_episodes"].filter(pl.col("cine_referral_nfa") & (pl.col("cine_referral_date").dt.weekday() == 5))
    key, friday = truth.select("cine_referral_id", "cine_referral_date").row(-1)
    for days, shown in ((0, False), (2, False), (3, True)):
        day = pl.select(pl.lit(friday).dt.offset_by(f"{days}d")).item()
        episodes = known_on(history, day)["ssd_cin_episodes"]
        assert episodes.filter(cine_referral_id=key)["cine_referral_nfa"].item() is shown


def test_factors_are_shown_when_their_assessment_is_finished(taken: Extract) -> None:
    rows = taken.tables["ssd_assessment_factors"].join(
        taken.tables["ssd_cin_assessments"], left_on="cinf_assessment_id", right_on="cina_assessment_id"
    )
    assert rows.height == taken.tables["ssd_assessment_factors"].height > 0
    assert rows["cina_assessment_auth_date"].null_count() == 0
    assert taken.tables["ssd_cin_assessments"]["cina_assessment_auth_date"].null_count() > 0


@pytest.mark.parametrize("table", SPELLS)
def test_started_or_open_takes_what_began_in_the_window_and_what_is_open(history: History, table: str) -> None:
    start, end = (pl.col(column) for column in SPELLS[table])
    key = TABLES[table].key
    wanted = history[table].filter((start <= DAY) & ((start >= WINDOW) | end.is_null() | (end > DAY)))
    got = take(history, ExtractRule.STARTED_OR_OPEN).tables[table]
    assert set(got[key]) == set(wanted[key])


@pytest.mark.parametrize("table", SPELLS)
def test_overlapping_takes_what_was_open_on_a_day_of_the_window(history: History, table: str) -> None:
    start, end = (pl.col(column) for column in SPELLS[table])
    key = TABLES[table].key
    wanted = history[table].filter((start <= DAY) & (end.is_null() | (end >= WINDOW)))
    got = take(history, ExtractRule.OVERLAPPING).tables[table]
    assert set(got[key]) == set(wanted[key])
    assert got.height > take(history, ExtractRule.STARTED_OR_OPEN).tables[table].height


def test_contacts_are_those_of_the_window(taken: Extract) -> None:
    days = taken.tables["ssd_contacts"]["cont_contact_date"]
    assert days.len() > 0
    assert days.is_between(WINDOW, DAY).all()


def test_persons_are_those_with_a_row_elsewhere(taken: Extract) -> None:
    elsewhere = {
        person
        for name, table in TABLES.items()
        if table.person is not None and name not in ("ssd_person", "ssd_family", "ssd_disability")
        for person in taken.tables[name][table.person]
    }
    persons = set(taken.tables["ssd_person"]["pers_person_id"])
    assert elsewhere <= persons
    assert persons - elsewhere <= set(taken.tables["ext_person_links"]["link_new_person_id"])
    assert set(taken.tables["ssd_family"]["fami_person_id"]) <= persons


def test_the_unborn_have_an_expected_birth_and_no_sex(history: History) -> None:
    days = pl.date_range(date(2022, 1, 15), date(2025, 1, 15), "6mo", eager=True)
    person = pl.concat([take(history, ExtractRule.STARTED_OR_OPEN, day).tables["ssd_person"] for day in days])
    assert (person["pers_dob"].is_null() == person["pers_expected_dob"].is_not_null()).all()
    unborn = person.filter(pl.col("pers_dob").is_null())
    assert unborn.height > 0
    assert set(unborn["pers_sex"]) == set(unborn["pers_gender"]) == {"U"}
    assert set(person.filter(pl.col("pers_dob").is_not_null())["pers_sex"]) == {"F", "M"}


def test_a_new_key_is_shown_from_its_day_on(history: History) -> None:
    old, new, day = (
        history["ext_person_links"]
        .filter(pl.col("link_date") > date(2019, 1, 1))
        .select("link_old_person_id", "link_new_person_id", "link_date")
        .row(0)
    )
    before = known_on(history, pl.select(pl.lit(day).dt.offset_by("-1d")).item())["ssd_person"]["pers_person_id"]
    after = known_on(history, day)["ssd_person"]["pers_person_id"]
    assert (old in before, new in before) == (True, False)
    assert (old in after, new in after) == (False, True)


def test_manifest_says_that_it_is_invented(taken: Extract) -> None:
    manifest = taken.manifest
    assert manifest.origin is Origin.INVENTED
    assert manifest.authority == "Invented authority (england)"
    assert manifest.key_fingerprint == "invented-1"
    assert (manifest.window_start, manifest.extract_date) == (WINDOW, DAY)


def test_window_of_whole_years() -> None:
    assert years_before(date(2026, 11, 24), 6) == date(2020, 11, 25)
    assert years_before(date(2024, 2, 29), 1) == date(2023, 3, 1)


@pytest.mark.parametrize("tables", ["all", "census"])
def test_synthesise_writes_a_folder_that_can_be_read(tmp_path, tables) -> None:
    out = tmp_path / "extract"
    synthesise(out, profile="england", residents=1_000, end=DAY, years=6, rule=ExtractRule.OVERLAPPING, seed=3, tables=tables)
    written = {path.stem: pl.read_parquet(path) for path in out.glob("*.parquet")}
    assert set(written) == set(TABLES if tables == "all" else CENSUS_TABLES)
    assert written["ssd_cin_episodes"].height > 200
    if tables == "census":
        assert set(written["ssd_person"]["pers_person_id"]) == set(written["ssd_cin_episodes"]["cine_person_id"])


@pytest.mark.parametrize("form", ["ssd", "census"])
def test_synthesise_writes_the_same_bytes_again(tmp_path, form) -> None:
    first, second = (
        {
            path.name: path.read_bytes()
            for written in synthesise(
                tmp_path / name, profile="england", residents=500, end=DAY, years=2, rule=ExtractRule.OVERLAPPING,
                seed=5, form=form,
            )
            for path in (written.iterdir() if written.is_dir() else [written])
        }
        for name in ("first", "second")
    )  # fmt: skip
    assert first == second
    assert len(first) > 1


def test_synthesise_names_what_is_wrong(tmp_path) -> None:
    good = {"residents": 500, "end": DAY, "years": 1, "rule": ExtractRule.OVERLAPPING, "seed": 1}
    with pytest.raises(SettingsError, match="'atlantis' is unknown"):
        synthesise(tmp_path, profile="atlantis", **good)
    with pytest.raises(SettingsError, match="'residents' is 3"):
        synthesise(tmp_path, profile="england", **good | {"residents": 3})
    with pytest.raises(SettingsError, match="'years' is 0"):
        synthesise(tmp_path, profile="england", **good | {"years": 0})
    with pytest.raises(SettingsError, match="before the census of 2017"):
        synthesise(tmp_path, profile="england", form="census", **good | {"years": 15})
    (tmp_path / "held").write_text("something")
    with pytest.raises(SettingsError, match="not empty"):
        synthesise(tmp_path, profile="england", **good)
