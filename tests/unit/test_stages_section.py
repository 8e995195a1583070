"""What the board reads of where a gap comes from: each sentence says what the figures say, and nothing tells of a handful."""

import polars as pl
import pytest

from flows.publish.stages_section import find_sentences, tell_stages
from flows.publish.tables import Table
from models.stages import FRAME, MODEL, STAGES, WHOLE
from validation.disclosure import HIDDEN, NOTHING

NORTH = ("ethnicity", "north")


def cell(group: str = "ethnicity", value: str = "north", *, families: int = 400, back: int = 90, **points: float) -> pl.DataFrame:
    """The stages of one group: those that are named are certain, within 2 points either way; the others are nothing."""
    every = {stage: points.get(stage, 0.0) for stage in STAGES}
    rows = [
        {
            "group": group, "value": value, "stage": stage, "families": families, "families_of_others": 900,
            "families_with_return": back, "points": size, "low": size - 0.02, "high": size + 0.02,
            "together_low": size - 0.04, "together_high": size + 0.04, "evident": abs(size) > 0.04 and stage != WHOLE,
        }
        for stage, size in {**every, WHOLE: sum(every.values())}.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=FRAME)


def say(*cells: pl.DataFrame, hidden: set[tuple[str, str]] | None = None) -> list[str]:
    stages = pl.concat(cells)
    names = {(group, value): f"{group}: {value}" for group, value in stages.select("group", "value").unique().iter_rows()}
    return find_sentences(stages, hidden or set(), names)


def test_the_sentence_names_the_stage_its_size_and_what_the_model_takes_back() -> None:
    assert say(cell(without_need=0.11, model=-0.07)) == [
        "ethnicity: north: average chances lie 4.0 points above those of all others. What moves this most is returns "
        "recorded without need, by +11.0 (+9.0 to +13.0). The model takes back 7.0 points of what was recorded."
    ]


def test_a_model_that_misses_part_of_a_difference_in_need_is_not_said_to_take_it_back() -> None:
    (sentence,) = say(cell(found_in_need=-0.1, model=0.07))
    assert sentence.endswith("Chances follow only part of this: the model makes the gap 7.0 points smaller.")


def test_a_model_that_adds_to_a_gap_takes_nothing_back() -> None:
    (sentence,) = say(cell(model=-0.1))
    assert sentence.endswith("below those of all others. What moves this most is the model, by -10.0 (-12.0 to -8.0).")


def test_groups_without_a_certain_stage_get_no_sentence_and_the_largest_stands_first() -> None:
    told = say(cell(value="north", without_need=0.05), cell(value="south"), cell(value="east", source_mix=-0.2))
    assert [sentence.split(": average")[0] for sentence in told] == ["ethnicity: east", "ethnicity: north"]


@pytest.mark.parametrize(
    ("told", "hidden"),
    [
        (cell(without_need=0.2, back=5), set()),
        (cell(without_need=0.2, families=95, back=90), set()),
        (cell(without_need=0.2), {NORTH}),
    ],
)
def test_what_could_tell_of_a_handful_of_families_is_hidden_in_sentence_and_table(
    told: pl.DataFrame, hidden: set[tuple[str, str]]
) -> None:
    assert say(told, hidden=hidden) == []
    (row,) = tell_stages(told, hidden, {NORTH: "ethnicity: north"}).tables[0].rows
    assert row == ("ethnicity: north", *[HIDDEN] * 5)


def test_the_table_stars_what_is_certain_and_leaves_out_who_refers_where_sources_are_compared() -> None:
    told = cell("source", "Police", without_need=0.1)
    (row,) = tell_stages(told, set(), {("source", "Police"): "referred by: Police"}).tables[0].rows
    assert tuple(figure.replace("\u00a0", " ") for figure in row) == (
        "referred by: Police", "+10.0 (+8.0 to +12.0)", NOTHING, "+0.0 (-2.0 to +2.0)", "+10.0 (+8.0 to +12.0)*",
        "+0.0 (-2.0 to +2.0)",
    )  # fmt: skip


def test_columns_of_figures_are_numeric_whether_starred_hidden_or_left_out() -> None:
    told = pl.concat([cell(without_need=0.1), cell(value="south", back=5), cell("source", "Police", model=-0.1)])
    names = {NORTH: "north", ("ethnicity", "south"): "south", ("source", "Police"): "Police"}
    (table,) = tell_stages(told, set(), names).tables
    starred = {row[0]: [figure.endswith("*") for figure in row[1:]] for row in table.rows}
    assert starred["north"] == [False, False, False, True, False]
    assert starred["Police"] == [False, False, False, False, True]
    assert table.numeric == (False, True, True, True, True, True)


def test_a_figure_may_stand_above_its_interval_but_the_interval_is_never_broken() -> None:
    (row,) = tell_stages(cell(), set(), {NORTH: "north"}).tables[0].rows
    assert all(figure.split(" ") == ["+0.0", "(-2.0\u00a0to\u00a0+2.0)"] for figure in row[1:])


def test_a_star_alone_or_after_words_is_no_number() -> None:
    assert Table("", ("", ""), (("north", "*"),)).numeric == (False, False)
    assert Table("", ("", ""), (("north", "at most 10*"),)).numeric == (False, False)


def test_every_stage_has_a_column() -> None:
    header = tell_stages(cell(**{MODEL: 0.1}), set(), {NORTH: "north"}).tables[0].header
    assert len(header) == 2 + len(STAGES)
