"""``rereferral evaluate``: an earlier model on the outcomes that have become complete since."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.registry import Registry
from tests.command_line import Done
from tests.integration.conftest import FIRST_DAY


def test_a_model_is_measured_on_newer_outcomes_and_told_to_wait_where_there_are_none(
    run: Callable[..., Done], trained: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ("evaluate", "--workspace", workspace, "--version", "1", "--registry", trained.registry)
    early = run(*ask)
    assert early.code == 18, early.err
    assert "Since then 0 outcomes are complete" in early.err
    assert "wait until more outcomes are complete" in early.err
    assert not (workspace / "training").exists()

    load = Registry.load
    monkeypatch.setattr(  # the same model, had it been trained a year and a half earlier
        Registry, "load", lambda registry, version: _age(load(registry, version))
    )
    done = run(*ask)
    assert done.code == 0, done.err
    file = workspace / "training" / "1" / f"evaluated-{FIRST_DAY}.json"
    assert done.out.splitlines()[0].startswith("version 1, trained up to ")
    assert done.out.splitlines()[-1] == str(file)
    assert file.stat().st_mode & 0o777 == 0o600
    told = json.loads(file.read_text())
    assert told["all"]["rows"] >= 50
    assert told["all"]["by_month"][0]["months_since_training"] == pytest.approx(28 / (365.25 / 12), abs=0.1)
    assert f"all: {told['all']['rows']} rows of {told['all']['families']} families; auc {told['all']['auc']:.3f} (" in done.out


def _age(model: Any) -> Any:
    return replace(model, trained_to=model.trained_to - timedelta(days=20 * 28))
