"""From a matrix to tonight's scores: chances and their doubt, who gets none, and the reasons."""

from dataclasses import replace
from datetime import date
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from features.catalogue import BY_NAME
from flows.scoring import Built, explain_scores, find_drift, score
from models.abstention import THIN_HISTORY, TOO_WIDE, TURNS_ADULT
from models.model import ScreeningModel, Seen
from validation.drift import describe_inputs

AS_OF = date(2026, 11, 24)
CONTACTS, DAYS_OPEN = "contacts_in_last_365_days", "days_open"


class ByHand:
    """A model that anybody can work out: a tenth, and a tenth more for each contact; less by a thousandth for each day open."""

    features = (CONTACTS, DAYS_OPEN)
    outcome = "new_referral_within_12_months"
    base_chance = 0.2
    importances = {CONTACTS: 0.9, DAYS_OPEN: 0.1}  # noqa: RUF012
    seen = {CONTACTS: Seen(0.0, 8.0, False), DAYS_OPEN: Seen(0.0, 50.0, False)}  # noqa: RUF012
    freshness = {"ssd_contacts": 2}  # noqa: RUF012
    inputs: dict[str, Any] = {"rows": 0, "families": 0, "features": {}}  # noqa: RUF012  filled below

    def chances(self, matrix: pl.DataFrame) -> pl.Series:
        return (0.1 + matrix[CONTACTS] / 10 - matrix[DAYS_OPEN] / 1000).alias("chance")

    def ranges(self, matrix: pl.DataFrame) -> pl.DataFrame:
        width = matrix[CONTACTS] / 10
        return pl.DataFrame({"low": self.chances(matrix) - width, "high": self.chances(matrix) + width})

    def bag_chances(self, matrix: pl.DataFrame) -> npt.NDArray[np.float64]:
        return np.column_stack([self.chances(matrix), 1 - self.chances(matrix)])

    def contributions(self, matrix: pl.DataFrame) -> pl.DataFrame:
        return matrix.select(pl.col(CONTACTS) / 10 - 0.2, pl.col(DAYS_OPEN) / -1000).cast(pl.Float64)


MODEL = cast("ScreeningModel", ByHand())


def built(**different: Any) -> Built:
    """Four open cases of three families, in no order; after a quiet year one contact each is left."""
    drawn = {
        "person_id": ["d", "a", "c", "b"],
        "family_id": ["elm", "ash", "oak", "ash"],
        "dob": [date(2015, 1, 1), date(2015, 1, 1), date(2008, 12, 1), None],
        CONTACTS: [3, 2, 2, 1],
        DAYS_OPEN: [100, 10, 10, 20],
    }
    matrix = (
        pl.DataFrame(drawn)
        .with_columns(as_of=pl.lit(AS_OF), referral_id=pl.lit("r"), began_on=pl.lit(AS_OF) - pl.duration(days=DAYS_OPEN))
        .with_columns(referral_date="began_on")
    )
    quiet = pl.DataFrame({"person_id": ["a", "b", "c", "d"], "referral_id": "r", CONTACTS: [1, 0, 1, 2]})
    assert set(BY_NAME) >= {CONTACTS, DAYS_OPEN}
    none = pl.DataFrame()  # what offers go by is not looked at here
    return replace(Built(matrix, quiet, none, none, none, {"ssd_contacts": 1}, date(2020, 1, 1), {}), **different)


ByHand.inputs = describe_inputs(built().matrix, ByHand.features)


def test_a_night_like_training_has_no_drift_and_one_without_recent_cases_says_so() -> None:
    found = find_drift(MODEL, built().matrix)
    assert (found["measured"], found["moved"]) == (True, [])
    none = find_drift(MODEL, built().matrix.with_columns(referral_date=pl.lit(date(2020, 1, 1))))
    assert (none["measured"], "moved" in none) == (False, False)


def test_a_case_without_a_chance_has_none_of_its_doubts_either() -> None:
    scores = score(MODEL, built())
    assert scores["person_id"].to_list() == ["a", "b", "c", "d"]
    assert scores["reason_for_abstaining"].to_list() == [None, None, TURNS_ADULT, TOO_WIDE]
    assert scores["chance"].to_list() == pytest.approx([0.29, 0.18, None, None])
    assert scores["chance_low"].to_list() == pytest.approx([0.09, 0.08, None, None])
    assert scores["chance_high"].to_list() == pytest.approx([0.49, 0.28, None, None])


def test_a_quiet_year_is_read_by_case_and_leaves_how_long_it_is_open() -> None:
    assert score(MODEL, built())["chance_after_quiet_year"].to_list() == pytest.approx([0.19, 0.08, None, None])


def test_what_is_unlike_training_is_counted_below_a_fifth() -> None:
    scores = score(MODEL, built())
    assert scores["unlike_training"].to_list() == [0.0, 0.0, 0.0, 0.1]
    assert scores["out_of_date"].to_list() == [0.0] * 4


def test_nobody_gets_a_chance_from_a_thin_history() -> None:
    found = explain_scores(MODEL, built(window_start=date(2025, 6, 1)))
    assert set(found.cases["reason_for_abstaining"]) == {THIN_HISTORY, TURNS_ADULT}
    assert found.notes["abstained"] == {THIN_HISTORY: 3, TURNS_ADULT: 1}
    assert found.reasons.is_empty()


def test_a_stale_table_that_the_model_goes_by_leaves_nobody_a_chance() -> None:
    found = explain_scores(MODEL, built(freshness={"ssd_contacts": 29}))
    assert found.notes["stale_tables"] == ["ssd_contacts"]
    assert found.notes["scored"] == 0


def test_reasons_are_of_scored_cases_and_add_up() -> None:
    found = explain_scores(MODEL, built())
    assert found.totals.select("person_id", "contacts", "the case now").rows() == [
        ("a", pytest.approx(0.0), pytest.approx(-0.01)),
        ("b", pytest.approx(-0.1), pytest.approx(-0.02)),
    ]
    assert found.notes["reasons"] == {"shown": 0, "agree": 0}
