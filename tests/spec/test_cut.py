"""What was known when: each value hidden until its day, each version from the night that showed it."""

import polars as pl
import pytest

from tests.spec.drawing import assert_drawn, dates, nights, one_load, rows, who
from validation.cut import cut
from validation.history import Archive, Change, current, difference
from validation.tables.catalogue import TABLES

EPISODES, ASSESSMENTS, FACTORS, S47 = "ssd_cin_episodes", "ssd_cin_assessments", "ssd_assessment_factors", "ssd_s47_enquiry"


def shown(archive: Archive, table: str, *days: str) -> pl.DataFrame:
    return cut(archive, TABLES[table], who(*days)).sort("as_of", TABLES[table].key)


def test_a_closing_is_hidden_until_its_day() -> None:
    archive = one_load(
        "2025-01-31",
        ssd_cin_episodes="""
            person_id  referral_date  close_date  close_reason
            anna       2024-03-04     2024-06-10  RC8
        """,
    )
    assert_drawn(
        shown(archive, EPISODES, "2024-03-03", "2024-03-04", "2024-06-09", "2024-06-10"),
        """
        as_of       close_date  close_reason
        2024-03-04  -           -
        2024-06-09  -           -
        2024-06-10  2024-06-10  RC8
        """,
        close_date="cine_close_date",
        close_reason="cine_close_reason",
    )


@pytest.mark.parametrize(
    ("referred", "hidden_on", "shown_on"),
    [
        ("2024-11-18", "2024-11-18", "2024-11-19"),  # Monday
        ("2024-11-21", "2024-11-21", "2024-11-22"),  # Thursday
        ("2024-11-22", "2024-11-24", "2024-11-25"),  # Friday: hidden over the weekend
        ("2024-11-23", "2024-11-24", "2024-11-25"),  # Saturday
        ("2024-11-24", "2024-11-24", "2024-11-25"),  # Sunday
    ],
)
def test_the_decision_on_a_referral_is_hidden_until_the_next_working_day(referred: str, hidden_on: str, shown_on: str) -> None:
    archive = one_load(
        "2025-01-31",
        ssd_cin_episodes=f"""
            person_id  referral_date  referral_nfa  referral_outcome_json
            anna       {referred}     yes           NFA
        """,
    )
    assert_drawn(
        shown(archive, EPISODES, hidden_on, shown_on),
        f"""
        as_of        nfa   outcome
        {hidden_on}  -     -
        {shown_on}   true  NFA
        """,
        nfa="cine_referral_nfa",
        outcome="cine_referral_outcome_json",
    )


def test_what_an_assessment_found_is_hidden_until_it_is_authorised() -> None:
    archive = one_load(
        "2025-01-31",
        ssd_cin_assessments="""
            assessment_id  person_id  assessment_start_date  assessment_auth_date  assessment_outcome_nfa
            a1             anna       2024-03-04             2024-04-15            yes
            a2             anna       2024-03-05             -                     yes
        """,
        ssd_assessment_factors="""
            table_id  assessment_id  assessment_factors_json
            f1        a1             3A|4B
            f2        a2             2B
        """,
    )
    days = ("2024-04-14", "2024-04-15")
    assert_drawn(
        shown(archive, ASSESSMENTS, *days),
        """
        as_of       cina_assessment_id  cina_assessment_auth_date  cina_assessment_outcome_nfa
        2024-04-14  a1                  -                          -
        2024-04-14  a2                  -                          -
        2024-04-15  a1                  2024-04-15                 true
        2024-04-15  a2                  -                          -
        """,
    )
    assert_drawn(
        shown(archive, FACTORS, *days),
        """
        as_of       cinf_table_id  cinf_assessment_factors_json
        2024-04-15  f1             3A|4B
        """,
    )


def test_every_value_that_is_filled_in_later_hides_until_the_date_that_reveals_it() -> None:
    """From the declarations: no column of any table that has a revealing date shows before it."""
    day, next_day = dates("2024-06-10", "2024-06-11")
    for name, table in TABLES.items():
        if table.person is None:
            continue
        late = [column.name for column in table.kept if column.revealed_by not in {None, table.happened}]
        frame = rows(name, f"{table.person.split('_', 1)[1]}\nanna").with_columns(
            pl.lit(next_day if column.name in late else day).alias(column.name)
            for column in table.kept
            if table.schema[column.name] == pl.Date
        )
        archive = Archive({name: frame.with_columns(known_from=day, known_to=pl.lit(None, pl.Date))}, day, next_day)
        before = cut(archive, table, who("2024-06-10"))
        assert before.height == 1
        assert all(before[column].null_count() for column in late), name
        assert cut(archive, table, who("2024-06-11"))[table.key].equals(before[table.key])


# Versions: what a later night brought counts from that night on.

FIRST, SECOND, THIRD = "2024-06-03", "2024-06-04", "2024-06-05"


def enquiries(*lines: str) -> dict[str, str]:
    return {S47: "\n".join(("s47_enquiry_id person_id s47_start_date s47_end_date", *lines))}


