"""Tables of our own, since no standard holds them: offers, Signs of Safety, deprivation, workforce, merged records."""

from validation.contract import (
    Kind,
    Order,
    Reference,
    Table,
    audit,
    feature,
    pseudonym,
)

OFFERS = Table(
    "ext_offers",
    "One row for each offer made to a family or a child.",
    key="offe_offer_id",
    person="offe_person_id",
    happened="offe_offered_date",
    references=(Reference("offe_person_id", "ssd_person"),),
    orders=(Order("offer-held-before-offered", "offe_offered_date", "offe_held_date"),),
    columns=(
        pseudonym("offe_offer_id", "The offer.", required=True),
        pseudonym("offe_person_id", "The child, or one child of the family.", required=True),
        pseudonym("offe_family_id", "The family, when the offer is the family's."),
        feature("offe_kind", "What was offered.", Kind.CODE, codes="offer_kind"),
        feature("offe_offered_date", "Day of the offer.", Kind.DATE, required=True),
        feature("offe_answer", "Accepted or declined.", Kind.CODE, codes="offer_answer", revealed_by="offe_answered_date"),
        feature("offe_answered_date", "Day of the answer.", Kind.DATE, revealed_by="offe_answered_date"),
        feature(
            "offe_held_date", "Day on which the conference or first session was held.", Kind.DATE, revealed_by="offe_held_date"
        ),
        audit("offe_review_date", "Day on which the review was held.", Kind.DATE, revealed_by="offe_review_date"),
        audit("offe_by_lot", "Whether the place was drawn by lot among families near to each other.", Kind.YESNO),
        audit(
            "offe_slot_chance",
            "Chance of the place when it was given, 0 to 1, as the list records it; 1 if certain.",
            Kind.NUMBER,
        ),
    ),
)

SIGNS_OF_SAFETY = Table(
    "ext_assessments_sos",
    "One row for each scaling by one rater in a Signs of Safety mapping; numbers only, never words.",
    key="asos_scale_id",
    person="asos_person_id",
    happened="asos_scaled_date",
    references=(Reference("asos_person_id", "ssd_person"),),
    columns=(
        pseudonym("asos_scale_id", "The scaling.", required=True),
        pseudonym("asos_person_id", "The child.", required=True),
        feature("asos_scaled_date", "Day of the scaling.", Kind.DATE, required=True),
        feature("asos_rater", "Who scaled: family, worker or network.", Kind.CODE, codes="sos_rater"),
        feature("asos_scale", "Safety from 0 (cannot live at home) to 10 (safe enough to close).", Kind.INTEGER, required=True),
        feature("asos_danger_statements", "Number of danger statements.", Kind.INTEGER),
        feature("asos_safety_goals", "Number of safety goals.", Kind.INTEGER),
        feature("asos_strengths", "Number of strengths.", Kind.INTEGER),
    ),
)

DEPRIVATION = Table(
    "ext_deprivation",
    "How deprived the neighbourhood is in which a child lives, worked out by the council from an address that stays with it; one "
    "row for each child. Undated, so it serves the audit and nothing else.",
    key="depr_table_id",
    person="depr_person_id",
    audit_only=True,
    references=(Reference("depr_person_id", "ssd_person"),),
    columns=(
        pseudonym("depr_table_id", "The row.", required=True),
        pseudonym("depr_person_id", "The child.", required=True),
        audit(
            "depr_fifth",
            "Fifth of England's neighbourhoods by the index of multiple deprivation: 1 is the most deprived.",
            Kind.CODE,
            codes="deprivation",
        ),
    ),
)

WORKFORCE = Table(
    "ext_workforce",
    "Measures of training and practice for the scorecard; one row for each measure and day. No child is in it.",
    key="work_measure_id",
    happened="work_measured_date",
    audit_only=True,
    columns=(
        pseudonym("work_measure_id", "The row.", required=True),
        audit("work_measured_date", "Day to which the measure applies.", Kind.DATE),
        audit("work_measure", "What is measured.", Kind.CODE, codes="workforce_measure"),
        audit("work_value", "Its value.", Kind.NUMBER),
    ),
)

PERSON_LINKS = Table(
    "ext_person_links",
    "One row for each child whose record was merged into another or given a new key.",
    key="link_id",
    happened="link_date",
    references=(Reference("link_new_person_id", "ssd_person"),),
    columns=(
        pseudonym("link_id", "The row.", required=True),
        pseudonym("link_old_person_id", "The pseudonym that was given up.", required=True),
        pseudonym("link_new_person_id", "The pseudonym that took its place.", required=True),
        audit("link_date", "Day of the merge or the new key.", Kind.DATE),
    ),
)
