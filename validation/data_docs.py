"""Pages for the rendered checks: an index and one page for each table, which need no network and no script."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path

import polars as pl
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

ENVIRONMENT = Environment(loader=PackageLoader("validation", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True)
# Great Expectations gives the same id to parts of every section, and headings that skip four levels.
IDENTIFIER = re.compile(r'\s+id="[^"]*"')
HEADING = re.compile(r"(</?)h5\b")


def write_docs(
    folder: Path,
    summary: pl.DataFrame,
    rows: Mapping[str, int],
    sections: Mapping[str, Sequence[str]],
    extract_date: date,
) -> None:
    """Write ``index.html``, one page for each table of ``rows``, and ``style.css`` into ``folder``.

    ``summary`` is the summary of the findings, ``rows`` counts the rows of each table, and ``sections`` holds the
    HTML that Great Expectations rendered for each table (none for a table that held no row). No page holds a row or
    a value of one, and the same findings write the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    style = (files("validation") / "data_docs.css").read_text(encoding="utf-8")
    (folder / "style.css").write_text(style, encoding="utf-8")
    template = ENVIRONMENT.get_template("data_docs.j2")
    day = f"{extract_date.day} {extract_date:%B %Y}"
    tables = [
        {"name": name, "rows": count, "checks": summary.filter(pl.col("table") == name).to_dicts()}
        for name, count in rows.items()
    ]
    index = template.render(title="Checks of the extract", day=day, tables=tables, table=None, sections=())
    (folder / "index.html").write_text(index, encoding="utf-8")
    for table in tables:
        name = str(table["name"])
        # The sections are markup of Great Expectations over names of columns and words of our own.
        tidy = [HEADING.sub(r"\1h2", IDENTIFIER.sub("", section)) for section in sections.get(name, ())]
        markup = [Markup(section) for section in tidy]  # noqa: S704
        page = template.render(title=name, day=day, tables=tables, table=table, sections=markup)
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
