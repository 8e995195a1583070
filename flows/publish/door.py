"""The door through which the findings of a training leave the team: for report, model card, pictures and MLflow alike.

``evaluation.json`` in the workspace keeps every number. What :func:`let_out` makes of it holds "c" for counts of 1 to 5, for
those from which one could be worked out, and for the figures that rest on them; nothing after it needs to hide anything.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from validation.disclosure import FEWEST, HIDDEN, Rate, Release, Sum, percent, protect

Row = Mapping[str, Any]

NOT_PEOPLE = frozenset(
    {"bags", "capacity", "dates", "days", "folds", "models", "month", "months", "n_changes", "pairs", "period", "periods",
     "quarters", "resamples", "rounds", "seed", "splits", "version", "weeks", "windows", "year", "years"}
)  # fmt: skip
"""Names of whole numbers that count no people, and are never hidden."""
NO_COUNTS = frozenset(
    {"outcome", "origin", "dates", "features", "effort", "criteria", "splits", "searched", "ranges", "seconds", "selection",
     "comparisons"}
)  # fmt: skip
"""Parts of an evaluation that count no people."""
SHARES = {"kept": "listed", "listed_by_most": "listed"}
"""Shares, and the count beside each that it is a share of."""
TOP = (5, 10, 20)  # per cent of the rows of one date
BACK, REST = ", came back", ", did not"


def let_out(evaluation: Row) -> dict[str, Any]:
    """An evaluation as it may leave the team: a copy, with small counts and what rests on them hidden.

    Rows get their ``parts_together``, which cannot be found from what is left. What the criteria were judged by of ``groups`` is
    left out: ``fairness.html`` tells of groups, and one account cannot be held against another.
    """
    told = {name: value if name in NO_COUNTS else hide(value) for name, value in evaluation.items() if name != "groups"}
    if evaluation.get("rows"):
        told |= _let_out_rows(evaluation)
    if evaluation.get("results"):
        told |= _let_out_tests(evaluation)
    if evaluation.get("holdings"):
        told |= {"holdings": _let_out_holdings(evaluation["holdings"])}
    return told


def hide(part: Any) -> Any:
    """A copy of any plain object in which whole numbers from 1 to 5 are hidden, and with them the shares beside them.

    A name in :data:`NOT_PEOPLE` tells that a number counts no people; whatever is not named there is taken for a count.
    """
    if isinstance(part, Mapping):
        few = any(is_small(name, value) for name, value in part.items())
        return {name: HIDDEN if is_small(name, value) or (isinstance(value, float) and (few or _is_of_few(part, name))) else
                hush(value) if name == "words" and isinstance(value, str) else
                [hush(words) if isinstance(words, str) else hide(words) for words in value]
                if name == "words" and isinstance(value, list) else hide(value)
                for name, value in part.items()}  # fmt: skip
    return [hide(inner) for inner in part] if isinstance(part, list | tuple) else part


def is_small(name: str, value: Any) -> bool:
    """Is this a count of 1 to 5 people, rows or offers?"""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < FEWEST and not (
        NOT_PEOPLE & {name, *name.split("_")}
    )  # fmt: skip


def hush(sentence: str) -> str:
    """A sentence that another part of the project wrote, with counts of one to five people, rows or offers hidden."""
    return re.sub(r"\b[1-5](?= (?:of|were|offers?|famil\w+|rows?|child\w*|cases?)\b)", HIDDEN, sentence)


def _is_of_few(part: Row, name: str) -> bool:
    whole, share = part.get(SHARES.get(name, "")), part[name]
    return isinstance(whole, int) and _tells_of_few(share * whole, whole)


def _tells_of_few(some: float, whole: float, fewest: int = FEWEST) -> bool:
    return any(0 < round(number) < fewest for number in (some, whole - some))


def _let_out_rows(evaluation: Row) -> dict[str, Any]:
    """The rows that add up, the exits among those used, and how many of them closed and came back."""
    rows, exits, split = evaluation["rows"], evaluation.get("exits") or {}, evaluation.get("split")
    parts = {name: number for name, number in rows.items() if name not in {"cohort", "families"}}
    together = sum(parts.values())
    counts: dict[str, int] = {"cohort": rows["cohort"], "together": together} | parts
    sums: list[Sum] = [("together", list(parts))]
    unprinted: set[str] = set()
    if together == rows["cohort"]:
        sums.append(("cohort", ["together"]))
    _add_part(counts, sums, unprinted, "used", "all exits", sum(exits.values()))
    counts |= {f"exit {name}": number for name, number in exits.items()}
    sums.append(("all exits", [f"exit {name}" for name in exits]))
    rates: list[Rate] = []
    if split:
        _add_part(counts, sums, unprinted, "used", "closed", split["closed_in_the_window"])
        _add_part(counts, sums, unprinted, "used", "returned", split["returned"])
        _add_part(counts, sums, unprinted, "closed", "returned of closed", split["returned"])
        sums.append(("returned", ["returned of closed"]))
        rates.append(("returned", "closed"))
    release = protect(counts, sums, rates, unprinted=unprinted)
    told: dict[str, Any] = {
        "rows": {name: release.tell(name) for name in ("cohort", *parts)} | {"parts_together": release.tell("together")}
    }
    if "families" in rows:
        told["rows"]["families"] = hide({"families": rows["families"]})["families"]
    if "exits" in evaluation:
        told["exits"] = {name: release.tell(f"exit {name}") for name in exits} | {"all exits": release.tell("all exits")}
    if split:
        share = (
            split["returned_of_closed"] if release.is_whole("returned", "closed") or not split["closed_in_the_window"] else HIDDEN
        )
        told["split"] = {
            "closed_in_the_window": release.tell("closed"), "returned": release.tell("returned"), "returned_of_closed": share,
        }  # fmt: skip
    return told


def _let_out_holdings(holdings: Row) -> dict[str, Any]:
    """Children and records to the nearest ten, so that no other count can be held against them; columns in per cent."""
    counts = {name: _round(number) for name, number in holdings.items() if name != "tables"}
    return counts | {
        "tables": [
            dict(table)
            | {"records": _round(table["records"])}
            | {"columns": [dict(one) | {"filled": _tell_filled(one["filled"], table["records"])} for one in table["columns"]]}
            for table in holdings["tables"]
        ]
    }


def _tell_filled(filled: int, records: int) -> str:
    """Nought is shown, and so is all; of the rest a reader may know no more than of any share, and of few records nothing."""
    if 0 < records < FEWEST:
        return HIDDEN
    return {0: "0 %", records: "100 %"}.get(filled) or percent(filled, records)


def _round(count: int) -> int | str:
    return HIDDEN if 0 < count < FEWEST else 10 * ((count + 5) // 10)


def _add_part(counts: dict[str, int], sums: list[Sum], unprinted: set[str], whole: str, part: str, number: int) -> None:
    """A part of a whole, and what is left of the whole without it."""
    rest = f"{whole} without {part}"
    counts |= {part: number, rest: counts[whole] - number}
    sums.append((whole, [part, rest]))
    unprinted.add(rest)


@dataclass
class _Tests:
    """All tested rows in all the ways in which they are broken down, each with those that came back."""

    counts: dict[str, int] = field(default_factory=dict)
    sums: list[Sum] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)
    few: set[str] = field(default_factory=set)

    def add(self, cell: str, rows: int, back: int, families: int | None = None) -> str:
        """Rows, those of them that came back, and the rest; ``families``: how many families they are of, if that is shown."""
        self.counts |= {cell: rows, cell + BACK: back, cell + REST: rows - back}
        self.sums.append((cell, [cell + BACK, cell + REST]))
        self.rates.append((cell + BACK, cell))
        if families is not None and 0 < families < FEWEST:
            self.few |= {cell, cell + BACK}
        return cell

    def add_up(self, whole: str, parts: Sequence[str]) -> None:
        """Tell that ``parts`` make the whole, with a last part for those in none of them, where there are any."""
        rows, back = (self.counts[whole + end] - sum(self.counts[part + end] for part in parts) for end in ("", BACK))
        if min(rows, back, rows - back) < 0:  # no breakdown of this whole
            return
        parts = [*parts, self.add(f"{whole}, in no part of {parts[0]}", rows, back)] if rows else parts
        self.sums += [(whole + end, [part + end for part in parts]) for end in ("", BACK, REST)]

    def protect(self) -> Release:
        """What may be shown of all this together."""
        unprinted = {cell for cell in self.counts if cell.endswith(REST) or ", in no part of " in cell}
        return protect(self.counts, self.sums, self.rates, unprinted=unprinted, also=self.few)


def _let_out_tests(evaluation: Row) -> dict[str, Any]:
    """Results by candidate, date and tenth: they are about the same rows."""
    tests, results = _Tests(), evaluation["results"]
    for result in {result["test_from"]: result for result in results}.values():
        whole = tests.add(_name(result), result["rows"], result["yes"], result["families"])
        if months := result.get("by_month"):
            cells = [_add_row(tests, f"{whole} on {row['as_of']}", row, "base_rate") for row in months]
            tests.add_up(whole, cells)
    for result in results:
        if bins := result.get("calibration_curve"):
            cells = [_add_row(tests, f"{_name(result)} {result['candidate']} {at}", row, "rate") for at, row in enumerate(bins)]
            tests.add_up(_name(result), cells)
    wholes = sorted({_name(result) for result in results})
    tests.add("all", *(sum(tests.counts[whole + end] for whole in wholes) for end in ("", BACK)))
    tests.add_up("all", wholes)
    release = tests.protect()
    return {"results": [_let_out_result(result, release) for result in results]}


def _name(result: Row) -> str:
    return f"test from {result['test_from']}"


def _add_row(tests: _Tests, cell: str, row: Row, share: str) -> str:
    return tests.add(cell, row["rows"], round((row[share] or 0) * row["rows"]), row.get("families"))


def _let_out_row(row: Row, cell: str, release: Release, share: str) -> dict[str, Any]:
    """Rows of one date or tenth: the mean chance of six and more may always be told, since it counts nobody."""
    few = any(is_small(name, row.get(name)) for name in ("rows", "families"))
    whole = release.is_whole(cell + BACK, cell)
    told = {name: HIDDEN if is_small(name, value) or (isinstance(value, float) and (few or not whole)) else value
            for name, value in row.items()} | {"rows": release.tell(cell)}  # fmt: skip
    if not few:
        told |= {name: row[name] for name in ("mean_chance", "chance") if name in row}
        if not whole and (cell + BACK, cell) in release.rates:
            told[share] = round(row[share], 2)
    return told | {name: row[name] for name in ("months_since_training",) if name in row}


def _let_out_result(result: Row, release: Release) -> dict[str, Any]:
    """One candidate on one test."""
    whole = _name(result)
    told: dict[str, Any] = hide({name: value for name, value in result.items() if not isinstance(value, list)})
    told |= {"rows": release.tell(whole), "yes": release.tell(whole + BACK)}
    if not release.is_whole(whole + BACK, whole):
        told = {name: HIDDEN if isinstance(value, float) else value for name, value in told.items()}
    for ending in _find_few(result):
        told = {name: HIDDEN if re.search(rf"{ending}(_low|_high)?$", name) and isinstance(value, float) else value
                for name, value in told.items()}  # fmt: skip
    if "by_month" in result:
        told["by_month"] = [_let_out_row(row, f"{whole} on {row['as_of']}", release, "base_rate") for row in result["by_month"]]
    if "calibration_curve" in result:
        told["calibration_curve"] = [
            _let_out_row(row, f"{whole} {result['candidate']} {at}", release, "rate")
            for at, row in enumerate(result["calibration_curve"])
        ]
    if "precision_curve" in result:
        told["precision_curve"] = [
            {name: HIDDEN if name != "share" and _tells_of_few((point["recall"] or 0) * result["yes"], result["yes"]) else value
             for name, value in point.items()}
            for point in result["precision_curve"]
        ]  # fmt: skip
    return told


def _find_few(result: Row) -> Iterator[str]:
    """Endings of the names of figures that rest on one to five returns, or on all families but so few.

    Of the top of an order that is on ten or fewer, since the fairness report tells of groups on lists of the same length.
    """
    if _tells_of_few((result.get("precision_at_capacity") or 0) * result.get("offers", 0), result.get("offers", 0)):
        yield "at_capacity"
    for share in TOP:
        precision, found = (
            result.get(f"precision_at_{share}_percent"),
            (result.get(f"recall_at_{share}_percent") or 0) * result["yes"],
        )
        if precision and any(_tells_of_few(found, whole, 2 * FEWEST - 1) for whole in (found / precision, result["yes"])):
            yield f"at_{share}_percent"
