"""Workbooks that come back: what is taken in, and the log that nothing is ever changed in."""

import dataclasses
import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.decisions import import_decisions, read_decisions
from flows.publish.workbook_rows import COLUMNS
from flows.workspace import Workspace
from models.team_decisions import DECIDED, check_decided
from tests.unit.night_example import NIGHT, pseudonym
from tests.unit.workbook_example import KEPT, NUMBERS, OFFERED, TODAY, blank, filled, label, publish, refused
from validation.errors import ContractError, LedgerError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    publish(tmp_path / "workspace")
    return tmp_path / "workspace"


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    return tmp_path / "sent.xlsx"


def test_a_filled_in_workbook_becomes_the_log(root: Path, sent: Path) -> None:
    words = import_decisions(root, filled().save(sent), TODAY)
    assert words == (
        "2 decisions taken in for the list of 24 November 2026. 2 families with a place, or to be renewed, not decided yet."
    )
    log = read_decisions(Workspace(root))
    check_decided(log)
    assert dict(log.schema) == DECIDED
    rows = {row["family_id"]: row for row in log.iter_rows(named=True)}
    assert rows[pseudonym("ash")] == {
        "night": date(2026, 11, 24), "family_id": pseudonym("ash"), "children": sorted([pseudonym("ash0"), pseudonym("ash1")]),
        "standing": "place", "listed_kind": "FGC", "decision": "offered", "kind": "FGC", "reason": "Fits what the family needs",
        "role": "Social worker", "decided_on": date(2026, 11, 25), "imported_on": TODAY,
    }  # fmt: skip
    kept = rows[pseudonym("fir")]
    assert (kept["standing"], kept["listed_kind"], kept["decision"], kept["kind"]) == ("renew", "EH", "keep on the list", None)


@pytest.mark.parametrize(
    "day",
    ["2026-11-25", "2026-11-25 00:00:00", "25/11/2026", "25/11/26", "25.11.2026", "25 Nov 2026", "25 November 2026", "46351"],
)
def test_a_day_is_read_as_people_and_programs_write_it(root: Path, sent: Path, day: str) -> None:
    import_decisions(root, blank().decide("ash", *OFFERED[:4], day).save(sent), TODAY)
    assert read_decisions(Workspace(root))["decided_on"].to_list() == [date(2026, 11, 25)]


def test_words_that_were_typed_count_whatever_their_size(root: Path, sent: Path) -> None:
    typed = ("OFFERED ", "restorative  early help", "other", "social worker", "25/11/2026")
    import_decisions(root, blank().decide("elm", *typed).save(sent), TODAY)
    (row,) = read_decisions(Workspace(root)).select("decision", "kind", "reason", "role", "standing").rows()
    assert row == ("offered", "EH", "Other", "Social worker", "waiting")


def test_case_numbers_are_dropped_at_the_door(root: Path, sent: Path) -> None:
    book = blank(**NUMBERS).decide("ash", *OFFERED)
    book.put("ash", "Case numbers", "Zebedee, 12 High Street")  # whatever stands there is not read
    import_decisions(root, book.save(sent), TODAY)
    assert read_decisions(Workspace(root)).height == 1
    for path in root.rglob("*"):
        if path.is_file():
            assert b"CASE-" not in path.read_bytes()
            assert b"Zebedee" not in path.read_bytes()


def test_rows_below_the_list_that_are_empty_and_a_taken_off_protection_do_no_harm(root: Path, sent: Path) -> None:
    book = filled()
    book.families.extend([[None] * len(COLUMNS), [" "] * len(COLUMNS)])
    import_decisions(root, book.save(sent), TODAY)
    assert read_decisions(Workspace(root)).height == 2


def test_rows_that_were_sorted_as_a_whole_are_read(root: Path, sent: Path) -> None:
    book = filled()
    book.families[2:] = book.families[:1:-1]
    import_decisions(root, book.save(sent), TODAY)
    assert set(read_decisions(Workspace(root))["family_id"]) == {pseudonym("ash"), pseudonym("fir")}


