"""Who may be offered what: rules that are declared like features, and read one row of circumstances for each family.

A rule has a name, a description, its parameters, the words that a team reads when it refuses a family, and an expression that
holds where the family may be offered something. What is not known refuses nobody; only a rule that asks for a record does.
**The edge, the same everywhere**: within w weeks of a day means fewer than 7 x w days after it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from features.circumstances import STAGES
from models.offers import FAMILY
from models.team_decisions import (
    ALREADY_HELPED,
    DO_NOT_ASK,
    NO,
    NOT_SUITABLE,
    OTHER,
    STATUTORY_ROUTE,
    all_keys,
    check_columns,
    gather_records,
    match,
    unite_offers,
)

if TYPE_CHECKING:
    from models.offer_kinds import OfferKind, Offers

STATUTORY_KIND = "FGDM"
STATUTORY_DAYS = 365  # how long an offer by law, or a team's word that one is due, sets a family apart
RUNNING_DAYS = 182  # an accepted offer runs for so long unless its review ends it
UNANSWERED_DAYS = 28  # an offer without an answer stands for so long

CASES = {
    "person_id": pl.String(),
    "family_id": pl.String(),
    "days_open": pl.Int64(),
    "age_years": pl.Int64(),
    "age_band": pl.String(),
    "stage": pl.String(),
    "relatives": pl.Int64(),
    "early_help_open": pl.Boolean(),
}
CIRCUMSTANCES = {
    "as_of": pl.Date(),
    "family_id": pl.String(),
    "children": pl.List(pl.String()),
    "days_open": pl.Int64(),
    "ages": pl.List(pl.Int64()),
    "stage": pl.Int64(),
    "relatives": pl.Int64(),
    "early_help_open": pl.Boolean(),
    "consent_refused": pl.Boolean(),
    "last_offered_on": pl.Date(),
    "last_declined_on": pl.Date(),
    "offer_running": pl.Boolean(),
    "last_not_suitable_on": pl.Date(),
    "last_helped_on": pl.Date(),
    "statutory": pl.Boolean(),
}


@dataclass(frozen=True)
class Parameter:
    """What a rule asks a council to set: a whole number from ``least`` to ``most``, or one of ``choices``."""

    name: str
    description: str
    least: int = 0
    most: int = 0
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        return f"one of {', '.join(self.choices)}" if self.choices else f"a whole number from {self.least} to {self.most}"

    def allows(self, value: object) -> bool:
        """May ``value`` be given?"""
        if self.choices:
            return value in self.choices
        return isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most


@dataclass(frozen=True)
class Rule:
    """A rule of eligibility.

    ``why_not`` is the sentence that a team reads when the rule refuses a family ("{weeks}" stands for the parameter);
    ``holds`` makes, from the parameters by name, an expression over ``CIRCUMSTANCES`` that is true where the family passes, and
    empty where nothing is known, which passes too.
    """

    name: str
    description: str
    why_not: str
    holds: Callable[..., pl.Expr]
    parameters: tuple[Parameter, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a declaration that a reader could not follow."""
        if len(self.description.split()) < 3:
            raise ValueError(f"Rule '{self.name}' has no description of three words or more: write one.")
        if not self.why_not.strip():
            raise ValueError(f"Rule '{self.name}' has no words for 'why_not': write what a team shall read.")


