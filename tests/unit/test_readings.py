"""Running totals and their readings against plain Python: every aggregate, at the edges of windows, children and counts."""

from datetime import date, timedelta
from random import Random

import polars as pl
import pytest

from features.measure import Measure
from features.readings import BITS, LOOK_BACK_DAYS, SHIFT, axis_of, read, read_measures
from features.stream import Events, Stream
from features.streams import FACTORS
from tests.generative.reference_rows import Row
from tests.generative.reference_values import value_of
from tests.generative.worlds import seeded
from validation.codes import codes
from validation.tables.local import SIGNS_OF_SAFETY
from validation.tables.protection import CLA_EPISODES

LAST = date(2024, 11, 25)
KINDS = list(codes("sos_rater"))
DRAWN = Events(
    Stream(
        "drawn", SIGNS_OF_SAFETY, "asos_scaled_date",
        {"number": pl.col("asos_scale"), "kind": pl.col("asos_rater"), "flag": pl.col("asos_scale") > 5},
    )
)  # fmt: skip
SPELLS = Events(Stream("spells", CLA_EPISODES, CLA_EPISODES.happened or "", {"ended": pl.col(CLA_EPISODES.ends or "")}))
EVENT = {
    "child": pl.UInt32(), "happened": pl.Date(), "number": pl.Int64(), "kind": pl.Enum(KINDS), "flag": pl.Boolean(),
    "ended": pl.Date(),
}  # fmt: skip
WINDOWS = (1, 2, 7, 90, 365, LOOK_BACK_DAYS)


def measures() -> list[Measure]:
    """Every aggregate in every window, of all events and of one kind."""
    found = [formula for days in WINDOWS[2:4] for formula in DRAWN.change(days).measures]
    for events in (DRAWN, DRAWN.where(kind=KINDS[0]), DRAWN.where(kind=tuple(KINDS[:2]), flag=True)):
        for days in WINDOWS:
            found += [events.count(days), events.any(days), events.days_since_last(days), events.days_since_first(days)]
            found += [events.distinct("kind", days), events.share("flag", days), events.trend("number", days)]
            found += [make("number", days) for make in (events.total, events.mean, events.most, events.latest)]
    return list(dict.fromkeys(found))


def some_events(random: Random, child: int, count: int) -> list[Row]:
    """Events of two years and more, several on a day and at the edges of windows among them."""
    edges = [days + more for days in WINDOWS for more in (-1, 0, 1)]
    return [
        {
            "child": child,
            "happened": LAST - timedelta(days=min(random.choice((*edges, random.randrange(800))), 800)),
            "number": random.choice((None, *range(-9, 10))),
            "kind": random.choice((None, *KINDS)),
            "flag": random.choice((None, True, False)),
            "ended": None,
        }
        for _ in range(count)
    ]


def rows_of(children: list[int], *days_ago: int) -> pl.DataFrame:
    """A row of each child for each day, whose case began a month before it."""
    found = [(child, LAST - timedelta(days=ago)) for child in children for ago in sorted(days_ago, reverse=True)]
    rows = pl.DataFrame(found, schema={"child": pl.UInt32, "as_of": pl.Date}, orient="row")
    return rows.with_columns(began_on=pl.col("as_of").dt.offset_by("-30d"))


def differing(events: list[Row], rows: pl.DataFrame, asked: list[Measure], *, before: bool = False) -> list[tuple[object, ...]]:
    """What was read otherwise than plain Python does: the row, the measure, and the two values."""
    axis = axis_of(rows["as_of"])
    seen = [event for event in events if axis.origin < event["happened"] <= LAST]
    shuffled = seeded(0).sample(seen, len(seen))
    found = read_measures(
        pl.DataFrame(shuffled, schema=EVENT), rows, axis, {str(at): measure for at, measure in enumerate(asked)}, before=before
    )
    wrong: list[tuple[object, ...]] = []
    for row, values in zip(rows.to_dicts(), found.to_dicts(), strict=True):
        mine = [one for one in seen if one["child"] == row["child"] and not (before and one["happened"] >= row["began_on"])]
        for at, measure in enumerate(asked):
            first, last = (row["as_of"] - timedelta(days=days) for days in (measure.within, measure.until))
            inside = [event for event in mine if first < event["happened"] <= last]
            counted = [event for event in inside if all(event[name] in allowed for name, allowed in measure.where)]
            counted = [
                event | {"ended": event["ended"] if event["ended"] and event["ended"] <= row["as_of"] else None}
                for event in counted
            ]
            expected = value_of(measure, counted, row["as_of"])
            if values[str(at)] != (None if expected is None else pytest.approx(float(expected), rel=1e-5, abs=1e-6)):
                wrong.append((row["child"], row["as_of"], str(measure), values[str(at)], expected))
    return wrong


@pytest.mark.parametrize("before", [False, True], ids=["all", "before the case"])
def test_every_aggregate_is_what_plain_python_makes_of_the_events(before: bool) -> None:
    """Children with no, few and many events stand side by side, at both ends of what a number may be."""
    random = seeded(1)
    sizes = {0: 25, 1: 0, 2: 1, 3: 40, 7: 2, 8: 15, 9: 16, 2**32 - 1: 25}
    events = [event for child, count in sizes.items() for event in some_events(random, child, count)]
    rows = rows_of(list(sizes), 0, 1, 28, 365)
    assert differing(events, rows, measures(), before=before) == []


