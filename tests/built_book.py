"""The book as ``make book`` leaves it, for all tests that look at it."""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from jupyter_cache import get_cache
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig

from chapter_files import ROOT
from jupyter_book_build import build


@dataclass(frozen=True)
class Book:
    """A built book."""

    folder: Path

    @property
    def html(self) -> Path:
        """The site."""
        return self.folder / "_build" / "html"

    @property
    def cache(self) -> Path:
        """The executed chapters, in a folder named by what their outputs depend on."""
        (folder,) = (self.folder / "_build" / ".jupyter_cache").iterdir()
        return folder

    @functools.cache  # noqa: B019 (the one book lives as long as the session)
    def notebook(self, name: str) -> nbformat.NotebookNode:
        """Return the executed chapter.

        From the cache: what myst-nb finds there it writes without outputs.
        """
        text = (self.folder / "chapters" / f"{name}.md").read_text(encoding="utf-8")
        notebook = read_myst_markdown_notebook(text, MdParserConfig())
        cache = get_cache(self.cache)
        notebook = cache.merge_match_into_notebook(notebook)[1]
        cache.db.dispose()  # Python 3.13 warns of a connection that is never closed
        return notebook

    @functools.cache  # noqa: B019
    def page(self, name: str) -> BeautifulSoup:
        """Return the chapter's page."""
        path = self.html / "chapters" / f"{name}.html"
        return BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")


@pytest.fixture(scope="session")
def book(request) -> Book:
    """The book: built now, or before where ``make test`` says so (BOOK=built)."""
    if os.environ.get("BOOK") != "built":
        if "PYTEST_XDIST_WORKER" in os.environ:
            pytest.fail("run `make book` first, then the tests with BOOK=built")
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            code, log = build(ROOT)
        if code:
            pytest.fail(f"jupyter-book build failed:\n{log[-8000:]}", pytrace=False)
    return Book(ROOT)
