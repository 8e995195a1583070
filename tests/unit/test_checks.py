"""The checks that follow from the contract."""

from validation.checks import Asks, Check, Severity, checks_for
from validation.codes import code_lists
from validation.contract import Kind, Order, Table, audit, dropped, feature, pseudonym
from validation.tables.catalogue import TABLES

VISITS = Table(
    "visits",
    "A table for this test.",
    key="visit_id",
    happened="visit_date",
    orders=(Order("visit-end-before-start", "visit_date", "visit_end_date"),),
    columns=(
        pseudonym("visit_id", "The visit.", required=True),
        feature("visit_date", "Its day.", Kind.DATE),
        feature("visit_end_date", "Its last day.", Kind.DATE, revealed_by="visit_end_date"),
        audit("visit_planned_date", "Its planned day.", Kind.DATE),
        feature("visit_kind", "Its kind.", Kind.CODE, codes="offer_kind"),
        feature("visit_flags", "What came of it.", Kind.CODES, codes="s47_outcome_flags"),
        dropped("visit_team", "Team."),
    ),
)


def test_a_declaration_gives_these_checks() -> None:
    found = [(check.rule, check.severity, check.asks, check.column, check.other) for check in checks_for(VISITS)]
    assert found == [
        ("visit_id-missing", Severity.ERROR, Asks.PRESENT, "visit_id", None),
        ("visit_id-repeated", Severity.ERROR, Asks.UNIQUE, "visit_id", None),
        ("visit_date-after-extract", Severity.ERROR, Asks.NOT_AFTER_EXTRACT, "visit_date", None),
        ("visit_end_date-after-extract", Severity.QUERY, Asks.NOT_AFTER_EXTRACT, "visit_end_date", None),
        ("visit_kind-not-in-list", Severity.QUERY, Asks.IN_LIST, "visit_kind", "offer_kind"),
        ("visit_flags-not-in-list", Severity.QUERY, Asks.ALL_IN_LIST, "visit_flags", "s47_outcome_flags"),
        ("visit-end-before-start", Severity.ERROR, Asks.ORDERED, "visit_end_date", "visit_date"),
    ]


def checks(rule: str) -> list[Check]:
    return [check for table in TABLES.values() for check in checks_for(table) if check.rule == rule]


def test_statutory_rules_carry_their_numbers() -> None:
    found = {
        rule: [(check.severity, check.asks, check.column) for check in checks(rule)]
        for rule in ("8500", "8510", "8520", "8600", "8568", "8640", "8630", "8925")
    }
    assert found == {
        "8500": [(Severity.ERROR, Asks.PRESENT, "pers_person_id")],
        "8510": [(Severity.ERROR, Asks.UNIQUE, "pers_person_id")],
        "8520": [(Severity.ERROR, Asks.NOT_AFTER_EXTRACT, "pers_dob")],
        "8600": [
            (Severity.ERROR, Asks.PRESENT, "cine_referral_date"),
            (Severity.ERROR, Asks.NOT_AFTER_EXTRACT, "cine_referral_date"),
        ],
        "8568": [(Severity.ERROR, Asks.PRESENT, "cine_referral_nfa")],
        "8640": [(Severity.QUERY, Asks.IN_LIST, "cine_close_reason")],
        "8630": [(Severity.ERROR, Asks.ORDERED, "cine_close_date")],
        "8925": [(Severity.ERROR, Asks.ORDERED, "cppl_cp_plan_end_date")],
    }


def test_a_closing_that_lies_ahead_is_only_asked_about() -> None:
    (check,) = checks("cine_close_date-after-extract")
    assert check.severity is Severity.QUERY


def test_every_code_list_that_is_asked_for_exists() -> None:
    asked = {
        check.other for table in TABLES.values() for check in checks_for(table) if check.asks in {Asks.IN_LIST, Asks.ALL_IN_LIST}
    }
    assert asked
    assert asked <= set(code_lists())
