"""Facts: what the newest versions tell, and on which days that is not what was known."""

import polars as pl
import pytest

from features.facts import Facts, gather_facts
from tests.spec.drawing import assert_drawn, nights, one_load
from validation.history import Archive

FIRST, SECOND, THIRD = "2024-06-03", "2024-06-10", "2024-06-20"
ALWAYS = "1900-01-01"
FOREVER = "9999-12-31"
EPISODES, FACTORS = "ssd_cin_episodes", "ssd_assessment_factors"


def named(facts: Facts, name: str) -> pl.DataFrame:
    """A frame of facts with the children's names for their numbers."""
    children = facts["children"].select("child", "person_id")
    return facts[name].join(children, on="child", maintain_order="left").drop("child").collect()


def spans(archive: Archive, name: str, of: str = "exceptions") -> list[tuple[str, str, str]]:
    """Child, first day, and the day after the last."""
    found = named(gather_facts(archive), f"{of}/{name}").select("person_id", "since", "until")
    return found.sort(pl.all()).select(pl.all().cast(pl.String)).rows()


def of_both(since: str, until: str) -> list[tuple[str, str, str]]:
    return [("anna", since, until), ("bert", since, until)]


# Factors reach their child through their assessment.

ASSESSED = "assessment_id person_id assessment_start_date assessment_auth_date"
FOUND = "table_id assessment_id assessment_factors_json\nt x 3A"


@pytest.mark.parametrize(
    ("what", "first", "second", "factors", "expected"),
    [
        ("known when finished", "x anna 2024-04-01 2024-05-01", "x anna 2024-04-01 2024-05-01", (FOUND, FOUND), []),
        ("finished in time", "x anna 2024-04-01 -", f"x anna 2024-04-01 {SECOND}", (FOUND, FOUND), []),
        (
            "finished, told late", "x anna 2024-04-01 -", "x anna 2024-04-01 2024-06-05", (FOUND, FOUND),
            [("anna", "2024-06-05", SECOND)],
        ),
        (
            "of another child", "x anna 2024-04-01 2024-05-01", "x bert 2024-04-01 2024-05-01", (FOUND, FOUND),
            [("anna", "2024-05-01", SECOND), ("bert", "2024-05-01", SECOND)],
        ),
        (
            "other factors", "x anna 2024-04-01 2024-05-01", "x anna 2024-04-01 2024-05-01",
            (FOUND, FOUND.replace("3A", "4A")), [("anna", "2024-05-01", SECOND)],
        ),
        (
            "an assessment withdrawn", "x anna 2024-04-01 2024-05-01", "", (FOUND, FOUND), [("anna", "2024-05-01", SECOND)],
        ),
        (
            "factors withdrawn", "x anna 2024-04-01 2024-05-01", "x anna 2024-04-01 2024-05-01",
            (FOUND, FOUND.replace("t x", "u y")), [("anna", "2024-05-01", SECOND)],
        ),
    ],
)  # fmt: skip
def test_factors_are_known_otherwise_when_they_or_their_assessment_were(
    what: str, first: str, second: str, factors: tuple[str, str], expected: list[tuple[str, str, str]]
) -> None:
    other = f"{ASSESSED}\ny zoe 2024-01-01 2024-02-01\n"
    assessments = zip((FIRST, SECOND), (first, second), factors, strict=True)
    archive = nights(*((day, {"ssd_cin_assessments": other + row, FACTORS: found}) for day, row, found in assessments))
    assert [span for span in spans(archive, FACTORS) if span[0] != "zoe"] == expected, what


def test_factors_are_one_row_for_each_code_dated_by_the_day_they_were_authorised() -> None:
    archive = one_load(
        FIRST,
        ssd_cin_assessments=f"{ASSESSED}\nx anna 2024-04-01 2024-05-01\ny anna 2024-05-20 -",
        ssd_assessment_factors="table_id assessment_id assessment_factors_json\nt x 3A|4A\nu y 5A",
    )
    assert_drawn(
        named(gather_facts(archive), f"rows/{FACTORS}").sort("happened"),
        """
        person_id  happened    cinf_assessment_factors_json
        anna       -           5A
        anna       2024-05-01  3A
        anna       2024-05-01  4A
        """,
    )


