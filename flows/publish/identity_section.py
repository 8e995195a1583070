"""The part of the fairness report that says which run it speaks of: model, data, program, features, outcome and criteria."""

from collections.abc import Mapping
from hashlib import sha256

from flows.publish.chance_words import in_words, number
from flows.publish.measured import day, name_of
from flows.publish.run_facts import RunFacts
from flows.publish.tables import Section, Table
from flows.record import hash_lines
from validation.disclosure import NOTHING

HEADING = "Which run is this?"
WORDS = (
    "Two pages speak of the same run if all of this is the same. A hash is a fingerprint: it changes as soon as one letter does. "
    "Anybody who holds the files can make it again.",
)
BY_FOLDER = "Its number is the name of the folder that holds this page: it is given when the model is registered."


def tell_identity(facts: RunFacts, versions: Mapping[str, str | None]) -> Section:
    """The section. ``versions``: as of :func:`flows.record.versions`."""
    model, lineage, outcome = facts.model, facts.lineage, facts.evaluation["outcome"]
    vintages = lineage.get("vintages_sha256") or {}
    cuts = len({name.rpartition("/")[2] for name in vintages})
    lines = (
        ("Model", f"{name_of(model.name).capitalize()}. {say_version(facts)}"),
        ("Learned from", f"dates from {in_words(model.trained_from)} to {in_words(model.trained_to)}"),
        ("Records", f"{'invented' if facts.invented else 'real, under pseudonyms'}; {_say_extract(facts)}"),
        ("Data cut (SHA-256)", f"{number(len(vintages), 'file', 'files')} of {number(cuts, 'extract', 'extracts')}: "
         f"{hash_lines(vintages)}" if vintages else NOTHING),
        ("Program", f"rereferral {versions.get('rereferral')}; its files (SHA-256): {versions.get('code_sha256')}"),
        ("Libraries (SHA-256 of the lock file)", versions.get("lock_sha256") or "no lock file lay beside the program"),
        ("Features", f"{len(model.features)}; the list of their names (SHA-256): {hash_names(model.features)}"),
        ("Outcome", f"{outcome['words']} ({outcome['name']}, version {outcome['version']})"),
        ("Criteria (SHA-256)", str((facts.evaluation.get("criteria") or {}).get("sha256", NOTHING))),
    )  # fmt: skip
    return Section("identity", HEADING, WORDS, (), [Table("", ("", ""), lines)])


def say_version(facts: RunFacts) -> str:
    """The model's number, or where to read it: a page is written before the number is given."""
    return f"Version {facts.model.version}." if facts.model.version else BY_FOLDER


def hash_names(names: tuple[str, ...]) -> str:
    """SHA-256 of names, one on each line."""
    return sha256("".join(f"{name}\n" for name in names).encode()).hexdigest()


def _say_extract(facts: RunFacts) -> str:
    lineage = facts.lineage
    if not lineage.get("extract_date"):
        return "of which extract was not kept"
    begins = f", in a history that begins on {day(lineage['window_start'])}" if lineage.get("window_start") else ""
    return f"the extract of {day(lineage['extract_date'])}{begins}"
