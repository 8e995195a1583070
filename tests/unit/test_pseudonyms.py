"""Pseudonyms: keyed, the same everywhere and every night, and an output that passes the gate."""

import hashlib
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from validation.contract import Kind
from validation.errors import ContractError, SettingsError
from validation.extract import Extract, ExtractRule, Manifest, Origin
from validation.gate import check_extract
from validation.privacy import PSEUDONYM, findings
from validation.pseudonyms import check_key, entity, fingerprint, pseudonymise
from validation.tables.catalogue import TABLES

KEY = b"0123456789abcdef0123456789abcdef"
MANIFEST = Manifest("Anyshire", Origin.REAL, ExtractRule.STARTED_OR_OPEN, date(2020, 11, 25), date(2026, 11, 24))
PERSON, EPISODES = "ssd_person", "ssd_cin_episodes"


def raw(**changes: pl.DataFrame) -> Extract:
    """A council's ordinary files: names, full dates, workers and notes in them."""
    tables = {
        PERSON: pl.DataFrame(
            {
                "pers_person_id": ["1086942", "77"],
                "pers_upn": ["H801200001001", None],
                "pers_forename": ["Zebedee", "Florence"],
                "pers_dob": ["2015-03-15", "29/02/2016"],
                "pers_sex": ["Male", "F"],
                "pers_nationality": ["GB", ""],
                "home_postcode": ["BN7 1UE", None],
            }
        ),
        EPISODES: pl.DataFrame(
            {
                "cine_referral_id": ["1086942", "r2"],
                "cine_person_id": [1086942, 77],
                "cine_referral_date": ["2026-03-02", "02/03/2026"],
                "cine_referral_nfa": ["N", "perhaps"],
                "cine_referral_source_code": ["BN7 1UE", None],
                "cine_referral_worker_id": ["Jo Smith", "Jo Smith"],
                "cine_referral_outcome_json": ['{"NFA_FLAG":"N","COMMENTS":"Zebedee said"}', None],
            }
        ),
        "ssd_family": pl.DataFrame(
            {"fami_table_id": ["1", "2"], "fami_family_id": ["9", "9"], "fami_person_id": [1086942.0, 77.0]}
        ),
        "ssd_address": pl.DataFrame({"addr_address_postcode": ["BN7 1UE"]}),
    }
    return Extract(MANIFEST, tables | changes)


def by_hand(kind: str, raw_id: str) -> str:
    """HMAC-SHA256 written out as RFC 2104 has it, first 128 bits."""
    block = KEY.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + f"{kind}|{raw_id}".encode()).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).hexdigest()[:32]


def test_a_pseudonym_is_the_first_half_of_a_keyed_hash() -> None:
    made = pseudonymise(raw(), KEY).extract.tables[PERSON]["pers_person_id"].to_list()
    assert made[0] == "18db06737b33af62a59e2f12265bb965"  # openssl dgst -sha256 -hmac KEY of "ssd_person|1086942"
    assert made == [by_hand(PERSON, "1086942"), by_hand(PERSON, "77")]


def test_one_child_has_one_pseudonym_in_every_table_on_every_night_and_of_any_type() -> None:
    tables = pseudonymise(raw(), KEY).extract.tables
    people = tables[PERSON]["pers_person_id"].to_list()
    assert tables[EPISODES]["cine_person_id"].to_list() == people
    assert tables["ssd_family"]["fami_person_id"].to_list() == people
    another_night = Extract(replace(MANIFEST, extract_date=date(2026, 11, 25)), raw().tables)
    assert pseudonymise(another_night, KEY).extract.tables[PERSON]["pers_person_id"].to_list() == people


@pytest.mark.parametrize(
    "ids",
    [["1086942", "77"], [1086942, 77], [1086942.0, 77.0], ["1086942.0", "77.0"], [" 1086942 ", "77\t"]],
    ids=["text", "whole", "float", "float as text", "blanks"],
)
def test_ids_of_any_type_agree(ids: list[Any]) -> None:
    frame = raw().tables[EPISODES].with_columns(cine_person_id=pl.Series(ids))
    made = pseudonymise(raw(ssd_cin_episodes=frame), KEY).extract.tables[EPISODES]["cine_person_id"]
    assert made.to_list() == [by_hand(PERSON, "1086942"), by_hand(PERSON, "77")]


