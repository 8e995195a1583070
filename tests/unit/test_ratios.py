"""Ratios of a group beside everybody else, against a reference that goes through families one by one."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest, norm

from models.ratios import Kind, compare, find_gap_interval, find_interval, find_spread, find_worth

LEVEL = 0.95


def draw(seed: int, rows: int = 400, families: int = 90) -> pl.DataFrame:
    """Rows of families that are alike, in three groups; some families are in several of them."""
    rng = np.random.default_rng(seed)
    family = rng.integers(0, families, rows)
    whole = rng.random(rows) < 0.8
    return pl.DataFrame(
        {
            "group_id": [f"family {at}" for at in family],
            "colour": rng.choice(["red", "green", "blue"], rows, p=[0.6, 0.3, 0.1]),
            "part": (whole & (rng.random(rows) < rng.random(families)[family])).astype(float),
            "whole": whole.astype(float),
            "expected": whole * rng.random(rows),
        }
    )


def by_hand(rows: pl.DataFrame, value: str) -> dict[str, float]:
    """The same, for one value, by plain sums over families."""
    inside: dict[str, list[float]] = {}
    outside: dict[str, list[float]] = {}
    for row in rows.filter(pl.col("whole") > 0).iter_rows(named=True):
        sums = (inside if row["colour"] == value else outside).setdefault(row["group_id"], [0.0, 0.0])
        sums[0], sums[1] = sums[0] + row["part"], sums[1] + row["whole"]

    def ratio(side: dict[str, list[float]]) -> float:
        return sum(part for part, _ in side.values()) / sum(whole for _, whole in side.values())

    def moves(side: dict[str, list[float]]) -> dict[str, float]:
        total = sum(whole for _, whole in side.values())
        return {family: (part - ratio(side) * whole) / total for family, (part, whole) in side.items()}

    here, there = moves(inside), moves(outside)
    return {
        "estimate": ratio(inside),
        "others": ratio(outside),
        "families": len(inside),
        "families_of_others": len(outside),
        "variance": sum(move**2 for move in here.values()) * len(inside) / (len(inside) - 1),
        "variance_of_others": sum(move**2 for move in there.values()) * len(outside) / (len(outside) - 1),
        "covariance": sum(here[family] * there[family] for family in here.keys() & there.keys()),
    }


def cells(kind: Kind, **columns: float | None) -> pl.DataFrame:
    told = {
        "families": 50, "estimate": 0.3, "variance": 0.004, "families_of_others": 200, "others": 0.25,
        "variance_of_others": 0.001, "covariance": 0.0, "overall": 0.26, "expected": 0.2,
    } | columns  # fmt: skip
    return pl.DataFrame({name: [value] for name, value in told.items()}).with_columns(kind=pl.lit(kind.value))


@pytest.mark.parametrize("value", ["red", "green", "blue"])
@pytest.mark.parametrize("seed", range(5))
def test_ratios_and_their_variances_are_those_of_sums_over_families(seed: int, value: str) -> None:
    rows = draw(seed)
    found = compare(rows, "colour").filter(value=value).row(0, named=True)
    expected = by_hand(rows, value)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    of_value = rows.filter(pl.col("colour") == value)
    assert found["rows"] == of_value["whole"].sum()
    assert found["events"] == of_value["part"].sum()
    assert found["families_with_event"] == of_value.filter(pl.col("part") > 0)["group_id"].n_unique()
    assert found["expected"] == pytest.approx(of_value["expected"].sum() / of_value["whole"].sum())
    assert found["overall"] == pytest.approx(rows["part"].sum() / rows["whole"].sum())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda rows: pl.concat([rows, rows]), id="every row twice"),
        pytest.param(lambda rows: rows.sample(fraction=1, shuffle=True, seed=1), id="another order"),
        pytest.param(lambda rows: rows.vstack(rows.with_columns(colour=pl.lit(None, pl.String))), id="rows of no group"),
    ],
)
def test_what_is_known_of_families_does_not_change_with(change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    before, after = (compare(rows, "colour").drop("rows", "events") for rows in (draw(1), change(draw(1))))
    for name in before.columns:
        if before[name].dtype == pl.Float64:
            assert after[name].to_list() == pytest.approx(before[name].to_list(), rel=1e-9)
        else:
            assert after[name].equals(before[name]), name


def test_one_family_alone_has_no_variance() -> None:
    rows = pl.DataFrame({"group_id": ["a", "a", "b"], "colour": ["red", "red", "green"], "part": [1.0, 0, 1], "whole": [1.0] * 3})
    rows = rows.with_columns(expected="part")
    found = compare(rows, "colour")
    assert found["variance"].to_list() == [None, None]


def test_a_group_of_everybody_has_nobody_beside_it() -> None:
    rows = draw(1).with_columns(colour=pl.lit("red"))
    found = compare(rows, "colour").row(0, named=True)
    assert found["families_of_others"] == 0
    assert [found[name] for name in ("others", "variance_of_others")] == [None, None]
    assert all(np.isnan(end[0]) for end in find_gap_interval(compare(rows, "colour").with_columns(kind=pl.lit("share")), LEVEL))


@pytest.mark.parametrize(("events", "families"), [(0, 40), (1, 40), (13, 40), (40, 40), (0, 1)])
def test_where_each_family_is_one_case_the_interval_is_that_of_clopper_and_pearson(events: int, families: int) -> None:
    share = events / families
    of = cells(Kind.SHARE, families=families, estimate=share, variance=share * (1 - share) / families)
    low, high = find_interval(of, LEVEL)
    expected = binomtest(events, families).proportion_ci(LEVEL)
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_rows_that_tell_the_same_are_worth_one_and_never_more_than_one_for_a_family() -> None:
    worth = find_worth(np.array([0.5, 0.5, 0.0]), np.array([0.025, 0.0001, 0.0]), np.array([50.0, 50.0, 50.0]))
    assert worth.tolist() == pytest.approx([10, 50, 50])


def test_the_interval_of_a_gap_is_that_of_newcombe_where_nothing_is_shared() -> None:
    of = cells(Kind.SHARE)
    (low,), (high,) = find_interval(of, LEVEL)
    (other_low,), (other_high,) = find_interval(of, LEVEL, ("families_of_others", "others", "variance_of_others"))
    (found_low,), (found_high,) = find_gap_interval(of, LEVEL)
    assert found_low == pytest.approx(0.05 - np.hypot(0.3 - low, other_high - 0.25))
    assert found_high == pytest.approx(0.05 + np.hypot(high - 0.3, 0.25 - other_low))


def test_what_both_sides_share_makes_the_interval_of_a_gap_shorter() -> None:
    apart, together = (find_gap_interval(cells(Kind.SHARE, covariance=value), LEVEL) for value in (0.0, 0.001))
    assert together[1][0] - together[0][0] < apart[1][0] - apart[0][0]


def test_the_interval_of_a_mean_is_students() -> None:
    (low,), (high,) = find_interval(cells(Kind.MEAN, estimate=0.02, variance=0.0001), LEVEL)
    assert (low + high) / 2 == pytest.approx(0.02)
    assert (high - low) / 2 == pytest.approx(2.0096 * 0.01, rel=1e-4)  # 49 degrees of freedom


def test_beside_what_was_expected_chance_lies_in_what_became_of_the_cases_alone() -> None:
    of = cells(Kind.EXPECTED, estimate=0.0, variance=0.0, families=20, expected=0.16)
    (low,), (high,) = find_gap_interval(of, LEVEL)
    assert (low, high) == pytest.approx((-0.16, binomtest(0, 20).proportion_ci(LEVEL).high - 0.16))
    assert find_spread(of)[0] == pytest.approx(np.sqrt(0.16 * 0.84 / 20))


def test_the_spread_of_a_share_is_that_of_two_samples_with_the_rate_of_all() -> None:
    of = cells(Kind.SHARE, variance=0.3 * 0.7 / 50, variance_of_others=0.25 * 0.75 / 200)
    assert find_spread(of)[0] == pytest.approx(np.sqrt(0.26 * 0.74 * (1 / 50 + 1 / 200)))


def test_nineteen_of_twenty_intervals_hold_the_true_gap() -> None:
    """Two groups with chances of 0.35 and 0.2, families of up to six rows that are alike, 300 authorities."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        family = np.repeat(np.arange(150), rng.integers(1, 7, 150))
        red = rng.random(150) < 0.3
        came_back = rng.random(150) < np.where(red, 0.35, 0.2)
        rows = pl.DataFrame(
            {
                "group_id": [str(at) for at in family],
                "colour": np.where(red[family], "red", "green"),
                "part": came_back[family].astype(float),
                "whole": np.ones(family.size),
                "expected": np.zeros(family.size),
            }
        )
        of = compare(rows, "colour").filter(value="red").with_columns(kind=pl.lit(Kind.SHARE.value))
        (low,), (high,) = find_gap_interval(of, LEVEL)
        held += low <= 0.15 <= high
    spread = norm.ppf(0.999) * np.sqrt(0.95 * 0.05 * 300)
    assert held >= 0.95 * 300 - spread
    assert held < 300
