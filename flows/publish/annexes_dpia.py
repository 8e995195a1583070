"""The annex to a data protection impact assessment: the figures and facts that one asks for, and what only the council can say.

It is no assessment and no legal advice. What is for the council's own lawyer is put as a statement to be confirmed.
"""

from flows.publish.annexes import count_questions, render_annex, tell_both_errors, tell_council
from flows.publish.atrs_answers import answer_from_run
from flows.publish.atrs_data import find_protected, find_tables, say_years
from flows.publish.group_verdicts import count_verdicts, name_lost
from flows.publish.measured import day
from flows.publish.printed import count
from flows.publish.record_fields import DPIA
from flows.publish.run_facts import RunFacts
from flows.publish.tables import Section, Table
from models.fairness import Verdict
from validation.disclosure import FEWEST, HIDDEN
from validation.tables.catalogue import TABLES

WHO_SEES = (
    ("Raw files of the case system", "names, case numbers, full dates of birth, notes", "data team; never in the workspace"),
    ("Crosswalk", "case numbers beside pseudonyms", "data team; never in the workspace"),
    ("Workspace: extracts, history, ledger", "pseudonyms, months of birth, codes, dates, chances", "whoever runs the nights"),
    ("Morning list and workbook", "short references, ages in bands, chances, reasons in words", "front-door team"),
    ("Identified workbook", "the same, with case numbers", "front-door team, by the data team's hand"),
    ("Decisions", "pseudonyms, decision, offer, reason, role, day; no free text", "whoever runs the nights"),
    ("Reports, this annex, the register of models", f"counts; 1 to {FEWEST - 1} are shown as {HIDDEN}", "board"),
)


def render_dpia_annex(facts: RunFacts) -> str:
    """The page for the data protection officer and the board."""
    return render_annex(
        facts,
        title="Annex to the data protection impact assessment",
        kicker="For the data protection officer and the governance board",
        lead="Figures and facts of one training that an assessment of the impact on data protection asks for. It is no "
        "assessment and no legal advice: the council makes the one, and its lawyer gives the other.",
        short=_in_short(facts),
        sections=find_dpia_sections(facts),
    )


def find_dpia_sections(facts: RunFacts) -> list[Section]:
    """Every section but the last, which says what changed."""
    told = answer_from_run(facts)
    return [
        Section(
            "purpose",
            "What is done, and what for",
            [*told["record.description"].splitlines(), *told["rationale.scope"].splitlines()],
        ),
        _tell_people(facts),
        _tell_columns(facts),
        _tell_protected(facts),
        Section("who", "Who sees what", (), (), [Table("", ("What", "In it", "Who may have it"), WHO_SEES)]),
        _tell_leaving(),
        _tell_retention(facts),
        _tell_decisions(facts),
        tell_both_errors(facts),
        _tell_groups(facts),
        Section("risks", "Risks to people, and what is done about them", points=told["assessments.risks"].splitlines()),
        *tell_council(facts, DPIA),
        _tell_counsel(),
    ]


def _in_short(facts: RunFacts) -> list[str]:
    holdings = facts.evaluation.get("holdings")
    people = f"It learned from the records of about {count(holdings['children_learned_from'])} children." if holdings else ""
    return [
        *([people] if people else []),
        "It proposes an order for voluntary offers of help. People decide, about every family and about the model.",
        "Names, addresses, identifying numbers and notes never enter; children stand under keyed pseudonyms.",
        _say_retention(facts),
        count_questions(facts, DPIA),
    ]


def _tell_people(facts: RunFacts) -> Section:
    rows, holdings, lineage = facts.evaluation.get("rows"), facts.evaluation.get("holdings"), facts.lineage
    points = []
    if holdings:
        points += [
            f"Children on record in the history: about {count(holdings['children'])}.",
            f"Children learned from: about {count(holdings['children_learned_from'])}. Numbers of children are to the nearest "
            "ten.",
        ]
    if rows:
        points += [f"Families learned from: {count(rows.get('families'))}."]
    if lineage.get("window_start"):
        points += [
            f"Since when: the history's window begins on {day(lineage['window_start'])}, and its latest extract is of "
            f"{day(lineage['extract_date'])}. Older records are there where a case goes back further."
        ]
    words = [] if points else ["This run counted no people, so nothing is said of how many there are."]
    return Section("people", "How many people, since when", words, points=points)


