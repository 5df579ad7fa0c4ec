"""What a search engine, or a message with a link in it, shows of a page.

A lesson is described by what its reader will be able to do, any other page by its first
paragraph. Pictures and addresses are absolute there, so they wait for the site's.
"""

import re
from html import escape

from docutils import nodes
from sphinx.application import Sphinx

from repository import addresses_of

LONGEST = 160
ABILITY = "You will be able to "
# Pages that Sphinx makes of no file, and names only in their templates.
TITLES = {"search": "Search", "genindex": "Index", "py-modindex": "Modules"}
CARD = "_static/card.png"
CARD_SHOWS = (
    "White on blue: the sign nabla, the title Backpropagation, executed, "
    "and the words: every claim runs"
)


def describe(doctree: nodes.document) -> str:
    """Return a sentence or two on a page, or ""."""
    paragraphs = [plain(p) for p in doctree.findall(nodes.paragraph)]
    for text in paragraphs:
        if text.startswith(ABILITY):
            text = text.removeprefix(ABILITY)
            return shorten(text[0].upper() + text[1:])
    return shorten(paragraphs[0]) if paragraphs else ""


def plain(paragraph: nodes.paragraph) -> str:
    """Return a paragraph's words, its formulas without LaTeX's marks."""
    text = "".join(
        re.sub(r"\\[a-z]+|[\\{}$]", "", part.astext())
        if isinstance(part, nodes.math)
        else part.astext()
        for part in paragraph.children
    )
    return " ".join(text.split())


def shorten(text: str) -> str:
    """Return whole sentences, as many as fit, or else whole words."""
    if len(text) <= LONGEST:
        return text
    sentences = text[:LONGEST].rsplit(". ", 1)
    if len(sentences) == 2 and len(sentences[0]) > LONGEST // 2:
        return sentences[0] + "."
    return text[: LONGEST - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def add_description(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object
) -> None:
    """Add the page's description, and its card for links in messages."""
    book = app.config.html_title or app.config.project
    title = re.sub(r"<[^>]+>", "", context.get("title", "")) or TITLES[pagename]
    description = (
        describe(doctree) if doctree else ""
    ) or f"{title}: a page of “{book}”."
    is_root = pagename == app.config.root_doc
    properties = {
        "og:type": "website" if is_root else "article",
        "og:title": title,
        "og:description": description,
        "og:site_name": book,
        "og:locale": "en_GB",
    }
    names = {"description": description, "twitter:card": "summary"}
    addresses = addresses_of(app)
    if addresses.site:
        properties["og:url"] = addresses.page(pagename)
        properties["og:image"] = f"{addresses.site}/{CARD}"
        properties["og:image:alt"] = CARD_SHOWS
        names["twitter:card"] = "summary_large_image"
    tags = [f'<meta name="{k}" content="{escape(v)}" />' for k, v in names.items()]
    tags += [
        f'<meta property="{k}" content="{escape(v)}" />' for k, v in properties.items()
    ]
    context["metatags"] = "\n".join([context.get("metatags", ""), *tags])


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the step to Sphinx."""
    app.connect("html-page-context", add_description)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
