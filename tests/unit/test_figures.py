"""Figures of small authorities made by hand, whose answers can be worked out on paper."""

from datetime import date, timedelta

import polars as pl
import pytest

from validation.errors import SettingsError
from validation.synthetic.estimates import quantiles, rate, ratios
from validation.synthetic.figures import compare, measure, published, table_text
from validation.tables.catalogue import TABLES

START, END = date(2022, 4, 1), date(2025, 3, 31)  # three census years
DAY = timedelta(1)
Rows = list[dict[str, object]]


def authority(**rows: Rows) -> dict[str, pl.DataFrame]:
    """The tables of an authority with the given rows; what a row leaves out is empty."""
    return {
        name: pl.DataFrame(rows.get(name.removeprefix("ssd_"), []), schema=table.schema, strict=True)
        for name, table in TABLES.items()
    }


def episode(child: str, start: date, close: date | None = None, reason: str | None = None, **more: object) -> dict[str, object]:
    return {
        "cine_referral_id": f"{child}-{start}",
        "cine_person_id": child,
        "cine_referral_date": start,
        "cine_close_date": close,
        "cine_close_reason": reason,
        "cine_referral_nfa": False,
    } | {f"cine_{name}": value for name, value in more.items()}


def found(tables: dict[str, pl.DataFrame], group: str, start: date = START, end: date = END) -> dict[str, float]:
    measured = measure(tables, 1_000, start, end).filter(group=group)
    return {name: value for name, value in measured.select("figure", "value").iter_rows() if value}


def test_a_ratio_has_the_standard_error_of_families() -> None:
    frame = pl.DataFrame({"family": ["A", "A", "B", "B", "C"], "hit": [True, True, False, None, True]})
    row = ratios("group", frame, {"hit": pl.col("hit")}).row(0, named=True)
    assert (row["group"], row["figure"], row["n"]) == ("group", "hit", 3)
    assert row["value"] == pytest.approx(60)
    assert row["standard_error"] == pytest.approx(100 * (0.8**2 + 1.2**2 + 0.4**2) ** 0.5 / 5)


def test_a_ratio_of_nothing_has_no_value() -> None:
    frame = pl.DataFrame(schema={"family": pl.String, "hit": pl.Boolean})
    assert ratios("group", frame, {"hit": pl.col("hit")}).row(0) == ("group", "hit", None, None, 0)


def test_a_rate_counts_what_families_bring() -> None:
    frame = pl.DataFrame({"family": ["A", "A", "B"]})
    value, error, families = rate("group", "figure", frame, per=1_500).row(0)[2:]
    assert (value, families) == (pytest.approx(2), 2)
    assert error == pytest.approx(5**0.5 / 1.5)


