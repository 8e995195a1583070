"""What changed between two trainings: drawn pairs in, changes out."""

from typing import Any

import polars as pl
import pytest

from features.catalogue import BY_NAME
from flows.publish.what_changed import Change, Told, find_changes, tell_changes
from models.fairness import ANY_SIZE, POOLED, Verdict
from tests.unit.record_example import earlier, facts
from tests.unit.test_fairness_page import frame

FEATURE, OTHER = "days_open", "siblings_known"
GAP, NONE, UNSURE, NOBODY = Verdict.GAP, Verdict.NO_LARGER_GAP, Verdict.NOT_ENOUGH, Verdict.ABSENT


def told(name: str = "version 1", **parts: Any) -> Told:
    """A training that told little."""
    lineage, fairness, answers = (parts.pop(part, None) for part in ("lineage", "fairness", "answers"))
    return Told(name, parts, lineage or {}, fairness, answers or {})


def result(auc: float, low: float, **more: Any) -> dict[str, Any]:
    spans = {f"{name}{end}": 0.4 for name in ("average_precision", "precision_at_capacity") for end in ("", "_low", "_high")}
    tested = {"candidate": "glass_box", "test_from": "2025-01-06", "test_to": "2025-12-08", "families": 900}
    return tested | spans | {"auc": auc, "auc_low": low, "auc_high": 0.8} | more


def cell(value: str, verdict: Verdict, **more: Any) -> dict[str, Any]:
    return {"metric": "offered", "size": "the list", "value": value, "verdict": verdict} | more


def pair(before: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What changed, without its part."""
    return [(change.what, change.before, change.now) for change in find_changes(told(**before), told(**now))]


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        ({}, {}, []),
        (
            {"outcome": {"words": "a return", "version": 1}},
            {"outcome": {"words": "a return", "version": 2}},
            [("Outcome", "a return, version 1", "a return, version 2")],
        ),
        (
            {"rows": {"used": 900, "families": 300}, "dates": {"first": "2021-01-01", "last": "2022-01-01"}},
            {"rows": {"used": 1_900, "families": 300}, "dates": {"first": "2021-01-01", "last": "2022-02-01"}},
            [("Last date learned from", "1 January 2022", "1 February 2022"), ("Rows learned from", "900", "1,900")],
        ),
        (
            {"lineage": {"window_start": "2019-01-01", "extract_date": "2025-11-22"}},
            {"lineage": {"window_start": "2019-01-01", "extract_date": "2026-11-22"}},
            [("Extract of", "22 November 2025", "22 November 2026")],
        ),
        ({"criteria": {"sha256": "aa"}}, {"criteria": {"sha256": "bb"}}, [("Criteria (SHA-256)", "aa", "bb")]),
        (
            {"criteria": {"sha256": "aa", "findings": [{"met": True}, {"met": False}]}},
            {"criteria": {"sha256": "aa", "findings": [{"met": True}, {"met": True}]}},
            [("Criteria met", "1 of 2", "2 of 2")],
        ),
        (
            {"features": [FEATURE]},
            {"features": [OTHER]},
            [(BY_NAME[OTHER].description, "none", "used"), (BY_NAME[FEATURE].description, "used", "none")],
        ),
        (
            {"results": [result(0.70, 0.65)]},
            {"results": [result(0.72, 0.67)]},
            [("AUC, glass box", "0.700 (0.650 to 0.800)", "0.720 (0.670 to 0.800)")],
        ),
        (
            {"results": [result(0.70, 0.65)]},
            {"results": [result(0.70, "c", auc_high="c")]},
            [("AUC, glass box", "0.700 (0.650 to 0.800)", "0.700")],
        ),
        ({"rows": {"used": 900}}, {"rows": {"used": "c"}}, [("Rows learned from", "900", "c")]),
        ({"answers": {"owner.team": "A"}}, {"answers": {"owner.team": "B"}}, [("Team", "A", "B")]),
        ({"answers": {"owner.team": "A"}}, {}, [("Team", "A", "not answered")]),
        ({}, {"answers": {"tool.phase": "Pilot"}}, [("Phase", "not answered", "Pilot")]),
    ],
)
def test_what_differs_is_told_and_nothing_else(
    before: dict[str, Any], now: dict[str, Any], changes: list[tuple[str, str, str]]
) -> None:
    assert pair(before, now) == changes


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        ([cell("female", GAP)], [cell("female", GAP)], []),
        ([cell("female", GAP)], [cell("female", NONE)], [("female", GAP, NONE)]),
        ([cell("female", UNSURE), cell("male", GAP)], [cell("female", UNSURE), cell("male", UNSURE)], [("male", GAP, UNSURE)]),
        ([cell("female", GAP)], [cell("female", NOBODY)], [("female", GAP, NOBODY)]),
        ([cell("female", GAP)], [cell("male", GAP)], [("male", "not looked at", GAP), ("female", GAP, "not looked at")]),
    ],
)
def test_changes_of_verdict_are_told_by_measure_and_group(
    before: list[dict[str, Any]], now: list[dict[str, Any]], changes: list[tuple[str, str, str]]
) -> None:
    expected = [(f"sex: {value}: share that the list reaches", *verdicts) for value, *verdicts in changes]
    assert pair({"fairness": frame(*before)}, {"fairness": frame(*now)}) == expected


def test_only_the_verdicts_that_the_board_decides_by_are_compared() -> None:
    def cells(verdict: Verdict) -> pl.DataFrame:
        judged = [cell("female", GAP, split=POOLED), {"metric": "came_back", "split": POOLED, "size": ANY_SIZE}]
        return frame(*judged, cell("female", verdict, split=POOLED, size="half"), cell("female", verdict, split="2024-01-08"))

    assert pair({"fairness": cells(GAP)}, {"fairness": cells(NONE)}) == []


def test_a_training_that_compared_no_groups_changes_no_verdict() -> None:
    assert pair({}, {"fairness": frame(cell("female", GAP))}) == []


def test_the_first_training_says_that_it_is_the_first() -> None:
    section = tell_changes(None, told())
    assert list(section.words) == ["This is the first: there is no earlier training to compare with."]
    assert section.tables == ()


def test_what_stayed_the_same_is_said_to_be_so() -> None:
    section = tell_changes(told("version 7"), told())
    assert list(section.words) == ["Compared with version 7.", "Nothing that is told in these records is different."]


def test_a_section_has_a_table_for_each_part_that_changed() -> None:
    section = tell_changes(earlier(), facts().now)
    assert section.words[0] == "Compared with version 3."
    assert [table.caption for table in section.tables] == [
        "Model and data", "Features", "Verdicts on groups", "Answers of the council",
    ]  # fmt: skip


def test_two_trainings_that_told_the_same_do_not_differ() -> None:
    assert find_changes(facts().now, facts().now) == []


def test_a_change_seen_from_the_other_side_is_turned_round() -> None:
    there = {Change(one.part, one.what, one.now, one.before) for one in find_changes(earlier(), facts().now)}
    assert there == set(find_changes(facts().now, earlier()))
