"""The gate: nothing is lost, orphans go with their parents, and each stop has its exit code and its words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ChecksError, ContractError, PrivacyError
from validation.extract import Extract, ExtractRule, Manifest, Origin
from validation.gate import (
    ORPHAN,
    UNKNOWN_CHILD,
    UNKNOWN_PARENT,
    Gated,
    Limits,
    TableCount,
    check_extract,
    re_referrals,
    stop_if_implausible,
    stop_if_withdrawn,
)

DAY = date(2026, 11, 24)
MANIFEST = Manifest("Anyshire", Origin.REAL, ExtractRule.STARTED_OR_OPEN, date(2020, 11, 25), DAY, "k1")
PERSON, EPISODES, ASSESSMENTS, FACTORS = "ssd_person", "ssd_cin_episodes", "ssd_cin_assessments", "ssd_assessment_factors"


def key(kind: str, number: int) -> str:
    return f"{kind.encode().hex()}{number:x}".zfill(32)


def frames(children: int = 6) -> dict[str, pl.DataFrame]:
    """Children with one episode, one assessment and one row of factors each, all in order."""
    numbers = range(children)
    return {
        PERSON: pl.DataFrame({"pers_person_id": [key("p", n) for n in numbers], "pers_dob": "2016-05-01", "pers_sex": "F"}),
        EPISODES: pl.DataFrame(
            {
                "cine_referral_id": [key("r", n) for n in numbers],
                "cine_person_id": [key("p", n) for n in numbers],
                "cine_referral_date": "2026-03-02",
                "cine_referral_nfa": "N",
                "cine_cin_primary_need_code": "N1",
                "cine_referral_source_code": "6",
            }
        ),
        ASSESSMENTS: pl.DataFrame(
            {
                "cina_assessment_id": [key("a", n) for n in numbers],
                "cina_person_id": [key("p", n) for n in numbers],
                "cina_referral_id": [key("r", n) for n in numbers],
                "cina_assessment_start_date": "2026-03-03",
                "cina_assessment_auth_date": "2026-04-01",
            }
        ),
        FACTORS: pl.DataFrame(
            {
                "cinf_table_id": [key("f", n) for n in numbers],
                "cinf_assessment_id": [key("a", n) for n in numbers],
                "cinf_assessment_factors_json": '["1A"]',
            }
        ),
    }


def plant(frame: pl.DataFrame, row: int, column: str, value: Any) -> pl.DataFrame:
    """The frame with one value changed."""
    here = pl.int_range(pl.len()) == row
    return frame.with_columns(pl.when(here).then(pl.lit(value, pl.String)).otherwise(pl.col(column)).alias(column))


def passed(tables: Mapping[str, pl.DataFrame]) -> Gated:
    return check_extract(Extract(MANIFEST, tables))


def test_a_sound_extract_is_accepted_whole() -> None:
    gated = passed(frames() | {"ssd_department": pl.DataFrame({"dept_team_id": ["1"]})})
    assert {name: (count.received, count.accepted) for name, count in gated.counts.items()} == dict.fromkeys(frames(), (6, 6))
    assert not [name for name, count in gated.counts.items() if count.set_aside or count.duplicates or count.queries]
    assert gated.not_read == ("ssd_department",)
    assert gated.columns[PERSON] == ("pers_person_id", "pers_sex", "pers_dob")
    stop_if_implausible(gated, Limits(), None, None)


def test_a_child_set_aside_takes_everything_with_it() -> None:
    tables = frames()
    tables[PERSON] = plant(tables[PERSON], 2, "pers_dob", "2027-01-01")  # born after the extract
    gated = passed(tables)
    assert {name: dict(count.set_aside) for name, count in gated.counts.items()} == {
        PERSON: {"8520": 1},
        EPISODES: {ORPHAN: 1},
        ASSESSMENTS: {ORPHAN: 1},
        FACTORS: {ORPHAN: 1},
    }
    assert gated.set_aside[FACTORS]["cinf_table_id"].to_list() == [key("f", 2)]
    assert gated.set_aside[FACTORS]["reason"].to_list() == [ORPHAN]
    assert all(frame.height == 5 for frame in gated.accepted.values())


def test_an_episode_set_aside_takes_its_assessment_but_not_its_child() -> None:
    tables = frames()
    tables[EPISODES] = plant(tables[EPISODES], 1, "cine_referral_nfa", "perhaps")
    gated = passed(tables)
    assert gated.counts[EPISODES].set_aside == {"8568;cine_referral_nfa-unreadable": 1}
    assert gated.counts[EPISODES].unreadable == {"cine_referral_nfa": 1}
    assert gated.counts[PERSON].accepted == 6
    assert gated.counts[ASSESSMENTS].set_aside == {ORPHAN: 1}
    assert gated.counts[FACTORS].set_aside == {ORPHAN: 1}


def test_an_unknown_child_and_an_unknown_assessment_are_set_aside_and_an_unknown_episode_is_not() -> None:
    tables = frames()
    tables[EPISODES] = plant(tables[EPISODES], 0, "cine_person_id", key("p", 99))
    tables[ASSESSMENTS] = plant(tables[ASSESSMENTS], 1, "cina_referral_id", key("r", 99))
    tables[FACTORS] = plant(tables[FACTORS], 2, "cinf_assessment_id", key("a", 99))
    gated = passed(tables)
    assert gated.counts[EPISODES].set_aside == {UNKNOWN_CHILD: 1}
    assert gated.counts[ASSESSMENTS].set_aside == {ORPHAN: 1}
    assert gated.set_aside[ASSESSMENTS]["cina_assessment_id"].to_list() == [key("a", 0)]
    assert gated.counts[FACTORS].set_aside == {ORPHAN: 1, UNKNOWN_PARENT: 1}
    assert gated.queried.rows() == [(ASSESSMENTS, key("a", 2), "8897Q"), (ASSESSMENTS, key("a", 1), "unknown-episode")]


def test_rows_of_one_key_are_all_set_aside_and_exact_duplicates_are_not() -> None:
    tables = frames()
    twice = tables[PERSON].head(1).with_columns(pers_sex=pl.lit("M"))
    again = tables[PERSON].tail(1)
    tables[PERSON] = pl.concat([tables[PERSON], twice, again])
    gated = passed(tables)
    count = gated.counts[PERSON]
    assert (count.received, count.accepted, count.duplicates) == (8, 5, 1)
    assert count.set_aside == {"8510": 2}
    assert gated.counts[EPISODES].set_aside == {ORPHAN: 1}


def test_two_reasons_are_both_named() -> None:
    tables = frames()
    tables[EPISODES] = plant(plant(tables[EPISODES], 3, "cine_referral_date", ""), 3, "cine_referral_nfa", "")
    assert passed(tables).counts[EPISODES].set_aside == {"8568;8600": 1}


def test_an_orphan_with_a_fault_of_its_own_names_both() -> None:
    tables = frames()
    tables[PERSON] = plant(tables[PERSON], 4, "pers_dob", "2027-01-01")
    tables[EPISODES] = plant(tables[EPISODES], 4, "cine_referral_nfa", "")
    assert passed(tables).counts[EPISODES].set_aside == {f"8568;{ORPHAN}": 1}


def test_a_value_that_cannot_be_read_is_asked_about_and_an_end_that_cannot_sets_aside() -> None:
    tables = frames()
    tables[EPISODES] = tables[EPISODES].with_columns(cine_close_date=pl.lit("2026-06-01"), cine_close_reason=pl.lit("RC7"))
    tables[EPISODES] = plant(tables[EPISODES], 0, "cine_close_date", "2026-02-31")
    tables[ASSESSMENTS] = tables[ASSESSMENTS].with_columns(cina_assessment_child_seen=pl.lit("Y"))
    tables[ASSESSMENTS] = plant(tables[ASSESSMENTS], 1, "cina_assessment_child_seen", "perhaps")
    gated = passed(tables)
    assert gated.counts[EPISODES].set_aside == {"8810;cine_close_date-unreadable": 1}
    assert gated.counts[ASSESSMENTS].set_aside == {ORPHAN: 1}
    assert gated.queried.rows() == [(ASSESSMENTS, key("a", 1), "cina_assessment_child_seen-unreadable")]
    assert gated.accepted[ASSESSMENTS].height == 5


def test_a_row_that_cannot_be_read_is_no_duplicate_of_one_that_is_empty_there() -> None:
    tables = frames()
    tables[PERSON] = pl.concat([tables[PERSON].with_columns(pers_send_flag=pl.lit(flag)) for flag in ("perhaps", "")])
    gated = passed(tables)
    assert gated.counts[PERSON].duplicates == 0
    assert gated.counts[PERSON].set_aside == {"8510": 12}


def test_a_query_keeps_the_row_and_no_word_of_it_passes() -> None:
    tables = frames()
    tables[PERSON] = plant(tables[PERSON], 0, "pers_sex", "Zebedee")
    gated = passed(tables)
    assert gated.counts[PERSON].queries == {"4180": 1}
    assert gated.counts[PERSON].accepted == 6
    assert "Zebedee" not in str(gated.accepted[PERSON].rows())


def test_a_factor_that_no_list_has_is_asked_about() -> None:
    tables = frames()
    tables[FACTORS] = plant(tables[FACTORS], 0, "cinf_assessment_factors_json", '["1A","99Z"]')
    gated = passed(tables)
    assert gated.counts[FACTORS].queries == {"8897Q": 1}
    assert gated.accepted[FACTORS].height == 6


FAULTS = {
    PERSON: ("pers_person_id", "pers_dob", "pers_sex"),
    EPISODES: ("cine_referral_id", "cine_person_id", "cine_referral_date", "cine_referral_nfa", "cine_referral_source_code"),
    ASSESSMENTS: ("cina_assessment_id", "cina_person_id", "cina_referral_id", "cina_assessment_start_date"),
    FACTORS: ("cinf_table_id", "cinf_assessment_id", "cinf_assessment_factors_json"),
}


@st.composite
def faulty_tables(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    """Sound tables with values emptied, moved to another row's or made wrong, and rows doubled."""
    tables = frames(5)
    for name, columns in FAULTS.items():
        for _ in range(draw(st.integers(0, 3))):
            row, column = draw(st.integers(0, 4)), draw(st.sampled_from(columns))
            wrong = "2030-01-01" if column.endswith(("date", "dob")) else None if column.endswith("id") else "wrong"
            value = draw(st.sampled_from([None, tables[name][column][draw(st.integers(0, 4))], wrong]))
            tables[name] = plant(tables[name], row, column, value)
        doubled = draw(st.integers(0, 2))
        tables[name] = pl.concat([tables[name], tables[name].head(doubled)])
    return tables


