"""Print the whole book into one file: ``python _ext/pdf_book.py`` after ``make book``.

All pages of the site are joined into one, with the links between them led to their
place in it, and printed by Chromium. So the file has the maths, the figures and the
code of the pages to the letter. LaTeX would set all of them anew, and needs an
installation of its own; readers of EPUB differ too much in what they make of the maths.
"""

import posixpath
import shutil
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pikepdf
import yaml
from bs4 import BeautifulSoup, Tag
from pikepdf import Dictionary, OutlineItem
from playwright.sync_api import Route, sync_playwright

ROOT = Path(__file__).parents[1]
# No such host: every request is answered from the folder of the site.
HOST = "http://book.invalid"
STYLE = """
.cover { padding-top: 90mm; }
.cover p { font-size: 13pt; }
.cover .title { font-size: 30pt; font-weight: bold; }
.contents, .bd-article { break-before: page; }
.contents .part { font-size: 13pt; font-weight: bold; margin: 5mm 0 1mm; }
.contents ul { list-style: none; padding-left: 0; }
.contents ul ul { padding-left: 8mm; }
.bd-article h1 { display: block !important; }
"""
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
    path, fragment = urldefrag(href)
    folder = posixpath.dirname(page)
    target = posixpath.normpath(posixpath.join(folder, path)) if path else page
    target = target.removesuffix(".html")
    return f"#{anchor(target, unquote(fragment))}" if target in pages else None


def joined_article(page: str, article: Tag, pages: set[str]) -> Tag:
    """Return a page's article with the ids, links and pictures of the joined page."""
    for tag in article.find_all(id=True):
        # sphinx-exercise gives these to each exercise; nothing links to them.
        if tag["id"] in ("exercise-content", "solution-content"):
            del tag["id"]
        else:
            tag["id"] = anchor(page, tag["id"])
    article["id"] = anchor(page)
    for link in article.find_all("a", href=True):
        target = link_target(page, link["href"], pages)
        if target is None:
            del link["href"]
        else:
            link["href"] = target
    for image in article.find_all("img"):
        folder = posixpath.dirname(page)
        image["src"] = "/" + posixpath.normpath(posixpath.join(folder, image["src"]))
        image["loading"] = "eager"
    for furniture in article.select("script, a.headerlink, button"):
        furniture.decompose()
    for fold in article.find_all("details"):
        fold["open"] = ""
    return article


def headings(article: Tag) -> list[tuple[str, str]]:
    """Return id and text of the chapter's title and of its sections' titles."""
    return [
        (h.find_parent("section")["id"], " ".join(h.get_text().split()))
        for h in article.find_all(["h1", "h2"])
    ]


def entry(identifier: str, title: str) -> str:
    """Return the beginning of a line of the contents."""
    return f'<li><a href="#{identifier}">{escape(title)}</a>'


def join(html: Path, parts: list[tuple[str, list[str]]]) -> str:
    """Return the whole book as one page."""
    pages = {page for _, names in parts for page in names}
    styles: dict[str, None] = {}
    contents, articles = [], []
    book = ""
    for caption, names in parts:
        entries = []
        for page in names:
            text = (html / f"{page}.html").read_text(encoding="utf-8")
            soup = BeautifulSoup(text, "html.parser")
            for sheet in soup.select("link[rel=stylesheet]"):
                path = posixpath.join(posixpath.dirname(page), sheet["href"])
                styles["/" + posixpath.normpath(path)] = None
            article = joined_article(page, soup.select_one("article.bd-article"), pages)
            chapter, *sections = headings(article)
            book = book or chapter[1]
            within = "".join(entry(*section) + "</li>" for section in sections)
            entries.append(f"{entry(*chapter)}<ul>{within}</ul></li>")
            articles.append(str(article))
        heading = f'<p class="part">{caption}</p>' if caption else ""
        contents.append(f"{heading}<ul>{''.join(entries)}</ul>")
    sheets = "".join(f'<link rel="stylesheet" href="{path}">' for path in styles)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return f"""<!DOCTYPE html>
<html lang="en-GB" data-theme="light" data-mode="light">
<head><meta charset="utf-8"><title>{book}</title>{sheets}
<style>{STYLE}</style></head>
<body><main class="bd-main"><div class="bd-content"><div class="bd-article-container">
<div class="cover"><p class="title">{book}</p>
<p>{config["author"]}</p>
<p>The text is under CC BY 4.0, the code under the MIT licence.</p></div>
<div class="contents">{"".join(contents)}</div>
{"".join(articles)}
</div></div></main></body></html>"""


def answer_from(html: Path, missing: list[str]) -> Callable[[Route], None]:
    """Return what answers the browser's requests from a folder."""

    def answer(route: Route) -> None:
        path = html / unquote(urlsplit(route.request.url).path).lstrip("/")
        if route.request.url.startswith(HOST) and path.is_file():
            route.fulfill(path=path)
        else:
            missing.append(route.request.url)
            route.abort()

    return answer


def print_book(html: Path, parts: list[tuple[str, list[str]]], target: Path) -> None:
    """Write the file.

    Raises
    ------
    RuntimeError
        If anything that the pages show could not be had.
    """
    page_text = join(html, parts)
    found = shutil.which("chromium") or shutil.which("google-chrome")
    where = {"executable_path": found} if found else {"channel": "chrome"}
    missing: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(args=["--no-sandbox"], **where)
        page = browser.new_page()
        page.route("**/*", answer_from(html, missing))
        page.route(
            f"{HOST}/book",
            lambda route: route.fulfill(body=page_text, content_type="text/html"),
        )
        page.goto(f"{HOST}/book", timeout=120_000)
        page.emulate_media(media="print")
        missing += page.evaluate(
            """async () => {
                await document.fonts.ready;
                const all = [...document.images];
                await Promise.all(all.map((i) => i.decode().catch(() => {})));
                return all.filter((i) => !i.naturalWidth).map((i) => i.src);
            }"""
        )
        if missing:
            raise RuntimeError(f"not found in {html}: {sorted(set(missing))}")
        target.parent.mkdir(parents=True, exist_ok=True)
        page.set_default_timeout(300_000)
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
    add_outline(target, page_text)


def add_outline(target: Path, page_text: str) -> None:
    """Give the file the outline that its contents show.

    Chromium's own outline joins words where a heading breaks its line.
    """
    front, _, _ = page_text.partition("<article")
    soup = BeautifulSoup(front, "html.parser")
    with pikepdf.open(target, allow_overwriting_input=True) as pdf:
        with pdf.open_outline() as outline:
            for link in soup.select(".contents > ul > li > a"):
                chapter = outline_entry(pdf.Root.Dests, link)
                sections = link.parent.select("ul a")
                chapter.children.extend(
                    outline_entry(pdf.Root.Dests, section) for section in sections
                )
                outline.root.append(chapter)
        pdf.docinfo["/Title"] = soup.title.get_text()
        pdf.docinfo["/Author"] = soup.select(".cover p")[1].get_text()
        pdf.save(target)


def outline_entry(places: Dictionary, link: Tag) -> OutlineItem:
    """Return the line of the outline for one of the contents."""
    return OutlineItem(link.get_text(), places["/" + link["href"].lstrip("#")])


if __name__ == "__main__":
    site = ROOT / "_build" / "html"
    if not site.is_dir():
        sys.exit("The site is not there: run `make book` first.")
    print_book(site, pages_of(ROOT), ROOT / "_build" / "book.pdf")
    print("The book is _build/book.pdf.")
