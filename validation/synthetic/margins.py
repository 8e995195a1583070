"""The groups of figures that are published, each taken from an authority's records.

Every function gives rows of group, figure, value, standard_error and n, named as in ``published.csv``.
"""

from collections.abc import Mapping
from datetime import date

import polars as pl

from validation.codes import Code, codes
from validation.rereferrals import WITHIN_DAYS
from validation.synthetic.estimates import quantiles, rate, ratios

Tables = Mapping[str, pl.DataFrame]

MONTHS = ("April", "May", "June", "July", "August", "September", "October", "November", "December", "January", "February",
          "March")  # fmt: skip
BANDS = {
    "3 months or less": (0, 92),
    "More than 3 months, up to 6": (92, 183),
    "More than 6 months, less than 1 year": (183, 365),
    "1 year, less than 2": (365, 730),
    "2 years and longer": (730, 100_000),
}  # days, from and up to but not including
AGES = {"Under 1": (0, 1), "1 to 4": (1, 5), "5 to 9": (5, 10), "10 to 15": (10, 16), "16 and over": (16, 100)}
NOT_IN_NEED = ("RC8", "RC9")
SIX_YEARS = 2191  # days
FOLLOWED = "27mo"  # by Forrester
CHRONIC = 0.085  # share of families
FACTORS_FROM = date(2021, 4, 1)  # since then the codes of the factors are those of 2025
PRIVATE_FOSTERING = ("8B", "8C", "8D", "8E", "8F")
NO_FACTOR = ("21", "-", "")


def census_year() -> pl.Expr:
    """The census year of ``start``, named after its end."""
    return pl.col("start").dt.offset_by("9mo").dt.year()


