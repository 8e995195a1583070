"""The algorithmic transparency record: a page to read and a table to work with, from one set of answers.

It follows version 3 of the Algorithmic Transparency Recording Standard. Local authorities publish such a record of their own free
will; this is a draft of one, which the council completes and answers for.
"""

import csv
import io
from itertools import groupby

from flows.publish.atrs_answers import answer_from_run
from flows.publish.board_page import render_board_page
from flows.publish.chance_words import number
from flows.publish.record_fields import ATRS, Answer, answer, find_unanswered
from flows.publish.run_facts import RunFacts
from flows.publish.what_changed import tell_changes

HEADER = ("section", "tier", "number", "key", "field", "answer", "source")
SOURCES = {"run": "from the run", "council": "from the council"}
STATUS = "About this file"
DRAFT = "Draft, filled from a training of the model. It is no published record until the council has completed and published it."
INVENTED = "INVENTED DATA: no real record is behind any figure here, and no council answers for it."


def find_answers(facts: RunFacts) -> list[Answer]:
    """Every field of the record, in order, answered or not."""
    return answer(ATRS, answer_from_run(facts), facts.council)


def render_atrs(facts: RunFacts) -> str:
    """The page: answers by section, then what nobody has answered, then what changed since the last one."""
    answers = find_answers(facts)
    given = [answer for answer in answers if answer.text]
    sections = [
        (f"section-{at}", f"Tier {tier}: {name}" if tier else name, list(of))
        for at, ((tier, name), of) in enumerate(groupby(given, lambda answer: (answer.field.tier, answer.field.section)), 1)
    ]
    return render_board_page(
        "atrs.html.j2",
        "record.css",
        invented=facts.invented,
        draft=DRAFT,
        short=_in_short(answers),
        sections=sections,
        unanswered=find_unanswered(answers),
        changed=tell_changes(facts.before, facts.now),
        sources=SOURCES,
    )


def write_csv(facts: RunFacts) -> str:
    """The same as a table: a row for each field, with an empty answer where nobody has given one."""
    told = io.StringIO()
    table = csv.writer(told, lineterminator="\n")
    table.writerow(HEADER)
    for name, text in (("Status", DRAFT), *([("Origin of the data", INVENTED)] if facts.invented else [])):
        table.writerow((STATUS, "", "", "", name, text, "run"))
    for one in find_answers(facts):
        field = one.field
        table.writerow((field.section, field.tier, field.number, field.key, field.field, one.text, one.source))
    return told.getvalue()


def _in_short(answers: list[Answer]) -> list[str]:
    open_ones = find_unanswered(answers)
    by_run, by_council = (sum(answer.source == source for answer in answers) for source in SOURCES)
    return [
        f"Of {len(answers)} fields the run answers {by_run} and the council has answered {by_council}.",
        f"{number(len(open_ones), 'field is', 'fields are')} not answered yet. They are listed below, with what is wanted."
        if open_ones
        else "Every field is answered.",
        DRAFT,
    ]
