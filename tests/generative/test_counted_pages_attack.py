"""An attacker on the pages that print counts: involvement, models in use, reconciliation, and what is held about children."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from math import inf
from typing import Any

import numpy as np
import polars as pl
import pytest

from flows.publish.involvement_page import find_sections, in_short, let_out
from models.involvement import DECIDED, IN_ORDER, NEVER, NO_PLACE, OPEN, OTHER_KIND, OTHERWISE, PASSED, Days, Involvement
from tests.generative.page_reader import Form, Reader, add, less, scale

WORDS = ("not suitable", "already helped", "not now", "other")
ROLES = ("manager", "coordinator", "worker")
NUMBER = re.compile(r"[\d,]+")


def choose(rng: np.random.Generator, names: Sequence[str], size: int) -> list[str]:
    return [str(name) for name in rng.choice(names, size, p=rng.dirichlet(np.full(len(names), 0.6)))]


def draw_involvement(seed: int) -> Involvement:
    """Places of some dozens of families: how each ended, how people went along with the list, why not, and who decided."""
    rng = np.random.default_rng(seed)
    size, off_list = int(rng.integers(10, 250)), int(rng.choice([0, 3, 20]))
    kinds = {
        group: choose(rng, [f"{group} {at}" for at in range(int(rng.integers(2, 6)))], size) for group in ("sex", "ethnicity")
    }
    habits = {kind: rng.dirichlet(np.full(6, 0.3)) for kind in kinds["sex"]}  # teams treat one kind otherwise than another
    ends = (IN_ORDER, PASSED, OTHER_KIND, OTHERWISE, OPEN, NEVER)
    became = [str(rng.choice(ends, p=habits[kind])) for kind in kinds["sex"]]
    end = [one if one in (OPEN, NEVER) else DECIDED for one in became]
    verdict = [one if one not in (OPEN, NEVER) else "" for one in became]
    otherwise = verdict.count(OTHERWISE)
    places = pl.DataFrame({"end": end, "verdict": verdict} | kinds)
    groups = pl.concat(
        places.group_by(pl.lit(group).alias("group"), pl.col(group).alias("value")).agg(
            decided=(pl.col("end") == DECIDED).sum().cast(pl.Int64),
            otherwise=(pl.col("verdict") == OTHERWISE).sum().cast(pl.Int64),
            never=(pl.col("end") == NEVER).sum().cast(pl.Int64),
        ).sort("value")
        for group in ("sex", "ethnicity")
    )  # fmt: skip
    decided = end.count(DECIDED)
    days = Days(decided, 1.0, 3.0, 6.0, int(rng.integers(0, decided + 1))) if decided else None
    judged = {name: verdict.count(name) for name in (IN_ORDER, PASSED, OTHER_KIND, OTHERWISE)} | {NO_PLACE: off_list}
    return Involvement(
        first=date(2026, 8, 25), last=date(2026, 11, 24), lists=92, days=days, judged=judged,
        places={name: end.count(name) for name in (DECIDED, OPEN, NEVER)},
        otherwise=dict(Counter(choose(rng, WORDS, otherwise))), reasons=dict(Counter(choose(rng, WORDS, otherwise))),
        roles=dict(Counter(choose(rng, ROLES, decided + off_list))), groups=groups, alarms=(),
    )  # fmt: skip


class CountReader(Reader):
    """A reader of counts by name: what adds up is known, and what is printed of each."""

    def __init__(self) -> None:
        super().__init__((), ())
        self.cells: dict[str, Form] = {}

    def cell(self, name: str) -> Form:
        if name not in self.cells:
            self.cells[name] = self.new()
        return self.cells[name]

    def add_up(self, whole: str, parts: Sequence[str]) -> None:
        self.know(less(self.cell(whole), add(*(self.cell(part) for part in parts))), 0, 0)

    def use_count(self, name: str, text: str) -> None:
        if NUMBER.fullmatch(text):
            number = int(text.replace(",", ""))
            self.know(self.cell(name), number, number)

    def use_percent(self, above: Form, below: Form, words: str) -> None:
        """A share in whole per cent, or between two, or a bound."""
        for pattern, low, high in (
            (r"(?:in|,) (\d+) to (\d+) %", 0.0, 0.0), (r"(?:^|in |, )(\d+) %(?! or more)", -0.5, 0.5),
        ):  # fmt: skip
            found = re.search(pattern, words)
            if found:
                ends = (int(found[1]) + low, int(found[found.lastindex or 1]) + high)
                self.know(less(scale(above, 100), scale(below, ends[0])), 0, inf)
                self.know(less(scale(above, 100), scale(below, ends[1])), -inf, 0)
                return
        if "up to" in words:
            self.know(above, 0, 5)
        elif "or more" in words:
            self.know(less(below, above), 0, 5)


def read_involvement(told: Involvement) -> tuple[CountReader, dict[str, tuple[Form, int]]]:
    """A reader of the page, who knows what adds up, and every count on it as it is in truth."""
    reader, release = CountReader(), let_out(told)
    sections = {section.key: section for section in find_sections(told, release)}
    truth = {f"places {name}": number for name, number in told.places.items()}
    truth |= {f"judged {name}": number for name, number in told.judged.items()}
    for kind in ("otherwise", "reasons", "roles"):
        truth |= {f"{kind} {name}": number for name, number in getattr(told, kind).items()}
        reader.add_up(kind, [f"{kind} {name}" for name in getattr(told, kind)])
    reader.add_up("places", [f"places {name}" for name in told.places])
    reader.add_up(f"places {DECIDED}", [f"judged {name}" for name in told.judged if name != NO_PLACE])
    for kind in ("otherwise", "reasons"):
        reader.add_up(f"judged {OTHERWISE}", [kind])
    wholes = {"decided": f"places {DECIDED}", "otherwise": f"judged {OTHERWISE}", "never": f"places {NEVER}"}
    for (group,), part in told.groups.partition_by("group", as_dict=True).items():
        for column, whole in wholes.items():
            reader.add_up(whole, [f"{group} {value} {column}" for value in part["value"]])
        for row in part.iter_rows(named=True):
            name = f"{group} {row['value']}"
            truth |= {f"{name} {column}": row[column] for column in wholes} | {f"{name} left": row["decided"] - row["otherwise"]}
            reader.add_up(f"{name} decided", [f"{name} otherwise", f"{name} left"])
    columns = {"Decided on": "decided", "Decided otherwise": "otherwise", "Never decided on": "never"}
    captions = {"Places, by how they ended": "places", "Places that were decided on": "judged", "By reason": "reasons",
                "By decision": "otherwise", "Decisions, by role": "roles"}  # fmt: skip
    for section in sections.values():
        for table in section.tables:
            if section.key == "groups":
                for value, *counts in table.rows:
                    for heading, text in zip(table.header[1:], counts, strict=True):
                        reader.use_count(f"{table.caption[3:].lower()} {value.lower()} {columns[heading]}", text)
            elif table.caption in captions:
                kind = captions[table.caption]
                for name, text in table.rows:
                    total = f"places {DECIDED}" if kind == "judged" else kind
                    reader.use_count(total if name == "All together" else f"{kind} {name[0].lower()}{name[1:]}", text)
    use_sentences(reader, [*in_short(told, release), *(words for section in sections.values() for words in section.words)])
    return reader, {name: (reader.cell(name), number) for name, number in truth.items()}


def use_sentences(reader: CountReader, sentences: Sequence[str]) -> None:
    decided, off_list, never = (reader.cell(name) for name in (f"places {DECIDED}", f"judged {NO_PLACE}", f"places {NEVER}"))
    for sentence in sentences:
        if found := re.search(r"went along with the list (in .*) of their", sentence):
            reader.use_percent(reader.cell(f"judged {IN_ORDER}"), add(decided, off_list), found[1])
        if found := re.search(r"places that have ended, (.*) ended", sentence):
            reader.use_percent(never, add(decided, never), found[1])
        if found := re.search(r"no place on the list: (.*)\.", sentence):
            reader.use_count(f"judged {NO_PLACE}", found[1])
        if found := re.search(r"were given (\S+) places .* decided on (\S+) of them; (\S+) were lost", sentence):
            for name, text in zip(("places", f"places {DECIDED}", f"places {NEVER}"), found.groups(), strict=True):
                reader.use_count(name, text)


def attack_involvement(seed: int) -> list[Any]:
    reader, wanted = read_involvement(draw_involvement(seed))
    return reader.find_narrowed(wanted)


@pytest.mark.parametrize("start", range(0, 20, 5))
def test_nothing_on_the_involvement_page_can_be_narrowed(start: int) -> None:
    for seed in range(start, start + 5):
        assert not attack_involvement(seed), seed


@pytest.mark.proof
@pytest.mark.parametrize("start", range(100, 400, 50))
def test_nor_in_three_hundred_quarters(start: int) -> None:
    for seed in range(start, start + 50):
        assert not attack_involvement(seed), seed
