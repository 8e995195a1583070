"""The catalogue of features. To add one, add a declaration to its family; nothing else needs to know."""

from collections.abc import Mapping

from features.definition import LOOK_BACK_DAYS, Aggregate, Direction, Family, Feature, Whose

YEAR, TWO_YEARS = 365, LOOK_BACK_DAYS
YES_NO = "yes (1) or no (0)"
WINDOWS = {90: "three months", 180: "six months", YEAR: "year", TWO_YEARS: "two years"}


def counts(
    things: str, family: Family, stream: str, windows: tuple[int, ...], *, prefix: str | None = None,
    whose: Whose = Whose.CHILD, direction: Direction = Direction.HIGHER,
    where: tuple[tuple[str, tuple[object, ...]], ...] = (),
) -> tuple[Feature, ...]:  # fmt: skip
    """One count for each window, called ``<things>_in_last_<days>_days``."""
    return tuple(
        _feature(
            f"{prefix or things.replace(' ', '_')}_in_last_{days}_days",
            f"Number of {things} in the last {WINDOWS[days]}.",
            "count",
            family,
            stream,
            Aggregate.COUNT,
            words=f"{things} in the last {WINDOWS[days]}: {{value}}",
            absence=f"no {things} in the last {WINDOWS[days]}",
            within=days,
            direction=direction,
            where=where,
            whose=whose,
        )
        for days in windows
    )


def since(
    name: str, event: str, none: str, family: Family, stream: str, *, whose: Whose = Whose.CHILD,
    direction: Direction = Direction.LOWER,
) -> Feature:  # fmt: skip
    """Days since the latest event of a stream; ``none`` is said when there was none."""
    return _feature(
        name,
        f"Days since {event}.",
        "days",
        family,
        stream,
        Aggregate.DAYS_SINCE_LAST,
        words=f"{event}: {{value}} days ago",
        absence=f"{none} in the last two years",
        direction=direction,
        whose=whose,
    )


def open_now(name: str, thing: str, none: str, family: Family, stream: str) -> Feature:
    """Is a spell of this kind open on the day?"""
    return _feature(
        name,
        f"Whether {thing} that began in the last two years is open now.",
        YES_NO,
        family,
        stream,
        Aggregate.OPEN_NOW,
        words=f"{thing} is open now",
        absence=f"{none} that began in the last two years is open now",
    )


def measured(
    name: str, description: str, unit: str, family: Family, stream: str, aggregate: Aggregate, value: str, words: str,
    absence: str, *, within: int = TWO_YEARS, direction: Direction = Direction.EITHER, whose: Whose = Whose.CHILD,
) -> Feature:  # fmt: skip
    """An aggregate of a value."""
    return _feature(
        name, description, unit, family, stream, aggregate, words=words, absence=absence, within=within, value=value,
        direction=direction, whose=whose,
    )  # fmt: skip


def _feature(
    name: str, description: str, unit: str, family: Family, stream: str, aggregate: Aggregate, *, words: str, absence: str,
    within: int = TWO_YEARS, value: str | None = None, direction: Direction = Direction.EITHER,
    whose: Whose = Whose.CHILD, where: tuple[tuple[str, tuple[object, ...]], ...] = (),
) -> Feature:  # fmt: skip
    """A feature whose words are the same whether it worries or reassures."""
    return Feature(
        name, family, description, unit, stream, aggregate, direction, words, words, absence, within, value, where, whose
    )


def _case(name: str, description: str, unit: str, value: str, words: str, absence: str) -> Feature:
    return measured(name, description, unit, Family.CASE, "case", Aggregate.LATEST, value, words, absence, within=1)


def _referred_by(name: str, who: str, value: str) -> Feature:
    return _case(f"referred_by_{name}", f"Whether {who} made this referral.", YES_NO, value, f"{who} made this referral",
                 f"somebody other than {who} made this referral")  # fmt: skip


CASE = (
    _case("days_open", "Days since the case was opened.", "days", "days_open", "open for {value} days", "opened today"),
    _case("age_in_months", "Age of the child in whole months.", "months", "age_months", "{value} months old",
          "no birth date, or not born yet"),
    _case("without_birth_date", "Whether the child is not born yet, or has no birth date on record.", YES_NO,
          "without_birth_date", "the child is not born yet, or has no birth date on record", "the child has a birth date"),
    _referred_by("police", "the police", "source_police"),
    _referred_by("school", "a school", "source_school"),
    _referred_by("health", "a health service", "source_health"),
    _referred_by("individual", "a relative, neighbour or other person", "source_individual"),
    _referred_by("council", "another council service", "source_la"),
    open_now("assessment_open_now", "an assessment", "no assessment", Family.CASE, "assessments"),
    open_now("child_in_need_plan_open_now", "a child in need plan", "no child in need plan", Family.CASE,
             "child in need plans"),
    open_now("protection_plan_open_now", "a child protection plan", "no child protection plan", Family.CASE,
             "protection plans"),
    open_now("care_episode_open_now", "a care episode", "no care episode", Family.CASE, "care"),
    since("days_since_last_assessment_finished", "the last finished assessment", "no finished assessment", Family.CASE,
          "assessments finished", direction=Direction.EITHER),
)  # fmt: skip

