"""The built site, served to a real browser, and what each page is found to be."""

import pytest

from site_server import serve
from site_visits import HEADINGS, Visits, watch

TABLE = pytest.StashKey[list]()


@pytest.fixture(scope="session")
def site(book):
    with serve(book.html) as address:
        yield address


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
