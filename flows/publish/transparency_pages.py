"""The records that a council may publish or needs beside its assessments, written by every training."""

from pathlib import Path

from flows.publish.annexes_dpia import render_dpia_annex
from flows.publish.annexes_equality import render_equality_annex
from flows.publish.atrs import render_atrs, write_csv
from flows.publish.run_facts import RunFacts
from flows.workspace import write_json, write_private

COUNCIL_ANSWERS = "transparency.json"


def write_transparency(folder: Path, facts: RunFacts) -> None:
    """Write ``atrs.html``, ``atrs.csv``, ``dpia_annex.html`` and ``equality_annex.html`` into ``folder``.

    The council's own answers are kept beside them, so that the next training can say which have changed.
    They hold no row and no small number, and name nobody but whom the council names itself.
    """
    pages = {
        "atrs.html": render_atrs(facts),
        "atrs.csv": write_csv(facts),
        "dpia_annex.html": render_dpia_annex(facts),
        "equality_annex.html": render_equality_annex(facts),
    }
    write_json(folder / COUNCIL_ANSWERS, dict(facts.council))
    for name, text in pages.items():
        write_private(folder / name, lambda beside, text=text: beside.write_text(text, encoding="utf-8"))  # type: ignore[misc]
