"""The rules across rows and tables, drawn: tables in, and in the column "keeps" whether each row keeps the rule.

Columns are written without the prefix of their table; "-" is an empty value, "none" a list without codes, and columns
that are not drawn are empty.
"""

import random
from datetime import date, timedelta
from io import StringIO

import polars as pl
import pytest

from validation.checks import Severity
from validation.conforming import NO_CODES
from validation.rules import RULES, all_checks, derived
from validation.tables.catalogue import TABLES

EXTRACT_DATE = date(2026, 11, 24)

PERSON, EPISODES, DISABILITY = "ssd_person", "ssd_cin_episodes", "ssd_disability"
ASSESSMENTS, FACTORS, CIN_PLANS = "ssd_cin_assessments", "ssd_assessment_factors", "ssd_cin_plans"
S47, CONFERENCES, CP_PLANS = "ssd_s47_enquiry", "ssd_initial_cp_conference", "ssd_cp_plans"
SCALES, FAMILY = "ext_assessments_sos", "ssd_family"


def drawn(name: str, table: str) -> pl.DataFrame:
    """A conformed frame of the table ``name``, and the column "keeps" if it was drawn."""
    lines = [" ".join(line.split()) for line in table.strip().splitlines()]
    rows = pl.read_csv(StringIO("\n".join(lines)), separator=" ", null_values="-", infer_schema=False)
    prefix = TABLES[name].key.split("_")[0]
    rows = rows.rename({column: f"{prefix}_{column}" for column in rows.columns if column != "keeps"})
    unknown = set(rows.columns) - set(TABLES[name].schema) - {"keeps"}
    assert not unknown, f"drawn, but not in the contract: {unknown}"
    typed = [
        (_typed(column, dtype) if column in rows.columns else pl.lit(None, dtype)).alias(column)
        for column, dtype in TABLES[name].schema.items()
    ]
    return rows.select(*typed, *(["keeps"] if "keeps" in rows.columns else []))