# Who is who.

CASES = "referral_id person_id referral_date\na anna 2024-05-01\nb bert 2024-05-06"
FAMILY = "table_id family_id person_id\n1 f anna"
BOTH = f"{FAMILY}\n2 f bert"


@pytest.mark.parametrize(
    ("what", "links", "expected"),
    [
        ("nothing", (BOTH, BOTH), []),
        ("a link told late", (FAMILY, BOTH), of_both("2024-05-06", SECOND)),
        ("a link withdrawn", (BOTH, FAMILY), of_both("2024-05-06", SECOND)),
        ("of a child of whom nothing is known", (FAMILY, f"{FAMILY}\n2 f cara"), []),
        ("another family", (BOTH, BOTH.replace("2 f", "2 g")), of_both("2024-05-06", SECOND)),
        ("a link gone and back", (BOTH, FAMILY, BOTH), of_both(SECOND, THIRD)),
    ],
)
def test_of_a_family_that_was_known_otherwise_all_read_their_brothers_and_sisters_directly(
    what: str, links: tuple[str, ...], expected: list[tuple[str, str, str]]
) -> None:
    """From the day on which the child in question was first seen; a child's own records are no matter of the family."""
    shown = zip((FIRST, SECOND, THIRD), links, strict=False)
    archive = nights(*((day, {EPISODES: CASES, "ssd_family": family}) for day, family in shown))
    for table in ("ssd_family", "ssd_contacts", EPISODES):
        assert spans(archive, table, "exceptions of siblings") == expected, what
    assert spans(archive, EPISODES) == []


def test_what_was_known_otherwise_of_a_child_is_so_for_its_brothers_and_sisters() -> None:
    contacts = "contact_id person_id contact_date\nk zoe 2024-05-01"
    tables = {EPISODES: CASES, "ssd_family": BOTH}
    archive = nights((FIRST, tables | {"ssd_contacts": contacts}), (SECOND, {"ssd_contacts": f"{contacts}\nl bert 2024-05-20"}))
    assert spans(archive, "ssd_contacts") == [("bert", "2024-05-20", SECOND)]
    assert spans(archive, "ssd_contacts", "exceptions of siblings") == [("anna", "2024-05-20", SECOND)]


MERGED = "id old_person_id new_person_id date\n1 old anna"
OTHER = "id old_person_id new_person_id date\n2 older zoe 2024-01-01"


@pytest.mark.parametrize(
    ("what", "links", "until"),
    [
        ("a merge that counts from its day", (f"{MERGED} 2024-05-10",), "2024-05-10"),
        ("a merge to come", (f"{MERGED} 2024-06-30",), "2024-06-30"),
        ("a merge without a date", (f"{MERGED} -",), FIRST),
        ("a merge told late", (OTHER, f"{MERGED} 2024-05-10"), SECOND),
        ("a merge withdrawn", (f"{MERGED} 2024-05-10", OTHER), SECOND),
    ],
)
def test_of_a_family_with_a_merged_record_everything_is_read_directly_until_it_is_settled(
    what: str, links: tuple[str, ...], until: str
) -> None:
    tables = {EPISODES: CASES, "ssd_family": BOTH}
    shown = zip((FIRST, SECOND), links, strict=False)
    archive = nights(*((day, tables | {"ext_person_links": merges}) for day, merges in shown))
    for table in ("ssd_contacts", EPISODES, "ssd_person"):
        found = [span for span in spans(archive, table) if span[0] in {"anna", "bert", "old"}]
        assert found == [*of_both(ALWAYS, until), ("old", ALWAYS, until)], what


def test_of_a_merged_child_the_newest_rows_are_those_of_the_record_that_stands() -> None:
    archive = one_load(
        FIRST,
        ssd_contacts="contact_id person_id contact_date\nk old 2024-04-01\nl anna 2024-05-01",
        ext_person_links=f"{MERGED} 2024-05-10",
    )
    assert_drawn(
        named(gather_facts(archive), "rows/ssd_contacts"), "person_id happened\nanna 2024-04-01\nanna 2024-05-01"
    )  # fmt: skip


