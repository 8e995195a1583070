"""Children, their families and what is held about them for the audit."""

from validation.contract import (
    Kind,
    Reference,
    Table,
    audit,
    dropped,
    feature,
    identifier,
    protected,
    pseudonym,
)

PERSON = Table(
    "ssd_person",
    "One row for each child whom the service has on record.",
    key="pers_person_id",
    person="pers_person_id",
    required=True,
    columns=(
        pseudonym("pers_person_id", "The child.", required=True),
        identifier("pers_legacy_id", "The child's number in an older case system."),
        identifier("pers_upn", "Unique pupil number."),
        identifier("pers_forename", "First name."),
        identifier("pers_surname", "Family name."),
        identifier("pers_single_unique_id", "NHS number or single unique identifier."),
        identifier("pers_common_child_id", "NHS number under its older column name."),
        protected("pers_sex", "Sex, as statutory returns record it.", codes="sex"),
        protected("pers_gender", "Gender; the census dropped it in 2024-25.", codes="gender"),
        protected("pers_ethnicity", "Ethnic group.", codes="ethnicity"),
        feature("pers_dob", "Month of birth; empty while unborn.", Kind.MONTH, revealed_by="pers_dob"),
        feature("pers_expected_dob", "Month in which an unborn child is due.", Kind.MONTH),
        audit("pers_death_date", "Month of death; such a child is never scored.", Kind.MONTH, revealed_by="pers_death_date"),
        protected("pers_send_flag", "Has an education, health and care plan; undated.", Kind.YESNO),
        dropped("pers_upn_unknown", "Why there is no pupil number."),
        dropped("pers_is_mother", "A girl who is a mother; undated."),
        dropped("pers_nationality", "Country of origin; rare values identify."),
    ),
)

FAMILY = Table(
    "ssd_family",
    "Which children belong to which family; one row for each child in each family.",
    key="fami_table_id",
    person="fami_person_id",
    references=(Reference("fami_person_id", "ssd_person"),),
    columns=(
        pseudonym("fami_table_id", "The row.", required=True),
        pseudonym("fami_family_id", "The family.", required=True),
        pseudonym("fami_person_id", "A child in the family.", required=True),
    ),
)

DISABILITY = Table(
    "ssd_disability",
    "One row for each disability on record. Undated, so it serves the audit and nothing else.",
    key="disa_table_id",
    person="disa_person_id",
    audit_only=True,
    references=(Reference("disa_person_id", "ssd_person"),),
    columns=(
        pseudonym("disa_table_id", "The row.", required=True),
        pseudonym("disa_person_id", "The child.", required=True),
        protected("disa_disability_code", "Kind of disability.", codes="disability"),
    ),
)
