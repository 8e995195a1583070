"""The picture of a child's last two years: every day where it belongs, and the same in words."""

from datetime import timedelta

import pytest
from lxml import html

from flows.publish.timeline_picture import NAMES, Event, draw_frame, draw_legend, draw_timeline, tell_timeline
from tests.unit.night_example import AS_OF


def drawn(*events: tuple[str, int, int | None]) -> list[Event]:
    """Events by what they are and how many days before the night they begin and end."""
    return [
        Event(what, AS_OF - timedelta(days=begins), None if ends is None else AS_OF - timedelta(days=ends))
        for what, begins, ends in events
    ]


def test_every_kind_of_event_has_a_mark_and_a_line_of_its_own() -> None:
    events = drawn(*((what, 100, 50) for what in NAMES))
    marks = [each.get("class") for each in html.fromstring(draw_timeline(events, AS_OF)).iter("path")]
    assert len(marks) == len(set(marks)) == len(NAMES)
    assert [name for name, _ in tell_timeline(events, AS_OF)] == list(NAMES.values())


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([("contact", 60, 60)], ("Contacts", "25 Sep 2026.")),
        ([("contact", 30, 30), ("contact", 60, 60)], ("Contacts", "25 Sep 2026; 25 Oct 2026.")),
        ([("referral", 41, None)], ("Case open", "since 14 Oct 2026.")),
        ([("referral", 41, 10)], ("Case open", "14 Oct 2026 to 14 Nov 2026.")),
        ([("plan", 41, -10)], ("Child in need plans", "since 14 Oct 2026.")),
        ([("contact", 60, 60)] * 14, ("Contacts", "2 earlier ones; " + "; ".join(["25 Sep 2026"] * 12) + ".")),
    ],
)
def test_an_event_is_told_in_words(events: list[tuple[str, int, int | None]], told: tuple[str, str]) -> None:
    assert tell_timeline(drawn(*events), AS_OF) == [told]


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (("contact", 0, 0), "M630 14h0"),
        (("contact", 730, 730), "M120 14h0"),
        (("contact", 365, 365), "M375 14h0"),
        (("plan", 2000, None), "M120 74H630"),  # what began earlier starts at the edge
        (("plan", 0, None), "M626 74H630"),  # and the shortest can still be seen
        (("referral", 2000, 365), "M120 41v6H375v-6z"),  # without the flag of a referral
    ],
)
def test_an_event_lies_where_its_days_lie(event: tuple[str, int, int | None], path: str) -> None:
    assert f'd="{path}"' in draw_timeline(drawn(event), AS_OF)


@pytest.mark.parametrize("event", [("contact", 731, 731), ("referral", 900, 731), ("contact", -1, -1)])
def test_what_lies_outside_the_two_years_is_not_shown(event: tuple[str, int, int | None]) -> None:
    assert "<path" not in draw_timeline(drawn(event), AS_OF)
    assert tell_timeline(drawn(event), AS_OF) == []


def test_the_picture_does_not_depend_on_the_order_of_events() -> None:
    events = drawn(("contact", 400, 400), ("referral", 390, 250), ("contact", 60, 60), ("referral", 41, None))
    assert draw_timeline(events[::-1], AS_OF) == draw_timeline(events, AS_OF)


def test_an_unknown_kind_of_event_is_refused() -> None:
    with pytest.raises(ValueError, match="'party' is no kind of event"):
        draw_timeline(drawn(("party", 1, 1)), AS_OF)


def test_the_axis_names_each_half_year() -> None:
    axis = html.fromstring(draw_frame(AS_OF))
    assert [each.text for each in axis.iter("text")][4:] == ["Jan 2025", "Jul 2025", "Jan 2026", "Jul 2026"]


def test_the_legend_has_every_mark_once() -> None:
    drawn_marks = html.fromstring(draw_timeline(drawn(*((what, 100, 50) for what in NAMES)), AS_OF)).xpath("//path/@class")
    in_legend = [html.fromstring(mark).xpath("//path/@class") for mark, _ in draw_legend()]
    assert sorted(in_legend) == sorted([mark] for mark in drawn_marks)
