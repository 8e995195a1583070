"""Influence fades: after its window of quiet days no feature knows of any event, and the report says how fast and from whom."""

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl
import pytest

from features.catalogue import BY_NAME, CATALOGUE
from features.cohort import as_dates, find_cohort
from features.definition import Feature
from features.examples.catalogue import EXAMPLES
from features.facts import Facts, gather_facts
from features.influence import (
    FROM_SIBLINGS,
    LASTING,
    WHOLE,
    Influence,
    after_quiet_days,
    as_it_stood,
    forgotten_after,
    measure_influence,
)
from features.matrix import build_matrix
from tests.generative.worlds import AS_OF, a_world, archived, seeded
from tests.spec.drawing import dates, nights, one_load, words
from validation.history import Archive

TODAY = date(2024, 11, 25)
FADING = [feature for feature in CATALOGUE if forgotten_after(feature) is not None]
WINDOWS = sorted({within for feature in FADING if (within := forgotten_after(feature))})


def histories() -> Iterator[tuple[Archive, date]]:
    """Every drawn example on its days, and worlds with rows that are told late, corrected, withdrawn or still to come."""
    for example in EXAMPLES:
        drawn = [column for column in words(example.values).columns if column[0].isdigit()]
        yield from ((one_load("2025-01-31", **example.tables), day) for day in dates(*drawn or [TODAY.isoformat()]))
    yield from ((archived(a_world(seeded(seed))), TODAY) for seed in range(4))


def says_something(facts: Facts, cohort: pl.DataFrame, quiet: int, asked: list[Feature]) -> set[str]:
    """Features that say something of some case once so many days have passed without anything new."""
    found = after_quiet_days(facts, cohort, asked, quiet).sum()
    return {name for name in found.columns if found[name][0]}


def test_after_its_window_of_quiet_days_no_feature_has_an_event_left() -> None:
    """Every registered feature, but those about the case and who is on record; each had something to forget."""
    forgot: set[str] = set()
    for archive, day in histories():
        facts = gather_facts(as_it_stood(archive, day))
        cohort = find_cohort(facts, as_dates([day]), facts.migrations(as_dates([day])))
        forgot |= says_something(facts, cohort, 0, FADING)
        for within in WINDOWS:
            asked = [feature for feature in FADING if forgotten_after(feature) == within]
            assert says_something(facts, cohort, within, asked) == set(), f"after {within} days"
    assert {feature.name for feature in FADING} - forgot == set()


def test_what_does_not_fade_is_declared_and_says_how_the_case_stands_or_who_is_on_record() -> None:
    lasting = {feature.name: feature for feature in CATALOGUE if forgotten_after(feature) is None}
    assert lasting.keys() == {
        "days_open", "age_in_months", "without_birth_date", "siblings_known",
        *(f"referred_by_{who}" for who in ("police", "school", "health", "individual", "council")),
    }  # fmt: skip
    assert {measure.stream.source for feature in lasting.values() for measure in feature.measures} == set(LASTING)
    assert forgotten_after(BY_NAME["contacts_per_sibling_in_last_365_days"]) == 365  # and not as long as there are any


@pytest.mark.parametrize("seed", range(5))
def test_the_history_as_it_stood_shows_the_same_day_and_holds_nothing_later(seed: int) -> None:
    archive = archived(a_world(seeded(seed)))
    stood = as_it_stood(archive, TODAY)
    ours, theirs = (build_matrix(one, [TODAY], CATALOGUE).drop("group_id") for one in (archive, stood))
    assert ours.equals(theirs, null_equal=True)
    facts = gather_facts(stood)
    for name in facts.frames:
        if name.startswith("rows/"):
            latest = facts.read(name).select(pl.col(pl.Date).max()).row(0)
            assert all(day <= TODAY for day in latest if day is not None), name
    assert TODAY == AS_OF, "the worlds' dates lie around their own day"


# The measure, drawn.

HEADS = "person_id referral_date"
CASES = f"{HEADS}\nanna 2024-06-01\nbert 2024-06-01"


def measured(*names: str, **tables: str) -> dict[str, tuple[int, int | None, int | None]]:
    """Cases, half-life and the day on which all is gone, of the cases of 25 November 2024."""
    archive = one_load("2025-01-31", **({"ssd_cin_episodes": CASES} | tables))
    found = measure_influence(archive, TODAY, [BY_NAME[name] for name in names]).features
    return {row["feature"]: (row["cases"], row["half_life"], row["gone"]) for row in found.to_dicts()}


