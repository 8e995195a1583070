"""``rereferral synthesise``: every form written and read back, nights, faults, the truth folder, the check, and refusals."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
import pytest

from flows.census_tables import CENSUS_TABLES
from flows.commands.invention import last_march
from flows.forms import File, Form
from flows.request import Request, fault_counts
from flows.sources.folder import read_folder
from flows.sources.reading import read_source
from flows.synthesis import synthesise
from tests.command_line import Done, run_command
from validation.conforming import conform
from validation.errors import SettingsError
from validation.extract import ExtractRule
from validation.returns.published import read_return
from validation.synthetic import figures
from validation.synthetic.habits import CLEAN
from validation.synthetic.plants import plants
from validation.tables.catalogue import TABLES

END = date(2026, 3, 31)
SMALL = Request(END, residents=500, years=3, seed=5)
TRUTH = {"truth_dates": 2, "copies": 4}
Run = Callable[..., Done]


def contents(folder: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return partial(run_command, monkeypatch, capsys, "synthesise")


@pytest.fixture(scope="module")
def with_truth(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with faults on the last of two nights, and its truth."""
    root = tmp_path_factory.mktemp("true")
    faults = {"nfa-missing": 2, "contact-of-unknown-child": 3}
    request = replace(SMALL, out=root / "out", truth=root / "truth", nights=2, faults=faults, residents=1_000, **TRUTH)
    synthesise(request)
    return root / "out", root / "truth"


@pytest.mark.parametrize("form", Form)
def test_each_form_can_be_read_back_and_the_same_request_gives_the_same_bytes(tmp_path: Path, form: Form) -> None:
    one, again = (synthesise(replace(SMALL, out=tmp_path / name, form=form)).paths for name in ("one", "again"))
    assert contents(tmp_path / "one") == contents(tmp_path / "again")
    assert [path.name for path in again] == [path.name.replace("one", "again") for path in one]
    assert all(path.stat().st_mode & 0o777 in (0o600, 0o700) for path in [tmp_path / "one", *(tmp_path / "one").rglob("*")])
    if form is Form.ANNEX_A:
        assert fastexcel.read_excel(one[0]).load_sheet("List 1").to_polars().height > 0
        return
    extract = read_source(str(tmp_path / "one"))
    assert (extract.manifest.extract_date, extract.manifest.origin) == (END, "invented")
    assert extract.tables["ssd_cin_episodes"].height > 50
    expected = set(TABLES) if form is Form.SSD else {"ssd_person", "ssd_cin_episodes", "ssd_cin_plans"}
    assert expected <= set(extract.tables)


def test_another_seed_gives_other_bytes(tmp_path: Path) -> None:
    for seed in (1, 2):
        synthesise(replace(SMALL, out=tmp_path / str(seed), seed=seed))
    assert contents(tmp_path / "1") != contents(tmp_path / "2")


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    for file in File:
        synthesise(replace(SMALL, out=tmp_path / file, file=file))
    assert {path.suffix for path in (tmp_path / "csv").iterdir()} == {".csv", ".json"}
    plain, text = (read_folder(tmp_path / file).tables for file in File)
    assert plain["ssd_cin_episodes"].height > 50
    for name, table in TABLES.items():
        one, other = conform(table, plain[name]), conform(table, text[name])
        assert one.frame.equals(other.frame), name
        assert not any(other.unreadable.values()), name


def test_a_folder_of_the_tables_of_a_census(tmp_path: Path) -> None:
    synthesise(replace(SMALL, out=tmp_path / "out", census_tables=True))
    tables = read_folder(tmp_path / "out").tables
    assert {name: tuple(frame.columns) for name, frame in tables.items()} == CENSUS_TABLES
    assert set(tables["ssd_person"]["pers_person_id"]) == set(tables["ssd_cin_episodes"]["cine_person_id"])


def test_a_census_has_the_years_that_have_ended(tmp_path: Path) -> None:
    request = replace(SMALL, out=tmp_path / "out", form=Form.CENSUS, end=date(2026, 3, 30), years=2)
    assert [path.name for path in synthesise(request).paths] == ["cin_2024.xml", "cin_2025.xml"]
    assert (request.start, request.last) == (date(2023, 4, 1), date(2025, 3, 31))


