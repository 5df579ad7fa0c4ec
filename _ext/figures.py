"""Figures that keep their place while they load, and open at full size.

A figure says its size, so that the text below does not jump when it comes, and waits
until it is scrolled to. It is a link to its own file: on a phone, where it is shown
smaller than it was drawn, ``_static/pages.js`` shows it large in its place instead.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

IMAGE = re.compile(r'<img (?![^>]*\bwidth=)([^>]*\bsrc="([^"]+\.svg)"[^>/]*)/?>')
SIZE = re.compile(r'<svg[^>]* width="([\d.]+)pt" height="([\d.]+)pt"')


def show_figures(page: str, folder: Path) -> str:
    """Return the page with the size of each drawing, and a link around it."""

    def show(match: re.Match) -> str:
        drawing = (folder / match[2]).read_text(encoding="utf-8")
        size = SIZE.search(drawing)
        if size is None:
            return match[0]
        width, height = (round(float(points) * 4 / 3) for points in size.groups())
        return (
            f'<a class="figure" href="{match[2]}"><img {match[1].strip()} '
            f'width="{width}" height="{height}" loading="lazy"></a>'
        )

    return IMAGE.sub(show, page)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Show the figures of the pages that Sphinx has just written."""
    if exception or app.builder.name != "html":
        return
    for path in Path(app.outdir, "chapters").glob("*.html"):
        before = path.read_text(encoding="utf-8")
        after = show_figures(before, path.parent)
        if after != before:
            path.write_text(after, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the step to Sphinx, before the step that looks at what a page uses."""
    app.connect("build-finished", finish, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
