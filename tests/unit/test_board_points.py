"""What a board should see: every point is there, says what this run knows or whom to ask, and leads to where the rest stands."""

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from lxml import html

from flows.publish.board_answers import LONGEST
from flows.publish.board_points import POINTS, find_points
from flows.publish.group_verdicts import count_verdicts
from flows.publish.record_fields import COUNCIL, read_fields
from flows.publish.training_report import write_training_report
from flows.publish.transparency_pages import write_transparency
from flows.publish.what_changed import tell_changes
from models.fairness import Verdict
from tests.unit import test_involvement_page
from tests.unit.board_example import MONITORING, board, render
from tests.unit.reading_age import measure_reading_age
from tests.unit.record_example import earlier, facts, whole_evaluation
from tests.unit.report_example import small_model, small_scorecard
from tests.unit.test_fairness_page import frame

"""Places that another part of the project has still to make."""
HOSTILE = "<img src=x onerror=alert(1)> `a` & b"


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every page that a training leaves."""
    made = tmp_path_factory.mktemp("training")
    write_training_report(made, whole_evaluation(), small_model(), small_scorecard(), tell_changes(earlier(), facts().now))
    write_transparency(made, facts(before=earlier()))
    (made / "fairness.html").write_text(render(board(before=earlier())), encoding="utf-8")
    return made


def rows(page: str) -> list[html.HtmlElement]:
    return html.fromstring(page).xpath("//section[@aria-labelledby='points']//tbody/tr")


def answers(**given: object) -> dict[str, str]:
    """The answer to each point, by what it is."""
    return {point.what: point.answer for point in find_points(board(**given))}  # type: ignore[arg-type]


def find_answer(begin: str, **given: object) -> str:
    (told,) = (answer for what, answer in answers(**given).items() if what.startswith(begin))
    return told


def test_the_twenty_two_points_stand_in_order_each_with_an_answer_and_where_the_rest_is(training: Path) -> None:
    told = rows((training / "fairness.html").read_text(encoding="utf-8"))
    assert [row.find("th").text_content().partition(".")[0] for row in told] == [str(at) for at in range(1, 23)]
    for row in told:
        answer, place = (part.text_content() for part in row.findall("td"))
        assert answer.endswith(".")
        assert place


def test_the_points_stand_before_every_question(training: Path) -> None:
    page = html.fromstring((training / "fairness.html").read_text(encoding="utf-8"))
    keys = [section.get("aria-labelledby") for section in page.xpath("//section")]
    assert keys[:3] == ["short", "recommendation", "points"]
    assert keys[-2:] == ["identity", "terms"]


def test_every_link_leads_to_something_that_the_training_writes(training: Path) -> None:
    page = (training / "fairness.html").read_text(encoding="utf-8")
    links = {str(link) for link in html.fromstring(page).xpath("//section[@aria-labelledby='points']//a/@href")}
    assert MONITORING in links
    for link in links - {MONITORING}:
        name, _, anchor = link.partition("#")
        leads_to = html.fromstring((training / (name or "fairness.html")).read_bytes())
        assert not anchor or leads_to.find(f".//*[@id='{anchor}']") is not None, link


def test_no_declared_place_is_lost_on_the_way(training: Path) -> None:
    told = rows((training / "fairness.html").read_text(encoding="utf-8"))
    assert [len(row.xpath(".//a")) for row in told] == [sum(bool(place.href) for place in places) for _, _, places in POINTS]


def test_places_of_the_page_on_peoples_decisions_are_there() -> None:
    places = {place.words for _, _, places in POINTS for place in places if place.words.startswith("involvement/")}
    page = html.fromstring(test_involvement_page.page())
    for place in places:
        assert page.find(f".//*[@id='{place.partition('#')[2]}']") is not None, place
    assert {place.partition("#")[2] for place in places} == {"groups"}


def test_deprivation_is_named_as_not_held_only_where_it_is_not_compared() -> None:
    told = board()
    compared = pl.concat([told.frame, told.frame.with_columns(group=pl.lit("deprivation"))])
    with_it = replace(told, run=replace(told.run, fairness=compared))
    without, held = (
        next(point.answer for point in find_points(each) if "traits are held" in point.what) for each in (told, with_it)
    )
    assert "special needs at school, deprivation." in without
    assert "deprivation" in held.split("Not held")[0]
    assert "deprivation" not in held.split("Not held")[1]


def test_what_was_not_measured_is_said_and_not_linked() -> None:
    page = render(board(measured=False))
    links = html.fromstring(page).xpath("//section[@aria-labelledby='points']//a/@href")
    assert not {"#stages", "#proxies", "#remedies"} & set(links)
    assert (
        find_answer("Where a gap", measured=False)
        == find_answer("What could stand", measured=False)
        == ("This run did not measure it.")
    )
    assert "`rereferral retrain --full` does." in find_answer("What could be done", measured=False)


def test_answers_are_those_of_the_run() -> None:
    told, evaluation = board(), board().run.evaluation
    assert f"from {evaluation['rows']['used']} of 1,500 open cases" in find_answer("Who gets a chance")
    counts = count_verdicts(told.frame)
    assert f"Of {sum(counts.values())} comparisons" in find_answer("How sure each figure is")
    assert f"For {counts[Verdict.NOT_ENOUGH]} there is not enough evidence, which is no pass." in find_answer("How sure")
    assert "Glass box with 7 features, from the extract of 30 June 2024. Its number is the name of the folder" in find_answer(
        "Which run"
    )
    assert find_answer("What could stand").startswith("Of 2 groups, 2 can be told")
    assert "Compared: sex, people." in find_answer("Which traits are held")
    assert f"The rule says: {told.recommendation.advice}." in find_answer("The limits")


def test_what_changed_is_counted_against_the_training_before() -> None:
    assert find_answer("What changed").startswith("This is the first report")
    assert re.match(r"Against version 3, \d+ things are different\.", find_answer("What changed", before=earlier()))


def test_what_only_the_council_knows_is_asked_for_under_a_name_that_it_can_answer() -> None:
    asked = {key for answer in answers(council={}).values() for key in re.findall(r"`([a-z_]+\.[a-z_]+)` in", answer)}
    known = {field.key for field in read_fields() if field.answered_by == COUNCIL}
    assert asked == {
        "equality.not_held", "equality.action", "rationale.previous_process", "process.appeals", "data_protection.consultation",
    }  # fmt: skip
    assert asked <= known
    assert find_answer("Complaints", council={}).startswith("The pipeline holds no complaints: ask the complaints manager.")


def test_the_council_s_own_answer_stands_in_place_of_the_question_and_is_only_text() -> None:
    council = {"process.appeals": HOSTILE, "data_protection.consultation": "x" * (LONGEST + 1)}
    assert find_answer("Complaints", council=council).endswith(f"How a family contests: {HOSTILE}")
    assert "x" * 20 not in find_answer("What families think", council=council)
    page = html.fromstring(render(board(council=council)))
    assert not page.xpath("//img[@src='x']")
    assert "<img src=x onerror=alert(1)> a & b" in page.text_content()


def test_how_far_the_law_is_answered_is_counted_and_the_first_gaps_are_named() -> None:
    none = find_answer("Equality duty", council={})
    assert "the council has answered 0. Among those not answered: lawful basis, retention, advice on automated decisions." in none
    some = find_answer("Equality duty", council={"data_protection.retention": "Six years."})
    assert "the council has answered 1. Among those not answered: lawful basis, advice on automated decisions." in some


@pytest.mark.parametrize("cases", [5, 8])
def test_a_share_that_rests_on_a_handful_is_not_shown(cases: int) -> None:
    few = frame({"metric": "missed_returns", "size": "the list", "rows": cases, "events": 3})
    told = board()
    points = find_points(replace(told, run=replace(told.run, fairness=few)))
    (answer,) = (point.answer for point in points if point.what.startswith("Help that is missed"))
    assert answer.startswith("On an average date the list misses a share that cannot be shown of the cases that come back")


def test_a_report_that_compared_no_groups_has_no_points_for_a_board() -> None:
    told = board()
    with pytest.raises(ValueError, match="No group was given"):
        find_points(replace(told, run=replace(told.run, fairness=None)))


def test_several_test_years_are_a_trend() -> None:
    told = board()
    both = pl.concat([told.frame.with_columns(split=pl.lit(split)) for split in ("all", "2024-01-08", "2025-01-06")])
    answers_of_both = [point.answer for point in find_points(replace(told, run=replace(told.run, fairness=both)))]
    assert any("2 test years stand side by side." in answer for answer in answers_of_both)
    assert "there is no trend" in find_answer("How many come back")


def test_the_answers_can_be_read_at_the_age_of_the_report() -> None:
    assert measure_reading_age("\n".join(answers(council={}).values())) <= 12