def test_ordinary_habits_leave_slips_and_clean_ones_none(tmp_path: Path) -> None:
    for name, habits in (("ordinary", SMALL.habits), ("clean", CLEAN)):
        request = replace(SMALL, out=tmp_path / name, truth=tmp_path / f"{name} truth", habits=habits, **TRUTH)
        synthesise(request)
    slips = {name: pl.read_parquet(tmp_path / f"{name} truth" / "slips.parquet") for name in ("ordinary", "clean")}
    assert slips["clean"].is_empty()
    assert {"corrections", "undated_closings"} & set(slips["ordinary"]["habit"])


def test_nights_are_the_extracts_of_days_that_follow_each_other(with_truth: tuple[Path, Path]) -> None:
    out, _ = with_truth
    assert sorted(path.name for path in out.iterdir()) == ["2026-03-30", "2026-03-31"]
    first, second = (read_folder(out / name) for name in ("2026-03-30", "2026-03-31"))
    assert (first.manifest.extract_date, second.manifest.extract_date) == (END - timedelta(days=1), END)
    assert (first.manifest.window_start, second.manifest.window_start) == (date(2023, 3, 31), date(2023, 4, 1))
    known = first.tables["ssd_cin_episodes"]["cine_referral_id"]
    assert second.tables["ssd_cin_episodes"]["cine_referral_id"].is_in(known.implode()).mean() > 0.95


def test_faults_are_on_the_last_night_alone_and_labelled_in_the_truth(with_truth: tuple[Path, Path]) -> None:
    out, truth = with_truth
    labels = pl.read_parquet(truth / "faults.parquet").filter(pl.col("action") != "orphan")
    assert dict(labels.group_by("fault").len().iter_rows()) == {"nfa-missing": 2, "contact-of-unknown-child": 3}
    faulty = read_folder(out / "2026-03-31").tables["ssd_cin_episodes"].filter(pl.col("cine_referral_nfa").is_null())
    assert set(faulty["cine_referral_id"]) == set(labels.filter(pl.col("fault") == "nfa-missing")["key"])
    assert read_folder(out / "2026-03-30").tables["ssd_cin_episodes"]["cine_referral_nfa"].null_count() == 0


def test_the_truth_folder_is_private_complete_and_about_what_was_written(with_truth: tuple[Path, Path]) -> None:
    out, truth = with_truth
    names = {"README.txt", "chances.parquet", "effects.json", "faults.parquet", "slips.parquet"}
    assert {path.name for path in truth.iterdir()} == names
    assert truth.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in truth.iterdir()} == {0o600}
    assert "never be given to a model" in (truth / "README.txt").read_text()
    chances = pl.read_parquet(truth / "chances.parquet")
    mature = END - timedelta(days=393)
    assert sorted(chances["as_of"].unique()) == [mature - timedelta(days=28), mature, END]
    assert chances.select(pl.col("chance").is_between(0, 1).all()).item()
    assert chances.select("as_of", "person_id", "referral_id").is_duplicated().sum() == 0
    still_open = read_folder(out / "2026-03-31").tables["ssd_cin_episodes"]
    today = chances.filter(pl.col("as_of") == END)
    assert today["referral_id"].is_in(still_open["cine_referral_id"].implode()).mean() > 0.9


def test_the_truth_changes_nothing_of_what_is_written(tmp_path: Path) -> None:
    synthesise(replace(SMALL, out=tmp_path / "alone"))
    made = synthesise(replace(SMALL, out=tmp_path / "out", truth=tmp_path / "truth", **TRUTH))
    again = synthesise(replace(SMALL, out=tmp_path / "twice", truth=tmp_path / "truth again", **TRUTH))
    assert contents(tmp_path / "alone") == contents(tmp_path / "out") == contents(tmp_path / "twice")
    assert contents(tmp_path / "truth") == contents(tmp_path / "truth again")
    assert made.chances is not None
    assert again.chances is not None
    assert made.chances.equals(again.chances)


