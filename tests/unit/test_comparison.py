"""Candidates are compared on the same rows, over all years and in each, and rules choose what they say."""

import numpy as np
import polars as pl
import pytest

from models.comparison import Precisions, choose_by_rules, find_precisions
from models.metrics import rank_quality

RNG = np.random.default_rng(3)


def year(first: str, rows: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scored rows of a good and of a blind candidate."""
    outcome = RNG.random(rows) < 0.3
    keys = pl.DataFrame(
        {"group_id": [f"f{at % (rows // 3)}" for at in range(rows)], "outcome": outcome, "as_of": [first] * rows}
    ).with_columns(pl.col("as_of").str.to_date())
    good, blind = pl.Series(outcome + RNG.normal(size=rows)), pl.Series(RNG.normal(size=rows))
    return keys.with_columns(score=good), keys.with_columns(score=blind)


YEARS = [year("2024-01-01", 300), year("2023-01-01", 600)]
SCORED = {"glass_box": [good for good, _ in YEARS], "base_rate": [blind for _, blind in YEARS]}


def test_years_are_pooled_by_their_rows_and_differences_are_paired() -> None:
    precisions = find_precisions(SCORED, seed=1)
    alone = [
        [float(rank_quality(rows["outcome"].to_numpy(), rows["score"].to_numpy())[1][0]) for rows in frames]
        for frames in SCORED.values()
    ]
    assert precisions.values.tolist() == alone
    assert precisions.pooled("glass_box") == pytest.approx(alone[0][0] / 3 + alone[0][1] * 2 / 3)
    pooled, late, early = precisions.difference("glass_box", "base_rate")
    assert [row["split"] for row in (pooled, late, early)] == ["all", "2024-01-01", "2023-01-01"]
    assert pooled["difference"] == pytest.approx(late["difference"] / 3 + early["difference"] * 2 / 3)
    assert 0 < pooled["low"] < pooled["difference"] < pooled["high"]
    assert pooled["high"] - pooled["low"] < late["high"] - late["low"]
    same = precisions.difference("glass_box", "glass_box")[0]
    assert (same["difference"], same["low"], same["high"]) == (0, 0, 0)


def rules(values: list[list[float]], drawn_spread: float = 0.0) -> dict[str, str]:
    """What the rules choose among scorecard, spline and glass box with these precisions by year."""
    names = ("points_scorecard", "spline_logistic", "glass_box")
    array = np.array(values)
    noise = np.random.default_rng(1).normal(size=(200, *array.shape)) * drawn_spread
    weights = np.full(array.shape[1], 1 / array.shape[1])
    precisions = Precisions(names, tuple(f"{2024 - at}-01-01" for at in range(array.shape[1])), weights, array, array + noise)
    return {found["rule"]: found["chosen"] for found in choose_by_rules(precisions)}


def test_each_rule_chooses_what_it_says() -> None:
    # averages .30, .37, .35; worst years .30, .20, .25; regrets .20, .10, .05
    found = rules([[0.30, 0.30, 0.30], [0.50, 0.20, 0.41], [0.45, 0.25, 0.35]])
    assert found["best average"] == "spline_logistic"
    assert found["best worst year"] == "points_scorecard"
    assert found["least regret"] == "glass_box"
    assert found["simplest within one standard error"] == "spline_logistic"


def test_the_simplest_is_chosen_when_the_difference_is_within_the_noise() -> None:
    close = [[0.300, 0.300], [0.302, 0.302], [0.304, 0.304]]
    assert rules(close, 0.02)["simplest within one standard error"] == "points_scorecard"
    assert rules(close, 0.0001)["simplest within one standard error"] == "glass_box"
