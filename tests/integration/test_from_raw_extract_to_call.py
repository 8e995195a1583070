"""From the raw extract to a worker's telephone call and back: what each file of docs/who-holds-what.md holds, and what not."""

import json
import re
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest

from flows.decisions import import_decisions
from flows.forms import Form
from flows.nightly import nightly
from flows.pseudonymising import identify_list, pseudonymise_source
from flows.publish.published import read_night
from flows.publish.workbook_rows import CASE_NUMBERS
from flows.request import Request
from flows.synthesis import synthesise
from models.places import Standing
from models.team_decisions import DECIDED
from tests.integration.conftest import NEXT_DAY, SEED, Trained
from tests.unit.workbook_example import Book
from validation.synthetic.habits import CLEAN

KEY = "0123456789abcdef0123456789abcdef"
NAMING = ("PERS_FORENAME", "PERS_SURNAME", "PERS_UPN", "PERS_SINGLE_UNIQUE_ID", "PERS_LEGACY_ID")
DECISION = ("Offered", "Fits what the family needs", "Social worker", NEXT_DAY.isoformat())


@dataclass(frozen=True)
class Council:
    """All that lies on the council's disks: ``raw``, what became of it, the workspace, and what the council keeps for itself."""

    root: Path
    registry: str

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def crosswalk(self) -> Path:
        return self.root / "council" / "crosswalk.parquet"

    @property
    def identified(self) -> Path:
        return self.root / "council" / "identified.xlsx"

    def night(self, days: int = 0) -> Path:
        return self.workspace / "nights" / (NEXT_DAY + timedelta(days)).isoformat()

    def spend_night(self, fit: str) -> None:
        """The raw files of the day become fit ones, and these a list."""
        key = self.root / "council" / "key"
        pseudonymise_source(str(self.root / "raw"), self.root / fit, key, self.crosswalk)
        nightly(source=str(self.root / fit), workspace=self.workspace, registry=self.registry)


@pytest.fixture(scope="module")
def council(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Council:
    """A case system's export has become a list, and the list an identified copy."""
    found = Council(tmp_path_factory.mktemp("council"), trained.registry)
    synthesise(Request(NEXT_DAY, found.root / "raw", residents=10_000, seed=SEED, habits=CLEAN, form=Form.SYSTEMC))
    (found.root / "council").mkdir()
    (found.root / "council" / "key").write_text(KEY)
    found.spend_night("fit")
    identify_list(found.night(), found.crosswalk, found.identified)
    return found


def read_children(council: Council) -> pl.DataFrame:
    return pl.read_csv(council.root / "raw" / "SSD_PERSON.csv", infer_schema=False, null_values="NULL")


def words_of(file: Path) -> set[str]:
    """Every word that a file holds, be it a table, a workbook or anything else."""
    if file.suffix == ".parquet":
        held = pl.read_parquet(file, glob=False)
        text = held.select(pl.col(pl.List(pl.String)).list.join(" "), cs.string(include_categorical=True)).write_csv()
    elif file.suffix == ".xlsx":
        with zipfile.ZipFile(file) as book:
            text = " ".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    else:
        text = file.read_bytes().decode("utf-8", "replace")
    return set(re.findall(r"\w+", text))


def files_with(words: set[str], folder: Path) -> set[str]:
    """The files in a folder that hold any of ``words``."""
    return {file.name for file in folder.rglob("*") if file.is_file() and words & words_of(file)}


def fill_in(identified: Path, night: Path) -> set[str]:
    """What a worker writes after the call, for two families with a place; their references."""
    list_, book = read_night(night), Book(identified.read_bytes())
    called = dict(list_.placed.head(2).select(pl.col("family_id").replace_strict(list_.references), "kind").iter_rows())
    for row in book.families[2:]:
        if kind := called.get(str(row[book.column("Family reference")])):
            answers = dict(zip(("Decision", "Reason", "Role", "Decided on"), DECISION, strict=True))
            for column, answer in (answers | {"Offer": list_.kind_words(kind)}).items():
                row[book.column(column)] = answer
    book.save(identified)
    return set(called)


def test_names_and_case_numbers_stay_where_the_council_keeps_them(council: Council) -> None:
    children = read_children(council)
    names, numbers = {name for column in NAMING for name in children[column].drop_nulls()}, set(children["PERS_PERSON_ID"])
    assert "SSD_PERSON.csv" in files_with(names, council.root / "raw")
    assert files_with(numbers, council.crosswalk.parent) == {"crosswalk.parquet", "identified.xlsx"}
    for place in (council.root / "fit", council.workspace):
        assert files_with(names | numbers, place) == set()
    assert not files_with(names, council.crosswalk.parent)


def test_the_identified_copy_tells_whom_to_ring(council: Council) -> None:
    known = dict(pl.read_parquet(council.crosswalk).filter(kind="ssd_person").select("pseudonym", "raw_id").iter_rows())
    families = pl.read_parquet(council.night() / "list.parquet").filter(standing=Standing.PLACE)
    children = {child[:8]: known[child] for row in families["children"] for child in row}
    book = Book(council.identified.read_bytes())
    numbers, reference = book.column(CASE_NUMBERS), book.column("Family reference")
    told = {row[reference]: set(str(row[numbers]).split("\n")) for row in book.families[2 : 2 + families.height]}
    assert told == {
        family[:8]: {children[child[:8]] for child in row} for family, row in families.select("family_id", "children").iter_rows()
    }


def test_a_decision_comes_back_without_its_case_number_and_the_next_list_knows(council: Council) -> None:
    called = fill_in(council.identified, council.night())
    told = import_decisions(council.workspace, council.identified, NEXT_DAY)
    assert told.startswith("2 decisions taken in for the list of 23 November 2026.")
    (entry,) = (council.workspace / "decisions").iterdir()
    logged = pl.read_parquet(entry)
    assert dict(logged.schema) == DECIDED
    assert {family[:8] for family in logged["family_id"]} == called
    assert files_with(set(read_children(council)["PERS_PERSON_ID"]), council.workspace) == set()

    manifest = council.root / "raw" / "manifest.json"  # the next day's export, in which nothing new has happened
    night = json.loads(manifest.read_text()) | {"extract_date": (NEXT_DAY + timedelta(1)).isoformat()}
    manifest.write_text(json.dumps(night))
    council.spend_night("fit of the next day")
    placed = pl.read_parquet(council.night(1) / "list.parquet").filter(standing=Standing.PLACE)
    assert placed.height
    assert not called & {family[:8] for family in placed["family_id"]}
    assert called <= words_of(council.night(1) / "list.html")
