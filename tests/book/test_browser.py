"""The built book in a real browser: offline, with a clean console, on a phone too."""

import functools
import http.server
import os
import shutil
import threading

import pytest
from playwright.sync_api import Error, sync_playwright

from chapter_files import ROOT, toc_files

PAGES = [*toc_files(), "genindex", "search"]
# None of these asks for a page; without them Chromium calls its maker at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 390, "height": 844}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that logs nothing."""

    def log_message(self, *args):
        """Drop the line."""


@pytest.fixture(scope="module")
def site(book):
    handler = functools.partial(Quiet, directory=str(book.html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
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
    page.foreign, page.complaints = [], []

    def watch(route):
        if not route.request.url.startswith(site):
            page.foreign.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.route("**/*", watch)
    page.on(
        "console",
        lambda message: (
            page.complaints.append(message.text)
            if message.type in ("error", "warning")
            else None
        ),
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_page(page, site, name):
    page.goto(f"{site}/{name}.html", wait_until="load")
    assert page.locator("h1:visible").count() == 1
    broken = page.evaluate(
        """async () => {
            const images = [...document.images];
            for (const image of images) image.loading = "eager";
            await Promise.all(images.map((i) => i.decode().catch(() => {})));
            return images.filter((i) => !i.naturalWidth || !i.alt).map((i) => i.src);
        }"""
    )
    assert not broken, "images that are missing or without alt text"
    fonts = page.evaluate(
        """() => [...document.querySelectorAll(".katex")].map(
            (maths) => getComputedStyle(maths).fontFamily)"""
    )
    assert all(font.startswith("KaTeX_Main") for font in fonts), "maths without its CSS"
    page.set_viewport_size(PHONE)
    width = page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= PHONE["width"], f"{name} scrolls sideways on a phone"
    assert not page.foreign, "requests that leave the site"
    assert not page.complaints, "the console complains"


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_accessible(page, site, name, mode):
    page.add_init_script(f"localStorage.mode = localStorage.theme = '{mode}'")
    page.goto(f"{site}/{name}.html")
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run().then((result) => result.violations)")
    assert not [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]])
        for violation in found
    ]


def test_next_leads_from_the_first_page_to_the_last(page, site):
    page.goto(f"{site}/index.html")
    page.wait_for_url("**/chapters/index.html")
    visited = [page.url]
    while page.locator("a.right-next").count():
        page.locator("a.right-next").click()
        page.wait_for_load_state()
        visited.append(page.url)
    assert visited == [f"{site}/{file}.html" for file in toc_files()]


def test_search_finds_the_jacobian(page, site):
    page.goto(f"{site}/search.html?q=Jacobian")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    links = results.evaluate_all("links => links.map((link) => link.pathname)")
    assert "/chapters/vector_derivatives.html" in links


def test_a_solution_is_hidden_until_it_is_asked_for(page, site):
    page.goto(f"{site}/chapters/lab_numpy.html")
    solution = page.locator("div.solution").first
    code = solution.locator(".cell_input").first
    assert not code.is_visible()
    button = solution.locator("button.toggle-button").first
    button.focus()
    page.keyboard.press("Enter")
    code.wait_for(state="visible")


def test_a_wide_formula_scrolls_from_its_start_on_a_phone(page, site):
    page.set_viewport_size(PHONE)
    page.goto(f"{site}/chapters/lab_numpy.html")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll(".katex-display .katex-html, div.math")]
            .filter((box) => box.scrollWidth > box.clientWidth + 1)
            .map((box) => box.getBoundingClientRect().left
                - box.querySelector(".base").getBoundingClientRect().left)"""
    )
    assert boxes, "no formula is wider than the phone: nothing was tested"
    assert max(boxes) <= 1, "a formula's left end is out of reach"
