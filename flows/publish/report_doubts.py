"""The parts of a training report that say what may be luck, feedback of offers, or a change of practice."""

from collections.abc import Mapping
from typing import Any

from flows.publish.measured import Measured, day, span
from flows.publish.printed import count, number, percent, plain, signed
from flows.publish.tables import Section, Table, find_words, lay_out
from models.feedback import MEASURES
from validation.disclosure import NOTHING

STABILITY = "Does the list stay the same?"
MULTIPLICITY = "Would equally good models list the same families?"
FEEDBACK = "What do earlier offers do to the model?"
PRACTICE = "Did the council's practice change?"
REASONS = "Do the reasons say what the model does?"


def tell_stability(measured: Measured) -> Section:
    """How much of a list stays from one date to the next."""
    part = measured.evaluation["stability"]
    words = "There were no two dates to compare lists of."
    if part["kept"] is not None:
        words = (
            f"Of the families that were listed on one date and still had an open case four weeks later, {percent(part['kept'])} "
            f"would be listed again, with room for {part['capacity']} families. A list that changes its mind without news is of "
            "no use to a worker; one that never changes sees no news."
        )
    return Section("stability", STABILITY, [words], (), (), lay_out(part, STABILITY))


def tell_multiplicity(measured: Measured) -> Section:
    """How many equally good models would list a listed family, too."""
    part = measured.evaluation["multiplicity"]
    words = (
        f"Many models fit the past equally well, and where they disagree a family's place is partly luck. Of {part['models']} "
        f"models that learned from families drawn anew, {percent(part['mean_share'])} on average would list a listed family, "
        f"too. {percent(part['listed_by_most'])} of the listed families would be listed by at least four models in five. The "
        "share of each family is on the morning list."
    )
    return Section("multiplicity", MULTIPLICITY, [words], (), (), lay_out(part, MULTIPLICITY))


def tell_feedback(measured: Measured) -> Section:
    """Naive and corrected training side by side."""
    part = measured.evaluation["feedback"]
    policies, changes = part["policies"], {row["measure"]: row for row in part["differences"]}
    words = [
        "Families that were given an offer may look low-risk afterwards because it helped, and a model that learns from them "
        "would stop offering. Naive training takes what happened as it is; corrected training asks what would have "
        "happened without an offer.",
        *find_words(part),
    ]
    rows = tuple(
        (
            sentence[0].upper() + sentence[1:],
            *(number(policy[name]) + span(policy[f"{name}_low"], policy[f"{name}_high"]) for policy in policies),
            *([_say_change(changes.get(name))] if changes else []),
        )
        for name, sentence in MEASURES.items()
    )
    header = ("", *(_name_policy(policy["policy"]) for policy in policies), *(["Corrected less naive"] if changes else []))
    tables = (
        [Table("Naive and corrected training side by side" if changes else "Naive training", header, rows)] if policies else []
    )
    sizes = {name: value for name, value in part.items() if not isinstance(value, list | Mapping | str)}
    return Section("feedback", FEEDBACK, words, (), tables, lay_out(sizes, "Rows and families behind this"))


def _name_policy(policy: str) -> str:
    return "Naive" if policy == "naive" else f"Corrected ({plain(policy)})"


def _say_change(row: Mapping[str, Any] | None) -> str:
    return NOTHING if row is None else signed(row["difference"]) + span(row["low"], row["high"])


def tell_practice(measured: Measured) -> Section:
    """Changes of practice, the windows that straddle one, and what leaving out the older dates would cost."""
    part = measured.evaluation["practice"]
    changes, straddles, cost = part["changes"], part["straddles"], part["cost"]
    flagged = len({(row["train_from"], row["test_to"]) for row in straddles})
    words = [
        "A model learns from what workers did. Where practice stepped to another level, older rows speak of another council."
    ]
    words += [row["words"] for row in changes] or ["No such step was found in any series of this authority."]
    if straddles:
        windows = f"{flagged} {'window' if flagged == 1 else 'windows'} of training and test"
        words.append(
            f"Flagged: {windows} {'straddles' if flagged == 1 else 'straddle'} a change; the table behind this names each."
        )
    words += [row["words"] for row in cost]
    behind = [
        Table("Changes", ("Measure", "On", "Before", "After"), tuple(
            (plain(row["measure"]), day(row["on"]), number(row["before"]), number(row["after"])) for row in changes)),
        Table("Windows that straddle a change", ("Window", "Measure", "On", "In words"), tuple(
            (f"{day(row['train_from'])} to {day(row['test_to'])}", plain(row["measure"]), day(row["on"]), row["words"])
            for row in straddles)),
    ]  # fmt: skip
    return Section("practice", PRACTICE, words, (), (), [table for table in behind if table.rows])


def tell_reasons(measured: Measured) -> Section:
    """Whether the signs of the reasons agree with the model when a value is taken away."""
    part = measured.evaluation["reasons"]
    agree = f"{100 * part['agree'] / part['shown']:.1f} %" if part["shown"] else NOTHING
    words = (
        f"A reason is what a value adds to the chance, exactly. On {day(part['as_of'])} each worry and strength was put to the "
        f"test: with the value taken away, does the chance move as the reason says? Of {count(part['shown'])} reasons {agree} "
        "agree."
    )
    return Section("reasons", REASONS, [words])
