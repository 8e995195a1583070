"""The workbook: the same families as the page, numbers as numbers, text as text, room for the answer."""

import dataclasses
import hashlib
import zipfile
from datetime import date
from io import BytesIO

import polars as pl
import pytest
from lxml import etree

from flows.publish.night_list import REASONS, Counts, NightList
from flows.publish.workbook import build_workbook
from models import offers

AS_OF = date(2026, 11, 24)


def pseudonym(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def example(chances: dict[str, float | None], *, words: str = "3 earlier referrals", seed: int = 3) -> NightList:
    """An invented night with room for three families; the first letter of a child's name is its family."""
    cases = pl.DataFrame(
        [
            (AS_OF, pseudonym(child), pseudonym("case " + child), pseudonym(child[0]), chance, chance is None, None, 41)
            for child, chance in chances.items()
        ],
        schema={**offers.SCORES, "days_open": pl.Int64()},
        orient="row",
    ).with_columns(
        chance_low=pl.col("chance") * 0.5,
        chance_high=(pl.col("chance") * 1.2).clip(upper_bound=1),
        chance_after_quiet_year=pl.col("chance") * 0.6,
    )
    reasons = pl.DataFrame(
        [
            (
                AS_OF,
                pseudonym(child),
                pseudonym("case " + child),
                f"feature_{n}",
                "contacts",
                0.5 - n,
                3.0,
                side,
                f"{words} {n}",
                n,
            )
            for child in chances
            for n, side in enumerate(["worry"] * 7 + ["strength", "not known"])
        ],
        schema=REASONS,
        orient="row",
    )
    scored = cases["chance"].count()
    return NightList(
        as_of=AS_OF,
        authority="Borough of Example",
        outcome="a new referral within 12 months",
        outcome_version="new_referral_within_12_months, version 1",
        model="glass box",
        model_version="7",
        demonstration=False,
        invented=True,
        extract_date=AS_OF,
        capacity=3,
        shuffle_seed=seed,
        families=offers.families(cases, 3, seed).with_columns(share_of_models=0.87, models=16),
        cases=cases,
        reasons=reasons,
        counts=Counts(cases.height, scored, {"too little is known": cases.height - scored}, set_aside=0),
        stale_after_days=7,
    )


NIGHT = example({"a1": 0.62, "a2": 0.2, "b1": 0.413, "b2": None, "c1": 0.3, "d1": 0.1})


def sheet(book: bytes, name: str) -> pl.DataFrame:
    """A sheet as a program reads it: the header is the second row."""
    return pl.read_excel(BytesIO(book), sheet_name=name, read_options={"header_row": 1})


def xml(book: bytes, name: str) -> etree._Element:
    with zipfile.ZipFile(BytesIO(book)) as parts:
        return etree.fromstring(parts.read(name))


def found(book: bytes, tag: str) -> list[etree._Element]:
    """The elements of this name in the sheet "List"."""
    return xml(book, "xl/worksheets/sheet1.xml").findall(f".//{{*}}{tag}")


def test_the_same_list_gives_the_same_bytes_in_any_order_of_its_rows() -> None:
    shuffled = dataclasses.replace(
        NIGHT,
        cases=NIGHT.cases.sample(fraction=1, shuffle=True, seed=1),
        reasons=NIGHT.reasons.sample(fraction=1, shuffle=True, seed=1),
    )
    assert build_workbook(NIGHT) == build_workbook(NIGHT) == build_workbook(shuffled)


def test_the_list_has_a_row_for_each_case_of_a_listed_family() -> None:
    rows = sheet(build_workbook(NIGHT), "List")
    assert rows["Order"].to_list() == [1, 1, 2, 2, 3]
    assert rows["Child id"].to_list() == [pseudonym(child) for child in ("a1", "a2", "b1", "b2", "c1")]
    assert rows["Case id"].to_list() == [pseudonym("case " + child) for child in ("a1", "a2", "b1", "b2", "c1")]
    assert rows["Family reference"].to_list() == [pseudonym(family)[:8] for family in "aabbc"]


def test_a_chance_is_a_number_with_its_words_beside_it() -> None:
    rows = sheet(build_workbook(NIGHT), "List")
    assert rows["Chance (0 to 1)"].to_list() == [0.62, 0.2, 0.413, None, 0.3]
    assert rows["Chance in words"].to_list() == [
        "about 6 in 10",
        "about 2 in 10",
        "about 4 in 10",
        None,
        "about 3 in 10",
    ]
    assert rows["Note"].to_list()[3] == "too little is known"


def test_doubt_is_told_in_sentences() -> None:
    doubts = sheet(build_workbook(NIGHT), "List")["How sure, and what would change it"]
    assert doubts[0].split("\n") == [
        "The true number may lie between 3 and 7 in 10.",
        "After 12 quiet months this would be about 4 in 10.",
        "Of 16 equally good models, 14 would have listed this family.",
    ]
    assert doubts[3] == "Of 16 equally good models, 14 would have listed this family."  # a child without a chance


def test_the_list_shows_the_weightiest_reasons_and_the_second_sheet_all() -> None:
    book = build_workbook(NIGHT)
    assert sheet(book, "List")["What we are worried about"][0].split("\n") == [f"3 earlier referrals {n}" for n in range(5)]
    assert sheet(book, "List")["What is working well"][0] == "3 earlier referrals 7"
    reasons = sheet(book, "Reasons")
    assert reasons.height == 5 * 9
    assert reasons["Weight (log-odds)"].head(3).to_list() == [0.5, -0.5, -1.5]
    assert reasons["Recorded value"].dtype.is_numeric()


@pytest.mark.parametrize("words", ['=HYPERLINK("http://a.example")', "+1", "@SUM(1)", "-1", "http://a.example", "12"])
def test_words_are_never_read_as_a_formula_a_link_or_a_number(words: str) -> None:
    book = build_workbook(example({"a1": 0.5}, words=words))
    assert sheet(book, "Reasons")["Reason"][0] == f"{words} 0"
    assert not found(book, "f")
    assert not found(book, "hyperlink")


def test_the_answer_has_lists_to_choose_from_and_a_date_from_the_lists_own_on() -> None:
    book = build_workbook(NIGHT)
    columns = sheet(book, "List").columns
    answers = columns.index("Decision")
    assert columns[answers : answers + 4] == ["Decision", "Reason", "Decided by", "Decided on"]
    rules = [(rule.get("type"), rule.get("sqref")) for rule in found(book, "dataValidation")]
    assert rules == [("list", "L3:L7"), ("list", "M3:M7"), ("date", "O3:O7")]
    assert "Family Group Conference" in found(book, "dataValidation")[0].findtext("{*}formula1")


def test_the_header_stays_and_the_rows_can_be_filtered() -> None:
    book = build_workbook(NIGHT)
    assert (found(book, "pane")[0].get("ySplit"), found(book, "pane")[0].get("state")) == ("2", "frozen")
    assert found(book, "autoFilter")[0].get("ref") == "A2:R7"
    assert found(book, "pageSetup")[0].get("paperSize") == "9"


def test_the_last_sheet_says_what_the_list_is_and_where_it_comes_from() -> None:
    about = pl.read_excel(BytesIO(build_workbook(NIGHT)), sheet_name="About this list", has_header=False)
    lines = dict(about.rows())
    assert lines["What it is not"].startswith("Not a reason to close a case")
    assert lines["Cases"] == "6 open = 5 scored + 1 not scored (too little is known: 1)."


def test_the_stamp_heads_every_sheet_and_every_printed_page() -> None:
    book = build_workbook(dataclasses.replace(NIGHT, demonstration=True))
    for number in (1, 2, 3):
        header = xml(book, f"xl/worksheets/sheet{number}.xml").findtext(".//{*}oddHeader")
        assert "INVENTED DATA" in header
        assert "do not use for any child" in header
    title = pl.read_excel(BytesIO(book), sheet_name="List", has_header=False).item(0, 0)
    assert title.startswith("Morning list, Borough of Example, 24 November 2026. INVENTED DATA. DEMONSTRATION")


def test_the_date_of_making_is_the_date_of_the_list() -> None:
    created = xml(build_workbook(NIGHT), "docProps/core.xml").findtext("{http://purl.org/dc/terms/}created")
    assert created == "2026-11-24T00:00:00Z"


def test_an_empty_list_says_why_and_keeps_its_columns() -> None:
    rows = sheet(build_workbook(example({})), "List")
    assert rows["Order"].to_list() == ["No case was open on 24 November 2026, so there is no family to make an offer to."]
    assert rows.columns[-3:] == ["Family id", "Child id", "Case id"]
