"""Take the pictures of ``docs/triage-teams.md`` from the list of the invented authority that ``make nightly`` leaves.

``python tests/browser/take_pictures.py LIST FOLDER``; ``make pictures`` does it.
"""

import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    """The head of the page with the first families, and the first family opened."""
    page_file, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        sys.exit("'chromium' is not installed: apt-get install -y chromium")
    folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1000, "height": 1150})
        page.clock.set_fixed_time(datetime.fromisoformat(page_file.parent.name) + timedelta(days=1, hours=8.5))  # half past eight
        page.goto(page_file.as_uri())
        page.screenshot(path=folder / "list.png")
        family = page.locator("details.f").first
        family.locator("summary").first.click()
        family.screenshot(path=folder / "family.png")
        browser.close()


if __name__ == "__main__":
    main()
