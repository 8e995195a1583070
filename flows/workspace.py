"""The workspace: where everything lies on disk, written beside and renamed, private to its owner, one run at a time."""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from validation.errors import BusyError, SettingsError


@dataclass(frozen=True)
class Workspace:
    """Paths of a workspace. Nothing is made until something is written."""

    root: Path

    @property
    def history(self) -> Path:
        """Vintages per table."""
        return self.root / "history"

    @property
    def index(self) -> Path:
        """Facts made from the history; may be removed at any time."""
        return self.root / "index"

    @property
    def nights(self) -> Path:
        """One folder for each night."""
        return self.root / "nights"

    @property
    def training(self) -> Path:
        """One folder for each trained model."""
        return self.root / "training"

    @property
    def ledger(self) -> Path:
        """Every score ever shown."""
        return self.root / "ledger"

    @property
    def latest(self) -> Path:
        """A one-line file with the path, from the root, of what the team opens: the newest complete night, or a notice."""
        return self.root / "latest"

    @property
    def registry(self) -> str:
        """Address of the embedded MLflow store."""
        return f"sqlite:///{self.root.resolve()}/mlflow.db"

    @property
    def artifacts(self) -> str:
        """Where the embedded MLflow store keeps its files."""
        return (self.root.resolve() / "artifacts").as_uri()

    def night(self, as_of: date) -> Path:
        """Folder of a published night."""
        return self.nights / as_of.isoformat()

    def stopped(self, as_of: date) -> Path:
        """Folder of a night that stopped."""
        return self.nights / f"{as_of.isoformat()}.stopped"

    def notice(self, as_of: date) -> Path:
        """Folder of the notice that stands in place of a list which must not be used."""
        return self.nights / f"{as_of.isoformat()}.notice"

    def latest_night(self) -> Path | None:
        """Folder of what the team opens, if there is any."""
        return self.root / self.latest.read_text().strip() if self.latest.exists() else None


def read_tag(workspace: Workspace) -> str:
    """A random name for the workspace, made once: it tells a register whose run this is, and not where it lies."""
    file = workspace.root / ".tag"
    if not file.exists():
        write_private(file, lambda beside: beside.write_text(secrets.token_hex(8)))
    return file.read_text()


@contextmanager
def hold(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace for one run. Raises :class:`BusyError` (exit 16) when another run holds it."""
    make_private_folder(workspace.root)
    file = workspace.root / ".lock"
    file.touch(mode=0o600)
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                f"Another run is working in '{workspace.root.name}': wait until it has ended and run this again."
            ) from None
        yield


def make_private_folder(path: Path) -> Path:
    """Make a folder, and each of its parents that is not there, for the owner alone."""
    try:
        for folder in reversed([path, *path.parents]):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The folder '{path.name}' cannot be made: {error.strerror}. Choose another workspace.") from None
    return path


def write_private(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, private from its first byte, make it durable, and rename it into place."""
    make_private_folder(path.parent)
    beside = path.with_name(f".{path.name}.new")
    beside.touch(mode=0o600)
    write(beside)
    beside.chmod(0o600)
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    replace(beside, path)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON, privately and in one rename."""
    text = json.dumps(content, indent=2, default=str, ensure_ascii=False) + "\n"
    write_private(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def replace(source: Path, target: Path) -> None:
    """Rename over the target: the one step at which a written file or folder becomes visible."""
    os.replace(source, target)  # noqa: PTH105  the plain call, so that tests can break it


def make_private(folder: Path) -> None:
    """Take every file and folder below ``folder`` away from other users."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)


def publish_folder(workspace: Workspace, made: Path, place: Path) -> None:
    """Put a finished folder in its place and point ``latest`` at it.

    At every moment ``latest`` names a complete night, and so does each folder with a date for its name: when the place is
    taken by an earlier run of the same night, a copy of that stands in while the two change places. A run that is killed
    on the way leaves folders that the next run of the same night clears away.
    """
    make_private(made)
    stand_in, aside = place.with_name(f"{place.name}.superseded"), place.with_name(f".{place.name}.old")
    if place.exists():
        if workspace.latest_night() == place:
            copy = place.with_name(f".{place.name}.copy")
            for left_over in (copy, stand_in):
                shutil.rmtree(left_over, ignore_errors=True)
            shutil.copytree(place, copy)
            replace(copy, stand_in)
            point_latest(workspace, stand_in)
        shutil.rmtree(aside, ignore_errors=True)
        replace(place, aside)
    replace(made, place)
    point_latest(workspace, place)
    for left_over in (stand_in, aside):
        shutil.rmtree(left_over, ignore_errors=True)


def point_latest(workspace: Workspace, place: Path) -> None:
    """Point ``latest`` at a night or a notice, unless it already names a later one."""
    now = workspace.latest_night()
    if now is not None and now.exists() and now.name[:10] > place.name[:10]:
        return
    line = place.relative_to(workspace.root).as_posix() + "\n"
    write_private(workspace.latest, lambda beside: beside.write_text(line, encoding="utf-8"))
