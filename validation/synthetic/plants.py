"""What can be planted into an invented authority on purpose: biases, changes of practice, and an offer with an effect.

Each is written ``name=value:value``, as the command line takes it, and each can be planted alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from validation.errors import SettingsError

GROUPS = ("white", "mixed", "asian", "black", "other", "girls", "boys", "disabled")


@dataclass(frozen=True)
class Tilt:
    """A group of children that is treated differently, and how strongly."""

    group: str
    strength: float


@dataclass(frozen=True)
class Change:
    """A change of practice: from ``since`` on, something is ``strength`` times what it was."""

    since: date
    strength: float


@dataclass(frozen=True)
class Offer:
    """An offer to families with an open case, and what it does to the chance of a new referral.

    ``given`` is "random", "highest" (the families most likely to come back) or "mixed" (as many of these as with
    "highest" take part in a draw, and ``BY_LOT`` of them are given it; the others are not asked again for a year);
    ``effect`` is in percentage points of the default outcome, averaged over the families that are given it; ``kind`` is a
    code of ``ext_offers``. It is given to (or drawn among) ``WEEKLY`` of the families with an open case in a week, and works
    for a year.
    """

    kind: str
    given: str
    effect: float
    since: date


WEEKLY = 0.01
BY_LOT = 0.5


@dataclass(frozen=True)
class Plants:
    """Everything that is planted. Nothing is, unless it is asked for.

    - ``over_referral``: the group is referred so many times as often at the same true need; the added referrals are
      never found to be in need.
    - ``under_recording``: this share of the factors found and of the contacts of the group is not written down.
    - ``nfa_abolished``: from this day on nothing ends in no further action; it is assessed instead.
    - ``threshold``: referrals are accepted so many times as often as before.
    - ``new_team``: need episodes last so many times as long as before.
    - ``offer``: an offer with a true effect. What it prevents or brings is part of the later history.
    """

    over_referral: Tilt | None = None
    under_recording: Tilt | None = None
    nfa_abolished: date | None = None
    threshold: Change | None = None
    new_team: Change | None = None
    offer: Offer | None = None


def plants(texts: Sequence[str]) -> Plants:
    """Read what is to be planted, for example ``over-referral=black:1.5`` or ``offer=FGC:random:-5:2024-04-01``.

    Raises ``SettingsError`` when a name, group, number or date is not one that can be planted.
    """
    planted = Plants()
    for text in texts:
        name, _, value = text.partition("=")
        if name not in _FORMS:
            raise SettingsError(
                f"'{name}' cannot be planted. Allowed are {', '.join(f'{one}={form}' for one, form in FORMS.items())}."
            )
        try:
            setting: dict[str, Any] = {name.replace("-", "_"): _FORMS[name](value.split(":"))}
            planted = replace(planted, **setting)
        except (ValueError, TypeError) as error:
            groups = f" GROUP is one of {', '.join(GROUPS)}." if "GROUP" in FORMS[name] else ""
            raise SettingsError(f"'{text}' cannot be read: the form is '{name}={FORMS[name]}'.{groups}") from error
    return planted


FORMS = {
    "over-referral": "GROUP:TIMES",
    "under-recording": "GROUP:SHARE",
    "nfa-abolished": "DATE",
    "threshold": "DATE:TIMES",
    "new-team": "DATE:TIMES",
    "offer": "FGC|EH:random|highest|mixed:POINTS:DATE",
}


def _tilt(least: float, most: float) -> Callable[[list[str]], Tilt]:
    def read(values: list[str]) -> Tilt:
        group, strength = values
        if group not in GROUPS or not least <= float(strength) <= most:
            raise ValueError(group)
        return Tilt(group, float(strength))

    return read


def _change(values: list[str]) -> Change:
    since, strength = values
    if not 0.2 <= float(strength) <= 5:
        raise ValueError(strength)
    return Change(date.fromisoformat(since), float(strength))


def _day(values: list[str]) -> date:
    (day,) = values
    return date.fromisoformat(day)


def _offer(values: list[str]) -> Offer:
    kind, given, effect, since = values
    if kind not in ("FGC", "EH") or given not in ("random", "highest", "mixed") or not -15 <= float(effect) <= 15:
        raise ValueError(kind)
    return Offer(kind, given, float(effect), date.fromisoformat(since))


_FORMS: dict[str, Callable[[list[str]], object]] = {
    "over-referral": _tilt(1, 3),
    "under-recording": _tilt(0, 1),
    "nfa-abolished": _day,
    "threshold": _change,
    "new-team": _change,
    "offer": _offer,
}
