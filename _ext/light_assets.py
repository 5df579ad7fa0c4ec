"""Cut style sheets and fonts down to what the pages use, and the theme's script."""

import io
import json
import logging
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

# Sphinx shows all that is logged; of each table of each font, fontTools logs a line.
logging.getLogger("fontTools").setLevel(logging.WARNING)

ROOT = Path(__file__).parents[1]
TAG = re.compile(r"<([a-z][\w-]*)([^>]*)>")
ATTRIBUTE = re.compile(r'([\w:-]+)(?:="([^"]*)")?')
THEME_SCRIPT = "pydata-sphinx-theme.js"
# Where the theme measures each box of code, to let the keyboard into those that scroll.
MEASURES = "e.tabIndex=e.scrollWidth>e.clientWidth||e.scrollHeight>e.clientHeight?0:-1"
NEAR = "(!e.checkVisibility||e.checkVisibility({contentVisibilityAuto:!0}))"


def find_selectors(pages: Iterable[str], scripts: Iterable[str]) -> dict[str, object]:
    """Return what a style sheet can select on the pages, as PurgeCSS wants it.

    Each word of a script counts as anything that the script may add to a page.
    """
    tags, classes, ids, names, values, words = (set() for _ in range(6))
    for page in pages:
        for tag, attributes in set(TAG.findall(page)):
            tags.add(tag)
            for name, value in ATTRIBUTE.findall(attributes):
                names.add(name)
                values.add(value)
                if name == "class":
                    classes.update(value.split())
                elif name == "id":
                    ids.add(value)
    for script in scripts:
        words.update(re.findall(r"[\w-]+", script))
    return {
        "tags": sorted(tags),
        "classes": sorted(classes),
        "ids": sorted(ids),
        "attributes": {"names": sorted(names), "values": sorted(values)},
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


def purge(node: str, sheets: list[str], selectors: dict[str, object]) -> list[str]:
    """Return the style sheets without the rules that select nothing."""
    modules = ROOT / "node_modules"
    if not (modules / "purgecss").is_dir():
        raise ExtensionError(f"PurgeCSS is not installed in {modules}: run `npm ci`")
    result = subprocess.run(
        [node, str(Path(__file__).with_name("purge_css.cjs"))],
        input=json.dumps({"sheets": sheets, "selectors": selectors}),
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "NODE_PATH": str(modules)},
        check=False,
    )
    if result.returncode:
        raise ExtensionError(f"PurgeCSS failed:\n{result.stderr}")
    return json.loads(result.stdout)


def subset_font(path: Path, characters: set[str]) -> bytes:
    """Return the font with the glyphs of these characters alone."""
    options = subset.Options(flavor="woff2", layout_features=["*"])
    # Two builds of the same pages must make the same bytes.
    font = TTFont(path, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, characters))
    subsetter.subset(font)
    font.flavor = "woff2"
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def write_sheet(path: Path, sheet: str, characters: set[str], version: str) -> None:
    """Write a style sheet, and beside it the fonts that it names, cut down.

    Characters that a sheet itself writes, which is how icons come, are kept as well.
    """
    escaped = re.findall(r"\\([0-9a-fA-F]{2,6})", sheet)
    written = {chr(int(code, 16)) for code in escaped}
    characters = characters | written | {char for char in sheet if char > "\x7f"}

    def cut(match: re.Match) -> str:
        source = path.parent / match[1]
        (path.parent / source.name).write_bytes(subset_font(source, characters))
        return f'src:url({source.name}?v={version}) format("woff2")'

    # A browser takes the first format that it knows; all know WOFF2.
    sheet = re.sub(r"src:\s*url\(([^)]+\.woff2)\)[^;}]*", cut, sheet)
    path.write_text(sheet, encoding="utf-8")


def write_script(static: Path, folder: Path) -> None:
    """Write the theme's script so that it leaves what is far from the screen alone.

    To measure a box, the browser has to lay it out, and the theme measures all of them
    before the reader has seen the page. ``pages.js`` has it look again later on.
    """
    text = (static / "scripts" / THEME_SCRIPT).read_text(encoding="utf-8")
    if text.count(MEASURES) != 1:
        raise ExtensionError(
            f"{THEME_SCRIPT} was expected to measure boxes in one place, with "
            f"{MEASURES!r}; that is there {text.count(MEASURES)} times"
        )
    text = text.replace(MEASURES, f"{NEAR}&&({MEASURES})")
    (folder / THEME_SCRIPT).write_text(text, encoding="utf-8")
