"""The transparency record's answers that a run knows, each from a fact of that run; what the run lacks is left unanswered."""

from collections.abc import Callable, Mapping

from features.catalogue import BY_NAME
from features.definition import Family
from features.outcomes import OUTCOMES
from flows.publish.atrs_data import ABOUT_DATA
from flows.publish.chance_words import in_words
from flows.publish.chance_words import number as say_number
from flows.publish.group_verdicts import count_verdicts, tell_errors
from flows.publish.measured import day, name_of, say_lead, say_price, span, span_hundred
from flows.publish.printed import count, needed, number, percent
from flows.publish.run_facts import RunFacts
from models.candidates import HUMBLE
from models.fairness import Verdict

PURPOSE = (
    "It gives every open case of a child a chance of {outcome}, and puts families in order, so that a council's front door "
    "can make additional, voluntary, early offers of help to those who are most likely to come back."
)
UNDECIDED = "It decides nothing: a worker decides each time, may disagree, and says so; the family may decline."


def answer_from_run(facts: RunFacts) -> dict[str, str]:
    """The answer to every field that the run answers, by key; paragraphs are lines. One that the run lacks is empty."""
    return {key: "\n".join(tell(facts)) for key, tell in TOLD.items()}


def _standard(_facts: RunFacts) -> list[str]:
    return ["3, in its parts; the official form may word or split a single field otherwise"]


def _name(_facts: RunFacts) -> list[str]:
    return ["Repeat-referral screening: an order for early offers of help"]


def _organisation(facts: RunFacts) -> list[str]:
    stamp = " (an INVENTED authority: no council of this name answers for this record)" if facts.invented else ""
    return [f"{facts.authority}{stamp}"]


def _purpose(facts: RunFacts) -> str:
    return PURPOSE.format(outcome=facts.evaluation["outcome"]["words"])


def _description(facts: RunFacts) -> list[str]:
    return [
        _purpose(facts),
        "Each night it reads what the case system holds, reckons a chance for each open case, and makes a list of families "
        f"with reasons in words. {UNDECIDED}",
    ]


def _detail(facts: RunFacts) -> list[str]:
    outcome, model = facts.evaluation["outcome"], facts.model
    window = f" A chance looks {OUTCOMES[model.outcome].window_days} days ahead." if model.outcome in OUTCOMES else ""
    return [
        f"Predicted is {outcome['words']} (version {outcome['version']} of this definition).{window}",
        "Families with an open case stand in the order of the highest chance among their children. The list gives places for "
        f"{_say_kinds(facts)}. Ties are broken by a seeded shuffle, and each family's probability of a place is kept.",
        "Not scored, and shown apart: cases with too little history, cases unlike those of training, and cases for which a "
        "table that the model goes by has fallen silent.",
    ]


def _say_kinds(facts: RunFacts) -> str:
    return " and ".join(f"{kind.words}: {kind.weekly_slots} families a week" for kind in facts.offers.kinds)


def _scope(_facts: RunFacts) -> list[str]:
    return [
        "Children under 18, and unborn ones, whose case with children's services is open.",
        "Not for: closing a case, keeping one open or escalating it; judging harm or safety; rationing what a family is "
        "entitled to, such as the family group decision-making offer before care proceedings; use without a person who "
        "decides.",
    ]


def _benefit(facts: RunFacts) -> list[str]:
    box, everyone = facts.measured.box, facts.measured.latest.get("base_rate")
    if box is None:
        return []
    by_chance = f"; in an order by chance it is one in {needed(everyone['precision_at_capacity'])}" if everyone else ""
    return [
        f"Measured on past cases: one in {needed(box['precision_at_capacity'])} families on its list came back{by_chance}.",
        "That an offer then helps is not shown by this, and is not claimed: it has to be measured once offers are made.",
    ]


def _alternatives(facts: RunFacts) -> list[str]:
    leads = facts.measured.leads
    lines = [f"Compared with {name_of(name)}: {say_lead(leads[name])}." for name in HUMBLE if name in leads]
    if price := leads.get("unrestricted_boosting"):
        lines.append(f"The price of a model that can be read: {say_price(price)}.")
    return lines


def _integration(_facts: RunFacts) -> list[str]:
    return [
        "After the case system's nightly export, before the front-door team's morning: the list is a page and a workbook. The "
        "team records what it decided, and the next list goes by that.",
        "A family that has been offered something, has declined, or is entitled to an offer by statute is shown and not ranked.",
    ]