def test_what_is_planted_is_in_the_effects(tmp_path: Path) -> None:
    planted = plants(["over-referral=white:1.5", "nfa-abolished=2025-01-01"])
    synthesise(replace(SMALL, out=tmp_path / "out", truth=tmp_path / "truth", plants=planted, **TRUTH))
    text = (tmp_path / "truth" / "effects.json").read_text()
    assert json.loads(text)
    assert "white" in text
    assert "2025-01-01" in text


def published_but(monkeypatch: pytest.MonkeyPatch, **shift: float) -> None:
    """Published figures that are those of the small authority, but for what is ``shift``ed."""
    made = synthesise(replace(SMALL, check=True)).figures
    assert made is not None
    found = pl.col("nel").is_not_null() & pl.col("simulated").is_not_null()
    told = figures.published().join(made.select("group", "figure", "simulated"), on=["group", "figure"], how="left")
    moved = pl.col("simulated") + sum(
        (pl.when(pl.col("figure") == name).then(by).otherwise(0.0) for name, by in shift.items()), start=pl.lit(0.0)
    )
    told = told.with_columns(nel=pl.when(found).then(moved)).drop("simulated")
    monkeypatch.setattr(figures, "published", lambda: told)


def test_check_prints_the_table_and_leaves_with_0_when_every_figure_is_inside(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    published_but(monkeypatch)
    code, out, err = run("--check", "--end", END, "--children", 500, "--years", 3, "--seed", 5)
    assert (code, err) == (0, "")
    assert "Referrals and re-referrals" in out
    assert " 0 OUT" in out


def test_check_leaves_with_18_and_names_what_is_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    published_but(monkeypatch, Police=60.0)
    code, out, err = run("--check", "--end", END, "--children", 500, "--years", 3, "--seed", 5)
    assert code == 18
    assert " 1 OUT" in out
    assert err.startswith("rereferral: 1 of ")
    assert "'Source of referral: Police'" in err
    assert "'nel'" in err


def test_the_command_writes_the_truth_and_prints_base_rates(run: Run, tmp_path: Path) -> None:
    code, out, err = run(
        "--out", tmp_path / "out", "--truth", tmp_path / "truth", "--end", END, "--children", 500, "--years", 3, "--copies", 4,
        "--truth-dates", 2, "--plant", "under-recording=girls:0.3", "--plant", "threshold=2025-01-01:1.2",
        "--fault", "nfa-missing=1", "--migration", "2025-06-02", "--habits", "clean", "--profile", "england",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [str(tmp_path / "out"), str(tmp_path / "truth")]
    assert "AUC" in out or "auc" in out
    assert pl.read_parquet(tmp_path / "truth" / "faults.parquet").height >= 1
    assert set(pl.read_parquet(tmp_path / "truth" / "slips.parquet")["habit"]) == {"migration"}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["authority"] == "Invented authority (england)"


@pytest.mark.parametrize(
    ("today", "end"),
    [(date(2026, 3, 31), date(2026, 3, 31)), (date(2026, 3, 30), date(2025, 3, 31)), (date(2026, 11, 24), date(2026, 3, 31))],
)
def test_without_a_last_day_it_is_the_31_march_just_gone(today: date, end: date) -> None:
    assert last_march(today) == end


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"profile": "atlantis"}, "'atlantis' is unknown"),
        ({"residents": 3}, "'--children' is 3; allowed are 500"),
        ({"years": 0}, "'--years' is 0"),
        ({"nights": 400}, "'--nights' is 400"),
        ({"form": Form.CENSUS, "years": 15}, "before the census of 2017"),
        ({"form": Form.CENSUS, "nights": 2}, "'--nights' goes with the form 'ssd' only, and '--form' is 'census'"),
        ({"form": Form.MOSAIC, "file": File.CSV}, "'--file csv' goes with the form 'ssd' only"),
        ({"form": Form.ANNEX_A, "census_tables": True}, "'--census-tables' goes with the form 'ssd' only"),
        ({"form": Form.ECLIPSE, "faults": {"nfa-missing": 1}}, "'--fault' goes with the form 'ssd' only"),
        ({"faults": {"nfa-missing": 1}}, "'--fault' needs '--truth'"),
        ({"out": None}, "There is nothing to do"),
        ({"out": None, "check": True, "truth": "truth"}, "'--truth' goes with '--out'"),
        ({"residents": 2_000_000, "nights": 2}, "above 1000000 only one extract"),
        ({"residents": 2_000_000, "file": File.CSV}, "above 1000000 only one extract"),
        ({"truth": "out/truth"}, "lie one in the other"),
        ({"truth": "out"}, "lie one in the other"),
        ({"truth": "."}, "lie one in the other"),
        ({"truth": "workspace/truth"}, "inside the workspace 'workspace'"),
        ({"truth": "full"}, "not empty"),
        ({"out": "full"}, "not empty"),
        ({"out": "full/held"}, "not empty"),
        ({"truth": "truth", "years": 1}, "'--truth-dates' of 13 reach back to 2024-"),
        ({"plants": plants(["new-team=2026-04-01:2"])}, "begins on 2026-04-01 comes after the last day, 2026-03-31"),
        ({"plants": plants(["nfa-abolished=2027-01-01"])}, "begins on 2027-01-01"),
        ({"habits": replace(CLEAN, migration=date(2022, 1, 1))}, "'--migration' is 2022-01-01; allowed is a day from 2023-04-01"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    for folder, file in (("full", "held"), ("workspace", "mlflow.db")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text("something")
    places = {name: tmp_path / changes[name] for name in ("out", "truth") if changes.get(name) is not None}
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SettingsError, match=words):
        synthesise(replace(SMALL, **{"out": tmp_path / "out", **changes, **places}))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("text", ["nfa-missing", "nfa-missing=", "nfa-missing=-1", "nfa-missing=few"])
def test_a_fault_without_a_number_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="write KIND=COUNT"):
        fault_counts([text])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--plant", "rain=2"), "'rain' cannot be planted. Allowed are over-referral"),
        (("--fault", "rain=2", "--truth", "truth"), "Fault 'rain' is unknown. Allowed are"),
        (("--rule", "some"), "'--rule' is 'some'"),
    ],
)
def test_the_command_refuses_with_10_and_a_sentence(run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    paths = [str(tmp_path / one) if one == "truth" else one for one in arguments]
    code, _, err = run("--out", tmp_path / "out", "--end", END, "--children", 500, "--copies", 2, *paths)
    assert code == 10
    assert err.startswith("rereferral: ")
    assert words in err
    assert list(tmp_path.iterdir()) == []


def test_a_large_authority_is_written_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Request, Path]] = []
    monkeypatch.setattr("flows.synthesis.write_parts", lambda request, folder: asked.append((request, folder)))
    request = replace(SMALL, residents=12_180_000, out=tmp_path / "england")
    assert synthesise(request).paths == [tmp_path / "england"]
    assert asked == [(request, tmp_path / "england")]
    synthesise(replace(SMALL, out=tmp_path / "small"))
    assert len(asked) == 1


