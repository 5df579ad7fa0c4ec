"""Pages of the site that use the explorer load it once, and no others do."""

import gzip

import pytest
from bs4 import BeautifulSoup

from site_visits import AXE, RUN_AXE
from small_book import HEADER, build_small_book, cell

MAKE = """\
from backprop_book import Value, play
w = Value(2.0, name="w")
play((w * 3.0 - 1.0) ** 2)"""
LIMIT = 30_000


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pages = {
        "with": f"{HEADER}\n# With\n\n{cell(MAKE)}\n{cell(MAKE)}",
        "without": f"{HEADER}\n# Without\n\n{cell('1 + 1')}",
    }
    return build_small_book(tmp_path_factory.mktemp("book") / "book", pages)


def scripts(site, name):
    page = BeautifulSoup(
        (site / "chapters" / f"{name}.html").read_text("utf-8"), "lxml"
    )
    return page, [script.get("src", "") for script in page.find_all("script")]


def test_a_page_loads_the_script_once_and_carries_no_copy(site):
    page, sources = scripts(site, "with")
    assert sum("/play.js?v=" in source for source in sources) == 1
    assert not page.select("script[data-backprop-script]")
    assert len(page.select("[data-backprop-play] svg[role=img]")) >= 2
    assert not any("play.js" in source for source in scripts(site, "without")[1])


def test_the_script_is_light_and_asks_for_nothing(site):
    code = (site / "_static" / "play.js").read_bytes()
    assert len(gzip.compress(code)) <= LIMIT
    assert b"eval(" not in code
    assert b"innerHTML" not in code
    assert b"fetch(" not in code


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_explorers_work_on_the_page_and_axe_finds_nothing(browser, site, theme):
    context = browser.new_context(color_scheme=theme, reduced_motion="reduce")
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((site / "chapters" / "with.html").as_uri())
    for place in range(2):
        explorer = page.locator("section.play").nth(place)
        explorer.get_by_role("button", name="Step", exact=True).click()
        assert "Step 1 of 7" in explorer.locator(".where").inner_text()
    page.wait_for_url("**?play1=s1&play2=s1")
    page.add_script_tag(path=AXE)
    found = page.evaluate(RUN_AXE, [theme, "all"])
    assert not [nodes for _, nodes in found if any("spot" in node for node in nodes)]
    assert not [rule for rule, nodes in found if any("play" in node for node in nodes)]
    context.close()
    assert not errors
