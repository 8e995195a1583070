"""Data Docs: readable with no network and no script, and without a row or a value in them."""

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from validation.checks import Asks, Check, Severity
from validation.expectations import run_checks

EXTRACT_DATE = date(2026, 11, 24)
PLANTED = ("PLANTEDCODE", "feedfacefeedfacefeedfacefeedface", "1987-06-05", "1987", "PLANTEDMANY")

FRAME = pl.DataFrame(
    {
        "key": ["feedfacefeedfacefeedfacefeedface"] * 2 + ["0" * 32] + [None] * 5,
        "day": [date(2026, 11, 25)] + [date(2026, 1, 1)] * 7,
        "end": [date(1987, 6, 5)] * 8,
        "code": ["PLANTEDCODE"] + ["FGC"] * 7,
        "codes": ["PLANTEDMANY|1A"] + ["1A"] * 7,
        "rule_1": [False] * 2 + [True] * 6,
    }
)
CHECKS = [
    Check("key-missing", "visits", Severity.ERROR, Asks.PRESENT, "key", None, "'key' is missing."),
    Check("key-repeated", "visits", Severity.ERROR, Asks.UNIQUE, "key", None, "'key' is repeated."),
    Check("8640", "visits", Severity.QUERY, Asks.IN_LIST, "code", "offer_kind", "A code is not in its list."),
    Check("8897Q", "visits", Severity.QUERY, Asks.ALL_IN_LIST, "codes", "assessment_factors", "Not in its list."),
    Check("8600", "visits", Severity.ERROR, Asks.NOT_AFTER_EXTRACT, "day", None, "'day' is after the extract."),
    Check("8630", "visits", Severity.ERROR, Asks.ORDERED, "end", "day", "'end' lies before 'day'."),
    Check("8565", "visits", Severity.ERROR, Asks.HOLDS, "rule_1", None, "Activity after closing."),
    Check("9999", "visits", Severity.ERROR, Asks.NOT_AFTER_EXTRACT, "end", None, "'end' is after the extract."),
]


class Page(HTMLParser):
    """The tags, addresses, title and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"href", "src", "action", "srcset", "data"} and value is not None:
                self.addresses.append(value)
            if name == "id" and value is not None:
                self.ids.append(value)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("night") / "checks"
    frames = {"visits": FRAME, "others": FRAME.clear()}
    run_checks(frames, {"visits": CHECKS, "others": CHECKS[:1]}, EXTRACT_DATE, folder)
    return folder


def pages(folder: Path) -> dict[str, Page]:
    return {path.name: Page(path.read_text(encoding="utf-8")) for path in folder.glob("*.html")}


def test_the_folder_holds_an_index_a_page_for_each_table_and_one_style_sheet(docs: Path) -> None:
    files = sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*"))
    assert files == ["index.html", "others.html", "style.css", "visits.html"]


def test_no_file_holds_a_value_of_a_row(docs: Path) -> None:
    broken = run_checks({"visits": FRAME}, {"visits": CHECKS}, EXTRACT_DATE, None).summary
    assert (broken.filter(pl.col("rule") != "9999")["broken"] > 0).all()  # so that there was something to leak
    for path in docs.rglob("*"):
        text = path.read_text(encoding="utf-8")
        assert [value for value in PLANTED if value in text] == []


def test_pages_ask_the_network_for_nothing(docs: Path) -> None:
    for page in pages(docs).values():
        assert not {"script", "form", "iframe", "img", "object", "embed", "input", "button"} & set(page.tags)
        beside = [address for address in page.addresses if not address.startswith("data:")]
        assert beside
        assert all((docs / address).is_file() for address in beside)
    style = (docs / "style.css").read_text(encoding="utf-8")
    assert not re.search(r"url\(|@import|https?:", style)


def test_nothing_is_hidden_until_a_script_shows_it(docs: Path) -> None:
    text = (docs / "visits.html").read_text(encoding="utf-8")
    assert not re.search(r"<\w+[^>]*\shidden[\s>]|display:\s*none", text)


def test_pages_tell_neither_where_nor_at_what_second_they_were_made(docs: Path) -> None:
    for name, page in pages(docs).items():
        text = (docs / name).read_text(encoding="utf-8")
        assert str(docs.parent) not in text
        assert not re.search(r"\d\d:\d\d", text)
        assert "24 November 2026" in page.text


def test_the_index_counts_what_was_broken(docs: Path) -> None:
    text = pages(docs)["index.html"].text
    assert "Checks of the extract" in text
    assert "visits 8 8 5 2" in text
    assert "others 0 1 0 0" in text
    assert "8640 A code is not in its list. query 1 12.5%" in text
    assert "9999" not in text


def test_the_page_of_a_table_shows_counts_and_shares_of_all_rows(docs: Path) -> None:
    text = pages(docs)["visits.html"].text
    assert "visits: checks of the extract of 24 November 2026" in text
    assert "8 rows, 8 checks, 7 of them broken" in text
    assert "Rule 8565 (error). A row that breaks it: Activity after closing." in text
    assert "2 unexpected values found. 25% of 8 total rows." in text
    # Two of eight keys are repeated; Great Expectations itself would say two of the three that are present.
    repeated = text.split("Rule key-repeated")[1].split("Rule")[0]
    assert "2 unexpected values found. 25% of 8 total rows." in repeated


def test_headings_and_ids_are_in_order_for_a_screen_reader(docs: Path) -> None:
    for page in pages(docs).values():
        assert page.tags.count("h1") == 1
        assert not {"h3", "h4", "h5", "h6"} & set(page.tags)
        assert len(set(page.ids)) == len(page.ids)


def test_a_table_without_rows_says_so(docs: Path) -> None:
    assert "The table held no row, so there was nothing to check." in pages(docs)["others.html"].text


def test_a_small_share_is_not_rounded_to_nothing(tmp_path: Path) -> None:
    many = pl.DataFrame({"rule_1": [False] + [True] * 1_999})
    check = Check("8565", "visits", Severity.ERROR, Asks.HOLDS, "rule_1", None, "Activity after closing.")
    run_checks({"visits": many}, {"visits": [check]}, EXTRACT_DATE, tmp_path)
    assert "error 1 under 0.1%" in pages(tmp_path)["index.html"].text


def test_an_index_without_findings_says_so(tmp_path: Path) -> None:
    run_checks({"visits": FRAME}, {"visits": CHECKS[-1:]}, EXTRACT_DATE, tmp_path)
    assert "No row broke a check." in pages(tmp_path)["index.html"].text


def test_the_same_findings_write_the_same_bytes(docs: Path, tmp_path: Path) -> None:
    frames = {"visits": FRAME, "others": FRAME.clear()}
    run_checks(frames, {"visits": CHECKS, "others": CHECKS[:1]}, EXTRACT_DATE, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in docs.iterdir()
    }
