"""Print the whole book into one file: ``python _ext/pdf_book.py`` after ``make book``.

All pages of the site are joined into one, with the links between them led to their
place in it, and printed by Chromium. So the file has the maths, the figures and the
code of the pages to the letter. LaTeX would set all of them anew, and needs an
installation of its own. ``--solutions=no`` leaves solutions and answers out.
"""

import argparse
import shutil
import sys
from html import escape
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

import lxml.html
import pikepdf
from lxml.html import HtmlElement
from pikepdf import OutlineItem
from playwright.sync_api import Page, Route, sync_playwright

from whole_book import ROOT, SITE, Whole, headings, lead, publish, read_article

# No such host: every request is answered from the folder of the site.
HOST = "http://book.invalid"
PAGE = """<!DOCTYPE html>
<html lang="en-GB" data-theme="light" data-mode="light">
<head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="/_static/light/book.css">
<style>
/* Each shadow would be a picture of its own. */
.bd-main .bd-content .bd-article * {{ box-shadow: none !important; }}
.cover {{ padding-top: 90mm; }}
.cover p {{ font-size: 13pt; }}
.cover .title {{ font-size: 30pt; font-weight: bold; }}
.contents, .bd-article {{ break-before: page; }}
.contents .part {{ font-size: 13pt; font-weight: bold; margin: 5mm 0 1mm; }}
.contents ul {{ list-style: none; padding-left: 0; }}
.contents ul ul {{ padding-left: 8mm; }}
.contents span {{ float: right; }}
.bd-article h1 {{ display: block !important; }}
{style}
</style></head>
<body><main class="bd-main"><div class="bd-content"><div class="bd-article-container">
<div class="cover"><p class="title">{title}</p>{imprint}</div>
<div class="contents">{contents}</div>
{articles}
</div></div></main></body></html>"""
NUMBERS_ALONE = """
* { visibility: hidden; }
.contents span { visibility: visible; }
"""
FOOTER = """
<div style="font: 8pt sans-serif; color: #555; width: 100%; text-align: center">
  <span class="pageNumber"></span>
</div>
"""


def address(page: str, place: str = "") -> str:
    """Return where one of the site's pages is in the joined one, or a place in it."""
    return f"#{page.replace('/', '-')}--{place}"


def joined_article(
    html: Path, page: str, pages: list[str], solutions: bool
) -> HtmlElement:
    """Return a page's article with the ids, links and folds of the joined page."""
    article = read_article(html, page, solutions)
    lead(article, page, pages, address)
    for fold in article.iter("details"):
        fold.set("open", "")
    article.set("id", address(page)[1:])
    return article


def join(html: Path, whole: Whole, solutions: bool = True) -> dict[str, str]:
    """Return the parts of the whole book as one page."""
    contents, articles = [], []
    for caption, names in whole.parts:
        contents.append(f'<p class="part">{caption}</p><ul>' if caption else "<ul>")
        for page in names:
            article = joined_article(html, page, whole.pages, solutions)
            articles.append(lxml.html.tostring(article, encoding="unicode"))
            first, *sections = [
                f'<span></span><a href="#{place}">{escape(words)}</a>'
                for place, words in headings(article)
            ]
            inner = "".join(f"<li>{section}</li>" for section in sections)
            contents.append(f"<li>{first}<ul>{inner}</ul></li>")
        contents.append("</ul>")
    return {
        "title": escape(whole.title),
        "imprint": "".join(f"<p>{escape(line)}</p>" for line in whole.imprint()),
        "contents": "".join(contents),
        "articles": "".join(articles),
    }


def print_page(page: Page, footer: str) -> pikepdf.Pdf:
    """Print what the browser's page shows."""
    data = page.pdf(
        format="A4",
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=footer,
        tagged=True,
    )
    return pikepdf.open(BytesIO(data))


def print_book(
    html: Path, whole: Whole, target: Path, *, solutions: bool = True
) -> None:
    """Write the file.

    Raises
    ------
    RuntimeError
        If anything that the pages show could not be had.
    """
    parts, missing = join(html, whole, solutions), []

    def answer(route: Route) -> None:
        url = route.request.url
        path = html / unquote(urlsplit(url).path).lstrip("/")
        if url == f"{HOST}/":
            text = PAGE.format(**{"style": "", **parts})
            route.fulfill(body=text, content_type="text/html")
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
        pdf = print_page(page, FOOTER)
        contents = lxml.html.fromstring(f"<div>{parts['contents']}</div>")
        add_outline(pdf, contents)
        pdf.docinfo["/Author"] = whole.author
        # Chromium can't tell a link's page in the first place: its number is laid over.
        parts["contents"] = lxml.html.tostring(contents, encoding="unicode")
        parts |= {"style": NUMBERS_ALONE, "articles": ""}
        page.goto(HOST)
        numbers = print_page(page, "<span></span>")
        for below, above in zip(pdf.pages, numbers.pages, strict=False):
            below.add_overlay(above)
        browser.close()
    target.parent.mkdir(parents=True, exist_ok=True)
    modes = pikepdf.ObjectStreamMode
    pdf.save(target, object_stream_mode=modes.generate, recompress_flate=True)


def add_outline(pdf: pikepdf.Pdf, contents: HtmlElement) -> None:
    """Give the file the outline that its contents show, and them the pages' numbers.

    Chromium's own outline joins words where a heading breaks its line.
    """
    number = {page.objgen: k for k, page in enumerate(pdf.pages, 1)}
    with pdf.open_outline() as outline:
        for link in contents.iter("a"):
            place = pdf.Root.Dests["/" + link.get("href")[1:]]
            is_section = link.xpath("count(ancestor::ul) > 1")
            siblings = outline.root[-1].children if is_section else outline.root
            siblings.append(OutlineItem(link.text, place))
            link.getprevious().text = str(number[place[0].objgen])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--solutions", choices=("yes", "no"), default="yes")
    solutions = parser.parse_args().solutions
    if not SITE.is_dir():
        sys.exit("The site is not there: run `make book` first.")
    with_all = solutions == "yes"
    printed = ROOT / "_build" / f"book{'' if with_all else '-without-solutions'}.pdf"
    print_book(SITE, Whole.of(ROOT), printed, solutions=with_all)
    if with_all:
        publish(printed)
    print(f"The book is {printed.relative_to(ROOT)}.")
