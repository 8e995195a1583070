"""From scores to the night's list: where each family stands, what is shown of it, and what the ledger keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from features.outcomes import OUTCOMES, Outcome
from flows.changes import find_changes
from flows.publish.approval import Approval
from flows.publish.night_list import Changes, Counts, NightList, ShownKind, Unanswered
from flows.publish.printed import plain
from flows.scoring import CASE, Built, Scored
from flows.settings import Settings
from models import offers
from models.eligibility import gather_circumstances, judge
from models.model import ScreeningModel
from models.multiplicity import share_of_models
from models.offer_kinds import Offers
from models.places import Standing, allocate
from models.team_decisions import count_made_this_week, find_unanswered
from validation.codes import codes
from validation.extract import Manifest, Origin
from validation.gate import Gated

# What readers call the tables that a council may leave out.
TABLES_IN_WORDS = {
    "ssd_contacts": "contacts",
    "ssd_early_help_episodes": "early help",
    "ssd_family": "who belongs to which family",
    "ssd_cin_assessments": "assessments",
    "ssd_assessment_factors": "what assessments found",
    "ssd_cin_plans": "child in need plans",
    "ssd_s47_enquiry": "section 47 enquiries",
    "ssd_initial_cp_conference": "initial child protection conferences",
    "ssd_cp_plans": "child protection plans",
    "ssd_cla_episodes": "being looked after",
    "ssd_missing": "going missing",
    "ext_offers": "offers made",
    "ext_assessments_sos": "Signs of Safety scales",
}


@dataclass(frozen=True)
class Basis:
    """What a list is made by beside the scores.

    ``offers`` is what the council offers, ``decided`` the log of the team's decisions, ``before`` the families of the last list
    and ``since`` its night; both empty where there was none.
    """

    offers: Offers
    decided: pl.DataFrame
    before: pl.DataFrame | None = None
    since: date | None = None


@dataclass(frozen=True)
class Listed:
    """Where each family stands (columns as in ``night_list.FAMILIES``), and families that had each offer this week."""

    families: pl.DataFrame
    made_this_week: Mapping[str, int]

    def note(self) -> dict[str, Any]:
        """Counts for the run record."""
        placed = self.families.filter(standing=Standing.PLACE)
        return {
            "families": self.families.height,
            "listed": placed.height,
            "standings": dict(self.families.group_by("standing").len().sort("standing").iter_rows()),
            "places": dict(placed.group_by("kind").len().sort("kind").iter_rows()),
            "made_this_week": dict(self.made_this_week),
        }


def read_before(folder: Path | None) -> tuple[pl.DataFrame | None, date | None]:
    """The families of an earlier list and its night; both ``None`` when there is none, or an earlier version published it."""
    families = None if folder is None else pl.read_parquet(folder / "list.parquet")
    if folder is None or families is None or "standing" not in families.columns:
        return None, None
    return families, date.fromisoformat(folder.name[:10])


def list_families(model: ScreeningModel, built: Built, scored: Scored, basis: Basis, seed: int, as_of: date) -> Listed:
    """Judge every family by the council's rules and give the places of the week."""
    circumstances = gather_circumstances(built.circumstances, built.offers_made, basis.decided, as_of)
    eligible = judge(circumstances, basis.offers)
    made = count_made_this_week(built.offers_made, basis.decided, as_of)
    placed = allocate(scored.cases, eligible, basis.before, basis.decided, basis.offers, made, seed, as_of)
    competing = placed.filter(pl.col("standing").is_in([Standing.PLACE, Standing.WAITING]))["family_id"].implode()
    family_ids = scored.cases.select(offers.FAMILY).to_series()
    matrix = scored.cases.select(CASE).join(built.matrix, on=CASE, how="left", maintain_order="left")
    apart = scored.cases["abstained"] | ~family_ids.is_in(competing)
    shares = share_of_models(model.bag_chances(matrix), family_ids, apart, basis.offers.capacity)
    doubts = describe_doubts(scored.cases)
    families = placed.join(doubts, on="family_id", how="left", maintain_order="left").join(
        shares, on="family_id", how="left", maintain_order="left"
    )
    return Listed(families, made)


def describe_doubts(cases: pl.DataFrame) -> pl.DataFrame:
    """Per family the range of its chance (of the child whose chance it is) and the highest chance after a quiet year."""
    return (
        cases.filter(~pl.col("abstained"))
        .with_columns(offers.FAMILY)
        .sort("chance", *CASE, descending=[True, False, False])
        .group_by("family_id")
        .agg(pl.col("chance_low", "chance_high").first(), pl.col("chance_after_quiet_year").max())
    )


