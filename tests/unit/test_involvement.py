"""Do people decide, or does the list? Drawn lists and logs in, what people did out."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from models.involvement import (
    DECIDED,
    IN_ORDER,
    LEAST,
    NEVER,
    NO_PLACE,
    OPEN,
    OTHER_KIND,
    OTHERWISE,
    PASSED,
    Days,
    Involvement,
    can_be_judged,
    find_alarms,
    measure_involvement,
)
from models.team_decisions import DECIDED as LOG
from validation.disclosure import FEWEST

DAY = date(2026, 11, 2)
KINDS = {"FGC": "FGC", "EH": "EH", "-": None}
LISTS = {
    "night": pl.Date,
    "family_id": pl.String,
    "children": pl.List(pl.String),
    "order": pl.Int64,
    "standing": pl.String,
    "kind": pl.String,
    "listed_since": pl.Date,
}


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def lists(drawn: Mapping[int, str], children: Mapping[str, list[str]] | None = None) -> pl.DataFrame:
    """Lists by the day of the night: families in order, as "name standing kind since"; "place" is left out where it is FGC."""
    rows = []
    for night, text in drawn.items():
        for order, line in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
            name, standing, kind, since = [*line.split(), *["place", "FGC", str(night)][len(line.split()) - 1 :]]
            listed = day(int(since)) if standing in ("place", "renew") else None
            members = (children or {}).get(name, [f"{name}'s child"])
            rows.append((day(night), name, members, order, standing, KINDS[kind], listed))
    return pl.DataFrame(rows, schema=LISTS, orient="row")


def log(*lines: str, **shared: Any) -> pl.DataFrame:
    """Decisions as "night name decision kind decided_on"; a decision of several words is joined by "_"."""
    rows = []
    for line in lines:
        night, name, decision, kind, decided_on = line.split()
        row = {"night": day(int(night)), "family_id": name, "children": [f"{name}'s child"], "standing": "place",
               "listed_kind": "FGC", "decision": decision.replace("_", " "), "kind": KINDS[kind], "reason": "Other",
               "role": "Social worker", "decided_on": day(int(decided_on)), "imported_on": day(int(decided_on))}  # fmt: skip
        rows.append(row | shared)
    return pl.DataFrame(rows, schema=LOG)


NO_GROUPS = pl.DataFrame(schema={"person_id": pl.String, "sex": pl.String})


def found(nights: pl.DataFrame, *lines: str, groups: pl.DataFrame = NO_GROUPS, **shared: Any) -> Involvement:
    return measure_involvement(log(*lines, **shared), nights, groups)


def verdicts(told: Involvement) -> dict[str, int]:
    return {name: number for name, number in told.judged.items() if number}


TWO_NIGHTS = lists({0: "ash, birch, cedar", 1: "ash place FGC 0, birch place FGC 0, cedar place FGC 0"})


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["0 ash offered FGC 1"], {IN_ORDER: 1}),
        (["0 birch offered FGC 1"], {PASSED: 1}),
        (["0 ash offered FGC 1", "0 birch offered FGC 1"], {IN_ORDER: 2}),  # on one day there is no order
        (["0 birch offered FGC 1", "0 ash offered FGC 1"], {IN_ORDER: 2}),
        (["0 birch offered FGC 1", "0 ash offered FGC 2"], {IN_ORDER: 1, PASSED: 1}),
        (["0 ash not_suitable - 1", "0 birch offered FGC 1"], {IN_ORDER: 1, OTHERWISE: 1}),
        (["0 ash keep_on_the_list - 1", "0 birch offered FGC 1"], {IN_ORDER: 1, OTHERWISE: 1}),  # a person has looked at ash
        (["0 ash offered EH 1"], {OTHER_KIND: 1}),
        (["0 ash offered - 1"], {IN_ORDER: 1}),  # no other kind was recorded
        (["0 ash already_helped - 1"], {OTHERWISE: 1}),
        (["0 ash statutory_route - 1"], {OTHERWISE: 1}),
        (["0 ash other - 1"], {OTHERWISE: 1}),
        (["0 ash accepted FGC 1"], {IN_ORDER: 1}),
        (["0 ash declined FGC 1"], {IN_ORDER: 1}),
        (["0 ash offered FGC 1", "1 ash accepted FGC 2"], {IN_ORDER: 1}),  # the answer is no second decision
        (["0 ash keep_on_the_list - 1", "1 ash offered FGC 2"], {IN_ORDER: 1}),
        (["0 ash offered FGC 1", "1 ash not_suitable - 2"], {IN_ORDER: 1}),  # the first counts
        ([], {}),
    ],
)
def test_how_far_people_went_along_with_the_list(lines: list[str], expected: dict[str, int]) -> None:
    assert verdicts(found(TWO_NIGHTS, *lines)) == expected


def test_a_place_of_another_kind_is_no_family_before() -> None:
    assert verdicts(found(lists({0: "ash place EH, birch"}), "0 birch offered FGC 1")) == {IN_ORDER: 1}


def test_a_family_that_waits_is_no_family_before() -> None:
    assert verdicts(found(lists({0: "ash waiting -, birch"}), "0 birch offered FGC 1")) == {IN_ORDER: 1}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["0 oak offered FGC 1"], {NO_PLACE: 1}),
        (["0 oak offered FGC 1", "1 oak accepted FGC 5"], {NO_PLACE: 1}),  # an answer to the same offer
        (["0 oak offered FGC 1", "1 oak offered EH 5"], {NO_PLACE: 2}),
        (["0 oak accepted FGC 1"], {NO_PLACE: 1}),
        (["0 oak not_suitable - 1"], {}),  # there was no place to overrule
    ],
)
def test_offers_to_families_without_a_place(lines: list[str], expected: dict[str, int]) -> None:
    nights = lists({0: "ash, oak waiting -", 1: "ash place FGC 0, oak waiting -"})
    assert verdicts(found(nights, *lines)) == expected


def test_an_answer_after_the_place_has_gone_is_no_offer_off_the_list() -> None:
    nights = lists({0: "ash", 1: "ash not_eligible -"})
    assert verdicts(found(nights, "0 ash offered FGC 1", "1 ash accepted FGC 3")) == {IN_ORDER: 1}


def test_decisions_about_lists_outside_the_period_are_not_judged() -> None:
    assert verdicts(found(lists({5: "oak waiting -"}), "0 oak offered FGC 1")) == {}


def test_places_end_in_a_decision_or_without_one_or_are_still_open() -> None:
    nights = lists(
        {0: "ash, birch, cedar", 1: "birch place FGC 0, cedar waiting -, elm", 2: "birch renew FGC 0, elm place FGC 1"}
    )
    told = found(nights, "0 ash offered FGC 1", "1 elm keep_on_the_list - 2")
    assert told.places == {DECIDED: 2, OPEN: 1, NEVER: 1}  # ash and elm, birch, cedar
    assert told.otherwise == {"keep on the list": 1}


def test_a_family_under_two_names_on_one_list_is_one_family() -> None:
    nights = lists({0: "ash, ash2", 1: "ash place FGC 0"}, {"ash2": ["ash's child", "baby"]})
    told = found(nights, "0 ash offered FGC 1")
    assert (told.places[DECIDED], verdicts(told)) == (1, {IN_ORDER: 1})


def test_a_second_place_of_a_family_is_a_place_of_its_own() -> None:
    nights = lists({0: "ash", 1: "ash waiting -", 2: "ash", 3: "ash place FGC 2"})
    told = found(nights, "2 ash offered FGC 3")
    assert told.places == {DECIDED: 1, OPEN: 0, NEVER: 1}


def test_a_family_with_a_new_name_keeps_its_place_by_its_children() -> None:
    nights = lists({0: "ash", 1: "ash2 place FGC 0", 2: "oak"}, {"ash2": ["ash's child", "baby"]})
    told = found(nights, "1 ash2 offered FGC 2")
    assert told.places == {DECIDED: 1, OPEN: 1, NEVER: 0}


def test_days_go_from_the_morning_of_the_list_to_the_first_decision() -> None:
    names = ["ash", "birch", "cedar", "elm", "fir"]
    nights = lists({0: ", ".join(names), 1: ", ".join(f"{name} place FGC 0" for name in names)})
    told = found(nights, "0 ash offered FGC 1", "1 ash accepted FGC 30", "0 birch offered FGC 3", "0 cedar offered FGC 5",
                 "0 elm not_suitable - 8", "1 fir keep_on_the_list - 21")  # fmt: skip
    assert told.days == Days(places=5, lower=2.0, median=4.0, upper=7.0, soon=4)


def test_a_decision_on_the_evening_of_the_night_counts_as_at_once() -> None:
    told = found(lists({0: "ash"}), "0 ash offered FGC 0")
    assert told.days == Days(1, 0.0, 0.0, 0.0, 1)


def test_without_any_decision_nothing_is_said_of_days() -> None:
    assert found(TWO_NIGHTS).days is None


def test_reasons_decisions_and_roles_are_counted() -> None:
    rows = pl.concat([
        log("0 ash not_suitable - 1", reason="Not the right time"),
        log("0 birch other - 1", reason=None, role="Front-door manager"),
        log("0 cedar offered FGC 1", reason="Fits what the family needs", role=None),
    ])  # fmt: skip
    told = measure_involvement(rows, TWO_NIGHTS, NO_GROUPS)
    assert told.otherwise == {"not suitable": 1, "other": 1}
    assert told.reasons == {"Not the right time": 1, "no reason given": 1}
    assert told.roles == {"Front-door manager": 1, "Social worker": 1, "not known": 1}
    assert (told.first, told.last, told.lists) == (day(0), day(1), 2)


def test_groups_count_families_once_and_those_whose_children_differ_apart() -> None:
    members = {"ash": ["a", "b"], "birch": ["c"], "cedar": ["d", "e"], "elm": ["f"]}
    nights = lists({0: "ash, birch, cedar, elm", 1: "oak"}, members)
    groups = pl.DataFrame({"person_id": ["a", "b", "c", "d", "e"], "sex": ["female", "male", "male", "female", "female"]})
    told = found(nights, "0 ash not_suitable - 1", "0 birch offered FGC 1", groups=groups)
    rows = {row.pop("value"): row for row in told.groups.drop("group").to_dicts()}
    assert rows == {
        "more than one": {"decided": 1, "otherwise": 1, "never": 0},
        "male": {"decided": 1, "otherwise": 0, "never": 0},
        "female": {"decided": 0, "otherwise": 0, "never": 1},
        "not known": {"decided": 0, "otherwise": 0, "never": 1},
    }


def judged(in_order: int, otherwise: int) -> dict[str, int]:
    return {IN_ORDER: in_order, PASSED: 0, OTHER_KIND: 0, NO_PLACE: 0, OTHERWISE: otherwise}


@pytest.mark.parametrize(
    ("in_order", "otherwise", "words"),
    [
        (30, 0, "without judging"),
        (97, 3, "without judging"),
        (96, 4, None),
        (29, 0, None),  # too few to tell
        (15, 15, None),
        (14, 16, "less than half"),
        (0, LEAST - 1, None),
    ],
)
def test_the_alarm_of_agreement(in_order: int, otherwise: int, words: str | None) -> None:
    alarms = find_alarms(judged(in_order, otherwise), {DECIDED: 0, OPEN: 0, NEVER: 0})
    assert [words in alarm for alarm in alarms] == ([True] if words else [])


@pytest.mark.parametrize("in_order", range(25, 260, 3))
def test_no_alarm_tells_how_many_of_a_handful_there_are(in_order: int) -> None:
    none = {DECIDED: 0, OPEN: 0, NEVER: 0}
    assert len({find_alarms(judged(in_order, few), none) for few in range(1, FEWEST)}) == 1
    assert len({can_be_judged(judged(in_order, few), none) for few in range(1, FEWEST)}) == 1
    assert len({find_alarms(judged(0, 0), none | {DECIDED: in_order, NEVER: few}) for few in range(1, FEWEST)}) == 1


@pytest.mark.parametrize(
    ("decided", "never", "rings"), [(20, 10, False), (19, 11, True), (0, 29, False), (0, 30, True), (300, 10, False)]
)
def test_the_alarm_of_families_never_decided_on(decided: int, never: int, rings: bool) -> None:
    alarms = find_alarms(judged(0, 0), {DECIDED: decided, OPEN: 500, NEVER: never})
    assert ["never decided on" in alarm for alarm in alarms] == ([True] if rings else [])


def test_judging_among_those_with_a_place_rings_no_alarm_although_every_offer_is_in_order() -> None:
    names = [f"f{number}" for number in range(60)]
    nights = lists({0: ", ".join(names)})
    lines = [f"0 {name} {'offered FGC' if at % 3 else 'not_suitable -'} 1" for at, name in enumerate(names)]
    told = found(nights, *lines)
    assert verdicts(told) == {IN_ORDER: 40, OTHERWISE: 20}
    assert told.alarms == ()


def test_the_order_of_the_rows_changes_nothing() -> None:
    lines = ["0 birch offered FGC 1", "0 ash offered FGC 2", "0 cedar not_suitable - 2"]
    told, mixed = found(TWO_NIGHTS, *lines), found(TWO_NIGHTS.reverse(), *reversed(lines))
    assert (told.judged, told.places, told.days) == (mixed.judged, mixed.places, mixed.days)
