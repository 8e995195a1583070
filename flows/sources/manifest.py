"""The manifest that comes with every extract: whose it is, of which day, and which rows it holds.

A folder carries it as ``manifest.json``, a database as the table ``rereferral_manifest`` of one row; the keys agree.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from validation.errors import ContractError
from validation.extract import ExtractRule, Manifest, Origin

REQUIRED_KEYS = ("authority", "origin", "extract_rule", "window_start", "extract_date")
KEYS = (*REQUIRED_KEYS, "key_fingerprint")

EXAMPLE = """{
  "authority": "name of the council",
  "origin": "real",
  "extract_rule": "started_or_open",
  "window_start": "2020-11-24",
  "extract_date": "2026-11-24",
  "key_fingerprint": "text that changes with the pseudonymisation key"
}"""


def build_manifest(values: Mapping[str, object], place: str) -> Manifest:
    """The manifest from its keys and values; dates may be text (ISO) or dates.

    ``place`` says in a message where the values stood. Raises ``ContractError`` that names every fault at once.
    """
    faults = [f"'{key}' is unknown" for key in values if key not in KEYS]
    held: dict[str, str] = {}
    for key in KEYS:
        value = values.get(key)
        held[key] = "" if value is None else str(_as_day(value)).strip()
    faults += [f"'{key}' is missing" for key in REQUIRED_KEYS if not held[key]]
    faults += _faults_of_choice("origin", held, Origin) + _faults_of_choice("extract_rule", held, ExtractRule)
    days = {key: _parse_day(held[key]) for key in ("window_start", "extract_date")}
    faults += [f"'{key}' is not a date such as 2026-11-24" for key, day in days.items() if held[key] and day is None]
    start, end = days["window_start"], days["extract_date"]
    if start and end and start > end:
        faults.append("'window_start' lies after 'extract_date'")
    if faults or start is None or end is None:
        raise ContractError(f"The manifest in '{place}' is not right: {'; '.join(faults)}. Write it so:\n{EXAMPLE}")
    return Manifest(
        authority=held["authority"],
        origin=Origin(held["origin"]),
        extract_rule=ExtractRule(held["extract_rule"]),
        window_start=start,
        extract_date=end,
        key_fingerprint=held["key_fingerprint"],
    )


def as_values(manifest: Manifest) -> dict[str, str]:
    """The manifest as the keys and values that :func:`build_manifest` reads."""
    return {key: str(getattr(manifest, key)) for key in KEYS}


def _faults_of_choice(key: str, held: Mapping[str, str], choices: type[StrEnum]) -> list[str]:
    allowed = [choice.value for choice in choices]
    if not held[key] or held[key] in allowed:
        return []
    return [f"'{key}' must be one of {', '.join(allowed)}"]


def _as_day(value: object) -> object:
    return value.date() if isinstance(value, datetime) else value


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
