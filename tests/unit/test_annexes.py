"""The annexes to both assessments: figures of the run, open questions, what is for counsel, and no small number."""

from dataclasses import replace

import pytest

from flows.publish.annexes_dpia import WHO_SEES, render_dpia_annex
from flows.publish.annexes_equality import AIMS, CHARACTERISTICS, find_equality_sections, render_equality_annex
from flows.publish.group_verdicts import count_verdicts, find_judged, lay_out_verdicts, name_lost, tell_errors
from flows.publish.record_fields import DPIA, EQUALITY, fields_of
from models.fairness import Verdict
from tests.unit.record_example import earlier, facts
from tests.unit.test_atrs import words
from tests.unit.test_fairness_page import frame

LISTED = {"size": "the list"}


def test_the_data_annex_tells_how_many_of_whom_since_when_and_what_is_read() -> None:
    page = words(render_dpia_annex(facts()))
    for told in (
        "Children on record in the history: about 4,120.",
        "Children learned from: about 740.",
        "Families learned from: 300.",
        "window begins on 1 January 2019, and its latest extract is of 30 June 2024",
        "pers_ethnicity protected Ethnic group. 92 % no",
        "cont_contact_date feature Day on which the contact arrived. 100 % yes",
    ):
        assert told in page
    assert all(who in page for _, _, who in WHO_SEES)


def test_retention_is_said_to_be_set_only_when_the_council_has_set_it() -> None:
    assert "Retention: Six years after a case closes" in words(render_dpia_annex(facts()))
    assert "Retention: not set." in words(render_dpia_annex(facts(council={})))


@pytest.mark.parametrize(("render", "record"), [(render_dpia_annex, DPIA), (render_equality_annex, EQUALITY)])
def test_every_question_is_answered_by_the_council_or_listed_as_open(render, record: str) -> None:  # type: ignore[no-untyped-def]
    first, *others = fields_of(record)
    page = words(render(facts(council={first.key: "We do."})))
    assert f"{first.field}: We do." in page
    assert f"({first.key})" not in page
    assert all(f"{field.field}. {field.wanted} ({field.key})" in page for field in others)


def test_a_characteristic_that_no_report_compares_is_said_to_be_held_for_nothing() -> None:
    page = words(render_dpia_annex(facts()))
    assert "Sex, as statutory returns record it 100 % compared in the fairness report" in page
    assert "Ethnic group 92 % compared by no report of this run" in page  # the example's groups are sex and people


def test_groups_by_circumstance_are_left_to_the_fairness_report() -> None:
    cells = [{"metric": "offered", "group": group} | LISTED for group in ("sex", "source", "family_size", "sex and ethnicity")]
    alone, together = (lay_out_verdicts(frame(*cells), ["offered"], paired=paired)[0].rows for paired in (False, True))
    assert [row[0] for row in (*alone, *together)] == ["sex: female", "sex and ethnicity: female"]


def test_the_gaps_that_were_found_stand_first() -> None:
    gap = {"metric": "offered", "gap": 0.12, "gap_low": 0.03, "gap_high": 0.2, "verdict": Verdict.GAP} | LISTED
    short = words(render_equality_annex(replace(facts(), fairness=frame(gap))))
    assert "In short Sex, female, a gap: the list reaches more of them, by 12.0 points" in short


def test_the_position_on_decisions_is_put_to_counsel_and_not_as_advice() -> None:
    page = words(render_dpia_annex(facts()))
    counsel = page[page.index("For the council's lawyer to confirm UK GDPR") :]
    assert "Articles 22A to 22D" in counsel
    assert "is to be confirmed" in counsel
    assert "no legal advice" in page


def test_every_characteristic_of_the_act_is_said_to_be_held_or_not() -> None:
    held = next(section for section in find_equality_sections(facts()) if section.key == "held").tables[0]
    told = {name: (is_held, filled) for name, is_held, filled in held.rows}
    assert set(told) == set(CHARACTERISTICS)
    assert told["Race"] == ("yes", "92 %")
    assert told["Disability"] == ("no", "-")
    assert told["Religion or belief"] == ("no", "-")


