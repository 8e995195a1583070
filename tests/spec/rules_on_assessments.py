"""The rules on assessments, the factors found in them, and scales of safety, drawn."""

from tests.spec.rule_tables import ASSESSMENTS, FACTORS, SCALES, Drawings

DRAWINGS: Drawings = {
    ("8670Q", ASSESSMENTS): {ASSESSMENTS: """
        assessment_start_date  assessment_auth_date  keeps
        2026-09-22             -                     yes
        2026-09-21             -                     no
        2026-09-21             2026-10-01            yes
        -                      -                     yes
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
