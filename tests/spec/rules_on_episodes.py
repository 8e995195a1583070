"""The rules on referrals and the closing of cases, drawn."""

from tests.spec.rule_tables import ASSESSMENTS, EPISODES, PERSON, Drawings

DRAWINGS: Drawings = {
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
}  # fmt: skip
