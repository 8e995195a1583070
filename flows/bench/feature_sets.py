"""The sets of features that are timed: the catalogue, the catalogue and ten more, and every code in every window."""

from collections.abc import Mapping, Sequence

from features.catalogue import CATALOGUE
from features.definition import Direction, Family, Feature
from features.measure import Measure, Whose
from features.stream import Events, Stream
from features.streams import CONTACTS, FACTORS, GROUPS, REFERRALS
from validation.codes import codes

TEN_WINDOWS = (30, 60, 120, 150, 210, 270, 300, 450, 540, 640)
WINDOWS = (90, 180, 365, 730)
WIDE = 283  # as many as the sketch in the issue had


def catalogue() -> tuple[Feature, ...]:
    """The features that the system ships with."""
    return CATALOGUE


def ten_more() -> tuple[Feature, ...]:
    """The catalogue and contacts in ten more windows."""
    return CATALOGUE + tuple(_count(f"contacts_in_last_{days}_days_more", CONTACTS, days) for days in TEN_WINDOWS)


def wide() -> tuple[Feature, ...]:
    """The catalogue, and counts by code and window up to ``WIDE`` features."""
    more = [
        _count(f"{stream}_{code}_in_last_{days}_days_more", events.where(**{value: code}), days)
        for days in WINDOWS
        for stream, events, value, among in (
            ("contacts", CONTACTS, "source", GROUPS.categories),
            ("referrals", REFERRALS, "source", GROUPS.categories),
            ("factors", FACTORS, "factor", list(codes("assessment_factors"))[:20]),
        )
        for code in among
    ]
    return (*CATALOGUE, *more)[:WIDE]


FEATURE_SETS = {"catalogue": catalogue, "ten more": ten_more, "wide": wide}


def _count(name: str, events: Events, days: int) -> Feature:
    return Feature(
        name, Family.CONTACTS, f"Events in the last {days} days, for the bench.", events.count(days), Direction.EITHER,
        worry="events: {value}", absence="no events",
    )  # fmt: skip


def named(features: Sequence[Feature]) -> dict[Measure, str]:
    """A column name for each different measure of some features."""
    return {measure: f"m{at}" for at, measure in enumerate({m: None for feature in features for m in feature.measures})}


def grouped(names: Mapping[Measure, str]) -> dict[tuple[Stream, Whose], dict[Measure, str]]:
    """Measures by stream and by whose events they read."""
    groups: dict[tuple[Stream, Whose], dict[Measure, str]] = {}
    for measure, name in names.items():
        groups.setdefault((measure.stream, measure.whose), {})[measure] = name
    return groups
