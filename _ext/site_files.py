"""Files beside the pages: for search engines, and for who followed a dead link.

The page for dead links is served in place of pages at any depth. So it has its style in
itself and names the others from the root of the host; where the site doesn't stand at
that root, its address has to be known.
"""

from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from sphinx.application import Sphinx

from last_changed import last_changed
from repository import addresses_of

SITEMAP = """\
<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{urls}
</urlset>
"""
NOT_FOUND = """\
<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="description" content="The address leads to no page of this book.">
<title>No such page — {book}</title>
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; }}
body {{
  font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto;
  padding: 2rem 1.25rem; background: #fff; color: #222;
}}
a {{ color: #0059b3; }}
h2 {{ font-size: 1.1rem; margin-bottom: 0; }}
ul {{ margin-top: 0.25rem; }}
input, button {{ font: inherit; padding: 0.3rem 0.6rem; max-width: 100%; }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #14181e; color: #ddd; }}
  a {{ color: #7cc0ff; }}
}}
</style>
</head>
<body>
<main>
<h1>No such page</h1>
<p>The address leads to no page of <a href="{root}">{book}</a>. A chapter may have
moved. These are all of them:</p>
<form role="search" action="{search}">
<label for="q">Search this book:</label>
<input id="q" name="q" type="search"> <button type="submit">Search</button>
</form>
{lists}
</main>
</body>
</html>
"""


def write(path: Path, text: str) -> None:
    """Write a file where it isn't there as it should be."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def sitemap(app: Sphinx) -> str:
    """Return the list of pages with their days."""
    address = addresses_of(app).page
    urls = [
        f"  <url><loc>{escape(address(page))}</loc>"
        f"<lastmod>{last_changed(app, page)}</lastmod></url>"
        for page in sorted(app.env.found_docs)
    ]
    return SITEMAP.format(urls="\n".join(urls))


def not_found(app: Sphinx) -> str:
    """Return the page for dead links."""
    base = urlsplit(addresses_of(app).site).path

    def link(page: str) -> str:
        title = escape(app.env.titles[page].astext())
        return f'<li><a href="{base}/{page}.html">{title}</a></li>'

    toc = yaml.safe_load((Path(app.srcdir) / "_toc.yml").read_text(encoding="utf-8"))
    lists = [
        f"<h2>{escape(part['caption'])}</h2>\n<ul>\n"
        + "\n".join(link(chapter["file"]) for chapter in part["chapters"])
        + "\n</ul>"
        for part in toc.get("parts", [])
    ]
    return NOT_FOUND.format(
        book=escape(app.config.html_title or app.config.project),
        root=f"{base}/{app.config.root_doc}.html",
        search=f"{base}/search.html",
        lists="\n".join(lists),
    )


def write_files(app: Sphinx, exception: Exception | None) -> None:
    """Write what this build's addresses allow, and nothing stale."""
    if exception or app.builder.format != "html":
        return
    site, out = addresses_of(app).site, Path(app.outdir)
    robots = "User-agent: *\nAllow: /\n"
    if site:
        write(out / "sitemap.xml", sitemap(app))
        robots += f"Sitemap: {site}/sitemap.xml\n"
    else:
        # A sitemap's addresses are absolute: without the site's there is none.
        (out / "sitemap.xml").unlink(missing_ok=True)
    write(out / "robots.txt", robots)
    write(out / "404.html", not_found(app))


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the step to Sphinx."""
    app.connect("build-finished", write_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
