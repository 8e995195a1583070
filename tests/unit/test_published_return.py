"""The council's file: read as it stands, and refused whole with every fault."""

import polars as pl
import pytest

from validation.errors import ContractError
from validation.returns.measures import MEASURES
from validation.returns.published import declared_lines, read_return

HEADER = "year,measure,breakdown,code,published"
GOOD = f"{HEADER}\n2025,referrals,all,all,2002\n2025,referrals,source,police,c\n2025,referrals,month,may,0\n"


def refused(text: str | bytes) -> str:
    with pytest.raises(ContractError) as refusal:
        read_return(text if isinstance(text, bytes) else text.encode(), "r.csv")
    assert refusal.value.exit_code == 11
    return str(refusal.value)


def test_counts_and_signs_are_told_apart() -> None:
    lines = read_return(GOOD.encode(), "r.csv")
    assert lines["published"].to_list() == [2002, None, 0]
    assert lines["sign"].to_list() == [None, "c", None]
    assert lines["value_code"].to_list() == ["all", "police", "may"]


def test_a_tolerance_may_be_given_for_single_lines() -> None:
    lines = read_return(f"{HEADER},tolerance\n2025,referrals,all,all,2002,40\n2024,referrals,all,all,2264,\n".encode(), "r.csv")
    assert lines["tolerance"].to_list() == [40, None]


def test_blanks_a_byte_order_mark_and_capitals_of_the_header_do_no_harm() -> None:
    text = "\ufeffYear, Measure,breakdown,code,Published\n2025 ,referrals, all,all, 2002\n"
    assert read_return(text.encode(), "r.csv").equals(read_return(f"{HEADER}\n2025,referrals,all,all,2002\n".encode(), "r.csv"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("25,referrals,all,all,8", "line 2: the year must be"),
        ("2025,referals,all,all,8", "line 2: the measure is unknown"),
        ("2025,referrals,need,N1,8", "line 2: the measure has no such breakdown"),
        ("2025,referrals,month,mai,8", "line 2: the breakdown has no such code"),
        ("2025,referrals,all,all,8.5", "line 2: 'published' must be"),
        ("2025,referrals,all,all,", "line 2: 'published' must be"),
        ("2025,referrals,all,all,-8", "line 2: 'published' must be"),
        ("2025,referrals,month,may,3", "line 2: a count of 1 to 5 is published as 'c'"),
        ("2025,referrals,all,all,8\n2025,referrals,all,all,9", "line 2, 3: the line stands twice"),
    ],
)
def test_a_fault_is_named_with_its_line(line: str, words: str) -> None:
    message = refused(f"{HEADER}\n{line}\n")
    assert message.startswith("The return 'r.csv': ")
    assert words in message


def test_all_faults_are_shown_together() -> None:
    message = refused(f"{HEADER}\n2025,referals,all,all,8\n2025,referrals,month,mai,8\n2025,referrals,all,all,many\n")
    assert all(words in message for words in ("line 2: the measure", "line 3: the breakdown", "line 4: 'published'"))


def test_a_fault_of_many_lines_names_the_first_ten() -> None:
    message = refused(HEADER + "\n" + "".join(f"{2014 + n},referrals,all,all,many\n" for n in range(12)))
    assert "line 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more: 'published' must be" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("year,measure,breakdown,code\n2025,referrals,all,all\n", "it lacks 'published'"),
        (f"{HEADER},note\n2025,referrals,all,all,8,x\n", "'note' is unknown"),
        (f"{HEADER}\n", "it has no line"),
        ("", "cannot be read"),
        (f"{HEADER}\n2025,referrals,all,all,2,002\n", "cannot be read"),
        (f"{HEADER}\n2025,referrals,all,all,\u00e9\n".encode("latin-1"), "cannot be read"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str | bytes, words: str) -> None:
    assert words in refused(text)


def test_every_declared_line_may_stand_in_a_return() -> None:
    lines = declared_lines().select(year=pl.lit(2025), measure="measure", breakdown="breakdown", code="value_code", published=10)
    assert read_return(lines.write_csv().encode(), "r.csv").height == declared_lines().unique().height


def test_names_of_measures_are_those_that_they_are_filed_under_and_of_others_that_exist() -> None:
    assert all(measure.of is None or measure.of in MEASURES for measure in MEASURES.values())
