"""What a planted fault is, and what the gate must do about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import polars as pl

from validation.errors import ChecksError, ContractError, PrivacyError
from validation.extract import Extract


class Action(StrEnum):
    """What the gate must do."""

    SET_ASIDE = "set aside"
    ORPHAN = "orphan"  # set aside because its parent was; in labels alone
    QUERY = "query"
    COUNT = "count"
    REFUSE = "refuse"
    STOP = "stop"
    UNFIT = "unfit"  # not in the shape of the contract


# The exit codes of what ends the command.
EXITS: Mapping[Action, int] = {
    Action.REFUSE: PrivacyError.exit_code,
    Action.STOP: ChecksError.exit_code,
    Action.UNFIT: ContractError.exit_code,
}


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    ``expected`` is the rule that must be named; what must be counted ("duplicates", or a column that is dropped or
    unknown); or, where the command must end, words of its message. ``values`` are put into rows ``among`` those of
    ``table``: into the row itself, into ``copies`` of it that are added, or, for a column of another table, into the
    row that it points at. ``together`` rows make one fault. ``whole`` changes the extract instead.
    """

    name: str
    table: str
    action: Action
    expected: str
    values: Mapping[str, Any]
    sentence: str
    among: pl.Expr = field(default_factory=lambda: pl.lit(value=True), compare=False)
    copies: int = 0
    together: int = 1
    whole: Callable[[Extract], Extract] | None = field(default=None, compare=False)


# The tables, as faults name them.
PERSON, FAMILY, DISABILITY, LINKS = "ssd_person", "ssd_family", "ssd_disability", "ext_person_links"
EPISODES, CONTACTS, EARLY_HELP = "ssd_cin_episodes", "ssd_contacts", "ssd_early_help_episodes"
ASSESSMENTS, FACTORS, CIN_PLANS = "ssd_cin_assessments", "ssd_assessment_factors", "ssd_cin_plans"
S47, CONFERENCES, CP_PLANS = "ssd_s47_enquiry", "ssd_initial_cp_conference", "ssd_cp_plans"
CARE, MISSING, OFFERS, SCALES, WORKFORCE = "ssd_cla_episodes", "ssd_missing", "ext_offers", "ext_assessments_sos", "ext_workforce"
