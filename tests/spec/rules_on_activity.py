"""The rules on work for a child against the referral that it belongs to, drawn."""

from tests.spec.rule_tables import ASSESSMENTS, CIN_PLANS, CONFERENCES, CP_PLANS, EPISODES, S47, Drawings

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

DRAWINGS: Drawings = {
    **{
        (code, table): {EPISODES: CASES, table: activity(DATES[table], broken)}
        for (code, table), broken in BROKEN_ACTIVITY.items()
    },
    ("8867", ASSESSMENTS): {EPISODES: CASES, ASSESSMENTS: """
        referral_id  assessment_auth_date  keeps
        closed       -                     no
        closed       2026-02-01            yes
        open         -                     yes
        -            -                     yes
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
}  # fmt: skip
