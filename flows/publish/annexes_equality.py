"""The annex to an equality impact assessment: what the duty's three aims ask, and the figures that bear on each.

It is no assessment and no legal advice. Figures are those of the fairness report, whose hidden cells are hidden here as well.
"""

from flows.publish.annexes import count_questions, render_annex, tell_both_errors, tell_council
from flows.publish.atrs_data import find_tables
from flows.publish.fairness_page import in_short
from flows.publish.group_verdicts import lay_out_verdicts, name_lost
from flows.publish.record_fields import EQUALITY
from flows.publish.run_facts import RunFacts
from flows.publish.tables import Section, Table
from validation.disclosure import NOTHING

CHARACTERISTICS = {
    "Age": ("ssd_person", "pers_dob"),
    "Disability": ("ssd_disability", "disa_disability_code"),
    "Gender reassignment": None,
    "Marriage and civil partnership": None,
    "Pregnancy and maternity": None,
    "Race": ("ssd_person", "pers_ethnicity"),
    "Religion or belief": None,
    "Sex": ("ssd_person", "pers_sex"),
    "Sexual orientation": None,
}
"""The protected characteristics of the Equality Act 2010, and the column that tells of each, where one does."""

HELD = "Protected characteristics: held or not"
AIMS = (
    (
        "discrimination",
        "First aim: eliminate discrimination, harassment and victimisation",
        "A group may be worse off if chances say too much or too little of it, or if its families are approached without need "
        "more often. These figures bear on it. Whether a gap is unlawful is for counsel.",
        ("returns_beside_chances", "unneeded_approaches", "offered_without_return"),
    ),
    (
        "opportunity",
        "Second aim: advance equality of opportunity",
        "An offer is an opportunity. These figures say whom the list reaches, and whose returns it misses.",
        ("offered", "missed_returns"),
    ),
    (
        "relations",
        "Third aim: foster good relations",
        "Few figures bear on it. Where a group is referred more readily at the same need, trust suffers, and a list that "
        "learned from referrals passes it on: this one looks at returns that were found to be without need.",
        ("returns_without_need",),
    ),
)
"""Key and heading of each aim of the public sector equality duty, what bears on it, and the metrics that do."""


def render_equality_annex(facts: RunFacts) -> str:
    """The page for whoever answers for equality, and for the board."""
    return render_annex(
        facts,
        title="Annex to the equality impact assessment",
        kicker="For the equality lead and the governance board",
        lead="Figures of one training that bear on the three aims of the public sector equality duty (Equality Act "
        "2010, section 149). It is no assessment and no legal advice: the council makes the one, and its lawyer gives the "
        "other.",
        short=_in_short(facts),
        sections=find_equality_sections(facts),
    )


def find_equality_sections(facts: RunFacts) -> list[Section]:
    """Every section but the last, which says what changed."""
    return [
        _tell_characteristics(facts),
        *(_tell_aim(facts, *aim) for aim in AIMS),
        _tell_lost(facts),
        tell_both_errors(facts),
        *tell_council(facts, EQUALITY),
        _tell_counsel(),
    ]


def _in_short(facts: RunFacts) -> list[str]:
    lines = [count_questions(facts, EQUALITY)]
    if facts.fairness is None:
        return ["This run compared no groups, so no figure bears on the duty.", *lines]
    return [
        *in_short(facts.fairness),
        "No group has a threshold of its own. Of the protected characteristics only age may move a chance, where the model card "
        "lists it.",
        *lines,
    ]


def _tell_characteristics(facts: RunFacts) -> Section:
    if not find_tables(facts):
        return Section("held", HELD, ["This run did not describe what is held, so nothing is said of it."])
    filled = {(table["table"], one["column"]): one["filled"] for table in find_tables(facts) for one in table["columns"]}
    rows = tuple(
        (name, "no" if share in (NOTHING, "0 %") else "yes", share)
        for name, share in (
            (name, filled.get(column, NOTHING) if column else NOTHING) for name, column in CHARACTERISTICS.items()
        )
    )
    words = [
        "What is held is held so that groups can be compared. What is not held cannot be compared, and that no gap is seen "
        "there says nothing. Race is held as ethnic group, and age as month of birth.",
        "Figures below are those of the fairness report. Groups by circumstance, such as who made the referral, stand there.",
    ]
    return Section("held", HELD, words, (), [
        Table("", ("Characteristic", "Held", "Filled, of the table's records"), rows)])  # fmt: skip


def _tell_aim(facts: RunFacts, key: str, heading: str, words: str, metrics: tuple[str, ...]) -> Section:
    if facts.fairness is None:
        return Section(key, heading, [words, "This run compared no groups."])
    tables = lay_out_verdicts(facts.fairness, metrics)
    said = [words] if tables else [words, "No group was large enough to be judged."]
    return Section(key, heading, said, (), tables, lay_out_verdicts(facts.fairness, metrics, paired=True))


def _tell_lost(facts: RunFacts) -> Section:
    heading = "Groups that are in no figure"
    lost = [] if facts.fairness is None else name_lost(facts.fairness)
    if facts.fairness is None or not lost:
        return Section(
            "lost", heading, ["None that is known of." if facts.fairness is not None else "This run compared no groups."]
        )
    words = [
        "Nobody, or too few, in these. Ask whether that is so, or whether they were merged, not recorded or left out by the "
        "source."
    ]
    return Section("lost", heading, words, (), [Table("", ("Group", "Why"), tuple(lost))])


def _tell_counsel() -> Section:
    points = [
        "Whether a gap that is found, or one that cannot be ruled out, calls for a change, and for which.",
        "Whether any adjustment for a single group would be lawful. None is made: thresholds of a group's own may be direct "
        "discrimination.",
        "Whether what is held and shown here is enough to have due regard to the duty when the board decides.",
    ]
    return Section("counsel", "For the council's lawyer to confirm", points=points)
