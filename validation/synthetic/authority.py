"""The synthetic authority: a whole true history whose mechanism is known."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl

from validation.synthetic import surroundings
from validation.synthetic.courses import Courses
from validation.synthetic.entries import LONGEST_LAG
from validation.synthetic.lived import NOTHING_PLANTED, Lived, live, parts_of
from validation.synthetic.plants import Plants
from validation.synthetic.recording import known_on
from validation.synthetic.world import Profile, day_number, pseudonyms
from validation.tables.catalogue import TABLES
from validation.tables.local import WORKFORCE


def simulate(
    profile: Profile, residents: int, start: date, end: date, seed: int, plants: Plants = NOTHING_PLANTED
) -> dict[str, pl.DataFrame]:
    """The true history of an authority with about ``residents`` children under 18, known by the end of ``end``.

    Every table of the contract, in the conformed shape (``Table.schema``), sorted by key. The history reaches
    back sixteen years before ``start``, so that from ``start`` on it is stationary: all its referrals and child protection
    plans are there, but contacts only from ``start`` on, and what else hangs on a case only if an extract whose window
    begins on ``start`` can hold it: the case closed within ``LONGEST_LAG`` days before ``start`` (a closing may be entered
    so late) or later. So no extract may have a window that begins before ``start``.
    What lies after ``end`` is not known: rows are absent, values empty; but ``ssd_person`` has both the month of birth
    and the month in which the child was due, and ``known_on`` shows the one or the other. The same arguments give the
    same frames.
    """
    parts = [tables_of(live(profile, size, start, end, number, plants)) for size, number in parts_of(residents, seed)]
    return together(parts)


def together(parts: Sequence[Mapping[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """The tables of an authority from those of its parts, sorted by key. Its workforce is that of the first part."""
    tables = {name: pl.concat([part[name] for part in parts]).sort(table.key) for name, table in TABLES.items()}
    return tables | {WORKFORCE.name: parts[0][WORKFORCE.name].sort(WORKFORCE.key)}


def tables_of(lived: Lived) -> dict[str, pl.DataFrame]:
    """What was lived as the tables of the contract."""
    families, lives, seed = lived.families, lived.episodes, lived.seed
    first, last = day_number(lived.start), day_number(lived.end)
    person = pseudonyms(seed, "person", families.count)
    family = pseudonyms(seed, "family", families.families)
    since = first - LONGEST_LAG
    courses = Courses(lived.process, families, lives, person, seed, since)

    assessments, factors = courses.assessments()
    enquiries, conferences, plans = courses.enquiries()
    tables = {
        "ssd_cin_episodes": courses.episodes(),
        "ssd_contacts": surroundings.contacts(courses, *lived.contacts, first),
        "ssd_early_help_episodes": surroundings.early_help(courses, first, last, since),
        "ssd_cin_assessments": assessments,
        "ssd_assessment_factors": factors,
        "ssd_cin_plans": courses.plans(),
        "ssd_s47_enquiry": enquiries,
        "ssd_initial_cp_conference": conferences,
        "ssd_cp_plans": plans,
        "ssd_cla_episodes": courses.looked_after(),
        "ssd_missing": surroundings.missing(courses),
        "ext_offers": surroundings.offers(courses, family, lived.offers, lived.draws, lived.process.plants.offer),
        "ext_assessments_sos": surroundings.scalings(courses),
        "ext_workforce": surroundings.workforce(lived.process.profile, first, last, seed),
        "ext_person_links": surroundings.links(courses, last),
    }
    who, home = np.flatnonzero(courses.seen), families.home(last)
    tables |= surroundings.persons(courses, who, family, home)
    tables["ext_deprivation"] = surroundings.deprivation(courses, who, home)
    return known_on(tables, lived.end) | {"ssd_person": tables["ssd_person"]}
