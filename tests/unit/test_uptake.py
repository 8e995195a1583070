"""Offers, decisions and answers by group: each counted once, for the children who were there, and no more said than is known."""

from datetime import date, timedelta

import polars as pl
import pytest

from flows.publish.uptake_section import JUDGED, tell_uptake
from models.fairness import FRAME, Verdict
from models.uptake import CASE, DECISION, OFFER, gather_rows, measure_uptake
from tests.spec.drawn_decisions import decisions, offers
from validation.disclosure import HIDDEN

TODAY = date(2026, 11, 29)
FIRST = TODAY - timedelta(days=28 * 15)
DATES = [FIRST + timedelta(days=28 * step) for step in range(16)]


def cases(*children: str, family: str = "f", days: list[date] = DATES, back: bool | None = None) -> pl.DataFrame:
    """Each child's case, open on every date; those of the latest year have no outcome yet."""
    keys = [(day, child, f"case of {child}", family, back if day < TODAY - timedelta(days=365) else None)
            for day in days for child in children]  # fmt: skip
    schema = {"as_of": pl.Date, "person_id": pl.String, "referral_id": pl.String, "group_id": pl.String, "outcome": pl.Boolean}
    return pl.DataFrame(keys, schema=schema, orient="row")


def gather(
    open_cases: pl.DataFrame, offers_made: pl.DataFrame | None = None, decided: pl.DataFrame | None = None
) -> pl.DataFrame:
    none = offers().clear()
    return gather_rows(
        open_cases, none if offers_made is None else offers_made, decisions().clear() if decided is None else decided, TODAY
    )


def test_an_offer_is_counted_for_each_child_with_an_open_case_on_the_next_date() -> None:
    made = offers("child kind offered answer answered\nanna FGC 2025-12-01 ACCEPTED 2025-12-05")
    found = gather(cases("anna", "bert"), made).filter(look=OFFER)
    assert found.select("as_of", "person_id", "answer").rows() == [
        (DATES[3], "anna", "ACCEPTED"),
        (DATES[3], "bert", "ACCEPTED"),
    ]
    assert DATES[2] < date(2025, 12, 1) <= DATES[3]


def test_an_offer_in_the_case_system_and_in_the_log_is_one() -> None:
    made = offers("child kind offered\nanna FGC 2026-06-01")
    log = decisions("family decision on kind\nanna offered 2026-06-03 FGC")
    assert gather(cases("anna"), made, log).filter(look=OFFER).height == 1


def test_an_offer_to_a_family_whose_case_was_closed_before_the_next_date_is_left_out() -> None:
    made = offers("child kind offered\nanna FGC 2026-06-01")
    assert gather(cases("anna", days=DATES[:3]), made).filter(look=OFFER).is_empty()


@pytest.mark.parametrize(("day", "offered"), [("2026-06-01", True), ("2025-11-01", False)])
def test_offered_help_looks_at_the_last_year_and_each_child_once(day: str, offered: bool) -> None:
    found = gather(cases("anna"), offers(f"child kind offered\nanna FGC {day}")).filter(look=CASE)
    assert found.select("as_of", "was_offered").rows() == [(TODAY, offered)]


@pytest.mark.parametrize(("day", "due"), [("2026-10-25", True), ("2026-11-10", False)])
def test_an_offer_must_be_four_weeks_old_before_its_answer_is_missed(day: str, due: bool) -> None:
    found = gather(cases("anna"), offers(f"child kind offered\nanna FGC {day}")).filter(look=OFFER)
    assert found["due"].to_list() == [due]


def decided(*lines: str) -> pl.DataFrame:
    drawn = "\n".join(["family decision on standing", *lines])
    return decisions(drawn).with_columns(children=pl.concat_list("family_id"))


@pytest.mark.parametrize(
    ("lines", "otherwise"),
    [
        (("anna offered 2026-06-01 place",), [False]),
        (("anna not_suitable 2026-06-01 place",), [True]),
        (("anna not_suitable 2026-06-01 renew",), [True]),
        (("anna keep_on_the_list 2026-06-01 place",), []),
        (("anna not_suitable 2026-06-01 waiting",), []),
        (("anna offered 2026-06-01 place", "anna other 2026-06-01 place"), [False]),
        (("anna offered 2026-06-01 place", "anna other 2026-07-01 place"), [False, True]),
    ],
)
def test_the_first_decision_on_a_place_says_whether_people_decided_otherwise(
    lines: tuple[str, ...], otherwise: list[bool]
) -> None:
    assert gather(cases("anna"), None, decided(*lines)).filter(look=DECISION)["otherwise"].to_list() == otherwise


