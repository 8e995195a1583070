"""Every page for the board, and the one for a family, opened as a reader does: offline, on a screen, a telephone and paper."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from flows.publish.notice_page import render_notice as render_family_notice
from flows.publish.recall_notice import render_notice
from flows.publish.training_report import write_training_report
from flows.publish.transparency_pages import write_transparency
from flows.publish.what_changed import tell_changes
from flows.recall import CASES, Recalled, ask
from tests.unit import (
    board_example,
    test_involvement_page,
    test_monitoring,
    test_monitoring_page,
    test_reconciliation_page,
    test_withdrawn_page,
)
from tests.unit.record_example import earlier, facts
from tests.unit.report_example import evaluation, small_model, small_scorecard
from tests.unit.test_notice import NOTICE

pytestmark = pytest.mark.browser

SMALLEST_TEXT = """Math.min(99, ...[...document.querySelectorAll('svg text')]
  .map(text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a).filter(size => size > 0))"""
PAGES = {
    "report.html": ("Splits of the evaluation", None),  # what has to be opened on a screen is open on paper
    "scorecard.html": ("Points", 1),
    "model_card.html": ("Who decides", None),
    "fairness.html": ("people: south", None),
    "atrs.html": ("supplier.procurement", None),
    "dpia_annex.html": ("cont_contact_date", None),
    "equality_annex.html": ("Religion or belief", None),
    "involvement.html": ("Front-door manager", None),
    "recall.html": ("model version 2", None),
    "reconciliation.html": ("Police", None),
    "monitoring.html": ("Without an offer", None),
    "withdrawn.html": ("Do not use the order of the list of 24 November 2026", 1),
    "notice.html": ("What can you do?", None),
}
"""Words that stand on the paper of each page, and how many sheets it has where that is promised."""


def notice() -> str:
    entry = {"entry": [1], "night": [date(2026, 11, 23)], "model_version": ["2"], "extract_date": [date(2026, 11, 23)]}
    nights, cases = pl.DataFrame(entry | {"scored": [812]}), pl.DataFrame(schema=CASES)
    families = {"offered": 12, "nobody has decided yet": 8}
    told = Recalled(ask("2", None, None, None), nights, cases, 812, families, 0, 0, (), {})
    return render_notice(told, authority="Borough of Example", invented=True, head="0" * 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pages")
    write_training_report(made, evaluation(), small_model(), small_scorecard(), tell_changes(earlier(), facts().now))
    write_transparency(made, facts(before=earlier()))
    pages = {
        "fairness.html": board_example.render(board_example.board(before=earlier())),
        "involvement.html": test_involvement_page.page(invented=True),
        "recall.html": notice(),
        "reconciliation.html": test_reconciliation_page.page(invented=True),
        "monitoring.html": test_monitoring_page.page(test_monitoring.invent(families=900)),
        "withdrawn.html": test_withdrawn_page.page(),
        "notice.html": render_family_notice(NOTICE),
    }
    for name, text in pages.items():
        (made / name).write_text(text, encoding="utf-8")
    return made


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_breaks_no_rule_and_fits_telephone_and_paper(
    browser: Browser, read_paper: Callable[[Path], list[str]], folder: Path, tmp_path: Path, name: str
) -> None:
    context = browser.new_context(offline=True, locale="en-GB")
    page = context.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    address = (folder / name).as_uri()
    page.goto(address)
    assert [rule["id"] for rule in Axe().run(page).response["violations"]] == []
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.evaluate(SMALLEST_TEXT) >= 11
    paper = tmp_path / "paper.pdf"
    page.pdf(path=paper, prefer_css_page_size=True)
    context.close()
    assert seen == [address]
    printed, (words, sheets) = read_paper(paper), PAGES[name]
    assert sheets is None or len(printed) == sheets
    assert all("INVENTED DATA" in each for each in printed)
    assert any(words in each for each in printed)