@given(faulty_tables())
@settings(max_examples=8, deadline=None)
def test_nothing_is_lost_and_every_parent_is_there(tables: dict[str, pl.DataFrame]) -> None:
    gated = passed(tables)
    for name, count in gated.counts.items():
        assert count.received == tables[name].height
        assert count.received == count.accepted + sum(count.set_aside.values()) + count.duplicates
        assert count.accepted == gated.accepted[name].height
        assert gated.set_aside[name]["reason"].null_count() == 0
        assert gated.accepted[name].columns == gated.set_aside[name].drop("reason").columns
    people, assessments = gated.accepted[PERSON]["pers_person_id"], gated.accepted[ASSESSMENTS]["cina_assessment_id"]
    assert people.null_count() == 0
    assert people.is_unique().all()
    assert gated.accepted[EPISODES]["cine_person_id"].is_in(people.implode()).all()
    assert gated.accepted[ASSESSMENTS]["cina_person_id"].is_in(people.implode()).all()
    assert gated.accepted[FACTORS]["cinf_assessment_id"].is_in(assessments.implode()).all()


@pytest.mark.parametrize("name", [PERSON, EPISODES])
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_a_required_table_that_is_missing_stops(name: str, how: str) -> None:
    tables = frames()
    tables[name] = tables[name].clear()
    if how == "absent":
        del tables[name]
    with pytest.raises(ChecksError, match=f"The required table '{name}' is missing or empty") as stop:
        passed(tables)
    assert stop.value.exit_code == 13


