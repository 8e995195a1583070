"""The same features whichever way they are read: by totals or directly, whole or in parts, for many dates or for one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

import features.cohort
from features.catalogue import CATALOGUE
from features.cohort import as_dates, find_cohort
from features.facts import Facts, gather_facts
from features.matrix import matrix_from
from features.migrations import Migrations
from features.odd_rows import Group, OddRows
from features.plan import grouped, read_features
from features.stream import OF_CASES, Source
from flows.index import scan_facts, write_facts, write_matrix
from tests.generative.reference_rows import Night, Row
from tests.generative.worlds import AS_OF, DATES, Town, a_town, randoms, seeded, side_by_side, vintages_of
from validation.history import build_archive

ASKED = as_dates(DATES)


def tidy(night: Night) -> Night:
    """The night without merged records, overlapping cases, or answers before their question: as a first load mostly is."""
    episodes: dict[str, list[Row]] = {}
    for row in sorted(night.tables["ssd_cin_episodes"], key=lambda row: row["cine_referral_date"]):
        before = episodes.setdefault(row["cine_person_id"], [])
        apart = not before or (before[-1]["cine_close_date"] or date.max) < row["cine_referral_date"]
        before += [row | {"cine_referral_nfa": False}] if apart else []
    offers = [row | {"offe_answered_date": None, "offe_held_date": None} for row in night.tables.get("ext_offers", [])]
    better = {
        "ssd_cin_episodes": [row for rows in episodes.values() for row in rows],
        "ext_person_links": [],
        "ext_offers": offers,
    }
    return replace(night, tables=night.tables | better)


def a_tidy_town(random: Random, sizes: Sequence[int] = (1, 6, 10)) -> Town:
    """Worlds of a single load each, in which little was known otherwise."""
    return [[tidy(night) for night in nights] for nights in a_town(random, nights=1, sizes=sizes)]


def every_place(odd: OddRows, _group: Group) -> pl.Series:
    return pl.int_range(odd.rows.height, eager=True)


def everybody(facts: Facts, dates: pl.DataFrame, _migrations: Migrations) -> pl.DataFrame:
    return facts.read("children").select("child").join(dates, how="cross")


@given(random=randoms)
def test_the_ordinary_way_gives_what_the_direct_way_gives(random: Random) -> None:
    facts = gather_facts(side_by_side(random.choice((a_town, a_tidy_town))(random)))
    found = matrix_from(facts, DATES, CATALOGUE)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(OddRows, "places", every_place)
        patched.setattr(features.cohort, "_odd_children", everybody)
        directly = matrix_from(facts, DATES, CATALOGUE)
    assert_frame_equal(found, directly, check_exact=False, rel_tol=1e-5, abs_tol=0)


def test_what_is_tidy_is_read_the_ordinary_way() -> None:
    """Else the two ways would be one. Of the worlds as they come, some rows of each group are read either way."""
    tidily, densely = (_odd_shares(make(seeded(3), sizes=(25,))) for make in (a_tidy_town, a_town))
    of_cases = {name: share for name, share in tidily.items() if name[0].source in OF_CASES}
    assert of_cases
    assert max(of_cases.values()) < 0.3
    assert {share for name, share in tidily.items() if name not in of_cases} == {0}
    assert all(0.1 < share < 0.99 for share in densely.values())


def _odd_shares(town: Town) -> Mapping[Group, float]:
    """For each group of measures, the share of the cohort's rows that are read the direct way."""
    facts = gather_facts(side_by_side(town))
    migrations = facts.migrations(ASKED)
    groups = facts["children"].select("child", "group").collect()
    rows = find_cohort(facts, ASKED, migrations).join(groups, on="child", maintain_order="left").sort("child", "as_of")
    odd = OddRows(facts, rows, migrations)
    measures = {measure: measure.stream.name for feature in CATALOGUE for measure in feature.measures}
    read = [group for group in grouped(measures) if group[0].source is not Source.CASE]
    return {group: odd.places(group).len() / rows.height for group in read}


@settings(max_examples=settings().max_examples // 2)
@given(random=randoms)
def test_parts_give_the_same_bytes_and_split_no_family(random: Random, tmp_path: Path) -> None:
    """From disk too, as ``rereferral features`` writes a matrix."""
    facts = gather_facts(side_by_side(a_town(random, sizes=(1, 6))))
    write_facts(facts, tmp_path / "facts")
    parts = random.randint(2, 5)
    write_matrix(facts, DATES, CATALOGUE, tmp_path / "whole", 1)
    write_matrix(scan_facts(tmp_path / "facts"), DATES, CATALOGUE, tmp_path / "parts", parts)
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


@given(random=randoms)
def test_ranges_cover_all_children_and_split_no_family(random: Random) -> None:
    facts = gather_facts(side_by_side(a_town(random)))
    children = facts.read("children")
    for parts in range(1, 6):
        ranges = facts.ranges(parts)
        inside = [facts.between(first, last).read("children") for first, last in ranges]
        assert 1 <= len(ranges) <= parts
        assert pl.concat(inside).equals(children)
        assert sum(frame["group"].n_unique() for frame in inside) == children["group"].n_unique()


@given(random=randoms)
def test_few_children_on_one_date_get_what_all_get_on_many_dates(random: Random) -> None:
    """A night reads the facts of its children past those of all others."""
    facts = gather_facts(side_by_side(a_town(random, sizes=(6, 10))))
    migrations = facts.migrations(ASKED)
    everyones = read_features(facts, find_cohort(facts, ASKED, migrations), CATALOGUE, migrations)
    children = facts.read("children")["child"].to_list()
    chosen = pl.col("child").is_in(random.sample(children, len(children) // 3)) & (pl.col("as_of") == AS_OF)
    tonight = ASKED.filter(pl.col("as_of") == AS_OF)
    alone = facts.migrations(tonight)
    rows = find_cohort(facts, tonight, alone).filter(chosen)
    assert rows.height
    assert read_features(facts, rows, CATALOGUE, alone).drop("row").equals(everyones.filter(chosen).drop("row"))


@given(random=randoms)
def test_extracts_in_two_files_give_what_one_file_gives(random: Random) -> None:
    """The archive is the same, and features know nothing else."""
    for nights in a_town(random):
        whole, first = vintages_of(nights), nights[0].window_start
        halves = {name: [half for vintage in vintages for half in _halves(random, vintage)] for name, vintages in whole.items()}
        one, two = (build_archive(vintages, first, nights[-1].day) for vintages in (whole, halves))
        assert all(one.versions[name].equals(two.versions[name]) for name in whole)


def _halves(random: Random, vintage: tuple[date, pl.DataFrame]) -> list[tuple[date, pl.DataFrame]]:
    day, rows = vintage
    shuffled = rows.sample(fraction=1, shuffle=True, seed=random.randrange(1000))
    return [(day, shuffled.head(rows.height // 2)), (day, shuffled.slice(rows.height // 2))]