def compose(
    listed: Listed,
    scored: Scored,
    built: Built,
    basis: Basis,
    model: ScreeningModel,
    approval: Mapping[str, Any],
    gated: Gated,
    settings: Settings,
    as_of: date,
) -> NightList:
    """Everything that page and workbook show. ``approval`` is the decision that made the model champion."""
    outcome: Outcome = OUTCOMES[model.outcome]
    manifest = gated.manifest
    told = built.circumstances.select(*CASE, "age_band", "stage", "safety_scale", "safety_scaled_on", "safety_rater")
    return NightList(
        as_of=as_of,
        authority=manifest.authority,
        outcome=outcome.words,
        outcome_version=f"{outcome.name}, version {outcome.version}",
        model=plain(model.name),
        model_version=model.version,
        approval=Approval(
            approval["role"],
            date.fromisoformat(approval["decided_on"]),
            date.fromisoformat(approval["review_by"]),
            approval.get("conditions") or "",
        ),
        average=model.base_chance,
        demonstration=model.origin is Origin.INVENTED and manifest.origin is Origin.REAL,
        invented=manifest.origin is Origin.INVENTED,
        extract_date=manifest.extract_date,
        kinds=tuple(
            ShownKind(kind.code, kind.words, kind.weekly_slots, listed.made_this_week.get(kind.code, 0))
            for kind in basis.offers.kinds
        ),
        next_families=basis.offers.next_families,
        most_days_listed=basis.offers.most_days_listed,
        shuffle_seed=settings.seed,
        families=listed.families,
        cases=scored.cases.join(told, on=CASE, how="left", maintain_order="left"),
        reasons=scored.reasons,
        events=built.events,
        counts=_count(scored.cases, gated),
        stale_after_days=settings.stale_after_days,
        missing_tables=tuple(words for table, words in TABLES_IN_WORDS.items() if table not in gated.accepted),
        changes=_changes(listed, basis, as_of),
        unanswered=_find_unanswered(built, basis, as_of),
    )


def _count(cases: pl.DataFrame, gated: Gated) -> Counts:
    abstained = cases.filter("abstained")
    reasons = abstained.group_by("reason_for_abstaining").len().sort("reason_for_abstaining")
    aside = sum(count.faulty for count in gated.counts.values())
    return Counts(cases.height, cases.height - abstained.height, dict(reasons.iter_rows()), aside)


def _find_unanswered(built: Built, basis: Basis, as_of: date) -> tuple[Unanswered, ...]:
    words = {code: code_of.label for code, code_of in codes("offer_kind").items()}
    found = find_unanswered(built.offers_made, basis.decided, as_of)
    return tuple(
        Unanswered(row["family_id"], words.get(row["kind"], ""), row["offered_on"], row["night"])
        for row in found.iter_rows(named=True)
    )


def _changes(listed: Listed, basis: Basis, as_of: date) -> Changes | None:
    """What changed since the list before, if there was one."""
    if basis.before is None or basis.since is None:
        return None
    words = {code: code_of.label for code, code_of in codes("offer_kind").items()}
    return find_changes(listed.families, basis.before, basis.decided, words, basis.since, as_of)


def as_shown(listed: Listed, scored: Scored, model: ScreeningModel, manifest: Manifest) -> pl.DataFrame:
    """The ledger's entry: every case's chance with its family's place, the model and the outcome that it speaks of.

    A family bears the pseudonym of one of its children, and an entry is never changed: here it has another name, so that this
    child can be erased and its brothers and sisters stay.
    """
    places = listed.families.select(
        "family_id", "order", "standing", "kind", "listed_since", "tie_band", "slot_chance", "shuffle_seed", "share_of_models"
    )
    return (
        scored.cases.with_columns(offers.FAMILY)
        .join(places, on="family_id", how="left")
        .with_columns(
            family_id=_rename(listed.families["family_id"]),
            model=pl.lit(model.name),
            model_version=pl.lit(model.version),
            outcome=pl.lit(model.outcome),
            outcome_version=pl.lit(model.outcome_version),
            extract_date=pl.lit(manifest.extract_date),
            origin=pl.lit(manifest.origin.value),
        )
    )


def _rename(family_ids: pl.Series) -> pl.Expr:
    """Each family's other name: the same on every night, and no child's."""
    names = {one: sha256(f"family|{one}".encode()).hexdigest()[:32] for one in family_ids}
    return pl.col("family_id").replace_strict(names, return_dtype=pl.String)
