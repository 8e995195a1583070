"""Every notebook answers its question on the invented authority, and keeps no output."""

import re
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
Answer = Callable[[str], str]


@pytest.fixture(scope="module")
def lived_in(trained: Any, in_prefect: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained workspace a night later."""
    from flows.nightly import nightly

    place = tmp_path_factory.mktemp("notebooks") / "workspace"
    shutil.copytree(trained.workspace, place)
    nightly(source=str(trained.second), workspace=place)
    return place


@pytest.fixture
def answer(lived_in: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answer:
    """Run a notebook, and return what it printed."""

    def run(notebook: str) -> str:
        monkeypatch.setenv("REREFERRAL_WORKSPACE", str(lived_in))
        with pl.Config():
            runpy.run_path(str(FOLDER / f"{notebook}.py"), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_each_opens_with_the_question_that_it_answers_and_holds_no_output() -> None:
    found = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.iterdir() if path.is_file()}
    assert set(found) == {
        "add_a_feature", "audit_fairness", "explore_the_history", "look_into_one_decision", "retrain_and_compare"
    }  # fmt: skip
    for name, text in found.items():
        assert re.match(r"# %% \[markdown\]\n# # [^\n]+\?\n#\n", text), name
    assert not [path for path in FOLDER.rglob("*") if path.suffix in {".ipynb", ".html", ".svg", ".png"}]


def test_what_is_in_our_history_and_how_often_do_children_come_back(answer: Answer, lived_in: Path) -> None:
    out = answer("explore_the_history")
    assert "History from 2020-11-23 to 2026-11-23, told by 2 extracts." in out
    assert re.search(r"│ 2025 +┆ \d{3} +┆ 0\.\d+ +┆ 0\.226 +│", out), "England's rate stands beside the council's"
    shares = [float(share) for share in re.findall(r"│ \d+ +┆ \d+ +┆ (\d\.\d+) +│", out.split("days since closing")[1])]
    assert len(shares) == 5
    assert shares == sorted(shares)
    assert 0.1 < shares[-1] < 0.6
    assert re.search(r"ssd_contacts +┆ \d+ +┆ 0\.\d", out), "contacts of the second night were told at once"


def test_does_a_new_feature_help(answer: Answer) -> None:
    out = answer("add_a_feature")
    found = re.search(r"precision: ([+-]0\.\d+) \(95 % interval ([+-]0\.\d+) to ([+-]0\.\d+)\)", out)
    assert found is not None
    difference, low, high = (float(number) for number in found.groups())
    assert -0.05 < low <= difference <= high < 0.05
    assert ("not enough evidence" in out) == (low <= 0 <= high)


def test_is_the_newest_model_better(answer: Answer) -> None:
    out = answer("retrain_and_compare")
    assert "promote version 1" in out
    for candidate in ("base_rate", "points_scorecard", "glass_box", "unrestricted_boosting"):
        assert re.search(rf"│ {candidate} +┆ 20\d\d-\d\d-\d\d +┆", out), candidate
    assert out.count("met: ") >= 5
    months = [int(month) for month in re.findall(r"│ 20\d\d-\d\d-\d\d +┆ (\d+) +┆ 0\.\d+ +│", out)]
    assert len(months) >= 6
    assert months == sorted(months)


def test_why_did_this_family_get_a_place(answer: Answer) -> None:
    out = answer("look_into_one_decision")
    found = re.search(r"Shown: (0\.\d+) by version 1. Computed now: (0\.\d+) by version 1\.", out)
    assert found is not None
    assert found[1] == found[2]
    together = re.search(r"the chance of this one is (\d+\.\d)%", out)
    assert together is not None
    assert float(together[1]) == pytest.approx(100 * float(found[1]), abs=0.06)
    assert "equally good models, " in out


def test_are_the_chances_as_true_for_every_group(answer: Answer) -> None:
    out = answer("audit_fairness")
    for group in ("sex", "ethnicity", "disability", "age_band", "source", "known_before"):
        assert re.search(rf"│ {group} +┆ families ┆ here", out)
    assert "not enough evidence" in out
    assert re.search(r"of \d+ groups that are large enough miss the criterion", out)
    assert not re.search(r"┆ [1-5] +┆", out), "counts of one to five are hidden"
