"""A night beside the published return: noted in its record, and stopped where the council wants that."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
NIGHT = "2026-11-23"


@pytest.fixture
def night(run: Run, trained: Any, workspace: Path) -> Callable[[int, bool], Any]:
    """Run the night beside a return of so many referrals in the year to 31 March 2026."""

    def call(referrals: int, stop: bool) -> Any:
        text = f"year,measure,breakdown,code,published\n2026,referrals,all,all,{referrals}\n"
        (workspace / "return.csv").write_text(text, encoding="utf-8")
        settings = f'[returns]\nfile = "return.csv"\nstop = {str(stop).lower()}\n'
        (workspace / "rereferral.toml").write_text(settings, encoding="utf-8")
        return run("nightly", "--source", trained.second, "--workspace", workspace, "--registry", trained.registry)

    return call


@pytest.mark.proof
def test_a_mismatch_is_noted_and_stops_the_night_only_if_it_is_to(night: Callable[[int, bool], Any], workspace: Path) -> None:
    stopped = night(9_999, True)
    assert stopped.code == 13
    assert "1 figure differs (referrals) from the published return of the year to 31 March '2026'" in stopped.err
    record = json.loads((workspace / "nights" / f"{NIGHT}.stopped" / "run.json").read_text())
    assert record["reconciliation"]["differing"] == ["referrals"]
    assert not (workspace / "history" / "manifests" / f"{NIGHT}.json").exists()
    assert night(9_999, False).code == 0
    record = json.loads((workspace / "nights" / NIGHT / "run.json").read_text())
    assert (record["reconciliation"]["year"], record["reconciliation"]["verdicts"]["differs"]) == (2026, 1)


def test_the_command_writes_the_page_and_exits_with_13_when_it_is_to_be_strict(run: Run, workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "return.csv"
    file.write_text("year,measure,breakdown,code,published\n2026,referrals,all,all,9999\n", encoding="utf-8")
    done = run("reconcile", "--workspace", workspace, "--return", file, "--year", 2026)
    assert (done.code, done.out.splitlines()[-1]) == (0, str(workspace / "reconciliation" / "2026.html"))
    strict = run("reconcile", "--workspace", workspace, "--return", file, "--year", 2026, "--strict")
    assert strict.code == 13
    assert "1 figure differs (referrals) from the published return" in strict.err
