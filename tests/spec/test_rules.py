"""The rules across rows and tables, drawn: tables in, and in the column "keeps" whether each row keeps the rule."""

import random
from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
import pytest

from tests.spec import rules_on_activity, rules_on_assessments, rules_on_episodes, rules_on_people, rules_on_plans
from tests.spec.rule_tables import ASSESSMENTS, CIN_PLANS, EPISODES, PERSON, drawn
from validation.checks import Severity
from validation.rules import RULES, all_checks, derived
from validation.tables.catalogue import TABLES

EXTRACT_DATE = date(2026, 11, 24)
DRAWINGS = {
    **rules_on_people.DRAWINGS,
    **rules_on_episodes.DRAWINGS,
    **rules_on_activity.DRAWINGS,
    **rules_on_assessments.DRAWINGS,
    **rules_on_plans.DRAWINGS,
}


def judged(code: str, name: str, tables: Mapping[str, str]) -> tuple[list[bool], list[bool]]:
    """What was expected of the rule and what came out, row by row of the table ``name``."""
    frames = {each: drawn(each, table) for each, table in tables.items()}
    expected = (frames[name]["keeps"] == "yes").to_list()
    frames[name] = frames[name].drop("keeps")
    (rule,) = [rule for rule in RULES if (rule.code, rule.table) == (code, name)]
    return expected, derived(frames, EXTRACT_DATE)[name][rule.column].to_list()


@pytest.mark.parametrize(("code", "table"), DRAWINGS, ids=str)
def test_a_rule_is_kept_and_broken_as_drawn(code: str, table: str) -> None:
    expected, found = judged(code, table, DRAWINGS[code, table])
    assert found == expected
    assert set(expected) == {True, False}


def test_every_rule_is_drawn() -> None:
    assert set(DRAWINGS) == {(rule.code, rule.table) for rule in RULES}


def test_errors_are_the_rules_that_make_a_row_unusable() -> None:
    errors = {rule.code for rule in RULES if rule.severity is Severity.ERROR}
    assert errors == {"8565", "8614", "8810", "count-negative", "family-too-large", "scale-out-of-range"}


def test_every_rule_becomes_one_check_of_its_derived_column() -> None:
    checks = [check for table in all_checks(TABLES).values() for check in table]
    assert len({(check.table, check.rule, check.asks) for check in checks}) == len(checks)
    assert {rule.check for rule in RULES} <= set(checks)


def test_empty_values_keep_every_rule_but_the_one_that_asks_for_a_birth() -> None:
    frames = {
        name: pl.DataFrame({column: [None, None] for column in table.schema}, schema=table.schema)
        for name, table in TABLES.items()
    }
    answers = derived(frames, EXTRACT_DATE)
    broken = {rule.code for rule in RULES if not answers[rule.table][rule.column].all()}
    assert broken == {"8525Q"}


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "absent"])
def test_a_table_that_was_not_supplied_breaks_no_rule(empty: bool) -> None:
    frames = {EPISODES: drawn(EPISODES, "referral_id close_reason close_date\na RC8 2026-01-01\nb RC2 2026-01-01"),
              ASSESSMENTS: drawn(ASSESSMENTS, "assessment_id referral_id assessment_auth_date\na a 2026-01-01")}  # fmt: skip
    if empty:
        frames = {name: frames.get(name, table.empty()) for name, table in TABLES.items()}
    answers = derived(frames, EXTRACT_DATE)
    assert answers[EPISODES]["rule_8585Q"].to_list() == [True, True]
    assert answers[ASSESSMENTS]["rule_8897Q"].to_list() == [True]
    assert answers[ASSESSMENTS]["rule_unknown_episode"].to_list() == [True]
    alone = derived({EPISODES: frames[EPISODES]}, EXTRACT_DATE)
    assert alone[EPISODES]["rule_8825Q"].to_list() == [True, True]
    alone = derived({ASSESSMENTS: frames[ASSESSMENTS]}, EXTRACT_DATE)
    assert alone[ASSESSMENTS]["rule_unknown_episode"].to_list() == [True]


def test_rows_stay_as_they_are_when_a_parent_is_repeated() -> None:
    people = drawn(PERSON, "person_id dob\na 2020-01-01\na 2020-01-01")
    episodes = drawn(EPISODES, "referral_id person_id referral_date\ny a 2026-02-01\nx a 2026-01-01")
    answers = derived({PERSON: people, EPISODES: episodes}, EXTRACT_DATE)
    assert answers[EPISODES].select(episodes.columns).equals(episodes)
    assert answers[PERSON].select(people.columns).equals(people)


def test_overlaps_agree_with_comparing_every_pair() -> None:
    chance = random.Random(11)  # noqa: S311
    for _ in range(40):
        rows = []
        for number in range(chance.randrange(1, 14)):
            start = date(2026, 1, 1) + timedelta(days=chance.randrange(12))
            end = start + timedelta(days=chance.randrange(5)) if chance.random() < 0.8 else None
            rows.append((str(number), chance.choice("ab"), start, end))
        frame = pl.DataFrame(rows, schema=["cinp_cin_plan_id", "cinp_person_id", "cinp_cin_plan_start_date",
                                           "cinp_cin_plan_end_date"], orient="row")  # fmt: skip
        full = frame.select(
            (pl.col(column) if column in frame.columns else pl.lit(None)).cast(dtype).alias(column)
            for column, dtype in TABLES[CIN_PLANS].schema.items()
        )
        found = derived({CIN_PLANS: full}, EXTRACT_DATE)[CIN_PLANS]["rule_4014"].to_list()
        assert found == [not any(_overlap(one, other) for other in rows if other is not one) for one in rows]


Plan = tuple[str, str, date, date | None]


def _overlap(one: Plan, other: Plan) -> bool:
    """Do two plans of a child share more than the day on which one ends and the other begins?"""
    if one[1] != other[1]:
        return False
    first, second = sorted((one, other), key=lambda plan: (plan[2], plan[3] or date.max))
    return second[2] < (first[3] or date.max)
