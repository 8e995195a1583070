"""Figures of small authorities made by hand, whose answers can be worked out on paper."""

from datetime import date

import pytest

from tests.unit.small_authority import DAY, END, START, Rows, authority, episode, found, stocked


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