def test_a_count_halves_when_half_of_its_events_have_left_the_window() -> None:
    """Four contacts, 0, 25, 55 and 85 days ago: the last two leave 90 days after they happened, on the 6th and 36th day."""
    contacts = "person_id contact_date\nanna 2024-11-25\nanna 2024-10-31\nbert 2024-10-01\nbert 2024-09-01"
    found = measured("contacts_in_last_90_days", "days_since_last_contact", "days_open", ssd_contacts=contacts)
    assert found == {
        "contacts_in_last_90_days": (2, 60, 90),  # measured every 30 days: two of four are left on the 36th
        "days_since_last_contact": (2, 690, 730),  # bert's last leaves on the 675th
        "days_open": (2, None, None),
    }


def test_what_no_case_has_has_no_half_life() -> None:
    assert measured("contacts_in_last_90_days") == {"contacts_in_last_90_days": (0, None, None)}


def test_what_lay_ahead_or_was_told_later_never_comes() -> None:
    """A contact planned for December, one told in December, a spell that ended in December: quiet is quiet."""
    archive = nights(
        ("2024-11-25", {
            "ssd_cin_episodes": CASES,
            "ssd_contacts": "contact_id person_id contact_date\nk1 anna 2024-12-01",
            "ssd_early_help_episodes": "person_id episode_start_date episode_end_date\nanna 2024-11-01 2024-12-02",
        }),
        ("2024-12-20", {"ssd_contacts": "contact_id person_id contact_date\nk1 anna 2024-12-01\nk2 bert 2024-11-01"}),
    )  # fmt: skip
    asked = [BY_NAME[name] for name in ("contacts_in_last_730_days", "early_help_open_now", "days_since_early_help_ended")]
    found = measure_influence(archive, TODAY, asked).features
    assert found.select("feature", "cases", "gone").rows() == [
        ("contacts_in_last_730_days", 0, None),
        ("early_help_open_now", 1, 720),  # not on the day of its end, which nobody knew: 730 days after it began
        ("days_since_early_help_ended", 0, None),
    ]


SIBLINGS = {
    "ssd_family": "family_id person_id\nf1 anna\nf1 bert\nf2 cara",
    "ssd_cin_episodes": f"{HEADS}\nanna 2024-06-01\nbert 2024-06-01\ncara 2024-06-01",
    "ssd_contacts": "person_id contact_date\nanna 2024-11-25\ncara 2024-11-25",
}


def test_the_share_of_brothers_and_sisters_is_told_in_columns_values_and_cases() -> None:
    """Cara has none: her contacts less those of nobody are her own, and not counted as coming from others."""
    names = ("contacts_in_last_90_days", "sibling_contacts_in_last_365_days", "contacts_less_those_of_siblings_in_last_365_days")
    found = measure_influence(one_load("2025-01-31", **SIBLINGS), TODAY, [BY_NAME[name] for name in names])
    assert {row["part"]: (row["columns"], row["values"], row["cases"]) for row in found.parts.to_dicts()} == {
        "contacts": (1, 2, 2),  # of anna and cara
        "brothers and sisters": (2, 4, 3),  # bert's one, and three differences
        FROM_SIBLINGS: (2, 2, 1),
        WHOLE: (3, 6, 3),
    }
    left = {row["day"]: (row["own"], row["of_siblings"]) for row in found.left.to_dicts()}
    assert (left[0], left[60], left[90], left[360], left[365]) == ((2, 4), (2, 4), (0, 4), (0, 4), (0, 0))


def test_of_no_open_case_there_is_nothing_to_say() -> None:
    found = measure_influence(one_load("2025-01-31", **SIBLINGS), date(2020, 1, 1), CATALOGUE)
    assert isinstance(found, Influence)
    assert (found.cases, found.features["cases"].sum(), found.parts["values"].sum()) == (0, 0, 0)


# A known half-life, recovered.


@pytest.mark.parametrize(("name", "half_life"), [("contacts_in_last_365_days", 210), ("contacts_in_last_730_days", 390)])
def test_the_half_life_of_contacts_spread_evenly_is_half_of_the_window(name: str, half_life: int) -> None:
    """A contact on every day of two years: half of the last year's have gone after 182.5 days, measured every 30."""
    cases = "\n".join((HEADS, *(f"child{at} 2024-11-01" for at in range(20))))
    days = [TODAY - timedelta(days=at) for at in range(730)]
    contacts = "\n".join(("person_id contact_date", *(f"child{at % 20} {day}" for at, day in enumerate(days))))
    assert measured(name, ssd_cin_episodes=cases, ssd_contacts=contacts)[name][1] == half_life