def council() -> pl.DataFrame:
    """Forty families of two peoples: all of the north say yes, none of the south; half of each came back."""
    names = [f"{people} {at}" for people in ("north", "south") for at in range(20)]
    every = pl.concat([cases(name, family=name, back=bool(at % 2)) for at, name in enumerate(names)])
    answers = [
        f"{name.replace(' ', '_')} FGC 2025-10-15 {'ACCEPTED' if 'north' in name else 'DECLINED'} 2025-10-20" for name in names
    ]
    made = offers("\n".join(["child kind offered answer answered", *answers]))
    made = made.with_columns(pl.col("person_id").str.replace("_", " "))
    return gather(every, made).with_columns(people=pl.col("person_id").str.split(" ").list.first())


def test_shares_are_those_of_the_answers_and_a_gap_is_found() -> None:
    frame = measure_uptake(council(), ["people"])
    assert frame.columns == list(FRAME)
    shares = {(cell["metric"], cell["value"]): cell["estimate"] for cell in frame.iter_rows(named=True)}
    assert shares == {
        ("offered_help", "north"): 0, ("offered_help", "south"): 0, ("taken_up", "north"): 1, ("taken_up", "south"): 0,
        ("without_answer", "north"): 0, ("without_answer", "south"): 0, ("came_back_after_yes", "north"): 0.5,
        ("came_back_after_no", "south"): 0.5,
    }  # fmt: skip
    verdicts = dict(frame.filter(value="north").select("metric", "verdict").iter_rows())
    assert verdicts["taken_up"] == Verdict.GAP
    assert verdicts["came_back_after_yes"] == Verdict.DESCRIBED


def test_the_share_that_was_offered_help_counts_families_of_the_last_year() -> None:
    names = [f"{people} {at}" for people in ("north", "south") for at in range(20)]
    every = pl.concat([cases(name, family=name) for name in names])
    made = offers("\n".join(["child kind offered", *(f"north_{at} FGC 2026-06-01" for at in range(15))]))
    rows = gather(every, made.with_columns(pl.col("person_id").str.replace("_", " ")))
    frame = measure_uptake(rows.with_columns(people=pl.col("person_id").str.split(" ").list.first()), ["people"])
    shares = dict(frame.filter(metric="offered_help").select("value", "estimate").iter_rows())
    assert shares == {"north": 0.75, "south": 0}


def test_what_came_after_waits_until_it_can_be_known() -> None:
    recent = offers("child kind offered answer answered\nanna FGC 2026-06-01 ACCEPTED 2026-06-05")
    rows = gather(cases("anna", back=True), recent).with_columns(people=pl.lit("north"))
    assert "came_back_after_yes" not in measure_uptake(rows, ["people"])["metric"]


def test_the_section_tells_gaps_tables_and_what_nobody_has() -> None:
    section = tell_uptake(measure_uptake(council(), ["people"]))
    assert section.points[0].startswith("People, north, a gap: more of them say yes, by 100.0 points")
    assert [table.caption for table in section.tables] == [judged.caption for judged in JUDGED if judged.metric == "taken_up"]
    assert sum("nobody, as far as is on record" in line for line in section.words) == 2
    assert section.behind[0].rows == (("people: north", "0.0 %", "50.0 %", "-"), ("people: south", "0.0 %", "-", "50.0 %"))


def test_a_share_of_a_handful_is_not_shown() -> None:
    few = council().filter(~pl.col("person_id").str.contains("north 1"))  # ten are left, of whom three or so
    few = few.with_columns(
        answer=pl.when(pl.col("person_id").is_in(["north 0", "north 2"])).then(pl.lit("DECLINED")).otherwise("answer")
    )
    (table,) = tell_uptake(measure_uptake(few, ["people"])).tables
    assert [row[2:6] for row in table.rows] == [(HIDDEN,) * 4] * 2


def test_without_any_offer_the_section_says_so() -> None:
    rows = gather(cases("anna")).with_columns(people=pl.lit("north"))
    section = tell_uptake(measure_uptake(rows, ["people"]))
    assert not section.tables
    assert sum("nobody, as far as is on record" in line for line in section.words) == len(JUDGED)
