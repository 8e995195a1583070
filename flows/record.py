"""The run record, ``run.json``: what a run received, did and wrote. Its fields are described in ``docs/run-record.md``."""

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from validation.errors import ScreeningError
from validation.gate import Gated, TableCount

ROOT = Path(__file__).parent.parent
ROOMS = ("features", "flows", "models", "validation")
LIBRARIES = ("rereferral", "great-expectations", "interpret-core", "mlflow-skinny", "polars", "prefect", "scikit-learn")


@dataclass
class RunRecord:
    """What is known of a run so far; ``content`` becomes ``run.json``.

    ``on_step`` is told how many steps have ended.
    """

    content: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    on_step: Callable[[int], None] = lambda _done: None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step in wall seconds, whether it succeeds or not."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.steps.append({"name": name, "seconds": round(time.perf_counter() - start, 3)})
            self.on_step(len(self.steps))

    def note(self, **facts: Any) -> None:
        """Add facts: counts, codes and names, never a row."""
        self.content |= facts

    def finish(self, status: str, error: ScreeningError | None = None) -> dict[str, Any]:
        """The whole record."""
        stop = {}
        if error is not None:
            stop = {"stopped_by": {"kind": type(error).__name__, "exit_code": error.exit_code, "message": str(error)}}
        return {"status": status, **stop, **self.content, "steps": self.steps, "versions": versions()}


def versions() -> dict[str, str | None]:
    """Versions of Python and of the libraries that matter, and the SHA-256 of the code and of the lock file beside it."""
    lock = ROOT / "requirements.lock"
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "code_sha256": hash_code(ROOT),
        "lock_sha256": sha256(lock.read_bytes()).hexdigest() if lock.exists() else None,
    }


@cache
def hash_code(root: Path) -> str:
    """One SHA-256 of every file of the program, committed or not: :func:`hash_lines` of their hashes by path from ``root``."""
    found = (path for room in ROOMS for path in (root / room).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return hash_lines({path.relative_to(root).as_posix(): sha256(path.read_bytes()).hexdigest() for path in found})


def hash_lines(hashes: Mapping[str, str]) -> str:
    """One SHA-256 of many by name, as ``sha256sum`` makes it of a list that it made itself, sorted by name."""
    lines = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return sha256(lines.encode()).hexdigest()


def table_counts(gated: Gated) -> dict[str, Mapping[str, Any]]:
    """Per table what was received, accepted, set aside (by reason) and dropped."""
    return {name: _as_json(count) for name, count in gated.counts.items()}


def _as_json(count: TableCount) -> Mapping[str, Any]:
    return asdict(count) | {"unknown_columns": list(count.unknown_columns)}


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file directly in a folder."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()}
