"""Chances held against what came of them: known truth in, right verdict out; nothing is counted twice, and nothing lost."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.criteria import read_criteria, shipped_criteria
from models.monitoring import (
    ALL,
    COUNTED,
    FRAME,
    MONTH,
    NOT_ON_RECORD,
    NOT_SCORED,
    PLACED,
    SIBLING,
    TOGETHER,
    WITHOUT,
    Judged,
    Verdict,
    choose_nights,
    judge,
    mark_offered,
    measure,
    measure_order,
    measure_stability,
    pick_rows,
)

FIRST = date(2025, 1, 1)
LIMITS = read_criteria(shipped_criteria()).limits
GROUPS = ("people",)


def invent(
    seed: int = 1, *, families: int = 400, months: int = 12, times: float = 1.0, helped: float = 1.0, south: float = 1.0
) -> pl.DataFrame:
    """Counted rows: each family is open for three months and has one fate; returns are ``times`` the chance.

    The tenth with the highest chances has a place and an offer, which multiplies its returns by ``helped``; those of the people
    of the south are multiplied by ``south``.
    """
    rng = np.random.default_rng(seed)
    chance = rng.beta(2, 8, families)
    people = rng.random(families) < 0.3
    placed = chance >= np.quantile(chance, 0.9)
    truth = chance * times * np.where(placed, helped, 1) * np.where(people, south, 1)
    begin = rng.integers(0, max(months - 2, 1), families)
    frame = pl.DataFrame(
        {
            "version": "1", "group_id": [f"g{at}" for at in range(families)], "chance": chance, "begin": begin,
            "outcome": rng.random(families) < truth, "offered": placed,
            "standing": np.where(placed, "place", "waiting"), "people": np.where(people, "south", "north"),
        }
    )  # fmt: skip
    spread = frame.join(pl.DataFrame({"more": [0, 1, 2]}), how="cross").with_columns(number=pl.col("begin") + pl.col("more"))
    return spread.with_columns(month=pl.lit(FIRST).dt.offset_by(pl.format("{}mo", "number"))).drop("begin", "more", "number")


def judged(rows: pl.DataFrame) -> Judged:
    return judge(measure(rows, GROUPS), "1", LIMITS)


def cell(frame: pl.DataFrame, look: str, who: str, value: str | None = None) -> dict[str, Any]:
    (row,) = frame.filter(look=look, who=who, value=value or look).iter_rows(named=True)
    return row


def test_an_interval_holds_the_truth_in_nineteen_worlds_of_twenty() -> None:
    held = 0
    for seed in range(100):
        row = cell(measure(invent(seed, families=600), ()), TOGETHER, ALL)
        held += row["ratio_low"] <= 1 <= row["ratio_high"]
    assert held >= 90


def test_true_chances_hardly_ever_fail_at_a_small_council() -> None:
    assert sum(judged(invent(seed, families=200)).verdict is Verdict.FAILING for seed in range(50)) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_true_chances_of_many_families_are_within_the_limits(seed: int) -> None:
    found = judged(invent(seed, families=6_000))
    assert (found.verdict, found.missed) == (Verdict.WITHIN, ())


@pytest.mark.parametrize(("times", "words"), [(2.0, "Too many: "), (0.4, "Too few: ")])
def test_chances_that_are_far_off_fail_and_the_sentence_says_which_way(times: float, words: str) -> None:
    found = judged(invent(families=1_500, times=times))
    assert found.verdict is Verdict.FAILING
    assert found.missed[0].startswith(words)


def test_a_few_families_are_no_evidence() -> None:
    found = judged(invent(families=20, times=1.5))
    assert (found.verdict, found.missed) == (Verdict.NOT_ENOUGH, ())


def test_offers_that_help_do_not_make_a_model_fail() -> None:
    rows = invent(families=6_000, helped=0.0)
    heavy = rows.filter(pl.col("offered") | (pl.col("group_id").hash(1) % 8 == 0))  # most of these had an offer
    frame = measure(heavy, ())
    assert cell(frame, TOGETHER, ALL)["ratio_high"] < LIMITS["monitoring", "least_observed_to_expected"]
    found = judge(frame, "1", LIMITS)
    assert found.missed == ()
    assert "It does not count against the model" in found.findings[0].words


def test_a_group_whose_chances_are_too_low_is_found_though_all_together_are_not() -> None:
    found = judged(invent(families=6_000, south=1.8, times=0.85))
    assert found.verdict is Verdict.FAILING
    assert len(found.missed) == 1
    assert found.missed[0].startswith("In the group 'people: south' more came back than was expected, by more than the 5 in 100")


def test_a_version_without_a_complete_outcome_is_not_judged() -> None:
    frame = measure(invent().clear(), GROUPS)
    assert dict(frame.schema) == FRAME
    assert judge(frame, "1", LIMITS) == Judged(Verdict.NOT_ENOUGH, ())


def test_another_version_is_judged_by_its_own_lists() -> None:
    rows = pl.concat([invent(families=1_500), invent(2, families=1_500, times=2).with_columns(version=pl.lit("2"))])
    frame = measure(rows, GROUPS)
    assert [judge(frame, version, LIMITS).verdict is Verdict.FAILING for version in "12"] == [False, True]


def test_months_add_up_and_only_the_latest_twelve_are_judged() -> None:
    rows = invent(families=900, months=18)
    frame = measure(rows, GROUPS)
    months = frame.filter(look=MONTH, who=ALL)
    assert (months.height, months["rows"].sum(), months["returns"].sum()) == (18, rows.height, rows["outcome"].sum())
    together, latest = cell(frame, TOGETHER, ALL), months.sort("value").tail(12)
    assert (together["rows"], together["returns"]) == (latest["rows"].sum(), latest["returns"].sum())
    assert cell(frame, "people", ALL, "south")["rows"] + cell(frame, "people", ALL, "north")["rows"] == together["rows"]
    for who in (WITHOUT, PLACED):
        assert cell(frame, TOGETHER, who)["rows"] < together["rows"]
    assert months.select((pl.col("low") <= pl.col("observed")) & (pl.col("observed") <= pl.col("high"))).to_series().all()
    assert months["ratio"].to_list() == pytest.approx((months["observed"] / months["expected"]).to_list())


def test_the_order_of_cases_is_shown_with_its_interval() -> None:
    told = measure_order(invent(families=2_000), 1)
    assert told.filter(look=MONTH).height == 12
    (row,) = told.filter(look=TOGETHER).iter_rows(named=True)
    assert row["low"] < row["auc"] < row["high"]
    assert 0.6 < row["auc"] < 0.75


def test_one_night_of_each_month_and_version_is_drawn_by_the_seed() -> None:
    days = [FIRST + timedelta(days) for days in range(59)]
    nights = pl.DataFrame({"night": days + days[40:], "version": ["1"] * 59 + ["2"] * 19})
    drawn = choose_nights(nights, 1)
    assert sorted(drawn.select("month", "version").rows()) == [
        (FIRST, "1"), (date(2025, 2, 1), "1"), (date(2025, 2, 1), "2"),
    ]  # fmt: skip
    assert drawn.equals(choose_nights(nights.sample(fraction=1.0, shuffle=True, seed=3), 1))
    assert any(not drawn.equals(choose_nights(nights, seed)) for seed in range(2, 6))


NIGHT = date(2025, 3, 9)


def test_every_case_that_was_shown_is_counted_or_has_its_reason() -> None:
    cases = [
        ("ann", 0.3, False),
        ("ben", 0.2, False),
        ("cat", None, True),
        ("dan", 0.1, False),
        ("eve", 0.2, False),
        ("fay", 0.4, False),
    ]
    shown = pl.DataFrame(
        [("1", date(2025, 3, 1), NIGHT, name, f"r-{name}", "f", chance, out, "waiting") for name, chance, out in cases],
        schema=["version", "month", "as_of", "person_id", "referral_id", "family_id", "chance", "abstained", "standing"],
        orient="row",
    )  # fmt: skip
    known = [
        ("ann", "oak", None, True),
        ("ben", "oak", None, False),
        ("cat", "elm", None, False),
        ("dan", "ash", "turns 18 in the window", None),
        ("fay", "yew", None, True),
    ]
    labelled = pl.DataFrame(
        [(NIGHT, name, f"r-{name}", group, outside, outcome) for name, group, outside, outcome in known],
        schema=["as_of", "person_id", "referral_id", "group_id", "outside", "outcome"],
        orient="row",
    )  # fmt: skip
    rows, accounts = pick_rows(shown, labelled, 1)
    assert dict(accounts.select("reason", "cases").rows()) == {
        COUNTED: 2, SIBLING: 1, NOT_SCORED: 1, NOT_ON_RECORD: 1, "turns 18 in the window": 1,
    }  # fmt: skip
    assert accounts["cases"].sum() == shown.height
    assert sorted(rows["group_id"]) == ["oak", "yew"]
    assert {pick_rows(shown, labelled, seed)[0]["person_id"][0] for seed in range(20)} == {"ann", "ben"}


@pytest.mark.parametrize(
    ("days", "offered"), [(-366, False), (-365, True), (0, True), (28, True), (29, False), (200, False)]
)  # fmt: skip
def test_an_offer_counts_from_a_year_before_the_night_to_four_weeks_after(days: int, offered: bool) -> None:
    cases = pl.DataFrame({"as_of": [NIGHT, NIGHT], "group_id": ["oak", "elm"]})
    offers = pl.DataFrame({"group_id": ["oak"], "offered_on": [NIGHT + timedelta(days)]})
    assert mark_offered(cases, offers)["offered"].to_list() == [offered, False]


def test_a_list_is_compared_with_that_of_the_week_before() -> None:
    weeks = [date(2025, 3, 3), date(2025, 3, 10), date(2025, 3, 24), date(2025, 3, 31)]
    standings = [
        {"oak": "place", "elm": "place", "ash": "place", "yew": "waiting"},
        {"oak": "place", "elm": "waiting", "yew": "place"},  # the case of ash was closed
        {"oak": "place"},
        {"oak": "place"},
    ]
    rows = [(week, family, standing) for week, told in zip(weeks, standings, strict=True) for family, standing in told.items()]
    found = measure_stability(pl.DataFrame(rows, schema=["week", "family_id", "standing"], orient="row"))
    assert found.rows() == [(weeks[1], 3, 2, 1, 2, 1), (weeks[3], 1, 1, 1, 1, 0)]
