"""One setting gives every address of the book, and without it no page names one."""

import json
import os
import subprocess
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup

from addresses import Addresses
from chapter_files import ROOT
from jupyter_book_build import build
from small_book import HEADER, build_small_book, make_small_book

REPOSITORY = "https://github.com/Someone/some-book"
SITE = "https://someone.github.io/some-book"
LAB = f"""{HEADER}
(lab-one)=
# The lab

:::{{admonition}} Before you start
:class: opening

**You will be able to** say what $x_1$ is.

**You need** nothing.
:::

Read {{ref}}`words` after it.
"""
PAGES = {
    "index": f"{HEADER}\n(index)=\n# The book\n\nIt begins.\n",
    "lab_one": LAB,
    "words": "(words)=\n# The words\n\nNo code here.\n",
}
MOVED = {"chapters/words#gone": "chapters/lab_one#lab-one"}


def test_every_address_comes_from_the_repository():
    addresses = Addresses.of(REPOSITORY)
    assert addresses.site == SITE
    assert addresses.page("chapters/lab_one") == f"{SITE}/chapters/lab_one.html"
    assert addresses.page("a", "b") == f"{SITE}/a.html#b"
    assert addresses.colab("lab_one") == (
        "https://colab.research.google.com/github/Someone/some-book"
        "/blob/notebooks/lab_one.ipynb"
    )
    binder = urlsplit(addresses.binder("lab_one"))
    assert binder.netloc == "mybinder.org"
    assert binder.path == "/v2/gh/Someone/some-book/notebooks"
    assert parse_qs(binder.query) == {"urlpath": ["lab/tree/lab_one.ipynb"]}
    assert addresses.beside_notebooks("a.whl") == f"{REPOSITORY}/raw/notebooks/a.whl"


@pytest.mark.parametrize("ending", ["/", ".git", ".git/"])
def test_an_ending_that_browsers_and_git_add_changes_nothing(ending):
    assert Addresses.of(REPOSITORY + ending) == Addresses.of(REPOSITORY)


def test_a_repository_named_for_its_owners_site():
    assert Addresses.of("https://github.com/Me/me.github.io").site == (
        "https://me.github.io"
    )


def test_a_site_elsewhere():
    addresses = Addresses.of(REPOSITORY, "https://book.example.org/v1/")
    assert addresses.page("x") == "https://book.example.org/v1/x.html"
    alone = Addresses.of("", "https://book.example.org")
    assert alone.repository == ""
    assert alone.beside_notebooks("a") == "https://book.example.org/notebooks/a"


def test_no_setting_no_address():
    none = Addresses.of("")
    assert none == Addresses.of(None)
    assert not any([none.page("x"), none.colab("x"), none.binder("x")])
    assert not none.beside_notebooks("x")


@pytest.mark.parametrize(
    ("repository", "site", "named"),
    [
        ("someone/some-book", "", "repository_url"),
        ("https://gitlab.com/a/b", "", "repository_url"),
        ("https://github.com/a", "", "repository_url"),
        ("https://github.com/a/b/tree/main", "", "repository_url"),
        ("", "book.example.org", "site_url"),
        ("", "https://a.org/?q", "site_url"),
    ],
)
def test_an_address_of_another_form_is_refused(repository, site, named):
    with pytest.raises(ValueError, match=named):
        Addresses.of(repository, site)


@pytest.fixture(scope="module")
def at_home(tmp_path_factory):
    """The site with its address set, built from a repository that has one page."""
    folder = tmp_path_factory.mktemp("at-home")
    make_small_book(folder, PAGES, repository_url=REPOSITORY, moved=MOVED)
    git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@e.org"]
    when = "2020-02-03T12:00:00+0000"
    environment = {**os.environ, "GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": when}
    for command in ("init -q", "add chapters/lab_one.md", "commit -q -m old"):
        subprocess.run([*git, *command.split()], check=True, env=environment)
    code, log = build(folder)
    assert code == 0, log
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory):
    """The site without an address, as the book's own configuration has it."""
    return build_small_book(tmp_path_factory.mktemp("nowhere") / "book", PAGES)


