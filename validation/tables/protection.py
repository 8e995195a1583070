"""Section 47 enquiries, conferences, child protection plans, care and missing episodes."""

from validation.contract import (
    Kind,
    Order,
    Reference,
    Table,
    audit,
    dropped,
    feature,
    free_text,
    pseudonym,
)

S47 = Table(
    "ssd_s47_enquiry",
    "One row for each section 47 enquiry.",
    key="s47e_s47_enquiry_id",
    person="s47e_person_id",
    happened="s47e_s47_start_date",
    ends="s47e_s47_end_date",
    references=(
        Reference("s47e_person_id", "ssd_person"),
        Reference("s47e_referral_id", "ssd_cin_episodes"),
    ),
    orders=(Order("s47-end-before-start", "s47e_s47_start_date", "s47e_s47_end_date"),),
    columns=(
        pseudonym("s47e_s47_enquiry_id", "The enquiry.", required=True),
        pseudonym("s47e_referral_id", "The episode that it belongs to."),
        pseudonym("s47e_person_id", "The child.", required=True),
        feature("s47e_s47_start_date", "Day of the strategy discussion that opened the enquiry.", Kind.DATE, required=True),
        feature(
            "s47e_s47_end_date",
            "Day on which the enquiry finished; the census does not hold it.",
            Kind.DATE,
            revealed_by="s47e_s47_end_date",
        ),
        feature("s47e_s47_nfa", "The enquiry ended in no further action.", Kind.YESNO, revealed_by="s47e_s47_end_date"),
        feature(
            "s47e_s47_outcome_json",
            "What came of the enquiry, as flags.",
            Kind.CODES,
            codes="s47_outcome_flags",
            revealed_by="s47e_s47_end_date",
        ),
        dropped("s47e_s47_completed_by_team", "Team."),
        dropped("s47e_s47_completed_by_worker_id", "Worker."),
    ),
)

CONFERENCES = Table(
    "ssd_initial_cp_conference",
    "One row for each initial child protection conference.",
    key="icpc_icpc_id",
    person="icpc_person_id",
    happened="icpc_icpc_date",
    references=(
        Reference("icpc_person_id", "ssd_person"),
        Reference("icpc_referral_id", "ssd_cin_episodes"),
        Reference("icpc_s47_enquiry_id", "ssd_s47_enquiry"),
    ),
    columns=(
        pseudonym("icpc_icpc_id", "The conference.", required=True),
        pseudonym("icpc_s47_enquiry_id", "The enquiry that led to it."),
        pseudonym("icpc_person_id", "The child.", required=True),
        pseudonym("icpc_cp_plan_id", "The plan that came out of it."),
        pseudonym("icpc_referral_id", "The episode that it belongs to."),
        feature("icpc_icpc_transfer_in", "The child moved in from another authority.", Kind.YESNO),
        audit("icpc_icpc_target_date", "Fifteen working days after the strategy discussion.", Kind.DATE),
        feature("icpc_icpc_date", "Day on which the conference was held.", Kind.DATE, required=True),
        feature("icpc_icpc_outcome_cp_flag", "A child protection plan was made.", Kind.YESNO),
        feature("icpc_icpc_outcome_json", "What came of the conference, as flags.", Kind.CODES, codes="icpc_outcome_flags"),
        dropped("icpc_icpc_meeting_id", "The meeting."),
        dropped("icpc_icpc_team", "Team."),
        dropped("icpc_icpc_worker_id", "Worker."),
    ),
)