@pytest.mark.parametrize("column", ["cine_referral_date", "cine_referral_nfa", "cine_person_id", "cine_referral_id"])
def test_a_required_column_that_is_missing_stops(column: str) -> None:
    tables = frames()
    tables[EPISODES] = tables[EPISODES].drop(column)
    with pytest.raises(ContractError, match=f"Table '{EPISODES}' lacks the column '{column}'") as stop:
        passed(tables)
    assert stop.value.exit_code == 11


def test_privacy_comes_before_everything_else() -> None:
    with pytest.raises(PrivacyError, match="1 keys") as stop:
        passed({PERSON: pl.DataFrame({"pers_person_id": ["1086942"]})})
    assert stop.value.exit_code == 12


def counted(received: int, aside: Mapping[str, int] | None = None) -> TableCount:
    kept = received - sum((aside or {}).values())
    return TableCount(received, kept, aside or {}, 0, {}, {}, {}, ())


def night(*, referrals: int = 0, again: int = 0, manifest: Manifest = MANIFEST, **counts: TableCount) -> Gated:
    """A gated extract whose last 12 months hold so many referrals, some of them of a child who was referred before."""
    children = [f"child {n}" for n in range(referrals - again)] + [f"child {n}" for n in range(again)]
    days = [DAY - timedelta(days=200)] * (referrals - again) + [DAY - timedelta(days=20)] * again
    episodes = pl.DataFrame(
        {"cine_person_id": children, "cine_referral_date": days},
        schema={"cine_person_id": pl.String, "cine_referral_date": pl.Date},
    )
    return Gated(manifest, {EPISODES: episodes}, {}, counts, {})