@dataclass(frozen=True)
class BoundRule:
    """A rule with its parameters set: what a council chose for a kind of offer."""

    rule: Rule
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What a team reads when it refuses a family."""
        return self.rule.why_not.format(**self.values)

    @property
    def passes(self) -> pl.Expr:
        """Over circumstances: may the family be offered the kind, as far as this rule goes?"""
        return self.rule.holds(**self.values).fill_null(value=True)


def _is_past(column: str, weeks: int) -> pl.Expr:
    return pl.col("as_of") - pl.col(column) >= timedelta(7 * weeks)


def _has_a_child_between(least: int, most: int) -> pl.Expr:
    return pl.col("ages").list.eval(pl.element().is_between(least, most).fill_null(value=True)).list.any()


WEEKS = (Parameter("weeks", "Weeks after which it no longer counts.", 1, 520),)

RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "consent_not_refused",
            "The family has not said that it does not want to be asked again; if it has, it accepted an offer later.",
            "The family does not want to be asked.",
            lambda: ~pl.col("consent_refused"),
        ),
        Rule(
            "not_offered_within",
            "The family was offered nothing, of any kind, in the last so many weeks.",
            "The family was made an offer in the last {weeks} weeks.",
            lambda weeks: _is_past("last_offered_on", weeks),
            WEEKS,
        ),
        Rule(
            "not_declined_within",
            "The family said no to no offer, of any kind, in the last so many weeks.",
            "The family said no to an offer in the last {weeks} weeks.",
            lambda weeks: _is_past("last_declined_on", weeks),
            WEEKS,
        ),
        Rule(
            "no_offer_running",
            f"No offer of any kind is running: accepted up to {RUNNING_DAYS} days after it was made and not reviewed yet, or "
            f"without an answer for up to {UNANSWERED_DAYS} days.",
            "An offer to the family is running.",
            lambda: ~pl.col("offer_running"),
        ),
        Rule(
            "stage_at_most",
            "No open case of the family has gone further than this stage.",
            "A case of the family has gone further than this stage: {stage}.",
            lambda stage: pl.col("stage") <= STAGES.index(stage),
            (Parameter("stage", "The furthest stage at which the offer is made.", choices=tuple(STAGES)),),
        ),
        Rule(
            "age_between",
            "A child of the family with an open case is of this age, in whole years; unborn counts as 0.",
            "No child of the family with an open case is between {least} and {most} years old.",
            _has_a_child_between,
            (Parameter("least", "The youngest age.", 0, 17), Parameter("most", "The oldest age.", 0, 17)),
        ),
        Rule(
            "has_relatives",
            "A brother, a sister or another child of the family is on record.",
            "No other child of the family is on record.",
            lambda: pl.col("relatives").fill_null(0) > 0,
        ),
        Rule(
            "no_early_help_open",
            "No child of the family with an open case has early help on record that began in the last two years and goes on.",
            "A child of the family has early help already.",
            lambda: ~pl.col("early_help_open"),
        ),
        Rule(
            "open_at_most",
            "The family's newest open case has been open for at most so many days.",
            "The newest case of the family has been open for more than {days} days.",
            lambda days: pl.col("days_open") <= days,
            (Parameter("days", "Days since the newest case was opened.", 0, 3650),),
        ),
        Rule(
            "not_suitable_within",
            "The team did not find in the last so many weeks that an offer does not suit the family, and did not decide 'other'.",
            "The team found in the last {weeks} weeks that an offer does not suit the family.",
            lambda weeks: _is_past("last_not_suitable_on", weeks),
            WEEKS,
        ),
        Rule(
            "not_helped_within",
            "The team did not find in the last so many weeks that the family is already being helped.",
            "The team found in the last {weeks} weeks that the family is already being helped.",
            lambda weeks: _is_past("last_helped_on", weeks),
            WEEKS,
        ),
    )
}


def gather_circumstances(cases: pl.DataFrame, offers_made: pl.DataFrame, decided: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What the rules ask about each family with an open case on ``as_of``: one row each, sorted by ``family_id``.

    ``cases`` has one row for each open case with the columns of ``CASES``; a child without a family is one of its own.
    ``offers_made`` and ``decided`` are as in :mod:`models.team_decisions`; what is later than ``as_of`` is not read. Offers and
    decisions are the family's when they name it or any of its children. Columns are those of ``CIRCUMSTANCES``: ``days_open``
    of the newest case, ``ages`` in whole years (unborn 0, not known empty), ``stage`` the furthest as its number in
    ``STAGES``, ``relatives`` the other children on record. Raises ``ContractError`` for input in the wrong shape.
    """
    check_columns("cases", cases, CASES)
    families = _describe_families(cases)
    offers = _describe_offers(unite_offers(match(gather_records(offers_made, decided, as_of), families)), as_of)
    told = _describe_decisions(
        match(decided.filter(pl.col("decided_on") <= as_of).with_columns(keys=all_keys()), families), as_of
    )
    refused_on = pl.max_horizontal("refused_on", "asked_not_to_on")
    return (
        families.join(offers, on="family_id", how="left")
        .join(told, on="family_id", how="left")
        .with_columns(
            as_of=pl.lit(as_of),
            consent_refused=refused_on.is_not_null() & (refused_on >= pl.col("accepted_on")).fill_null(value=True),
            offer_running=pl.col("offer_running").fill_null(value=False),
            statutory=pl.col("offered_by_law").fill_null(value=False) | pl.col("is_due_by_law").fill_null(value=False),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in CIRCUMSTANCES.items())
        .sort("family_id")
    )


def _describe_families(cases: pl.DataFrame) -> pl.DataFrame:
    stages = {stage: number for number, stage in enumerate(STAGES)}
    age = pl.when(pl.col("age_band") == "unborn").then(0).otherwise("age_years")
    return (
        cases.group_by(FAMILY)
        .agg(
            pl.col("days_open").min(),
            children=pl.col("person_id").unique().sort(),
            ages=age.sort(),
            stage=pl.col("stage").replace_strict(stages, return_dtype=pl.Int64).max(),
            relatives=pl.col("relatives").max(),
            early_help_open=pl.col("early_help_open").any(ignore_nulls=False),
        )
        .with_columns(relatives=pl.max_horizontal("relatives", pl.col("children").list.len().cast(pl.Int64) - 1))
    )


