"""The page for a family: what it tells of one child, in words that are easy to read, and that it tells of nobody else."""

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.notice import SCORES, find_decided, read_reasons, split_runs
from flows.opt_out import NOT_SCORED
from flows.publish.notice_page import Approved, Decided, Kept, Notice, Replayed, Run, Wish, render_notice, span
from models.team_decisions import DECIDED
from tests.unit.night_example import pseudonym

DAY, OUTCOME = date(2026, 3, 3), "a new referral within 12 months"
REASONS = {
    "worry": ["3 contacts in the last year", "Referred by the police"],
    "strength": ["No section 47 enquiry in two years", Notice.OF_OTHERS],
    "about the case": ["The case has been open for 41 days"],
}
NOTICE = Notice(
    authority="Borough of Example",
    invented=True,
    reference="1a2b3c4d",
    written_on=date(2026, 4, 2),
    extract_date=date(2026, 4, 1),
    kept=[
        Kept("ssd_person", 1, None, None, 0),
        Kept("ssd_family", 1, None, None, 0),
        Kept("ssd_cin_episodes", 3, date(2021, 5, 4), date(2026, 1, 12), 1),
        Kept("ssd_contacts", 9, date(2021, 4, 30), date(2026, 2, 3), 0),
        Kept("ext_offers", 1, date(2026, 3, 5), date(2026, 3, 5), 2),
    ],
    kept_out=2,
    lists=120,
    runs=[
        Run(DAY - timedelta(20), DAY - timedelta(1), 20, 0.21, OUTCOME, None, "waiting", "", "2", REASONS),
        Run(DAY, DAY + timedelta(18), 19, 0.43, OUTCOME, None, "place", "Family Group Conference", "3", REASONS),
        Run(DAY + timedelta(19), DAY + timedelta(28), 10, None, OUTCOME, NOT_SCORED, "not scored", "", "3", {}),
    ],
    decided=[Decided(DAY, DAY + timedelta(2), "offered", "Family Group Conference", "Fits the family", "Social worker")],
    approved=[Approved("2", "glass box", "Head of service", date(2026, 1, 10)), Approved("3", "glass box", "", None)],
    wishes=[Wish(date(2026, 3, 22), scored=False)],
    replays=[Replayed(date(2026, 4, 1), DAY, 0.43, 0.31)],
)  # fmt: skip


def text_of(page: str) -> str:
    """The words of a page, a full stop at the end of each heading, line and cell."""
    body = page[page.index("<body") :]
    ended = re.sub(r"</(p|li|h\d|td|th)>", ". ", body)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", ended)).replace("..", ".").replace(". .", ".")


def sentences_of(page: str) -> str:
    """The paragraphs alone: headings, tables and lists are shorter, and would make the page look easier than it is."""
    return " ".join(re.sub(r"<[^>]+>|\s+", " ", words) for words in re.findall(r"<p>(.*?)</p>", page, re.DOTALL))


def reading_grade(text: str) -> float:
    """Flesch-Kincaid grade: 0.39 words per sentence + 11.8 syllables per word - 15.59; age is about 5 more."""
    sentences = [each for each in re.split(r"[.!?:]+\s", text) if re.search("[A-Za-z]", each)]
    words = re.findall(r"[A-Za-z']+", text)
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", word.lower())))) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


def test_a_child_of_eleven_can_read_it() -> None:
    assert reading_grade(sentences_of(render_notice(NOTICE))) < 6
    assert reading_grade("The multidisciplinary prioritisation methodology necessitates interdepartmental consideration.") > 20


