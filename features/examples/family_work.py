"""Examples of brothers and sisters, of offers, and of Signs of Safety."""

from features.definition import Family
from features.examples.example import Example

THE_SIBLINGS = Example(
    Family.SIBLINGS,
    "Anna has a brother, bert, and a sister, cara; dora is of another family.",
    {
        "ssd_family": """
            family_id  person_id
            f1         anna
            f1         bert
            f1         cara
            f2         dora
        """,
        "ssd_cin_episodes": """
            person_id  referral_date  close_date  close_reason
            anna       2024-03-04     -           -
            bert       2024-06-03     2024-10-01  RC7
            cara       2023-05-01     2023-07-01  RC8
            dora       2024-11-01     -           -
        """,
        "ssd_contacts": """
            person_id  contact_date  contact_source_code
            anna       2024-03-01    6
            anna       2024-11-10    2A
            anna       2024-11-20    6
            bert       2024-05-30    6
            cara       2024-11-05    2A
            dora       2024-10-30    3A
        """,
        "ssd_early_help_episodes": """
            person_id  episode_start_date  episode_end_date
            cara       2024-10-01          -
        """,
        "ssd_cin_assessments": """
            assessment_id  person_id  assessment_start_date  assessment_auth_date
            a1             cara       2023-05-02             2023-06-12
        """,
        "ssd_assessment_factors": """
            assessment_id  assessment_factors_json
            a1             16A|3B
        """,
        "ssd_s47_enquiry": """
            person_id  s47_start_date
            bert       2024-06-10
        """,
        "ssd_cp_plans": """
            person_id  cp_plan_start_date
            bert       2024-06-24
        """,
        "ssd_cla_episodes": """
            person_id  cla_episode_start_date  cla_episode_start_reason
            bert       2024-08-10              S
        """,
        "ssd_missing": """
            person_id  missing_episode_start_date
            bert       2024-08-01
        """,
    },
    """
    feature                                            anna  dora
    siblings_known                                     2     0
    sibling_referrals_in_last_365_days                 1     0
    sibling_referrals_in_last_730_days                 2     0
    days_since_last_sibling_referral                   175   -
    sibling_contacts_in_last_365_days                  2     0
    sibling_police_contacts_in_last_365_days           1     0
    days_since_last_sibling_contact                    20    -
    contacts_per_sibling_in_last_365_days              1     -
    contacts_less_those_of_siblings_in_last_365_days   1     1
    sibling_section_47_enquiries_in_last_730_days      1     0
    sibling_protection_plans_in_last_730_days          1     0
    domestic_abuse_found_for_sibling_in_last_730_days  1     0
    neglect_found_for_sibling_in_last_730_days         1     0
    sibling_early_help_spells_in_last_730_days         1     0
    sibling_early_help_open_now                        1     0
    sibling_missing_episodes_in_last_730_days          1     0
    sibling_care_starts_in_last_730_days               1     0
    """,
)

THE_OFFERS = Example(
    Family.OFFERS,
    "An offer counts when it is made, its answer when it is given, and what was offered when it is held.",
    {
        "ssd_cin_episodes": """
            person_id  referral_date
            anna       2024-01-08
        """,
        "ext_offers": """
            person_id  kind  offered_date  answer    answered_date  held_date
            anna       FGC   2024-02-01    ACCEPTED  2024-02-05     2024-03-01
            anna       EH    2024-09-20    DECLINED  2024-09-26     -
            anna       FGC   2024-10-02    ACCEPTED  2024-10-06     2024-11-26
            anna       EH    2024-11-20    ACCEPTED  2024-11-26     -
        """,
    },
    """
    feature                                             2024-01-31  2024-11-25  2024-11-26
    offers_made_in_last_730_days                        0           4           4
    days_since_last_offer                               -           5           6
    distinct_kinds_of_offer_in_last_730_days            0           2           2
    offers_accepted_in_last_730_days                    0           2           3
    offers_declined_in_last_730_days                    0           1           1
    share_of_answered_offers_accepted_in_last_730_days  -           2/3         3/4
    family_group_conferences_in_last_730_days           0           1           2
    """,
)

THE_SCALINGS = Example(
    Family.SIGNS_OF_SAFETY,
    "The first scaling was a year ago and is not of the last year. On 29 May the family and the worker each scaled; of the "
    "strengths that they counted on that day the higher number counts. The trend is the slope of the straight line that lies "
    "closest to the four points; cara's two lie a day apart, too close for a line.",
    {
        "ssd_cin_episodes": """
            person_id  referral_date
            anna       2023-03-04
            bert       2024-11-20
            cara       2024-11-20
        """,
        "ext_assessments_sos": """
            person_id  scaled_date  rater   scale  danger_statements  safety_goals  strengths
            anna       2023-11-26   WORKER  3      4                  1             2
            anna       2024-05-29   WORKER  5      3                  -             2
            anna       2024-05-29   FAMILY  7      -                  2             3
            anna       2024-11-25   WORKER  6      1                  3             -
            cara       2024-11-24   WORKER  5      -                  -             -
            cara       2024-11-25   WORKER  7      -                  -             -
        """,
    },
    """
    feature                                    anna   bert  cara
    safety_scaled_in_last_365_days             1      0     1
    latest_safety_scale                        6      -     7
    mean_safety_scale_in_last_365_days         6      -     6
    trend_of_safety_scale_in_last_730_days     3.020  -     -
    family_less_worker_scale_in_last_365_days  3/2    -     -
    most_danger_statements_in_last_365_days    3      -     -
    latest_safety_goals                        3      -     -
    latest_strengths                           3      -     -
    """,
)
