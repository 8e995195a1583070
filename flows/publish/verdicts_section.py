"""The part of the page on models in use that tells how the verdict went over the last times that somebody looked."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flows.publish.chance_words import in_words
from flows.publish.tables import Section, Table
from models.monitoring import Verdict

LATEST = 12  # looks that are shown, a quarter of a year where somebody looks once a week
VERDICTS = {
    Verdict.FAILING: "fails in use",
    Verdict.WITHIN: "no evidence that it is off by more than is allowed",
    Verdict.NOT_ENOUGH: "not enough evidence",
}
WORDS = (
    "What was said at each look is kept. One verdict says how things stand. A row of them says whether they get better or worse.",
)
CHANGED = (
    "The criteria for use were changed between some of these looks, so their verdicts do not all mean the same. Ask who changed "
    "them, and why."
)
Look = Mapping[str, Any]


def tell_verdicts(looks: Sequence[Look]) -> Section:
    """The section. ``looks``: as of :func:`flows.verdict_history.read_history`, oldest first, with that of today as the last."""
    shown = list(looks)[-LATEST:]
    words = [*WORDS, _say_since(looks), *([CHANGED] if len({look["criteria_sha256"] for look in shown}) > 1 else [])]
    caption = f"The latest {LATEST} of {len(looks)} looks" if len(looks) > LATEST else ""
    rows = tuple((_day(look["looked_on"]), _day(look["extract_date"]), *_say(look)) for look in reversed(shown))
    header = ("Looked at on", "Records up to", "Model in use", "Verdict on it")
    return Section("history", "How has the verdict gone?", words, (), [Table(caption, header, rows)])


def _say(look: Look) -> tuple[str, str]:
    """The model in use, and the verdict on it; one that has made no list yet is not judged."""
    if look["in_use"] is None:
        return ("none", "nothing to judge")
    found = look["models"].get(look["in_use"], {"verdict": Verdict.NOT_ENOUGH})
    return (f"version {look['in_use']}", VERDICTS[Verdict(found["verdict"])])


def _say_since(looks: Sequence[Look]) -> str:
    """How long it has been said, and what was said before."""
    now, before = _say(looks[-1]), [_say(look) for look in looks]
    last_other = max((at for at, said in enumerate(before) if said != now), default=None)
    if len(looks) == 1:
        return "This is the first look that is kept, so there is nothing to compare it with yet."
    if last_other is None:
        return f"All {len(looks)} looks since {_day(looks[0]['looked_on'])} said the same."
    model, verdict = before[last_other]
    named = "there was no model in use" if looks[last_other]["in_use"] is None else f"it was {model}: {verdict}"
    return f"On {_day(looks[last_other]['looked_on'])} {named}. Since then every look has said what is said today."


def _day(text: str) -> str:
    return in_words(date.fromisoformat(text))
