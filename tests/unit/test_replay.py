"""What was on record on a day as it is known now: put right, taken out, and nothing that was only known later."""

from datetime import date

import polars as pl
import pytest

from flows.replay import count_put_right, put_right, say_replay
from tests.unit.contract_rows import rows
from validation.history import Archive

CONTACTS, NIGHT = "ssd_contacts", date(2026, 3, 3)
BEFORE, AFTER, DAY = date(2026, 2, 1), date(2026, 3, 20), date(2026, 1, 20)


def version(key: str, known_from: date, known_to: date | None = None, *, source: str = "6", day: date = DAY) -> pl.DataFrame:
    row = {"cont_contact_id": key, "cont_person_id": "p", "cont_contact_date": day, "cont_contact_source_code": source}
    return rows(CONTACTS, [row]).with_columns(known_from=pl.lit(known_from), known_to=pl.lit(known_to, pl.Date))


def archive(*versions: pl.DataFrame) -> Archive:
    return Archive({CONTACTS: pl.concat(versions)}, date(2020, 1, 1), date(2026, 4, 1))


CASES = {
    "untouched": ([version("a", BEFORE)], [("a", "6")], 0),
    "put right since": ([version("a", BEFORE, AFTER), version("a", AFTER, source="9")], [("a", "9")], 1),
    "put right before": ([version("a", DAY, BEFORE), version("a", BEFORE, source="9")], [("a", "9")], 0),
    "taken out since": ([version("a", BEFORE, AFTER)], [], 1),
    "first shown later": ([version("a", AFTER)], [], 0),
    "moved behind the night": ([version("a", BEFORE, AFTER), version("a", AFTER, day=AFTER)], [], 1),
}


@pytest.mark.parametrize(("versions", "expected", "changed"), CASES.values(), ids=CASES)
def test_a_row_is_as_it_is_known_now_if_it_was_known_then(
    versions: list[pl.DataFrame], expected: list[tuple[str, str]], changed: int
) -> None:
    history = archive(*versions)
    now = put_right(history, NIGHT)
    assert now.table(CONTACTS).select("cont_contact_id", "cont_contact_source_code").rows() == expected
    assert now.extract_date == NIGHT
    assert sum(count_put_right(history, NIGHT, frozenset("p")).values()) == changed
    assert count_put_right(history, NIGHT, frozenset("q")) == {}


def test_it_is_told_in_words() -> None:
    assert say_replay(NIGHT, 0.43, 0.31, 2) == (
        "The list of 3 March 2026 said about 4 in 10 (43.0%). With 2 records put right since, it would have said about 3 in 10 "
        "(31.0%)."
    )
    assert say_replay(NIGHT, 0.43, 0.43, 0).endswith(
        "No record of this child was put right since: it would have said about 4 in 10 (43.0%)."
    )
    assert say_replay(NIGHT, 0.43, None, 1).endswith("With 1 record put right since, no chance would be given.")
