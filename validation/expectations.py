"""The one door to Great Expectations (and to pandas, its engine): it runs the checks and renders its Data Docs.

A check that cannot be computed is a fault of ours and stops the command: Great Expectations reports it as a failed
expectation, which would read as bad data.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, assert_never

import pandas as pd
import polars as pl

from validation.checks import BROKEN_SCHEMA, Asks, Check, Severity
from validation.codes import codes
from validation.conforming import NO_CODES
from validation.data_docs import write_docs
from validation.errors import ContractError

with warnings.catch_warnings():
    # Great Expectations imports modules that Python has deprecated.
    warnings.filterwarnings("ignore", message="module 'sre_", category=DeprecationWarning)
    import great_expectations as gx
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaSectionView

SUMMARY_SCHEMA = {
    "table": pl.String(),
    "rule": pl.String(),
    "severity": pl.String(),
    "says": pl.String(),
    "rows": pl.UInt32(),
    "broken": pl.UInt32(),
}

# Every broken row, by its position in the frame.
RESULT_FORMAT = {"result_format": "COMPLETE", "return_unexpected_index_query": False}

# All of a result that Data Docs may show: counts and percentages, never a row or a value.
SHOWN = frozenset({"element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent"})

GX_SEVERITY = {Severity.ERROR: "critical", Severity.QUERY: "warning"}


@dataclass(frozen=True)
class Findings:
    """What the checks found.

    ``broken`` has one row for each row of a table that breaks a check: table, row (position in the frame, from 0),
    rule, severity. ``summary`` has one row for each check: table, rule, severity, says, rows, broken (counts).
    """

    broken: pl.DataFrame
    summary: pl.DataFrame


def run_checks(
    frames: Mapping[str, pl.DataFrame],
    checks: Mapping[str, Sequence[Check]],
    extract_date: date,
    docs: Path | None,
) -> Findings:
    """Put ``checks`` to every table of ``frames`` and, when ``docs`` is given, write Data Docs into that folder.

    ``frames`` are conformed tables with the derived columns of ``validation/rules.py``. An empty table passes, and a
    missing value passes every check but the one for presence. Raises ``ContractError`` when a check could not be
    computed, for want of a column or because of its type.
    """
    broken = [pl.DataFrame(schema=BROKEN_SCHEMA)]
    summary = []
    sections: dict[str, list[str]] = {}
    context = _context()
    for name, frame in frames.items():
        asked = checks.get(name, ())
        rows: list[list[int]] = [[]] * len(asked)
        sections[name] = []
        if asked and not frame.is_empty():
            result = _validate(context, frame, asked, extract_date)
            answers = {_position(answer): answer.result["unexpected_index_list"] for answer in result.results}
            rows = [answers[position] for position in range(len(asked))]  # every check has its answer, or this stops
            if docs is not None:
                sections[name] = _render(result, extract_date)
        broken += [_broken(check, found) for check, found in zip(asked, rows, strict=True)]
        summary += [
            (name, check.rule, check.severity.value, check.says, frame.height, len(found))
            for check, found in zip(asked, rows, strict=True)
        ]
    findings = Findings(pl.concat(broken), pl.DataFrame(summary, schema=SUMMARY_SCHEMA, orient="row"))
    if docs is not None:
        write_docs(docs, findings.summary, {name: frames[name].height for name in frames}, sections, extract_date)
    return findings


def _broken(check: Check, rows: Sequence[int]) -> pl.DataFrame:
    found = pl.DataFrame({"row": rows}, schema={"row": pl.UInt32()})
    named = {"table": check.table, "rule": check.rule, "severity": check.severity.value}
    return found.with_columns(pl.lit(value).alias(column) for column, value in named.items()).select(list(BROKEN_SCHEMA))


def _context() -> EphemeralDataContext:
    """A context in memory alone: no files, no progress bars, nothing sent anywhere."""
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)


def _expectation(position: int, check: Check, extract_date: date) -> dict[str, Any]:
    """The check as Great Expectations writes an expectation down, with its position among those asked."""
    kwargs: dict[str, Any] = {"column": check.column}
    match check.asks:
        case Asks.PRESENT:
            kind = "expect_column_values_to_not_be_null"
        case Asks.UNIQUE:
            kind = "expect_column_values_to_be_unique"
        case Asks.IN_LIST:
            kind = "expect_column_values_to_be_in_set"
            kwargs["value_set"] = _listed(check)
        case Asks.ALL_IN_LIST:
            kind = "expect_column_values_to_match_regex"
            code = f"(?:{'|'.join(_listed(check))})"
            kwargs["regex"] = rf"^(?:{NO_CODES}|{code}(?:\|{code})*)$"
        case Asks.NOT_AFTER_EXTRACT:
            kind = "expect_column_values_to_be_between"
            kwargs["max_value"] = _midnight(extract_date)
        case Asks.ORDERED:
            kind = "expect_column_pair_values_a_to_be_greater_than_b"
            kwargs = {"column_A": check.column, "column_B": check.other, "or_equal": True}
            kwargs["ignore_row_if"] = "either_value_is_missing"
        case Asks.HOLDS:
            kind = "expect_column_values_to_be_in_set"
            kwargs["value_set"] = [True]
        case _:
            assert_never(check.asks)
    return {
        "type": kind,
        "kwargs": kwargs,
        "meta": {"position": position},
        "severity": GX_SEVERITY[check.severity],
        "description": f"Rule {check.rule} ({check.severity}). A row that breaks it: {check.says}",
    }


def _listed(check: Check) -> list[str]:
    if check.other is None:
        raise ValueError(f"Check '{check.rule}' on '{check.column}' names no code list: give it one as 'other'.")
    return list(codes(check.other))


def _to_pandas(frame: pl.DataFrame, asked: Sequence[Check]) -> pd.DataFrame:
    """The columns that the checks read, numbered from 0."""
    ordered = {check.other for check in asked if check.asks is Asks.ORDERED}
    needed = {check.column for check in asked} | {column for column in ordered if column is not None}
    missing = sorted(needed - set(frame.columns))
    if missing:
        raise ContractError(
            f"Table '{asked[0].table}' lacks the columns {', '.join(repr(column) for column in missing)}, which its "
            "checks read: every conformed table has all columns of its schema and of its rules. Conform the table "
            "and add the derived columns first."
        )
    return frame.select(column for column in frame.columns if column in needed).to_pandas()


def _validate(
    context: EphemeralDataContext, frame: pl.DataFrame, asked: Sequence[Check], extract_date: date
) -> ExpectationSuiteValidationResult:
    table = asked[0].table
    asset = context.data_sources.add_pandas(table).add_dataframe_asset(table)
    batch = asset.add_batch_definition_whole_dataframe(table).get_batch({"dataframe": _to_pandas(frame, asked)})
    expectations = [_expectation(position, check, extract_date) for position, check in enumerate(asked)]
    suite = gx.ExpectationSuite(name=table, expectations=expectations)
    # Not through a validation definition, which would keep a copy of every result: ten times slower with many broken.
    result = batch.validate(suite, result_format=RESULT_FORMAT)
    for answer in result.results:
        if _raised(answer.exception_info):
            check = asked[_position(answer)]
            raise ContractError(
                f"Check '{check.rule}' of table '{table}' could not be computed on column '{check.column}': this says "
                "nothing about the rows. Allowed is the type that the contract gives the column. Conform the table "
                "before it is checked."
            )
    return result


def _position(answer: ExpectationValidationResult) -> int:
    """The position of a result's check among those asked."""
    if answer.expectation_config is None or not answer.expectation_config.meta:
        raise ContractError(
            "Great Expectations gave a result that names no check: this release of it is not the one that is allowed. "
            "Install the releases of the lock file."
        )
    return int(answer.expectation_config.meta["position"])


