"""The Annex A workbook: the lists of children that a council gives to Ofsted when an inspection begins.

Lists 1 to 8, one sheet each, with the published headings and words. What the contract does not hold (legal status,
placements, visits, reviews, health) stays empty; lists 9 to 11 (care leavers, children for adoption, adopters) speak
of nothing else and are left out. Children and workers are invented, as in ``flows/invented.py``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import polars as pl
import xlsxwriter

from flows.invented import child_number, day_in_month, digits, worker_name
from flows.workspace import write_private
from validation.codes import codes

Tables = Mapping[str, pl.DataFrame]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
TEAMS = 9

ETHNIC_GROUPS = {code: f"{letter}) {code}" for letter, code in zip(LETTERS, codes("ethnicity"), strict=False)}
GENDERS = {"M": "a) Male", "F": "b) Female", "U": "c) Not stated/recorded", "I": "d) Neither"}
NEW_SOURCE = "5D"  # came after the letters had been given out
SOURCES = {
    code: f"{letter}) {code}: {codes('referral_source')[code].group}"
    for letter, code in zip(LETTERS, (code for code in codes("referral_source") if code != NEW_SOURCE), strict=False)
} | {NEW_SOURCE: f"p1) {NEW_SOURCE}: LA services"}
NEEDS = {code: f"{code} - {listed.label}" for code, listed in codes("primary_need").items()}
REASONS = {code: f"{code} - {listed.label}" for code, listed in codes("closure_reason").items()}
ABUSE = {
    code: f"{letter}) {listed.label}" for letter, (code, listed) in zip(LETTERS, codes("category_of_abuse").items(), strict=False)
}
YES_NO = {True: "a) Yes", False: "b) No"}
ANSWERS = {"Y": "a) Yes", "N": "b) No", "NA": None}

NOT_HELD = pl.lit(None, pl.String)
TODAY = pl.col("today")
YEAR_AGO = TODAY.dt.offset_by("-12mo")
HALF_YEAR_AGO = TODAY.dt.offset_by("-6mo")


@dataclass(frozen=True)
class AnnexList:
    """One list: its title, its rows (with ``person`` and ``today``), and heading -> value in the published order."""

    title: str
    rows: Callable[[Tables, date], pl.DataFrame]
    columns: Mapping[str, pl.Expr]


NARROWEST = 18  # characters: a column that shows a child's number and a date whole


def write_annex_a(tables: Tables, extract_date: date, path: Path) -> None:
    """Write lists 1 to 8 as known at the end of ``extract_date``: sheets "List 1" to "List 8", headings in the first row.

    ``tables`` are contract tables in the conformed shape, whole history included. Lists 1 to 5 hold what happened in
    the six months up to that day, lists 2, 4 and 6 to 8 every spell that was open on a day of them. The same tables
    give the same bytes, row after row, so that the memory does not grow with the workbook.
    """
    children = _children(tables, extract_date)
    options = {"constant_memory": True, "default_date_format": "dd/mm/yyyy", "strings_to_formulas": False}

    def write(beside: Path) -> None:
        with xlsxwriter.Workbook(beside, options | {"strings_to_urls": False}) as book:
            book.set_properties({"title": "Annex A, invented children", "created": datetime.combine(extract_date, time())})
            for number, annex_list in enumerate(LISTS, start=1):
                sheet = book.add_worksheet(f"List {number}")
                sheet.freeze_panes(1, 1)
                for place, heading in enumerate(annex_list.columns):
                    sheet.set_column(place, place, max(len(heading) + 2, NARROWEST))
                sheet.write_row(0, 0, list(annex_list.columns))
                for line, row in enumerate(_filled(annex_list, tables, children, extract_date).iter_rows(), start=1):
                    sheet.write_row(line, 0, row)

    write_private(path, write)


def _filled(annex_list: AnnexList, tables: Tables, children: pl.DataFrame, extract_date: date) -> pl.DataFrame:
    rows = annex_list.rows(tables, extract_date).join(children, on="person", how="left", maintain_order="left")
    return rows.select(value.alias(heading) for heading, value in annex_list.columns.items()).sort(pl.all())


def _children(tables: Tables, extract_date: date) -> pl.DataFrame:
    """What every list says of a child: ``person``, ``born`` (a whole date), ``age``, ``disabled`` and codes."""
    key = pl.col("person")
    disabled = tables["ssd_disability"].filter(pl.col("disa_disability_code") != "NONE")["disa_person_id"]
    birthday_to_come = pl.lit(extract_date).dt.strftime("%m%d") < pl.col("born").dt.strftime("%m%d")
    return (
        tables["ssd_person"]
        .select(pl.col("pers_person_id").alias("person"), "pers_gender", "pers_ethnicity", "pers_dob")
        .unique("person", keep="first", maintain_order=True)
        .with_columns(born=day_in_month(pl.col("pers_dob"), key), disabled=key.is_in(disabled.implode()))
        .with_columns(age=extract_date.year - pl.col("born").dt.year() - birthday_to_come.cast(pl.Int32))
    )


def _dated(frame: pl.DataFrame, person: str, extract_date: date) -> pl.DataFrame:
    return frame.with_columns(person=pl.col(person), today=pl.lit(extract_date))


def _spells(name: str, person: str, start: str, end: str) -> Callable[[Tables, date], pl.DataFrame]:
    """Every spell that was open on a day of the last six months."""

    def rows(tables: Tables, extract_date: date) -> pl.DataFrame:
        began = pl.col(start) <= TODAY
        return _dated(tables[name], person, extract_date).filter(began, pl.col(end).is_null() | (pl.col(end) > HALF_YEAR_AGO))

    return rows


def _contacts(tables: Tables, extract_date: date) -> pl.DataFrame:
    return _dated(tables["ssd_contacts"], "cont_person_id", extract_date).filter(pl.col("cont_contact_date") > HALF_YEAR_AGO)


def _referrals(tables: Tables, extract_date: date) -> pl.DataFrame:
    referred = pl.col("cine_referral_date")
    rows = _dated(tables["ssd_cin_episodes"], "cine_person_id", extract_date)
    counted = rows.with_columns(others=(referred > YEAR_AGO).sum().over("person").cast(pl.Int64) - 1)
    return counted.filter(referred > HALF_YEAR_AGO)


def _enquiries(tables: Tables, extract_date: date) -> pl.DataFrame:
    """Enquiries that began, or whose conference was held, in the six months."""
    began, held = pl.col("s47e_s47_start_date"), pl.col("icpc_icpc_date")
    conferences = tables["ssd_initial_cp_conference"].select("icpc_s47_enquiry_id", "icpc_icpc_date", "icpc_icpc_outcome_cp_flag")
    rows = tables["ssd_s47_enquiry"].join(
        conferences, left_on="s47e_s47_enquiry_id", right_on="icpc_s47_enquiry_id", how="left", maintain_order="left"
    )
    counted = _dated(rows, "s47e_person_id", extract_date).with_columns(
        enquiries=(began > YEAR_AGO).sum().over("person"), conferences=(held > YEAR_AGO).sum().over("person")
    )
    return counted.filter(pl.max_horizontal(began, held) > HALF_YEAR_AGO)


def _in_need(tables: Tables, extract_date: date) -> pl.DataFrame:
    """Episodes that were open in the six months, with what the child has today."""
    rows = _spells("ssd_cin_episodes", "cine_person_id", "cine_referral_date", "cine_close_date")(tables, extract_date)

    def has_open(name: str, person: str, end: str) -> pl.Expr:
        return pl.col("person").is_in(tables[name].filter(pl.col(end).is_null())[person].implode())

    return rows.with_columns(
        status=pl.when(pl.col("cine_close_date").is_not_null())
        .then(pl.lit("e) Closed episode"))
        .when(has_open("ssd_cla_episodes", "clae_person_id", "clae_cla_episode_ceased_date"))
        .then(pl.lit("a) Looked after child"))
        .when(has_open("ssd_cp_plans", "cppl_person_id", "cppl_cp_plan_end_date"))
        .then(pl.lit("b) Child Protection plan"))
        .when(has_open("ssd_cin_plans", "cinp_person_id", "cinp_cin_plan_end_date"))
        .then(pl.lit("c) Child in need plan"))
        .otherwise(pl.lit("d) Open assessment"))
    )


def _protected(tables: Tables, extract_date: date) -> pl.DataFrame:
    start = pl.col("cppl_cp_plan_start_date")
    earlier = start.rank("ordinal").over("cppl_person_id").cast(pl.Int64) - 1
    numbered = {"ssd_cp_plans": tables["ssd_cp_plans"].with_columns(earlier=earlier)}
    return _spells("ssd_cp_plans", "cppl_person_id", "cppl_cp_plan_start_date", "cppl_cp_plan_end_date")(numbered, extract_date)


def _in_care(tables: Tables, extract_date: date) -> pl.DataFrame:
    """One row for each period of care that was open in the six months, and how often the child was missing."""
    ended, entered = pl.col("clae_cla_episode_ceased_date"), pl.col("clae_entered_care_date")
    periods = (
        tables["ssd_cla_episodes"]
        .group_by("clae_person_id", "clae_cla_id", "clae_referral_id", maintain_order=True)
        .agg(entered.min(), pl.when(ended.is_null().any()).then(None).otherwise(ended.max()).alias("ceased"))
        .join(
            tables["ssd_cin_episodes"].select("cine_referral_id", "cine_cin_primary_need_code"),
            left_on="clae_referral_id", right_on="cine_referral_id", how="left", maintain_order="left",
        )
        .with_columns(last_ceased=pl.col("ceased").shift(1).over("clae_person_id", order_by="clae_entered_care_date"))
    )  # fmt: skip
    since, kind = pl.col("miss_missing_episode_start_date"), pl.col("miss_missing_episode_type")
    missing = (
        tables["ssd_missing"]
        .filter(since > pl.lit(extract_date).dt.offset_by("-12mo"))
        .sort("miss_person_id", since)
        .group_by("miss_person_id", maintain_order=True)
        .agg(missing=(kind == "M").sum(), absent=(kind == "A").sum(), offered=pl.col("miss_missing_rhi_offered").last(),
             accepted=pl.col("miss_missing_rhi_accepted").last())
    )  # fmt: skip
    rows = _spells("periods", "clae_person_id", "clae_entered_care_date", "ceased")({"periods": periods}, extract_date)
    again = (pl.col("last_ceased") > YEAR_AGO).fill_null(value=False)
    return rows.with_columns(again=again).join(
        missing, left_on="person", right_on="miss_person_id", how="left", maintain_order="left"
    )


def _words(column: str, words: Mapping[str, str | None]) -> pl.Expr:
    """Annex A's words for the codes of a column; what is no code stays as it is."""
    return pl.col(column).replace(words)