def test_the_same_decisions_again_change_nothing(root: Path, sent: Path) -> None:
    import_decisions(root, filled().save(sent), TODAY)
    before = {path: path.read_bytes() for path in (root / "decisions").iterdir()}
    words = import_decisions(root, sent, date(2026, 11, 27))
    assert words.startswith("0 decisions taken in for the list of 24 November 2026. 2 were known already.")
    assert {path: path.read_bytes() for path in (root / "decisions").iterdir()} == before


def test_a_workbook_that_grows_adds_only_what_is_new(root: Path, sent: Path) -> None:
    import_decisions(root, filled().save(sent), TODAY)
    words = import_decisions(root, filled().decide("cedar", *KEPT).save(sent), TODAY)
    assert words.startswith("1 decision taken in for the list of 24 November 2026. 2 were known already. 1 family")
    assert len(list((root / "decisions").iterdir())) == 2
    assert read_decisions(Workspace(root)).height == 3


@pytest.mark.parametrize("answer", ["Accepted", "Declined"])
def test_an_offer_is_answered_later(root: Path, sent: Path, answer: str) -> None:
    import_decisions(root, filled().save(sent), TODAY)
    later = filled().decide("ash", answer, *OFFERED[1:4], "26/11/2026")
    import_decisions(root, later.save(sent), TODAY)
    log = read_decisions(Workspace(root)).filter(family_id=pseudonym("ash"))
    assert log.select("decision", "decided_on").rows() == [
        ("offered", date(2026, 11, 25)),
        (answer.lower(), date(2026, 11, 26)),
    ]
    import_decisions(root, filled().save(sent), TODAY)  # the earlier copy again: known, and no step back
    assert read_decisions(Workspace(root)).height == 3


def test_an_offer_of_a_list_that_was_made_anew_is_answered_in_the_old_workbook(root: Path, sent: Path) -> None:
    import_decisions(root, filled().save(sent), TODAY)
    publish(root, dataclasses.replace(NIGHT, average=0.2, next_families=0))
    import_decisions(root, filled().decide("ash", "Accepted", *OFFERED[1:4], "26/11/2026").save(sent), TODAY)
    log = read_decisions(Workspace(root)).filter(family_id=pseudonym("ash"))
    assert log.select("decision", "standing").rows() == [("offered", "place"), ("accepted", "place")]


@pytest.mark.parametrize("also", [("cedar", *KEPT), ("ash", "Not suitable", None, *OFFERED[2:])])
def test_the_old_workbook_of_a_list_made_anew_decides_nothing_else(root: Path, sent: Path, also: tuple[str, ...]) -> None:
    import_decisions(root, filled().save(sent), TODAY)
    publish(root, dataclasses.replace(NIGHT, average=0.2, next_families=0))
    assert refused(root, filled().decide(*also).save(sent))


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (
            ("Not suitable", None, *OFFERED[2:]),
            "decides otherwise than was told before for this list: if that was a mistake, have it imported with --correct.",
        ),
        (
            (*OFFERED[:2], "Other", *OFFERED[3:]),
            "decides otherwise than was told before for this list: if that was a mistake, have it imported with --correct.",
        ),
        (("Accepted", "Restorative early help", *OFFERED[2:]), "answers another offer than the one that was made"),
        (("Accepted", *OFFERED[1:4], "24/11/2026"), "has an answer from before the offer was made: put the day right."),
    ],
)
def test_a_second_decision_for_the_same_list_is_refused(
    root: Path, sent: Path, answers: tuple[str | None, ...], words: str
) -> None:
    import_decisions(root, filled().save(sent), TODAY)
    (fault,) = refused(root, filled().decide("cedar", *KEPT).decide("ash", *answers).save(sent))
    assert fault.startswith(f"Row {label('ash')} {words}")


def test_an_answer_is_final_for_its_list(root: Path, sent: Path) -> None:
    for answer in ("Offered", "Accepted"):
        import_decisions(root, blank().decide("ash", answer, *OFFERED[1:]).save(sent), TODAY)
    (fault,) = refused(root, blank().decide("ash", "Declined", *OFFERED[1:]).save(sent))
    assert "decides otherwise than was told before" in fault


TOMORROW = TODAY + timedelta(days=1)


