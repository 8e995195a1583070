"""The drawn examples of the feature dictionary say what the matrix says, for every aggregate and every feature."""

from datetime import date
from fractions import Fraction

import pytest

from features.catalogue import BY_NAME, CATALOGUE
from features.definition import Direction, Family, Feature
from features.examples.catalogue import EXAMPLES
from features.examples.edges import EDGES, TABLES, WINDOWS, Edge
from features.examples.example import TODAY, Example
from features.matrix import build_matrix
from features.measure import Aggregate, Operation
from tests.spec.drawing import dates, one_load, words


def number(text: str | None) -> float | None:
    """A drawn value; a fraction may be written as one."""
    return None if text in {None, "-"} else float(Fraction(text))


def about(value: float | None) -> object:
    """What a found value is compared with: as many digits as are drawn."""
    return None if value is None else pytest.approx(value, abs=5e-4)


def cells(example: Example) -> list[tuple[str, str, str, float | None]]:
    """Feature, child, day and value of every cell."""
    drawn = words(example.values)
    found = []
    for row in drawn.to_dicts():
        for column in drawn.columns[1:]:
            child, day = ("anna", column) if column[0].isdigit() else (column, TODAY)
            found.append((row["feature"], child, day, number(row[column])))
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.about[:40])
def test_an_example_is_true(example: Example) -> None:
    expected = cells(example)
    features = [BY_NAME[name] for name in dict.fromkeys(name for name, *_ in expected)]
    days = sorted({day for _, _, day, _ in expected})
    matrix = build_matrix(one_load("2025-01-31", **example.tables), dates(*days), features)
    rows = {(row["person_id"], row["as_of"]): row for row in matrix.to_dicts()}
    found = [(name, child, day, rows[child, date.fromisoformat(day)][name]) for name, child, day, _ in expected]
    assert found == [(name, child, day, about(value)) for name, child, day, value in expected]


def test_every_feature_has_an_example_with_a_value_and_stands_with_its_family() -> None:
    shown = {(name, example.family) for example in EXAMPLES for name, *_, value in cells(example) if value}
    missing = [feature.name for feature in CATALOGUE if (feature.name, feature.family) not in shown]
    assert not missing, f"draw an example of {missing}: see docs/adding-a-feature.md"


def tried(edge: Edge, within: int) -> Feature:
    words = "A feature to try."
    return Feature("tried", Family.CONTACTS, words, edge.formula(within), Direction.EITHER, words, words, unit="-")


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.written)
def test_a_window_of_w_days_is_the_day_itself_and_the_w_less_one_before(edge: Edge) -> None:
    found = [
        build_matrix(one_load("2025-01-31", **TABLES), dates(TODAY), [tried(edge, within)])["tried"].to_list()
        for within in WINDOWS
    ]
    *inside, nothing = map(number, edge.values)
    assert found == [[about(value), about(nothing)] for value in inside]


def test_every_aggregate_and_every_composition_has_its_edges_drawn() -> None:
    formulas = [edge.formula(3) for edge in EDGES]
    assert {measure.aggregate for formula in formulas for measure in formula.measures} == set(Aggregate)
    assert {getattr(formula, "operation", None) for formula in formulas} == {None, *Operation}
