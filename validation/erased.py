"""Which rows are of an erased child. Such a child is known by a commitment alone, the hash of its pseudonym.

A pseudonym is 128 bits of a keyed hash, so nobody can find it by trying out all there are: its SHA-256 needs no salt, and
without one a child that the case system sends again tomorrow is known again. Whoever holds the council's key and a child's
number can make the pseudonym, and so the commitment: to them a tombstone says whose it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import polars as pl

from validation.contract import Table
from validation.tables.catalogue import TABLES
from validation.tables.local import PERSON_LINKS

ERASED = "erased"
LINKS = ("link_old_person_id", "link_new_person_id")
PARENTS = {reference.table for table in TABLES.values() if table.person is None for reference in table.references}
"""Tables by whose key a row that names no child reaches its child."""


def commit_to(pseudonym: str) -> str:
    """The commitment that stands for a child: SHA-256 of its pseudonym, 64 hexadecimal digits."""
    return sha256(f"child|{pseudonym}".encode()).hexdigest()


@dataclass(frozen=True)
class Children:
    """Children who are known by their commitments; ``in`` says whether a pseudonym is one of theirs."""

    commitments: frozenset[str] = frozenset()

    @classmethod
    def of(cls, pseudonyms: Iterable[str]) -> "Children":
        """The children of some pseudonyms."""
        return cls(frozenset(map(commit_to, pseudonyms)))

    def __contains__(self, pseudonym: object) -> bool:
        return isinstance(pseudonym, str) and commit_to(pseudonym) in self.commitments

    def __bool__(self) -> bool:
        return bool(self.commitments)

    def among(self, pseudonyms: Iterable[str | None]) -> frozenset[str]:
        """Those of some pseudonyms that are theirs."""
        return frozenset(one for one in set(pseudonyms) if one in self) if self else frozenset()  # type: ignore[misc]


NOBODY = Children()


@dataclass(frozen=True)
class Traces:
    """What rows of some children are known by: their pseudonyms, and the keys of their rows that others point at, by table."""

    pseudonyms: frozenset[str] = frozenset()
    keys: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.pseudonyms)

    def are_in(self, table: Table) -> pl.Expr:
        """Is a row of the table of one of these children? A row that names no child is whose the row is that it points at."""
        wanted = dict.fromkeys(person_columns(table), self.pseudonyms) or {
            reference.column: self.keys.get(reference.table, frozenset()) for reference in table.references
        }
        found = [pl.col(name).is_in(sorted(values)).fill_null(value=False) for name, values in wanted.items()]
        return pl.any_horizontal(pl.lit(value=False), *found)


def person_columns(table: Table) -> tuple[str, ...]:
    """The columns of a table that name a child."""
    return LINKS if table is PERSON_LINKS else (table.person,) if table.person else ()


def trace(tables: Mapping[str, pl.DataFrame], children: Children, links: pl.DataFrame) -> Traces:
    """The traces that some children have left in tables of the contract.

    A child is the same under every pseudonym to which ``links`` (columns as in ``LINKS``) ties it, old or new.
    """
    ids = {
        one
        for name, frame in tables.items()
        for column in person_columns(TABLES[name])
        for one in children.among(frame[column].unique())
    }
    names = follow(ids, links)
    found = Traces(names)
    keys = {
        name: frozenset(tables[name].filter(found.are_in(TABLES[name]))[TABLES[name].key].drop_nulls())
        for name in PARENTS
        if name in tables
    }
    return Traces(names, keys)


def follow(pseudonyms: Iterable[str], links: pl.DataFrame) -> frozenset[str]:
    """Some pseudonyms and all that are tied to them by ``links`` (columns as in ``LINKS``), at any remove."""
    known = set(pseudonyms)
    while True:
        touched = links.filter(pl.any_horizontal(pl.col(LINKS).is_in(sorted(known))))
        more = {one for name in LINKS for one in touched[name].drop_nulls()} - known
        if not more:
            return frozenset(known)
        known |= more