def test_it_tells_what_was_held_scored_and_decided() -> None:
    text = text_of(render_notice(NOTICE))
    for words in (
        "We hold 15 records of this child",
        "The child had a chance on 39 lists",
        "The family was put forward for an offer of help on 19 lists",
        "3 to 21 March 2026. Chance: about 4 in 10. Of ten children with a record like this, about 4 had a new referral within "
        "12 months, and about 6 did not",
        "The list put your family forward for this offer: Family Group Conference",
        "These made the chance higher. 3 contacts in the last year",
        "5 March 2026: offered (Family Group Conference), about the list of 3 March 2026. Decided by: Social worker. Reason: "
        "Fits the family",
        "Model version 2. Approved by: Head of service, on 10 January 2026",
        "You asked that this child is not scored. That holds now",
        "No chance was worked out: asked not to be scored",
        "Nobody writes down who opened it",
        "On 1 April 2026 we worked out the chance of 3 March 2026 again, with what was put right since. It was about 4 in 10. "
        "Now it would have been about 3 in 10",
        "4 May 2021 to 12 January 2026",
    ):
        assert words in text, words


def test_a_child_on_no_list_is_told_so() -> None:
    text = text_of(render_notice(replace(NOTICE, runs=[], decided=[], approved=[], wishes=[])))
    assert "This child was on no list" in text
    assert "The child never had a chance on a list" in text
    assert "Nobody has written down a decision about your family" in text
    assert "You asked that" not in text


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (None, None, "no date"),
        (DAY, DAY, "3 March 2026"),
        (DAY, DAY + timedelta(18), "3 to 21 March 2026"),
        (DAY, DAY + timedelta(40), "3 March to 12 April 2026"),
        (DAY - timedelta(90), DAY, "3 December 2025 to 3 March 2026"),
    ],
)
def test_days_are_told_as_in_a_letter(first: date | None, last: date | None, words: str) -> None:
    assert span(first, last) == words


def scores(*rows: tuple[int, float | None, str]) -> pl.DataFrame:
    """Rows by place of the night among all nights, chance and standing."""
    told = [
        (DAY + timedelta(at), at, chance, None if chance else "too little", standing, None, "1", "x")
        for at, chance, standing in rows
    ]
    return pl.DataFrame(told, schema=SCORES, orient="row")


def test_nights_that_say_the_same_are_one_run_and_a_gap_ends_it() -> None:
    told = scores(
        (0, 0.41, "place"),
        (1, 0.43, "place"),
        (2, 0.52, "place"),
        (3, 0.53, "waiting"),
        (5, 0.53, "waiting"),
        (6, None, "waiting"),
    )
    assert [run["at"].to_list() for run in split_runs(told)] == [[0, 1], [2], [3], [5], [6]]
    assert split_runs(scores()) == []


def test_what_is_on_record_of_brothers_and_sisters_is_not_told(tmp_path: Path) -> None:
    from features.catalogue import CATALOGUE

    of_others = next(feature.name for feature in CATALOGUE if feature.of_siblings)
    own = next(feature.name for feature in CATALOGUE if not feature.of_siblings)
    rows = {
        "person_id": ["a", "a", "a", "b"],
        "feature": [of_others, own, of_others, own],
        "side": ["worry"] * 4,
        "words": ["a sister was referred 3 times", "2 contacts", "a brother was in care", "of another"],
        "rank": [2, 1, 3, 1],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "reasons.parquet")
    assert read_reasons(tmp_path, frozenset("a")) == {"worry": ["2 contacts", Notice.OF_OTHERS]}
    assert read_reasons(tmp_path / "gone", frozenset("a")) is None


def test_decisions_are_those_about_the_childs_family() -> None:
    row = {
        "night": DAY, "family_id": "f", "children": ["a", "c"], "standing": "place", "listed_kind": "FGC", "decision": "offered",
        "kind": "FGC", "reason": "Other", "role": "Other", "decided_on": DAY, "imported_on": DAY,
    }  # fmt: skip
    log = pl.DataFrame([row, row | {"children": ["b"]}, row | {"children": None, "family_id": "a"}], schema=DECIDED)
    assert len(find_decided(log, frozenset("a"))) == 2
    assert find_decided(log, frozenset({pseudonym("nobody")})) == []
