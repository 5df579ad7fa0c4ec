"""What is wrong in a page or an installation fails the build, in words that name it."""

import re
from types import SimpleNamespace

import lxml.html
import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

import finish_pages
import light_pages
import maths
from jupyter_book_build import build
from small_book import HEADER, build_small_book, cell, make_small_book

# Each on a page of its own, so that one build names them all.
FAULTS = {
    "warns": (cell("import warnings\nwarnings.warn('planted')"), "stderr"),
    "reference": ("See {ref}`no-such-place`.", "no-such-place"),
    "equation": ("See {eq}`no-such-equation`.", "no-such-equation"),
    "anchor": ("See [there](#no-such-anchor).", "no-such-anchor"),
    "citation": ("See {cite:t}`nobody1900nothing`.", "nobody1900nothing"),
}
ODD = r"""# Less < more & $\beta_1 < 2$

![A badge](https://badges.invalid/badge.svg)

$$
x = 1
$$

<span style="font-size:2em;">large</span>

:::{tab-set}
::::{tab-item} A tab
Text.
::::
:::
"""


@pytest.fixture(scope="module")
def log_of_faults(tmp_path_factory):
    pages = {name: f"{HEADER}\n# Page\n\n{FAULTS[name][0]}\n" for name in FAULTS}
    pages = {"page": f"{HEADER}\n# Page\n", **pages}
    folder = make_small_book(tmp_path_factory.mktemp("faults"), pages)
    (folder / "chapters" / "forgotten.md").write_text("# Forgotten\n", "utf-8")
    code, log = build(folder)
    assert code != 0, f"built without complaint:\n{log}"
    return log


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_page_fails_the_build_and_is_named(log_of_faults, name):
    message = FAULTS[name][1]
    assert re.search(rf"{name}\.md.*(WARNING|ERROR).*{message}", log_of_faults), (
        log_of_faults
    )


def test_a_page_outside_the_table_of_contents_is_named(log_of_faults):
    assert re.search(r"forgotten\.md.*WARNING.*toc", log_of_faults), log_of_faults


def test_a_formula_that_cannot_be_read_fails_the_build(tmp_path):
    pages = {
        "page": "# Page\n",
        "formula": "# F\n\nThe formula $\\frac{1$ is broken.\n",
    }
    code, log = build(make_small_book(tmp_path, pages))
    assert code != 0
    assert "KaTeX parse error" in log


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A book whose pages have what was garbled or lost before, built."""
    folder = tmp_path_factory.mktemp("odd") / "book"
    build_small_book(folder, {"page": ODD, "plain": "# Plain\n\nNo maths.\n"})
    return folder


def read(site, page):
    return BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "lxml")


def test_the_head_says_a_title_in_plain_words(odd):
    head = read(odd / "_build" / "html", "chapters/page").head
    assert head.title.get_text().startswith("Less < more & β_1 < 2 —")
    card = head.find("meta", property="og:title")["content"]
    assert card == "Less < more & β_1 < 2"


def test_a_style_written_in_a_page_stays(odd):
    page = read(odd / "_build" / "html", "chapters/page")
    assert page.find("span", string="large")["style"] == "font-size:2em;"


def test_an_image_elsewhere_is_left_alone(odd):
    (image,) = read(odd / "_build" / "html", "chapters/page").select("article img")
    assert image["src"] == "https://badges.invalid/badge.svg"
    assert image.parent.name != "a"


def test_rules_for_paper_hold_on_paper_alone(tmp_path):
    for name in ("screen", "paper"):
        (tmp_path / f"{name}.css").write_text(f".{name} {{}}", encoding="utf-8")
    page = lxml.html.document_fromstring(
        """<link href="../_static/screen.css?v=1" rel="stylesheet">
        <link href="../_static/paper.css" rel="stylesheet" media="print">
        <link href="../_static/screen.css?v=1" rel="stylesheet">"""
    )
    assert light_pages.join_sheets(page.xpath("//link"), tmp_path) == (
        ".screen {}\n@media print {\n.paper {}\n}\n"
    )


def test_the_style_sheet_follows_the_pages(odd):
    site = odd / "_build" / "html"
    sheet = site / "_static/light/book.css"
    names = {
        page.name: read(site, page.relative_to(site).with_suffix("")).select(
            "link[rel=stylesheet]"
        )
        for page in [*site.glob("chapters/*.html"), site / "404.html"]
    }
    assert {len(links) for links in names.values()} == {1}
    before = sheet.read_text(encoding="utf-8")
    assert ".sd-tab-set" in before
    page = odd / "chapters" / "page.md"
    page.write_text(page.read_text("utf-8").partition(":::")[0], encoding="utf-8")
    assert build(odd)[0] == 0
    assert ".sd-tab-set" not in sheet.read_text(encoding="utf-8")
    (link,) = read(site, "chapters/plain").select("link[rel=stylesheet]")
    assert link["href"] not in {links[0]["href"] for links in names.values()}


def test_every_icon_that_the_sheet_names_is_in_its_font(book):
    folder = book.html / "_static" / "light"
    sheet = (folder / "book.css").read_text(encoding="utf-8")
    named = {int(code, 16) for code in re.findall(r"\\([0-9a-fA-F]{3,6})", sheet)}
    named |= {ord(character) for character in sheet if character > "\x7f"}
    whole, cut = set(), set()
    for font in folder.glob("*.woff2"):
        cut |= TTFont(font).getBestCmap().keys()
        (original,) = (book.html / "_static" / "vendor").rglob(font.name)
        whole |= TTFont(original).getBestCmap().keys()
    assert len(cut) > 10
    assert cut == named & whole


def test_a_correction_that_nothing_needs_fails_a_complete_build(tmp_path):
    pages = {"page": "# Page\n", "next": "# Next\n"}
    code, log = build(make_small_book(tmp_path, pages, corrections_apply=True))
    assert code != 0
    assert "corrections that nothing needs: [\"//*[@role='doc-biblioentry']\"" in log
    assert log.count("ERROR") == 1, "another step was blamed too"


def test_each_correction_does_what_it_is_for():
    text = """<html><body><script src="a/fontawesome.js"></script><th></th>
    <button class="search-button-field" aria-label="Search">Search K</button>
    <a href="../notebooks/a.ipynb" target="_blank">x</a></body></html>"""
    page = lxml.html.document_fromstring(text)
    for where, change, _ in finish_pages.CORRECTIONS:
        for element in page.xpath(where):
            change(element, None)
    after = lxml.html.tostring(page.body, encoding="unicode")
    assert "fontawesome" not in after
    assert "<td></td>" in after
    assert '<button class="search-button-field">' in after
    assert '<a href="../notebooks/a.ipynb" download' in after
    assert "target" not in after


def test_missing_katex_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(maths, "KATEX", tmp_path / "katex" / "dist")
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path)
    with pytest.raises(ExtensionError, match="run `npm ci`"):
        maths.copy_katex(app)
    (tmp_path / "katex" / "dist").mkdir(parents=True)
    package = tmp_path / "katex" / "package.json"
    package.write_text('{"version": "0.19.0"}', encoding="utf-8")
    with pytest.raises(ExtensionError, match=r"the style sheet of 0\.19\.0"):
        maths.copy_katex(app)


def test_missing_purgecss_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(light_pages, "PURGECSS", tmp_path / "purgecss.js")
    with pytest.raises(ExtensionError, match="run `npm ci`"):
        light_pages.purge("", tmp_path, [])


def test_a_build_without_a_history_has_no_dates_and_says_nothing(odd):
    site = odd / "_build" / "html"
    assert not read(site, "chapters/page").select(".last-updated")
