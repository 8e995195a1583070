"""Whom and what the statutory tables count: referrals, episodes of need, assessments, enquiries, conferences, plans.

Each function takes the contract's tables and a census year, and gives one row for each thing that is counted, as known at the
end of the year: what ended later was still open then. Nothing is mended here, unlike for features (``features/episodes.py``):
a return counts what the case system recorded. Every frame has ``child``, and the columns by which it is broken down.
"""

from collections.abc import Mapping

import polars as pl

from validation.codes import codes
from validation.rereferrals import WITHIN_DAYS
from validation.returns.years import CensusYear, count_working_days

Tables = Mapping[str, pl.DataFrame]

NOT_IN_NEED = ("RC8", "RC9")  # closed after assessment
NO_FACTOR = ("21", "-", "")
PRIVATE_FOSTERING = ("8B", "8C", "8D", "8E", "8F")
NO_DISABILITY = "NONE"
MONTHS = ("april", "may", "june", "july", "august", "september", "october", "november", "december", "january", "february",
          "march")  # fmt: skip

AGES = {"under_1": 0, "1_to_4": 4, "5_to_9": 9, "10_to_15": 15, "16_and_over": 999}
DAYS_TO_CONFERENCE = {"up_to_10": 10, "11_to_15": 15, "16_to_20": 20, "over_20": 99_999}


