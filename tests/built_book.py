"""The book, built once from clean for all tests that look at it."""

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from chapter_files import ROOT
from jupyter_book_build import build


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


@pytest.fixture(scope="session")
def book(request) -> Book:
    """Build the book from clean in a folder of its own, with its progress shown."""
    folder = ROOT / "_build" / "test"
    shutil.rmtree(folder, ignore_errors=True)
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def echo(line):
        if "Executing notebook" in line:
            with capture.global_and_fixture_disabled():
                print("\n  " + line.strip(), end="", flush=True)

    code, log = build(ROOT, "--path-output", str(folder), echo=echo)
    if code:
        message = f"jupyter-book build failed, exit code {code}:\n{log[-8000:]}"
        pytest.fail(message, pytrace=False)
    return Book(folder, log)
