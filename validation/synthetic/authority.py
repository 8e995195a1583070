"""The synthetic authority: a whole true history whose mechanism is known."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl

from validation.synthetic import surroundings
from validation.synthetic.courses import Courses
from validation.synthetic.lives import live
from validation.synthetic.recording import known_on
from validation.synthetic.world import YEAR, Profile, day_number, pseudonyms, settle
from validation.tables.catalogue import TABLES

BURN_IN_YEARS = 12  # until the open stock, with its long tail, is as it will stay


def simulate(profile: Profile, residents: int, start: date, end: date, seed: int) -> dict[str, pl.DataFrame]:
    """The true history of an authority with about ``residents`` children under 18, known by the end of ``end``.

    Every table of the contract, in the conformed shape (``Table.schema``), sorted by key. The history reaches
    back twelve years before ``start``, so that from ``start`` on it is stationary. What lies after ``end`` is not
    known: rows are absent, values empty; but ``ssd_person`` has both the month of birth and the month in which the
    child was due, and ``known_on`` shows the one or the other. The same arguments give the same frames.
    """
    first, last = day_number(start) - int(BURN_IN_YEARS * YEAR), day_number(end)
    families = settle(profile, residents, first, last, seed)
    lives = live(profile, families, first, last, seed)
    person = pseudonyms(seed, "person", families.count)
    family = pseudonyms(seed, "family", int(families.family.max()) + 1)
    courses = Courses(profile, families, lives, person, seed)

    assessments, factors = courses.assessments()
    enquiries, conferences, plans = courses.enquiries()
    tables = {
        "ssd_cin_episodes": courses.episodes(),
        "ssd_contacts": surroundings.contacts(courses, first, last),
        "ssd_early_help_episodes": surroundings.early_help(courses, first, last),
        "ssd_cin_assessments": assessments,
        "ssd_assessment_factors": factors,
        "ssd_cin_plans": courses.plans(),
        "ssd_s47_enquiry": enquiries,
        "ssd_initial_cp_conference": conferences,
        "ssd_cp_plans": plans,
        "ssd_cla_episodes": courses.looked_after(),
        "ssd_missing": surroundings.missing(courses),
        "ext_offers": surroundings.offers(courses, family),
        "ext_assessments_sos": surroundings.scalings(courses),
        "ext_workforce": surroundings.workforce(profile, first, last, seed),
        "ext_person_links": surroundings.links(courses, last),
    }
    on_record = np.unique(np.concatenate([lives.child, _children_in(tables, person)]))
    tables |= surroundings.persons(courses, on_record, family)
    known = known_on(tables, end) | {"ssd_person": tables["ssd_person"]}
    return {name: known[name].sort(table.key) for name, table in TABLES.items()}


def _children_in(tables: Mapping[str, pl.DataFrame], person: np.ndarray) -> np.ndarray:
    """Numbers of the children who have a row in a table that names its child."""
    named = [
        tables[name].select(pl.col(table.person).alias("person"))
        for name, table in TABLES.items()
        if name in tables and table.person is not None
    ]
    numbers = pl.DataFrame({"person": person}).with_row_index("number")
    found = numbers.join(pl.concat(named).unique(), on="person", how="semi", maintain_order="left")
    return found["number"].cast(pl.Int64).to_numpy()
