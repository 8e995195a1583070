"""The rules on enquiries, conferences and plans, drawn."""

from tests.spec.rule_tables import CIN_PLANS, CONFERENCES, CP_PLANS, S47, Drawings

DRAWINGS: Drawings = {
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
}  # fmt: skip