def _information(_facts: RunFacts) -> list[str]:
    return [
        "For each family: the chance as a number in ten with its range, what speaks for worry, what is working well, what is "
        "not known, how many equally good models would have listed it, and what is new since the last list.",
        "Reasons are the model's own sum, in words; nothing is an assessment of danger.",
    ]


def _frequency(facts: RunFacts) -> list[str]:
    lines = [f"Every night; places for {facts.offers.capacity} families a week in all ({_say_kinds(facts)})."]
    if box := facts.measured.box:
        lines.append(
            f"In the test from {day(box['test_from'])} to {day(box['test_to'])} it would have made {count(box['offers'])} "
            f"offers among {count(box['families'])} families with an open case that the model had not learned from."
        )
    return lines


def _human_decisions(facts: RunFacts) -> list[str]:
    return [
        "Which family is offered what is decided by a worker of the front-door team, and by the family. Decisions and their "
        "reasons, disagreement included, are kept; a page for the board counts them.",
        f"A place without a decision ends after {facts.offers.most_days_listed} days, until a person renews it.",
        "A model is used only after a named role has approved it, with a reason and a day of review; once that day has passed "
        "no list is made. The same role retires it or goes back to the one before.",
    ]


def _architecture(_facts: RunFacts) -> list[str]:
    return [
        "A batch program on the council's own machines: it checks the night's extract, keeps its history in files, computes "
        "features as they were known on a date, scores, fills places, and writes pages and a workbook. It sends no record "
        "elsewhere, and learns nothing at night.",
    ]


def _maintenance(facts: RunFacts) -> list[str]:
    lines = [
        "A model is trained anew by a command, on the council's history, and never by itself. Each training leaves this "
        "record, a report, a fairness report, a model card and the criteria that it was judged by.",
    ]
    if decay := facts.evaluation.get("decay"):
        lines.append(
            f"Within the test years AUC went from {number(decay['earlier_auc'])} in the first half to "
            f"{number(decay['later_auc'])} in the second (change "
            f"{number(decay['change'], sign='+')}{span(decay['low'], decay['high'], sign='+')})."
        )
    return lines


def _model_name(facts: RunFacts) -> list[str]:
    return [f"{name_of(facts.model.name).capitalize()} for {facts.evaluation['outcome']['words']}"]


def _model_version(facts: RunFacts) -> list[str]:
    model, lineage = facts.model, facts.lineage
    extract = f", on the extract of {day(lineage['extract_date'])}" if lineage.get("extract_date") else ""
    criteria = (facts.evaluation.get("criteria") or {}).get("sha256", "")
    return [
        f"Trained on dates from {in_words(model.trained_from)} to {in_words(model.trained_to)}{extract}"
        + (f", under criteria with SHA-256 {criteria}." if criteria else "."),
        f"Registered as version {model.version}."
        if model.version
        else "Its number is the name of the folder that holds this record: it is given when the model is registered.",
    ]


def _task(facts: RunFacts) -> list[str]:
    return [f"Binary classification with calibrated probabilities: {facts.evaluation['outcome']['words']}, yes or no."]


def _input(facts: RunFacts) -> list[str]:
    families = {family: sum(BY_NAME[name].family is family for name in facts.model.features) for family in Family}
    named = "; ".join(f"{family.value} ({number})" for family, number in families.items() if number)
    return [
        f"{len(facts.model.features)} features of each open case, as they were known on the day: {named}.",
        "Each is described in the model card. Ethnicity, sex and disability are none of them.",
    ]


def _output(_facts: RunFacts) -> list[str]:
    return [
        "For each open case a probability with a 90 % range, and what each feature adds to its log-odds; or no score, and why."
    ]


def _model_architecture(facts: RunFacts) -> list[str]:
    pairs = sum(len(members) > 1 for members in facts.model.estimator.term_features_)
    return [
        f"Explainable boosting machine (a generalised additive model) of {len(facts.model.features)} features and "
        f"{say_number(pairs, 'pair', 'pairs')}: the log-odds are the exact sum of its terms, and every term is drawn beside "
        "this record. Where a feature's direction was declared, it can push only that way. Chances are calibrated by a line "
        "through the log-odds.",
    ]


