"""The fairness report, opened as a board opens it: offline, on a screen, a telephone and paper."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from models.fairness import measure_fairness
from tests.unit.test_fairness import SIZES, invent
from tests.unit.test_fairness_page import page as example_page

pytestmark = pytest.mark.browser


def test_the_page_asks_for_nothing_breaks_no_rule_and_fits_telephone_and_paper(
    browser: Browser, read_paper: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    rows, groups = invent()
    file = tmp_path / "fairness.html"
    file.write_text(example_page(measure_fairness([rows], groups, SIZES, 1), invented=True), encoding="utf-8")
    context = browser.new_context(offline=True, locale="en-GB")
    page = context.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.goto(file.as_uri())
    assert [rule["id"] for rule in Axe().run(page).response["violations"]] == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    paper = tmp_path / "paper.pdf"
    page.pdf(path=paper, prefer_css_page_size=True)
    context.close()
    assert seen == [file.as_uri()]
    printed = read_paper(paper)
    assert all("INVENTED DATA" in each for each in printed)
    assert any("people: south" in each for each in printed)
