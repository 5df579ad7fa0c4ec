"""What follows when Sphinx has written the pages: above all, changes in the pages.

They are what no setting of the theme changes.

Each row of ``CORRECTIONS`` is an XPath, what to do with what it finds, and why. A row
that finds nothing in a complete build is out of date, and fails it.
"""

import os
from collections import Counter
from collections.abc import Callable
from html import escape
from pathlib import Path

import lxml.etree
import lxml.html
from lxml.html import HtmlElement
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.logging import getLogger

import light_pages
from backprop_book.play import script
from notebooks import write_notebooks
from page_head import write_sitemap
from search_index import write_search
from whole_book import NAME, OFFERS, offer

logger = getLogger(__name__)
PLAIN_THEME = 'localStorage.getItem("theme") || "auto"'
THEME = (
    '{light: "light", dark: "dark"}[localStorage.getItem("mode")] || '
    '(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")'
)


def drop(element: HtmlElement, page: Path) -> None:
    """Leave it out."""
    element.drop_tree()


def attributes(values: dict[str, str | None]) -> Callable[[HtmlElement, Path], None]:
    """Set attributes; None takes one away."""

    def change(element: HtmlElement, page: Path) -> None:
        for name, value in values.items():
            element.attrib.pop(name, None)
            if value is not None:
                element.set(name, value)

    return change


def know_theme(script: HtmlElement, page: Path) -> None:
    """Find out which theme it will be."""
    script.text = script.text.replace(PLAIN_THEME, THEME)


def become_cell(heading: HtmlElement, page: Path) -> None:
    """Make an ordinary cell of it."""
    heading.tag = "td"


def show_figure(image: HtmlElement, page: Path) -> None:
    """Say the drawing's size, and make it a link to its file."""
    drawing = lxml.etree.parse(page.parent / image.get("src")).getroot()
    for side in ("width", "height"):
        points = float(drawing.get(side).removesuffix("pt"))
        image.set(side, f"{points * 4 / 3:.0f}")
    image.set("loading", "lazy")
    link = lxml.html.Element("a", {"class": "figure", "href": image.get("src")})
    image.addprevious(link)
    link.tail, image.tail = image.tail, None
    link.append(image)


CORRECTIONS = [
    (
        "//script[contains(@src, '/fontawesome.js')]",
        drop,
        "1.5 MB on every page; the icons come from a font that the theme ships as well",
    ),
    (
        "//script[contains(@src, '/searchtools.js') or contains(@src, 'searchindex.js')"
        " or contains(@src, '/language_data.js')]",
        drop,
        "Sphinx's own search, named on every page by the theme: the book has another",
    ),
    (
        "//script[contains(@src, '/sphinx_highlight.js')]",
        drop,
        "the book's own search marks what it found, and this looks for another's notes",
    ),
    (
        "//html[@data-theme='auto']",
        attributes({"data-theme": "light"}),
        "where no script chooses, the colours of code and of the page are two themes'",
    ),
    (
        "//script[@src][not(@defer)][not(contains(@src, '/documentation_options.js'))]",
        attributes({"defer": ""}),
        "the page is shown before its scripts are there; those in it rely on this one",
    ),
    (
        f"//script[contains(., '{PLAIN_THEME}')]",
        know_theme,
        "unknown until the theme's script runs, it flashes, and all is styled twice",
    ),
    (
        "//button[contains(@class, 'search-button-field')][@aria-label]",
        attributes({"aria-label": None}),
        "a name that leaves out the keys that the button shows can't be spoken",
    ),
    (
        "//div[@id='pst-primary-sidebar']",
        attributes({"role": "navigation", "aria-label": "Book"}),
        "the book's title in the sidebar belongs to no landmark",
    ),
    (
        "//*[@role='doc-biblioentry']",
        attributes({"role": "listitem"}),
        "the role doc-biblioentry is deprecated, and is no item of a list",
    ),
    (
        "//a[contains(@href, 'notebooks/')][@target]",
        attributes({"target": None, "download": ""}),
        "a notebook that is not saved but opened in a tab shows as bare text",
    ),
    (
        "//details[contains(@class, 'hide')]/summary[@aria-label]",
        attributes({"aria-label": None}),
        "one name for all folds, and not the one that they show",
    ),
    ("//th[not(node())]", become_cell, "pandas heads its row numbers with nothing"),
    (
        "//article//img[not(contains(@src, ':'))][contains(@src, '.svg')]",
        show_figure,
        "the text below jumps when a figure comes; on a phone it opens at full size",
    ),
]


