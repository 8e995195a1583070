"""What the language of definitions refuses, by name, and what it says of a definition."""

import re
from collections.abc import Callable

import polars as pl
import pytest

from features.catalogue import BY_NAME, CATALOGUE
from features.definition import Direction, Family, Feature
from features.measure import Aggregate, Formula, Measure, difference, ratio
from features.stream import Stream
from features.streams import CASE, CLOSINGS, CONTACTS, EARLY_HELP, FACTORS, REFERRALS, S47, SCALINGS, SIBLINGS, STREAMS
from validation.codes import codes
from validation.contract import Sensitivity, Table
from validation.tables import episodes, local, people, protection
from validation.tables.catalogue import TABLES


@pytest.mark.parametrize(
    ("table", "happened", "column", "why"),
    [
        (episodes.EPISODES, "cine_referral_date", "cine_close_reason", "filled in later, on 'cine_close_date'"),
        (episodes.EPISODES, "cine_referral_date", "cine_referral_nfa", "filled in later, on 'cine_referral_date'"),
        (episodes.ASSESSMENTS, "cina_assessment_start_date", "cina_assessment_outcome_nfa", "filled in later"),
        (local.OFFERS, "offe_offered_date", "offe_answer", "filled in later, on 'offe_answered_date'"),
        (protection.CP_PLANS, "cppl_cp_plan_start_date", "cppl_cp_plan_latest_category", "classed as dropped"),
        (people.PERSON, "pers_expected_dob", "pers_ethnicity", "classed as protected"),
        (people.PERSON, "pers_expected_dob", "pers_forename", "classed as identifier"),
        (people.PERSON, "pers_expected_dob", "pers_person_id", "classed as pseudonym"),
        (episodes.EPISODES, "cine_referral_date", "cine_cin_primary_need_code", "classed as audit"),
        (episodes.EARLY_HELP, "earl_episode_start_date", "earl_episode_reason", "classed as free text"),
        (episodes.CONTACTS, "cont_contact_date", "cont_mood", "which 'ssd_contacts' does not have"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["value", "left out", "each"])
def test_a_stream_that_would_leak_is_refused_by_the_name_of_its_column(
    table: Table, happened: str, column: str, why: str, place: str
) -> None:
    given = {
        "value": lambda: Stream("leaky", table, happened, {"value": pl.col(column)}),
        "left out": lambda: Stream("leaky", table, happened, {}, left_out=pl.col(column)),
        "each": lambda: Stream("leaky", table, happened, {}, each=column),
    }
    with pytest.raises(ValueError, match=f"Stream 'leaky'.* '{column}'.*{re.escape(why)}"):
        given[place]()


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("earl_episode_reason", "classed as free text"),
        ("earl_person_id", "classed as pseudonym"),
        ("earl_mood", "which 'ssd_early_help_episodes' does not have"),
    ],
)
def test_a_stream_may_not_be_dated_by_what_it_may_not_read(column: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"Stream 'leaky' reads '{column}'.*{why}"):
        Stream("leaky", episodes.EARLY_HELP, column, {})


def test_a_stream_is_dated_by_a_date() -> None:
    with pytest.raises(ValueError, match="dated by 'cont_contact_source_code', which holds no date but a code"):
        Stream("leaky", episodes.CONTACTS, "cont_contact_source_code", {})


def test_the_end_of_a_spell_serves_to_tell_what_is_open_and_nothing_else() -> None:
    end, start = pl.col("earl_episode_end_date"), pl.col("earl_episode_start_date")
    with pytest.raises(ValueError, match="reads 'earl_episode_end_date', which is filled in later"):
        Stream("leaky", episodes.EARLY_HELP, "earl_episode_start_date", {"ended": end, "days": (end - start).dt.total_days()})
    for declare in (lambda: EARLY_HELP.distinct("ended"), lambda: EARLY_HELP.where(ended=None).count()):
        with pytest.raises(ValueError, match="reads 'ended', which is filled in later"):
            declare()


