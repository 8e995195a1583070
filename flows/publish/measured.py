"""What a report speaks of most: the latest test year, the glass box in it, its lead over the others, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flows.publish.chance_words import in_words
from flows.publish.printed import Figure, count, hundred, interval, needed, number, plain, signed
from models.candidates import HUMBLE
from models.model import ScreeningModel

Evaluation = Mapping[str, Any]
Result = Mapping[str, Any]

NAMES = {
    "base_rate": "everyone alike",
    "earlier_referrals": "number of earlier referrals",
    "days_since_last_referral": "days since last referral",
    "points_scorecard": "points scorecard",
    "spline_logistic": "spline logistic regression",
    "glass_box": "glass box",
    "unrestricted_boosting": "unrestricted boosting",
}
UNRESTRICTED = "unrestricted_boosting"


@dataclass(frozen=True)
class Measured:
    """What the report speaks of most: the results of each candidate in the latest test year, and the glass box among them.

    ``evaluation`` has gone through :func:`flows.publish.door.let_out`.
    """

    evaluation: Evaluation
    model: ScreeningModel

    @property
    def results(self) -> list[Result]:
        """All results, the latest test year first."""
        return sorted(self.evaluation.get("results") or [], key=lambda result: result["test_from"], reverse=True)

    @property
    def latest(self) -> dict[str, Result]:
        """Results of the latest test year by candidate."""
        results = self.results
        return {result["candidate"]: result for result in results if result["test_from"] == results[0]["test_from"]}

    @property
    def box(self) -> Result | None:
        """The glass box in the latest test year."""
        return self.latest.get(self.model.name)

    @property
    def leads(self) -> dict[str, Result]:
        """The glass box's lead over each other candidate in average precision, over all test years together."""
        return {row["candidate"]: row for row in self.evaluation.get("comparisons") or [] if row["split"] == "all"}

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """What the criteria found."""
        return list((self.evaluation.get("criteria") or {}).get("findings") or [])


def name_of(candidate: str) -> str:
    """A candidate in words."""
    return NAMES.get(candidate, plain(candidate))


def day(text: str) -> str:
    """An ISO date as in a letter."""
    return in_words(date.fromisoformat(text[:10]))


def span(low: Figure, high: Figure, digits: int = 3, sign: str = "") -> str:
    """An interval in brackets, after a number."""
    words = interval(low, high, digits, sign)
    return f" ({words})" if words else ""


def span_hundred(low: Figure, high: Figure, digits: int = 0, sign: str = "") -> str:
    """The interval of a share, in whole hundredths, in brackets."""
    return span(hundred(low), hundred(high), digits, sign)


def verdict(measured: Measured) -> str:
    """Met or missed, in one sentence."""
    findings = measured.findings
    missed = [finding for finding in findings if not finding["met"]]
    if not findings:
        return "This run holds no findings on criteria, so nothing is said about whether the model may be used."
    criteria = measured.evaluation.get("criteria") or {}
    easier, lost = criteria.get("easier") or [], criteria.get("missed_as_shipped") or []
    bar = f" These criteria are easier than those that are shipped: {'; '.join(easier)}." if easier else ""
    bar += f" By those it would have missed {len(lost)}: {'; '.join(lost)}." if easier and lost else ""
    if not missed:
        return f"The model met {'its one criterion' if len(findings) == 1 else f'all {len(findings)} criteria'}.{bar}"
    return (
        f"The model missed {len(missed)} of {len(findings)} criteria, so it is logged, but may not be registered or used. "
        f"Missed: {'; '.join(plain(finding['criterion']) for finding in missed)}.{bar}"
    )


def in_short(measured: Measured) -> list[str]:
    """What a board should take away, one sentence each."""
    lines, box, leads = [verdict(measured)], measured.box, measured.leads
    if box:
        everyone = measured.latest.get("base_rate")
        lines += [
            f"It was tested on {count(box['families'])} families from {day(box['test_from'])} to {day(box['test_to'])}, none of "
            f"which it had learned from. Of 100 pairs of a child who came back and one who did not, it put the right one first "
            f"in {number(hundred(box['auc']), 0)}{span_hundred(box['auc_low'], box['auc_high'])}; a coin would in 50.",
            f"With room for {box['capacity']} families a week, one in {needed(box['precision_at_capacity'])} families on its "
            "list came back"
            + (f"; in an order by chance it is one in {needed(everyone['precision_at_capacity'])}." if everyone else ".")
            + " So most families on the list would not have come back, and an offer must be worth having for them too.",
        ]
    humble = [leads[name] for name in HUMBLE if name in leads]
    if humble:
        closest = min(humble, key=lambda row: row["difference"])
        lines.append(
            f"Against the best humble ranker ({name_of(closest['candidate'])}): {say_lead(closest)}, which goes from 0 to 1."
        )
    if UNRESTRICTED in leads:
        lines.append(f"The price of transparency: {say_price(leads[UNRESTRICTED])}.")
    lines.append(
        "Whom the list reaches and misses, and whether chances are true in every group: see fairness.html beside this page."
    )
    return lines


def say_lead(row: Result) -> str:
    """Is the glass box better than another candidate, worse, or can it not be told?"""
    low, high = row["low"], row["high"]
    shown = f"{signed(row['difference'])}{span(low, high)} in average precision"
    if low is None or high is None:
        return f"{shown}; how sure that is cannot be told"
    return f"the glass box is better, {shown}" if low > 0 else (
        f"the glass box is worse, {shown}" if high < 0 else f"no clear difference, {shown}"
    )  # fmt: skip


def say_price(row: Result) -> str:
    """What is lost by a model that can be read, in the words of the board."""
    low, high = row["low"], row["high"]
    shown = f"{signed(-row['difference'])}{span(None if high is None else -high, None if low is None else -low)}"
    if low is None or high is None:
        return f"unrestricted boosting differs by {shown} in average precision; how sure that is cannot be told"
    if high < 0:
        return f"a model that nobody can read, unrestricted boosting, would have been better by {shown} in average precision"
    if low > 0:
        return f"none; unrestricted boosting, which nobody can read, differs by {shown} in average precision, so it was worse"
    return f"none that can be told from chance; unrestricted boosting differs by {shown} in average precision"