def write_root(out: Path, first: str, page: HtmlElement) -> None:
    """Write the page at the root: its head is the first page's, to which it leads."""
    known = page.xpath(
        "//meta[@charset or @name or @property] | //link[@rel='canonical']"
    )
    head = "".join(lxml.html.tostring(x, encoding="unicode") for x in known)
    (title,) = map(escape, page.xpath("//meta[@property='og:title']/@content"))
    (out / "index.html").write_text(
        f"""<!DOCTYPE html>
<html lang="{page.get("lang")}">
<head>
{head}
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={first}">
<link rel="icon" href="_static/favicon.svg">
</head>
<body><main><h1>{title}</h1><p><a href="{first}">Read the book</a></p></main></body>
</html>
""",
        encoding="utf-8",
    )


def load_explorer(page: HtmlElement, path: Path, static: Path) -> None:
    """Load the explorer's script once, from a file, where each output carries it."""
    if not (scripts := page.xpath("//script[@data-backprop-script]")):
        return
    file = static / "play.js"
    file.write_text(script(), encoding="utf-8")
    source = f"{os.path.relpath(file, path.parent)}?v={light_pages.version(file)}"
    page.head.append(lxml.html.Element("script", src=source, defer=""))
    for element in scripts:
        element.drop_tree()


def note_page(app: Sphinx, pagename: str, *others: object) -> None:
    """Remember that Sphinx writes a page."""
    app.pages_written.add(Path(app.builder.get_outfilename(pagename)))


def finish_pages(app: Sphinx) -> None:
    """Correct the pages that Sphinx has just written; cut down what all load."""
    out, found = Path(app.outdir), Counter()
    paths = sorted({*out.rglob("*.html")} - {*(out / "_static").rglob("*.html")})
    pages = {p: lxml.html.document_fromstring(p.read_text("utf-8")) for p in paths}
    # The page at the root is made of the first one.
    pages.pop(out / "index.html", None)
    for path in app.pages_written:
        for where, change, _ in CORRECTIONS:
            elements = pages[path].xpath(where)
            found[where] += len(elements)
            for element in elements:
                change(element, path)
        load_explorer(pages[path], path, out / "_static")
    complete = len(app.pages_written) == len(pages)
    unused = [where for where, number in found.items() if not number]
    if complete and unused and app.config.corrections_apply:
        raise ExtensionError(f"corrections that nothing needs: {unused}")
    write_search(app, pages)
    light_pages.lighten(out / "_static", list(pages.values()))
    for path, page in pages.items():
        text = lxml.html.tostring(page, encoding="unicode", doctype="<!DOCTYPE html>")
        path.write_text(text, encoding="utf-8")
    first = f"{app.config.root_doc}.html"
    write_root(out, first, pages[out / first])
    # The whole book on paper is that of an older site.
    for kind in OFFERS:
        (out / f"{NAME}.{kind}").unlink(missing_ok=True)
    offer(out)


def take_last_steps(app: Sphinx, exception: Exception | None) -> None:
    """Take the steps; where one fails, the build does, with its words.

    An exception would have Sphinx take the last steps of all extensions once more, and
    report what comes of that instead.
    """
    if exception or app.builder.name != "html" or not app.pages_written:
        return
    for step in (write_notebooks, write_sitemap, finish_pages):
        try:
            step(app)
        except Exception as error:
            logger.error("%s: %s: %s", step.__module__, type(error).__name__, error)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx; the last to touch a page."""
    app.pages_written = set()
    app.add_config_value("corrections_apply", True, "")
    app.connect("html-page-context", note_page)
    app.connect("build-finished", take_last_steps, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
