"""What a search engine, or a message with a link in it, shows of a page.

A lesson is described by what its reader will be able to do, any other page by its first
paragraph. Pictures and addresses are absolute there, so they wait for the site's.
"""

import re
import textwrap
import unicodedata
from contextlib import suppress
from html import escape

import lxml.html
from docutils import nodes
from sphinx.application import Sphinx

from repository import addresses_of

ABILITY = "You will be able to "
# Pages that Sphinx makes of no file, and names only in their templates.
TITLES = {"search": "Search", "genindex": "Index", "py-modindex": "Modules"}
CARD_SHOWS = (
    "White on blue: the sign nabla, the title Backpropagation, executed, "
    "and the words: every claim runs"
)


def letter(command: re.Match) -> str:
    """Return the letter that a command of LaTeX names, or ""."""
    name = command[1].upper().replace("BDA", "DA")
    with suppress(KeyError):
        return unicodedata.lookup(f"GREEK SMALL LETTER {name}")
    return ""


def plain(node: nodes.Node) -> str:
    """Return a node's words, its formulas without LaTeX's marks."""
    if isinstance(node, nodes.math):
        return re.sub(r"[\\{}$]", "", re.sub(r"\\([a-z]+)", letter, node.astext()))
    if isinstance(node, nodes.Text):
        return node.astext()
    return " ".join("".join(map(plain, node.children)).split())


def describe(doctree: nodes.document) -> str:
    """Return a sentence or two on a page, or ""."""
    paragraphs = [plain(paragraph) for paragraph in doctree.findall(nodes.paragraph)]
    able = [p.removeprefix(ABILITY) for p in paragraphs if p.startswith(ABILITY)]
    text = "".join((able or paragraphs)[:1])
    text = textwrap.shorten(text[:1].upper() + text[1:], 160, placeholder="…")
    # Whole sentences, if that leaves half of it.
    whole = text.rpartition(". ")[0]
    return f"{whole}." if text.endswith("…") and len(whole) > 80 else text


def add_description(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object
) -> None:
    """Add the page's description, and its card for links in messages."""
    book, addresses = app.config.project, addresses_of(app)
    if pagename in app.env.longtitles:
        numbers = app.env.toc_secnumbers.get(pagename, {}).get("", ())
        number = "".join(f"{number}." for number in numbers)
        title = f"{number} {plain(app.env.longtitles[pagename])}".strip()
        # Of a title's markup, the theme would leave pieces in the page's <title>.
        context["title"] = escape(title)
    else:
        title = context.get("title") or TITLES.get(pagename, pagename)
        title = lxml.html.fromstring(title).text_content()
    about = describe(doctree) if doctree else ""
    about = about or f"{title}: a page of “{book}”."
    properties = {
        "og:type": "website" if pagename == app.config.root_doc else "article",
        "og:title": title,
        "og:description": about,
        "og:site_name": book,
        "og:locale": "en_GB",
    }
    names = {"description": about, "twitter:card": "summary"}
    if addresses.site:
        properties["og:url"] = addresses.page(pagename)
        properties["og:image"] = f"{addresses.site}/_static/card.png"
        properties["og:image:alt"] = CARD_SHOWS
        names["twitter:card"] = "summary_large_image"
    tags = [f'<meta name="{k}" content="{escape(v)}" />' for k, v in names.items()]
    tags += [
        f'<meta property="{k}" content="{escape(properties[k])}" />' for k in properties
    ]
    context["metatags"] = "\n".join([context.get("metatags", ""), *tags])


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the step to Sphinx."""
    app.connect("html-page-context", add_description)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
