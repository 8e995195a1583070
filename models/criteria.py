"""What must hold before a model may be registered, and while it is in use; written down before training, hashed into the run."""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import polars as pl

from validation.errors import CriterionError, SettingsError

LEAST_OUTCOMES = 100
LEAST_DATES = 12
LEAST_OUTCOMES_PER_SIDE = 25

LIMITS = {  # section and name in criteria.toml: the range that is allowed
    ("gain", "least_lower_bound"): (-1.0, 1.0),
    ("gain", "least_in_a_year"): (-1.0, 1.0),
    ("calibration", "most_error"): (0.0, 1.0),
    ("calibration", "most_group_gap"): (0.0, 1.0),
    ("decay", "most_fall_in_auc"): (0.0, 1.0),
    ("stability", "least_kept"): (0.0, 1.0),
    ("plausibility", "highest_auc"): (0.5, 1.0),
    ("monitoring", "least_observed_to_expected"): (0.0, 1.0),
    ("monitoring", "most_observed_to_expected"): (1.0, 10.0),
    ("monitoring", "most_group_gap"): (0.0, 1.0),
}

IN_WORDS = {
    ("gain", "least_lower_bound"): "the lower end of the gain over the best humble ranker",
    ("gain", "least_in_a_year"): "the gain in the worst test year",
    ("calibration", "most_error"): "the calibration error",
    ("calibration", "most_group_gap"): "the gap of the worst group",
    ("decay", "most_fall_in_auc"): "the fall in AUC within a test year",
    ("stability", "least_kept"): "the share of a list that stays for four weeks",
    ("plausibility", "highest_auc"): "the AUC",
    ("monitoring", "least_observed_to_expected"): "returns in use over those expected",
    ("monitoring", "most_observed_to_expected"): "returns in use over those expected",
    ("monitoring", "most_group_gap"): "the gap of the worst group in use",
}


@dataclass(frozen=True)
class Criteria:
    """The limits of ``criteria.toml`` by section and name, the file's text, and its SHA-256."""

    limits: Mapping[tuple[str, str], float]
    text: str
    sha256: str


@dataclass(frozen=True)
class Finding:
    """Whether a criterion was met: the ``value`` found, its ``limit``, and the sentence that says so.

    ``value`` is ``None`` where the data cannot tell; ``words`` says why, and whether that counts as met.
    """

    criterion: str
    met: bool
    value: float | None
    limit: float
    words: str


