"""The disclosure rule: nothing hidden can be worked out, by anybody who knows the rule and the total."""

from collections import defaultdict
from itertools import product

import pytest

from validation.disclosure import percent, suppress, total


@pytest.mark.parametrize(
    ("counts", "shown", "sum_shown"),
    [
        ([10, 20], ["10", "20"], "30"),
        ([0, 1200], ["0", "1,200"], "1,200"),
        ([3, 20, 9], ["c", "20", "c"], "32"),  # else 3 = 32 - 20 - 9
        ([3, 4, 9], ["c", "c", "9"], "16"),
        ([1, 1, 9], ["c", "c", "c"], "11"),  # else both are 1, since 11 - 9 = 2
        ([5, 5, 5, 9], ["c", "c", "c", "c"], "24"),
        ([3, 0, 0], ["c", "0", "0"], "c"),
        ([1, 1, 1, 1, 1, 1], ["c"] * 6, "c"),
        ([0, 0], ["0", "0"], "0"),
        ([], [], "0"),
    ],
)
def test_counts_by_hand(counts: list[int], shown: list[str], sum_shown: str) -> None:
    assert suppress(counts) == shown
    assert total(counts) == sum_shown


def test_a_cell_that_is_known_from_elsewhere_is_hidden_with_another() -> None:
    assert suppress([30, 8, 12], also={0}) == ["c", "c", "12"]
    assert total([30, 8, 12], also={0}) == "50"
    assert suppress([30, 0, 0], also={0}) == ["c", "c", "c"]


@pytest.mark.parametrize("cells", [1, 2, 3, 4])
def test_no_hidden_cell_can_be_recovered_from_what_is_shown(cells: int) -> None:
    """All tables of so many small cells: whatever is shown, each hidden cell may have two values at least."""
    meant: dict[tuple[str, ...], list[tuple[int, ...]]] = defaultdict(list)
    for counts in product(range(10), repeat=cells):
        meant[(*suppress(counts), total(counts))].append(counts)
    for shown, tables in meant.items():
        for at, cell in enumerate(shown[:-1]):
            assert cell != "c" or len({counts[at] for counts in tables}) >= 2, (shown, tables)


@pytest.mark.parametrize("cells", [1, 2, 3, 4])
def test_every_small_count_is_hidden_and_every_shown_count_is_true(cells: int) -> None:
    for counts in product(range(10), repeat=cells):
        for number, shown in zip((*counts, sum(counts)), (*suppress(counts), total(counts)), strict=True):
            assert shown == "c" if 0 < number < 6 else shown in ("c", str(number))


@pytest.mark.parametrize(
    ("numerator", "denominator", "shown"),
    [
        (3, 5, "-"),
        (0, 0, "-"),
        (3, 6, "c"),
        (3, 8, "c"),
        (20, 40, "50 %"),
        (2, 40, "up to 13 %"),
        (0, 40, "up to 13 %"),
        (38, 40, "87 % or more"),
        (40, 40, "87 % or more"),
        (6, 12, "50 %"),
    ],
)
def test_percentages_by_hand(numerator: int, denominator: int, shown: str) -> None:
    assert percent(numerator, denominator) == shown


def test_no_percentage_tells_a_small_number_apart_from_another() -> None:
    for denominator in range(1, 80):
        meant: dict[str, set[int]] = defaultdict(set)
        for numerator in range(denominator + 1):
            meant[percent(numerator, denominator)].add(numerator)
        for numerators in meant.values():
            few = {number for number in numerators if number < 6 or denominator - number < 6}
            assert not few or len(numerators) >= 2