def test_a_quantile_is_as_uncertain_as_the_share_below_it() -> None:
    alone = pl.DataFrame({"family": [str(number) for number in range(100)], "days": range(100)})
    value, error = quantiles("group", alone, "days", {"half": 0.5}).row(0)[2:4]
    assert value in (49, 50)
    assert error == pytest.approx(5, abs=0.5)  # the share has a standard error of 0.05
    pairs = alone.with_columns(family=pl.col("days") // 2)
    assert quantiles("group", pairs, "days", {"half": 0.5})["standard_error"].item() > 1.3 * error


def test_re_referrals_look_back_a_year_even_beyond_the_first_day() -> None:
    first = date(2022, 4, 1)
    tables = authority(
        cin_episodes=[
            episode("A", first - 365 * DAY, first - 300 * DAY),
            episode("A", first, first + 5 * DAY),  # a year later: a re-referral
            episode("A", first + 366 * DAY, first + 370 * DAY),  # a day too late
            episode("A", first + 380 * DAY, first + 390 * DAY),  # the same child in the same year again
            episode("B", first, referral_nfa=True),
        ]
    )
    figures = found(tables, "Referrals and re-referrals")
    assert figures["Referrals a year"] == pytest.approx(4 / 3)
    assert figures["Referrals per referred child in a year"] == pytest.approx(4 / 3)
    assert figures["Referrals within 12 months of an earlier one"] == pytest.approx(50)
    assert figures["Referred children re-referred within 12 months"] == pytest.approx(100 * 2 / 3)
    assert figures["Referrals with no further action"] == pytest.approx(25)


def test_not_in_need_is_measured_where_a_year_has_passed() -> None:
    tables = authority(
        cin_episodes=[
            episode("A", date(2022, 5, 1), date(2022, 6, 1), "RC8"),
            episode("B", date(2022, 5, 1), date(2022, 6, 1), "RC9"),
            episode("C", date(2022, 5, 1), date(2022, 6, 1), "RC7"),
            episode("D", date(2024, 5, 1)),
        ]
    )
    assert found(tables, "Referrals and re-referrals")["Referrals assessed, child not in need"] == pytest.approx(200 / 3)


def test_years_that_are_not_complete_are_left_out() -> None:
    days = [date(2021, 6, 1), date(2022, 6, 1), date(2024, 6, 1)]
    tables = authority(cin_episodes=[episode(str(day), day) for day in days])
    figures = found(tables, "Referrals and re-referrals", start=date(2021, 5, 1), end=date(2024, 3, 30))
    assert figures["Referrals a year"] == pytest.approx(1)  # of the one complete year


def test_returns_are_counted_where_the_follow_up_is_complete() -> None:
    closed = END - 365 * DAY
    tables = authority(
        cin_episodes=[
            episode("A", date(2023, 1, 1), closed),
            episode("A", END),  # on the last day that counts
            episode("B", date(2023, 1, 1), closed),
            episode("C", date(2023, 1, 1), closed + DAY),  # its year is not over
            episode("C", closed + 9 * DAY),
        ]
    )
    assert found(tables, "Returns after closing") == {"New referral within 12 months of closing": pytest.approx(50)}
    early = START - 7 * 366 * DAY
    figures = found(
        authority(
            cin_episodes=[
                episode("A", early, early + 300 * DAY),
                episode("A", early + 1_000 * DAY),
                episode("B", early, early + 300 * DAY),
            ]
        ),
        "Returns after closing",
        start=early,
    )
    assert figures == {"New referral within 6 years of closing": pytest.approx(50)}


def test_concentration_is_what_the_families_with_most_bring() -> None:
    def family(number: int, returns: int, late: int = 0) -> Rows:
        child, first = f"child {number}", date(2022, 4, 1)
        days = [first + 60 * DAY * step for step in range(returns + 1)] + [
            first + 900 * DAY + 60 * DAY * step for step in range(late)
        ]
        return [episode(child, day, day + 30 * DAY) for day in days]

    counts = [4] * 17 + [2] * 32 + [0] * 151  # 17 of 200 families are 8.5 per cent
    tables = authority(cin_episodes=[row for number, count in enumerate(counts) for row in family(number, count, late=1)])
    figures = found(tables, "Concentration of re-referrals", end=date(2026, 3, 31))
    assert figures["Re-referrals of the 8.5 % of families with most"] == pytest.approx(100 * 68 / 132)
    assert figures["Families with a re-referral within 27 months"] == pytest.approx(24.5)
    alike = authority(cin_episodes=[row for number in range(200) for row in family(number, 1)])
    assert found(alike, "Concentration of re-referrals", end=date(2026, 3, 31))[
        "Re-referrals of the 8.5 % of families with most"
    ] == pytest.approx(8.5)


def test_concentration_adds_up_the_children_of_a_family() -> None:
    first = date(2022, 4, 1)
    rows = [episode(child, day, day + 9 * DAY) for child in ("A", "B") for day in (first, first + 50 * DAY)]
    rows += [episode(f"other {number}", first, first + 9 * DAY) for number in range(10)]
    members = [{"fami_table_id": child, "fami_family_id": "family", "fami_person_id": child} for child in ("A", "B")]
    figures = found(authority(cin_episodes=rows, family=members), "Concentration of re-referrals", end=date(2026, 3, 31))
    assert figures["Families with a re-referral within 27 months"] == pytest.approx(100 / 11)
    assert figures["Re-referrals of the 8.5 % of families with most"] == pytest.approx(100 * 0.085 * 11)


def stocked() -> dict[str, pl.DataFrame]:
    """One child in need on every 31 March, three on the last, and two who only seem to be."""
    last = END
    return authority(
        cin_episodes=[
            episode("A", date(2021, 1, 1), cin_primary_need_code="N1"),
            episode("B", last - 10 * DAY, cin_primary_need_code="N2"),
            episode("C", last - 200 * DAY),
            episode("D", last - 10 * DAY, last),  # closed on the day
            episode("E", last, referral_nfa=True),
        ],
        person=[
            {"pers_person_id": "A", "pers_sex": "F", "pers_dob": date(2008, 3, 1), "pers_ethnicity": "WBRI"},
            {"pers_person_id": "B", "pers_sex": "M", "pers_dob": date(2025, 6, 1), "pers_ethnicity": "NOBT"},
            {"pers_person_id": "C", "pers_sex": "U", "pers_dob": date(2015, 4, 1), "pers_ethnicity": "MOTH"},
        ],
        disability=[{"disa_table_id": code, "disa_person_id": "A", "disa_disability_code": code} for code in ("AUT", "LD")]
        + [{"disa_table_id": "none", "disa_person_id": "C", "disa_disability_code": "NONE"}],
    )


def test_children_in_need_on_31_march() -> None:
    tables = stocked()
    assert found(tables, "Children in need on 31 March") == {
        "Children in need": pytest.approx(5 / 3),
        "With a disability": pytest.approx(60),
    }
    last = {"start": date(2024, 4, 1)}
    third = pytest.approx(100 / 3)
    assert found(tables, "Age on 31 March", **last) == {"Unborn": third, "5 to 9": third, "16 and over": third}
    assert found(tables, "Sex on 31 March", **last) == {"Female": third, "Unborn": third, "Unknown": third}
    assert found(tables, "How long cases open on 31 March have been open", **last) == {
        "3 months or less": third, "More than 6 months, less than 1 year": third, "2 years and longer": third,
    }  # fmt: skip
    assert found(tables, "Primary need on 31 March", **last) == {
        "N0 Not stated": third, "N1 Abuse or neglect": third, "N2 Child's disability or illness": third,
    }  # fmt: skip
    assert found(tables, "Ethnic group on 31 March", **last) == {
        "White (of known)": pytest.approx(50), "Mixed (of known)": pytest.approx(50), "Not known (of all)": third,
    }  # fmt: skip


def test_ended_episodes_of_need() -> None:
    begin = date(2022, 6, 1)
    lengths = {"A": 91, "B": 92, "C": 365, "D": 730}
    rows = [episode(child, begin, begin + days * DAY, "RC7") for child, days in lengths.items()]
    rows += [
        episode("E", begin, begin + 200 * DAY),  # no reason given
        episode("F", begin, begin + 20 * DAY, "RC8"),
        episode("G", begin, begin + DAY, "RC7", referral_nfa=True),
        episode("H", begin, begin + 100 * DAY, "RC5"),
    ]
    tables, sixth = authority(cin_episodes=rows), pytest.approx(100 / 6)
    assert found(tables, "Length of ended episodes of need") == {
        "3 months or less": sixth,
        "More than 3 months, up to 6": pytest.approx(200 / 6),
        "More than 6 months, less than 1 year": sixth,
        "1 year, less than 2": sixth,
        "2 years and longer": sixth,
    }
    assert found(tables, "Reason for closing an episode of need") == {
        "RC5 Moved to another LA": sixth,
        "RC7 Any other reason, or unknown": pytest.approx(500 / 6),
    }


def test_sources_and_months_are_shares_of_referrals() -> None:
    sources = {"A": ("6", 4), "B": ("3A", 4), "C": ("3F", 7), "D": (None, 3)}
    rows = [
        episode(child, date(2022 + (month < 4), month, 5), referral_source_code=source)
        for child, (source, month) in sources.items()
    ]
    tables = authority(cin_episodes=rows)
    assert found(tables, "Source of referral") == {"Health services": pytest.approx(50), "Police": pytest.approx(25)}
    assert found(tables, "Month of referral") == {
        "April": pytest.approx(50), "July": pytest.approx(25), "March": pytest.approx(25),
    }  # fmt: skip


def assessment(key: str, start: date, end: date | None, factors: str | None = None) -> tuple[Rows, Rows]:
    child = key.split(maxsplit=1)[0]
    done = {
        "cina_assessment_id": key,
        "cina_person_id": child,
        "cina_referral_id": f"episode of {child}",
        "cina_assessment_start_date": start,
        "cina_assessment_auth_date": end,
    }
    held = {"cinf_table_id": key, "cinf_assessment_id": key, "cinf_assessment_factors_json": factors}
    return [done], [held] if factors else []


def test_factors_are_those_of_episodes_in_which_one_was_found() -> None:
    parts = [
        assessment("A 1", date(2023, 5, 1), date(2023, 6, 1), "16A|4B"),
        assessment("A 2", date(2023, 7, 3), date(2023, 8, 1), "3B|4B"),  # the same episode and year: counted once
        assessment("B 1", date(2023, 5, 1), date(2023, 6, 1), "8E"),
        assessment("C 1", date(2023, 5, 1), date(2023, 6, 1), "21"),
        assessment("D 1", date(2025, 3, 3), date(2025, 4, 1), "4B"),  # finished too late
    ]
    tables = authority(
        cin_assessments=[row for done, _ in parts for row in done], assessment_factors=[row for _, held in parts for row in held]
    )
    half = pytest.approx(50)
    assert found(tables, "Factors found, of assessed episodes with a factor") == {
        "16A Neglect": half, "3B Domestic abuse: parent/carer is victim": half, "4B Mental health: parent/carer": half,
        "8 Private fostering": half,
    }  # fmt: skip


def test_assessments_are_measured_in_working_days() -> None:
    ends = [date(2023, 5, day) for day in (8, 15, 22, 29)]  # Mondays, one to four weeks after the start
    parts = [assessment(f"{number} x", date(2023, 5, 1), end) for number, end in enumerate([*ends, None])]
    tables = authority(cin_assessments=[row for done, _ in parts for row in done])
    figures = found(tables, "Length of assessments")
    assert list(figures.values()) == [10, pytest.approx(12.5, abs=2.5), 15]


def plan(child: str, start: date, category: str, *, elsewhere: bool = False) -> dict[str, object]:
    return {
        "cppl_cp_plan_id": f"{child}-{start}",
        "cppl_person_id": child,
        "cppl_cp_plan_start_date": start,
        "cppl_cp_plan_initial_category": category,
        "cppl_cp_plan_ola": elsewhere,
    }


def test_work_is_counted_per_hundred_referrals_and_plans_by_child() -> None:
    day = date(2023, 5, 2)
    tables = authority(
        cin_episodes=[episode(child, day) for child in "ABCDE"],
        cin_assessments=[row for child in "AB" for row in assessment(f"{child} 1", day, day + 30 * DAY)[0]],
        s47_enquiry=[{"s47e_s47_enquiry_id": "s", "s47e_person_id": "A", "s47e_s47_start_date": day}],
        initial_cp_conference=[{"icpc_icpc_id": "i", "icpc_person_id": "A", "icpc_icpc_date": END + DAY}],
        cp_plans=[
            plan("A", date(2015, 1, 5), "NEG"),
            plan("A", day, "NEG"),
            plan("B", day, "EMO"),
            plan("C", day, "EMO", elsewhere=True),
        ],
    )
    assert found(tables, "Work done") == {
        "Assessments completed": pytest.approx(40),
        "Section 47 enquiries started": pytest.approx(20),
        "Child protection plans started": pytest.approx(60),
    }
    half = pytest.approx(50)
    assert found(tables, "Child protection plans started") == {
        "NEG Neglect": half, "EMO Emotional abuse": half, "Second or later plan of the child": half,
    }  # fmt: skip


def test_brothers_and_sisters_are_counted_as_they_were_on_the_day() -> None:
    born = {
        "A": date(2010, 1, 1),
        "B": date(2012, 1, 1),
        "grown": date(2004, 5, 1),
        "baby": date(2024, 9, 1),
        "X": date(2010, 1, 1),
    }
    tables = authority(
        cin_episodes=[episode("A", date(2022, 5, 2)), episode("B", date(2022, 5, 2)), episode("X", date(2022, 5, 2))],
        person=[{"pers_person_id": child, "pers_dob": day} for child, day in born.items()],
        family=[
            {"fami_table_id": child, "fami_family_id": "family", "fami_person_id": child} for child in ("A", "B", "grown", "baby")
        ],
    )
    half = pytest.approx(50)
    assert found(tables, "Children under 18 in a referred family") == {"One child": half, "Two children": half}


def test_every_figure_that_is_published_is_measured_and_none_besides() -> None:
    measured = measure(stocked(), 1_000, START, END)
    wanted = published()
    pairs = list(wanted.select("group", "figure").iter_rows())
    assert len(set(pairs)) == len(pairs) == measured.height
    assert set(measured.select("group", "figure").iter_rows()) == set(pairs)


def test_published_shares_of_a_whole_add_up_to_a_hundred() -> None:
    wholes = published().filter(
        pl.col("group").str.contains("Source|Month|Length of ended|Reason|How long|Primary need|Age|Sex|in a referred family")
    )
    sums = wholes.group_by("group").agg(pl.col("england").sum(), parts=pl.len())
    assert sums.height == 9
    assert all(total == pytest.approx(100, abs=0.4) for total in sums["england"])


def simulated(**values: float) -> pl.DataFrame:
    """Figures that are as published for England, but for those that are named."""
    as_published = published().select(
        "group", "figure", value=pl.coalesce("england"), standard_error=pl.lit(0.1), n=pl.lit(9, pl.Int64)
    )
    return as_published.with_columns(value=pl.col("figure").replace_strict(values, default=pl.col("value")))


@pytest.mark.parametrize(
    ("figure", "value", "tolerance", "verdict"),
    [
        ("Police", 28.5 + 1.42, 1.425, "inside"),  # 5 per cent of the figure
        ("Police", 28.5 + 1.43, 1.425, "OUT"),
        ("Health services", 14.7 - 0.99, 1.0, "inside"),  # one point
        ("Individual", 8.0 + 0.81, 0.8, "OUT"),  # a tenth of the figure
        ("Unknown", 1.2, 0.35, "inside"),  # three and a half standard errors
        ("Half are done within", 34 + 1.8, 1.7, "OUT"),  # 5 per cent
        ("One child", 40 - 3.9, 4.0, "inside"),  # the assumption's own
        ("Families with a re-referral within 27 months", 60.0, None, "information"),
    ],
)
def test_verdicts(figure: str, value: float, tolerance: float | None, verdict: str) -> None:
    row = compare(simulated(**{figure: value}), "england").filter(
        pl.col("figure") == figure, pl.col("group") != "Sex on 31 March"
    )
    assert row["verdict"].item() == verdict
    assert row["tolerance"].item() == (None if tolerance is None else pytest.approx(tolerance))
    assert row["difference"].item() == pytest.approx(value - row["published"].item())


def test_what_is_not_published_is_shown_without_a_judgement() -> None:
    compared = compare(simulated(), "nel")
    row = compared.filter(figure="RC2 Died").row(0, named=True)
    assert (row["published"], row["simulated"], row["verdict"]) == (None, 0.3, "not published")
    assert compared.filter(figure="White (of known)")["verdict"].item() == "information"
    nothing = simulated().with_columns(value=pl.lit(None, pl.Float64))
    assert set(compare(nothing, "england")["verdict"]) == {"not measured", "information"}


def test_the_table_is_fit_for_a_terminal_and_counts_its_verdicts() -> None:
    lines = table_text(compare(simulated(Police=50.0), "england")).splitlines()
    assert max(len(line) for line in lines) <= 110
    assert sum(line.endswith("  OUT") for line in lines) == 1
    police = next(line for line in lines if "Police" in line)
    assert police.split() == ["Police", "28.5", "50.0", "+21.50", "1.43", "OUT"]
    assert lines[-1] == "Figures: 130 inside, 1 OUT, 0 not published, 1 information, 0 not measured."


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(SettingsError, match="holds no complete census year"):
        measure(stocked(), 1_000, date(2022, 4, 2), date(2024, 3, 30))
    with pytest.raises(SettingsError, match="'atlantis' has no published figures; there are some for england"):
        compare(simulated(), "atlantis")
