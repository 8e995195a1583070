"""The catalogue of features. To add one, add a declaration to its family; nothing else needs to know."""

from collections.abc import Mapping

from features.definition import LOOK_BACK_DAYS, Aggregate, Direction, Family, Feature, Whose

YEAR, TWO_YEARS = 365, LOOK_BACK_DAYS
WINDOWS = {90: "three months", 180: "six months", YEAR: "year", TWO_YEARS: "two years"}


def counts(
    things: str, family: Family, stream: str, windows: tuple[int, ...], *, prefix: str | None = None,
    whose: Whose = Whose.CHILD, direction: Direction = Direction.HIGHER,
    where: tuple[tuple[str, tuple[object, ...]], ...] = (),
) -> tuple[Feature, ...]:  # fmt: skip
    """One count for each window, called ``<things>_in_last_<days>_days``."""
    return tuple(
        Feature(
            name=f"{prefix or things.replace(' ', '_')}_in_last_{days}_days",
            family=family,
            description=f"Number of {things} in the last {WINDOWS[days]}.",
            unit="count",
            stream=stream,
            aggregate=Aggregate.COUNT,
            within=days,
            direction=direction,
            where=where,
            whose=whose,
            worry=f"{{value}} {things} in the last {WINDOWS[days]}",
            strength=f"no {things} in the last {WINDOWS[days]}",
            absence="0: none on record in the window.",
        )
        for days in windows
    )


def since(
    name: str, event: str, family: Family, stream: str, *, whose: Whose = Whose.CHILD,
    direction: Direction = Direction.LOWER, where: tuple[tuple[str, tuple[object, ...]], ...] = (),
) -> Feature:  # fmt: skip
    """Days since the latest event of a stream."""
    return Feature(
        name=name,
        family=family,
        description=f"Days since {event}.",
        unit="days",
        stream=stream,
        aggregate=Aggregate.DAYS_SINCE_LAST,
        direction=direction,
        where=where,
        whose=whose,
        worry=f"{{value}} days since {event}",
        strength=f"{{value}} days since {event}",
        absence="Empty: none in the last two years.",
    )


def open_now(name: str, thing: str, family: Family, stream: str, direction: Direction = Direction.EITHER) -> Feature:
    """Is a spell of this kind open on the day?"""
    return Feature(
        name=name,
        family=family,
        description=f"Whether {thing} is open now.",
        unit="yes (1) or no (0)",
        stream=stream,
        aggregate=Aggregate.OPEN_NOW,
        direction=direction,
        worry=f"{thing} is open now",
        strength=f"{thing} is open now",
        absence="0: none is open.",
    )


def measured(
    name: str, description: str, unit: str, family: Family, stream: str, aggregate: Aggregate, value: str,
    words: str, *, within: int = TWO_YEARS, direction: Direction = Direction.EITHER, whose: Whose = Whose.CHILD,
    where: tuple[tuple[str, tuple[object, ...]], ...] = (),
) -> Feature:  # fmt: skip
    """An aggregate of a value; ``words`` serve as worry and as strength."""
    absence = (
        "0: none in the window." if aggregate is Aggregate.DISTINCT else "Empty: there is nothing to tell it from."
    )
    return Feature(
        name,
        family,
        description,
        unit,
        stream,
        aggregate,
        direction,
        words,
        words,
        absence,
        within,
        value,
        where,
        whose,
    )


def _case(name: str, description: str, unit: str, value: str, words: str) -> Feature:
    return measured(name, description, unit, Family.CASE, "case", Aggregate.LATEST, value, words, within=1)