def soup(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def head(page):
    tags = soup(page).head.find_all("meta")
    return {t.get("name") or t.get("property"): t.get("content") for t in tags}


def outside(page):
    """Return all that a page leads to beyond the site."""
    tags = soup(page).find_all(True)
    named = [tag.get(key) for tag in tags for key in ("href", "content")]
    return {url for url in named if url and url.startswith(("http:", "https:", "//"))}


def issue(page):
    title = f"Issue%20on%20page%20%2F{page}.html"
    return f"{REPOSITORY}/issues/new?title={title}&body=Your%20issue%20content%20here."


def buttons(page):
    return {url for url in outside(page) if not url.startswith(SITE)}


def test_a_chapter_with_code_has_every_button(at_home):
    assert buttons(at_home / "chapters" / "lab_one.html") == {
        REPOSITORY,
        f"{REPOSITORY}/edit/main/chapters/lab_one.md",
        issue("chapters/lab_one"),
        Addresses.of(REPOSITORY).colab("lab_one"),
        Addresses.of(REPOSITORY).binder("lab_one"),
    }


def test_a_chapter_without_code_opens_nowhere_else(at_home):
    assert buttons(at_home / "chapters" / "words.html") == {
        REPOSITORY,
        f"{REPOSITORY}/edit/main/chapters/words.md",
        issue("chapters/words"),
    }


def test_a_page_without_a_file_has_nothing_to_edit(at_home):
    assert not [url for url in outside(at_home / "search.html") if "/edit/" in url]


def test_what_the_buttons_open_is_there(at_home):
    """Colab and Binder name a notebook of the branch, made from this folder."""
    for url in buttons(at_home / "chapters" / "lab_one.html"):
        if "/notebooks" in url:
            file = unquote(url).rsplit("/", 1)[-1]
            assert (at_home / "notebooks" / file).is_file(), url


def test_the_notebook_installs_the_books_code_where_it_is_missing(at_home):
    notebook = json.loads(
        (at_home / "notebooks" / "lab_one.ipynb").read_text(encoding="utf-8")
    )
    first, setup, *rest = ["".join(cell["source"]) for cell in notebook["cells"]]
    (wheel,) = (at_home / "notebooks").glob("*.whl")
    address = f"{REPOSITORY}/raw/notebooks/{wheel.name}"
    assert f'pip install "backprop-book @ {address}"' in first
    assert f"({SITE}/chapters/lab_one.html)" in first
    assert f'%pip install --quiet "backprop-book @ {address}"' in setup
    assert f"[The words]({SITE}/chapters/words.html)" in "".join(rest)


def test_binder_gets_the_packages_that_the_lock_names(at_home):
    lines = (
        (at_home / "notebooks" / "requirements.txt")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    (wheel,) = (at_home / "notebooks").glob("*.whl")
    assert f"./{wheel.name}[lab,torch]" in lines
    (torch,) = [line for line in lines if line.startswith("torch")]
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert f"\n{torch}\n" in lock
    assert (at_home / "notebooks" / "runtime.txt").read_text(
        encoding="utf-8"
    ) == "python-3.11\n"


def test_a_lesson_is_described_by_what_its_reader_will_be_able_to_do(at_home):
    found = head(at_home / "chapters" / "lab_one.html")
    assert found["description"] == found["og:description"] == "Say what x_1 is."


def test_another_page_is_described_by_its_first_paragraph(at_home):
    assert head(at_home / "chapters" / "words.html")["description"] == "No code here."


def test_the_card_has_absolute_addresses_that_exist(at_home):
    found = head(at_home / "chapters" / "lab_one.html")
    assert found["og:url"] == f"{SITE}/chapters/lab_one.html"
    assert found["og:title"].endswith("The lab")
    assert found["og:type"] == "article"
    assert head(at_home / "chapters" / "index.html")["og:type"] == "website"
    assert found["twitter:card"] == "summary_large_image"
    assert found["og:image"].startswith(f"{SITE}/")
    card = at_home / found["og:image"].removeprefix(f"{SITE}/")
    assert card.read_bytes()[:4] == b"\x89PNG"
    # Width and height stand in a PNG's first chunk.
    size = [int.from_bytes(card.read_bytes()[k : k + 4]) for k in (16, 20)]
    assert size == [1200, 630]


@pytest.mark.parametrize("page", ["index", "chapters/lab_one"])
def test_the_canonical_address_is_the_pages_own(at_home, page):
    (link,) = soup(at_home / f"{page}.html").select("link[rel=canonical]")
    own = "chapters/index" if page == "index" else page
    assert link["href"] == f"{SITE}/{own}.html"
    assert "og:image" in head(at_home / f"{page}.html")


def test_the_sitemap_lists_every_page_with_its_day_where_git_knows_it(at_home):
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    urls = ElementTree.parse(at_home / "sitemap.xml").getroot()
    assert [[part.text for part in url] for url in urls.iter(f"{space}url")] == [
        [f"{SITE}/chapters/index.html"],
        [f"{SITE}/chapters/lab_one.html", "2020-02-03"],
        [f"{SITE}/chapters/words.html"],
    ]
    robots = (at_home / "robots.txt").read_text(encoding="utf-8")
    assert f"Sitemap: {SITE}/sitemap.xml\n" in robots


def test_a_page_says_when_its_file_was_last_changed_where_git_knows_it(at_home):
    (day,) = soup(at_home / "chapters" / "lab_one.html").select(".last-updated")
    assert "2020-02-03" in day.get_text()
    assert not soup(at_home / "chapters" / "words.html").select(".last-updated")


def test_the_dead_end_leads_to_every_page_from_any_depth(at_home):
    page = soup(at_home / "404.html")
    links = {link["href"] for link in page.select("a[href]")}
    assert {f"/some-book/chapters/{name}.html" for name in PAGES} <= links
    named = page.select("[src], link[href], form[action]")
    own = [tag.get("src") or tag.get("href") or tag.get("action") for tag in named]
    assert own
    assert not [a for a in own if not a.startswith(("/some-book/", f"{SITE}/"))]


def test_a_page_leads_on_from_a_section_that_has_moved(at_home, browser):
    page = browser.new_page()
    for start, end in (("gone", "lab_one.html#lab-one"), ("words", "words.html#words")):
        page.goto(f"{(at_home / 'chapters' / 'words.html').as_uri()}#{start}")
        page.wait_for_url(f"**/{end}")
    page.close()


def test_without_an_address_nothing_appears(nowhere):
    pages = sorted(nowhere.rglob("*.html"))
    assert len(pages) > 4
    for page in pages:
        assert not outside(page), page
        text = page.read_text(encoding="utf-8")
        for word in ("launch-buttons", "source-buttons", "canonical", "og:image"):
            assert word not in text, f"{page}: {word}"
    assert not (nowhere / "sitemap.xml").exists()
    assert not (nowhere / "robots.txt").exists()
    assert not list((nowhere / "notebooks").glob("*.txt"))
    notebook = (nowhere / "notebooks" / "lab_one.ipynb").read_text(encoding="utf-8")
    assert "http" not in notebook


def test_the_books_own_setting_is_of_a_form_that_works():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    settings = config["sphinx"]["config"]
    Addresses.of(settings["repository_url"], settings["site_url"])
