"""Which training a new one is compared with, and what it told at the time."""

import json
from pathlib import Path

from flows.publish.door import let_out
from flows.publish.fairness_page import FAIRNESS_FRAME
from flows.publish.transparency_pages import write_transparency
from flows.publish.what_changed import find_changes
from flows.trainings import find_before, read_told
from tests.unit.record_example import COUNCIL, LINEAGE, facts, fairness, whole_evaluation


def train(home: Path, *names: str) -> None:
    for name in names:
        (home / name).mkdir()
        (home / name / "evaluation.json").write_text(json.dumps(whole_evaluation()), encoding="utf-8")


def test_the_first_training_is_compared_with_none(tmp_path: Path) -> None:
    assert find_before(tmp_path / "not there", None) is None
    train(tmp_path, "refused-2026-01-01")
    assert find_before(tmp_path, None) is None


def test_the_champion_goes_before_a_later_version(tmp_path: Path) -> None:
    train(tmp_path, "1", "2", "10", "refused-2026-01-01")
    assert find_before(tmp_path, "2") == tmp_path / "2"


def test_without_a_champion_the_latest_version_is_compared_with(tmp_path: Path) -> None:
    train(tmp_path, "1", "2", "10")
    assert find_before(tmp_path, None) == tmp_path / "10"


def test_a_champion_that_was_trained_elsewhere_gives_way_to_the_latest_version_here(tmp_path: Path) -> None:
    train(tmp_path, "1", "2")
    assert find_before(tmp_path, "7") == tmp_path / "2"


def test_what_a_training_left_is_read_back_as_it_was_told(tmp_path: Path) -> None:
    train(tmp_path, "4")
    made = tmp_path / "4"
    fairness().write_parquet(made / FAIRNESS_FRAME)
    (made / "run.json").write_text(json.dumps({"lineage": LINEAGE}), encoding="utf-8")
    write_transparency(made, facts())
    told = read_told(made)
    assert told.name == "version 4"
    assert told.evaluation == json.loads(json.dumps(let_out(whole_evaluation())))
    assert told.answers == COUNCIL
    assert find_changes(told, facts().now) == []


def test_a_training_of_an_earlier_program_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    train(tmp_path, "1")
    told = read_told(tmp_path / "1")
    assert (told.fairness, told.answers, told.lineage) == (None, {}, {})
