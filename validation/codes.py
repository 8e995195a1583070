"""Code lists of the sector as data, with the first and last census year of each code, and their aliases.

``codes.csv`` holds the lists, ``aliases.csv`` what case systems send in place of a code (upper case).
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Code:
    """One code: its label, the group that reports use, and the census years in which it may occur."""

    code: str
    label: str
    group: str
    first_year: int | None
    last_year: int | None

    def valid_in(self, year: int) -> bool:
        """May the code occur in the census of ``year``?"""
        return (self.first_year or year) <= year <= (self.last_year or year)


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("validation") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def code_lists() -> Mapping[str, Mapping[str, Code]]:
    """Every code list by name, each a mapping from code to :class:`Code` in the order of the file."""
    lists: dict[str, dict[str, Code]] = {}
    for row in _rows("codes.csv"):
        first, last = row["first_year"], row["last_year"]
        code = Code(row["code"], row["label"], row["group"], int(first) if first else None, int(last) if last else None)
        lists.setdefault(row["list"], {})[code.code] = code
    return lists


def codes(name: str) -> Mapping[str, Code]:
    """The code list called ``name``. Raises ``KeyError`` when there is none."""
    return code_lists()[name]


@cache
def aliases() -> Mapping[str, Mapping[str, str]]:
    """For each list, what upper-case text stands for which code."""
    found: dict[str, dict[str, str]] = {}
    for row in _rows("aliases.csv"):
        found.setdefault(row["list"], {})[row["alias"]] = row["code"]
    return found
