"""What an example is: a drawn history, and what features make of it. The dictionary prints it and the tests run it."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.definition import Family

TODAY = "2024-11-25"  # a Monday


@dataclass(frozen=True)
class Example:
    """A history of invented children, drawn as tables, and a table of the values of features.

    In ``tables`` columns stand without the prefix of their table, and "-" is an empty value. ``values`` has a row for each
    feature. Its columns are children, each as of ``TODAY``, or dates, each with the value of anna on it; a fraction may be
    written as one, and "-" is no value.
    """

    family: Family
    about: str
    tables: Mapping[str, str]
    values: str