def stopped(gated: Gated, before: Mapping[str, int] | None = None, last: Manifest | None = None) -> str:
    with pytest.raises(ChecksError) as stop:
        stop_if_implausible(gated, Limits(), before, last)
    assert stop.value.exit_code == 13
    return str(stop.value)


def test_too_many_rows_set_aside_stop() -> None:
    words = stopped(night(ssd_person=counted(100, {"8520": 4, "8510": 2})))
    assert "'ssd_person': 6 of 100 rows were set aside (most by rule '8520'), over the limit of 5%" in words
    stop_if_implausible(night(ssd_person=counted(100, {"8520": 5})), Limits(), None, None)
    stop_if_implausible(night(ssd_person=counted(100, {"8520": 6})), Limits(set_aside=0.06), None, None)
    stop_if_implausible(night(ssd_person=counted(0)), Limits(), None, None)


def test_row_counts_that_collapse_stop() -> None:
    words = stopped(night(ssd_person=counted(49)), before={"ssd_person": 100})
    assert "'ssd_person' fell from 100 to 49 rows since the last night, below 50%" in words
    assert "fell from 100 to 0" in stopped(night(ssd_person=counted(0)), before={"ssd_person": 100})
    stop_if_implausible(night(ssd_person=counted(50)), Limits(), {"ssd_person": 100}, None)
    stop_if_implausible(night(ssd_person=counted(50)), Limits(), {}, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"authority": "Othershire"}, "of another authority"),
        ({"origin": Origin.INVENTED}, "is invented and the history is real"),
        ({"key_fingerprint": "k2"}, "with another key"),
        ({"extract_rule": ExtractRule.OVERLAPPING}, "follows the rule 'overlapping' and the history 'started_or_open'"),
        ({"extract_date": DAY - timedelta(days=1)}, "of 2026-11-23 is older than the last one of 2026-11-24"),
    ],
)
def test_an_extract_that_does_not_continue_the_history_stops(change: Mapping[str, Any], words: str) -> None:
    assert words in stopped(night(manifest=replace(MANIFEST, **change)), last=MANIFEST)


def test_the_same_night_again_and_a_later_one_go_on() -> None:
    stop_if_implausible(night(), Limits(), None, MANIFEST)
    stop_if_implausible(night(manifest=replace(MANIFEST, extract_date=DAY + timedelta(days=1))), Limits(), None, MANIFEST)


def test_an_implausible_share_of_re_referrals_stops_from_200_referrals_on() -> None:
    assert "Of the 200 referrals of the last 12 months, 4.5% followed another" in stopped(night(referrals=200, again=9))
    assert "0.0% followed" in stopped(night(referrals=200))
    stop_if_implausible(night(referrals=199), Limits(), None, None)
    stop_if_implausible(night(referrals=200, again=10), Limits(), None, None)
    stop_if_implausible(night(referrals=200, again=100), Limits(), None, None)


def test_a_share_of_re_referrals_over_half_stops() -> None:
    gated = night(referrals=200, again=100)
    third = gated.accepted[EPISODES].tail(100).with_columns(cine_referral_date=pl.lit(DAY))
    more = replace(gated, accepted={EPISODES: pl.concat([gated.accepted[EPISODES], third])})
    assert "66.7% followed" in stopped(more)


def test_re_referrals_are_those_of_the_last_twelve_months() -> None:
    days = [DAY - timedelta(days=ago) for ago in (0, 364, 365, 729, 730)]
    episodes = pl.DataFrame({"cine_person_id": ["a", "a", "b", "c", "c"], "cine_referral_date": days})
    found = re_referrals(Gated(MANIFEST, {EPISODES: episodes}, {}, {}, {}))
    assert (found.referrals, found.re_referrals) == (2, 1)


def test_too_many_withdrawn_rows_stop() -> None:
    with pytest.raises(ChecksError, match=r"'ssd_contacts': 6 of 100 known rows are gone .* limit of 5%") as stop:
        stop_if_withdrawn("ssd_contacts", 6, 100, 0.05)
    assert stop.value.exit_code == 13
    stop_if_withdrawn("ssd_contacts", 5, 100, 0.05)
    stop_if_withdrawn("ssd_contacts", 0, 0, 0.05)
