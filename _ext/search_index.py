"""The search: what its page looks through, and that page.

Sphinx's own search knows whole pages and whole words. This one knows sections,
exercises, equations, functions and the glossary's terms, each with its text, and with
what the glossary and the tables say where they lead to it: a symptom, another name.
``search.js`` looks through them with MiniSearch, which forgives a slip of the pen.
"""

import copy
import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urljoin

from lxml.html import HtmlElement
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.search.en import SearchEnglish

HERE = Path(__file__).parent
MINISEARCH = HERE.parent / "node_modules" / "minisearch" / "dist" / "umd" / "index.js"
# Sections, exercises, solutions, equations, and the terms of a list with their text.
PLACES = (
    "self::section[h1 or h2 or h3]",
    "self::div[contains(@class, 'exercise')][@id]",
    "self::details[contains(@class, 'solution')]",
    "self::div[contains(@class, 'math')][@id]",
    "self::dt[@id]",
)
# Not for reading; what is printed, which varies; the code of figures, which is folded.
UNSEEN = (
    "self::script or self::style or self::button or self::annotation or "
    "contains(@class, 'katex-html') or contains(@class, 'headerlink') or "
    "contains(@class, 'viewcode-link') or self::details[contains(@class, 'hide')] or "
    "contains(@class, 'cell_output')"
)


def words(element: HtmlElement) -> str:
    """Return an element's text on one line."""
    return " ".join(element.text_content().split())


def title_of(place: HtmlElement) -> str:
    """Return what a place is called."""
    if place.tag == "dt":
        name = place.get("id")
        # Of a function, without the package and the module.
        return words(place) if name.startswith("term-") else name.split(".", 2)[-1]
    (title, *_) = place.xpath("h1 | h2 | h3 | p[1] | summary | span[@class='eqno']")
    return f"{'Equation ' * (title.tag == 'span')}{words(title)}"


def article_of(page: HtmlElement) -> HtmlElement:
    """Return a copy of a page's article with what is searched."""
    (article,) = copy.deepcopy(page).find_class("bd-article")
    for element in article.xpath(f".//*[{UNSEEN}]"):
        element.drop_tree()
    return article


def places(article: HtmlElement) -> Iterator[tuple[list[str], str, str]]:
    """Return the anchors, the title and the text of each place, and take it out.

    A text belongs to the innermost of the places that it is in. A solution has none
    here: a search does not show what its reader has not asked for.
    """
    found = []
    for place in reversed(article.xpath(f".//*[{' or '.join(PLACES)}]")):
        title = title_of(place)
        parts = [place, *place.xpath("self::dt/following-sibling::dd[1]")]
        anchors = [
            id_ for part in parts for id_ in part.xpath("descendant-or-self::*/@id")
        ]
        text = " ".join(map(words, parts)).removeprefix(title).strip()
        found.append((anchors, title, "" if place.tag == "details" else text))
        for part in parts:
            part.drop_tree()
    return reversed(found)


def said_of(name: str, article: HtmlElement) -> Iterator[tuple[str, str, str]]:
    """Return where the glossary's items and the tables' rows lead, and their words.

    Of the glossary, first the term.
    """
    for item in article.xpath(".//tr | .//dl[contains(@class, 'glossary')]/dd"):
        term = " ".join(map(words, item.xpath("self::dd/preceding-sibling::dt[1]")))
        for link in item.xpath(".//a[contains(@class, 'internal')]/@href"):
            yield unquote(urljoin(f"{name}.html", link)), term, words(item)


def symptoms(name: str, article: HtmlElement) -> Iterator[tuple[str, str, str]]:
    """Return what is seen when something is wrong, as a place of its own.

    It leads where the table does.
    """
    for row in article.xpath(".//tr[td][../../thead//th[1] = 'what you see']"):
        (section,) = row.xpath("ancestor::section[1]/@id")
        links = row.xpath(".//a[contains(@class, 'internal')]/@href")
        address = unquote(urljoin(f"{name}.html", [*links, f"#{section}"][0]))
        seen = words(row[0])
        yield address, seen[:1].upper() + seen[1:], "; ".join(map(words, row))


def rows_of(articles: dict[str, HtmlElement]) -> Iterator[list[str]]:
    """Return for each place what ``search.js`` knows of it.

    Its address, title, chapter and text; what the glossary calls it; what the glossary
    and the tables say of it; and its labels.
    """
    terms, also = defaultdict(list), defaultdict(list)
    for name, article in articles.items():
        for address, term, text in said_of(name, article):
            also[address] += [term, text] if term else [text]
            terms[address] += [term] if term else []
    for name, article in articles.items():
        seen = [*symptoms(name, article)]
        first, *others = places(article)
        for anchors, title, text in [first, *others]:
            labels = [f"{name}.html#{anchor}" for anchor in anchors]
            chapter = "" if anchors is first[0] else first[1]
            yield [
                labels[0] if chapter else f"{name}.html",
                *(title, chapter, text),
                "; ".join(term for label in labels for term in terms[label]),
                " ".join(words for label in labels for words in also[label]),
                " ".join(anchors),
            ]
        for address, title, text in seen:
            yield [address, title, first[1], text, "", "", ""]


def write_search(app: Sphinx, pages: dict[Path, HtmlElement]) -> None:
    """Write what the search page loads."""
    if not MINISEARCH.is_file():
        raise ExtensionError(
            "MiniSearch is not installed in node_modules/: run `npm ci`"
        )
    target = Path(app.outdir, "_static", "search")
    target.mkdir(exist_ok=True)
    articles = {
        name: article_of(pages[Path(app.builder.get_outfilename(name))])
        for name in sorted(app.env.found_docs)
    }
    rows = [*rows_of(articles)]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    (target / "places.js").write_text(f"const PLACES = {text};\n", encoding="utf-8")
    # Half of the file is its documentation.
    code = re.sub(r"/\*\*.*?\*/", "", MINISEARCH.read_text("utf-8"), flags=re.S)
    (target / "minisearch.js").write_text(code, encoding="utf-8")
    stemmer = f"{SearchEnglish.js_stemmer_code}\nconst STEMMER = new Stemmer();\n"
    (target / "stemmer.js").write_text(stemmer, encoding="utf-8")
    shutil.copy(HERE / "search.js", target)


def know_page(app: Sphinx, config: Config) -> None:
    """Have ``search.html`` found in this folder."""
    # Where this folder lies is nobody's business: a digest of it is published.
    here = os.path.relpath(HERE, app.confdir)
    config.templates_path = [*config.templates_path, here]


def replace_search(app: Sphinx) -> None:
    """Take the book's own search page, and make no index of Sphinx's."""
    if app.builder.name == "html":
        app.builder.search = False
        app.config.html_additional_pages["search"] = "search.html"


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    app.connect("config-inited", know_page)
    app.connect("builder-inited", replace_search)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
