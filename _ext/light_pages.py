"""Let each page load what it uses, and nothing else.

The theme and the extensions load all they have on every page. After the build, two
style sheets stand in for theirs: ``book.css`` on all pages, and ``maths.css`` on those
with a formula. A script stays on the pages that have something for it to do, and waits
until the page is shown. ``light_assets.py`` cuts the style sheets, the fonts and a
script down.
"""

import hashlib
import html
import json
import re
from pathlib import Path

from pygments.formatters import HtmlFormatter
from pygments.token import Token
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge
from sphinxcontrib import katex

from light_assets import (
    ROOT,
    THEME_SCRIPT,
    find_selectors,
    purge,
    read_sheet,
    write_script,
    write_sheet,
)

SHEET = re.compile(
    r'\s*<link(?=[^>]*rel="stylesheet")[^>]*href="([^"]*?)_static/([^"?]+)[^>]*>'
)
SCRIPT = re.compile(r'\s*<script\b[^>]*src="(?!\w+:)([^"]*/)?([^"/?]+)[^>]*></script>')
PRELOAD = re.compile(r'\s*<link rel="preload" as="script"[^>]*>')
# The styles that KaTeX writes on single spans; a few hundred are shared by thousands.
STYLED = re.compile(
    r'<span(?: class="([^"]*)")? style="((?:[a-z-]+:-?[\d.]+em;)+)">',
)
# A formula's source, which no browser shows and no screen reader reads out.
SOURCE = re.compile(
    r"<semantics>((?:(?!<semantics>).)*?)<annotation\b[^>]*>[^<]*</annotation></semantics>"
)
# In most formulas. A font that comes after the text has the page laid out once more.
EARLY_FONTS = ("KaTeX_Main-Regular", "KaTeX_Math-Italic")
EARLY = (
    '\n<link rel="preload" as="font" type="font/woff2" crossorigin '
    'href="{}{}.woff2?v=">'
)
# Of a formula, the ends of tags and what stands between.
PIECE = re.compile(r"(</?\w+)[^>]*>|([^<]+)")
SEARCH = r'id="search-results"|search_as_you_type = true'
CODE = r'class="highlight'
NEEDS = {
    "bootstrap.js": "data-bs-toggle",
    "clipboard.min.js": CODE,
    "copybutton.js": CODE,
    "design-tabs.js": "sd-tab-set",
    "language_data.js": SEARCH,
    "pages.js": rf'class="figure"|(?s:<article.*<details|<section.*{CODE})',
    "searchindex.js": SEARCH,
    "searchtools.js": SEARCH,
}
# What Bootstrap's script adds to these pages: menus and tooltips. All that it could add
# elsewhere would keep 12 kB of rules.
BOOTSTRAP = """
    show fade tooltip tooltip-inner tooltip-arrow bs-tooltip-auto dropdown-menu
    data-popper-placement data-bs-popper top bottom left right start end static none
"""
# In both of the theme's styles of code these have the colour of the text around them.
PLAIN = {Token.Name, Token.Punctuation, Token.Text.Whitespace}


class ShortHtmlFormatter(HtmlFormatter):
    """Code without a span around each name, bracket and comma: half of its markup."""

    def format_unencoded(self, tokensource, outfile):
        """Format, with tokens that have no colour of their own as plain text."""
        short = (
            (Token.Text if kind in PLAIN else kind, text) for kind, text in tokensource
        )
        super().format_unencoded(short, outfile)


def shorten_maths(page: str) -> str:
    """Have single spans share their styles in classes; drop the formulas' sources."""
    names: dict[str, str] = {}

    def name(match: re.Match) -> str:
        short = names.setdefault(match[2], f"k{len(names)}")
        return (
            f'<span class="{match[1]} {short}">'
            if match[1]
            else f"<span class={short}>"
        )

    page = SOURCE.sub(r"\1", STYLED.sub(name, page)).replace(
        ' xmlns="http://www.w3.org/1998/Math/MathML"', ""
    )
    rules = "".join(f".katex .{name}{{{style}}}" for style, name in names.items())
    return page.replace("</head>", f"<style>{rules}</style>\n</head>", 1)