def _typed(column: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Date:
        return pl.col(column).str.to_date()
    if dtype == pl.Boolean:
        return pl.col(column) == "yes"
    return pl.col(column).replace("none", NO_CODES).cast(dtype)


def judged(code: str, name: str, tables: dict[str, str]) -> tuple[list[bool], list[bool]]:
    """What was expected of the rule and what came out, row by row of the table ``name``."""
    frames = {each: drawn(each, table) for each, table in tables.items()}
    expected = (frames[name]["keeps"] == "yes").to_list()
    frames[name] = frames[name].drop("keeps")
    (rule,) = [rule for rule in RULES if (rule.code, rule.table) == (code, name)]
    return expected, derived(frames, EXTRACT_DATE)[name][rule.column].to_list()


# Episodes that the rules on activity are drawn against: open, closed in March, closed after assessment, and an NFA.
CASES = """
    referral_id  referral_date  referral_nfa  close_date  close_reason
    open         2026-01-10     no            -           -
    closed       2026-01-10     no            2026-03-01  RC7
    assessed     2026-01-10     no            2026-03-01  RC8
    needless     2026-01-10     yes           -           -
"""

ACTIVITY = {
    "before the referral": "open 2026-01-09",
    "on the day of the referral": "open 2026-01-10",
    "on the day of closing": "closed 2026-03-01",
    "after closing": "closed 2026-03-02",
    "after assessment": "assessed 2026-02-01",
    "on a needless referral": "needless 2026-01-10",
    "on an unknown episode": "unknown 2020-01-01",
    "without an episode": "- 2020-01-01",
    "without a date": "closed -",
}


def activity(date_column: str, broken: set[str]) -> str:
    rows = [f"{line} {'no' if case in broken else 'yes'}" for case, line in ACTIVITY.items()]
    return "\n".join([f"referral_id {date_column} keeps", *rows])


DATES = {
    ASSESSMENTS: "assessment_start_date",
    S47: "s47_start_date",
    CONFERENCES: "icpc_date",
    CIN_PLANS: "cin_plan_start_date",
    CP_PLANS: "cp_plan_start_date",
}
BROKEN_ACTIVITY = {
    **{(code, table): {"before the referral"} for table, code in
       ((ASSESSMENTS, "1103"), (S47, "2889"), (CONFERENCES, "1104"), (CIN_PLANS, "4015"), (CP_PLANS, "1105"))},
    **{("8565", table): {"after closing"} for table in DATES},
    **{(code, table): {"on a needless referral"} for table, code in
       ((ASSESSMENTS, "8831"), (S47, "8831"), (CONFERENCES, "8831"), (CIN_PLANS, "4000"), (CP_PLANS, "8832"))},
    **{("2990", table): {"after assessment"} for table in DATES if table != ASSESSMENTS},
}  # fmt: skip

DRAWINGS: dict[tuple[str, str], dict[str, str]] = {
    (code, table): {EPISODES: CASES, table: activity(DATES[table], broken)} for (code, table), broken in BROKEN_ACTIVITY.items()
}

DRAWINGS |= {
    ("8525Q", PERSON): {PERSON: """
        dob         expected_dob  keeps
        2020-01-01  -             yes
        -           2027-01-01    yes
        2020-01-01  2020-02-01    no
        -           -             no
    """},
    ("8535Q", PERSON): {PERSON: """
        dob         death_date  keeps
        2020-01-01  2019-12-01  no
        2020-01-01  2020-01-01  yes
        2020-01-01  -           yes
        -           2019-12-01  yes
    """},
    ("8790", DISABILITY): {DISABILITY: """
        person_id  disability_code  keeps
        both       NONE             no
        other      MOB              yes
        both       MOB              no
        nothing    NONE             yes
        nothing    NONE             yes
        empty      NONE             yes
        empty      -                yes
    """},
    ("8794", DISABILITY): {DISABILITY: """
        person_id  disability_code  keeps
        twice      MOB              no
        twice      HAND             yes
        twice      MOB              no
        once       MOB              yes
        empty      -                yes
        empty      -                yes
    """},
    ("8555Q", EPISODES): {
        PERSON: """
            person_id  death_date
            died       2026-02-01
            lives      -
        """,
        EPISODES: """
            person_id  referral_date  keeps
            died       2026-02-28     yes
            died       2026-03-01     no
            lives      2026-03-01     yes
        """,
    },
    ("8585Q", EPISODES): {
        PERSON: """
            person_id  death_date
            died       2026-02-01
            lives      -
        """,
        EPISODES: """
            person_id  close_reason  keeps
            died       RC2           yes
            lives      RC2           no
            lives      RC7           yes
            lives      -             yes
            unknown    RC2           yes
        """,
    },
    ("8606", EPISODES): {
        PERSON: """
            person_id  dob         expected_dob
            born       2026-12-01  -
            due        -           2026-12-01
            neither    -           -
        """,
        EPISODES: """
            person_id  referral_date  keeps
            born       2026-02-24     yes
            born       2026-02-23     no
            due        2026-02-24     yes
            due        2026-02-23     no
            neither    2020-01-01     yes
        """,
    },
    ("8610", EPISODES): {EPISODES: """
        referral_nfa  cin_primary_need_code  keeps
        no            -                      no
        no            N1                     yes
        yes           -                      yes
        -             -                      yes
    """},
    ("8775Q", EPISODES): {
        PERSON: """
            person_id  dob
            old        2000-11-01
            young      2000-12-01
        """,
        EPISODES: """
            person_id  close_date  keeps
            old        -           no
            old        2026-11-24  yes
            old        2026-11-25  no
            young      -           yes
        """,
    },
    ("8805", EPISODES): {EPISODES: """
        close_date  close_reason  keeps
        2026-01-01  -             no
        2026-01-01  RC7           yes
        -           -             yes
    """},
    ("8810", EPISODES): {EPISODES: """
        close_date  close_reason  keeps
        -           RC7           no
        2026-01-01  RC7           yes
        -           -             yes
    """},
    ("8815", EPISODES): {EPISODES: """
        person_id  referral_nfa  close_date  keeps
        two        no            -           no
        one        no            -           yes
        two        no            2026-12-01  no
        one        no            2026-01-01  yes
        two        yes           -           yes
        needless   yes           -           yes
        needless   no            -           yes
        -          no            -           yes
        -          no            -           yes
    """},
    ("8820", EPISODES): {EPISODES: """
        person_id  referral_date  referral_nfa  close_date  keeps
        inside     2026-03-01     no            2026-04-01  no
        inside     2026-01-01     no            2026-06-01  no
        inside     2026-06-01     no            2026-07-01  yes
        open       2026-01-01     no            -           no
        open       2026-02-01     no            2026-03-01  no
        needless   2026-01-01     yes           -           yes
        needless   2026-02-01     no            -           yes
        apart      2026-01-01     no            2026-01-05  yes
        apart      2026-01-06     no            -           yes
        undated    -              no            -           yes
        undated    2026-01-01     no            -           yes
        -          2026-01-01     no            -           yes
        -          2026-01-01     no            -           yes
    """},
    ("8825Q", EPISODES): {
        ASSESSMENTS: """
            assessment_id  referral_id
            a              with
            b              with
        """,
        EPISODES: """
            referral_id  close_reason  keeps
            with         RC8           yes
            without      RC8           no
            without2     RC9           no
            without3     RC7           yes
            without4     -             yes
        """,
    },
    ("8670Q", ASSESSMENTS): {ASSESSMENTS: """
        assessment_start_date  assessment_auth_date  keeps
        2026-09-22             -                     yes
        2026-09-21             -                     no
        2026-09-21             2026-10-01            yes
        -                      -                     yes
    """},
    ("8867", ASSESSMENTS): {EPISODES: CASES, ASSESSMENTS: """
        referral_id  assessment_auth_date  keeps
        closed       -                     no
        closed       2026-02-01            yes
        open         -                     yes
        -            -                     yes
    """},
    ("8896", ASSESSMENTS): {ASSESSMENTS: """
        referral_id  assessment_auth_date  keeps
        two          -                     no
        one          -                     yes
        two          2026-12-01            no
        one          2026-01-01            yes
        -            -                     yes
        -            -                     yes
    """},
    ("8897Q", ASSESSMENTS): {
        FACTORS: """
            table_id  assessment_id  assessment_factors_json
            a         found          1A|2B
            b         empty          -
            c         blank          none
        """,
        ASSESSMENTS: """
            assessment_id  assessment_auth_date  keeps
            found          2026-01-01            yes
            empty          2026-01-01            no
            blank          2026-01-01            no
            absent         2026-01-01            no
            unfinished     -                     yes
        """,
    },
    ("8614", FACTORS): {
        ASSESSMENTS: """
            assessment_id  assessment_auth_date
            finished       2026-01-01
            unfinished     -
        """,
        FACTORS: """
            assessment_id  assessment_factors_json  keeps
            finished       1A                       yes
            unfinished     1A                       no
            unfinished     none                     yes
            unfinished     -                        yes
            unknown        1A                       yes
        """,
    },
    ("8869", FACTORS): {FACTORS: """
        assessment_factors_json  keeps
        1A|21                    no
        21                       yes
        1A|2B                    yes
        -                        yes
    """},
    ("4004", CIN_PLANS): {CIN_PLANS: """
        person_id  cin_plan_end_date  keeps
        two        -                  no
        two        2026-12-01         no
        one        -                  yes
        one        2026-11-24         yes
    """},
    ("4014", CIN_PLANS): {CIN_PLANS: """
        person_id  cin_plan_start_date  cin_plan_end_date  keeps
        overlap    2026-01-01           2026-03-01         no
        overlap    2026-02-28           -                  no
        apart      2026-01-01           2026-03-01         yes
        apart      2026-03-01           -                  yes
    """},
    ("8615", CONFERENCES): {
        S47: """
            s47_enquiry_id  s47_start_date
            enquiry         2026-02-01
        """,
        CONFERENCES: """
            s47_enquiry_id  icpc_date   keeps
            enquiry         2026-01-31  no
            enquiry         2026-02-01  yes
            -               2026-01-01  yes
        """,
    },
    ("8839", S47): {S47: """
        referral_id  s47_end_date  keeps
        two          -             no
        two          -             no
        one          -             yes
        one          2026-01-01    yes
    """},
    ("8935", CP_PLANS): {CP_PLANS: """
        person_id  cp_plan_end_date  keeps
        two        -                 no
        two        -                 no
        one        -                 yes
        one        2026-01-01        yes
    """},
    ("8940", CP_PLANS): {CP_PLANS: """
        person_id  cp_plan_start_date  cp_plan_end_date  keeps
        overlap    2026-01-01          2026-03-01        no
        overlap    2026-02-28          -                 no
        apart      2026-01-01          2026-03-01        yes
        apart      2026-03-01          -                 yes
    """},
    ("family-too-large", FAMILY): {
        FAMILY: "\n".join(
            ["family_id person_id keeps"]
            + [f"unknown p{child} no" for child in range(21)]
            + [f"large p{child} yes" for child in range(20)]
        )
    },
    ("scale-out-of-range", SCALES): {SCALES: """
        scale  keeps
        -1     no
        0      yes
        10     yes
        11     no
        -      yes
    """},
    ("count-negative", SCALES): {SCALES: """
        danger_statements  safety_goals  strengths  keeps
        -1                 2             3          no
        1                  2             -1         no
        0                  0             0          yes
        -                  2             -          yes
        -                  -             -          yes
    """},
    **{
        ("unknown-episode", table): {EPISODES: CASES, table: """
            referral_id  keeps
            open         yes
            gone         no
            -            yes
        """}
        for table in (*DATES, "ssd_cla_episodes")
    },
    **{
        (code, FACTORS): {
            ASSESSMENTS: """
                assessment_id  assessment_auth_date
                in_time        2024-03-31
                late           2024-04-01
            """,
            FACTORS: f"""
                assessment_id  assessment_factors_json  keeps
                in_time        {factor}                 yes
                late           1A|{factor}              no
                late           1A                       yes
            """,
        }
        for code, factor in (("8945Q", "18A"), ("8950Q", "19A"))
    },
}  # fmt: skip


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
