"""What a council can offer: kinds, weekly slots and who may be offered them, from the text of an ``offers.toml``."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from models.eligibility import RULES, STATUTORY_KIND, BoundRule
from validation.codes import codes
from validation.errors import SettingsError

MOST_SLOTS = 10_000
NUMBERS = {"most_days_listed": (1, 365), "next_families": (0, 1_000)}
OF_A_KIND = ("code", "weekly_slots", "cost", "rules")


@dataclass(frozen=True)
class OfferKind:
    """A kind of offer: its code and words in the list ``offer_kind``, families a week, pounds (if set), and who may have it."""

    code: str
    words: str
    weekly_slots: int
    cost: float | None
    rules: tuple[BoundRule, ...]


@dataclass(frozen=True)
class Offers:
    """All kinds in the order in which they are filled.

    A family keeps a place for ``most_days_listed`` days at most without a decision; ``next_families`` waiting ones are shown.
    ``sha256`` is that of the file's text.
    """

    kinds: tuple[OfferKind, ...]
    most_days_listed: int
    next_families: int
    sha256: str

    @property
    def capacity(self) -> int:
        """Families that can be offered something in a week, of all kinds together."""
        return sum(kind.weekly_slots for kind in self.kinds)


def shipped_offers() -> str:
    """The text of the offers that apply when the workspace has none of its own."""
    return (files("models") / "offers.toml").read_text(encoding="utf-8")


def read_offers(text: str) -> Offers:
    """Offers from the text of an ``offers.toml``. Raises :class:`SettingsError` that lists every fault."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"'offers.toml' cannot be read: {error}. Correct it and run again.") from None
    known = [*NUMBERS, "kind"]
    faults = [f"'{name}' is unknown: allowed are {', '.join(known)}" for name in told if name not in known]
    for name, (least, most) in NUMBERS.items():
        if not _is_whole(told.get(name), least, most):
            faults.append(f"'{name}' is {told.get(name)!r}: allowed is a whole number from {least} to {most}")
    kinds = told.get("kind")
    if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, dict) for kind in kinds):
        faults.append("'kind' is missing or no list of tables: allowed is one table [[kind]] or more")
        kinds = []
    given = [kind.get("code") for kind in kinds]
    twice = sorted({code for code in given if isinstance(code, str) and given.count(code) > 1})
    faults += [f"kind '{code}' stands there {given.count(code)} times: allowed is once" for code in twice]
    for number, kind in enumerate(kinds, 1):
        faults += _find_faults(kind, _name(kind, number))
    if faults:
        raise SettingsError(f"'offers.toml': {'; '.join(faults)}. Correct it and run again.")
    return Offers(
        tuple(_read_kind(kind) for kind in kinds),
        told["most_days_listed"],
        told["next_families"],
        hashlib.sha256(text.encode()).hexdigest(),
    )


def _name(kind: Mapping[str, Any], number: int) -> str:
    return f"kind '{kind['code']}'" if isinstance(kind.get("code"), str) else f"kind number {number}"


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _find_faults(kind: Mapping[str, Any], name: str) -> list[str]:
    """Everything that is wrong with one kind."""
    allowed = [code for code in codes("offer_kind") if code != STATUTORY_KIND]
    faults = [f"{name}: '{key}' is unknown: allowed are {', '.join(OF_A_KIND)}" for key in kind if key not in OF_A_KIND]
    code, slots, cost, rules = (kind.get(key) for key in OF_A_KIND)
    if code == STATUTORY_KIND:
        faults.append(
            f"{name} is a family's right by law and is never rationed, so the list gives no places for it: take it out "
            "(a family that is offered it is shown apart)"
        )
    elif code not in allowed:
        faults.append(f"{name}: 'code' is {code!r}: allowed are {', '.join(allowed)}")
    if not _is_whole(slots, 0, MOST_SLOTS):
        faults.append(f"{name}: 'weekly_slots' is {slots!r}: allowed is a whole number from 0 to {MOST_SLOTS}")
    if cost is not None and (isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < float("inf")):
        faults.append(f"{name}: 'cost' is {cost!r}: allowed is a number of pounds from 0, or none")
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        return [
            *faults,
            f"{name}: 'rules' is missing or no list: allowed is a list of tables such as {{ rule = 'has_relatives' }}",
        ]
    for rule in rules:
        faults += [f"{name}: {fault}" for fault in _find_faults_of_rule(rule)]
    repeated = [rule for number, rule in enumerate(rules) if rule in rules[:number]]
    return faults + [f"{name}: rule '{rule.get('rule')}' stands there twice alike: allowed is once" for rule in repeated]


def _find_faults_of_rule(told: Mapping[str, Any]) -> list[str]:
    name = told.get("rule")
    rule = RULES.get(name) if isinstance(name, str) else None
    if rule is None:
        return [f"rule {name!r} is unknown: allowed are {', '.join(RULES)}"]
    wanted = {parameter.name: parameter for parameter in rule.parameters}
    faults = [
        f"rule '{name}': '{key}' is unknown: allowed are {', '.join(['rule', *wanted])}"
        for key in told
        if key not in {"rule", *wanted}
    ]
    for key, parameter in wanted.items():
        if key not in told or not parameter.allows(told[key]):
            faults.append(f"rule '{name}': '{key}' is {told.get(key)!r}: allowed is {parameter.allowed}")
    if not faults and "least" in wanted and told["least"] > told["most"]:
        faults.append(f"rule '{name}': 'least' is {told['least']}: allowed is at most 'most', {told['most']}")
    return faults


def _read_kind(kind: Mapping[str, Any]) -> OfferKind:
    rules = tuple(
        BoundRule(RULES[rule["rule"]], {key: value for key, value in rule.items() if key != "rule"}) for rule in kind["rules"]
    )
    cost = kind.get("cost")
    words = codes("offer_kind")[kind["code"]].label
    return OfferKind(kind["code"], words, kind["weekly_slots"], None if cost is None else float(cost), rules)
