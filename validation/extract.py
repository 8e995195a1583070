"""What one night's pull received: one frame per table, and its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl


class Origin(StrEnum):
    """Whether the rows speak of real children."""

    REAL = "real"
    INVENTED = "invented"


class ExtractRule(StrEnum):
    """Which rows a case system puts into an extract."""

    STARTED_OR_OPEN = "started_or_open"  # started inside the window, plus whatever is still open
    OVERLAPPING = "overlapping"  # open on any day of the window


@dataclass(frozen=True)
class Manifest:
    """Where an extract comes from.

    ``window_start`` is the first day that the extract rule covers; ``extract_date`` the day whose end it shows;
    ``key_fingerprint`` tells one pseudonymisation key from another (empty for raw input, which the gate refuses).
    """

    authority: str
    origin: Origin
    extract_rule: ExtractRule
    window_start: date
    extract_date: date
    key_fingerprint: str = ""


@dataclass(frozen=True)
class Extract:
    """Tables as they arrived, every value still text (or what the file's own types say), and the manifest.

    Table and column names are lower case and without surrounding blanks or a byte order mark.
    """

    manifest: Manifest
    tables: Mapping[str, pl.DataFrame]
