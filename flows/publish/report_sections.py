"""The parts of a training report that say what was trained on what, and whether it may be used."""

from collections.abc import Mapping
from typing import Any

from flows.publish.chance_words import in_words
from flows.publish.measured import Measured, day, name_of, verdict
from flows.publish.printed import count, number, percent, plain
from flows.publish.tables import Section, Table, lay_out
from validation.disclosure import NOTHING

DATES = {
    "first": "First date with complete outcomes",
    "last": "Last date with complete outcomes",
    "count": "Dates with complete outcomes",
    "not_complete_yet": "Later dates, not complete yet",
    "step_days": "Days from one date to the next",
}
NOT_LEFT_OUT = frozenset({"cohort", "families", "used", "parts_together"})  # all other counts say why rows are not used


def tell_training(measured: Measured) -> Section:
    """What was trained on what."""
    model, evaluation = measured.model, measured.evaluation
    rows = evaluation.get("rows") or {}
    outcome = evaluation["outcome"]
    facts = [
        ("Predicted", f"{outcome['words']} ({plain(outcome['name'])}, version {outcome['version']})"),
        (
            "Model",
            f"{name_of(model.name)}{f', version {model.version}' if model.version else ''}, {len(model.features)} features",
        ),
        ("Data", "invented" if model.origin != "real" else "real records, under pseudonyms"),
        ("Dates learned from", f"{in_words(model.trained_from)} to {in_words(model.trained_to)}"),
        ("Rows and families", f"{count(rows.get('used'))} rows of {count(rows.get('families'))} families"),
        ("Effort", str(evaluation.get("effort", NOTHING))),
        ("Criteria", f"SHA-256 {(evaluation.get('criteria') or {}).get('sha256', NOTHING)}"),
    ]
    words = ["A row is one open case on one date; a case that stays open is in many rows, so intervals count families."]
    splits = tuple(
        (f"{day(result['train_from'])} to {day(result['train_to'])}", count(result["train_rows"]),
         count(result["train_families"]), f"{day(result['test_from'])} to {day(result['test_to'])}",
         count(result["rows"]), count(result["families"]))
        for result in measured.results
        if result["candidate"] == model.name
    )  # fmt: skip
    header = ("Learned from", "Rows", "Families", "Tested on", "Rows tested", "Families tested")
    behind = [Table("Splits of the evaluation, forward in time", header, splits)] if splits else []
    tables = [Table(f"Tables and columns that the model needs ({len(model.tables)})", ("Table", "Columns"), tuple(
        (name, ", ".join(columns)) for name, columns in sorted(model.tables.items())))]  # fmt: skip
    if doubt := evaluation.get("ranges"):
        tables += lay_out(doubt, "How the range of a chance is made from the spread of the bags (see docs/evaluation.md)")
    if searched := evaluation.get("searched"):
        tables += lay_out(searched, "Settings that were tried, on the earliest test year only")
    return Section("training", "What was trained on what", words, (), [Table("", ("", ""), tuple(facts))], behind + tables)


def tell_rows(measured: Measured) -> Section:
    """The table of rows, dates and exits that adds up."""
    evaluation = measured.evaluation
    rows, exits, split = evaluation["rows"], evaluation.get("exits"), evaluation.get("split")
    shown = {name: count(value) for name, value in rows.items()}
    lines = [("Open cases on all dates together", shown["cohort"])]
    lines += [(f"less: {plain(name)}", text) for name, text in shown.items() if name not in NOT_LEFT_OUT]
    lines += [("used for training and testing", shown["used"])]
    words = [
        f"All rows are accounted for: {shown['cohort']} = the parts below."
        if rows["parts_together"] == rows["cohort"]
        else f"A fault: the parts below make {shown['parts_together']} and not {shown['cohort']}. Mend this before the model is "
        "used.",
        "No row is kept or left out by its outcome. Where the outcome is not complete yet it is never counted as a no.",
    ]
    tables = [Table("Rows: cohort = used + left out", ("Rows", "Number"), tuple(lines))]
    if exits is not None:
        said = tuple((plain(name), count(number)) for name, number in exits.items())
        tables.append(Table("Exits among the used rows; they count as no return", ("Exit", "Rows"), said))
    if split:
        tables.append(_lay_out_split(split))
    if dates := evaluation.get("dates"):
        said = tuple((DATES.get(name, plain(name)), day(str(value)) if name in {"first", "last"} else f"{value:,}")
                     for name, value in dates.items())  # fmt: skip
        tables.append(Table("Dates", ("", ""), said))
    return Section("rows", "Rows, dates and exits", words, (), tables)


def _lay_out_split(split: Mapping[str, Any]) -> Table:
    lines = (
        ("closed in the window", count(split["closed_in_the_window"])),
        ("came back", count(split["returned"])),
        ("came back, of those closed", percent(split["returned_of_closed"])),
    )
    return Table("The outcome is closing soon times coming back once closed", ("Rows", "Number"), lines)


def tell_criteria(measured: Measured) -> Section:
    """Each criterion with its value, limit and words."""
    rows = tuple(
        (
            plain(finding["criterion"]),
            "met" if finding["met"] else "MISSED",
            number(finding.get("value")),
            number(finding.get("limit")),
            str(finding.get("words", "")),
        )
        for finding in measured.findings
    )
    table = Table("Criteria, written down before training", ("Criterion", "Verdict", "Value", "Limit", "In words"), rows)
    words = [
        verdict(measured),
        "The criteria lie in criteria.toml, were fixed before training, and their hash is kept with the run.",
    ]
    return Section("criteria", "Does it meet the criteria?", words, (), [table])


def tell_selection(measured: Measured) -> Section:
    """What each rule would have chosen."""
    rows = tuple((row["words"] or plain(row["rule"]), name_of(row["chosen"])) for row in measured.evaluation["selection"])
    chosen = list(dict.fromkeys(name for _, name in rows))
    words = [
        "All rules choose alike."
        if len(chosen) == 1
        else f"The rules do not agree: they choose {', '.join(chosen)}. This report is about the glass box all the same, because "
        "its reasons can be read; the criteria decide whether it may be used."
    ]
    return Section("selection", "What each rule of choice would have chosen", words, (), [Table("", ("Rule", "Choice"), rows)])
