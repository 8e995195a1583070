"""A council's offers are read whole: all faults together, each with what is allowed."""

import hashlib
import re
from pathlib import Path

import pytest

from models.eligibility import RULES
from models.offer_kinds import Offers, read_offers, shipped_offers
from validation.codes import codes
from validation.errors import SettingsError

GOOD = """
most_days_listed = 42
next_families = 20

[[kind]]
code = "FGC"
weekly_slots = 5
cost = 1200
rules = [{ rule = "not_offered_within", weeks = 26 }, { rule = "has_relatives" }]

[[kind]]
code = "EH"
weekly_slots = 15
rules = []
"""


def test_kinds_keep_the_order_of_the_file() -> None:
    assert [(kind.code, kind.words, kind.weekly_slots, kind.cost) for kind in read_offers(GOOD).kinds] == [
        ("FGC", "Family Group Conference", 5, 1200.0),
        ("EH", "Restorative early help", 15, None),
    ]


def test_rules_come_with_their_parameters_and_words() -> None:
    rules = read_offers(GOOD).kinds[0].rules
    assert [(bound.rule.name, dict(bound.values)) for bound in rules] == [
        ("not_offered_within", {"weeks": 26}),
        ("has_relatives", {}),
    ]
    assert rules[0].words == "The family was made an offer in the last 26 weeks."


def test_the_hash_is_that_of_the_text() -> None:
    assert read_offers(GOOD).sha256 == hashlib.sha256(GOOD.encode()).hexdigest()


def test_capacity_is_the_sum_of_the_slots() -> None:
    assert read_offers(GOOD).capacity == 20


def test_the_shipped_offers_are_whole() -> None:
    shipped: Offers = read_offers(shipped_offers())
    assert (shipped.capacity, shipped.most_days_listed, shipped.next_families) == (20, 42, 20)
    assert [(kind.code, kind.weekly_slots) for kind in shipped.kinds] == [("FGC", 5), ("EH", 15)]


def test_no_published_cost_means_no_cost() -> None:
    assert [kind.cost for kind in read_offers(shipped_offers()).kinds] == [None, None]


def test_a_kind_may_have_no_slots_for_now() -> None:
    assert read_offers(GOOD.replace("weekly_slots = 5", "weekly_slots = 0")).capacity == 15


FAULTS = {
    "no TOML": ("most_days_listed = 42", "most_days_listed =", "cannot be read"),
    "an unknown setting": (
        "next_families = 20",
        "next_families = 20\nslots = 3",
        "'slots' is unknown: allowed are most_days_listed",
    ),
    "days out of range": (
        "most_days_listed = 42",
        "most_days_listed = 0",
        "'most_days_listed' is 0: allowed is a whole number from 1",
    ),
    "days missing": ("most_days_listed = 42", "", "'most_days_listed' is None"),
    "days of no number": ("most_days_listed = 42", "most_days_listed = true", "'most_days_listed' is True"),
    "next families below nothing": ("next_families = 20", "next_families = -1", "'next_families' is -1"),
    "an unknown key of a kind": ("cost = 1200", "price = 3", "kind 'FGC': 'price' is unknown: allowed are code, weekly_slots"),
    "an unknown code": ('code = "EH"', 'code = "PIZZA"', "kind 'PIZZA': 'code' is 'PIZZA': allowed are EH, FGC"),
    "no code": ('code = "EH"', "", "kind number 2: 'code' is None"),
    "the statutory kind": ('code = "EH"', 'code = "FGDM"', "kind 'FGDM' is a family's right by law and is never rationed"),
    "a kind twice": ('code = "EH"', 'code = "FGC"', "kind 'FGC' stands there 2 times: allowed is once"),
    "slots below nothing": (
        "weekly_slots = 5",
        "weekly_slots = -1",
        "kind 'FGC': 'weekly_slots' is -1: allowed is a whole number",
    ),
    "half a slot": ("weekly_slots = 5", "weekly_slots = 0.5", "kind 'FGC': 'weekly_slots' is 0.5"),
    "a negative cost": ("cost = 1200", "cost = -1", "kind 'FGC': 'cost' is -1: allowed is a number of pounds"),
    "a cost without end": ("cost = 1200", "cost = inf", "kind 'FGC': 'cost' is inf"),
    "no rules": ("rules = []", "", "kind 'EH': 'rules' is missing"),
    "rules of text": ("rules = []", 'rules = ["has_relatives"]', "kind 'EH': 'rules' is missing or no list"),
    "an unknown rule": ('"has_relatives"', '"is_nice"', f"rule 'is_nice' is unknown: allowed are {', '.join(RULES)}"),
    "a rule without a name": ('rule = "has_relatives"', "weeks = 3", "rule None is unknown"),
    "a rule of a list": ('rule = "has_relatives"', 'rule = ["has_relatives"]', "is unknown: allowed are"),
    "a parameter missing": (", weeks = 26", "", "'weeks' is None: allowed is a whole number from 1 to 520"),
    "a parameter out of range": ("weeks = 26", "weeks = 0", "rule 'not_offered_within': 'weeks' is 0"),
    "an unknown parameter": ("weeks = 26", "weeks = 26, days = 2", "'days' is unknown: allowed are rule, weeks"),
    "a parameter of a rule without": (
        '"has_relatives"',
        '"has_relatives", weeks = 2',
        "rule 'has_relatives': 'weeks' is unknown",
    ),
    "an unknown stage": ('"has_relatives"', '"stage_at_most", stage = "court"', "'stage' is 'court': allowed is one of referral"),
    "ages the wrong way": ('"has_relatives"', '"age_between", least = 9, most = 4', "'least' is 9: allowed is at most 'most', 4"),
    "a rule twice": (
        "rules = []",
        'rules = [{ rule = "has_relatives" }, { rule = "has_relatives" }]',
        "stands there twice alike",
    ),
}


@pytest.mark.parametrize(("old", "new", "told"), FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_told_with_what_is_allowed(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError) as refused:
        read_offers(GOOD.replace(old, new, 1))
    assert told in str(refused.value)


@pytest.mark.parametrize("kinds", ["", "kind = []", "kind = 3", 'kind = ["FGC"]'])
def test_a_file_without_a_kind_is_refused(kinds: str) -> None:
    with pytest.raises(SettingsError, match="'kind' is missing"):
        read_offers(f"most_days_listed = 42\nnext_families = 20\n{kinds}")


def test_all_faults_are_told_together() -> None:
    faulty = GOOD.replace("42", "0").replace("weekly_slots = 5", "weekly_slots = -5").replace('"EH"', '"FGDM"')
    with pytest.raises(SettingsError) as refused:
        read_offers(faulty)
    assert [words in str(refused.value) for words in ("'most_days_listed'", "'weekly_slots' is -5", "'FGDM'")] == [True] * 3


def test_every_kind_of_the_code_list_but_the_statutory_one_can_be_offered() -> None:
    for code in set(codes("offer_kind")) - {"FGDM", "FGC"}:
        assert read_offers(GOOD.replace('code = "EH"', f'code = "{code}"')).kinds[1].code == code


def test_the_example_of_the_readme_is_one() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(most_days_listed.*?)```", readme, re.DOTALL)
    assert [kind.code for kind in read_offers(example).kinds] == ["FGC"]
