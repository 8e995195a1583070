"""The fairness report: gaps first, never a pass, no small number, no family."""

import re
from datetime import date
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from flows.publish.fairness_page import QUESTIONS, find_sections, in_short, render_fairness
from flows.publish.hidden_cells import hide_cells
from flows.publish.stages_section import MOST_TOLD
from models.fairness import ANY_SIZE, FRAME, METRICS, Verdict, measure_fairness
from models.ratios import Kind
from tests.unit.test_fairness import SIZES, invent

CELL: dict[str, Any] = {
    "split": "2025-01-06", "size": ANY_SIZE, "group": "sex", "value": "female", "metric": "came_back", "rows": 900,
    "families": 300, "events": 200, "families_with_event": 60,
    "estimate": 0.222, "low": 0.18, "high": 0.27, "against": 0.2, "gap": 0.022,
    "gap_low": -0.03, "gap_high": 0.07, "together_low": -0.06, "together_high": 0.1, "smallest_visible": 0.123, "drawn_in": 0.21,
    "verdict": Verdict.NOT_ENOUGH,
}  # fmt: skip


def frame(*cells: dict[str, Any]) -> pl.DataFrame:
    """A frame of these cells, each different from ``CELL`` as told."""
    return pl.DataFrame([CELL | cell for cell in cells], schema=FRAME)


def everything(*cells: dict[str, Any]) -> pl.DataFrame:
    """A frame that has a cell of every metric for each of these groups."""
    told = {
        metric.name: {"metric": metric.name, "size": "the list" if metric.at_size else ANY_SIZE}
        | ({"estimate": 0.5, "events": None, "families_with_event": None} if metric.kind is Kind.MEAN else {})
        for metric in METRICS
    }
    return frame(*(cell | of_metric for cell in cells for of_metric in told.values()))


def page(found: pl.DataFrame, invented: bool = False) -> str:
    model: Any = SimpleNamespace(
        origin="invented" if invented else "real", trained_from=date(2022, 11, 27), trained_to=date(2025, 10, 26)
    )
    return render_fairness(found, None, model, outcome="a new referral within 12 months", sizes=list(SIZES))


