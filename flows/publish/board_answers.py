"""The answers to what a board should see: a sentence or two for each point, from facts of one training."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flows.publish.annexes_equality import CHARACTERISTICS
from flows.publish.chance_words import number
from flows.publish.group_cells import NAMES
from flows.publish.group_verdicts import count_verdicts, tell_errors
from flows.publish.identity_section import say_version
from flows.publish.measured import Result, day, name_of
from flows.publish.printed import count, needed, percent, plain
from flows.publish.recommendation import Recommendation, recommend_training
from flows.publish.record_fields import DPIA, EQUALITY, answer, find_unanswered
from flows.publish.run_facts import RunFacts
from flows.publish.what_changed import find_changes
from models.candidates import HUMBLE
from models.fairness import POOLED, TELLING, Verdict
from models.proxies import ALL, Telling
from validation.disclosure import HIDDEN, NOTHING

MONITORING = "monitoring"
"""Stands for where the page on models in use lies, which depends on the outcome."""
LONGEST = 240  # characters of a council's answer that is repeated here; a longer one is only pointed to
NEVER_HELD = ("ward", "whether a young person has left care", "special needs at school")
BY_LAW = ("data_protection.lawful_basis", "data_protection.retention", "data_protection.counsel_advice")


@dataclass(frozen=True)
class BoardFacts:
    """Facts of a training, as they may leave the team, and where the page on models in use lies.

    ``has_stages``: does the fairness report say where gaps come from? ``proxies`` and ``remedies`` are frames of
    :mod:`models.proxies` and :mod:`models.remedies`, empty where they were not measured. ``monitoring`` is a path from the
    report's folder. Raises ``ValueError`` where no groups were compared.
    """

    run: RunFacts
    has_stages: bool
    proxies: pl.DataFrame
    remedies: pl.DataFrame
    monitoring: str

    @property
    def frame(self) -> pl.DataFrame:
        """The frame of the fairness report."""
        if self.run.fairness is None:
            raise ValueError("No group was given to the training, so a board can be told nothing of groups.")
        return self.run.fairness

    @property
    def absent(self) -> frozenset[str]:
        """Links into the fairness report that lead nowhere, since this run did not measure what would stand there."""
        there = {"#stages": self.has_stages, "#proxies": self.proxies.height, "#remedies": self.remedies.height}
        return frozenset(link for link, measured in there.items() if not measured)

    @property
    def recommendation(self) -> Recommendation:
        """What the written rule says."""
        return recommend_training(self.run.evaluation, self.frame, say_gain(self))


def say_purpose(facts: BoardFacts) -> str:
    """Purpose, population, decision, and what it must not be used for."""
    knows = any("declined" in name for name in facts.run.model.features)
    declined = " A no is kept on record, and may move a later chance a little." if knows else ""
    return (
        "It puts families with an open case in order for early offers of help, which they may refuse. It must not ration the "
        f"offer that is due by law before care proceedings, and it changes nobody's right to help.{declined}"
    )


def say_run(facts: BoardFacts) -> str:
    """Model, version and data cut."""
    run = facts.run
    extract = f", from the extract of {day(run.lineage['extract_date'])}" if run.lineage.get("extract_date") else ""
    return f"{name_of(run.model.name).capitalize()} with {len(run.model.features)} features{extract}. {say_version(run)}"


def say_rows(facts: BoardFacts) -> str:
    """Who is learned from, and who is left out."""
    rows = facts.run.evaluation.get("rows")
    told = "This run did not count them."
    if rows:
        told = (
            f"The model learned from {count(rows['used'])} of {count(rows['cohort'])} open cases, each counted anew on every "
            f"date; they are of {count(rows.get('families'))} families. The other cases were left out, and counted by reason."
        )
    return f"{told} Of the cases that are open now, this page says who gets no chance, and each list who gets none that night."


def say_quality(_facts: BoardFacts) -> str:
    """How fully records are filled by group."""
    return (
        "How much is filled in, and how many get no chance, is told for each group; not stated is a group of its own. How far "
        "our figures are from the council's return: `rereferral reconcile`."
    )


def say_base(facts: BoardFacts) -> str:
    """How many come back, and over which years."""
    box, years = facts.run.measured.box, set(facts.frame["split"]) - {POOLED}
    back = f"Of the cases tested, {percent(box['base_rate'])} came back. " if box else ""
    trend = (
        f"{len(years)} test years stand side by side."
        if len(years) > 1
        else "Only one test year was measured, so there is no trend; `rereferral retrain --full` measures all that there are."
    )
    return f"{back}Each group has its share and its interval. {trend}"


def say_reached(facts: BoardFacts) -> str:
    """Selection rates at the operating size."""
    return _say_counts(facts, ("offered",))


def say_errors(facts: BoardFacts) -> str:
    """Both kinds of error at the operating size."""
    errors = tell_errors(facts.frame)
    said = []
    if "missed_returns" in errors:
        said.append(
            f"On an average date the list misses {_share(errors['missed_returns'])} of the cases that come back, mostly because "
            "places are few."
        )
    if "unneeded_approaches" in errors:
        said.append(f"Of the cases on it, {_share(errors['unneeded_approaches'])} do not.")
    counted = _say_counts(facts, ("missed_returns", "unneeded_approaches", "offered_without_return"))
    return " ".join([*said, counted])


def say_chances(facts: BoardFacts) -> str:
    """Calibration by group."""
    return _say_counts(facts, ("returns_beside_chances",))


def say_verdicts(facts: BoardFacts) -> str:
    """What stands beside every figure, and all verdicts."""
    return (
        f"{_say_counts(facts, None)} Each figure has its number of families, a 95 % interval and the smallest gap that could be "
        "seen. How many returns are behind it is for the team alone."
    )


def say_pairs(facts: BoardFacts) -> str:
    """Intersections, and what is done about many comparisons."""
    pairs = [group for group in facts.frame["group"].unique(maintain_order=True) if " and " in group]
    together = f"Looked at together: {'; '.join(map(plain, pairs))}." if pairs else "No two traits were looked at together."
    return f"{together} A gap counts only if it is certain with all comparisons in view, so that luck in one of them is no gap."


def say_traits(facts: BoardFacts) -> str:
    """Which groups are compared, and which are not held."""
    groups = [group for group in facts.frame["group"].unique(maintain_order=True) if " and " not in group]
    compared = ", ".join(NAMES.get(group, plain(group)) for group in groups)
    not_held = [name.lower() for name, column in CHARACTERISTICS.items() if column is None]
    not_held += [*NEVER_HELD, *(["deprivation"] if "deprivation" not in groups else [])]
    return (
        f"Compared: {compared}. Not held, so nothing can be seen there: {', '.join(not_held)}. "
        f"{_ask(facts, 'How the council looks after these', 'equality.not_held', 'the equality lead')}"
    )


def say_stages(facts: BoardFacts) -> str:
    """The parts that a gap is made of."""
    if not facts.has_stages:
        return "This run did not measure it."
    return (
        "A gap in chances is split into four: who refers, returns found to be in need, returns found without need, and the "
        "model. What people then do is told below."
    )


def say_proxies(facts: BoardFacts) -> str:
    """How many groups can be told, and whether the cost of leaving features out was measured."""
    whole = facts.proxies.filter(feature=ALL) if facts.proxies.height else facts.proxies
    if whole.is_empty():
        return "This run did not measure it."
    told = whole.filter(verdict=Telling.TELLS.value).height
    cost = "What it costs to leave them out is shown." if facts.remedies.height else _need_full("what it costs to leave them out")
    return f"Of {number(whole.height, 'group', 'groups')}, {told} can be told from what the model sees. {cost}"


def say_overrides(_facts: BoardFacts) -> str:
    """Decisions by people, by group."""
    return (
        "People may decide against the list. How often they do is told for each group. Why, and how soon, says the page that "
        "`rereferral involvement` makes for the months that you choose."
    )


def say_uptake(_facts: BoardFacts) -> str:
    """Offers, uptake and what followed, by group."""
    return (
        "For each group: who was offered help in the last year, who took an offer up, and who came back after a yes or a no. It "
        "is no proof that offers help."
    )


def say_remedies(facts: BoardFacts) -> str:
    """Options about gaps, and who says what is lawful."""
    shown = "Each option stands with its cost." if facts.remedies.height else _need_full("what each option costs")
    acts = _ask(facts, "Who does what about a gap", "equality.action", "the equality lead")
    return f"{shown} No group has a threshold of its own. {acts}"


def say_compared(facts: BoardFacts) -> str:
    """Against an order by chance, the best simple rule, and what was done before."""
    measured, said = facts.run.measured, []
    box, everyone = measured.box, measured.latest.get("base_rate")
    if box and everyone:
        said.append(
            f"Over a year of offers, one in {needed(box['precision_at_capacity'])} families came back; in an order by chance, "
            f"one in {needed(everyone['precision_at_capacity'])}."
        )
    said += say_gain(facts)
    said.append("Today's way of finding families was not measured.")
    said.append(_ask(facts, "What it is", "rationale.previous_process", "the front-door manager"))
    return " ".join(said)


def say_gain(facts: BoardFacts) -> list[str]:
    """Is the model better than the best simple rule? Nothing where that was not measured."""
    leads = facts.run.measured.leads
    humble = [leads[name] for name in HUMBLE if name in leads]
    if not humble:
        return []
    closest = min(humble, key=lambda row: float(row["difference"]))
    return [f"The best simple rule ({name_of(closest['candidate'])}): the model {_say_lead(closest)}."]


def say_changes(facts: BoardFacts) -> str:
    """What differs from the training before, and changes of practice."""
    run = facts.run
    changed = "This is the first report, so there is nothing to compare it with."
    if run.before is not None:
        things = number(sum(not change.is_first for change in find_changes(run.before, run.now)), "thing is", "things are")
        changed = f"Against {run.before.name}, {things} different."
    found = (run.evaluation.get("practice") or {}).get("changes")
    practice = "" if found is None else f" Changes found in the council's practice: {len(found)}."
    return f"{changed}{practice} Whether chances still hold in use: `rereferral monitor`."


def say_complaints(facts: BoardFacts) -> str:
    """What is held of them, and who holds the rest."""
    return (
        "The pipeline holds no complaints: ask the complaints manager. It holds who asked not to be scored, and which scores "
        f"were worked out again. {_ask(facts, 'How a family contests', 'process.appeals', 'the complaints manager')}"
    )


def say_families(facts: BoardFacts) -> str:
    """Nothing is held of them, unless the council says so."""
    return (
        "The pipeline asks no family, so it holds nothing of what they think. "
        f"{_ask(facts, 'Whom the council asked', 'data_protection.consultation', 'whoever speaks with families')}"
    )


def say_law(facts: BoardFacts) -> str:
    """How far the council has answered what the law asks."""
    asked = [one for record in (DPIA, EQUALITY) for one in answer(record, {}, facts.run.council)]
    still_open = {one.field.key: one.field.field.lower() for one in find_unanswered(asked)}
    first = [still_open[key] for key in BY_LAW if key in still_open]
    named = f" Among those not answered: {', '.join(first)}." if first else ""
    return (
        f"Figures stand under each aim of the duty. Of {len(asked)} questions in both annexes, the council has answered "
        f"{len(asked) - len(still_open)}.{named} What is lawful is for its lawyer to say."
    )


def say_recommendation(facts: BoardFacts) -> str:
    """What the rule says, and where the sign-off is."""
    return (
        f"The rule says: {facts.recommendation.advice}. Who signs, in which role, under which conditions, and the day on which "
        "somebody looks again are kept with the decision."
    )


def _say_counts(facts: BoardFacts, metrics: Sequence[str] | None) -> str:
    """How many comparisons of some questions have each verdict; of all questions without ``metrics``."""
    frame = facts.frame if metrics is None else facts.frame.filter(pl.col("metric").is_in(list(metrics)))
    counts = count_verdicts(frame) if frame.height else {}
    judged = sum(counts.values())
    if not judged:
        return "No group was large enough to be judged."
    gaps = number(counts[Verdict.GAP], "is a gap", "are gaps")
    return (
        f"Of {number(judged, 'comparison', 'comparisons')} between groups {gaps}. For {counts[Verdict.NO_LARGER_GAP]} a gap of "
        f"more than {100 * TELLING:.0f} points is ruled out. For {counts[Verdict.NOT_ENOUGH]} there is not enough evidence, "
        "which is no pass."
    )


def _share(words: str) -> str:
    return "a share that cannot be shown" if words in (HIDDEN, NOTHING) else words


def _say_lead(row: Result) -> str:
    if row["low"] is None or row["high"] is None:
        return "cannot be told from it with so few"
    return "does better" if row["low"] > 0 else "does worse" if row["high"] < 0 else "does no clearly better"


def _need_full(what: str) -> str:
    return f"This run did not measure {what}: `rereferral retrain --full` does."


def _ask(facts: BoardFacts, about: str, key: str, whom: str) -> str:
    """The council's own answer; or that there is none, where it would stand, and who may know."""
    told = facts.run.council.get(key)
    if not told:
        return f"{about}: not answered yet (`{key}` in `transparency.toml`); ask {whom}."
    return f"{about}: {told if len(told) <= LONGEST else 'the council says so in the records beside this page.'}"
