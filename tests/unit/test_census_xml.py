"""Invented census returns: the order of their elements, what each year may hold, and that they can be read back."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from xml.etree.ElementTree import Element

import polars as pl
import pytest
from defusedxml.ElementTree import parse

from flows.census_xml import write_census
from flows.forms import Form
from flows.request import Request
from flows.sources.census import read_census
from flows.synthesis import synthesise
from validation.extract import Origin
from validation.synthetic.habits import CLEAN
from validation.tables.catalogue import TABLES

YEARS = range(2020, 2027)

# The order of the schema, written down again here: what a parent may hold, in which order.
ORDER: Mapping[str, list[str]] = {
    "Message": ["Header", "Children"],
    "Header": ["CollectionDetails", "Source"],
    "CollectionDetails": ["Collection", "Year", "ReferenceDate"],
    "Source": ["SourceLevel", "LEA", "SoftwareCode", "Release", "SerialNo", "DateTime"],
    "Children": ["Child"],
    "Child": ["ChildIdentifiers", "ChildCharacteristics", "CINdetails"],
    "ChildIdentifiers": [
        "LAchildID", "UPN", "FormerUPN", "UPNunknown", "PersonBirthDate", "ExpectedPersonBirthDate", "GenderCurrent",
        "Sex", "PersonDeathDate",
    ],
    "ChildCharacteristics": ["Ethnicity", "Disabilities"],
    "Disabilities": ["Disability"],
    "CINdetails": [
        "CINreferralDate", "ReferralSource", "PrimaryNeedCode", "CINclosureDate", "ReasonForClosure",
        "DateOfInitialCPC", "Assessments", "CINPlanDates", "Section47", "ReferralNFA", "ChildProtectionPlans",
    ],
    "Assessments": [
        "AssessmentActualStartDate", "AssessmentInternalReviewDate", "AssessmentAuthorisationDate",
        "FactorsIdentifiedAtAssessment",
    ],
    "FactorsIdentifiedAtAssessment": ["AssessmentFactors"],
    "CINPlanDates": ["CINPlanStartDate", "CINPlanEndDate"],
    "Section47": ["S47ActualStartDate", "InitialCPCtarget", "DateOfInitialCPC", "ICPCnotRequired"],
    "ChildProtectionPlans": [
        "CPPstartDate", "CPPendDate", "InitialCategoryOfAbuse", "LatestCategoryOfAbuse", "NumberOfPreviousCPP",
    ],
}  # fmt: skip
REPEATED = {
    "Child", "CINdetails", "Disability", "Assessments", "AssessmentFactors", "CINPlanDates", "Section47",
    "ChildProtectionPlans",
}  # fmt: skip
NEEDED = {
    "ChildIdentifiers": {"LAchildID"},
    "ChildCharacteristics": {"Ethnicity"},
    "CINdetails": {"CINreferralDate", "ReferralSource", "ReferralNFA"},
    "Section47": {"S47ActualStartDate", "ICPCnotRequired"},
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    out = tmp_path_factory.mktemp("census") / "returns"
    request = Request(
        date(2026, 11, 24), out, profile="england", residents=3_000, years=len(YEARS), seed=4, form=Form.CENSUS, habits=CLEAN
    )
    return list(synthesise(request).paths)


@pytest.fixture(scope="module")
def returns(paths: list[Path]) -> dict[int, Element]:
    return {year: parse(path).getroot() for year, path in zip(YEARS, paths, strict=True)}


def test_one_file_for_each_year_that_has_ended(paths: list[Path]) -> None:
    assert [path.name for path in paths] == [f"cin_{year}.xml" for year in YEARS]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in paths)


def test_elements_stand_in_the_order_of_the_schema(returns: dict[int, Element]) -> None:
    met = set()
    for message in returns.values():
        for parent in message.iter():
            tags = [child.tag for child in parent]
            if not tags:
                assert (parent.text or "").strip(), parent.tag
                continue
            met.add(parent.tag)
            places = [ORDER[parent.tag].index(tag) for tag in tags]
            assert places == sorted(places), parent.tag
            single = [tag for tag in tags if tag not in REPEATED]
            assert len(single) == len(set(single)), parent.tag
            assert NEEDED.get(parent.tag, set()) <= set(tags)
    assert met == set(ORDER)


@pytest.mark.parametrize(
    ("tag", "code", "first", "last"),
    [
        ("GenderCurrent", None, 2020, 2024),
        ("Sex", None, 2025, 2026),
        ("CINPlanDates", None, 2022, 2026),
        ("ReferralSource", "5D", 2023, 2026),
        ("ReasonForClosure", "RC9", 2023, 2026),
        ("AssessmentFactors", "18C", 2021, 2026),
        ("AssessmentFactors", "18A", 2020, 2020),
        ("AssessmentFactors", "24A", 2022, 2026),
    ],
)
def test_each_year_holds_what_it_may(returns: dict[int, Element], tag: str, code: str | None, first: int, last: int) -> None:
    holds = [year for year, message in returns.items() if any(code in (None, one.text) for one in message.iter(tag))]
    assert holds == list(range(first, last + 1))


def test_header(returns: dict[int, Element]) -> None:
    for year, message in returns.items():
        assert message.findtext("Header/CollectionDetails/Year") == str(year)
        assert message.findtext("Header/CollectionDetails/ReferenceDate") == f"{year}-03-31"
        assert message.findtext("Header/Source/SoftwareCode") == "rereferral synthesise"
        assert message.findtext("Header/Source/LEA") == "812"


def test_cases_are_those_open_in_the_year_as_known_at_its_end(returns: dict[int, Element]) -> None:
    for year, message in returns.items():
        details = list(message.iter("CINdetails"))
        closings = [text for one in details if (text := one.findtext("CINclosureDate"))]
        assert 0 < len(closings) < len(details)
        assert all(f"{year - 1}-04-01" <= text <= f"{year}-03-31" for text in closings)
        assert all(one.findtext("CINreferralDate", "") <= f"{year}-03-31" for one in details)
        assert len(closings) == sum(one.find("ReasonForClosure") is not None for one in details)


def test_a_return_carries_what_must_not_enter_the_pipeline(returns: dict[int, Element]) -> None:
    message = returns[2026]
    children = list(message.iter("Child"))
    numbers = [child.findtext("ChildIdentifiers/LAchildID", "") for child in children]
    assert len(set(numbers)) == len(numbers)
    assert all(re.fullmatch(r"[A-Z0-9]{1,20}", number) for number in numbers)
    pupils = [one.text or "" for one in message.iter("UPN")]
    assert all(re.fullmatch(r"[A-Z]812\d{9}", pupil) for pupil in pupils)
    assert 0.8 * len(children) < len(pupils) < len(children)
    days = {(one.text or "")[-2:] for one in message.iter("PersonBirthDate")}
    assert len(days) == 28


def test_no_pupil_number_can_be_a_real_one(returns: dict[int, Element]) -> None:
    letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
    pupils = [one.text or "" for message in returns.values() for one in message.iter("UPN")]
    right = [letters[sum(int(digit) * place for place, digit in enumerate(pupil[1:], 2)) % 23] for pupil in pupils]
    assert pupils
    assert not any(pupil[0] == letter for pupil, letter in zip(pupils, right, strict=True))


def test_a_child_of_school_age_is_not_said_to_be_too_young_for_a_pupil_number(returns: dict[int, Element]) -> None:
    said = set()
    for year, message in returns.items():
        for child in message.iter("ChildIdentifiers"):
            if (reason := child.findtext("UPNunknown")) and (born := child.findtext("PersonBirthDate")):
                said.add(reason)
                assert (reason == "UN4") is (date.fromisoformat(born) < date(year - 5, 5, 1))
    assert said == {"UN1", "UN4"}


def test_death_is_put_where_nothing_of_its_month_comes_after_it(tmp_path: Path) -> None:
    child, case = "0" * 32, "1" * 32
    rows: dict[str, dict[str, object]] = {
        "ssd_person": {"pers_person_id": child, "pers_sex": "F", "pers_gender": "F", "pers_ethnicity": "NOBT",
                       "pers_dob": date(2015, 5, 1), "pers_death_date": date(2025, 11, 1)},
        "ssd_cin_episodes": {"cine_referral_id": case, "cine_person_id": child, "cine_referral_date": date(2025, 5, 1),
                             "cine_referral_nfa": False, "cine_close_date": date(2025, 11, 29), "cine_close_reason": "RC2"},
        "ssd_cp_plans": {"cppl_referral_id": case, "cppl_person_id": child, "cppl_cp_plan_start_date": date(2025, 6, 2),
                         "cppl_cp_plan_end_date": date(2025, 11, 29)},
    }  # fmt: skip
    empty = {name: table.empty() for name, table in TABLES.items()}
    drawn = {name: pl.concat([empty[name], pl.DataFrame([row])], how="diagonal") for name, row in rows.items()}
    write_census(empty | drawn, 2026, tmp_path / "cin.xml")
    message = parse(tmp_path / "cin.xml").getroot()
    assert message.findtext(".//PersonDeathDate") == "2025-11-30"
    assert message.findtext(".//CPPendDate") == message.findtext(".//CINclosureDate") == "2025-11-29"


def test_the_same_child_is_the_same_in_every_year(returns: dict[int, Element]) -> None:
    said = [
        (child.findtext("LAchildID"), child.findtext("PersonBirthDate"), child.findtext("UPN"))
        for message in returns.values()
        for child in message.iter("ChildIdentifiers")
        if child.find("PersonBirthDate") is not None
    ]
    assert len(said) > len(set(said)) == len({number for number, _, _ in said})


def test_the_reader_finds_every_episode_of_the_years(paths: list[Path], returns: dict[int, Element]) -> None:
    extract = read_census(paths)
    assert extract.manifest.origin is Origin.INVENTED
    assert (extract.manifest.window_start, extract.manifest.extract_date) == (date(2019, 4, 1), date(2026, 3, 31))
    said = {
        (child.findtext("ChildIdentifiers/LAchildID"), one.findtext("CINreferralDate"))
        for message in returns.values()
        for child in message.iter("Child")
        for one in child.iter("CINdetails")
    }
    episodes = extract.tables["ssd_cin_episodes"]
    assert set(episodes.select("cine_person_id", "cine_referral_date").iter_rows()) == said
    still_open = episodes.filter(pl.col("cine_close_date").is_null())
    assert still_open.height == sum(one.find("CINclosureDate") is None for one in returns[2026].iter("CINdetails"))