def test_pairs_are_all_others_of_a_childs_families_since_they_were_first_seen() -> None:
    archive = one_load(
        FIRST,
        ssd_cin_episodes=CASES,
        ssd_family=f"{BOTH}\n3 f cara\n4 g bert\n5 g dora",
        ssd_contacts="contact_id person_id contact_date\nk dora 2024-04-01",
    )
    facts = gather_facts(archive)
    names = facts["children"].select(sibling="child", other="person_id").collect()
    assert_drawn(
        named(facts, "pairs").join(names, on="sibling").sort("person_id", "other"),
        """
        person_id  other  since
        anna       bert   2024-05-06
        bert       anna   2024-05-01
        bert       dora   2024-04-01
        cara       anna   2024-05-01
        cara       bert   2024-05-06
        dora       bert   2024-05-06
        """,
    )


# Cases.

HEADS = "referral_id person_id referral_date close_date referral_nfa"


@pytest.mark.parametrize(
    ("what", "episodes", "expected"),
    [
        ("one case after the other", "a anna 2024-01-02 2024-02-01 no\nb anna 2024-03-04 - no", []),
        ("a case that goes on", "a anna 2024-01-02 2024-02-01 no\nb anna 2024-02-02 - no", []),
        (
            "a case opened while another was open", "a anna 2024-01-02 2024-04-01 no\nb anna 2024-03-04 - no",
            [("anna", "2024-03-04", FOREVER)],
        ),
        (  # Friday's decision comes on Monday
            "a case that began before the decision on the last", "a anna 2024-03-01 2024-03-01 no\nb anna 2024-03-03 - no",
            [("anna", "2024-03-03", FOREVER)],
        ),
        (
            "a case that began on the day of the decision", "a anna 2024-03-01 2024-03-02 no\nb anna 2024-03-04 - no",
            [("anna", "2024-03-04", FOREVER)],
        ),
        ("a case that began after the decision", "a anna 2024-03-01 2024-03-02 no\nb anna 2024-03-05 - no", []),
        ("another child's case", "a anna 2024-03-01 2024-03-02 no\nb bert 2024-03-03 - no", []),
    ],
)  # fmt: skip
def test_mending_makes_days_on_which_cases_are_read_directly(
    what: str, episodes: str, expected: list[tuple[str, str, str]]
) -> None:
    assert spans(one_load(FIRST, ssd_cin_episodes=f"{HEADS}\n{episodes}"), EPISODES) == expected, what


def test_closings_are_those_of_cases_of_which_all_parts_have_closed() -> None:
    episodes = """
        referral_id  person_id  referral_date  close_date  close_reason
        a            anna       2024-01-02     2024-02-01  RC7
        b            anna       2024-02-02     2024-03-01  RC8
        c            anna       2024-04-01     -           -
        d            bert       2024-01-02     2024-02-01  RC7
        e            bert       2024-02-02     -           -
    """
    assert_drawn(
        named(gather_facts(one_load(FIRST, ssd_cin_episodes=episodes)), "closings"),
        """
        person_id  began_on    closed_on   cine_close_reason
        anna       2024-01-02  2024-03-01  RC8
        """,
    )


# Ranges.


def test_ranges_are_of_about_the_same_size_and_begin_with_a_family() -> None:
    contacts = "\n".join(("contact_id person_id contact_date", *(f"k{n} child{n} 2024-05-01" for n in range(10))))
    family = "\n".join(("table_id family_id person_id", *(f"t{n} f{n // 4} child{n}" for n in range(8))))
    facts = gather_facts(one_load(FIRST, ssd_contacts=contacts, ssd_family=family))
    assert facts.ranges(1) == [(0, 10)]
    assert facts.ranges(2) == [(0, 8), (8, 10)]
    assert facts.ranges(10) == [(0, 4), (4, 8), (8, 9), (9, 10)]


def test_of_nobody_there_are_no_ranges() -> None:
    assert gather_facts(one_load(FIRST, ssd_contacts="contact_id person_id contact_date")).ranges(3) == []
