"""Examples of the case as it stands, of earlier referrals, contacts and early help."""

from features.definition import Family
from features.examples.example import Example

THE_CASE = Example(
    Family.CASE,
    "Five children, each referred by somebody else; bert is not born yet.",
    {
        "ssd_person": """
            person_id  dob         expected_dob
            anna       2020-02-01  -
            bert       -           2025-01-01
            cara       2012-09-01  -
            dora       2009-12-01  -
            emil       2024-11-01  -
        """,
        "ssd_cin_episodes": """
            person_id  referral_date  referral_source_code
            anna       2024-03-04     6
            bert       2024-11-20     3B
            cara       2024-11-25     2A
            dora       2024-10-01     1A
            emil       2024-10-02     5A
        """,
    },
    """
    feature                 anna  bert  cara  dora  emil
    days_open               266   5     0     55    54
    age_in_months           57    -     146   179   0
    without_birth_date      0     1     0     0     0
    referred_by_police      1     0     0     0     0
    referred_by_health      0     1     0     0     0
    referred_by_school      0     0     1     0     0
    referred_by_individual  0     0     0     1     0
    referred_by_council     0     0     0     0     1
    """,
)

OPEN_SPELLS = Example(
    Family.CASE,
    "A spell is open from the day on which it begins until the day before the one on which it ends.",
    {
        "ssd_cin_episodes": """
            person_id  referral_date
            anna       2024-03-04
        """,
        "ssd_cin_assessments": """
            person_id  assessment_start_date  assessment_auth_date
            anna       2024-03-05             2024-04-16
            anna       2024-11-01             2024-11-26
        """,
        "ssd_cin_plans": """
            person_id  cin_plan_start_date  cin_plan_end_date
            anna       2024-04-16           2024-11-25
        """,
        "ssd_cp_plans": """
            person_id  cp_plan_start_date  cp_plan_end_date
            anna       2024-11-25          -
        """,
        "ssd_cla_episodes": """
            person_id  cla_episode_start_date  cla_episode_ceased_date
            anna       2024-11-02              2024-11-26
        """,
    },
    """
    feature                              2024-11-01  2024-11-24  2024-11-25  2024-11-26
    assessment_open_now                  1           1           1           0
    child_in_need_plan_open_now          1           1           0           0
    protection_plan_open_now             0           0           1           1
    care_episode_open_now                0           1           1           0
    days_since_last_assessment_finished  199         222         223         0
    """,
)

EARLIER_REFERRALS = Example(
    Family.REFERRALS,
    "Of anna's earlier cases the first was referred too long ago, and still closed within two years. The referral of "
    "2 September 2023 goes on with the case that closed the day before: one case of 60 days. A referral without further action "
    "closes on the next working day. Of bert nothing is on record but the case that is open.",
    {
        "ssd_cin_episodes": """
            person_id  referral_date  close_date  close_reason  referral_nfa  referral_source_code
            anna       2022-11-24     2022-11-30  RC7           no            6
            anna       2022-12-05     2023-01-04  RC9           no            6
            anna       2023-08-01     2023-09-01  RC7           no            2B
            anna       2023-09-02     2023-09-30  RC8           no            6
            anna       2024-02-01     -           -             yes           2A
            anna       2024-07-01     2024-07-15  RC7           no            6
            anna       2024-09-10     -           -             yes           6
            anna       2024-11-20     -           -             no            6
            bert       2024-11-20     -           -             no            6
        """,
        "ssd_contacts": """
            person_id  contact_date
            anna       2023-08-01
            anna       2024-02-01
            anna       2024-07-01
            anna       2024-09-10
        """,
    },
    """
    feature                                                     anna   bert
    referrals_in_last_90_days                                   1      0
    referrals_in_last_180_days                                  2      0
    referrals_in_last_365_days                                  3      0
    referrals_in_last_730_days                                  5      0
    days_since_last_earlier_referral                            76     -
    days_since_first_earlier_referral                           721    -
    change_in_referrals_over_180_days                           1      0
    police_referrals_in_last_730_days                           3      0
    share_of_referrals_by_the_police_in_last_730_days           3/5    -
    distinct_referral_sources_in_last_730_days                  3      0
    referrals_per_contact_in_last_730_days                      5/4    -
    referrals_without_further_action_in_last_730_days           2      0
    share_of_referrals_without_further_action_in_last_730_days  2/5    -
    days_since_last_closing                                     75     -
    closings_after_assessment_in_last_730_days                  2      0
    step_downs_in_last_730_days                                 1      0
    distinct_closing_reasons_in_last_730_days                   3      0
    latest_closed_case_in_last_730_days                         1      -
    longest_closed_case_in_last_730_days                        60     -
    mean_days_open_of_closed_cases_in_last_730_days             112/6  -
    days_of_closed_cases_in_last_730_days                       112    0
    """,
)

THE_CONTACTS = Example(
    Family.CONTACTS,
    "The first contact is a day too old for two years, the third was a year ago less one day. What came of one is not known.",
    {
        "ssd_cin_episodes": """
            person_id  referral_date
            anna       2024-03-04
            bert       2024-11-20
        """,
        "ssd_contacts": """
            person_id  contact_date  contact_source_code  contact_outcome_json
            anna       2022-11-26    6                    NFA
            anna       2022-12-01    6                    ADVICE
            anna       2023-11-27    2A                   NFA
            anna       2024-06-20    3A                   ADVICE|NFA
            anna       2024-07-10    6                    -
            anna       2024-10-01    6                    NFA
            anna       2024-11-02    2A                   NFA
            anna       2024-11-24    1A                   ADVICE
        """,
    },
    """
    feature                                                    anna  bert
    contacts_in_last_90_days                                   3     0
    contacts_in_last_180_days                                  5     0
    contacts_in_last_365_days                                  6     0
    contacts_in_last_730_days                                  7     0
    days_since_last_contact                                    1     -
    days_since_first_contact                                   725   -
    change_in_contacts_over_90_days                            1     0
    police_contacts_in_last_365_days                           2     0
    days_since_last_police_contact                             55    -
    share_of_contacts_by_the_police_in_last_730_days           3/7   -
    school_contacts_in_last_365_days                           2     0
    health_contacts_in_last_365_days                           1     0
    distinct_contact_sources_in_last_365_days                  4     0
    contacts_without_further_action_in_last_365_days           4     0
    share_of_contacts_without_further_action_in_last_730_days  4/6   -
    """,
)

THE_EARLY_HELP = Example(
    Family.EARLY_HELP,
    "The first spell began more than two years ago and ended less than two years ago, after 106 days; the second lasted 90.",
    {
        "ssd_cin_episodes": """
            person_id  referral_date
            anna       2024-03-04
            bert       2024-11-20
        """,
        "ssd_early_help_episodes": """
            person_id  episode_start_date  episode_end_date
            anna       2022-10-01          2023-01-15
            anna       2023-03-01          2023-05-30
            anna       2024-11-01          -
        """,
    },
    """
    feature                                   anna  bert
    early_help_spells_in_last_730_days        2     0
    early_help_open_now                       1     0
    days_since_early_help_ended               545   -
    days_since_first_early_help               635   -
    mean_days_of_early_help_in_last_730_days  98    -
    days_of_early_help_in_last_730_days       196   0
    """,
)
