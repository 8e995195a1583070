"""What a children in need census holds of the contract, as a folder of tables."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from validation.extract import Extract

CENSUS_TABLES: Mapping[str, tuple[str, ...]] = {
    "ssd_person": (
        "pers_person_id", "pers_sex", "pers_gender", "pers_ethnicity", "pers_dob", "pers_expected_dob",
        "pers_death_date",
    ),
    "ssd_disability": ("disa_table_id", "disa_person_id", "disa_disability_code"),
    "ssd_cin_episodes": (
        "cine_referral_id", "cine_person_id", "cine_referral_date", "cine_cin_primary_need_code",
        "cine_referral_source_code", "cine_referral_nfa", "cine_close_reason", "cine_close_date",
    ),
    "ssd_cin_assessments": (
        "cina_assessment_id", "cina_person_id", "cina_referral_id", "cina_assessment_start_date",
        "cina_assessment_auth_date",
    ),
    "ssd_assessment_factors": ("cinf_table_id", "cinf_assessment_id", "cinf_assessment_factors_json"),
    "ssd_cin_plans": (
        "cinp_cin_plan_id", "cinp_referral_id", "cinp_person_id", "cinp_cin_plan_start_date", "cinp_cin_plan_end_date",
    ),
    "ssd_s47_enquiry": (
        "s47e_s47_enquiry_id", "s47e_referral_id", "s47e_person_id", "s47e_s47_start_date", "s47e_s47_nfa",
    ),
    "ssd_initial_cp_conference": (
        "icpc_icpc_id", "icpc_s47_enquiry_id", "icpc_person_id", "icpc_referral_id", "icpc_icpc_transfer_in",
        "icpc_icpc_target_date", "icpc_icpc_date",
    ),
    "ssd_cp_plans": (
        "cppl_cp_plan_id", "cppl_referral_id", "cppl_person_id", "cppl_cp_plan_start_date", "cppl_cp_plan_end_date",
        "cppl_cp_plan_initial_category",
    ),
}  # fmt: skip


def as_census(whole: Extract) -> Extract:
    """The tables and columns that a census holds, for children with an episode."""
    children = whole.tables["ssd_cin_episodes"].select("cine_person_id")
    tables: dict[str, pl.DataFrame] = {name: whole.tables[name].select(columns) for name, columns in CENSUS_TABLES.items()}
    for name, person in (("ssd_person", "pers_person_id"), ("ssd_disability", "disa_person_id")):
        tables[name] = tables[name].join(children, left_on=person, right_on="cine_person_id", how="semi", maintain_order="left")
    return replace(whole, tables=tables)
