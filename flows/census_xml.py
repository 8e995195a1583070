"""Invented children in need (CIN) census returns: one XML file for each year, in the element order of its schema.

The returns are as a council would send them, so they carry what must never enter the pipeline: numbers of the
council's own, whole birth dates and values shaped like unique pupil numbers. All of them are invented.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from flows.invented import AUTHORITY, child_number, day_in_month, digits, pupil_number
from flows.sources.census import INVENTED_SOFTWARE

FIRST_YEAR = 2017  # of the code lists
PLAN_DATES_FROM = 2022
SEX_FROM = 2025
SCHOOL_AGE = 5
GENDERS = {"M": "1", "F": "2", "U": "0", "I": "9"}

# Element -> column, in the order of the schema. ``_episodes`` puts the parts of an episode in their order.
ASSESSMENT = {
    "AssessmentActualStartDate": "cina_assessment_start_date",
    "AssessmentAuthorisationDate": "cina_assessment_auth_date",
}
PLAN = {"CINPlanStartDate": "cinp_cin_plan_start_date", "CINPlanEndDate": "cinp_cin_plan_end_date"}
ENQUIRY = {
    "S47ActualStartDate": "s47e_s47_start_date",
    "InitialCPCtarget": "icpc_icpc_target_date",
    "DateOfInitialCPC": "icpc_icpc_date",
    "ICPCnotRequired": "not_required",
}
PROTECTION_PLAN = {
    "CPPstartDate": "cppl_cp_plan_start_date",
    "CPPendDate": "cppl_cp_plan_end_date",
    "InitialCategoryOfAbuse": "cppl_cp_plan_initial_category",
    "LatestCategoryOfAbuse": "cppl_cp_plan_initial_category",
    "NumberOfPreviousCPP": "earlier_plans",
}
EPISODE = {
    "CINreferralDate": "cine_referral_date",
    "ReferralSource": "cine_referral_source_code",
    "PrimaryNeedCode": "cine_cin_primary_need_code",
    "CINclosureDate": "cine_close_date",
    "ReasonForClosure": "cine_close_reason",
}
CHILD = {
    "LAchildID": "number",
    "UPN": "pupil_number",
    "UPNunknown": "no_pupil_number",
    "PersonBirthDate": "birth",
    "ExpectedPersonBirthDate": "expected",
    "GenderCurrent": "gender",
    "Sex": "sex",
    "PersonDeathDate": "death",
}


def write_census(tables: Mapping[str, pl.DataFrame], year: int, path: Path) -> None:
    """Write the return of the census year that ends on 31 March of ``year``.

    ``tables`` holds the contract tables as known at the end of that day, whole history included. The return names
    every child with a case that was open on a day of the year.
    """
    first, last = date(year - 1, 4, 1), date(year, 3, 31)
    episodes = _episodes(tables, first, year).group_by("cine_person_id", maintain_order=True).agg(pl.col("xml").str.join())
    children = _children(tables, year).join(episodes, left_on="pers_person_id", right_on="cine_person_id")
    lines = children.sort("number").select(
        pl.concat_str(pl.lit("<Child>"), "identifiers", "characteristics", "xml", pl.lit("</Child>"))
    )
    text = "\n".join([_header(year, last), "<Children>", *lines.to_series().to_list(), "</Children>", "</Message>", ""])
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def _header(year: int, last: date) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<Message><Header>'
        f"<CollectionDetails><Collection>CIN</Collection><Year>{year}</Year>"
        f"<ReferenceDate>{last}</ReferenceDate></CollectionDetails>"
        f"<Source><SourceLevel>L</SourceLevel><LEA>{AUTHORITY}</LEA><SoftwareCode>{INVENTED_SOFTWARE}</SoftwareCode>"
        f"<Release>1</Release><SerialNo>001</SerialNo><DateTime>{last}T12:00:00Z</DateTime></Source></Header>"
    )


def _element(tag: str, content: pl.Expr) -> pl.Expr:
    """The element, or nothing where it would be empty."""
    text = content.cast(pl.String)
    return pl.when(text.str.len_bytes() > 0).then(pl.format(f"<{tag}>{{}}</{tag}>", text)).otherwise(pl.lit(""))


def _elements(columns: Mapping[str, str]) -> list[pl.Expr]:
    return [_element(tag, pl.col(column)) for tag, column in columns.items()]


def _part(rows: pl.DataFrame, key: str, start: str, tag: str, inside: Sequence[pl.Expr]) -> pl.DataFrame:
    """One text for each episode: its rows as elements ``tag``, in order of date."""
    return (
        rows.sort(key, start)
        .select(pl.col(key).alias("cine_referral_id"), _element(tag, pl.concat_str(inside)).alias(tag))
        .group_by("cine_referral_id", maintain_order=True)
        .agg(pl.col(tag).str.join())
    )


def _episodes(tables: Mapping[str, pl.DataFrame], first: date, year: int) -> pl.DataFrame:
    """``cine_person_id`` and ``xml`` of every episode that was open on a day of the year, oldest first."""
    closed = pl.col("cine_close_date")
    rows = tables["ssd_cin_episodes"].filter(closed.is_null() | (closed >= first))
    parts = [_assessments(tables, first), _enquiries(tables, first), _protection_plans(tables, first)]
    if year >= PLAN_DATES_FROM:
        parts.append(_plans(tables["ssd_cin_plans"], first))
    for part in parts:
        rows = rows.join(part, on="cine_referral_id", how="left")
    planned = [pl.col("CINPlanDates").fill_null("")] if year >= PLAN_DATES_FROM else []
    details = pl.concat_str(
        *_elements(EPISODE),
        pl.col("Assessments").fill_null(""),
        *planned,
        pl.col("Section47").fill_null(""),
        _element("ReferralNFA", pl.col("cine_referral_nfa").cast(pl.Int8)),
        pl.col("ChildProtectionPlans").fill_null(""),
    )
    return rows.sort("cine_referral_date", "cine_referral_id").select(
        "cine_person_id", _element("CINdetails", details).alias("xml")
    )


def _assessments(tables: Mapping[str, pl.DataFrame], first: date) -> pl.DataFrame:
    """Assessments that were finished in the year, or begun in it and not finished."""
    finished = pl.coalesce("cina_assessment_auth_date", "cina_assessment_start_date")
    codes = pl.col("cinf_assessment_factors_json")
    between = "</AssessmentFactors><AssessmentFactors>"
    inner = pl.format("<AssessmentFactors>{}</AssessmentFactors>", codes.str.replace_all("|", between, literal=True))
    rows = (
        tables["ssd_cin_assessments"]
        .filter(finished >= first)
        .join(tables["ssd_assessment_factors"], left_on="cina_assessment_id", right_on="cinf_assessment_id", how="left")
    )
    inside = [*_elements(ASSESSMENT), _element("FactorsIdentifiedAtAssessment", inner)]
    return _part(rows, "cina_referral_id", "cina_assessment_start_date", "Assessments", inside)


def _plans(plans: pl.DataFrame, first: date) -> pl.DataFrame:
    end = pl.col("cinp_cin_plan_end_date")
    rows = plans.filter(end.is_null() | (end >= first))
    return _part(rows, "cinp_referral_id", "cinp_cin_plan_start_date", "CINPlanDates", _elements(PLAN))


def _enquiries(tables: Mapping[str, pl.DataFrame], first: date) -> pl.DataFrame:
    """Enquiries that began in the year, or whose conference was held in it."""
    conferences = tables["ssd_initial_cp_conference"].select("icpc_s47_enquiry_id", "icpc_icpc_target_date", "icpc_icpc_date")
    rows = (
        tables["ssd_s47_enquiry"]
        .join(conferences, left_on="s47e_s47_enquiry_id", right_on="icpc_s47_enquiry_id", how="left")
        .filter(pl.coalesce("icpc_icpc_date", "s47e_s47_start_date") >= first)
        .with_columns(not_required=pl.col("s47e_s47_nfa").fill_null(value=False).cast(pl.Int8))
    )
    return _part(rows, "s47e_referral_id", "s47e_s47_start_date", "Section47", _elements(ENQUIRY))


def _protection_plans(tables: Mapping[str, pl.DataFrame], first: date) -> pl.DataFrame:
    end, start = pl.col("cppl_cp_plan_end_date"), pl.col("cppl_cp_plan_start_date")
    rows = (
        tables["ssd_cp_plans"]
        .with_columns(earlier_plans=start.rank("ordinal").over("cppl_person_id") - 1)
        .filter(end.is_null() | (end >= first))
    )
    inside = _elements(PROTECTION_PLAN)
    return _part(rows, "cppl_referral_id", "cppl_cp_plan_start_date", "ChildProtectionPlans", inside)


def _children(tables: Mapping[str, pl.DataFrame], year: int) -> pl.DataFrame:
    """The pseudonym, the council's invented number and the two blocks that describe each child.

    A child has the same number, birthday and pupil number in every year. Nine in ten children have a pupil number.
    Death is put on the last day of its month, so that nothing of the same month comes after it.
    """
    key = pl.col("pers_person_id")
    has_pupil_number = pl.col("pers_dob").is_not_null() & (digits(key) % 10 > 0)
    at_school = pl.col("pers_dob") <= date(year - SCHOOL_AGE, 4, 1)
    inner = pl.format("<Disability>{}</Disability>", pl.col("codes"))
    disabilities = (
        tables["ssd_disability"]
        .sort("disa_person_id", "disa_disability_code")
        .group_by("disa_person_id")
        .agg(pl.col("disa_disability_code").str.join("</Disability><Disability>").alias("codes"))
    )
    left_out = "GenderCurrent" if year >= SEX_FROM else "Sex"
    described = {tag: name for tag, name in CHILD.items() if tag != left_out}
    return (
        tables["ssd_person"]
        .join(disabilities, left_on="pers_person_id", right_on="disa_person_id", how="left")
        .with_columns(
            number=child_number(key),
            pupil_number=pl.when(has_pupil_number).then(pupil_number(key)),
            no_pupil_number=pl.when(~has_pupil_number).then(pl.when(at_school).then(pl.lit("UN4")).otherwise(pl.lit("UN1"))),
            birth=day_in_month(pl.col("pers_dob"), key),
            expected=day_in_month(pl.col("pers_expected_dob"), key),
            death=pl.col("pers_death_date").dt.month_end(),
            gender=pl.col("pers_gender").replace_strict(GENDERS),
            sex=pl.col("pers_sex"),
            codes=pl.col("codes").fill_null("NONE"),
        )
        .select(
            "pers_person_id",
            "number",
            _element("ChildIdentifiers", pl.concat_str(_elements(described))).alias("identifiers"),
            _element(
                "ChildCharacteristics",
                pl.concat_str(_element("Ethnicity", pl.col("pers_ethnicity")), _element("Disabilities", inner)),
            ).alias("characteristics"),
        )
    )