def _performance(facts: RunFacts) -> list[str]:
    box = facts.measured.box
    if box is None:
        return []
    lines = [
        f"Tested on {count(box['rows'])} cases on dates from {day(box['test_from'])} to {day(box['test_to'])}, of "
        f"{count(box['families'])} families that it had not learned from; 95 % intervals draw families anew.",
        f"AUC {number(box['auc'])}{span(box['auc_low'], box['auc_high'])}; average precision "
        f"{number(box['average_precision'])}{span(box['average_precision_low'], box['average_precision_high'])}, where "
        f"{percent(box['base_rate'])} came back; calibration error {number(box['calibration_error'])}.",
        f"With {box['capacity']} places a week, "
        f"{percent(box['precision_at_capacity'])}"
        f"{span_hundred(box['precision_at_capacity_low'], box['precision_at_capacity_high'])} of the "
        "families on the list came back.",
    ]
    if missed := _find_errors(facts).get("missed_returns"):
        lines.append(f"Of the cases that came back, {missed} were of families that a list of four weeks' places did not reach.")
    return lines + _say_groups(facts)


def _find_errors(facts: RunFacts) -> Mapping[str, str]:
    return {} if facts.fairness is None else tell_errors(facts.fairness)


def _say_groups(facts: RunFacts) -> list[str]:
    if facts.fairness is None:
        return []
    counts = count_verdicts(facts.fairness)
    return [
        f"Groups: {sum(counts.values())} comparisons that may be shown were judged. Gaps: {counts[Verdict.GAP]}. A gap larger "
        f"than 5 points ruled out: {counts[Verdict.NO_LARGER_GAP]}. Not enough evidence, which is no pass: "
        f"{counts[Verdict.NOT_ENOUGH]}."
    ]


def _datasets(facts: RunFacts) -> list[str]:
    dates, splits = facts.evaluation.get("dates"), facts.evaluation.get("splits") or []
    lines = [
        f"Training: dates from {in_words(facts.model.trained_from)} to {in_words(facts.model.trained_to)}"
        + (f", every {dates['step_days']} days." if dates else "."),
    ]
    lines += [
        f"Test: learned from {day(one['train_from'])} to {day(one['train_to'])}, tested from {day(one['test_from'])} to "
        f"{day(one['test_to'])}; no family is on both sides."
        for one in splits
    ]
    return lines


def _risks(facts: RunFacts) -> list[str]:
    box, errors = facts.measured.box, _find_errors(facts)
    unneeded = f" Here: {percent(1 - box['precision_at_capacity'])}." if box and _is_number(box["precision_at_capacity"]) else ""
    missed = f" Here: {errors['missed_returns']} of returns." if "missed_returns" in errors else ""
    return [
        f"Families are approached who would not have come back.{unneeded} An offer is voluntary and a family may decline it; "
        "the share is told in every report.",
        f"Families who will come back are not on the list.{missed} Nobody is refused anything for being off it; workers may "
        "offer help to any family.",
        "A group is listed or missed more than others. The fairness report judges every group, says what could not have been "
        "seen, and never calls silence a pass." + "".join(f" {sentence}" for sentence in _say_groups(facts)),
        "A return is a new referral: it says as much about who refers as about a child. Returns without need are told apart.",
        "The chance is read as a judgement of harm. Words on the list say what it is, and what it must not be used for.",
        "The model ages, or practice changes. Each training looks for both; after its day of review no list is made.",
        "Offers change what the model later learns from. Offers are recorded, and their effect on training is measured.",
        "Somebody is recognised from small numbers. Counts of 1 to 5, and what they could be worked out from, are hidden.",
        "Something was wrong and nobody can tell whom it touched. A ledger keeps every score; a recall names the lists.",
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


TOLD: Mapping[str, Callable[[RunFacts], list[str]]] = {
    "record.standard_version": _standard,
    "record.name": _name,
    "record.description": _description,
    "owner.organisation": _organisation,
    "rationale.detail": _detail,
    "rationale.scope": _scope,
    "rationale.benefit": _benefit,
    "rationale.alternatives": _alternatives,
    "process.integration": _integration,
    "process.information": _information,
    "process.frequency": _frequency,
    "process.human_decisions": _human_decisions,
    "tool.architecture": _architecture,
    "tool.maintenance": _maintenance,
    "model.name": _model_name,
    "model.version": _model_version,
    "model.task": _task,
    "model.input": _input,
    "model.output": _output,
    "model.architecture": _model_architecture,
    "model.performance": _performance,
    "model.datasets": _datasets,
    "assessments.risks": _risks,
    **ABOUT_DATA,
}
"""Who tells each field that the run answers."""
