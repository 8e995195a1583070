"""Yearly census returns become one history: the right columns, one episode for one case, nothing dangerous parsed."""

import re
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from flows.sources import census
from flows.sources.reading import read_source
from validation.errors import ContractError, SourceError
from validation.extract import ExtractRule, Origin
from validation.tables.catalogue import TABLES

Write = Callable[..., str]


def details(day: str, source: str = "6", *, close: str = "", nfa: str = "0", parts: str = "") -> str:
    closing = f"<CINclosureDate>{close}</CINclosureDate><ReasonForClosure>RC8</ReasonForClosure>" if close else ""
    return (
        f"<CINdetails><CINreferralDate>{day}</CINreferralDate><ReferralSource>{source}</ReferralSource>"
        f"<PrimaryNeedCode>N1</PrimaryNeedCode>{closing}{parts}<ReferralNFA>{nfa}</ReferralNFA></CINdetails>"
    )


def child(episodes: str, name: str = "kid1", identifiers: str = "<Sex>F</Sex>", disabilities: str = "") -> str:
    return (
        f"<Child><ChildIdentifiers><LAchildID>{name}</LAchildID><PersonBirthDate>2012-05-17</PersonBirthDate>"
        f"{identifiers}</ChildIdentifiers><ChildCharacteristics><Ethnicity>WBRI</Ethnicity>{disabilities}"
        f"</ChildCharacteristics>{episodes}</Child>"
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a return of one year and gives the folder of all returns written so far."""

    def write_return(year: int, children: str, *, lea: str = "999", software: str = "System", head: str = "") -> str:
        text = (
            f"{head}<Message><Header><CollectionDetails><Collection>CIN</Collection><Year>{year}</Year>"
            f"<ReferenceDate>{year}-03-31</ReferenceDate></CollectionDetails><Source><SourceLevel>L</SourceLevel>"
            f"<LEA>{lea}</LEA><SoftwareCode>{software}</SoftwareCode></Source></Header>\n"
            f"<Children>\n{children}\n</Children></Message>"
        )
        (tmp_path / f"cin_{year}_{lea}.xml").write_text(text, encoding="utf-8")
        return str(tmp_path)

    return write_return


def tables(source: str) -> dict[str, pl.DataFrame]:
    return dict(read_source(source).tables)


def test_a_return_of_2017_has_gender_and_words_for_yes_and_no_and_no_plan_dates(write: Write) -> None:
    source = write(2017, child(details("2016-06-01", nfa="true"), identifiers="<GenderCurrent>2</GenderCurrent>"))
    found = tables(source)
    assert {name for name, frame in found.items() if frame.height} == {"ssd_person", "ssd_cin_episodes"}
    assert found["ssd_person"].row(0, named=True) == {
        "pers_person_id": "kid1",
        "pers_upn": None,
        "pers_legacy_id": None,
        "pers_dob": "2012-05-17",
        "pers_expected_dob": None,
        "pers_death_date": None,
        "pers_gender": "2",
        "pers_sex": None,
        "pers_ethnicity": "WBRI",
    }
    assert found["ssd_cin_episodes"].row(0, named=True) == {
        "cine_referral_id": "kid1|2016-06-01|6|0",
        "cine_person_id": "kid1",
        "cine_referral_date": "2016-06-01",
        "cine_referral_source_code": "6",
        "cine_cin_primary_need_code": "N1",
        "cine_close_date": None,
        "cine_close_reason": None,
        "cine_referral_nfa": "true",
    }


def test_a_return_of_2021_has_assessments_with_factors_and_disabilities(write: Write) -> None:
    factors = "".join(f"<AssessmentFactors>{code}</AssessmentFactors>" for code in ("3B", "10A"))
    parts = (
        "<Assessments><AssessmentActualStartDate>2020-07-02</AssessmentActualStartDate>"
        "<AssessmentInternalReviewDate>2020-07-09</AssessmentInternalReviewDate>"
        "<AssessmentAuthorisationDate>2020-08-01</AssessmentAuthorisationDate>"
        f"<FactorsIdentifiedAtAssessment>{factors}</FactorsIdentifiedAtAssessment></Assessments>"
        "<Assessments><AssessmentActualStartDate>2020-07-02</AssessmentActualStartDate></Assessments>"
    )
    disabilities = "<Disabilities><Disability>NONE</Disability><Disability>AUT</Disability></Disabilities>"
    found = tables(write(2021, child(details("2020-07-01", parts=parts), disabilities=disabilities)))
    episode = "kid1|2020-07-01|6|0"
    assert found["ssd_cin_assessments"].rows() == [
        (f"{episode}|assessment|2020-07-02|0", "kid1", episode, "2020-07-02", "2020-08-01"),
        (f"{episode}|assessment|2020-07-02|1", "kid1", episode, "2020-07-02", None),
    ]
    assert found["ssd_assessment_factors"].rows() == [
        (f"{episode}|assessment|2020-07-02|0|factors", f"{episode}|assessment|2020-07-02|0", '["3B", "10A"]')
    ]
    assert found["ssd_disability"].rows() == [("kid1|NONE|0", "kid1", "NONE"), ("kid1|AUT|0", "kid1", "AUT")]


def test_a_return_of_2025_has_sex_plans_enquiries_conferences_and_protection_plans(write: Write) -> None:
    parts = (
        "<DateOfInitialCPC>2024-09-01</DateOfInitialCPC>"
        "<CINPlanDates><CINPlanStartDate>2024-06-01</CINPlanStartDate><CINPlanEndDate>2024-08-01</CINPlanEndDate>"
        "</CINPlanDates><Section47><S47ActualStartDate>2024-07-01</S47ActualStartDate>"
        "<InitialCPCtarget>2024-07-22</InitialCPCtarget><DateOfInitialCPC>2024-07-20</DateOfInitialCPC>"
        "<ICPCnotRequired>0</ICPCnotRequired></Section47>"
        "<Section47><S47ActualStartDate>2024-08-05</S47ActualStartDate><InitialCPCtarget>2024-08-27</InitialCPCtarget>"
        "<ICPCnotRequired>1</ICPCnotRequired></Section47>"
        "<ChildProtectionPlans><CPPstartDate>2024-07-20</CPPstartDate><InitialCategoryOfAbuse>NEG"
        "</InitialCategoryOfAbuse><LatestCategoryOfAbuse>EMO</LatestCategoryOfAbuse><NumberOfPreviousCPP>2"
        "</NumberOfPreviousCPP><Reviews><CPPreviewDate>2024-10-01</CPPreviewDate></Reviews></ChildProtectionPlans>"
    )
    identifiers = "<UPN>A123</UPN><FormerUPN>B123</FormerUPN><UPNunknown>UN1</UPNunknown><Sex>U</Sex>"
    found = tables(write(2025, child(details("2024-05-01", parts=parts), identifiers=identifiers)))
    episode = "kid1|2024-05-01|6|0"
    enquiry = f"{episode}|s47|2024-07-01|0"
    person = found["ssd_person"].row(0, named=True)
    assert (person["pers_upn"], person["pers_legacy_id"], person["pers_sex"]) == ("A123", "B123", "U")
    assert found["ssd_cin_plans"].rows() == [(f"{episode}|cin plan|2024-06-01|0", episode, "kid1", "2024-06-01", "2024-08-01")]
    assert found["ssd_s47_enquiry"].rows() == [
        (enquiry, episode, "kid1", "2024-07-01", "0"),
        (f"{episode}|s47|2024-08-05|0", episode, "kid1", "2024-08-05", "1"),
    ]
    assert found["ssd_initial_cp_conference"].rows() == [
        (f"{episode}|icpc|2024-07-20|0", enquiry, "kid1", episode, "N", "2024-07-22", "2024-07-20"),
        (f"{episode}|icpc|2024-09-01|0", None, "kid1", episode, "Y", None, "2024-09-01"),
    ]
    assert found["ssd_cp_plans"].rows() == [(f"{episode}|cp plan|2024-07-20|0", episode, "kid1", "2024-07-20", None, "NEG")]
    for name, frame in found.items():
        assert set(frame.columns) <= {column.name for column in TABLES[name].columns}
        assert {column.name for column in TABLES[name].columns if column.required} <= set(frame.columns)
        assert set(frame.dtypes) == {pl.String}


def test_the_manifest_covers_all_years_up_to_the_latest(write: Write) -> None:
    write(2023, child(details("2022-06-01")))
    manifest = read_source(write(2024, child(details("2023-06-01")))).manifest
    assert manifest.authority == "LA 999"
    assert manifest.origin is Origin.REAL
    assert manifest.extract_rule is ExtractRule.OVERLAPPING
    assert (manifest.window_start, manifest.extract_date) == (date(2022, 4, 1), date(2024, 3, 31))


def test_years_before_a_gap_add_history_but_not_window(write: Write) -> None:
    write(2021, child(details("2020-06-01")))
    extract = read_source(write(2023, child(details("2022-06-01"))))
    assert extract.manifest.window_start == date(2022, 4, 1)
    assert extract.tables["ssd_cin_episodes"].height == 2


@pytest.mark.parametrize(("software", "origin"), [("rereferral synthesise", "invented"), ("rereferral", "real")])
def test_only_our_own_software_code_marks_children_as_invented(write: Write, software: str, origin: str) -> None:
    source = write(2024, child(details("2023-06-01")), software=software)
    assert read_source(source).manifest.origin == origin


def test_a_case_open_over_three_years_is_one_episode_with_the_latest_close_date(write: Write) -> None:
    plan = "<CINPlanDates><CINPlanStartDate>2022-01-01</CINPlanStartDate>{}</CINPlanDates>"
    end = "<CINPlanEndDate>2022-09-01</CINPlanEndDate>"
    write(2022, child(details("2021-06-01", parts=plan.format("")), identifiers="<GenderCurrent>1</GenderCurrent>"))
    write(2023, child(details("2021-06-01", parts=plan.format(end)), identifiers="<GenderCurrent>1</GenderCurrent>"))
    found = tables(write(2024, child(details("2021-06-01", close="2023-10-05"), identifiers="<Sex>M</Sex>")))
    episodes = found["ssd_cin_episodes"]
    assert episodes.select("cine_referral_id", "cine_close_date", "cine_close_reason").rows() == [
        ("kid1|2021-06-01|6|0", "2023-10-05", "RC8")
    ]
    assert found["ssd_cin_plans"]["cinp_cin_plan_end_date"].to_list() == ["2022-09-01"]
    assert found["ssd_person"].select("pers_gender", "pers_sex").rows() == [(None, "M")]


def test_a_corrected_source_does_not_split_an_episode_or_what_belongs_to_it(write: Write) -> None:
    assessed = "<Assessments><AssessmentActualStartDate>2022-01-03</AssessmentActualStartDate>{}</Assessments>"
    done = "<AssessmentAuthorisationDate>2022-04-10</AssessmentAuthorisationDate>"
    write(2022, child(details("2022-01-01", source="6", parts=assessed.format(""))))
    found = tables(write(2023, child(details("2022-01-01", source="1A", close="2022-08-01", parts=assessed.format(done)))))
    assert found["ssd_cin_episodes"].select("cine_referral_id", "cine_referral_source_code", "cine_close_date").rows() == [
        ("kid1|2022-01-01|6|0", "1A", "2022-08-01")
    ]
    assert found["ssd_cin_assessments"].select("cina_referral_id", "cina_assessment_auth_date").rows() == [
        ("kid1|2022-01-01|6|0", "2022-04-10")
    ]


def test_of_two_referrals_on_one_day_the_open_one_is_continued(write: Write) -> None:
    write(2022, child(details("2022-01-01", nfa="1") + details("2022-01-01", close="2022-02-01") + details("2022-01-01")))
    found = tables(write(2023, child(details("2022-01-01", close="2022-08-01"))))
    assert found["ssd_cin_episodes"].sort("cine_referral_id").select(
        "cine_referral_id", "cine_close_date", "cine_referral_nfa"
    ).rows() == [
        ("kid1|2022-01-01|6|0", None, "1"),
        ("kid1|2022-01-01|6|1", "2022-02-01", "0"),
        ("kid1|2022-01-01|6|2", "2022-08-01", "0"),
    ]


def test_a_second_referral_of_the_day_of_a_closed_one_is_an_episode_of_its_own(write: Write) -> None:
    write(2022, child(details("2022-01-01", source="1A", close="2022-02-01")))
    found = tables(write(2023, child(details("2022-01-01", source="6"))))
    assert sorted(found["ssd_cin_episodes"]["cine_referral_id"]) == ["kid1|2022-01-01|1A|0", "kid1|2022-01-01|6|0"]


def test_a_new_row_worded_as_a_corrected_one_was_gets_a_key_of_its_own(write: Write) -> None:
    write(2022, child(details("2022-01-01", source="6")))
    write(2023, child(details("2022-01-01", source="1A")))
    found = tables(write(2024, child(details("2022-01-01", source="1A") + details("2022-01-01", source="6"))))
    assert found["ssd_cin_episodes"].select("cine_referral_id", "cine_referral_source_code").rows() == [
        ("kid1|2022-01-01|6|0", "1A"),
        ("kid1|2022-01-01|6|0|2024", "6"),
    ]


def test_adding_a_year_changes_no_key_and_children_are_never_mixed(write: Write) -> None:
    both = child(details("2021-06-01")) + child(details("2021-06-01"), name="kid2")
    before = tables(write(2022, both))["ssd_cin_episodes"]["cine_referral_id"]
    later = child(details("2021-06-01", source="1A", close="2022-05-01"), name="kid2")
    after = tables(write(2023, later))["ssd_cin_episodes"]
    assert set(before) == set(after["cine_referral_id"])
    assert dict(after.select("cine_person_id", "cine_close_date").rows()) == {"kid1": None, "kid2": "2022-05-01"}


def test_disabilities_are_those_of_the_latest_return(write: Write) -> None:
    write(2022, child(details("2021-06-01"), disabilities="<Disabilities><Disability>NONE</Disability></Disabilities>"))
    found = tables(
        write(2023, child(details("2021-06-01"), disabilities="<Disabilities><Disability>LD</Disability></Disabilities>"))
    )
    assert found["ssd_disability"]["disa_disability_code"].to_list() == ["LD"]


def test_a_child_twice_in_one_return_is_left_for_the_gate_to_judge(write: Write) -> None:
    twice = child(details("2021-06-01")) + child(details("2021-06-01"))
    found = tables(write(2022, twice))
    assert found["ssd_person"].height == 2
    assert found["ssd_cin_episodes"]["cine_referral_id"].to_list() == ["kid1|2021-06-01|6|0", "kid1|2021-06-01|6|1"]


def test_a_child_without_number_keeps_its_row_and_has_no_key(write: Write) -> None:
    found = tables(write(2022, child(details("2021-06-01"), name="") + child(details("2021-06-01"))))
    assert found["ssd_cin_episodes"]["cine_referral_id"].to_list() == [None, "kid1|2021-06-01|6|0"]


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE Message [<!ENTITY a "SECRET"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE Message [<!ENTITY file SYSTEM "file:///secret.txt">]>',
        '<!DOCTYPE Message SYSTEM "cin.dtd">',
        '<!DOCTYPE Message [<!ENTITY % outside SYSTEM "file:///secret.txt"> %outside;]>',
    ],
    ids=["entity bomb", "external entity", "external document type", "parameter entity"],
)
def test_document_types_and_entities_are_refused(write: Write, head: str) -> None:
    body = child(details("2021-06-01"), name="&b;" if "ENTITY b" in head else "kid1")
    with pytest.raises(SourceError, match="declares a document type or entities") as caught:
        read_source(write(2022, body, head=head))
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<Message><Children><Child>SECRET",
        b"\xff\xfe\x00garbage",
        b'<?xml version="1.0" encoding="nonsense"?><Message/>',
    ],
    ids=["empty", "cut off", "no text", "unknown encoding"],
)
def test_a_broken_return_is_named_without_its_values(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cin.xml").write_bytes(content)
    with pytest.raises(SourceError, match=r"cin\.xml") as caught:
        read_source(str(tmp_path / "cin.xml"))
    assert "SECRET" not in str(caught.value)


def test_other_files_and_empty_returns_are_refused(tmp_path: Path, write: Write) -> None:
    path = Path(write(2022, child(details("2021-06-01")))) / "cin_2022_999.xml"
    whole = path.read_text(encoding="utf-8")
    for old, new, words in (
        (r"Message>", "Letter>", "must be 'Message'"),
        (r"<Collection>CIN<", "<Collection>CLA<", "its Collection is 'CLA'"),
        (r"<Header>.*</Header>", "", "has no Header"),
        (r"<LEA>999</LEA>", "", "must name one authority"),
        (r"-03-31</ReferenceDate>", "</ReferenceDate>", "needs CollectionDetails/ReferenceDate"),
        (r"(?s)<Child>.*</Child>", "", "holds no child"),
    ):
        path.write_text(re.sub(old, new, whole), encoding="utf-8")
        with pytest.raises(ContractError, match=words):
            read_source(str(tmp_path))


def test_two_authorities_and_two_files_of_a_year_are_refused(write: Write) -> None:
    write(2022, child(details("2021-06-01")))
    with pytest.raises(ContractError, match="more than one authority"):
        read_source(write(2023, child(details("2021-06-01")), lea="998"))


def test_two_files_of_one_year_are_refused(tmp_path: Path, write: Write) -> None:
    write(2022, child(details("2021-06-01")))
    (tmp_path / "cin_2022_999.xml").rename(tmp_path / "accepted.xml")
    with pytest.raises(ContractError, match="More than one census file is of '2022'"):
        read_source(write(2022, child(details("2021-06-01"))))


def test_invented_and_real_returns_do_not_mix(write: Write) -> None:
    write(2022, child(details("2021-06-01")), software="rereferral synthesise")
    with pytest.raises(ContractError, match="Some census files are invented"):
        read_source(write(2023, child(details("2021-06-01"))))


def test_memory_follows_the_rows_and_not_the_text(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not read costs nothing: 8 MB of text around 2,000 small rows never add up in Python's memory."""
    monkeypatch.setattr(census, "ROWS_AT_ONCE", 100)
    reviews = "<CPPreviewDate>2024-10-01</CPPreviewDate>" * 100
    start = "<CPPstartDate>2024-07-20</CPPstartDate>"
    plan = f"<ChildProtectionPlans>{start}<Reviews>{reviews}</Reviews></ChildProtectionPlans>"
    text = "\n".join(child(details("2024-06-01", parts=plan), name=f"kid{number}") for number in range(2000))
    assert len(text) > 8_000_000
    source = write(2025, text)
    read_source(source)  # imports and caches are paid for before the measurement
    tracemalloc.start()
    try:
        found = tables(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found["ssd_cp_plans"].height == 2000
    assert found["ssd_cp_plans"]["cppl_cp_plan_id"].n_unique() == 2000
    assert peak < 2_000_000
