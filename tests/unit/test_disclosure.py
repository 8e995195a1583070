"""The disclosure rule: nothing hidden can be worked out, by anybody who knows the rule and the total."""

from collections import defaultdict
from functools import cache
from itertools import product

import pytest

from validation.disclosure import Release, percent, protect, suppress, total

MOST = 16  # rows of the tables that are tried one by one

CROSSED = {
    "boys": 60, "girls": 43, "north": 50, "south": 53,
    "boys north": 32, "boys south": 28, "girls north": 18, "girls south": 25, "all": 103,
}  # fmt: skip
CROSSED_SUMS = [
    ("all", ["boys", "girls"]), ("all", ["north", "south"]),
    *((sex, [f"{sex} north", f"{sex} south"]) for sex in ("boys", "girls")),
    *((side, [f"boys {side}", f"girls {side}"]) for side in ("north", "south")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "shown", "sum_shown"),
    [
        ([10, 20], ["10", "20"], "30"),
        ([0, 1200], ["0", "1,200"], "1,200"),
        ([3, 20, 9], ["c", "20", "c"], "32"),  # else 3 = 32 - 20 - 9
        ([3, 9, 20], ["c", "9", "c"], "32"),  # the last of two digits and not the least: else 20 - 9 would tell
        ([3, 9, 2000], ["c", "c", "2,000"], "2,012"),
        ([1, 2, 9], ["c", "c", "c"], "12"),  # else neither could be 5, since 12 - 9 = 3
        ([5, 5, 5, 9], ["c", "c", "c", "c"], "24"),  # else all of them are 5
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
    assert suppress([30, 8, 12], also={0}) == ["c", "8", "c"]
    assert total([30, 8, 12], also={0}) == "50"


@cache
def try_all(cells: int) -> dict[tuple[str, ...], list[tuple[int, ...]]]:
    """Every table of so many cells and up to ``MOST`` rows, by what is shown of it."""
    meant: dict[tuple[str, ...], list[tuple[int, ...]]] = defaultdict(list)
    for counts in product(range(MOST + 1), repeat=cells):
        if sum(counts) <= MOST:
            meant[(*suppress(counts), total(counts))].append(counts)
    return meant


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_not_even_who_plays_the_rule_through_can_recover_a_hidden_cell(cells: int) -> None:
    for shown, tables in try_all(cells).items():
        if shown[-1] != "c" or min(map(sum, tables)) < MOST:  # else the others with this look have more rows
            for at, cell in enumerate(shown[:-1]):
                assert cell != "c" or len({counts[at] for counts in tables}) >= 2, (shown, tables)


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_every_small_count_is_hidden_and_every_shown_count_is_true(cells: int) -> None:
    for told, tables in try_all(cells).items():
        for counts in tables:
            for number, shown in zip((*counts, sum(counts)), told, strict=True):
                assert shown == "c" if 0 < number < 6 else shown in ("c", str(number))


def hidden(release: Release) -> set[str]:
    return set(release.hidden)


def with_few(**few: int) -> dict[str, int]:
    """The crossed table with other cells, and the margins that follow."""
    cells = {name: number for name, number in CROSSED.items() if " " in name} | {
        name.replace("_", " "): number for name, number in few.items()
    }
    margins = {
        margin: sum(number for name, number in cells.items() if margin in name.split())
        for margin in ("boys", "girls", "north", "south")
    }
    return cells | margins | {"all": sum(cells.values())}


def test_nothing_is_hidden_where_nothing_is_small() -> None:
    assert not hidden(protect(CROSSED, CROSSED_SUMS))


def test_a_small_cell_of_two_tables_takes_one_more_with_it_in_each_direction() -> None:
    release = protect(with_few(boys_north=3), CROSSED_SUMS)
    assert hidden(release) == {"boys north", "boys south", "girls north", "girls south"}
    assert (release.show("boys north"), release.show("all")) == ("c", "74")


def test_a_small_rest_hides_the_part_though_it_is_not_printed() -> None:
    release = protect({"closed": 40, "back": 37, "not back": 3}, [("closed", ["back", "not back"])], unprinted={"not back"})
    assert hidden(release) >= {"back", "not back"} or hidden(release) >= {"closed", "not back"}


@pytest.mark.parametrize(
    ("back", "closed", "shown"), [(20, 40, "50 %"), (0, 40, "0 %"), (3, 40, "c"), (38, 40, "c"), (3, 5, "c"), (0, 0, "-")]
)
def test_a_rate_that_rests_on_few_is_not_given(back: int, closed: int, shown: str) -> None:
    counts = {"closed": closed, "back": back, "rest": closed - back}
    release = protect(counts, [("closed", ["back", "rest"])], [("back", "closed")], unprinted={"rest"})
    assert release.percent("back", "closed") == shown


def test_a_rate_that_nobody_announced_is_not_given() -> None:
    assert protect({"closed": 40, "back": 20}).percent("back", "closed") == "c"


def test_an_interval_is_given_only_where_both_counts_are() -> None:
    counts = {"a": 40, "a back": 20, "b": 90, "b back": 30, "few": 3, "all": 133}
    release = protect(counts, [("all", ["a", "b", "few"])], [("a back", "a"), ("b back", "b")])
    assert hidden(release) >= {"few", "b"}
    assert not hidden(release) & {"a", "a back"}
    assert release.interval("a back", "a", 0.35, 0.65) == "35 to 65 %"
    assert release.interval("b back", "b", 0.24, 0.43) == ""
    assert release.percent("b back", "b") == "33 %"


def test_a_count_that_became_small_cannot_be_found_from_the_release_before() -> None:
    sums = [("all", ["a", "b", "d"])]
    first = protect({"a": 9, "b": 70, "d": 200, "all": 279}, sums)
    assert not hidden(first)
    now = {"a": 3, "b": 70, "d": 200, "all": 273}
    assert "all" not in hidden(protect(now, sums))
    assert "all" in hidden(protect(now, sums, earlier=[first]))  # else a fell by the 6 by which all fell, b and d being as before


def test_a_hidden_count_stays_hidden_while_it_is_the_same() -> None:
    sums = [("all", ["a", "b", "d"])]
    first = protect({"a": 3, "b": 70, "d": 200, "all": 273}, sums)
    assert hidden(first) == {"a", "b"}
    assert "b" in hidden(protect({"a": 13, "b": 70, "d": 200, "all": 283}, sums, earlier=[first]))


def test_what_was_given_away_before_is_refused() -> None:
    first = protect({"all": 33, "others": 30})
    with pytest.raises(ValueError, match="published earlier"):
        protect({"all": 33, "others": 30, "few": 3}, [("all", ["others", "few"])], earlier=[first])


def test_sums_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        protect({"all": 33, "a": 30}, [("all", ["a"])])


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
