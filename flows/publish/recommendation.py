"""Go, pause or stop: what a written rule makes of criteria and verdicts, for a board that decides by itself.

The rule stands in ``docs/fairness.md``. It looks at what was written down before training, and at gaps that are certain; it never
takes silence for a pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import polars as pl
from markupsafe import Markup

from flows.publish.chance_words import number
from flows.publish.group_verdicts import CIRCUMSTANCES, count_verdicts, name_lost
from flows.publish.tables import Section, Table
from models.fairness import Verdict

KEY, HEADING = "recommendation", "Go, pause or stop?"
OWNER = "owner.senior_responsible_owner"
DECISIONS = "training/decisions.jsonl"
RULE = (
    "This is what a written rule makes of the run. The board decides. The rule: stop if a criterion is missed. Pause if there is "
    "a certain gap by who a child is in one of the questions below, or if a criterion is easier than the one that is shipped, "
    "until the board has decided about it. Else go on, within the limits.",
    "Who a child is: sex, ethnic group, disability and age. An earlier case, say, or who made the referral is no such thing. The "
    "list is made to look at those, so gaps by them are told and change nothing in the rule.",
    "No count of verdicts can show that a model is fair. Where there is not enough evidence, that is no pass. A board may pause "
    "or stop for any other reason, and needs no rule for that.",
)


TO_FILL_IN = ("Approved, paused or stopped", "Conditions", "Role, and day", "Looked at again by")


class Advice(StrEnum):
    """What the rule says."""

    GO = "go on, within the limits"
    PAUSE = "pause, until the board has decided"
    STOP = "stop"


@dataclass(frozen=True)
class Recommendation:
    """What the rule says, and a sentence for each thing that it rests on."""

    advice: Advice
    because: tuple[str, ...]


def recommend(
    findings: Sequence[Mapping[str, Any]],
    verdicts: Mapping[str, int],
    *,
    easier: Sequence[str] = (),
    missed_as_shipped: Sequence[str] = (),
    beside: Sequence[str] = (),
    of_child: int = 0,
    lost: int = 0,
) -> Recommendation:
    """Apply the rule.

    ``findings`` are those on the criteria; ``easier`` says in words which limits are easier than the shipped ones, and
    ``missed_as_shipped`` names the criteria that are missed by those; ``beside`` is said, too, and moves nothing;
    ``verdicts`` counts comparisons of groups by verdict, of whose gaps ``of_child`` are by who a child is; of ``lost`` groups
    nothing can be said.
    """
    missed = [f"Missed: {finding['criterion']}. {finding['words']}" for finding in findings if not finding["met"]]
    others, unclear = verdicts.get(Verdict.GAP, 0) - of_child, verdicts.get(Verdict.NOT_ENOUGH, 0)
    pauses = [
        *([f"{number(of_child, 'gap', 'gaps')} by who a child is: certain, and told below."] if of_child else []),
        *([_say_easier(easier, missed_as_shipped, len(findings))] if easier else []),
    ]
    said = [
        *beside,
        *([f"{number(others, 'gap', 'gaps')} by circumstance: certain, and told below."] if others else []),
        *([f"Not enough evidence for {number(unclear, 'comparison', 'comparisons')}, which is no pass."] if unclear else []),
        *([f"Nothing can be said of {number(lost, 'group', 'groups')}."] if lost else []),
    ]
    if not findings:
        return Recommendation(Advice.STOP, ("This run was held against no criterion, so nothing speaks for its use.", *said))
    if missed:
        return Recommendation(Advice.STOP, (*missed, "The model is not registered.", *pauses, *said))
    met = "The one criterion is met." if len(findings) == 1 else f"All {len(findings)} criteria are met."
    return Recommendation(Advice.PAUSE if pauses else Advice.GO, (met, *pauses, *said))


def recommend_training(evaluation: Mapping[str, Any], frame: pl.DataFrame, beside: Sequence[str] = ()) -> Recommendation:
    """Apply the rule to a training: ``evaluation`` and the frame of its fairness report."""
    criteria = evaluation.get("criteria") or {}
    of_child = frame.filter(~pl.col("group").is_in(CIRCUMSTANCES))
    return recommend(
        criteria.get("findings") or [],
        count_verdicts(frame),
        easier=criteria.get("easier") or [],
        missed_as_shipped=criteria.get("missed_as_shipped") or [],
        beside=beside,
        of_child=count_verdicts(of_child)[Verdict.GAP] if of_child.height else 0,
        lost=len(name_lost(frame)),
    )


def _say_easier(easier: Sequence[str], missed: Sequence[str], judged: int) -> str:
    """Who lowers a bar is asked why; what would have been missed comes first."""
    by_usual = f"By the limits that the program ships with it misses {len(missed)} of {judged}: {'; '.join(missed)}. "
    those = number(len(easier), "limit was", "limits were")
    return f"{by_usual if missed else ''}{those} made easier, so ask who did that, and why: {'; '.join(easier)}."


def tell_recommendation(found: Recommendation, council: Mapping[str, str]) -> Section:
    """The section. ``council``: the answers of ``transparency.toml`` by key."""
    said = Markup("<strong>The rule says: {}.</strong>").format(found.advice)
    lines = (
        ("Who answers for its use", council.get(OWNER) or f"Nobody is named yet ({OWNER} in transparency.toml)."),
        (
            "Who signed, in which role, under which conditions, and when somebody looks again",
            f"Nobody had signed when this page was written. What is decided is kept in {DECISIONS}, and each list says it at its "
            "head and foot.",
        ),
    )
    tables = [Table("", ("", ""), lines), Table("For the board to fill in", ("", ""), tuple((ask, "") for ask in TO_FILL_IN))]
    return Section(KEY, HEADING, [said, *RULE], (), tables, points=found.because)
