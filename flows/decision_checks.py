"""What can be wrong with a workbook that comes back, each fault in a sentence that a coordinator understands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from flows.publish.chance_words import in_words
from flows.publish.night_list import NightList
from flows.publish.workbook_guide import in_capital
from flows.publish.workbook_rows import ANSWERS, TOLD
from flows.workspace import Workspace
from models.team_decisions import ACCEPTED, DECISIONS, DECLINED, DO_NOT_ASK, ENTITLED, KEEP, OFFERED, REASONS, ROLES

ANSWER = ("decision", "kind", "reason", "role", "decided_on")
WITH_AN_OFFER = (OFFERED, ACCEPTED, DECLINED)
GOES_ON = (OFFERED, ACCEPTED, KEEP)
"""Decisions by which the family goes on being asked, or has said yes."""
MOST_ROWS = 10
"""At most so many rows are named in a sentence."""

DAYS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d %b %Y", "%d %B %Y")
"""Ways to write a day, the day before the month; the first two are cells that hold a date."""

DAY_ZERO = date(1899, 12, 30)
"""Workbooks count days from here: a date in a cell that lost its format is a number."""

_EMPTY = pl.lit(None, pl.String)


@dataclass(frozen=True)
class FoundNight:
    """The night that a workbook says it is of: its date and published folder where there are any, and what is wrong."""

    as_of: date | None
    folder: Path | None
    faults: Sequence[str]


@dataclass(frozen=True)
class Checked:
    """Decisions (``row``, ``label``, ``family_id`` and ``ANSWER``) and what is wrong with them."""

    decisions: pl.DataFrame
    faults: Sequence[str]


@dataclass(frozen=True)
class Compared:
    """Decisions that the log does not hold, those that correct one, the number that it holds already, and what is wrong."""

    new: pl.DataFrame
    corrections: pl.DataFrame
    known: int
    faults: Sequence[str]


def find_night(answers: pl.DataFrame, workspace: Workspace) -> FoundNight:
    """The published night of the most rows of a workbook (frame of ``read_answers``)."""
    nights = answers["Night"].drop_nulls().value_counts(sort=True).sort("count", "Night", descending=[True, False])
    try:
        as_of = date.fromisoformat(nights["Night"][0]) if nights.height else None
    except ValueError:
        as_of = None
    if as_of is None:
        return FoundNight(
            None, None, ["It does not say which list it is of: copy your answers into a fresh copy of the workbook."]
        )
    folder = workspace.night(as_of)
    if not folder.is_dir():
        words = f"It is of the list of {in_words(as_of)}, and there is no such list here: check which list you filled in."
        return FoundNight(as_of, None, [words])
    return FoundNight(as_of, folder, [])


def check_answers(answers: pl.DataFrame, night: NightList | None, as_of: date | None, imported_on: date) -> Checked:
    """Read the answer cells. Without a ``night`` offers are not known, without ``as_of`` no day is too early."""
    kinds = {} if night is None else {kind.words.lower(): kind.code for kind in night.kinds}
    references = {} if night is None else night.references
    filled = answers.filter(pl.any_horizontal(pl.col(list(ANSWERS)).is_not_null())).select(
        "row",
        _label(references),
        pl.col("Family id").alias("family_id"),
        *(pl.col(name).alias(f"{name} as found") for name in ANSWERS),
        decision=_choose("Decision", {code.lower(): code for code in DECISIONS}),
        kind=_choose("Offer", kinds),
        reason=_choose("Reason", {reason.lower(): reason for reason in REASONS}),
        role=_choose("Role", {role.lower(): role for role in ROLES}),
        decided_on=_read_day("Decided on"),
    )
    with_offer, found = pl.col("decision").is_in(WITH_AN_OFFER), {name: pl.col(f"{name} as found") for name in ANSWERS}
    named = [found["Offer"].is_not_null() & pl.col("kind").is_null()] if night is not None else []
    an_offer = f'"{in_capital(OFFERED)}", "{in_capital(ACCEPTED)}" and "{in_capital(DECLINED)}"'
    wrong = [
        (found["Decision"].is_null(), "an answer without a decision: choose one, or empty the yellow cells"),
        (_typed_over("Decision", "decision"), "a decision that is not in the drop-down: choose one from it"),
        (found["Reason"].is_null(), "a decision without a reason: choose the one that fits best"),
        (_typed_over("Reason", "reason"), "a reason that is not in the drop-down: choose one from it"),
        (found["Role"].is_null(), "a decision without a role: choose yours"),
        (_typed_over("Role", "role"), "a role that is not in the drop-down: choose one from it, and write no name"),
        (found["Decided on"].is_null(), "a decision without a day: give the day on which it was made"),
        (_typed_over("Decided on", "decided_on"), "a day that cannot be read: give it as day/month/year, such as 25/11/2026"),
        (pl.col("decided_on") > imported_on, f"a day after today, {in_words(imported_on)}: give the day of the decision"),
        (with_offer & found["Offer"].is_null(), f"no offer: {an_offer} need the offer that was made"),
        (~with_offer & found["Offer"].is_not_null(), f"an offer that does not belong there: only {an_offer} have one"),
        *(
            (
                pl.col("decision").is_in(GOES_ON) & (pl.col("reason") == reason),
                f'the reason "{reason}" beside a decision that goes on with an offer: one of the two must be another',
            )
            for reason in (DO_NOT_ASK, ENTITLED)
        ),
        *((mask, "an offer that is not in the drop-down: choose one from it") for mask in named),
    ]
    if as_of is not None:
        wrong.append((pl.col("decided_on") < as_of, f"a day before the list, {in_words(as_of)}: give the day of the decision"))
    faults = [f"{_at(rows)} has {words}." for mask, words in wrong if (rows := filled.filter(mask)).height]
    if filled.is_empty():
        faults.append("No family has a decision: fill in the yellow cells of at least one, and save the workbook.")
    return Checked(filled.select("row", "label", "family_id", *ANSWER), faults)


def check_against_list(
    answers: pl.DataFrame, published: pl.DataFrame, night: NightList, decisions: pl.DataFrame, logged: pl.DataFrame
) -> list[str]:
    """Compare a workbook cell by cell with the one that was published; both are frames of ``read_answers``.

    The workbook of a list that was made anew since is taken when the log holds every family of its ``decisions``: then it is
    no list to decide about any more, and only tells how offers were answered.
    """
    day = in_words(night.as_of)
    fresh = "copy your answers into a fresh copy of the workbook"
    if published["Family id"].null_count() == published.height:
        return [f"The list of {day} shows no family, so there is nothing to decide."]
    if not set(answers["Authority"]) & set(published["Authority"]):
        return [f"It is the list of another authority: take the workbook of {day} that was made here."]
    lists = set(answers["List"].drop_nulls())
    if len(lists) == 1 and not lists & set(published["List"]):
        if _are_all_held(decisions, logged):
            return []
        return [f"The list of {day} was made anew after this workbook was written: {fresh} of it."]
    told = answers.with_columns(_label(night.references))
    keys = ["Night", "Authority", "List"]
    both = told.join(published.select("Family id", pl.col([*TOLD, *keys]).name.suffix(" of the list")), on="Family id")
    unknown, lost = told.join(published, on="Family id", how="anti"), published.join(told, on="Family id", how="anti")
    other_night = both.filter(_differs("Night"))
    twice = told.filter(pl.col("Family id").is_not_null() & pl.col("Family id").is_duplicated())
    decided_twice = twice.filter(pl.col("Decision").is_not_null().sum().over("Family id") > 1)
    only_there_twice = twice.filter(pl.col("Decision").is_not_null().sum().over("Family id") < 2)
    faults = [
        (unknown, f"is of a family that is not on the list of {day}: {fresh}"),
        (other_night, f"is of another list than that of {day}: send one workbook for each list"),
        (decided_twice, "decides for a family twice: keep one decision for each family"),
        (only_there_twice, "holds a family that stands there twice: delete the copy"),
        *((both.filter(_differs(name)), f"was changed in '{name}': {fresh}") for name in TOLD),
        (both.filter(_differs("Authority") | _differs("List")), f"was changed in a hidden column: {fresh}"),
    ]
    words = [f"{_at(rows)} {words}." for rows, words in faults if rows.height]
    if lost.height:
        short = lost["Family id"].replace_strict(night.references, default="?").to_list()
        words.append(f"{_several('family', 'families', short)} of the list of {day} not in the workbook any more: {fresh}.")
    return words


def _are_all_held(decisions: pl.DataFrame, logged: pl.DataFrame) -> bool:
    families = decisions["family_id"]
    return bool(
        families.is_not_null().all() and families.is_unique().all() and families.is_in(logged["family_id"].implode()).all()
    )


def check_against_log(decisions: pl.DataFrame, logged: pl.DataFrame, imported_on: date, *, correct: bool) -> Compared:
    """Compare decisions with those that the log holds for the night: the same again, an answer to an offer, or a second one.

    A second one is wrong, unless the workbook is sent in to ``correct`` what was told before; once a day for a family.
    """
    known = decisions.join(logged, on=["family_id", *ANSWER], how="semi", nulls_equal=True)
    fresh = decisions.join(known, on="row", how="anti")
    before = logged.group_by("family_id").agg(
        pl.col("decision").unique().alias("decided"),
        pl.col("kind").last().alias("offered_kind"),
        pl.col("decided_on").max().alias("offered_on"),
        pl.col("imported_on").max().alias("told_on"),
    )
    held = fresh.join(before, on="family_id")
    open_offer = (pl.col("decided").list.len() == 1) & (pl.col("decided").list.first() == OFFERED)
    answer = open_offer & pl.col("decision").is_in([ACCEPTED, DECLINED])
    second = ~answer.fill_null(value=False)
    faults = [
        (
            second & pl.lit(not correct),
            "decides otherwise than was told before for this list: if that was a mistake, have it imported with --correct",
        ),
        (
            second & pl.lit(correct) & (pl.col("told_on") >= imported_on),
            "corrects what was told today: send it again tomorrow, so that the order of the two is known",
        ),
        (
            answer & (pl.col("kind") != pl.col("offered_kind")),
            "answers another offer than the one that was made: choose that one",
        ),
        (
            answer & (pl.col("decided_on") < pl.col("offered_on")),
            "has an answer from before the offer was made: put the day right",
        ),
    ]
    words = [f"{_at(rows)} {words}." for mask, words in faults if (rows := held.filter(mask)).height]
    corrected = held.filter(second).select("row")
    new, corrections = (fresh.join(corrected, on="row", how=how) for how in ("anti", "semi"))
    return Compared(new, corrections, known.height, words)


def _choose(name: str, words: dict[str, str]) -> pl.Expr:
    """The code that words of a drop-down stand for, whatever the size of their letters; empty for words that are not in it."""
    squeezed = pl.col(name).str.replace_all(r"\s+", " ").str.to_lowercase()
    return squeezed.replace_strict(words, default=None, return_dtype=pl.String) if words else _EMPTY


def _typed_over(name: str, read: str) -> pl.Expr:
    return pl.col(f"{name} as found").is_not_null() & pl.col(read).is_null()


def _read_day(name: str) -> pl.Expr:
    """A day from a cell: a date, a day that was typed in a British way, or the number that a workbook keeps for it."""
    text = pl.col(name).str.replace(r"^(\d{1,2}[/.-]\d{1,2}[/.-])(\d{2})$", "${1}20${2}")
    number = text.str.extract(r"^(\d{5})(?:\.\d+)?$").cast(pl.Int64)
    counted = pl.lit(DAY_ZERO).dt.offset_by(pl.format("{}d", number))
    return pl.coalesce(*(text.str.to_date(form, strict=False) for form in DAYS), counted)


def _differs(name: str) -> pl.Expr:
    """Whether a cell says something else than the list; how blanks and lines are kept depends on the reader's program."""
    here, there = (pl.col(each).str.replace_all(r"\s+", " ") for each in (name, f"{name} of the list"))
    return here.ne_missing(there)


def _label(references: dict[str, str]) -> pl.Expr:
    """The number of the row, with the family's short reference where it is on the list."""
    short = pl.col("Family id").replace_strict(references, default=None, return_dtype=pl.String) if references else _EMPTY
    return pl.concat_str(pl.format("{}", "row"), pl.format(" ({})", short).fill_null(""), separator="", ignore_nulls=True).alias(
        "label"
    )


def _at(rows: pl.DataFrame) -> str:
    labels = rows.sort("row")["label"].to_list()
    return f"{'Row' if len(labels) == 1 else 'Each of the rows'} {_enumerate(labels)}"


def _several(one: str, many: str, names: Sequence[str]) -> str:
    return f"The {one if len(names) == 1 else many} {_enumerate(names)} {'is' if len(names) == 1 else 'are'}"


def _enumerate(names: Sequence[str]) -> str:
    """Names as in a sentence, at most ``MOST_ROWS`` of them and how many more there are."""
    named = list(names[:MOST_ROWS]) + ([f"{len(names) - MOST_ROWS} more"] if len(names) > MOST_ROWS else [])
    return " and ".join(part for part in (", ".join(named[:-1]), named[-1]) if part)
