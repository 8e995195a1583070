"""The page that shows whether people decide: plain words, alarms first, no family, no small number."""

import re
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from flows.publish.involvement_page import find_sections, let_out, render_involvement, say_agreement
from models.involvement import (
    DECIDED,
    IN_ORDER,
    NEVER,
    NO_PLACE,
    OPEN,
    OTHER_KIND,
    OTHERWISE,
    PASSED,
    Days,
    Involvement,
    find_alarms,
)

GROUPS = pl.DataFrame(
    [("sex", "female", 70, 20, 12), ("sex", "male", 66, 30, 9), ("sex", "more than one", 54, 10, 8),
     ("sex", "not known", 10, 0, 0), ("ethnicity", "Asian", 3, 2, 0), ("ethnicity", "Black", 14, 8, 7),
     ("ethnicity", "White", 183, 50, 22)],
    schema=["group", "value", "decided", "otherwise", "never"],
    orient="row",
)  # fmt: skip


def example(**different: Any) -> Involvement:
    """A quarter of a year in which people judged."""
    given: dict[str, Any] = {
        "first": date(2026, 8, 25),
        "last": date(2026, 11, 24),
        "lists": 92,
        "places": {DECIDED: 200, OPEN: 18, NEVER: 29},
        "days": Days(200, 1.0, 3.0, 6.0, 170),
        "judged": {IN_ORDER: 110, PASSED: 24, OTHER_KIND: 6, OTHERWISE: 60, NO_PLACE: 12},
        "otherwise": {"not suitable": 30, "already helped": 20, "other": 10},
        "reasons": {"Not the right time": 30, "Already being helped": 20, "The data is wrong": 7, "Other": 3},
        "roles": {"Front-door manager": 140, "Early help coordinator": 109},
        "groups": GROUPS,
    } | different
    return Involvement(alarms=find_alarms(given["judged"], given["places"]), **given)


def page(invented: bool = False, **different: Any) -> str:
    return render_involvement(example(**different), authority="Borough of <Example>", invented=invented)


