"""A night's list as it lies in the night's folder, so that it can be shown again exactly as it was."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from flows.publish.approval import Approval
from flows.publish.night_list import Changes, Counts, NightList, ShownKind, Unanswered
from flows.workspace import write_json, write_private
from validation.errors import ScreeningError, SourceError

LIST, ABOUT = "list.parquet", "about.json"
FRAMES = {"families": LIST, "cases": "cases.parquet", "reasons": "reasons.parquet", "events": "events.parquet"}

STAMPED = ("as_of", "authority", "stamp", "model", "model_version", "outcome", "outcome_version")
"""Columns that stand beside the families' in ``list.parquet``, so that this file says by itself what it is."""


def write_night(night: NightList, folder: Path) -> None:
    """Write the list's frames as Parquet and all else as ``about.json``, each private and in one rename."""
    told = {name: getattr(night, name) for name in STAMPED if name != "stamp"} | {"stamp": ". ".join(night.stamps)}
    before, after = STAMPED[:3], STAMPED[3:]
    families = night.families.drop(STAMPED, strict=False).select(
        *(pl.lit(told[name]).alias(name) for name in before),
        pl.all(),
        *(pl.lit(told[name]).alias(name) for name in after),
    )
    for name, file in FRAMES.items():
        frame = families if name == "families" else getattr(night, name)
        write_private(folder / file, frame.write_parquet)
    write_json(folder / ABOUT, _scalars(night))


def read_night(folder: Path) -> NightList:
    """The list that :func:`write_night` wrote into ``folder``.

    Raises :class:`SourceError` (exit 15) when a part is missing, cannot be read or does not fit the others.
    """
    file = ABOUT
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        frames = {}
        for name, file in FRAMES.items():  # the refusal below names the file that was being read
            frames[name] = pl.read_parquet(folder / file, glob=False)
        file = ABOUT
        return _build(about, frames | {"families": frames["families"].drop(STAMPED, strict=False)})
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError, ScreeningError) as error:
        raise SourceError(
            f"'{file}' of the night '{folder.name}' cannot be read ({type(error).__name__}): give the folder of a night that was "
            "published, with all its files."
        ) from None


def _scalars(night: NightList) -> dict[str, Any]:
    """All that is no frame; dates become text in ISO form."""
    simple = {
        field.name: getattr(night, field.name)
        for field in dataclasses.fields(night)
        if field.name not in (*FRAMES, "changes", "counts", "approval", "kinds", "unanswered")
    }
    return simple | {
        "approval": dataclasses.asdict(night.approval),
        "kinds": [dataclasses.asdict(kind) for kind in night.kinds],
        "counts": _plain(night.counts),
        "changes": _plain(night.changes) if night.changes else None,
        "unanswered": [dataclasses.asdict(offer) for offer in night.unanswered],
    }


def _plain(part: Counts | Changes) -> dict[str, Any]:
    """A part's fields as they are, its mappings as dictionaries."""
    values = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def _build(about: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> NightList:
    day, changes, approval = date.fromisoformat, about["changes"], about["approval"]
    given: dict[str, Any] = {
        **about,
        **frames,
        "as_of": day(about["as_of"]),
        "extract_date": day(about["extract_date"]),
        "approval": Approval(
            approval["role"],
            day(approval["decided_on"]),
            day(approval["review_by"]),
            approval.get("conditions", ""),  # nights before they were kept have none
        ),
        "kinds": tuple(ShownKind(**kind) for kind in about["kinds"]),
        "counts": Counts(**about["counts"]),
        "missing_tables": tuple(about["missing_tables"]),
        "unanswered": tuple(
            Unanswered(**offer | {name: day(offer[name]) for name in ("offered_on", "night")})
            for offer in about.get("unanswered", [])  # nights before it was told have none
        ),
        "erased_on": day(about["erased_on"]) if about.get("erased_on") else None,
        "changes": changes and Changes(**changes | {"since": day(changes["since"]), "new": tuple(changes["new"])}),
    }
    return NightList(**given)