def text(told: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", told.rpartition("</head>")[2]))


@pytest.fixture(scope="module")
def whole() -> str:
    """The page of an invented year."""
    rows, groups = invent()
    return page(measure_fairness([rows], groups, SIZES, 1))


def test_every_question_has_its_section_picture_and_table(whole: str) -> None:
    for question in QUESTIONS:
        assert f'<h2 id="{question.metric}">{question.heading}</h2>' in whole
    assert whole.count("<figure>") == len(QUESTIONS)
    assert whole.count("<svg ") == len(QUESTIONS)
    assert "nowhere" in whole


def test_the_page_names_nobody_and_asks_for_nothing(whole: str) -> None:
    assert "child 0" not in whole
    assert "family 0" not in whole
    assert "http:" not in whole
    assert "https:" not in whole
    assert "<script" not in whole


@pytest.mark.parametrize(("invented", "stamped"), [(True, True), (False, False)])
def test_invented_data_is_stamped(invented: bool, stamped: bool) -> None:
    assert ("INVENTED DATA" in text(page(everything({}), invented))) is stamped


def test_gaps_come_first_the_largest_of_them_before_the_others() -> None:
    found = frame(
        {"value": "male", "metric": "offered", "gap": 0.06, "gap_low": 0.02, "gap_high": 0.09, "verdict": Verdict.GAP},
        {"metric": "missed_returns", "gap": -0.13, "gap_low": -0.2, "gap_high": -0.08, "verdict": Verdict.GAP},
        {"group": "source", "value": "Police", "metric": "offered"},
    )
    first, second, counted, *_ = in_short(found)
    assert first == "Sex, female, a gap: fewer of their returns are missed, by 13.0 points (95 % interval 8.0 to 20.0)."
    assert second == "Sex, male, a gap: the list reaches more of them, by 6.0 points (95 % interval 2.0 to 9.0)."
    assert counted.startswith("3 comparisons were judged. For 0 of them a gap larger than 5 points can be ruled out; for 1 there")


def test_gaps_by_who_a_child_is_come_before_larger_ones_and_only_the_first_are_told() -> None:
    gaps = [
        {"metric": "offered", "group": "source", "value": f"{at}", "gap": 0.2 + at / 100, "verdict": Verdict.GAP}
        for at in range(9)
    ]
    found = frame(
        *gaps, {"metric": "offered", "group": "ethnic_background", "value": "Indian", "gap": 0.06, "verdict": Verdict.GAP}
    )
    lines = in_short(found)
    assert [line.split(", a gap")[0] for line in lines[:2]] == ["Ethnic background, Indian", "Referred by, 8"]
    assert lines[MOST_TOLD] == "2 more gaps are told of below."


def test_the_eighteen_ethnic_groups_stand_behind_and_not_in_the_picture() -> None:
    found = everything({}, {"group": "ethnic_background", "value": "Indian"})
    section = next(section for section in find_sections(found, None, list(SIZES)) if section.key == "offered")
    assert "Indian" not in section.pictures[0][0]
    assert all("Indian" not in row[0] for row in section.tables[0].rows)
    assert [row[0] for row in section.behind[0].rows] == ["ethnic background: Indian"]


def test_a_gap_of_two_groups_is_told_once() -> None:
    told = {"metric": "offered", "verdict": Verdict.GAP}
    found = frame(told | {"value": "yes", "gap": 0.06}, told | {"value": "no", "gap": -0.06})
    assert sum(", a gap: " in line for line in in_short(found)) == 1


def test_silence_is_no_pass() -> None:
    lines = in_short(frame({"metric": "offered"}))
    assert lines[0] == "No gap is certain enough to be called one."
    assert "for 1 there is not enough evidence, which is no pass." in lines[1]
    assert lines[2] == "In half of the unclear ones we would likely miss even a gap of 12.3 points."


@pytest.mark.parametrize(
    "few",
    [
        {"families": 5, "families_with_event": 5, "verdict": Verdict.TOO_FEW},
        {"families_with_event": 4},
        {"families_with_event": 297},
    ],
)
def test_a_figure_that_could_point_at_a_handful_of_families_is_not_shown(few: dict[str, Any]) -> None:
    shown, hidden = (page(everything({"value": "male"}, cell)) for cell in ({}, few))
    assert "22.2 %" in text(shown)
    assert "sex: female" in text(shown)
    of_female = re.findall(r'<th scope="row">sex: female</th>(.*?)</tr>', hidden)
    assert not any("22.2" in row or "12.3" in row or "2.2 (" in row for row in of_female)


def test_where_one_part_of_the_returns_is_hidden_so_is_the_other() -> None:
    cells = everything({})
    few = pl.when(pl.col("metric") == "returns_in_need").then(3).otherwise("families_with_event")
    marked = hide_cells(cells.with_columns(families_with_event=few))
    hidden = {cell["metric"] for cell in marked.filter("hidden").iter_rows(named=True)}
    assert hidden == {"returns_in_need", "returns_without_need"}


@pytest.mark.parametrize(
    ("others", "hidden"),
    [
        (("male",), {"female", "male"}),
        (("male", "not known"), {"female", "not known"}),
        (("male", "some", "other"), {"female", "other"}),
    ],
)
def test_another_value_is_hidden_beside_a_handful(others: tuple[str, ...], hidden: set[str]) -> None:
    cells = frame({"metric": "offered", "families_with_event": 3}, *({"metric": "offered", "value": other} for other in others))
    assert set(hide_cells(cells).filter("hidden")["value"]) == hidden


def test_it_is_one_that_could_make_up_for_the_handful_or_all_are_hidden() -> None:
    def mark(most: int) -> set[str]:
        others = (
            {"metric": "offered", "value": f"value {at}", "families_with_event": number} for at, number in enumerate((most, 9))
        )
        return set(hide_cells(frame({"metric": "offered", "families_with_event": 3}, *others)).filter("hidden")["value"])

    assert mark(60) == {"female", "value 0"}
    assert mark(9) == {"female", "value 0", "value 1"}


def test_what_came_back_is_hidden_wherever_it_could_be_worked_out() -> None:
    few = {metric.name: {"metric": metric.name, "size": "the list" if metric.at_size else ANY_SIZE} for metric in METRICS}
    three = {"families_with_event": 3}
    told = [cell | (three if name in ("came_back", "returns_beside_chances") else {}) for name, cell in few.items()]
    marked = hide_cells(frame(*told, *({**cell, "value": value} for value in ("male", "other") for cell in few.values())))
    of = {name: set(cells["value"]) for (name,), cells in marked.filter("hidden").partition_by("metric", as_dict=True).items()}
    assert all(of[name] == {"female", "other"} for name in ("came_back", "missed_returns", "offered_without_return"))
    assert "offered" not in of
    untold = marked.filter("hidden_families", value="female")["metric"].to_list()
    assert untold == ["returns_in_need", "returns_without_need", "missed_returns", "offered_without_return"]


def test_two_groups_together_hide_a_square() -> None:
    values = [f"{sex}, {people}" for sex in ("female", "male", "other") for people in ("north", "south", "east")]
    told = {"group": "sex and people", "metric": "offered", "size": "the list"}
    cells = frame(*(told | {"value": value} | ({"families_with_event": 2} if value == "male, south" else {}) for value in values))
    hidden = [value.split(", ") for value in hide_cells(cells).filter("hidden")["value"]]
    assert len(hidden) == 4
    assert all(len({value[side] for value in hidden}) == 2 for side in (0, 1))


def test_a_gap_of_a_handful_is_not_named() -> None:
    lines = in_short(frame({"metric": "offered", "gap": 0.06, "families_with_event": 3, "verdict": Verdict.GAP}))
    assert lines[0] == "No gap that may be shown is certain enough to be called one."
    assert any(line.startswith("Other comparisons cannot be shown, whether they are gaps or not") for line in lines)


def test_groups_that_nobody_is_in_are_named() -> None:
    lost = {"value": "unknown", "families": 0, "rows": 0, "verdict": Verdict.ABSENT}
    found = everything({}, lost, {"value": "few", "families": 3, "verdict": Verdict.TOO_FEW})
    (section,) = [section for section in find_sections(found, None, list(SIZES)) if section.key == "lost"]
    assert section.tables[0].rows == (("sex: unknown", "nobody"), ("sex: few", "too few families"))
    assert "Nothing can be said of 2 groups with nobody or too few families in it." in in_short(found)


def test_years_stand_side_by_side_where_there_are_several() -> None:
    found = pl.concat([everything({"split": split}) for split in ("all", "2025-01-06", "2024-01-08")])
    (section,) = [section for section in find_sections(found, None, list(SIZES)) if section.key == "base"]
    assert section.behind[0].header == ("Group", "2024-01-08", "2025-01-06")
    assert section.behind[0].rows == (("sex: female", "22.2 %", "22.2 %"),)


def test_the_level_of_chances_is_told_over_all_cases_before_any_group_is_named() -> None:
    first = in_short(everything({}, {"value": "male"}))[0]
    assert first == "Over all cases, chances say 50 % on average, and 22 % came back."
