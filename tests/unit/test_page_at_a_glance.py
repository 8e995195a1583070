"""What the page says at a glance of a family that somebody may ring: how far it has come, and what waits for an answer."""

import dataclasses
from datetime import date

import polars as pl
import pytest

from flows.publish.night_list import Unanswered
from tests.unit.night_example import FGC, NIGHT, example, family, pseudonym
from tests.unit.test_page import card, part, short, tree, words


def test_offers_that_wait_for_an_answer_name_the_workbook_in_which_it_is_told() -> None:
    waits = Unanswered(pseudonym("lime"), "Family Group Conference", date(2026, 11, 20), date(2026, 11, 18))
    told = part(dataclasses.replace(NIGHT, unanswered=(waits,)), "answers")
    assert (
        f"{short('lime')} Family Group Conference, offered on 20 November 2026; workbook of the night of 18 November 2026" in told
    )
    assert tree(NIGHT).find(".//*[@id='answers']") is None


def test_the_stage_of_a_family_is_that_of_its_furthest_case() -> None:
    stages = ["section 47 enquiry", "assessment"]
    night = example({"ash": family("place", 0.6, 0.5, kind=FGC)})
    night = dataclasses.replace(night, cases=night.cases.with_columns(stage=pl.Series(stages)))
    assert "2 children: 5 to 9 section 47 enquiry" in words(card(night, "ash").find("summary"))


@pytest.mark.parametrize(("scale", "stands_out"), [(3, True), (4, False)])
def test_a_low_scale_stands_out(scale: int, stands_out: bool) -> None:
    night = example({"ash": family("place", 0.6, kind=FGC)})
    night = dataclasses.replace(night, cases=night.cases.with_columns(safety_scale=pl.lit(scale)))
    bold = [words(line) for line in card(night, "ash").find_class("chance")]
    assert any(line.startswith(f"Signs of Safety scale: {scale}") for line in bold) is stands_out


def test_a_second_open_case_of_a_child_is_said_to_be_one() -> None:
    night = example({"ash": family("place", 0.6, 0.5, kind=FGC)})
    child = pl.lit(pseudonym("ash0")).alias("person_id")
    one = dataclasses.replace(night, cases=night.cases.with_columns(child), reasons=night.reasons.with_columns(child))
    first, second = [words(child) for child in card(one, "ash").find_class("child")]
    assert "Another open case of this child." in second
    assert "Another open case" not in first