def test_a_characteristic_whose_column_is_empty_is_not_held() -> None:
    column = {"column": "pers_ethnicity", "class": "protected", "filled": "0 %"}
    held = {"children": 10, "children_learned_from": 10, "tables": [{"table": "ssd_person", "records": 10, "columns": [column]}]}
    page = words(render_equality_annex(facts(holdings=held)))
    assert "Race no 0 %" in page


def test_each_aim_has_the_figures_that_bear_on_it_and_each_judged_measure_bears_on_one() -> None:
    sections = {section.key: section for section in find_equality_sections(facts())}
    assert all(sections[key].tables for key, *_ in AIMS)
    metrics = [metric for *_, of in AIMS for metric in of]
    assert sorted(metrics) == sorted(find_judged(facts().fairness)["metric"].unique())  # type: ignore[arg-type]


def test_a_verdict_stands_beside_its_gap_its_interval_and_the_smallest_that_could_have_been_seen() -> None:
    cell = {"metric": "offered", "gap": 0.12, "gap_low": 0.03, "gap_high": 0.2, "smallest_visible": 0.11, "verdict": Verdict.GAP}
    table = lay_out_verdicts(frame(cell | LISTED), ["offered"])[0]
    assert table.rows == (("sex: female", "+12.0", "+3.0 to +20.0", "11.0", "gap"),)


def test_figures_that_rest_on_few_families_are_hidden_as_in_the_fairness_report() -> None:
    few = {"metric": "offered", "families_with_event": 3, "verdict": Verdict.NOT_ENOUGH}
    assert lay_out_verdicts(frame(few | LISTED), ["offered"])[0].rows == (("sex: female", "c", "c", "c", "c"),)


def test_both_errors_add_up_over_groups_and_tell_of_few_by_a_bound_only() -> None:
    def cells(metric: str, events: int) -> list[dict[str, object]]:
        return [{"metric": metric, "value": value, "rows": 100, "events": events} | LISTED for value in ("female", "male")]

    found = frame(*cells("missed_returns", 40), *cells("unneeded_approaches", 1))
    assert tell_errors(found) == {"unneeded_approaches": "up to 3 %"}  # all that came back but so few: then how many were on it
    enough = frame(*cells("missed_returns", 40), *cells("unneeded_approaches", 30))
    assert tell_errors(enough) == {"missed_returns": "40 %", "unneeded_approaches": "30 %"}


def test_two_groups_that_mirror_each_other_are_one_comparison() -> None:
    pair = [{"metric": "offered", "value": value, "gap": gap} | LISTED for value, gap in (("female", 0.02), ("male", -0.02))]
    assert count_verdicts(frame(*pair))[Verdict.NOT_ENOUGH] == 1


def test_groups_that_vanished_are_named() -> None:
    lost = {"families": 0, "verdict": Verdict.ABSENT}
    found = frame({"value": "male"}, lost, {"metric": "offered", "value": "male"} | LISTED)
    assert name_lost(found) == [("sex: female", "nobody in this group")]
    assert "people: nowhere nobody in this group" in words(render_equality_annex(facts()))


def test_a_run_without_groups_says_so_and_passes_nothing() -> None:
    bare = replace(facts(), fairness=None)
    assert "This run compared no groups, so no figure bears on the duty." in words(render_equality_annex(bare))
    assert "This run compared no groups." in words(render_dpia_annex(bare))


def test_an_older_evaluation_leaves_parts_out_and_says_so() -> None:
    page = words(render_dpia_annex(facts(holdings=None, results=None)))
    assert "This run described no tables" in page
    assert "This run did not describe what is held, so nothing is said of protected characteristics." in page
    assert "No protected characteristic is filled" not in page
    assert "This run measured neither" not in page  # the fairness frame still tells of missed returns
    assert "so nothing is said of it" in words(render_equality_annex(facts(holdings=None)))


@pytest.mark.parametrize("render", [render_dpia_annex, render_equality_annex])
def test_each_says_what_changed(render) -> None:  # type: ignore[no-untyped-def]
    assert "This is the first" in words(render(facts()))
    assert "Compared with version 3." in words(render(facts(before=earlier())))


@pytest.mark.parametrize("render", [render_dpia_annex, render_equality_annex])
def test_an_invented_authority_is_stamped(render) -> None:  # type: ignore[no-untyped-def]
    assert "INVENTED DATA" in words(render(facts()))
    assert "INVENTED DATA" not in words(render(facts(real=True)))