def text(told: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", told.rpartition("</head>")[2]))


def row(told: str, name: str) -> list[str]:
    found = re.search(rf'<th scope="row">{re.escape(name)}</th>(.*?)</tr>', told)
    assert found, name
    return re.findall(r"<td[^>]*>([^<]*)</td>", found[1])


def judged(in_order: int, passed: int, other_kind: int, otherwise: int, off_list: int) -> dict[str, Any]:
    told = {IN_ORDER: in_order, PASSED: passed, OTHER_KIND: other_kind, OTHERWISE: otherwise, NO_PLACE: off_list}
    return {"judged": told, "places": {DECIDED: sum(told.values()) - off_list, OPEN: 18, NEVER: 29}}


def test_the_page_says_first_what_a_board_takes_away() -> None:
    short = text(page().partition('id="short"')[2].partition("</ul>")[0])
    assert "Families were given 247 places on 92 lists. People decided on 200 of them; 29 were lost" in short
    assert "People went along with the list in 52 % of their decisions." in short
    assert "Half of the decisions came within 3 days" in short
    assert "Nothing here rings an alarm" in short


def test_counts_stand_in_tables_with_their_totals() -> None:
    told = page()
    assert row(told, "Decided") == ["200"]
    assert row(told, "Offered, while a family before it was undecided") == ["24"]
    assert row(told, "Already helped") == ["20"]
    assert row(told, "Front-door manager") == ["140"]
    assert row(told, "Female") == ["70", "20", "12"]
    assert row(told, "Three quarters of the decisions came within") == ["6 days"]
    assert "85 % of the decisions came within 7 days" in text(told)


def test_small_numbers_are_hidden_with_others() -> None:
    told = page()
    assert row(told, "Other") == ["c"]  # a reason, three times
    assert row(told, "The data is wrong") == ["c"]
    assert row(told, "Asian") == ["c", "c", "0"]
    assert row(told, "Black") == ["c", "8", "7"]
    assert row(told, "White") == ["183", "c", "22"]
    assert not re.search(r"<td[^>]*>[1-5]</td>", told)


def test_who_was_decided_on_is_no_more_than_who_was_decided_otherwise() -> None:
    groups = pl.DataFrame([("sex", "female", 70, 20, 0), ("sex", "male", 40, 40, 49), ("sex", "not known", 4, 0, 0)],
                          schema=GROUPS.schema, orient="row")  # fmt: skip
    told = page(groups=groups, places={DECIDED: 114, OPEN: 18, NEVER: 49}, judged=judged(30, 24, 0, 60, 12)["judged"])
    assert row(told, "Not known")[0] == "c"
    assert row(told, "Male")[:2] != ["c", "40"]  # at least 40 were decided on, so at most 4 of the 44 in both are of the others


def test_what_is_left_of_a_group_is_no_small_number_either() -> None:
    groups = GROUPS.with_columns(pl.when(pl.col("value") == "male").then(64).otherwise("otherwise").alias("otherwise"))
    assert row(page(groups=groups), "Male")[1] == "c"  # else two families of 66 were not decided otherwise


@pytest.mark.parametrize(
    ("different", "said"),
    [
        (judged(110, 24, 6, 60, 12), "in 52 % of"),
        (judged(110, 24, 6, 60, 3), "in 53 to 55 % of"),  # all that "c" says of the offers without a place
        (judged(200, 0, 0, 0, 0), "in 97 % or more of"),
        (judged(198, 0, 0, 2, 0), "in 97 % or more of"),
        (judged(0, 0, 0, 200, 0), "in up to 3 % of"),
        (judged(9, 3, 0, 130, 0), "cannot be shown"),  # 9 is hidden with 3
        (judged(3, 0, 0, 4, 0), "cannot be shown"),
    ],
)
def test_agreement_tells_no_more_than_the_tables(different: dict[str, Any], said: str) -> None:
    told = example(**different)
    assert said in say_agreement(told, let_out(told))


def test_nothing_that_adds_up_to_a_hidden_total_is_shown() -> None:
    told = page(places={DECIDED: 3, OPEN: 7, NEVER: 130}, judged=judged(3, 0, 0, 0, 0)["judged"])
    assert row(told, "Decided") == ["c"]
    assert "Places that were decided on" not in told
    assert "By reason" not in told
    assert "By sex" not in told
    assert "There are too few decisions to say." in told
    few = page(**judged(150, 24, 20, 4, 0))
    assert row(few, "Had a place, and people decided otherwise") == ["c"]
    assert "By reason" not in few
    assert "Decided otherwise</th>" not in few.partition('id="groups"')[2].partition("</section>")[0]


def draw(seed: int) -> Involvement:
    """Any numbers that fit together, small ones above all."""
    rng = np.random.default_rng(seed)

    def deal(whole: int, parts: int) -> list[int]:
        weights = rng.dirichlet(np.full(parts, 0.4))
        return [int(number) for number in rng.multinomial(whole, weights)]

    decided, still_open, never = deal(int(rng.integers(0, 90)), 3)
    in_order, passed, other_kind, otherwise = deal(decided, 4)
    names = ("white", "black", "asian")
    some = deal(otherwise, 3)
    rest = deal(decided - otherwise, 3)
    groups = zip(["ethnicity"] * 3, names, (a + b for a, b in zip(some, rest, strict=True)), some, deal(never, 3), strict=True)
    return example(
        places={DECIDED: decided, OPEN: still_open, NEVER: never},
        judged={IN_ORDER: in_order, PASSED: passed, OTHER_KIND: other_kind, OTHERWISE: otherwise, NO_PLACE: int(rng.integers(9))},
        reasons=dict(zip("abc", deal(otherwise, 3), strict=True)),
        otherwise=dict(zip("de", deal(otherwise, 2), strict=True)),
        roles=dict(zip("fg", deal(decided, 2), strict=True)),
        days=Days(decided, 1.0, 2.0, 3.0, in_order) if decided else None,
        groups=pl.DataFrame(list(groups), schema=GROUPS.schema, orient="row"),
    )


@pytest.mark.parametrize("start", range(0, 80, 20))
def test_no_table_shows_a_small_number_or_hides_just_one(start: int) -> None:
    for seed in range(start, start + 20):
        for section in find_sections(told := draw(seed), let_out(told)):
            for table in section.tables:
                if section.key == "days":
                    continue
                for column in zip(*table.rows, strict=True):
                    cells = column[:-1] if table.rows[-1][0] == "All together" else column
                    assert not {"1", "2", "3", "4", "5"} & set(column), (seed, table)
                    if column[-1] != "c":  # a total that is hidden tells nothing by subtraction
                        assert cells.count("c") != 1, (seed, table)


def test_what_is_hidden_in_one_table_is_not_told_by_the_total_of_another() -> None:
    for seed in range(60):
        told = draw(seed)
        tables = {table.caption: dict(table.rows) for section in find_sections(told, let_out(told)) for table in section.tables
                  if len(table.header) == 2}  # fmt: skip
        totals = {
            "Places that were decided on": tables["Places, by how they ended"]["Decided"],
            "By reason": tables.get("Places that were decided on", {}).get("Had a place, and people decided otherwise", "c"),
        }
        for caption, total in totals.items():
            assert caption not in tables or (total != "c" and tables[caption]["All together"] == total), (seed, caption)


@pytest.mark.parametrize(
    ("different", "words"),
    [
        (judged(200, 0, 0, 0, 0), "They may be following it without judging"),
        (judged(50, 50, 0, 100, 0), "in less than half of their decisions"),
        (
            {"places": {DECIDED: 200, OPEN: 18, NEVER: 120}},
            "More than a third of the families that had a place were never decided",
        ),
    ],
)
def test_alarms_come_first(different: dict[str, Any], words: str) -> None:
    short = text(page(**different).partition('id="short"')[2])
    assert short.index("To look into") < short.index(words) < short.index("Families were given")
    assert "Nothing here rings an alarm" not in short


def test_few_decisions_are_no_evidence_and_never_a_pass() -> None:
    told = text(page(judged=dict.fromkeys(example().judged, 2), places={DECIDED: 8, OPEN: 40, NEVER: 9}))
    assert "Not enough evidence: there are fewer than 30 decisions" in told
    assert "Nothing here rings an alarm" not in told


def test_the_page_of_an_empty_log_says_so() -> None:
    nothing = dict.fromkeys(example().judged, 0)
    told = text(page(judged=nothing, places={DECIDED: 0, OPEN: 40, NEVER: 0}, days=None, otherwise={}, reasons={}, roles={}))
    assert "Nobody has written a decision down." in told
    assert "Nobody decided otherwise on any place." in told


def test_the_page_needs_nothing_but_itself_escapes_and_speaks_plainly() -> None:
    told = page(invented=True)
    assert not re.search(r"https?://|src=|url\((?!#)|@import|<link|<script", told)
    assert "default-src 'none'" in told
    assert "INVENTED DATA" in told
    assert "INVENTED DATA:" not in text(page())
    assert "Borough of &lt;Example&gt;" in told
    assert not re.search(r"risk|flagged|\brank", text(told), flags=re.IGNORECASE)
