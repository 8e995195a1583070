"""Facts of a training as the transparency record and its annexes are filled from, built on the example of the report."""

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl

from flows.publish.door import hide, let_out
from flows.publish.run_facts import RunFacts
from flows.publish.what_changed import Told
from models.fairness import measure_fairness
from models.offer_kinds import read_offers, shipped_offers
from tests.unit.report_example import NAMES, evaluation, small_model
from tests.unit.test_fairness import SIZES, invent
from validation.extract import Origin

COUNCIL = {
    "owner.team": "Front-door performance team",
    "record.website": "https://example.org/screening",
    "data_protection.retention": "Six years after a case closes; the records manager deletes.",
}
LINEAGE = {"window_start": "2019-01-01", "extract_date": "2024-06-30", "rows": {"used": 900}}


def holdings() -> dict[str, Any]:
    """What is held, with exact counts."""
    people = [("pers_person_id", "pseudonym", 4_123), ("pers_dob", "feature", 4_120), ("pers_sex", "protected", 4_123),
              ("pers_ethnicity", "protected", 3_811), ("pers_gender", "protected", 0)]  # fmt: skip
    contacts = [("cont_person_id", "pseudonym", 13_007), ("cont_contact_date", "feature", 13_007)]
    return {
        "children": 4_123,
        "children_learned_from": 742,
        "tables": [
            {"table": name, "records": records, "first_year": year, "last_year": year and 2024, "columns": [
                {"column": column, "class": of, "filled": filled} for column, of, filled in columns]}
            for name, records, year, columns in (("ssd_person", 4_123, None, people), ("ssd_contacts", 13_007, 2019, contacts))
        ],
    }  # fmt: skip


def whole_evaluation() -> dict[str, Any]:
    """The evaluation of the report's example with features, splits and what is held."""
    split = {"train_from": "2021-01-01", "train_to": "2021-12-03", "test_from": "2023-01-01", "test_to": "2023-05-21"}
    told = evaluation()
    dates = told["dates"] | {"step_days": 28}
    return told | {"features": list(NAMES), "splits": [split], "holdings": holdings(), "dates": dates}


@cache
def fairness(seed: int = 1) -> pl.DataFrame:
    """A frame of the fairness report, of groups made by chance."""
    rows, groups = invent(seed)
    return measure_fairness([rows], groups, SIZES, 1)


@cache
def _let_out() -> dict[str, Any]:
    return let_out(whole_evaluation())


def facts(*, real: bool = False, council: dict[str, str] | None = None, before: Told | None = None, **parts: Any) -> RunFacts:
    """Facts of a training; ``parts`` of what was let out of the evaluation are put in the place of the example's."""
    model = replace(small_model(), origin=Origin.REAL) if real else small_model()
    told, offers = deepcopy(_let_out()) | parts, read_offers(shipped_offers())
    given = COUNCIL if council is None else council
    return RunFacts("Borough of Example", model, told, hide(LINEAGE), fairness(), offers, given, before)


def earlier() -> Told:
    """The training before: one feature less, another outcome version, groups of other children, and other answers."""
    told = deepcopy(_let_out())
    told["features"], told["outcome"] = [*NAMES[1:], "referrals_in_last_365_days"], told["outcome"] | {"version": 0}
    answers = {"owner.team": "Data team", "process.training": "Half a day"}
    return Told("version 3", told, LINEAGE | {"extract_date": "2023-06-30"}, fairness(2), answers)