def test_a_mistake_is_put_right_and_the_log_keeps_both(root: Path, sent: Path) -> None:
    wrong = ("Declined", OFFERED[1], "The family does not want to be asked again", *OFFERED[3:])
    import_decisions(root, filled().decide("ash", *wrong).save(sent), TODAY)
    words = import_decisions(root, filled().save(sent), TOMORROW, correct=True)
    assert "0 decisions taken in" in words
    assert "1 was put right." in words
    log = read_decisions(Workspace(root)).filter(family_id=pseudonym("ash"))
    assert log.select("decision", "reason", "imported_on").rows() == [("offered", OFFERED[2], TOMORROW)]
    kept = [pl.read_parquet(entry) for entry in (root / "decisions").glob("*.parquet")]
    assert sorted(pl.concat(kept).filter(family_id=pseudonym("ash"))["decision"]) == ["declined", "offered"]


@pytest.mark.parametrize("later", [0, 1])
def test_after_a_correction_the_answer_to_an_offer_counts(root: Path, sent: Path, later: int) -> None:
    import_decisions(root, blank().decide("ash", "Not suitable", None, *OFFERED[2:]).save(sent), TODAY)
    import_decisions(root, blank().decide("ash", *OFFERED).save(sent), TOMORROW, correct=True)
    answered = blank().decide("ash", "Accepted", *OFFERED[1:4], "27/11/2026")
    import_decisions(root, answered.save(sent), TOMORROW + timedelta(days=later))
    log = read_decisions(Workspace(root))
    assert log["decision"].to_list() == ["offered", "accepted"]


def test_what_was_told_today_is_not_put_right_before_tomorrow(root: Path, sent: Path) -> None:
    import_decisions(root, filled().save(sent), TODAY)
    changed = filled().decide("ash", "Not suitable", None, *OFFERED[2:])
    with pytest.raises(ContractError, match="send it again tomorrow"):
        import_decisions(root, changed.save(sent), TODAY, correct=True)


@pytest.mark.parametrize("decision", ["Offered", "Accepted", "Keep on the list"])
@pytest.mark.parametrize("reason", ["The family does not want to be asked again", "Entitled to another offer by law"])
def test_a_reason_that_contradicts_its_decision_is_refused(root: Path, sent: Path, decision: str, reason: str) -> None:
    offer = None if decision == "Keep on the list" else OFFERED[1]
    (fault,) = refused(root, blank().decide("ash", decision, offer, reason, *OFFERED[3:]).save(sent))
    assert fault.startswith(f'Row {label("ash")} has the reason "{reason}" beside a decision that goes on with an offer')


def test_the_log_is_private_and_its_names_carry_its_content(root: Path, sent: Path) -> None:
    import_decisions(root, filled().save(sent), TODAY)
    (entry,) = (root / "decisions").iterdir()
    assert re.fullmatch(r"2026-11-26\.[0-9a-f]{12}\.parquet", entry.name)
    assert entry.stat().st_mode & 0o777 == 0o600
    assert entry.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["edited", "cut short", "renamed"])
def test_a_log_that_was_changed_is_neither_read_nor_added_to(root: Path, sent: Path, damage: str) -> None:
    import_decisions(root, filled().save(sent), TODAY)
    (entry,) = (root / "decisions").iterdir()
    if damage == "edited":
        pl.read_parquet(entry).with_columns(decision=pl.lit("declined")).write_parquet(entry)
    elif damage == "cut short":
        entry.write_bytes(entry.read_bytes()[:200])
    else:
        entry = entry.rename(entry.with_name("2026-11-26.0123456789ab.parquet"))
    with pytest.raises(LedgerError, match=f"'{entry.name}' of the log of decisions was changed or damaged"):
        read_decisions(Workspace(root))
    with pytest.raises(LedgerError):
        import_decisions(root, filled().decide("cedar", *KEPT).save(sent), TODAY)
    assert len(list((root / "decisions").iterdir())) == 1


def test_without_decisions_the_log_is_empty_and_in_shape(root: Path) -> None:
    log = read_decisions(Workspace(root))
    assert log.is_empty()
    assert dict(log.schema) == DECIDED
