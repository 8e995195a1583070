"""Our evaluation on somebody else's frame: what it accepts, refuses and finds."""

import io
import re
from contextlib import redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.definition import Direction
from models.benchmark import AT_RANDOM, FORWARD, MOST_LEVELS, Column, _encode, evaluate_frame
from models.candidate import Effort
from models.evaluation import evaluate
from models.splits import Fold, forward_splits
from validation.errors import ContractError, CriterionError

SMALL = Effort(bags=1, rounds=80, pairs=0)
LEARNERS = ("spline_logistic", "glass_box", "unrestricted_boosting")
TONES = ["none", "calm", "tense", "loud"]
FIRST = date(2020, 1, 1)


def draw(rows: int = 1_200, seed: int = 1, effect: float = 3.0) -> pl.DataFrame:
    """Cases of which a third are "tense" or "loud", which adds ``effect``; some values of every type are empty."""
    rng = np.random.default_rng(seed)
    tone = rng.integers(0, 6, rows).clip(max=3)
    here = rng.random(rows) < 0.4
    chance = 1 / (1 + np.exp(1.5 - effect * (tone == 2) + 0.0 * here))
    return pl.DataFrame(
        {
            "tone": pl.Series([TONES[code] for code in tone], dtype=pl.Enum(TONES)),
            "place": pl.Series([f"p{code}" for code in rng.integers(0, 5, rows)], dtype=pl.Categorical),
            "count": rng.poisson(2.0, rows),
            "share": rng.random(rows),
            "here": here,
            "came_back": rng.random(rows) < chance,
        }
    ).with_columns(
        pl.when(pl.int_range(pl.len()) % 9 != place).then(pl.col(name)).alias(name)
        for place, name in enumerate(["tone", "place", "count", "share", "here"])
    )


def run(frame: pl.DataFrame, **others: Any) -> list[dict[str, Any]]:
    return evaluate_frame(frame, **{"outcome": "came_back", "effort": SMALL} | others)


def row(found: list[dict[str, Any]], candidate: str) -> dict[str, Any]:
    return next(result for result in found if result["candidate"] == candidate)


@pytest.fixture(scope="module")
def found() -> list[dict[str, Any]]:
    return run(draw(), rank_by="count")


def test_every_candidate_is_measured_and_the_result_says_that_the_split_is_at_random(found: list[dict[str, Any]]) -> None:
    assert [result["candidate"] for result in found] == ["base_rate", "points_scorecard", *LEARNERS, "rank_by_count"]
    for result in found:
        assert result["split"] == AT_RANDOM
        assert result["rows"] == 300
        assert result["calibration_curve"]
        assert "train_from" not in result
        assert "by_month" not in result
        assert not [key for key in result if "capacity" in key or key == "offers"]


@pytest.mark.parametrize("name", [*LEARNERS, "points_scorecard"])
def test_the_effect_of_a_category_is_learnt(found: list[dict[str, Any]], name: str) -> None:
    result = row(found, name)
    assert result["auc_low"] > 0.6
    assert result["brier_skill"] > 0.05
    assert result["auc"] > row(found, "rank_by_count")["auc_high"]


def test_candidates_are_compared_on_the_same_rows(found: list[dict[str, Any]]) -> None:
    box, rate = row(found, "glass_box"), row(found, "base_rate")
    compared = [other for other in box["comparisons"] if other["candidate"] == "base_rate"]
    assert [other["split"] for other in compared] == ["all", "this"]
    for other in compared:
        assert other["difference"] == pytest.approx(box["average_precision"] - rate["average_precision"])
        assert 0 < other["low"] < other["difference"] < other["high"]
    assert len(box["comparisons"]) == 2 * (len(found) - 1)


def test_the_order_of_rows_and_columns_changes_nothing(found: list[dict[str, Any]]) -> None:
    mixed = draw().sample(fraction=1.0, shuffle=True, seed=5)
    assert run(mixed.select(reversed(mixed.columns)), rank_by="count") == found


def test_booleans_are_zero_and_one_and_nan_is_empty(found: list[dict[str, Any]]) -> None:
    numbers = draw().with_columns(
        pl.col("here").cast(pl.Int8),
        pl.col("came_back").cast(pl.Float64),
        pl.col("share").fill_null(float("nan")),
        pl.col("place").cast(pl.Enum([f"p{code}" for code in range(5)])),
    )
    assert run(numbers, rank_by="count") == found


def test_noise_is_found_to_be_noise() -> None:
    frame = draw(rows=1_600, effect=0.0, seed=11)
    for result in run(frame, candidates=(*LEARNERS, "points_scorecard")):
        assert result["auc_low"] < 0.5 < result["auc_high"]
        assert result["brier_skill"] < 0.02


