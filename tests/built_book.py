"""The book, built once from clean for all tests that look at it."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from chapter_files import ROOT
from jupyter_book_build import build

FOLDER = ROOT / "_build" / "test"
LOG = FOLDER / "build.log"


@dataclass(frozen=True)
class Book:
    """A built book.

    Only a build from clean writes notebooks with outputs: on a cache hit myst-nb leaves
    the outputs out, and a comparison with them would compare nothing.
    """

    folder: Path
    log: str

    @property
    def html(self) -> Path:
        """The site."""
        return self.folder / "_build" / "html"

    def notebook_path(self, name: str) -> Path:
        """Return where the executed chapter is."""
        return self.folder / "_build" / "jupyter_execute" / "chapters" / f"{name}.ipynb"

    @cache  # noqa: B019 (the one book lives as long as the session)
    def notebook(self, name: str) -> nbformat.NotebookNode:
        """Return the executed chapter."""
        return nbformat.read(self.notebook_path(name), as_version=4)

    @cache  # noqa: B019
    def page(self, name: str) -> BeautifulSoup:
        """Return the chapter's page."""
        path = self.html / "chapters" / f"{name}.html"
        return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def build_book(echo: Callable[[str], None]) -> None:
    """Build the book from clean in a folder of its own; exit if that fails."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    code, log = build(ROOT, "--path-output", str(FOLDER), echo=echo)
    if code:
        sys.exit(f"jupyter-book build failed, exit code {code}:\n{log[-8000:]}")
    LOG.write_text(log, encoding="utf-8")


@pytest.fixture(scope="session")
def book(request) -> Book:
    """The book: built now, or before where ``make test`` says so (BOOK=built)."""
    if os.environ.get("BOOK") != "built":
        if "PYTEST_XDIST_WORKER" in os.environ:
            pytest.fail("run tests/built_book.py first, then with BOOK=built")
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            try:
                build_book(echo=show_progress)
            except SystemExit as failure:
                pytest.fail(str(failure), pytrace=False)
    return Book(FOLDER, LOG.read_text(encoding="utf-8"))


def show_progress(line: str) -> None:
    """Print the lines of a build's log that say which chapter is executed."""
    if "Executing notebook" in line:
        print("  " + line.strip(), flush=True)


if __name__ == "__main__":
    build_book(echo=show_progress)
