"""From published lists, the log and the history to the page of a period."""

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from flows import involvement
from flows.involvement import find_groups, read_lists, write_involvement
from flows.publish.night_list import FAMILIES
from flows.workspace import Workspace
from models.team_decisions import DECIDED
from tests.spec.drawing import one_load
from validation.errors import ContractError, SettingsError
from validation.extract import Origin

FIRST = date(2024, 11, 25)
FEMALE, MALE = 24, 16
NAMES = [f"{number:032x}" for number in range(1, FEMALE + MALE + 1)]


def family_of(child: str) -> str:
    return child[::-1]


def families(night: date, standing: str = "place") -> pl.DataFrame:
    rows = [
        {
            "family_id": family_of(name),
            "children": [name],
            "order": at,
            "standing": standing,
            "kind": "FGC",
            "listed_since": FIRST,
        }
        for at, name in enumerate(NAMES, start=1)
    ]
    return pl.DataFrame(rows, schema=FAMILIES).with_columns(as_of=pl.lit(night))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two nights; on the day after the first, 30 of 40 families are offered something and the others are not suitable."""
    for night in (FIRST, FIRST + timedelta(days=1)):
        folder = tmp_path / "nights" / night.isoformat()
        folder.mkdir(parents=True)
        families(night).write_parquet(folder / "list.parquet")
    episodes = "\n".join(["person_id referral_date close_date", *(f"{name} 2024-10-01 -" for name in NAMES)])
    people = "\n".join(["person_id sex", *(f"{name} {'F' if at < FEMALE else 'M'}" for at, name in enumerate(NAMES))])
    history = one_load("2024-11-26", ssd_cin_episodes=episodes, ssd_person=people)
    decided = [
        {"night": FIRST, "family_id": family_of(name), "children": [name], "standing": "place", "listed_kind": "FGC",
         "decision": "offered" if at % 4 else "not suitable", "kind": "FGC", "reason": "Other", "role": "Social worker",
         "decided_on": FIRST + timedelta(days=1), "imported_on": FIRST + timedelta(days=1)}
        for at, name in enumerate(NAMES)
    ]  # fmt: skip
    manifest = SimpleNamespace(authority="Borough of Example", origin=Origin.INVENTED)
    monkeypatch.setattr(involvement, "read_archive", lambda place: history)
    monkeypatch.setattr(involvement, "last_extract", lambda place: (manifest, {}))
    monkeypatch.setattr(involvement, "read_decisions", lambda place: pl.DataFrame(decided, schema=DECIDED))
    return tmp_path


def write(root: Path, **days: Any) -> str:
    to_day = days.get("to_day", FIRST + timedelta(days=30))
    return write_involvement(root, days.get("from_day", FIRST), to_day, days.get("today", to_day))


def test_the_page_of_a_period_is_written_for_the_owner_alone(root: Path) -> None:
    words = write(root)
    file = root / "involvement" / "2024-12-25.html"
    assert words == f"2 lists from 2024-11-25 to 2024-11-26, no alarm: {file}"
    assert file.stat().st_mode & 0o777 == 0o600
    page = file.read_text(encoding="utf-8")
    assert "People decided on 40 of them" in page
    assert "People went along with the list in 75 % of their decisions." in page
    assert "INVENTED DATA" in page
    assert '<th scope="row">Female</th><td class="number">24</td><td class="number">c</td>' in page  # 6; 4 of the others' 16
    assert '<th scope="row">Male</th><td class="number">16</td><td class="number">c</td>' in page


def test_no_child_and_no_family_is_on_the_page(root: Path) -> None:
    write(root)
    page = (root / "involvement" / "2024-12-25.html").read_text(encoding="utf-8")
    assert not [name for name in NAMES if name in page or family_of(name) in page]


def test_lists_of_other_days_are_not_read(root: Path) -> None:
    found = read_lists(Workspace(root), FIRST, FIRST)
    assert found["night"].unique().to_list() == [FIRST]
    assert found.height == len(NAMES)


def test_a_stopped_night_is_no_list(root: Path) -> None:
    (root / "nights" / "2024-11-27.stopped").mkdir()
    assert read_lists(Workspace(root), FIRST, FIRST + timedelta(days=9))["night"].n_unique() == 2


def test_children_without_a_place_have_no_group_read(root: Path) -> None:
    history = involvement.read_archive(Workspace(root))
    assert find_groups(history, families(FIRST).with_columns(night=pl.lit(FIRST)))["sex"].to_list().count("female") == FEMALE
    waiting = families(FIRST, "waiting").with_columns(night=pl.lit(FIRST))
    assert find_groups(history, waiting).is_empty()


def test_a_period_that_ends_after_today_is_refused(root: Path) -> None:
    with pytest.raises(SettingsError, match="a day that has not come"):
        write(root, today=FIRST + timedelta(days=29))


def test_a_period_that_ends_before_it_begins_is_refused(root: Path) -> None:
    with pytest.raises(SettingsError, match="ends before it begins"):
        write(root, to_day=FIRST - timedelta(days=1))


def test_a_period_without_a_list_is_refused_with_those_that_there_are(root: Path) -> None:
    with pytest.raises(SettingsError, match="there are 2, from 2024-11-25 to 2024-11-26"):
        write(root, from_day=date(2025, 1, 1), to_day=date(2025, 2, 1))


def test_a_workspace_without_any_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there are none at all"):
        write(tmp_path)


def test_a_list_of_an_older_form_is_refused_by_its_night(root: Path) -> None:
    file = root / "nights" / FIRST.isoformat() / "list.parquet"
    families(FIRST).drop("standing", "kind").write_parquet(file)
    with pytest.raises(ContractError, match=r"night '2024-11-25' lacks the column 'standing' \(2 are missing\)"):
        write(root)
