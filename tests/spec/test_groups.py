"""The audit's groups: what was known of each case on its day, and never a feature."""

import polars as pl
import pytest

from features.catalogue import CATALOGUE
from features.cohort import build_cohort
from features.groups import BACKGROUND, FINER, GROUPS, WITHIN, read_groups
from tests.spec.drawing import Drawn, assert_drawn, dates, nights, one_load
from validation.tables.catalogue import TABLES

EPISODES = "person_id referral_date close_date\n"
ANNA = {"ssd_cin_episodes": EPISODES + "anna 2024-03-04 -"}


def groups_of(tables: Drawn, *days: str, shown: str = "2025-01-31") -> pl.DataFrame:
    archive = nights((shown, tables))
    return read_groups(archive, build_cohort(archive, dates(*days)))


@pytest.mark.parametrize(("sex", "group"), [("F", "female"), ("M", "male"), ("U", "not known"), ("-", "not known")])
def test_sex(sex: str, group: str) -> None:
    people = {"ssd_person": f"person_id sex\nanna {sex}\nbert F"}  # a column without any value was not supplied
    assert groups_of(ANNA | people, "2024-11-25")["sex"].to_list() == [group]


@pytest.mark.parametrize(
    ("code", "group"),
    [("WROM", "White"), ("MOTH", "Mixed"), ("CHNE", "Asian"), ("BAFR", "Black"), ("OOTH", "Other"), ("REFU", "not stated"),
     ("NOBT", "not stated"), ("?", "not stated"), ("-", "not stated")],
)  # fmt: skip
def test_ethnicity_in_the_groups_of_the_census(code: str, group: str) -> None:
    people = {"ssd_person": f"person_id ethnicity\nanna {code}\nbert WBRI"}
    assert groups_of(ANNA | people, "2024-11-25")["ethnicity"].to_list() == [group]


@pytest.mark.parametrize(
    ("code", "background"),
    [
        ("WROM", "Gypsy/Roma"),
        ("MWBC", "White and Black Caribbean"),
        ("CHNE", "Chinese"),
        ("REFU", "not stated"),
        ("-", "not stated"),
    ],
)
def test_ethnic_background_in_the_eighteen_groups_of_the_census(code: str, background: str) -> None:
    people = {"ssd_person": f"person_id ethnicity\nanna {code}\nbert WBRI"}
    assert groups_of(ANNA | people, "2024-11-25")[BACKGROUND].to_list() == [background]


def test_each_of_the_eighteen_belongs_to_one_of_the_five() -> None:
    assert len(WITHIN) == 18
    assert set(WITHIN) | {"not stated"} == set(FINER[BACKGROUND].categories)
    assert set(WITHIN.values()) | {"not stated"} == set(GROUPS["ethnicity"].categories)


@pytest.mark.parametrize(
    ("codes", "group"),
    [
        (("LD",), "yes"),
        (("NONE",), "no"),
        (("NONE", "LD"), "yes"),
        (("?",), "yes"),
        (("-",), "not recorded"),
        ((), "not recorded"),
    ],
)
def test_disability_is_told_from_rows_and_never_from_their_absence(codes: tuple[str, ...], group: str) -> None:
    drawn = "\n".join(["person_id disability_code", *(f"anna {code}" for code in codes), "bert MOB"])
    assert groups_of(ANNA | {"ssd_disability": drawn}, "2024-11-25")["disability"].to_list() == [group]


@pytest.mark.parametrize(("code", "fifth"), [("1", "most deprived fifth"), ("5", "least deprived fifth"), ("-", "not known")])
def test_deprivation_of_the_place_where_a_child_lives(code: str, fifth: str) -> None:
    places = {"ext_deprivation": f"person_id fifth\nanna {code}\nbert 3"}
    assert groups_of(ANNA | places, "2024-11-25")["deprivation"].to_list() == [fifth]


@pytest.mark.parametrize(
    ("dob", "expected_dob", "band"),
    [
        ("2023-12-01", "-", "unborn or under 1"),
        ("2023-11-01", "-", "1-4"),  # one this month
        ("2019-12-01", "-", "1-4"),
        ("2019-11-01", "-", "5-9"),
        ("2014-12-01", "-", "5-9"),
        ("2014-11-01", "-", "10-15"),
        ("2008-12-01", "-", "10-15"),
        ("2008-11-01", "-", "16-17"),
        ("2006-12-01", "-", "16-17"),
        ("-", "2025-02-01", "unborn or under 1"),
        ("-", "2024-09-01", "unborn or under 1"),  # due, and the birth not recorded yet
        ("2025-01-01", "-", "unborn or under 1"),  # born after the day, as the first load knows
        ("-", "-", "not known"),
    ],
)
def test_age_in_whole_years(dob: str, expected_dob: str, band: str) -> None:
    people = {"ssd_person": f"person_id dob expected_dob\nanna {dob} {expected_dob}\nbert 2010-01-01 -"}
    assert groups_of(ANNA | people, "2024-11-01")["age_band"].to_list() == [band]


