"""Who decided what about which version of a model, and what follows from all decisions together.

The list of decisions is what counts: champion, retired versions and the way back are read from it, never kept beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from validation.errors import ModelError, SettingsError

PROMOTE, RETIRE, ROLL_BACK = "promote", "retire", "roll-back"
LONGEST = {"role": 200, "name": 200, "reason": 2_000}  # characters: with these a decision fits every database of MLflow


@dataclass(frozen=True)
class Decision:
    """What a named person decided about a version, why, and by when it must be looked at again (not when retired)."""

    action: str
    outcome: str
    version: str
    role: str
    name: str
    reason: str
    decided_on: date
    review_by: date | None = None

    def __post_init__(self) -> None:
        for what, longest in LONGEST.items():
            text = getattr(self, what).strip()
            if not text:
                raise SettingsError(f"Decision '{self.action}' has no {what}: say who decides, in which role, and why.")
            if len(text) > longest:
                raise SettingsError(f"Decision '{self.action}': the {what} has {len(text)} characters; write at most {longest}.")
        if self.action != RETIRE and (self.review_by is None or self.review_by <= self.decided_on):
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

    @property
    def champion(self) -> str | None:
        """The version in use, if there is one: the last of the line, unless it was retired."""
        return self.line[-1] if self.line and self.line[-1] not in self.retired else None

    def status(self, version: str) -> str:
        """One word for a registered version: champion, retired, replaced, or challenger when nobody has decided on it."""
        if version in self.retired:
            return "retired"
        if version == self.champion:
            return "champion"
        return "replaced" if version in self.promoted else "challenger"

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
    return Standing(
        tuple(line),
        frozenset(decision["version"] for decision in decisions if decision["action"] == PROMOTE),
        frozenset(decision["version"] for decision in decisions if decision["action"] == RETIRE),
    )


def require_current(approval: Mapping[str, Any], on: date) -> None:
    """Raise ``ModelError`` (exit 14) when the day of review of a champion's ``approval`` has passed on the day ``on``."""
    if date.fromisoformat(approval["review_by"]) < on:
        raise ModelError(
            f"Version '{approval['version']}' of '{approval['outcome']}' was to be reviewed by {approval['review_by']}, and "
            f"nobody has: no list is made. Whoever holds the role '{approval['role']}' must look at its reports and decide: "
            "approve it again with `rereferral promote`, go back with `rereferral roll-back`, or end it with `rereferral retire`."
        )