CASE = (
    _case("days_open", "Days since the case was opened.", "days", "days_open", "open for {value} days"),
    _case("age_in_months", "Age of the child in whole months.", "months", "age_months", "{value} months old"),
    _case("without_birth_date", "Whether the child is not born yet, or has no birth date on record.", "yes (1) or no (0)",
          "without_birth_date", "the child is not born yet, or has no birth date on record"),
    _case("referred_by_police", "Whether the police made this referral.", "yes (1) or no (0)", "source_police",
          "this referral came from the police"),
    _case("referred_by_school", "Whether a school made this referral.", "yes (1) or no (0)", "source_school",
          "this referral came from a school"),
    _case("referred_by_health", "Whether a health service made this referral.", "yes (1) or no (0)", "source_health",
          "this referral came from a health service"),
    _case("referred_by_individual", "Whether a relative, neighbour or other person made this referral.",
          "yes (1) or no (0)", "source_individual", "this referral came from a relative, neighbour or other person"),
    _case("referred_by_council", "Whether another service of a council made this referral.", "yes (1) or no (0)",
          "source_la", "this referral came from another council service"),
    open_now("assessment_open_now", "an assessment", Family.CASE, "assessments"),
    open_now("child_in_need_plan_open_now", "a child in need plan", Family.CASE, "child in need plans"),
    open_now("protection_plan_open_now", "a child protection plan", Family.CASE, "protection plans"),
    open_now("care_episode_open_now", "a care episode", Family.CASE, "care"),
    since("days_since_last_assessment_finished", "the last assessment was finished", Family.CASE, "assessments finished",
          direction=Direction.EITHER),
)  # fmt: skip

REFERRALS = (
    *counts("earlier referrals", Family.REFERRALS, "referrals", (90, 180, YEAR, TWO_YEARS), prefix="referrals"),
    since("days_since_last_earlier_referral", "the last earlier referral", Family.REFERRALS, "referrals"),
    *counts("earlier referrals by the police", Family.REFERRALS, "referrals", (TWO_YEARS,), prefix="police_referrals",
            where=(("source", ("Police",)),)),
    *counts("earlier referrals that needed no further action", Family.REFERRALS, "referrals", (TWO_YEARS,),
            prefix="referrals_without_further_action", where=(("ended_nfa", (True,)),)),
    measured("share_of_referrals_without_further_action_in_last_730_days",
             "Share of the earlier referrals of the last two years that needed no further action.", "share",
             Family.REFERRALS, "referrals", Aggregate.SHARE, "ended_nfa",
             "{value} of the earlier referrals needed no further action"),
    measured("distinct_referral_sources_in_last_730_days", "Number of kinds of source among earlier referrals.", "count",
             Family.REFERRALS, "referrals", Aggregate.DISTINCT, "source", "earlier referrals from {value} kinds of source",
             direction=Direction.HIGHER),
    since("days_since_last_closing", "an earlier case closed", Family.REFERRALS, "closings"),
    *counts("earlier cases closed after assessment", Family.REFERRALS, "closings", (TWO_YEARS,),
            prefix="closings_after_assessment", where=(("reason", ("RC8", "RC9")),)),
    *counts("step-downs to early help", Family.REFERRALS, "closings", (TWO_YEARS,), direction=Direction.EITHER,
            prefix="step_downs", where=(("reason", ("RC9",)),)),
    measured("mean_days_open_of_closed_cases_in_last_730_days", "Mean length of the earlier cases that closed.", "days",
             Family.REFERRALS, "closings", Aggregate.MEAN, "days_open", "earlier cases were open for {value} days on average"),
    measured("longest_closed_case_in_last_730_days", "Length of the longest earlier case that closed.", "days",
             Family.REFERRALS, "closings", Aggregate.MAX, "days_open", "the longest earlier case was open for {value} days"),
)  # fmt: skip

CONTACTS = (
    *counts("contacts", Family.CONTACTS, "contacts", (90, 180, YEAR, TWO_YEARS)),
    since("days_since_last_contact", "the last contact", Family.CONTACTS, "contacts"),
    *counts("contacts by the police", Family.CONTACTS, "contacts", (YEAR,), prefix="police_contacts",
            where=(("source", ("Police",)),)),
    measured("distinct_contact_sources_in_last_365_days", "Number of kinds of source among the last year's contacts.",
             "count", Family.CONTACTS, "contacts", Aggregate.DISTINCT, "source", "contacts from {value} kinds of source",
             within=YEAR, direction=Direction.HIGHER),
    measured("share_of_contacts_without_further_action_in_last_730_days",
             "Share of the contacts of the last two years that led to nothing further.", "share", Family.CONTACTS,
             "contacts", Aggregate.SHARE, "ended_nfa", "{value} of the contacts led to nothing further"),
)  # fmt: skip

