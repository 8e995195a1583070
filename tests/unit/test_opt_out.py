"""Children who are not scored: what is noted, under which pseudonyms they are known, and what is left out for them."""

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.cohort import INDEX
from flows.child_log import OPT_OUTS
from flows.opt_out import find_opted_out, leave_out, opt_out, read_opt_outs, tell_apart
from flows.training import choose_rows
from flows.vintages import read_archive
from flows.workspace import Workspace
from tests.unit.held_child import BROTHER, CHILD, OLD, STRANGER, fill
from validation.erased import Children
from validation.errors import SettingsError
from validation.tables.catalogue import TABLES

ON, ROLE, REASON = date(2026, 12, 1), "Data protection officer", "the family asked for it"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("opt-out") / "workspace")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "history").mkdir()
    return tmp_path


def ask(root: Path, child: str = CHILD, *, withdraw: bool = False) -> str:
    return opt_out(root, child, role=ROLE, reason=REASON, withdraw=withdraw, on=ON)


@settings(max_examples=30, deadline=None)
@given(wishes=st.lists(st.tuples(st.sampled_from([CHILD, BROTHER]), st.booleans()), max_size=8))
def test_the_last_wish_about_a_child_counts(wishes: list[tuple[str, bool]], tmp_path_factory: pytest.TempPathFactory) -> None:
    root, last = tmp_path_factory.mktemp("wishes"), {CHILD: False, BROTHER: False}
    (root / "history").mkdir()
    for child, wanted in wishes:
        if wanted or last[child]:
            ask(root, child, withdraw=not wanted)
        else:
            with pytest.raises(SettingsError, match="of this child nothing was asked"):
                ask(root, child, withdraw=True)
        last[child] = wanted
    assert {child: child in read_opt_outs(Workspace(root)) for child in last} == last


def test_the_file_is_private_and_names_no_child(root: Path) -> None:
    ask(root)
    file = root / OPT_OUTS
    assert CHILD not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    (line,) = map(json.loads, file.read_text().splitlines())
    assert {name: line[name] for name in ("scored", "noted_on", "role", "reason")} == {
        "scored": False, "noted_on": "2026-12-01", "role": ROLE, "reason": REASON,
    }  # fmt: skip


def test_a_wish_about_a_child_of_whom_nothing_is_held_is_kept_and_may_be_a_slip(filled: Path, tmp_path: Path) -> None:
    root = shutil.copytree(filled, tmp_path / "copy")
    (root / OPT_OUTS).unlink(missing_ok=True)
    assert "it may be a slip" in ask(root, "0" * 32)
    assert ask(root) == "From the next night on this child is not scored."
    assert "0" * 32 in read_opt_outs(Workspace(root))


def test_the_same_wish_twice_is_one(root: Path) -> None:
    ask(root)
    before = (root / OPT_OUTS).read_text()
    assert ask(root) == "It was noted before that this child is not scored."
    assert (root / OPT_OUTS).read_text() == before


def test_it_can_be_taken_back_under_a_pseudonym_that_came_later(filled: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(filled, tmp_path / "workspace"))
    ask(root, CHILD, withdraw=True)
    ask(root, OLD)
    assert ask(root, CHILD) == "It was noted before that this child is not scored."
    ask(root, CHILD, withdraw=True)
    assert not read_opt_outs(Workspace(root))


def test_a_damaged_file_stops_rather_than_scores(root: Path) -> None:
    ask(root)
    (root / OPT_OUTS).write_text((root / OPT_OUTS).read_text()[:-9] + "\n")
    with pytest.raises(SettingsError, match=r"'opt-outs\.jsonl' was changed or damaged"):
        read_opt_outs(Workspace(root))


@pytest.mark.parametrize("asked", [CHILD, OLD])
def test_a_child_is_followed_to_its_other_pseudonyms(filled: Path, asked: str) -> None:
    history = read_archive(Workspace(filled))
    assert find_opted_out(history, Children.of([asked])) == {CHILD, OLD}
    assert find_opted_out(history, Children()) == frozenset()


def test_what_is_left_out_is_the_childs_and_nobody_elses(filled: Path) -> None:
    history = read_archive(Workspace(filled))
    left = leave_out(history, frozenset({CHILD, OLD}))
    for name, table in TABLES.items():
        if table.person:
            before, now = set(history.table(name)[table.person]), set(left.table(name)[table.person])
            assert now == before - {CHILD, OLD}, name
    assert left.table("ssd_assessment_factors")["cinf_assessment_id"].n_unique() == 2


def matrix(*people: str, value: int) -> pl.DataFrame:
    told = {name: [None] * len(people) for name in INDEX} | {
        "person_id": list(people),
        "referral_id": list(people),
        "feature": [value] * len(people),
    }
    return pl.DataFrame(told).with_columns(pl.lit(ON).alias("as_of"))


def test_a_child_keeps_its_case_without_any_feature_and_others_have_those_without_it() -> None:
    told = tell_apart(matrix(BROTHER, CHILD, STRANGER, value=3), matrix(BROTHER, STRANGER, value=1))
    assert told["person_id"].to_list() == [BROTHER, CHILD, STRANGER]
    assert told["feature"].to_list() == [1, None, 1]


def test_training_counts_what_it_leaves_out(filled: Path) -> None:
    history = read_archive(Workspace(filled))
    labelled = pl.DataFrame(
        {
            "person_id": [CHILD, CHILD, BROTHER],
            "outside": [None, "turns 18", None],
            "referral_date": [ON] * 3,
            "overlaps": [False] * 3,
            "group_id": [BROTHER] * 3,
        }
    )
    frame, counts = choose_rows(labelled, history, frozenset({CHILD}))
    assert frame["person_id"].to_list() == [BROTHER]
    assert counts == {"cohort": 3, "asked not to be scored": 2, "used": 1, "families": 1}
