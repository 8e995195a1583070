"""The statutory measures, each declared once: its name, table, definition, what it needs, and how it is broken down.

Letters are those of the tables by local authority in the Department for Education's *Children in need* (until 2022
*Characteristics of children in need*): the list of all tables of the release of 2021 and the names of the files of 2024 and
2025 agree on them. ``docs/reconciliation.md`` says which of the definitions could be checked against published figures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from validation.codes import codes
from validation.returns import populations as of
from validation.returns.populations import Tables
from validation.returns.years import CensusYear

ALL = "all"  # breakdown and code of a measure as a whole
UNKNOWN = "unknown"
EPISODES, ASSESSMENTS, FACTORS = "ssd_cin_episodes", "ssd_cin_assessments", "ssd_assessment_factors"
S47, CONFERENCES, PLANS = "ssd_s47_enquiry", "ssd_initial_cp_conference", "ssd_cp_plans"
REASON, NEED, SOURCE = (
    f"{EPISODES}.cine_close_reason",
    f"{EPISODES}.cine_cin_primary_need_code",
    f"{EPISODES}.cine_referral_source_code",
)


class Reach(StrEnum):
    """Which rows a measure rests on, and so from which day on the history must be whole.

    An assessment or a plan goes with its case: where an extract lets go of a case, it lets go of them.
    """

    YEAR = "what happened in the year"
    YEAR_BEFORE = "what happened in the year and the year before"
    OPEN = "cases open on a day of the year, however old, and what belongs to them"
    EVER = "every earlier plan of a child, however old"


@dataclass(frozen=True)
class Breakdown:
    """A measure by the values of ``column``: every code with its words.

    ``many``: a row may have several values, so that they add up to more than the measure.
    """

    name: str
    table: str
    words: str
    column: str
    codes: Mapping[str, str]
    needs: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True)
class Measure:
    """One count of a census year.

    ``needs``: tables, or ``table.column``, without which it is not computed. ``rows`` finds what is counted; ``children``:
    each child once. ``of`` names the measure that it is a share of.
    """

    name: str
    table: str
    words: str
    definition: str
    needs: tuple[str, ...]
    reach: Reach
    rows: Callable[[Tables, CensusYear], pl.DataFrame]
    children: bool = False
    of: str | None = None
    breakdowns: tuple[Breakdown, ...] = field(default=())


LASTED = {
    "up_to_3_months": "3 months or less",
    "3_to_6_months": "more than 3 months, up to 6",
    "6_to_12_months": "more than 6 months, less than a year",
    "1_to_2_years": "1 year, less than 2",
    "2_years_or_more": "2 years or more",
}
DAYS_TO_CONFERENCE = {
    "up_to_10": "up to 10 working days",
    "11_to_15": "11 to 15 working days",
    "16_to_20": "16 to 20 working days",
    "over_20": "more than 20 working days",
    UNKNOWN: "no enquiry on record",
}
AGES = {"unborn": "unborn", "under_1": "under 1", "1_to_4": "1 to 4", "5_to_9": "5 to 9", "10_to_15": "10 to 15",
        "16_and_over": "16 and over"}  # fmt: skip
ETHNICITIES = {"white": "White", "mixed": "Mixed", "asian": "Asian", "black": "Black", "other": "Other", "not_known": "not known"}


def _labels(name: str, *but: str) -> dict[str, str]:
    return {key: code.label for key, code in codes(name).items() if key not in but}


def _slug(group: str) -> str:
    return group.lower().replace(" ", "_")


SOURCES = {_slug(code.group): code.group for code in codes("referral_source").values()}
CATEGORIES = _labels("category_of_abuse") | {UNKNOWN: "not stated"}
REASONS = _labels("closure_reason", *of.NOT_IN_NEED) | {UNKNOWN: "not stated"}
FACTOR_CODES = _labels("assessment_factors", *of.NO_FACTOR, *of.PRIVATE_FOSTERING) | {"8": "Private fostering"}


def _lasting(table: str) -> Breakdown:
    return Breakdown("duration", table, "how long they had lasted", "lasted", LASTED)


def _categories(table: str) -> Breakdown:
    needs = (f"{PLANS}.cppl_cp_plan_initial_category",)
    return Breakdown("category", table, "category of abuse at the start of the plan", "category", CATEGORIES, needs)


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("referrals", "C1", "Referrals",
                "Referrals dated in the year, with or without further action. Two of one child on one day count once.",
                (EPISODES,), Reach.YEAR, of.find_referrals, breakdowns=(
                    Breakdown("source", "C5", "who referred", "source", SOURCES, (SOURCE,)),
                    Breakdown("month", "C6", "month of the referral", "month", {name: name.capitalize() for name in of.MONTHS}))),
        Measure("children_referred", "C1", "Children referred", "Children with one referral or more in the year.",
                (EPISODES,), Reach.YEAR, of.find_referrals, children=True),
        Measure("re_referrals", "C1", "Referrals within 12 months of an earlier one",
                "Referrals of the year within 365 days of an earlier referral of the same child, whatever came of that one.",
                (EPISODES,), Reach.YEAR_BEFORE, of.find_re_referrals, of="referrals"),
        Measure("children_re_referred", "C1", "Children referred again within 12 months",
                "Children with one such referral or more in the year.",
                (EPISODES,), Reach.YEAR_BEFORE, of.find_re_referrals, children=True, of="children_referred"),
        Measure("referrals_no_further_action", "C1", "Referrals without further action",
                "Referrals of the year whose decision was that no further action is needed.",
                (EPISODES,), Reach.YEAR, of.find_without_action, of="referrals"),
        Measure("referrals_not_in_need", "C1", "Referrals assessed, child not in need",
                "Referrals of the year that were closed after assessment (reasons RC8 and RC9) by 31 March.",
                (EPISODES, REASON), Reach.YEAR, of.find_not_in_need, of="referrals"),
        Measure("assessments", "C2", "Assessments completed", "Assessments authorised in the year.",
                (ASSESSMENTS,), Reach.OPEN, of.find_assessments, breakdowns=(
                    Breakdown("duration", "C2", "working days taken", "days",
                              {"up_to_45": "up to 45 working days", "over_45": "more than 45 working days"}),)),
        Measure("episodes_with_factors", "C3", "Episodes assessed, with a factor found",
                "Episodes with an assessment authorised in the year that found one factor or more.",
                (ASSESSMENTS, FACTORS), Reach.OPEN, of.find_factors, breakdowns=(
                    Breakdown("factor", "C3", "factor found", "factors", FACTOR_CODES, many=True),)),
        Measure("section_47_enquiries", "C4", "Section 47 enquiries", "Enquiries whose strategy discussion was in the year.",
                (S47,), Reach.OPEN, of.find_enquiries),
        Measure("children_with_section_47", "C4", "Children with a section 47 enquiry",
                "Children with one such enquiry or more.", (S47,), Reach.OPEN, of.find_enquiries, children=True),
        Measure("conferences", "C4", "Initial child protection conferences",
                "Conferences held in the year, but for children who moved in from another authority with a plan.",
                (CONFERENCES, S47), Reach.OPEN, of.find_conferences, breakdowns=(
                    Breakdown("duration", "C4", "working days since the enquiry began", "days", DAYS_TO_CONFERENCE,
                              (f"{CONFERENCES}.icpc_s47_enquiry_id",)),)),
        Measure("children_with_conference", "C4", "Children with an initial conference",
                "Children with one such conference or more.", (CONFERENCES, S47), Reach.OPEN, of.find_conferences, children=True),
        Measure("episodes_of_need", "B1", "Episodes of need at any point of the year",
                "Cases open on a day of the year, but for referrals without further action and those closed after assessment.",
                (EPISODES, REASON), Reach.OPEN, of.find_needs),
        Measure("children_in_need", "B1", "Children in need at any point of the year", "Children with one such episode or more.",
                (EPISODES, REASON), Reach.OPEN, of.find_needs, children=True),
        Measure("episodes_of_need_started", "B1", "Episodes of need that began", "Those of them referred in the year.",
                (EPISODES, REASON), Reach.YEAR, of.find_needs_started),
        Measure("children_in_need_started", "B1", "Children with an episode of need that began",
                "Children with one such episode or more.",
                (EPISODES, REASON), Reach.YEAR, of.find_needs_started, children=True),
        Measure("episodes_of_need_ended", "B1", "Episodes of need that ended", "Those of them closed in the year.",
                (EPISODES, REASON), Reach.OPEN, of.find_needs_ended, breakdowns=(
                    _lasting("B5"), Breakdown("reason", "B6", "why the case was closed", "reason", REASONS, (REASON,)))),
        Measure("children_in_need_ended", "B1", "Children with an episode of need that ended",
                "Children with one such episode or more.",
                (EPISODES, REASON), Reach.OPEN, of.find_needs_ended, children=True),
        Measure("children_in_need_31_march", "B1", "Children in need on 31 March",
                "Episodes of need that were open at the end of the year.", (EPISODES, REASON, "ssd_person"), Reach.OPEN,
                of.find_stock, breakdowns=(
                    Breakdown("primary_need", "B3", "primary need", "need", _labels("primary_need"), (NEED,)),
                    _lasting("B4"),
                    Breakdown("age", "A7", "age on 31 March", "age", AGES, ("ssd_person.pers_dob",)),
                    Breakdown("sex", "A7", "sex", "sex", {"F": "female", "M": "male", UNKNOWN: "unknown", "unborn": "unborn"},
                              ("ssd_person.pers_sex",)),
                    Breakdown("ethnicity", "A7", "ethnic group", "ethnicity", ETHNICITIES, ("ssd_person.pers_ethnicity",)))),
        Measure("children_in_need_disabled", "B2", "Children in need on 31 March with a disability",
                "Those of them with a disability on record.",
                (EPISODES, REASON, "ssd_person", "ssd_disability"), Reach.OPEN, of.find_disabled,
                of="children_in_need_31_march", breakdowns=(
                    Breakdown("disability", "B2", "disability", "disabilities", _labels("disability", of.NO_DISABILITY),
                              many=True),)),
        Measure("plans", "D1", "Child protection plans at any point of the year",
                "Plans in force on a day of the year, but for those of other authorities.", (PLANS,), Reach.OPEN, of.find_plans),
        Measure("plans_started", "D1", "Child protection plans that began", "Those of them that began in the year.",
                (PLANS,), Reach.OPEN, of.find_plans_started, breakdowns=(_categories("D2"),)),
        Measure("plans_second_or_later", "D3", "Plans that began and were not the child's first",
                "Plans that began in the year of children with an earlier plan.",
                (PLANS,), Reach.EVER, of.find_later_plans, of="plans_started"),
        Measure("plans_ended", "D1", "Child protection plans that ended", "Those of them that ended in the year.",
                (PLANS,), Reach.OPEN, of.find_plans_ended, breakdowns=(_lasting("D7"),)),
        Measure("plans_31_march", "D1", "Child protection plans on 31 March", "Plans in force at the end of the year.",
                (PLANS,), Reach.OPEN, of.find_plan_stock, breakdowns=(_categories("D4"), _lasting("D5"))),
    )
}  # fmt: skip

SUMS: Mapping[str, tuple[str, ...]] = {
    "referrals": ("referrals_no_further_action", "referrals_not_in_need", "episodes_of_need_started"),
    "episodes_of_need": ("episodes_of_need_ended", "children_in_need_31_march"),
    "plans": ("plans_ended", "plans_31_march"),
}
"""Measures that add up to another: so they do in the published figures, and so a reader may reckon."""

NOT_HELD: Mapping[str, str] = {
    "D6": "plans reviewed within the time allowed: reviews are not among the tables that are read",
    "D8": "how long children whose plan ended stayed in need: not computed yet",
    "D2 and D4, latest category": "the latest category is overwritten in place in the case system, so it is not read",
}
"""Parts of the published tables that are not computed here, and why."""
