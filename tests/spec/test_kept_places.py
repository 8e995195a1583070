"""A place that was given before: who keeps it, who loses it, and when it is to be renewed."""

from datetime import date

import pytest

from tests.spec.drawn_places import AS_OF, ONE, assert_places, before, offered, place, standings, with_place

OVERTAKEN = "family chance kinds\na 0.2 EH\nb 0.9 EH"
HELD_BY_A = before("family kind since odds\na EH 2026-11-20 0.25")


def test_an_undecided_family_keeps_its_place_when_others_overtake_it() -> None:
    assert_places(
        place(OVERTAKEN, ONE, HELD_BY_A),
        """
            family_id  order  standing  kind  slot_chance  tie_band  listed_since
            b          1      waiting   -     0.0          false     -
            a          2      place     EH    0.25         true      2026-11-20
        """,
    )


KNOWN_AGAIN = {
    "by a child, under another name": (
        "family child chance kinds\nz a0 0.2 EH\nb b0 0.9 EH",
        "family children kind since\na a0 EH 2026-11-20",
    ),
    "by name, with another child": (
        "family child chance kinds\na a9 0.2 EH\nb b0 0.9 EH",
        "family children kind since\na a0 EH 2026-11-20",
    ),
    "a child without a family that has been given one": (
        "family child chance kinds\nz a0 0.2 EH\nb b0 0.9 EH",
        "family children kind since\na0 a0 EH 2026-11-20",
    ),
}


@pytest.mark.parametrize(("table", "held"), KNOWN_AGAIN.values(), ids=list(KNOWN_AGAIN))
def test_a_family_is_known_again(table: str, held: str) -> None:
    assert set(with_place(place(table, ONE, before(held)))) == {table.splitlines()[1].split()[0]}


def test_a_family_that_came_apart_keeps_one_place_and_the_part_with_most_children_has_it() -> None:
    table = "family child chance kinds\np a0 0.2 EH\nq a1 0.3 EH\nq a2 0.3 EH\nb b0 0.9 EH"
    assert with_place(place(table, ONE, before("family children kind since\na a0,a1,a2 EH 2026-11-20"))) == {"q": "EH"}


def test_a_family_that_came_apart_keeps_its_place_under_its_name() -> None:
    table = "family child chance kinds\na a0 0.2 EH\nq a1 0.3 EH\nq a2 0.3 EH\nb b0 0.9 EH"
    assert with_place(place(table, ONE, before("family children kind since\na a0,a1,a2 EH 2026-11-20"))) == {"a": "EH"}


@pytest.mark.parametrize(("a_since", "b_since", "kind"), [("19", "20", "EH"), ("20", "19", "FGC")])
def test_two_families_that_came_together_keep_the_place_that_was_given_first(a_since: str, b_since: str, kind: str) -> None:
    table = "family child chance kinds\nz a0 0.2 FGC,EH\nz b0 0.3 FGC,EH"
    held = before(f"family children kind since\na a0 EH 2026-11-{a_since}\nb b0 FGC 2026-11-{b_since}")
    assert with_place(place(table, offered(FGC=1, EH=1), held)) == {"z": kind}


LOST = {
    "it may not have the kind any more": ("a 0.2 FGC", "family decision on", "waiting"),
    "it may have nothing any more": ("a 0.2 -", "family decision on", "not eligible"),
    "it is not scored": ("a ? EH", "family decision on", "not scored"),
    "it stands apart by law": ("a 0.2 law", "family decision on", "statutory"),
    "somebody decided after it was given": ("a 0.2 EH", "family decision on night\na other 2026-11-21 2026-11-10", "waiting"),
    "somebody decided on the list that gave it": (
        "a 0.2 EH",
        "family decision on night\na other 2026-11-20 2026-11-20",
        "waiting",
    ),
    "the decision names a child": ("a 0.2 EH", "family children decision on\nold x,a0 declined 2026-11-22", "waiting"),
    "it was kept, and decided on later": (
        "a 0.2 EH",
        "family decision on\na keep_on_the_list 2026-11-21\na already_helped 2026-11-22",
        "waiting",
    ),
}


@pytest.mark.parametrize(("row", "decided", "standing"), LOST.values(), ids=list(LOST))
def test_a_place_is_lost_and_goes_to_the_next_when(row: str, decided: str, standing: str) -> None:
    found = place(f"family chance kinds\n{row}\nb 0.9 EH", offered(EH=1, FGC=0), HELD_BY_A, decided)
    assert standings(found) == {"a": (standing, None), "b": ("place", "EH")}


