"""Every table of the contract, in the order in which parents come before their children."""

from collections.abc import Mapping

from validation.contract import Table
from validation.tables import episodes, local, people, protection

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        people.PERSON,
        people.FAMILY,
        people.DISABILITY,
        local.DEPRIVATION,
        local.PERSON_LINKS,
        episodes.EPISODES,
        episodes.CONTACTS,
        episodes.EARLY_HELP,
        episodes.ASSESSMENTS,
        episodes.FACTORS,
        episodes.CIN_PLANS,
        protection.S47,
        protection.CONFERENCES,
        protection.CP_PLANS,
        protection.CLA_EPISODES,
        protection.MISSING,
        local.OFFERS,
        local.SIGNS_OF_SAFETY,
        local.WORKFORCE,
    )
}

# Tables of the Standard Safeguarding Dataset that identify people outright: any row of them refuses the extract.
REFUSED_TABLES = frozenset({"ssd_address", "ssd_linked_identifiers"})

# Tables of the standard that are of no use here: never read, and named in the run record when they are supplied.
UNREAD_TABLES = frozenset(
    {
        "ssd_cin_visits",
        "ssd_cp_reviews",
        "ssd_cp_visits",
        "ssd_department",
        "ssd_immigration_status",
        "ssd_involvements",
        "ssd_legal_status",
        "ssd_mother",
        "ssd_professionals",
        "ssd_sdq_scores",
    }
)
