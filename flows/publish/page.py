"""The morning list as one web page that needs nothing but itself: no network, no fonts, no other file."""

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from flows.publish import night_list
from flows.publish.night_list import CASE, SHOWN_REASONS, STRENGTH, UNKNOWN, WORRY, NightList

HEADINGS = {
    WORRY: "What we are worried about",
    STRENGTH: "What is working well",
    CASE: "About the case",
    UNKNOWN: "Not known",
}


@dataclass(frozen=True)
class Child:
    """One case as the page shows it; ``sides`` holds the words under each heading, ``more`` how many were left out.

    ``range`` is where its chance lies, ``quiet_year`` what it would be after one, in words.
    """

    person_id: str
    referral_id: str
    chance: float | None
    range: str
    quiet_year: str
    abstained: bool
    reason_for_abstaining: str | None
    days_open: int | None
    sides: dict[str, list[str]]
    more: int


@dataclass(frozen=True)
class Family:
    """One family as the page shows it."""

    rank: int
    family_id: str
    chance: float
    tie_band: bool
    models: str
    children: list[Child]

    @property
    def size(self) -> int:
        """Number of its children that are shown."""
        return len({child.person_id for child in self.children})


def render_page(night: NightList) -> bytes:
    """The page as UTF-8 HTML. The same list gives the same bytes: the clock is read only in the reader's browser."""
    environment = Environment(
        loader=PackageLoader("flows.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "in_ten": night_list.in_ten,
        "in_words": night_list.in_words,
        "number": night_list.number,
        "in_a_sentence": lambda chance: night_list.in_a_sentence(chance, night.outcome),
    }
    style = (files("flows.publish") / "style.css").read_text(encoding="utf-8")
    script = environment.get_template("age.js.j2").render()
    html = environment.get_template("list.html.j2").render(
        night=night,
        families=_families(night),
        references=night.references,
        tied=night.families.filter("tie_band").height,
        tied_listed=night.listed.filter("tie_band").height,
        headings=HEADINGS,
        what_it_is=night_list.WHAT_IT_IS,
        what_it_is_not=night_list.WHAT_IT_IS_NOT,
        style=Markup(style),  # noqa: S704  our own file, not data
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    return html.encode()


def _families(night: NightList) -> list[Family]:
    words = {
        (row["person_id"], row["referral_id"]): row
        for row in night.listed_reasons.group_by("person_id", "referral_id", maintain_order=True)
        .agg(pl.col("words").filter(pl.col("side") == side).alias(side) for side in HEADINGS)
        .iter_rows(named=True)
    }
    families: dict[str, Family] = {}
    for case in night.listed_cases.iter_rows(named=True):
        family = families.setdefault(
            case["family_id"],
            Family(
                case["family_rank"],
                case["family_id"],
                case["family_chance"],
                case["tie_band"],
                night_list.by_other_models(case["share_of_models"], case["models"]),
                [],
            ),
        )
        found = words.get((case["person_id"], case["referral_id"]), {})
        family.children.append(
            Child(
                case["person_id"],
                case["referral_id"],
                case["chance"],
                night_list.in_a_range(case["chance_low"], case["chance_high"]),
                night_list.after_a_quiet_year(case["chance"], case["chance_after_quiet_year"]),
                case["abstained"],
                case["reason_for_abstaining"],
                case["days_open"],
                {side: found.get(side, [])[:SHOWN_REASONS] for side in HEADINGS},
                sum(max(0, len(found.get(side, [])) - SHOWN_REASONS) for side in HEADINGS),
            )
        )
    return list(families.values())


def _hash(text: str) -> str:
    """The hash by which the page's security policy knows its own style and script, and allows no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
