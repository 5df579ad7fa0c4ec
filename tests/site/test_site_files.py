"""What stands in a page's head, and the files for search engines and dead links."""

import re
from urllib.parse import urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document

from chapter_files import ROOT, toc_files
from page_head import describe
from site_server import serve


def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def top(path):
    """Return the page as far as its head goes, which is read in no time."""
    text, _, _ = path.read_text(encoding="utf-8").partition("</head>")
    return BeautifulSoup(text, "html.parser")


def head(path):
    tags = top(path).head.find_all("meta")
    return {t.get("name") or t.get("property"): t.get("content") for t in tags}


@pytest.mark.parametrize("name", [*toc_files(), "search", "genindex"])
def test_every_page_of_the_book_is_described(book, name):
    found = head(book.html / f"{name}.html")
    assert 30 <= len(found["description"]) <= 160
    assert not re.search(r"[\\{}]|\$", found["description"])
    assert found["og:title"]
    assert found["og:site_name"] == "Backpropagation, executed"
    assert top(book.html / f"{name}.html").html["lang"] == "en-GB"


def test_no_two_pages_have_the_same_description(book):
    found = [head(book.html / f"{name}.html")["description"] for name in toc_files()]
    assert len(set(found)) == len(found)


def test_the_page_at_the_root_says_what_it_leads_to(book):
    page = soup(book.html / "index.html")
    target = "chapters/index.html"
    assert page.html["lang"] == "en-GB"
    assert page.title.get_text() == head(book.html / target)["og:title"]
    refresh = page.find("meta", {"http-equiv": "refresh"})["content"]
    assert refresh == f"0; url={target}"
    assert page.a["href"] == target
    assert (book.html / target).is_file()
    card = {"description", "og:title", "og:description", "og:site_name"}
    assert card <= head(book.html / "index.html").keys()


def test_the_citation_text_says_what_the_citation_file_says(book):
    file = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    (quote,) = book.page("index").select("blockquote")
    year = str(file["date-released"])[:4]
    for part in (file["authors"][0]["name"], file["title"], file["version"], year):
        assert part in quote.get_text()


@pytest.mark.parametrize("depth", ["gone.html", "chapters/gone.html", "a/b/c/"])
def test_the_dead_end_in_a_browser(browser, book, depth):
    with serve(book.html) as site:
        page, broken = browser.new_page(), []
        page.on("response", lambda r: r.ok or broken.append(r.url))
        assert page.goto(f"{site}/{depth}").status == 404
        assert broken == [f"{site}/{depth}"]
        links = page.locator("a").evaluate_all("all => all.map((a) => a.href)")
        assert {urlsplit(link).path for link in links} >= {
            f"/{name}.html" for name in toc_files()
        }
        page.close()


def test_a_long_description_ends_with_a_sentence_or_a_word():
    def described(text):
        document = new_document("page")
        document += nodes.paragraph("", text)
        return describe(document)

    assert described("Short.") == "Short."
    assert described("Word " * 19 + "end. " + "word " * 30) == "Word " * 19 + "end."
    words = described("word " * 60)
    assert len(words) <= 160
    assert words.endswith("word…")
