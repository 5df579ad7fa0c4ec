"""Everything on a page that needs to know where the book lives.

The theme's buttons for the repository, an issue and an edit; buttons that open a
chapter in Colab and on Binder; the page's canonical address. None appears while
``repository_url`` is empty.
"""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

from addresses import Addresses
from last_steps import add_last_step


def addresses_of(app: Sphinx) -> Addresses:
    """Return the addresses that the configuration names."""
    try:
        return Addresses.of(app.config.repository_url, app.config.site_url)
    except ValueError as error:
        raise ConfigError(f"_config.yml, {error}") from None


def tell_the_theme(app: Sphinx, config: Config) -> None:
    """Hand the address to the theme and to Sphinx."""
    addresses = addresses_of(app)
    known = bool(addresses.repository)
    config.html_theme_options = {
        **config.html_theme_options,
        "repository_url": addresses.repository,
        "repository_branch": "main",
        "use_repository_button": known,
        "use_issues_button": known,
        "use_edit_page_button": known,
    }
    config.html_baseurl = f"{addresses.site}/" if addresses.site else ""
    # The page for dead links is served at any depth: it names others from the root.
    config.notfound_urls_prefix = f"{urlsplit(addresses.site).path}/"


def add_launch_buttons(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object
) -> None:
    """Offer to open a chapter on a machine that has Jupyter."""
    addresses = addresses_of(app)
    is_notebook = "kernelspec" in app.env.metadata.get(pagename, {})
    if not (addresses.repository and doctree and is_notebook):
        return
    name = pagename.rsplit("/", 1)[-1]
    places = [
        ("Colab", addresses.colab(name), "_static/images/logo_colab.png"),
        ("Binder", addresses.binder(name), "_static/images/logo_binder.svg"),
    ]
    buttons = [
        {
            "type": "link",
            "url": url,
            "text": place,
            "icon": logo,
            "tooltip": f"Open this page as a notebook in {place}",
        }
        for place, url, logo in places
    ]
    context["header_buttons"].insert(
        0,
        {
            "type": "group",
            "tooltip": "Run this page elsewhere",
            "icon": "fas fa-rocket",
            "buttons": buttons,
            "label": "launch-buttons",
        },
    )


def write_sitemap(app: Sphinx) -> None:
    """Tell search engines of all pages; their addresses are absolute there.

    sphinx-sitemap names those pages alone that the last build wrote.
    """
    site = addresses_of(app).site
    if not site:
        return
    urls = []
    for page in sorted(app.env.found_docs):
        seconds, _ = app.env.git_last_updated.get(page) or (None, None)
        day = seconds and datetime.fromtimestamp(int(seconds), UTC).date()
        date = f"<lastmod>{day}</lastmod>" if day else ""
        urls.append(f"<url><loc>{addresses_of(app).page(page)}</loc>{date}</url>\n")
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    text = f'<urlset xmlns="{space}">\n{"".join(urls)}</urlset>\n'
    Path(app.outdir, "sitemap.xml").write_text(text, encoding="utf-8")
    robots = f"User-agent: *\nAllow: /\nSitemap: {site}/sitemap.xml\n"
    Path(app.outdir, "robots.txt").write_text(robots, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    app.add_config_value("repository_url", "", "html")
    app.add_config_value("site_url", "", "html")
    app.connect("config-inited", tell_the_theme)
    # After the theme has made its list of buttons, at 501.
    app.connect("html-page-context", add_launch_buttons, priority=900)
    add_last_step(app, write_sitemap, priority=500)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