CP_PLANS = Table(
    "ssd_cp_plans",
    "One row for each child protection plan.",
    key="cppl_cp_plan_id",
    person="cppl_person_id",
    happened="cppl_cp_plan_start_date",
    ends="cppl_cp_plan_end_date",
    references=(
        Reference("cppl_person_id", "ssd_person"),
        Reference("cppl_referral_id", "ssd_cin_episodes"),
        Reference("cppl_icpc_id", "ssd_initial_cp_conference"),
    ),
    orders=(Order("8925", "cppl_cp_plan_start_date", "cppl_cp_plan_end_date"),),
    columns=(
        pseudonym("cppl_cp_plan_id", "The plan.", required=True),
        pseudonym("cppl_referral_id", "The episode that it belongs to."),
        pseudonym("cppl_icpc_id", "The conference that made it."),
        pseudonym("cppl_person_id", "The child.", required=True),
        feature("cppl_cp_plan_start_date", "Day on which the plan began.", Kind.DATE, required=True),
        feature("cppl_cp_plan_end_date", "Day on which the plan ended.", Kind.DATE, revealed_by="cppl_cp_plan_end_date"),
        feature("cppl_cp_plan_ola", "The plan belongs to another authority; such plans are not counted.", Kind.YESNO),
        feature("cppl_cp_plan_initial_category", "Category of abuse at the start.", Kind.CODE, codes="category_of_abuse"),
        dropped("cppl_cp_plan_latest_category", "Category at extraction: overwritten in place, so it tells the future."),
    ),
)

CLA_EPISODES = Table(
    "ssd_cla_episodes",
    "One row for each episode of being looked after.",
    key="clae_cla_episode_id",
    person="clae_person_id",
    happened="clae_cla_episode_start_date",
    ends="clae_cla_episode_ceased_date",
    references=(
        Reference("clae_person_id", "ssd_person"),
        Reference("clae_referral_id", "ssd_cin_episodes"),
    ),
    orders=(Order("care-end-before-start", "clae_cla_episode_start_date", "clae_cla_episode_ceased_date"),),
    columns=(
        pseudonym("clae_cla_episode_id", "The care episode.", required=True),
        pseudonym("clae_person_id", "The child.", required=True),
        pseudonym("clae_cla_id", "The whole period of care."),
        pseudonym("clae_referral_id", "The episode that it belongs to."),
        feature("clae_cla_episode_start_date", "Day on which the care episode began.", Kind.DATE, required=True),
        feature(
            "clae_cla_episode_start_reason",
            "Why a new care episode began; S is a start of care.",
            Kind.CODE,
            codes="cla_start_reason",
        ),
        feature(
            "clae_cla_episode_ceased_date",
            "Day on which the care episode ended.",
            Kind.DATE,
            revealed_by="clae_cla_episode_ceased_date",
        ),
        free_text("clae_cla_episode_ceased_reason", "Why the care episode ended, in local words."),
        audit("clae_entered_care_date", "First day of the period of care.", Kind.DATE),
        dropped("clae_cla_placement_id", "The placement."),
        dropped("clae_cla_primary_need_code", "Need code of the period of care."),
        dropped("clae_cla_last_iro_contact_date", "Overwritten in place, so it tells the future."),
    ),
)

MISSING = Table(
    "ssd_missing",
    "One row for each time a child was missing or away without permission.",
    key="miss_table_id",
    person="miss_person_id",
    happened="miss_missing_episode_start_date",
    ends="miss_missing_episode_end_date",
    references=(Reference("miss_person_id", "ssd_person"),),
    orders=(Order("missing-end-before-start", "miss_missing_episode_start_date", "miss_missing_episode_end_date"),),
    columns=(
        pseudonym("miss_table_id", "The row.", required=True),
        pseudonym("miss_person_id", "The child.", required=True),
        feature("miss_missing_episode_start_date", "Day on which the child went missing.", Kind.DATE, required=True),
        feature("miss_missing_episode_type", "Missing, or away without permission.", Kind.CODE, codes="missing_type"),
        feature(
            "miss_missing_episode_end_date",
            "Day on which the child was found or came back.",
            Kind.DATE,
            revealed_by="miss_missing_episode_end_date",
        ),
        audit(
            "miss_missing_rhi_offered",
            "A return interview was offered.",
            Kind.CODE,
            codes="yes_no_na",
            revealed_by="miss_missing_episode_end_date",
        ),
        audit(
            "miss_missing_rhi_accepted",
            "A return interview was accepted.",
            Kind.CODE,
            codes="yes_no_na",
            revealed_by="miss_missing_episode_end_date",
        ),
    ),
)
