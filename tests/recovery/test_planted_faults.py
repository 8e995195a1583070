"""Faults are planted into a sound extract, and the gate must find each of them, for the right reason, and nothing else."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from validation.errors import ScreeningError, SettingsError
from validation.extract import Extract, ExtractRule
from validation.gate import Gated
from validation.synthetic.authority import simulate
from validation.synthetic.fault import EXITS, Action, Fault
from validation.synthetic.faults import FAULTS
from validation.synthetic.findings import NO_FAULT, meet, score
from validation.synthetic.habits import CLEAN, ORDINARY
from validation.synthetic.planting import LABELS_SCHEMA, Planted, plant
from validation.synthetic.profiles import PROFILES
from validation.synthetic.recording import extract, record
from validation.tables.catalogue import TABLES

START, END = date(2020, 4, 1), date(2026, 3, 31)
IN_ROWS = {fault.name: 5 for fault in FAULTS if fault.action not in EXITS}
ENDING = [fault for fault in FAULTS if fault.action in EXITS]
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def sound() -> Extract:
    history = simulate(PROFILES["england"], 3_000, START, END, seed=11)
    rule = ExtractRule.OVERLAPPING
    return extract(record(history, CLEAN, 11), profile="england", seed=11, extract_date=END, rule=rule, window_start=START)


@pytest.fixture(scope="module", params=SEEDS)
def faulty(sound: Extract, request: pytest.FixtureRequest) -> tuple[Planted, Gated]:
    planted = plant(sound, IN_ROWS, request.param)
    gated = meet(planted, sound)
    assert isinstance(gated, Gated)
    return planted, gated


def printed(found: pl.DataFrame) -> None:
    with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=60, tbl_width_chars=200, tbl_formatting="ASCII_MARKDOWN"):
        print(found)


def test_every_planted_row_has_the_right_reason_and_no_clean_row_is_set_aside(faulty: tuple[Planted, Gated]) -> None:
    found = score(*faulty)
    printed(found)
    assert found["planted"].sum() == faulty[0].labels.height
    assert found.filter(pl.col("fault") == NO_FAULT).rows() == []
    assert found.filter(pl.col("caught") < pl.col("planted")).rows() == []
    own = found.filter(pl.col("action") != Action.ORPHAN)
    assert set(own["fault"]) == set(IN_ROWS)
    assert own["planted"].min() == 5
    assert found.filter(pl.col("action") == Action.ORPHAN)["planted"].sum() > 100


def test_what_is_set_aside_is_what_was_planted_to_be(faulty: tuple[Planted, Gated]) -> None:
    planted, gated = faulty
    labelled = planted.labels.filter(pl.col("action").is_in([Action.SET_ASIDE, Action.ORPHAN])).select("table", "key").unique()
    kept_out = [(name, key) for name, rows in gated.set_aside.items() for key in rows[TABLES[name].key].unique()]
    assert sorted(kept_out, key=str) == sorted(labelled.rows(), key=str)


@pytest.mark.parametrize("fault", ENDING, ids=lambda fault: fault.name)
def test_a_fault_that_ends_the_command_gives_its_exit_code(sound: Extract, fault: Fault) -> None:
    if fault.whole is not None:  # what is not asked for need not be checked
        few = ("ssd_person", "ssd_cin_episodes", "ssd_contacts", "ssd_family")
        sound = replace(sound, tables={name: sound.tables[name] for name in few})
    planted = plant(sound, {fault.name: 1}, seed=1)
    error = meet(planted, sound)
    found = score(planted, error)
    print(f"{fault.name}: {error}")
    assert isinstance(error, ScreeningError)
    assert error.exit_code == EXITS[fault.action]
    assert found.select("fault", "planted", "caught", "missed").rows() == [(fault.name, 1, 1, 0)]


def test_the_sound_extract_itself_passes(sound: Extract) -> None:
    nothing = Planted(sound, pl.DataFrame(schema=LABELS_SCHEMA))
    gated = meet(nothing, sound)
    assert isinstance(gated, Gated)
    assert {name: count.accepted for name, count in gated.counts.items()} == {n: f.height for n, f in sound.tables.items()}
    assert score(nothing, gated).is_empty()


def test_a_gate_that_finds_nothing_misses_everything_and_one_that_knows_no_fault_wrongs_every_row(
    faulty: tuple[Planted, Gated],
) -> None:
    planted, gated = faulty
    counts = {name: replace(count, duplicates=0, dropped={}, unknown_columns=()) for name, count in gated.counts.items()}
    nothing = {name: rows.clear() for name, rows in gated.set_aside.items()}
    blind = score(planted, replace(gated, set_aside=nothing, queried=gated.queried.clear(), counts=counts))
    assert blind["missed"].sum() == blind["planted"].sum() == planted.labels.height
    confused = {name: rows.with_columns(reason=pl.lit("0000")) for name, rows in gated.set_aside.items()}
    other = score(planted, replace(gated, set_aside=confused))
    aside = planted.labels["action"].is_in([Action.SET_ASIDE, Action.ORPHAN]).sum()
    assert (other["other_reason"].sum(), other["missed"].sum()) == (aside, 0)
    unlabelled = score(replace(planted, labels=planted.labels.clear()), gated)
    assert unlabelled["clean_set_aside"].sum() == sum(rows.height for rows in gated.set_aside.values())


def test_a_stop_for_another_reason_is_not_taken_for_the_right_one(sound: Extract) -> None:
    planted = plant(sound, {"forenames": 3}, seed=1)
    error = meet(plant(sound, {"surnames": 3}, seed=1), sound)
    assert score(planted, error).select("caught", "other_reason").rows() == [(0, 3)]


def test_nothing_but_the_labelled_rows_is_touched(sound: Extract) -> None:
    planted = plant(sound, {"closed-before-referral": 4, "referral-date-in-words": 4}, seed=3)
    for name, frame in sound.tables.items():
        before, after = frame.cast(pl.String), planted.extract.tables[name].cast(pl.String)
        touched = after.join(before, on=before.columns, how="anti", nulls_equal=True)[TABLES[name].key]
        own = planted.labels.filter(pl.col("table") == name, pl.col("action") == Action.SET_ASIDE)["key"]
        assert sorted(touched) == sorted(own)
        assert after.height == before.height


def test_a_child_has_one_fault_at_most(faulty: tuple[Planted, Gated]) -> None:
    planted, _ = faulty
    rows = planted.labels.filter(pl.col("table") == "ssd_contacts", pl.col("key").is_not_null())
    contacts = planted.extract.tables["ssd_contacts"].unique("cont_contact_id")
    named = rows.join(contacts, left_on="key", right_on="cont_contact_id").drop_nulls("cont_person_id")
    assert named.group_by("cont_person_id").agg(pl.col("fault").n_unique())["fault"].max() == 1


def test_the_same_seed_plants_the_same_faults_and_another_others(sound: Extract) -> None:
    some = {"nfa-missing": 3, "contact-of-unknown-child": 3}
    one, again, other = (plant(sound, some, seed) for seed in (1, 1, 2))
    assert one.labels.equals(again.labels)
    assert all(one.extract.tables[name].equals(frame) for name, frame in again.extract.tables.items())
    assert not one.labels.equals(other.labels)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"no-such-fault": 1}, "Fault 'no-such-fault' is unknown. Allowed are 'person-without-key'"),
        ({"nfa-missing": 0}, "'nfa-missing' is to be planted 0 times; allowed is 1 or more"),
        ({"another-key": 2}, "'another-key' is to be planted 2 times; allowed is 1."),
        ({"another-key": 1, "nfa-missing": 1}, "'another-key' ends the command, so that others would not be met: plant it alone"),
        ({"found-before-missing": 1}, "needs the table 'ssd_missing', which is not in the extract"),
        ({"answer-unknown-code": 5_000}, "needs 5000 rows of 'ext_offers' whose child has no other fault, and"),
    ],
)
def test_what_cannot_be_planted_is_refused(sound: Extract, counts: dict[str, int], words: str) -> None:
    tables = {name: frame for name, frame in sound.tables.items() if name != "ssd_missing"}
    with pytest.raises(SettingsError, match=words.replace(".", r"\.")):
        plant(replace(sound, tables=tables), counts, seed=1)


def test_faults_are_found_among_the_slips_of_ordinary_recording() -> None:
    history = simulate(PROFILES["england"], 3_000, START, END, seed=12)
    untidy = record(history, ORDINARY, 12)
    rule = ExtractRule.STARTED_OR_OPEN
    extracted = extract(untidy, profile="england", seed=12, extract_date=END, rule=rule, window_start=START)
    planted = plant(extracted, dict.fromkeys(IN_ROWS, 2), seed=1)
    found = score(planted, meet(planted, extracted))
    assert found.filter(pl.col("caught") < pl.col("planted")).rows() == []
    assert found["clean_set_aside"].sum() == 0


def test_kinds_have_names_of_their_own_and_every_action_is_covered() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert {fault.action for fault in FAULTS} == set(Action) - {Action.ORPHAN}
    assert all(fault.name == fault.name.lower() and " " not in fault.name and fault.sentence.endswith(".") for fault in FAULTS)