def _tell_columns(facts: RunFacts) -> Section:
    """Which tables and columns are read, and the class that the contract gives each."""
    tables = find_tables(facts)
    if not tables:
        return Section("columns", "Which tables and columns", ["This run described no tables, so they are left out."])
    rows = tuple(
        (
            table["table"],
            f"about {count(table['records'])}{say_years(table)}",
            str(len(table["columns"])),
            str(len(facts.model.tables.get(table["table"], ()))),
        )
        for table in tables
    )
    words = [
        "Classes: a feature may move a chance; a protected column is for comparing groups only; an audit column is for checks "
        "and reports; a pseudonym links rows. Columns that identify a person are refused, and free text is dropped at the "
        "door.",
    ]
    header = ("Column", "Class", "What it is", "Filled", "Read by the model")
    behind = [
        Table(
            table["table"],
            header,
            tuple(
                (
                    one["column"],
                    one["class"],
                    TABLES[table["table"]].column(one["column"]).description,
                    one["filled"],
                    "yes" if one["column"] in facts.model.tables.get(table["table"], ()) else "no",
                )
                for one in table["columns"]
            ),
        )
        for table in tables
    ]
    summary = Table("Tables that are held", ("Table", "Records", "Columns kept", "Read by the model"), rows)
    return Section("columns", "Which tables and columns", words, (), [summary], behind)


def _tell_protected(facts: RunFacts) -> Section:
    held = find_protected(facts)
    words = [
        "They are for comparing groups, and for nothing else: a program that never saw who a child is could not say whether it "
        "serves all alike. None is a feature, and the program refuses to make one of it. A code for not stated counts as filled.",
        "What features say of these all the same, as proxies, is a question for the fairness report. Where no report compares a "
        "characteristic, ask whether it is needed.",
    ]
    if not find_tables(facts):
        words = ["This run did not describe what is held, so nothing is said of protected characteristics."]
    elif not held:
        words = ["No protected characteristic is filled in what is held, so no group can be compared by one."]
    return Section("protected", "Protected characteristics that are held, and why", words, (), [
        Table("", ("Characteristic", "Filled", "What for"), tuple(held))] if held else [])  # fmt: skip


def _tell_leaving() -> Section:
    points = [
        f"A count of 1 to {FEWEST - 1} is shown as {HIDDEN}, with others from which it could be worked out; no percentage is "
        f"given of fewer than {FEWEST}. One rule at one door holds for reports, pictures and this annex.",
        "The register of models holds no rows of children, and its documents no small counts. The model itself keeps no count of "
        f"rows, and no step of a term rests on fewer than {FEWEST} families.",
        "A reader who knows a family may still recognise it; no rule on counts can help against that.",
    ]
    return Section("leaving", "What leaves the team, and the rule for small numbers", points=points)


def _say_retention(facts: RunFacts) -> str:
    set_to = facts.council.get("data_protection.retention")
    return f"Retention: {set_to}" if set_to else "Retention: not set. The council has not said how long data are kept."


def _tell_retention(facts: RunFacts) -> Section:
    words = [
        _say_retention(facts),
        "What a night took in is kept as history, and each score shown is kept in a ledger, so that nights can be run again "
        "and a fault can be traced. A child can be taken out of the ledger without breaking it.",
    ]
    return Section("retention", "How long data are kept", words)


def _tell_decisions(facts: RunFacts) -> Section:
    told = answer_from_run(facts)
    return Section("decisions", "Decisions stay with people", told["process.human_decisions"].splitlines())


def _tell_groups(facts: RunFacts) -> Section:
    heading = "By group"
    if facts.fairness is None:
        return Section("groups", heading, ["This run compared no groups."])
    counts, lost = count_verdicts(facts.fairness), name_lost(facts.fairness)
    words = [
        f"Of {sum(counts.values())} comparisons that may be shown, {counts[Verdict.GAP]} are gaps, "
        f"{counts[Verdict.NO_LARGER_GAP]} rule out a gap larger than 5 points, and for {counts[Verdict.NOT_ENOUGH]} there is not "
        "enough evidence, which is no pass. Each stands in the equality impact annex and the fairness report.",
        *([f"Nothing can be said of: {'; '.join(f'{name} ({why})' for name, why in lost)}."] if lost else []),
    ]
    return Section("groups", heading, words)


def _tell_counsel() -> Section:
    points = [
        "UK GDPR Articles 22A to 22D (put in place of Article 22 by section 80 of the Data (Use and Access) Act 2025). The "
        "position taken in building this: the list proposes an order, a person decides each time with reasons before them, "
        "may disagree and records why, and the family may decline; so no decision is based solely on automated processing. "
        "Whether the involvement of people is meaningful in this council's own practice is to be confirmed: the page on what "
        "people did with the lists has the figures.",
        "Chances are profiles of children, and some of what is held is of special categories. Which basis and condition the "
        "council relies on is to be stated and confirmed.",
        "The Children's Wellbeing and Schools Act 2026, section 1, provides for an offer of family group decision-making "
        "before an application for a care order. The list never rations such an offer. From when the section binds the "
        "council is to be confirmed.",
        "Whether, how and when families are told of a chance, and how they object, is to be confirmed.",
    ]
    return Section("counsel", "For the council's lawyer to confirm", points=points)
