"""A workspace of two nights in which every place holds one child, its brother and a stranger."""

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from flows.decisions import CORRECTION, _hash
from flows.opt_out import opt_out
from flows.publish.night_list import NightList, Unanswered
from flows.publish.page import render_page
from flows.publish.published import write_night
from flows.publish.workbook import build_workbook
from flows.record import file_hashes
from flows.vintages import write_vintages
from flows.workspace import Workspace, publish_folder, write_json, write_private
from models.team_decisions import DECIDED
from tests.unit.contract_rows import rows
from tests.unit.ledger_example import enter
from tests.unit.night_example import AS_OF, FGC, example, family, pseudonym
from validation.extract import ExtractRule, Manifest, Origin
from validation.gate import Gated, Limits

WINDOW = date(2020, 11, 25)
CHILD, OLD, BROTHER, STRANGER = pseudonym("ash0"), pseudonym("ash0 before"), pseudonym("ash1"), pseudonym("elm0")
ROLE, REASON = "Data protection officer", "the family asked for it"


def tables() -> dict[str, pl.DataFrame]:
    """A child that had another number before, its brother, and a stranger."""
    people = (CHILD, BROTHER, STRANGER, OLD)
    families = (pseudonym("ash"), pseudonym("ash"), pseudonym("elm"))
    return {
        "ssd_person": rows("ssd_person", [{"pers_person_id": one} for one in people]),
        "ssd_family": rows(
            "ssd_family",
            [
                {"fami_table_id": pseudonym(f"row {one}"), "fami_family_id": of, "fami_person_id": one}
                for one, of in zip(people[:3], families, strict=True)
            ],
        ),
        "ext_person_links": rows(
            "ext_person_links",
            [{"link_id": pseudonym("l"), "link_old_person_id": OLD, "link_new_person_id": CHILD, "link_date": AS_OF}],
        ),
        "ssd_cin_episodes": rows(
            "ssd_cin_episodes",
            [
                {
                    "cine_referral_id": pseudonym(f"referral of {one}"),
                    "cine_person_id": one,
                    "cine_referral_date": AS_OF - timedelta(days=60),
                }
                for one in people
            ],
        ),
        "ssd_cin_assessments": rows(
            "ssd_cin_assessments",
            [
                {
                    "cina_assessment_id": pseudonym(f"assessment of {one}"),
                    "cina_person_id": one,
                    "cina_assessment_start_date": AS_OF - timedelta(days=50),
                }
                for one in people
            ],
        ),
        "ssd_assessment_factors": rows(
            "ssd_assessment_factors",
            [
                {"cinf_table_id": pseudonym(f"factors of {one}"), "cinf_assessment_id": pseudonym(f"assessment of {one}")}
                for one in people
            ],
        ),
    }


def shown_night() -> NightList:
    """A night on which a family bears the pseudonym of the child that is to be erased."""
    night = example(
        {
            "ash": family("place", 0.62, 0.2, kind=FGC),
            "elm": family("waiting", 0.38, kinds=[FGC]),
            "yew": family("not scored", None),
        }
    )
    name = pl.col("family_id").replace({pseudonym("ash"): CHILD})
    waiting = tuple(Unanswered(one, "Family Group Conference", AS_OF, AS_OF) for one in (CHILD, OLD, STRANGER))
    named = {"families": night.families.with_columns(name), "cases": night.cases.with_columns(name)}
    return replace(night, **named, unanswered=waiting)


def publish(workspace: Workspace, day: date) -> None:
    made, night = workspace.nights / f".{day}.new", shown_night()
    write_night(night, made)
    write_private(made / "list.html", lambda path: path.write_bytes(render_page(night)))
    write_private(made / "list.xlsx", lambda path: path.write_bytes(build_workbook(night)))
    write_private(made / "reason_totals.parquet", night.cases.select("as_of", "person_id", "referral_id").write_parquet)
    aside = tables()["ssd_cin_episodes"].with_columns(reason=pl.lit("8510"))
    write_private(made / "set_aside" / "ssd_cin_episodes.parquet", aside.write_parquet)
    head = enter(
        workspace.root, day, [("ash0", "fir", 0.62, "place"), ("ash1", "ash0", 0.2, "place"), ("elm0", "elm", 0.3, "waiting")]
    ).head
    write_json(made / "run.json", {"status": "completed", "ledger_head": head, "files": file_hashes(made)})
    shutil.rmtree(workspace.night(day), ignore_errors=True)
    publish_folder(workspace, made, workspace.night(day))


def fill(root: Path) -> Path:
    """A workspace of two nights in which every place holds the child."""
    place = Workspace(root)
    for day in (AS_OF, AS_OF + timedelta(days=1)):
        manifest = Manifest("Anyshire", Origin.INVENTED, ExtractRule.OVERLAPPING, WINDOW, day, "k1")
        frames = tables()
        if day != AS_OF:
            opened = frames["ssd_cin_episodes"].with_columns(cine_close_date=pl.lit(day))
            frames["ssd_cin_episodes"] = opened
        write_vintages(place, Gated(manifest, frames, {}, {}, {}), Limits(withdrawn=1.0))
    for day in (AS_OF - timedelta(days=1), AS_OF):
        publish(place, day)
    row = {
        "night": AS_OF, "family_id": CHILD, "children": [CHILD, BROTHER], "standing": "place", "listed_kind": FGC,
        "decision": "offered", "kind": FGC, "reason": "Other", "role": "Other", "decided_on": AS_OF, "imported_on": AS_OF,
    }  # fmt: skip
    alone = row | {"children": [CHILD], "imported_on": AS_OF + timedelta(days=1)}
    corrected = row | {"decision": "other", "kind": None, "imported_on": AS_OF + timedelta(days=2)}
    for one, kind in ((row, ""), (alone, ""), (corrected, CORRECTION)):
        frame = pl.DataFrame([one], schema=DECIDED)
        write_private(root / "decisions" / f"{one['imported_on']}.{_hash(frame)}{kind}.parquet", frame.write_parquet)
    recalled = pl.DataFrame({"person_id": [CHILD, BROTHER, STRANGER], "family_id": [CHILD, CHILD, pseudonym("elm")]})
    write_private(root / "recall" / "model-version-1.parquet", recalled.write_parquet)
    write_private(root / "index" / "children.parquet", recalled.write_parquet)
    write_private(root / "nights" / ".2026-11-23.new" / "cases.parquet", recalled.write_parquet)
    opt_out(root, CHILD, role=ROLE, reason=REASON, withdraw=False, on=AS_OF)
    return root