def read_criteria(text: str) -> Criteria:
    """Criteria from the text of a ``criteria.toml``. Raises :class:`SettingsError` that lists every fault."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"'criteria.toml' cannot be read: {error}. Correct it and run again.") from None
    faults, limits = [], {}
    known = {section: {name for of, name in LIMITS if of == section} for section, _ in LIMITS}
    for section, values in told.items():
        named = values if isinstance(values, dict) else {}
        faults += [f"'{section}' is unknown"] * (section not in known)
        faults += [f"'{section}.{name}' is unknown" for name in named if name not in known.get(section, set(named))]
    for (section, name), (least, most) in LIMITS.items():
        value = told.get(section, {}).get(name) if isinstance(told.get(section, {}), dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            faults.append(f"'{section}.{name}' is {value!r}: allowed is a number from {least:g} to {most:g}")
        else:
            limits[section, name] = float(value)
    if faults:
        raise SettingsError(f"'criteria.toml': {'; '.join(faults)}. Correct it and run again.")
    return Criteria(limits, text, hashlib.sha256(text.encode()).hexdigest())


def shipped_criteria() -> str:
    """The text of the criteria that apply when the workspace has none of its own."""
    return (files("models") / "criteria.toml").read_text(encoding="utf-8")


def find_easier(criteria: Criteria) -> list[str]:
    """The limits that are easier to meet than the shipped ones, in words: nobody lowers the bar unseen."""
    shipped = read_criteria(shipped_criteria()).limits
    found = []
    for (section, name), limit in criteria.limits.items():
        usual = shipped[section, name]
        if (limit < usual) if name.startswith("least") else (limit > usual):
            bound = "at least" if name.startswith("least") else "at most"
            found.append(f"{IN_WORDS[section, name]} must be {bound} {limit:g}, and not {usual:g}")
    return found


def count_outcomes(frame: pl.DataFrame) -> tuple[int, int]:
    """How many rows have the outcome, and how many do not."""
    yes = int(frame["outcome"].sum())
    return yes, frame.height - yes


def require_outcomes(frame: pl.DataFrame) -> None:
    """Raise ``CriterionError`` unless the training frame holds enough complete outcomes to learn from."""
    yes, no = count_outcomes(frame)
    dates = frame["as_of"].n_unique()
    if min(yes, no) < LEAST_OUTCOMES or dates < LEAST_DATES:
        raise CriterionError(
            f"There are too few complete outcomes to train on: {yes} yes and {no} no on {dates} dates; needed are at "
            f"least {LEAST_OUTCOMES} of each on {LEAST_DATES} dates, so use an extract that reaches further back, or "
            "wait until more outcomes are complete."
        )


def judge(evaluated: Mapping[str, Any], champion: str, criteria: Criteria) -> tuple[Finding, ...]:
    """Does ``champion`` meet the criteria? ``evaluated`` is what :func:`models.appraisal.appraise` found."""
    limit = criteria.limits
    gains = [row for row in evaluated["comparisons"] if row["candidate"] == evaluated["best_humble"]]
    pooled = next(row for row in gains if row["split"] == "all")
    worst = min((row for row in gains if row["split"] != "all"), key=lambda row: row["difference"])
    least, in_a_year = limit["gain", "least_lower_bound"], limit["gain", "least_in_a_year"]
    mine = [row for row in evaluated["results"] if row["candidate"] == champion]
    rows = sum(row["rows"] for row in mine)
    error = sum(row["calibration_error"] * row["rows"] for row in mine) / rows
    auc = sum(row["auc"] * row["rows"] for row in mine) / rows
    humble = evaluated["best_humble"].replace("_", " ")
    most_error, highest = limit["calibration", "most_error"], limit["plausibility", "highest_auc"]
    return (
        Finding(
            "gain over the best humble ranker",
            pooled["low"] > least,
            pooled["low"],
            least,
            f"Average precision is {_by(pooled['difference'])} that of the {humble} (95 % interval "
            f"{pooled['low']:+.3f} to {pooled['high']:+.3f}); the lower end must lie above {least:g}.",
        ),
        Finding(
            "gain in the worst test year",
            worst["difference"] >= in_a_year,
            worst["difference"],
            in_a_year,
            f"In the test year from {worst['split']} it is {_by(worst['difference'])} it; it must not lie below {in_a_year:g}.",
        ),
        Finding(
            "calibration error",
            error <= most_error,
            error,
            most_error,
            f"Chances and shares of returns lie {error:.3f} apart on average; at most {most_error:g} is allowed.",
        ),
        _judge_groups(evaluated["groups"], limit["calibration", "most_group_gap"]),
        _judge_decay(evaluated["decay"], limit["decay", "most_fall_in_auc"]),
        _judge_stability(evaluated["stability"], limit["stability", "least_kept"]),
        Finding(
            "plausible",
            auc <= highest,
            auc,
            highest,
            f"AUC is {auc:.3f}; above {highest:g} a result is too good to be true, and most likely something that is known "
            "only afterwards has found its way into a feature.",
        ),
    )


def _by(difference: float) -> str:
    return f"{abs(difference):.3f} {'above' if difference >= 0 else 'below'}"


def _judge_groups(groups: Iterable[Mapping[str, Any]], limit: float) -> Finding:
    """The largest gap that is evident (see :func:`models.appraisal.measure_groups`); whose it is, is for the fairness report."""
    judged = [row for row in groups if row["enough"]]
    name = "calibration of the worst group"
    if not judged:
        return Finding(name, met=False, value=None, limit=limit, words="No audit group is large enough to be judged.")
    worst = max(judged, key=lambda row: row["evident"])
    gap = float(worst["evident"])
    if gap == 0:
        words = f"No evident gap between chance and share of returns in any of {len(judged)} groups that are large enough."
    else:
        words = (
            f"In the worst of {len(judged)} groups that are large enough chances and shares of returns lie at least {gap:.3f} "
            f"apart, with all of them looked at together; at most {limit:g} is allowed."
        )
    return Finding(name, gap <= limit, gap, limit, words)


def _judge_decay(decay: Mapping[str, Any], limit: float) -> Finding:
    fall = -decay["change"]
    words = (
        f"AUC goes from {decay['earlier_auc']:.3f} in the first to {decay['later_auc']:.3f} in the second half of a test year; a "
        f"fall of at most {limit:g} is allowed."
    )
    return Finding("decay", fall <= limit, fall, limit, words)


def _judge_stability(stability: Mapping[str, Any], limit: float) -> Finding:
    kept = stability["kept"]
    if kept is None:
        return Finding("stability", met=False, value=None, limit=limit, words="There are no two dates to compare lists of.")
    words = (
        f"Of the families listed on one date and still open four weeks later, {kept:.0%} would be listed again; at least "
        f"{limit:.0%} is needed."
    )
    return Finding("stability", kept >= limit, kept, limit, words)


def require_met(findings: Iterable[Finding], where: str) -> None:
    """Raise :class:`CriterionError` (exit 18) when a criterion was missed, saying which and by how much."""
    missed = [finding for finding in findings if not finding.met]
    if missed:
        told = " ".join(f"{at}. {finding.criterion}: {finding.words}" for at, finding in enumerate(missed, 1))
        raise CriterionError(
            f"The model misses {len(missed)} of the criteria and is not registered. {told} Read '{where}'; the criteria are "
            "written down before training and are not to be bent to a model."
        )
