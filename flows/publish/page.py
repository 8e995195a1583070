"""The morning list as one web page that needs nothing but itself: no network, no fonts, no other file."""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from features.circumstances import AGE_BANDS, AGES
from flows.publish import chance_words, night_list
from flows.publish.approval import APPROVED_BY
from flows.publish.chance_words import in_words, weekday
from flows.publish.night_list import CASE, SHOWN_REASONS, STRENGTH, UNKNOWN, WORRY, NightList, furthest_stages
from flows.publish.timeline_picture import Event, draw_frame, draw_legend, draw_timeline, tell_timeline
from models.abstention import TURNS_ADULT
from models.places import Standing

HEADINGS = {
    WORRY: "What we are worried about",
    STRENGTH: "What is working well",
    UNKNOWN: "What is not known",
    CASE: "About the case",
}
TWO_SIDES = (WORRY, STRENGTH)  # shown side by side, also when one of them is empty
SHOWN_ON_OTHER_SIDES = 2

AT_THE_HEAD = ("Made anew", "Data", "Tables not supplied", "Cases", "Rows set aside", "Model", APPROVED_BY)
"""Lines of ``NightList.about`` that stand at the head of the page; the others are folded at its foot."""

NOT_FOR = (
    "Do not use it to close a case, to keep one open or to escalate one, to judge harm or safety, or to ration what a family "
    "is entitled to."
)
LOW_SCALE = 3  # and below: people said that the child is not safe, and it must not be overlooked
_AGES = {"not known": "age not known"}


@dataclass(frozen=True)
class Child:
    """One case as the page shows it: ``sides`` holds the words under each heading, ``picture`` and ``history`` its events.

    ``same_as`` is the reference of the child above whose history is the same; it is not shown twice.
    """

    reference: str
    case: str
    facts: str
    chance: str
    quiet_year: str
    scale: str
    low_scale: bool
    sides: dict[str, list[str]]
    picture: str
    history: list[tuple[str, str]]
    same_as: str


@dataclass(frozen=True)
class Found:
    """What filters and sorting go by: kinds of offer, age bands, the day on which it was listed, days open, new."""

    kinds: str
    bands: str
    since: str
    days_open: int
    new: bool


@dataclass(frozen=True)
class Family:
    """One family as the page shows it: ``notes`` are quiet words beside its name, ``lines`` what is said of it as a whole.

    ``counted`` is false where the family stands on the page a second time; ``children`` is empty where only its name is shown.
    """

    reference: str
    size: str
    stage: str
    offer: str
    chance: str
    notes: list[str]
    lines: list[str]
    found: Found
    children: list[Child]
    counted: bool = True