def _yes_no(condition: pl.Expr) -> pl.Expr:
    return condition.replace_strict(YES_NO, return_dtype=pl.String)


CHILD = {
    "Child Unique ID": child_number(pl.col("person")),
    "Gender": _words("pers_gender", GENDERS),
    "Ethnicity": _words("pers_ethnicity", ETHNIC_GROUPS),
    "Date of Birth": pl.col("born"),
    "Age of Child (Years)": pl.col("age"),
}
DISABLED = {"Does the Child have a Disability": _yes_no(pl.col("disabled"))}
ALLOCATED = {
    "Allocated Team": pl.format("Invented team {}", digits(pl.col("person")) % TEAMS + 1),
    "Allocated Worker": worker_name(pl.col("person")),
}

LISTS = (
    AnnexList("Contacts (6 months)", _contacts, {
        **CHILD,
        "Date of Contact": pl.col("cont_contact_date"),
        "Contact Source": _words("cont_contact_source_code", SOURCES),
    }),
    AnnexList(
        "Early help assessments (6 months)",
        _spells("ssd_early_help_episodes", "earl_person_id", "earl_episode_start_date", "earl_episode_end_date"),
        {
            **CHILD,
            "Assessment start date": pl.col("earl_episode_start_date"),
            "Assessment completion date": pl.col("earl_episode_end_date"),
            "Organisation completing assessment": pl.format("Invented school {}", digits(pl.col("person")) % TEAMS + 1),
        },
    ),
    AnnexList("Referrals (6 months)", _referrals, {
        **CHILD,
        "Date of referral": pl.col("cine_referral_date"),
        "Referral Source": _words("cine_referral_source_code", SOURCES),
        "Referral NFA?": _yes_no(pl.col("cine_referral_nfa")),
        "Number of Referrals in Last 12 Months": pl.col("others"),
        **ALLOCATED,
    }),
    AnnexList(
        "Assessments (6 months)",
        _spells("ssd_cin_assessments", "cina_person_id", "cina_assessment_start_date", "cina_assessment_auth_date"),
        {
            **CHILD, **DISABLED,
            "Continuous Assessment Start Date": pl.col("cina_assessment_start_date"),
            "Child Seen During Continuous Assessment": _yes_no(pl.col("cina_assessment_child_seen")),
            "Continuous Assessment Date of Authorisation": pl.col("cina_assessment_auth_date"),
            "Was the child assessed as requiring LA children's social care support?":
                _yes_no(~pl.col("cina_assessment_outcome_nfa")),
            **ALLOCATED,
        },
    ),
    AnnexList("Section 47 and ICPC (6 months)", _enquiries, {
        **CHILD, **DISABLED,
        "Strategy discussion initiating Section 47 Enquiry Start Date": pl.col("s47e_s47_start_date"),
        "Was an Initial Child Protection Conference deemed unnecessary?": _yes_no(pl.col("s47e_s47_nfa")),
        "Date of Initial Child Protection Conference": pl.col("icpc_icpc_date"),
        "Did the Initial Child Protection Conference Result in a Child Protection Plan":
            _yes_no(pl.col("icpc_icpc_outcome_cp_flag")),
        "Number of Section 47 Enquiries in the last 12 months": pl.col("enquiries"),
        "Number of ICPCs in the last 12 months": pl.col("conferences"),
        **ALLOCATED,
    }),
    AnnexList("Children in need", _in_need, {
        **CHILD, **DISABLED,
        "CIN Start Date": pl.col("cine_referral_date"),
        "Primary Need Code": _words("cine_cin_primary_need_code", NEEDS),
        "Date Child Was Last Seen": NOT_HELD,
        "CIN Closure Date": pl.col("cine_close_date"),
        "Reason for Closure": _words("cine_close_reason", REASONS),
        "Case Status": pl.col("status"),
        **ALLOCATED,
    }),
    AnnexList("Child protection plans", _protected, {
        **CHILD, **DISABLED,
        "Child Protection Plan Start Date": pl.col("cppl_cp_plan_start_date"),
        "Initial Category of Abuse": _words("cppl_cp_plan_initial_category", ABUSE),
        "Latest Category of Abuse": _words("cppl_cp_plan_initial_category", ABUSE),
        "Date of the Last Statutory Visit": NOT_HELD,
        "Was the Child Seen Alone?": NOT_HELD,
        "Date of latest review conference": NOT_HELD,
        "Child Protection Plan End Date": pl.col("cppl_cp_plan_end_date"),
        "Subject to Emergency Protection Order or Protected Under Police Powers in Last Six Months (Y/N)": NOT_HELD,
        "Number of Previous Child Protection Plans": pl.col("earlier"),
        **ALLOCATED,
    }),
    AnnexList("Children in care", _in_care, {
        **CHILD,
        "Unaccompanied Asylum Seeking Child (UASC) within the Last 12 Months (Y/N)": NOT_HELD,
        **DISABLED,
        "Date Started to be Looked After": pl.col("clae_entered_care_date"),
        "Child's Category of Need": _words("cine_cin_primary_need_code", NEEDS),
        "Is this a second or subsequent period of being a Looked After Child within the last 12 months (Y/N)":
            _yes_no(pl.col("again")),
        "Start date of current legal status": NOT_HELD,
        "Child's Legal Status": NOT_HELD,
        "Date of Latest Statutory Review": NOT_HELD,
        "Date of Last Social Work Visit": NOT_HELD,
        "What is the permanence plan for this child?": NOT_HELD,
        "Date of Last IRO Visit / Contact to the Child": NOT_HELD,
        "Date of Last Health Assessment": NOT_HELD,
        "Date of Last Dental Check": NOT_HELD,
        "Number of Placements in the Last 12 months": NOT_HELD,
        "Date Ceased to be Looked After": pl.col("ceased"),
        "Reason Ceased to be Looked After": NOT_HELD,
        "Start Date of Most Recent Placement": NOT_HELD,
        "Placement Type": NOT_HELD,
        "Placement Provider": NOT_HELD,
        "Placement postcode": NOT_HELD,
        "URN of Placement": NOT_HELD,
        "Placement Location": NOT_HELD,
        "LA of Placement": NOT_HELD,
        "Number of Episodes the Child has been 'Missing' from their Placement in the last 12 months":
            pl.col("missing").fill_null(0),
        "Number of Episodes the Child has been 'Absent' from their Placement in the last 12 months":
            pl.col("absent").fill_null(0),
        "Was the child offered a Return Interview after their last missing episode (Y/N)?": _words("offered", ANSWERS),
        "Did the child accept a Return Interview after their last missing episode (Y/N)?": _words("accepted", ANSWERS),
        **ALLOCATED,
    }),
)  # fmt: skip
