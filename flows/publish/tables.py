"""Tables of a report, and the sections that hold them: built once, printed as web page or as Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.publish.printed import number, plain
from validation.disclosure import HIDDEN, NOTHING

NUMBER = re.compile(rf"[-+]?[\d,.]+(?: %)?(?: \(.*\))?\*?|{HIDDEN}|{NOTHING}|")


@dataclass(frozen=True)
class Table:
    """A caption, a header and rows of text. The first column names the rows."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers only; an interval or a star may follow a number."""
        return tuple(all(NUMBER.fullmatch(row[at]) for row in self.rows) for at in range(len(self.header)))


@dataclass(frozen=True)
class Section:
    """A part of the report: sentences first, then pictures, tables and points; ``behind`` is what a reader has to open.

    ``pictures`` are SVG with a caption each; ``points`` are sentences that stand in a list.
    """

    key: str
    heading: str
    words: Sequence[str] = ()
    pictures: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()
    behind: Sequence[Table] = field(default=())
    points: Sequence[str] = field(default=())


def find_words(part: Any) -> list[str]:
    """The sentences that a part of the evaluation brings along under ``words``."""
    words = part.get("words", []) if isinstance(part, Mapping) else []
    return [words] if isinstance(words, str) else [str(sentence) for sentence in words]


def lay_out(part: Any, caption: str) -> list[Table]:
    """Tables of any part of the evaluation: single values in one, and one for each list or object of objects within.

    What may not be shown was hidden by :func:`flows.publish.door.hide` before.
    """
    if isinstance(part, Sequence) and not isinstance(part, str):
        return _lay_out_rows(part, caption)
    single = {name: value for name, value in part.items() if not _is_table(value) and name != "words"}
    tables = [Table(caption, ("", ""), tuple((plain(name), _show(value)) for name, value in single.items()))] if single else []
    for name, value in part.items():
        if not _is_table(value) or not value:
            continue
        title = f"{caption}: {plain(name)}"
        if isinstance(value, Mapping) and all(isinstance(inner, Mapping) for inner in value.values()):
            tables += _lay_out_columns(value, title)
        else:
            tables += lay_out(value, title)
    return tables


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(inner, Mapping) for inner in value)
    )


def _lay_out_rows(rows: Sequence[Any], caption: str) -> list[Table]:
    names = list(dict.fromkeys(name for row in rows for name, value in row.items() if not _is_table(value)))
    shown = tuple(tuple(_show(row.get(name)) for name in names) for row in rows)
    return [Table(caption, tuple(map(plain, names)), shown)] if names and shown else []


def _lay_out_columns(columns: Mapping[str, Mapping[str, Any]], caption: str) -> list[Table]:
    names = list(dict.fromkeys(name for column in columns.values() for name, value in column.items() if not _is_table(value)))
    rows = tuple((plain(name), *(_show(column.get(name)) for column in columns.values())) for name in names)
    return [Table(caption, ("", *map(plain, columns)), rows)] if rows else []


def _show(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return plain(value) if re.fullmatch(r"[a-z0-9_]+", value) else value
    return ", ".join(_show(inner) for inner in value)
