"""Every link of every page leads to a file, and to a place in it."""

import html
import re
from functools import cache
from urllib.parse import unquote, urlsplit

LINK = re.compile(r'\s(?:href|src)="([^"]*)"')
PLACE = re.compile(r'\s(?:id|name)="([^"]*)"')


def test_no_link_is_dead(book):
    @cache
    def places(path):
        text = path.read_text(encoding="utf-8")
        return {html.unescape(place) for place in PLACE.findall(text)}

    dead, alive = [], 0
    for page in book.html.rglob("*.html"):
        if "_static" in page.parts:
            continue
        for link in set(LINK.findall(page.read_text(encoding="utf-8"))):
            parts = urlsplit(html.unescape(link))
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
