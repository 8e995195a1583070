"""When a case gets no chance: each reason with a drawn case on either side of its limit."""

from datetime import date

import polars as pl
import pytest

from features.catalogue import BY_NAME
from models.abstention import (
    OUT_OF_DATE,
    THIN_HISTORY,
    TOO_WIDE,
    TURNS_ADULT,
    UNLIKE_TRAINING,
    explain_abstentions,
    find_out_of_date,
    find_stale,
    measure_support,
)
from models.model import Seen

AS_OF = date(2026, 11, 24)
CONTACTS, SCALE, SISTERS = "contacts_in_last_365_days", "latest_safety_scale", "sibling_contacts_in_last_365_days"
FEATURES = [BY_NAME[name] for name in (CONTACTS, SCALE, SISTERS)]
IMPORTANCES = {CONTACTS: 0.5, SCALE: 0.3, SISTERS: 0.2}
SEEN = {CONTACTS: Seen(0.0, 9.0, False), SCALE: Seen(1.0, 8.0, True), SISTERS: Seen(0.0, 5.0, False)}


def explain_one(
    *, dob: date | None = date(2015, 1, 1), window_start: date = date(2020, 1, 1), old: float = 0.0, unlike: float = 0.0,
    low: float = 0.2, high: float = 0.4,
) -> str | None:  # fmt: skip
    found = explain_abstentions(
        pl.DataFrame({"as_of": [AS_OF], "dob": [dob]}, schema={"as_of": pl.Date, "dob": pl.Date}),
        pl.DataFrame({"out_of_date": [old], "unlike_training": [unlike]}),
        pl.DataFrame({"low": [low], "high": [high]}),
        window_start=window_start,
        days_to_maturity=365,
        average=0.2,
    )
    assert found.dtype == pl.String
    reason: str | None = found.item()
    return reason


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({}, None),
        ({"dob": None}, None),
        ({"dob": date(2009, 11, 25)}, None),
        ({"dob": date(2009, 11, 24)}, TURNS_ADULT),  # eighteen on the last day of the window
        ({"window_start": date(2024, 11, 24)}, None),  # 730 days before the night
        ({"window_start": date(2024, 11, 25)}, THIN_HISTORY),
        ({"old": 0.1, "unlike": 0.1}, None),  # a fifth is counted and not acted on
        ({"old": 0.15, "unlike": 0.1}, OUT_OF_DATE),
        ({"old": 0.1, "unlike": 0.15}, UNLIKE_TRAINING),
        ({"low": 0.125, "high": 0.625}, None),  # half of all chances is not too wide
        ({"low": 0.125, "high": 0.63}, TOO_WIDE),
        ({"low": 0.2, "high": 0.75}, TOO_WIDE),
        ({"low": 0.21, "high": 0.9}, None),  # wide, and yet above the average
        ({"dob": date(2008, 11, 1), "old": 0.9, "high": 0.9}, TURNS_ADULT),  # the first that holds is told
    ],
)
def test_a_case_gets_no_chance_for_a_reason(case: dict[str, object], reason: str | None) -> None:
    assert explain_one(**case) == reason  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tonight", "longest", "is_stale"),
    [
        (28, 0, False),  # never before four weeks, however busy the table was
        (29, 0, True),
        (29, 10, False),
        (30, 10, False),
        (31, 10, True),
        (None, 10, True),
    ],
)
def test_a_table_is_stale_when_it_is_silent_for_longer_than_ever(tonight: int | None, longest: int, is_stale: bool) -> None:
    ages = {} if tonight is None else {"ssd_contacts": tonight}
    assert find_stale(ages | {"ext_offers": 900}, {"ssd_contacts": longest}) == ("ssd_contacts",) * is_stale


def support(stale: tuple[str, ...] = (), **values: float | None) -> tuple[float, float]:
    drawn = {CONTACTS: 2.0, SCALE: 5.0, SISTERS: 0.0} | values
    matrix = pl.DataFrame({name: [value] for name, value in drawn.items()}, schema=dict.fromkeys(drawn, pl.Float32))
    (row,) = measure_support(matrix, IMPORTANCES, SEEN, find_out_of_date(FEATURES, stale)).rows()
    return row  # type: ignore[no-any-return]


def test_support_weighs_what_training_never_had() -> None:
    assert support() == (0.0, 0.0)
    assert support(**{CONTACTS: 9.0, SCALE: 1.0}) == (0.0, 0.0)
    assert support(**{CONTACTS: 10.0}) == (0.0, 0.5)
    assert support(**{SCALE: 0.0, SISTERS: 6.0}) == (0.0, pytest.approx(0.5))
    assert support(**{SCALE: None}) == (0.0, 0.0)  # training had empty ones too
    assert support(**{CONTACTS: None}) == (0.0, 0.5)
    assert support(**{CONTACTS: float("nan")}) == (0.0, 0.5)


def test_what_a_stale_table_feeds_is_out_of_date_and_not_counted_twice() -> None:
    assert support(("ssd_contacts",)) == (0.7, 0.0)
    assert support(("ssd_contacts",), **{CONTACTS: 10.0, SCALE: 9.0}) == (0.7, 0.3)
    assert support(("ssd_missing",)) == (0.0, 0.0)  # no feature reads it


def test_a_night_without_cases_has_no_reasons() -> None:
    matrix = pl.DataFrame(schema={"as_of": pl.Date, "dob": pl.Date} | dict.fromkeys(IMPORTANCES, pl.Float32))
    found = measure_support(matrix, IMPORTANCES, SEEN, find_out_of_date(FEATURES, ("ssd_contacts",)))
    ranges = pl.DataFrame(schema={"low": pl.Float64, "high": pl.Float64})
    assert explain_abstentions(matrix, found, ranges, window_start=AS_OF, days_to_maturity=365, average=0.2).is_empty()