EARLY_HELP = (
    *counts("spells of early help", Family.EARLY_HELP, "early help", (TWO_YEARS,), direction=Direction.EITHER,
            prefix="early_help_spells"),
    open_now("early_help_open_now", "early help", Family.EARLY_HELP, "early help"),
    since("days_since_early_help_ended", "early help ended", Family.EARLY_HELP, "early help ended",
          direction=Direction.EITHER),
    measured("mean_days_of_early_help_in_last_730_days", "Mean length of the spells of early help that ended.", "days",
             Family.EARLY_HELP, "early help ended", Aggregate.MEAN, "days", "early help lasted {value} days on average"),
)  # fmt: skip

ASSESSMENTS = (
    *counts("assessments", Family.ASSESSMENTS, "assessments", (YEAR, TWO_YEARS)),
    measured("share_of_assessments_without_further_action_in_last_730_days",
             "Share of the finished assessments of the last two years that ended in no further action.", "share",
             Family.ASSESSMENTS, "assessments finished", Aggregate.SHARE, "ended_nfa",
             "{value} of the assessments ended in no further action"),
    measured("mean_days_of_assessments_in_last_730_days", "Mean length of the finished assessments of the last two years.",
             "days", Family.ASSESSMENTS, "assessments finished", Aggregate.MEAN, "days",
             "assessments took {value} days on average"),
)  # fmt: skip


def _factor(name: str, words: str, *factors: str) -> Feature:
    return Feature(
        name=f"{name}_found_in_last_730_days",
        family=Family.FACTORS,
        description=f"Whether an assessment of the last two years found {words}.",
        unit="yes (1) or no (0)",
        stream="factors",
        aggregate=Aggregate.ANY,
        direction=Direction.HIGHER,
        where=(("factor", factors),),
        worry=f"an assessment of the last two years found {words}",
        strength=f"no assessment of the last two years found {words}",
        absence="0: no finished assessment found it.",
    )


FACTORS = (
    _factor("domestic_abuse", "domestic abuse", "3A", "3B", "3C"),
    _factor("parental_mental_health", "concerns about a parent's mental health", "4B"),
    _factor("child_mental_health", "concerns about the child's mental health", "4A"),
    _factor("parental_drug_misuse", "drug misuse by a parent", "2B"),
    _factor("parental_alcohol_misuse", "alcohol misuse by a parent", "1B"),
    _factor("neglect", "neglect", "16A"),
    _factor("emotional_abuse", "emotional abuse", "17A"),
    _factor("physical_abuse", "physical abuse", "18A", "18B", "18C"),
    _factor("sexual_abuse", "sexual abuse", "19A", "19B", "19C"),
    _factor("exploitation", "exploitation, gangs or going missing", "10A", "11A", "12A", "13A", "24A"),
    _factor("self_harm", "self-harm", "15A"),
    measured("distinct_factors_in_last_730_days", "Number of different factors that assessments found.", "count",
             Family.FACTORS, "factors", Aggregate.DISTINCT, "factor", "assessments found {value} different factors",
             direction=Direction.HIGHER),
)  # fmt: skip

PROTECTION = (
    *counts("section 47 enquiries", Family.PROTECTION, "section 47", (YEAR, TWO_YEARS)),
    since("days_since_last_section_47_enquiry", "the last section 47 enquiry", Family.PROTECTION, "section 47",
          direction=Direction.EITHER),
    measured("share_of_section_47_enquiries_without_further_action_in_last_730_days",
             "Share of the finished section 47 enquiries that ended in no further action.", "share", Family.PROTECTION,
             "section 47 ended", Aggregate.SHARE, "ended_nfa", "{value} of the section 47 enquiries ended in no further action"),
    *counts("initial child protection conferences", Family.PROTECTION, "conferences", (TWO_YEARS,), prefix="conferences",
            direction=Direction.EITHER),
    *counts("child protection plans begun", Family.PROTECTION, "protection plans", (TWO_YEARS,), prefix="protection_plans",
            direction=Direction.EITHER),
    since("days_since_protection_plan_ended", "a child protection plan ended", Family.PROTECTION, "protection plans ended",
          direction=Direction.EITHER),
    *counts("child in need plans begun", Family.PROTECTION, "child in need plans", (TWO_YEARS,),
            prefix="child_in_need_plans", direction=Direction.EITHER),
    since("days_since_child_in_need_plan_ended", "a child in need plan ended", Family.PROTECTION,
          "child in need plans ended", direction=Direction.EITHER),
)  # fmt: skip

