"""What stands in a page's head, and the files for search engines and dead links."""

import os
import re
import subprocess
import threading
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document

from chapter_files import ROOT, toc_files
from jupyter_book_build import build
from page_head import describe
from site_server import DeadEnds
from small_book import make_small_book

REPOSITORY = "https://github.com/Someone/some-book"
SITE = "https://someone.github.io/some-book"
LESSON = """\
(lesson)=
# A lesson

:::{admonition} Before you start
:class: opening

**You will be able to** say what $x_1$ is.

**You need** nothing.
:::

Some text.
"""
PAGES = {"first": "# The first page\n\nIt says this.\n", "lesson": LESSON}


def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def top(path):
    """Return the page as far as its head goes, which is read in no time."""
    text, _, _ = path.read_text(encoding="utf-8").partition("</head>")
    return BeautifulSoup(text, "html.parser")


def head(path):
    tags = top(path).head.find_all("meta")
    return {t.get("name") or t.get("property"): t.get("content") for t in tags}


@pytest.fixture(scope="module")
def at_home(tmp_path_factory):
    """A small site with its address set, built from a repository."""
    folder = tmp_path_factory.mktemp("at-home")
    make_small_book(folder, PAGES, repository_url=REPOSITORY)
    git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@e.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    when = "2020-02-03T12:00:00+0000"
    environment = {**os.environ, "GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": when}
    for command in (["add", "chapters/lesson.md"], ["commit", "-q", "-m", "old"]):
        subprocess.run([*git, *command], check=True, env=environment)
    code, log = build(folder)
    assert code == 0, log
    return folder / "_build" / "html"


def test_a_lesson_is_described_by_what_its_reader_will_be_able_to_do(at_home):
    found = head(at_home / "chapters" / "lesson.html")
    assert found["description"] == found["og:description"] == "Say what x_1 is."


def test_another_page_is_described_by_its_first_paragraph(at_home):
    assert head(at_home / "chapters" / "first.html")["description"] == "It says this."


def test_the_card_has_absolute_addresses_that_exist(at_home):
    found = head(at_home / "chapters" / "lesson.html")
    assert found["og:url"] == f"{SITE}/chapters/lesson.html"
    assert found["og:title"].endswith("A lesson")
    assert found["og:type"] == "article"
    assert head(at_home / "chapters" / "first.html")["og:type"] == "website"
    assert found["twitter:card"] == "summary_large_image"
    assert found["og:image"].startswith(f"{SITE}/")
    card = at_home / found["og:image"].removeprefix(f"{SITE}/")
    assert card.read_bytes()[:4] == b"\x89PNG"
    # Width and height stand in a PNG's first chunk.
    size = [int.from_bytes(card.read_bytes()[k : k + 4]) for k in (16, 20)]
    assert size == [1200, 630]


def test_the_canonical_address_is_the_pages_own(at_home):
    (link,) = soup(at_home / "chapters" / "lesson.html").select("link[rel=canonical]")
    assert link["href"] == f"{SITE}/chapters/lesson.html"


def test_the_sitemap_lists_every_page_with_its_day_where_git_knows_it(at_home):
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    urls = ElementTree.parse(at_home / "sitemap.xml").getroot()
    assert [[part.text for part in url] for url in urls.iter(f"{space}url")] == [
        [f"{SITE}/chapters/first.html"],
        [f"{SITE}/chapters/lesson.html", "2020-02-03"],
    ]
    robots = (at_home / "robots.txt").read_text(encoding="utf-8")
    assert f"Sitemap: {SITE}/sitemap.xml\n" in robots


def test_a_page_says_when_its_file_was_last_changed_where_git_knows_it(at_home):
    (day,) = soup(at_home / "chapters" / "lesson.html").select(".last-updated")
    assert "2020-02-03" in day.get_text()
    assert not soup(at_home / "chapters" / "first.html").select(".last-updated")


def test_the_dead_end_leads_to_every_page_from_any_depth(at_home):
    page = soup(at_home / "404.html")
    links = {link["href"] for link in page.select("a[href]")}
    assert {f"/some-book/chapters/{name}.html" for name in PAGES} <= links
    named = page.select("[src], link[href], form[action]")
    own = [tag.get("src") or tag.get("href") or tag.get("action") for tag in named]
    assert own
    assert not [a for a in own if not a.startswith(("/some-book/", f"{SITE}/"))]


@pytest.mark.parametrize("name", [*toc_files(), "search", "genindex"])
def test_every_page_of_the_book_is_described(book, name):
    found = head(book.html / f"{name}.html")
    assert 30 <= len(found["description"]) <= 160
    assert not re.search(r"[\\{}]|\$", found["description"])
    assert found["og:title"]
    assert top(book.html / f"{name}.html").html["lang"] == "en-GB"


def test_no_two_pages_have_the_same_description(book):
    found = [head(book.html / f"{name}.html")["description"] for name in toc_files()]
    assert len(set(found)) == len(found)


def test_the_page_at_the_root_says_what_it_leads_to(book, at_home):
    for html, first in ((book.html, "index"), (at_home, "first")):
        page = soup(html / "index.html")
        target = f"chapters/{first}.html"
        assert page.html["lang"] == "en-GB"
        assert page.title.get_text() == head(html / target)["og:title"]
        refresh = page.find("meta", {"http-equiv": "refresh"})["content"]
        assert refresh == f"0; url={target}"
        assert page.a["href"] == target
        assert (html / target).is_file()
        card = {"description", "og:title", "og:description", "og:site_name"}
        assert card <= head(html / "index.html").keys()
    assert "og:image" in head(at_home / "index.html")
    (link,) = soup(at_home / "index.html").select("link[rel=canonical]")
    assert link["href"] == f"{SITE}/chapters/first.html"


def test_the_citation_text_says_what_the_citation_file_says(book):
    file = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    (quote,) = book.page("index").select("blockquote")
    year = str(file["date-released"])[:4]
    for part in (file["authors"][0]["name"], file["title"], file["version"], year):
        assert part in quote.get_text()


def test_every_page_names_the_book(book):
    for name in toc_files():
        site_name = head(book.html / f"{name}.html")["og:site_name"]
        assert site_name == "Backpropagation, executed"


def test_without_an_address_there_is_no_sitemap(book):
    assert not (book.html / "sitemap.xml").exists()
    assert not (book.html / "robots.txt").exists()
    assert "og:image" not in head(book.html / "chapters" / "index.html")


@pytest.mark.parametrize("depth", ["gone.html", "chapters/gone.html", "a/b/c/"])
def test_the_dead_end_in_a_browser(browser, book, depth):
    handler = DeadEnds.serving(book.html)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = f"http://127.0.0.1:{server.server_port}"
        page, broken = browser.new_page(), []
        page.on("response", lambda r: r.ok or broken.append(r.url))
        assert page.goto(f"{site}/{depth}").status == 404
        assert broken == [f"{site}/{depth}"]
        links = page.locator("a").evaluate_all("all => all.map((a) => a.href)")
        assert {urlsplit(link).path for link in links} >= {
            f"/{name}.html" for name in toc_files()
        }
        page.close()
        server.shutdown()


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
