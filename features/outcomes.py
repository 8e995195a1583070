"""Outcomes: what is predicted. Named, versioned declarations, and the labels that they give to a cohort."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from features.cohort import ADULT
from features.episodes import episodes_at
from features.people import current_ids, records
from validation.errors import SettingsError
from validation.history import Archive

LATE_RECORDING_DAYS = 28

SETTLED_DAYS = 90  # after a referral; by then an assessment (45 working days) has said whether there was need
NEEDLESS = ("RC8", "RC9")  # closed after an assessment that found no need of a social worker

EXITS = {"RC1": "adopted", "RC2": "died", "RC5": "moved to another authority"}


@dataclass(frozen=True)
class Outcome:
    """What is predicted.

    ``window_days`` is how long a return is waited for. With ``closing_within_days`` the window starts at the closing of the
    case, which must fall within so many days of ``as_of``; without it, it starts at ``as_of``.
    """

    name: str
    version: int
    words: str
    window_days: int
    closing_within_days: int | None = None

    @property
    def days_to_maturity(self) -> int:
        """Days from ``as_of`` until the last day on which a return counts."""
        return self.window_days + (self.closing_within_days or 0)


NEW_REFERRAL = Outcome("new_referral_within_12_months", 1, "a new referral within 12 months", window_days=365)
RETURN_AFTER_CLOSING = Outcome(
    "returns_within_12_months_of_closing",
    1,
    "a new referral within 12 months of closing, if the case closes within 6 months",
    window_days=365,
    closing_within_days=182,
)
OUTCOMES: Mapping[str, Outcome] = {outcome.name: outcome for outcome in (NEW_REFERRAL, RETURN_AFTER_CLOSING)}


def latest_mature(outcome: Outcome, extract_date: date) -> date:
    """The latest date whose window, with 28 days for late recording, had ended by the extract date."""
    return extract_date - timedelta(days=outcome.days_to_maturity + LATE_RECORDING_DAYS)


def label(archive: Archive, cohort: pl.DataFrame, outcome: Outcome) -> pl.DataFrame:
    """The cohort with its outcome, from everything that the archive knows by its extract date.

    Adds ``outcome`` (Boolean; empty for rows outside the outcome's cohort), ``outside`` (why a row is outside: turns 18 in
    the window, or did not close in time), ``exit`` (adopted, died or moved without an earlier return; these count as no
    return), ``closed_in_window`` (the case closed within the window), ``returned_on`` (the day of the return), and
    ``returned_in_need``: a return was neither without further action nor closed after an assessment that found no need (empty
    where the window ended too late to know). It is no outcome: it tells whether returns mean the same in every group.
    Raises :class:`SettingsError` for immature dates.
    """
    mature = latest_mature(outcome, archive.extract_date)
    immature = cohort.filter(pl.col("as_of") > mature)["as_of"]
    if immature.len():
        raise SettingsError(
            f"Outcome '{outcome.name}' is not complete yet for '{immature.max()!s}': the latest complete date is "
            f"{mature}. Ask for a date up to it."
        )
    now = cohort.select("row", "person_id", as_of=pl.lit(archive.extract_date, pl.Date))
    now = current_ids(archive, now).select("row", "as_of", person_id="current_id")
    episodes = episodes_at(archive, records(archive, now)).select(
        "row", "chain", "began_on", "closed_on", "cine_referral_id", "cine_referral_nfa", "cine_close_reason"
    )
    chains = _sum_up(episodes)
    cases = _find_cases(cohort, episodes, chains)
    start = pl.col("case_closed_on") if outcome.closing_within_days else pl.col("as_of")
    end = start + timedelta(days=outcome.window_days)
    returns = (
        cases.select("row", "case_chain", start=start, end=end)
        .join(chains, on="row")
        # The case itself is no return, even when its referral date was corrected since.
        .filter(pl.col("chain").ne_missing(pl.col("case_chain")))
        .filter(pl.col("began_on") > pl.col("start"), pl.col("began_on") <= pl.col("end"))
        .group_by("row")
        .agg(returned_on=pl.col("began_on").min(), found=pl.col("in_need").any())
    )
    settled = end + timedelta(days=SETTLED_DAYS) <= archive.extract_date
    turns_adult = pl.col("dob").dt.offset_by(f"{ADULT}y") <= pl.col("as_of") + timedelta(days=outcome.days_to_maturity)
    within = timedelta(days=outcome.closing_within_days or 0)
    not_closed = (pl.col("case_closed_on") > pl.col("as_of") + within).fill_null(value=True) & bool(outcome.closing_within_days)
    closed = pl.col("case_closed_on").is_not_null() & (pl.col("case_closed_on") <= end)
    left = closed & pl.col("returned_on").is_null()
    return (
        cases.join(returns, on="row", how="left")
        .with_columns(
            outside=pl.when(turns_adult.fill_null(value=False))
            .then(pl.lit("turns 18 in the window"))
            .when(not_closed)
            .then(pl.lit("did not close in time")),
            exit=pl.when(left).then(pl.col("case_close_reason").replace_strict(EXITS, default=None)),
            closed_in_window=closed,
        )
        .with_columns(
            outcome=pl.when(pl.col("outside").is_null()).then(pl.col("returned_on").is_not_null()),
            exit=pl.when(pl.col("outside").is_null()).then(pl.col("exit")),
            returned_in_need=pl.when(pl.col("outside").is_null() & settled).then(pl.col("found").fill_null(value=False)),
        )
        .sort("row")
        .select(*cohort.columns, "outcome", "outside", "exit", "closed_in_window", "returned_on", "returned_in_need")
    )


def _sum_up(episodes: pl.DataFrame) -> pl.DataFrame:
    """A row for each case: when it began, when and why it closed in the end, and whether it was found to be in need."""
    return (
        episodes.group_by("row", "chain", maintain_order=True)
        .agg(
            pl.col("began_on").first(),
            case_closed_on=pl.when(pl.col("closed_on").is_null().any()).then(None).otherwise(pl.col("closed_on").max()),
            case_close_reason=pl.col("cine_close_reason").last(),
            nfa=pl.col("cine_referral_nfa").fill_null(value=False).all(),
        )
        .with_columns(in_need=~(pl.col("nfa") | pl.col("case_close_reason").is_in(NEEDLESS).fill_null(value=False)))
        .drop("nfa")
    )


def _find_cases(cohort: pl.DataFrame, episodes: pl.DataFrame, chains: pl.DataFrame) -> pl.DataFrame:
    """When and why each case closed in the end: adds ``case_chain``, ``case_closed_on``, ``case_close_reason``.

    The continuations of a case belong to it.
    """
    mine = episodes.select("row", "chain", referral_id="cine_referral_id")
    ends = mine.join(chains.drop("began_on", "in_need"), on=["row", "chain"]).rename({"chain": "case_chain"})
    return cohort.join(ends.unique(["row", "referral_id"], keep="last"), on=["row", "referral_id"], how="left")
