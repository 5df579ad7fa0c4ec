"""A reader who comes back to a page finds the paragraph that they left."""

import pytest

from reading_place import ALLOWED, GO, WHERE, moved
from site_visits import DESKTOP, PHONE

# Pages with the most that could come late: figures, the explorer, formulas, code.
SAMPLE = ["chain_rule", "lab_numpy", "stability", "api"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize("root", ["http", "file"])
def test_reload_back_and_forward_keep_the_place(browser, site, book, root, name, size):
    base = site if root == "http" else book.html.as_uri()
    page = browser.new_page(viewport=size)
    found = moved(page, f"{base}/chapters/{name}.html", f"{base}/search.html")
    page.close()
    assert len(found) == 3
    assert {step: px for step, px in found.items() if abs(px) > ALLOWED} == {}


def test_folds_that_were_open_are_open_again(page, site):
    page.goto(f"{site}/chapters/lab_numpy.html")
    solution = page.locator("details.solution").first
    solution.locator("summary").click()
    number = page.evaluate(GO)
    page.wait_for_timeout(400)
    before = page.evaluate(WHERE, number)
    page.reload()
    page.wait_for_timeout(400)
    assert solution.evaluate("(fold) => fold.open")
    assert abs(page.evaluate(WHERE, number) - before) <= ALLOWED
