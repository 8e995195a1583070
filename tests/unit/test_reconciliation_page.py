"""The page beside the return: what differs first, and no small number of our own."""

import re
from datetime import date

import polars as pl
import pytest

from flows.publish.reconciliation_page import Reconciled, find_sections, let_out, render_reconciliation, say_in_short
from validation.extract import ExtractRule
from validation.returns.comparison import Coverage, compare_return
from validation.returns.measures import ALL
from validation.returns.published import read_return
from validation.tables.catalogue import TABLES

SOURCES = {"police": ("6", 40), "schools": ("2A", 30), "housing": ("4", 3), "individual": ("1A", 8), "anonymous": ("9", 0)}
PUBLISHED = {"police": "41", "schools": "60", "housing": "c", "individual": "c", "anonymous": "0"}
DAY = date(2025, 11, 30)


def tables() -> dict[str, pl.DataFrame]:
    codes = [code for code, count in SOURCES.values() for _ in range(count)]
    drawn = {"cine_referral_id": [f"e{n}" for n in range(len(codes))], "cine_person_id": [f"c{n}" for n in range(len(codes))],
             "cine_referral_date": [date(2024, 5, 1)] * len(codes), "cine_referral_source_code": codes,
             "cine_referral_nfa": [False] * len(codes)}  # fmt: skip
    schema = TABLES["ssd_cin_episodes"].schema
    return {"ssd_cin_episodes": pl.DataFrame(drawn, schema_overrides=schema).with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in drawn)}  # fmt: skip


def compared(lines: str = "") -> pl.DataFrame:
    sources = "".join(f"2025,referrals,source,{name},{count}\n" for name, count in PUBLISHED.items())
    text = f"year,measure,breakdown,code,published\n2025,referrals,all,all,112\n2025,plans,all,all,30\n{sources}{lines}"
    coverage = Coverage(ExtractRule.OVERLAPPING, date(2019, 12, 1), DAY, DAY)
    return compare_return(tables(), read_return(text.encode(), "r.csv"), 2025, coverage)


def page(*, invented: bool = False, lines: str = "") -> str:
    return render_reconciliation(Reconciled(2025, "Borough of Example", invented, DAY, compared(lines)))


def cells(text: str) -> list[list[str]]:
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", text)]
    return [[re.sub("<.*?>", "", cell) for cell in row] for row in found]


def test_what_differs_comes_first_with_the_largest_share_on_top() -> None:
    sections = find_sections(compared(), let_out(compared()))
    assert sections[0].key == "differing"
    assert [row[0] for row in sections[0].tables[0].rows] == ["Referrals: Schools", "Referrals"]
    assert sections[0].tables[0].rows[0][1:] == ("30", "60", "-30", "5", "C5")


def test_small_counts_and_those_that_would_give_them_away_are_not_shown() -> None:
    rows = {row[0]: row[1:] for row in cells(page()) if len(row) == 6}
    assert rows["Housing"] == ["c", "c", "", "", "the Department hides it"]
    assert rows["Individual"][0] == "c"
    assert rows["Police"] == ["40", "41", "-1", "5", "agrees"]


def test_our_own_small_count_is_hidden_where_the_department_shows_one_and_its_verdict_too() -> None:
    text = page(lines="2025,referrals,source,other,8\n").replace("\n", "")
    release = let_out(compared("2025,referrals_no_further_action,all,all,8\n"))
    assert "referrals/source/housing" in release.hidden
    assert not re.search(r">3<", text)


def test_no_small_number_can_be_found_in_any_cell() -> None:
    lines = "".join(f"2025,referrals,month,{name},8\n" for name in ("april", "june"))
    shown = [cell for row in cells(page(lines=lines)) for cell in row[1:2]]
    assert not set(shown) & {"1", "2", "3", "4", "5"}


def test_lines_that_are_not_in_the_return_are_not_on_the_page() -> None:
    rows = [row[0] for row in cells(page())]
    assert "Children referred" not in rows
    assert "May" not in rows


def test_what_cannot_be_compared_is_told_with_its_reason() -> None:
    rows = {row[0]: row[1] for row in cells(page()) if len(row) == 2}
    assert rows["&#39;ssd_cp_plans&#39; was not supplied"] == "Child protection plans at any point of the year"
    assert rows["The Department hides it"] == "Referrals, some by who referred"
    assert "Plans reviewed within the time allowed" in rows["Table D6"]


def test_the_short_part_counts_only_what_is_shown() -> None:
    assert "Of the 4 figures of the year to 31 March 2025 that can be compared, 2 agree" in page()
    assert say_in_short(compared(), 2025).endswith("and 2 differ by more than is allowed; 3 cannot be compared.")


@pytest.mark.parametrize(("invented", "stamped"), [(True, True), (False, False)])
def test_invented_figures_are_stamped(invented: bool, stamped: bool) -> None:
    assert ('class="stamps"' in page(invented=invented)) is stamped


def test_a_measure_and_its_parts_are_protected_together() -> None:
    release = let_out(compared())
    whole, parts = f"referrals/{ALL}/{ALL}", [f"referrals/source/{name}" for name in ("police", "schools", "anonymous")]
    assert not {whole, *parts} & release.hidden
    assert len([cell for cell in release.hidden if cell.startswith("referrals/source/") and "," not in cell]) >= 2
