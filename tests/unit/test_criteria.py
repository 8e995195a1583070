"""Criteria are read whole, judged by their numbers, and a miss says which one and by how much."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from models.criteria import Criteria, find_easier, judge, read_criteria, require_met, shipped_criteria
from validation.errors import CriterionError, SettingsError

GOOD: dict[str, Any] = {
    "best_humble": "points_scorecard",
    "comparisons": [
        {"candidate": "points_scorecard", "split": "all", "difference": 0.03, "low": 0.01, "high": 0.05},
        {"candidate": "points_scorecard", "split": "2024-01-01", "difference": 0.04, "low": 0.0, "high": 0.08},
        {"candidate": "points_scorecard", "split": "2023-01-01", "difference": -0.01, "low": -0.05, "high": 0.03},
        {"candidate": "base_rate", "split": "all", "difference": -0.5, "low": -0.6, "high": -0.4},
    ],
    "results": [
        {"candidate": "glass_box", "rows": 300, "calibration_error": 0.03, "auc": 0.72},
        {"candidate": "glass_box", "rows": 100, "calibration_error": 0.07, "auc": 0.76},
        {"candidate": "base_rate", "rows": 300, "calibration_error": 0.9, "auc": 0.99},
    ],
    "groups": [
        {"group": "sex", "value": "female", "difference": 0.05, "low": 0.02, "high": 0.08, "evident": 0.01, "enough": True},
        {"group": "sex", "value": "male", "difference": -0.02, "low": -0.06, "high": 0.02, "evident": 0.0, "enough": True},
        {"group": "sex", "value": "unborn", "difference": 0.4, "low": 0.3, "high": 0.5, "evident": 0.25, "enough": False},
    ],
    "decay": {"earlier_auc": 0.74, "later_auc": 0.7, "change": -0.04},
    "stability": {"kept": 0.6},
}


@pytest.fixture
def criteria() -> Criteria:
    return read_criteria(shipped_criteria())


def missed(evaluated: dict[str, Any], criteria: Criteria) -> list[str]:
    return [finding.criterion for finding in judge(evaluated, "glass_box", criteria) if not finding.met]


def test_a_good_model_meets_them_all_and_only_its_own_rows_count(criteria: Criteria) -> None:
    assert missed(GOOD, criteria) == []
    require_met(judge(GOOD, "glass_box", criteria), "report.html")


def change(path: list[Any], value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(evaluated: dict[str, Any]) -> None:
        for step in path[:-1]:
            evaluated = evaluated[step]
        evaluated[path[-1]] = value

    return apply


@pytest.mark.parametrize(
    ("worse", "criterion"),
    [
        (change(["comparisons", 0, "low"], 0.0), "gain over the best humble ranker"),
        (change(["comparisons", 2, "difference"], -0.021), "gain in the worst test year"),
        (change(["results", 0, "calibration_error"], 0.05), "calibration error"),
        (change(["groups", 0, "evident"], 0.031), "calibration of the worst group"),
        (change(["groups", 1, "evident"], 0.031), "calibration of the worst group"),
        (change(["groups"], []), "calibration of the worst group"),
        (change(["decay", "change"], -0.051), "decay"),
        (change(["stability", "kept"], 0.49), "stability"),
        (change(["stability", "kept"], None), "stability"),
        (change(["results", 0, "auc"], 0.9), "plausible"),
    ],
)
def test_each_criterion_can_be_missed_alone(worse: Callable[[dict[str, Any]], None], criterion: str, criteria: Criteria) -> None:
    evaluated = copy.deepcopy(GOOD)
    worse(evaluated)
    assert missed(evaluated, criteria) == [criterion]


def test_the_worst_group_is_not_named_for_the_report_goes_where_its_share_may_be_hidden(criteria: Criteria) -> None:
    evaluated = copy.deepcopy(GOOD)
    change(["groups", 0, "evident"], 0.031)(evaluated)
    (finding,) = [one for one in judge(evaluated, "glass_box", criteria) if one.criterion == "calibration of the worst group"]
    assert "at least 0.031 apart" in finding.words
    assert "female" not in finding.words
    assert "0.050" not in finding.words


def test_a_miss_stops_with_its_numbers(criteria: Criteria) -> None:
    evaluated = copy.deepcopy(GOOD)
    evaluated["results"][0]["auc"] = 0.95
    with pytest.raises(
        CriterionError, match=r"misses 1 of the criteria.*AUC is 0\.90.; above 0\.85.*Read 'training/x/report\.html'"
    ):
        require_met(judge(evaluated, "glass_box", criteria), "training/x/report.html")


def test_limits_that_are_easier_than_the_shipped_ones_are_named(criteria: Criteria) -> None:
    assert find_easier(criteria) == []
    text = shipped_criteria().replace("most_error = 0.05", "most_error = 0.06").replace("least_kept = 0.5", "least_kept = 0.6")
    assert find_easier(read_criteria(text)) == ["the calibration error must be at most 0.06, and not 0.05"]


def test_any_change_of_the_file_changes_its_hash(criteria: Criteria) -> None:
    assert read_criteria(shipped_criteria() + "\n").sha256 != criteria.sha256
    assert read_criteria(shipped_criteria()).sha256 == criteria.sha256


def test_all_faults_of_the_file_are_told_together() -> None:
    text = shipped_criteria().replace("most_error = 0.05", "most_error = 5").replace("[decay]", "[decline]")
    with pytest.raises(SettingsError) as told:
        read_criteria(text)
    words = str(told.value)
    for fault in (
        "'decline' is unknown",
        "'decay.most_fall_in_auc' is None",
        "'calibration.most_error' is 5: allowed is a number",
    ):
        assert fault in words
    with pytest.raises(SettingsError, match="cannot be read"):
        read_criteria("[gain")
    with pytest.raises(SettingsError, match=r"'gain\.typo' is unknown"):
        read_criteria(shipped_criteria().replace("[gain]", "[gain]\ntypo = 1"))
