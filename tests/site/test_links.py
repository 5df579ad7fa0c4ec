"""Every link of every page leads to a file, and to a place in it."""

from functools import cache
from urllib.parse import unquote, urlsplit

import lxml.html


def test_no_link_is_dead(book):
    @cache
    def read(path):
        return lxml.html.document_fromstring(path.read_text(encoding="utf-8"))

    @cache
    def places(path):
        return {*read(path).xpath("//@id | //@name")}

    dead, alive = [], 0
    for page in book.html.rglob("*.html"):
        if "_static" in page.parts:
            continue
        for link in {*read(page).xpath("//@href | //@src")}:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            base = book.html if parts.path.startswith("/") else page.parent
            target = base / unquote(parts.path).lstrip("/") if parts.path else page
            place = unquote(parts.fragment)
            if not target.exists() or (
                place and target.suffix == ".html" and place not in places(target)
            ):
                dead.append(f"{page.relative_to(book.html)}: {link}")
            alive += 1
    assert not dead
    assert alive > 1000, "hardly any link was found"
