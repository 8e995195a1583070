"""The verdicts of earlier looks: added to, never changed, and refused when the file is not whole."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.verdict_history import add_look, read_history, write_history
from flows.workspace import Workspace
from validation.errors import SettingsError

OUTCOME = "new_referral_within_12_months"
LOOK: dict[str, Any] = {
    "looked_on": "2026-11-22", "extract_date": "2026-11-21", "complete_up_to": "2025-10-24", "criteria_sha256": "0" * 64,
    "in_use": "1", "models": {"1": {"verdict": "not enough evidence", "missed": []}},
}  # fmt: skip
AGAIN = LOOK | {"models": {"1": {"verdict": "fails in use", "missed": ["too many returns"]}}}


def test_the_same_look_on_the_same_day_takes_the_place_of_its_own_line_and_of_no_other() -> None:
    earlier = LOOK | {"looked_on": "2026-11-15"}
    assert add_look([earlier, LOOK], AGAIN) == [earlier, AGAIN]


@pytest.mark.parametrize(
    "other", [{"looked_on": "2026-11-29"}, {"extract_date": "2026-11-22"}, {"criteria_sha256": "1" * 64}, {"in_use": None}]
)
def test_a_look_on_another_day_or_on_other_grounds_leaves_the_earlier_one_as_it_was(other: dict[str, Any]) -> None:
    assert add_look([AGAIN], LOOK | other) == [AGAIN, LOOK | other]


def test_looks_are_kept_privately_and_read_back(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    assert read_history(place, OUTCOME) == []
    write_history(place, OUTCOME, [LOOK, AGAIN | {"looked_on": "2026-11-29"}])
    assert [look["looked_on"] for look in read_history(place, OUTCOME)] == ["2026-11-22", "2026-11-29"]
    (file,) = (tmp_path / "monitoring").iterdir()
    assert file.name == f"{OUTCOME}.history.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["{", "[]", json.dumps(LOOK | {"looked_on": "yesterday"}), '{"looked_on": "2026-11-22"}'])
def test_a_damaged_history_is_refused(damage: str, tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    write_history(place, OUTCOME, [LOOK])
    with (tmp_path / "monitoring" / f"{OUTCOME}.history.jsonl").open("a") as file:
        file.write(damage + "\n")
    with pytest.raises(SettingsError, match=r"history.jsonl' was changed or damaged"):
        read_history(place, OUTCOME)