def test_equal_numbers_of_different_kinds_and_different_keys_differ() -> None:
    tables = pseudonymise(raw(), KEY).extract.tables
    assert tables[EPISODES]["cine_referral_id"][0] != tables[PERSON]["pers_person_id"][0]
    other = pseudonymise(raw(), KEY[::-1]).extract
    assert not set(other.tables[PERSON]["pers_person_id"]) & set(tables[PERSON]["pers_person_id"])
    assert other.manifest.key_fingerprint != fingerprint(KEY)


def test_an_empty_id_stays_empty() -> None:
    frame = raw().tables[EPISODES].with_columns(cine_person_id=pl.Series(["  ", None], dtype=pl.String))
    made = pseudonymise(raw(ssd_cin_episodes=frame), KEY)
    assert made.extract.tables[EPISODES]["cine_person_id"].to_list() == [None, None]
    assert "" not in made.crosswalk["raw_id"]


def test_every_reference_leads_to_the_pseudonym_of_its_parent() -> None:
    kinds: dict[str, set[str]] = {}
    for table in TABLES.values():
        for column in table.columns:
            if column.kind is Kind.ID:
                kinds.setdefault(entity(table, column.name), set()).add(column.name)
    assert {"link_old_person_id", "link_new_person_id", "pers_person_id", "offe_person_id"} <= kinds[PERSON]
    assert kinds["family"] == {"fami_family_id", "offe_family_id"}
    assert {"icpc_cp_plan_id", "cppl_cp_plan_id"} == kinds["ssd_cp_plans"]


def test_birth_dates_become_months_and_other_dates_stay() -> None:
    tables = pseudonymise(raw(), KEY).extract.tables
    assert tables[PERSON]["pers_dob"].to_list() == [date(2015, 3, 1), date(2016, 2, 1)]
    assert tables[EPISODES]["cine_referral_date"].to_list() == [date(2026, 3, 2)] * 2
    typed = raw().tables[PERSON].with_columns(pers_dob=pl.Series([datetime(2015, 3, 31, 23, 59), None]))
    assert pseudonymise(raw(ssd_person=typed), KEY).extract.tables[PERSON]["pers_dob"].to_list() == [date(2015, 3, 1), None]


def test_what_is_left_out_is_counted() -> None:
    made = pseudonymise(raw(), KEY)
    assert made.dropped == {
        "ssd_person.pers_upn": 1,
        "ssd_person.pers_forename": 2,
        "ssd_person.pers_nationality": 1,
        "ssd_person.home_postcode": 1,
        "ssd_cin_episodes.cine_referral_worker_id": 2,
        "ssd_cin_episodes.cine_referral_outcome_json:comments": 1,
        "ssd_address": 1,
    }
    assert made.unreadable == {"ssd_cin_episodes.cine_referral_nfa": 1}
    assert set(made.extract.tables) == {PERSON, EPISODES, "ssd_family"}


def test_nothing_of_the_raw_files_is_left() -> None:
    tables = pseudonymise(raw(), KEY).extract.tables
    kept = str({name: frame.rows() for name, frame in tables.items()})
    for value in ("Zebedee", "Florence", "H801200001001", "BN7", "Smith", "1086942", "2015-03-15"):
        assert value not in kept
    for name, frame in tables.items():
        for column in TABLES[name].columns:
            if column.kind is Kind.ID and column.name in frame.columns:
                assert frame[column.name].str.contains(PSEUDONYM).all()


def test_the_output_passes_the_gate_and_the_raw_files_do_not() -> None:
    assert findings(raw()) != []
    made = pseudonymise(raw(), KEY).extract
    assert findings(made) == []
    gated = check_extract(made)
    assert gated.accepted[PERSON].height == 2
    assert gated.counts[EPISODES].set_aside == {"8568": 1}
    assert gated.manifest.key_fingerprint == fingerprint(KEY)


