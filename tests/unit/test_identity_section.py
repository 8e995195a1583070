"""Which run a page speaks of: hashes that anybody with the files can make again, and a number that is given later."""

import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from flows.publish.identity_section import tell_identity
from flows.record import ROOT, hash_code, versions
from tests.unit.record_example import facts

COMMAND = "find features flows models validation -type f ! -path '*/__pycache__/*' | LC_ALL=C sort | xargs sha256sum | sha256sum"
VINTAGES = {"ssd_person/2024-06-29": "a" * 64, "ssd_person/2024-06-30": "b" * 64, "ssd_contacts/2024-06-30": "c" * 64}


def lines(version: str = "") -> dict[str, str]:
    run = facts()
    run = replace(run, model=replace(run.model, version=version), lineage=dict(run.lineage) | {"vintages_sha256": VINTAGES})
    return dict(tell_identity(run, versions()).tables[0].rows)


def test_the_hash_of_the_program_is_that_of_the_command_in_the_documents() -> None:
    by_shell = subprocess.run(["bash", "-c", COMMAND], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()[0]
    assert hash_code(ROOT) == by_shell
    assert f"its files (SHA-256): {by_shell}" in lines()["Program"]
    assert COMMAND in (ROOT / "docs" / "fairness.md").read_text(encoding="utf-8")


def test_the_hash_of_the_program_changes_with_any_file_but_not_with_what_python_leaves(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        for path, text in (("flows/a.py", name[:1]), ("models/b.toml", ""), (f"flows/__pycache__/{name}.pyc", name)):
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text)
    one, two, three = (hash_code(tmp_path / name) for name in ("one", "two", "three"))
    assert two == three != one


def test_the_data_cut_stands_for_every_file_of_the_history() -> None:
    text = "".join(f"{VINTAGES[name]}  {name}\n" for name in sorted(VINTAGES))
    assert lines()["Data cut (SHA-256)"] == f"3 files of 2 extracts: {sha256(text.encode()).hexdigest()}"


def test_features_outcome_and_criteria_are_named_with_what_tells_them_apart() -> None:
    told, run = lines(), facts()
    names = "".join(f"{name}\n" for name in run.model.features)
    assert told["Features"] == f"7; the list of their names (SHA-256): {sha256(names.encode()).hexdigest()}"
    assert told["Outcome"] == "a new referral within 12 months (new_referral_within_12_months, version 1)"
    assert told["Criteria (SHA-256)"] == run.evaluation["criteria"]["sha256"]
    assert "invented; the extract of 30 June 2024, in a history that begins on 1 January 2019" in told["Records"]


def test_the_number_of_the_model_is_told_once_it_is_known() -> None:
    assert lines()["Model"] == (
        "Glass box. Its number is the name of the folder that holds this page: it is given when the model is registered."
    )
    assert lines("7")["Model"] == "Glass box. Version 7."
