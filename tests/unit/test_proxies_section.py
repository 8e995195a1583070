"""The sections of the fairness report on proxies and remedies: no small number, no pass for want of evidence."""

import re
from datetime import date
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from flows.publish.fairness_page import render_fairness
from flows.publish.proxies_section import tell_proxies, tell_remedies
from models.proxies import ALL, PROXIES, Telling
from models.remedies import AUC, HITS, MISSED, OFFERED, REMEDIES, Change
from tests.unit.test_fairness_page import frame
from validation.disclosure import HIDDEN

EVERY = ["White", "Black", "Asian"]
PROXY = {
    "group": "sex", "value": "female", "feature": ALL, "families": 400, "families_of_others": 600, "auc": 0.72, "low": 0.68,
    "high": 0.76, "together_low": 0.66, "together_high": 0.78, "verdict": Telling.TELLS.value,
}  # fmt: skip
REMEDY = {
    "remedy": "leave out X", "measure": OFFERED, "group": "ethnicity", "value": "White", "families": 400, "fewest": 20,
    "before": 0.1, "after": 0.05, "change": -0.05, "low": -0.08, "high": -0.02, "verdict": Change.LESS.value,
}  # fmt: skip


def proxies(*lines: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([PROXY | line for line in lines], schema=PROXIES)


def remedies(*lines: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([REMEDY | line for line in lines], schema=REMEDIES)


def test_how_well_a_group_is_told_stands_in_pairs_of_a_hundred() -> None:
    (table,) = tell_proxies(proxies({})).tables
    assert table.rows == (("sex: female", "400", "72 (68 to 76)", "can be told"),)


def test_a_feature_that_a_group_has_less_of_is_told_the_other_way_round() -> None:
    single = {"feature": "days_open", "auc": 0.3, "low": 0.25, "high": 0.35}
    (table,) = tell_proxies(proxies({}, single)).behind
    assert table.rows[0][2:] == ("less", "70 (65 to 75)")


def test_too_few_families_are_no_pass_and_their_number_is_hidden() -> None:
    few = {"value": "unknown", "families": 4, "auc": None, "low": None, "high": None, "verdict": Telling.TOO_FEW.value}
    rows = tell_proxies(proxies({}, few, {"value": "male"})).tables[0].rows
    assert rows[1][1] == HIDDEN
    assert "not enough evidence" in rows[1][3]


@pytest.mark.parametrize(("fewest", "told"), [(20, EVERY), (6, EVERY), (5, EVERY[1:2])])
def test_a_gap_that_rests_on_a_handful_is_left_out(fewest: int, told: list[str]) -> None:
    (table,) = tell_remedies(remedies({"fewest": fewest}, {"value": "Black"}, {"value": "Asian"}), None).behind
    assert [row[0] for row in table.rows] == [f"ethnicity: {value}" for value in told]


def test_of_two_values_both_are_left_out_since_one_s_gap_is_the_other_s() -> None:
    assert not tell_remedies(remedies({"fewest": 3}, {"value": "other"}), None).behind


def test_each_option_has_a_row_beside_the_model_as_it_is_and_a_star_where_its_cost_is_certain() -> None:
    cost = {"group": None, "value": None, "families": None, "fewest": None}
    lines = [
        cost | {"measure": AUC},
        cost | {"measure": HITS, "verdict": Change.NOT_ENOUGH.value},
        cost | {"measure": AUC, "remedy": "A shorter list", "after": 0.1, "change": 0.0, "low": 0.0, "high": 0.0},
    ]
    (table,) = tell_remedies(remedies(*lines), None).tables
    assert table.header == ("Option", "AUC", "Average precision", "Share of the list that came back")
    assert table.rows == (
        ("As it is now", "10.0", "-", "10.0"),
        ("leave out X", "5.0 (-5.0; -8.0 to -2.0)*", "-", "5.0 (-5.0; -8.0 to -2.0)"),
        ("A shorter list", "10.0 (as now)", "-", "-"),
    )


def test_what_an_option_does_to_gaps_has_a_table_of_its_own_and_a_row_for_each_group() -> None:
    lines = [{}, {"measure": MISSED, "before": -0.02, "verdict": Change.NOT_ENOUGH.value}, {"remedy": "A shorter list"}]
    first, second = tell_remedies(remedies(*lines), None).behind
    assert (first.caption, second.caption) == ("leave out X", "A shorter list")
    assert first.rows == (("ethnicity: White", "+10.0", "-5.0 (-8.0 to -2.0)*", "-2.0", "-5.0 (-8.0 to -2.0)"),)
    assert second.rows == (("ethnicity: White", "+10.0", "-5.0 (-8.0 to -2.0)*", "-", "-"),)


def test_a_gap_that_the_page_hides_elsewhere_is_left_out_and_another_beside_it() -> None:
    cell = {"group": "ethnicity", "metric": OFFERED, "size": "the list"}
    told = frame(cell | {"value": "White", "families_with_event": 4}, cell | {"value": "Black"}, cell | {"value": "Asian"})
    (table,) = tell_remedies(remedies({}, {"value": "Black"}, {"value": "Asian"}), told).behind
    assert [row[0] for row in table.rows] == ["ethnicity: Black"]


def test_both_follow_on_the_page() -> None:
    model: Any = SimpleNamespace(origin="real", trained_from=date(2022, 11, 27), trained_to=date(2025, 10, 26))
    more = [tell_proxies(proxies({})), tell_remedies(remedies({}), None)]
    page = render_fairness(frame({}), None, model, outcome="a new referral", sizes=["the list"], more=more)
    assert re.findall(r'<h2 id="(proxies|remedies)">', page) == ["proxies", "remedies"]