def test_rows_of_one_group_are_never_on_both_sides() -> None:
    """``mark`` names the group, whose rows share an outcome drawn by lot: only a straddling group can be recognised."""
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(300), 5)
    fate = rng.random(300) < 0.5
    frame = pl.DataFrame({"mark": rng.permutation(300)[group].astype(float), "group": group, "came_back": fate[group]})
    effort = Effort(bags=1, rounds=400, pairs=0)
    together = run(frame, groups="group", candidates=["unrestricted_boosting"], effort=effort)[0]
    alone = run(frame.drop("group"), candidates=["unrestricted_boosting"], effort=effort)[0]
    assert together["auc_low"] < 0.5 < together["auc_high"]
    assert alone["auc_low"] > 0.6
    assert together["families"] == 75
    assert alone["families"] == alone["rows"] == 375


def date_rows(frame: pl.DataFrame, days: int = 1_050, seed: int = 4) -> pl.DataFrame:
    """The frame with a day of each row."""
    after = pl.Series(np.random.default_rng(seed).integers(0, days, frame.height))
    return frame.with_columns(day=pl.lit(FIRST) + pl.duration(days=after))


def test_with_dates_splits_go_forward_over_the_gap() -> None:
    frame = date_rows(draw(rows=1_600))
    results = run(frame, dates="day", candidates=["base_rate", "spline_logistic"], gap_days=90, capacity=2)
    latest, earlier = (result for result in results if result["candidate"] == "spline_logistic")
    assert latest["split"] == FORWARD
    assert latest["auc_low"] > 0.6
    for result in (latest, earlier):
        first = date.fromisoformat(result["test_from"]) - timedelta(days=27)  # a period is known at its end
        assert 90 <= (first - date.fromisoformat(result["train_to"])).days < 90 + 28
        assert result["capacity"] == 2
        assert result["precision_at_capacity_low"] < result["precision_at_capacity"] < result["precision_at_capacity_high"]
    assert earlier["test_to"] < latest["test_from"]
    over = [[other["difference"] for other in result["comparisons"]] for result in (latest, earlier)]
    pooled = sum(this * result["rows"] for (_, this), result in zip(over, (latest, earlier), strict=True))
    assert over[0][0] == over[1][0] == pytest.approx(pooled / (latest["rows"] + earlier["rows"]))
    assert sum(month["rows"] for month in latest["by_month"]) == latest["rows"]
    moments = frame.with_columns(pl.col("day").cast(pl.Datetime("us")))
    assert run(moments, dates="day", candidates=["base_rate", "spline_logistic"], gap_days=90, capacity=2) == results


