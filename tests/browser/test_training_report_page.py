"""The report of a retrain and the scorecard, opened as a board opens them: offline, on a screen, a telephone and paper."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from flows.publish.training_report import write_training_report
from tests.unit.report_example import evaluation, small_model, small_scorecard

pytestmark = pytest.mark.browser

SMALLEST_TEXT = """Math.min(...[...document.querySelectorAll('svg text')]
  .map(text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a).filter(size => size > 0))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    write_training_report(made, evaluation(), small_model(), small_scorecard())
    return made


@pytest.mark.parametrize(("name", "pages"), [("report.html", None), ("scorecard.html", 1)])
def test_a_page_asks_for_nothing_breaks_no_rule_and_fits_telephone_and_paper(
    browser: Browser, read_paper: Callable[[Path], list[str]], folder: Path, tmp_path: Path, name: str, pages: int | None
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
    if name == "report.html":
        assert page.evaluate(SMALLEST_TEXT) >= 11
    paper = tmp_path / "paper.pdf"
    page.pdf(path=paper, prefer_css_page_size=True)
    context.close()
    assert seen == [address]
    printed = read_paper(paper)
    assert pages is None or len(printed) == pages
    assert all("INVENTED DATA" in each for each in printed)
    if name == "report.html":
        assert any("Splits of the evaluation" in each for each in printed)  # what has to be opened on a screen is open on paper
