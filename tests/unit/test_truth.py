"""The tables of the truth: their shape, the errors that they state, and the areas under curves that they sum up."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from validation.synthetic.authority import tables_of
from validation.synthetic.lived import Lived, live
from validation.synthetic.profiles import PROFILES
from validation.synthetic.scene import BATCH, Chances, Scene
from validation.synthetic.truth import chances_table, expected_auc, summary
from validation.synthetic.world import YEAR, day_number

END = date(2026, 3, 31)
WATCHED = [END, END - timedelta(393)]
COPIES = 20


@pytest.fixture(scope="module")
def lived() -> Lived:
    return live(PROFILES["england"], 3_000, date(2023, 4, 1), END, seed=6, watch=WATCHED)


@pytest.fixture(scope="module")
def table(lived: Lived) -> pl.DataFrame:
    return chances_table(lived, WATCHED, COPIES)


def test_table_has_a_row_for_each_open_case_of_the_records(lived: Lived, table: pl.DataFrame) -> None:
    records = tables_of(lived)
    for on in WATCHED:
        episodes = records["ssd_cin_episodes"].filter(
            (pl.col("cine_referral_date") <= on) & (pl.col("cine_close_date").is_null() | (pl.col("cine_close_date") > on))
        )
        births = records["ssd_person"].select("pers_person_id", "pers_dob")
        keys = episodes.join(births, left_on="cine_person_id", right_on="pers_person_id").with_columns(
            age=(on - pl.col("pers_dob")).dt.total_days() / YEAR
        )
        told = table.filter(pl.col("as_of") == on)
        sure = keys.filter(pl.col("age") < 17.9)  # births are told by their month
        assert set(sure.select("cine_person_id", "cine_referral_id").rows()) <= set(
            told.select("person_id", "referral_id").rows()
        )
        assert set(told["referral_id"]) <= set(keys["cine_referral_id"])
        assert told.height > 30
    assert table.select("as_of", "referral_id").equals(table.select("as_of", "referral_id").sort("as_of", "referral_id"))
    assert table.select("as_of", "referral_id").is_duplicated().sum() == 0


def test_columns_are_chances_with_their_errors(table: pl.DataFrame) -> None:
    names = ["chance", "chance_on_record", "closing", "returning"]
    assert table.select(pl.col(names).drop_nulls().is_between(0, 1).all()).row(0) == (True,) * 4
    for name in ("chance", "chance_on_record"):
        share = (table[name] * COPIES + 0.5) / (COPIES + 1)
        error = (share * (1 - share) / COPIES).sqrt()
        assert np.allclose(table[f"{name}_error"], error)
        assert table[f"{name}_error"].min() > 0  # type: ignore[operator]
    assert table.filter(pl.col("returning").is_null() != (pl.col("closing") == 0)).is_empty()
    assert table["effective"].is_between(1, 200).all()
    assert table.filter(pl.col("turns_18")).height > 5
    assert table.filter("turns_18")["chance"].mean() < table.filter(~pl.col("turns_18"))["chance"].mean()  # type: ignore[operator]


def test_outcome_is_told_only_where_it_is_known(lived: Lived, table: pl.DataFrame) -> None:
    early, late = table.filter(pl.col("as_of") < END), table.filter(pl.col("as_of") == END)
    assert late["outcome"].null_count() == late.height > 30
    assert early["outcome"].null_count() == 0
    starts = tables_of(lived)["ssd_cin_episodes"].select(person_id="cine_person_id", start="cine_referral_date")
    came = (
        early.join(starts, on="person_id")
        .group_by("person_id")
        .agg(again=((pl.col("start") > pl.col("as_of")) & (pl.col("start") <= pl.col("as_of") + timedelta(365))).any())
    )
    assert early.join(came, on="person_id").filter(pl.col("again") != pl.col("outcome")).is_empty()
    assert early["outcome"].any()


def test_same_arguments_same_table(lived: Lived, table: pl.DataFrame) -> None:
    assert chances_table(lived, WATCHED[::-1], COPIES).equals(table)


def test_date_that_was_not_watched_is_refused(lived: Lived) -> None:
    with pytest.raises(KeyError):
        chances_table(lived, [END - timedelta(14)], COPIES)


def test_area_under_the_curve_is_the_chance_to_rank_a_pair_rightly() -> None:
    rng = np.random.default_rng(1)
    score, chance = rng.integers(0, 6, 40).astype(float), rng.random(40)
    pairs = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    weight = chance[:, None] * (1 - chance)
    assert expected_auc(score, chance) == pytest.approx((pairs * weight).sum() / weight.sum())
    outcome = np.array([0.0, 0, 1, 1])
    assert expected_auc(np.array([1.0, 2, 3, 4]), outcome) == 1
    assert expected_auc(np.array([4.0, 3, 2, 1]), outcome) == 0
    assert expected_auc(np.zeros(4), outcome) == 0.5
    assert expected_auc(np.array([1.0, 2]), np.zeros(2)) is None
    assert expected_auc(np.array([1.0, 2]), np.ones(2)) is None


def test_summary_is_about_those_who_stay_under_18(table: pl.DataFrame) -> None:
    rows = summary(table).to_dicts()
    asked = table.filter(~pl.col("turns_18"))
    known = asked.filter(pl.col("as_of") < END)
    assert [row["given"] for row in rows] == ["everything", "what is on record"]
    for row, name in zip(rows, ("chance", "chance_on_record"), strict=True):
        assert row["cases"] == asked.height
        assert row["base_rate"] == known["outcome"].mean()
        assert row["mean_chance"] == asked[name].mean()
        assert row["expected_auc"] == expected_auc(asked[name].to_numpy(), asked["chance"].to_numpy())
        assert row["realised_auc"] == expected_auc(known[name].to_numpy(), known["outcome"].cast(pl.Float64).to_numpy())


def test_copies_are_lived_in_parts_when_there_is_not_room_for_all(lived: Lived) -> None:
    scene = Scene.on(lived.process, lived.families, lived.states[day_number(END)], day_number(END))
    asked = []

    def part(size: int) -> Chances:
        asked.append(size)
        ones = np.ones(scene.cases.size, dtype=np.int64)
        return Chances(ones * size, ones, ones * 0, size)

    room = BATCH // scene.children.size
    found = scene.together(2 * room + 3, part)
    assert asked == [room, room, 3]
    assert found.copies == 2 * room + 3
    assert (found.chance == 1).all()
    assert (found.closed == 3).all()


def test_scene_holds_the_open_cases_of_children_and_all_who_live_with_them(lived: Lived) -> None:
    day = day_number(END)
    state, people = lived.states[day], lived.families
    scene = Scene.on(lived.process, people, state, day)
    case = scene.children[scene.cases]
    expected = np.flatnonzero(state.open_on(day) & (people.birth + int(18 * YEAR) > day))
    assert np.array_equal(np.sort(case), expected)
    assert np.array_equal(np.sort(scene.children), np.flatnonzero(np.isin(state.home, state.home[expected])))
    some = scene.chosen[::3]
    fewer = Scene.on(lived.process, people, state, day, some)
    assert np.array_equal(fewer.chosen, some)
    assert set(fewer.children) < set(scene.children)


def test_scene_without_a_case_has_no_chances(lived: Lived) -> None:
    day = day_number(END)
    none = Scene.on(lived.process, lived.families, lived.states[day], day, np.empty(0, dtype=np.int64))
    found = none.chances(5, np.random.default_rng(1))
    assert found.chance.size == found.closed.size == found.returned.size == 0


def test_scene_of_other_offers_or_without_tilt_leaves_the_scene_as_it_is(lived: Lived) -> None:
    day = day_number(END)
    scene = Scene.on(replace(lived.process, offer_works=0.2), lived.families, lived.states[day], day)
    before = scene.state.offered.copy()
    offered, spared = (kind.chances(30, np.random.default_rng(4)) for kind in (scene.offered_today(), scene.without_offers()))
    assert np.array_equal(scene.state.offered, before)
    assert offered.again.sum() < 0.6 * spared.again.sum()
    assert np.array_equal(offered.closed, spared.closed)  # an offer keeps no case open
    assert np.array_equal(
        scene.without_tilt().chances(3, np.random.default_rng(4)).again, scene.chances(3, np.random.default_rng(4)).again
    )
