"""Declarations that many features share: one sentence for several windows, for days since, for what is open now."""

from features.definition import Direction, Family, Feature
from features.measure import LOOK_BACK_DAYS
from features.stream import Events

YEAR, TWO_YEARS = 365, LOOK_BACK_DAYS
WINDOWS = {90: "three months", 180: "six months", YEAR: "year", TWO_YEARS: "two years"}
YES_NO = "yes (1) or no (0)"


def counts(
    things: str, family: Family, events: Events, windows: tuple[int, ...], *, prefix: str | None = None,
    direction: Direction = Direction.HIGHER,
) -> tuple[Feature, ...]:  # fmt: skip
    """One count for each window, called ``<things>_in_last_<days>_days``."""
    return tuple(
        Feature(
            f"{prefix or things.replace(' ', '_')}_in_last_{days}_days",
            family,
            f"Number of {things} in the last {WINDOWS[days]}.",
            events.count(days),
            direction,
            f"{things} in the last {WINDOWS[days]}: {{value}}",
            f"no {things} in the last {WINDOWS[days]}",
        )
        for days in windows
    )


def since(name: str, event: str, none: str, family: Family, events: Events, direction: Direction = Direction.LOWER) -> Feature:
    """Days since the latest event; ``none`` is said when there was none, and of the days since where these lower the chance."""
    return Feature(
        name,
        family,
        f"Days since {event}.",
        events.days_since_last(),
        direction,
        f"{event}: {{value}} days ago",
        f"{none} in the last two years",
        f"{none} for {{value}} days" if direction is Direction.LOWER else "",
    )


def since_first(name: str, event: str, none: str, family: Family, events: Events) -> Feature:
    """Days since the earliest event of the last two years: how long this has been going on."""
    return Feature(
        name,
        family,
        f"Days since {event} in the last two years.",
        events.days_since_first(),
        Direction.EITHER,
        f"{event} in the last two years: {{value}} days ago",
        f"{none} in the last two years",
    )


def change(things: str, family: Family, events: Events, days: int, *, prefix: str | None = None) -> Feature:
    """How many more there were in the last ``days`` than in as many days before them."""
    return Feature(
        f"change_in_{prefix or things.replace(' ', '_')}_over_{days}_days",
        family,
        f"Number of {things} in the last {WINDOWS[days]} less the number in the {WINDOWS[days]} before.",
        events.change(days),
        Direction.EITHER,
        f"{things} in the last {WINDOWS[days]}: {{size}} {{more}} than in the {WINDOWS[days]} before",
        f"no {things} to compare",
        unit="difference of counts",
    )


def total_days(name: str, description: str, family: Family, events: Events, direction: Direction = Direction.EITHER) -> Feature:
    """The days of all spells that ended in the last two years."""
    words = description.removesuffix(".").removeprefix("Days ")
    return Feature(
        name, family, description, events.total("days"), direction, f"days {words}: {{value}}", f"no days {words}", unit="days"
    )


def open_now(name: str, thing: str, none: str, family: Family, events: Events) -> Feature:
    """Is a spell of this kind open on the day?"""
    return Feature(
        name,
        family,
        f"Whether {thing} that began in the last two years is open now.",
        events.open_now(),
        Direction.EITHER,
        f"{thing} is open now",
        f"{none} that began in the last two years is open now",
    )
