"""What readers are shown for one night: the data behind the page and the workbook."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from features.circumstances import STAGES
from features.timeline import TOLD
from flows.publish.approval import Approval
from flows.publish.chance_words import in_words, number, shorten
from models import offers
from models.places import PLACES, Standing
from models.team_decisions import begin_week
from validation.errors import ChecksError

NONE_RECORDED = "Nothing among the facts that this list looks at; you may know of something"
"""What stands where a child has no worry, or no strength."""

WORRY, STRENGTH, CASE, UNKNOWN = SIDES = ("worry", "strength", "about the case", "not known")

SHOWN_REASONS = 3
"""At most so many reasons are shown on each side of a child; the workbook's sheet "Reasons" has them all."""


CASES = offers.SCORES | {
    "days_open": pl.Int64(),
    "chance_low": pl.Float64(),
    "chance_high": pl.Float64(),
    "chance_after_quiet_year": pl.Float64(),
    "age_band": pl.String(),
    "stage": pl.String(),
    "safety_scale": pl.Int64(),
    "safety_scaled_on": pl.Date(),
    "safety_rater": pl.String(),
}
FAMILIES = PLACES | {
    "chance_low": pl.Float64(),
    "chance_high": pl.Float64(),
    "chance_after_quiet_year": pl.Float64(),
    "share_of_models": pl.Float64(),
    "models": pl.Int64(),
}
REASONS = {
    "as_of": pl.Date(),
    "person_id": pl.String(),
    "referral_id": pl.String(),
    "feature": pl.String(),
    "group": pl.String(),
    "contribution": pl.Float64(),
    "value": pl.Float64(),
    "side": pl.String(),
    "words": pl.String(),
    "rank": pl.Int64(),
}
EVENTS = {"person_id": pl.String(), "what": pl.String(), "begins": pl.Date(), "ends": pl.Date()}

WHAT_IT_IS = (
    "An order in which to make additional, early offers of help, such as restorative early help or a Family Group Conference.",
    "Offers are voluntary. A family may say no, and nothing follows from that.",
    "A person decides each time, knows more than this list does, and may disagree with it.",
)
BEFORE_A_CALL = "Before anyone rings a family: speak with the allocated social worker, and make sure that it is safe to call."
IF_WORRIED = "If anything here worries you, follow your safeguarding procedures today, whatever this list says."
WHAT_IT_IS_NOT = (
    "Not a reason to close a case, to keep one open or to escalate it.",
    "Not an assessment of harm or safety. It says what happened to many children like this one, not what will happen "
    "to this child.",
    "Not a way to ration what a family is entitled to, such as the family group decision-making offer before care proceedings.",
)


@dataclass(frozen=True)
class Counts:
    """How many cases the night saw. ``not_scored`` gives the cases for each reason, in plain words.

    ``set_aside`` counts rows of tonight's data that were kept out because of an error.
    """

    open_cases: int
    scored: int
    not_scored: Mapping[str, int]
    set_aside: int


@dataclass(frozen=True)
class ShownKind:
    """A kind of offer: its code and words, the slots of a week, and the families that were given it this week already."""

    code: str
    words: str
    weekly_slots: int
    made_this_week: int

    @property
    def slots(self) -> int:
        """Slots that are left this week."""
        return max(0, self.weekly_slots - self.made_this_week)


@dataclass(frozen=True)
class Changes:
    """What is new, moved and gone since the list before: family ids, with the reason in plain words for those moved and gone.

    ``new``: families with a place that had none. ``moved``: families that have another place, or wait for one. ``gone``:
    families that had a place and are not shown among those with a place or waiting. Of ``before`` families that had a place,
    ``kept`` have the same one.
    """

    since: date
    new: tuple[str, ...]
    moved: Mapping[str, str]
    gone: Mapping[str, str]
    before: int
    kept: int