def lighten(page: str, sheets: dict[str, list[str]], static: Path) -> str:
    """Return the page with what it uses; note in ``sheets`` what it named before."""
    named = SHEET.findall(page)
    if not named or any(name.startswith("light/") for _, name in named):
        return page
    for _, name in named:
        group = sheets["maths" if name.startswith("katex") else "book"]
        if name not in group:
            group.append(name)
    has_maths = 'class="katex"' in page
    light = f"{named[0][0]}_static/light/"
    links = f'\n<link rel="stylesheet" href="{light}book.css?v=">'
    if has_maths:
        links += f'\n<link rel="stylesheet" href="{light}maths.css?v=">'
    # A browser complains of a font that was asked for early and is not used.
    if page.count('class="katex"') >= 10:
        links += "".join(EARLY.format(light, font) for font in EARLY_FONTS)
    page = SHEET.sub(lambda match: links if match[2] == named[0][1] else "", page)

    def script(match: re.Match) -> str:
        name = match[2]
        if name in NEEDS and not re.search(NEEDS[name], page):
            return ""
        if name == "documentation_options.js":
            # 300 bytes that the scripts in the page itself rely on.
            return f"\n<script>{(static / name).read_text(encoding='utf-8')}</script>"
        if name == THEME_SCRIPT:
            return f'\n<script defer src="{light}{name}?v="></script>'
        return (
            match[0]
            if " defer" in match[0]
            else match[0].replace("<script", "<script defer")
        )

    page = SCRIPT.sub(script, PRELOAD.sub("", page))
    return shorten_maths(page) if has_maths else page


def formula_characters(page: str) -> set[str]:
    """Return the characters that the page's formulas draw."""
    found: set[str] = set()
    for start in re.finditer('<span class="katex-html"', page):
        depth = 0
        for piece in PIECE.finditer(page, start.start()):
            found.update(html.unescape(piece[2] or ""))
            depth += {"<span": 1, "</span": -1}.get(piece[1], 0)
            if depth == 0:
                break
    return found


def digest(*parts: object) -> str:
    """Return a short digest of what can be written as JSON."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]


def write_assets(
    folder: Path, record: dict[str, object], pages: dict[Path, str]
) -> str:
    """Write the style sheets and fonts if they change; return their version."""
    static, sheets = folder.parent, record["sheets"]
    write_script(static, folder)
    scripts = {
        match[2]: (path.parent / (match[1] or "") / match[2]).resolve()
        for path, page in pages.items()
        for match in SCRIPT.finditer(page)
        if match[2] not in ("searchindex.js", "bootstrap.js")
    }
    words = [path.read_text(encoding="utf-8") for path in scripts.values()]
    selectors = find_selectors(pages.values(), [*words, BOOTSTRAP])
    characters = set().union(*map(formula_characters, pages.values()))
    version = digest(record["sources"], selectors, sorted(characters))
    if version != record["version"]:
        texts = [
            "\n".join(read_sheet(static / name, folder) for name in group)
            for group in sheets.values()
        ]
        purged = purge(katex.NODEJS_BINARY, texts, selectors)
        for name, sheet in zip(sheets, purged, strict=True):
            used = characters if name == "maths" else set()
            write_sheet(folder / f"{name}.css", sheet, used, version)
    return version


def light_pages(app: Sphinx, exception: Exception | None) -> None:
    """Lighten the pages that Sphinx has just written, and cut down what they load."""
    if exception or app.builder.name != "html":
        return
    out, static = Path(app.outdir), Path(app.outdir) / "_static"
    folder = static / "light"
    folder.mkdir(exist_ok=True)
    record_path = folder / "record.json"
    record = {"sheets": {"book": [], "maths": []}, "sources": "", "version": ""}
    if record_path.is_file():
        record = json.loads(record_path.read_text(encoding="utf-8"))
    sheets = record["sheets"]
    before = {
        path: path.read_text(encoding="utf-8")
        for path in sorted(out.rglob("*.html"))
        if static not in path.parents
    }
    pages = {path: lighten(page, sheets, static) for path, page in before.items()}
    for group in sheets.values():
        group[:] = [name for name in group if (static / name).is_file()]
    sources = digest(
        [
            (static / name).read_text(encoding="utf-8")
            for name in (*sheets["book"], *sheets["maths"], f"scripts/{THEME_SCRIPT}")
        ],
        [path.read_text("utf-8") for path in sorted((ROOT / "_ext").glob("*light*"))],
    )
    if pages == before and sources == record["sources"]:
        return
    record["sources"] = sources
    record["version"] = version = write_assets(folder, record, pages)
    for path, page in pages.items():
        page = re.sub(r"(_static/light/[\w-]+\.\w+\?v=)\w*", rf"\g<1>{version}", page)
        if page != before[path]:
            path.write_text(page, encoding="utf-8")
    record_path.write_text(json.dumps(record), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx; the last to touch a page."""
    PygmentsBridge.html_formatter = ShortHtmlFormatter
    app.connect("build-finished", light_pages, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
