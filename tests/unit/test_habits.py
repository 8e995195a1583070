"""What each habit of a case system does to the records, and to nothing else; and that the quirks are mended."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from features.cohort import build_cohort
from features.episodes import episodes_at, migration_days
from features.facts import gather_facts
from tests.unit.recorded import (
    ALL_HABITS,
    DAY,
    END,
    EPISODES,
    MIGRATION,
    SPELLS,
    History,
    alone,
    archive_of,
    differing,
    everyone,
    faultless,
    faulty,
    keys,
    take,
    told,
    true_history,
    whole,
)
from validation.cut import next_working_day
from validation.extract import ExtractRule
from validation.synthetic.entries import LONGEST_LAG, ROW_FROM, day_column
from validation.synthetic.habits import CLEAN, ORDINARY, Habits
from validation.synthetic.recording import Records, known_on, record, shown
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


@pytest.mark.parametrize("habit", ["late_closings", "corrections", "undated_closings", "rekeyed_families"])
def test_a_habit_alone_changes_the_rows_that_are_told_and_nothing_else(history: History, clean: Records, habit: str) -> None:
    records = alone(history, **{habit: 0.3})
    for day in (date(2021, 8, 2), DAY):
        found = differing(whole(records, day), whole(clean, day))
        wanted = keys(told(records, habit, day))
        if habit == "rekeyed_families":
            assert found.pop("ext_offers", set()) <= set(history["ext_offers"]["offe_offer_id"])
        assert found == wanted
        assert sum(len(rows) for rows in wanted.values()) > 10


def test_closings_entered_late_are_not_shown_until_then(history: History) -> None:
    records = alone(history, late_closings=0.3)
    slips = told(records, "late_closings")
    closed = history[EPISODES]["cine_close_date"].drop_nulls().len()
    assert slips.height == pytest.approx(0.3 * closed, rel=0.1)
    assert (slips["until_day"] - slips["from_day"]).dt.total_days().is_between(21, 150).all()
    late = set(told(records, "late_closings", DAY)["key"])
    rows = shown(records, DAY)[EPISODES].filter(pl.col("cine_referral_id").is_in(list(late)))
    assert rows.select("cine_close_date", "cine_close_reason").null_count().row(0) == (len(late), len(late))


def test_a_correction_replaces_a_wrong_value_by_the_right_one(history: History, clean: Records) -> None:
    records = alone(history, corrections=0.3)
    slips = told(records, "corrections")
    assert (slips["until_day"] - slips["from_day"]).dt.total_days().is_between(3, 60).all()
    counted = dict(slips.group_by("column").len().iter_rows())
    for column, right in (("cine_referral_source_code", EPISODES), ("pers_ethnicity", "ssd_person")):
        assert counted[column] == pytest.approx(0.3 * history[right][column].count(), rel=0.15)
    assert set(counted) == {
        "cine_referral_source_code", "cine_cin_primary_need_code", "cont_contact_source_code", "pers_ethnicity",
        "cppl_cp_plan_initial_category", "icpc_icpc_date",
    }  # fmt: skip
    wrong, right = whole(records, DAY), whole(clean, DAY)
    for column, name in slips.select("column", "table").unique().iter_rows():
        key = TABLES[name].key
        both = wrong[name].join(right[name], on=key, suffix=":right")
        now = set(told(records, "corrections", DAY).filter(pl.col("column") == column)["key"])
        assert set(both.filter(pl.col(column) != pl.col(f"{column}:right"))[key]) == now


def test_a_conference_entered_too_early_is_not_put_before_its_enquiry(history: History) -> None:
    soon = history["ssd_initial_cp_conference"].join(
        history["ssd_s47_enquiry"], left_on="icpc_s47_enquiry_id", right_on="s47e_s47_enquiry_id", maintain_order="left"
    )
    soon = soon.with_columns(icpc_icpc_date=pl.col("s47e_s47_start_date") + pl.duration(days=2))
    conferences = soon.select(history["ssd_initial_cp_conference"].columns)
    records = alone(history | {"ssd_initial_cp_conference": conferences}, corrections=1.0)
    begun = soon.select("icpc_icpc_id", "s47e_s47_start_date")
    days = [told(records, "corrections").filter(column="icpc_icpc_date")["from_day"][place] for place in range(0, 60, 3)]
    early = pl.concat(shown(records, day)["ssd_initial_cp_conference"] for day in days).join(begun, on="icpc_icpc_id")
    wait = (early["icpc_icpc_date"] - early["s47e_s47_start_date"]).dt.total_days()
    assert set(wait) == {0, 1, 2}


def test_back_dated_rows_come_late_and_so_does_what_hangs_on_them(history: History) -> None:
    records = alone(history, back_dated=0.1)
    slips = told(records, "back_dated")
    assert (slips["until_day"] - slips["from_day"]).dt.total_days().min() >= 30
    rows = sum(history[name].height for name, table in TABLES.items() if table.person is not None and table.happened is not None)
    assert slips.height == pytest.approx(0.1 * rows, rel=0.05)
    now, truth = shown(records, DAY), known_on(history, DAY)
    absent = {name: set(truth[name][table.key]) - set(now[name][table.key]) for name, table in TABLES.items()}
    assert {name for name, gone in absent.items() if gone} >= set(SPELLS) | {"ssd_cin_assessments", "ssd_assessment_factors"}
    assert not any(set(now[name][table.key]) - set(truth[name][table.key]) for name, table in TABLES.items())
    late = keys(told(records, "back_dated", DAY))
    assert absent[EPISODES] == late[EPISODES]
    for name, gone in absent.items():
        waiting = gone - late.get(name, set())
        ours = truth[name].filter(pl.col(TABLES[name].key).is_in(list(waiting)))
        on = [pl.col(r.column).is_in(list(absent[r.table])) for r in TABLES[name].references]
        unfinished = ours.height if name == "ssd_assessment_factors" else ours.filter(pl.any_horizontal(*on)).height if on else 0
        assert unfinished == len(waiting), name


def test_a_duplicate_is_another_referral_of_the_same_child_until_it_is_deleted(history: History) -> None:
    records = alone(history, duplicates=0.2)
    slips = told(records, "duplicates")
    assert slips.height == pytest.approx(0.2 * history[EPISODES].filter(~pl.col("cine_referral_nfa")).height, rel=0.15)
    day = slips.filter(pl.col("from_day") < DAY).sort("from_day")["from_day"][-1]
    now, truth = shown(records, day), known_on(history, day)
    assert differing(now, truth) == keys(told(records, "duplicates", day))
    copies = now[EPISODES].join(slips, left_on="cine_referral_id", right_on="key")
    pairs = copies.join(history[EPISODES], left_on="other", right_on="cine_referral_id", suffix=":first")
    assert pairs.height == copies.height > 0
    assert (pairs["cine_person_id"] == pairs["cine_person_id:first"]).all()
    assert (pairs["cine_referral_date"] - pairs["cine_referral_date:first"]).dt.total_days().is_between(0, 2).all()
    assert pairs["cine_close_date"].null_count() == pairs.height


def test_repeated_rows_stand_twice_in_every_extract(history: History, clean: Records) -> None:
    records = alone(history, repeated_rows=0.1)
    for rule in ExtractRule:
        once, twice = take(clean, rule).tables, take(records, rule).tables
        for name, frame in once.items():
            assert twice[name].unique().sort(TABLES[name].key).equals(frame.sort(TABLES[name].key))
        more = sum(frame.height for frame in twice.values()) / sum(frame.height for frame in once.values())
        assert more == pytest.approx(1.1, abs=0.01)


def test_referrals_without_a_closing_are_mended(history: History) -> None:
    records = alone(history, undated_closings=0.5)
    slips = told(records, "undated_closings")
    assert slips.height == pytest.approx(0.5 * history[EPISODES]["cine_referral_nfa"].sum(), rel=0.15)
    archive, truth = (archive_of(take(one, ExtractRule.OVERLAPPING)) for one in (records, record(history, CLEAN, 1)))
    seen = episodes_at(archive, everyone(archive, DAY))
    mended = seen.filter(pl.col("cine_close_date").is_null(), pl.col("closed_on").is_not_null())
    assert set(mended["cine_referral_id"]) == set(told(records, "undated_closings", DAY)["key"]) & set(seen["cine_referral_id"])
    assert (mended["closed_on"] == mended.select(next_working_day(pl.col("cine_referral_date"))).to_series()).all()
    assert gather_facts(archive).mends(DAY).closed_without_date == mended.height > 20
    columns = ["person_id", "referral_id"]
    assert build_cohort(archive, [DAY]).select(columns).equals(build_cohort(truth, [DAY]).select(columns))


def test_a_merged_child_has_a_second_key_until_the_day_of_the_merge(history: History) -> None:
    records = alone(history, merged_children=0.5)
    slips = told(records, "merged_children").sort("until_day").filter(pl.col("until_day") <= DAY)
    assert slips.height > 100
    children = history[EPISODES].select("cine_referral_id", referrals=pl.len().over("cine_person_id"))
    twice = slips.join(children.filter(referrals=2), left_on="key", right_on="cine_referral_id", maintain_order="left")
    referral, second, merged = twice.select("key", "other", "until_day").row(-1)
    before, after = shown(records, merged - timedelta(days=1)), shown(records, merged)
    first = after[EPISODES].filter(cine_referral_id=referral)["cine_person_id"].item()
    assert before[EPISODES].filter(cine_person_id=second)["cine_referral_id"].to_list() == [referral]
    assert before[EPISODES].filter(cine_person_id=first).height == 1
    assert after[EPISODES].filter(cine_person_id=first).height == 2
    assert second in before["ssd_person"]["pers_person_id"]
    assert second not in after["ssd_person"]["pers_person_id"]
    link = after["ext_person_links"].filter(link_old_person_id=second)
    assert link.select("link_new_person_id", "link_date").rows() == [(first, merged)]
    assert before["ext_person_links"].filter(link_old_person_id=second).is_empty()

    day = date(2021, 8, 2)
    now, truth = shown(records, day), known_on(history, day)
    divided = told(records, "merged_children", day)
    hangs = {
        name: set(truth[name].filter(pl.col(reference.column).is_in(divided["key"].implode()))[table.key])
        for name, table in TABLES.items()
        for reference in table.references
        if reference.table == EPISODES
    }
    wanted = {EPISODES: set(divided["key"]), **hangs}
    found = differing(now, truth)
    assert found.pop("ext_person_links") == set(now["ext_person_links"]["link_id"]) - set(truth["ext_person_links"]["link_id"])
    assert found.pop("ssd_person") >= set(divided["other"])
    assert found == {name: rows for name, rows in wanted.items() if rows}


# late entries


def delays(records: Records, table: str, happened: str, entered: str) -> pl.Series:
    rows = records.tables[table].filter(pl.col(happened).is_not_null(), pl.col(entered).is_not_null())
    return (rows[entered] - rows[happened]).dt.total_days()


def test_lags_are_skewed_to_the_right(history: History) -> None:
    records = alone(history, median_lag=1, long_lag=14)
    for name, happened, entered in (
        ("ssd_contacts", "cont_contact_date", ROW_FROM),
        (EPISODES, "cine_referral_date", ROW_FROM),
        (EPISODES, "cine_close_date", "cine_close_date+0:from"),
        ("ssd_cin_assessments", "cina_assessment_auth_date", "cina_assessment_auth_date+0:from"),
    ):
        days = delays(records, name, happened, entered)
        assert days.min() == 0
        assert days.median() == 1, (name, entered)
        assert (days > 14).mean() == pytest.approx(0.05, abs=0.02), (name, entered)
        assert 40 < days.max() <= LONGEST_LAG
        assert days.mean() > 2 * days.median()


def test_what_one_date_reveals_is_entered_together_and_not_before_its_row(dirty: Records) -> None:
    for name, table in TABLES.items():
        frame = dirty.tables[name]
        for entered in {day for column in table.kept if (day := day_column(column)) is not None}:
            assert frame.filter(pl.col(entered) < pl.col(ROW_FROM)).is_empty(), (name, entered)
    days = {day_column(TABLES[EPISODES].column(name)) for name in ("cine_close_date", "cine_close_reason")}
    assert len(days) == 1
    spread = dirty.tables["ssd_cin_assessments"]
    assert spread[ROW_FROM].n_unique() < spread.height
    assert not (spread[ROW_FROM] - spread["cina_assessment_start_date"]).equals(
        spread["cina_assessment_auth_date+0:from"] - spread["cina_assessment_auth_date"]
    )


@pytest.mark.parametrize("habit", ["back_dated", "corrections", "duplicates", "merged_children", "repeated_rows"])
def test_one_habit_does_not_disturb_another(history: History, dirty: Records, habit: str) -> None:
    without = record(history, replace(ORDINARY, migration=None, **{habit: 0.0}), seed=1)
    everything = record(history, ORDINARY, seed=1)
    assert told(without, habit).is_empty()
    assert told(everything, habit).height > 5
    for other in ("undated_closings", "duplicates", "corrections", "repeated_rows", "late_closings", "back_dated"):
        if other != habit:
            assert set(told(without, other)["key"]) == set(told(everything, other)["key"]), other


def test_same_seed_same_records_and_another_seed_other_slips(history: History, dirty: Records) -> None:
    again = record(history, ALL_HABITS, seed=1)
    assert again.slips.equals(dirty.slips)
    assert all(again.tables[name].equals(dirty.tables[name]) for name in TABLES)
    other = record(history, ALL_HABITS, seed=2)
    assert set(told(other, "corrections")["key"]) != set(told(dirty, "corrections")["key"])


# a migration


def test_nothing_of_a_migration_is_seen_before_its_day(history: History, clean: Records) -> None:
    records = alone(history, migration=MIGRATION)
    before, on, after = (MIGRATION + timedelta(days=days) for days in (-1, 0, 1))
    assert differing(shown(records, before), shown(clean, before)) == {}
    moved = told(records, "migration")
    assert moved.height > 100
    rows = shown(records, on)[EPISODES].join(moved, left_on="cine_referral_id", right_on="key")
    assert (rows["cine_close_date"] == MIGRATION).all()
    assert set(moved["until_day"]) == {on, after}
    new = shown(records, after)[EPISODES].join(moved, left_on="cine_referral_id", right_on="other")
    assert new.height == moved.height
    assert (new["cine_referral_date"] == new["until_day"]).all()
    later = shown(records, END)
    for name, table in TABLES.items():
        for reference in table.references:
            if reference.table == EPISODES:
                rows = later[name].join(moved, left_on=reference.column, right_on="key")
                assert rows.filter(pl.col(table.happened) > MIGRATION).is_empty(), name
    assert later["ssd_cin_assessments"].join(moved, left_on="cina_referral_id", right_on="other").height > 5


def test_a_migration_is_mended(history: History, clean: Records) -> None:
    """With and without it the same children have an open case since the same day, and as many episodes.

    But not on the day itself, when some are opened only on the next; and a child who truly came back on that day or the
    next is taken to have never left.
    """
    one = take(alone(history, migration=MIGRATION), ExtractRule.OVERLAPPING)
    migrated, plain = archive_of(one), archive_of(take(clean, ExtractRule.OVERLAPPING))
    dates = [MIGRATION + timedelta(days=number) for number in (-7, 1, 10, 25)]
    days = [MIGRATION, MIGRATION + timedelta(days=1)]  # the second is noticed where enough cases had been opened by then
    assert migration_days(migrated, [DAY])["day"].to_list() in (days, days[:1])
    assert migration_days(plain, [DAY]).is_empty()
    back = clean.tables[EPISODES].filter(pl.col("cine_referral_date").is_in(days))["cine_person_id"]
    with_it, without = (
        build_cohort(archive, dates)
        .filter(~pl.col("person_id").is_in(back.implode()))
        .select("as_of", "person_id", "began_on")
        .sort("as_of", "person_id")
        for archive in (migrated, plain)
    )
    assert with_it.height > 400
    assert with_it.equals(without)
    counts = [
        episodes_at(archive, everyone(archive, DAY).filter(~pl.col("subject").is_in(back.implode())))
        .group_by("subject")
        .agg(pl.col("chain").n_unique())
        .sort("subject")
        for archive in (migrated, plain)
    ]
    assert counts[0].equals(counts[1])


def test_habits_without_a_value_are_those_of_a_faultless_system() -> None:
    assert Habits() == CLEAN
    assert CLEAN != ORDINARY
