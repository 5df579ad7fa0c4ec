"""The pages of the built site as one book, for the printed file and for the EPUB."""

import copy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import lxml.html
import yaml
from lxml.html import HtmlElement
from sphinx_external_toc.parsing import parse_toc_yaml

from addresses import Addresses

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
NAME = "backpropagation"
FURNITURE = "self::script or self::button or contains(@class, 'headerlink')"
LICENCE = "The text is under CC BY 4.0, the code under the MIT licence."
OFFERS = {"pdf": "The whole book, to print", "epub": "The whole book, for e-readers"}


@dataclass(frozen=True)
class Whole:
    """What the cover says, and the captions of the contents with their pages."""

    title: str
    author: str
    version: str
    date: str
    address: str
    parts: list[tuple[str, list[str]]]

    @classmethod
    def of(cls, root: Path) -> "Whole":
        """Read it from the book's settings."""

        def read(name: str) -> dict:
            return yaml.safe_load((root / name).read_text(encoding="utf-8"))

        citation = read("CITATION.cff")
        settings = read("_config.yml")["sphinx"]["config"]
        addresses = Addresses.of(settings["repository_url"], settings["site_url"])
        first = parse_toc_yaml(root / "_toc.yml").root
        parts = [(part.caption, part.files()) for part in first.subtrees]
        return cls(
            citation["title"],
            citation["authors"][0]["name"],
            citation["version"],
            citation["date-released"],
            addresses.site,
            [("", [first.docname]), *parts],
        )

    @property
    def pages(self) -> list[str]:
        """All pages, in order."""
        return [page for _, names in self.parts for page in names]

    def imprint(self) -> Iterator[str]:
        """Yield the lines under the title."""
        yield self.author
        yield f"Version {self.version}, {self.date}"
        if self.address:
            yield self.address
        yield LICENCE


def locate(page: str, href: str, pages: list[str]) -> tuple[str, str]:
    """Return page and fragment of a link; ("", address) outside, ("", "") nowhere."""
    if urlsplit(href).scheme:
        return "", href
    path, fragment = urldefrag(urljoin(f"/{page}.html", href))
    target = path[1:].removesuffix(".html")
    return (target, unquote(fragment)) if target in pages else ("", "")


def read_article(html: Path, page: str, solutions: bool = True) -> HtmlElement:
    """Return a page's article without what is of use on a screen alone."""
    text = (html / f"{page}.html").read_text(encoding="utf-8")
    (article,) = lxml.html.document_fromstring(text).find_class("bd-article")
    for element in article.xpath(f".//*[{FURNITURE}]"):
        element.drop_tree()
    for fold in () if solutions else article.find_class("sd-dropdown"):
        if "solution" in fold.classes:
            fold.drop_tree()
        else:  # a question stays, its answer goes
            fold.find_class("sd-summary-content")[0].drop_tree()
    # sphinx-exercise gives these to each exercise; nothing links to them.
    for element in article.xpath(
        ".//*[@id='exercise-content' or @id='solution-content']"
    ):
        del element.attrib["id"]
    for image in article.iter("img"):
        image.attrib.pop("loading", None)
        image.set("src", urljoin(f"/{page}.html", image.get("src")))
    return article


def lead(
    article: HtmlElement,
    page: str,
    pages: list[str],
    address: Callable[[str, str], str],
) -> None:
    """Give a page the ids and the links that ``address`` has for pages and places."""
    for element in article.iter("*"):
        if "id" in element.attrib:
            _, _, place = address(page, element.get("id")).partition("#")
            element.set("id", place)
        if "href" in element.attrib:
            target, rest = locate(page, element.attrib.pop("href"), pages)
            if href := address(target, rest) if target else rest:
                element.set("href", href)


def headings(article: HtmlElement) -> Iterator[tuple[str, str]]:
    """Yield id and words of a page's title and of its sections' titles."""
    for heading in article.iter("h1", "h2"):
        (place,) = heading.xpath("ancestor::section[1]/@id")
        yield place, " ".join(heading.text_content().split())


def publish(file: Path) -> None:
    """Put the whole book into the site too, and offer it there."""
    shutil.copy(file, SITE / f"{NAME}{file.suffix}")
    offer(SITE)


def offer(html: Path) -> None:
    """Have each page's download menu name the files that lie in the site."""
    kinds = [kind for kind in OFFERS if (html / f"{NAME}.{kind}").exists()]
    for path in (html / "chapters").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        if not kinds and "whole-book" not in text:
            continue
        page = lxml.html.document_fromstring(text)
        for old in page.find_class("whole-book"):
            old.drop_tree()
        items = page.xpath("//a[contains(@class, 'btn-download-source-button')]/..")
        for kind in kinds:
            item = copy.deepcopy(items[0])
            item.classes.add("whole-book")
            link = item[0]
            link.set("href", f"../{NAME}.{kind}")
            link.set("title", OFFERS[kind])
            link.find_class("btn__text-container")[0].text = f"Book (.{kind})"
            items[0].getparent().append(item)
        text = lxml.html.tostring(page, encoding="unicode", doctype="<!DOCTYPE html>")
        path.write_text(text, encoding="utf-8")
