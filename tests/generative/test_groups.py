"""The audit's groups of every row of the cohort, against plain Python."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from hypothesis import given

from features.cohort import build_cohort
from features.groups import FINER, GROUPS, read_groups
from tests.generative.reference import Reference
from tests.generative.reference_episodes import source_group
from tests.generative.reference_rows import Row
from tests.generative.worlds import DATES, Town, a_town, of_world, randoms, seeded, side_by_side, some_rows
from validation.codes import codes

FIFTHS = {code: entry.label for code, entry in codes("deprivation").items()}
AGES = [(0, "unborn or under 1"), (4, "1-4"), (9, "5-9"), (15, "10-15"), (17, "16-17")]


def groups_of(world: Reference, case: Row, window_start: date) -> dict[str, str]:
    """The groups of one row of the cohort."""
    as_of, own = case["as_of"], case["person_id"]
    records = sorted(world.records(own, as_of), key=lambda record: (record != own, record))
    people = [row for record in records for row in world.shown("ssd_person", [record], as_of)]
    disabilities = {row["disa_disability_code"] for row in world.shown("ssd_disability", records, as_of)} - {None}
    fifths = {row["depr_fifth"] for row in world.shown("ext_deprivation", records, as_of)} - {None}
    episodes = world.episodes(set(records), as_of)
    code = next(one["cine_referral_source_code"] for one in episodes if one["cine_referral_id"] == case["referral_id"])
    since = case["began_on"] - timedelta(days=729)
    known = any(since <= one["began_on"] < case["began_on"] for one in episodes)
    source = source_group(code) or "Unknown"
    return {
        "sex": first({"F": "female", "M": "male"}.get(row["pers_sex"]) for row in people) or "not known",
        "ethnicity": first(ethnic_group(row["pers_ethnicity"]) for row in people) or "not stated",
        "ethnic_background": first(ethnic_background(row["pers_ethnicity"]) for row in people) or "not stated",
        "disability": "yes" if disabilities - {"NONE"} else "no" if disabilities else "not recorded",
        "deprivation": FIFTHS.get(min(fifths, default="")) or "not known",
        "age_band": age_band(world, people, records, as_of),
        "source": "not known" if source == "Unknown" else source,
        "known_before": "known" if known else "first referral" if since >= window_start else "not known",
    }


def first(values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def ethnic_group(code: str | None) -> str | None:
    group = codes("ethnicity")[code].group if code in codes("ethnicity") else None
    return None if group == "Not known" else group


def ethnic_background(code: str | None) -> str | None:
    return codes("ethnicity")[code].label if ethnic_group(code) else None


def age_band(world: Reference, people: list[Row], records: list[str], as_of: date) -> str:
    births = [row["pers_dob"] for row in people if row["pers_dob"]] or [
        row["pers_expected_dob"] for row in people if row["pers_expected_dob"]
    ]
    later = [version.row["pers_dob"] for version in world.versions["ssd_person"] if version.row["pers_person_id"] in records]
    unborn = any(day is not None and day > as_of for day in later)
    if not births:
        return AGES[0][1] if unborn else "not known"
    born = max(births)
    years = as_of.year - born.year - (as_of.month < born.month)
    return next((name for oldest, name in AGES if years <= oldest), AGES[-1][1])


def with_what_no_feature_reads(random: Random, town: Town) -> Town:
    """The town with disabilities, and with the places where some of its children live."""
    return [
        [replace(night, tables=night.tables | {"ssd_disability": disabilities(random), "ext_deprivation": deprived(random)})
         for night in nights]
        for nights in town
    ]  # fmt: skip


def deprived(random: Random) -> list[Row]:
    rows = some_rows(random, "ext_deprivation", 4).values()
    return [row | {"depr_fifth": random.choice((*FIFTHS, None))} for row in rows]


def disabilities(random: Random) -> list[Row]:
    rows = some_rows(random, "ssd_disability", 4).values()
    return [row | {"disa_disability_code": random.choice(("NONE", "NONE", "LD", None))} for row in rows]


@given(random=randoms)
def test_groups_are_what_plain_python_makes_of_the_nights(random: Random, small_stock: int) -> None:
    town = with_what_no_feature_reads(random, a_town(random))
    archive = side_by_side(town)
    found = read_groups(archive, build_cohort(archive, DATES))
    named = [name for name in (*GROUPS, *FINER) if name in found.columns]
    for number, world in enumerate(Reference.of_town(town, small_stock)):
        expected = [groups_of(world, case, archive.window_start) for day in DATES for case in world.cohort(day)]
        assert of_world(found, number).select(named).to_dicts() == [{name: row[name] for name in named} for row in expected]


def test_worlds_reach_the_groups() -> None:
    """Nobody is 10 in them, and some window reaches far back; tests/spec has both."""
    archive = side_by_side(with_what_no_feature_reads(seeded(0), a_town(seeded(0), sizes=(40,))))
    found = read_groups(archive, build_cohort(archive, DATES))
    absent = {name: set(GROUPS[name].categories) - set(found[name]) for name in GROUPS if name != "source"}
    assert {name: groups for name, groups in absent.items() if groups} == {"age_band": {"10-15"}, "known_before": {"not known"}}