def test_a_correction_counts_from_the_night_that_brought_it() -> None:
    archive = nights(
        (FIRST, enquiries("s1 anna 2024-05-20 -")),
        (SECOND, enquiries("s1 anna 2024-05-01 -")),
    )
    assert_drawn(
        shown(archive, S47, "2024-05-19", "2024-05-20", FIRST, SECOND),
        """
        as_of       happened
        2024-05-20  2024-05-20
        2024-06-03  2024-05-20
        2024-06-04  2024-05-01
        """,
    )


def test_a_first_load_is_taken_as_known_when_it_happened_and_a_late_row_from_its_night() -> None:
    archive = nights(
        (FIRST, enquiries("s1 anna 2024-05-20 -")),
        (SECOND, enquiries("s1 anna 2024-05-20 -", "s2 anna 2024-05-21 -")),
    )
    assert_drawn(
        shown(archive, S47, "2024-05-31", FIRST, SECOND),
        """
        as_of       s47e_s47_enquiry_id
        2024-05-31  s1
        2024-06-03  s1
        2024-06-04  s1
        2024-06-04  s2
        """,
    )


def test_a_date_filled_in_for_the_past_is_known_from_the_night_that_filled_it_in() -> None:
    archive = nights(
        (FIRST, enquiries("s1 anna 2024-05-20 -")),
        (SECOND, enquiries("s1 anna 2024-05-20 2024-05-25")),
    )
    assert_drawn(
        shown(archive, S47, "2024-05-25", FIRST, SECOND),
        """
        as_of       s47e_s47_end_date
        2024-05-25  -
        2024-06-03  -
        2024-06-04  2024-05-25
        """,
    )


def test_a_row_deleted_inside_the_window_is_gone_from_that_night_and_may_come_back() -> None:
    archive = nights(
        (FIRST, enquiries("s1 anna 2024-05-20 -", "s2 anna 2024-05-21 -")),
        (SECOND, enquiries("s2 anna 2024-05-21 -")),
        (THIRD, enquiries("s1 anna 2024-05-20 -", "s2 anna 2024-05-21 -")),
    )
    found = shown(archive, S47, FIRST, SECOND, THIRD).filter(pl.col("s47e_s47_enquiry_id") == "s1")
    assert found["as_of"].to_list() == dates(FIRST, THIRD)


def test_factors_of_a_first_load_do_not_move_when_the_assessment_is_corrected_later() -> None:
    """A later correction of the date of authorisation does not change what earlier dates saw."""
    factors = {FACTORS: "table_id assessment_id assessment_factors_json\nf1 a1 3A"}
    heads = "assessment_id person_id assessment_start_date assessment_auth_date"

    def loaded(*more: tuple[str, str]) -> Archive:
        first = (FIRST, {ASSESSMENTS: f"{heads}\na1 anna 2024-03-04 2024-04-15", **factors})
        return nights(first, *((day, {ASSESSMENTS: f"{heads}\n{row}"} | factors) for day, row in more))

    for corrected in ("a1 anna 2024-03-04 2024-05-30", "a1 anna 2024-03-04 2024-03-10", "a1 anna 2024-03-04 -"):
        days = ("2024-04-14", "2024-04-15", FIRST)
        assert shown(loaded((SECOND, corrected)), FACTORS, *days).equals(shown(loaded(), FACTORS, *days))


@pytest.mark.parametrize(
    ("row", "change"),
    [
        ("anna 2017-05-01 2018-05-01", Change.AGED_OUT),  # wholly before the window
        ("anna 2017-05-01 2024-05-01", Change.WITHDRAWN),  # reaches into it
        ("anna 2024-05-01 2024-06-01", Change.WITHDRAWN),
        ("anna 2017-05-01 -", Change.WITHDRAWN),  # open: it reaches until today, so the window cannot have passed it
    ],
)
def test_a_row_that_is_gone_has_aged_out_only_if_it_lies_before_the_window(row: str, change: Change) -> None:
    head = "referral_id person_id referral_date close_date"
    table = TABLES[EPISODES]
    before = difference(table, None, rows(EPISODES, f"{head}\ne1 {row}\ne2 bert 2024-01-01 -"), *dates("2018-06-01", FIRST))
    tonight = rows(EPISODES, f"{head}\ne2 bert 2024-01-01 -")
    gone = difference(table, current(table, [before]), tonight, *dates("2018-06-02", SECOND))
    assert gone.select("cine_referral_id", "change").rows() == [("e1", change)]


def test_what_has_aged_out_stays_as_last_known() -> None:
    archive = nights(
        (FIRST, enquiries("s1 anna 2017-05-20 2017-06-20", "s2 anna 2024-05-21 -")),
        (SECOND, enquiries("s2 anna 2024-05-21 -")),
        (THIRD, enquiries("s2 anna 2024-05-21 -")),
        window_start=dates("2018-06-01")[0],
    )
    assert shown(archive, S47, THIRD)["s47e_s47_enquiry_id"].to_list() == ["s1", "s2"]


def test_a_night_on_which_nothing_changed_brings_an_empty_vintage() -> None:
    table = TABLES[S47]
    frame = rows(S47, enquiries("s1 anna 2024-05-20 -")[S47])
    first = difference(table, None, frame, *dates("2018-06-01", FIRST))
    assert difference(table, current(table, [first]), frame, *dates("2018-06-01", SECOND)).is_empty()
