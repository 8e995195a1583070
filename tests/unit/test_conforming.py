"""What the case systems send, read into the contract's types; what cannot be read is empty and counted."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from validation.checks import Asks, checks_for
from validation.codes import aliases, code_lists, codes
from validation.conforming import NO_CODES, UNLISTED, Conformed, conform
from validation.contract import Kind
from validation.errors import ContractError
from validation.tables.catalogue import TABLES

KEY = "0123456789abcdef0123456789abcdef"


def read(table: str, column: str, values: Any, dtype: Any = None) -> Conformed:
    """``table`` with ``values`` in one column; the required columns are there and empty."""
    series = values if isinstance(values, pl.Series) else pl.Series(values, dtype=dtype, strict=False)
    required = [each.name for each in TABLES[table].columns if each.required and each.name != column]
    frame = pl.DataFrame({column: series}).with_columns(pl.lit(None, pl.String).alias(name) for name in required)
    return conform(TABLES[table], frame)


def one(table: str, column: str, value: Any) -> Any:
    return read(table, column, [value]).frame[column].item()


@pytest.mark.parametrize(
    ("sent", "day"),
    [
        ("2026-11-24", date(2026, 11, 24)),
        (" 2026-11-24 ", date(2026, 11, 24)),
        ("24/11/2026", date(2026, 11, 24)),
        ("2026-11-24T23:59:59", date(2026, 11, 24)),
        ("2026-11-24 23:59:59.999", date(2026, 11, 24)),
        ("24/11/2026 10:15", date(2026, 11, 24)),
        ("1/2/2026 10:15", date(2026, 2, 1)),
        ("03/04/2026", date(2026, 4, 3)),
        (date(2026, 11, 24), date(2026, 11, 24)),
        (datetime(2026, 11, 24, 23, 59), date(2026, 11, 24)),
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC).astimezone(ZoneInfo("Europe/London")), date(2026, 7, 1)),
    ],
)
def test_a_date_in_every_form(sent: Any, day: date) -> None:
    found = read("ssd_cin_episodes", "cine_close_date", pl.Series([sent]))
    assert found.frame["cine_close_date"].to_list() == [day]
    assert found.unreadable == {}


@pytest.mark.parametrize(
    "sent", ["1900-01-01", "01/01/1900", "1900-01-01T00:00:00", date(1900, 1, 1), datetime(1900, 1, 1), "", "  ", None]
)
def test_no_date_is_no_date_and_nothing_unreadable(sent: Any) -> None:
    found = read("ssd_cin_episodes", "cine_close_date", pl.Series([sent]))
    assert found.frame["cine_close_date"].to_list() == [None]
    assert found.unreadable == {}


@pytest.mark.parametrize(
    "sent",
    [
        "soon",
        "2026-02-30",
        "31/02/2026",
        "11/24/2026",
        "24/11/26",
        "0204-01-01",
        "20261124",
        "2026",
        46350,
        time(12),
        "24 Nov 2026",
    ],
)
def test_what_is_no_date_becomes_empty_and_is_counted(sent: Any) -> None:
    found = read("ssd_cin_episodes", "cine_close_date", pl.Series([sent]))
    assert found.frame["cine_close_date"].to_list() == [None]
    assert found.unreadable == {"cine_close_date": 1}


@pytest.mark.parametrize("sent", ["Y", "y", "Yes", "TRUE", "true", "T", "1", "a) Yes", True, 1, 1.0, "1.0"])
def test_yes(sent: Any) -> None:
    assert one("ssd_cin_episodes", "cine_referral_nfa", sent) is True


@pytest.mark.parametrize("sent", ["N", "n", "No", "FALSE", "false", "F", "0", "b) No", False, 0, 0.0])
def test_no(sent: Any) -> None:
    assert one("ssd_cin_episodes", "cine_referral_nfa", sent) is False


def test_neither_yes_nor_no_is_counted() -> None:
    found = read("ssd_cin_episodes", "cine_referral_nfa", ["perhaps", "2", "-1", "", None, "Y"])
    assert found.frame["cine_referral_nfa"].to_list() == [None] * 5 + [True]
    assert found.unreadable == {"cine_referral_nfa": 3}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("1A", "1A"),
        ("1a", "1A"),
        (" 1A ", "1A"),
        ("1A-SELF", "1A"),
        ("1ALOCAL2", "1A"),
        ("5d", "5D"),
        ("10", "10"),
        ("10X", "10"),
        (10, "10"),
        (6.0, "6"),
        ("6", "6"),
        ("61", "6"),
        ("POLICE", "6"),
        ("Police", "6"),
        ("INDFRC", "1A"),
        ("HSERVAE", "3E"),
        ("Schools", "2A"),
        ("Health: GP", "3A"),
        ("5", UNLISTED),
        ("2F", UNLISTED),
        ("Mrs Smith of 4 Elm Road", UNLISTED),
    ],
)
def test_referral_sources(sent: Any, code: str) -> None:
    assert one("ssd_cin_episodes", "cine_referral_source_code", sent) == code


@pytest.mark.parametrize(
    ("table", "column", "sent", "code"),
    [
        ("ssd_person", "pers_ethnicity", "A1", "WBRI"),
        ("ssd_person", "pers_ethnicity", "CNHE", "CHNE"),
        ("ssd_person", "pers_ethnicity", "MWBa", "MWBA"),
        ("ssd_person", "pers_ethnicity", "ORAB", "OOTH"),
        ("ssd_person", "pers_ethnicity", "??", "NOBT"),
        ("ssd_person", "pers_ethnicity", "wbri", "WBRI"),
        ("ssd_person", "pers_ethnicity", "White British", "WBRI"),
        ("ssd_person", "pers_ethnicity", "Half Elf", UNLISTED),
        ("ssd_person", "pers_sex", "Female", "F"),
        ("ssd_person", "pers_sex", 1.0, "M"),
        ("ssd_person", "pers_gender", "02", "F"),
        ("ssd_cp_plans", "cppl_cp_plan_initial_category", "Neglect", "NEG"),
        ("ssd_cp_plans", "cppl_cp_plan_initial_category", "Emotional abuse", "EMO"),
        ("ssd_cp_plans", "cppl_cp_plan_initial_category", "emo", "EMO"),
        ("ssd_missing", "miss_missing_episode_type", "Missing", "M"),
        ("ssd_missing", "miss_missing_rhi_offered", "N/A", "NA"),
        ("ssd_cin_episodes", "cine_close_reason", "rc8", "RC8"),
        ("ssd_cin_episodes", "cine_close_reason", "", None),
        ("ssd_cin_episodes", "cine_close_reason", "Jo Smith rang", UNLISTED),
    ],
)
def test_codes_words_and_aliases(table: str, column: str, sent: Any, code: str | None) -> None:
    assert one(table, column, sent) == code


def test_aliases_lead_to_codes_of_existing_lists_and_never_rename_a_code() -> None:
    for name, entries in aliases().items():
        assert set(entries.values()) <= set(codes(name)), name
        assert all(alias == alias.upper() for alias in entries), name
        assert not [alias for alias, code in entries.items() if alias in codes(name) and alias != code], name


def test_every_code_and_label_reads_as_its_code() -> None:
    coded = [(table.name, column) for table in TABLES.values() for column in table.kept if column.kind is Kind.CODE]
    assert coded
    for table, column in coded:
        listed = codes(column.codes or "")
        assert read(table, column.name, list(listed)).frame[column.name].to_list() == list(listed)
        labels = [code.label for code in listed.values()]
        assert read(table, column.name, labels).frame[column.name].to_list() == list(listed), column.name


OUTCOMES = ("ssd_cin_episodes", "cine_referral_outcome_json")


@pytest.mark.parametrize(
    ("sent", "flags"),
    [
        ('{"NFA_FLAG":"Y","SINGLE_ASSESSMENT_FLAG":"N","CP_CONFERENCE_FLAG":""}', "NFA"),
        ('{"OUTCOME_NFA_FLAG":"Y","OUTCOME_CP_CONFERENCE_FLAG":"Y","OUTCOME_COMMENTS":""}', "CP_CONFERENCE|NFA"),
        ('{ "NFA_FLAG" : true , "CARE_LEAVER_FLAG" : false, "CLA_REQUEST_FLAG": 1 }', "CLA_REQUEST|NFA"),
        ('{"NFA_FLAG":"N","NUMBER_OF_OUTCOMES":"1"}', NO_CODES),
        ('[{"NFA":"No","CARE_LEAVER":"Yes"}]', "CARE_LEAVER"),
        ("{}", NO_CODES),
        ("[]", NO_CODES),
        ("null", NO_CODES),
        ("", None),
        (None, None),
        ("Single Assessment, Strategy Discussion", "SINGLE_ASSESSMENT|STRATEGY_DISCUSSION"),
        ("NFA,NFA", "NFA"),
        ("Single Assessment, Letter to Mrs Smith", f"{UNLISTED}|SINGLE_ASSESSMENT"),
        ("the mother said NFA and no CP conference", UNLISTED),
    ],
)
def test_flags_in_every_dialect(sent: str | None, flags: str | None) -> None:
    assert one(*OUTCOMES, sent) == flags


@pytest.mark.parametrize(
    "comment",
    [
        "spoke to Zebedee",
        "NFA",
        'he said "NFA" and left',
        '"NFA_FLAG":"Y"',
        '"NFA":"Y", "CLA_REQUEST_FLAG":"Y", and more',
        "NFA_FLAG: Y, CP CONFERENCE, {'NFA': 'Y'}",
        "two\nlines, NFA,\nCARE LEAVER",
        "ends in } brace",
    ],
)
@pytest.mark.parametrize(
    "sent",
    [
        '{{"SINGLE_ASSESSMENT_FLAG":"Y","NFA_FLAG":"N","COMMENTS":"{}"}}',
        '{{"OUTCOME_COMMENTS": "{}" , "SINGLE_ASSESSMENT_FLAG":"Y","NFA_FLAG":"N"}}',
        '{{"SINGLE_ASSESSMENT_FLAG":"Y","COMMENTS":"{}',  # cut off by the width of the column
    ],
)
def test_comments_set_no_flag_and_are_counted(sent: str, comment: str) -> None:
    found = read(*OUTCOMES, [sent.format(comment), sent.format("")])
    assert found.frame["cine_referral_outcome_json"][0] == "SINGLE_ASSESSMENT"
    assert found.dropped == {"cine_referral_outcome_json:comments": 1}


@given(st.text(max_size=60))
@settings(max_examples=80, deadline=None)
def test_no_text_whatever_passes_as_flags(text: str) -> None:
    """Broken or not, a value comes out as codes of the list and the two signs, and nothing else."""
    allowed = {*codes("referral_outcome_flags"), NO_CODES, UNLISTED}
    for sent in (text, f'{{"NFA_FLAG":"Y","COMMENTS":"{text}"}}', f"[{text}]"):
        value = one(*OUTCOMES, sent)
        assert value is None or set(value.split("|")) <= allowed


@pytest.mark.parametrize(
    ("sent", "factors"),
    [
        ('["2B","1A",null]', "1A|2B"),
        ('["1a", "1A"]', "1A"),
        ("[null]", NO_CODES),
        ('{"1A":"Yes","2B":"No","3C":"Yes"}', "1A|3C"),
        ("1A,2B", "1A|2B"),
        ("1A; 2B", "1A|2B"),
        ("21", "21"),
        ('["18A","19A"]', "18A|19A"),
        ('["99Z"]', UNLISTED),
        ('["1A","99Z"]', f"1A|{UNLISTED}"),
    ],
)
def test_factors_in_every_dialect(sent: str, factors: str) -> None:
    assert sorted(one("ssd_assessment_factors", "cinf_assessment_factors_json", sent).split("|")) == sorted(factors.split("|"))


def test_what_is_unlisted_is_in_no_list_so_that_the_check_asks_about_it() -> None:
    assert not [name for name, listed in code_lists().items() if UNLISTED in listed or NO_CODES in listed]
    asked = {
        check.column for table in TABLES.values() for check in checks_for(table) if check.asks in (Asks.IN_LIST, Asks.ALL_IN_LIST)
    }
    coded = {column.name for table in TABLES.values() for column in table.kept if column.kind in (Kind.CODE, Kind.CODES)}
    assert asked == coded


@pytest.mark.parametrize(
    ("sent", "number"),
    [("7", 7), (" 7 ", 7), ("7.0", 7), (7, 7), (7.0, 7), ("-1", -1), ("7.5", None), (7.5, None), ("x", None), ("nan", None),
     ("inf", None), (float("nan"), None), (float("inf"), None)],
)  # fmt: skip
def test_whole_numbers(sent: Any, number: int | None) -> None:
    found = read("ext_assessments_sos", "asos_scale", [sent])
    assert found.frame["asos_scale"].to_list() == [number]
    assert found.unreadable == ({"asos_scale": 1} if number is None else {})


@pytest.mark.parametrize(("sent", "number"), [("7.5", 7.5), (7, 7.0), ("nan", None), ("many", None)])
def test_numbers(sent: Any, number: float | None) -> None:
    assert one("ext_workforce", "work_value", sent) == number


def test_what_is_not_kept_is_dropped_and_counted() -> None:
    table = TABLES["ssd_early_help_episodes"]
    frame = pl.DataFrame(
        {
            "earl_episode_id": [KEY, KEY],
            "earl_person_id": [KEY, KEY],
            "earl_episode_start_date": ["2026-01-01", "2026-01-01"],
            "earl_episode_reason": ["Zebedee was hungry", "  "],
            "earl_episode_worker_id": ["Jo Smith", "Al Jones"],
            "ward": ["Heneage", None],
        }
    )
    found = conform(table, frame)
    assert found.dropped == {"earl_episode_reason": 1, "earl_episode_worker_id": 2}
    assert found.unknown == ("ward",)
    assert found.frame.schema == pl.Schema(table.schema)
    assert found.frame["earl_episode_end_date"].to_list() == [None, None]


def test_a_missing_required_column_is_named() -> None:
    with pytest.raises(ContractError, match=r"'ssd_cin_episodes' lacks the column 'cine_referral_date' \(2 required") as refusal:
        conform(TABLES["ssd_cin_episodes"], pl.DataFrame({"cine_referral_id": [KEY], "cine_person_id": [KEY]}))
    assert refusal.value.exit_code == 11


MESSY: dict[Kind, st.SearchStrategy[str | None]] = {
    Kind.ID: st.sampled_from([KEY, f" {KEY}", "", None]),
    Kind.DATE: st.sampled_from(["2026-11-24", "24/11/2026 10:00", "1900-01-01", "soon", "", None]),
    Kind.MONTH: st.sampled_from(["2026-11-01", "01/11/2026", "soon", None]),
    Kind.CODE: st.sampled_from(["1A", "1a-x", "POLICE", "RC1", "Zebedee", "??", "?", "A1", "Y", "", None]),
    Kind.CODES: st.sampled_from(
        ["NFA", '["1A",null]', '{"NFA_FLAG":"Y","COMMENTS":"x"}', "some words", "[]", "-", "?", "", None]
    ),
    Kind.YESNO: st.sampled_from(["Y", "b) No", "1", "perhaps", None]),
    Kind.INTEGER: st.sampled_from(["7", "7.5", "x", None]),
    Kind.NUMBER: st.sampled_from(["7", "7.5", "nan", None]),
}


@st.composite
def messy_tables(draw: st.DrawFn) -> tuple[str, pl.DataFrame]:
    table = TABLES[draw(st.sampled_from(sorted(TABLES)))]
    rows = draw(st.integers(1, 4))
    values = {column.name: draw(st.lists(MESSY[column.kind], min_size=rows, max_size=rows)) for column in table.kept}
    return table.name, pl.DataFrame(values, schema=dict.fromkeys(values, pl.String))


@given(messy_tables())
@settings(max_examples=40, deadline=None)
def test_conforming_a_conformed_frame_changes_nothing(messy: tuple[str, pl.DataFrame]) -> None:
    name, frame = messy
    once = conform(TABLES[name], frame)
    again = conform(TABLES[name], once.frame)
    assert_frame_equal(again.frame, once.frame)
    assert again.unreadable == {}
    assert again.dropped == {}
    as_text = once.frame.select(pl.all().cast(pl.String))  # through a CSV file
    assert_frame_equal(conform(TABLES[name], as_text).frame, once.frame)


@given(messy_tables())
@settings(max_examples=25, deadline=None)
def test_every_value_is_read_or_counted(messy: tuple[str, pl.DataFrame]) -> None:
    name, frame = messy
    found = conform(TABLES[name], frame)
    for column in frame.columns:
        sent = sum(1 for value in frame[column] if value is not None and value.strip() not in ("", "1900-01-01"))
        assert sent == found.frame[column].count() + found.unreadable.get(column, 0)
