"""Mend in the finished pages what the theme gets wrong on every one of them.

Each row of ``MENDS`` is a pattern of the theme's HTML, its replacement, and the reason.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

MENDS = [
    (
        r"<script[^>]*/fontawesome\.js[^>]*></script>\n?",
        "",
        "1.5 MB on every page; the icons come from a font that the theme ships as well",
    ),
    (
        r'(<button class="btn search-button-field[^>]*) aria-label="Search"',
        r"\1",
        "a name that leaves out the keys that the button shows can't be spoken",
    ),
    (
        r'<div id="pst-primary-sidebar" class="bd-sidebar-primary bd-sidebar',
        r'<div role="navigation" aria-label="Book" id="pst-primary-sidebar" '
        r'class="bd-sidebar-primary bd-sidebar',
        "the book's title in the sidebar belongs to no landmark",
    ),
    (
        r'<div class="citation" id="([^"]*)" role="doc-biblioentry">',
        r'<div class="citation" id="\1" role="listitem">',
        "the role doc-biblioentry is deprecated, and is no item of a list",
    ),
    (
        r'(<a href="[^"]*notebooks/[^"]*\.ipynb") target="_blank"',
        r"\1 download",
        "a notebook that is not saved but opened in a tab shows as bare text",
    ),
    (
        r'(dataset\.theme = )localStorage\.getItem\("theme"\) \|\| "\w+";',
        r'\1{light: "light", dark: "dark"}[localStorage.getItem("mode")] || '
        r'(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");',
        "unknown until the theme's script runs, it flashes, and all is styled twice",
    ),
    (r"<th></th>", "<td></td>", "pandas heads its column of row numbers with nothing"),
]


def finish_pages(app: Sphinx, exception: Exception | None) -> None:
    """Apply all mends to every page of the site."""
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        before = after = page.read_text(encoding="utf-8")
        for pattern, replacement, _ in MENDS:
            after = re.sub(pattern, replacement, after)
        if after != before:
            page.write_text(after, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the step to Sphinx."""
    app.connect("build-finished", finish_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