def render_page(night: NightList) -> bytes:
    """The page as UTF-8 HTML. The same list gives the same bytes: the clock is read only in the reader's browser."""
    folder = files("flows.publish")
    style = "".join((folder / name).read_text(encoding="utf-8") for name in ("style.css", "list.css"))
    script = (folder / "list.js").read_text(encoding="utf-8")
    about = night.about()
    families = _Families(night)
    html = (
        _environment()
        .get_template("list.html.j2")
        .render(
            night=night,
            references=night.references,
            places=[(kind, families.show(night.placed.filter(kind=kind.code))) for kind in night.kinds],
            waiting=families.show(night.waiting),
            also_waiting=families.name(night.apart(Standing.WAITING).join(night.waiting, on="family_id", how="anti")),
            renew=families.name(night.apart(Standing.RENEW)),
            statutory=families.name(night.apart(Standing.STATUTORY)),
            not_eligible=families.group(night.apart(Standing.NOT_ELIGIBLE)),
            not_scored=families.group_not_scored(),
            total=families.counted,
            average=chance_words.in_ten(night.average).replace(" in 10", ""),
            unnamed=night.families.height - families.counted,
            headings=HEADINGS,
            none_recorded=night_list.NONE_RECORDED,
            bands=[band for band in AGE_BANDS if band in families.bands],
            head=[line for label in AT_THE_HEAD for line in about if line[0] == label],
            foot=[line for line in about if line[0] not in AT_THE_HEAD],
            not_for=NOT_FOR,
            before_a_call=night_list.BEFORE_A_CALL,
            if_worried=night_list.IF_WORRIED,
            what_it_is=night_list.WHAT_IT_IS,
            what_it_is_not=night_list.WHAT_IT_IS_NOT,
            frame=Markup(draw_frame(night.as_of)),  # noqa: S704  our own drawing
            legend=[(Markup(mark), words) for mark, words in draw_legend()],  # noqa: S704
            style=Markup(style),  # noqa: S704  our own file, not data
            script=Markup(script),  # noqa: S704
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )
    return html.encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("flows.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"in_words": in_words, "number": chance_words.number, "weekday": weekday}
    return environment


class _Families:
    """The families of a night in words: with all that is known of them, or by name alone."""

    def __init__(self, night: NightList):
        self.night = night
        self.references = night.references
        self.counted, self.bands = 0, set[str]()
        self.new = set(night.changes.new) if night.changes else set()
        self.moved = night.changes.moved if night.changes else {}
        facts = (
            night.cases.sort("person_id", "referral_id")
            .group_by("family_id", maintain_order=True)
            .agg("age_band", pl.col("days_open").max(), pl.col("person_id").n_unique().alias("size"))
        )
        self.facts = {row["family_id"]: row for row in facts.iter_rows(named=True)}
        self.stages = furthest_stages(night.cases)
        self.cases = _by(night.shown_cases, "family_id")
        self.reasons = _by_side(night)
        self.events = {
            person: [Event(row["what"], row["begins"], row["ends"]) for row in rows]
            for person, rows in _by(night.events.sort("person_id", "begins", "what", "ends"), "person_id").items()
        }

    def show(self, families: pl.DataFrame) -> list[Family]:
        """Families with their children, reasons and history."""
        return [self._family(row, list(self._children(row["family_id"]))) for row in families.iter_rows(named=True)]

    def name(self, families: pl.DataFrame) -> list[Family]:
        """Families by their reference, with a few words."""
        return [self._family(row, []) for row in families.iter_rows(named=True)]

    def group(self, families: pl.DataFrame) -> list[tuple[tuple[str, ...], list[Family]]]:
        """Families by what refuses them an offer."""
        groups: dict[tuple[str, ...], list[Family]] = defaultdict(list)
        for row in families.iter_rows(named=True):
            groups[tuple(row["why_not"])].append(self._family(row, []))
        return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))

    def group_not_scored(self) -> list[tuple[str, int, list[Family]]]:
        """Why cases have no chance, how many, and their families; these are not named where all are about to turn 18."""
        rows = {row["family_id"]: row for row in self.night.families.iter_rows(named=True)}
        abstained = self.night.cases.filter("abstained")
        groups: list[tuple[str, int, list[Family]]] = []
        named = set[str]()
        for reason, cases in self.night.counts.not_scored.items():
            same = abstained.filter((pl.col("reason_for_abstaining") == reason) & (reason != TURNS_ADULT))
            families = []
            for family_id in same["family_id"].unique().sort():
                counted = rows[family_id]["standing"] == Standing.NOT_SCORED and family_id not in named
                families.append(self._family(rows[family_id], [], counted=counted))
                named.add(family_id)
            groups.append((_begin(reason), cases, families))
        return groups

    def _family(self, row: dict[str, Any], children: list[Child], *, counted: bool = True) -> Family:
        family_id, facts = row["family_id"], self.facts[row["family_id"]]
        bands = sorted(
            set(facts["age_band"]), key=lambda band: (AGE_BANDS.index(band) if band in AGE_BANDS else len(AGE_BANDS), band)
        )
        kinds = [row["kind"]] if row["standing"] == Standing.PLACE else row["kinds"]
        self.counted += counted
        self.bands |= set(bands)
        return Family(
            self.references[family_id],
            f"{chance_words.number(facts['size'], 'child', 'children')}: {_listed([_AGES.get(band, band) for band in bands])}",
            self.stages[family_id],
            self._offer(row),
            "" if row["chance"] is None or row["standing"] == Standing.STATUTORY else chance_words.in_ten(row["chance"]),
            self._notes(row),
            self._lines(row),
            Found(
                " ".join(kinds),
                "|".join(bands),
                row["listed_since"].isoformat() if row["listed_since"] else "",
                facts["days_open"] or 0,
                family_id in self.new,
            ),
            children,
            counted,
        )

    def _offer(self, row: dict[str, Any]) -> str:
        if row["standing"] in (Standing.PLACE, Standing.RENEW):
            return self.night.kind_words(row["kind"])
        return _listed(self._kinds(row), "or") if row["standing"] == Standing.WAITING else ""

    def _kinds(self, row: dict[str, Any], *, but: str | None = None) -> list[str]:
        return [self.night.kind_words(code) for code in row["kinds"] if code != but]

    def _notes(self, row: dict[str, Any]) -> list[str]:
        listed, placed = row["listed_since"], row["standing"] == Standing.PLACE
        kept = listed if listed and listed < self.night.as_of else None
        return [
            *["new"] * (row["family_id"] in self.new),
            *([("drawn by lot" if placed else "not drawn by lot")] if row["tie_band"] else []),
            *([f"listed since {in_words(kept)}"] if kept else []),
        ]

    def _lines(self, row: dict[str, Any]) -> list[str]:
        """What is said of a family as a whole."""
        placed = row["standing"] == Standing.PLACE
        moved, also = self.moved.get(row["family_id"]), _listed(self._kinds(row, but=row["kind"]), "or")
        offer = f"It could also be offered: {also}."
        if row["standing"] == Standing.WAITING:
            offer = f"When there is room it could be offered: {also}."
        return [
            *([offer] if also else []),
            *([chance_words.by_other_models(row["share_of_models"], row["models"])] if placed and row["models"] else []),
            *([f"Since the last list: {moved.rstrip('.')}."] if moved else []),
        ]

    def _children(self, family_id: str) -> Iterator[Child]:
        """The cases of a family that is shown; a history that brothers and sisters share stands once, with the first of them."""
        told: dict[tuple[Event, ...], str] = {}
        seen = set[str]()
        for case in self.cases[family_id]:
            reference, as_of = self.references[case["person_id"]], self.night.as_of
            events = tuple(self.events.get(case["person_id"], []))
            again = case["person_id"] in seen
            seen.add(case["person_id"])
            above = told.get(events, "")
            told.setdefault(events, reference)
            yield Child(
                reference,
                self.references[case["referral_id"]],
                _facts(case) + (". Another open case of this child" if again else ""),
                _chance(case, self.night.outcome),
                chance_words.after_a_quiet_year(case["chance"], case["chance_after_quiet_year"]),
                _scale(case),
                case["safety_scale"] is not None and case["safety_scale"] <= LOW_SCALE,
                _sides(self.reasons.get((case["person_id"], case["referral_id"]), {}), weighed=not case["abstained"]),
                "" if above else Markup(draw_timeline(events, as_of)),  # noqa: S704  our own drawing
                tell_timeline(events, as_of),
                above,
            )