@pytest.mark.parametrize(("code", "group"), [("6", "Police"), ("3A", "Health services"), ("10", "not known"), ("-", "not known")])
def test_source_is_that_of_the_open_referral(code: str, group: str) -> None:
    drawn = f"""
        person_id  referral_date  close_date  referral_source_code
        anna       2024-01-10     2024-02-10  2A
        anna       2024-03-04     -           {code}
    """
    assert groups_of({"ssd_cin_episodes": drawn}, "2024-11-25")["source"].to_list() == [group]


@pytest.mark.parametrize(
    ("earlier", "window_start", "group"),
    [
        ("2022-03-06 2022-05-01", "2020-01-01", "known"),  # 729 days before
        ("2022-03-05 2022-05-01", "2020-01-01", "first referral"),  # 730 days before: out of sight
        ("2024-02-01 2024-03-03", "2020-01-01", "first referral"),  # closed the day before: the same case
        ("2022-03-06 2022-05-01", "2024-01-01", "known"),
        ("2022-03-05 2022-05-01", "2022-03-07", "not known"),
        ("2022-03-05 2022-05-01", "2022-03-06", "first referral"),
    ],
)
def test_known_before_looks_back_two_years_from_the_first_day_of_the_case(earlier: str, window_start: str, group: str) -> None:
    drawn = {"ssd_cin_episodes": EPISODES + f"anna {earlier}\nanna 2024-03-04 -"}
    archive = nights(("2025-01-31", drawn), window_start=dates(window_start)[0])
    found = read_groups(archive, build_cohort(archive, dates("2024-11-25")))
    assert found["known_before"].to_list() == [group]


def test_a_group_is_what_was_known_on_the_day() -> None:
    heads = {"ssd_person": "person_id sex ethnicity dob\nanna", "ssd_disability": "person_id disability_code\n"}
    source = "person_id referral_date referral_source_code\nanna 2024-03-04"
    archive = nights(
        ("2024-06-03", {"ssd_cin_episodes": f"{source} -", "ssd_person": f"{heads['ssd_person']} U NOBT -",
                        "ssd_disability": f"{heads['ssd_disability']}bert LD"}),
        ("2024-06-10", {"ssd_cin_episodes": f"{source} 6", "ssd_person": f"{heads['ssd_person']} F BCRB 2010-05-01",
                        "ssd_disability": f"{heads['ssd_disability']}bert LD\nanna AUT"}),
    )  # fmt: skip
    assert_drawn(
        read_groups(archive, build_cohort(archive, dates("2024-06-09", "2024-06-10"))).with_columns(
            pl.col(pl.Enum).cast(pl.String).str.replace_all(" ", "_")
        ),
        """
        as_of       sex        ethnicity   disability    age_band   source
        2024-06-09  not_known  not_stated  not_recorded  not_known  not_known
        2024-06-10  female     Black       yes           10-15      Police
        """,
    )


def test_of_merged_records_the_own_counts_first_and_the_other_where_it_tells_nothing() -> None:
    tables = {
        "ssd_cin_episodes": EPISODES + "new 2024-03-04 -\nold 2023-06-01 2023-07-01",
        "ssd_person": "person_id sex ethnicity dob\nnew F NOBT -\nold M AIND 2010-05-01",
        "ssd_disability": "person_id disability_code\nold LD",
        "ext_person_links": "old_person_id new_person_id date\nold new 2024-06-03",
    }
    found = groups_of(tables, "2024-06-02", "2024-06-03")
    assert found.select("sex", "ethnicity", "disability", "age_band", "known_before").rows() == [
        ("female", "not stated", "not recorded", "not known", "first referral"),
        ("female", "Asian", "yes", "10-15", "known"),
    ]


def test_what_was_never_supplied_gives_no_column() -> None:
    assert groups_of(ANNA, "2024-11-25").columns[-1:] == ["known_before"]
    with_sex = groups_of(ANNA | {"ssd_person": "person_id sex\nanna F"}, "2024-11-25")
    assert [name for name in GROUPS if name in with_sex.columns] == ["sex", "known_before"]


def test_rows_and_their_order_are_kept() -> None:
    archive = one_load(
        "2025-01-31",
        ssd_cin_episodes=EPISODES + "anna 2024-03-04 -\nbert 2024-03-05 -\nclara 2024-03-06 -",
        ssd_person="person_id sex\nanna F\nbert M",
    )
    cohort = build_cohort(archive, dates("2024-11-25", "2024-12-25"))
    shuffled = cohort.sample(fraction=1, shuffle=True, seed=1).with_columns(chance=pl.lit(0.5))
    found = read_groups(archive, shuffled)
    assert found.select(shuffled.columns).equals(shuffled)
    sexes = {"anna": "female", "bert": "male", "clara": "not known"}
    assert found["sex"].to_list() == [sexes[name] for name in shuffled["person_id"]]
    assert {name: found.schema[name] for name in ("sex", "known_before")} == {
        name: GROUPS[name] for name in ("sex", "known_before")
    }


def test_no_feature_reads_what_a_child_is() -> None:
    read = {(table, column) for feature in CATALOGUE for one in feature.measures for table, column in one.stream.reads(one.reads)}
    classes = {TABLES[table].column(column).sensitivity.value for table, column in read}
    assert classes == {"feature"}
    assert not {feature.name for feature in CATALOGUE} & {*GROUPS, *FINER}
    tables = {table for table, _ in read}
    assert tables
    assert not any(TABLES[table].audit_only for table in tables)
