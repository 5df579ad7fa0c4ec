"""The built site, served to a real browser, and what each page is found to be."""

import functools
import http.server
import os
import shutil
import threading

import pytest
from playwright.sync_api import Error, sync_playwright

from site_visits import HEADINGS, Visits, watch

# None of these asks for a page; without them Chromium calls its maker at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TABLE = pytest.StashKey[list]()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that logs nothing."""

    def log_message(self, *args):
        """Drop the line."""


@pytest.fixture(scope="session")
def site(book):
    handler = functools.partial(Quiet, directory=str(book.html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    found = shutil.which("chromium") or shutil.which("google-chrome")
    where = {"executable_path": found} if found else {"channel": "chrome"}
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(args=QUIET, **where)
        except Error as error:
            reason = f"needs Chromium or Chrome: {str(error).splitlines()[0]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, site):
    """A page that reports requests to other hosts and what the console complains of."""
    page = browser.new_page()
    watch(page, site)
    yield page
    page.close()


@pytest.fixture(scope="session")
def visits(browser, site, request):
    """Each page, visited once, whatever number of tests asks what was found."""
    visits = Visits(browser, site)
    request.config.stash[TABLE] = visits.done
    return visits


def pytest_terminal_summary(terminalreporter, config):
    """Print what was measured, a page a line, where output is not captured (-s)."""
    done = config.stash.get(TABLE, {})
    if not done or config.getoption("capture") != "no":
        return
    terminalreporter.section("pages")
    terminalreporter.line(HEADINGS)
    for visit in done.values():
        terminalreporter.line(visit.row())
