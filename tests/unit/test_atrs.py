"""The transparency record: every field is there, answered by who can answer it or listed as open, and nothing shows a child."""

import csv
import io
import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from markupsafe import escape

from flows.publish.atrs import HEADER, find_answers, render_atrs, write_csv
from flows.publish.atrs_answers import TOLD, answer_from_run
from flows.publish.record_fields import ATRS, COUNCIL, RUN, UNANSWERED, fields_of, read_fields
from models.fairness import Verdict
from tests.unit.record_example import COUNCIL as COUNCIL_SAYS
from tests.unit.record_example import facts
from tests.unit.test_fairness_page import frame


def rows(**given: Any) -> dict[str, dict[str, str]]:
    """The rows of the table by key, without those about the file."""
    read = csv.DictReader(io.StringIO(write_csv(facts(**given))))
    return {row["key"]: row for row in read if row["key"]}


def words(page: str) -> str:
    """A page without its marks and its style."""
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)).split())


def test_the_run_answers_exactly_the_fields_that_are_declared_as_its_own() -> None:
    assert set(TOLD) == {field.key for field in read_fields() if field.answered_by == RUN}


def test_a_whole_run_answers_all_its_fields() -> None:
    assert [key for key, text in answer_from_run(facts()).items() if not text.strip()] == []


def test_the_table_has_a_row_for_every_field_in_order_and_says_who_answered() -> None:
    told = rows()
    assert list(told) == [field.key for field in fields_of(ATRS)]
    assert {row["source"] for row in told.values()} == {RUN, COUNCIL, UNANSWERED}
    assert told["owner.team"]["answer"] == COUNCIL_SAYS["owner.team"]
    assert tuple(told["owner.team"]) == HEADER


def test_what_nobody_has_answered_is_empty_in_the_table_and_listed_on_the_page_with_what_is_wanted() -> None:
    told, page = rows(), words(render_atrs(facts()))
    listed = page[page.index("Not answered yet The council") :]
    for field in fields_of(ATRS):
        row = told[field.key]
        assert (row["answer"] == "") == (row["source"] == UNANSWERED)
        assert (f"Wanted: {field.wanted} ({field.key})" in listed) == (row["source"] == UNANSWERED)


def test_the_page_holds_every_answer() -> None:
    page = render_atrs(facts())
    for answer in find_answers(facts()):
        for line in answer.lines:
            assert f"<p>{escape(line)}</p>" in page


def test_answers_are_the_figures_of_the_run() -> None:
    told = rows()
    box = facts().measured.box
    assert box is not None
    assert f"AUC {box['auc']:.3f} ({box['auc_low']:.3f} to {box['auc_high']:.3f})" in told["model.performance"]["answer"]
    assert "7 features and 1 pair:" in told["model.architecture"]["answer"]
    assert (
        "Ethnic group: filled in 92 % of its table's records; compared by no report of this run."
        in told["data.sensitive_attributes"]["answer"]
    )
    assert "ssd_contacts: about 13,010 records, 2019 to 2024." in told["data.quantities"]["answer"]
    assert "people: nowhere (nobody in this group)" in told["data.completeness"]["answer"]
    assert "places for 20 families a week" in told["process.frequency"]["answer"]


@pytest.mark.parametrize(
    ("part", "key"),
    [("results", "model.performance"), ("results", "rationale.benefit"), ("holdings", "data.sensitive_attributes")],
)
def test_what_the_run_lacks_is_unanswered_and_never_made_up(part: str, key: str) -> None:
    lacking = facts(**{part: None})
    answered = next(answer for answer in find_answers(lacking) if answer.field.key == key)
    assert (answered.text, answered.source) == ("", UNANSWERED)
    assert "This run did not measure it" in render_atrs(lacking)


def test_an_invented_authority_is_stamped_in_the_page_and_in_the_table_and_a_real_one_is_not() -> None:
    for given, is_stamped in ((facts(), True), (facts(real=True), False)):
        assert ("INVENTED DATA" in words(render_atrs(given))) == is_stamped
        assert ("INVENTED" in write_csv(given)) == is_stamped


def test_everything_answered_leaves_nothing_open() -> None:
    council = {field.key: "An answer." for field in fields_of(ATRS) if field.answered_by == COUNCIL}
    page = words(render_atrs(facts(council=council)))
    assert "Nothing: every field is answered." in page
    assert "Wanted:" not in page


def test_what_the_council_writes_is_escaped() -> None:
    page = render_atrs(facts(council={"owner.team": "<script>alert(1)</script>"}))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_page_needs_nothing_but_itself() -> None:
    page = render_atrs(facts(council={}))
    assert not re.search(r"https?://|src=|url\((?!#)|@import|<link|<script", page)


def test_groups_with_few_families_are_told_without_a_figure() -> None:
    few = {"metric": "offered", "size": "the list", "families_with_event": 3, "verdict": Verdict.NOT_ENOUGH}
    told = answer_from_run(replace(facts(), fairness=frame(few | {"value": "male", "rows": 6, "events": 5}, few)))
    assert "Groups: 0 comparisons that may be shown were judged." in told["model.performance"]
    assert "12.3" not in told["model.performance"]
