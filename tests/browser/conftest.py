"""What readers look with: one Chromium for all pages, and the programs that read paper and workbooks."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def installed() -> Callable[..., str]:
    """The first of some programs that is on the path; without it the test fails, since a reader's view is unproven."""

    def find(*names: str) -> str:
        for name in names:
            if found := shutil.which(name):
                return found
        pytest.fail(f"'{names[0]}' is not installed: apt-get install -y chromium libreoffice-calc poppler-utils")

    return find


@pytest.fixture(scope="session")
def browser(installed: Callable[..., str]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed("chromium", "chromium-browser"), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def read_paper(installed: Callable[..., str]) -> Callable[[Path], list[str]]:
    """The text of each page of a printed page."""

    def read(paper: Path) -> list[str]:
        text = subprocess.run([installed("pdftotext"), paper, "-"], capture_output=True, check=True, text=True).stdout
        return text.removesuffix("\f").split("\f")

    return read