REFERRALS = (
    *counts("earlier referrals", Family.REFERRALS, "referrals", (90, 180, YEAR, TWO_YEARS), prefix="referrals"),
    since("days_since_last_earlier_referral", "the last earlier referral", "no earlier referral", Family.REFERRALS, "referrals"),
    *counts("earlier referrals by the police", Family.REFERRALS, "referrals", (TWO_YEARS,), prefix="police_referrals",
            where=(("source", ("Police",)),)),
    *counts("earlier referrals that needed no further action", Family.REFERRALS, "referrals", (TWO_YEARS,),
            prefix="referrals_without_further_action", where=(("ended_nfa", (True,)),)),
    measured("share_of_referrals_without_further_action_in_last_730_days",
             "Share of the earlier referrals of the last two years that needed no further action.", "share",
             Family.REFERRALS, "referrals", Aggregate.SHARE, "ended_nfa",
             "earlier referrals that needed no further action: {value}", "no earlier referral with a known decision"),
    measured("distinct_referral_sources_in_last_730_days", "Number of kinds of source among earlier referrals.", "count",
             Family.REFERRALS, "referrals", Aggregate.DISTINCT, "source", "kinds of source among earlier referrals: {value}",
             "no earlier referral with a known source",
             direction=Direction.HIGHER),
    since("days_since_last_closing", "the closing of an earlier case", "no earlier case closed", Family.REFERRALS, "closings"),
    *counts("earlier cases closed after assessment", Family.REFERRALS, "closings", (TWO_YEARS,),
            prefix="closings_after_assessment", where=(("reason", ("RC8", "RC9")),)),
    *counts("step-downs to early help", Family.REFERRALS, "closings", (TWO_YEARS,), direction=Direction.EITHER,
            prefix="step_downs", where=(("reason", ("RC9",)),)),
    measured("mean_days_open_of_closed_cases_in_last_730_days", "Mean length of the earlier cases that closed.", "days",
             Family.REFERRALS, "closings", Aggregate.MEAN, "days_open", "earlier cases were open for {value} days on average",
             "no earlier case closed"),
    measured("longest_closed_case_in_last_730_days", "Length of the longest earlier case that closed.", "days",
             Family.REFERRALS, "closings", Aggregate.MAX, "days_open", "the longest earlier case was open for {value} days",
             "no earlier case closed"),
)  # fmt: skip

CONTACTS = (
    *counts("contacts", Family.CONTACTS, "contacts", (90, 180, YEAR, TWO_YEARS)),
    since("days_since_last_contact", "the last contact", "no contact", Family.CONTACTS, "contacts"),
    *counts("contacts by the police", Family.CONTACTS, "contacts", (YEAR,), prefix="police_contacts",
            where=(("source", ("Police",)),)),
    measured("distinct_contact_sources_in_last_365_days", "Number of kinds of source among the last year's contacts.",
             "count", Family.CONTACTS, "contacts", Aggregate.DISTINCT, "source",
             "kinds of source among the last year's contacts: {value}",
             "no contact with a known source in the last year",
             within=YEAR, direction=Direction.HIGHER),
    measured("share_of_contacts_without_further_action_in_last_730_days",
             "Share of the contacts of the last two years that led to nothing further.", "share", Family.CONTACTS,
             "contacts", Aggregate.SHARE, "ended_nfa", "contacts that led to nothing further: {value}",
             "no contact with a known outcome"),
)  # fmt: skip

EARLY_HELP = (
    *counts("spells of early help", Family.EARLY_HELP, "early help", (TWO_YEARS,), direction=Direction.EITHER,
            prefix="early_help_spells"),
    open_now("early_help_open_now", "early help", "no early help", Family.EARLY_HELP, "early help"),
    since("days_since_early_help_ended", "the end of early help", "no early help ended", Family.EARLY_HELP, "early help ended",
          direction=Direction.EITHER),
    measured("mean_days_of_early_help_in_last_730_days", "Mean length of the spells of early help that ended.", "days",
             Family.EARLY_HELP, "early help ended", Aggregate.MEAN, "days", "early help lasted {value} days on average",
             "no early help ended"),
)  # fmt: skip

ASSESSMENTS = (
    *counts("assessments", Family.ASSESSMENTS, "assessments", (YEAR, TWO_YEARS)),
    measured("share_of_assessments_without_further_action_in_last_730_days",
             "Share of the finished assessments of the last two years that ended in no further action.", "share",
             Family.ASSESSMENTS, "assessments finished", Aggregate.SHARE, "ended_nfa",
             "assessments that ended in no further action: {value}", "no finished assessment with a known outcome"),
    measured("mean_days_of_assessments_in_last_730_days", "Mean length of the finished assessments of the last two years.",
             "days", Family.ASSESSMENTS, "assessments finished", Aggregate.MEAN, "days",
             "assessments took {value} days on average", "no finished assessment"),
)  # fmt: skip


