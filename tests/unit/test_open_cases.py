"""Who gets no chance and what is not on record, by group: the shares of the cases that are open, and nothing of a handful."""

from datetime import date

import polars as pl

from flows.publish.quality_section import HEADINGS, tell_quality
from models.fairness import FRAME, Verdict
from models.open_cases import OPEN_CASES, RECORDED, UNSUPPORTED, WITHOUT_CHANCE, count_reasons, measure_open_cases
from validation.disclosure import HIDDEN, NOTHING

TODAY = date(2026, 11, 29)
ADULT, WIDE = "turns 18", "too wide"


def draw(size: int = 120, few: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cases of two peoples, half each; none of the south gets a chance, nor ``few`` of the north. A quarter has no ethnicity."""
    at = pl.int_range(size, eager=True)
    keys = pl.DataFrame({"person_id": at.cast(pl.String)}).with_columns(
        as_of=pl.lit(TODAY), referral_id=pl.col("person_id"), south=at % 2 == 1, number=at
    )
    reason = pl.when("south").then(pl.lit(ADULT)).when(pl.col("number") < 2 * few).then(pl.lit(WIDE))
    cases = keys.select("as_of", "person_id", "referral_id", group_id="person_id", reason_for_abstaining=reason,
                        out_of_date=pl.lit(0.0), unlike_training=pl.when("south").then(0.25).otherwise(None))  # fmt: skip
    ethnicity = pl.when(pl.col("number") % 4 < 1).then(pl.lit("not stated")).otherwise(pl.lit("White"))
    groups = keys.select("as_of", "person_id", "referral_id", ethnicity=ethnicity,
                         sex=pl.when("south").then(pl.lit("male")).otherwise(pl.lit("female")))  # fmt: skip
    return cases, groups


def shares(frame: pl.DataFrame, metric: str) -> dict[str, float]:
    return dict(frame.filter(metric=metric).select("value", "estimate").iter_rows())


def test_shares_are_those_of_the_open_cases() -> None:
    frame = measure_open_cases(*draw())
    assert frame.columns == list(FRAME)
    assert frame["split"].unique().to_list() == [OPEN_CASES]
    assert shares(frame.filter(group="sex"), WITHOUT_CHANCE) == {"female": 0, "male": 1}
    assert shares(frame.filter(group="sex"), UNSUPPORTED) == {"female": 0, "male": 0.25}
    assert shares(frame, "ethnicity_not_stated") == {"female": 0.5, "male": 0}


def test_a_gap_in_who_gets_a_chance_is_judged_and_what_is_on_record_described() -> None:
    verdicts = dict(measure_open_cases(*draw()).filter(value="male").select("metric", "verdict").iter_rows())
    assert verdicts[WITHOUT_CHANCE] == Verdict.GAP
    assert {verdicts["ethnicity_not_stated"], verdicts[UNSUPPORTED]} == {Verdict.DESCRIBED}


def test_what_leaves_a_group_unknown_is_not_told_of_that_group() -> None:
    frame = measure_open_cases(*draw())
    assert frame.filter(metric="ethnicity_not_stated")["group"].unique().to_list() == ["sex"]


def test_columns_that_were_never_supplied_are_not_called_unrecorded() -> None:
    metrics = set(measure_open_cases(*draw())["metric"])
    assert metrics & set(RECORDED) == {"ethnicity_not_stated"}


def test_reasons_are_counted_the_most_frequent_first() -> None:
    assert list(count_reasons(draw(few=4)[0]).items()) == [(ADULT, 60), (WIDE, 4)]


def test_the_section_tells_gaps_reasons_and_what_is_not_on_record() -> None:
    cases, groups = draw()
    section = tell_quality(measure_open_cases(cases, groups), count_reasons(cases))
    assert section.points[0].startswith("Sex, female, a gap: fewer of them get no chance, by 100.0 points")
    assert section.tables[1].rows == (("Turns 18", "60"), ("All together", "60"))
    assert section.behind[0].header == ("Group", HEADINGS["ethnicity_not_stated"], HEADINGS[UNSUPPORTED])
    assert ("sex: female", "50.0 %", "0.0 %") in section.behind[0].rows
    assert ("ethnicity: White", NOTHING, "16.7 %") in section.behind[0].rows


def test_a_handful_without_a_chance_is_hidden_in_table_sentence_and_reasons() -> None:
    cases, groups = draw(few=4)
    section = tell_quality(measure_open_cases(cases, groups), count_reasons(cases))
    rows = {row[0]: row for row in section.tables[0].rows}
    assert rows["sex: female"][2:6] == (HIDDEN,) * 4
    assert not [point for point in section.points if point.startswith("Sex")]
    assert section.tables[1].rows == (("Turns 18", HIDDEN), ("Too wide", HIDDEN), ("All together", "64"))
