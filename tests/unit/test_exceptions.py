"""Days on which the newest version of a record does not show what was known: each way in which that can be, drawn."""

from datetime import date

import polars as pl
import pytest

from features.exceptions import at_dates, exceptions, joined
from tests.spec.drawing import Drawn, assert_drawn, dates, nights, one_load
from validation.history import LONG_AGO, Archive
from validation.tables.catalogue import TABLES

FIRST, SECOND, THIRD = "2024-06-03", "2024-06-10", "2024-06-20"
EPISODES, CONTACTS, PLANS, OFFERS, PERSON = "ssd_cin_episodes", "ssd_contacts", "ssd_cin_plans", "ext_offers", "ssd_person"
HEADS = {
    EPISODES: "referral_id person_id referral_date close_date close_reason referral_nfa",
    CONTACTS: "contact_id person_id contact_date contact_source_code",
    PLANS: "cin_plan_id person_id cin_plan_start_date cin_plan_end_date",
    OFFERS: "offer_id person_id offered_date answered_date answer",
    PERSON: "person_id dob",
}


def spans(archive: Archive, name: str) -> list[tuple[str, str, str]]:
    """Child, first day, and the day after the last."""
    table = TABLES[name]
    happened = pl.col(table.happened) if table.happened else pl.lit(LONG_AGO, pl.Date)
    versions = archive.table(name).with_columns(subject=pl.col(table.person or ""), happened=happened)
    found = exceptions(table, versions).drop("key").unique().sort(pl.all())
    return found.select(pl.all().cast(pl.String)).rows()


def history(name: str, *shown: str) -> Archive:
    """The archive of a table that showed one row, or none, on each night; a row of another child is always there."""
    other = {PERSON: "zoe 2010-01-01"}.get(name, "other zoe 2024-01-01" + " -" * (HEADS[name].count(" ") - 2))
    drawn: list[tuple[str, Drawn]] = [
        (day, {name: "\n".join((HEADS[name], other, row))}) for day, row in zip((FIRST, SECOND, THIRD), shown, strict=False)
    ]
    return nights(*drawn)


