"""Who decided what about which version of a model, and what follows from all decisions together.

The list of decisions is what counts: champion, retired versions and the way back are read from it, never kept beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from validation.errors import CriterionError, ModelError, ScreeningError, SettingsError

PROMOTE, DECLINE, RETIRE, ROLL_BACK = "promote", "decline", "retire", "roll-back"
PUTS_INTO_USE = (PROMOTE, ROLL_BACK)
LONGEST = {"role": 200, "name": 200, "reason": 2_000}  # characters: with these a decision fits every database of MLflow
MOST_CONDITIONS = 500  # characters
NO_CONDITIONS = "none"


@dataclass(frozen=True)
class Decision:
    """What a named person decided about a version, and why.

    A decision that puts a model into use also names the ``conditions`` that it is made under (``NO_CONDITIONS`` if there are
    none), and the day ``review_by`` which somebody must look at it again.
    """

    action: str
    outcome: str
    version: str
    role: str
    name: str
    reason: str
    decided_on: date
    review_by: date | None = None
    conditions: str | None = None

    def __post_init__(self) -> None:
        for what, longest in LONGEST.items():
            text = getattr(self, what).strip()
            if not text:
                raise SettingsError(f"Decision '{self.action}' has no {what}: say who decides, in which role, and why.")
            if len(text) > longest:
                raise SettingsError(f"Decision '{self.action}': the {what} has {len(text)} characters; write at most {longest}.")
        if self.action not in PUTS_INTO_USE:
            return
        conditions = (self.conditions or "").strip()
        if not conditions or len(conditions) > MOST_CONDITIONS:
            raise SettingsError(
                f"Decision '{self.action}' has conditions of {len(conditions)} characters: write under which conditions the "
                f"model may be used, in at most {MOST_CONDITIONS}, or '{NO_CONDITIONS}'."
            )
        if self.review_by is None or self.review_by <= self.decided_on:
            raise SettingsError(
                f"Decision '{self.action}' of {self.decided_on} is to be reviewed by '{self.review_by}': name a later day, on "
                "which somebody looks again at whether the model is still good enough."
            )

    def as_dict(self) -> dict[str, Any]:
        """The decision as it is kept: dates as ISO text."""
        return asdict(self) | {
            "decided_on": self.decided_on.isoformat(),
            "review_by": self.review_by.isoformat() if self.review_by else None,
        }


@dataclass(frozen=True)
class Standing:
    """What follows from a list of decisions: ``line`` holds the approved versions, each the way back of the next."""

    line: tuple[str, ...] = ()
    promoted: frozenset[str] = frozenset()
    retired: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()

    @property
    def champion(self) -> str | None:
        """The version in use, if there is one: the last of the line, unless it was retired."""
        return self.line[-1] if self.line and self.line[-1] not in self.retired else None

    def status(self, version: str) -> str:
        """One word for a version: champion, retired, replaced, declined, or challenger when nobody has decided on it."""
        if version in self.retired:
            return "retired"
        if version == self.champion:
            return "champion"
        if version in self.promoted:
            return "replaced"
        return "declined" if version in self.declined else "challenger"

    def way_back(self, outcome: str) -> str:
        """The version before the last approved one. Raises ``ModelError`` when there is none, or it was retired."""
        if len(self.line) < 2:
            raise ModelError(
                f"There is no model to roll back to for outcome '{outcome}': {len(self.line)} approved so far. Approve a model "
                "with `rereferral promote`."
            )
        version = self.line[-2]
        self.require_usable(version, outcome)
        return version

    def require_usable(self, version: str, outcome: str) -> None:
        """Raise ``ModelError`` when ``version`` was retired."""
        if version in self.retired:
            raise ModelError(
                f"Version '{version}' of '{outcome}' was retired and cannot become champion: promote another version, or "
                "train one with `rereferral retrain`."
            )


def settle(decisions: Sequence[dict[str, Any]]) -> Standing:
    """The standing after ``decisions`` (see :meth:`Decision.as_dict`), in their order."""
    line: list[str] = []
    for decision in decisions:
        if decision["action"] == PROMOTE:
            line.append(decision["version"])
        elif decision["action"] == ROLL_BACK:
            line.pop()
    return Standing(tuple(line), *(frozenset(_versions(decisions, action)) for action in (PROMOTE, RETIRE, DECLINE)))


def _versions(decisions: Sequence[dict[str, Any]], action: str) -> list[str]:
    return [decision["version"] for decision in decisions if decision["action"] == action]


def find_approval(decisions: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The decision that put the champion in its place, or nothing where no model is in use."""
    if settle(decisions).champion is None:
        return None
    return [decision for decision in decisions if decision["action"] in PUTS_INTO_USE][-1]


