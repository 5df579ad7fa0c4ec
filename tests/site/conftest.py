"""The built site, served to a real browser, and what each page is found to be."""

import functools
import http.server
import threading

import pytest

from site_visits import HEADINGS, Visits, watch

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
