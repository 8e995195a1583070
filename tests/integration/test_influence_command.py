"""``rereferral influence`` on a workspace: a private page, and a plain word where there is nothing to measure."""

from collections.abc import Callable
from pathlib import Path

from tests.command_line import Done
from tests.integration.conftest import FIRST_DAY, NEXT_DAY


def test_the_page_is_written_for_a_day_of_the_history(run: Callable[..., Done], workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "influence.md"
    done = run("influence", "--workspace", workspace, "--as-of", FIRST_DAY, "--out", out)
    assert (done.code, out.stat().st_mode & 0o777) == (0, 0o600)
    text = out.read_text(encoding="utf-8")
    assert text.startswith("# How long the past counts, on 22 November 2026\n\n**INVENTED DATA.**")
    assert "A family can leave the list" in text
    assert "A fault" not in text
    assert "| `referrals_in_last_90_days` | 90 days |" in text


def test_a_day_after_the_history_is_refused(run: Callable[..., Done], workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "influence.md"
    done = run("influence", "--workspace", workspace, "--as-of", NEXT_DAY, "--out", out)
    assert (done.code, out.exists()) == (10, False)
    assert f"'--as-of' is {NEXT_DAY} and the history ends with the extract of {FIRST_DAY}" in done.err


def test_a_workspace_without_a_history_is_refused(run: Callable[..., Done], tmp_path: Path) -> None:
    done = run("influence", "--workspace", tmp_path / "empty", "--as-of", FIRST_DAY, "--out", tmp_path / "influence.md")
    assert done.code == 11
    assert "'empty' holds no history" in done.err