def _raised(info: Mapping[str, Any]) -> bool:
    """Did the check raise? The facts lie at the top, or one level down under each metric that raised."""
    return bool(info.get("raised_exception")) or any(
        isinstance(value, Mapping) and value.get("raised_exception") for value in info.values()
    )


def _render(result: ExpectationSuiteValidationResult, extract_date: date) -> list[str]:
    """The sections of a Data Docs page, one for each column, from counts and percentages alone."""
    counted = [
        ExpectationValidationResult(
            success=answer.success,
            expectation_config=answer.expectation_config,
            result=_counts(answer),
            exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
        )
        for answer in result.results
    ]
    run = gx.RunIdentifier(run_name="checks", run_time=_midnight(extract_date).replace(tzinfo=UTC))
    bare = ExpectationSuiteValidationResult(
        success=bool(result.success),
        results=counted,
        suite_name=result.suite_name,
        statistics=result.statistics,
        meta={"run_id": run},
    )
    document = ValidationResultsPageRenderer().render(bare).to_json_dict()
    view = DefaultJinjaSectionView()
    return [
        view.render({"section": section, "section_loop": {"index": number}})  # type: ignore[no-untyped-call]
        for number, section in enumerate(document["sections"])
        if number > 0  # the first section is about the run and the engine; the page has its own
    ]


def _counts(answer: ExpectationValidationResult) -> dict[str, float]:
    """What Data Docs may show of a result; percentages are of all rows, as its sentence says."""
    shown = {key: value for key, value in answer.result.items() if key in SHOWN}
    shown["unexpected_percent"] = answer.result.get("unexpected_percent_total", shown["unexpected_percent"])
    return shown
