"""One style sheet for all pages, with the rules that they use, and the icons they show.

PurgeCSS keeps a rule whose names are on a page or in a script that a page loads.
"""

import hashlib
import json
import logging
import os
import re
import subprocess
from pathlib import Path

from fontTools import subset
from lxml.html import HtmlElement
from sphinx.errors import ExtensionError
from sphinxcontrib import katex

# Sphinx shows all that is logged; of each table of each font, fontTools logs a line.
logging.getLogger("fontTools").setLevel(logging.WARNING)

MODULES = Path(__file__).parents[1] / "node_modules"
SHEET = "light/book.css"
# What Bootstrap's script adds to these pages: menus and tooltips. All that it could add
# elsewhere would keep 12 kB of rules.
BOOTSTRAP = """
    show fade tooltip tooltip-inner tooltip-arrow bs-tooltip-auto dropdown-menu
    data-popper-placement data-bs-popper top bottom left right start end static none
"""


def name_of(address: str) -> str:
    """Return which file of ``_static`` a link leads to, or ""."""
    return address.partition("_static/")[2].partition("?")[0]


def version(file: Path) -> str:
    """Return what tells a file from its other versions, in its address."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:8]


def find_selectors(static: Path, pages: list[HtmlElement]) -> dict[str, object]:
    """Return what a style sheet can select on the pages, as PurgeCSS wants it.

    Each word of a script counts as anything that the script may add to a page. What the
    explorer adds has a style sheet of its own.
    """
    elements = [element for page in pages for element in page.iter("*")]
    attributes = sorted({pair for element in elements for pair in element.items()})
    scripts = {name_of(v) for k, v in attributes if k == "src" and ".js" in v}
    words = set(BOOTSTRAP.split())
    for name in scripts - {"", "scripts/bootstrap.js", "play.js"}:
        words.update(re.findall(r"[\w-]+", (static / name).read_text("utf-8")))
    return {
        "tags": sorted({element.tag for element in elements}),
        "classes": [name for k, v in attributes if k == "class" for name in v.split()],
        "ids": [v for k, v in attributes if k == "id"],
        "attributes": {
            "names": [k for k, _ in attributes],
            "values": [v for _, v in attributes],
        },
        "undetermined": sorted(words),
    }


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


def purge(sheet: str, selectors: dict[str, object]) -> str:
    """Return the style sheet without the rules that select nothing."""
    if not (MODULES / "purgecss").is_dir():
        raise ExtensionError("PurgeCSS is not installed in node_modules/: run `npm ci`")
    result = subprocess.run(
        [katex.NODEJS_BINARY, str(Path(__file__).with_name("purge_css.cjs"))],
        input=json.dumps({"sheet": sheet, "selectors": selectors}),
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "NODE_PATH": str(MODULES)},
        timeout=120,
    )
    if result.returncode:
        raise ExtensionError(f"PurgeCSS failed:\n{result.stderr}")
    return result.stdout


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
    text = purge(join_sheets(others, static), find_selectors(static, pages))
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