@pytest.mark.parametrize(
    ("what", "name", "shown", "expected"),
    [
        ("nothing", CONTACTS, ("k anna 2024-05-01 1A",) * 2, []),
        ("a row told late", CONTACTS, ("", "k anna 2024-05-02 1A"), [("anna", "2024-05-02", SECOND)]),
        ("a row told on its day", CONTACTS, ("", f"k anna {SECOND} 1A"), []),
        ("a row told before its day", CONTACTS, ("k anna 2024-06-08 1A",) * 2, []),
        (
            "a date corrected to a later one", CONTACTS, ("k anna 2024-05-01 1A", "k anna 2024-05-20 1A"),
            [("anna", "2024-05-01", SECOND)],
        ),
        (
            "a date corrected to an earlier one", CONTACTS, ("k anna 2024-05-20 1A", "k anna 2024-05-01 1A"),
            [("anna", "2024-05-01", "2024-05-20"), ("anna", "2024-05-20", SECOND)],
        ),
        (
            "a date put off before it came", CONTACTS, ("k anna 2024-06-08 1A", "k anna 2024-06-15 1A"),
            [("anna", "2024-06-08", SECOND)],
        ),
        ("a date put off in time", CONTACTS, ("k anna 2024-06-12 1A", "k anna 2024-06-15 1A"), []),
        (
            "a code corrected", CONTACTS, ("k anna 2024-05-01 1A", "k anna 2024-05-01 2A"),
            [("anna", "2024-05-01", SECOND)],
        ),
        ("a code filled in", CONTACTS, ("k anna 2024-05-01 -", "k anna 2024-05-01 2A"), [("anna", "2024-05-01", SECOND)]),
        (
            "a code corrected twice, at last to what it was", CONTACTS,
            ("k anna 2024-05-01 1A", "k anna 2024-05-01 2A", "k anna 2024-05-01 1A"), [("anna", SECOND, THIRD)],
        ),
        (
            "another child", CONTACTS, ("k anna 2024-05-01 1A", "k bert 2024-05-01 1A"),
            [("anna", "2024-05-01", SECOND), ("bert", "2024-05-01", SECOND)],
        ),
        ("a row withdrawn", CONTACTS, ("k anna 2024-05-01 1A", ""), [("anna", "2024-05-01", SECOND)]),
        ("a row withdrawn before its day", CONTACTS, ("k anna 2024-06-12 1A", ""), []),
        (
            "a row changed and withdrawn", CONTACTS, ("k anna 2024-05-01 1A", "k anna 2024-05-01 2A", ""),
            [("anna", "2024-05-01", SECOND), ("anna", SECOND, THIRD)],
        ),
        (
            "a row gone and back", CONTACTS, ("k anna 2024-05-01 1A", "", "k anna 2024-05-01 1A"), [("anna", SECOND, THIRD)],
        ),
        (
            "gone, and back for another child", CONTACTS, ("k anna 2024-05-01 1A", "", "k bert 2024-05-01 1A"),
            [("anna", "2024-05-01", SECOND), ("bert", "2024-05-01", SECOND), ("bert", SECOND, THIRD)],
        ),
        ("an end in time", PLANS, ("p anna 2024-05-01 -", f"p anna 2024-05-01 {SECOND}"), []),
        ("an end told late", PLANS, ("p anna 2024-05-01 -", "p anna 2024-05-01 2024-06-05"), [("anna", "2024-06-05", SECOND)]),
        (
            "an end taken back", PLANS, ("p anna 2024-05-01 2024-06-05", "p anna 2024-05-01 -"), [("anna", "2024-06-05", SECOND)],
        ),
        (
            "a beginning corrected and an end told", PLANS, ("p anna 2024-05-01 -", "p anna 2024-05-02 2024-06-05"),
            [("anna", "2024-05-01", SECOND)],
        ),
        ("an end put off in time", PLANS, ("p anna 2024-05-01 2024-06-12", "p anna 2024-05-01 2024-06-15"), []),
        ("an end before its beginning", OFFERS, ("o anna 2024-05-20 2024-05-10 yes",), [("anna", "2024-05-10", "2024-05-20")]),
        ("a birth told late", PERSON, ("anna -", "anna 2024-05-01"), [("anna", "2024-05-01", SECOND)]),
        (
            "a closing told late, and its reason later", EPISODES,
            ("r anna 2024-03-04 - - no", "r anna 2024-03-04 2024-06-05 - no", "r anna 2024-03-04 2024-06-05 RC8 no"),
            [("anna", "2024-06-05", SECOND), ("anna", SECOND, THIRD)],
        ),
        (  # Friday; without further action as from Monday
            "a decision told late", EPISODES, ("r anna 2024-05-31 - - no", "r anna 2024-05-31 - - yes"),
            [("anna", "2024-06-03", SECOND)],
        ),
        (
            "without action and closed later than the next working day", EPISODES, ("r anna 2024-03-01 2024-03-08 RC8 yes",),
            [("anna", "2024-03-04", "2024-03-08")],
        ),
        ("without action and closed on the next working day", EPISODES, ("r anna 2024-03-01 2024-03-04 RC8 yes",), []),
        (  # what is long over is in no window
            "an event of long ago told late", CONTACTS, ("", "k anna 2020-01-01 1A"), [("anna", "2020-01-01", "2021-12-31")],
        ),
        (
            "an end of long ago told late", PLANS, ("p anna 2020-01-01 -", "p anna 2020-01-01 2020-03-01"),
            [("anna", "2020-03-01", "2022-03-01")],
        ),
        (
            "a correction of a date of long ago", CONTACTS, ("k anna 2020-01-01 1A", "k anna 2021-01-01 1A"),
            [("anna", "2020-01-01", "2023-01-01")],
        ),
        (  # which may be the open case
            "a referral of long ago told late", EPISODES, ("", "r anna 2020-01-01 - - no"), [("anna", "2020-01-01", SECOND)],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value not in HEADS else "",
)  # fmt: skip
def test_days_on_which_something_was_known_otherwise(
    what: str, name: str, shown: tuple[str, ...], expected: list[tuple[str, str, str]]
) -> None:
    assert spans(history(name, *shown), name) == expected, what


def test_a_value_that_is_hidden_until_its_date_is_no_exception_before_it() -> None:
    """The reason was corrected, but both closings lie after the correction."""
    archive = history(EPISODES, "r anna 2024-03-04 2024-06-30 RC8 no", "r anna 2024-03-04 2024-06-25 RC9 no")
    assert spans(archive, EPISODES) == []


def test_a_table_without_versions_has_no_exceptions() -> None:
    assert spans(one_load(FIRST, ssd_contacts=HEADS[CONTACTS]), CONTACTS) == []


def test_spans_at_dates_hold_from_their_first_day_until_the_day_before_the_last() -> None:
    found = at_dates(
        pl.DataFrame(
            {
                "child": [1, 2, 3, 4],
                "since": dates("2024-01-02", "2024-01-02", "2024-01-03", "2024-01-05"),
                "until": [date(2024, 1, 3), None, date(2024, 1, 3), date(2024, 1, 9)],
            }
        ),
        pl.DataFrame({"as_of": dates("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04")}),
    )
    assert_drawn(
        found.sort("child", "as_of"),
        """
        child  as_of
        1      2024-01-02
        2      2024-01-02
        2      2024-01-03
        2      2024-01-04
        """,
    )


def test_spans_that_touch_or_overlap_are_one() -> None:
    """The first of child 1 holds the second; those of child 2 follow each other; between two of child 3 lies a day."""
    spans = [
        (1, "2024-01-01", "2024-01-20"), (1, "2024-01-05", "2024-01-06"), (1, "2024-01-10", "2024-01-12"),
        (2, "2024-01-10", "2024-01-12"), (2, "2024-01-12", "2024-01-14"),
        (3, "2024-01-05", "2024-01-06"), (3, "2024-01-07", "2024-01-08"),
    ]  # fmt: skip
    drawn = pl.DataFrame(spans[::-1], schema=["child", "since", "until"], orient="row")
    assert_drawn(
        joined(drawn.with_columns(pl.col("since", "until").str.to_date())),
        """
        child  since       until
        1      2024-01-01  2024-01-20
        2      2024-01-10  2024-01-14
        3      2024-01-05  2024-01-06
        3      2024-01-07  2024-01-08
        """,
    )
