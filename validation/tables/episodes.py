"""Contacts, early help, referrals, assessments and child in need plans."""

from validation.contract import (
    Kind,
    Order,
    Reference,
    Table,
    audit,
    dropped,
    feature,
    free_text,
    identifier,
    pseudonym,
)

CONTACTS = Table(
    "ssd_contacts",
    "One row for each contact about a child that reached the front door.",
    key="cont_contact_id",
    person="cont_person_id",
    happened="cont_contact_date",
    references=(Reference("cont_person_id", "ssd_person"),),
    columns=(
        pseudonym("cont_contact_id", "The contact.", required=True),
        pseudonym("cont_person_id", "The child.", required=True),
        feature("cont_contact_date", "Day on which the contact arrived.", Kind.DATE, required=True),
        feature("cont_contact_source_code", "Who made the contact.", Kind.CODE, codes="referral_source"),
        feature("cont_contact_outcome_json", "What came of the contact, as flags.", Kind.CODES, codes="contact_outcome_flags"),
        dropped("cont_contact_source_desc", "Who made the contact, in words."),
    ),
)

EARLY_HELP = Table(
    "ssd_early_help_episodes",
    "One row for each spell of early help.",
    key="earl_episode_id",
    person="earl_person_id",
    happened="earl_episode_start_date",
    ends="earl_episode_end_date",
    references=(Reference("earl_person_id", "ssd_person"),),
    orders=(Order("early-help-end-before-start", "earl_episode_start_date", "earl_episode_end_date"),),
    columns=(
        pseudonym("earl_episode_id", "The spell of early help.", required=True),
        pseudonym("earl_person_id", "The child.", required=True),
        feature("earl_episode_start_date", "Day on which early help began.", Kind.DATE, required=True),
        feature("earl_episode_end_date", "Day on which early help ended.", Kind.DATE, revealed_by="earl_episode_end_date"),
        free_text("earl_episode_reason", "Why early help was involved."),
        free_text("earl_episode_end_reason", "How early help ended."),
        dropped("earl_episode_organisation", "Lead organisation; may name a school."),
        dropped("earl_episode_worker_id", "Lead worker."),
    ),
)

EPISODES = Table(
    "ssd_cin_episodes",
    "One row for each referral of a child and the episode that it opened.",
    key="cine_referral_id",
    person="cine_person_id",
    happened="cine_referral_date",
    ends="cine_close_date",
    required=True,
    references=(Reference("cine_person_id", "ssd_person"),),
    orders=(Order("8630", "cine_referral_date", "cine_close_date"),),
    columns=(
        pseudonym("cine_referral_id", "The episode.", required=True),
        pseudonym("cine_person_id", "The child.", required=True),
        feature("cine_referral_date", "Day of the referral.", Kind.DATE, required=True),
        audit(
            "cine_cin_primary_need_code",
            "Main reason for needing services. It must not decide which service a child gets, so it is not a feature.",
            Kind.CODE,
            codes="primary_need",
        ),
        feature("cine_referral_source_code", "Who made the referral.", Kind.CODE, codes="referral_source"),
        feature(
            "cine_referral_outcome_json",
            "What came of the referral, as flags.",
            Kind.CODES,
            codes="referral_outcome_flags",
            revealed_by="cine_referral_date",
            revealed_after_working_days=1,
        ),
        feature(
            "cine_referral_nfa",
            "The referral needed no further action.",
            Kind.YESNO,
            required=True,
            revealed_by="cine_referral_date",
            revealed_after_working_days=1,
        ),
        feature("cine_close_reason", "Why the episode closed.", Kind.CODE, codes="closure_reason", revealed_by="cine_close_date"),
        feature(
            "cine_close_date", "Day on which the episode closed; empty while open.", Kind.DATE, revealed_by="cine_close_date"
        ),
        dropped("cine_referral_source_desc", "Who made the referral, in words."),
        dropped("cine_referral_team", "Team that took the referral."),
        identifier("cine_referral_worker_id", "Worker who took the referral; some systems put the name here."),
    ),
)

ASSESSMENTS = Table(
    "ssd_cin_assessments",
    "One row for each single assessment.",
    key="cina_assessment_id",
    person="cina_person_id",
    happened="cina_assessment_start_date",
    ends="cina_assessment_auth_date",
    references=(
        Reference("cina_person_id", "ssd_person"),
        Reference("cina_referral_id", "ssd_cin_episodes"),
    ),
    orders=(Order("8608", "cina_assessment_start_date", "cina_assessment_auth_date"),),
    columns=(
        pseudonym("cina_assessment_id", "The assessment.", required=True),
        pseudonym("cina_person_id", "The child.", required=True),
        pseudonym("cina_referral_id", "The episode that it belongs to."),
        feature("cina_assessment_start_date", "Day on which the assessment began.", Kind.DATE, required=True),
        feature("cina_assessment_child_seen", "The child was seen.", Kind.YESNO, revealed_by="cina_assessment_auth_date"),
        feature(
            "cina_assessment_auth_date",
            "Day on which the finished assessment was authorised.",
            Kind.DATE,
            revealed_by="cina_assessment_auth_date",
        ),
        feature(
            "cina_assessment_outcome_json",
            "What came of the assessment, as flags.",
            Kind.CODES,
            codes="assessment_outcome_flags",
            revealed_by="cina_assessment_auth_date",
        ),
        feature(
            "cina_assessment_outcome_nfa",
            "The assessment ended in no further action.",
            Kind.YESNO,
            revealed_by="cina_assessment_auth_date",
        ),
        dropped("cina_assessment_team", "Team."),
        dropped("cina_assessment_worker_id", "Worker."),
    ),
)

FACTORS = Table(
    "ssd_assessment_factors",
    "The factors found by the end of an assessment; one row for each assessment.",
    key="cinf_table_id",
    happened="ssd_cin_assessments.cina_assessment_auth_date",
    references=(Reference("cinf_assessment_id", "ssd_cin_assessments"),),
    columns=(
        pseudonym("cinf_table_id", "The row.", required=True),
        pseudonym("cinf_assessment_id", "The assessment.", required=True),
        feature(
            "cinf_assessment_factors_json", "Codes of the factors found.", Kind.CODES, required=True, codes="assessment_factors"
        ),
    ),
)

CIN_PLANS = Table(
    "ssd_cin_plans",
    "One row for each child in need plan.",
    key="cinp_cin_plan_id",
    person="cinp_person_id",
    happened="cinp_cin_plan_start_date",
    ends="cinp_cin_plan_end_date",
    references=(
        Reference("cinp_person_id", "ssd_person"),
        Reference("cinp_referral_id", "ssd_cin_episodes"),
    ),
    orders=(Order("4011", "cinp_cin_plan_start_date", "cinp_cin_plan_end_date"),),
    columns=(
        pseudonym("cinp_cin_plan_id", "The plan.", required=True, aliases=("cin_plan_id",)),
        pseudonym("cinp_referral_id", "The episode that it belongs to."),
        pseudonym("cinp_person_id", "The child.", required=True),
        feature("cinp_cin_plan_start_date", "Day on which the plan began.", Kind.DATE, required=True),
        feature("cinp_cin_plan_end_date", "Day on which the plan ended.", Kind.DATE, revealed_by="cinp_cin_plan_end_date"),
        dropped("cinp_cin_plan_team", "Team."),
        dropped("cinp_cin_plan_worker_id", "Worker."),
    ),
)
