"""A real browser, for tests of pages."""

import os
import shutil

import pytest
from playwright.sync_api import Error, sync_playwright

# None of these asks for a page; without them Chromium calls its maker at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> dict[str, str]:
    """Return where the browser is."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    return {"executable_path": found} if found else {"channel": "chrome"}


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(args=QUIET, **chromium())
        except Error as error:
            reason = f"needs Chromium or Chrome: {str(error).splitlines()[0]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        yield browser
        browser.close()