def require_role(role: str, allowed: Sequence[str]) -> str:
    """The role as the council declares it. Raises ``SettingsError`` (exit 10) when it may not put a model into use."""
    declared = {name.strip().casefold(): name for name in allowed}
    if role.strip().casefold() not in declared:
        raise SettingsError(
            f"The role '{role.strip()}' may not put a model into use: allowed are {', '.join(repr(name) for name in allowed)}, "
            "as 'approver_roles' in 'rereferral.toml' says. Have a person in one of these roles decide. Anybody may take a model "
            "out of use with `rereferral retire`."
        )
    return declared[role.strip().casefold()]


class Why(StrEnum):
    """Why no list may be made."""

    RETIRED = "the model was taken out of use"
    NOT_APPROVED = "no model is approved for use"
    OVERDUE = "the day by which the model had to be looked at again has passed"
    FAILING = "the model no longer meets the criteria for its use"


@dataclass(frozen=True)
class Stop:
    """No list may be made with any model of ``outcome``.

    ``decision`` is what it follows from: the retirement, or the approval of the model that is overdue or fails; nothing where
    no model was ever in use. ``missed`` are sentences, one for each criterion that the model fails in use.
    """

    why: Why
    outcome: str
    decision: Mapping[str, Any] | None = None
    missed: tuple[str, ...] = ()

    @property
    def error(self) -> ScreeningError:
        """What the night stops with: exit 18 when criteria fail, else 14."""
        if self.decision is None or self.why is Why.RETIRED:
            return ModelError(f"There is no champion model for outcome '{self.outcome}': approve one with `rereferral promote`.")
        version = f"Version '{self.decision['version']}' of '{self.outcome}'"
        act = f"Whoever holds the role '{self.decision['role']}' must look at its reports and decide: "
        ways = "go back with `rereferral roll-back`, or end it with `rereferral retire`."
        if self.why is Why.OVERDUE:
            return ModelError(
                f"{version} was to be reviewed by {self.decision['review_by']}, and nobody has: no list is made. {act}approve it "
                f"again with `rereferral promote`, {ways}"
            )
        return CriterionError(
            f"{version} misses {len(self.missed)} of the criteria for its use: no list is made. {' '.join(self.missed)} {act}"
            f"train and approve another with `rereferral retrain` and `rereferral promote`, {ways}"
        )


def find_stop(decisions: Sequence[dict[str, Any]], outcome: str, missed: Mapping[str, Sequence[str]], on: date) -> Stop | None:
    """Why no list may be made on the day ``on``, or nothing where a model is in use, in date and not failing.

    ``missed``: by version, what monitoring found it to miss, in sentences.
    """
    standing, approval = settle(decisions), find_approval(decisions)
    if approval is None:
        last = standing.line[-1] if standing.line else None
        ends = [decision for decision in decisions if decision["action"] == RETIRE and decision["version"] == last]
        return Stop(Why.RETIRED, outcome, ends[-1]) if ends else Stop(Why.NOT_APPROVED, outcome)
    if date.fromisoformat(approval["review_by"]) < on:
        return Stop(Why.OVERDUE, outcome, approval)
    fails = tuple(missed.get(approval["version"], ()))
    return Stop(Why.FAILING, outcome, approval, fails) if fails else None


def require_not_failing(version: str, missed: Mapping[str, Sequence[str]]) -> None:
    """Raise ``CriterionError`` (exit 18) when monitoring found that a version misses a criterion for its use."""
    if fails := missed.get(version):
        raise CriterionError(
            f"Version '{version}' was in use and misses {len(fails)} of the criteria for it, so it cannot be put into use again. "
            f"{' '.join(fails)} Train another with `rereferral retrain`, or approve one that does not."
        )
