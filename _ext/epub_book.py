"""Pack the whole book as an EPUB: ``python _ext/epub_book.py`` after ``make book``.

The pages of the site become XHTML, their maths the MathML that KaTeX has put beside
what browsers show. Sphinx's own builder would render every page once more, for a theme
that the book's extensions don't know.
"""

import re
import sys
import zipfile
from html import escape
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import lxml.etree
from lxml.html import HtmlElement

from whole_book import ROOT, SITE, Whole, headings, lead, publish, read_article

XHTML = """<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
  lang="en-GB" xml:lang="en-GB">
<head><title>{title}</title><link rel="stylesheet" href="book.css"/></head>
<body>{body}</body>
</html>
"""
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/package.opf"
  media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"
  xml:lang="en-GB">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{uuid}</dc:identifier>
<dc:title>{title}</dc:title><dc:creator>{author}</dc:creator>
<dc:language>en-GB</dc:language><dc:date>{date}</dc:date>
<dc:rights>{rights}</dc:rights><dc:description>Version {version}</dc:description>
<meta property="dcterms:modified">{date}T00:00:00Z</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
</metadata>
<manifest>{items}</manifest>
<spine>{spine}</spine>
</package>
"""
STYLE = """\
pre { white-space: pre-wrap; font-size: 0.8em; background: #f4f4f4; padding: 0.5em; }
pre, code { font-family: monospace; }
img, svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; }
td, th { padding: 0.1em 0.6em; }
.admonition, details { border-left: 0.2em solid #999; padding-left: 0.8em; }
.admonition-title, summary { font-weight: bold; }
.eqno { float: right; }
div.math { margin: 1em 0; }
mtable[columnalign^="right left"] mtd { padding-inline: 0; }
mtable[columnalign^="right left"] mtd:nth-child(odd) { text-align: right; }
mtable[columnalign^="right left"] mtd:nth-child(even) { text-align: left; }
"""
KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
EPOCH = (1980, 1, 1, 0, 0, 0)


def xml_id(name: str) -> str:
    """Return an id that XML allows too."""
    name = name.replace("/", "-")
    return name if name[:1].isalpha() else f"id-{name}"


def address(page: str, place: str = "") -> str:
    """Return where a page is in the book, or a place in it."""
    file = f"{page.rsplit('/', 1)[-1]}.xhtml"
    return f"{file}#{xml_id(place)}" if place else file


def epub_article(html: Path, page: str, whole: Whole) -> HtmlElement:
    """Return a page's article with the links, ids and maths of an EPUB."""
    article = read_article(html, page)
    # What the site's style sheets show in place of something else.
    other = ("katex-html", "sd-summary-state-marker", "expanded")
    for element in [e for name in other for e in article.find_class(name)]:
        element.drop_tree()
    for style in article.xpath(".//style[not(ancestor::svg)]"):
        style.drop_tree()
    # Where an e-reader folds nothing, there is nothing to show.
    for paragraph in article.xpath(".//summary//p"):
        paragraph.tag = "span"
        paragraph.text = paragraph.text.removeprefix("Show the ").capitalize()
    # Of KaTeX's markup some is not MathML: a script with an invisible third part, and
    # an operator that is more than text.
    for script in article.xpath(".//*[self::msub or self::msup][mo='\u2061']"):
        script[-1].drop_tree()
    for operator in article.xpath(".//mo[*]"):
        operator.tag = "mrow"
    for drawing in article.xpath(".//*[@viewbox]"):
        drawing.set("viewBox", drawing.attrib.pop("viewbox"))
    for image in article.iter("img"):
        image.set("src", f"images/{Path(image.get('src')).name}")
    lead(article, page, whole.pages, address)
    return article


def graph_style() -> str:
    """Return the style of the graphs' pictures, for readers that know no variables."""
    css = (ROOT / "lib" / "backprop_book" / "graph.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"(--\w+): (#\w+);", css))
    return re.sub(r"var\((--\w+)\)", lambda name: colours[name[1]], css)


def epub_files(html: Path, whole: Whole) -> dict[str, bytes]:
    """Return the content of each file of the book, by its name."""
    files = {"book.css": f"{STYLE}{graph_style()}".encode()}
    items = ['<item id="style" href="book.css" media-type="text/css"/>']
    spine, contents = [], ""

    def add(name: str, title: str, body: str, properties: str = "") -> None:
        kind = 'media-type="application/xhtml+xml"'
        more = f' properties="{properties}"' if properties else ""
        items.append(f'<item id="{name[:-6]}" href="{name}" {kind}{more}/>')
        files[name] = XHTML.format(title=escape(title), body=body).encode()

    imprint = "".join(f"<p>{escape(line)}</p>" for line in whole.imprint())
    add("title.xhtml", whole.title, f"<h1>{escape(whole.title)}</h1>{imprint}")
    spine += ["title", "nav"]
    images = set()
    for caption, pages in whole.parts:
        entries = ""
        for page in pages:
            article = epub_article(html, page, whole)
            images.update(Path(image.get("src")).name for image in article.iter("img"))
            has = {"mathml": "math", "svg": "svg"}
            properties = " ".join(k for k, tag in has.items() if [*article.iter(tag)])
            body = lxml.etree.tostring(article, encoding="unicode", with_tail=False)
            (_, title), *sections = headings(article)
            name = address(page)
            add(name, title, body, properties)
            spine.append(name[:-6])
            inner = "".join(
                f'<li><a href="{name}#{place}">{escape(words)}</a></li>'
                for place, words in sections
            )
            inner = f"<ol>{inner}</ol>" if inner else ""
            entries += f'<li><a href="{name}">{escape(title)}</a>{inner}</li>'
        contents += (
            f"<li><span>{caption}</span><ol>{entries}</ol></li>" if caption else entries
        )
    nav = f'<nav epub:type="toc"><h1>Contents</h1><ol>{contents}</ol></nav>'
    add("nav.xhtml", "Contents", nav, "nav")
    for k, name in enumerate(sorted(images)):
        kind = KINDS[Path(name).suffix]
        items.append(f'<item id="i{k}" href="images/{name}" media-type="{kind}"/>')
        files[f"images/{name}"] = (html / "_images" / name).read_bytes()
    package = PACKAGE.format(
        uuid=uuid5(NAMESPACE_URL, f"{whole.title} {whole.version}"),
        title=escape(whole.title),
        author=escape(whole.author),
        date=whole.date,
        version=whole.version,
        rights=[*whole.imprint()][-1],
        items="\n".join(items),
        spine="\n".join(f'<itemref idref="{name}"/>' for name in spine),
    )
    return {"package.opf": package.encode(), **files}


def write_epub(html: Path, whole: Whole, target: Path) -> None:
    """Write the file; the same site gives the same, to the byte."""
    files = {f"EPUB/{name}": text for name, text in epub_files(html, whole).items()}
    files = {"META-INF/container.xml": CONTAINER.encode(), **files}
    with zipfile.ZipFile(target, "w") as archive:
        # First, and not compressed, so that a reader knows the file by its beginning.
        archive.writestr(zipfile.ZipInfo("mimetype", EPOCH), "application/epub+zip")
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    if not SITE.is_dir():
        sys.exit("The site is not there: run `make book` first.")
    packed = ROOT / "_build" / "book.epub"
    write_epub(SITE, Whole.of(ROOT), packed)
    publish(packed)
    print(f"The book is {packed.relative_to(ROOT)}.")
