"""Print the whole book into one file: ``python _ext/pdf_book.py`` after ``make book``.

All pages of the site are joined into one, with the links between them led to their
place in it, and printed by Chromium. So the file has the maths, the figures and the
code of the pages to the letter. LaTeX would set all of them anew, and needs an
installation of its own; readers of EPUB differ too much in what they make of the maths.
"""

import shutil
import sys
from html import escape
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import lxml.html
import pikepdf
import yaml
from lxml.html import HtmlElement
from pikepdf import OutlineItem
from playwright.sync_api import Route, sync_playwright

ROOT = Path(__file__).parents[1]
# No such host: every request is answered from the folder of the site.
HOST = "http://book.invalid"
PAGE = """<!DOCTYPE html>
<html lang="en-GB" data-theme="light" data-mode="light">
<head><meta charset="utf-8"><title>{book}</title>
<link rel="stylesheet" href="/_static/light/book.css">
<style>
.cover {{ padding-top: 90mm; }}
.cover p {{ font-size: 13pt; }}
.cover .title {{ font-size: 30pt; font-weight: bold; }}
.contents, .bd-article {{ break-before: page; }}
.contents .part {{ font-size: 13pt; font-weight: bold; margin: 5mm 0 1mm; }}
.contents ul {{ list-style: none; padding-left: 0; }}
.contents ul ul {{ padding-left: 8mm; }}
.bd-article h1 {{ display: block !important; }}
</style></head>
<body><main class="bd-main"><div class="bd-content"><div class="bd-article-container">
<div class="cover"><p class="title">{book}</p>
<p>{author}</p>
<p>The text is under CC BY 4.0, the code under the MIT licence.</p></div>
<div class="contents">{contents}</div>
{articles}
</div></div></main></body></html>"""
FOOTER = """
<div style="font: 8pt sans-serif; color: #555; width: 100%; text-align: center">
  <span class="pageNumber"></span>
</div>
"""


def pages_of(root: Path) -> list[tuple[str, list[str]]]:
    """Return the captions of the table of contents with their pages."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = [("", [toc["root"]])]
    for part in toc.get("parts", []):
        parts.append((part["caption"], [c["file"] for c in part["chapters"]]))
    return parts


def anchor(page: str, fragment: str = "") -> str:
    """Return the id in the joined page of a place in one of the site's pages."""
    return f"{page.replace('/', '-')}--{fragment}"


def link_target(page: str, href: str, pages: set[str]) -> str | None:
    """Return where a link of a page leads in the joined one; None if nowhere."""
    if urlsplit(href).scheme:
        return href
    path, fragment = urldefrag(urljoin(f"/{page}.html", href))
    target = path[1:].removesuffix(".html")
    return f"#{anchor(target, unquote(fragment))}" if target in pages else None


def read_article(html: Path, page: str, pages: set[str]) -> HtmlElement:
    """Return a page's article with the ids, links and pictures of the joined page."""
    text = (html / f"{page}.html").read_text(encoding="utf-8")
    (article,) = lxml.html.document_fromstring(text).find_class("bd-article")
    furniture = "self::script or self::button or contains(@class, 'headerlink')"
    for element in article.xpath(f".//*[{furniture}]"):
        element.drop_tree()
    for element in article.iter("*"):
        # sphinx-exercise gives these to each exercise; nothing links to them.
        if element.get("id") in ("exercise-content", "solution-content"):
            del element.attrib["id"]
        elif "id" in element.attrib:
            element.set("id", anchor(page, element.get("id")))
        if "href" in element.attrib:
            target = link_target(page, element.attrib.pop("href"), pages)
            element.attrib.update({"href": target} if target else {})
        if element.tag == "img":
            element.set("src", urljoin(f"/{page}.html", element.get("src")))
            element.set("loading", "eager")
        if element.tag == "details":
            element.set("open", "")
    article.set("id", anchor(page))
    return article


def join(html: Path, parts: list[tuple[str, list[str]]]) -> str:
    """Return the whole book as one page."""
    pages = {page for _, names in parts for page in names}
    contents, articles, titles = [], [], []
    for caption, names in parts:
        contents.append(f'<p class="part">{caption}</p><ul>' if caption else "<ul>")
        for page in names:
            article = read_article(html, page, pages)
            articles.append(lxml.html.tostring(article, encoding="unicode"))
            links = []
            for heading in article.iter("h1", "h2"):
                (place,) = heading.xpath("ancestor::section[1]/@id")
                titles.append(escape(" ".join(heading.text_content().split())))
                links.append(f'<a href="#{place}">{titles[-1]}</a>')
            sections = "".join(f"<li>{link}</li>" for link in links[1:])
            contents.append(f"<li>{links[0]}<ul>{sections}</ul></li>")
        contents.append("</ul>")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return PAGE.format(
        book=titles[0],
        author=config["author"],
        contents="".join(contents),
        articles="".join(articles),
    )


def print_book(html: Path, parts: list[tuple[str, list[str]]], target: Path) -> None:
    """Write the file.

    Raises
    ------
    RuntimeError
        If anything that the pages show could not be had.
    """
    page_text, missing = join(html, parts), []

    def answer(route: Route) -> None:
        url = route.request.url
        path = html / unquote(urlsplit(url).path).lstrip("/")
        if url == f"{HOST}/":
            route.fulfill(body=page_text, content_type="text/html")
        elif url.startswith(HOST) and path.is_file():
            route.fulfill(path=path)
        else:
            missing.append(url)
            route.abort()

    found = shutil.which("chromium") or shutil.which("google-chrome")
    where = {"executable_path": found} if found else {"channel": "chrome"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(args=["--no-sandbox"], **where)
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.route("**/*", answer)
        page.emulate_media(media="print")
        page.goto(HOST)
        missing += page.evaluate(
            "document.fonts.ready.then(() => [...document.images]"
            ".filter((image) => !image.naturalWidth).map((image) => image.src))"
        )
        if missing:
            raise RuntimeError(f"not found in {html}: {sorted(set(missing))}")
        target.parent.mkdir(parents=True, exist_ok=True)
        page.pdf(
            path=target,
            format="A4",
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            tagged=True,
        )
        browser.close()
    add_outline(target, lxml.html.document_fromstring(page_text))


def add_outline(target: Path, book: HtmlElement) -> None:
    """Give the file the outline that its contents show, and its author.

    Chromium's own outline joins words where a heading breaks its line.
    """
    with pikepdf.open(target, allow_overwriting_input=True) as pdf:
        with pdf.open_outline() as outline:
            for link in book.find_class("contents")[0].iter("a"):
                place = pdf.Root.Dests["/" + link.get("href")[1:]]
                is_section = link.xpath("count(ancestor::ul) > 1")
                siblings = outline.root[-1].children if is_section else outline.root
                siblings.append(OutlineItem(link.text, place))
        pdf.docinfo["/Author"] = book.find_class("cover")[0][1].text
        pdf.save(target)


if __name__ == "__main__":
    site = ROOT / "_build" / "html"
    if not site.is_dir():
        sys.exit("The site is not there: run `make book` first.")
    print_book(site, pages_of(ROOT), ROOT / "_build" / "book.pdf")
    print("The book is _build/book.pdf.")