STANDS = {
    "a decision on an older list, before the place was given": "family decision on night\na other 2026-11-19 2026-11-18",
    "a decision on an older list, on the day the place was given": "family decision on night\na other 2026-11-20 2026-11-18",
    "a decision of tomorrow": "family decision on\na other 2026-11-25",
    "a decision about another family": "family children decision on\nb b0 other 2026-11-22",
    "kept on the list": "family decision on\na keep_on_the_list 2026-11-22",
    "kept on the list after all": "family decision on\na other 2026-11-21\na keep_on_the_list 2026-11-22",
}


@pytest.mark.parametrize("decided", STANDS.values(), ids=list(STANDS))
def test_a_place_stands_after(decided: str) -> None:
    assert with_place(place(OVERTAKEN, ONE, HELD_BY_A, decided)) == {"a": "EH"}


def test_a_place_of_a_kind_that_is_offered_no_more_is_lost() -> None:
    found = place("family chance kinds\na 0.9 EH", ONE, before("family kind since\na FGC 2026-11-20"))
    assert found.select("kind", "listed_since").row(0) == ("EH", AS_OF)


def test_only_if_slots_are_fewer_the_last_in_order_lose_theirs() -> None:
    table = "family chance kinds\na 0.2 EH\nb 0.3 EH\nc 0.9 EH\nd 0.4 EH"
    held = before("family kind since\na EH 2026-11-20\nb EH 2026-11-20\nd EH 2026-11-20")
    assert standings(place(table, offered(EH=2), held)) == {
        "a": ("waiting", None),
        "b": ("place", "EH"),
        "c": ("waiting", None),
        "d": ("place", "EH"),
    }


def test_one_who_lost_a_place_to_fewer_slots_may_be_given_another_kind() -> None:
    table = "family chance kinds\na 0.2 FGC,EH\nb 0.3 FGC"
    held = before("family kind since\na FGC 2026-11-20\nb FGC 2026-11-20")
    assert with_place(place(table, offered(FGC=1, EH=1), held)) == {"a": "EH", "b": "FGC"}


def test_a_slot_that_is_freed_goes_to_the_next() -> None:
    table, held = (
        "family chance kinds\na 0.9 -\nb 0.8 EH\nc 0.7 EH",
        before("family kind since\na EH 2026-11-23\nb EH 2026-11-23"),
    )
    found = place(table, offered(EH=2), held, "family decision on\na declined 2026-11-24")
    assert found.filter(standing="place").select("family_id", "listed_since").rows() == [("b", date(2026, 11, 23)), ("c", AS_OF)]


AGES = {
    "a day before the limit": ("2026-10-14", "place"),
    "at the limit": ("2026-10-13", "renew"),
    "past the limit": ("2026-09-01", "renew"),
}


@pytest.mark.parametrize(("since", "standing"), AGES.values(), ids=list(AGES))
def test_a_place_is_to_be_renewed_after_so_many_days(since: str, standing: str) -> None:
    found = place("family chance kinds\na 0.2 EH", ONE, before(f"family kind since odds\na EH {since} 0.5"))
    assert found.select("standing", "kind", "listed_since", "slot_chance").row(0) == (
        standing,
        "EH",
        date.fromisoformat(since),
        0.5,
    )


OLD = before("family standing kind since\na renew EH 2026-10-01")


def test_a_family_to_be_renewed_holds_no_slot() -> None:
    assert standings(place(OVERTAKEN, ONE, OLD)) == {"a": ("renew", "EH"), "b": ("place", "EH")}


def test_a_family_kept_on_the_list_has_its_days_begin_anew() -> None:
    found = place("family chance kinds\na 0.2 EH\nb 0.9 EH", ONE, OLD, "family decision on\na keep_on_the_list 2026-11-22")
    assert found.filter(family_id="a").select("standing", "listed_since").row(0) == ("place", date(2026, 11, 22))


def test_a_family_to_be_renewed_is_gone_once_decided() -> None:
    assert standings(place(OVERTAKEN, ONE, OLD, "family decision on\na other 2026-11-22"))["a"] == ("waiting", None)


def test_families_that_were_not_listed_before_keep_nothing() -> None:
    held = before("family standing kind since\na waiting EH 2026-11-20\nc waiting EH 2026-11-20")
    assert with_place(place(OVERTAKEN, ONE, held)) == {"b": "EH"}
