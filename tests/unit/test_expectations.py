"""Great Expectations behind its door: which rows break which check."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from validation.checks import Asks, Check, Severity
from validation.conforming import NO_CODES
from validation.errors import ContractError
from validation.expectations import BROKEN_SCHEMA, SUMMARY_SCHEMA, run_checks

EXTRACT_DATE = date(2026, 11, 24)

FRAME = pl.DataFrame(
    {
        "key": ["a", "b", "b", None, None],
        "day": [date(2026, 1, 1), date(2026, 11, 24), date(2026, 11, 25), None, date(2020, 1, 1)],
        "end": [date(2026, 1, 1), date(2026, 11, 23), None, date(2020, 1, 1), date(2020, 1, 2)],
        "code": ["FGC", "fgc", None, "", "FGC"],
        "codes": ["1A|2B", "1A|99", "", None, NO_CODES],
        "flag": [True, None, False, True, True],
        "rule_1": [True, True, False, True, False],
    },
    schema_overrides={"day": pl.Date, "end": pl.Date},
)


def asked(test: Asks, column: str, other: str | None = None) -> Check:
    return Check(f"{column} {test}", "visits", Severity.ERROR, test, column, other, "It is wrong.")


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        (asked(Asks.PRESENT, "key"), [3, 4]),
        (asked(Asks.PRESENT, "flag"), [1]),
        (asked(Asks.PRESENT, "day"), [3]),
        (asked(Asks.UNIQUE, "key"), [1, 2]),
        (asked(Asks.IN_LIST, "code", "offer_kind"), [1, 3]),
        (asked(Asks.ALL_IN_LIST, "codes", "assessment_factors"), [1, 2]),
        (asked(Asks.NOT_AFTER_EXTRACT, "day"), [2]),
        (asked(Asks.ORDERED, "end", "day"), [1]),
        (asked(Asks.HOLDS, "rule_1"), [2, 4]),
    ],
    ids=lambda value: value.rule if isinstance(value, Check) else "",
)
def test_these_rows_break_the_check(check: Check, broken: list[int]) -> None:
    findings = run_checks({"visits": FRAME}, {"visits": [check]}, EXTRACT_DATE, None)
    assert findings.broken.rows() == [("visits", row, check.rule, "error") for row in broken]
    assert findings.summary.rows() == [("visits", check.rule, "error", "It is wrong.", 5, len(broken))]


def test_findings_keep_checks_and_tables_apart() -> None:
    first = Check("1", "visits", Severity.ERROR, Asks.PRESENT, "key", None, "No key.")
    second = Check("2", "visits", Severity.QUERY, Asks.HOLDS, "rule_1", None, "No rule.")
    third = Check("2", "others", Severity.QUERY, Asks.HOLDS, "rule_1", None, "No rule.")
    findings = run_checks(
        {"visits": FRAME, "others": FRAME.head(3), "unasked": FRAME},
        {"visits": [first, second], "others": [third]},
        EXTRACT_DATE,
        None,
    )
    assert findings.broken.rows() == [
        ("visits", 3, "1", "error"),
        ("visits", 4, "1", "error"),
        ("visits", 2, "2", "query"),
        ("visits", 4, "2", "query"),
        ("others", 2, "2", "query"),
    ]
    assert findings.summary.select("table", "rule", "rows", "broken").rows() == [
        ("visits", "1", 5, 2),
        ("visits", "2", 5, 2),
        ("others", "2", 3, 1),
    ]


def test_an_empty_table_passes_and_is_counted() -> None:
    findings = run_checks({"visits": FRAME.clear()}, {"visits": [asked(Asks.PRESENT, "key")]}, EXTRACT_DATE, None)
    assert findings.broken.is_empty()
    assert findings.broken.schema == pl.Schema(BROKEN_SCHEMA)
    assert findings.summary.schema == pl.Schema(SUMMARY_SCHEMA)
    assert findings.summary["rows"].to_list() == [0]


def test_no_table_gives_no_finding() -> None:
    findings = run_checks({}, {}, EXTRACT_DATE, None)
    assert findings.broken.is_empty()
    assert findings.summary.is_empty()


def test_every_broken_row_is_found_however_many() -> None:
    rows = 2_500  # more than the 20 and 200 that Great Expectations lists by default
    holds = pl.DataFrame({"rule_1": [number % 5 == 0 for number in range(rows)]})
    findings = run_checks({"visits": holds}, {"visits": [asked(Asks.HOLDS, "rule_1")]}, EXTRACT_DATE, None)
    assert findings.broken["row"].to_list() == [number for number in range(rows) if number % 5]


def test_a_column_without_any_value_passes_all_but_presence() -> None:
    nothing = FRAME.select(pl.lit(None, dtype).alias(name) for name, dtype in FRAME.schema.items())
    questions = [
        asked(Asks.PRESENT, "day"),
        asked(Asks.UNIQUE, "key"),
        asked(Asks.IN_LIST, "code", "offer_kind"),
        asked(Asks.ALL_IN_LIST, "codes", "assessment_factors"),
        asked(Asks.NOT_AFTER_EXTRACT, "day"),
        asked(Asks.ORDERED, "end", "day"),
    ]
    findings = run_checks({"visits": nothing}, {"visits": questions}, EXTRACT_DATE, None)
    assert findings.summary["broken"].to_list() == [nothing.height, 0, 0, 0, 0, 0]


def test_a_check_that_could_not_be_computed_is_no_finding() -> None:
    words = FRAME.with_columns(pl.lit("PLANTEDVALUE").alias("day"))
    with pytest.raises(ContractError, match="could not be computed on column 'day'") as refusal:
        run_checks({"visits": words}, {"visits": [asked(Asks.NOT_AFTER_EXTRACT, "day")]}, EXTRACT_DATE, None)
    assert "PLANTEDVALUE" not in str(refusal.value)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ContractError, match="'visits' lacks the columns 'absent', 'gone'"):
        run_checks({"visits": FRAME}, {"visits": [asked(Asks.ORDERED, "gone", "absent")]}, EXTRACT_DATE, None)


def test_nothing_is_written_unless_docs_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    run_checks({"visits": FRAME}, {"visits": [asked(Asks.PRESENT, "key")]}, EXTRACT_DATE, None)
    assert list(tmp_path.rglob("*")) == []