def test_a_frame_on_our_grid_gives_what_our_own_evaluation_gives() -> None:
    frame = draw(rows=1_500).select("count", "share", "came_back").with_row_index("row")
    frame = frame.with_columns(
        day=pl.lit(FIRST) + pl.duration(days=pl.col("row") % 40 * 28), family=(pl.col("row") // 80).cast(pl.String)
    )
    code = pl.col("row").cast(pl.String).str.zfill(5)
    ours = frame.select(
        "count",
        "share",
        as_of="day",
        person_id=code,
        referral_id=code,
        family_id="family",
        group_id="family",
        outcome="came_back",
    )
    splits = forward_splits(ours["as_of"].unique(), 200, recording_days=0)
    inputs: Any = [Column("count"), Column("share")]
    expected = evaluate(ours, inputs, splits, ["points_scorecard"], capacity=3, seed=1, effort=SMALL).results
    results = run(
        frame.drop("row"), dates="day", groups="family", gap_days=200, capacity=3, candidates=["points_scorecard"], seed=1
    )
    results = results[: len(expected)]  # ours asks for six dates to train on, a stranger's frame for two
    for result, wanted in zip(results, expected, strict=True):
        for key in ("train_to", "test_from", "rows", "families", "yes"):
            assert result[key] == wanted[key]
        for key in ("auc", "auc_low", "average_precision", "brier", "precision_at_10_percent"):
            assert result[key] == pytest.approx(wanted[key], abs=1e-6)


def test_a_ranker_follows_the_direction_that_is_given() -> None:
    frame = draw(rows=600).with_columns(quiet=1 - pl.col("came_back").cast(pl.Int8))
    ways = [run(frame, candidates=[], rank_by="quiet", directions={"quiet": way})[0] for way in ("lower", Direction.HIGHER)]
    assert [way["auc"] for way in ways] == [1.0, 0.0]


def test_at_most_the_most_frequent_levels_of_training_become_columns() -> None:
    names = [f"l{code:02}" for code in range(50)]
    level = pl.Series("level", [name for code, name in enumerate(names) for _ in range(60 - code)])
    fold = Fold(
        train=pl.DataFrame({"level": level}).sample(fraction=1.0, shuffle=True, seed=1),
        test=pl.DataFrame({"level": ["l00", "l40", "never seen", None]}),
    )
    encoded, inputs = _encode(fold, ["level"], {})
    assert [known.name for known in inputs] == [f"level = {name}" for name in names[:MOST_LEVELS]]
    shown = encoded.test.select(known.name for known in inputs)
    assert shown["level = l00"].to_list() == [1.0, 0.0, 0.0, None]
    assert shown.sum_horizontal(ignore_nulls=False).to_list() == [1.0, 0.0, 0.0, None]


REFUSED = {
    "text": ({"note": pl.lit("x")}, {}, "'note' is String; allowed to learn from are numeric, Boolean, Enum and Categorical"),
    "a date": ({"born": pl.lit(FIRST)}, {}, "'born' is Date; allowed"),
    "a list": ({"many": pl.concat_list("count")}, {}, r"'many' is List\(Int64\); allowed"),
    "infinite": ({"share": pl.lit(1e300)}, {}, "'share' holds infinite numbers, or some beyond"),
    "one of our names": ({"group_id": pl.lit(1)}, {}, "'group_id' has a name that the evaluation itself uses"),
    "a level's name": ({"tone = calm": pl.lit(1)}, {}, "'tone = calm' has a name that the evaluation itself uses"),
    "outcome of three": ({"came_back": pl.col("count").fill_null(2)}, {}, "'came_back' .* something other than 0 and 1"),
    "outcome of text": ({"came_back": pl.lit("yes")}, {}, "'came_back' .* something other than 0 and 1"),
    "empty outcome": ({"came_back": pl.lit(None, pl.Boolean)}, {}, r"'came_back' \(outcome\) is empty in 200 rows"),
    "empty group": ({"who": pl.lit(None, pl.Int8)}, {"groups": "who"}, r"'who' \(groups\) is empty in 200 rows"),
    "nested group": ({"who": pl.concat_list("share")}, {"groups": "who"}, r"'who' \(groups\) is List"),
    "empty date": ({"day": pl.lit(None, pl.Date)}, {"dates": "day"}, r"'day' \(dates\) is empty in 200 rows"),
    "date of text": ({"day": pl.lit("2020-01-01")}, {"dates": "day"}, r"'day' \(dates\) is String; allowed are Date"),
    "missing": ({}, {"groups": "who"}, "'who', named as ``groups``, is not in the frame"),
    "twice": ({}, {"groups": "came_back"}, "One column is named for two"),
    "no such candidate": ({}, {"candidates": ["forest"]}, "no candidate 'forest': choose from base_rate, points_scorecard"),
    "our feature": ({}, {"candidates": ["earlier_referrals"]}, "'earlier_referrals' ranks by a feature of ours"),
    "rank by category": ({}, {"rank_by": "tone"}, "``rank_by`` names 'tone', which is not a numeric or boolean column"),
    "direction of none": ({}, {"directions": {"age": "higher"}}, "'age', which is not a column to learn from"),
    "direction of category": ({}, {"directions": {"tone": "higher"}}, "'tone' holds categories, which have no direction"),
    "no direction": ({}, {"directions": {"count": "up"}}, "'count' is none of those that are allowed: give 'higher', 'lower'"),
    "nobody": ({}, {"candidates": []}, "no candidate to evaluate"),
    "capacity alone": ({}, {"capacity": 3}, "``capacity`` is 1 or more groups a week"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_evaluated_is_refused_by_name(case: str) -> None:
    changes, others, words = REFUSED[case]
    with pytest.raises(ContractError, match=words):
        run(draw(rows=200).with_columns(**changes), **others)


def test_a_frame_without_a_column_to_learn_from_is_refused() -> None:
    with pytest.raises(ContractError, match="no column to learn from"):
        run(draw(rows=200).select("came_back"))
    with pytest.raises(ContractError, match="No column to learn from holds any value"):
        run(draw(rows=200).select("came_back", tone=pl.lit(None, pl.Enum(TONES)), share=pl.lit(float("nan"))))


@pytest.mark.parametrize("name", ["tone", "here"])
def test_one_column_is_enough_and_one_that_is_always_the_same_says_nothing(name: str) -> None:
    frame = draw(rows=600).select(name, "came_back")
    assert len(run(frame)) == 5
    same = frame.with_columns(pl.lit("calm", pl.Enum(TONES)).alias(name))
    assert [result["auc"] for result in run(same)] == [0.5] * 5


def test_too_few_outcomes_or_dates_are_refused() -> None:
    with pytest.raises(CriterionError, match=r"the rarer one occurs \d+ times on one side of the split; needed are at least 25"):
        run(draw(rows=120))
    with pytest.raises(CriterionError, match="too few complete outcomes for one split forward in time"):
        run(date_rows(draw(rows=400), days=300), dates="day")


def test_the_example_of_the_guide_runs_and_prints_what_the_guide_shows() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "data-scientists.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", guide, re.DOTALL)
    assert example
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(example[1], "docs/data-scientists.md", "exec"), {})  # noqa: S102
    number = re.compile(r"\d\.\d\d")
    assert number.sub("#", printed.getvalue()) == number.sub("#", example[2])
    shown, here = (np.array(number.findall(text), dtype=float) for text in (example[2], printed.getvalue()))
    assert shown == pytest.approx(here, abs=0.03)
