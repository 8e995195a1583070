"""What leaves the team: no small count, no figure that rests on one, and everything else as it was."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.publish.door import hide, hush, is_small, let_out
from flows.retrain import log
from tests.unit.report_example import evaluation


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return let_out(evaluation())


def walk(part: Any) -> Iterator[tuple[str, Any]]:
    """Every name with its value, however deep."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield name, value
            yield from walk(value)
    elif isinstance(part, list):
        for inner in part:
            yield from walk(inner)


def box(part: dict[str, Any]) -> dict[str, Any]:
    return next(result for result in part["results"] if result["candidate"] == "glass_box")


def test_no_small_count_is_let_out(told: dict[str, Any]) -> None:
    counted = {name: told[name] for name in ("rows", "exits", "split", "results", "feedback", "stability")}
    assert [name for name, value in walk(counted) if is_small(name, value)] == []


def test_the_evaluation_itself_stays_as_it_is() -> None:
    raw = evaluation()
    kept = deepcopy(raw)
    let_out(raw)
    assert raw == kept


def test_where_nothing_is_small_every_figure_goes_through(told: dict[str, Any]) -> None:
    raw = box(evaluation())
    assert {name: value for name, value in box(told).items() if not isinstance(value, list)} == {
        name: value for name, value in raw.items() if not isinstance(value, list)
    }
    assert box(told)["by_month"] == raw["by_month"]


def test_what_the_criteria_were_judged_by_of_groups_stays_with_the_team(told: dict[str, Any]) -> None:
    assert evaluation()["groups"]
    assert "groups" not in told


def test_a_tenth_in_which_few_came_back_has_no_rate() -> None:
    raw = evaluation()
    bins = box(raw)["calibration_curve"]
    bins[0]["rate"], bins[1]["rate"] = 2 / bins[0]["rows"], 8 / bins[1]["rows"]
    assert [point["rate"] == "c" for point in box(let_out(raw))["calibration_curve"][:2]] == [True, False]


def test_a_list_that_few_came_back_from_has_no_precision() -> None:
    raw = evaluation()
    box(raw)["precision_at_capacity"] = 3 / box(raw)["offers"]
    shown = box(let_out(raw))
    assert {shown[f"precision_at_capacity{end}"] for end in ("", "_low", "_high")} == {"c"}
    assert isinstance(shown["precision_at_10_percent"], float)


def test_the_top_of_an_order_that_misses_few_returns_has_no_recall() -> None:
    raw = evaluation()
    found = box(raw)["yes"] - 3
    box(raw).update({"recall_at_20_percent": found / box(raw)["yes"], "precision_at_20_percent": found / (4 * found)})
    shown = box(let_out(raw))
    assert (shown["recall_at_20_percent"], shown["precision_at_20_percent"]) == ("c", "c")
    assert isinstance(shown["recall_at_10_percent"], float)


def test_a_share_beside_a_small_count_is_hidden_with_it() -> None:
    part = {"families": 4, "share": 0.5, "months": 3, "by": [{"rows": 30, "share": 0.4}]}
    assert hide(part) == {"families": "c", "share": "c", "months": 3, "by": [{"rows": 30, "share": 0.4}]}


def test_small_counts_in_sentences_are_hidden() -> None:
    assert hush("of 412 offers 3 were drawn; 5 families, 15 families, 2 of 9 rows") == (
        "of 412 offers c were drawn; c families, 15 families, c of 9 rows"
    )


@dataclass
class Trained:
    evaluation: list[dict[str, Any]]


def test_what_is_kept_in_mlflow_went_through_the_door_and_the_workspace_keeps_all(tmp_path: Path) -> None:
    raw, kept = evaluation(), {}
    (tmp_path / "evaluation.json").write_text(json.dumps(raw), encoding="utf-8")
    run = SimpleNamespace(log=lambda *given: kept.update(zip(("trained", "lineage", "files"), given, strict=True)))
    data = SimpleNamespace(lineage={"rows": raw["rows"], "versions_per_table": {"ext_offers": 4}})
    log.fn(run, data, Trained(raw["results"]), raw, SimpleNamespace(text="[gain]"), tmp_path)
    told = json.loads(json.dumps(let_out(raw)))
    assert json.loads(kept["files"]["evaluation.json"]) == told
    assert kept["trained"].evaluation == told["results"]
    assert kept["lineage"] == {"rows": told["rows"], "versions_per_table": {"ext_offers": "c"}}
    assert json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8")) == raw


def test_what_is_held_is_let_out_to_the_nearest_ten_and_columns_by_a_share_that_tells_of_no_few() -> None:
    columns = [{"column": name, "class": "feature", "filled": filled} for name, filled in
               (("all", 1_234), ("none", 0), ("most", 1_233), ("some", 617), ("few", 3))]  # fmt: skip
    tables = [{"table": "ssd_person", "records": 1_234, "first_year": None, "last_year": None, "columns": columns}]
    told = let_out({"holdings": {"children": 1_236, "children_learned_from": 4, "tables": tables}})["holdings"]
    assert (told["children"], told["children_learned_from"], told["tables"][0]["records"]) == (1_240, "c", 1_230)
    shown = {one["column"]: one["filled"] for one in told["tables"][0]["columns"]}
    assert shown == {"all": "100 %", "none": "0 %", "most": "99 % or more", "some": "50 %", "few": "up to 1 %"}
