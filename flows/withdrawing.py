"""When a list may no longer be used: the notice that stands in its place, and the night that stops for it.

The front-door team opens what ``latest`` names. A list that was made by a model that is out of use must not lie there the next
morning, so ``latest`` is pointed at ``nights/<day>.notice/``, whose ``list.html`` says what happened, who decides, and what to do
until then. The night that was published stays as it was, for the record. The next list takes the notice's place.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from flows.alerts import OUT_OF_USE, raise_alert
from flows.night import Night
from flows.publish.withdrawn_page import render_withdrawn
from flows.verdicts import read_missed, read_monitored
from flows.vintages import last_extract
from flows.workspace import Workspace, point_latest, write_private
from models.approval import Stop, Why, find_stop, settle
from models.registry import Registry
from validation.extract import Manifest, Origin

NOTICE = "notice"


def stop_if_out_of_use(night: Night) -> None:
    """Raise ``ModelError`` (exit 14) or ``CriterionError`` (exit 18) when no list may be made.

    The notice is put in place of the list that is out; where there is none, there is nothing to take away.
    """
    register = night.registry
    night.record.note(monitoring=_note(read_monitored(night.workspace, register.outcome)))
    stop = find_stop(register.decisions(), register.outcome, read_missed(night.workspace, register.outcome), night.as_of)
    if stop is None:
        return
    night.record.note(out_of_use={"why": stop.why.value, "missed": list(stop.missed)})
    version = None if stop.decision is None else str(stop.decision["version"])
    raise_alert(OUT_OF_USE, register.outcome, version, [stop.why.value, *stop.missed])
    if night.workspace.latest.exists():
        publish_notice(night.workspace, night.as_of, stop, night.extract.manifest, night.settings.approver_roles)
    raise stop.error


def _note(monitored: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the run record of a night says of the newest monitoring."""
    if monitored is None:
        return {"looked": False}
    told = {name: monitored[name] for name in ("extract_date", "complete_up_to", "alerts")}
    return {"looked": True, **told, "verdicts": {version: found["verdict"] for version, found in monitored["models"].items()}}


def withdraw_retired(workspace: Workspace, register: Registry, version: str, approvers: Sequence[str]) -> Path | None:
    """Put the notice in place of the list that is out, if the retired version made it or none is in use now; returns where."""
    out = workspace.latest_night()
    extract = last_extract(workspace)
    if out is None or extract is None or out.name.endswith(f".{NOTICE}"):
        return None
    decisions = register.decisions()
    retirement = decisions[-1]
    made_it = _made_by(out) == (register.outcome, version)
    if not made_it and settle(decisions).champion is not None:
        return None
    stop = Stop(Why.RETIRED, register.outcome, retirement)
    return publish_notice(workspace, date.fromisoformat(out.name[:10]), stop, extract[0], approvers)


def publish_notice(workspace: Workspace, day: date, stop: Stop, manifest: Manifest, approvers: Sequence[str]) -> Path:
    """Write the notice for a day and point ``latest`` at it, unless a later list is out. Returns the page."""
    page = workspace.notice(day) / "list.html"
    text = render_withdrawn(
        stop,
        authority=manifest.authority,
        invented=manifest.origin is not Origin.REAL,
        list_of=max((date.fromisoformat(path.name) for path in workspace.nights.glob("????-??-??")), default=None),
        approvers=approvers,
    )
    write_private(page, lambda beside: beside.write_text(text, encoding="utf-8"))
    point_latest(workspace, page.parent)
    return page


def _made_by(night: Path) -> tuple[str, str] | None:
    """Outcome and version of the model that made a published list."""
    file = night / "run.json"
    if not file.exists():
        return None
    record = json.loads(file.read_text(encoding="utf-8"))
    return record["outcome"]["name"], record["model"]["version"]
