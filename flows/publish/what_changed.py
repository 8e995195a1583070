"""What changed since the last training: one comparison of two trainings, told alike in every record that needs it.

Both sides are what left the team at the time: a small count is hidden on both, and nothing is told of one that was not
printed before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from features.catalogue import BY_NAME
from flows.publish.chance_words import number as count_of
from flows.publish.group_verdicts import MEASURES, find_judged, name_group
from flows.publish.hidden_cells import hide_cells
from flows.publish.measured import day, name_of
from flows.publish.printed import count, interval, number
from flows.publish.record_fields import read_fields
from flows.publish.tables import Section, Table
from validation.disclosure import HIDDEN, NOTHING

HEADING = "What changed since the last one"
NONE, NOT_JUDGED = "none", "not looked at"
PERFORMANCE = {"auc": "AUC", "average_precision": "Average precision", "precision_at_capacity": "Precision at capacity"}


@dataclass(frozen=True)
class Told:
    """What a training told when it was published.

    ``name``: such as "version 3". ``evaluation`` has gone through the door. ``lineage`` as in ``run.json``. ``fairness`` is the
    frame of the fairness report, if there was one; ``answers`` are the council's own, by key.
    """

    name: str
    evaluation: Mapping[str, Any]
    lineage: Mapping[str, Any] = field(default_factory=dict)
    fairness: pl.DataFrame | None = None
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One thing that is different now. ``part`` groups what belongs together."""

    part: str
    what: str
    before: str
    now: str

    @property
    def is_first(self) -> bool:
        """Was it not looked at before? Then nothing has changed."""
        return self.before == NOT_JUDGED


def find_changes(before: Told, now: Told) -> list[Change]:
    """Everything that differs, in a fixed order; what is the same on both sides is left out."""
    told = [
        *_compare("Model and data", _tell_facts(before), _tell_facts(now)),
        *_compare("Features", _tell_features(before), _tell_features(now)),
        *_compare("Performance", _tell_performance(before), _tell_performance(now)),
        *_compare("Verdicts on groups", *_tell_verdicts(before.fairness, now.fairness), absent=NOT_JUDGED),
        *_compare("Answers of the council", _tell_answers(before), _tell_answers(now), absent="not answered"),
    ]
    return [change for change in told if change.before != change.now]


def tell_changes(before: Told | None, now: Told) -> Section:
    """The section of a record. Without an earlier training it says that this is the first."""
    if before is None:
        words = ["This is the first: there is no earlier training to compare with."]
        return Section("changed", HEADING, words)
    every = find_changes(before, now)
    changes = [change for change in every if not change.is_first]
    first = count_of(len(every) - len(changes), "comparison of groups is", "comparisons of groups are")
    new = [f"{first} looked at for the first time."] if len(changes) < len(every) else []
    words = [
        f"Compared with {before.name}.",
        *new,
        "Intervals are those of each training's own test, on its own families and dates. They do not say whether a difference "
        "is more than chance."
        if changes
        else "Nothing that is told in these records is different.",
    ]
    parts = dict.fromkeys(change.part for change in changes)
    tables = [
        Table(
            part,
            ("", "Before", "Now"),
            tuple((change.what, change.before, change.now) for change in changes if change.part == part),
        )
        for part in parts
    ]
    return Section("changed", HEADING, words, (), tables)


def _compare(part: str, before: Mapping[str, str], now: Mapping[str, str], absent: str = NONE) -> Iterator[Change]:
    """A change for each name of either side, those of now first."""
    for what in dict.fromkeys([*now, *before]):
        yield Change(part, what, before.get(what, absent), now.get(what, absent))


def _tell_facts(told: Told) -> dict[str, str]:
    evaluation, lineage = told.evaluation, told.lineage
    outcome, dates, rows = (evaluation.get(part) or {} for part in ("outcome", "dates", "rows"))
    known = {
        "Outcome": f"{outcome['words']}, version {outcome['version']}" if outcome else NOTHING,
        "History from": _day(lineage.get("window_start")),
        "Extract of": _day(lineage.get("extract_date")),
        "First date learned from": _day(dates.get("first")),
        "Last date learned from": _day(dates.get("last")),
        "Rows learned from": count(rows.get("used")),
        "Families learned from": count(rows.get("families")),
        "Criteria (SHA-256)": str((evaluation.get("criteria") or {}).get("sha256", NOTHING)),
        "Criteria met": _tell_met(evaluation),
        "Effort": str(evaluation.get("effort", NOTHING)),
    }
    return {name: text for name, text in known.items() if text != NOTHING}


def _tell_met(evaluation: Mapping[str, Any]) -> str:
    findings = (evaluation.get("criteria") or {}).get("findings") or []
    return f"{sum(finding['met'] for finding in findings)} of {len(findings)}" if findings else NOTHING


def _tell_features(told: Told) -> dict[str, str]:
    """Each feature that was offered to the candidates."""
    names = told.evaluation.get("features") or []
    return {BY_NAME[name].description if name in BY_NAME else name: "used" for name in names}


def _tell_performance(told: Told) -> dict[str, str]:
    """The glass box in its latest test year."""
    results = [result for result in told.evaluation.get("results") or [] if result["candidate"] == "glass_box"]
    if not results:
        return {}
    latest = max(results, key=lambda result: result["test_from"])
    figures = {words: _figure(latest, name) for name, words in PERFORMANCE.items()}
    tested = f"{day(latest['test_from'])} to {day(latest['test_to'])}, {count(latest['families'])} families"
    return {"Tested on": tested} | {f"{words}, {name_of('glass_box')}": text for words, text in figures.items()}


def _figure(result: Mapping[str, Any], name: str) -> str:
    ends = interval(result.get(f"{name}_low"), result.get(f"{name}_high"))
    return number(result.get(name)) + (f" ({ends})" if ends else "")


def _tell_verdicts(before: pl.DataFrame | None, now: pl.DataFrame | None) -> tuple[dict[str, str], dict[str, str]]:
    """The verdicts of both trainings by comparison; none where one of them compared no groups."""
    return ({}, {}) if before is None or now is None else (_name_verdicts(before), _name_verdicts(now))


def _name_verdicts(frame: pl.DataFrame) -> dict[str, str]:
    shown = find_judged(hide_cells(frame)).with_columns(verdict=pl.when("hidden").then(pl.lit(HIDDEN)).otherwise("verdict"))
    cells = shown.filter("named").select("metric", "group", "value", "verdict")
    return {f"{name_group(group, value)}: {MEASURES[metric]}": verdict for metric, group, value, verdict in cells.iter_rows()}


def _tell_answers(told: Told) -> dict[str, str]:
    fields = {field.key: field.field for field in read_fields()}
    return {fields[key]: text for key, text in told.answers.items() if key in fields}


def _day(text: Any) -> str:
    return day(str(text)) if text else NOTHING
