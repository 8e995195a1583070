"""Nothing that could identify a person passes the privacy gate, and nothing harmless is taken for it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from validation.contract import Kind
from validation.errors import PrivacyError
from validation.extract import Extract, ExtractRule, Manifest, Origin
from validation.privacy import findings, refuse_identifiers
from validation.tables.catalogue import REFUSED_TABLES, TABLES

MANIFEST = Manifest("Anyshire", Origin.REAL, ExtractRule.STARTED_OR_OPEN, date(2020, 11, 24), date(2026, 11, 24))
KEY = "0123456789abcdef0123456789abcdef"


def found(table: str, **columns: Any) -> list[str]:
    return findings(Extract(MANIFEST, {table: pl.DataFrame(columns)}))


def in_code_column(*values: Any, dtype: Any = None) -> list[str]:
    """What is found in a column that the contract knows and that is no key."""
    return found("ssd_cin_episodes", cine_close_reason=pl.Series(values, dtype=dtype))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("unique pupil numbers", "H801200001001"),
        ("unique pupil numbers", "J82320000100A"),  # temporary
        ("unique pupil numbers", "h801200001001"),
        ("unique pupil numbers", "Z801200001001"),  # its check letter is wrong
        ("unique pupil numbers", " H801200001001\t"),
        ("unique pupil numbers", "\ufeffH8012\u200b00001001"),
        ("NHS numbers", "9434765919"),
        ("NHS numbers", "943 476 5919"),
        ("NHS numbers", "943-476-5919"),
        ("NHS numbers", "9990000018"),
        ("National Insurance numbers", "AB123456C"),
        ("National Insurance numbers", "ab 12 34 56 c"),
        ("National Insurance numbers", "AB123456"),
        ("postcodes", "BN7 1UE"),
        ("postcodes", "bn71ue"),
        ("postcodes", "BN7\u00a01UE"),
        ("postcodes", "W1A 0AX"),
        ("postcodes", "EC1A 1BB"),
        ("postcodes", "M1 1AE"),
        ("postcodes", "DN31 1HU"),
        ("postcodes", "DN31 1"),  # the sector alone
        ("e-mail addresses", "someone@example.org"),
        ("telephone numbers", "01472 326292"),
        ("telephone numbers", "07700900123"),
        ("telephone numbers", "+44 7700 900123"),
        ("telephone numbers", "(01472) 32-6292"),
        ("telephone numbers", "0044 1472 326292"),
        ("Social Work England numbers", "SW123456"),
        ("Social Work England numbers", "sw1"),
    ],
)
@pytest.mark.parametrize("column", ["cine_close_reason", "cine_referral_team", "something_else"])
def test_every_shape_refuses_in_every_column_that_is_no_key(kind: str, value: str, column: str) -> None:
    (finding,) = [words for words in found("ssd_cin_episodes", **{column: ["RC1", value]}) if kind in words]
    assert finding.startswith("1 values")
    assert f"'ssd_cin_episodes.{column}'" in finding


@pytest.mark.parametrize(
    "values",
    [
        ["1A", "2B", "3F", "10", "6"],
        ["N1", "N0", "RC1", "RC9", "RC10", "WBRI", "MWBa", "??", "A1"],
        ["18A", "22A", "NEG", "INDFRC", "HSERVGP", "a) Yes"],
        ["2026-11-24", "24/11/2026", "01/02/2026", "2026-11-24 00:00:00", "01/02/2026 00:00:00", "01-02-2026"],
        ['{"NFA_FLAG":"Y","COMMENTS":"call 07700 900123, H801200001001"}', '["1A", null, "2B"]', "Single Assessment, NFA"],
        ["1086942", "42", "0", "0.5", "00000"],
    ],
)
def test_codes_dates_and_flags_pass(values: list[str]) -> None:
    assert in_code_column(*values) == []


def test_nhs_numbers_are_judged_by_the_column() -> None:
    wrong = ["9434765918", "9434765917", "1234567890", "1000000001"]
    assert in_code_column(*wrong) == []
    assert in_code_column(*wrong, "9434765919") == []
    assert in_code_column("9434765919", "9990000018", "1234567890") != []


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64, pl.Float64, pl.String, pl.Categorical])
def test_nhs_numbers_of_any_type_are_found(dtype: Any) -> None:
    numbers = pl.Series([9434765919, 9990000018]).cast(pl.String)
    assert found("ext_assessments_sos", asos_strengths=numbers.cast(dtype)) != []


def test_shapes_are_found_in_categories() -> None:
    assert in_code_column("BN7 1UE", "RC1", dtype=pl.Categorical) != []
    assert in_code_column("BN7 1UE", dtype=pl.Enum(["BN7 1UE"])) != []


@pytest.mark.parametrize(
    "values", [[["BN7 1UE"]], [{"a": "BN7 1UE"}], [b"BN7 1UE"], [timedelta(1)]], ids=["list", "struct", "bytes", "span"]
)
def test_values_that_cannot_be_looked_through_are_refused(values: list[Any]) -> None:
    (finding,) = in_code_column(*values)
    assert "cannot be looked through" in finding
    assert "BN7" not in finding


@pytest.mark.parametrize(
    "key", ["1086942", 1086942, 1086942.0, KEY.upper(), KEY[:-1], KEY + "0", KEY[:-1] + "g", f"{KEY}\n{KEY}", "H801200001001"]
)
def test_a_key_that_is_no_pseudonym_refuses(key: Any) -> None:
    (finding,) = found("ssd_person", pers_person_id=[key])
    assert finding == "1 keys in 'ssd_person.pers_person_id' that are not pseudonyms of 32 hexadecimal digits"


def test_every_key_column_is_looked_at() -> None:
    for table in TABLES.values():
        for column in table.columns:
            if column.kind is Kind.ID:
                assert found(table.name, **{column.name: ["42"]}) != [], column.name
                assert found(table.name, **{column.name: [KEY, f" {KEY} ", "", None]}) == [], column.name


@pytest.mark.parametrize("column", ["pers_dob", "pers_expected_dob", "pers_death_date"])
@pytest.mark.parametrize(
    ("value", "passes"),
    [
        ("2015-03-01", True),
        ("2015-03-01T00:00:00", True),
        ("2015-03-01 00:00:00.000", True),
        ("01/03/2015", True),
        ("01/03/2015 00:00", True),
        (date(2015, 3, 1), True),
        (datetime(2015, 3, 1, 12), True),
        ("1900-01-01", True),
        ("2015-03-15", False),
        ("15/03/2015", False),
        ("2015-03-15T00:00:00", False),
        ("03/15/2015", False),
        ("01/15/2015", False),  # the 15th of January, written the American way
        ("2015-13-01", False),
        ("20150315", False),
        ("15 March 2015", False),
        (date(2015, 3, 15), False),
        (datetime(2015, 3, 15), False),
        (datetime(2015, 3, 15, tzinfo=UTC), False),
        (42078, False),  # a day as a worksheet counts it
    ],
)
def test_birth_dates_must_be_months(column: str, value: Any, passes: bool) -> None:
    assert (found("ssd_person", **{column: [value, None]}) == []) is passes


@pytest.mark.parametrize(
    "column",
    ["pers_legacy_id", "pers_upn", "pers_forename", "pers_surname", "pers_single_unique_id", "pers_common_child_id"],
)
def test_identifier_columns_must_be_empty(column: str) -> None:
    assert found("ssd_person", **{column: [None, "", "   ", "\u00a0"]}) == []
    assert found("ssd_person", **{column: pl.Series([None, None])}) == []
    assert found("ssd_person", **{column: ["", "x"]}) == [f"1 values in 'ssd_person.{column}', which must be empty"]
    assert found("ssd_person", **{column: [0]}) != []


def test_worker_names_of_a_referral_refuse() -> None:
    assert found("ssd_cin_episodes", cine_referral_worker_id=["Smith, Jo"]) != []


@pytest.mark.parametrize(
    "header",
    ["forename", "pers_first_name", "surname", "full_name", "child_name", "known_as", "alias", "home_postcode", "address_line_1",
     "email", "e_mail", "phone", "mobile", "nhs_number", "upn", "send_uln", "nino", "dob", "date_of_birth", "social_worker",
     "allocated_to", "Surname"],
)  # fmt: skip
def test_a_header_that_names_people_refuses_with_any_value(header: str) -> None:
    (finding,) = found("ssd_person", **{header: ["x", None]})
    assert finding == f"1 values in 'ssd_person.{header}', a column that names people"
    assert found("ssd_person", **{header: [None, " "]}) == []


@pytest.mark.parametrize("header", ["local_flag", "upnote", "ward", "dobson_score", "last_updated"])
def test_other_unknown_headers_pass(header: str) -> None:
    assert found("ssd_person", **{header: ["x"]}) == []


@pytest.mark.parametrize("table", sorted(REFUSED_TABLES))
def test_tables_that_identify_people_refuse_with_any_row(table: str) -> None:
    assert found(table, anything=["x"]) == [f"1 rows in '{table}', a table that identifies people"]
    assert found(table, anything=[]) == []


def test_the_message_counts_and_never_quotes() -> None:
    planted = ["H801200001001", "9434765919", "BN7 1UE", "someone@example.org", "Zebedee", "2015-03-15", "1086942"]
    extract = Extract(
        MANIFEST,
        {
            "ssd_person": pl.DataFrame(
                {
                    "pers_person_id": ["1086942", KEY],
                    "pers_forename": ["Zebedee", None],
                    "pers_dob": ["2015-03-15", None],
                    "other": ["BN7 1UE", "someone@example.org"],
                }
            ),
            "ssd_cin_episodes": pl.DataFrame({"cine_close_reason": ["H801200001001", "9434765919"]}),
        },
    )
    with pytest.raises(PrivacyError) as refusal:
        refuse_identifiers(extract)
    said = [str(refusal.value), *findings(extract)]
    assert not [value for value in planted for words in said if value in words]
    assert len(findings(extract)) == 7
    assert "and 4 more findings" in said[0]
    assert "rereferral pseudonymise" in said[0]
    assert refusal.value.exit_code == 12


def test_a_clean_extract_passes() -> None:
    refuse_identifiers(Extract(MANIFEST, {"ssd_person": pl.DataFrame({"pers_person_id": [KEY], "pers_dob": ["2015-03-01"]})}))