def test_rule_reaches_the_manifest(tmp_path: Path) -> None:
    synthesise(replace(SMALL, out=tmp_path / "out", rule=ExtractRule.OVERLAPPING))
    assert read_folder(tmp_path / "out").manifest.extract_rule is ExtractRule.OVERLAPPING


def test_the_return_is_of_every_census_year_that_is_known_with_the_year_before(tmp_path: Path) -> None:
    made = synthesise(replace(SMALL, out=tmp_path / "ssd", returns=tmp_path / "return.csv"))
    assert made.paths == [tmp_path / "ssd", tmp_path / "return.csv"]
    published = read_return((tmp_path / "return.csv").read_bytes(), "return.csv")
    assert published["year"].unique().sort().to_list() == SMALL.census_years == [2025, 2026]
    assert published.filter(measure="referrals", breakdown="all")["published"].min() > 0
    assert (tmp_path / "return.csv").stat().st_mode & 0o777 == 0o600


def test_a_return_needs_two_whole_years_and_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "return.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"return\.csv' exists already"):
        synthesise(replace(SMALL, out=tmp_path / "ssd", returns=tmp_path / "return.csv"))
    with pytest.raises(SettingsError, match="'--returns' goes with '--out' and needs two whole census years"):
        synthesise(replace(SMALL, years=1, out=tmp_path / "ssd", returns=tmp_path / "other.csv"))
    assert not (tmp_path / "ssd").exists()
