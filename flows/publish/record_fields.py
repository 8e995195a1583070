"""The fields of the transparency record and of both annexes: what each asks, and whether the run or the council answers it.

They are declared once, in ``record_fields.csv`` beside this file. The record has the parts of version 3 of the Algorithmic
Transparency Recording Standard: metadata, tier 1, five sections of tier 2. Its form for a single field may word it otherwise or
split it; numbers stand only where they were checked (see ``docs/transparency.md``), the others are matched by subject.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

RUN, COUNCIL, UNANSWERED = "run", "council", "unanswered"
ATRS, DPIA, EQUALITY = "atrs", "dpia", "equality"


@dataclass(frozen=True)
class Field:
    """One field. ``tier`` and ``number`` are empty where there is none; ``wanted`` says what the council should write."""

    key: str
    record: str
    section: str
    tier: str
    number: str
    field: str
    answered_by: str
    wanted: str


@dataclass(frozen=True)
class Answer:
    """A field with its answer (lines of text, none when nobody has answered) and who gave it."""

    field: Field
    text: str
    source: str

    @property
    def lines(self) -> list[str]:
        """The answer, a paragraph each."""
        return self.text.splitlines()


@lru_cache(maxsize=1)
def read_fields() -> tuple[Field, ...]:
    """Every declared field, in order."""
    text = (files("flows.publish") / "record_fields.csv").read_text(encoding="utf-8")
    return tuple(Field(**row) for row in csv.DictReader(text.splitlines()))


def fields_of(record: str) -> tuple[Field, ...]:
    """The fields of one record, in order."""
    return tuple(field for field in read_fields() if field.record == record)


def answer(record: str, told: Mapping[str, str], council: Mapping[str, str]) -> list[Answer]:
    """The fields of ``record`` with their answers: those of the run from ``told``, the others from ``council``, each by key.

    What nobody has answered stays empty: nothing is written that could be read as an answer.
    """
    answers = []
    for field in fields_of(record):
        text = (told if field.answered_by == RUN else council).get(field.key, "").strip()
        answers.append(Answer(field, text, field.answered_by if text else UNANSWERED))
    return answers


def find_unanswered(answers: list[Answer]) -> list[Answer]:
    """Those that nobody has answered."""
    return [answer for answer in answers if answer.source == UNANSWERED]