def _describe_offers(offers: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Per family what its offers mean on ``as_of``."""
    offered, answer = pl.col("offered_on"), pl.col("answer")
    answered = pl.coalesce("answered_on", "offered_on")
    age = pl.lit(as_of) - offered
    accepted = (answer == "ACCEPTED") & pl.col("reviewed_on").is_null() & (age <= timedelta(RUNNING_DAYS))
    unanswered = answer.is_null() & (age <= timedelta(UNANSWERED_DAYS))
    by_law = (pl.col("kind") == STATUTORY_KIND) & (age < timedelta(STATUTORY_DAYS))
    return offers.group_by("family_id").agg(
        last_offered_on=offered.filter("made").max(),
        last_declined_on=answered.filter(answer.is_in(NO)).max(),
        refused_on=answered.filter(answer == "REFUSED").max(),
        accepted_on=answered.filter(answer == "ACCEPTED").max(),
        offer_running=(pl.col("made") & (accepted.fill_null(value=False) | unanswered)).any(),
        offered_by_law=(pl.col("made") & by_law.fill_null(value=False)).any(),
    )


def _describe_decisions(decided: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Per family what the team's decisions mean on ``as_of``; of several on one day the newest list's is the last."""
    day, decision = pl.col("decided_on"), pl.col("decision")
    by_law = decision == STATUTORY_ROUTE
    recent = pl.lit(as_of) - day < timedelta(STATUTORY_DAYS)
    return (
        decided.with_columns(by_law=by_law)
        .sort("decided_on", "night", "imported_on", "by_law")
        .group_by("family_id", maintain_order=True)
        .agg(
            last_not_suitable_on=day.filter(decision.is_in([NOT_SUITABLE, OTHER])).max(),
            last_helped_on=day.filter(decision == ALREADY_HELPED).max(),
            asked_not_to_on=day.filter(pl.col("reason") == DO_NOT_ASK).max(),
            is_due_by_law=(by_law & recent).last(),
        )
    )


def judge(circumstances: pl.DataFrame, offers: "Offers") -> pl.DataFrame:
    """Which kinds of offer each family may be made: one row each, sorted by ``family_id``.

    ``circumstances`` is what :func:`gather_circumstances` returns. Columns: ``family_id``, ``kinds`` (codes in the order of
    the file), ``why_not`` (words of the rules that refuse it, each once, with the offer where not every kind asks it; only when
    it is eligible for no kind), ``statutory`` (an offer by law is made or due: eligible for none, and no rule refuses it).
    """
    check_columns("circumstances", circumstances, CIRCUMSTANCES)
    asked_by: dict[str, list[OfferKind]] = {}
    passes: dict[str, pl.Expr] = {}
    for kind in offers.kinds:
        for bound in kind.rules:
            asked_by.setdefault(bound.words, []).append(kind)
            passes[bound.words] = passes.get(bound.words, pl.lit(value=True)) & bound.passes
    nobody = pl.lit([], pl.List(pl.String))
    kinds = [
        pl.when(pl.all_horizontal(pl.lit(value=True), *(bound.passes for bound in kind.rules))).then(pl.lit(kind.code))
        for kind in offers.kinds
    ]
    why = [pl.when(~holds).then(pl.lit(_say(words, asked_by[words], offers))) for words, holds in passes.items()]
    return (
        circumstances.with_columns(
            kinds=pl.concat_list(kinds).list.drop_nulls() if kinds else nobody,
            why_not=pl.concat_list(why).list.drop_nulls() if why else nobody,
        )
        .select(
            "family_id",
            kinds=pl.when("statutory").then(nobody).otherwise("kinds"),
            why_not=pl.when(pl.col("statutory") | (pl.col("kinds").list.len() > 0)).then(nobody).otherwise("why_not"),
            statutory="statutory",
        )
        .sort("family_id")
    )


def _say(words: str, asked_by: Sequence["OfferKind"], offers: "Offers") -> str:
    """A rule's words, with the offers that they speak of where it is not all of them."""
    if len(asked_by) == len(offers.kinds):
        return words
    return f"{' and '.join(kind.words for kind in asked_by)}: {words[:1].lower()}{words[1:]}"


def describe_rules() -> list[dict[str, str]]:
    """For documents: ``rule``, ``holds`` (what it asks), ``parameters`` and ``why_not`` of every rule, in words."""
    return [
        {
            "rule": rule.name,
            "holds": rule.description,
            "parameters": "; ".join(f"{given.name}: {given.allowed}" for given in rule.parameters),
            "why_not": rule.why_not,
        }
        for rule in RULES.values()
    ]