def find_episodes(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Every episode referred by the end of the year, and the same child's referral ``before`` it.

    Two referrals of one child on the same day count once; one that led to something goes before one that did not.
    """
    closed = pl.col("cine_close_date") <= year.last
    return (
        tables["ssd_cin_episodes"]
        .filter(pl.col("cine_referral_date") <= year.last)
        .select(
            child="cine_person_id",
            start="cine_referral_date",
            nfa=pl.col("cine_referral_nfa").fill_null(value=False),
            end=pl.when(closed).then("cine_close_date"),
            reason=pl.when(closed).then("cine_close_reason"),
            source=pl.col("cine_referral_source_code").replace_strict(_groups("referral_source"), default="unknown"),
            need=pl.col("cine_cin_primary_need_code").fill_null("N0"),
        )
        .sort("child", "start", "nfa", "end", "reason", "source", "need")
        .unique(["child", "start"], keep="first", maintain_order=True)
        .with_columns(before=pl.col("start").shift(1).over("child"))
    )


def find_referrals(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Referrals of the year, with or without further action, and the ``month`` of each."""
    month = (pl.col("start").dt.month().cast(pl.Int64) + 8) % 12
    months = month.replace_strict(dict(enumerate(MONTHS)), return_dtype=pl.String)
    return find_episodes(tables, year).filter(year.has("start")).with_columns(month=months)


def find_re_referrals(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Those within 365 days of an earlier referral of the same child, whatever came of that one."""
    return find_referrals(tables, year).filter((pl.col("start") - pl.col("before")).dt.total_days() <= WITHIN_DAYS)


def find_without_action(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Those that needed no further action."""
    return find_referrals(tables, year).filter("nfa")


def find_not_in_need(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Those whose child was assessed and found not to be in need: closed after assessment by the end of the year."""
    return find_referrals(tables, year).filter(~pl.col("nfa"), pl.col("reason").is_in(NOT_IN_NEED))


def find_needs(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Episodes of need at any point of the year: not those without further action, nor those closed after assessment."""
    return find_episodes(tables, year).filter(
        ~pl.col("nfa"),
        ~pl.col("reason").fill_null("").is_in(NOT_IN_NEED),
        pl.col("end").is_null() | (pl.col("end") >= year.first),
    )


def find_needs_started(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Episodes of need that began in the year."""
    return find_needs(tables, year).filter(year.has("start"))


def find_needs_ended(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Episodes of need that ended in the year, and how long they had lasted."""
    return find_needs(tables, year).filter(pl.col("end").is_not_null()).with_columns(lasted=_lasted(pl.col("end")))


def find_stock(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Episodes of need that were open at the end of 31 March, with what is on record of the child.

    Birth dates are known by their month, which is enough for an age in whole years on the last day of a month. A child without
    a birth date, or with one after that day, is unborn.
    """
    born, last = pl.col("pers_dob"), year.last
    unborn = born.is_null() | (born > last)
    years = (12 * (last.year - born.dt.year()) + last.month - born.dt.month()) // 12
    people = tables["ssd_person"].select(
        child="pers_person_id",
        age=pl.when(unborn).then(pl.lit("unborn")).otherwise(_name_band(years, AGES)),
        sex=pl.when(unborn).then(pl.lit("unborn")).otherwise("pers_sex"),
        ethnicity=pl.col("pers_ethnicity").replace_strict(_groups("ethnicity"), default="not_known"),
    )
    return (
        find_needs(tables, year)
        .filter(pl.col("end").is_null())
        .with_columns(lasted=_lasted(pl.lit(last)))
        .join(people, on="child", how="left", maintain_order="left")
    )


def find_disabled(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Those of them whose child has a disability on record, with the ``disabilities``."""
    found = (
        tables["ssd_disability"]
        .filter(pl.col("disa_disability_code") != NO_DISABILITY)
        .group_by(child="disa_person_id")
        .agg(disabilities=pl.col("disa_disability_code").unique())
    )
    return find_stock(tables, year).join(found, on="child")


def find_assessments(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Assessments authorised in the year, and the working ``days`` that they took."""
    days = count_working_days("cina_assessment_start_date", "cina_assessment_auth_date")
    return (
        tables["ssd_cin_assessments"]
        .filter(year.has("cina_assessment_auth_date"))
        .select(
            "cina_assessment_id",
            child="cina_person_id",
            episode="cina_referral_id",
            days=pl.when(days <= 45).then(pl.lit("up_to_45")).otherwise(pl.lit("over_45")),
        )
    )


def find_factors(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Episodes with an assessment authorised in the year that found a factor, with all ``factors`` found in them."""
    grouped = dict.fromkeys(PRIVATE_FOSTERING, "8")
    return (
        find_assessments(tables, year)
        .join(tables["ssd_assessment_factors"], left_on="cina_assessment_id", right_on="cinf_assessment_id")
        .select("child", "episode", factors=pl.col("cinf_assessment_factors_json").str.split("|"))
        .explode("factors")
        .with_columns(pl.col("factors").replace(grouped))
        .filter(~pl.col("factors").is_in(NO_FACTOR))
        .group_by("child", "episode")
        .agg(pl.col("factors").unique())
    )


def find_enquiries(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Section 47 enquiries that began in the year."""
    return tables["ssd_s47_enquiry"].filter(year.has("s47e_s47_start_date")).select(child="s47e_person_id")


def find_conferences(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Initial conferences held in the year, and the working ``days`` since the enquiry began; not of children who moved in."""
    days = count_working_days("s47e_s47_start_date", "icpc_icpc_date")
    begun = tables["ssd_s47_enquiry"].select("s47e_s47_enquiry_id", "s47e_s47_start_date")
    return (
        tables["ssd_initial_cp_conference"]
        .filter(year.has("icpc_icpc_date"), ~pl.col("icpc_icpc_transfer_in").fill_null(value=False))
        .join(begun, left_on="icpc_s47_enquiry_id", right_on="s47e_s47_enquiry_id", how="left", maintain_order="left")
        .select(
            child="icpc_person_id",
            days=_name_band(days, DAYS_TO_CONFERENCE),
        )
    )


def find_all_plans(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Every child protection plan of the authority's own begun by the end of the year, with its ``number`` for the child."""
    closed = pl.col("cppl_cp_plan_end_date") <= year.last
    return (
        tables["ssd_cp_plans"]
        .filter(pl.col("cppl_cp_plan_start_date") <= year.last, ~pl.col("cppl_cp_plan_ola").fill_null(value=False))
        .sort("cppl_person_id", "cppl_cp_plan_start_date", "cppl_cp_plan_id")
        .select(
            child="cppl_person_id",
            start="cppl_cp_plan_start_date",
            end=pl.when(closed).then("cppl_cp_plan_end_date"),
            category="cppl_cp_plan_initial_category",
            number=pl.int_range(1, pl.len() + 1).over("cppl_person_id"),
        )
    )


def find_plans(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Plans at any point of the year."""
    return find_all_plans(tables, year).filter(pl.col("end").is_null() | (pl.col("end") >= year.first))


def find_plans_started(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Plans that began in the year."""
    return find_plans(tables, year).filter(year.has("start"))


def find_later_plans(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Those that were not the child's first."""
    return find_plans_started(tables, year).filter(pl.col("number") > 1)


def find_plans_ended(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Plans that ended in the year, and how long they had lasted."""
    return find_plans(tables, year).filter(pl.col("end").is_not_null()).with_columns(lasted=_lasted(pl.col("end")))


def find_plan_stock(tables: Tables, year: CensusYear) -> pl.DataFrame:
    """Plans in force at the end of 31 March, and how long they had lasted by then."""
    return find_plans(tables, year).filter(pl.col("end").is_null()).with_columns(lasted=_lasted(pl.lit(year.last)))


def _name_band(value: pl.Expr, bands: Mapping[str, int]) -> pl.Expr:
    """The band in which a whole number lies, each given with its largest; nothing for no number."""
    name = pl.lit(None, pl.String)
    for band, most in reversed(list(bands.items())):
        name = pl.when(value <= most).then(pl.lit(band)).otherwise(name)
    return name


def _groups(name: str) -> dict[str, str]:
    """The group of each code of a list, written as a code."""
    return {code: entry.group.lower().replace(" ", "_") for code, entry in codes(name).items()}


def _lasted(end: pl.Expr) -> pl.Expr:
    """The band in which the time since ``start`` lies, by the calendar: three months after 31 December is 31 March."""
    start = pl.col("start")
    return (
        pl.when(end <= start.dt.offset_by("3mo"))
        .then(pl.lit("up_to_3_months"))
        .when(end <= start.dt.offset_by("6mo"))
        .then(pl.lit("3_to_6_months"))
        .when(end < start.dt.offset_by("1y"))
        .then(pl.lit("6_to_12_months"))
        .when(end < start.dt.offset_by("2y"))
        .then(pl.lit("1_to_2_years"))
        .otherwise(pl.lit("2_years_or_more"))
    )
