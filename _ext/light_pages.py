"""One style sheet for all pages, with the rules that they use, and the icons they show.

PurgeCSS keeps a rule whose names are words of a page or of a script.
"""

import hashlib
import logging
import os
import re
import subprocess
import tempfile
from pathlib import Path

import lxml.html
from fontTools import subset
from lxml.html import HtmlElement
from sphinx.errors import ExtensionError
from sphinxcontrib import katex

# Sphinx shows all that is logged; of each table of each font, fontTools logs a line.
logging.getLogger("fontTools").setLevel(logging.WARNING)

PURGECSS = Path(__file__).parents[1] / "node_modules/purgecss/bin/purgecss.js"
SHEET = "light/book.css"
OTHER_SCRIPTS = ("bootstrap.js", "fontawesome.js", "play.js", "places.js")
# What Bootstrap's menus and tooltips add to a page; and the release of KaTeX, which the
# tests compare with the one that rendered.
KEPT = """
    fade end static tooltip-inner tooltip-arrow bs-tooltip-auto
    data-popper-placement data-bs-popper katex-version
"""
OPTIONS = ("--output", ".", "--font-face", "--keyframes", "--variables")


def name_of(address: str) -> str:
    """Return which file of ``_static`` a link leads to, or ""."""
    return address.partition("_static/")[2].partition("?")[0]


def version(file: Path) -> str:
    """Return what tells a file from its other versions, in its address."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:8]


def read_sheet(path: Path, folder: Path) -> str:
    """Return a style sheet, what it imports included, as it reads from ``folder``."""

    def relative(match: re.Match) -> str:
        target = os.path.relpath(path.parent / match[2], folder)
        return f"url({match[1]}{Path(target).as_posix()}{match[1]})"

    def imported(match: re.Match) -> str:
        return read_sheet(path.parent / match[1], folder)

    text = path.read_text(encoding="utf-8")
    text = re.sub(r"""url\((["']?)(?!data:|#)([^)"']+)\1\)""", relative, text)
    return re.sub(r'@import "([^"]+)";', imported, text)


def purge(sheet: str, static: Path, pages: list[HtmlElement]) -> str:
    """Return the style sheet without the rules that name nothing in the site.

    Each word of a page or a script counts as a name. Of Bootstrap's script that would
    keep 12 kB: what it adds to these pages is listed.
    """
    if not PURGECSS.is_file():
        raise ExtensionError("PurgeCSS is not installed in node_modules/: run `npm ci`")
    scripts = [s for s in static.rglob("*.js") if s.name not in OTHER_SCRIPTS]
    texts = [lxml.html.tostring(page, encoding="unicode") for page in pages]
    text = KEPT + "\n".join(texts + [script.read_text("utf-8") for script in scripts])
    with tempfile.TemporaryDirectory() as folder:
        css, html = Path(folder, "book.css"), Path(folder, "found.html")
        css.write_text(sheet, encoding="utf-8")
        html.write_text(text, encoding="utf-8")
        files = ("--css", css, "--content", html)
        result = subprocess.run(
            [katex.NODEJS_BINARY, PURGECSS, *files, *OPTIONS],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        if result.returncode:
            raise ExtensionError(f"PurgeCSS failed:\n{result.stderr}")
        return css.read_text(encoding="utf-8")


def subset_icons(match: re.Match, sheet: str, folder: Path) -> str:
    """Write a font of icons with those that the sheet names; return its new source."""
    source = folder / match[1]
    escaped = re.findall(r"\\([0-9a-fA-F]{3,6})", sheet)
    icons = {int(code, 16) for code in escaped} | {ord(c) for c in sheet if c > "\x7f"}
    # Two builds of the same pages make the same bytes: no time of day gets into a font.
    options = subset.Options(flavor="woff2", layout_features=["*"], recalc_bounds=True)
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=icons)
    subsetter.subset(font)
    subset.save_font(font, folder / source.name, options)
    return f'url({source.name}?v={version(folder / source.name)}) format("woff2")'


def join_sheets(links: list[HtmlElement], static: Path) -> str:
    """Return the sheets that these elements name as one; what is for paper stays so."""
    sheets = dict.fromkeys(
        (name_of(link.get("href")), link.get("media")) for link in links
    )
    text = ""
    for name, media in sheets:
        sheet = read_sheet(static / name, (static / SHEET).parent)
        text += f"@media {media} {{\n{sheet}\n}}\n" if media else f"{sheet}\n"
    return text


def lighten(static: Path, pages: list[HtmlElement]) -> None:
    """Lead all pages to the one sheet.

    A page that Sphinx has just written names the theme's and the extensions' sheets,
    one of an earlier build names the one sheet already.
    """
    sheet = static / SHEET
    sheet.parent.mkdir(exist_ok=True)
    links = [page.xpath("//link[@rel='stylesheet']") for page in pages]
    others = [x for found in links for x in found if SHEET not in x.get("href")]
    text = purge(join_sheets(others, static), static, pages)
    text = re.sub(
        r"url\(([^)]*/fa-[^)]+\.woff2)\)[^;}]*",
        lambda match: subset_icons(match, text, sheet.parent),
        text,
    )
    sheet.write_text(text, encoding="utf-8")
    name = f"_static/{SHEET}?v={version(sheet)}"
    for link, *rest in links:
        link.set("href", link.get("href").partition("_static/")[0] + name)
        link.attrib.pop("media", None)
        for other in rest:
            other.drop_tree()
