"""A family's side, from command to disk: a child is erased and stays so, is not scored when that was asked, and is told of."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.chain import read_rows
from flows.decisions import read_decisions
from flows.ledger import verify_ledger
from flows.opt_out import NOT_SCORED
from flows.publish.published import read_night
from flows.vintages import read_archive
from flows.workspace import Workspace, write_private
from models.team_decisions import DECIDED
from tests.unit.erased_example import find_in_files

Run = Callable[..., Any]
FIRST, NIGHT = "2026-11-22", "2026-11-23"
WORDS = ("--role", "Data protection officer", "--reason", "the family asked for it")


def night(run: Run, source: Path, trained: Any, workspace: Path) -> Path:
    done = run("nightly", "--source", source, "--workspace", workspace, "--registry", trained.registry)
    assert done.code == 0, done.err
    return Path(done.out.strip().splitlines()[-1]).parent


def name_giver(folder: Path) -> dict[str, Any]:
    """A family with a place after whose first child it is named, and that has others with an open case and a chance."""
    scored = pl.read_parquet(folder / "cases.parquet").filter(~pl.col("abstained"))["person_id"]
    told = pl.read_parquet(folder / "list.parquet").filter(
        pl.col("children").list.contains(pl.col("family_id")),
        pl.col("children").list.eval(pl.element().is_in(scored.implode())).list.all(),
        pl.col("children").list.len() > 1,
    )
    return told.sort(pl.col("standing") != "place", "order").row(0, named=True)


def decide(workspace: Path, family: dict[str, Any]) -> None:
    """A decision about a family, as the log keeps it."""
    from flows.decisions import _hash

    row = {
        "night": date(2026, 11, 22), "family_id": family["family_id"], "children": family["children"], "standing": "place",
        "listed_kind": "FGC", "decision": "offered", "kind": "FGC", "reason": "Fits what the family needs",
        "role": "Social worker", "decided_on": date(2026, 11, 23), "imported_on": date(2026, 11, 23),
    }  # fmt: skip
    frame = pl.DataFrame([row], schema=DECIDED)
    write_private(workspace / "decisions" / f"2026-11-23.{_hash(frame)}.parquet", frame.write_parquet)


@pytest.fixture
def two_nights(run: Run, trained: Any, workspace: Path, tmp_path: Path) -> Path:
    """A workspace with two published nights, a decision, a recall, an index, and the training with its register."""
    for name in ("training", "artifacts"):
        shutil.copytree(trained.workspace / name, workspace / name)
    shutil.copy(trained.workspace / "mlflow.db", workspace / "mlflow.db")
    family = name_giver(night(run, trained.first, trained, workspace))
    decide(workspace, family)
    night(run, trained.second, trained, workspace)
    assert run("recall", "--workspace", workspace, "--model-version", "1", "--out", tmp_path / "notice.html").code == 0
    assert run("features", "--workspace", workspace, "--as-of", FIRST, "--out", tmp_path / "matrix.parquet").code == 0
    return workspace


def test_an_erased_child_is_in_no_file_and_its_family_stays(run: Run, trained: Any, two_nights: Path) -> None:
    workspace = two_nights
    family = name_giver(workspace / "nights" / FIRST)
    child, others = family["family_id"], [one for one in family["children"] if one != family["family_id"]]
    before = {one: find_in_files(workspace, one) for one in others}
    (stood,) = pl.read_parquet(workspace / "nights" / NIGHT / "list.parquet").filter(family_id=child)["standing"]
    places = {path.partition("/")[0] for path in find_in_files(workspace, child)}
    assert places == {"history", "index", "nights", "ledger", "decisions", "recall"}
    done = run("erase", "--workspace", workspace, "--child", child, *WORDS)
    assert done.code == 0, done.err
    assert child not in done.out
    assert find_in_files(workspace, child) == []
    for one, files in before.items():
        kept = {file for file in files if file.partition("/")[0] not in ("index", "decisions")}
        assert kept <= set(find_in_files(workspace, one))
    assert others == [one for row in read_decisions(Workspace(workspace))["children"] for one in row]

    verified = run("verify", "--workspace", workspace)
    assert verified.code == 0, verified.err
    assert verified.out.splitlines()[-1] == "1 child erased."
    (stone,) = (workspace / "erased").glob("*.json")
    told = json.loads(stone.read_text())
    assert (told["finished"], told["role"], told["why"]) == (True, "Data protection officer", "asked for")
    assert told["rows"]["ledger"] == 2
    assert {f"nights/{FIRST}", f"nights/{NIGHT}", "recall", "history/ssd_person"} < set(told["rows"])

    shown = read_night(workspace / "nights" / NIGHT)
    assert shown.erased_on == date.today()
    assert "a child was erased" in (workspace / "nights" / NIGHT / "list.html").read_text()
    listed = shown.families.filter(pl.col("children").list.contains(others[0])).row(0, named=True)
    assert (listed["children"], listed["standing"]) == (others, stood)
    of_others = shown.cases.filter(pl.col("person_id").is_in(others))
    assert listed["chance"] == of_others["chance"].max()

    again = run("erase", "--workspace", workspace, "--child", child, *WORDS)
    assert again.code == 0, again.err
    assert "was erased on" in again.out

    night(run, trained.second, trained, workspace)
    assert find_in_files(workspace, child) == []
    record = json.loads((workspace / "nights" / NIGHT / "run.json").read_text())
    people = record["tables"]["ssd_person"]
    assert people["set_aside"]["erased"] == 1
    assert people["received"] == people["accepted"] + sum(people["set_aside"].values()) + people["duplicates"]
    assert child not in read_archive(Workspace(workspace)).table("ssd_person")["pers_person_id"]
    assert run("verify", "--workspace", workspace).code == 0


@pytest.mark.proof
def test_a_child_that_asked_is_not_scored_and_stands_apart(run: Run, trained: Any, workspace: Path) -> None:
    first = night(run, trained.first, trained, workspace)
    family = name_giver(first)
    child, brother = family["children"][0], family["children"][1]
    done = run("opt-out", "--workspace", workspace, "--child", child, *WORDS)
    assert (done.code, done.out) == (0, "From the next night on this child is not scored.\n"), done.err
    folder = night(run, trained.second, trained, workspace)

    (case,) = pl.read_parquet(folder / "cases.parquet").filter(person_id=child).to_dicts()
    assert (case["abstained"], case["reason_for_abstaining"]) == (True, NOT_SCORED)
    told = ("chance", "chance_low", "chance_high", "chance_after_quiet_year", "out_of_date", "unlike_training")
    assert [case[name] for name in told] == [None] * len(told)
    for name in ("reasons", "reason_totals", "events"):
        assert child not in pl.read_parquet(folder / f"{name}.parquet")["person_id"], name
    shown = read_rows(verify_ledger(Workspace(workspace)).nights[-1]).filter(person_id=child)
    assert shown["chance"].to_list() == [None]
    record = json.loads((folder / "run.json").read_text())
    assert (record["asked_not_to_be_scored"], record["abstained"][NOT_SCORED]) == (1, 1)
    assert record["cohort"] == record["scored"] + sum(record["abstained"].values())
    page = (folder / "list.html").read_text()
    assert NOT_SCORED.capitalize() in page
    circumstances = read_night(folder).cases.filter(person_id=child)
    assert circumstances["stage"].to_list() != [None]  # statutory work goes on, and the rules of offers see it
    assert not pl.read_parquet(folder / "cases.parquet").filter(person_id=brother)["abstained"][0]

    taken_back = run("opt-out", "--workspace", workspace, "--child", child, *WORDS, "--withdraw")
    assert taken_back.code == 0, taken_back.err
    folder = night(run, trained.second, trained, workspace)
    assert pl.read_parquet(folder / "cases.parquet").filter(person_id=child)["chance"].null_count() == 0


@pytest.mark.proof
def test_what_happened_to_a_child_that_asked_moves_nobody(run: Run, trained: Any, workspace: Path) -> None:
    from flows.night import open_registry
    from flows.scoring import build, score
    from flows.settings import read_settings
    from validation.erased import Children

    model = open_registry(Workspace(trained.workspace), read_settings(trained.workspace)).champion()
    history = read_archive(Workspace(trained.workspace))
    day = history.extract_date
    folder = night(run, trained.first, trained, workspace)
    family = name_giver(folder)
    child = family["children"][0]
    asked = build(model, history, day, Children.of([child]))
    without = history.versions | {
        "ssd_contacts": history.table("ssd_contacts").filter(pl.col("cont_person_id") != child),
        "ssd_s47_enquiry": history.table("ssd_s47_enquiry").filter(pl.col("s47e_person_id") != child),
    }
    changed = build(model, type(history)(without, history.window_start, day), day, Children.of([child]))
    assert score(model, asked).equals(score(model, changed))
    ordinary = score(model, build(model, history, day))
    assert score(model, asked).filter(person_id=child)["chance"].to_list() == [None]
    assert ordinary.filter(person_id=child)["chance"].null_count() == 0
    assert score(model, asked)["family_id"].equals(ordinary["family_id"])


@pytest.mark.proof
def test_a_family_is_told_of_its_child_and_of_nobody_else(run: Run, two_nights: Path, tmp_path: Path) -> None:
    family = name_giver(two_nights / "nights" / FIRST)
    child, others = family["family_id"], [one for one in family["children"] if one != family["family_id"]]
    out = tmp_path / "page.html"
    done = run("notice", "--workspace", two_nights, "--child", child, "--out", out)
    assert done.code == 0, done.err
    page = out.read_text()
    assert "What we hold about your child" in page
    assert "22 to 23 November 2026" in page or "23 November 2026" in page
    assert "Decided by: Social worker." in page
    assert "Approved by: test" in page
    assert not any(one[:8] in page for one in others)
    inside = run("notice", "--workspace", two_nights, "--child", child, "--out", two_nights / "page.html")
    assert inside.code == 10
    unknown = run("notice", "--workspace", two_nights, "--child", "0" * 32, "--out", out)
    assert unknown.code == 10
    assert "0" * 32 not in unknown.err


@pytest.mark.proof
def test_training_learns_nothing_from_a_child_that_asked(trained: Any, run: Run, workspace: Path) -> None:
    from flows.training import build_training_data

    before = build_training_data(Workspace(workspace), "new_referral_within_12_months")
    child = before.frame["person_id"].value_counts(sort=True)["person_id"][0]
    rows = before.frame.filter(person_id=child).height
    assert run("opt-out", "--workspace", workspace, "--child", child, *WORDS).code == 0
    after = build_training_data(Workspace(workspace), "new_referral_within_12_months")
    assert child not in after.frame["person_id"]
    assert after.frame.height == before.frame.height - rows
    assert after.counts["asked not to be scored"] >= rows
    left_out = sum(n for name, n in after.counts.items() if name not in ("cohort", "families"))
    assert left_out == after.counts["cohort"] == before.counts["cohort"]


@pytest.mark.proof
def test_a_correction_replays_the_score_and_is_logged(run: Run, trained: Any, workspace: Path, tmp_path: Path) -> None:
    folder = night(run, trained.first, trained, workspace)
    child = name_giver(folder)["children"][0]
    ask = ("replay", "--workspace", workspace, "--child", child, "--as-of", FIRST, *WORDS, "--registry", trained.registry)
    (shown,) = pl.read_parquet(folder / "cases.parquet").filter(person_id=child)["chance"]
    same = run(*ask)
    assert same.code == 0, same.err
    assert f"({shown:.1%}). No record of this child was put right since: it would have said" in same.out
    # The next vintage takes all contacts of the child back, and says of its referral that it came from somebody else.
    for name, person, change in (
        ("ssd_contacts", "cont_person_id", pl.lit("withdrawn")),
        ("ssd_cin_episodes", "cine_person_id", pl.lit("changed")),
    ):
        versions = pl.read_parquet(workspace / "history" / name / f"{FIRST}.parquet").filter(pl.col(person) == child)
        versions = versions.with_columns(change=change)
        if name == "ssd_cin_episodes":
            versions = versions.with_columns(cine_referral_source_code=pl.lit("9"))
        write_private(workspace / "history" / name / f"{NIGHT}.parquet", versions.write_parquet)
    shutil.copy(workspace / "history" / "manifests" / f"{FIRST}.json", tmp_path / "manifest.json")
    manifest = json.loads((tmp_path / "manifest.json").read_text()) | {"extract_date": NIGHT}
    (workspace / "history" / "manifests" / f"{NIGHT}.json").write_text(json.dumps(manifest))
    again = run(*ask)
    assert again.code == 0, again.err
    first, last = ((json.loads(line)) for line in (workspace / "replays.jsonl").read_text().splitlines())
    assert first["now"] == pytest.approx(first["shown"]) == pytest.approx(shown)
    assert last["changed"]["ssd_cin_episodes"] >= 1
    assert last["now"] != pytest.approx(shown)
    assert child not in (workspace / "replays.jsonl").read_text()
    out = tmp_path / "page.html"
    assert run("notice", "--workspace", workspace, "--child", child, "--out", out).code == 0
    assert "we worked out the chance of 22 November 2026 again" in out.read_text()
