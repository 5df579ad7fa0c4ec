"""What a search engine, a message with a link in it and the theme know of a page.

A lesson is described by what its reader will be able to do, any other page by its first
paragraph. All that needs the book's address waits for it: the picture in a message, the
sitemap, and the theme's buttons for the repository, an issue and an edit.
"""

import json
import re
import textwrap
from datetime import UTC, datetime
from html import escape
from html.entities import entitydefs
from pathlib import Path
from urllib.parse import urlsplit

import lxml.html
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

from addresses import Addresses

LEAD_ON = """
<script>{{
const place = {}[location.hash.slice(1)];
if (place) location.replace(place);
}}</script>"""
ABILITY = "You will be able to "
# Pages that Sphinx makes of no file, and names only in their templates.
TITLES = {"search": "Search", "genindex": "Index", "py-modindex": "Modules"}
CARD_SHOWS = (
    "White on blue: the sign nabla, the title Backpropagation, executed, "
    "and the words: every claim runs"
)


def use_addresses(app: Sphinx, config: Config) -> None:
    """Keep the book's addresses, and hand them to the theme and to Sphinx."""
    try:
        app.addresses = Addresses.of(config.repository_url, config.site_url)
    except ValueError as error:
        raise ConfigError(f"_config.yml, {error}") from None
    repository, site = app.addresses.repository, app.addresses.site
    config.html_theme_options = {
        **config.html_theme_options,
        "repository_url": repository,
        "repository_branch": "main",
        "use_repository_button": bool(repository),
        "use_issues_button": bool(repository),
        "use_edit_page_button": bool(repository),
    }
    config.html_baseurl = f"{site}/" if site else ""
    # The page for dead links is served at any depth: it names others from the root.
    config.notfound_urls_prefix = f"{urlsplit(site).path}/"


def plain(node: nodes.Node) -> str:
    """Return a node's words, its formulas without LaTeX's marks.

    The web's names of characters are LaTeX's, as far as Greek letters go.
    """
    if isinstance(node, nodes.math):
        letters = re.sub(
            r"\\([a-z]+)", lambda m: entitydefs.get(m[1], ""), node.astext()
        )
        return re.sub(r"[\\{}$]", "", letters)
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
    book, site = app.config.project, app.addresses.site
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
    tags = {
        "description": about,
        "twitter:card": "summary_large_image" if site else "summary",
        "og:type": "website" if pagename == app.config.root_doc else "article",
        "og:title": title,
        "og:description": about,
        "og:site_name": book,
        "og:locale": "en_GB",
    }
    if site:
        tags["og:url"] = app.addresses.page(pagename)
        tags["og:image"] = f"{site}/_static/card.png"
        tags["og:image:alt"] = CARD_SHOWS
    context.setdefault("metatags", "")
    moved = {}
    for old, new in app.config.moved.items():
        (old_page, old_label), (page, label) = old.split("#"), new.split("#")
        if old_page == pagename:
            moved[old_label] = f"{context['pathto'](page).rstrip('#')}#{label}"
    if moved:
        context["metatags"] += LEAD_ON.format(json.dumps(moved))
    for name, value in tags.items():
        kind = "property" if name.startswith("og:") else "name"
        context["metatags"] += f'\n<meta {kind}="{name}" content="{escape(value)}" />'


def write_sitemap(app: Sphinx) -> None:
    """Tell search engines of all pages; their addresses are absolute there.

    sphinx-sitemap names those pages alone that the last build wrote.
    """
    if not (site := app.addresses.site):
        return
    urls = ""
    for page in sorted(app.env.found_docs):
        urls += f"<url><loc>{app.addresses.page(page)}</loc>"
        seconds, _ = app.env.git_last_updated.get(page) or (None, None)
        if seconds:
            day = datetime.fromtimestamp(int(seconds), UTC).date()
            urls += f"<lastmod>{day}</lastmod>"
        urls += "</url>\n"
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    text = f'<urlset xmlns="{space}">\n{urls}</urlset>\n'
    Path(app.outdir, "sitemap.xml").write_text(text, encoding="utf-8")
    robots = f"User-agent: *\nAllow: /\nSitemap: {site}/sitemap.xml\n"
    Path(app.outdir, "robots.txt").write_text(robots, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    app.add_config_value("repository_url", "", "html")
    app.add_config_value("site_url", "", "html")
    app.add_config_value("moved", {}, "html")
    app.connect("config-inited", use_addresses)
    app.connect("html-page-context", add_description)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
