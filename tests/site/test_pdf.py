"""The book in one file, as ``make pdf`` prints it."""

import dataclasses
import re
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import lxml.html
import pikepdf
import pypdfium2
import pytest

from chapter_files import CHAPTERS, NOTEBOOKS, ROOT, toc_files
from pdf_book import join, print_book
from whole_book import Whole, locate, read_article

pytestmark = pytest.mark.weekly
WHOLE = Whole.of(ROOT)


def print_elsewhere(*arguments, **options):
    """Print in a thread of its own: the tests' own Playwright lives in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(print_book, *arguments, **options).result()


@pytest.fixture(scope="module")
def file(book, browser, tmp_path_factory):
    target = tmp_path_factory.mktemp("pdf") / "book.pdf"
    print_elsewhere(book.html, WHOLE, target)
    return target


@pytest.fixture(scope="module")
def pdf(file):
    with pikepdf.open(file) as pdf:
        yield pdf


@pytest.fixture(scope="module")
def texts(file):
    """Each page's text, as `plain` has it."""
    with pypdfium2.PdfDocument(file) as document:
        return [plain(page.get_textpage().get_text_range()) for page in document]


def plain(text):
    """Return a text without spaces, as lines break elsewhere, and without ligatures."""
    return unicodedata.normalize("NFKC", "".join(text.split()))


def test_the_outline_names_each_chapter_and_its_sections(pdf, texts, book):
    with pdf.open_outline() as outline:
        chapters = list(outline.root)
    expected = []
    for name in toc_files():
        article = book.page(name.rsplit("/", 1)[-1]).select_one("article")
        expected.append([h.get_text().rstrip("#") for h in article.find_all("h1")])
    assert [[item.title] for item in chapters] == expected
    sections = [section for item in chapters for section in item.children]
    assert len(sections) > 5 * len(NOTEBOOKS)
    pages = [pikepdf.Page(item.destination[0]).index for item in chapters]
    assert pages == sorted(set(pages)), "two chapters begin on one page"
    for item, page in zip(chapters, pages, strict=True):
        assert plain(item.title) in texts[page]


def test_each_line_of_the_contents_names_its_page(pdf, texts):
    with pdf.open_outline() as outline:
        entries = [e for item in outline.root for e in (item, *item.children)]
    numbers = [pikepdf.Page(e.destination[0]).index + 1 for e in entries]
    contents = texts[1 : numbers[0] - 1]
    assert all(plain(entry.title) in "".join(contents) for entry in entries)
    assert "".join(contents).count(plain(outline.root[1].title)) == 1
    # PDFium reads a page's own number and then, in one go, those laid over the page.
    runs = [max(re.findall(r"\d+", text), key=len) for text in contents]
    assert all(run.startswith(str(k)) for k, run in enumerate(runs, 2))
    said = "".join(run[len(str(k)) :] for k, run in enumerate(runs, 2))
    assert said == "".join(map(str, numbers))


def test_the_cover_says_what_this_is(pdf, texts):
    for line in (WHOLE.title, *WHOLE.imprint()):
        assert plain(line) in texts[0]
    assert texts[0].count(plain(line)) == 1, "something is laid over it"
    assert str(pdf.docinfo["/Author"]) == WHOLE.author


def test_it_is_no_larger_than_a_mail_takes(file):
    assert file.stat().st_size < 12e6


def test_it_is_as_long_as_a_book(texts):
    assert 150 < len(texts) < 1000
    blank = [k for k, text in enumerate(texts) if len(text) < 20]
    assert len(blank) <= len(texts) // 20, f"all but empty: {blank}"


def test_every_font_is_in_the_file_and_maths_has_its_own(pdf):
    embedded = {}
    for page in pdf.pages:
        for font in dict(page.Resources.get("/Font", {})).values():
            descendant = font.get("/DescendantFonts", [font])[0]
            descriptor = descendant.get("/FontDescriptor", {})
            kinds = ("/FontFile", "/FontFile2", "/FontFile3")
            embedded[str(font.BaseFont)] = font.Subtype == "/Type3" or any(
                kind in descriptor for kind in kinds
            )
    assert all(embedded.values()), embedded
    names = " ".join(embedded)
    for family in ("KaTeX_Main", "KaTeX_Math", "KaTeX_AMS", "KaTeX_Size"):
        assert family in names


def test_links_lead_into_the_file_or_to_the_works_that_are_cited(pdf):
    inner = outer = 0
    for page in pdf.pages:
        for annotation in page.get("/Annots", []):
            action = annotation.get("/A", {})
            if "/URI" in action:
                outer += 1
                assert str(action["/URI"]).startswith("http")
                assert "book.invalid" not in str(action["/URI"])
            else:
                inner += 1
    assert inner > 200
    assert outer > 10


def test_code_solutions_and_answers_are_in_it(texts):
    text = "".join(texts)
    for chapter in NOTEBOOKS:
        for cell in chapter.code:
            for line in cell.source.splitlines():
                if 20 < len(line) < 60:  # a longer one may be broken, with a mark
                    assert plain(line) in text, f"{chapter}: {line}"


def test_the_pages_are_joined_without_a_loose_end(book):
    page = lxml.html.document_fromstring("".join(join(book.html, WHOLE).values()))
    ids = set(page.xpath("//@id"))
    assert len(ids) == len(page.xpath("//@id"))
    for href in page.xpath("//a/@href"):
        assert href.startswith(("http", "#")), href
        assert not href.startswith("#") or href[1:] in ids, href
    assert len(page.xpath("//article")) == len(CHAPTERS)


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_without_solutions_the_questions_stay(book, chapter):
    page = f"chapters/{chapter.name}"
    whole, sheet = (read_article(book.html, page, solutions=s) for s in (True, False))
    folds = whole.find_class("sd-dropdown")
    questions = [fold for fold in folds if "solution" not in fold.classes]
    left = [fold.text_content().split() for fold in sheet.find_class("sd-dropdown")]
    assert left == [question[0].text_content().split() for question in questions]
    exercises = [len(article.find_class("exercise")) for article in (whole, sheet)]
    assert exercises[0] == exercises[1]


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("https://doi.org/x", ("", "https://doi.org/x")),
        ("#part", ("a/one", "part")),
        ("two.html", ("a/two", "")),
        ("two.html#part", ("a/two", "part")),
        ("../a/two.html#part", ("a/two", "part")),
        ("../genindex.html", ("", "")),
    ],
)
def test_where_a_link_leads(href, target):
    assert locate("a/one", href, ["a/one", "a/two"]) == target


def test_a_teacher_who_says_it_otherwise_gets_no_solutions_by_accident():
    command = [sys.executable, ROOT / "_ext" / "pdf_book.py", "--solutions=No"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert "--solutions: invalid choice: 'No'" in done.stderr


def test_a_missing_picture_stops_the_printing(browser, tmp_path):
    (tmp_path / "page.html").write_text(
        "<main><article class='bd-article'><section id='s'><h1>Title</h1>"
        "<img src='gone.svg' alt='gone'></section></article></main>"
    )
    whole = dataclasses.replace(WHOLE, parts=[("", ["page"])])
    with pytest.raises(RuntimeError, match=r"gone\.svg"):
        print_elsewhere(tmp_path, whole, tmp_path / "book.pdf")
