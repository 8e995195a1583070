"""The page on models in use: the verdict in words, both ways of looking, and no small number."""

import re
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from flows.publish.monitoring_page import render_monitoring
from flows.publish.verdicts_section import tell_verdicts
from models.criteria import read_criteria, shipped_criteria
from models.monitoring import COUNTED, SIBLING, Verdict, judge, measure, measure_order, measure_stability
from tests.unit.test_monitoring import GROUPS, invent

LIMITS = read_criteria(shipped_criteria()).limits
ALERT = "None of 12 features has moved since training."


def lists() -> pl.DataFrame:
    weeks = [date(2026, 3, 2) + timedelta(7 * at) for at in range(4)]
    rows = [
        (week, f"f{family}", "place" if family < 20 else "waiting") for at, week in enumerate(weeks) for family in range(at, 90)
    ]
    return pl.DataFrame(rows, schema=["week", "family_id", "standing"], orient="row")


def page(rows: pl.DataFrame, *, in_use: str | None = "1", **changes: Any) -> str:
    frame = measure(rows, GROUPS)
    counted = rows.group_by("version", "month").agg(cases=pl.len().cast(pl.Int64)).with_columns(reason=pl.lit(COUNTED))
    siblings = counted.with_columns(reason=pl.lit(SIBLING), cases=pl.lit(40, pl.Int64))
    given = {
        "judged": {version: judge(frame, version, LIMITS) for version in sorted({"1", *rows["version"]})},
        "in_use": in_use,
        "alerts": [],
        "drift": [{"month": "2026-03", "moved": 0, "words": ALERT}],
        "outcome": "a new referral within 12 months",
        "authority": "Borough of Example",
        "invented": True,
        "nights": 512,
        "waiting": 392,
        "mature": date(2025, 12, 31),
        "without_list": [date(2025, 8, 1)],
        "erased": 0,
        "looks": [look(date(2026, 11, 23))],
    }
    return render_monitoring(frame, measure_order(rows, 1), measure_stability(lists()), pl.concat([counted, siblings]),
                             **given | changes)  # fmt: skip


def look(on: date, verdict: Verdict = Verdict.WITHIN, in_use: str | None = "1", criteria: str = "0" * 64) -> dict[str, Any]:
    """What is kept of a look at the records of the day before."""
    return {
        "looked_on": on.isoformat(),
        "extract_date": (on - timedelta(1)).isoformat(),
        "complete_up_to": "2025-10-25",
        "criteria_sha256": criteria,
        "in_use": in_use,
        "models": {"1": {"verdict": verdict.value, "missed": []}},
    }


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.split("<main>")[1]).split()).replace("&#39;", "'")


@pytest.mark.parametrize(
    ("families", "times", "words"),
    [
        (3_000, 1.0, "there is no evidence that its chances are off by more than is allowed"),
        (3_000, 2.0, "and fails: it does not keep to what was asked of it beforehand"),
        (60, 1.0, "not enough evidence to say whether its chances hold. That is no pass."),
    ],
)
def test_the_verdict_comes_first_in_words(families: int, times: float, words: str) -> None:
    told = text(page(invent(families=families, times=times)))
    assert words in told[:600]


def test_figures_are_shown_with_and_without_offers_by_month_and_by_group() -> None:
    told = text(page(invent(families=3_000)))
    for words in ("All families", "Without an offer", "With a place on the list", "By people", "South", "January 2025",
                  "512 nights with a list", "392 nights are too recent", "No list was made in: August 2025"):  # fmt: skip
        assert words in told


def test_what_must_be_looked_into_stands_at_the_head() -> None:
    assert "To look into: Many features moved." in text(page(invent(), alerts=["Many features moved."]))


def test_a_version_without_complete_outcomes_is_not_called_good_and_the_older_ones_figures_are_shown() -> None:
    told = text(page(invent(families=3_000), in_use="2"))
    assert "None of its lists is old enough for anybody to know" in told
    assert "The figures below are those of version 1" in told
    assert "No model is in use." in text(page(invent(families=3_000), in_use=None))


def cells(html: str) -> list[str]:
    return re.findall(r"<td[^>]*>([^<]*)</td>", html)


@pytest.mark.parametrize("seed", range(4))
def test_no_small_count_and_no_rate_of_few_is_shown(seed: int) -> None:
    rows = invent(seed, families=70, months=6)
    html = page(rows)
    shown = cells(html)
    assert not {"1", "2", "3", "4", "5"} & set(shown)
    small = measure(rows, GROUPS).filter(pl.col("returns").is_between(1, 5), pl.col("look") == "month", who="all families")
    assert small.height
    for row in small.iter_rows(named=True):
        assert f"{row['ratio']:.2f}" not in shown
    assert "c" in shown


# --- how the verdict went


def weekly(*verdicts: Verdict, **changes: Any) -> list[dict[str, Any]]:
    return [look(date(2026, 9, 6) + timedelta(7 * at), verdict, **changes) for at, verdict in enumerate(verdicts)]


def test_the_verdicts_of_the_latest_looks_stand_in_a_table_the_newest_first() -> None:
    looks = weekly(*[Verdict.NOT_ENOUGH] * 10, *[Verdict.WITHIN] * 4)
    section = tell_verdicts(looks)
    assert section.tables[0].rows[0] == (
        "6 December 2026", "5 December 2026", "version 1", "no evidence that it is off by more than is allowed",
    )  # fmt: skip
    assert [row[0] for row in section.tables[0].rows][-1] == "20 September 2026"
    assert section.tables[0].caption == "The latest 12 of 14 looks"
    assert "On 8 November 2026 it was version 1: not enough evidence. Since then every look has said what is said today." in (
        section.words
    )


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        (weekly(Verdict.FAILING), "This is the first look that is kept"),
        (weekly(Verdict.FAILING, Verdict.FAILING), "All 2 looks since 6 September 2026 said the same."),
        ([*weekly(Verdict.WITHIN, in_use=None), *weekly(Verdict.WITHIN)[:1]], "there was no model in use."),
        ([*weekly(Verdict.WITHIN), *weekly(Verdict.WITHIN, criteria="1" * 64)], "The criteria for use were changed"),
    ],
)
def test_it_is_said_since_when_the_verdict_holds_and_what_it_was_before(looks: list[dict[str, Any]], words: str) -> None:
    assert words in " ".join(tell_verdicts(looks).words)


def test_a_version_that_has_made_no_list_is_not_called_good_in_the_table() -> None:
    ((_, _, model, verdict),) = tell_verdicts(weekly(Verdict.WITHIN, in_use="2")).tables[0].rows
    assert (model, verdict) == ("version 2", "not enough evidence")


def test_how_the_verdict_went_is_on_the_page() -> None:
    told = text(page(invent(), looks=weekly(Verdict.FAILING, Verdict.WITHIN)))
    assert "How has the verdict gone?" in told
    assert "6 September 2026 5 September 2026 version 1 fails in use" in told