def test_the_crosswalk_leads_back() -> None:
    crosswalk = pseudonymise(raw(), KEY).crosswalk
    people = crosswalk.filter(kind=PERSON)
    assert people.select("raw_id", "pseudonym").rows() == [(number, by_hand(PERSON, number)) for number in ("1086942", "77")]
    assert crosswalk.select("kind", "raw_id").is_unique().all()
    assert crosswalk["pseudonym"].is_unique().all()
    assert set(crosswalk["kind"]) == {PERSON, EPISODES, "ssd_family", "family"}


def test_a_fingerprint_tells_keys_apart_and_not_what_they_are() -> None:
    assert fingerprint(KEY) == "1fb06d8549a291a0"  # openssl dgst -sha256 -hmac KEY of "fingerprint"
    assert fingerprint(KEY) not in str(pseudonymise(raw(), KEY).crosswalk.rows())


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 15])
def test_a_short_key_is_refused(key: bytes) -> None:
    with pytest.raises(SettingsError, match=f"has {len(key)} bytes: at least 16 are needed") as refusal:
        pseudonymise(raw(), key)
    assert refusal.value.exit_code == 10
    assert check_key(b"x" * 16) == b"x" * 16


def test_files_that_are_none_of_ours_are_refused() -> None:
    with pytest.raises(ContractError, match="holds none of the contract's tables"):
        pseudonymise(Extract(MANIFEST, {"pupils": pl.DataFrame({"name": ["Zebedee"]})}), KEY)


def test_a_required_column_that_is_missing_is_named() -> None:
    frame = raw().tables[EPISODES].drop("cine_referral_date")
    with pytest.raises(ContractError, match="lacks the column 'cine_referral_date'"):
        pseudonymise(raw(ssd_cin_episodes=frame), KEY)


def test_factors_that_came_without_keys_get_those_of_their_assessments() -> None:
    rows = {"cinf_assessment_id": ["31", "32"], "cinf_assessment_factors_json": ['["1A"]', '["2B"]']}
    without, empty = pl.DataFrame(rows), pl.DataFrame(rows | {"cinf_table_id": ["NULL", ""]})
    own = pl.DataFrame(rows | {"cinf_table_id": ["7", None]})
    for frame in (without, empty):
        factors = pseudonymise(raw(ssd_assessment_factors=frame), KEY).extract.tables["ssd_assessment_factors"]
        assert factors["cinf_table_id"].to_list() == [
            by_hand("ssd_assessment_factors", "31"),
            by_hand("ssd_assessment_factors", "32"),
        ]
        assert factors["cinf_assessment_id"].to_list() == [
            by_hand("ssd_cin_assessments", "31"),
            by_hand("ssd_cin_assessments", "32"),
        ]
    factors = pseudonymise(raw(ssd_assessment_factors=own), KEY).extract.tables["ssd_assessment_factors"]
    assert factors["cinf_table_id"].to_list() == [by_hand("ssd_assessment_factors", "7"), None]


def test_null_in_letters_is_no_value() -> None:
    plans = pl.DataFrame(
        {
            "cppl_cp_plan_id": ["1", "2"],
            "cppl_referral_id": ["NULL", " NULL "],
            "cppl_person_id": ["1086942", "77"],
            "cppl_cp_plan_start_date": ["2026-01-02", "2026-01-03"],
            "cppl_cp_plan_end_date": ["NULL", "2026-02-03"],
            "cppl_cp_plan_latest_category": ["NULL", "NULL"],
        }
    )
    made = pseudonymise(raw(ssd_cp_plans=plans), KEY)
    assert made.extract.tables["ssd_cp_plans"]["cppl_referral_id"].to_list() == [None, None]
    assert made.extract.tables["ssd_cp_plans"]["cppl_cp_plan_end_date"].to_list() == [None, date(2026, 2, 3)]
    assert not made.crosswalk.filter(raw_id="NULL").height
    assert not [column for column in (*made.dropped, *made.unreadable) if column.startswith("ssd_cp_plans")]
