"""Planting faults into an extract, so that what the gate finds can be counted against what is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from validation.conforming import conform
from validation.contract import Reference, Table
from validation.errors import SettingsError
from validation.extract import Extract
from validation.rules import with_parents
from validation.synthetic.fault import EXITS, Action, Fault
from validation.synthetic.faults import FAULTS
from validation.synthetic.world import pseudonyms, stream
from validation.tables.catalogue import TABLES

LABELS_SCHEMA = {name: pl.String() for name in ("fault", "table", "key", "expected", "action")}

# What becomes of a table: columns of text, by row, that take the place of others, and rows that are added.
Values = pl.DataFrame
Changes = dict[str, list[Values]]


@dataclass(frozen=True)
class Planted:
    """A faulty extract and the truth about it.

    ``labels`` has one row for each faulty row: fault, table, key (as it is written, empty where it was taken away),
    expected (see :class:`Fault`) and action. Rows that must be set aside because a faulty row is their parent are there
    too, with the parent's fault and the action "orphan". A fault of the whole extract has one row without a key.
    """

    extract: Extract
    labels: pl.DataFrame

    @property
    def ends(self) -> bool:
        """Must the command end, with no row looked at?"""
        return self.labels["action"].is_in(list(EXITS)).any()


def plant(extract: Extract, counts: Mapping[str, int], seed: int) -> Planted:
    """Plant ``counts`` faults of each kind named there into a sound extract.

    A child has at most one fault, and none where a row stands there twice, so that no fault hides or causes another. The
    same arguments give the same faults. A column that takes a fault becomes text, as in a CSV. Raises
    :class:`SettingsError` for a kind that is unknown, one that ends the command beside others, a table that the extract
    does not have, and one with too few rows for a kind.
    """
    faults = _named(counts, extract)
    for fault in faults:
        if fault.whole is not None:
            changed = fault.whole(extract)
            return Planted(changed, _label(fault, pl.Series("key", [None], pl.String)))
    replaced: Changes = {}
    added: Changes = {}
    labels = [pl.DataFrame(schema=LABELS_SCHEMA)]
    for fault, rows in _choose(extract, faults, counts, seed):
        values = _values(fault, rows)
        keys = values[TABLES[fault.table].key] if TABLES[fault.table].key in fault.values else rows[TABLES[fault.table].key]
        labels.append(_label(fault, keys))
        if fault.copies:
            added.setdefault(fault.table, []).append(values)
            continue
        for column in fault.values:
            home = _home(fault.table, column)
            places = rows["row"] if home == fault.table else _rows_of_parents(extract, fault.table, home, rows)
            replaced.setdefault(home, []).append(values.select(column, row=places))
    tables = {name: _change(frame, replaced.get(name, []), added.get(name, [])) for name, frame in extract.tables.items()}
    planted = pl.concat(labels)
    return Planted(replace(extract, tables=tables), pl.concat([planted, _orphans(tables, planted)]))


def _named(counts: Mapping[str, int], extract: Extract) -> list[Fault]:
    kinds = {fault.name: fault for fault in FAULTS}
    for name, count in counts.items():
        if name not in kinds:
            raise SettingsError(f"Fault '{name}' is unknown. Allowed are {', '.join(map(repr, kinds))}.")
        if kinds[name].action in EXITS and len(counts) > 1:
            raise SettingsError(f"Fault '{name}' ends the command, so that others would not be met: plant it alone.")
        if kinds[name].table in TABLES and kinds[name].table not in extract.tables:
            raise SettingsError(f"Fault '{name}' needs the table '{kinds[name].table}', which is not in the extract.")
        if count < 1 or (kinds[name].whole is not None and count != 1):
            allowed = "1" if kinds[name].whole is not None else "1 or more"
            raise SettingsError(f"Fault '{name}' is to be planted {count} times; allowed is {allowed}.")
    return [kinds[name] for name in counts]


def _owner(table: Table) -> str:
    """The column of a table's view that names the child, or else the row."""
    if table.person is not None:
        return table.person
    if not table.references:
        return table.key
    parent = TABLES[table.references[0].table]
    return table.references[0].column if parent.name == "ssd_person" else parent.person or table.references[0].column


def _choose(extract: Extract, faults: Sequence[Fault], counts: Mapping[str, int], seed: int) -> list[tuple[Fault, pl.DataFrame]]:
    """For each fault, rows of its table beside their parents', with ``row``, ``owner`` and new keys; scarce kinds first."""
    views = _views(extract)
    fitting = {fault.name: views[fault.table].filter(fault.among, pl.col("owner").is_not_null()) for fault in faults}
    rng = stream(seed, "faults")
    # A row that stands there twice would no longer be a copy with a fault in one of the two.
    taken = pl.concat(view.filter(pl.col(TABLES[name].key).is_duplicated())["owner"] for name, view in views.items())
    chosen = []
    for fault in sorted(faults, key=lambda fault: (fitting[fault.name]["owner"].n_unique() / counts[fault.name], fault.name)):
        wanted = counts[fault.name] * fault.together
        mixed = fitting[fault.name][rng.permutation(fitting[fault.name].height)]
        free = mixed.filter(~pl.col("owner").is_in(taken.implode())).unique("owner", keep="first", maintain_order=True)
        if free.height < wanted:
            raise SettingsError(
                f"Fault '{fault.name}' needs {wanted} rows of '{fault.table}' whose child has no other fault, and {free.height} "
                "fit. Plant fewer, or into a larger authority."
            )
        rows = free.head(wanted)
        taken = pl.concat([taken, rows["owner"]])
        chosen.append((fault, _with_new_keys(fault, rows, seed)))
    return chosen


