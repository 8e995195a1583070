"""Faults that must end the command: identifiers, a shape that is not the contract's, and an extract that is not plausible."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl

from validation.extract import Extract, ExtractRule, Origin
from validation.synthetic.fault import ASSESSMENTS, CONTACTS, EPISODES, FAMILY, PERSON, Action, Fault

REFUSE, STOP, UNFIT = Action.REFUSE, Action.STOP, Action.UNFIT

DAY = timedelta(days=1)
TODAY, BORN = pl.col("extract_date"), pl.col("pers_dob")
REFERRED, CLOSED = pl.col("cine_referral_date"), pl.col("cine_close_date")
NO_DAY = "2024-02-31"

# Numbers, codes and addresses that were set aside for examples and belong to nobody.
NHS_NUMBER, PUPIL_NUMBER, INSURANCE_NUMBER = "999 000 0018", "H801200001001", "AB123456C"
POSTCODE, EMAIL, TELEPHONE, WORKER_NUMBER = "ZZ99 9ZZ", "someone@example.org", "01632 960001", "SW123456"

REFUSED_FAULTS: tuple[Fault, ...] = (
    Fault("raw-child-id", PERSON, REFUSE, "keys in 'ssd_person.pers_person_id'", {"pers_person_id": "1086942"},
          "A child's key is the case system's own number."),
    Fault("raw-referral-id", ASSESSMENTS, REFUSE, "keys in 'ssd_cin_assessments.cina_referral_id'", {"cina_referral_id": "R1094"},
          "A referral's key is the case system's own number."),
    Fault("key-in-capitals", EPISODES, REFUSE, "keys in", {"cine_person_id": pl.lit("ABCDEF" * 5 + "AB")},
          "A key is not written as pseudonyms are."),
    Fault("birth-date-whole", PERSON, REFUSE, "full dates in 'ssd_person.pers_dob'", {"pers_dob": BORN + 14 * DAY},
          "The day of birth is there, not only the month.", BORN.is_not_null()),
    Fault("birth-date-impossible", PERSON, REFUSE, "full dates in 'ssd_person.pers_dob'", {"pers_dob": NO_DAY},
          "The child was born on 31 February."),
    Fault("death-date-whole", PERSON, REFUSE, "full dates in 'ssd_person.pers_death_date'",
          {"pers_death_date": TODAY.dt.truncate("1mo") - 12 * DAY}, "The day of death is there, not only the month."),
    Fault("forenames", PERSON, REFUSE, "values in 'ssd_person.pers_forename'", {"pers_forename": "Robin"}, "Forenames are in."),
    Fault("surnames", PERSON, REFUSE, "values in 'ssd_person.pers_surname'", {"pers_surname": "Doe"}, "Surnames are in."),
    Fault("known-as", PERSON, REFUSE, "a column that names people", {"pers_known_as": "Rob"}, "A column of our own has names."),
    Fault("pupil-number", PERSON, REFUSE, "values in 'ssd_person.pers_upn'", {"pers_upn": PUPIL_NUMBER}, "Pupil numbers are in."),
    Fault("pupil-number-elsewhere", PERSON, REFUSE, "shaped like unique pupil numbers", {"pers_nationality": PUPIL_NUMBER},
          "A pupil number was typed into another field."),
    Fault("nhs-number", PERSON, REFUSE, "values in 'ssd_person.pers_single_unique_id'", {"pers_single_unique_id": NHS_NUMBER},
          "NHS numbers are there."),
    Fault("nhs-number-elsewhere", CONTACTS, REFUSE, "pass as NHS numbers", {"cont_contact_source_desc": NHS_NUMBER},
          "NHS numbers stand in another column."),
    Fault("insurance-number", CONTACTS, REFUSE, "National Insurance numbers", {"cont_contact_source_desc": INSURANCE_NUMBER},
          "A National Insurance number was typed into a field."),
    Fault("postcode", CONTACTS, REFUSE, "postcodes", {"cont_contact_source_desc": POSTCODE}, "A postcode was typed in."),
    Fault("e-mail", CONTACTS, REFUSE, "e-mail addresses", {"cont_contact_source_desc": EMAIL}, "An e-mail address."),
    Fault("telephone", CONTACTS, REFUSE, "telephone numbers", {"cont_contact_source_desc": TELEPHONE}, "A telephone number."),
    Fault("worker-number", ASSESSMENTS, REFUSE, "Social Work England numbers", {"cina_assessment_worker_id": WORKER_NUMBER},
          "A social worker's registration is there."),
    Fault("worker-name", EPISODES, REFUSE, "'ssd_cin_episodes.cine_referral_worker_id', which must be empty",
          {"cine_referral_worker_id": "A Worker"}, "The worker who took the referral is named."),
)  # fmt: skip


def _with(extract: Extract, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Extract:
    return replace(extract, tables={**extract.tables, table: change(extract.tables[table])})


def _without(extract: Extract, table: str) -> Extract:
    return replace(extract, tables={name: frame for name, frame in extract.tables.items() if name != table})


def _told(extract: Extract, **changes: Any) -> Extract:
    return replace(extract, manifest=replace(extract.manifest, **changes))


def _blank(extract: Extract, table: str, column: str, every: int = 1) -> Extract:
    kept = pl.when(pl.int_range(pl.len()) % every != 0).then(column)
    return _with(extract, table, lambda frame: frame.with_columns(kept.alias(column)))


def _other_rule(extract: Extract) -> Extract:
    started = extract.manifest.extract_rule is ExtractRule.STARTED_OR_OPEN
    return _told(extract, extract_rule=ExtractRule.OVERLAPPING if started else ExtractRule.STARTED_OR_OPEN)


def _twice(extract: Extract) -> Extract:
    """Every referral is entered a second time under a key of its own, a month later."""
    again = pl.col("cine_referral_id").str.reverse()
    later = (REFERRED + 30 * DAY).clip(upper_bound=extract.manifest.extract_date)
    closed = pl.when(CLOSED.is_not_null()).then(pl.max_horizontal(CLOSED, later))
    second = {"cine_referral_id": again, "cine_referral_date": later, "cine_close_date": closed}
    return _with(extract, EPISODES, lambda frame: pl.concat([frame, frame.with_columns(**second)]))


def _whole(
    name: str, table: str, expected: str, sentence: str, change: Callable[[Extract], Extract], action: Action = STOP
) -> Fault:
    return Fault(name, table, action, expected, {}, sentence, whole=change)


WHOLE_FAULTS: tuple[Fault, ...] = (
    _whole("addresses", "ssd_address", "'ssd_address', a table that identifies people", "The table of addresses is there.",
           lambda e: replace(e, tables={**e.tables, "ssd_address": pl.DataFrame({"addr_table_id": ["1"]})}), REFUSE),
    _whole("no-key-fingerprint", EPISODES, "'key_fingerprint'", "Nobody said with which key the extract was pseudonymised.",
           lambda e: _told(e, key_fingerprint=""), UNFIT),
    _whole("required-column-missing", EPISODES, "lacks the column 'cine_referral_nfa'", "A required column is missing.",
           lambda e: _with(e, EPISODES, lambda frame: frame.drop("cine_referral_nfa")), UNFIT),
    _whole("required-column-blank", EPISODES, "most by rule '8568'", "A required column holds nothing.",
           lambda e: _blank(e, EPISODES, "cine_referral_nfa")),
    _whole("required-table-missing", EPISODES, "'ssd_cin_episodes' is missing or empty", "There is no table of referrals.",
           lambda e: _without(e, EPISODES)),
    _whole("required-table-empty", PERSON, "'ssd_person' is missing or empty", "The table of children has no rows.",
           lambda e: _with(e, PERSON, pl.DataFrame.clear)),
    _whole("too-many-set-aside", CONTACTS, "over the limit", "One contact in ten has no date.",
           lambda e: _blank(e, CONTACTS, "cont_contact_date", every=10)),
    _whole("one-family-for-all", FAMILY, "family-too-large", "All children have the same family's key.",
           lambda e: _with(e, FAMILY, lambda frame: frame.with_columns(fami_family_id=pl.lit("0" * 32)))),
    _whole("rows-collapse", CONTACTS, "the extract is not whole", "Nine contacts in ten are missing since the last night.",
           lambda e: _with(e, CONTACTS, lambda frame: frame.gather_every(10))),
    _whole("extract-older-than-last", EPISODES, "is older than the last one", "An old extract was sent again.",
           lambda e: _told(e, extract_date=e.manifest.extract_date - DAY)),
    _whole("another-authority", EPISODES, "of another authority", "The extract is another authority's.",
           lambda e: _told(e, authority="Another authority")),
    _whole("another-key", EPISODES, "with another key", "The extract was pseudonymised with another key.",
           lambda e: _told(e, key_fingerprint="another")),
    _whole("another-rule", EPISODES, "follows the rule", "The extract keeps other rows than the last one did.", _other_rule),
    _whole("invented-among-real", EPISODES, "and the history is", "An extract says that its children are real.",
           lambda e: _told(e, origin=Origin.REAL)),
    _whole("every-referral-twice", EPISODES, "followed another within 12 months",
           "Every referral was entered twice, a month apart.", _twice),
)  # fmt: skip
