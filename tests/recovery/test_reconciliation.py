"""The return of an invented council, counted from its census files child by child: the same figures, and planted mistakes."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest

from flows.census_return import count_return, write_return
from flows.census_xml import write_census
from tests.unit.recorded import faultless, true_history
from validation.extract import ExtractRule
from validation.returns.comparison import Coverage, Verdict, compare_return, count_verdicts, name_lines
from validation.returns.counting import count_measures
from validation.returns.published import read_return
from validation.synthetic.authority import simulate
from validation.synthetic.habits import ORDINARY
from validation.synthetic.profiles import ENGLAND
from validation.synthetic.recording import Records, extract, record, shown

Tables = dict[str, pl.DataFrame]
KEYS = ("measure", "breakdown", "value_code")
EPISODES, ASSESSMENTS = "ssd_cin_episodes", "ssd_cin_assessments"
LATER = date(2025, 11, 30)
WINDOW = date(2019, 12, 1)


def census_files(records: Records, folder: Path, year: int) -> dict[int, Path]:
    """The census files of a year and the one before, each as the system stood when councils send it, at the end of July."""
    files = {at: folder / f"cin_{at}.xml" for at in (year - 1, year)}
    for at, path in files.items():
        write_census(shown(records, date(at, 7, 31)), at, path)
    return files


@pytest.mark.parametrize("year", [2024, 2025])
def test_all_figures_are_those_that_a_clerk_counts_from_the_census_files(tmp_path: Path, year: int) -> None:
    counted = count_return(census_files(faultless(), tmp_path, year), year)
    ours = {tuple(line): number for *line, number in count_measures(true_history(), year).select(*KEYS, "count").iter_rows()}
    assert {line: number for line, number in ours.items() if number != counted[line]} == {}
    assert set(counted) <= set(ours)
    assert sum(number > 0 for number in ours.values()) > 120


@cache
def council() -> tuple[Tables, pl.DataFrame]:
    """A council with the ordinary habits of recording: its tables in November, and what was published of its July return."""
    records = record(simulate(ENGLAND, 20_000, date(2017, 4, 1), LATER, seed=11), ORDINARY, seed=11)
    with TemporaryDirectory() as folder:
        write_return(census_files(records, Path(folder), 2025), [2025], Path(folder) / "return.csv")
        published = read_return((Path(folder) / "return.csv").read_bytes(), "return.csv")
    whole = extract(records, profile="england", seed=11, extract_date=LATER, rule=ExtractRule.OVERLAPPING, window_start=WINDOW)
    return {name: frame.unique(maintain_order=True) for name, frame in whole.tables.items()}, published


def compare(change: Callable[[Tables], Mapping[str, pl.DataFrame]] = dict) -> pl.DataFrame:
    tables, published = council()
    coverage = Coverage(ExtractRule.OVERLAPPING, WINDOW, LATER, LATER)
    return compare_return({**tables, **change(tables)}, published, 2025, coverage)


def test_late_recording_and_corrections_stay_within_the_tolerance() -> None:
    counts = count_verdicts(compare())
    assert counts[Verdict.DIFFERS] == 0
    assert counts[Verdict.AGREES] > 120


def without_october(tables: Tables) -> Tables:
    kept = ~pl.col("cine_referral_date").is_between(date(2024, 10, 1), date(2024, 10, 31))
    return {EPISODES: tables[EPISODES].filter(kept)}


def assessments_twice(tables: Tables) -> Tables:
    again = tables[ASSESSMENTS].with_columns(pl.col("cina_assessment_id") + " again")
    return {ASSESSMENTS: pl.concat([tables[ASSESSMENTS], again.gather_every(8)])}


def nothing_without_action(tables: Tables) -> Tables:
    return {EPISODES: tables[EPISODES].with_columns(cine_referral_nfa=pl.lit(value=False))}


def never_ended(tables: Tables) -> Tables:
    plans = tables["ssd_cp_plans"]
    lost = pl.when(pl.int_range(pl.len()) % 3 > 0).then("cppl_cp_plan_end_date")
    return {"ssd_cp_plans": plans.with_columns(cppl_cp_plan_end_date=lost)}


@pytest.mark.parametrize(
    ("change", "named", "untouched"),
    [
        (without_october, {"referrals", "referrals/month/october", "episodes_of_need_started"}, {"assessments", "plans"}),
        (assessments_twice, {"assessments", "assessments/duration/up_to_45"}, {"referrals", "episodes_with_factors"}),
        (nothing_without_action, {"referrals_no_further_action", "episodes_of_need_started"}, {"referrals", "re_referrals"}),
        (never_ended, {"plans", "plans_31_march", "plans_ended"}, {"plans_started", "children_in_need_31_march"}),
    ],
)
def test_a_planted_mistake_is_found_and_named_and_nothing_beside_it(
    change: Callable[[Tables], Tables], named: set[str], untouched: set[str]
) -> None:
    compared = compare(change)
    assert named <= set(name_lines(compared, Verdict.DIFFERS))
    assert untouched <= set(name_lines(compared, Verdict.AGREES))


def test_a_small_published_count_is_hidden_and_not_the_only_one_of_its_table() -> None:
    _, published = council()
    assert published.filter(pl.col("published").is_between(1, 5)).is_empty()
    parts = (
        published.filter(pl.col("breakdown") != "all").group_by("measure", "breakdown").agg(hidden=(pl.col("sign") == "c").sum())
    )
    assert 1 not in parts.filter(pl.col("breakdown") != "factor")["hidden"].to_list()
