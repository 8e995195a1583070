"""The transparency record's answers about data: what is held, how much of it, how fully filled, and where it lies."""

from collections.abc import Callable, Mapping
from typing import Any

from flows.publish.group_verdicts import name_lost
from flows.publish.printed import count
from flows.publish.run_facts import RunFacts
from validation.contract import Sensitivity
from validation.tables.catalogue import TABLES


def find_tables(facts: RunFacts) -> list[Mapping[str, Any]]:
    """What is held in each table, as it may leave the team; nothing where the run did not look."""
    return list((facts.evaluation.get("holdings") or {}).get("tables") or [])


def _source(facts: RunFacts) -> list[str]:
    origin = "INVENTED data in the form of the council's" if facts.invented else "The council's own"
    return [
        f"{origin} children's case system, in tables of the Standard Safeguarding Dataset and local ones (ext_): "
        f"{', '.join(sorted(facts.model.tables))}."
    ]


def _data_description(_facts: RunFacts) -> list[str]:
    return [
        "Records of contacts, referrals, assessments, plans and offers: pseudonyms, dates and codes. Names, addresses, "
        "numbers that identify a person, and free text are refused or dropped before anything is kept."
    ]


def _quantities(facts: RunFacts) -> list[str]:
    rows, holdings = facts.evaluation.get("rows") or {}, facts.evaluation.get("holdings") or {}
    lines = []
    if rows:
        lines.append(
            f"Learned from: {count(rows['used'])} rows (an open case on a date) of {count(rows.get('families'))} families."
        )
    if holdings:
        lines.append(
            f"Children learned from: about {count(holdings['children_learned_from'])}; on record: about "
            f"{count(holdings['children'])}. Numbers of children and records are to the nearest ten."
        )
        lines += [f"{table['table']}: about {count(table['records'])} records{say_years(table)}." for table in find_tables(facts)]
    return lines


def say_years(table: Mapping[str, Any]) -> str:
    """From when to when a table has events, after its number of records."""
    return f", {table['first_year']} to {table['last_year']}" if table.get("first_year") else ""


COMPARED = {"pers_sex": "sex", "pers_ethnicity": "ethnicity", "disa_disability_code": "disability"}
"""Columns of protected characteristics that the fairness report compares, and its name for the group."""


def find_protected(facts: RunFacts) -> list[tuple[str, str, str]]:
    """Each protected characteristic that is held: what it is in the contract's words, how fully it is filled, and what for."""
    groups = set() if facts.fairness is None else set(facts.fairness["group"])
    return [
        (
            TABLES[table["table"]].column(one["column"]).description.rstrip("."),
            one["filled"],
            "compared in the fairness report" if COMPARED.get(one["column"]) in groups else "compared by no report of this run",
        )
        for table in find_tables(facts)
        for one in table["columns"]
        if one["class"] == Sensitivity.PROTECTED and one["filled"] != "0 %"
    ]


def _sensitive(facts: RunFacts) -> list[str]:
    held = find_protected(facts)
    if not find_tables(facts):
        return []
    lines = [f"{description}: filled in {filled} of its table's records; {purpose}." for description, filled, purpose in held]
    return [
        *(lines or ["None is held."]),
        "They are never features of the model. A code for not stated counts as filled. Month of birth is held, and age is a "
        "feature where the model card lists it.",
    ]


def _completeness(facts: RunFacts) -> list[str]:
    tables = find_tables(facts)
    if not tables:
        return []
    lines = []
    for table in tables:
        read = facts.model.tables.get(table["table"], ())
        filled = [f"{one['column']} {one['filled']}" for one in table["columns"] if one["column"] in read]
        lines += [f"{table['table']}, columns that the model reads: {', '.join(filled)}."] if filled else []
    lost = name_lost(facts.fairness) if facts.fairness is not None else []
    if lost:
        lines.append(f"Groups of which nothing can be said: {'; '.join(f'{name} ({why})' for name, why in lost)}.")
    return [*lines, "A family is on record only if somebody referred it: the data represent whoever is seen and reported."]


def _cleaning(facts: RunFacts) -> list[str]:
    parts = facts.evaluation.get("rows") or {}
    told = {"cohort", "used", "families", "parts_together"}
    left = [f"{name}: {count(number)}" for name, number in parts.items() if name not in told]
    return [
        "Rows that break a rule are set aside with the reason, and counted; a table with too many of them stops the night. "
        "Quirks of case systems are mended openly. No row is kept or dropped by its outcome.",
        *([f"Open cases on a date that are not learned from: {'; '.join(left)}."] if left else []),
    ]


def _access(_facts: RunFacts) -> list[str]:
    return [
        "In a folder of the council's that is private to its owner. Raw ids are replaced by keyed pseudonyms before anything "
        "is kept, and the table that leads back stays with the data team, outside that folder.",
        "Reports, and the documents in the register of models, hold no rows and no count of 1 to 5.",
    ]


def _operational(facts: RunFacts) -> list[str]:
    return [
        f"The same {len(facts.model.tables)} tables as they stand each night. A table that training had and tonight lacks "
        "stops the night; one that has gone silent leaves the cases that it matters for without a score."
    ]


ABOUT_DATA: Mapping[str, Callable[[RunFacts], list[str]]] = {
    "data.source": _source,
    "data.description": _data_description,
    "data.quantities": _quantities,
    "data.sensitive_attributes": _sensitive,
    "data.completeness": _completeness,
    "data.cleaning": _cleaning,
    "data.access": _access,
    "data.operational": _operational,
}
"""Who tells each field about data that the run answers."""