def _with_family(frame: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """``frame`` with the family of each ``child``; a child without one is a family of its own."""
    families = tables["ssd_family"].group_by(child="fami_person_id").agg(family=pl.col("fami_family_id").min())
    return frame.join(families, on="child", how="left").with_columns(pl.coalesce("family", "child").alias("family"))


def episodes_of(tables: Tables) -> pl.DataFrame:
    """All episodes with the same child's referral before and after each."""
    episodes = tables["ssd_cin_episodes"].select(
        child="cine_person_id",
        start="cine_referral_date",
        close="cine_close_date",
        nfa=pl.col("cine_referral_nfa").fill_null(value=False),
        reason="cine_close_reason",
        need="cine_cin_primary_need_code",
        source="cine_referral_source_code",
    )
    return (
        _with_family(episodes, tables)
        .sort("child", "start")
        .with_columns(before=pl.col("start").shift(1).over("child"), after=pl.col("start").shift(-1).over("child"))
    )


def _grouped(column: str, listed: Mapping[str, Code]) -> dict[str, pl.Expr]:
    """One figure for each group of a code list."""
    groups = dict.fromkeys(code.group for code in listed.values())
    return {name: pl.col(column).is_in([key for key, code in listed.items() if code.group == name]) for name in groups}


def _labelled(column: str, listed: Mapping[str, Code], but: tuple[str, ...] = ()) -> dict[str, pl.Expr]:
    """One figure for each code of a list, named by code and label."""
    return {f"{key} {code.label}": pl.col(column) == key for key, code in listed.items() if key not in but}


def _banded(days: pl.Expr, bands: Mapping[str, tuple[int, int]]) -> dict[str, pl.Expr]:
    return {name: (days >= low) & (days < high) for name, (low, high) in bands.items()}


def referral_rates(referrals: pl.DataFrame, per: int, last: date) -> pl.DataFrame:
    """Referrals, re-referrals and what became of them. Whether a child was in need is known a year later."""
    group = "Referrals and re-referrals"
    again = (pl.col("start") - pl.col("before")).dt.total_days() <= WITHIN_DAYS
    children = referrals.group_by("child", "family", year=census_year()).agg(referrals=pl.len(), again=again.any())
    decided = referrals.filter(pl.col("start") <= pl.lit(last).dt.offset_by("-1y"))
    once, twice = "Referrals per referred child in a year", "Referred children re-referred within 12 months"
    return pl.concat(
        [
            rate(group, "Referrals a year", referrals, per),
            ratios(group, children, {once: pl.col("referrals")}, scale=1),
            ratios(group, referrals, {"Referrals within 12 months of an earlier one": again}),
            ratios(group, children, {twice: pl.col("again")}),
            ratios(group, referrals, {"Referrals with no further action": pl.col("nfa")}),
            ratios(group, decided, {"Referrals assessed, child not in need": pl.col("reason").is_in(NOT_IN_NEED)}),
        ]
    )


def sources_and_months(referrals: pl.DataFrame) -> list[pl.DataFrame]:
    """Who made the referrals, and in which months."""
    month = (pl.col("start").dt.month() + 8) % 12
    return [
        ratios("Source of referral", referrals, _grouped("source", codes("referral_source"))),
        ratios("Month of referral", referrals, {name: month == number for number, name in enumerate(MONTHS)}),
    ]


def returns(episodes: pl.DataFrame, first: date, end: date) -> pl.DataFrame:
    """New referrals of the same child after a closing, whatever the reason for it."""
    gap = (pl.col("after") - pl.col("close")).dt.total_days()
    parts = []
    for figure, days in (
        ("New referral within 12 months of closing", WITHIN_DAYS),
        ("New referral within 6 years of closing", SIX_YEARS),
    ):
        followed = (pl.col("close") >= first) & (pl.col("close") <= pl.lit(end).dt.offset_by(f"-{days}d"))
        parts.append(ratios("Returns after closing", episodes.filter(followed), {figure: gap <= days}))
    return pl.concat(parts)


def concentration(episodes: pl.DataFrame, first: date, end: date) -> pl.DataFrame:
    """Families with children first referred in one census year, and those children's later referrals in 27 months.

    The families with the most have what lies above the quantile ``edge`` and the edge itself as often as they are many:
    so ties do not matter, and the whole is a ratio of two sums over families.
    """
    group = "Concentration of re-referrals"
    cohorts = episodes.filter(pl.col("before").is_null() & (pl.col("start") >= first)).select(
        "child", "family", year=census_year(), until=pl.col("start").dt.offset_by(FOLLOWED), begin="start"
    )
    cohorts = cohorts.filter(pl.date(pl.col("year"), 3, 31).dt.offset_by(FOLLOWED) <= end)
    later = cohorts.join(episodes.select("child", "start"), on="child").filter(
        (pl.col("start") > pl.col("begin")) & (pl.col("start") <= pl.col("until"))
    )
    counts = later.group_by("child").agg(again=pl.len())
    families = (
        cohorts.join(counts, on="child", how="left")
        .group_by("family", "year")
        .agg(pl.col("again").fill_null(0).sum().cast(pl.Float64))
    )
    edge = pl.col("again").quantile(1 - CHRONIC, "higher")
    most = CHRONIC * edge + (pl.col("again") - edge).clip(0)
    return pl.concat(
        [
            ratios(group, families, {"Re-referrals of the 8.5 % of families with most": most}, of=pl.col("again")),
            ratios(group, families, {"Families with a re-referral within 27 months": pl.col("again") > 0}),
        ]
    )


def work_done(tables: Tables, referrals: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Assessments, enquiries, conferences and plans of the same years for each hundred referrals."""
    columns = {
        "Assessments completed": ("ssd_cin_assessments", "cina_person_id", "cina_assessment_auth_date"),
        "Section 47 enquiries started": ("ssd_s47_enquiry", "s47e_person_id", "s47e_s47_start_date"),
        "Initial conferences": ("ssd_initial_cp_conference", "icpc_person_id", "icpc_icpc_date"),
        "Child protection plans started": ("ssd_cp_plans", "cppl_person_id", "cppl_cp_plan_start_date"),
    }
    parts = [
        tables[name].filter(pl.col(day).is_between(first, last)).select(pl.col(person).alias("child"), pl.lit(what).alias("what"))
        for what, (name, person, day) in columns.items()
    ]
    events = _with_family(pl.concat([referrals.select("child", what=pl.lit("referral")), *parts]), tables)
    return ratios("Work done", events, {what: pl.col("what") == what for what in columns}, of=pl.col("what") == "referral")


def assessment_lengths(tables: Tables, first: date, last: date) -> pl.DataFrame:
    """Working days from the start of an assessment to its authorisation."""
    done = tables["ssd_cin_assessments"].filter(pl.col("cina_assessment_auth_date").is_between(first, last))
    days = pl.business_day_count("cina_assessment_start_date", "cina_assessment_auth_date").alias("days")
    shares = {"A quarter are done within": 0.25, "Half are done within": 0.5, "Three quarters are done within": 0.75}
    return quantiles("Length of assessments", _with_family(done.select(days, child="cina_person_id"), tables), "days", shares)


def ended_episodes(episodes: pl.DataFrame, first: date, last: date) -> list[pl.DataFrame]:
    """Episodes of need that ended: not those without further action nor those closed after the assessment."""
    need = pl.col("close").is_between(first, last) & ~pl.col("nfa") & ~pl.col("reason").fill_null("RC7").is_in(NOT_IN_NEED)
    ended = episodes.filter(need)
    reasons = _labelled("reason", codes("closure_reason"), but=("RC7", *NOT_IN_NEED))
    reasons["RC7 Any other reason, or unknown"] = pl.col("reason").fill_null("RC7") == "RC7"
    days = (pl.col("close") - pl.col("start")).dt.total_days()
    return [
        ratios("Length of ended episodes of need", ended, _banded(days, BANDS)),
        ratios("Reason for closing an episode of need", ended, reasons),
    ]


def children_in_need(episodes: pl.DataFrame, tables: Tables, first: date, last: date) -> pl.DataFrame:
    """The children in need on each 31 March of the census years, a row for each child and day."""
    days = pl.DataFrame({"day": [date(year, 3, 31) for year in range(first.year + 1, last.year + 1)]})
    disabled = tables["ssd_disability"].filter(pl.col("disa_disability_code") != "NONE").select("disa_person_id").unique()
    born = (
        (pl.col("day").dt.year() - pl.col("pers_dob").dt.year()) * 12 + pl.col("day").dt.month() - pl.col("pers_dob").dt.month()
    )
    groups = {key: code.group for key, code in codes("ethnicity").items()}
    return (
        episodes.filter(~pl.col("nfa"))
        .join(days, how="cross")
        .filter((pl.col("start") <= pl.col("day")) & (pl.col("close").is_null() | (pl.col("close") > pl.col("day"))))
        .join(tables["ssd_person"], left_on="child", right_on="pers_person_id", how="left")
        .join(disabled.with_columns(disabled=True), left_on="child", right_on="disa_person_id", how="left")
        .with_columns(
            unborn=pl.col("pers_dob").is_null() | (pl.col("pers_dob") > pl.col("day")),
            age=born // 12,
            ethnic=pl.col("pers_ethnicity").replace_strict(groups, default="Not known"),
        )
    )


def stock_figures(stock: pl.DataFrame, per: int) -> list[pl.DataFrame]:
    """How many ``children_in_need`` there are, who they are and how long they have been; a need left out is not stated."""
    count, need = "Children in need on 31 March", pl.col("need").fill_null("N0")
    known = stock.filter(pl.col("ethnic") != "Not known")
    sexes = {"Female": "F", "Male": "M"}
    sex = {name: (pl.col("pers_sex") == key) & ~pl.col("unborn") for name, key in sexes.items()}
    sex |= {"Unborn": pl.col("unborn"), "Unknown": ~pl.col("pers_sex").fill_null("U").is_in(["F", "M"]) & ~pl.col("unborn")}
    ethnic = {f"{name} (of known)": pl.col("ethnic") == name for name in ("White", "Mixed", "Asian", "Black", "Other")}
    days = (pl.col("day") - pl.col("start")).dt.total_days()
    return [
        rate(count, "Children in need", stock, per),
        ratios(count, stock, {"With a disability": pl.col("disabled")}),
        ratios("How long cases open on 31 March have been open", stock, _banded(days, BANDS)),
        ratios("Primary need on 31 March", stock.with_columns(need=need), _labelled("need", codes("primary_need"))),
        ratios("Age on 31 March", stock, {"Unborn": pl.col("unborn")} | _banded(pl.col("age"), AGES)),
        ratios("Sex on 31 March", stock, sex),
        ratios("Ethnic group on 31 March", known, ethnic),
        ratios("Ethnic group on 31 March", stock, {"Not known (of all)": pl.col("ethnic") == "Not known"}),
    ]


def protection_plans(tables: Tables, first: date, last: date) -> pl.DataFrame:
    """Categories of the plans that began, and those that were not the child's first; other authorities' plans left out."""
    group = "Child protection plans started"
    own = tables["ssd_cp_plans"].filter(~pl.col("cppl_cp_plan_ola").fill_null(value=False))
    plans = own.select(child="cppl_person_id", start="cppl_cp_plan_start_date", category="cppl_cp_plan_initial_category")
    plans = plans.sort("child", "start").with_columns(later=pl.col("child").cum_count().over("child") > 1)
    begun = _with_family(plans.filter(pl.col("start").is_between(first, last)), tables)
    figures = _labelled("category", codes("category_of_abuse"))
    return ratios(group, begun, figures | {"Second or later plan of the child": pl.col("later")})


def factors(tables: Tables, first: date, last: date) -> pl.DataFrame:
    """Factors of the episodes with assessments finished in a year; those in which none was found are left out."""
    finished = tables["ssd_cin_assessments"].filter(
        pl.col("cina_assessment_auth_date").is_between(max(first, FACTORS_FROM), last)
    )
    found = (
        finished.select("cina_assessment_id", "cina_referral_id", child="cina_person_id", start="cina_assessment_auth_date")
        .join(tables["ssd_assessment_factors"], left_on="cina_assessment_id", right_on="cinf_assessment_id")
        .group_by("child", "cina_referral_id", year=census_year())
        .agg(found=pl.col("cinf_assessment_factors_json").str.split("|").explode())
        .with_columns(pl.col("found").list.set_difference(pl.lit(list(NO_FACTOR))))
        .filter(pl.col("found").list.len() > 0)
    )
    listed = {key: code for key, code in codes("assessment_factors").items() if code.valid_in(2025)}
    figures = {
        f"{key} {code.label}": pl.col("found").list.contains(key)
        for key, code in listed.items()
        if key not in (*PRIVATE_FOSTERING, *NO_FACTOR)
    }
    figures["8 Private fostering"] = pl.col("found").list.set_intersection(pl.lit(list(PRIVATE_FOSTERING))).list.len() > 0
    return ratios("Factors found, of assessed episodes with a factor", _with_family(found, tables), figures)


def siblings(tables: Tables, referrals: pl.DataFrame) -> pl.DataFrame:
    """Children under 18 on record in a family on the day on which one of them or more was referred."""
    members = _with_family(tables["ssd_person"].select(child="pers_person_id", born="pers_dob"), tables)
    minors = (
        referrals.select("family", "start")
        .unique()
        .join(members, on="family")
        .filter((pl.col("born") <= pl.col("start")) & (pl.col("born").dt.offset_by("18y") > pl.col("start")))
        .group_by("family", "start")
        .agg(size=pl.len())
    )
    names = ("One child", "Two children", "Three children", "Four or more")
    return ratios(
        "Children under 18 in a referred family",
        minors,
        {name: pl.col("size").clip(1, 4) == size for size, name in enumerate(names, 1)},
    )