@dataclass(frozen=True)
class Unanswered:
    """An offer that waits for the family's answer: which (in words), since when, and the night in whose workbook it is told."""

    family_id: str
    kind: str
    offered_on: date
    night: date


@dataclass(frozen=True, eq=False)
class NightList:
    """Everything that the page and the workbook show for one night.

    ``outcome`` is in words ("a new referral within 12 months"), ``outcome_version`` its name and version. Frames:
    ``families`` (columns as in ``FAMILIES``; one row for each family with an open case), ``cases`` (``CASES``), ``reasons``
    (``REASONS``, of all cases or only those that are shown), ``events`` (``EVENTS``, of the children that are shown).
    ``next_families`` is the number of waiting families that are shown after those with a place. ``missing_tables``: tables of
    the contract that were not supplied, in words. ``demonstration``: the model was trained on invented data; ``invented``: so
    are tonight's rows. The list is stale when it is more than ``stale_after_days`` old. ``average`` is the chance of an
    average case. ``erased_on``: the day on which a child was erased and the list made anew without it, if that was done.

    Raises ``ChecksError`` when the parts do not fit together: half a list is never shown.
    """

    as_of: date
    authority: str
    outcome: str
    outcome_version: str
    model: str
    model_version: str
    approval: Approval
    average: float
    demonstration: bool
    invented: bool
    extract_date: date
    kinds: tuple[ShownKind, ...]
    next_families: int
    most_days_listed: int
    shuffle_seed: int
    families: pl.DataFrame
    cases: pl.DataFrame
    reasons: pl.DataFrame
    events: pl.DataFrame
    counts: Counts
    stale_after_days: int
    missing_tables: tuple[str, ...] = ()
    changes: Changes | None = field(default=None)
    unanswered: tuple[Unanswered, ...] = ()
    erased_on: date | None = None

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        object.__setattr__(self, "cases", _shaped("cases", self.cases, CASES).with_columns(offers.FAMILY))
        for name, columns in (("families", FAMILIES), ("reasons", REASONS), ("events", EVENTS)):
            object.__setattr__(self, name, _shaped(name, getattr(self, name), columns))
        counts, key = self.counts, ["person_id", "referral_id"]
        not_scored = sum(counts.not_scored.values())
        known = set(self.placed["family_id"])
        slots = {kind.code: kind.slots for kind in self.kinds}
        given = dict(self.placed.group_by("kind").len().iter_rows())
        _require(counts.open_cases == counts.scored + not_scored, "counts", "open cases are not scored + not scored")
        _require(counts.open_cases == self.cases.height, "counts", "open cases are not the cases")
        _require(counts.scored == self.cases.filter(~pl.col("abstained")).height, "counts", "scored is not the cases")
        _require(self.families["family_id"].is_unique().all(), "families", "one stands there twice")
        _require(set(self.families["standing"]) <= set(Standing), "families", "a standing is not known")
        _require(set(given) <= set(slots), "families", "a place is of a kind that is not offered")
        _require(all(given[kind] <= slots[kind] for kind in given), "families", "more have a place than there are slots")
        _require((self.families["shuffle_seed"] == self.shuffle_seed).all(), "families", "drawn with another shuffle seed")
        statutory = self.families.filter(standing=Standing.STATUTORY)
        _require(statutory["order"].null_count() == statutory.height, "families", "a statutory offer is put in order")
        for name, frame in (("cases", self.cases), ("reasons", self.reasons)):
            _require((frame["as_of"] == self.as_of).all(), name, "it is of another night")
        _require(self.families.join(self.cases, on="family_id", how="anti").is_empty(), "cases", "a family has none")
        _require(self.cases.join(self.families, on="family_id", how="anti").is_empty(), "cases", "a case has no family")
        _require(self.reasons.join(self.cases, on=key, how="anti").is_empty(), "reasons", "some belong to no case")
        _require(set(self.reasons["side"]) <= set(SIDES), "reasons", f"a side is not one of {', '.join(SIDES)}")
        unknown = sorted(set(self.events["what"]) - set(TOLD))
        _require(not unknown, "events", f"what happened is not known: {', '.join(unknown)}")
        if self.changes:
            _require(set(self.changes.new) <= known, "changes", "a new family has no place")
            _require(not known & set(self.changes.gone), "changes", "a family is gone and has a place")

    @property
    def placed(self) -> pl.DataFrame:
        """The families that have a place, first to last."""
        return self.families.filter(standing=Standing.PLACE).sort("order")

    @property
    def waiting(self) -> pl.DataFrame:
        """The families that come next, first to last: as many as are shown."""
        return self.families.filter(standing=Standing.WAITING).sort("order").head(self.next_families)

    @property
    def shown(self) -> pl.DataFrame:
        """The families that are shown with their children and reasons: those with a place, then those that come next."""
        return pl.concat([self.placed, self.waiting])

    def apart(self, standing: Standing) -> pl.DataFrame:
        """The families of a standing that are shown apart, by their id: no order is meant."""
        return self.families.filter(standing=standing).sort("family_id")

    @property
    def shown_cases(self) -> pl.DataFrame:
        """The cases of the families that are shown: by family as in ``shown``, then highest chance first."""
        order = self.shown.select("family_id").with_row_index("place")
        return (
            self.cases.join(order, on="family_id")
            .sort(
                "place",
                "chance",
                "person_id",
                "referral_id",
                descending=[False, True, False, False],
                nulls_last=True,
            )
            .drop("place")
        )

    @property
    def shown_reasons(self) -> pl.DataFrame:
        """The reasons of those cases in the same order, each case's by ``rank``."""
        key = ["person_id", "referral_id"]
        return self.shown_cases.select(*key, "family_id").join(
            self.reasons.sort("rank", "feature"), on=key, maintain_order="left_right"
        )

    @property
    def stamps(self) -> tuple[str, ...]:
        """Warnings that go across every page."""
        return ("INVENTED DATA",) * self.invented + (
            "DEMONSTRATION: model trained on invented data - do not use for any child",
        ) * self.demonstration

    @property
    def stale_on(self) -> date:
        """The last day on which the list may be used."""
        return self.as_of + timedelta(days=self.stale_after_days)

    @property
    def morning(self) -> date:
        """The day on whose morning the list is opened: the data are those of the end of the day before."""
        return self.as_of + timedelta(days=1)

    @property
    def week(self) -> date:
        """The Monday of the week whose slots are counted: that in which the list is used."""
        return begin_week(self.as_of)

    @property
    def nothing_to_show(self) -> str:
        """Why no family has a place, in plain words; empty when one has."""
        ranked, day = self.families["order"].count(), in_words(self.as_of)
        if self.placed.height:
            return ""
        if not self.counts.open_cases:
            return f"No case was open on {day}, so there is no family to make an offer to."
        if not self.counts.scored:
            return (
                f"{number(self.counts.open_cases, 'case was', 'cases were')} open on {day}, but none could be scored, "
                "so no order is given. The reasons are below."
            )
        if not sum(kind.slots for kind in self.kinds):
            return (
                f"There is room for 0 families now, so none has a place. {number(ranked, 'family is', 'families are')} in order."
            )
        return "Under the council's rules no family can be made an offer now. The reasons are below."

    @property
    def references(self) -> dict[str, str]:
        """For each family, child and case that is shown, the short reference that stands for it."""
        changed = [*self.changes.gone, *self.changes.moved] if self.changes else []
        waiting = [offer.family_id for offer in self.unanswered]
        shown = [*self.families["family_id"], *self.cases["person_id"], *self.shown_cases["referral_id"]]
        return shorten([*shown, *changed, *waiting])

    def kind_words(self, code: str | None) -> str:
        """What readers call a kind of offer; empty for none."""
        return next((kind.words for kind in self.kinds if kind.code == code), "")

    def about(self) -> list[tuple[str, str]]:
        """Label and text of every line that says where the list comes from; the counts add up."""
        counts, standing = self.counts, dict(self.families.group_by("standing").len().iter_rows())
        parts = "; ".join(f"{reason}: {cases}" for reason, cases in counts.not_scored.items() if cases)
        not_scored = sum(counts.not_scored.values())
        families = " + ".join(f"{standing.get(each, 0)} {STANDING_WORDS[each]}" for each in Standing)
        slots = "; ".join(
            f"{kind.words}: {kind.weekly_slots} a week, {kind.made_this_week} made this week, {kind.slots} left"
            for kind in self.kinds
        )
        missing = ", ".join(self.missing_tables)
        anew = []
        if self.erased_on:
            words = f"On {in_words(self.erased_on)} a child was erased, and what was said of it was taken out."
            anew = [("Made anew", f"{words} Where a family stands is as it was shown before.")]
        return [
            *anew,
            ("List for", f"{self.authority}, {in_words(self.as_of)}. Use it until {in_words(self.stale_on)}."),
            (
                "Data",
                f"The extract of {in_words(self.extract_date)}: what the case system showed at the end of that day.",
            ),
            ("Tables not supplied", f"{missing}. The list knows nothing of what they would hold." if missing else "None."),
            ("Model", f"{self.model}, version {self.model_version}"),
            *self.approval.tell(),
            ("Outcome", f"{self.outcome} ({self.outcome_version})"),
            (
                "Cases",
                f"{counts.open_cases} open = {counts.scored} scored + {not_scored} not scored"
                + (f" ({parts})." if parts else "."),
            ),
            ("Families", f"{self.families.height} with an open case = {families}."),
            (
                "Rows set aside",
                f"{number(counts.set_aside, 'row', 'rows')} of tonight's data kept out because of an error.",
            ),
            (f"Room in the week from {in_words(self.week)}", f"{slots}."),
            (
                "How the order is made",
                "A family stands where its child with the highest chance stands; brothers and sisters take one place. "
                "Families with the same chance, to the nearest tenth of a percent, are put in order by lot. A family that has a "
                f"place keeps it until somebody decides, for at most {self.most_days_listed} days.",
            ),
            ("Seed of the lot", f"{self.shuffle_seed} (the same seed draws the same order again)"),
        ]