def test_a_stream_may_read_what_its_own_date_reveals_and_the_end_of_its_spells() -> None:
    closing = Stream("closings", episodes.EPISODES, "cine_close_date", {"reason": pl.col("cine_close_reason")})
    assert closing.columns == ("cine_close_date", "cine_close_reason")
    spells = Stream("help", episodes.EARLY_HELP, "earl_episode_start_date", {"ended": pl.col("earl_episode_end_date")})
    assert spells.columns == ("earl_episode_end_date", "earl_episode_start_date")


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a window of no days": (lambda: CONTACTS.count(0), "looks back from 0 to 0 days"),
    "a window beyond the look-back": (lambda: CONTACTS.count(731), "between 0 and 730 days"),
    "a change beyond the look-back": (lambda: CONTACTS.change(366), "looks back from 366 to 732 days"),
    "a value that the stream does not offer": (lambda: CONTACTS.total("days"), "reads 'days': the stream offers 'source'"),
    "a filter that the stream does not offer": (lambda: S47.where(answer="yes").count(), "reads 'answer': the stream offers"),
    "an end that the stream does not offer": (CONTACTS.open_now, "reads 'ended'"),
    "a code that is in no list": (lambda: CLOSINGS.where(reason="RC99").count(), "where 'reason' is 'RC99', which it never is"),
    "a code that is in no list, of several": (
        lambda: CLOSINGS.where(reason=("RC9", "RC99")).count(), "'reason' is 'RC99', which it never is: allowed are 'RC1', 'RC2'",
    ),
    "a group that is none": (lambda: CONTACTS.where(source="police").any(), "'police', which it never is: allowed are 'Ano"),
    "a factor that is none": (lambda: FACTORS.where(factor="25Z").of_siblings().count(), "'factor' is '25Z'"),
    "a word for yes": (lambda: CONTACTS.where(ended_nfa="yes").count(), "'yes', which it never is: allowed are False, True"),
    "what is not known": (lambda: CLOSINGS.where(reason=None).count(), "'reason' is None, which it never is"),
    "none of all values": (lambda: SCALINGS.where(scale=()).count(), "'scale' is nothing, which it never is: allowed are values"),
    "a count of the case": (lambda: CASE.count(1), "asks for 'count': the stream tells only what is so on the day"),
    "the case where it is otherwise": (
        lambda: CASE.where(source_police=True).latest("days_open"), "'value of the latest' with a filter",
    ),
    "a sister of long ago": (SIBLINGS.days_since_first, "answers 'count' without a filter"),
    "a count of a value": (lambda: Measure(CONTACTS.stream, Aggregate.COUNT, value="source"), "has the value column 'source'"),
    "a mean of nothing": (lambda: Measure(CONTACTS.stream, Aggregate.MEAN), "has the value column 'None'"),
    "a most of an earlier window": (
        lambda: Measure(SCALINGS.stream, Aggregate.MAX, 180, 90, "scale"), "in a window that ends 90 days ago",
    ),
    "earlier referrals of siblings": (REFERRALS.of_siblings, "told from the child's own open case"),
    "closings of siblings": (CLOSINGS.of_siblings, "told from the child's own open case"),
    "the case of siblings": (CASE.of_siblings, "told from the child's own open case"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_measure_that_nothing_can_answer_is_refused(name: str) -> None:
    declare, why = REFUSED[name]
    with pytest.raises(ValueError, match=re.escape(why)):
        declare()


def test_a_stream_knows_what_its_codes_groups_and_answers_can_be() -> None:
    told = {name: set(stream.values) - set(stream.allowed) - {"ended"} for name, stream in STREAMS.items()}
    numbers = {"days", "days_open", "age_months", "scale", "danger_statements", "safety_goals", "strengths"}
    assert set().union(*told.values()) == numbers
    assert CLOSINGS.stream.allowed["reason"] == tuple(codes("closure_reason"))
    assert FACTORS.stream.allowed["factor"] == tuple(codes("assessment_factors"))
    assert CONTACTS.stream.allowed["ended_nfa"] == (False, True)


def a_feature(formula: Formula, description: str = "Number of things there.", **more: str) -> Feature:
    texts = {"worry": "things: {value}", "absence": "no things"} | more
    return Feature("things", Family.CONTACTS, description, formula, Direction.EITHER, **texts)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"description": "Things."}, "has no description"),
        ({"worry": " "}, "has no words for 'worry'"),
        ({"absence": ""}, "has no words for 'absence'"),
    ],
)
def test_a_feature_that_a_reader_could_not_follow_is_refused(change: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=f"'things' {why}"):
        a_feature(CONTACTS.count(), **change)


def test_a_feature_has_the_unit_of_its_aggregate_or_must_give_one() -> None:
    assert a_feature(CONTACTS.count()).unit == "count"
    assert a_feature(EARLY_HELP.open_now()).unit == "yes (1) or no (0)"
    for formula in (SCALINGS.mean("scale"), CONTACTS.change(90), ratio(S47.count(), CONTACTS.count())):
        with pytest.raises(ValueError, match="'things' has no unit"):
            a_feature(formula)
        assert a_feature(formula, unit="points").unit == "points"


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (CONTACTS.where(source="Police").count(365), "count over contacts where source is Police, 365 days"),
        (SCALINGS.mean("scale", 90), "mean of scale over scalings, 90 days"),
        (SIBLINGS.count(), "count over brothers and sisters, other children of the same family, 730 days"),
        (CONTACTS.change(90), "(count over contacts, 90 days) less (count over contacts, 90 to 180 days)"),
    ],
)
def test_a_formula_says_itself_in_words(formula: Formula, said: str) -> None:
    assert str(formula) == said


def test_what_reads_of_a_feature_follow_from_its_formula() -> None:
    both = a_feature(difference(CONTACTS.count(90), CONTACTS.of_siblings().count(365)), unit="count")
    assert (both.within, both.of_siblings, both.counts_days, both.dtype) == (365, True, False, pl.Float32())
    since = a_feature(CONTACTS.days_since_last(180))
    assert (since.within, since.of_siblings, since.counts_days, since.dtype) == (180, False, True, pl.UInt16())
    assert [a_feature(formula, unit="x").zero_is_none for formula in (CONTACTS.count(), CONTACTS.change(90))] == [True, False]


def test_the_catalogue_is_broad() -> None:
    assert len(CATALOGUE) >= 95
    assert len(BY_NAME) == len(CATALOGUE)
    measures = {measure for feature in CATALOGUE for measure in feature.measures}
    assert {measure.aggregate for measure in measures} == set(Aggregate)
    assert any(measure.until for measure in measures)
    read = {measure.stream.table.name for measure in measures}
    undated_or_for_the_audit = {"ssd_person", "ssd_disability", "ext_deprivation", "ext_workforce", "ext_person_links"}
    assert read == set(TABLES) - undated_or_for_the_audit
    for feature in CATALOGUE:
        for measure in feature.measures:
            classes = {measure.stream.table.column(name).sensitivity for name in measure.stream.columns if name != "happened"}
            assert classes <= {Sensitivity.FEATURE}, feature.name
