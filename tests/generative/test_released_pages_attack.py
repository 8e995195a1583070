"""An attacker on the pages that one release protects: models in use, and our own figures beside the published return."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from flows.publish import involvement_page, monitoring_page, reconciliation_page
from flows.publish.door import let_out as let_out_evaluation
from flows.publish.monitoring_page import Shown
from flows.publish.reconciliation_page import find_sections, let_out
from models.monitoring import ALL, COUNTED, SIBLING, TOGETHER, measure
from tests.generative.page_reader import FEW, Form, add, less
from tests.generative.test_counted_pages_attack import CountReader, attack_involvement
from tests.unit.test_monitoring import GROUPS, invent
from validation.disclosure import Release
from validation.returns.comparison import Verdict
from validation.returns.measures import ALL as WHOLE
from validation.returns.measures import MEASURES, SUMS

ROWS, BACK = "cases", "came back"
Wanted = dict[str, tuple[Form, int]]


def attack_monitoring(seed: int) -> list[Any]:
    """Months, groups and families with and without an offer, of some dozens of families."""
    rng = np.random.default_rng(seed)
    rows = invent(seed, families=int(rng.integers(40, 200)), months=int(rng.integers(4, 14)), times=float(rng.uniform(0.3, 2)))
    frame = measure(rows, GROUPS)
    counted = rows.group_by("version", "month").agg(cases=pl.len().cast(pl.Int64)).with_columns(reason=pl.lit(COUNTED))
    siblings = counted.with_columns(reason=pl.lit(SIBLING), cases=pl.lit(int(rng.integers(0, 9)), pl.Int64))
    shown = Shown.of(frame, pl.concat([counted, siblings]))
    reader, wanted = CountReader(), Wanted()
    for cell in shown.cells.iter_rows(named=True):
        name = f"{cell['look']} {cell['value']} {cell['who']}"
        every, back = reader.cell(f"{name} {ROWS}"), reader.cell(f"{name} {BACK}")
        ((_, cases, share, _, times, _),) = shown.lay_out(pl.DataFrame([cell], schema=shown.cells.schema), [name], "", "").rows
        reader.use_count(f"{name} {ROWS}", cases)
        reader.use_percent(back, every, share)
        if times != "c":  # finer than a whole per cent: it tells how many
            reader.know(back, cell["returns"], cell["returns"])
        reader.know(less(every, back), 0)
        wanted |= {f"{name} {ROWS}": (every, cell["rows"]), f"{name} {BACK}": (back, cell["returns"])}
        wanted[f"{name} left"] = (less(every, back), cell["rows"] - cell["returns"])
    _tie(reader, shown.cells)
    for reason in shown.accounts:
        reader.use_count(f"reason {reason}", shown.release.show(f"cases: {reason}"))
        wanted[f"reason {reason}"] = (reader.cell(f"reason {reason}"), shown.accounts[reason])
    reader.use_count("reason", shown.release.show("cases"))
    reader.add_up("reason", [f"reason {reason}" for reason in shown.accounts])
    reader.add_up(f"reason {COUNTED}", [f"{TOGETHER} {TOGETHER} {ALL} {ROWS}"])
    return reader.find_narrowed(wanted)


def _tie(reader: CountReader, cells: pl.DataFrame) -> None:
    """Months and groups add up to all of them; families without an offer and with a place are among all families."""
    for end in (ROWS, BACK):
        for (look, who), part in cells.filter(pl.col("look") != TOGETHER).partition_by("look", "who", as_dict=True).items():
            whole = cells.filter(look=TOGETHER, who=who)
            of = [reader.cell(f"{look} {value} {who} {end}") for value in part["value"]]
            if whole.height and part["rows"].sum() == whole["rows"].sum():
                reader.know(less(reader.cell(f"{TOGETHER} {TOGETHER} {who} {end}"), add(*of)), 0, 0)
        for look, value, who in cells.filter(pl.col("who") != ALL).select("look", "value", "who").iter_rows():
            reader.know(less(reader.cell(f"{look} {value} {ALL} {end}"), reader.cell(f"{look} {value} {who} {end}")), 0)


def draw_return(seed: int) -> pl.DataFrame:
    """Our own counts of a year, and published ones that lie near, hide what is small, and leave some lines out."""
    rng = np.random.default_rng(seed)
    counts: dict[tuple[str, str, str], int] = {}
    scale = float(rng.choice([30, 120, 600]))
    for whole, parts in SUMS.items():
        for part in parts:
            counts[part, WHOLE, WHOLE] = counts.get((part, WHOLE, WHOLE), int(rng.integers(0, scale)))
        counts[whole, WHOLE, WHOLE] = sum(counts[part, WHOLE, WHOLE] for part in parts)
    counts["referrals", WHOLE, WHOLE] = sum(counts[part, WHOLE, WHOLE] for part in SUMS["referrals"])
    for name, measure_ in MEASURES.items():
        most = counts.get((measure_.of or "", WHOLE, WHOLE), int(scale))
        number = counts.setdefault((name, WHOLE, WHOLE), int(rng.integers(0, most + 1)))
        for part in measure_.breakdowns:
            shares = rng.dirichlet(np.full(len(part.codes), 0.4))
            dealt = rng.binomial(number, rng.random(len(part.codes))) if part.many else rng.multinomial(number, shares)
            counts |= {(name, part.name, code): int(one) for code, one in zip(part.codes, dealt, strict=True)}
    lines = [{"measure": key[0], "breakdown": key[1], "value_code": key[2], "count": count} for key, count in counts.items()]
    for line in lines:
        near, given = max(0, line["count"] + int(rng.integers(-3, 4))), rng.random() < 0.85
        small = 0 < near < 6
        line |= {
            "published": near if given and not small else None, "sign": "c" if given and small else None, "allowed": 5,
            "difference": line["count"] - near, "verdict": Verdict.AGREES if given else Verdict.NOT_IN_RETURN, "why": "",
        }  # fmt: skip
        if line["sign"]:
            line |= {"verdict": Verdict.NOT_COMPARED, "why": "hidden"}
    return pl.DataFrame(lines, infer_schema_length=None)


def attack_reconciliation(seed: int) -> list[Any]:
    compared = draw_return(seed)
    reader, wanted = CountReader(), Wanted()
    told = {section.key: section for section in find_sections(compared, let_out(compared))}
    printed: dict[str, list[str]] = {}
    for row in compared.iter_rows(named=True):
        name = f"{row['measure']}/{row['breakdown']}/{row['value_code']}"
        if row["published"] is not None or row["sign"] is not None:
            printed.setdefault(_table_of(row).lower(), []).append(name)
            wanted[name] = (reader.cell(name), row["count"])
    for table, names in printed.items():
        if table in told:
            for name, row in zip(names, told[table].behind[0].rows, strict=True):
                reader.use_count(name, row[1])
    for whole, parts in SUMS.items():
        reader.add_up(f"{whole}/{WHOLE}/{WHOLE}", [f"{part}/{WHOLE}/{WHOLE}" for part in parts])
    for name, of in MEASURES.items():
        if of.of:
            reader.know(less(reader.cell(f"{of.of}/{WHOLE}/{WHOLE}"), reader.cell(f"{name}/{WHOLE}/{WHOLE}")), 0)
        for part in of.breakdowns:
            cells = [reader.cell(f"{name}/{part.name}/{code}") for code in part.codes]
            if not part.many:
                reader.know(less(reader.cell(f"{name}/{WHOLE}/{WHOLE}"), add(*cells)), 0, 0)
    return reader.find_narrowed(wanted)


def _table_of(row: dict[str, Any]) -> str:
    measure_ = MEASURES[row["measure"]]
    return next((part.table for part in measure_.breakdowns if part.name == row["breakdown"]), measure_.table)


@pytest.mark.parametrize("attack", [attack_monitoring, attack_reconciliation])
def test_no_count_of_one_to_five_can_be_narrowed(attack: Callable[[int], list[Any]]) -> None:
    for seed in range(4):
        assert not attack(seed), seed


@pytest.mark.proof
@pytest.mark.parametrize("attack", [attack_monitoring, attack_reconciliation])
def test_nor_in_a_hundred_pages_of_each(attack: Callable[[int], list[Any]]) -> None:
    for seed in range(1_000, 1_100):
        assert not attack(seed), seed


@pytest.mark.parametrize("attack", [attack_monitoring, attack_reconciliation, attack_involvement])
def test_the_attack_succeeds_when_only_small_counts_are_hidden(
    attack: Callable[[int], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hide_small(counts: dict[str, int], sums: Any = (), *_: object, unprinted: Any = (), **__: object) -> Release:
        small = {cell for cell, number in counts.items() if number in FEW}
        return Release(counts, sums, frozenset(), frozenset(small | set(unprinted)))

    for page in (monitoring_page, reconciliation_page, involvement_page):
        monkeypatch.setattr(page, "protect", hide_small)
    assert any(attack(seed) for seed in range(6))


def test_how_fully_a_column_is_filled_tells_of_no_handful_of_records() -> None:
    table = {"table": "ssd_person", "since": None, "until": None}

    def print_it(filled: int, records: int) -> tuple[object, object]:
        held = {"children": records, "tables": [table | {"records": records, "columns": [{"column": "x", "filled": filled}]}]}
        (told,) = let_out_evaluation({"holdings": held})["holdings"]["tables"]
        return told["records"], told["columns"][0]["filled"]

    printed = {(filled, records): print_it(filled, records) for records in range(1, 80) for filled in range(records + 1)}
    for part, told in ((0, "filled"), (1, "empty")):
        for (filled, records), text in printed.items():
            number = records - filled if part else filled
            like = {whole - some if part else some for (some, whole), other in printed.items() if other == text}
            assert number not in FEW or {1, 5} <= like, (told, filled, records)
