"""The pictures of a glass box: they are the model, they name their steps rightly, and they show nothing of a single child."""

import math
import re
from copy import copy
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from defusedxml import ElementTree

from features.catalogue import BY_NAME
from flows.publish.shapes import NOT_KNOWN, Shape, draw_shape, find_height, find_shapes, lay_out_sheet, name_steps
from tests.unit.report_example import LONGEST, small_model, training_frame


@pytest.fixture(scope="module")
def shapes() -> list[Shape]:
    return find_shapes(small_model())


@pytest.fixture(scope="module")
def drawn(shapes: list[Shape]) -> dict[str, str]:
    height = find_height(shapes)
    return {shape.name: draw_shape(shape, height) for shape in shapes}


def step_of(shape: Shape, value: float | None) -> float:
    """What a value adds, read off the picture."""
    for step in shape.steps:
        if value is None and math.isnan(step.start):
            return step.effect
    known = [step for step in shape.steps if not math.isnan(step.start)]
    place = 0 if value is None else sum(value >= step.start for step in known[1:])
    return known[place].effect


def test_every_term_is_drawn_once_and_the_most_important_first(shapes: list[Shape]) -> None:
    model = small_model()
    assert len(shapes) == len(model.estimator.term_features_) == 8
    assert {shape.name for shape in shapes if not shape.grid} == set(model.features)
    importances = [shape.importance for shape in shapes]
    assert importances == sorted(importances, reverse=True)
    assert sum(importances) == pytest.approx(1)


def test_what_is_read_off_the_pictures_adds_up_to_the_chance(shapes: list[Shape]) -> None:
    model, rows = small_model(), training_frame().head(200)
    (pair,) = (shape for shape in shapes if shape.grid)
    single = {shape.name: shape for shape in shapes if not shape.grid}
    terms = model.estimator.eval_terms(rows.select(model.features).to_numpy())
    slope = model.calibration.slope
    for term, members in enumerate(model.estimator.term_features_):
        exact = slope * (terms[:, term] - model.averages[term])
        if len(members) == 1:
            shape = single[model.features[members[0]]]
            read = [step_of(shape, value) for value in rows[shape.name].to_list()]
            assert np.allclose(read, exact)
        else:
            cells = np.array(pair.grid)
            assert cells.min() <= exact.min() + 1e-9
            assert cells.max() >= exact.max() - 1e-9


def test_not_known_is_drawn_where_training_had_such_rows_and_nowhere_else(shapes: list[Shape]) -> None:
    frame = training_frame()
    for shape in shapes:
        if not shape.grid:
            unknown = [step for step in shape.steps if step.label == NOT_KNOWN]
            assert len(unknown) == bool(frame[shape.name].null_count())
            assert sum(step.share or 0.0 for step in shape.steps) == pytest.approx(1, abs=0.02)  # a share of few is hidden


def test_no_axis_shows_the_value_of_a_single_case(shapes: list[Shape], drawn: dict[str, str]) -> None:
    (shape,) = (shape for shape in shapes if shape.name == "days_open")
    assert max(step.end for step in shape.steps) < LONGEST
    assert f"{LONGEST:.0f}" not in drawn["days_open"]


def test_a_step_of_one_to_five_rows_hides_its_share() -> None:
    model = small_model()
    box = copy(model.estimator)
    term = model.features.index("neglect_found_in_last_730_days")
    box.bin_weights_ = [np.array(weights) for weights in box.bin_weights_]
    box.bin_weights_[term][2] = 4.0
    (shape,) = (shape for shape in find_shapes(replace(model, estimator=box)) if shape.name == model.features[term])
    assert [step.label for step in shape.steps] == ["no", "yes"]
    assert shape.steps[1].share is None
    assert re.search(r">yes</[^>]+>.{0,200}>c</", draw_shape(shape, 1.0))


def test_a_picture_is_sound_speaks_and_has_no_small_text(shapes: list[Shape], drawn: dict[str, str]) -> None:
    names: list[str] = []
    for shape in shapes:
        root = ElementTree.fromstring(drawn[shape.name])
        assert root.get("aria-label", "").startswith(shape.title)
        assert root.get("role") == "img"
        sizes = [float(found) for found in re.findall(r'font-size="([\d.]+)px"', drawn[shape.name])]
        assert sizes
        assert min(sizes) >= 11
        names += [element.get("id") for element in root.iter() if element.get("id")]
        assert set(re.findall(r"https?://[^\"]+", drawn[shape.name])) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }
    assert len(names) == len(set(names))
    sheet = ElementTree.fromstring(lay_out_sheet(list(drawn.values()), ["A heading"]))
    assert len([child for child in sheet if child.tag.endswith("svg")]) == len(shapes)


@pytest.mark.parametrize(
    ("name", "cuts", "upper", "steps"),
    [
        ("contacts_in_last_365_days", [0.5, 1.5, 3.5], False, ["0", "1", "2 to 3", "4+"]),
        ("contacts_in_last_365_days", [0.0, 2.0], True, ["0", "1 to 2", "3+"]),
        ("contacts_in_last_365_days", [0.0, 0.5], True, ["0", "", "1+"]),
        ("neglect_found_in_last_730_days", [0.5], False, ["no", "yes"]),
        ("days_open", [59.0, 517.75], True, ["59 or less", "60 to 517", "518+"]),
        ("share_of_contacts_by_the_police_in_last_730_days", [0.25, 0.5], False, ["<25 %", "25 % to 50 %", "50 %+"]),
        ("share_of_contacts_by_the_police_in_last_730_days", [0.0, 0.5], True, ["0", "up to 50 %", "over 50 %"]),
        ("change_in_contacts_over_90_days", [-0.5, 0.5], False, ["-1 or less", "0", "1+"]),
        ("trend_of_safety_scale_in_last_730_days", [-1.25, 2.0], True, ["up to -1.25", "up to 2", "over 2"]),
        ("days_open", [], False, ["any value"]),
    ],
)
def test_steps_are_named_by_the_values_they_hold(name: str, cuts: list[float], upper: bool, steps: list[str]) -> None:
    assert name_steps(BY_NAME[name], np.array(cuts), upper=upper) == [*steps, NOT_KNOWN]


def test_the_words_of_a_picture_name_its_ends(shapes: list[Shape]) -> None:
    (shape,) = (shape for shape in shapes if shape.name == "contacts_in_last_365_days")
    most = max(shape.steps, key=lambda step: step.effect)
    assert most.label == shape.steps[-1].label  # contacts may only push up
    assert f"highest at {most.label.replace('+', ' or more')}: times {math.exp(most.effect):.2f}." in shape.words
    frame = pl.DataFrame({"odds": [math.exp(step.effect) for step in shape.steps]})
    assert frame["odds"].is_sorted()
