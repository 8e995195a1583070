"""The page on influence: what it says to a board, and that no small number can be read from it."""

from datetime import date

import polars as pl
import pytest

from features.influence import FROM_SIBLINGS, WHOLE, Influence
from flows.influence import page, people, share, share_of_people

SCHEMA = ("feature", "family", "of_siblings", "forgotten_after", "lasts", "cases", "half_life", "gone")


def measured(*, cases: int = 200, rare: int = 4, stays: bool = False) -> Influence:
    gone = None if stays else 360
    features = pl.DataFrame(
        [
            ("days_open", "the case now", False, None, "as long as the case is open", cases, None, None),
            ("contacts", "contacts", False, 365, "", 101, 90, gone),
            ("sibling_contacts", "brothers and sisters", True, 730, "", 58, 210, 700),
            ("rare", "contacts", False, 365, "", rare, 31, 47),
            ("never", "contacts", False, 365, "", 0, None, None),
        ],
        schema=dict(
            zip(
                SCHEMA,
                (pl.String, pl.String, pl.Boolean, pl.Int64, pl.String, pl.Int64, pl.Int64, pl.Int64),
                strict=True,
            )
        ),
        orient="row",
    )
    parts = pl.DataFrame(
        [("the case now", 1, cases, cases), (FROM_SIBLINGS, 1, 58, 58), (WHOLE, 5, 363, cases)],
        schema=["part", "columns", "values", "cases"],
        orient="row",
    )
    left = pl.DataFrame({"day": [0, 90, 365], "own": [105, 50, 3], "of_siblings": [58, 30, 20]})
    return Influence(date(2024, 11, 25), cases, features, parts, left)


def test_the_page_says_what_a_board_needs_first() -> None:
    text = page(measured(), invented=False)
    lead = text.split("## ")[0]
    assert lead.startswith("# How long the past counts, on 25 November 2024\n\nOn this day 200 cases were open, and 5 features")
    assert "after 730 days at the latest, and for 3 features sooner. 1 features do not fade" in lead
    assert "half as much after 150 days" in lead  # the middle of 90 and 210: what few cases have is not in it
    assert "say anything after 700 days" in lead
    assert "20 % of the features read events of other children of the family. They make 16 % of all values" in lead
    assert "30 % of the cases have such a value" in lead
    assert "INVENTED" not in text
    assert "**INVENTED DATA.**" in page(measured(), invented=True)


def test_a_feature_that_would_not_fade_is_called_a_fault() -> None:
    text = page(measured(stays=True), invented=False)
    assert "**A fault**: 1 features would still say something after 730 quiet days." in text
    assert "half as much" not in text


def test_of_few_cases_nothing_is_said() -> None:
    text = page(measured(), invented=False)
    assert "| `rare` | 365 days | c | c | c | c |" in text
    assert "| `never` | 365 days | 0 | 0 % | - | - |" in text
    assert "| 365 | c | 34 % |" in text  # three values left
    assert "| `contacts` | 365 days | 100 | 50 % | 90 | 360 |" in text
    tiny = page(measured(cases=5), invented=False)
    assert "On this day c cases were open" in tiny
    assert "| `days_open` | as long as the case is open | c | - | stays | stays |" in tiny


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0, 100, ("0", "0 %", "0 %")), (1, 100, ("c", "c", "c")), (5, 100, ("c", "c", "c")), (6, 100, ("5", "6 %", "5 %")),
     (8, 11, ("10", "73 %", "100 %")), (6, 6, ("5", "100 %", "100 %")), (3, 5, ("c", "-", "-")), (0, 0, ("0", "-", "-"))],
)  # fmt: skip
def test_small_numbers(part: int, whole: int, shown: tuple[str, str, str]) -> None:
    assert (people(part), share(part, whole), share_of_people(part, whole)) == shown
