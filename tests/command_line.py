"""The command line, run in this process."""

import sys
from typing import NamedTuple

import pytest

from flows.cli import main


class Done(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


def run_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> Done:
    """Run ``rereferral`` with the arguments; what was printed before does not count."""
    monkeypatch.setattr(sys, "argv", ["rereferral", *(str(argument) for argument in arguments)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        main()
    captured = capsys.readouterr()
    return Done(int(left.value.code or 0), captured.out, captured.err)