CARE = (
    *counts("starts of care", Family.CARE, "care", (TWO_YEARS,), prefix="care_starts", direction=Direction.EITHER,
            where=(("start", ("S",)),)),
    since("days_since_care_ended", "a care episode ended", Family.CARE, "care ended", direction=Direction.EITHER),
    *counts("missing episodes", Family.CARE, "missing", (YEAR, TWO_YEARS)),
)  # fmt: skip

SIBLINGS = (
    measured("siblings_known", "Number of brothers and sisters on record in the same family.", "count", Family.SIBLINGS,
             "siblings", Aggregate.DISTINCT, "sibling", "{value} brothers and sisters on record", whose=Whose.SIBLINGS),
    *counts("referrals of brothers and sisters", Family.SIBLINGS, "sibling referrals", (YEAR, TWO_YEARS),
            prefix="sibling_referrals", whose=Whose.SIBLINGS),
    since("days_since_last_sibling_referral", "the last referral of a brother or sister", Family.SIBLINGS,
          "sibling referrals", whose=Whose.SIBLINGS),
    *counts("contacts about brothers and sisters", Family.SIBLINGS, "contacts", (YEAR,), prefix="sibling_contacts",
            whose=Whose.SIBLINGS),
    *counts("section 47 enquiries about brothers and sisters", Family.SIBLINGS, "section 47", (TWO_YEARS,),
            prefix="sibling_section_47_enquiries", whose=Whose.SIBLINGS),
    *counts("child protection plans of brothers and sisters", Family.SIBLINGS, "protection plans", (TWO_YEARS,),
            prefix="sibling_protection_plans", direction=Direction.EITHER, whose=Whose.SIBLINGS),
)  # fmt: skip

OFFERS = (
    *counts("offers accepted", Family.OFFERS, "offers answered", (TWO_YEARS,), direction=Direction.EITHER,
            where=(("answer", ("ACCEPTED",)),)),
    *counts("offers declined", Family.OFFERS, "offers answered", (TWO_YEARS,), direction=Direction.EITHER,
            where=(("answer", ("DECLINED",)),)),
    *counts("Family Group Conferences held", Family.OFFERS, "offers held", (TWO_YEARS,), direction=Direction.EITHER,
            prefix="family_group_conferences", where=(("kind", ("FGC",)),)),
)  # fmt: skip

SIGNS_OF_SAFETY = (
    measured("latest_safety_scale", "The latest Signs of Safety scale, 0 (cannot live at home) to 10 (safe to close).",
             "0 to 10", Family.SIGNS_OF_SAFETY, "scalings", Aggregate.LATEST, "scale", "safety was last scaled at {value}",
             direction=Direction.LOWER),
    measured("mean_safety_scale_in_last_365_days", "Mean Signs of Safety scale of the last year.", "0 to 10",
             Family.SIGNS_OF_SAFETY, "scalings", Aggregate.MEAN, "scale", "safety was scaled at {value} on average",
             within=YEAR, direction=Direction.LOWER),
    measured("most_danger_statements_in_last_365_days", "Most danger statements in a mapping of the last year.", "count",
             Family.SIGNS_OF_SAFETY, "scalings", Aggregate.MAX, "danger_statements", "{value} danger statements in a mapping",
             within=YEAR, direction=Direction.HIGHER),
)  # fmt: skip

CATALOGUE: tuple[Feature, ...] = (
    *CASE, *REFERRALS, *CONTACTS, *EARLY_HELP, *ASSESSMENTS, *FACTORS, *PROTECTION, *CARE, *SIBLINGS, *OFFERS,
    *SIGNS_OF_SAFETY,
)  # fmt: skip

BY_NAME: Mapping[str, Feature] = {feature.name: feature for feature in CATALOGUE}

if len(BY_NAME) != len(CATALOGUE):
    raise ValueError("Two features have the same name: give each its own.")