def furthest_stages(cases: pl.DataFrame) -> dict[str, str]:
    """By family id, the furthest stage of its open cases; empty words where no stage is known."""
    order = pl.Enum(STAGES)
    furthest = cases.group_by("family_id").agg(pl.col("stage").cast(order, strict=False).max().cast(pl.String).fill_null(""))
    return dict(furthest.select("family_id", "stage").iter_rows())


STANDING_WORDS = {
    Standing.PLACE: "with a place",
    Standing.WAITING: "waiting",
    Standing.RENEW: "to be renewed by a person",
    Standing.STATUTORY: "with an offer by law",
    Standing.NOT_ELIGIBLE: "not eligible now",
    Standing.NOT_SCORED: "without a chance",
}


def _shaped(name: str, frame: pl.DataFrame, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The frame with the types that are shown; further columns stay."""
    missing = [column for column in columns if column not in frame.columns]
    _require(not missing, name, f"it lacks {', '.join(missing)}")
    try:
        return frame.cast(pl.Schema({**frame.schema, **columns}))
    except pl.exceptions.InvalidOperationError:
        found = ", ".join(f"{column} is {frame.schema[column]}" for column in columns)
        raise ChecksError(
            f"'{name}' of the night's list has a column of the wrong type: {found}; needed are "
            f"{', '.join(f'{column} {dtype}' for column, dtype in columns.items())}. No list is published."
        ) from None


def _require(fits: bool, part: str, fault: str) -> None:
    if not fits:
        raise ChecksError(f"'{part}' of the night's list does not fit: {fault}. No list is published; run the night again.")
