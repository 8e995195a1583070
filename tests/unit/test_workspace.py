"""The workspace: one run at a time, private files, and a list that is complete at every moment."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from flows import workspace as module
from flows.workspace import Workspace, hold, make_private_folder, publish_folder, write_json, write_private
from validation.errors import BusyError, SettingsError

DAY, LATER, EARLIER = date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 23)
FILES = ("list.html", "run.json", "set_aside/ssd_person.parquet")


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """Nothing may rely on the caller's umask."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "council" / "workspace")


def modes(root: Path) -> dict[str, int]:
    return {path.relative_to(root).as_posix(): path.stat().st_mode & 0o777 for path in root.rglob("*")}


def made(workspace: Workspace, day: date, words: str) -> Path:
    """A finished folder beside the published ones."""
    folder = workspace.nights / f".{day}.new"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(words)
    return folder


def publish(workspace: Workspace, day: date, words: str) -> None:
    publish_folder(workspace, made(workspace, day, words), workspace.night(day))


def shown(workspace: Workspace) -> str:
    """The words of the night that `latest` names, which must be whole and of one run."""
    night = workspace.latest_night()
    assert night is not None
    words = {(night / name).read_text() for name in FILES}
    assert len(words) == 1
    return words.pop()


def test_a_second_run_is_refused_until_the_first_has_ended(workspace: Workspace) -> None:
    with hold(workspace), pytest.raises(BusyError, match="Another run is working in 'workspace'") as refusal, hold(workspace):
        pass
    assert refusal.value.exit_code == 16
    with hold(workspace):
        assert (workspace.root / ".lock").stat().st_mode & 0o777 == 0o600


def test_a_run_of_another_process_is_refused_too(workspace: Workspace) -> None:
    script = (
        "import sys; from pathlib import Path; from flows.workspace import Workspace, hold\n"
        "from validation.errors import BusyError\n"
        "try:\n    hold(Workspace(Path(sys.argv[1]))).__enter__()\nexcept BusyError as error:\n    sys.exit(error.exit_code)"
    )
    command = [sys.executable, "-c", script, str(workspace.root)]
    with hold(workspace):
        assert subprocess.run(command, check=False, timeout=60).returncode == 16
    assert subprocess.run(command, check=False, timeout=60).returncode == 0


def test_a_fault_lets_go_of_the_workspace(workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), hold(workspace):
        raise ZeroDivisionError
    with hold(workspace):
        pass


def test_files_and_every_new_folder_are_private(workspace: Workspace, tmp_path: Path) -> None:
    write_json(workspace.history / "manifests" / "2026-11-24.json", {"day": DAY})
    found = modes(tmp_path)
    assert set(found.values()) == {0o600, 0o700}
    assert found["council"] == found["council/workspace/history"] == 0o700


def test_a_file_is_private_while_it_is_written(tmp_path: Path) -> None:
    seen = []

    def write(path: Path) -> None:
        path.write_text("rows")
        seen.append(path.stat().st_mode & 0o777)

    write_private(tmp_path / "rows.parquet", write)
    assert seen == [0o600]
    assert modes(tmp_path) == {"rows.parquet": 0o600}


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    place = tmp_path / "latest"
    place.write_text("old")

    def write(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_private(place, write)
    assert place.read_text() == "old"


def test_a_folder_that_cannot_be_made_is_a_setting_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be made") as refusal:
        make_private_folder(tmp_path / "file" / "workspace")
    assert refusal.value.exit_code == 10


def test_a_published_night_is_private_and_latest_names_it(workspace: Workspace) -> None:
    assert workspace.latest_night() is None
    publish(workspace, DAY, "first")
    assert shown(workspace) == "first"
    assert workspace.latest.read_text() == "nights/2026-11-24\n"
    assert {mode for name, mode in modes(workspace.night(DAY)).items() if "." in Path(name).name} == {0o600}
    assert (workspace.night(DAY) / "set_aside").stat().st_mode & 0o777 == 0o700


def test_latest_moves_on_and_never_back(workspace: Workspace) -> None:
    publish(workspace, DAY, "day")
    publish(workspace, LATER, "later")
    publish(workspace, EARLIER, "earlier")
    publish(workspace, DAY, "day again")
    assert shown(workspace) == "later"
    assert (workspace.night(DAY) / "list.html").read_text() == "day again"
    assert sorted(path.name for path in workspace.nights.iterdir()) == [str(day) for day in (EARLIER, DAY, LATER)]


def test_the_same_night_again_leaves_nothing_else_behind(workspace: Workspace) -> None:
    publish(workspace, DAY, "first")
    publish(workspace, DAY, "second")
    assert shown(workspace) == "second"
    assert [path.name for path in workspace.nights.iterdir()] == ["2026-11-24"]


class KilledError(BaseException):
    """The run ends here."""


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int, *, after: bool) -> Callable[[], int]:
    """Kill the run before (or after) its ``step``-th change of the disk; a removal that is killed is half done."""
    done = 0

    def breaking(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            nonlocal done
            done += 1
            if done == step and not after:
                if real is shutil_rmtree and (target := Path(str(arguments[0]))).is_dir():
                    next(path for path in target.rglob("*") if path.is_file()).unlink()
                raise KilledError
            result = real(*arguments, **options)
            if done == step:
                raise KilledError
            return result

        return call

    shutil_rmtree = shutil.rmtree
    monkeypatch.setattr(module, "replace", breaking(module.replace))
    monkeypatch.setattr(shutil, "rmtree", breaking(shutil.rmtree))
    monkeypatch.setattr(shutil, "copytree", breaking(shutil.copytree))
    return lambda: done


def whole_nights(workspace: Workspace) -> None:
    """Every folder with a date for its name is of one run."""
    for night in workspace.nights.glob("????-??-??"):
        assert len({(night / name).read_text() for name in FILES}) == 1


def count_steps(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> int:
    with monkeypatch.context() as patch:
        steps = kill_at(patch, 10_000, after=True)
        publish(workspace, DAY, "counted")
        return steps()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("newest", [True, False], ids=["the newest night", "an older night"])
def test_a_run_killed_at_any_step_leaves_latest_on_a_whole_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool, newest: bool
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # hundreds of runs, and no power is cut here
    first = Workspace(tmp_path / "first")
    publish(first, DAY, "old")
    if not newest:
        publish(first, LATER, "later")
    steps = count_steps(first, monkeypatch)
    assert steps >= 5
    for step in range(1, steps + 1):
        for second in range(1, steps + 1, 3):  # the run that mends is killed too, and the third one goes through
            workspace = Workspace(tmp_path / f"{step}-{second}")
            publish(workspace, DAY, "old")
            if not newest:
                publish(workspace, LATER, "later")
            expected = {"old", "new", "newer"} if newest else {"later"}
            for words, at in (("new", step), ("newer", second)):
                with monkeypatch.context() as patch:
                    steps_done = kill_at(patch, at, after=after)
                    try:
                        publish(workspace, DAY, words)
                    except KilledError:
                        assert steps_done() == at
                assert shown(workspace) in expected
                whole_nights(workspace)
            publish(workspace, DAY, "newest")
            assert shown(workspace) == ("newest" if newest else "later")
            assert (workspace.night(DAY) / "list.html").read_text() == "newest"
            left = {path.name for path in workspace.nights.iterdir()}
            assert left == ({str(DAY)} if newest else {str(DAY), str(LATER)})
