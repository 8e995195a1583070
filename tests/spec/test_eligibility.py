"""Who may be offered what, as drawn tables: circumstances in, and which rules let a family through."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models.eligibility import CASES, CIRCUMSTANCES, RULES, BoundRule, Rule, describe_rules, gather_circumstances, judge
from models.offer_kinds import read_offers
from tests.spec.drawing import words
from tests.spec.drawn_decisions import decisions, offers
from validation.errors import ContractError

AS_OF = date(2026, 11, 24)


def ago(days: int) -> str:
    """So many days before the night."""
    return (AS_OF - timedelta(days)).isoformat()


def cases(table: str = "child family\na f") -> pl.DataFrame:
    """Open cases from a drawn table: child, family and what else is told; stages have "_" for a blank."""
    drawn = words(table)
    names = {"person_id": "child", "family_id": "family", "days_open": "days", "age_years": "age"}
    ordinary = {"days_open": "30", "age_years": "7", "age_band": "5 to 9", "stage": "assessment", "relatives": "0"}
    return drawn.select(
        (pl.col(at) if (at := names.get(name, name)) in drawn.columns else pl.lit(ordinary.get(name), pl.String))
        .str.replace_all("_", " ")
        .pipe(lambda told, to=dtype: told == "true" if to == pl.Boolean() else told.cast(to))
        .alias(name)
        for name, dtype in CASES.items()
    )


def gather(of: str = "child family\na f", made: str = "child kind offered", decided: str = "family decision on") -> pl.DataFrame:
    return gather_circumstances(cases(of), offers(made), decisions(decided), AS_OF)


def passes(rule: str, circumstances: pl.DataFrame, **values: Any) -> bool:
    found: bool = circumstances.select(BoundRule(RULES[rule], values).passes.alias("passes")).item()
    return found


OFFER, DECISION = "child kind offered answer answered reviewed\n", "family decision on reason\n"
NOTHING: dict[str, str] = {}


def offer(
    days: int, answer: str = "-", answered: int | None = None, reviewed: int | None = None, kind: str = "EH"
) -> dict[str, str]:
    """One offer made so many days ago."""
    return {"made": f"{OFFER}a {kind} {ago(days)} {answer} {'-' if answered is None else ago(answered)} "
            f"{'-' if reviewed is None else ago(reviewed)}"}  # fmt: skip


def decide(decision: str, days: int, reason: str = "-") -> dict[str, str]:
    """One decision of so many days ago."""
    return {"decided": f"{DECISION}f {decision} {ago(days)} {reason.replace(' ', '_')}"}


DO_NOT_ASK = "The family does not want to be asked again"
WEEK = {"weeks": 26}

RULES_DRAWN: dict[str, tuple[str, dict[str, Any], dict[str, str], bool]] = {
    "consent: nothing known": ("consent_not_refused", {}, NOTHING, True),
    "consent: declined, but may be asked": ("consent_not_refused", {}, offer(90, "DECLINED", 80), True),
    "consent: refused long ago": ("consent_not_refused", {}, offer(900, "REFUSED", 890), False),
    "consent: refused by the team's word": ("consent_not_refused", {}, decide("declined", 400, DO_NOT_ASK), False),
    "consent: accepted after it was refused": (
        "consent_not_refused",
        {},
        {"made": f"{OFFER}a EH {ago(90)} REFUSED {ago(80)} -\na EH {ago(50)} ACCEPTED {ago(49)} -"},
        True,
    ),
    "consent: refused and accepted on one day": (
        "consent_not_refused",
        {},
        {"made": f"{OFFER}a EH {ago(90)} REFUSED {ago(49)} -\na EH {ago(50)} ACCEPTED {ago(49)} -"},
        False,
    ),
    "offered: nothing known": ("not_offered_within", WEEK, NOTHING, True),
    "offered: on the last day that counts": ("not_offered_within", WEEK, offer(181), False),
    "offered: at the edge": ("not_offered_within", WEEK, offer(182), True),
    "offered: of any kind": ("not_offered_within", WEEK, offer(10, kind="FGC"), False),
    "offered: by the team's word": ("not_offered_within", WEEK, decide("offered", 10), False),
    "offered: declined by the team's word alone is no offer": ("not_offered_within", WEEK, decide("declined", 10), True),
    "declined: nothing known": ("not_declined_within", WEEK, NOTHING, True),
    "declined: accepted": ("not_declined_within", WEEK, offer(90, "ACCEPTED", 80), True),
    "declined: on the last day that counts": ("not_declined_within", WEEK, offer(300, "DECLINED", 181), False),
    "declined: at the edge": ("not_declined_within", WEEK, offer(300, "DECLINED", 182), True),
    "declined: refused to be asked": ("not_declined_within", WEEK, offer(30, "REFUSED", 20), False),
    "declined: on a day that is not told": ("not_declined_within", WEEK, offer(181, "DECLINED"), False),
    "declined: by the team's word": ("not_declined_within", WEEK, decide("declined", 181), False),
    "running: nothing known": ("no_offer_running", {}, NOTHING, True),
    "running: accepted, on its last day": ("no_offer_running", {}, offer(182, "ACCEPTED", 180), False),
    "running: accepted, past its last day": ("no_offer_running", {}, offer(183, "ACCEPTED", 180), True),
    "running: reviewed": ("no_offer_running", {}, offer(100, "ACCEPTED", 90, 3), True),
    "running: without an answer, on its last day": ("no_offer_running", {}, offer(28), False),
    "running: without an answer, past its last day": ("no_offer_running", {}, offer(29), True),
    "running: declined": ("no_offer_running", {}, offer(5, "DECLINED", 2), True),
    "running: accepted by the team's word": ("no_offer_running", {}, decide("accepted", 100), False),
    "running: declined after the team offered it": (
        "no_offer_running",
        {},
        {
            "made": f"{OFFER}a EH {ago(5)} DECLINED {ago(2)} -",
            "decided": f"family children decision kind on\nf a offered EH {ago(6)}",
        },
        True,
    ),
    "stage: nothing known": ("stage_at_most", {"stage": "assessment"}, {"of": "child family stage\na f -"}, True),
    "stage: before it": ("stage_at_most", {"stage": "assessment"}, {"of": "child family stage\na f referral"}, True),
    "stage: at the edge": ("stage_at_most", {"stage": "assessment"}, {"of": "child family stage\na f assessment"}, True),
    "stage: one child further": (
        "stage_at_most",
        {"stage": "assessment"},
        {"of": "child family stage\na f referral\nb f child_in_need_plan"},
        False,
    ),
    "age: not known": ("age_between", {"least": 5, "most": 9}, {"of": "child family age age_band\na f - not_known"}, True),
    "age: at the lower edge": ("age_between", {"least": 5, "most": 9}, {"of": "child family age\na f 5"}, True),
    "age: at the upper edge": ("age_between", {"least": 5, "most": 9}, {"of": "child family age\na f 9"}, True),
    "age: too old and too young": ("age_between", {"least": 5, "most": 9}, {"of": "child family age\na f 4\nb f 10"}, False),
    "age: one child in the band": ("age_between", {"least": 5, "most": 9}, {"of": "child family age\na f 4\nb f 6"}, True),
    "age: unborn counts as 0": ("age_between", {"least": 0, "most": 4}, {"of": "child family age age_band\na f - unborn"}, True),
    "age: unborn is too young": (
        "age_between",
        {"least": 1, "most": 4},
        {"of": "child family age age_band\na f - unborn"},
        False,
    ),
    "early help: nothing known": ("no_early_help_open", {}, {"of": "child family early_help_open\na f -"}, True),
    "early help: none": ("no_early_help_open", {}, {"of": "child family early_help_open\na f false"}, True),
    "early help: of one child": (
        "no_early_help_open",
        {},
        {"of": "child family early_help_open\na f false\nb f true"},
        False,
    ),
    "relatives: nothing known": ("has_relatives", {}, {"of": "child family relatives\na f -"}, False),
    "relatives: none": ("has_relatives", {}, {"of": "child family relatives\na f 0"}, False),
    "relatives: one": ("has_relatives", {}, {"of": "child family relatives\na f 1"}, True),
    "relatives: two children with open cases": ("has_relatives", {}, {"of": "child family relatives\na f -\nb f -"}, True),
    "open: nothing known": ("open_at_most", {"days": 30}, {"of": "child family days\na f -"}, True),
    "open: at the edge": ("open_at_most", {"days": 30}, {"of": "child family days\na f 30"}, True),
    "open: past it": ("open_at_most", {"days": 30}, {"of": "child family days\na f 31"}, False),
    "open: the newest case counts": ("open_at_most", {"days": 30}, {"of": "child family days\na f 300\nb f 2"}, True),
    "suits: nothing known": ("not_suitable_within", WEEK, NOTHING, True),
    "suits: on the last day that counts": ("not_suitable_within", WEEK, decide("not_suitable", 181), False),
    "suits: at the edge": ("not_suitable_within", WEEK, decide("not_suitable", 182), True),
    "suits: another decision in the team's words": ("not_suitable_within", WEEK, decide("other", 10), False),
    "suits: already helped is another matter": ("not_suitable_within", WEEK, decide("already_helped", 10), True),
    "helped: nothing known": ("not_helped_within", WEEK, NOTHING, True),
    "helped: on the last day that counts": ("not_helped_within", WEEK, decide("already_helped", 181), False),
    "helped: at the edge": ("not_helped_within", WEEK, decide("already_helped", 182), True),
    "helped: not suitable is another matter": ("not_helped_within", WEEK, decide("not_suitable", 10), True),
}


@pytest.mark.parametrize(("rule", "values", "known", "expected"), RULES_DRAWN.values(), ids=list(RULES_DRAWN))
def test_a_rule_lets_a_family_through_or_not(rule: str, values: dict[str, Any], known: dict[str, str], expected: bool) -> None:
    assert passes(rule, gather(**known), **values) is expected


def test_every_rule_is_drawn() -> None:
    assert {rule for rule, *_ in RULES_DRAWN.values()} == set(RULES)


STATUTORY = {
    "nothing known": (NOTHING, False),
    "offered by law, on the last day that counts": (offer(364, kind="FGDM"), True),
    "offered by law, a year ago": (offer(365, kind="FGDM"), False),
    "another offer": (offer(10, kind="FGC"), False),
    "the team's word, on the last day that counts": (decide("statutory_route", 364), True),
    "the team's word, a year ago": (decide("statutory_route", 365), False),
    "the team decided otherwise later": (
        {"decided": f"{DECISION}f statutory_route {ago(50)} -\nf keep_on_the_list {ago(20)} -"}, False),
    "the team decided otherwise before": (
        {"decided": f"{DECISION}f statutory_route {ago(20)} -\nf keep_on_the_list {ago(50)} -"}, True),
}  # fmt: skip


@pytest.mark.parametrize(("known", "expected"), STATUTORY.values(), ids=list(STATUTORY))
def test_a_family_stands_apart_by_law(known: dict[str, str], expected: bool) -> None:
    assert gather(**known)["statutory"].item() is expected


MATCHED = {
    "by the child": f"family children decision on\nold a already_helped {ago(5)}",
    "by the family": f"family children decision on\nf z already_helped {ago(5)}",
    "by another child with an open case": f"family children decision on\nold b,z already_helped {ago(5)}",
}


@pytest.mark.parametrize("decided", MATCHED.values(), ids=list(MATCHED))
def test_a_decision_is_the_familys_when_it_names_it_or_a_child(decided: str) -> None:
    found = gather("child family\na f\nb f\nc g", decided=decided)
    assert dict(found.select("family_id", pl.col("last_helped_on").is_not_null()).iter_rows()) == {"f": True, "g": False}


def test_a_child_without_a_family_is_one_of_its_own() -> None:
    found = gather("child family\na -\nb -", made=f"child kind offered\na EH {ago(5)}")
    assert found.select("family_id", pl.col("last_offered_on").is_not_null()).rows() == [("a", True), ("b", False)]


def test_an_offer_named_by_family_is_that_of_all_its_children() -> None:
    found = gather("child family\na f\nb f", made=f"child family kind offered\nz f EH {ago(5)}")
    assert found["last_offered_on"].to_list() == [AS_OF - timedelta(5)]


@pytest.mark.parametrize(
    "later", [{"made": f"child kind offered\na EH {ago(-1)}"}, {"decided": f"family decision on\nf already_helped {ago(-1)}"}]
)
def test_what_is_later_than_the_night_is_not_read(later: dict[str, str]) -> None:
    assert_frame_equal(gather(**later), gather())


def test_circumstances_are_the_same_in_any_order_of_rows() -> None:
    of, made = (
        cases("child family age\na f 3\nb f -\nc g 9"),
        offers(f"child kind offered\na EH {ago(5)}\nb EH {ago(9)}\nc FGC {ago(2)}"),
    )
    decided = decisions(f"family decision on\nf other {ago(9)}\nf statutory_route {ago(9)}\ng already_helped {ago(3)}")
    first = gather_circumstances(of, made, decided, AS_OF)
    for seed in range(4):
        frames = (frame.sample(fraction=1, shuffle=True, seed=seed) for frame in (of, made, decided))
        assert_frame_equal(gather_circumstances(*frames, AS_OF), first)


def test_no_case_gives_no_family() -> None:
    found = gather("child family")
    assert (found.height, dict(found.schema)) == (0, CIRCUMSTANCES)


def test_cases_in_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ContractError, match="'cases' lacks 'stage'"):
        gather_circumstances(cases().drop("stage"), offers(), decisions(), AS_OF)


OFFERS = read_offers("""
most_days_listed = 42
next_families = 20
[[kind]]
code = "FGC"
weekly_slots = 5
rules = [{ rule = "has_relatives" }, { rule = "not_helped_within", weeks = 26 }]
[[kind]]
code = "EH"
weekly_slots = 15
rules = [{ rule = "not_helped_within", weeks = 26 }, { rule = "open_at_most", days = 90 }]
""")
HELPED = "The team found in the last 26 weeks that the family is already being helped."
JUDGED = {
    "all rules hold": ("child family relatives days\na f 1 10", NOTHING, (["FGC", "EH"], [], False)),
    "one kind is left: no rule is told": ("child family relatives days\na f 0 10", NOTHING, (["EH"], [], False)),
    "no kind is left: each rule is told once": (
        "child family relatives days\na f 1 10",
        decide("already_helped", 3),
        ([], [HELPED], False),
    ),
    "several rules refuse": (
        "child family relatives days\na f 0 91",
        decide("already_helped", 3),
        (
            [],
            [
                "Family Group Conference: no other child of the family is on record.",
                HELPED,
                "Restorative early help: the newest case of the family has been open for more than 90 days.",
            ],
            False,
        ),
    ),
    "by law: neither eligible nor refused": (
        "child family relatives days\na f 0 91",
        decide("statutory_route", 3),
        ([], [], True),
    ),
}


@pytest.mark.parametrize(("of", "known", "expected"), JUDGED.values(), ids=list(JUDGED))
def test_a_family_is_judged_by_the_rules_of_each_kind(of: str, known: dict[str, str], expected: tuple[Any, ...]) -> None:
    assert judge(gather(of, **known), OFFERS).row(0) == ("f", *expected)


def test_a_kind_without_rules_is_for_every_family() -> None:
    free = read_offers('most_days_listed = 42\nnext_families = 20\n[[kind]]\ncode = "EH"\nweekly_slots = 1\nrules = []')
    assert judge(gather("child family\na f\nb g"), free)["kinds"].to_list() == [["EH"], ["EH"]]


def test_a_rule_without_a_description_is_refused() -> None:
    with pytest.raises(ValueError, match="Rule 'odd' has no description"):
        Rule("odd", "Odd.", "It is odd.", lambda: pl.lit(value=True))


def test_a_rule_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="Rule 'odd' has no words"):
        Rule("odd", "The family is odd.", " ", lambda: pl.lit(value=True))


def test_documents_have_a_row_for_every_rule() -> None:
    assert [row["rule"] for row in describe_rules()] == list(RULES)