def test_rows_on_a_single_date_and_without_any_event() -> None:
    assert differing(some_events(seeded(2), 4, 30), rows_of([3, 4, 5], 0), measures()) == []
    assert differing([], rows_of([3, 4], 0, 28), measures()) == []


@pytest.mark.parametrize("count", range(1, 10))
def test_the_largest_of_so_many_events(count: int) -> None:
    """One event a day, and as many days in the window."""
    values = seeded(count).sample(range(-20, 20), 12)
    blank = {"kind": None, "flag": None, "ended": None}
    events = [
        {"child": child, "happened": LAST - timedelta(days=ago), "number": child * value} | blank
        for child in (1, 2)
        for ago, value in enumerate(values)
    ]
    assert differing(events, rows_of([1, 2], 0, 1, 5), [DRAWN.most("number", count)]) == []


@pytest.mark.parametrize("most", [2**bits - more for bits in BITS if bits <= 12 for more in (1, 0)] + [5000])
def test_packed_counts_do_not_overflow(most: int) -> None:
    """One child has as many events as a packed count just holds, or one more, between two others that have one each."""
    blank = {"number": 1, "kind": KINDS[-1], "flag": True, "ended": None}
    events = [
        {"child": child, "happened": LAST - timedelta(days=at % 700)} | blank
        for child, count in ((1, 1), (2, most), (3, 1))
        for at in range(count)
    ]
    asked = [*(DRAWN.where(kind=kind).count() for kind in KINDS), DRAWN.count(), DRAWN.where(flag=True).count(), DRAWN.any()]
    asked += [
        DRAWN.distinct("kind"),
        DRAWN.share("flag"),
        DRAWN.mean("number"),
        DRAWN.where(kind=KINDS[0]).any(),
        DRAWN.count(365),
    ]
    assert differing(events, rows_of([1, 2, 3], 0), asked) == []


def test_different_values_are_counted_though_their_codes_fill_several_words() -> None:
    names = list(codes("assessment_factors"))
    random, axis = seeded(5), axis_of(pl.Series([LAST]))
    events = [(child, LAST, random.choice(names)) for child, count in ((1, 3), (2, 200), (3, 1)) for _ in range(count)]
    schema = {"child": pl.UInt32, "happened": pl.Date, "factor": pl.Enum(names)}
    asked = {"factors": FACTORS.distinct("factor")}
    found = read_measures(pl.DataFrame(events, schema=schema, orient="row"), rows_of([1, 2, 3, 4], 0), axis, asked)
    assert found["factors"].to_list() == [len({factor for child, _, factor in events if child == row}) for row in (1, 2, 3, 4)]


def test_a_spell_is_open_where_one_that_began_in_the_window_has_not_ended() -> None:
    random, events = seeded(3), []
    for child in range(8):
        for event in some_events(random, child, random.choice((1, 2, 6))):
            lasting = random.choice((None, 0, 1, 29, 30, 31, 89, 90, 91, 700))
            ended = None if lasting is None else event["happened"] + timedelta(days=lasting)
            events.append(event | {"ended": ended})
    asked = [SPELLS.open_now(days) for days in (1, 30, 90, LOOK_BACK_DAYS)]
    assert differing(events, rows_of(list(range(8)), 0, 1, 30, 365), asked) == []


def test_a_reading_is_the_last_row_not_above_the_key_whatever_the_order_of_keys() -> None:
    table = pl.DataFrame({"key": [10, 20, 20, 30], "value": ["a", "b", "c", "d"]})
    keys = pl.Series("key", [25, 9, 30, 20, 10, 2**62, 19])
    assert read(keys, table)["value"].to_list() == ["c", None, "d", "c", "a", "d", "a"]
    assert read(keys.sort(), table)["value"].to_list() == [None, "a", "a", "c", "c", "d", "d"]


def test_days_lie_on_an_axis_that_holds_89_years() -> None:
    first = date(1990, 1, 1)
    longest = SHIFT - LOOK_BACK_DAYS - 2
    axis = axis_of(pl.Series([first + timedelta(days=longest), first]))
    assert axis.origin == first - timedelta(days=LOOK_BACK_DAYS + 1)
    with pytest.raises(ValueError, match=f"lie too far apart: allowed are {longest} days"):
        axis_of(pl.Series([first, first + timedelta(days=longest + 1)]))


def test_at_both_ends_of_the_axis_children_do_not_mix() -> None:
    first = LAST - timedelta(days=SHIFT - LOOK_BACK_DAYS - 2)
    blank = {"number": 1, "kind": None, "flag": None, "ended": None}
    events = [{"child": child, "happened": day} | blank for child in (5, 7) for day in (first - timedelta(days=730), first, LAST)]
    rows = rows_of([4, 5, 6, 7], (LAST - first).days, 0)
    asked = [DRAWN.count(), DRAWN.days_since_first(), DRAWN.days_since_last(), DRAWN.most("number"), DRAWN.latest("number")]
    assert differing(events, rows, asked) == []


def test_different_values_are_counted_over_codes_only() -> None:
    rows = rows_of([1], 0)
    events = pl.DataFrame(some_events(seeded(1), 1, 3), schema=EVENT).with_columns(pl.col("kind").cast(pl.String))
    with pytest.raises(TypeError, match="counted over codes"):
        read_measures(events, rows, axis_of(rows["as_of"]), {"kinds": DRAWN.distinct("kind")})
