"""Examples of assessments and what they found, of child protection, care and missing episodes."""

from features.definition import Family
from features.examples.example import Example

TWO_OPEN_CASES = """
    person_id  referral_date
    anna       2024-03-04
    bert       2024-11-20
"""

THE_ASSESSMENTS = Example(
    Family.ASSESSMENTS,
    "An assessment counts from its start; what it came to and how long it took, from its authorisation.",
    {
        "ssd_cin_episodes": TWO_OPEN_CASES,
        "ssd_cin_assessments": """
            person_id  assessment_start_date  assessment_auth_date  assessment_outcome_nfa  assessment_child_seen
            anna       2023-06-01             2023-07-06            yes                     yes
            anna       2024-02-01             2024-03-21            no                      yes
            anna       2024-09-02             2024-10-14            yes                     no
            anna       2024-11-21             -                     -                       -
        """,
    },
    """
    feature                                                       anna  bert
    assessments_in_last_365_days                                  3     0
    assessments_in_last_730_days                                  4     0
    assessment_finished_in_last_730_days                          1     0
    share_of_assessments_without_further_action_in_last_730_days  2/3   -
    share_of_assessments_with_the_child_seen_in_last_730_days     2/3   -
    mean_days_of_assessments_in_last_730_days                     42    -
    longest_assessment_in_last_730_days                           49    -
    """,
)

THE_FACTORS = Example(
    Family.FACTORS,
    "Factors count from the day on which their assessment is authorised. The last one is authorised on 26 November.",
    {
        "ssd_cin_episodes": """
            person_id  referral_date
            anna       2024-03-04
        """,
        "ssd_cin_assessments": """
            assessment_id  person_id  assessment_start_date  assessment_auth_date
            a1             anna       2023-06-01             2023-07-06
            a2             anna       2024-09-02             2024-10-14
            a3             anna       2024-11-01             2024-11-26
        """,
        "ssd_assessment_factors": """
            assessment_id  assessment_factors_json
            a1             16A|2B|3B|4B
            a2             15A|17A|18A|19B|1B|3A|4A
            a3             16A|24A
        """,
    },
    """
    feature                                         2024-10-13  2024-11-25  2024-11-26
    domestic_abuse_found_in_last_730_days           1           1           1
    parental_mental_health_found_in_last_730_days   1           1           1
    child_mental_health_found_in_last_730_days      0           1           1
    parental_drug_misuse_found_in_last_730_days     1           1           1
    parental_alcohol_misuse_found_in_last_730_days  0           1           1
    neglect_found_in_last_730_days                  1           1           1
    emotional_abuse_found_in_last_730_days          0           1           1
    physical_abuse_found_in_last_730_days           0           1           1
    sexual_abuse_found_in_last_730_days             0           1           1
    exploitation_found_in_last_730_days             0           0           1
    self_harm_found_in_last_730_days                0           1           1
    distinct_factors_in_last_730_days               4           11          12
    factors_in_last_365_days                        0           7           9
    distinct_parental_factors_in_last_730_days      3           4           4
    days_since_domestic_abuse_was_found             465         42          43
    """,
)

THE_PROTECTION = Example(
    Family.PROTECTION,
    "The plan of January 2024 belongs to another authority and is not counted.",
    {
        "ssd_cin_episodes": TWO_OPEN_CASES,
        "ssd_s47_enquiry": """
            person_id  s47_start_date  s47_end_date  s47_nfa
            anna       2023-02-01      2023-02-15    yes
            anna       2024-05-01      2024-05-11    no
            anna       2024-11-20      -             -
        """,
        "ssd_initial_cp_conference": """
            person_id  icpc_date   icpc_outcome_cp_flag
            anna       2023-03-01  no
            anna       2024-05-20  yes
        """,
        "ssd_cp_plans": """
            person_id  cp_plan_start_date  cp_plan_end_date  cp_plan_ola  cp_plan_initial_category
            anna       2023-10-01          2023-10-31        no           NEG
            anna       2024-01-01          2024-06-01        yes          PHY
            anna       2024-05-20          2024-10-07        -            EMO
        """,
        "ssd_cin_plans": """
            person_id  cin_plan_start_date  cin_plan_end_date
            anna       2023-03-10           2023-06-18
            anna       2024-10-08           -
        """,
    },
    """
    feature                                                                anna  bert
    section_47_enquiries_in_last_365_days                                  2     0
    section_47_enquiries_in_last_730_days                                  3     0
    days_since_last_section_47_enquiry                                     5     -
    share_of_section_47_enquiries_without_further_action_in_last_730_days  1/2   -
    mean_days_of_section_47_enquiries_in_last_730_days                     12    -
    conferences_in_last_730_days                                           2     0
    conferences_without_plan_in_last_730_days                              1     0
    conferences_per_section_47_enquiry_in_last_730_days                    2/3   -
    protection_plans_in_last_730_days                                      2     0
    distinct_plan_categories_in_last_730_days                              2     0
    days_since_protection_plan_ended                                       49    -
    days_on_protection_plans_in_last_730_days                              170   0
    child_in_need_plans_in_last_730_days                                   2     0
    days_since_child_in_need_plan_ended                                    526   -
    days_on_child_in_need_plans_in_last_730_days                           100   0
    """,
)

THE_CARE = Example(
    Family.CARE,
    "A new episode of the same care (reason P) is no start of care. The last missing episode has not ended.",
    {
        "ssd_cin_episodes": TWO_OPEN_CASES,
        "ssd_cla_episodes": """
            person_id  cla_episode_start_date  cla_episode_start_reason  cla_episode_ceased_date
            anna       2023-01-10              S                         2023-03-11
            anna       2023-03-11              P                         2023-04-10
            anna       2024-11-01              S                         -
        """,
        "ssd_missing": """
            person_id  missing_episode_type  missing_episode_start_date  missing_episode_end_date
            anna       M                     2023-06-01                  2023-06-04
            anna       M                     2024-08-01                  2024-08-06
            anna       A                     2024-11-24                  -
        """,
    },
    """
    feature                                   anna  bert
    care_starts_in_last_730_days              2     0
    days_since_care_ended                     595   -
    days_in_care_in_last_730_days             90    0
    missing_episodes_in_last_365_days         2     0
    missing_episodes_in_last_730_days         3     0
    days_since_last_missing_episode           1     -
    missing_episode_open_now                  1     0
    days_missing_in_last_730_days             8     0
    longest_missing_episode_in_last_730_days  5     -
    """,
)