def _factor(name: str, words: str, *factors: str) -> Feature:
    return _feature(
        f"{name}_found_in_last_730_days",
        f"Whether an assessment of the last two years found {words}.",
        YES_NO,
        Family.FACTORS,
        "factors",
        Aggregate.ANY,
        words=f"an assessment of the last two years found {words}",
        absence=f"no assessment of the last two years found {words}",
        direction=Direction.HIGHER,
        where=(("factor", factors),),
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
             Family.FACTORS, "factors", Aggregate.DISTINCT, "factor", "different factors that assessments found: {value}",
             "no factor found by an assessment",
             direction=Direction.HIGHER),
)  # fmt: skip

PROTECTION = (
    *counts("section 47 enquiries", Family.PROTECTION, "section 47", (YEAR, TWO_YEARS)),
    since("days_since_last_section_47_enquiry", "the last section 47 enquiry", "no section 47 enquiry",
             Family.PROTECTION, "section 47",
          direction=Direction.EITHER),
    measured("share_of_section_47_enquiries_without_further_action_in_last_730_days",
             "Share of the finished section 47 enquiries that ended in no further action.", "share", Family.PROTECTION,
             "section 47 ended", Aggregate.SHARE, "ended_nfa", "section 47 enquiries that ended in no further action: {value}",
             "no finished section 47 enquiry with a known outcome"),
    *counts("initial child protection conferences", Family.PROTECTION, "conferences", (TWO_YEARS,), prefix="conferences",
            direction=Direction.EITHER),
    *counts("child protection plans begun", Family.PROTECTION, "protection plans", (TWO_YEARS,), prefix="protection_plans",
            direction=Direction.EITHER),
    since("days_since_protection_plan_ended", "the end of a child protection plan", "no child protection plan ended",
             Family.PROTECTION, "protection plans ended",
          direction=Direction.EITHER),
    *counts("child in need plans begun", Family.PROTECTION, "child in need plans", (TWO_YEARS,),
            prefix="child_in_need_plans", direction=Direction.EITHER),
    since("days_since_child_in_need_plan_ended", "the end of a child in need plan", "no child in need plan ended",
             Family.PROTECTION,
          "child in need plans ended", direction=Direction.EITHER),
)  # fmt: skip

CARE = (
    *counts("starts of care", Family.CARE, "care", (TWO_YEARS,), prefix="care_starts", direction=Direction.EITHER,
            where=(("start", ("S",)),)),
    since("days_since_care_ended", "the end of a care episode", "no care episode ended", Family.CARE, "care ended",
             direction=Direction.EITHER),
    *counts("missing episodes", Family.CARE, "missing", (YEAR, TWO_YEARS)),
)  # fmt: skip

SIBLINGS = (
    measured("siblings_known", "Number of brothers and sisters on record in the same family.", "count", Family.SIBLINGS,
             "siblings", Aggregate.DISTINCT, "sibling", "brothers and sisters on record: {value}",
             "no brothers or sisters on record", whose=Whose.SIBLINGS),
    *counts("referrals of brothers and sisters", Family.SIBLINGS, "sibling referrals", (YEAR, TWO_YEARS),
            prefix="sibling_referrals", whose=Whose.SIBLINGS),
    since("days_since_last_sibling_referral", "the last referral of a brother or sister",
             "no referral of a brother or sister", Family.SIBLINGS,
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
             "0 to 10", Family.SIGNS_OF_SAFETY, "scalings", Aggregate.LATEST, "scale",
             "safety was last scaled at {value}", "safety was not scaled in the last two years",
             direction=Direction.LOWER),
    measured("mean_safety_scale_in_last_365_days", "Mean Signs of Safety scale of the last year.", "0 to 10",
             Family.SIGNS_OF_SAFETY, "scalings", Aggregate.MEAN, "scale", "safety was scaled at {value} on average",
             "safety was not scaled in the last year",
             within=YEAR, direction=Direction.LOWER),
    measured("most_danger_statements_in_last_365_days", "Most danger statements in a mapping of the last year.", "count",
             Family.SIGNS_OF_SAFETY, "scalings", Aggregate.MAX, "danger_statements",
             "most danger statements in a mapping: {value}",
             "no count of danger statements in the last year",
             within=YEAR, direction=Direction.HIGHER),
)  # fmt: skip

CATALOGUE: tuple[Feature, ...] = (
    *CASE, *REFERRALS, *CONTACTS, *EARLY_HELP, *ASSESSMENTS, *FACTORS, *PROTECTION, *CARE, *SIBLINGS, *OFFERS,
    *SIGNS_OF_SAFETY,
)  # fmt: skip

BY_NAME: Mapping[str, Feature] = {feature.name: feature for feature in CATALOGUE}

if len(BY_NAME) != len(CATALOGUE):
    raise ValueError("Two features have the same name: give each its own.")
