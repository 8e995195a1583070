"""Plain words: what teams and boards read first asks for no more years of school than it must."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from flows.publish import (
    board_points,
    fairness_page,
    identity_section,
    night_list,
    page,
    quality_section,
    recommendation,
    stages_section,
    uptake_section,
    verdicts_section,
    workbook_guide,
)
from tests.unit.reading_age import count_syllables, measure_reading_age

ROOT = Path(__file__).parents[2]


def read_template(name: str) -> str:
    """The fixed words of a template, a paragraph on a line."""
    text = (ROOT / "flows" / "publish" / "templates" / name).read_text(encoding="utf-8")
    told = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|<(?!/?(?:p|li|dt|dd|h\d)\b)[^>]+>", " ", text, flags=re.DOTALL)
    return re.sub(r"<[^>]+>", "\n", re.sub(r"\s+", " ", told))


def read_page(name: str) -> str:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return re.sub(r"[|*`#\[\]]|\(\S+\)", " ", text)


TEXTS = {
    "head of the list": (
        [*night_list.WHAT_IT_IS, *night_list.WHAT_IT_IS_NOT, night_list.BEFORE_A_CALL, night_list.IF_WORRIED, page.NOT_FOR], 13.5,
    ),
    "words of the list": ([read_template("list.html.j2")], 12),
    "guide of the workbook": ([*workbook_guide.STEPS, *workbook_guide.WHAT_HAPPENS.values()], 12),
    "pages for triage teams": ([read_page("triage-teams.md")], 12),
    "notice in place of a list": ([read_template("withdrawn.html.j2")], 12),
    "where a gap comes from": (stages_section.WORDS, 12),
    "who gets no chance": (quality_section.WORDS, 12),
    "who took an offer up": (uptake_section.WORDS, 12),
    "what a board should see": ([*board_points.WORDS, *(what for what, _, _ in board_points.POINTS)], 12),
    "go, pause or stop": (recommendation.RULE, 12),
    "which run this is": (identity_section.WORDS, 12),
    "how the verdict went": ([*verdicts_section.WORDS, verdicts_section.CHANGED], 12),
    "words and numbers of the fairness report": (fairness_page.TERMS.values(), 12),
} | {question.heading: (question.words, 13.5) for question in fairness_page.QUESTIONS}  # fmt: skip


@pytest.mark.parametrize(("texts", "most"), TEXTS.values(), ids=TEXTS.keys())
def test_a_text_can_be_read_at_its_age(texts: Iterable[str], most: float) -> None:
    assert measure_reading_age("\n".join(texts)) <= most


@pytest.mark.parametrize(
    ("word", "syllables"), [("cat", 1), ("made", 1), ("offered", 2), ("listed", 2), ("family", 3), ("table", 2), ("evidence", 3)]
)
def test_syllables_are_counted(word: str, syllables: int) -> None:
    assert count_syllables(word) == syllables


def test_long_words_and_sentences_ask_for_more_years() -> None:
    plain, heavy = "The cat sat. The dog ran.", "Notwithstanding considerable uncertainty, authorities differentiate populations."
    assert measure_reading_age(plain) < 8
    assert measure_reading_age(heavy) > 18