def _by(frame: pl.DataFrame, key: str) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in frame.iter_rows(named=True):
        groups[row[key]].append(row)
    return groups


def _by_side(night: NightList) -> dict[tuple[str, str], dict[str, list[str]]]:
    """For each case that is shown, the words under each heading, the weightiest first."""
    frame = night.shown_reasons.group_by("person_id", "referral_id", maintain_order=True).agg(
        pl.col("words").filter(pl.col("side") == side).alias(side) for side in HEADINGS
    )
    return {(row["person_id"], row["referral_id"]): {side: row[side] for side in HEADINGS} for row in frame.iter_rows(named=True)}


def _sides(found: dict[str, list[str]], *, weighed: bool) -> dict[str, list[str]]:
    """The words to show under each heading; what is worrying and what is working well stand there too when there are none."""
    most = {side: SHOWN_REASONS if side in TWO_SIDES else SHOWN_ON_OTHER_SIDES for side in HEADINGS}
    return {side: found.get(side, [])[: most[side]] for side in HEADINGS if found.get(side) or (weighed and side in TWO_SIDES)}


def _facts(case: dict[str, Any]) -> str:
    days = case["days_open"]
    told = [case["age_band"] and _age(case["age_band"]), case["stage"], days is not None and f"open for {_days(days)}"]
    return _begin(", ".join(each for each in told if each))


def _days(days: int) -> str:
    return chance_words.number(days, "day", "days")


def _age(band: str) -> str:
    return f"age {band}" if band in AGES else _AGES.get(band, band)


def _chance(case: dict[str, Any], outcome: str) -> str:
    if case["abstained"]:
        why = case["reason_for_abstaining"]
        return f"No chance is given{f': {why}' if why else ''}."
    between = chance_words.in_a_range(case["chance_low"], case["chance_high"])
    return chance_words.in_a_sentence(case["chance"], f"{outcome} ({between})" if between else outcome)


def _scale(case: dict[str, Any]) -> str:
    if case["safety_scale"] is None:
        return ""
    told: Iterable[str | None] = (case["safety_rater"], _day(case["safety_scaled_on"]))
    by = ", ".join(each for each in told if each)
    return f"Signs of Safety scale: {case['safety_scale']} out of 10" + (f" ({by})." if by else ".")


def _day(day: date | None) -> str | None:
    return in_words(day) if day else None


def _begin(words: str) -> str:
    """Words as at the start of a sentence."""
    return words[:1].upper() + words[1:]


def _listed(words: list[str], last: str = "and") -> str:
    """Words as in a sentence: "a, b and c"."""
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)


def _hash(text: str) -> str:
    """The hash by which the page's security policy knows its own style and script, and allows no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
