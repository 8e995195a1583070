"""The gate: refuse, conform, check, then accept, set aside or stop. Nothing is lost on the way.

For each table: received = accepted + set aside + exact duplicates. Rows of erased children are counted as set aside, and are the
only ones that are not kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import polars as pl

from validation.checks import BROKEN_SCHEMA, Severity
from validation.conforming import Conformed, conform
from validation.contract import Table
from validation.erased import ERASED, NOBODY, Children, trace
from validation.errors import ChecksError, ContractError
from validation.extract import Extract, Manifest
from validation.privacy import refuse_identifiers
from validation.rereferrals import ReReferrals, count_re_referrals
from validation.tables.catalogue import TABLES
from validation.tables.local import PERSON_LINKS

ORPHAN = "orphan"  # the row's parent was set aside
UNKNOWN_CHILD = "unknown-child"  # the row names a child who is not in the extract
UNKNOWN_PARENT = "unknown-parent"  # the row reaches its child through a row that is not in the extract
UNREADABLE = "unreadable"  # "column-unreadable": the value stands there and cannot be read

QUERIED_SCHEMA = {"table": pl.String(), "key": pl.String(), "rule": pl.String()}

PLAUSIBLE_REFERRALS = 200
PLAUSIBLE_RATES = (0.05, 0.50)


@dataclass(frozen=True)
class Limits:
    """When the gate stops a night. Shares lie between 0 and 1.

    ``set_aside`` is the largest share of a table's rows that may be set aside, ``withdrawn`` that may be gone from inside
    the window since the last extract, ``collapse`` the smallest share of the last extract's rows that a table may have.
    """

    set_aside: float = 0.05
    withdrawn: float = 0.05
    collapse: float = 0.5


@dataclass(frozen=True)
class TableCount:
    """What became of a table's rows: ``received`` = ``accepted`` + sum of ``set_aside`` + ``duplicates``."""

    received: int
    accepted: int
    set_aside: Mapping[str, int]
    duplicates: int
    queries: Mapping[str, int]
    unreadable: Mapping[str, int]
    dropped: Mapping[str, int]
    unknown_columns: tuple[str, ...]

    @property
    def faulty(self) -> int:
        """Rows set aside for a fault of their own or of their parent's: all but those of erased children."""
        return sum(rows for reason, rows in self.set_aside.items() if reason != ERASED)


@dataclass(frozen=True)
class Gated:
    """What the gate made of an extract: accepted frames, rows set aside with their reasons, and counts per table.

    ``queried`` names the rows that were asked about: table, key (empty where the row has none), rule.
    """

    manifest: Manifest
    accepted: Mapping[str, pl.DataFrame]
    set_aside: Mapping[str, pl.DataFrame]
    counts: Mapping[str, TableCount]
    columns: Mapping[str, tuple[str, ...]]
    not_read: tuple[str, ...] = field(default=())
    queried: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=QUERIED_SCHEMA))


def check_extract(extract: Extract, docs: Path | None = None, erased: Children = NOBODY) -> Gated:
    """Pass an extract through privacy, conforming and the checks.

    ``docs`` is a folder for Great Expectations' Data Docs. Rows of ``erased`` children go no
    further than conforming. Raises :class:`PrivacyError`, :class:`ContractError` for missing columns and :class:`ChecksError`
    for missing tables; limits are applied by :func:`stop_if_implausible`.
    """
    from validation.expectations import run_checks  # Great Expectations takes seconds to import
    from validation.rules import all_checks, derived

    refuse_identifiers(extract)
    if not extract.manifest.key_fingerprint:
        raise ContractError(
            "The extract's manifest has no 'key_fingerprint', which tells one pseudonymisation key from another: let "
            "'rereferral pseudonymise' write it, or give a text of your own that changes with the key."
        )
    _require_tables(extract)
    supplied = [name for name in TABLES if name in extract.tables]
    arrived = {name: conform(TABLES[name], extract.tables[name]) for name in supplied}
    conformed = _without(arrived, erased)
    distinct = {name: _distinct(c) for name, c in conformed.items()}
    unique = {name: rows.select(list(TABLES[name].schema)) for name, rows in distinct.items()}
    day = extract.manifest.extract_date
    findings = run_checks(derived(unique, day), all_checks({name: TABLES[name] for name in supplied}), day, docs)
    broken = pl.concat([findings.broken, *(_unreadable(TABLES[name], rows) for name, rows in distinct.items())])
    reasons = _reasons(unique, broken)
    accepted = {name: unique[name].filter(reasons[name].is_null()) for name in supplied}
    aside = {name: unique[name].with_columns(reason=reasons[name]).filter(pl.col("reason").is_not_null()) for name in supplied}
    queries = broken.filter(pl.col("severity") == Severity.QUERY)
    counts = {
        name: _count(
            arrived[name], conformed[name], unique[name], accepted[name], aside[name], queries.filter(pl.col("table") == name)
        )
        for name in supplied
    }
    columns = {name: _filled(unique[name], extract.tables[name]) for name in supplied}
    not_read = tuple(sorted(set(extract.tables) - set(TABLES)))
    queried = pl.concat(_queried(name, frame[TABLES[name].key], queries) for name, frame in unique.items())
    return Gated(extract.manifest, accepted, aside, counts, columns, not_read, queried)


