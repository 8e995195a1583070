"""Whose a row is: children known by commitments, under every pseudonym that links give them; and the gate keeps them out."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_gate import ASSESSMENTS, EPISODES, FACTORS, MANIFEST, PERSON, frames, key
from validation.erased import Children, commit_to, follow, trace
from validation.extract import Extract
from validation.gate import Limits, check_extract, stop_if_implausible
from validation.tables.catalogue import TABLES
from validation.tables.local import PERSON_LINKS

LINKS = PERSON_LINKS.name


def link(*pairs: tuple[str, str]) -> pl.DataFrame:
    rows = [(key("l", n), old, new, date(2026, 3, 1)) for n, (old, new) in enumerate(pairs)]
    return pl.DataFrame(rows, schema=PERSON_LINKS.schema, orient="row")


def test_a_child_is_known_by_its_commitment_alone() -> None:
    children = Children.of(["a" * 32])
    assert ("a" * 32 in children, "b" * 32 in children) == (True, False)
    assert children.among(["a" * 32, "b" * 32, None]) == {"a" * 32}
    assert children.commitments == {commit_to("a" * 32)}
    assert "a" * 32 not in repr(children)


@settings(max_examples=50, deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12), start=st.integers(0, 9))
def test_links_are_followed_either_way_to_the_end_and_no_further(pairs: list[tuple[int, int]], start: int) -> None:
    reached = {start}
    for _ in range(10):
        reached |= {b for pair in pairs if reached & set(pair) for b in pair}
    found = follow({key("p", start)}, link(*((key("p", old), key("p", new)) for old, new in pairs)))
    assert found == {key("p", one) for one in reached}


def test_rows_that_name_no_child_go_with_the_row_that_they_point_at() -> None:
    tables = frames()
    traces = trace(tables, Children.of([key("p", 2)]), PERSON_LINKS.empty())
    taken = {name: frame.filter(traces.are_in(TABLES[name]))[TABLES[name].key].to_list() for name, frame in tables.items()}
    assert taken == {PERSON: [key("p", 2)], EPISODES: [key("r", 2)], ASSESSMENTS: [key("a", 2)], FACTORS: [key("f", 2)]}


@pytest.mark.parametrize("named", ["p", "old"])
def test_the_gate_keeps_an_erased_child_out_and_counts_its_rows(named: str) -> None:
    tables = frames() | {LINKS: link((key("old", 2), key("p", 2)))}
    gated = check_extract(Extract(MANIFEST, tables), erased=Children.of([key(named, 2)]))
    for name, frame in tables.items():
        count = gated.counts[name]
        assert count.set_aside == {"erased": 1}, name
        assert count.received == frame.height == count.accepted + sum(count.set_aside.values()) + count.duplicates, name
        assert gated.set_aside[name].is_empty(), name
    assert key("p", 2) not in gated.accepted[PERSON]["pers_person_id"]
    assert gated.accepted[PERSON].height == 5


def test_rows_of_erased_children_do_not_stop_a_night() -> None:
    gated = check_extract(Extract(MANIFEST, frames()), erased=Children.of([key("p", 2), key("p", 3)]))
    assert gated.counts[PERSON].faulty == 0
    stop_if_implausible(gated, Limits(set_aside=0.0), None, None)


def test_nobody_erased_changes_nothing() -> None:
    ordinary, asked = (
        check_extract(Extract(MANIFEST, frames()), erased=children) for children in (Children(), Children.of(["f" * 32]))
    )
    assert ordinary.counts == asked.counts
    assert all(asked.accepted[name].equals(frame) for name, frame in ordinary.accepted.items())