def _views(extract: Extract) -> dict[str, pl.DataFrame]:
    """Every table's rows beside their parents', with ``row``, their place in the extract, and ``owner``."""
    frames = {name: conform(TABLES[name], frame).frame for name, frame in extract.tables.items() if name in TABLES}
    return {
        name: with_parents(TABLES[name], frames, extract.manifest.extract_date)
        .with_columns(owner=pl.col(_owner(TABLES[name])))
        .with_row_index("row")
        for name in frames
    }


def _with_new_keys(fault: Fault, rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The rows, each as often as it is copied, with keys that nothing else has."""
    rows = rows[np.repeat(np.arange(rows.height), max(fault.copies, 1))]
    groups = pseudonyms(seed, f"faults of {fault.name}", rows.height)[np.arange(rows.height) // fault.together]
    return rows.with_columns(
        new_key=pl.Series(pseudonyms(seed, f"keys of {fault.name}", rows.height)), group_key=pl.Series(groups)
    )


def _values(fault: Fault, rows: pl.DataFrame) -> Values:
    """What the fault puts into each column, as text, beside ``row``."""
    return rows.with_columns(
        (value if isinstance(value, pl.Expr) else pl.lit(value)).cast(pl.String).alias(column)
        for column, value in fault.values.items()
    ).select("row", *fault.values)


def _home(table: str, column: str) -> str:
    """The table whose row takes a value of ``column`` for a fault of ``table``: itself, or one that it points at."""
    parents = [reference.table for reference in TABLES[table].references]
    return next((name for name in parents if column in TABLES[name].schema), table)


def _rows_of_parents(extract: Extract, table: str, parent: str, rows: pl.DataFrame) -> pl.Series:
    reference = next(each for each in TABLES[table].references if each.table == parent)
    places = extract.tables[parent].select(TABLES[parent].key).with_row_index("parent_row")
    found = rows.join(places, left_on=reference.column, right_on=TABLES[parent].key, how="left", maintain_order="left")
    return found["parent_row"]


def _label(fault: Fault, keys: pl.Series) -> pl.DataFrame:
    named = {"fault": fault.name, "table": fault.table, "expected": fault.expected, "action": fault.action.value}
    return pl.DataFrame({"key": keys}).select(
        pl.lit(named[name]).alias(name) if name in named else pl.col("key").cast(pl.String) for name in LABELS_SCHEMA
    )


def _change(frame: pl.DataFrame, replaced: Sequence[Values], added: Sequence[Values]) -> pl.DataFrame:
    """The frame with values replaced and copies of rows added; a column that takes a value becomes text."""
    touched = {column for values in (*replaced, *added) for column in values.columns} - {"row"}
    missing = [pl.lit(None, pl.String).alias(column) for column in sorted(touched - set(frame.columns))]
    text = frame.with_columns(missing).with_columns(pl.col(column).cast(pl.String) for column in touched)
    copies = [text[values["row"]].with_columns(values.drop("row")) for values in added]
    for values in replaced:
        text = _put(text, values)
    return pl.concat([text, *copies])


def _put(frame: pl.DataFrame, values: Values) -> pl.DataFrame:
    """The frame with the values of one column put into its rows."""
    (column,) = set(values.columns) - {"row"}
    rows = frame.with_row_index("row").join(
        values.select("row", value=column, here=pl.lit(value=True)), on="row", how="left", maintain_order="left"
    )
    return rows.with_columns(pl.when("here").then("value").otherwise(column).alias(column)).select(frame.columns)


def _orphans(tables: Mapping[str, pl.DataFrame], labels: pl.DataFrame) -> pl.DataFrame:
    """Labels of the rows that go with a parent that must be set aside."""
    fallen = labels.filter(pl.col("action") == Action.SET_ASIDE).select("table", "key", "fault")
    found = [pl.DataFrame(schema=LABELS_SCHEMA)]
    for name, table in TABLES.items():  # parents come before their children
        if name not in tables or not table.references:
            continue
        below = pl.concat(_below(tables[name], table, reference, fallen) for reference in table.references)
        below = below.unique("key", maintain_order=True).join(
            fallen.filter(pl.col("table") == name), on="key", how="anti", maintain_order="left"
        )
        fallen = pl.concat([fallen, below.select(pl.lit(name).alias("table"), "key", "fault")])
        found.append(
            below.select(
                "fault",
                pl.lit(name).alias("table"),
                "key",
                pl.lit("orphan").alias("expected"),
                pl.lit(Action.ORPHAN.value).alias("action"),
            )
        )
    return pl.concat(found)


def _below(frame: pl.DataFrame, table: Table, reference: Reference, fallen: pl.DataFrame) -> pl.DataFrame:
    parents = fallen.filter(pl.col("table") == reference.table).select("fault", parent="key").unique("parent")
    return frame.join(parents, left_on=reference.column, right_on="parent").select("fault", key=table.key)