def _without(arrived: Mapping[str, Conformed], erased: Children) -> Mapping[str, Conformed]:
    """The tables without the rows of erased children, under whatever pseudonym tonight's links give them."""
    frames = {name: table.frame for name, table in arrived.items()}
    traces = trace(frames, erased, frames.get(PERSON_LINKS.name, PERSON_LINKS.empty()))
    if not traces:
        return arrived
    kept = {}
    for name, table in arrived.items():
        stay = table.frame.select(~traces.are_in(TABLES[name])).to_series()
        lost = table.lost.filter(stay) if table.lost.width else table.lost
        kept[name] = replace(table, frame=table.frame.filter(stay), lost=lost)
    return kept


def _distinct(conformed: Conformed) -> pl.DataFrame:
    """The rows once each, with a column ``lost_...`` beside every column of which a value could not be read."""
    lost = conformed.lost.select(pl.all().name.prefix("lost_"))
    return pl.concat([conformed.frame, lost], how="horizontal").unique(maintain_order=True)


def _unreadable(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Findings on values that could not be read: grave where one is required, or says whether a spell has ended."""
    found = [pl.DataFrame(schema=BROKEN_SCHEMA)]
    for column in table.kept:
        if f"lost_{column.name}" in rows.columns:
            grave = column.required or column.name == table.ends
            found.append(
                rows.select(row=pl.arg_where(pl.col(f"lost_{column.name}")).cast(pl.UInt32)).select(
                    pl.lit(table.name).alias("table"),
                    "row",
                    pl.lit(f"{column.name}-{UNREADABLE}").alias("rule"),
                    pl.lit((Severity.ERROR if grave else Severity.QUERY).value).alias("severity"),
                )
            )
    return pl.concat(found)


def _queried(name: str, keys: pl.Series, queries: pl.DataFrame) -> pl.DataFrame:
    asked = queries.filter(pl.col("table") == name)
    return asked.select("table", keys.gather(asked["row"]).alias("key"), "rule")


def _filled(frame: pl.DataFrame, arrived: pl.DataFrame) -> tuple[str, ...]:
    """The columns that arrived and hold a value; of a table without rows, all that arrived."""
    return tuple(name for name in frame.columns if name in arrived.columns and (frame.is_empty() or frame[name].count()))


def _require_tables(extract: Extract) -> None:
    for table in TABLES.values():
        if table.required and extract.tables.get(table.name, pl.DataFrame()).height == 0:
            raise ChecksError(
                f"The required table '{table.name}' is missing or empty: the night stops. Supply it and run the night again."
            )


def _reasons(frames: Mapping[str, pl.DataFrame], broken: pl.DataFrame) -> dict[str, pl.Series]:
    """Per table and row, why it is set aside (rules joined by ";"), or nothing. Parents come before their children."""
    errors = broken.filter(pl.col("severity") == Severity.ERROR)
    reasons: dict[str, pl.Series] = {}
    for name, frame in frames.items():
        rules = (
            errors.filter(pl.col("table") == name)
            .group_by("row")
            .agg(reason=pl.col("rule").unique().sort().str.join(";"))
            .with_columns(pl.col("row").cast(pl.UInt32))
        )
        rows = pl.DataFrame({"row": pl.int_range(frame.height, dtype=pl.UInt32, eager=True)})
        found = rows.join(rules, on="row", how="left", maintain_order="left")["reason"].cast(pl.String)
        both = pl.DataFrame({"found": found, "orphan": _orphans(TABLES[name], frame, frames, reasons)})
        joined = pl.concat_str("found", "orphan", separator=";", ignore_nulls=True)
        reasons[name] = both.select(reason=pl.when(joined != "").then(joined)).to_series()
    return reasons


def _orphans(
    table: Table, frame: pl.DataFrame, frames: Mapping[str, pl.DataFrame], reasons: Mapping[str, pl.Series]
) -> pl.Series:
    """Rows whose parent was set aside, or whose child is unknown; beside a reason of their own."""
    reason = pl.lit(None, pl.String)
    for reference in table.references:
        if reference.table not in reasons:
            continue
        parent, key = frames[reference.table], TABLES[reference.table].key
        fallen = parent.filter(reasons[reference.table].is_not_null())[key].unique()
        orphan = pl.col(reference.column).is_in(fallen.implode())
        reason = pl.when(reason.is_null() & orphan).then(pl.lit(ORPHAN)).otherwise(reason)
        if reference.table == "ssd_person" or table.person is None:
            unknown = ~pl.col(reference.column).is_in(parent[key].implode())
            why = UNKNOWN_CHILD if reference.table == "ssd_person" else UNKNOWN_PARENT
            reason = pl.when(reason.is_null() & unknown).then(pl.lit(why)).otherwise(reason)
    return frame.with_columns(reason=reason)["reason"]


def _count(
    arrived: Conformed,
    conformed: Conformed,
    unique: pl.DataFrame,
    accepted: pl.DataFrame,
    aside: pl.DataFrame,
    queries: pl.DataFrame,
) -> TableCount:
    erased = arrived.frame.height - conformed.frame.height
    by_reason = aside.group_by("reason").len().sort("reason")
    by_rule = queries.group_by("rule").len().sort("rule")
    return TableCount(
        received=arrived.frame.height,
        accepted=accepted.height,
        set_aside=dict(by_reason.iter_rows()) | ({ERASED: erased} if erased else {}),
        duplicates=conformed.frame.height - unique.height,
        queries=dict(by_rule.iter_rows()),
        unreadable=conformed.unreadable,
        dropped=arrived.dropped,
        unknown_columns=arrived.unknown,
    )


def re_referrals(gated: Gated) -> ReReferrals:
    """The DfE measure over the 12 months up to the extract date."""
    day = gated.manifest.extract_date
    return count_re_referrals(gated.accepted["ssd_cin_episodes"], day - timedelta(days=364), day)


def stop_if_implausible(gated: Gated, limits: Limits, before: Mapping[str, int] | None, last: Manifest | None) -> None:
    """Raise :class:`ChecksError` when the night must not go on with this extract.

    ``before`` gives the rows accepted per table on the last night, ``last`` its manifest (both ``None`` on the first).
    """
    for name, count in gated.counts.items():
        aside = count.faulty
        if aside > limits.set_aside * max(count.received, 1):
            worst = max((rule for rule in count.set_aside if rule != ERASED), key=lambda rule: count.set_aside[rule])
            raise ChecksError(
                f"Table '{name}': {aside} of {count.received} rows were set aside (most by rule '{worst}'), over the limit of "
                f"{limits.set_aside:.0%}. Correct the rows, or raise 'limits.set_aside' after looking at the checks."
            )
        if before and count.accepted < limits.collapse * before.get(name, 0):
            raise ChecksError(
                f"Table '{name}' fell from {before[name]} to {count.accepted} rows since the last night, below "
                f"{limits.collapse:.0%} of it: the extract is not whole. Pull it again."
            )
    if last is not None:
        _stop_if_other(gated.manifest, last)
    measure = re_referrals(gated)
    low, high = PLAUSIBLE_RATES
    if measure.referrals >= PLAUSIBLE_REFERRALS and not low <= (measure.rate or 0.0) <= high:
        raise ChecksError(
            f"Of the {measure.referrals} referrals of the last 12 months, {measure.rate:.1%} followed another within 12 months: "
            f"plausible are {low:.0%} to {high:.0%}. Check how the extract tells children apart."
        )


def _stop_if_other(tonight: Manifest, last: Manifest) -> None:
    """Stop when tonight's extract does not continue the history."""
    if tonight.authority != last.authority:
        raise ChecksError("The extract is of another authority than this workspace's history: use a workspace of its own.")
    if tonight.origin != last.origin:
        raise ChecksError(
            f"The extract is {tonight.origin} and the history is {last.origin}: use a workspace of its own for each."
        )
    if tonight.key_fingerprint != last.key_fingerprint:
        raise ChecksError(
            "The extract was pseudonymised with another key than the history: every child would look new. Use the first key."
        )
    if tonight.extract_rule != last.extract_rule:
        raise ChecksError(
            f"The extract follows the rule '{tonight.extract_rule}' and the history '{last.extract_rule}': use the same rule."
        )
    if tonight.extract_date < last.extract_date:
        raise ChecksError(
            f"The extract of {tonight.extract_date} is older than the last one of {last.extract_date}: pull a newer one."
        )


def stop_if_withdrawn(table: str, withdrawn: int, known: int, limit: float) -> None:
    """Raise :class:`ChecksError` when too many rows have gone from inside the window."""
    if withdrawn > limit * max(known, 1):
        raise ChecksError(
            f"Table '{table}': {withdrawn} of {known} known rows are gone from inside the extract's window, over the limit of "
            f"{limit:.0%}. Pull the extract again, or raise 'limits.withdrawn' if they were deleted on purpose."
        )
